//! What librdkafka's callbacks do: put a message down, and nothing else.
//!
//! Deciding in a callback would run our code in the middle of librdkafka's, where a commit or a restore
//! deadlocks or takes effect half way. What is put down here is taken up between two polls.

use crate::token::Tokens;
use auscult_engine::log::LogError;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::ProducerContext;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;
use std::collections::VecDeque;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How soon there is a token, at the latest: librdkafka asks at once, and a provider has ten seconds to answer.
const TOKEN_WITHIN: Duration = Duration::from_secs(15);

/// Partitions that came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rebalanced {
    Assign(Vec<(String, u32)>),
    Revoke(Vec<(String, u32)>),
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is whole after every statement: a panic elsewhere spoils nothing.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn log_line(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error => tracing::warn!(target: "librdkafka", facility, message),
        _ => tracing::debug!(target: "librdkafka", facility, message),
    }
}

/// Context of a consumer.
#[derive(Debug, Default)]
pub(crate) struct Listener {
    tokens: Arc<Tokens>,
    rebalanced: Mutex<VecDeque<Rebalanced>>,
    statistics: Mutex<Option<Vec<u8>>>,
    /// Set when the consumer is about to be closed: nobody takes messages up any more.
    closing: AtomicBool,
    /// A bearer token was handed over.
    has_token: AtomicBool,
    /// The last time a bearer token was asked for there was none.
    lacks_token: AtomicBool,
    /// The last trouble librdkafka told, in its words, which say more than its codes.
    trouble: Mutex<Option<String>>,
}

impl Listener {
    pub fn new(tokens: Arc<Tokens>) -> Listener {
        Listener {
            tokens,
            ..Listener::default()
        }
    }

    pub fn take_rebalanced(&self) -> Option<Rebalanced> {
        lock(&self.rebalanced).pop_front()
    }

    pub fn take_statistics(&self) -> Option<Vec<u8>> {
        lock(&self.statistics).take()
    }

    pub fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    /// Whether a token is needed and was not handed over yet.
    fn wants_token(&self) -> bool {
        self.tokens.are_used() && !self.has_token.load(Ordering::SeqCst)
    }

    /// Whether the last token that was asked for could not be had: that is no refusal by a broker, and passes.
    pub fn lacks_token(&self) -> bool {
        self.lacks_token.load(Ordering::SeqCst)
    }

    /// The last trouble there was, if any.
    pub fn trouble(&self) -> Option<String> {
        lock(&self.trouble).clone()
    }
}

impl ClientContext for Listener {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
        // "All brokers are down" comes after the reason why, and says less.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            *lock(&self.trouble) = Some(reason.to_owned());
        }
    }

    fn stats_raw(&self, statistics: &[u8]) {
        *lock(&self.statistics) = Some(statistics.to_vec());
    }

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        let token = self.tokens.get();
        if token.is_ok() {
            self.has_token.store(true, Ordering::SeqCst);
        }
        self.lacks_token.store(token.is_err(), Ordering::SeqCst);
        Ok(token?)
    }
}

/// Serves the question for a bearer token, where there is one: a client that is asked things before it is polled would
/// wait for its token for ever.
pub(crate) fn hand_token(consumer: &BaseConsumer<Listener>) -> Result<(), LogError> {
    let context = Arc::clone(consumer.client().context());
    let deadline = Instant::now() + TOKEN_WITHIN;
    while context.wants_token() {
        if let Some(Err(error)) = consumer.poll(Duration::from_millis(10)) {
            tracing::debug!(%error, "while handing the token over");
        }
        let trouble = context.trouble();
        if context.wants_token() && (trouble.is_some() || Instant::now() >= deadline) {
            let told = trouble.unwrap_or_else(|| "librdkafka did not ask for it".to_owned());
            return Err(LogError::Retry(format!(
                "no token was handed over: {told}; check {}",
                context.tokens.setting()
            )));
        }
    }
    Ok(())
}

fn listed(partitions: &TopicPartitionList) -> Vec<(String, u32)> {
    partitions
        .elements()
        .iter()
        .filter_map(|element| {
            let partition = u32::try_from(element.partition()).ok()?;
            Some((element.topic().to_owned(), partition))
        })
        .collect()
}

impl ConsumerContext for Listener {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Listener>,
        what: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let assigning = what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if !self.closing.load(Ordering::SeqCst) {
            let list = listed(partitions);
            lock(&self.rebalanced).push_back(if assigning {
                Rebalanced::Assign(list)
            } else {
                Rebalanced::Revoke(list)
            });
            return;
        }
        // librdkafka waits for an answer before it closes, and this is the one it needs.
        let answered = match (consumer.rebalance_protocol(), assigning) {
            (RebalanceProtocol::Cooperative, false) => consumer.incremental_unassign(partitions),
            _ => consumer.unassign(),
        };
        if let Err(error) = answered {
            tracing::debug!(%error, "partitions could not be handed back while closing");
        }
    }
}

/// Bits of a record's ticket that number it within its batch; the rest number the batch.
const NUMBER_BITS: u32 = 32;
const _: () = assert!(usize::BITS == 64, "a ticket holds two 32-bit numbers");

/// What became of records handed to a producer since [`Deliveries::expect`].
#[derive(Debug, Default)]
struct Outcome {
    /// Reports on records of an earlier batch, purged by its abort, may still be on their way.
    batch: usize,
    left: usize,
    placed: Vec<(i32, i64)>,
    failed: Option<(String, RDKafkaErrorCode)>,
}

/// Context of a producer: counts what was delivered.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    tokens: Arc<Tokens>,
    outcome: Mutex<Outcome>,
    done: Condvar,
}

impl Deliveries {
    pub fn new(tokens: Arc<Tokens>) -> Deliveries {
        Deliveries {
            tokens,
            ..Deliveries::default()
        }
    }

    /// Forgets what was before and expects reports on `count` records; hands back the ticket of the first, which
    /// the others follow.
    pub fn expect(&self, count: usize, keep_places: bool) -> usize {
        let mut outcome = lock(&self.outcome);
        let batch = outcome.batch.wrapping_add(1) & (usize::MAX >> NUMBER_BITS);
        *outcome = Outcome {
            batch,
            left: count,
            placed: vec![(-1, -1); if keep_places { count } else { 0 }],
            failed: None,
        };
        batch << NUMBER_BITS
    }

    /// Waits until every report is in or one failed; `false` when `deadline` came first.
    pub fn wait(&self, deadline: Instant) -> bool {
        let mut outcome = lock(&self.outcome);
        while outcome.left > 0 && outcome.failed.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            outcome = self
                .done
                .wait_timeout(outcome, left.min(Duration::from_secs(1)))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    /// Topic and code of the first record that could not be delivered.
    pub fn failed(&self) -> Option<(String, RDKafkaErrorCode)> {
        lock(&self.outcome).failed.clone()
    }

    /// Where each record stands, by its number.
    pub fn places(&self) -> Vec<(i32, i64)> {
        std::mem::take(&mut lock(&self.outcome).placed)
    }
}

impl ClientContext for Deliveries {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        Ok(self.tokens.get()?)
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, report: &DeliveryResult<'_>, ticket: usize) {
        let number = ticket & (usize::MAX >> NUMBER_BITS);
        let mut outcome = lock(&self.outcome);
        if ticket >> NUMBER_BITS != outcome.batch {
            return;
        }
        outcome.left = outcome.left.saturating_sub(1);
        match report {
            Ok(message) => {
                if let Some(place) = outcome.placed.get_mut(number) {
                    *place = (message.partition(), message.offset());
                }
            }
            Err((error, message)) => {
                let code = error
                    .rdkafka_error_code()
                    .unwrap_or(RDKafkaErrorCode::Unknown);
                // What is purged by an abort fails because something else did.
                let consequence = matches!(
                    code,
                    RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight
                );
                if outcome.failed.is_none() && !consequence {
                    outcome.failed = Some((message.topic().to_owned(), code));
                }
            }
        }
        if outcome.left == 0 || outcome.failed.is_some() {
            self.done.notify_all();
        }
    }
}
