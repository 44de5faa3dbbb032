//! The log as one worker sees it: a member of a consumer group, or a reader of everything.
//!
//! * A **member** subscribes to its leading topics and gets partitions by cooperative-sticky assignment. Topics
//!   that *follow* (answers follow mentions) are not subscribed: partition `i` of a follower is read by whoever
//!   was assigned partition `i` of the leader. No assignor promises that two topics stay together when partitions
//!   move one by one; this does ([0012](../../../docs/decisions/0012-answers-follow-mentions.md)).
//! * A **reader** takes all partitions of its topics, from positions its owner keeps. Each serving instance has a
//!   read model of its own, so each reads everything; nothing is committed to the group.
//!
//! Positions are our own: the next offset after the last record applied, never the consumer's reported position,
//! which may run ahead over transactional topics (librdkafka issue 3400).

mod assign;
mod commit;

use crate::Shared;
use crate::config;
use crate::context::{self, Listener};
use crate::errors::{self, Remedy};
use crate::reach::Reach;
use crate::restore::{self, ASK};
use crate::transaction::Transactions;
use auscult_engine::log::{
    Commit, Log, LogError, LogEvent, Position, Record, StateRecord, TopicPartition,
};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::{ClientConfig, Offset};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Most bytes of records one poll returns (the record that crosses the line still comes).
const POLL_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How often the brokers are asked for the ends while there is little to read.
const ENDS_EVERY: Duration = Duration::from_millis(200);
/// How often the ends are asked for while there is plenty: for the gauges only.
const ENDS_EVERY_BUSY: Duration = Duration::from_secs(2);
/// Longest wait for a seek to take effect.
const SEEK: Duration = Duration::from_secs(10);

/// Says where a reader's partition starts; `None`: at its oldest record.
pub type Start = Box<dyn FnMut(&TopicPartition) -> Result<Option<Position>, LogError> + Send>;

/// How partitions are come by.
pub(crate) enum Membership {
    /// As a member of a group.
    Member {
        leading: Vec<Arc<str>>,
        following: Vec<Arc<str>>,
        /// Compacted topic of the state, partition for partition beside the leading topic.
        state: Option<Arc<str>>,
        transactions: Box<Transactions>,
    },
    /// All of them.
    Reader { topics: Vec<Arc<str>>, start: Start },
}

/// When everything there was to read had been read and committed; told to whoever waits for it.
#[derive(Debug, Clone, Default)]
pub struct Drained(Arc<Mutex<Option<Instant>>>);

impl Drained {
    /// Whether everything that was in the topics at `moment` has been read and committed.
    #[must_use]
    pub fn since(&self, moment: Instant) -> bool {
        crate::context::lock(&self.0).is_some_and(|drained| drained >= moment)
    }

    fn tell(&self, moment: Option<Instant>) {
        if moment.is_some() {
            *crate::context::lock(&self.0) = moment;
        }
    }
}

/// A worker's hold on its topics.
pub struct KafkaConsumer {
    shared: Arc<Shared>,
    group: String,
    membership: Membership,
    consumer: Option<BaseConsumer<Listener>>,
    reach: Reach,
    names: BTreeMap<String, Arc<str>>,
    /// Partitions of the state topic, once asked for.
    state_partitions: u32,
    /// Assigned by the group, not yet by us: their positions could not be asked for.
    waiting: Vec<(String, u32)>,
    /// Read in a poll that then failed: handed out by the next one.
    backlog: Vec<LogEvent>,
    drained: Drained,
    /// The last thing librdkafka complained about, so that it is said once.
    complaint: Option<String>,
}

impl KafkaConsumer {
    pub(crate) fn new(shared: Arc<Shared>, group: String, membership: Membership) -> KafkaConsumer {
        KafkaConsumer {
            shared,
            group,
            membership,
            consumer: None,
            reach: Reach::default(),
            names: BTreeMap::new(),
            state_partitions: 0,
            waiting: Vec::new(),
            backlog: Vec::new(),
            drained: Drained::default(),
            complaint: None,
        }
    }

    /// Tells when everything was read and committed.
    #[must_use]
    pub fn drained(&self) -> Drained {
        self.drained.clone()
    }

    fn name(&mut self, topic: &str) -> Arc<str> {
        if let Some(name) = self.names.get(topic) {
            return Arc::clone(name);
        }
        let name: Arc<str> = topic.into();
        self.names.insert(topic.to_owned(), Arc::clone(&name));
        name
    }

    fn consumer(&self) -> Result<&BaseConsumer<Listener>, LogError> {
        self.consumer
            .as_ref()
            .ok_or_else(|| LogError::Retry(format!("group {} is being joined", self.group)))
    }

    /// Joins, or begins to read; hands back what is ours already.
    fn begin(&mut self) -> Result<Vec<LogEvent>, LogError> {
        let settings = &self.shared.settings;
        let instance = match &mut self.membership {
            Membership::Member { transactions, .. } => {
                transactions.ready()?;
                Some(settings.instance.as_str()).filter(|instance| !instance.is_empty())
            }
            Membership::Reader { .. } => None,
        };
        let config: ClientConfig = config::consumer(settings, &self.group, instance);
        let listener = Listener::new(settings.tokens());
        let consumer: BaseConsumer<Listener> = config
            .create_with_context(listener)
            .map_err(|error| LogError::Fatal(config::without_values(&error)))?;
        context::hand_token(&consumer)?;
        match &self.membership {
            Membership::Member { leading, state, .. } => {
                if let Some(state) = state {
                    self.state_partitions = crate::topics::partitions(&consumer, state)?;
                }
                let topics: Vec<&str> = leading.iter().map(AsRef::as_ref).collect();
                consumer
                    .subscribe(&topics)
                    .map_err(|error| errors::blocked(&error, &self.group))?;
                self.consumer = Some(consumer);
                Ok(Vec::new())
            }
            Membership::Reader { .. } => {
                self.consumer = Some(consumer);
                let taken = self.take_everything();
                if taken.is_err() {
                    self.leave();
                }
                taken
            }
        }
    }

    /// Gives everything up; the next poll begins anew.
    ///
    /// What the group asked and nobody has answered yet is answered first: librdkafka waits for it before it closes, and
    /// asks again only while the assignment is not lost.
    fn leave(&mut self) {
        if let Some(consumer) = self.consumer.take() {
            consumer.client().context().close();
            assign::answer_all(&consumer, !self.waiting.is_empty());
            drop(consumer);
        }
        self.reach = Reach::default();
        self.waiting.clear();
        self.backlog.clear();
        if let Membership::Member { transactions, .. } = &mut self.membership {
            transactions.give_up();
        }
    }

    /// One record of a partition that is ours; others (revoked a moment ago) are dropped.
    fn record(
        message: &BorrowedMessage<'_>,
        reach: &mut Reach,
        names: &mut BTreeMap<String, Arc<str>>,
    ) -> Option<Record> {
        let topic = match names.get(message.topic()) {
            Some(name) => Arc::clone(name),
            None => {
                let name: Arc<str> = message.topic().into();
                names.insert(message.topic().to_owned(), Arc::clone(&name));
                name
            }
        };
        let at = TopicPartition {
            topic,
            partition: u32::try_from(message.partition()).ok()?,
        };
        let offset = u64::try_from(message.offset()).ok()?;
        let held = reach.held.get_mut(&at)?;
        if offset < held.next {
            return None;
        }
        held.next = offset + 1;
        held.last_record = message.timestamp().to_millis().unwrap_or_default();
        let headers = message.headers().map_or_else(Vec::new, |headers| {
            headers
                .iter()
                .map(|header| {
                    let value = header.value.unwrap_or_default().to_vec();
                    (header.key.to_owned(), value)
                })
                .collect()
        });
        Some(Record {
            at,
            offset,
            key: message.key().map(<[u8]>::to_vec),
            headers,
            value: message.payload().map(<[u8]>::to_vec),
        })
    }

    /// What to make of an error a poll brought.
    fn complain(&mut self, error: &KafkaError) -> Result<(), LogError> {
        let code = error
            .rdkafka_error_code()
            .unwrap_or(RDKafkaErrorCode::Unknown);
        if let KafkaError::MessageConsumptionFatal(_) = error {
            return Err(LogError::Fatal(format!(
                "group {}: {error}; another instance has the same kafka.instance: give each its own",
                self.group
            )));
        }
        match code {
            RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange => {
                return self.skip_deleted();
            }
            RDKafkaErrorCode::PollExceeded => {}
            // No broker refused us: there is no token for a while, and librdkafka asks again.
            RDKafkaErrorCode::Authentication
                if self.consumer()?.client().context().lacks_token() => {}
            _ => {
                if let Remedy::Person(what) = errors::remedy(code) {
                    return Err(LogError::Fatal(format!(
                        "group {}: {error}; {what}",
                        self.group
                    )));
                }
            }
        }
        self.reach.no_ends();
        let said = error.to_string();
        if self.complaint.as_ref() != Some(&said) {
            tracing::warn!(group = %self.group, error = %said, "librdkafka complains; it goes on trying");
            self.complaint = Some(said);
        }
        Ok(())
    }

    /// Asks the brokers for the ends of everything held and tells the gauges.
    fn ask_for_ends(&mut self) {
        let asked = Instant::now();
        let Some(consumer) = &self.consumer else {
            return;
        };
        let mut list = TopicPartitionList::new();
        for at in self.reach.held.keys() {
            let mut element = list.add_partition(&at.topic, at.partition as i32);
            // The newest offset is asked for where others ask for a time.
            if element.set_offset(Offset::End).is_err() {
                return;
            }
        }
        match consumer.offsets_for_times(list, ASK) {
            Ok(answer) => {
                let ends: Vec<_> = answer
                    .elements()
                    .iter()
                    .filter_map(|element| {
                        let Offset::Offset(end) = element.offset() else {
                            return None;
                        };
                        let at = TopicPartition {
                            topic: self.names.get(element.topic())?.clone(),
                            partition: u32::try_from(element.partition()).ok()?,
                        };
                        Some((at, u64::try_from(end).ok()?))
                    })
                    .collect();
                if ends.len() < self.reach.held.len() {
                    self.reach.no_ends();
                } else {
                    self.reach.ends(ends.into_iter(), asked);
                    self.complaint = None;
                }
            }
            Err(error) => {
                tracing::debug!(group = %self.group, %error, "the ends could not be asked for");
                self.reach.no_ends();
            }
        }
        self.tell_gauges();
    }

    fn tell_gauges(&self) {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0));
        for (at, held) in &self.reach.held {
            let partition = at.partition.to_string();
            let labels = [self.group.as_str(), at.topic.as_ref(), partition.as_str()];
            let unread = held.unread().unwrap_or(0);
            let behind = if unread == 0 || held.last_record == 0 {
                0
            } else {
                now.saturating_sub(held.last_record).max(0)
            };
            let counters = &self.shared.counters;
            counters
                .unread_records
                .with_label_values(&labels)
                .set(i64::try_from(unread).unwrap_or(i64::MAX));
            counters
                .seconds_behind
                .with_label_values(&labels)
                .set(behind as f64 / 1_000.0);
        }
    }

    /// Polls records until `limit`, the bytes' bound, a rebalance, or nothing more is at hand.
    fn read(
        &mut self,
        limit: usize,
        wait: Duration,
        events: &mut Vec<LogEvent>,
    ) -> Result<(), LogError> {
        let deadline = Instant::now() + wait;
        let mut bytes = 0;
        while events.len() < limit && bytes < POLL_BYTES_MAX {
            let patience = if events.is_empty() {
                deadline.saturating_duration_since(Instant::now())
            } else {
                Duration::ZERO
            };
            let Some(consumer) = &self.consumer else {
                return Ok(());
            };
            let mut failed = None;
            let brought = match consumer.poll(patience) {
                Some(Ok(message)) => {
                    if let Some(record) = Self::record(&message, &mut self.reach, &mut self.names) {
                        bytes += record.value.as_ref().map_or(0, Vec::len);
                        events.push(LogEvent::Record(record));
                    }
                    true
                }
                Some(Err(error)) => {
                    failed = Some(error);
                    false
                }
                None => false,
            };
            let context = Arc::clone(consumer.client().context());
            if let Some(error) = failed {
                self.complain(&error)?;
            }
            if let Some(statistics) = context.take_statistics() {
                self.reach.learn(&statistics);
            }
            if self.rebalance(&context, events)? {
                return Ok(());
            }
            if !brought && (!events.is_empty() || Instant::now() >= deadline) {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl Log for KafkaConsumer {
    fn poll(&mut self, limit: usize, wait: Duration) -> Result<Vec<LogEvent>, LogError> {
        if self.consumer.is_none() {
            let events = self.begin()?;
            if !events.is_empty() {
                return Ok(events);
            }
        }
        // What the last turn read is committed by now: only then may it be said that nothing is left.
        self.drained.tell(self.reach.drained_at());
        let mut events = std::mem::take(&mut self.backlog);
        let polled = if self.waiting.is_empty() {
            self.read(limit.max(1), wait, &mut events)
        } else {
            self.take_waiting(&mut events)
        };
        if let Err(error) = polled {
            self.backlog = events;
            return Err(error);
        }
        self.reach.full = events.len() >= limit;
        let every = if self.reach.full {
            ENDS_EVERY_BUSY
        } else {
            ENDS_EVERY
        };
        if self.reach.wants_ends(every) {
            self.ask_for_ends();
        }
        Ok(events)
    }

    fn restore(
        &mut self,
        partition: &TopicPartition,
        each: &mut dyn FnMut(StateRecord),
    ) -> Result<(), LogError> {
        let Membership::Member {
            state: Some(topic), ..
        } = &self.membership
        else {
            return Ok(());
        };
        let source = restore::Source {
            settings: &self.shared.settings,
            counters: &self.shared.counters,
            topic,
            partition: commit::state_partition(partition, self.state_partitions),
            prefix: &commit::state_prefix(&self.group),
        };
        restore::restore(&source, each).map(|_| ())
    }

    fn commit(&mut self, commit: Commit) -> Result<(), LogError> {
        self.commit_ref(&commit)
    }

    fn commit_ref(&mut self, commit: &Commit) -> Result<(), LogError> {
        self.make_durable(commit)
    }

    fn unread(&self) -> Option<u64> {
        Some(self.reach.unread())
    }

    fn seek(&mut self, partition: &TopicPartition, position: Position) -> Result<(), LogError> {
        let offset = i64::try_from(position.0).unwrap_or(i64::MAX);
        let deadline = Instant::now() + SEEK;
        loop {
            // A partition assigned a moment ago may not be fetched yet, and cannot be moved until it is.
            let sought = self.consumer()?.seek(
                &partition.topic,
                partition.partition as i32,
                Offset::Offset(offset),
                ASK,
            );
            match sought {
                Ok(()) => break,
                Err(error) if Instant::now() >= deadline => {
                    return Err(errors::blocked(&error, &partition.to_string()));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
        self.reach
            .held
            .insert(partition.clone(), crate::reach::Held::from(position.0));
        Ok(())
    }
}

impl Drop for KafkaConsumer {
    fn drop(&mut self) {
        self.leave();
    }
}
