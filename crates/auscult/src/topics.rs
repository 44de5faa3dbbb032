//! Topics of the log, from settings.

use auscult_engine::log::LogError;
use auscult_engine::settings::CheckedEngineSettings;
use auscult_sim::{MemoryBroker, Retention};
use auscult_store::log::{EmbeddedLog, TopicSettings};
use std::path::Path;

/// Topics Listen reads.
pub fn sources(engine: &CheckedEngineSettings) -> Vec<&str> {
    engine.topics.sources.iter().map(String::as_str).collect()
}

/// Name and partition count of every topic the service uses.
pub fn all(engine: &CheckedEngineSettings) -> Vec<(String, u32)> {
    let topics = &engine.topics;
    let mut all: Vec<(String, u32)> = topics
        .sources
        .iter()
        .map(|name| (name.clone(), engine.partitions.source))
        .collect();
    all.extend(
        [&topics.mentions, &topics.dispositions, &topics.actions]
            .map(|name| (name.clone(), engine.partitions.mentions)),
    );
    let outputs = [
        &topics.medical_requests,
        &topics.medical_answers,
        &topics.safety_candidates,
        &topics.safety_acks,
        &topics.safety_escalations,
        &topics.series,
        &topics.alerts,
        &topics.alerts_medical,
        &topics.signals,
        &topics.outcomes,
        &topics.dead_letters,
    ];
    all.extend(outputs.map(|name| (name.clone(), engine.partitions.output)));
    all
}

/// As [`all`], with the topic that keeps the detector's state, partition for partition beside the mentions (the embedded
/// log has a table for it), and with reference data, which several instances share (one instance has its settings).
pub fn on_kafka(engine: &CheckedEngineSettings) -> Vec<(String, u32)> {
    let mut topics = all(engine);
    topics.push((engine.topics.state.clone(), engine.partitions.mentions));
    topics.push((engine.topics.reference.clone(), 1));
    topics
}

/// A log in memory with all topics. What goes in is forgotten when it was read: a history of millions needs no memory
/// for what is done.
pub fn memory_log(engine: &CheckedEngineSettings) -> MemoryBroker {
    let broker = MemoryBroker::default();
    for (name, partitions) in all(engine) {
        let goes_in = name == engine.topics.mentions || engine.topics.sources.contains(&name);
        let retention = if goes_in {
            Retention::UntilCommitted
        } else {
            Retention::Keep
        };
        broker.create_topic(&name, partitions, retention);
    }
    broker
}

/// Opens the embedded log with all topics.
///
/// # Errors
/// See [`EmbeddedLog::open`].
pub fn open_log(path: &Path, engine: &CheckedEngineSettings) -> Result<EmbeddedLog, LogError> {
    let topics: Vec<TopicSettings> = all(engine)
        .iter()
        .map(|(name, partitions)| {
            TopicSettings::new(name, *partitions)
                .with_cleanup(crate::retention::cleanup(name, engine))
        })
        .collect();
    EmbeddedLog::open(path, &topics)
}
