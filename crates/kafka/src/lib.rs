//! Apache Kafka as a log.
//!
//! Only the settings stand yet: a service that is told to use Kafka says at start-up that it cannot, instead of
//! running half of it. Issue 3 builds the rest.

pub mod admin;

use auscult_core::settings::Problem;

/// What a person wrote under `[kafka]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaSettings {
    /// `host:port` of at least one broker.
    pub brokers: Vec<String>,
    /// What consumer groups and transactional ids begin with.
    pub group_prefix: String,
}

impl Default for KafkaSettings {
    fn default() -> KafkaSettings {
        KafkaSettings {
            brokers: Vec::new(),
            group_prefix: "auscult".to_owned(),
        }
    }
}

/// Settings that passed [`KafkaSettings::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedKafkaSettings(KafkaSettings);

impl KafkaSettings {
    /// Checks everything; all problems at once.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(self) -> Result<CheckedKafkaSettings, Vec<Problem>> {
        let mut problems = Vec::new();
        if self.brokers.is_empty() {
            problems.push(Problem::new(
                "kafka.brokers",
                "no broker is named",
                "name at least one as \"host:port\"",
            ));
        }
        for (at, broker) in self.brokers.iter().enumerate() {
            let port = broker.rsplit_once(':').and_then(|(host, port)| {
                (!host.is_empty())
                    .then(|| port.parse::<u16>().ok())
                    .flatten()
            });
            if port.is_none() {
                problems.push(Problem::new(
                    format!("kafka.brokers[{at}]"),
                    format!("{broker:?} is not host:port"),
                    "write it as \"host:9092\"",
                ));
            }
        }
        if self.group_prefix.is_empty() {
            problems.push(Problem::new(
                "kafka.group_prefix",
                "it is empty",
                "name what consumer groups begin with",
            ));
        }
        if problems.is_empty() {
            Ok(CheckedKafkaSettings(self))
        } else {
            Err(problems)
        }
    }
}

impl CheckedKafkaSettings {
    /// What every client of the brokers starts from.
    #[must_use]
    pub fn client_config(&self) -> rdkafka::ClientConfig {
        let mut config = rdkafka::ClientConfig::new();
        config.set("bootstrap.servers", self.0.brokers.join(","));
        config
    }
}

/// Kafka was asked for, and is not there yet.
#[derive(Debug, thiserror::Error)]
#[error(
    "the Kafka log is not built yet (brokers {brokers}): remove [kafka] from the settings to use the embedded log"
)]
pub struct NotBuiltYet {
    /// Brokers that were named.
    pub brokers: String,
}

/// Connects to Kafka.
///
/// # Errors
/// Always [`NotBuiltYet`], for now.
pub fn connect(settings: &CheckedKafkaSettings) -> Result<std::convert::Infallible, NotBuiltYet> {
    Err(NotBuiltYet {
        brokers: settings.0.brokers.join(", "),
    })
}
