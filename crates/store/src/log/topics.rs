//! The topics of a log file, in the settings' words and in memory.

use auscult_engine::log::{LogError, Outgoing, TopicPartition, partition_for};
use rustc_hash::FxHashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Most partitions of one topic.
pub const PARTITIONS_MAX: u32 = 1_024;
/// Longest topic name; Kafka's own limit.
pub const TOPIC_NAME_BYTES_MAX: usize = 249;

/// What happens to old records. Applied by [`super::EmbeddedLog::maintain`], never by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleanup {
    /// Records older than `age` go, and the oldest ones while a partition holds more than `bytes`.
    /// Records some group has yet to read stay, whatever their age.
    Delete {
        /// Longest stay; `None`: for good.
        age: Option<Duration>,
        /// Most bytes of a partition; `None`: no limit.
        bytes: Option<u64>,
    },
    /// The newest record of a key stays, older ones go; a tombstone goes once it is `tombstone_age` old.
    Compact {
        /// How long a tombstone stays for readers to see.
        tombstone_age: Duration,
    },
}

impl Cleanup {
    /// Keep everything.
    pub const KEEP: Cleanup = Cleanup::Delete {
        age: None,
        bytes: None,
    };

    /// Delete after `days`.
    #[must_use]
    pub fn days(days: u32) -> Cleanup {
        Cleanup::Delete {
            age: Some(Duration::from_secs(u64::from(days) * 86_400)),
            bytes: None,
        }
    }

    /// Keep the newest of each key, and tombstones for a day, as Kafka does.
    #[must_use]
    pub fn compact() -> Cleanup {
        Cleanup::Compact {
            tombstone_age: Duration::from_secs(86_400),
        }
    }
}

/// A topic as the settings name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSettings {
    /// Name: lower case, digits, dots and hyphens.
    pub name: Arc<str>,
    /// Number of partitions, 1 … [`PARTITIONS_MAX`]. It cannot change once the file is made, because it decides
    /// which partition a key belongs to.
    pub partitions: u32,
    /// What happens to old records.
    pub cleanup: Cleanup,
}

impl TopicSettings {
    /// A topic that keeps everything.
    #[must_use]
    pub fn new(name: &str, partitions: u32) -> TopicSettings {
        TopicSettings {
            name: name.into(),
            partitions,
            cleanup: Cleanup::KEEP,
        }
    }

    /// The same topic with another cleanup.
    #[must_use]
    pub fn with_cleanup(self, cleanup: Cleanup) -> TopicSettings {
        TopicSettings { cleanup, ..self }
    }

    /// What is wrong with it, if anything.
    pub(crate) fn complaint(&self) -> Option<String> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if self.name.is_empty()
            || self.name.len() > TOPIC_NAME_BYTES_MAX
            || !self.name.bytes().all(legal)
        {
            return Some(format!(
                "topic `{}`: a name is 1 to {TOPIC_NAME_BYTES_MAX} letters, digits, dots and hyphens",
                self.name
            ));
        }
        if self.partitions == 0 || self.partitions > PARTITIONS_MAX {
            return Some(format!(
                "topic `{}`: {} partitions asked for, 1 to {PARTITIONS_MAX} are possible",
                self.name, self.partitions
            ));
        }
        None
    }
}

/// One partition in memory.
#[derive(Debug)]
pub(crate) struct Partition {
    /// Row in `partitions`, and the number of its records table.
    pub id: i64,
    pub at: TopicPartition,
    /// Offset the next record will get. Published after the transaction that moved it.
    pub end: AtomicU64,
    pub insert: String,
    pub select: String,
}

impl Partition {
    pub fn new(id: i64, at: TopicPartition, end: u64) -> Partition {
        Partition {
            id,
            at,
            end: AtomicU64::new(end),
            insert: format!(
                "INSERT INTO records_{id}(offset, recorded, frame) VALUES (?1, ?2, ?3)"
            ),
            select: format!(
                "SELECT offset, frame FROM records_{id} WHERE offset >= ?1 ORDER BY offset LIMIT ?2"
            ),
        }
    }

    pub fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }
}

/// One topic in memory.
#[derive(Debug)]
pub(crate) struct Topic {
    /// Index of its partition 0 in [`Catalogue::partitions`]; the others follow.
    pub first: usize,
    pub partitions: u32,
    pub cleanup: Cleanup,
    /// Where the next record without key and partition goes.
    turn: AtomicU32,
}

/// All topics of the file. Fixed while it is open.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    pub partitions: Vec<Partition>,
    pub topics: FxHashMap<Arc<str>, Topic>,
}

impl Catalogue {
    /// Adds a topic whose partitions, in order, are `partitions`.
    pub fn add(&mut self, name: Arc<str>, cleanup: Cleanup, partitions: Vec<Partition>) {
        let count = partitions.len() as u32;
        let first = self.partitions.len();
        self.partitions.extend(partitions);
        self.topics.insert(
            name,
            Topic {
                first,
                partitions: count,
                cleanup,
                turn: AtomicU32::new(0),
            },
        );
    }

    /// The topic called `name`.
    pub fn topic(&self, name: &str) -> Result<&Topic, LogError> {
        self.topics.get(name).ok_or_else(|| {
            let mut known: Vec<&str> = self.topics.keys().map(AsRef::as_ref).collect();
            known.sort_unstable();
            LogError::Fatal(format!(
                "topic `{name}` is not in the log file; it has {}: add the topic to the settings",
                known.join(", ")
            ))
        })
    }

    /// Index of a partition.
    pub fn index(&self, at: &TopicPartition) -> Result<usize, LogError> {
        let topic = self.topic(&at.topic)?;
        if at.partition >= topic.partitions {
            return Err(LogError::Fatal(format!(
                "{at} does not exist: the topic has {} partitions",
                topic.partitions
            )));
        }
        Ok(topic.first + at.partition as usize)
    }

    /// Index of the partition a record belongs to.
    pub fn route(&self, record: &Outgoing) -> Result<usize, LogError> {
        let topic = self.topic(&record.topic)?;
        let partition = match (record.partition, &record.key) {
            (Some(partition), _) if partition < topic.partitions => partition,
            (Some(partition), _) => {
                return Err(LogError::Fatal(format!(
                    "{}/{partition} does not exist: the topic has {} partitions",
                    record.topic, topic.partitions
                )));
            }
            (None, Some(key)) => partition_for(key, topic.partitions),
            (None, None) => topic.turn.fetch_add(1, Ordering::Relaxed) % topic.partitions,
        };
        if record.key.is_none() && matches!(topic.cleanup, Cleanup::Compact { .. }) {
            return Err(LogError::Fatal(format!(
                "a record without key was to go to `{}`, which is compacted by key: give it a key",
                record.topic
            )));
        }
        Ok(topic.first + partition as usize)
    }
}
