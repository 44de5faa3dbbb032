//! Configurations of librdkafka clients: what a person set, then what our guarantees need, in that order.

use crate::settings::CheckedKafkaSettings;
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;

/// Milliseconds between librdkafka's statistics: how soon it is known that nothing is left to read.
pub(crate) const STATISTICS_MILLISECONDS: u64 = 250;
/// Milliseconds a producer waits for company before it sends: a turn hands over everything at once.
const LINGER_MILLISECONDS: u64 = 1;
/// Messages and kibibytes a producer holds: two of the largest turns with room to spare.
const PRODUCER_MESSAGES: u64 = 500_000;
const PRODUCER_KIBIBYTES: u64 = 512 * 1024;
/// Kibibytes a consumer fetches ahead over all its partitions.
const FETCHED_AHEAD_KIBIBYTES: u64 = 32 * 1024;
/// Largest record written: feedback of 10 MiB with its dead letter. The topic's own limit is the narrower one.
const RECORD_BYTES: u64 = 16 * 1024 * 1024;

pub(crate) fn base(settings: &CheckedKafkaSettings, name: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set_log_level(RDKafkaLogLevel::Warning);
    config.set("reconnect.backoff.max.ms", "2000");
    for (property, value) in &settings.properties {
        config.set(property, value);
    }
    config.set("bootstrap.servers", settings.brokers.join(","));
    config.set("client.id", format!("{}-{name}", settings.group_prefix));
    settings.security.apply(&mut config);
    config
}

/// A consumer of group `group`; a static member when `instance` is named.
pub(crate) fn consumer(
    settings: &CheckedKafkaSettings,
    group: &str,
    instance: Option<&str>,
) -> ClientConfig {
    let mut config = base(settings, group);
    let session = settings.session_timeout_seconds * 1_000;
    config
        .set("group.id", group)
        .set("group.protocol", "classic")
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("isolation.level", "read_committed")
        .set("auto.offset.reset", "error")
        .set("allow.auto.create.topics", "false")
        .set("session.timeout.ms", session.to_string())
        .set(
            "heartbeat.interval.ms",
            (session / 5).min(3_000).to_string(),
        )
        .set(
            "max.poll.interval.ms",
            (settings.max_poll_interval_seconds * 1_000).to_string(),
        )
        .set(
            "statistics.interval.ms",
            STATISTICS_MILLISECONDS.to_string(),
        )
        .set(
            "queued.max.messages.kbytes",
            FETCHED_AHEAD_KIBIBYTES.to_string(),
        )
        .set("fetch.wait.max.ms", "100");
    if let Some(instance) = instance {
        config.set("group.instance.id", instance);
    }
    config
}

/// A consumer of no group that reads named partitions to their end.
pub(crate) fn reader(settings: &CheckedKafkaSettings, committed_only: bool) -> ClientConfig {
    let isolation = if committed_only {
        "read_committed"
    } else {
        "read_uncommitted"
    };
    let mut config = base(settings, "reader");
    config
        // librdkafka wants a group for assigned partitions too; nothing joins it and nothing is committed.
        .set("group.id", format!("{}-reader", settings.group_prefix))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("isolation.level", isolation)
        .set("auto.offset.reset", "error")
        .set("allow.auto.create.topics", "false")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "50");
    config
}

fn producer(settings: &CheckedKafkaSettings, name: &str) -> ClientConfig {
    let mut config = base(settings, name);
    config
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("partitioner", "murmur2_random")
        .set("linger.ms", LINGER_MILLISECONDS.to_string())
        .set(
            "queue.buffering.max.messages",
            PRODUCER_MESSAGES.to_string(),
        )
        .set("queue.buffering.max.kbytes", PRODUCER_KIBIBYTES.to_string())
        .set("message.max.bytes", RECORD_BYTES.to_string());
    if !settings.properties.contains_key("compression.type")
        && !settings.properties.contains_key("compression.codec")
    {
        config.set("compression.type", "lz4");
    }
    config
}

/// A producer that writes single records, each at most once.
pub(crate) fn idempotent(settings: &CheckedKafkaSettings) -> ClientConfig {
    let mut config = producer(settings, "append");
    config.set("message.timeout.ms", "30000");
    config
}

/// A producer of transactions.
pub(crate) fn transactional(settings: &CheckedKafkaSettings, id: &str) -> ClientConfig {
    let mut config = producer(settings, id);
    let timeout = settings.transaction_timeout_seconds * 1_000;
    config
        .set("transactional.id", id)
        .set("transaction.timeout.ms", timeout.to_string())
        .set("message.timeout.ms", timeout.to_string());
    config
}

/// What librdkafka says of a configuration, without the value, which may be a secret.
pub(crate) fn without_values(error: &KafkaError) -> String {
    match error {
        KafkaError::ClientConfig(_, reason, property, _) => format!("{property}: {reason}"),
        other => other.to_string(),
    }
}
