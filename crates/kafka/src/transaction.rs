//! One transactional producer: a turn's records and positions, all or nothing.
//!
//! | what librdkafka says | what we do | what the turn does |
//! |---|---|---|
//! | the transaction must be aborted | abort it | offers the same turn again |
//! | the end of the transaction is not known yet | nothing | offers the same turn again; only its end is asked for again |
//! | the producer was fenced, or is broken | a new producer, which ends the open transaction | drops its machines, restores |
//! | a person must act (rights, size, a missing topic) | a new producer at once, which aborts the open transaction | stops with the reason |
//! | nothing, beyond the time-out | a new producer, once the group's coordinator answers the consumer | offers the same turn again |
//!
//! The fourth line is no plain abort: a record the broker refused leaves a hole in the producer's sequence. Waiting with
//! the new producer until it is needed was the other choice; until then, or until the transaction's time-out, whoever
//! reads committed records would be held up at the refused batch. The second line is what a plain "retry everything" gets wrong: the transaction may have been committed.
//!
//! The last line is a fault of librdkafka: adding positions does not keep its time-out while the group's coordinator is
//! away, and may not end when it is back (<https://github.com/confluentinc/librdkafka/issues/5456>, seen with its mock
//! cluster). So that call alone has a thread of its own, which is left behind with its producer when it does not
//! answer: decision 0042.

use crate::config;
use crate::context::Deliveries;
use crate::errors::{self, Remedy};
use crate::settings::CheckedKafkaSettings;
use auscult_engine::log::{LogError, Outgoing, TopicPartition};
use rdkafka::ClientConfig;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ThreadedProducer};
use rdkafka::topic_partition_list::TopicPartitionList;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// How often a full producer queue, or the last report on its way, is looked at again.
const LOOK_AGAIN: Duration = Duration::from_micros(200);

/// How much longer than its time-out librdkafka may take to tell us that it is over: its word says more than ours.
const TOLD_WITHIN: Duration = Duration::from_secs(1);

/// One record by reference.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Write<'a> {
    pub topic: &'a str,
    pub partition: Option<u32>,
    pub key: Option<&'a [u8]>,
    pub headers: &'a [(String, Vec<u8>)],
    pub value: Option<&'a [u8]>,
}

impl<'a> From<&'a Outgoing> for Write<'a> {
    fn from(record: &'a Outgoing) -> Write<'a> {
        Write {
            topic: &record.topic,
            partition: record.partition,
            key: record.key.as_deref(),
            headers: &record.headers,
            value: record.value.as_deref(),
        }
    }
}

/// Positions to commit with a transaction, and whom they are committed for.
pub(crate) struct Offsets {
    pub list: TopicPartitionList,
    pub group: ConsumerGroupMetadata,
}

/// Where a transaction stands between two calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// Nothing is open.
    No,
    /// Everything was sent; whether it was committed is not known.
    InDoubt,
    /// It must be aborted before anything else.
    ToAbort,
    /// The producer must be replaced before anything else.
    Broken,
}

/// How a transaction ended that did not succeed.
#[derive(Debug)]
pub(crate) enum Failed {
    /// Offer the same again.
    Retry(String),
    /// The broker does not take this member's generation any more: the caller knows whether it still owns what it commits.
    Generation(String),
    /// Everything this instance holds may be another's now.
    Fenced(String),
    /// A person must act.
    Fatal(String),
}

impl From<Failed> for LogError {
    fn from(failed: Failed) -> LogError {
        match failed {
            Failed::Retry(reason) => LogError::Retry(reason),
            Failed::Generation(reason) | Failed::Fenced(reason) => LogError::Fenced(reason),
            Failed::Fatal(reason) => LogError::Fatal(reason),
        }
    }
}

/// A transactional producer.
pub(crate) struct Transactions {
    settings: Arc<CheckedKafkaSettings>,
    id: String,
    producer: Option<ThreadedProducer<Deliveries>>,
    open: Open,
    /// The last producer was given up because the group's coordinator did not answer.
    unanswered: bool,
    timeout: Duration,
}

impl Transactions {
    /// A producer whose transactional id is `id`; the broker is asked at the first use or by [`Transactions::ready`].
    pub fn new(settings: Arc<CheckedKafkaSettings>, id: String) -> Transactions {
        let timeout = Duration::from_secs(settings.transaction_timeout_seconds);
        Transactions {
            settings,
            id,
            producer: None,
            open: Open::No,
            unanswered: false,
            timeout,
        }
    }

    /// Registers with the broker, which ends what an earlier producer of the same id left open.
    pub fn ready(&mut self) -> Result<(), LogError> {
        if self.producer.is_some() && self.open != Open::Broken {
            return Ok(());
        }
        self.producer = None;
        let config: ClientConfig = config::transactional(&self.settings, &self.id);
        let context = Deliveries::new(self.settings.tokens());
        let producer: ThreadedProducer<Deliveries> = config
            .create_with_context(context)
            .map_err(|error| LogError::Fatal(config::without_values(&error)))?;
        producer.init_transactions(self.timeout).map_err(|error| {
            let place = format!("transactional id {:?}", self.id);
            errors::blocked(&error, &place)
        })?;
        self.open = Open::No;
        self.unanswered = false;
        self.producer = Some(producer);
        Ok(())
    }

    /// Gives the producer up: whatever it left open is ended by the next one.
    pub fn give_up(&mut self) {
        self.open = Open::Broken;
    }

    /// How long to wait for the group's coordinator before anything is offered, because the last time it did not answer: a
    /// producer made while it is still away would be left behind, too.
    pub fn coordinator_first(&self) -> Option<Duration> {
        self.unanswered.then_some(self.timeout)
    }

    /// Whether the same turn must be offered again before anything else: its end is not known.
    pub fn is_in_doubt(&self) -> bool {
        self.open == Open::InDoubt
    }

    /// Writes `records` and commits `offsets`, all or nothing. After [`Failed::Retry`] the caller offers the same again.
    pub fn run<'a>(
        &mut self,
        records: impl ExactSizeIterator<Item = Write<'a>>,
        offsets: Option<Offsets>,
    ) -> Result<(), Failed> {
        if self.open == Open::InDoubt {
            return self.commit();
        }
        self.ready().map_err(|error| match error {
            LogError::Retry(reason) => Failed::Retry(reason),
            LogError::Fenced(reason) => Failed::Fenced(reason),
            LogError::Fatal(reason) => Failed::Fatal(reason),
        })?;
        if self.open == Open::ToAbort {
            self.abort()?;
        }
        let sent = self.send(records, offsets);
        match sent {
            Ok(()) => self.commit(),
            Err(failed) => {
                if matches!(failed, Failed::Fatal(_)) {
                    self.replace();
                } else if self.open != Open::Broken {
                    self.open = Open::ToAbort;
                    // An abort that fails is taken up again before the next transaction.
                    if let Err(also) = self.abort() {
                        tracing::debug!(?also, "the transaction could not be aborted yet");
                    }
                }
                Err(failed)
            }
        }
    }

    /// Puts a new producer of the same id in this one's place; its registration aborts what this one left open.
    fn replace(&mut self) {
        self.give_up();
        if let Err(error) = self.ready() {
            // The next use, or the transaction's time-out, ends it.
            tracing::warn!(%error, "the refused transaction could not be aborted yet");
        }
    }

    /// Where the records of the last transaction stand.
    pub fn places(&self) -> Vec<(i32, i64)> {
        self.producer
            .as_ref()
            .map(|producer| producer.client().context().places())
            .unwrap_or_default()
    }

    fn producer(&self) -> Result<&ThreadedProducer<Deliveries>, Failed> {
        self.producer
            .as_ref()
            .ok_or_else(|| Failed::Retry("the producer is not connected".to_owned()))
    }

    fn send<'a>(
        &mut self,
        records: impl ExactSizeIterator<Item = Write<'a>>,
        offsets: Option<Offsets>,
    ) -> Result<(), Failed> {
        let timeout = self.timeout;
        let deadline = Instant::now() + timeout;
        let producer = self.producer()?.clone();
        let context = Arc::clone(producer.client().context());
        if let Err(error) = producer.begin_transaction() {
            return Err(self.judge(&error, "a transaction could not be begun"));
        }
        let first = context.expect(records.len(), true);
        for (number, record) in records.enumerate() {
            enqueue(&producer, record, first + number, deadline)?;
        }
        if let Some(offsets) = offsets {
            self.add(&producer, offsets)?;
        }
        if !context.wait(deadline) {
            return Err(Failed::Retry(format!(
                "the brokers did not confirm the records within {} s",
                timeout.as_secs()
            )));
        }
        if let Some((topic, code)) = context.failed() {
            return Err(match errors::remedy(code) {
                Remedy::Person(what) => Failed::Fatal(format!(
                    "a record for {topic} could not be written: {code}; {what}"
                )),
                Remedy::Generation | Remedy::Again => {
                    Failed::Retry(format!("a record for {topic} was not written: {code}"))
                }
                Remedy::Fenced => {
                    self.open = Open::Broken;
                    Failed::Fenced(format!("a record for {topic} was refused: {code}"))
                }
            });
        }
        // The last report is still in hand: committing now would make rdkafka's flush wait for its whole interval.
        while producer.in_flight_count() > 0 && Instant::now() < deadline {
            std::thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }

    /// Adds `offsets` to the open transaction.
    fn add(
        &mut self,
        producer: &ThreadedProducer<Deliveries>,
        offsets: Offsets,
    ) -> Result<(), Failed> {
        let timeout = self.timeout;
        let (answer, answered) = channel();
        let producer = producer.clone();
        std::thread::Builder::new()
            .name("kafka-positions".to_owned())
            .spawn(move || {
                let Offsets { list, group } = offsets;
                let add = || producer.send_offsets_to_transaction(&list, &group, timeout);
                // A transaction that failed while its positions were on their way is told as a state that changed;
                // asked again, librdkafka says why it failed.
                let added = add().or_else(|error| match &error {
                    KafkaError::Transaction(said) if said.code() == RDKafkaErrorCode::State => {
                        add()
                    }
                    _ => Err(error),
                });
                // Nobody listens any more when it took too long.
                let _ = answer.send(added);
            })
            .map_err(|error| Failed::Retry(format!("no thread could be started: {error}")))?;
        match answered.recv_timeout(timeout + TOLD_WITHIN) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                Err(self.judge(&error, "positions could not be added to the transaction"))
            }
            Err(_) => {
                self.give_up();
                self.unanswered = true;
                Err(Failed::Retry(format!(
                    "the group's coordinator did not take the turn's positions within {} s: is its broker up?",
                    timeout.as_secs(),
                )))
            }
        }
    }

    fn commit(&mut self) -> Result<(), Failed> {
        self.open = Open::InDoubt;
        let committed = self.producer()?.commit_transaction(self.timeout);
        match committed {
            Ok(()) => {
                self.open = Open::No;
                Ok(())
            }
            Err(error) => {
                let failed = self.judge(&error, "the transaction's end is not known yet");
                if matches!(failed, Failed::Fatal(_)) {
                    self.replace();
                } else if self.open == Open::ToAbort
                    && let Err(also) = self.abort()
                {
                    tracing::debug!(?also, "the transaction could not be aborted yet");
                }
                Err(failed)
            }
        }
    }

    fn abort(&mut self) -> Result<(), Failed> {
        let aborted = self.producer()?.abort_transaction(self.timeout);
        match aborted {
            Ok(()) => {
                self.open = Open::No;
                Ok(())
            }
            Err(error) => {
                let failed = self.judge(&error, "the transaction could not be aborted");
                if matches!(failed, Failed::Fatal(_)) {
                    // A record the broker refused leaves a hole in the producer's sequence: the next use begins anew.
                    self.open = Open::Broken;
                }
                if self.open != Open::Broken {
                    self.open = Open::ToAbort;
                }
                Err(failed)
            }
        }
    }

    /// Sorts an error of a transaction's step and notes what must be done first next time.
    fn judge(&mut self, error: &KafkaError, what: &str) -> Failed {
        let KafkaError::Transaction(said) = error else {
            // Only a flush ends up here: it waited long enough, and the step can be taken again.
            return Failed::Retry(format!("{what}: {error}"));
        };
        let code = said.code();
        let reason = format!("{what}: {}", said.string());
        if said.is_fatal() {
            self.open = Open::Broken;
            return match errors::remedy(code) {
                Remedy::Person(remedy) => Failed::Fatal(format!("{reason}; {remedy}")),
                _ => Failed::Fenced(reason),
            };
        }
        if said.txn_requires_abort() {
            self.open = Open::ToAbort;
            return match errors::remedy(code) {
                Remedy::Person(remedy) => Failed::Fatal(format!("{reason}; {remedy}")),
                Remedy::Generation => Failed::Generation(reason),
                Remedy::Fenced => Failed::Fenced(reason),
                Remedy::Again => Failed::Retry(reason),
            };
        }
        if said.is_retriable() {
            return Failed::Retry(reason);
        }
        // Neither to be tried again nor to be aborted: what is known of this producer is not enough to go on with it.
        self.open = Open::Broken;
        Failed::Fenced(reason)
    }
}

/// Hands `record` to the producer, waiting while its queue is full.
pub(crate) fn enqueue(
    producer: &ThreadedProducer<Deliveries>,
    record: Write<'_>,
    ticket: usize,
    deadline: Instant,
) -> Result<(), Failed> {
    let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
    for (key, value) in record.headers {
        headers = headers.insert(Header {
            key,
            value: Some(value),
        });
    }
    let mut message: BaseRecord<'_, [u8], [u8], usize> =
        BaseRecord::with_opaque_to(record.topic, ticket);
    message.partition = record
        .partition
        .and_then(|number| i32::try_from(number).ok());
    message.key = record.key;
    message.payload = record.value;
    message.headers = (!record.headers.is_empty()).then_some(headers);
    loop {
        match producer.send(message) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), returned)) => {
                if Instant::now() >= deadline {
                    return Err(Failed::Retry(
                        "the producer's queue stays full: the brokers take nothing in".to_owned(),
                    ));
                }
                message = returned;
                std::thread::sleep(LOOK_AGAIN);
            }
            Err((error, _)) => {
                let code = error
                    .rdkafka_error_code()
                    .unwrap_or(RDKafkaErrorCode::Unknown);
                let bytes = record.value.map_or(0, <[u8]>::len);
                let topic = record.topic;
                return Err(match errors::remedy(code) {
                    Remedy::Person(remedy) => Failed::Fatal(format!(
                        "a record of {bytes} bytes for {topic} cannot be written: {code}; {remedy}"
                    )),
                    Remedy::Fenced => Failed::Fenced(format!("{topic}: {code}")),
                    Remedy::Generation | Remedy::Again => Failed::Retry(format!("{topic}: {code}")),
                });
            }
        }
    }
}

/// The list librdkafka wants of positions and their metadata.
pub(crate) fn offsets<'a>(
    positions: impl Iterator<Item = (&'a TopicPartition, u64, &'a str)>,
) -> Result<TopicPartitionList, LogError> {
    let mut list = TopicPartitionList::new();
    for (at, position, metadata) in positions {
        let number = |value: u64| {
            i64::try_from(value)
                .map_err(|_| LogError::Fatal(format!("{at}: position {value} is beyond any log")))
        };
        let mut element = list.add_partition(&at.topic, at.partition as i32);
        element
            .set_offset(rdkafka::Offset::Offset(number(position)?))
            .map_err(|error| LogError::Fatal(format!("{at}: {error}")))?;
        element.set_metadata(metadata);
    }
    Ok(list)
}
