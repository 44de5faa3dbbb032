//! The engine's log in memory: topics, consumer groups, atomic commits, state, and faults.
//!
//! It keeps the port's contract to the letter, so that what holds here is owed by every adapter: assignments come before
//! records, a commit is all or nothing, and a member that has lost a partition is fenced off when it commits for it.
//! Partition `p` of all topics of a group goes to member `p mod members`, so that partitions that belong together by number
//! (mentions and answers of one portfolio) meet in one instance.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use auscult_engine::log::{Commit, Log, LogError, LogEvent, Position, StateRecord, TopicPartition};

use crate::faults::{CommitFault, Faults, PollFault};
use crate::memory_broker::{Inner, MemoryBroker, Partition};

/// The message of a simulated death.
pub const DEATH: &str = "the process died here";

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
    pub(crate) fn new(broker: MemoryBroker, group: &str, member: u64, faults: Faults) -> MemoryLog {
        MemoryLog {
            broker,
            group: group.to_owned(),
            member,
            held: BTreeMap::new(),
            faults,
            polls: 0,
        }
    }

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
