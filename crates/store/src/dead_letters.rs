//! Looking at refused input in the embedded log, backwards from the newest; sending it through again works over any log
//! and is the engine's (`auscult_engine::dead_letters`).

pub use auscult_engine::dead_letters::{
    LIST_MAX, Listed, REPLAY_GROUP, REPLAYS_MAX, Replay, Replayed, replay,
};

use auscult_engine::dead_letters::{has_code, listed, newest_first};
use auscult_engine::log::{LogError, Position, TopicPartition};

use crate::log::LogReader;

/// The newest letters first, at most `limit` (and [`LIST_MAX`]), of one code or all. Records that are no dead
/// letters are listed too when no code is asked for.
///
/// # Errors
/// See [`LogError`].
pub fn list(
    log: &LogReader,
    topic: &str,
    code: Option<&str>,
    limit: usize,
) -> Result<Vec<Listed>, LogError> {
    let limit = limit.min(LIST_MAX);
    let mut all = Vec::new();
    for partition in log.partitions(topic)? {
        all.extend(newest_of(log, &partition, code, limit)?);
    }
    newest_first(&mut all);
    all.truncate(limit);
    Ok(all)
}

/// One letter with its original bytes; `None` if there is none (any more) at `id`.
///
/// # Errors
/// See [`LogError`]; an `id` that is no `partition-offset` says so.
pub fn show(log: &LogReader, topic: &str, id: &str) -> Result<Option<Listed>, LogError> {
    let parts = id
        .split_once('-')
        .and_then(|(partition, offset)| Some((partition.parse().ok()?, offset.parse().ok()?)));
    let Some((partition, offset)) = parts else {
        return Err(LogError::Fatal(format!(
            "`{id}` is no dead letter's id: it is partition-offset, such as 0-17"
        )));
    };
    let partition = TopicPartition {
        topic: topic.into(),
        partition,
    };
    Ok(log
        .record(&partition, offset)?
        .map(|record| listed(&record)))
}

/// Reads a partition backwards, a window at a time, until enough letters are found.
fn newest_of(
    log: &LogReader,
    at: &TopicPartition,
    code: Option<&str>,
    limit: usize,
) -> Result<Vec<Listed>, LogError> {
    let mut found = Vec::new();
    let mut to = log.end(at)?.0;
    while to > 0 && found.len() < limit {
        let from = to.saturating_sub(limit as u64);
        let mut window = Vec::new();
        log.read(at, Position(from), limit, &mut |record| {
            if record.offset < to {
                window.push(listed(&record));
            }
        })?;
        window.reverse();
        found.extend(
            window
                .into_iter()
                .filter(|listed| code.is_none_or(|code| has_code(listed, code))),
        );
        to = from;
    }
    found.truncate(limit);
    Ok(found)
}
