//! The broker behind the simulated log: topics, consumer groups and state under one lock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use auscult_engine::log::{
    Append, Commit, LogError, Outgoing, Position, Record, StateRecord, TopicPartition,
    partition_for,
};

use crate::faults::Faults;
use crate::memory_log::MemoryLog;

/// How long records of a topic are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retention {
    /// For ever.
    #[default]
    Keep,
    /// Until every group that reads them has: a replay of millions of events needs no memory for what is done. Positions before the
    /// oldest record kept read on from there, as in Kafka.
    UntilCommitted,
}

#[derive(Debug, Default)]
pub(crate) struct Partition {
    pub(crate) records: std::collections::VecDeque<Record>,
    /// Offset of the first record kept.
    pub(crate) first: u64,
}

impl Partition {
    pub(crate) fn end(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    fn drop_before(&mut self, offset: u64) {
        while self.first < offset && self.records.pop_front().is_some() {
            self.first += 1;
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Group {
    /// Members and the topics they read.
    pub(crate) members: BTreeMap<u64, Vec<Arc<str>>>,
    pub(crate) positions: BTreeMap<TopicPartition, (Position, String)>,
}

impl Group {
    /// Up to where the group is done with a partition; `None` if it does not read it.
    fn done(&self, at: &TopicPartition) -> Option<u64> {
        let mut read = self.members.values().flatten();
        match self.positions.get(at) {
            Some((position, _)) => Some(position.0),
            None => read.any(|topic| *topic == at.topic).then_some(0),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Inner {
    pub(crate) topics: BTreeMap<Arc<str>, (Vec<Partition>, Retention)>,
    pub(crate) groups: BTreeMap<String, Group>,
    state: BTreeMap<TopicPartition, BTreeMap<Vec<u8>, Vec<u8>>>,
    next_member: u64,
    commits: u64,
}

/// The log everybody shares; clones are handles to the same log.
#[derive(Debug, Clone, Default)]
pub struct MemoryBroker(pub(crate) Arc<(Mutex<Inner>, Condvar)>);

impl MemoryBroker {
    /// A log with these topics and partition counts.
    #[must_use]
    pub fn new(topics: &[(&str, u32)]) -> MemoryBroker {
        let broker = MemoryBroker::default();
        for (topic, partitions) in topics {
            broker.create_topic(topic, *partitions, Retention::Keep);
        }
        broker
    }

    /// Adds a topic; one that is there already stays as it is.
    pub fn create_topic(&self, topic: &str, partitions: u32, retention: Retention) {
        let fresh = || {
            (
                (0..partitions.max(1))
                    .map(|_| Partition::default())
                    .collect(),
                retention,
            )
        };
        self.inner()
            .topics
            .entry(Arc::from(topic))
            .or_insert_with(fresh);
    }

    /// Joins consumer group `group`; partitions are shared out anew.
    #[must_use]
    pub fn join(&self, group: &str, topics: &[&str], faults: Faults) -> MemoryLog {
        let mut inner = self.inner();
        inner.next_member += 1;
        let member = inner.next_member;
        let topics = topics.iter().map(|topic| Arc::from(*topic)).collect();
        inner
            .groups
            .entry(group.to_owned())
            .or_default()
            .members
            .insert(member, topics);
        drop(inner);
        MemoryLog::new(self.clone(), group, member, faults)
    }

    /// Everything kept of `topic`, by partition and offset.
    #[must_use]
    pub fn records(&self, topic: &str) -> Vec<Record> {
        let inner = self.inner();
        inner
            .topics
            .get(topic)
            .into_iter()
            .flat_map(|(partitions, _)| partitions)
            .flat_map(|partition| partition.records.iter().cloned())
            .collect()
    }

    /// How many records were ever written to `topic`.
    #[must_use]
    pub fn written(&self, topic: &str) -> u64 {
        self.inner()
            .topics
            .get(topic)
            .into_iter()
            .flat_map(|(partitions, _)| partitions)
            .map(Partition::end)
            .sum()
    }

    /// What `group` has committed for `partition`.
    #[must_use]
    pub fn position(&self, group: &str, partition: &TopicPartition) -> Option<(Position, String)> {
        self.inner()
            .groups
            .get(group)?
            .positions
            .get(partition)
            .cloned()
    }

    /// Records that `group` has not committed yet, over the topics its members read.
    #[must_use]
    pub fn uncommitted(&self, group: &str) -> u64 {
        let inner = self.inner();
        let Some(of_group) = inner.groups.get(group) else {
            return 0;
        };
        let topics: BTreeSet<&Arc<str>> = of_group.members.values().flatten().collect();
        let left = |topic: &Arc<str>, (number, partition): (usize, &Partition)| {
            let at = TopicPartition {
                topic: Arc::clone(topic),
                partition: number as u32,
            };
            partition.end()
                - of_group
                    .positions
                    .get(&at)
                    .map_or(0, |(position, _)| position.0)
        };
        topics
            .into_iter()
            .flat_map(|topic| {
                inner.topics.get(topic).map(|(list, _)| {
                    list.iter()
                        .enumerate()
                        .map(move |own| left(topic, own))
                        .sum::<u64>()
                })
            })
            .sum()
    }

    /// Live state records of `partition`, in key order.
    #[must_use]
    pub fn state(&self, partition: &TopicPartition) -> Vec<StateRecord> {
        let inner = self.inner();
        inner
            .state
            .get(partition)
            .into_iter()
            .flatten()
            .map(|(key, value)| StateRecord {
                key: key.clone(),
                value: Some(value.clone()),
            })
            .collect()
    }

    /// Commits that were made durable.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.inner().commits
    }

    /// A panic elsewhere leaves the log whole: every change is made under one lock, after all checks.
    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Partitions of `member`: number modulo members, over every topic it reads.
    pub(crate) fn assignment(&self, group: &str, member: u64) -> BTreeSet<TopicPartition> {
        let Some(group) = self.groups.get(group) else {
            return BTreeSet::new();
        };
        let mut assigned = BTreeSet::new();
        for topic in group.members.get(&member).into_iter().flatten() {
            let readers: Vec<u64> = group
                .members
                .iter()
                .filter(|(_, topics)| topics.contains(topic))
                .map(|(id, _)| *id)
                .collect();
            let Some(rank) = readers.iter().position(|id| *id == member) else {
                continue;
            };
            let count = self
                .topics
                .get(topic)
                .map_or(0, |(partitions, _)| partitions.len());
            let own = (0..count).filter(|partition| partition % readers.len() == rank);
            assigned.extend(own.map(|partition| TopicPartition {
                topic: Arc::clone(topic),
                partition: partition as u32,
            }));
        }
        assigned
    }

    /// The partition a record goes to.
    fn target(&self, outgoing: &Outgoing) -> Result<u32, LogError> {
        let Some((partitions, _)) = self.topics.get(&outgoing.topic) else {
            return Err(LogError::Fatal(format!(
                "topic {} does not exist: create it first",
                outgoing.topic
            )));
        };
        let count = partitions.len() as u32;
        let hashed = || {
            outgoing
                .key
                .as_ref()
                .map_or(0, |key| partition_for(key, count))
        };
        let target = outgoing.partition.unwrap_or_else(hashed);
        if target < count {
            return Ok(target);
        }
        Err(LogError::Fatal(format!(
            "topic {} has {count} partitions, partition {target} was asked for",
            outgoing.topic
        )))
    }

    fn write(&mut self, outgoing: &Outgoing, target: u32) -> (TopicPartition, u64) {
        let at = TopicPartition {
            topic: Arc::clone(&outgoing.topic),
            partition: target,
        };
        let Some(partition) = self
            .topics
            .get_mut(&outgoing.topic)
            .and_then(|(list, _)| list.get_mut(target as usize))
        else {
            return (at, 0); // `target` has checked it
        };
        let offset = partition.end();
        partition.records.push_back(Record {
            at: at.clone(),
            offset,
            key: outgoing.key.clone(),
            headers: outgoing.headers.clone(),
            value: outgoing.value.clone(),
        });
        (at, offset)
    }

    fn write_all(&mut self, records: &[Outgoing]) -> Result<Vec<(TopicPartition, u64)>, LogError> {
        let targets: Vec<u32> = records
            .iter()
            .map(|record| self.target(record))
            .collect::<Result<_, _>>()?;
        Ok(records
            .iter()
            .zip(targets)
            .map(|(record, target)| self.write(record, target))
            .collect())
    }

    pub(crate) fn make_durable(&mut self, group: &str, commit: &Commit) -> Result<(), LogError> {
        self.write_all(&commit.outgoing)?;
        for (at, records) in &commit.state {
            let state = self.state.entry(at.clone()).or_default();
            for record in records {
                match &record.value {
                    Some(value) => state.insert(record.key.clone(), value.clone()),
                    None => state.remove(&record.key),
                };
            }
        }
        for (at, position, metadata) in &commit.positions {
            if let Some(group) = self.groups.get_mut(group) {
                group
                    .positions
                    .insert(at.clone(), (*position, metadata.clone()));
            }
            self.forget(at);
        }
        self.commits += 1;
        Ok(())
    }

    /// Drops what every group has committed of a partition whose records are kept until then.
    fn forget(&mut self, at: &TopicPartition) {
        let done = self
            .groups
            .values()
            .filter_map(|group| group.done(at))
            .min();
        if let (Some(done), Some((partitions, Retention::UntilCommitted))) =
            (done, self.topics.get_mut(&at.topic))
            && let Some(partition) = partitions.get_mut(at.partition as usize)
        {
            partition.drop_before(done);
        }
    }
}

impl Append for MemoryBroker {
    fn append(&self, records: Vec<Outgoing>) -> Result<Vec<(TopicPartition, u64)>, LogError> {
        let written = self.inner().write_all(&records);
        self.0.1.notify_all();
        written
    }
}
