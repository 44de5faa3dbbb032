//! A turn: poll, apply in order, tick, commit once. One pass is a function you can call from a test.
//!
//! The turn is a small state machine ([`Phase`]) rather than a loop body, because each of its steps can ask
//! for a pause and must then be taken up again where it stopped: a refused commit is offered again *as it
//! was*, never rebuilt, so a stage is asked to apply each record exactly once per assignment. The rejected
//! alternative, replaying the batch into a stage that already applied it, needs stages that can undo.

mod bounds;
mod worker;

pub use bounds::{BatchSize, TurnBounds};
pub use worker::{Backoff, Running, Worker, WorkerEnd};

use crate::clock::Clock;
use crate::log::{Commit, Log, LogError, LogEvent, Position, Record, StateRecord, TopicPartition};
use crate::telemetry::{Metrics, happening};
use auscult_core::time::Timestamp;
use std::collections::VecDeque;
use std::sync::Arc;

/// A partition that became ours, with everything needed to go on where its last owner stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Which one.
    pub partition: TopicPartition,
    /// Next offset to read.
    pub position: Position,
    /// What was committed beside the position.
    pub metadata: String,
    /// Live state records in key order; empty unless [`Stage::wants_state`].
    pub state: Vec<StateRecord>,
}

/// What a stage may see of the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// The engine's clock.
    pub now: Timestamp,
    /// Whether nothing is left to read, as far as the log can tell.
    pub drained: bool,
    /// Whether nothing is left to read for certain: the log says so, or [`QUIET_POLLS`] polls in a row brought
    /// nothing. What is decided on it (moving a source partition on without an event) cannot be taken back.
    pub quiet: bool,
}

/// Polls in a row without any event after which a log that does not count is taken to be quiet.
pub const QUIET_POLLS: u32 = 3;

/// Why a stage cannot go on, by what the turn does about it.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// Ask the stage for the same step again after a pause.
    #[error("{0}")]
    Retry(String),
    /// A person must act.
    #[error("{0}")]
    Fatal(String),
}

/// One part of the engine: what it does with records, and what it wants made durable.
///
/// [`Stage::prepare`] comes first of all. Then calls come in this order, each turn: `revoked`/`assigned`*, `apply`, `tick`, `commit`, `committed`.
pub trait Stage: Send {
    /// A word for threads, logs and metrics: `listen`, `detect`, `serve`.
    fn name(&self) -> &'static str;

    /// Whether the state records of `partition` are to be restored for this stage.
    fn wants_state(&self, partition: &TopicPartition) -> bool {
        let _ = partition;
        false
    }

    /// One step of what the stage needs before its first poll; `true` when it may begin. Called until then.
    ///
    /// # Errors
    /// [`StageError::Retry`] to be asked again after a pause, [`StageError::Fatal`] when a person must act.
    fn prepare(&mut self) -> Result<bool, StageError> {
        Ok(true)
    }

    /// A partition is ours.
    ///
    /// # Errors
    /// State that cannot be read is [`StageError::Fatal`].
    fn assigned(&mut self, assignment: Assignment, now: Timestamp) -> Result<(), StageError>;

    /// A partition is ours no more. The turn has already dropped its unapplied records.
    fn revoked(&mut self, partition: &TopicPartition);

    /// All partitions are gone and the last turn was not committed: forget everything.
    fn fenced(&mut self);

    /// Where reading `partition` must start, when the stage knows better than the log's `committed` position: a
    /// view that was wiped starts again from the beginning.
    ///
    /// # Errors
    /// A store of the stage cannot be asked.
    fn resume_at(
        &mut self,
        partition: &TopicPartition,
        committed: Position,
    ) -> Result<Position, StageError> {
        let _ = partition;
        Ok(committed)
    }

    /// Applies records in order. Bad input is not an error: it becomes a value (dead letter, rejection).
    ///
    /// # Errors
    /// [`StageError::Retry`] when nothing of `records` was applied and the same call should be made again;
    /// [`StageError::Fatal`] for a broken promise of an adapter.
    fn apply(&mut self, records: &[Record], now: Timestamp) -> Result<(), StageError>;

    /// One tick a turn, also when nothing was read: idle feeds move on here.
    fn tick(&mut self, tick: Tick);

    /// Hands over everything since the last commit. Called again after [`StageError::Retry`].
    ///
    /// # Errors
    /// [`StageError::Retry`] when a store of the stage is busy, [`StageError::Fatal`] when it is broken.
    fn commit(&mut self) -> Result<Commit, StageError>;

    /// The commit is durable.
    ///
    /// # Errors
    /// [`StageError::Fatal`] to stop *after* the turn is safe, such as for too many dead letters.
    fn committed(&mut self) -> Result<(), StageError> {
        Ok(())
    }
}

/// What one pass came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnOutcome {
    /// A turn was made durable.
    Committed {
        /// Records applied in it.
        records: usize,
        /// Records written by it.
        outgoing: usize,
        /// Nothing was left to read when it began.
        drained: bool,
    },
    /// Nothing to do.
    Idle,
    /// The same step must be tried again after a pause.
    Retry(String),
    /// The partitions are gone; the next pass polls for new ones.
    Fenced(String),
}

/// The process must stop; the message names the thing and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{stage} stops: {message}")]
pub struct Stop {
    /// Stage.
    pub stage: &'static str,
    /// Why, and what to do.
    pub message: String,
}

/// Where a turn stands.
enum Phase {
    /// Nothing in hand.
    Poll,
    /// Events polled, not all handled.
    Handle,
    /// Applied; the stage has not handed over its commit yet.
    Collect,
    /// The commit is in hand and not durable yet.
    Commit(Commit),
}

/// A stage on a log.
pub struct Turn<L, S> {
    log: L,
    stage: S,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    batch: BatchSize,
    phase: Phase,
    events: VecDeque<LogEvent>,
    records: Vec<Record>,
    applied: usize,
    drained: bool,
    empty_polls: u32,
    is_prepared: bool,
    began: Timestamp,
}

impl<L: Log, S: Stage> Turn<L, S> {
    /// A turn that has not polled yet.
    pub fn new(
        log: L,
        stage: S,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        bounds: TurnBounds,
    ) -> Turn<L, S> {
        let began = clock.now();
        metrics.progress(stage.name()).started(began);
        Turn {
            log,
            stage,
            clock,
            metrics,
            batch: BatchSize::new(bounds),
            phase: Phase::Poll,
            events: VecDeque::new(),
            records: Vec::new(),
            applied: 0,
            drained: false,
            empty_polls: 0,
            is_prepared: false,
            began,
        }
    }

    /// The stage, for tests and for publishing views.
    pub fn stage(&self) -> &S {
        &self.stage
    }

    /// The stage, to change.
    pub fn stage_mut(&mut self) -> &mut S {
        &mut self.stage
    }

    /// The log.
    pub fn log_mut(&mut self) -> &mut L {
        &mut self.log
    }

    /// The registry this turn counts in.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// One pass: from wherever the last one stopped to a durable commit, or to the first obstacle.
    ///
    /// # Errors
    /// [`Stop`] when a person must act.
    pub fn run_once(&mut self) -> Result<TurnOutcome, Stop> {
        if !self.is_prepared {
            match self.stage.prepare() {
                Ok(true) => self.is_prepared = true,
                Ok(false) => {
                    let now = self.clock.now();
                    self.metrics.progress(self.stage.name()).passed(now, false);
                    return Ok(TurnOutcome::Idle);
                }
                Err(error) => return self.meet(stage_to_log(error)),
            }
        }
        loop {
            let step = match &self.phase {
                Phase::Poll => self.poll(),
                Phase::Handle => self.handle(),
                Phase::Collect => self.collect(),
                Phase::Commit(_) => self.make_durable(),
            };
            match step {
                Ok(None) => {}
                Ok(Some(outcome)) => return Ok(outcome),
                Err(obstacle) => return self.meet(obstacle),
            }
        }
    }

    /// Passes until the log is quiet, for tests, replay and shutdown. Retries are limited.
    ///
    /// # Errors
    /// [`Stop`] when a person must act, also when `retries` passes in a row came to nothing.
    pub fn run_until_drained(&mut self, retries: u32) -> Result<(), Stop> {
        let mut left = retries;
        loop {
            match self.run_once()? {
                TurnOutcome::Idle | TurnOutcome::Committed { records: 0, .. }
                    if self.is_quiet() =>
                {
                    return Ok(());
                }
                TurnOutcome::Idle | TurnOutcome::Committed { .. } => left = retries,
                TurnOutcome::Retry(reason) | TurnOutcome::Fenced(reason) => {
                    if left == 0 {
                        return Err(self.stop(format!("gave up after {retries} tries: {reason}")));
                    }
                    left -= 1;
                }
            }
        }
    }

    fn poll(&mut self) -> Result<Option<TurnOutcome>, LogError> {
        let limit = self.batch.current();
        let events = self.log.poll(limit, self.batch.bounds().wait)?;
        self.began = self.clock.now();
        let assigning = events
            .iter()
            .any(|event| matches!(event, LogEvent::Assigned { .. }));
        self.empty_polls = if events.is_empty() {
            self.empty_polls.saturating_add(1)
        } else {
            0
        };
        self.drained = !assigning
            && self
                .log
                .unread()
                .map_or(events.len() < limit, |unread| unread == 0);
        self.events = events.into();
        self.phase = Phase::Handle;
        Ok(None)
    }

    /// Assignments first; records of a partition revoked in the same poll are dropped unapplied.
    fn handle(&mut self) -> Result<Option<TurnOutcome>, LogError> {
        while let Some(event) = self.events.pop_front() {
            match event {
                LogEvent::Record(record) => self.records.push(record),
                LogEvent::Revoked(partition) => {
                    self.records.retain(|record| record.at != partition);
                    self.stage.revoked(&partition);
                    happening::PartitionRevoked {
                        stage: self.stage.name(),
                        partition: &partition,
                    }
                    .emit(&self.metrics);
                }
                LogEvent::Assigned {
                    partition,
                    position,
                    metadata,
                } => {
                    if let Err(error) = self.assign(&partition, position, &metadata) {
                        self.events.push_front(LogEvent::Assigned {
                            partition,
                            position,
                            metadata,
                        });
                        return Err(error);
                    }
                }
            }
        }
        let now = self.clock.now();
        self.stage.apply(&self.records, now).map_err(stage_to_log)?;
        self.applied = self.records.len();
        self.records.clear();
        self.stage.tick(Tick {
            now,
            drained: self.drained,
            quiet: self.is_quiet(),
        });
        self.phase = Phase::Collect;
        Ok(None)
    }

    fn is_quiet(&self) -> bool {
        self.drained && (self.log.unread() == Some(0) || self.empty_polls >= QUIET_POLLS)
    }

    fn assign(
        &mut self,
        partition: &TopicPartition,
        committed: Position,
        metadata: &str,
    ) -> Result<(), LogError> {
        let position = self
            .stage
            .resume_at(partition, committed)
            .map_err(stage_to_log)?;
        if position != committed {
            self.log.seek(partition, position)?;
            // What this poll already brought of the partition was read from the wrong place.
            self.events.retain(
                |event| !matches!(event, LogEvent::Record(record) if record.at == *partition),
            );
        }
        let mut state = Vec::new();
        if self.stage.wants_state(partition) {
            self.log
                .restore(partition, &mut |record| state.push(record))?;
        }
        let restored = state.len();
        let assignment = Assignment {
            partition: partition.clone(),
            position,
            metadata: metadata.to_owned(),
            state,
        };
        self.stage
            .assigned(assignment, self.clock.now())
            .map_err(stage_to_log)?;
        happening::PartitionAssigned {
            stage: self.stage.name(),
            partition,
            position,
            restored,
        }
        .emit(&self.metrics);
        Ok(())
    }

    fn collect(&mut self) -> Result<Option<TurnOutcome>, LogError> {
        let commit = self.stage.commit().map_err(stage_to_log)?;
        if commit.is_empty() {
            self.phase = Phase::Poll;
            self.metrics
                .progress(self.stage.name())
                .passed(self.clock.now(), self.drained);
            return Ok(Some(TurnOutcome::Idle));
        }
        self.phase = Phase::Commit(commit);
        Ok(None)
    }

    fn make_durable(&mut self) -> Result<Option<TurnOutcome>, LogError> {
        let Phase::Commit(commit) = &self.phase else {
            return Ok(None);
        };
        self.log.commit_ref(commit)?;
        let outgoing = commit.outgoing.len();
        self.phase = Phase::Poll;
        let now = self.clock.now();
        let milliseconds = now.0.saturating_sub(self.began.0).max(0);
        self.batch.learn(self.drained, milliseconds);
        self.metrics
            .progress(self.stage.name())
            .passed(now, self.drained);
        let records = std::mem::take(&mut self.applied);
        happening::TurnCommitted {
            stage: self.stage.name(),
            records,
            outgoing,
            milliseconds,
        }
        .emit(&self.metrics);
        self.stage.committed().map_err(stage_to_log)?;
        Ok(Some(TurnOutcome::Committed {
            records,
            outgoing,
            drained: self.drained,
        }))
    }

    fn meet(&mut self, obstacle: LogError) -> Result<TurnOutcome, Stop> {
        match obstacle {
            LogError::Retry(reason) => {
                happening::TurnRetried {
                    stage: self.stage.name(),
                    reason: &reason,
                }
                .emit(&self.metrics);
                Ok(TurnOutcome::Retry(reason))
            }
            LogError::Fenced(reason) => {
                self.stage.fenced();
                self.phase = Phase::Poll;
                self.events.clear();
                self.records.clear();
                self.applied = 0;
                happening::Fenced {
                    stage: self.stage.name(),
                    reason: &reason,
                }
                .emit(&self.metrics);
                Ok(TurnOutcome::Fenced(reason))
            }
            LogError::Fatal(message) => Err(self.stop(message)),
        }
    }

    fn stop(&self, message: String) -> Stop {
        happening::Stopped {
            stage: self.stage.name(),
            message: &message,
        }
        .emit(&self.metrics);
        Stop {
            stage: self.stage.name(),
            message,
        }
    }
}

/// A stage never fences; the other two words mean the same on both sides.
fn stage_to_log(error: StageError) -> LogError {
    match error {
        StageError::Retry(reason) => LogError::Retry(reason),
        StageError::Fatal(message) => LogError::Fatal(message),
    }
}
