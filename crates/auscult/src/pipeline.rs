//! Listen and Detect in this thread, over any log: what replay, simulation and benches run.
//!
//! The stages, the turn and the log port are the service's own; only threads and pages are left out, so a
//! replay says what the service would have said.

use auscult_core::settings::CheckedDetectSettings;
use auscult_core::time::Timestamp;
use auscult_engine::clock::ManualClock;
use auscult_engine::detect::DetectStage;
use auscult_engine::listen::ListenStage;
use auscult_engine::log::{Append, Log, LogError, LogEvent, Outgoing, Record};
use auscult_engine::settings::CheckedEngineSettings;
use auscult_engine::telemetry::Metrics;
use auscult_engine::turn::{Stop, Turn, TurnBounds};
use auscult_language::themes::Taxonomy;
use std::sync::Arc;
use std::time::Duration;

/// Group of the listen stage: a pipeline that loads history and the service that goes on share positions.
pub const LISTEN_GROUP: &str = "auscult-listen";
/// Group of the safety watch.
pub const SAFETY_GROUP: &str = "auscult-safety";
/// Group of the detect stage.
pub const DETECT_GROUP: &str = "auscult-detect";
/// Group of the serve stage.
pub const SERVE_GROUP: &str = "auscult-serve";

/// Passes that may fail in a row before the pipeline gives up.
const RETRIES: u32 = 8;
/// Most outputs taken in one poll.
const OUTPUT_BATCH: usize = 8_192;

/// A log that hands out one consumer per group.
pub trait Broker {
    /// Its consumers.
    type Consumer: Log;

    /// Joins `group` for all partitions of `topics`.
    ///
    /// # Errors
    /// See [`LogError`].
    fn consumer(&self, group: &str, topics: &[&str]) -> Result<Self::Consumer, LogError>;
}

/// Why a pipeline stopped.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// A stage stopped.
    #[error(transparent)]
    Stop(#[from] Stop),
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Listen and Detect, and the clock both read.
pub struct Pipeline<L: Log> {
    listen: Turn<L, ListenStage>,
    detect: Turn<L, DetectStage>,
    outputs: L,
    clock: Arc<ManualClock>,
    appender: Box<dyn Append>,
    source: Arc<str>,
}

impl<L: Log> Pipeline<L> {
    /// A pipeline over `broker` that reads `outputs` for its owner; its clock stands at `start`.
    ///
    /// # Errors
    /// The log cannot be joined.
    pub fn new<B: Broker<Consumer = L>>(
        broker: &B,
        appender: Box<dyn Append>,
        engine: &CheckedEngineSettings,
        detect: Arc<CheckedDetectSettings>,
        taxonomy: Taxonomy,
        outputs: &[&str],
        start: Timestamp,
    ) -> Result<Pipeline<L>, PipelineError> {
        let clock = Arc::new(ManualClock::new(start));
        let metrics = Arc::new(Metrics::new(engine.lag.thresholds()));
        // Nothing else writes to this log: there is nothing to wait for.
        let bounds = TurnBounds {
            wait: Duration::from_millis(1),
            ..engine.turn.bounds()
        };
        let listen = ListenStage::standard(engine, taxonomy, Arc::clone(&metrics));
        let detect = DetectStage::new(detect, engine, Arc::clone(&metrics));
        Ok(Pipeline {
            listen: Turn::new(
                broker.consumer(LISTEN_GROUP, &crate::topics::sources(engine))?,
                listen,
                clock.clone(),
                Arc::clone(&metrics),
                bounds,
            ),
            detect: Turn::new(
                broker.consumer(DETECT_GROUP, &engine.topics.detected())?,
                detect,
                clock.clone(),
                metrics,
                bounds,
            ),
            outputs: broker.consumer("outputs", outputs)?,
            clock,
            appender,
            source: crate::topics::sources(engine)[0].into(),
        })
    }

    /// Appends records and works everything off; the clock moves to `now`.
    ///
    /// # Errors
    /// See [`PipelineError`].
    pub fn feed_records(
        &mut self,
        records: Vec<Outgoing>,
        now: Timestamp,
    ) -> Result<(), PipelineError> {
        self.appender.append(records)?;
        self.clock.advance_to(now);
        self.work_off()
    }

    /// Appends events (key and structured bytes) and works everything off; the clock moves to `now`.
    ///
    /// # Errors
    /// See [`PipelineError`].
    pub fn feed(
        &mut self,
        events: Vec<(Vec<u8>, Vec<u8>)>,
        now: Timestamp,
    ) -> Result<(), PipelineError> {
        let topic = Arc::clone(&self.source);
        let records = events
            .into_iter()
            .map(|(key, value)| Outgoing {
                topic: Arc::clone(&topic),
                partition: None,
                key: Some(key),
                headers: Vec::new(),
                value: Some(value),
            })
            .collect();
        self.feed_records(records, now)
    }

    /// Works everything off.
    ///
    /// # Errors
    /// See [`PipelineError`].
    pub fn work_off(&mut self) -> Result<(), PipelineError> {
        self.listen.run_until_drained(RETRIES)?;
        self.detect.run_until_drained(RETRIES)?;
        Ok(())
    }

    /// History ends here: every bucket that ended by `until` closes; the one `until` lies in stays open, because
    /// half a bucket is not judged (B19).
    ///
    /// # Errors
    /// See [`PipelineError`].
    pub fn finish(&mut self, until: Timestamp) -> Result<(), PipelineError> {
        self.clock.advance_to(until);
        self.listen.stage_mut().finish_history(until);
        self.listen.run_once()?;
        self.work_off()
    }

    /// Hands every output record since the last call to `each`.
    ///
    /// # Errors
    /// See [`PipelineError`].
    pub fn drain_outputs(&mut self, mut each: impl FnMut(Record)) -> Result<(), PipelineError> {
        loop {
            let events = self.outputs.poll(OUTPUT_BATCH, Duration::ZERO)?;
            if events.is_empty() {
                return Ok(());
            }
            for event in events {
                if let LogEvent::Record(record) = event {
                    each(record);
                }
            }
        }
    }

    /// What became of every mention, summed over the machines.
    pub fn counters(&self) -> auscult_core::machine::Counters {
        self.detect
            .stage()
            .machines()
            .map(|(_, partition)| partition.counters())
            .next()
            .unwrap_or_default()
    }
}

impl Broker for auscult_store::log::EmbeddedLog {
    type Consumer = auscult_store::log::Consumer;

    fn consumer(&self, group: &str, topics: &[&str]) -> Result<Self::Consumer, LogError> {
        auscult_store::log::EmbeddedLog::consumer(self, group, topics)
    }
}

impl Broker for auscult_sim::MemoryBroker {
    type Consumer = auscult_sim::MemoryLog;

    fn consumer(&self, group: &str, topics: &[&str]) -> Result<Self::Consumer, LogError> {
        Ok(self.join(group, topics, auscult_sim::Faults::None))
    }
}
