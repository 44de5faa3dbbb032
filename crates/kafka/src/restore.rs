//! A partition's state, read from its compacted topic.
//!
//! The end is the *uncommitted* end, and the read waits until everything below it is decided. Asking for the
//! committed end instead loses a turn: the group's positions may already show a transaction whose marker has not
//! reached the state partition yet, so that its state would be left out (the trap of Kafka Streams' KAFKA-10167).

use crate::config;
use crate::context::{self, Listener};
use crate::counters::Counters;
use crate::errors;
use crate::settings::CheckedKafkaSettings;
use auscult_engine::log::{LogError, StateRecord};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::{ClientConfig, Offset};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a single question to the brokers may take.
pub(crate) const ASK: Duration = Duration::from_secs(5);
/// Beyond the transaction's own time-out, how long the broker may take to abort it (it looks every 10 s).
const ABORT_LAG: Duration = Duration::from_secs(15);
/// How often an open transaction is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_secs(2);
/// Longest silence of the brokers in the middle of a restore.
const SILENCE: Duration = Duration::from_secs(30);

/// What to restore, and where from.
pub(crate) struct Source<'a> {
    pub settings: &'a CheckedKafkaSettings,
    pub counters: &'a Counters,
    pub topic: &'a str,
    pub partition: u32,
    /// What keys of this group begin with.
    pub prefix: &'a [u8],
}

/// A reader of named partitions.
pub(crate) fn reader(
    settings: &CheckedKafkaSettings,
    committed_only: bool,
) -> Result<BaseConsumer<Listener>, LogError> {
    let config: ClientConfig = config::reader(settings, committed_only);
    let listener = Listener::new(settings.tokens());
    listener.close();
    let reader = config
        .create_with_context(listener)
        .map_err(|error| LogError::Fatal(config::without_values(&error)))?;
    context::hand_token(&reader)?;
    Ok(reader)
}

/// Hands the newest live value of every key to `each`, in key order.
pub(crate) fn restore(
    source: &Source<'_>,
    each: &mut dyn FnMut(StateRecord),
) -> Result<u64, LogError> {
    let began = Instant::now();
    let place = format!("{}/{}", source.topic, source.partition);
    let partition = source.partition as i32;
    let ends = reader(source.settings, false)?;
    let (start, end) = ends
        .fetch_watermarks(source.topic, partition, ASK)
        .map_err(|error| errors::blocked(&error, &place))?;
    let labels = [source.topic, &source.partition.to_string()];
    let progress = source.counters.restore_progress.with_label_values(&labels);
    let mut live: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let mut read = 0;
    if start < end {
        progress.set(0.0);
        let committed = reader(source.settings, true)?;
        wait_until_decided(source, &committed, end, &place)?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(source.topic, partition, Offset::Offset(start))
            .and_then(|()| committed.assign(&list))
            .map_err(|error| errors::blocked(&error, &place))?;
        let share = |offset: i64| (offset - start) as f64 / (end - start) as f64;
        read = read_to_end(
            source,
            &committed,
            &place,
            &mut live,
            &mut |offset, read| {
                progress.set(share(offset));
                tracing::info!(partition = %place, read, offset, end, "restoring state");
            },
        )?;
    }
    progress.set(1.0);
    source
        .counters
        .restored_records
        .with_label_values(&labels)
        .inc_by(read);
    let seconds = began.elapsed().as_secs_f64();
    source.counters.restore_seconds.set(seconds);
    tracing::info!(partition = %place, read, live = live.len(), seconds, "state restored");
    for (key, value) in live {
        each(StateRecord {
            key,
            value: Some(value),
        });
    }
    Ok(read)
}

/// Waits until no transaction below `end` is open.
fn wait_until_decided(
    source: &Source<'_>,
    committed: &BaseConsumer<Listener>,
    end: i64,
    place: &str,
) -> Result<(), LogError> {
    let patience = Duration::from_secs(source.settings.transaction_timeout_seconds) + ABORT_LAG;
    let deadline = Instant::now() + patience;
    loop {
        let (_, stable) = committed
            .fetch_watermarks(source.topic, source.partition as i32, ASK)
            .map_err(|error| errors::blocked(&error, place))?;
        if stable >= end {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(LogError::Retry(format!(
                "{place}: a transaction below offset {end} has been open for {} s (stable up to {stable})",
                patience.as_secs()
            )));
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

fn read_to_end(
    source: &Source<'_>,
    committed: &BaseConsumer<Listener>,
    place: &str,
    live: &mut BTreeMap<Vec<u8>, Vec<u8>>,
    tell: &mut dyn FnMut(i64, u64),
) -> Result<u64, LogError> {
    let (mut read, mut told, mut heard) = (0u64, Instant::now(), Instant::now());
    loop {
        match committed.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                read += 1;
                if read.is_multiple_of(4_096) {
                    heard = Instant::now();
                    if told.elapsed() >= TELL_EVERY {
                        told = heard;
                        tell(message.offset(), read);
                    }
                }
                // Another group's state may live beside ours.
                let key = message
                    .key()
                    .and_then(|key| key.strip_prefix(source.prefix));
                match (key, message.payload()) {
                    (Some(key), Some(value)) => {
                        live.insert(key.to_vec(), value.to_vec());
                    }
                    (Some(key), None) => {
                        live.remove(key);
                    }
                    (None, _) => {}
                }
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(read),
            Some(Err(error)) => match errors::blocked(&error, place) {
                LogError::Retry(reason) => tracing::debug!(reason, "while restoring"),
                other => return Err(other),
            },
            None if heard.elapsed() >= SILENCE => {
                return Err(LogError::Retry(format!(
                    "{place}: the brokers said nothing for {} s in the middle of a restore",
                    SILENCE.as_secs()
                )));
            }
            None => {}
        }
    }
}
