//! How a cluster is wished for.

use std::collections::BTreeMap;

/// A user of the listener `SASL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Name.
    pub name: String,
    /// Password, in the open: tests only.
    pub password: String,
}

/// What a cluster is to be like.
///
/// Every broker has the listener `PLAINTEXT`, without a login, for tests' own work. Under [`Self::authorizer`]
/// it is a super user; users of the other listeners may only what access lists allow.
#[derive(Debug, Clone, Default)]
pub struct ClusterSettings {
    pub(crate) brokers: u16,
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) users: Vec<User>,
    pub(crate) oauth: bool,
    pub(crate) tls: bool,
    pub(crate) authorizer: bool,
    pub(crate) for_speed: bool,
    pub(crate) file_bytes_max: Option<u64>,
}

impl ClusterSettings {
    /// One broker: its own coordinator and controller.
    pub fn one() -> ClusterSettings {
        ClusterSettings {
            brokers: 1,
            ..ClusterSettings::default()
        }
    }

    /// Three brokers; internal topics are kept by all three, writable with two.
    pub fn three() -> ClusterSettings {
        ClusterSettings {
            brokers: 3,
            ..ClusterSettings::default()
        }
    }

    /// Sets a property of `server.properties` on every broker (`message.max.bytes`, `log.segment.bytes` …).
    #[must_use]
    pub fn property(mut self, name: &str, value: &str) -> ClusterSettings {
        self.properties.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Opens the listener `SASL` (no TLS) and lets this user in by PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512.
    #[must_use]
    pub fn user(mut self, name: &str, password: &str) -> ClusterSettings {
        self.users.push(User {
            name: name.to_owned(),
            password: password.to_owned(),
        });
        self
    }

    /// Lets the listener `SASL` accept OAUTHBEARER with unsigned tokens (librdkafka's `enable.sasl.oauthbearer.unsecure.jwt`).
    #[must_use]
    pub fn oauth(mut self) -> ClusterSettings {
        self.oauth = true;
        self
    }

    /// Opens the listeners `TLS` and `MTLS` (the second asks for a client's certificate), and `SASLTLS` where users are
    /// named; see [`crate::Cluster::tls`].
    #[must_use]
    pub fn tls(mut self) -> ClusterSettings {
        self.tls = true;
        self
    }

    /// Nothing is allowed but what access lists allow; the listener `PLAINTEXT` may everything.
    #[must_use]
    pub fn authorizer(mut self) -> ClusterSettings {
        self.authorizer = true;
        self
    }

    /// A broker for measurements: 1 GiB of heap and the full compiler, which takes longer to start.
    #[must_use]
    pub fn for_speed(mut self) -> ClusterSettings {
        self.for_speed = true;
        self
    }

    /// No broker may write a file beyond so many bytes: what comes after fails as on a full disk. A broker needs more
    /// than 10 MiB, the size of its index files, to start. See [`crate::Cluster::make_room`].
    #[must_use]
    pub fn file_bytes_max(mut self, bytes: u64) -> ClusterSettings {
        self.file_bytes_max = Some(bytes);
        self
    }

    pub(crate) fn sasl(&self) -> bool {
        self.oauth || !self.users.is_empty()
    }

    /// Names of the listeners clients use.
    pub(crate) fn listeners(&self) -> Vec<&'static str> {
        let mut names = vec!["PLAINTEXT"];
        if self.sasl() {
            names.push("SASL");
        }
        if self.tls {
            names.extend(["TLS", "MTLS"]);
        }
        if self.tls && self.sasl() {
            names.push("SASLTLS");
        }
        names
    }
}
