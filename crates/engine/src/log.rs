//! The one port the engine knows: a partitioned log with positions, state and atomic commits.
//!
//! Kafka, SQLite and the simulator implement [`Log`]. A position is the *next* offset to read, never the
//! last one read; it is a type so that the two cannot be mixed up.

use std::sync::Arc;
use std::time::Duration;

/// The next offset to read in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub u64);

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// Topic.
    pub topic: Arc<str>,
    /// Partition number.
    pub partition: u32,
}

impl std::fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.topic, self.partition)
    }
}

/// Headers of a record, in order. Names are ASCII; values may be any bytes.
pub type Headers = Vec<(String, Vec<u8>)>;

/// One record read from the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it stands.
    pub at: TopicPartition,
    /// Its offset: the position to commit after applying it is `offset + 1`.
    pub offset: u64,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Headers.
    pub headers: Headers,
    /// Value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
}

/// One record to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Topic.
    pub topic: Arc<str>,
    /// Partition; `None`: by hash of the key (Kafka's murmur2, so that every adapter and producer agrees).
    pub partition: Option<u32>,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Headers.
    pub headers: Headers,
    /// Value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
}

/// One record of a partition's state. The newest of a key counts; `None` deletes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateRecord {
    /// Key, unique within the partition.
    pub key: Vec<u8>,
    /// Versioned bytes, or a tombstone.
    pub value: Option<Vec<u8>>,
}

/// What a poll brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogEvent {
    /// A partition is ours now. Call [`Log::restore`] before applying its records.
    Assigned {
        /// Which one.
        partition: TopicPartition,
        /// Where reading starts.
        position: Position,
        /// What was committed beside the position, such as a source partition's watermark.
        metadata: String,
    },
    /// A partition is ours no more: drop its machine; nothing of it may be committed.
    Revoked(TopicPartition),
    /// A record of a partition that is ours.
    Record(Record),
}

/// Everything a turn wants made durable, all or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commit {
    /// Next offset to read per partition, with metadata to hand back on assignment.
    pub positions: Vec<(TopicPartition, Position, String)>,
    /// State changed, by the partition it belongs to.
    pub state: Vec<(TopicPartition, Vec<StateRecord>)>,
    /// Records to write.
    pub outgoing: Vec<Outgoing>,
}

/// What went wrong with the log, by what the caller does about it.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Try the same turn again after a pause.
    #[error("the log is not reachable for now: {0}")]
    Retry(String),
    /// Nothing was committed and the partitions are gone: drop the machines, poll again.
    #[error("this instance was fenced off: {0}")]
    Fenced(String),
    /// A person must act; the process stops with a message that names the thing.
    #[error("the log cannot be used: {0}")]
    Fatal(String),
}

impl Commit {
    /// Whether there is nothing to make durable.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty() && self.state.is_empty() && self.outgoing.is_empty()
    }
}

/// A partitioned, durable log as one consumer group sees it.
pub trait Log: Send {
    /// At most `limit` events, waiting at most `wait` for the first. Assignments come before records.
    ///
    /// # Errors
    /// See [`LogError`].
    fn poll(&mut self, limit: usize, wait: Duration) -> Result<Vec<LogEvent>, LogError>;

    /// Hands every live state record of `partition` to `each`, in key order.
    ///
    /// # Errors
    /// See [`LogError`].
    fn restore(
        &mut self,
        partition: &TopicPartition,
        each: &mut dyn FnMut(StateRecord),
    ) -> Result<(), LogError>;

    /// Makes a turn durable: positions, state and outgoing records, all or nothing.
    ///
    /// # Errors
    /// See [`LogError`]. After an error nothing of `commit` is visible to anybody.
    fn commit(&mut self, commit: Commit) -> Result<(), LogError>;

    /// As [`Log::commit`], but the caller keeps the turn, so that it can offer the very same one again after
    /// [`LogError::Retry`]. Adapters that write from references (SQLite, Kafka) should implement this one and
    /// let `commit` call it: the default copies every outgoing record.
    ///
    /// # Errors
    /// See [`LogError`]. After an error nothing of `commit` is visible to anybody.
    fn commit_ref(&mut self, commit: &Commit) -> Result<(), LogError> {
        self.commit(commit.clone())
    }

    /// How many records of the assigned partitions have not been polled yet; `None` if this log does not count.
    /// It makes lag and idleness exact where a short poll does not prove that nothing is left.
    fn unread(&self) -> Option<u64> {
        None
    }

    /// Reads `partition`, which is assigned, from `position` on, whatever was committed. The serving stage asks
    /// for it when its view holds less (wiped, restored from an old copy) or more (a crash between the view's
    /// transaction and the log's commit) than the group has committed.
    ///
    /// # Errors
    /// See [`LogError`]. The default cannot seek and says what to do instead.
    fn seek(&mut self, partition: &TopicPartition, position: Position) -> Result<(), LogError> {
        Err(LogError::Fatal(format!(
            "{partition} should be read from {} on, which this log cannot do: start the stage with a consumer group of a new name",
            position.0
        )))
    }
}

impl<L: Log + ?Sized> Log for Box<L> {
    fn poll(&mut self, limit: usize, wait: Duration) -> Result<Vec<LogEvent>, LogError> {
        (**self).poll(limit, wait)
    }

    fn restore(
        &mut self,
        partition: &TopicPartition,
        each: &mut dyn FnMut(StateRecord),
    ) -> Result<(), LogError> {
        (**self).restore(partition, each)
    }

    fn commit(&mut self, commit: Commit) -> Result<(), LogError> {
        (**self).commit(commit)
    }

    fn commit_ref(&mut self, commit: &Commit) -> Result<(), LogError> {
        (**self).commit_ref(commit)
    }

    fn unread(&self) -> Option<u64> {
        (**self).unread()
    }

    fn seek(&mut self, partition: &TopicPartition, position: Position) -> Result<(), LogError> {
        (**self).seek(partition, position)
    }
}

/// Appends records from outside any turn: feedback over HTTP, answers from a page. Durable on return.
pub trait Append: Send + Sync {
    /// Appends all or nothing; returns where each record stands.
    ///
    /// # Errors
    /// See [`LogError`].
    fn append(&self, records: Vec<Outgoing>) -> Result<Vec<(TopicPartition, u64)>, LogError>;
}

/// Kafka's default partitioner (murmur2 of the key, sign bit cleared, modulo the partition count), so that
/// a key meets the same partition in every world. Source: `org.apache.kafka.common.utils.Utils.murmur2`.
#[must_use]
pub fn partition_for(key: &[u8], partitions: u32) -> u32 {
    if partitions <= 1 {
        return 0;
    }
    (murmur2(key) & 0x7fff_ffff) % partitions
}

fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    let mut hash = SEED ^ data.len() as u32;
    let mut chunks = data.chunks_exact(4);
    for chunk in &mut chunks {
        let mut k = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]).wrapping_mul(M);
        k = (k ^ (k >> 24)).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ k;
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        for (index, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * index);
        }
        hash = hash.wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values from Apache Kafka's own `UtilsTest.testMurmur2`.
    #[test]
    fn murmur2_matches_kafka() {
        let cases: [(&[u8], i32); 5] = [
            (b"21", -973_932_308),
            (b"foobar", -790_332_482),
            (b"a-little-bit-long-string", -985_981_536),
            (b"a-little-bit-longer-string", -1_486_304_829),
            (b"abc", 479_470_107),
        ];
        for (key, expected) in cases {
            assert_eq!(murmur2(key) as i32, expected);
        }
    }
}
