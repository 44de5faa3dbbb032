//! Serve: topics to the view that pages and the API read.
//!
//! The view is built from topics alone and carries its own positions in the same transaction as its changes
//! (O09): it can be wiped and rebuilt, and a crash between its transaction and the log's commit neither
//! repeats nor loses a change. A record that cannot be read is skipped and counted, not dead-lettered: it is
//! our own output, its original stays on its topic, and a dead letter about a dead letter would never end.

mod changes;

use crate::log::{Commit, Position, Record, TopicPartition};
use crate::read_model::{OpenRequests, ViewChange, ViewWriter, WriteError};
use crate::settings::CheckedEngineSettings;
use crate::telemetry::{Metrics, happening};
use crate::turn::{Assignment, Stage, StageError, Tick};
use auscult_core::time::{SECOND, Timestamp};
use changes::{Kind, Seen};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The stage's name.
const NAME: &str = "serve";

/// Called after each durable turn with what changed, to wake open pages.
pub type OnChange = Box<dyn Fn(&[Changed]) + Send>;

/// What a turn changed, by id and never by content: pages ask again with their own rights.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Changed {
    /// A signal was raised, updated, resolved, retracted or answered.
    Signal(String),
    /// A safety candidate came in, was escalated or was answered.
    Safety(String),
    /// A medical request came in or was answered.
    Request(String),
    /// An action was recorded, or something came of it.
    Action(String),
    /// Feeds or dead letters changed.
    Operations,
}

/// What is known of an assigned partition.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    /// Next offset the view wants: older records are in it already.
    view: Position,
    /// What the group has committed; a view that is being rebuilt commits nothing before it.
    committed: Position,
}

/// Topics to view.
pub struct ServeStage<W> {
    view: W,
    kinds: BTreeMap<String, Kind>,
    silent_after: i64,
    metrics: Arc<Metrics>,
    held: BTreeMap<TopicPartition, Held>,
    moved: BTreeMap<TopicPartition, Position>,
    changed: Vec<Changed>,
    on_change: OnChange,
    /// Open medical requests; `None`: to be asked of the view.
    requests: Option<OpenRequests>,
}

impl<W: ViewWriter> ServeStage<W> {
    /// A stage that writes into `view` and calls `on_change` after each turn that changed something.
    #[must_use]
    pub fn new(
        view: W,
        settings: &CheckedEngineSettings,
        metrics: Arc<Metrics>,
        on_change: OnChange,
    ) -> ServeStage<W> {
        let silent = settings.serve.feed_silent_after_seconds;
        ServeStage {
            view,
            kinds: Kind::by_topic(&settings.topics),
            silent_after: i64::try_from(silent)
                .unwrap_or(i64::MAX)
                .saturating_mul(SECOND),
            metrics,
            held: BTreeMap::new(),
            moved: BTreeMap::new(),
            changed: Vec::new(),
            on_change,
            requests: None,
        }
    }

    /// The view, for tests and for tools that read through the same handle.
    pub fn view(&self) -> &W {
        &self.view
    }

    fn wants(&self, record: &Record) -> bool {
        self.held
            .get(&record.at)
            .is_none_or(|held| record.offset >= held.view.0)
    }

    /// One transaction of the view.
    fn write(
        &mut self,
        records: &[&Record],
        positions: &BTreeMap<TopicPartition, Position>,
    ) -> Result<(), StageError> {
        let changes = self.read(records)?;
        let kinds = changes::count_by_kind(&changes);
        let changed = changes::what_changed(&changes);
        let listed: Vec<_> = positions
            .iter()
            .filter(|(partition, position)| {
                self.held
                    .get(partition)
                    .is_none_or(|held| **position > held.view)
            })
            .map(|(partition, position)| (partition.clone(), *position))
            .collect();
        self.view.apply(changes, &listed).map_err(blocked)?;
        for (partition, position) in listed {
            self.held.entry(partition).or_default().view = position;
        }
        let is_request = |change: &Changed| matches!(change, Changed::Request(_));
        if changed.iter().any(is_request) {
            self.requests = None;
        }
        self.changed.extend(changed);
        for (kind, count) in kinds {
            happening::ViewChanged { kind, count }.emit(&self.metrics);
        }
        Ok(())
    }

    fn read(&self, records: &[&Record]) -> Result<Vec<ViewChange>, StageError> {
        let mut seen = Seen::new(self.silent_after);
        for record in records {
            let kind = self.kinds.get(record.at.topic.as_ref()).ok_or_else(|| {
                StageError::Fatal(format!("the log handed Serve a record of {}, which it does not read; check engine.topics", record.at))
            })?;
            if let Err(refusal) = seen.take(*kind, record) {
                let place = format!("{}@{}", record.at, record.offset);
                happening::ViewSkipped {
                    code: refusal.code.as_str(),
                    place: &place,
                }
                .emit(&self.metrics);
            }
        }
        Ok(seen.into_changes())
    }
}

fn blocked(error: WriteError) -> StageError {
    match error {
        WriteError::Busy(reason) => StageError::Retry(reason),
        WriteError::Broken(message) => StageError::Fatal(message),
    }
}

impl<W: ViewWriter> Stage for ServeStage<W> {
    fn name(&self) -> &'static str {
        NAME
    }

    /// A view that holds less than the group committed (wiped, or an old copy) is read for from where it stands;
    /// one that holds more skips what it has, which needs nothing of the log.
    fn resume_at(
        &mut self,
        partition: &TopicPartition,
        committed: Position,
    ) -> Result<Position, StageError> {
        let view = self
            .view
            .position(partition)
            .map_err(blocked)?
            .unwrap_or_default();
        self.held
            .insert(partition.clone(), Held { view, committed });
        Ok(view.min(committed))
    }

    fn assigned(&mut self, _: Assignment, _: Timestamp) -> Result<(), StageError> {
        Ok(())
    }

    fn revoked(&mut self, partition: &TopicPartition) {
        self.held.remove(partition);
        self.moved.remove(partition);
    }

    fn fenced(&mut self) {
        self.held.clear();
        self.moved.clear();
        self.changed.clear();
    }

    /// Reads and writes in one step: after [`StageError::Retry`] the same records come again and nothing was
    /// kept, so the changes need no copy.
    fn apply(&mut self, records: &[Record], _: Timestamp) -> Result<(), StageError> {
        let fresh: Vec<&Record> = records.iter().filter(|record| self.wants(record)).collect();
        let mut positions = BTreeMap::new();
        for record in records {
            positions.insert(record.at.clone(), Position(record.offset + 1));
        }
        if !fresh.is_empty() {
            self.write(&fresh, &positions)?;
        }
        self.moved.extend(positions);
        Ok(())
    }

    /// The age of the oldest request grows by itself, so it is told each turn. A view that cannot be asked now is asked
    /// in the next one; if it is broken, the next write says so.
    fn tick(&mut self, tick: Tick) {
        if self.requests.is_none() {
            self.requests = self.view.open_requests().ok();
        }
        let Some(open) = self.requests else {
            return;
        };
        let age = |at: Timestamp| tick.now.0.saturating_sub(at.0).max(0) as f64 / SECOND as f64;
        happening::MedicalRequestsOpen {
            count: open.count,
            oldest_seconds: open.oldest.map_or(0.0, age),
        }
        .emit(&self.metrics);
    }

    fn commit(&mut self) -> Result<Commit, StageError> {
        let moved = std::mem::take(&mut self.moved).into_iter();
        let forward = moved.filter(|(partition, position)| {
            self.held
                .get(partition)
                .is_none_or(|held| *position > held.committed)
        });
        Ok(Commit {
            positions: forward
                .map(|(partition, position)| (partition, position, String::new()))
                .collect(),
            ..Commit::default()
        })
    }

    fn committed(&mut self) -> Result<(), StageError> {
        if !self.changed.is_empty() {
            self.changed.sort();
            self.changed.dedup();
            (self.on_change)(&std::mem::take(&mut self.changed));
        }
        Ok(())
    }
}
