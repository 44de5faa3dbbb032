//! A log in memory with the port's contract, and faults on demand. Small on purpose: the simulator's broker
//! knows far more, but the engine's tests must not need the crates above it.

pub mod feedback;

use auscult_engine::log::{
    Append, Commit, Log, LogError, LogEvent, Outgoing, Position, Record, StateRecord,
    TopicPartition, partition_for,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// What a commit or restore does instead of working.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is written; try again.
    Retry,
    /// Nothing is written; the partitions are gone and will be assigned anew.
    Fenced,
    /// The process dies before anything is written.
    DieBefore,
    /// Everything is written and the process dies before it hears of it.
    DieAfter,
}

#[derive(Default)]
struct Inner {
    partitions: BTreeMap<String, u32>,
    records: BTreeMap<TopicPartition, Vec<Record>>,
    positions: BTreeMap<(String, TopicPartition), (Position, String)>,
    state: BTreeMap<TopicPartition, BTreeMap<Vec<u8>, Vec<u8>>>,
}

/// The log everybody shares.
#[derive(Clone, Default)]
pub struct Broker(Arc<Mutex<Inner>>);

impl Broker {
    pub fn new(topics: &[(&str, u32)]) -> Broker {
        let broker = Broker::default();
        for (topic, partitions) in topics {
            broker
                .inner()
                .partitions
                .insert((*topic).to_owned(), *partitions);
        }
        broker
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0
            .lock()
            .expect("no test panics while holding the broker")
    }

    /// Everything on `topic`, by partition and offset.
    pub fn all(&self, topic: &str) -> Vec<Record> {
        let inner = self.inner();
        inner
            .records
            .iter()
            .filter(|(at, _)| at.topic.as_ref() == topic)
            .flat_map(|(_, records)| records.clone())
            .collect()
    }

    /// A handle of `group` that is assigned all partitions of `topics`.
    pub fn handle(&self, group: &str, topics: &[&str]) -> TestLog {
        TestLog {
            broker: self.clone(),
            group: group.to_owned(),
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            next: None,
            faults: VecDeque::new(),
            most_records: usize::MAX,
        }
    }

    pub fn position(&self, group: &str, at: &TopicPartition) -> Option<(Position, String)> {
        self.inner()
            .positions
            .get(&(group.to_owned(), at.clone()))
            .cloned()
    }
}

impl Inner {
    fn write(&mut self, outgoing: &Outgoing) -> (TopicPartition, u64) {
        let count = *self.partitions.get(outgoing.topic.as_ref()).unwrap_or(&1);
        let hashed = outgoing
            .key
            .as_ref()
            .map_or(0, |key| partition_for(key, count));
        let at = TopicPartition {
            topic: Arc::clone(&outgoing.topic),
            partition: outgoing.partition.unwrap_or(hashed),
        };
        assert!(
            at.partition < count,
            "{at} of a topic with {count} partitions"
        );
        let list = self.records.entry(at.clone()).or_default();
        let offset = list.len() as u64;
        list.push(Record {
            at: at.clone(),
            offset,
            key: outgoing.key.clone(),
            headers: outgoing.headers.clone(),
            value: outgoing.value.clone(),
        });
        (at, offset)
    }
}

impl Append for Broker {
    fn append(&self, records: Vec<Outgoing>) -> Result<Vec<(TopicPartition, u64)>, LogError> {
        let mut inner = self.inner();
        Ok(records
            .iter()
            .map(|outgoing| inner.write(outgoing))
            .collect())
    }
}

/// One consumer's handle.
pub struct TestLog {
    broker: Broker,
    group: String,
    topics: Vec<String>,
    next: Option<BTreeMap<TopicPartition, u64>>,
    faults: VecDeque<Option<Fault>>,
    /// Most records a poll hands out, whatever the limit.
    pub most_records: usize,
}

/// The message of a simulated death.
pub const DEATH: &str = "the process died here";

impl TestLog {
    /// Faults of the next commits, in order; `None` works.
    pub fn with_faults(mut self, faults: impl IntoIterator<Item = Option<Fault>>) -> TestLog {
        self.faults = faults.into_iter().collect();
        self
    }

    fn assign(&mut self) -> Vec<LogEvent> {
        let inner = self.broker.inner();
        let mut next = BTreeMap::new();
        let mut events = Vec::new();
        for topic in &self.topics {
            for partition in 0..*inner.partitions.get(topic).unwrap_or(&1) {
                let at = TopicPartition {
                    topic: topic.as_str().into(),
                    partition,
                };
                let committed = inner
                    .positions
                    .get(&(self.group.clone(), at.clone()))
                    .cloned();
                let (position, metadata) = committed.unwrap_or_default();
                next.insert(at.clone(), position.0);
                events.push(LogEvent::Assigned {
                    partition: at,
                    position,
                    metadata,
                });
            }
        }
        drop(inner);
        self.next = Some(next);
        events
    }
}

impl Log for TestLog {
    fn poll(&mut self, limit: usize, _: Duration) -> Result<Vec<LogEvent>, LogError> {
        if self.next.is_none() {
            return Ok(self.assign());
        }
        let inner = self.broker.inner();
        let mut events = Vec::new();
        for (at, next) in self.next.iter_mut().flatten() {
            let left = limit.min(self.most_records) - events.len();
            let records = inner.records.get(at).map_or(&[][..], Vec::as_slice);
            let fresh: Vec<_> = records
                .iter()
                .skip(*next as usize)
                .take(left)
                .cloned()
                .map(LogEvent::Record)
                .collect();
            *next += fresh.len() as u64;
            events.extend(fresh);
        }
        Ok(events)
    }

    fn restore(
        &mut self,
        partition: &TopicPartition,
        each: &mut dyn FnMut(StateRecord),
    ) -> Result<(), LogError> {
        let inner = self.broker.inner();
        for (key, value) in inner.state.get(partition).into_iter().flatten() {
            each(StateRecord {
                key: key.clone(),
                value: Some(value.clone()),
            });
        }
        Ok(())
    }

    fn commit(&mut self, commit: Commit) -> Result<(), LogError> {
        let fault = self.faults.pop_front().flatten();
        match fault {
            Some(Fault::Retry) => return Err(LogError::Retry("asked to".to_owned())),
            Some(Fault::DieBefore) => return Err(LogError::Fatal(DEATH.to_owned())),
            Some(Fault::Fenced) => {
                self.next = None;
                return Err(LogError::Fenced("asked to".to_owned()));
            }
            Some(Fault::DieAfter) | None => {}
        }
        let mut inner = self.broker.inner();
        for (at, position, metadata) in commit.positions {
            inner
                .positions
                .insert((self.group.clone(), at), (position, metadata));
        }
        for (at, records) in commit.state {
            let state = inner.state.entry(at).or_default();
            for StateRecord { key, value } in records {
                match value {
                    Some(value) => state.insert(key, value),
                    None => state.remove(&key),
                };
            }
        }
        for outgoing in &commit.outgoing {
            inner.write(outgoing);
        }
        if fault == Some(Fault::DieAfter) {
            Err(LogError::Fatal(DEATH.to_owned()))
        } else {
            Ok(())
        }
    }
}
