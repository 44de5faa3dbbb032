//! Encryption and identity: TLS, mutual TLS, SASL. Secrets come from files or the environment and are never
//! printed. OAUTHBEARER takes a token file that somebody else renews, or asks an identity provider.

use auscult_core::settings::Problem;
use auscult_engine::settings::Secret;
use rdkafka::ClientConfig;
use std::path::{Path, PathBuf};

/// The SASL password, when no file is named.
const PASSWORD_VARIABLE: &str = "AUSCULT_KAFKA_PASSWORD";
/// The password of the private key, when no file is named.
const KEY_PASSWORD_VARIABLE: &str = "AUSCULT_KAFKA_KEY_PASSWORD";
/// The secret the identity provider knows us by, when no file is named.
const CLIENT_SECRET_VARIABLE: &str = "AUSCULT_KAFKA_CLIENT_SECRET";

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
    /// Where an identity provider gives tokens (OAuth 2.0 client credentials); empty: none is asked.
    pub token_url: String,
    /// Who we are there.
    pub client_id: String,
    /// File with our secret there; else `AUSCULT_KAFKA_CLIENT_SECRET`.
    pub client_secret_file: Option<PathBuf>,
    /// What the token is to be good for, in the provider's words; empty: what it gives.
    pub scope: String,
    /// Authorities that vouch for the provider (PEM); `None`: the machine's own.
    pub token_ca_file: Option<PathBuf>,
    /// The password, once read.
    pub password: Option<Secret>,
    /// The private key's password, once read.
    pub key_password: Option<Secret>,
    /// The secret for the identity provider, once read.
    pub client_secret: Option<Secret>,
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
            token_url: String::new(),
            client_id: String::new(),
            client_secret_file: None,
            scope: String::new(),
            token_ca_file: None,
            password: None,
            key_password: None,
            client_secret: None,
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
        if !self.token_url.is_empty() && self.mechanism != OAUTHBEARER {
            problem(
                "token_url",
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
            return self.check_tokens(problems);
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

    /// Tokens come from a file or from a provider, and from one of them.
    fn check_tokens(&mut self, problems: &mut Vec<Problem>) {
        let mut problem = |name: &str, reason: String, remedy: &str| {
            problems.push(Problem::new(
                format!("kafka.security.{name}"),
                reason,
                remedy,
            ));
        };
        match (&self.token_file, self.token_url.is_empty()) {
            (None, true) => {
                return problem(
                    "token_file",
                    "no token file is named, and no identity provider".to_owned(),
                    "name the file that holds the bearer token, or token_url",
                );
            }
            (Some(_), false) => {
                return problem(
                    "token_url",
                    "a token file is named, too".to_owned(),
                    "name one of the two",
                );
            }
            (Some(file), true) => {
                if let Err(error) = std::fs::File::open(file) {
                    problem(
                        "token_file",
                        format!("{}: {error}", file.display()),
                        "name a file that can be read",
                    );
                }
                return;
            }
            (None, false) => {}
        }
        if !is_safe_for_a_secret(&self.token_url) {
            problem(
                "token_url",
                format!("{:?} would show the secret to the network", self.token_url),
                "name an address that begins with https://",
            );
        }
        if self.client_id.is_empty() {
            problem(
                "client_id",
                "the identity provider is not told who asks".to_owned(),
                "name the client",
            );
        }
        if let Some(file) = &self.token_ca_file
            && let Err(error) = std::fs::File::open(file)
        {
            problem(
                "token_ca_file",
                format!("{}: {error}", file.display()),
                "name a file that can be read",
            );
        }
        if self.client_secret.is_none() {
            let before = problems.len();
            self.client_secret = secret(
                "client_secret_file",
                self.client_secret_file.as_deref(),
                CLIENT_SECRET_VARIABLE,
                problems,
            );
            if self.client_secret.is_none() && problems.len() == before {
                problems.push(Problem::new(
                    "kafka.security.client_secret_file",
                    "there is no secret for the identity provider",
                    format!("name a file that holds it, or set {CLIENT_SECRET_VARIABLE}"),
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

/// Whether nobody on the way to `url` can read what is sent: it is encrypted, or does not leave this machine.
fn is_safe_for_a_secret(url: &str) -> bool {
    if url.starts_with("https://") {
        return true;
    }
    let host = url
        .strip_prefix("http://")
        .and_then(|rest| rest.split(['/', '?']).next())
        .unwrap_or_default();
    // What stands before an @ is a user, whatever it looks like; the host comes after it.
    if host.contains('@') {
        return false;
    }
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    matches!(host, "127.0.0.1" | "localhost" | "[::1]")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_over_https_or_stays_on_this_machine() {
        for safe in [
            "https://login.example/token",
            "http://127.0.0.1:8080/token",
            "http://localhost/token",
            "http://[::1]:9/t",
        ] {
            assert!(is_safe_for_a_secret(safe), "{safe}");
        }
        for open in [
            "http://login.example/token",
            "http://127.0.0.1.example/",
            "http://localhost@evil.example/",
            "http://127.0.0.1:80@evil.example/",
            "login.example",
            "",
        ] {
            assert!(!is_safe_for_a_secret(open), "{open}");
        }
    }
}
