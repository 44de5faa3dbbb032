//! Apache Kafka as a log: the engine's ports over rdkafka, exactly once.
//!
//! A turn is one Kafka transaction: outputs, changed state (a compacted topic) and positions with the group's
//! generation, so that an instance that was taken for dead writes nothing more. Partitions move by Kafka's own
//! group protocol and the state follows; there is no cluster code of ours. Decisions:
//! [0012](../../../docs/decisions/0012-answers-follow-mentions.md) (what is assigned together) and
//! [0013](../../../docs/decisions/0013-transactions-in-doubt.md) (what is tried again, and how).
//!
//! | file | noun |
//! |---|---|
//! | `settings` | what a person wrote; what is refused and why |
//! | `config` | configurations of clients |
//! | `context` | callbacks: messages, deliveries |
//! | `token` | bearer tokens: a file, an identity provider |
//! | `consumer` | the [`Log`](auscult_engine::log::Log): polls, partitions, commits |
//! | `transaction` | one transactional producer |
//! | `restore` | a partition's state |
//! | `reach` | what is unread |
//! | `admin` | topics, looked at and made |
//! | `append` | the [`Append`](auscult_engine::log::Append) |

pub mod admin;
mod append;
mod config;
mod consumer;
mod context;
mod counters;
mod errors;
mod reach;
mod restore;
mod settings;
mod token;
mod topics;
mod transaction;

pub use append::KafkaAppender;
pub use consumer::{Drained, KafkaConsumer, Start};
pub use settings::{CheckedKafkaSettings, KafkaSettings, SecuritySettings};

use auscult_engine::log::{LogError, Position, TopicPartition};
use consumer::Membership;
use counters::Counters;
use rdkafka::Offset;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;
use std::sync::Arc;
use std::time::{Duration, Instant};
use transaction::Transactions;

/// How long brokers may take to answer at start-up.
const START: Duration = Duration::from_secs(30);

/// Why no broker will ever take us, in librdkafka's words; `None`: one may yet.
fn refusal(error: Option<&KafkaError>, trouble: Option<&str>) -> Option<String> {
    let trouble = trouble.unwrap_or_default();
    let blocked = error.map(|error| errors::blocked(error, "the brokers"));
    if let Some(LogError::Fatal(reason)) = blocked {
        return Some(format!("{reason} ({trouble})"));
    }
    // A handshake also fails when a broker goes away in the middle of it: only the words tell the two apart.
    let is_untrusted = trouble.to_lowercase().contains("certificate");
    is_untrusted.then(|| {
        format!(
            "the brokers and this user do not trust each other: {trouble}; check ca_file, certificate_file and key_file of kafka.security"
        )
    })
}

pub(crate) struct Shared {
    pub settings: Arc<CheckedKafkaSettings>,
    pub counters: Counters,
}

/// A Kafka cluster as this process uses it.
#[derive(Clone)]
pub struct Kafka {
    shared: Arc<Shared>,
    /// What transactional ids of this process end with.
    instance: String,
}

/// What a worker joins a group for.
#[derive(Debug, Clone, Copy)]
pub struct Membered<'a> {
    /// What the group's name ends with, such as `listen`.
    pub role: &'a str,
    /// Topics whose partitions the group assigns.
    pub leading: &'a [&'a str],
    /// Topics whose partition `i` goes where partition `i` of the first leading topic goes.
    pub following: &'a [&'a str],
    /// Compacted topic that keeps the state; `None`: the worker has none.
    pub state: Option<&'a str>,
}

impl Kafka {
    /// Connects and holds the brokers' topics against `wanted` (name and partition count).
    ///
    /// # Errors
    /// [`LogError::Retry`] when no broker answers in time, [`LogError::Fatal`] when a topic is missing or differs, or
    /// the brokers refuse this user.
    pub fn connect(
        settings: &CheckedKafkaSettings,
        wanted: &[(String, u32)],
    ) -> Result<Kafka, LogError> {
        let counters = Counters::new().map_err(|error| LogError::Fatal(error.to_string()))?;
        let kafka = Kafka {
            shared: Arc::new(Shared {
                settings: Arc::new(settings.clone()),
                counters,
            }),
            instance: if settings.instance.is_empty() {
                uuid::Uuid::now_v7().simple().to_string()
            } else {
                settings.instance.clone()
            },
        };
        let reader = restore::reader(settings, true)?;
        let deadline = Instant::now() + START;
        loop {
            // Polling serves a token's renewal and brings errors of authentication to light.
            let polled = reader.poll(Duration::from_millis(10));
            let trouble = reader.client().context().trouble();
            let error = polled.and_then(Result::err);
            if let Some(reason) = refusal(error.as_ref(), trouble.as_deref()) {
                return Err(LogError::Fatal(reason));
            }
            match topics::check(&reader, wanted) {
                Ok(()) => return Ok(kafka),
                Err(LogError::Retry(_)) if Instant::now() < deadline => {}
                Err(LogError::Retry(reason)) => {
                    let told = trouble.map_or(String::new(), |trouble| format!(" ({trouble})"));
                    return Err(LogError::Retry(format!(
                        "no broker of kafka.brokers ({}) answers: {reason}{told}; start one (on this machine: make kafka-up), or correct the setting",
                        settings.brokers.join(", ")
                    )));
                }
                Err(other) => return Err(other),
            }
        }
    }

    /// The name of the group of `role`.
    #[must_use]
    pub fn group(&self, role: &str) -> String {
        format!("{}-{role}", self.shared.settings.group_prefix)
    }

    /// A member of a group; it joins with its first poll.
    #[must_use]
    pub fn member(&self, wanted: &Membered<'_>) -> KafkaConsumer {
        let group = self.group(wanted.role);
        let id = format!("{group}-{}", self.instance);
        let names = |topics: &[&str]| topics.iter().map(|topic| Arc::from(*topic)).collect();
        let membership = Membership::Member {
            leading: names(wanted.leading),
            following: names(wanted.following),
            state: wanted.state.map(Arc::from),
            transactions: Box::new(Transactions::new(Arc::clone(&self.shared.settings), id)),
        };
        KafkaConsumer::new(Arc::clone(&self.shared), group, membership)
    }

    /// A reader of all partitions of `topics`, from where `start` says. It commits nothing.
    #[must_use]
    pub fn reader(&self, role: &str, topics: &[&str], start: Start) -> KafkaConsumer {
        let membership = Membership::Reader {
            topics: topics.iter().map(|topic| Arc::from(*topic)).collect(),
            start,
        };
        KafkaConsumer::new(Arc::clone(&self.shared), self.group(role), membership)
    }

    /// Appends from outside any turn.
    ///
    /// # Errors
    /// The producer cannot be made.
    pub fn appender(&self) -> Result<KafkaAppender, LogError> {
        let id = format!("{}-{}", self.group("append"), uuid::Uuid::now_v7().simple());
        KafkaAppender::new(&self.shared.settings, id)
    }

    /// What the group of `role` has committed of `topics`; a partition it never committed is left out.
    ///
    /// # Errors
    /// The brokers do not answer, or a topic is missing.
    pub fn committed(
        &self,
        role: &str,
        topics: &[&str],
    ) -> Result<Vec<(TopicPartition, Position)>, LogError> {
        let group = self.group(role);
        let config = config::consumer(&self.shared.settings, &group, None);
        let listener = context::Listener::new(self.shared.settings.tokens());
        listener.close();
        let consumer: rdkafka::consumer::BaseConsumer<context::Listener> = config
            .create_with_context(listener)
            .map_err(|error| LogError::Fatal(config::without_values(&error)))?;
        context::hand_token(&consumer)?;
        let mut list = TopicPartitionList::new();
        for topic in topics {
            for partition in 0..topics::partitions(&consumer, topic)? {
                list.add_partition(topic, partition as i32);
            }
        }
        let committed = consumer
            .committed_offsets(list, restore::ASK)
            .map_err(|error| errors::blocked(&error, &group))?;
        Ok(committed
            .elements()
            .iter()
            .filter_map(|element| {
                let Offset::Offset(offset) = element.offset() else {
                    return None;
                };
                let at = TopicPartition {
                    topic: element.topic().into(),
                    partition: u32::try_from(element.partition()).ok()?,
                };
                Some((at, Position(u64::try_from(offset).ok()?)))
            })
            .collect())
    }

    /// The adapter's own counters, in the text format of Prometheus.
    #[must_use]
    pub fn render_metrics(&self) -> String {
        self.shared.counters.render()
    }
}
