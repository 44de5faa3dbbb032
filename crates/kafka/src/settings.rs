//! `[kafka]`: what a person wrote, and what may run.
//!
//! Everything our guarantees rest on (commits, isolation, acknowledgements, identities) is set by us and refused in
//! `kafka.properties` with the reason. The alternative, letting properties win, turns "exactly once" into a
//! support case.

mod properties;
mod security;

pub use security::SecuritySettings;

use crate::token::Tokens;
use auscult_core::settings::Problem;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a person wrote under `[kafka]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaSettings {
    /// `host:port` of at least one broker.
    pub brokers: Vec<String>,
    /// What consumer groups and transactional ids begin with.
    pub group_prefix: String,
    /// A name of this instance that survives restarts and that no other instance has: static membership. Empty:
    /// every start is a new member.
    pub instance: String,
    /// Seconds without a heartbeat after which a member's partitions go to others.
    pub session_timeout_seconds: u64,
    /// Seconds after which the broker aborts a transaction whose instance is gone.
    pub transaction_timeout_seconds: u64,
    /// Seconds a turn or a restore may take before the instance counts as hung.
    pub max_poll_interval_seconds: u64,
    /// Encryption and identity.
    pub security: SecuritySettings,
    /// Further librdkafka properties, such as `client.rack`.
    pub properties: BTreeMap<String, String>,
}

impl Default for KafkaSettings {
    fn default() -> KafkaSettings {
        KafkaSettings {
            brokers: Vec::new(),
            group_prefix: "auscult".to_owned(),
            instance: String::new(),
            session_timeout_seconds: 15,
            transaction_timeout_seconds: 15,
            max_poll_interval_seconds: 600,
            security: SecuritySettings::default(),
            properties: BTreeMap::new(),
        }
    }
}

/// Settings that passed [`KafkaSettings::check`], and the tokens that all clients made from them share.
#[derive(Debug, Clone)]
pub struct CheckedKafkaSettings {
    written: KafkaSettings,
    tokens: Arc<Tokens>,
}

impl PartialEq for CheckedKafkaSettings {
    /// The same settings: a token in hand is none of them.
    fn eq(&self, other: &CheckedKafkaSettings) -> bool {
        self.written == other.written
    }
}

impl Eq for CheckedKafkaSettings {}

impl KafkaSettings {
    /// Checks everything; all problems at once. Reads the files that hold secrets.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(mut self) -> Result<CheckedKafkaSettings, Vec<Problem>> {
        let mut problems = Vec::new();
        self.check_brokers(&mut problems);
        self.check_names(&mut problems);
        self.check_times(&mut problems);
        self.security.check(&mut problems);
        properties::check(&self.properties, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let checked = CheckedKafkaSettings {
            tokens: Arc::new(Tokens::of(&self.security)),
            written: self,
        };
        // librdkafka knows its own properties best: it is asked before anything connects.
        for config in [
            crate::config::consumer(&checked, "check", None),
            crate::config::transactional(&checked, "check"),
        ] {
            if let Err(error) = config.create_native_config() {
                problems.push(Problem::new(
                    "kafka.properties",
                    crate::config::without_values(&error),
                    "correct it, or leave it out",
                ));
                return Err(problems);
            }
        }
        Ok(checked)
    }

    fn check_brokers(&self, problems: &mut Vec<Problem>) {
        if self.brokers.is_empty() {
            problems.push(Problem::new(
                "kafka.brokers",
                "no broker is named",
                "name at least one as \"host:port\"",
            ));
        }
        for (at, broker) in self.brokers.iter().enumerate() {
            let port = broker.rsplit_once(':').and_then(|(host, port)| {
                (!host.is_empty() && !host.contains(['/', ',', ' ']))
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
    }

    fn check_names(&self, problems: &mut Vec<Problem>) {
        let allowed = |text: &str| {
            text.len() <= 200
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        };
        if self.group_prefix.is_empty() || !allowed(&self.group_prefix) {
            problems.push(Problem::new(
                "kafka.group_prefix",
                format!("{:?} is no name", self.group_prefix),
                "name what consumer groups begin with in letters, digits, dots and hyphens",
            ));
        }
        if !allowed(&self.instance) {
            problems.push(Problem::new(
                "kafka.instance",
                format!("{:?} is no name", self.instance),
                "use letters, digits, dots and hyphens, or leave it out",
            ));
        }
    }

    fn check_times(&self, problems: &mut Vec<Problem>) {
        let mut range = |path: &str, value: u64, low: u64, high: u64| {
            if !(low..=high).contains(&value) {
                problems.push(Problem::new(
                    format!("kafka.{path}"),
                    format!("{value} is out of range"),
                    format!("choose {low} to {high}"),
                ));
            }
        };
        range(
            "session_timeout_seconds",
            self.session_timeout_seconds,
            6,
            300,
        );
        range(
            "transaction_timeout_seconds",
            self.transaction_timeout_seconds,
            5,
            900,
        );
        range(
            "max_poll_interval_seconds",
            self.max_poll_interval_seconds,
            self.session_timeout_seconds.clamp(30, 3_600),
            3_600,
        );
    }
}

impl CheckedKafkaSettings {
    /// What every client of the brokers starts from: addresses, security, further properties.
    #[must_use]
    pub fn client_config(&self) -> rdkafka::ClientConfig {
        crate::config::base(self, "tools")
    }

    /// Bearer tokens, one for all clients.
    pub(crate) fn tokens(&self) -> Arc<Tokens> {
        Arc::clone(&self.tokens)
    }
}

impl std::ops::Deref for CheckedKafkaSettings {
    type Target = KafkaSettings;
    fn deref(&self) -> &KafkaSettings {
        &self.written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auscult_engine::settings::Secret;

    fn usable() -> KafkaSettings {
        KafkaSettings {
            brokers: vec!["localhost:9092".to_owned()],
            ..KafkaSettings::default()
        }
    }

    fn paths(settings: KafkaSettings) -> Vec<String> {
        settings
            .check()
            .expect_err("a mistake")
            .into_iter()
            .map(|problem| problem.path)
            .collect()
    }

    #[test]
    fn a_broker_is_all_that_is_needed() {
        usable().check().expect("sound");
        assert_eq!(paths(KafkaSettings::default()), ["kafka.brokers"]);
    }

    #[test]
    fn properties_that_break_guarantees_are_refused_with_the_reason() {
        let mut settings = usable();
        for property in [
            "enable.auto.commit",
            "isolation.level",
            "acks",
            "transactional.id",
            "sasl.password",
            "group.protocol",
        ] {
            settings
                .properties
                .insert(property.to_owned(), "x".to_owned());
        }
        settings
            .properties
            .insert("client.rack".to_owned(), "a".to_owned());
        let problems = settings.check().expect_err("six are refused");
        assert_eq!(problems.len(), 6, "{problems:#?}");
        assert!(problems.iter().all(|problem| !problem.reason.is_empty()));
    }

    #[test]
    fn a_property_librdkafka_does_not_know_is_found_by_the_check() {
        let mut settings = usable();
        settings
            .properties
            .insert("fetch.wait.mx.ms".to_owned(), "5".to_owned());
        let problems = settings.check().expect_err("no such property");
        assert!(
            problems[0].to_string().contains("fetch.wait.mx.ms"),
            "{}",
            problems[0]
        );
    }

    #[test]
    fn every_kind_of_security_makes_a_client() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("secret");
        std::fs::write(&file, "hush\n").expect("written");
        for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
            let mut settings = usable();
            settings.security = SecuritySettings {
                protocol: "sasl_ssl".to_owned(),
                mechanism: mechanism.to_owned(),
                username: "auscult".to_owned(),
                password_file: Some(file.clone()),
                ..SecuritySettings::default()
            };
            let checked = settings.check().expect("sound");
            let config = crate::config::consumer(&checked, "g", None);
            assert_eq!(config.get("sasl.password"), Some("hush"));
            assert!(!format!("{checked:?}").contains("hush"));
        }
        let mut settings = usable();
        settings.security = SecuritySettings {
            protocol: "sasl_ssl".to_owned(),
            mechanism: "OAUTHBEARER".to_owned(),
            token_file: Some(file),
            ..SecuritySettings::default()
        };
        settings.check().expect("sound");
    }

    #[test]
    fn half_an_identity_is_refused() {
        let mut settings = usable();
        settings.security = SecuritySettings {
            protocol: "sasl_plaintext".to_owned(),
            mechanism: "SCRAM-SHA-512".to_owned(),
            certificate_file: Some("client.pem".into()),
            password: Some(Secret::new("x")),
            token_file: Some("token".into()),
            ..SecuritySettings::default()
        };
        assert_eq!(
            paths(settings),
            [
                "kafka.security.key_file",
                "kafka.security.certificate_file",
                "kafka.security.token_file",
                "kafka.security.username",
            ]
        );
    }
}
