//! Brokers, topics, and small jobs over the port.

use auscult_engine::log::{
    Append, Commit, Log, LogError, LogEvent, Outgoing, Position, Record, StateRecord,
    TopicPartition,
};
use auscult_kafka::{CheckedKafkaSettings, Kafka, KafkaConsumer, KafkaSettings, Membered};
use auscult_test_broker::{Cluster, ClusterSettings, kit_or_skip};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Longest wait for anything that must happen.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// One broker for all tests that leave it alone.
pub fn shared(what: &str) -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    let kit = kit_or_skip(what)?;
    Some(
        CLUSTER
            .get_or_init(|| Cluster::start(kit, &ClusterSettings::one()).expect("a broker starts")),
    )
}

/// A broker of one's own.
pub fn own(what: &str) -> Option<Cluster> {
    let kit = kit_or_skip(what)?;
    Some(Cluster::start(kit, &ClusterSettings::one()).expect("a broker starts"))
}

/// Names nobody else uses.
pub fn fresh(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{name}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub fn settings(brokers: &str, prefix: &str) -> KafkaSettings {
    KafkaSettings {
        brokers: brokers.split(',').map(str::to_owned).collect(),
        group_prefix: prefix.to_owned(),
        session_timeout_seconds: 6,
        transaction_timeout_seconds: 10,
        ..KafkaSettings::default()
    }
}

pub fn checked(settings: KafkaSettings) -> CheckedKafkaSettings {
    settings.check().expect("sound settings")
}

/// Makes topics; `compacted` ones with segments so small that compaction sees them.
pub fn topics(brokers: &str, wanted: &[(&str, u32, bool)]) {
    let admin: AdminClient<DefaultClientContext> = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()
        .expect("an admin client");
    let new: Vec<NewTopic<'_>> = wanted
        .iter()
        .map(|(name, partitions, compacted)| {
            let topic = NewTopic::new(name, *partitions as i32, TopicReplication::Fixed(1));
            if *compacted {
                topic
                    .set("cleanup.policy", "compact")
                    .set("segment.ms", "100")
                    .set("min.cleanable.dirty.ratio", "0.01")
                    .set("delete.retention.ms", "100")
            } else {
                topic
            }
        })
        .collect();
    let made = pollster::block_on(admin.create_topics(&new, &AdminOptions::new()))
        .expect("topics can be made");
    for topic in made {
        topic.expect("each topic is made");
    }
}

pub fn at(topic: &str, partition: u32) -> TopicPartition {
    TopicPartition {
        topic: topic.into(),
        partition,
    }
}

pub fn outgoing(topic: &str, partition: Option<u32>, key: &str, value: &str) -> Outgoing {
    Outgoing {
        topic: topic.into(),
        partition,
        key: Some(key.as_bytes().to_vec()),
        headers: vec![("ce_type".to_owned(), b"test".to_vec())],
        value: Some(value.as_bytes().to_vec()),
    }
}

/// Puts `count` numbered records on each partition of `topic`.
pub fn fill(kafka: &Kafka, topic: &str, partitions: u32, count: u32) {
    let appender = kafka.appender().expect("an appender");
    let records: Vec<Outgoing> = (0..partitions)
        .flat_map(|partition| {
            (0..count).map(move |number| {
                let name = format!("{partition}-{number}");
                outgoing(topic, Some(partition), &name, &name)
            })
        })
        .collect();
    for chunk in records.chunks(2_000) {
        appender.append(chunk.to_vec()).expect("appended");
    }
}

/// Everything committed on `topic`, by partition and offset.
pub fn read_all(kafka: &Kafka, topic: &str) -> Vec<Record> {
    let mut reader = kafka.reader("look", &[topic], Box::new(|_| Ok(None)));
    let mut records = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while reader.unread() != Some(0) {
        assert!(
            Instant::now() < deadline,
            "{topic} was not read to its end: {:?} unread after {} records",
            reader.unread(),
            records.len()
        );
        for event in reader
            .poll(8_192, Duration::from_millis(50))
            .unwrap_or_default()
        {
            if let LogEvent::Record(record) = event {
                records.push(record);
            }
        }
    }
    records.sort_by(|left, right| (&left.at, left.offset).cmp(&(&right.at, right.offset)));
    records
}

pub fn values(records: &[Record]) -> Vec<String> {
    let mut values: Vec<String> = records
        .iter()
        .map(|record| {
            String::from_utf8(record.value.clone().unwrap_or_default()).expect("our own text")
        })
        .collect();
    values.sort();
    values
}

/// A worker that copies records from one topic to another, keeps a count per partition as its state, and does
/// what the engine's turn does with errors.
pub struct Copier {
    pub log: KafkaConsumer,
    pub held: BTreeMap<TopicPartition, u64>,
    /// Every Assigned and Revoked, in order.
    pub moves: Vec<(bool, TopicPartition)>,
    pub retries: u32,
    pub fenced: u32,
    to: String,
    in_hand: Option<Commit>,
}

impl Copier {
    pub fn new(kafka: &Kafka, from: &[&str], following: &[&str], state: &str, to: &str) -> Copier {
        Copier {
            log: kafka.member(&Membered {
                role: "copy",
                leading: from,
                following,
                state: Some(state),
            }),
            held: BTreeMap::new(),
            moves: Vec::new(),
            retries: 0,
            fenced: 0,
            to: to.to_owned(),
            in_hand: None,
        }
    }

    /// Polls and commits once.
    pub fn turn(&mut self) -> Result<(), LogError> {
        self.poll()?;
        self.commit()
    }

    /// Polls, unless a commit is in hand that was not made durable yet.
    pub fn poll(&mut self) -> Result<(), LogError> {
        if self.in_hand.is_some() {
            return Ok(());
        }
        let events = match self.log.poll(100, Duration::from_millis(100)) {
            Ok(events) => events,
            Err(LogError::Retry(_)) => {
                self.retries += 1;
                return Ok(());
            }
            Err(other) => return Err(other),
        };
        let mut commit = Commit::default();
        let mut positions: BTreeMap<TopicPartition, u64> = BTreeMap::new();
        for event in events {
            match event {
                LogEvent::Assigned { partition, .. } => {
                    let mut count = 0;
                    self.log
                        .restore(&partition, &mut |record| {
                            if record.key == partition.topic.as_bytes() {
                                let bytes = record.value.expect("live");
                                count = u64::from_le_bytes(bytes.try_into().expect("8 bytes"));
                            }
                        })
                        .expect("restored");
                    self.moves.push((true, partition.clone()));
                    self.held.insert(partition, count);
                }
                LogEvent::Revoked(partition) => {
                    assert!(
                        self.held.remove(&partition).is_some(),
                        "{partition} was never ours"
                    );
                    self.moves.push((false, partition));
                }
                LogEvent::Record(record) => {
                    let count = self
                        .held
                        .get_mut(&record.at)
                        .expect("records come after their assignment");
                    *count += 1;
                    positions.insert(record.at.clone(), record.offset + 1);
                    commit.outgoing.push(Outgoing {
                        topic: self.to.as_str().into(),
                        partition: Some(record.at.partition),
                        key: record.key,
                        headers: record.headers,
                        value: record.value,
                    });
                }
            }
        }
        for (partition, position) in positions {
            let count = self.held[&partition];
            commit.state.push((
                partition.clone(),
                vec![StateRecord {
                    key: partition.topic.as_bytes().to_vec(),
                    value: Some(count.to_le_bytes().to_vec()),
                }],
            ));
            commit
                .positions
                .push((partition, Position(position), format!("after {count}")));
        }
        self.in_hand = (!commit.is_empty()).then_some(commit);
        Ok(())
    }

    /// Offers the commit in hand.
    pub fn commit(&mut self) -> Result<(), LogError> {
        let Some(commit) = &self.in_hand else {
            return Ok(());
        };
        match self.log.commit_ref(commit) {
            Ok(()) => self.in_hand = None,
            Err(LogError::Retry(_)) => self.retries += 1,
            Err(LogError::Fenced(_)) => {
                self.fenced += 1;
                self.in_hand = None;
                self.held.clear();
            }
            Err(fatal) => return Err(fatal),
        }
        Ok(())
    }

    pub fn counted(&self) -> u64 {
        self.held.values().sum()
    }
}

/// Takes turns until `done`, or panics with `what`.
pub fn work(copiers: &mut [&mut Copier], what: &str, mut done: impl FnMut(&[&mut Copier]) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done(copiers) {
        assert!(Instant::now() < deadline, "{what} did not happen in time");
        for copier in copiers.iter_mut() {
            copier.turn().expect("no person is needed");
        }
    }
}
