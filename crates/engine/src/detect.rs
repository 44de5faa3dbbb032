//! Detect: mentions, answers and actions in; alerts, series and outcomes out; one deterministic machine per mentions partition.
//!
//! Partition `i` of mentions, of dispositions and of actions feed the same machine, so an answer meets the signal it is
//! about; that both are assigned together is the log adapter's duty, and breaking it stops the stage.
//! Undecodable records become dead letters and the position moves on: one poisoned record must not hold a
//! portfolio. The stage decodes, applies and encodes; every decision is the machine's.

use crate::listen::stage::{dead_letter, outgoing};
use crate::log::{Commit, Outgoing, Position, Record, StateRecord, TopicPartition};
use crate::settings::CheckedEngineSettings;
use crate::telemetry::{Metrics, happening};
use crate::turn::{Assignment, Stage, StageError, Tick};
use auscult_core::alert::Alert;
use auscult_core::effect::{Effect, Rejection};
use auscult_core::input::Input;
use auscult_core::partition::Partition;
use auscult_core::settings::CheckedDetectSettings;
use auscult_core::time::Timestamp;
use auscult_core::words::StandardDimension;
use auscult_wire::{
    ErrorCode, MentionRecord, Projection, WireError, decode_action, decode_disposition,
    decode_mention_record, encode_alert, encode_outcome, encode_series_point,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The stage's name.
const NAME: &str = "detect";

/// Topic names, shared by every outgoing record.
#[derive(Debug, Clone)]
struct Topics {
    mentions: Arc<str>,
    dispositions: Arc<str>,
    actions: Arc<str>,
    outcomes: Arc<str>,
    alerts: Arc<str>,
    alerts_medical: Arc<str>,
    signals: Arc<str>,
    series: Arc<str>,
    dead_letters: Arc<str>,
}

/// Which of its topics a position belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Mentions,
    Dispositions,
    Actions,
}

/// A machine that is ours.
struct Held {
    partition: Partition,
    counted: Counted,
    dirty: bool,
}

/// Counters already told to the metrics.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    applied: u64,
    duplicate: u64,
    too_late: u64,
    rejected: u64,
}

/// Mentions to signals.
pub struct DetectStage {
    settings: Arc<CheckedDetectSettings>,
    topics: Topics,
    metrics: Arc<Metrics>,
    machines: BTreeMap<u32, Held>,
    moved: BTreeMap<(u32, Side), Position>,
    outgoing: Vec<Outgoing>,
    effects: Vec<Effect>,
    sent: Vec<happening::AlertSent>,
    estimated: Vec<happening::OutcomeEstimated>,
    rejections: BTreeMap<Rejection, u64>,
}

impl DetectStage {
    /// A stage that holds no partition yet.
    #[must_use]
    pub fn new(
        detect: Arc<CheckedDetectSettings>,
        settings: &CheckedEngineSettings,
        metrics: Arc<Metrics>,
    ) -> DetectStage {
        let name = |topic: &str| Arc::<str>::from(topic);
        DetectStage {
            settings: detect,
            topics: Topics {
                mentions: name(&settings.topics.mentions),
                dispositions: name(&settings.topics.dispositions),
                actions: name(&settings.topics.actions),
                outcomes: name(&settings.topics.outcomes),
                alerts: name(&settings.topics.alerts),
                alerts_medical: name(&settings.topics.alerts_medical),
                signals: name(&settings.topics.signals),
                series: name(&settings.topics.series),
                dead_letters: name(&settings.topics.dead_letters),
            },
            metrics,
            machines: BTreeMap::new(),
            moved: BTreeMap::new(),
            outgoing: Vec::new(),
            effects: Vec::new(),
            sent: Vec::new(),
            estimated: Vec::new(),
            rejections: BTreeMap::new(),
        }
    }

    /// The machines held here, by partition.
    pub fn machines(&self) -> impl Iterator<Item = (u32, &Partition)> {
        self.machines
            .iter()
            .map(|(number, held)| (*number, &held.partition))
    }

    fn side(&self, topic: &str) -> Result<Side, StageError> {
        if topic == self.topics.mentions.as_ref() {
            Ok(Side::Mentions)
        } else if topic == self.topics.dispositions.as_ref() {
            Ok(Side::Dispositions)
        } else if topic == self.topics.actions.as_ref() {
            Ok(Side::Actions)
        } else {
            Err(StageError::Fatal(format!(
                "the log handed Detect a record of {topic}, which it does not read; check engine.topics"
            )))
        }
    }

    fn take(&mut self, record: &Record, now: Timestamp) -> Result<(), StageError> {
        let number = record.at.partition;
        let side = self.side(&record.at.topic)?;
        let held = self.machines.get_mut(&number).ok_or_else(|| {
            StageError::Fatal(format!(
                "{} came without {}/{number}; both must be assigned together",
                record.at, self.topics.mentions
            ))
        })?;
        let applied = match side {
            Side::Mentions => apply_mention(&mut held.partition, record, &mut self.effects),
            Side::Dispositions => apply_disposition(&mut held.partition, record, &mut self.effects),
            Side::Actions => apply_action(&mut held.partition, record, &mut self.effects),
        };
        held.dirty = true;
        self.moved
            .insert((number, side), Position(record.offset + 1));
        if let Err(refusal) = applied {
            let place = format!("{}@{}", record.at, record.offset);
            happening::DeadLettered {
                stage: NAME,
                code: refusal.code.as_str(),
                place: &place,
            }
            .emit(&self.metrics);
            self.outgoing.push(dead_letter(
                &self.topics.dead_letters,
                record,
                &refusal,
                now,
            ));
        }
        self.encode_effects();
        Ok(())
    }

    fn encode_effects(&mut self) {
        let mut effects = std::mem::take(&mut self.effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::Alert(alert) => {
                    if !is_medical(&alert) {
                        let shared = outgoing(
                            &self.topics.alerts,
                            encode_alert(&alert, Projection::Shared),
                        );
                        self.outgoing.push(Outgoing {
                            topic: Arc::clone(&self.topics.signals),
                            ..shared.clone()
                        });
                        self.outgoing.push(shared);
                    }
                    self.outgoing.push(outgoing(
                        &self.topics.alerts_medical,
                        encode_alert(&alert, Projection::Medical),
                    ));
                    self.sent.push(happening::AlertSent {
                        change: alert.change.as_str(),
                        severity: alert.severity.as_str(),
                        signal_id: alert.signal_id,
                        revision: alert.revision,
                        notified: alert.suppressed_by.is_empty(),
                    });
                }
                Effect::SeriesPoint(point) => self
                    .outgoing
                    .push(outgoing(&self.topics.series, encode_series_point(&point))),
                Effect::Outcome(outcome) => {
                    self.outgoing
                        .push(outgoing(&self.topics.outcomes, encode_outcome(&outcome)));
                    self.estimated.push(happening::OutcomeEstimated {
                        stage: outcome.stage.as_str(),
                        verdict: outcome.figures.verdict.as_str(),
                        action_id: outcome.action_id,
                        revision: outcome.revision,
                    });
                }
                Effect::Rejected(rejection) => *self.rejections.entry(rejection).or_default() += 1,
            }
        }
        self.effects = effects;
    }

    fn topic_of(&self, side: Side) -> &Arc<str> {
        match side {
            Side::Mentions => &self.topics.mentions,
            Side::Dispositions => &self.topics.dispositions,
            Side::Actions => &self.topics.actions,
        }
    }
}

/// Whether an alert tells what people think of a belief statement: it then goes to the medical topic alone (U07).
fn is_medical(alert: &Alert) -> bool {
    let stance = StandardDimension::Stance.as_str();
    alert.labels.iter().any(|(name, _)| name == stance)
}

/// Decodes and applies one record of the mentions topic.
fn apply_mention(
    partition: &mut Partition,
    record: &Record,
    effects: &mut Vec<Effect>,
) -> Result<(), WireError> {
    match decode_mention_record(&record.headers, value_of(record)?)? {
        MentionRecord::Mention(mention) => partition.apply(&Input::Mention(&mention), effects),
        MentionRecord::Marker(marker) => partition.apply(&Input::Marker(&marker), effects),
    }
    Ok(())
}

/// Decodes and applies one answer. Its portfolio is its key; the machine refuses what it does not know.
fn apply_disposition(
    partition: &mut Partition,
    record: &Record,
    effects: &mut Vec<Effect>,
) -> Result<(), WireError> {
    let event = decode_disposition(&record.headers, value_of(record)?)?;
    let disposition = event.data.into_disposition(portfolio_of(record));
    partition.apply(&Input::Disposition(&disposition), effects);
    Ok(())
}

/// Decodes and applies what people say of an action; the machine refuses what may not follow.
fn apply_action(
    partition: &mut Partition,
    record: &Record,
    effects: &mut Vec<Effect>,
) -> Result<(), WireError> {
    let event = decode_action(&record.headers, value_of(record)?)?;
    let action = event
        .data
        .to_action(&event.envelope.id, portfolio_of(record));
    partition.apply(&Input::Action(&action), effects);
    Ok(())
}

/// What people say has its portfolio as its key.
fn portfolio_of(record: &Record) -> &str {
    let key = record.key.as_deref();
    key.and_then(|key| std::str::from_utf8(key).ok())
        .unwrap_or_default()
}

fn value_of(record: &Record) -> Result<&[u8], WireError> {
    record.value.as_deref().ok_or_else(|| {
        WireError::new(
            ErrorCode::EventEmpty,
            "",
            "a tombstone has no meaning on this topic",
        )
    })
}

impl Stage for DetectStage {
    fn name(&self) -> &'static str {
        NAME
    }

    fn wants_state(&self, partition: &TopicPartition) -> bool {
        partition.topic == self.topics.mentions
    }

    fn assigned(&mut self, assignment: Assignment, _: Timestamp) -> Result<(), StageError> {
        let number = assignment.partition.partition;
        let side = self.side(&assignment.partition.topic)?;
        if side != Side::Mentions {
            return Ok(());
        }
        let live = assignment
            .state
            .into_iter()
            .filter_map(|record| Some((record.key, record.value?)))
            .collect();
        let partition = Partition::restore(Arc::clone(&self.settings), live).map_err(|error| {
            StageError::Fatal(format!(
                "the state of {} cannot be restored: {error}",
                assignment.partition
            ))
        })?;
        let counted = Counted::of(&partition);
        self.machines.insert(
            number,
            Held {
                partition,
                counted,
                dirty: false,
            },
        );
        Ok(())
    }

    fn revoked(&mut self, partition: &TopicPartition) {
        let Ok(side) = self.side(&partition.topic) else {
            return;
        };
        self.moved.remove(&(partition.partition, side));
        if side == Side::Mentions {
            self.machines.remove(&partition.partition);
        }
    }

    fn fenced(&mut self) {
        self.machines.clear();
        self.moved.clear();
        self.outgoing.clear();
        self.effects.clear();
        self.sent.clear();
        self.estimated.clear();
        self.rejections.clear();
    }

    fn apply(&mut self, records: &[Record], now: Timestamp) -> Result<(), StageError> {
        records.iter().try_for_each(|record| self.take(record, now))
    }

    fn tick(&mut self, _: Tick) {}

    fn commit(&mut self) -> Result<Commit, StageError> {
        let mut commit = Commit {
            outgoing: std::mem::take(&mut self.outgoing),
            ..Commit::default()
        };
        for ((number, side), position) in std::mem::take(&mut self.moved) {
            let partition = TopicPartition {
                topic: Arc::clone(self.topic_of(side)),
                partition: number,
            };
            commit.positions.push((partition, position, String::new()));
        }
        for (number, held) in &mut self.machines {
            if !std::mem::take(&mut held.dirty) {
                continue;
            }
            let changes = held.partition.take_changes();
            if !changes.is_empty() {
                let partition = TopicPartition {
                    topic: Arc::clone(&self.topics.mentions),
                    partition: *number,
                };
                commit.state.push((
                    partition,
                    changes
                        .into_iter()
                        .map(|(key, value)| StateRecord { key, value })
                        .collect(),
                ));
            }
        }
        Ok(commit)
    }

    fn committed(&mut self) -> Result<(), StageError> {
        for sent in self.sent.drain(..) {
            sent.emit(&self.metrics);
        }
        for estimated in self.estimated.drain(..) {
            estimated.emit(&self.metrics);
        }
        for held in self.machines.values_mut() {
            let now = Counted::of(&held.partition);
            now.tell_since(held.counted, &self.metrics);
            held.counted = now;
        }
        for (rejection, count) in std::mem::take(&mut self.rejections) {
            happening::InputsRejected {
                reason: rejection.as_str(),
                count,
            }
            .emit(&self.metrics);
        }
        Ok(())
    }
}

impl Counted {
    fn of(partition: &Partition) -> Counted {
        let counters = partition.counters();
        Counted {
            applied: counters.applied,
            duplicate: counters.duplicate,
            too_late: counters.too_late,
            rejected: counters.rejected,
        }
    }

    fn tell_since(self, before: Counted, metrics: &Metrics) {
        let results = [
            ("applied", self.applied, before.applied),
            ("duplicate", self.duplicate, before.duplicate),
            ("late", self.too_late, before.too_late),
            ("rejected", self.rejected, before.rejected),
        ];
        for (result, now, then) in results {
            happening::InputsApplied {
                result,
                count: now.saturating_sub(then),
            }
            .emit(metrics);
        }
    }
}
