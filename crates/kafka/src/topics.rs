//! What the brokers say about topics.

use crate::context::Listener;
use crate::errors;
use crate::restore::ASK;
use auscult_engine::log::LogError;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

/// Partitions of `topic`.
pub(crate) fn partitions(consumer: &BaseConsumer<Listener>, topic: &str) -> Result<u32, LogError> {
    let metadata = consumer
        .fetch_metadata(Some(topic), ASK)
        .map_err(|error| errors::blocked(&error, topic))?;
    let found = metadata
        .topics()
        .iter()
        .find(|found| found.name() == topic && found.error().is_none())
        .map_or(0, |found| found.partitions().len());
    if found == 0 {
        return Err(LogError::Fatal(format!(
            "topic {topic} is not there, or this user may not see it; create it with `auscult topics apply`"
        )));
    }
    Ok(u32::try_from(found).unwrap_or(u32::MAX))
}

/// Holds what the brokers have against what the settings say; all differences at once.
///
/// # Errors
/// [`LogError::Retry`] when no broker answers, [`LogError::Fatal`] with every missing or different topic.
pub(crate) fn check(
    consumer: &BaseConsumer<Listener>,
    wanted: &[(String, u32)],
) -> Result<(), LogError> {
    let metadata = consumer
        .fetch_metadata(None, ASK)
        .map_err(|error| errors::blocked(&error, "the brokers"))?;
    let mut wrong = Vec::new();
    for (topic, partitions) in wanted {
        let found = metadata
            .topics()
            .iter()
            .find(|found| found.name() == topic)
            .map(|found| found.partitions().len());
        match found {
            None => wrong.push(format!("{topic} is not there, or this user may not see it")),
            Some(found) if found != *partitions as usize => wrong.push(format!(
                "{topic} has {found} partitions, the settings say {partitions}"
            )),
            Some(_) => {}
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(LogError::Fatal(format!(
        "{}; create topics with `auscult topics apply`, and let engine.partitions say what is there: how many source partitions there are decides when a bucket may close",
        wrong.join("; ")
    )))
}
