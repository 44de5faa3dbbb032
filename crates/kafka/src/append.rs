//! Records from outside any turn: feedback over HTTP, answers from a page. Durable on return.
//!
//! A single record is written by an idempotent producer; several in one transaction, because they are promised
//! all or nothing. When a transaction's end cannot be learnt in time, the producer is given up and the caller
//! told to try again: the next producer ends it, and what was written twice in the end is a duplicate by its
//! id, which Detect takes out.

use crate::config;
use crate::context::{Deliveries, lock};
use crate::errors::{self, Remedy};
use crate::settings::CheckedKafkaSettings;
use crate::transaction::{self, Failed, Transactions, Write};
use auscult_engine::log::{Append, LogError, Outgoing, TopicPartition};
use rdkafka::ClientConfig;
use rdkafka::producer::{Producer as _, ThreadedProducer};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Longest wait for a record to be durable.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a transaction is offered again before the caller is told to come back.
const ASKED: u32 = 3;

/// Appends to topics.
#[derive(Clone)]
pub struct KafkaAppender {
    single: Arc<Mutex<ThreadedProducer<Deliveries>>>,
    several: Arc<Mutex<Transactions>>,
}

impl KafkaAppender {
    pub(crate) fn new(
        settings: &Arc<CheckedKafkaSettings>,
        id: String,
    ) -> Result<KafkaAppender, LogError> {
        let config: ClientConfig = config::idempotent(settings);
        let context = Deliveries::new(settings.tokens());
        let single = config
            .create_with_context(context)
            .map_err(|error| LogError::Fatal(config::without_values(&error)))?;
        Ok(KafkaAppender {
            single: Arc::new(Mutex::new(single)),
            several: Arc::new(Mutex::new(Transactions::new(Arc::clone(settings), id))),
        })
    }

    fn append_one(&self, record: &Outgoing) -> Result<Vec<(i32, i64)>, LogError> {
        let producer = lock(&self.single);
        let context = Arc::clone(producer.client().context());
        let deadline = Instant::now() + PATIENCE;
        let ticket = context.expect(1, true);
        transaction::enqueue(&producer, Write::from(record), ticket, deadline)?;
        if !context.wait(deadline) {
            return Err(LogError::Retry(format!(
                "the brokers did not confirm within {} s",
                PATIENCE.as_secs()
            )));
        }
        if let Some((topic, code)) = context.failed() {
            return Err(match errors::remedy(code) {
                Remedy::Person(what) => LogError::Fatal(format!("{topic}: {code}; {what}")),
                _ => LogError::Retry(format!("{topic}: {code}")),
            });
        }
        Ok(context.places())
    }

    fn append_several(&self, records: &[Outgoing]) -> Result<Vec<(i32, i64)>, LogError> {
        let mut transactions = lock(&self.several);
        let mut asked = 0;
        loop {
            match transactions.run(records.iter().map(Write::from), None) {
                Ok(()) => return Ok(transactions.places()),
                // In doubt, only the end is asked for again: nothing is written a second time.
                Err(Failed::Retry(_)) if asked < ASKED => asked += 1,
                Err(failed) => {
                    if transactions.is_in_doubt() {
                        transactions.give_up();
                    }
                    return Err(match failed {
                        Failed::Fatal(reason) => LogError::Fatal(reason),
                        Failed::Retry(reason)
                        | Failed::Generation(reason)
                        | Failed::Fenced(reason) => LogError::Retry(reason),
                    });
                }
            }
        }
    }
}

impl Append for KafkaAppender {
    fn append(&self, records: Vec<Outgoing>) -> Result<Vec<(TopicPartition, u64)>, LogError> {
        let places = match records.as_slice() {
            [] => return Ok(Vec::new()),
            [record] => self.append_one(record)?,
            _ => self.append_several(&records)?,
        };
        Ok(records
            .iter()
            .zip(places)
            .map(|(record, (partition, offset))| {
                let at = TopicPartition {
                    topic: Arc::clone(&record.topic),
                    partition: u32::try_from(partition).unwrap_or_default(),
                };
                (at, u64::try_from(offset).unwrap_or_default())
            })
            .collect())
    }
}
