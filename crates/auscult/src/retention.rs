//! What goes from the embedded log when, and the thread that sees to it.
//!
//! A thread of its own rather than a step of a stage's turn: a stage must never wait for a clean-up, and whoever runs
//! only some roles still wants a bounded file. What the stages have yet to read is never deleted, also when they run in
//! another process or have never run; the detector's memory is kept by key and is no subject of retention.

use crate::pipeline::{DETECT_GROUP, LISTEN_GROUP, SAFETY_GROUP, SERVE_GROUP};
use auscult_engine::log::LogError;
use auscult_engine::settings::CheckedEngineSettings;
use auscult_engine::telemetry::Metrics;
use auscult_engine::telemetry::happening::LogCleaned;
use auscult_store::log::{Cleanup, EmbeddedLog, RECORDS_A_CALL};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// What happens to old records of `topic`.
#[must_use]
pub fn cleanup(topic: &str, engine: &CheckedEngineSettings) -> Cleanup {
    let (topics, retention) = (&engine.topics, engine.retention);
    let days = if topics.sources.iter().any(|source| source == topic) {
        retention.feedback_days
    } else if topic == topics.mentions {
        retention.mentions_days
    } else if topic == topics.series {
        retention.series_days
    } else if topic == topics.dead_letters {
        retention.dead_letters_days
    } else {
        retention.outputs_days
    };
    if days == 0 {
        Cleanup::KEEP
    } else {
        Cleanup::days(days)
    }
}

/// Deletes what is over and has been read by every stage that reads it.
///
/// # Errors
/// The log cannot be read or written; nothing else is lost.
pub fn clean(
    log: &EmbeddedLog,
    engine: &CheckedEngineSettings,
    metrics: &Metrics,
) -> Result<(), LogError> {
    let readers = [
        (LISTEN_GROUP, crate::topics::sources(engine)),
        (SAFETY_GROUP, engine.topics.watched()),
        (DETECT_GROUP, engine.topics.detected()),
        (SERVE_GROUP, engine.topics.served()),
    ];
    let mut expired = 0;
    loop {
        let report = log.maintain_for(RECORDS_A_CALL, &readers)?;
        expired += report.expired + report.compacted;
        if report.unfinished {
            continue;
        }
        let held_back = report
            .held_back
            .into_iter()
            .map(|held| (held.partition, held.group))
            .collect();
        LogCleaned { expired, held_back }.emit(metrics);
        return Ok(());
    }
}

/// The thread that cleans up, once at its start and then at the interval of the settings.
#[derive(Debug)]
pub struct Cleaner {
    /// Dropped to stop the thread.
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Cleaner {
    /// Starts it.
    ///
    /// # Errors
    /// The operating system refused the thread.
    pub fn start(
        log: EmbeddedLog,
        engine: CheckedEngineSettings,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<Cleaner> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new()
            .name("auscult-retention".to_owned())
            .spawn(move || clean_until(&stopped, &log, &engine, &metrics))?;
        Ok(Cleaner { stop, thread })
    }

    /// Stops it after the clean-up it is at.
    ///
    /// # Errors
    /// It panicked: our own mistake.
    pub fn stop(self) -> Result<(), String> {
        drop(self.stop);
        self.thread.join().map_err(|_| {
            "the clean-up of the log panicked; this is our mistake, please report it".to_owned()
        })
    }
}

fn clean_until(
    stopped: &Receiver<()>,
    log: &EmbeddedLog,
    engine: &CheckedEngineSettings,
    metrics: &Metrics,
) {
    let every = Duration::from_secs(engine.retention.clean_every_seconds);
    loop {
        // A log that cannot be written stops the stages, which say so; cleaning up tries again.
        if let Err(error) = clean(log, engine, metrics) {
            tracing::warn!(%error, "the log was not cleaned up; the next try comes in {} s", every.as_secs());
        }
        match stopped.recv_timeout(every) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{self, Overrides};
    use auscult_core::time::{DAY, Timestamp};
    use auscult_engine::clock::ManualClock;
    use auscult_engine::log::{Append, Commit, Log, Outgoing, Position, TopicPartition};
    use auscult_engine::settings::Secret;
    use auscult_store::log::{LogReader, TopicSettings};
    use std::path::Path;

    fn engine(retention: &str) -> CheckedEngineSettings {
        let overrides = Overrides {
            pseudonym_key: Some(Secret::new("k".repeat(64))),
            ..Overrides::default()
        };
        settings::read(Path::new("test.toml"), retention, &overrides)
            .expect("good settings")
            .engine
    }

    fn record(topic: &str) -> Outgoing {
        Outgoing {
            topic: topic.into(),
            partition: None,
            key: Some(b"key".to_vec()),
            headers: Vec::new(),
            value: Some(b"value".to_vec()),
        }
    }

    #[test]
    fn each_topic_has_its_days() {
        let engine = engine(
            "[engine.retention]\nfeedback_days = 1\nmentions_days = 2\nseries_days = 3\noutputs_days = 4\ndead_letters_days = 0\n",
        );
        let of = |topic: &str| cleanup(topic, &engine);
        for source in &engine.topics.sources {
            assert_eq!(of(source), Cleanup::days(1));
        }
        assert_eq!(of(&engine.topics.mentions), Cleanup::days(2));
        assert_eq!(of(&engine.topics.series), Cleanup::days(3));
        assert_eq!(of(&engine.topics.alerts_medical), Cleanup::days(4));
        assert_eq!(of(&engine.topics.dispositions), Cleanup::days(4));
        assert_eq!(of(&engine.topics.dead_letters), Cleanup::KEEP);
    }

    #[test]
    fn read_feedback_goes_and_unread_feedback_stays() {
        let engine = engine("[engine.retention]\nfeedback_days = 30\n");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log.sqlite");
        let clock = Arc::new(ManualClock::new(Timestamp(1_000 * DAY)));
        let topics: Vec<TopicSettings> = crate::topics::all(&engine)
            .iter()
            .map(|(name, count)| {
                TopicSettings::new(name, *count).with_cleanup(cleanup(name, &engine))
            })
            .collect();
        let log = EmbeddedLog::open_with_clock(&path, &topics, clock.clone()).expect("a log");
        let source = engine.topics.sources[0].as_str();
        log.appender()
            .append(vec![
                record(source),
                record(source),
                record(&engine.topics.signals),
            ])
            .expect("appended");
        clock.advance_to(Timestamp(1_031 * DAY));
        let metrics = Metrics::default();
        clean(&log, &engine, &metrics).expect("cleaned");
        let at = TopicPartition {
            topic: source.into(),
            partition: 0,
        };
        let kept = |at: &TopicPartition| {
            let reader = LogReader::open(&path).expect("the log opens");
            let mut count = 0;
            reader
                .read(at, Position(0), 10, &mut |_| count += 1)
                .expect("readable");
            count
        };
        assert_eq!(kept(&at), 2, "Listen has never read");
        assert!(
            metrics
                .render(Timestamp(0))
                .expect("metrics")
                .contains("auscult_log_held_back_partitions 1")
        );

        let mut listen = log.consumer(LISTEN_GROUP, &[source]).expect("a consumer");
        listen
            .commit(Commit {
                positions: vec![(at.clone(), Position(1), String::new())],
                ..Commit::default()
            })
            .expect("committed");
        clean(&log, &engine, &metrics).expect("cleaned");
        assert_eq!(kept(&at), 1, "what Listen has read is over");
        let signals = TopicPartition {
            topic: engine.topics.signals.as_str().into(),
            partition: 0,
        };
        assert_eq!(kept(&signals), 1, "outputs stay for good by default");
        assert!(
            metrics
                .render(Timestamp(0))
                .expect("metrics")
                .contains("auscult_log_expired_records_total 1")
        );
    }

    #[test]
    fn the_thread_cleans_at_once_and_stops_when_told() {
        let engine = engine("[engine.retention]\nclean_every_seconds = 86400\n");
        let folder = tempfile::tempdir().expect("a folder");
        let log =
            crate::topics::open_log(&folder.path().join("log.sqlite"), &engine).expect("a log");
        let cleaner = Cleaner::start(log, engine, Arc::new(Metrics::default())).expect("a thread");
        cleaner.stop().expect("stopped");
    }
}
