//! Refused input: looking at it, and sending it through again, over any log.
//!
//! Replaying goes through the log's own commit: the inputs written to their topics again and a mark for each letter
//! sent are one transaction. A replay that is interrupted, by a crash or by its cap, goes on where it stopped when
//! it is started again, and no letter is ever sent twice, whatever codes or ids the replays asked for. A committed
//! position instead of marks was the other choice; it cannot tell which letters a replay of one code passed over.
//!
//! What is refused again comes back as a new dead letter with its count grown; after [`REPLAYS_MAX`] replays a letter
//! stays where it is, so that a broken input cannot go round for ever.

use crate::log::{Commit, Log, LogError, LogEvent, Outgoing, Record, StateRecord, TopicPartition};
use auscult_core::time::Timestamp;
use auscult_wire::dead_letter::{DeadLetter, decode_dead_letter};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// A letter replayed this often is not sent again.
pub const REPLAYS_MAX: u32 = 3;
/// Most letters one listing returns.
pub const LIST_MAX: usize = 10_000;
/// Letters read, and sent, at once.
const TURN: usize = 100;
/// How long a poll may wait where it is not yet known whether anything is left.
const WAIT: Duration = Duration::from_millis(200);
/// How long a log may be out of reach before we give up.
const PATIENCE: Duration = Duration::from_secs(60);
/// How soon it is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(250);
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

/// Reads every letter `log` holds and hands it to `each`, until `each` says that it has enough.
///
/// # Errors
/// See [`LogError`].
pub fn scan(
    log: &mut dyn Log,
    each: &mut dyn FnMut(&Record) -> std::ops::ControlFlow<()>,
) -> Result<(), LogError> {
    while let Some(events) = next_events(log)? {
        for event in events {
            if let LogEvent::Record(record) = event
                && each(&record).is_break()
            {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The newest letters first, at most `limit` (and [`LIST_MAX`]), of one code or all, by reading the whole topic: for
/// logs that cannot be read backwards. Records that are no dead letters are listed too when no code is asked for.
///
/// # Errors
/// See [`LogError`].
pub fn list(log: &mut dyn Log, code: Option<&str>, limit: usize) -> Result<Vec<Listed>, LogError> {
    let limit = limit.min(LIST_MAX);
    let mut all = Vec::new();
    scan(log, &mut |record| {
        let listed = listed(record);
        if code.is_none_or(|code| has_code(&listed, code)) {
            all.push(listed);
        }
        // What is kept never grows beyond twice what is asked for.
        if all.len() > 2 * limit.max(TURN) {
            newest_first(&mut all);
            all.truncate(limit);
        }
        std::ops::ControlFlow::Continue(())
    })?;
    newest_first(&mut all);
    all.truncate(limit);
    Ok(all)
}

/// By time; what has no time that can be read comes last.
pub fn newest_first(letters: &mut [Listed]) {
    let time = |listed: &Listed| listed.letter.as_ref().ok().map(|letter| letter.refused_at);
    letters.sort_by(|a, b| time(b).cmp(&time(a)).then_with(|| a.id.cmp(&b.id)));
}

/// One letter with its original bytes; `None` if there is none (any more) of this id.
///
/// # Errors
/// See [`LogError`].
pub fn show(log: &mut dyn Log, id: &str) -> Result<Option<Listed>, LogError> {
    let mut found = None;
    scan(log, &mut |record| {
        if id_of(record) == id {
            found = Some(listed(record));
            std::ops::ControlFlow::Break(())
        } else {
            std::ops::ControlFlow::Continue(())
        }
    })?;
    Ok(found)
}

/// What comes next; `None` when nothing is left.
fn next_events(log: &mut dyn Log) -> Result<Option<Vec<LogEvent>>, LogError> {
    loop {
        let wait = if log.unread().is_some_and(|unread| unread > 0) {
            WAIT
        } else {
            Duration::ZERO
        };
        let events = patiently(|| log.poll(TURN, wait))?;
        if !events.is_empty() {
            return Ok(Some(events));
        }
        if log.unread().unwrap_or(0) == 0 {
            return Ok(None);
        }
    }
}

/// Tries again while the log is out of reach, up to [`PATIENCE`].
fn patiently<T>(mut attempt: impl FnMut() -> Result<T, LogError>) -> Result<T, LogError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Err(LogError::Retry(_)) if Instant::now() < deadline => {
                std::thread::sleep(TRY_AGAIN);
            }
            outcome => return outcome,
        }
    }
}

/// Whether a letter has this code.
#[must_use]
pub fn has_code(listed: &Listed, code: &str) -> bool {
    listed
        .letter
        .as_ref()
        .is_ok_and(|letter| letter.code == code)
}

/// A record of the dead-letter topic, read.
#[must_use]
pub fn listed(record: &Record) -> Listed {
    let letter = match &record.value {
        None => Err("a tombstone".to_owned()),
        Some(value) => decode_dead_letter(&record.headers, value)
            .map(|event| event.data)
            .map_err(|error| error.to_string()),
    };
    Listed {
        id: id_of(record),
        letter,
    }
}

fn id_of(record: &Record) -> String {
    format!("{}-{}", record.at.partition, record.offset)
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
    /// Letters refused before this moment only; `None`: all. While a service listens, what is sent may be refused again
    /// and come back at the end of the topic: without this one replay would send it up to [`REPLAYS_MAX`] times.
    pub refused_before: Option<Timestamp>,
    /// At most this many letters are sent.
    pub cap: usize,
    /// Only say what would be done.
    pub dry_run: bool,
}

impl Replay {
    fn wants(&self, id: &str, letter: &DeadLetter) -> bool {
        self.id.as_ref().is_none_or(|wanted| wanted == id)
            && self.code.as_ref().is_none_or(|code| *code == letter.code)
            && self
                .refused_before
                .is_none_or(|moment| letter.refused_at < moment)
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
        let Some(events) = next_events(log)? else {
            break;
        };
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
                            .push(sent_mark(&record));
                    }
                }
            }
        }
        if !replay.dry_run && !outgoing.is_empty() {
            let commit = Commit {
                positions: Vec::new(),
                state: state.into_iter().collect(),
                outgoing,
            };
            // The very same one again: a transaction whose end is in doubt must not become two.
            patiently(|| log.commit_ref(&commit))?;
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

/// State under the letter's partition and offset: it was sent. The partition is part of the key because a log may keep
/// the state of several partitions in one place.
fn sent_mark(record: &Record) -> StateRecord {
    let partition = record.at.partition.to_be_bytes();
    StateRecord {
        key: [partition.as_slice(), &record.offset.to_be_bytes()].concat(),
        value: Some(vec![SENT_FORM]),
    }
}

/// The offset that a mark's key names, if it is of `partition`. Keys of the first form were offsets alone.
fn marked_offset(key: &[u8], partition: u32) -> Option<u64> {
    let offset = match key.len() {
        8 => key,
        _ => key.strip_prefix(&partition.to_be_bytes())?,
    };
    <[u8; 8]>::try_from(offset).map(u64::from_be_bytes).ok()
}

fn restore_sent(log: &mut dyn Log, partition: &TopicPartition) -> Result<BTreeSet<u64>, LogError> {
    let mut offsets = BTreeSet::new();
    log.restore(partition, &mut |record| {
        offsets.extend(marked_offset(&record.key, partition.partition));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_other_partitions_are_not_ours_and_the_first_form_is_still_read() {
        let record = Record {
            at: TopicPartition {
                topic: "letters".into(),
                partition: 7,
            },
            offset: 300,
            key: None,
            headers: Vec::new(),
            value: None,
        };
        let mark = sent_mark(&record);
        assert_eq!(marked_offset(&mark.key, 7), Some(300));
        assert_eq!(marked_offset(&mark.key, 1), None);
        assert_eq!(marked_offset(&300_u64.to_be_bytes(), 1), Some(300));
        assert_eq!(marked_offset(b"odd", 1), None);
    }
}
