//! Refused input: looking at it, and sending it through again.
//!
//! Replaying goes through the log's own commit: the inputs written to their topics again and a mark for each letter
//! sent are one transaction. A replay that is interrupted, by a crash or by its cap, goes on where it stopped when
//! it is started again, and no letter is ever sent twice, whatever codes or ids the replays asked for. A committed
//! position instead of marks was the other choice; it cannot tell which letters a replay of one code passed over.
//!
//! What is refused again comes back as a new dead letter with its count grown; after [`REPLAYS_MAX`] replays a letter
//! stays where it is, so that a broken input cannot go round for ever.

use auscult_engine::log::{
    Commit, Log, LogError, LogEvent, Outgoing, Position, Record, StateRecord, TopicPartition,
};
use auscult_wire::dead_letter::{DeadLetter, decode_dead_letter};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::log::LogReader;

/// A letter replayed this often is not sent again.
pub const REPLAYS_MAX: u32 = 3;
/// Most letters one listing returns.
pub const LIST_MAX: usize = 10_000;
/// Letters sent in one transaction.
const TURN: usize = 100;
/// Form of a mark's value.
const SENT_FORM: u8 = 1;

/// A dead letter and where it lies.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// `partition-offset` in the dead-letter topic.
    pub id: String,
    /// The letter, or why the record is none.
    pub letter: Result<DeadLetter, String>,
}

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
    // By time; what has no time that can be read comes last.
    let time = |listed: &Listed| listed.letter.as_ref().ok().map(|letter| letter.refused_at);
    all.sort_by(|a, b| time(b).cmp(&time(a)).then_with(|| a.id.cmp(&b.id)));
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

fn has_code(listed: &Listed, code: &str) -> bool {
    listed
        .letter
        .as_ref()
        .is_ok_and(|letter| letter.code == code)
}

fn listed(record: &Record) -> Listed {
    let letter = match &record.value {
        None => Err("a tombstone".to_owned()),
        Some(value) => decode_dead_letter(&record.headers, value)
            .map(|event| event.data)
            .map_err(|error| error.to_string()),
    };
    Listed {
        id: format!("{}-{}", record.at.partition, record.offset),
        letter,
    }
}

/// The consumer group a replay joins, with the dead-letter topic as its only topic.
pub const REPLAY_GROUP: &str = "dead-letters.replay";

/// What to send again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// This letter only; `None`: all.
    pub id: Option<String>,
    /// Letters of this code only; `None`: all.
    pub code: Option<String>,
    /// At most this many letters are sent.
    pub cap: usize,
    /// Only say what would be done.
    pub dry_run: bool,
}

impl Replay {
    fn wants(&self, id: &str, letter: &DeadLetter) -> bool {
        self.id.as_ref().is_none_or(|wanted| wanted == id)
            && self.code.as_ref().is_none_or(|code| *code == letter.code)
    }
}

/// What a replay did (or, in a dry run, would do). Every record looked at is in exactly one of the lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Sent to its topic again: letter's id and topic.
    pub sent: Vec<(String, String)>,
    /// Replayed [`REPLAYS_MAX`] times already: id.
    pub too_often: Vec<String>,
    /// No dead letter: id and reason.
    pub unreadable: Vec<(String, String)>,
    /// Letters sent by an earlier replay.
    pub sent_before: usize,
    /// Letters that were not asked for.
    pub not_wanted: usize,
    /// The cap was reached: the next replay goes on from here.
    pub capped: bool,
}

/// Sends letters through again. `log` is a consumer of [`REPLAY_GROUP`] over the dead-letter topic.
///
/// # Errors
/// See [`LogError`]. Letters of turns committed before the error were sent and will not be again.
pub fn replay(log: &mut dyn Log, replay: &Replay) -> Result<Replayed, LogError> {
    let mut report = Replayed::default();
    let mut sent_before: BTreeMap<TopicPartition, BTreeSet<u64>> = BTreeMap::new();
    while !report.capped {
        let events = log.poll(TURN, Duration::ZERO)?;
        if events.is_empty() {
            break;
        }
        let mut outgoing = Vec::new();
        let mut state: BTreeMap<TopicPartition, Vec<StateRecord>> = BTreeMap::new();
        for event in events {
            match event {
                LogEvent::Assigned { partition, .. } => {
                    let offsets = restore_sent(log, &partition)?;
                    sent_before.insert(partition, offsets);
                }
                LogEvent::Revoked(partition) => {
                    return Err(LogError::Fenced(format!(
                        "{partition} was taken away during the replay: start it again"
                    )));
                }
                LogEvent::Record(record) => {
                    if sent_before
                        .get(&record.at)
                        .is_some_and(|offsets| offsets.contains(&record.offset))
                    {
                        report.sent_before += 1;
                    } else if let Some(letter) = judge(&record, replay, &mut report) {
                        outgoing.push(outgoing_of(&letter));
                        state
                            .entry(record.at.clone())
                            .or_default()
                            .push(sent_mark(record.offset));
                    }
                }
            }
        }
        if !replay.dry_run && !outgoing.is_empty() {
            log.commit(Commit {
                positions: Vec::new(),
                state: state.into_iter().collect(),
                outgoing,
            })?;
        }
    }
    Ok(report)
}

/// Enters `record` into the report; the letter if it is to be sent.
fn judge(record: &Record, replay: &Replay, report: &mut Replayed) -> Option<DeadLetter> {
    if report.capped {
        return None;
    }
    let Listed { id, letter } = listed(record);
    match letter {
        Err(reason) => report.unreadable.push((id, reason)),
        Ok(letter) if !replay.wants(&id, &letter) => report.not_wanted += 1,
        Ok(letter) if letter.replays >= REPLAYS_MAX => report.too_often.push(id),
        Ok(_) if report.sent.len() >= replay.cap => report.capped = true,
        Ok(letter) => {
            report.sent.push((id, letter.topic.clone()));
            return Some(letter);
        }
    }
    None
}

/// State under the letter's offset: it was sent.
fn sent_mark(offset: u64) -> StateRecord {
    StateRecord {
        key: offset.to_be_bytes().to_vec(),
        value: Some(vec![SENT_FORM]),
    }
}

fn restore_sent(log: &mut dyn Log, partition: &TopicPartition) -> Result<BTreeSet<u64>, LogError> {
    let mut offsets = BTreeSet::new();
    log.restore(partition, &mut |record| {
        offsets.extend(<[u8; 8]>::try_from(record.key.as_slice()).map(u64::from_be_bytes));
    })?;
    Ok(offsets)
}

/// The original input as it is written again. One without a key returns to its own partition.
fn outgoing_of(letter: &DeadLetter) -> Outgoing {
    let (key, headers, value) = letter.to_replay();
    let partition = if key.is_none() {
        Some(letter.partition)
    } else {
        None
    };
    Outgoing {
        topic: letter.topic.as_str().into(),
        partition,
        key,
        headers,
        value,
    }
}
