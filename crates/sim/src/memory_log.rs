//! The engine's log in memory: topics, consumer groups, atomic commits, state, and faults.
//!
//! It keeps the port's contract to the letter, so that what holds here is owed by every adapter: assignments come before
//! records, a commit is all or nothing, and a member that has lost a partition is fenced off when it commits for it.
//! Partition `p` of all topics of a group goes to member `p mod members`, so that partitions that belong together by number
//! (mentions and answers of one portfolio) meet in one instance.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auscult_engine::log::{
    Append, Commit, Log, LogError, LogEvent, Outgoing, Position, Record, StateRecord,
    TopicPartition, partition_for,
};

use crate::faults::{CommitFault, Faults, PollFault};

/// How long records of a topic are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retention {
    /// For ever.
    #[default]
    Keep,
    /// Until a group has read them: a replay of millions of events needs no memory for what is done. Positions before the
    /// oldest record kept read on from there, as in Kafka.
    UntilCommitted,
}

/// The message of a simulated death.
pub const DEATH: &str = "the process died here";

#[derive(Debug, Default)]
struct Partition {
    records: std::collections::VecDeque<Record>,
    /// Offset of the first record kept.
    first: u64,
}

impl Partition {
    fn end(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    fn drop_before(&mut self, offset: u64) {
        while self.first < offset && self.records.pop_front().is_some() {
            self.first += 1;
        }
    }
}

#[derive(Debug, Default)]
struct Group {
    /// Members and the topics they read.
    members: BTreeMap<u64, Vec<Arc<str>>>,
    positions: BTreeMap<TopicPartition, (Position, String)>,
}

#[derive(Debug, Default)]
struct Inner {
    topics: BTreeMap<Arc<str>, (Vec<Partition>, Retention)>,
    groups: BTreeMap<String, Group>,
    state: BTreeMap<TopicPartition, BTreeMap<Vec<u8>, Vec<u8>>>,
    next_member: u64,
    commits: u64,
}

/// The log everybody shares; clones are handles to the same log.
#[derive(Debug, Clone, Default)]
pub struct MemoryBroker(Arc<(Mutex<Inner>, Condvar)>);

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
        MemoryLog {
            broker: self.clone(),
            group: group.to_owned(),
            member,
            held: BTreeMap::new(),
            faults,
            polls: 0,
        }
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
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Partitions of `member`: number modulo members, over every topic it reads.
    fn assignment(&self, group: &str, member: u64) -> BTreeSet<TopicPartition> {
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

    fn make_durable(&mut self, group: &str, commit: &Commit) -> Result<(), LogError> {
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
            .filter_map(|group| group.positions.get(at))
            .map(|(position, _)| position.0)
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

/// One member of a consumer group. Dropping it leaves the group.
#[derive(Debug)]
pub struct MemoryLog {
    broker: MemoryBroker,
    group: String,
    member: u64,
    /// Partitions handed out to the caller, with the next offset to read.
    held: BTreeMap<TopicPartition, u64>,
    faults: Faults,
    polls: u64,
}

impl MemoryLog {
    /// Partitions this member has been told of.
    pub fn held(&self) -> impl Iterator<Item = &TopicPartition> {
        self.held.keys()
    }

    /// Tells of partitions gained and lost since the last poll.
    fn rebalance(&mut self, inner: &Inner) -> Vec<LogEvent> {
        let assigned = inner.assignment(&self.group, self.member);
        let lost: Vec<TopicPartition> = self
            .held
            .keys()
            .filter(|at| !assigned.contains(at))
            .cloned()
            .collect();
        let mut events = Vec::new();
        for at in lost {
            self.held.remove(&at);
            events.push(LogEvent::Revoked(at));
        }
        for at in assigned {
            if !self.held.contains_key(&at) {
                let committed = inner
                    .groups
                    .get(&self.group)
                    .and_then(|group| group.positions.get(&at))
                    .cloned();
                let (position, metadata) = committed.unwrap_or_default();
                self.held.insert(at.clone(), position.0);
                events.push(LogEvent::Assigned {
                    partition: at,
                    position,
                    metadata,
                });
            }
        }
        events
    }

    /// At most `limit` records, shared fairly among the partitions, beginning with another one each time. What one
    /// partition leaves of its share the others get in a further round.
    fn read(&mut self, inner: &Inner, limit: usize) -> Vec<LogEvent> {
        let count = self.held.len();
        let begin = self.faults.first_partition(self.polls, count);
        let order: Vec<TopicPartition> = self
            .held
            .keys()
            .cycle()
            .skip(begin)
            .take(count)
            .cloned()
            .collect();
        let mut events = Vec::new();
        loop {
            let before = events.len();
            for (index, at) in order.iter().enumerate() {
                let share = (limit - events.len()).div_ceil(count - index);
                self.read_partition(inner, at, share, &mut events);
            }
            if events.len() == before || events.len() == limit {
                return events;
            }
        }
    }

    fn read_partition(
        &mut self,
        inner: &Inner,
        at: &TopicPartition,
        share: usize,
        events: &mut Vec<LogEvent>,
    ) {
        let partition = inner
            .topics
            .get(&at.topic)
            .and_then(|(list, _)| list.get(at.partition as usize));
        let (Some(partition), Some(next)) = (partition, self.held.get_mut(at)) else {
            return;
        };
        *next = (*next).max(partition.first);
        let skip = ((*next - partition.first) as usize).min(partition.records.len());
        let fresh = partition.records.range(skip..).take(share);
        let before = events.len();
        events.extend(fresh.cloned().map(LogEvent::Record));
        *next += (events.len() - before) as u64;
    }

    fn unread_in(&self, inner: &Inner) -> u64 {
        let end = |at: &TopicPartition| {
            inner
                .topics
                .get(&at.topic)
                .and_then(|(list, _)| list.get(at.partition as usize))
                .map_or(0, Partition::end)
        };
        self.held
            .iter()
            .map(|(at, next)| end(at).saturating_sub(*next))
            .sum()
    }
}

impl Log for MemoryLog {
    fn poll(&mut self, limit: usize, wait: Duration) -> Result<Vec<LogEvent>, LogError> {
        self.polls += 1;
        let broker = self.broker.clone();
        let mut inner = broker.inner();
        let events = self.rebalance(&inner);
        if !events.is_empty() {
            return Ok(events);
        }
        let mut limit = limit;
        match self.faults.of_poll() {
            Some(PollFault::Retry) => {
                return Err(LogError::Retry(
                    "the simulated broker does not answer".to_owned(),
                ));
            }
            Some(PollFault::Empty) => return Ok(Vec::new()),
            Some(PollFault::Revoke) => {
                return Ok(self
                    .held
                    .pop_first()
                    .map(|(at, _)| LogEvent::Revoked(at))
                    .into_iter()
                    .collect());
            }
            Some(PollFault::Short) => limit = limit.min(1),
            None => {}
        }
        if self.unread_in(&inner) == 0 && !wait.is_zero() {
            inner = broker
                .0
                .1
                .wait_timeout(inner, wait)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        Ok(self.read(&inner, limit))
    }

    fn restore(
        &mut self,
        partition: &TopicPartition,
        each: &mut dyn FnMut(StateRecord),
    ) -> Result<(), LogError> {
        // A copy, so that `each` may ask the broker.
        self.broker.state(partition).into_iter().for_each(each);
        Ok(())
    }

    fn commit(&mut self, commit: Commit) -> Result<(), LogError> {
        self.commit_ref(&commit)
    }

    fn commit_ref(&mut self, commit: &Commit) -> Result<(), LogError> {
        let fault = self.faults.of_commit();
        match fault {
            Some(CommitFault::Retry) => {
                return Err(LogError::Retry(
                    "the simulated broker does not answer".to_owned(),
                ));
            }
            Some(CommitFault::DieBefore) => return Err(LogError::Fatal(DEATH.to_owned())),
            Some(CommitFault::FencedBefore) => {
                self.held.clear();
                return Err(LogError::Fenced(
                    "the simulated broker forgot this member".to_owned(),
                ));
            }
            Some(CommitFault::FencedAfter | CommitFault::DieAfter) | None => {}
        }
        let mut inner = self.broker.inner();
        let owned = inner.assignment(&self.group, self.member);
        let touched = commit
            .positions
            .iter()
            .map(|(at, _, _)| at)
            .chain(commit.state.iter().map(|(at, _)| at));
        if let Some(foreign) = touched
            .into_iter()
            .find(|at| !owned.contains(at) || !self.held.contains_key(at))
        {
            let message = format!("{foreign} belongs to another member now");
            self.held.clear();
            return Err(LogError::Fenced(message));
        }
        inner.make_durable(&self.group, commit)?;
        drop(inner);
        self.broker.0.1.notify_all();
        match fault {
            Some(CommitFault::DieAfter) => Err(LogError::Fatal(DEATH.to_owned())),
            Some(CommitFault::FencedAfter) => {
                self.held.clear();
                Err(LogError::Fenced(
                    "the answer to the commit was lost".to_owned(),
                ))
            }
            _ => Ok(()),
        }
    }

    fn unread(&self) -> Option<u64> {
        Some(self.unread_in(&self.broker.inner()))
    }

    fn seek(&mut self, partition: &TopicPartition, position: Position) -> Result<(), LogError> {
        match self.held.get_mut(partition) {
            Some(next) => {
                *next = position.0;
                Ok(())
            }
            None => Err(LogError::Fatal(format!(
                "{partition} is not assigned to this member, so it cannot be read from {}",
                position.0
            ))),
        }
    }
}

impl Drop for MemoryLog {
    fn drop(&mut self) {
        let mut inner = self.broker.inner();
        if let Some(group) = inner.groups.get_mut(&self.group) {
            group.members.remove(&self.member);
        }
    }
}
