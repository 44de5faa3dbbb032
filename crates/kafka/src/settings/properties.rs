//! Properties of librdkafka a person may not set, with the reason.

use auscult_core::settings::Problem;
use std::collections::BTreeMap;

/// Property, or prefix ending in `.`, with what it would break.
const REFUSED: &[(&str, &str)] = &[
    (
        "enable.auto.commit",
        "positions are committed with the turn's transaction and by nothing else",
    ),
    (
        "auto.commit.interval.ms",
        "positions are committed with the turn's transaction and by nothing else",
    ),
    (
        "enable.auto.offset.store",
        "positions are committed with the turn's transaction and by nothing else",
    ),
    (
        "isolation.level",
        "records of aborted transactions would be read: things would count twice",
    ),
    (
        "auto.offset.reset",
        "a gap in what was read would pass without a word",
    ),
    (
        "acks",
        "a record must be on all in-sync replicas before it counts as written",
    ),
    (
        "request.required.acks",
        "a record must be on all in-sync replicas before it counts as written",
    ),
    (
        "enable.idempotence",
        "without it a retry writes a record twice",
    ),
    (
        "max.in.flight",
        "idempotent producers keep their order only within librdkafka's own bound",
    ),
    ("retries", "a transaction decides what is tried again"),
    (
        "message.send.max.retries",
        "a transaction decides what is tried again",
    ),
    (
        "transactional.id",
        "it is made from group_prefix and instance, so that a zombie is fenced",
    ),
    (
        "transaction.timeout.ms",
        "it has a setting of its own: kafka.transaction_timeout_seconds",
    ),
    ("group.id", "it is made from group_prefix"),
    (
        "group.instance.id",
        "it has a setting of its own: kafka.instance",
    ),
    (
        "group.protocol",
        "revocation is only proven with the classic protocol",
    ),
    (
        "partition.assignment.strategy",
        "partitions that stay must not lose their machines when others move",
    ),
    (
        "session.timeout.ms",
        "it has a setting of its own: kafka.session_timeout_seconds",
    ),
    (
        "heartbeat.interval.ms",
        "it follows kafka.session_timeout_seconds",
    ),
    (
        "max.poll.interval.ms",
        "it has a setting of its own: kafka.max_poll_interval_seconds",
    ),
    (
        "partitioner",
        "every producer must put a key into the same partition (murmur2)",
    ),
    (
        "allow.auto.create.topics",
        "a misspelt topic would be made instead of found",
    ),
    ("enable.partition.eof", "a restore knows its end by it"),
    (
        "statistics.interval.ms",
        "what is unread is counted from it",
    ),
    (
        "bootstrap.servers",
        "it has a setting of its own: kafka.brokers",
    ),
    (
        "metadata.broker.list",
        "it has a setting of its own: kafka.brokers",
    ),
    (
        "security.protocol",
        "it has a setting of its own: kafka.security.protocol",
    ),
    (
        "sasl.",
        "identities have settings of their own below kafka.security, so that secrets stay out of this file",
    ),
    (
        "ssl.key.password",
        "secrets stay out of this file: kafka.security.key_password_file or AUSCULT_KAFKA_KEY_PASSWORD",
    ),
    (
        "ssl.keystore.",
        "certificates have settings of their own below kafka.security",
    ),
    (
        "enable.ssl.certificate.verification",
        "a broker nobody has verified may be anybody",
    ),
    (
        "enable.gapless.guarantee",
        "a transaction keeps that promise, and more",
    ),
    ("log.queue", "librdkafka's lines go to our log"),
    ("debug", "its lines may hold customer text"),
    (
        "plugin.library.paths",
        "code nobody has looked at would run in this process",
    ),
];

/// Adds a problem for each property that may not be set.
pub fn check(properties: &BTreeMap<String, String>, problems: &mut Vec<Problem>) {
    for property in properties.keys() {
        let refused = REFUSED.iter().find(|(name, _)| {
            property == name || (name.ends_with('.') && property.starts_with(name))
        });
        if let Some((_, reason)) = refused {
            problems.push(Problem::new(
                format!("kafka.properties.{property}"),
                format!("it may not be set: {reason}"),
                "leave it out",
            ));
        }
    }
}
