//! Encryption and identity: TLS, mutual TLS, SASL. Secrets come from files or the environment and are never
//! printed; OAUTHBEARER takes a token file that somebody else renews, because every platform has such a somebody
//! and none agrees on the protocol behind it.

use auscult_core::settings::Problem;
use auscult_engine::settings::Secret;
use rdkafka::ClientConfig;
use std::path::{Path, PathBuf};

/// The SASL password, when no file is named.
const PASSWORD_VARIABLE: &str = "AUSCULT_KAFKA_PASSWORD";
/// The password of the private key, when no file is named.
const KEY_PASSWORD_VARIABLE: &str = "AUSCULT_KAFKA_KEY_PASSWORD";

const PROTOCOLS: [&str; 4] = ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"];
const OAUTHBEARER: &str = "OAUTHBEARER";
const MECHANISMS: [&str; 4] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", OAUTHBEARER];

/// What a person wrote under `[kafka.security]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecuritySettings {
    /// `plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`.
    pub protocol: String,
    /// Authorities that vouch for the brokers (PEM); `None`: the machine's own.
    pub ca_file: Option<PathBuf>,
    /// Our certificate (PEM), for mutual TLS.
    pub certificate_file: Option<PathBuf>,
    /// Its private key (PEM).
    pub key_file: Option<PathBuf>,
    /// File with the private key's password; else `AUSCULT_KAFKA_KEY_PASSWORD`.
    pub key_password_file: Option<PathBuf>,
    /// `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512` or `OAUTHBEARER`.
    pub mechanism: String,
    /// User of PLAIN and SCRAM.
    pub username: String,
    /// File with its password; else `AUSCULT_KAFKA_PASSWORD`.
    pub password_file: Option<PathBuf>,
    /// File with the bearer token (JWT) of OAUTHBEARER; read again before the token expires.
    pub token_file: Option<PathBuf>,
    /// The password, once read.
    pub password: Option<Secret>,
    /// The private key's password, once read.
    pub key_password: Option<Secret>,
}

impl Default for SecuritySettings {
    fn default() -> SecuritySettings {
        SecuritySettings {
            protocol: "plaintext".to_owned(),
            ca_file: None,
            certificate_file: None,
            key_file: None,
            key_password_file: None,
            mechanism: String::new(),
            username: String::new(),
            password_file: None,
            token_file: None,
            password: None,
            key_password: None,
        }
    }
}

impl SecuritySettings {
    /// Reads the secrets and checks that what is named fits together.
    pub(super) fn check(&mut self, problems: &mut Vec<Problem>) {
        let protocol = self.protocol.clone();
        if !PROTOCOLS.contains(&protocol.as_str()) {
            problems.push(Problem::new(
                "kafka.security.protocol",
                format!("{protocol:?} is not known"),
                format!("choose one of {}", PROTOCOLS.join(", ")),
            ));
            return;
        }
        self.check_tls(protocol.ends_with("ssl"), problems);
        self.check_sasl(protocol.starts_with("sasl"), problems);
    }

    fn check_tls(&mut self, tls: bool, problems: &mut Vec<Problem>) {
        if self.certificate_file.is_some() != self.key_file.is_some() {
            let missing = if self.key_file.is_none() {
                "key_file"
            } else {
                "certificate_file"
            };
            problems.push(Problem::new(
                format!("kafka.security.{missing}"),
                "mutual TLS needs a certificate and its key",
                "name both, or neither",
            ));
        }
        let files = [
            ("ca_file", &self.ca_file),
            ("certificate_file", &self.certificate_file),
            ("key_file", &self.key_file),
        ];
        for (name, file) in files {
            let Some(file) = file else { continue };
            let path = format!("kafka.security.{name}");
            if !tls {
                problems.push(Problem::new(
                    path,
                    format!("protocol {:?} does not encrypt", self.protocol),
                    "choose ssl or sasl_ssl, or leave it out",
                ));
            } else if let Err(error) = std::fs::File::open(file) {
                problems.push(Problem::new(
                    path,
                    format!("{}: {error}", file.display()),
                    "name a file that can be read",
                ));
            }
        }
        if tls && self.key_file.is_some() && self.key_password.is_none() {
            self.key_password = secret(
                "key_password_file",
                self.key_password_file.as_deref(),
                KEY_PASSWORD_VARIABLE,
                problems,
            );
        }
    }

    fn check_sasl(&mut self, sasl: bool, problems: &mut Vec<Problem>) {
        let mut problem = |name: &str, reason: String, remedy: &str| {
            problems.push(Problem::new(
                format!("kafka.security.{name}"),
                reason,
                remedy,
            ));
        };
        if self.token_file.is_some() && self.mechanism != OAUTHBEARER {
            problem(
                "token_file",
                format!("mechanism {:?} takes no token", self.mechanism),
                "choose OAUTHBEARER, or leave it out",
            );
        }
        if !sasl {
            if !self.mechanism.is_empty() {
                problem(
                    "mechanism",
                    format!("protocol {:?} knows no users", self.protocol),
                    "choose sasl_ssl or sasl_plaintext, or leave it out",
                );
            }
            return;
        }
        if !MECHANISMS.contains(&self.mechanism.as_str()) {
            return problem(
                "mechanism",
                format!("{:?} is not known", self.mechanism),
                "choose PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER",
            );
        }
        if self.mechanism == OAUTHBEARER {
            match &self.token_file {
                None => problem(
                    "token_file",
                    "no token file is named".to_owned(),
                    "name the file that holds the bearer token",
                ),
                Some(file) => {
                    if let Err(error) = std::fs::File::open(file) {
                        problem(
                            "token_file",
                            format!("{}: {error}", file.display()),
                            "name a file that can be read",
                        );
                    }
                }
            }
            return;
        }
        if self.username.is_empty() {
            problem("username", "no user is named".to_owned(), "name the user");
        }
        if self.password.is_none() {
            self.password = secret(
                "password_file",
                self.password_file.as_deref(),
                PASSWORD_VARIABLE,
                problems,
            );
            if self.password.is_none() && self.password_file.is_none() {
                problems.push(Problem::new(
                    "kafka.security.password_file",
                    "there is no password",
                    format!("name a file that holds it, or set {PASSWORD_VARIABLE}"),
                ));
            }
        }
    }

    /// Puts all of it into a client's configuration.
    pub(crate) fn apply(&self, config: &mut ClientConfig) {
        let text = |secret: &Secret| String::from_utf8_lossy(secret.bytes()).into_owned();
        let mut set = |name: &str, value: Option<String>| {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                config.set(name, value);
            }
        };
        let path = |file: &Option<PathBuf>| {
            file.as_ref()
                .map(|file| file.to_string_lossy().into_owned())
        };
        set("security.protocol", Some(self.protocol.clone()));
        if self.protocol.ends_with("ssl") {
            // Our OpenSSL is our own build: it must look for the machine's authorities.
            let authorities = path(&self.ca_file).unwrap_or_else(|| "probe".to_owned());
            set("ssl.ca.location", Some(authorities));
            set("ssl.certificate.location", path(&self.certificate_file));
            set("ssl.key.location", path(&self.key_file));
            set("ssl.key.password", self.key_password.as_ref().map(text));
        }
        if self.protocol.starts_with("sasl") {
            set("sasl.mechanism", Some(self.mechanism.clone()));
            if self.mechanism != OAUTHBEARER {
                set("sasl.username", Some(self.username.clone()));
                set("sasl.password", self.password.as_ref().map(text));
            }
        }
    }
}

/// The secret of `file`, or else of the environment variable.
fn secret(
    name: &str,
    file: Option<&Path>,
    variable: &str,
    problems: &mut Vec<Problem>,
) -> Option<Secret> {
    let Some(file) = file else {
        return std::env::var(variable)
            .ok()
            .filter(|text| !text.is_empty())
            .map(Secret::new);
    };
    match std::fs::read_to_string(file) {
        Ok(text) => Some(Secret::new(text.trim_end_matches(['\r', '\n']))),
        Err(error) => {
            problems.push(Problem::new(
                format!("kafka.security.{name}"),
                format!("{}: {error}", file.display()),
                "name a file that can be read",
            ));
            None
        }
    }
}
