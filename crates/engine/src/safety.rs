//! The safety watch: candidates and acknowledgements in, escalations out (N17).
//!
//! A stage of its own, run wherever Listen runs: whoever can find a candidate also sees to it that it is taken in, so no
//! choice of roles leaves the watch out. It remembers in state records what was handed over and what came back, so a
//! restart neither forgets nor repeats; the moment a candidate was handed over is the clock's, and is a record before
//! anything follows from it. Why not in Serve: decision 0030.
//!
//! Partition `i` of candidates and of acknowledgements are watched together: both topics have the key
//! `tenant|candidate_id`. Nothing here looks at backfill, budget, consent or a signal: none of them can mute it (N18).

mod hand_off;

pub use hand_off::{Acknowledged, HandOffs, HandedOver, Standing};

use crate::listen::stage::{dead_letter, outgoing};
use crate::log::{Commit, Outgoing, Position, Record, StateRecord, TopicPartition};
use crate::settings::CheckedEngineSettings;
use crate::telemetry::{Metrics, happening};
use crate::turn::{Assignment, Stage, StageError, Tick};
use auscult_core::time::{DAY, HOUR, MINUTE, SECOND, Timestamp};
use auscult_wire::{
    WireError, decode_safety_ack, decode_safety_candidate, encode_safety_escalation,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The stage's name.
const NAME: &str = "safety";
/// After a start, acknowledgements may lie unread. The watch waits until it has read everything there was, but no longer
/// than this: a topic that never falls quiet must not be a reason to escalate nothing.
const CATCH_UP_PATIENCE: i64 = 15 * MINUTE;
/// Escalations of one turn; the others come in the next.
const ESCALATIONS_A_TURN: usize = 1_000;
/// How often the figures are told when nothing changed: ages grow by themselves.
const TELL_EVERY: i64 = 10 * SECOND;
/// How often acknowledgements that are remembered no longer are looked for.
const FORGET_EVERY: i64 = HOUR;

/// Topic names.
#[derive(Debug, Clone)]
struct Topics {
    candidates: Arc<str>,
    acks: Arc<str>,
    escalations: Arc<str>,
    dead_letters: Arc<str>,
}

/// Which of the two topics a position belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Candidates,
    Acks,
}

/// What a turn did, told when it is durable.
#[derive(Debug, Default)]
struct Tally {
    new: usize,
    again: usize,
    acknowledged: Vec<happening::SafetyAcknowledged>,
    escalated: Vec<happening::SafetyEscalated>,
}

/// Candidates and acknowledgements to escalations.
pub struct SafetyStage {
    topics: Topics,
    escalate_after: i64,
    remember: i64,
    metrics: Arc<Metrics>,
    hand_offs: BTreeMap<u32, HandOffs>,
    moved: BTreeMap<(u32, Side), Position>,
    outgoing: Vec<Outgoing>,
    tally: Tally,
    /// Since when partitions are being caught up with; `None`: everything there was has been read.
    catching_up_since: Option<Timestamp>,
    told_at: Option<Timestamp>,
    forgot_at: Option<Timestamp>,
}

impl SafetyStage {
    /// A stage that holds no partition yet.
    #[must_use]
    pub fn new(settings: &CheckedEngineSettings, metrics: Arc<Metrics>) -> SafetyStage {
        let name = |topic: &str| Arc::<str>::from(topic);
        let (topics, safety) = (&settings.topics, settings.safety);
        SafetyStage {
            topics: Topics {
                candidates: name(&topics.safety_candidates),
                acks: name(&topics.safety_acks),
                escalations: name(&topics.safety_escalations),
                dead_letters: name(&topics.dead_letters),
            },
            escalate_after: i64::from(safety.escalate_after_hours) * HOUR,
            remember: i64::from(safety.remember_acks_days) * DAY,
            metrics,
            hand_offs: BTreeMap::new(),
            moved: BTreeMap::new(),
            outgoing: Vec::new(),
            tally: Tally::default(),
            catching_up_since: None,
            told_at: None,
            forgot_at: None,
        }
    }

    /// How the hand-off stands at `now`, over the partitions held here.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        let each = self.hand_offs.values().map(|held| held.standing(now));
        each.fold(Standing::default(), Standing::and)
    }

    fn side(&self, topic: &str) -> Result<Side, StageError> {
        if topic == self.topics.candidates.as_ref() {
            Ok(Side::Candidates)
        } else if topic == self.topics.acks.as_ref() {
            Ok(Side::Acks)
        } else {
            Err(StageError::Fatal(format!(
                "the log handed the safety watch a record of {topic}, which it does not read; check engine.topics"
            )))
        }
    }

    fn take(&mut self, record: &Record, now: Timestamp) -> Result<(), StageError> {
        let number = record.at.partition;
        let side = self.side(&record.at.topic)?;
        let held = self.hand_offs.get_mut(&number).ok_or_else(|| {
            StageError::Fatal(format!(
                "{} came without {}/{number}; both must be assigned together",
                record.at, self.topics.candidates
            ))
        })?;
        self.moved
            .insert((number, side), Position(record.offset + 1));
        // A tombstone (erasure, compaction) takes nothing back: only an acknowledgement does.
        let Some(value) = record.value.as_deref() else {
            return Ok(());
        };
        let taken = match side {
            Side::Candidates => hand_over(held, record, value, now, &mut self.tally),
            Side::Acks => acknowledge(held, record, value, now, &mut self.tally),
        };
        if let Err(refusal) = taken {
            let place = format!("{}@{}", record.at, record.offset);
            happening::DeadLettered {
                stage: NAME,
                code: refusal.code.as_str(),
                place: &place,
            }
            .emit(&self.metrics);
            let letters = &self.topics.dead_letters;
            self.outgoing
                .push(dead_letter(letters, record, &refusal, now));
        }
        Ok(())
    }

    /// Whether what is missing is missing, and not merely unread.
    fn has_caught_up(&mut self, tick: Tick) -> bool {
        let Some(since) = self.catching_up_since else {
            return true;
        };
        let waited = tick.now.0.saturating_sub(since.0) >= CATCH_UP_PATIENCE;
        if tick.quiet || waited {
            self.catching_up_since = None;
        }
        self.catching_up_since.is_none()
    }

    fn escalate(&mut self, now: Timestamp) {
        for held in self.hand_offs.values_mut() {
            let room = ESCALATIONS_A_TURN.saturating_sub(self.tally.escalated.len());
            for (tenant, escalation) in held.escalate(now, self.escalate_after, room) {
                self.tally.escalated.push(happening::SafetyEscalated {
                    candidate_id: escalation.candidate_id.clone(),
                    handed_over_at: escalation.handed_over_at.0,
                    intake_due: escalation.intake_due.0,
                });
                let encoded = encode_safety_escalation(&tenant, &escalation);
                self.outgoing
                    .push(outgoing(&self.topics.escalations, encoded));
            }
        }
    }

    fn forget(&mut self, now: Timestamp) {
        let is_time = self
            .forgot_at
            .is_none_or(|at| now.0.saturating_sub(at.0) >= FORGET_EVERY);
        if is_time {
            self.forgot_at = Some(now);
            for held in self.hand_offs.values_mut() {
                held.forget_acknowledged_before(now.plus(-self.remember));
            }
        }
    }

    fn tell(&mut self, now: Timestamp, changed: bool) {
        let is_time = self
            .told_at
            .is_none_or(|at| now.0.saturating_sub(at.0) >= TELL_EVERY);
        if changed || is_time {
            self.told_at = Some(now);
            let standing = self.standing(now);
            let oldest = standing.oldest.map_or(0, |at| now.0.saturating_sub(at.0));
            happening::SafetyStanding {
                waiting: standing.waiting,
                escalated: standing.escalated,
                intake_overdue: standing.intake_overdue,
                oldest_seconds: oldest.max(0) as f64 / SECOND as f64,
            }
            .emit(&self.metrics);
        }
    }
}

fn hand_over(
    held: &mut HandOffs,
    record: &Record,
    value: &[u8],
    now: Timestamp,
    tally: &mut Tally,
) -> Result<(), WireError> {
    let event = decode_safety_candidate(&record.headers, value)?;
    let tenant = event.envelope.tenant_id.as_deref().unwrap_or_default();
    match held.hand_over(tenant, &event.data, now) {
        HandedOver::New => tally.new += 1,
        HandedOver::Again => tally.again += 1,
    }
    Ok(())
}

fn acknowledge(
    held: &mut HandOffs,
    record: &Record,
    value: &[u8],
    now: Timestamp,
    tally: &mut Tally,
) -> Result<(), WireError> {
    let ack = decode_safety_ack(&record.headers, value)?.data;
    let met = held.acknowledge(&ack.candidate_id, now);
    tally.acknowledged.push(happening::SafetyAcknowledged {
        met: met.as_str(),
        candidate_id: ack.candidate_id,
    });
    Ok(())
}

impl Stage for SafetyStage {
    fn name(&self) -> &'static str {
        NAME
    }

    fn wants_state(&self, partition: &TopicPartition) -> bool {
        partition.topic == self.topics.candidates
    }

    fn assigned(&mut self, assignment: Assignment, now: Timestamp) -> Result<(), StageError> {
        self.catching_up_since = Some(now);
        if self.side(&assignment.partition.topic)? == Side::Acks {
            return Ok(());
        }
        let live = assignment
            .state
            .into_iter()
            .filter_map(|record| Some((record.key, record.value?)));
        let held = HandOffs::restore(live).map_err(|error| {
            StageError::Fatal(format!(
                "what the safety watch remembers of {} cannot be restored: {error}",
                assignment.partition
            ))
        })?;
        self.hand_offs.insert(assignment.partition.partition, held);
        Ok(())
    }

    fn revoked(&mut self, partition: &TopicPartition) {
        let Ok(side) = self.side(&partition.topic) else {
            return;
        };
        self.moved.remove(&(partition.partition, side));
        if side == Side::Candidates {
            self.hand_offs.remove(&partition.partition);
        }
        self.told_at = None;
    }

    fn fenced(&mut self) {
        self.hand_offs.clear();
        self.moved.clear();
        self.outgoing.clear();
        self.tally = Tally::default();
        self.told_at = None;
    }

    fn apply(&mut self, records: &[Record], now: Timestamp) -> Result<(), StageError> {
        records.iter().try_for_each(|record| self.take(record, now))
    }

    fn tick(&mut self, tick: Tick) {
        if self.has_caught_up(tick) {
            self.escalate(tick.now);
        }
        self.forget(tick.now);
        let changed = !self.moved.is_empty() || !self.tally.escalated.is_empty();
        self.tell(tick.now, changed);
    }

    fn commit(&mut self) -> Result<Commit, StageError> {
        let mut commit = Commit {
            outgoing: std::mem::take(&mut self.outgoing),
            ..Commit::default()
        };
        for ((number, side), position) in std::mem::take(&mut self.moved) {
            let topic = match side {
                Side::Candidates => &self.topics.candidates,
                Side::Acks => &self.topics.acks,
            };
            let partition = TopicPartition {
                topic: Arc::clone(topic),
                partition: number,
            };
            commit.positions.push((partition, position, String::new()));
        }
        for (number, held) in &mut self.hand_offs {
            let changes = held.take_changes();
            if !changes.is_empty() {
                let partition = TopicPartition {
                    topic: Arc::clone(&self.topics.candidates),
                    partition: *number,
                };
                let records = changes.into_iter();
                let records = records.map(|(key, value)| StateRecord { key, value });
                commit.state.push((partition, records.collect()));
            }
        }
        Ok(commit)
    }

    fn committed(&mut self) -> Result<(), StageError> {
        let tally = std::mem::take(&mut self.tally);
        happening::SafetyHandedOver {
            new: tally.new,
            again: tally.again,
        }
        .emit(&self.metrics);
        for acknowledged in tally.acknowledged {
            acknowledged.emit(&self.metrics);
        }
        for escalated in tally.escalated {
            escalated.emit(&self.metrics);
        }
        Ok(())
    }
}
