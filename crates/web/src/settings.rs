//! Settings of the pages and the API: what a person wrote, and the checked form.
//!
//! The default serves this machine only. Opening a port to others without a token is refused at start-up
//! rather than warned about: a warning scrolls past, and feedback of patients is behind this door.

use crate::roles::Role;
use auscult_core::settings::Problem;
use std::net::SocketAddr;

/// Most reads of the read model at once; further ones wait up to [`READ_WAIT_SECONDS`].
pub const MAX_CONCURRENT_READS: usize = 8;
/// How long a request waits for its turn to read, in seconds.
pub const READ_WAIT_SECONDS: u64 = 5;
/// Most requests answered at once; further ones get 503.
pub const MAX_CONCURRENT_REQUESTS: usize = 256;
/// Most open connections; further ones wait to be accepted.
pub const MAX_CONNECTIONS: usize = 1_024;
/// Most open live-update streams; further ones get 503.
pub const MAX_LIVE_STREAMS: usize = 64;
/// Longest time one request may take, in seconds.
pub const REQUEST_TIMEOUT_SECONDS: u64 = 30;
/// How long open requests may take to finish after shutdown was asked for, in seconds.
pub const SHUTDOWN_GRACE_SECONDS: u64 = 10;
/// Largest body of `POST /v1/feedback`, in bytes.
pub const MAX_FEEDBACK_BYTES: usize = 16 * 1024 * 1024;
/// Largest body of any other request, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// Shortest token accepted, in bytes.
pub const MIN_TOKEN_BYTES: usize = 24;
/// Most tokens.
pub const MAX_TOKENS: usize = 256;

/// What a person wrote under `[web]`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebSettings {
    /// Address and port to listen on. Default `127.0.0.1:8080`.
    pub bind: String,
    /// Bearer tokens, each with its role. None: demo mode, for this machine only.
    pub tokens: Vec<WebToken>,
    /// Host names under which browsers reach this server in demo mode, besides `localhost`.
    pub public_hosts: Vec<String>,
    /// Whether a proxy in front speaks TLS: cookies are then marked `Secure`.
    pub behind_tls: bool,
    /// Age of the newest closed bucket from which the freshness badge turns to "behind", in hours.
    pub behind_after_hours: u32,
}

impl Default for WebSettings {
    fn default() -> WebSettings {
        WebSettings {
            bind: "127.0.0.1:8080".to_owned(),
            tokens: Vec::new(),
            public_hosts: Vec::new(),
            behind_tls: false,
            behind_after_hours: 50,
        }
    }
}

/// One token.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebToken {
    /// Role: `analyst`, `medical`, `brand`, `safety`, `ops` or `source` (may only post feedback).
    pub role: String,
    /// Reference of the person or system, never a name; written into every answer.
    pub actor: String,
    /// The secret.
    pub token: String,
}

impl std::fmt::Debug for WebToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebToken")
            .field("role", &self.role)
            .field("actor", &self.actor)
            .field("token", &"…")
            .finish()
    }
}

/// A token as the server keeps it: hashes only, compared in constant time.
#[derive(Debug, Clone)]
pub(crate) struct CheckedToken {
    pub role: Role,
    pub actor: String,
    /// Hash of the token itself, for `Authorization: Bearer`.
    pub bearer: blake3::Hash,
    /// What the session cookie holds instead of the token.
    pub session: blake3::Hash,
}

/// Settings that passed [`WebSettings::check`].
#[derive(Debug, Clone)]
pub struct CheckedWebSettings {
    pub(crate) bind: SocketAddr,
    pub(crate) tokens: Vec<CheckedToken>,
    pub(crate) public_hosts: Vec<String>,
    pub(crate) behind_tls: bool,
    pub(crate) behind_after_milliseconds: i64,
}

impl CheckedWebSettings {
    /// Address and port to listen on.
    #[must_use]
    pub fn bind(&self) -> SocketAddr {
        self.bind
    }

    /// Whether no token is set: everybody on this machine may look, in any role.
    #[must_use]
    pub fn is_demo(&self) -> bool {
        self.tokens.is_empty()
    }
}

/// Hash of a bearer token.
pub(crate) fn bearer_hash(token: &str) -> blake3::Hash {
    blake3::hash(token.as_bytes())
}

/// What the session cookie of `token` holds.
pub(crate) fn session_hash(token: &str) -> blake3::Hash {
    blake3::Hash::from_bytes(blake3::derive_key(
        "auscult 2026 web session cookie",
        token.as_bytes(),
    ))
}

impl WebSettings {
    /// Checks everything and reports all problems at once, each with its path.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(self) -> Result<CheckedWebSettings, Vec<Problem>> {
        let mut problems = Vec::new();
        let bind = self.check_bind(&mut problems);
        let tokens = self.check_tokens(&mut problems);
        for (index, host) in self.public_hosts.iter().enumerate() {
            if host.is_empty() || host.contains(['/', ' ', '*']) {
                problems.push(Problem::new(
                    format!("web.public_hosts[{index}]"),
                    format!("{host:?} is not a host name"),
                    "write the name alone, such as listen.example.org",
                ));
            }
        }
        if !(1..=10_000).contains(&self.behind_after_hours) {
            problems.push(Problem::new(
                "web.behind_after_hours",
                format!("{} is out of range", self.behind_after_hours),
                "choose 1 to 10000",
            ));
        }
        match bind {
            Some(bind) if problems.is_empty() => Ok(CheckedWebSettings {
                bind,
                tokens,
                public_hosts: self
                    .public_hosts
                    .iter()
                    .map(|host| host.to_ascii_lowercase())
                    .collect(),
                behind_tls: self.behind_tls,
                behind_after_milliseconds: i64::from(self.behind_after_hours)
                    * auscult_core::time::HOUR,
            }),
            _ => Err(problems),
        }
    }

    fn check_bind(&self, problems: &mut Vec<Problem>) -> Option<SocketAddr> {
        let Ok(bind) = self.bind.parse::<SocketAddr>() else {
            problems.push(Problem::new(
                "web.bind",
                format!("{:?} is not an address with a port", self.bind),
                "write it as 127.0.0.1:8080",
            ));
            return None;
        };
        if !bind.ip().is_loopback() && self.tokens.is_empty() {
            problems.push(Problem::new(
                "web.bind",
                format!("{bind} can be reached from other machines and no token is set"),
                "add [[web.tokens]] for each role, or bind to 127.0.0.1",
            ));
        }
        Some(bind)
    }

    fn check_tokens(&self, problems: &mut Vec<Problem>) -> Vec<CheckedToken> {
        if self.tokens.len() > MAX_TOKENS {
            problems.push(Problem::new(
                "web.tokens",
                format!("{} tokens are set", self.tokens.len()),
                format!("keep at most {MAX_TOKENS}"),
            ));
        }
        let mut checked: Vec<CheckedToken> = Vec::new();
        for (index, token) in self.tokens.iter().enumerate() {
            let path = format!("web.tokens[{index}]");
            if token.token.len() < MIN_TOKEN_BYTES {
                problems.push(Problem::new(
                    format!("{path}.token"),
                    format!("{} characters can be guessed", token.token.len()),
                    format!("use at least {MIN_TOKEN_BYTES} random characters, such as from `openssl rand -hex 24`"),
                ));
            }
            if token.actor.is_empty()
                || token.actor.len() > 64
                || token.actor.chars().any(|c| c.is_control() || c == ' ')
            {
                problems.push(Problem::new(
                    format!("{path}.actor"),
                    format!("{:?} is not a reference", token.actor),
                    "write 1 to 64 characters without spaces, such as u_44",
                ));
            }
            let bearer = bearer_hash(&token.token);
            if checked.iter().any(|other| other.bearer == bearer) {
                problems.push(Problem::new(
                    format!("{path}.token"),
                    "the same token is set twice",
                    "give each entry its own token",
                ));
            }
            match Role::parse(&token.role) {
                Some(role) => checked.push(CheckedToken {
                    role,
                    actor: token.actor.clone(),
                    bearer,
                    session: session_hash(&token.token),
                }),
                None => problems.push(Problem::new(
                    format!("{path}.role"),
                    format!("{:?} is not a role", token.role),
                    format!("choose one of {}", Role::names()),
                )),
            }
        }
        checked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(role: &str, secret: &str) -> WebToken {
        WebToken {
            role: role.to_owned(),
            actor: "u_1".to_owned(),
            token: secret.to_owned(),
        }
    }

    #[test]
    fn default_serves_this_machine_only() {
        let checked = WebSettings::default().check().unwrap();
        assert!(checked.bind().ip().is_loopback());
        assert!(checked.is_demo());
    }

    #[test]
    fn an_open_port_without_tokens_is_refused() {
        let settings = WebSettings {
            bind: "0.0.0.0:8080".to_owned(),
            ..WebSettings::default()
        };
        let problems = settings.check().unwrap_err();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].to_string().contains("no token is set"));
        let settings = WebSettings {
            bind: "0.0.0.0:8080".to_owned(),
            tokens: vec![token("analyst", "0123456789abcdef01234567")],
            ..WebSettings::default()
        };
        assert!(!settings.check().unwrap().is_demo());
    }

    #[test]
    fn all_problems_come_at_once_and_no_secret_is_printed() {
        let settings = WebSettings {
            bind: "nowhere".to_owned(),
            tokens: vec![
                token("king", "short-secret"),
                token("analyst", "short-secret"),
            ],
            public_hosts: vec!["http://a/".to_owned()],
            behind_after_hours: 0,
            ..WebSettings::default()
        };
        let shown = format!("{settings:?}");
        let paths: Vec<String> = settings
            .check()
            .unwrap_err()
            .into_iter()
            .map(|problem| problem.path)
            .collect();
        for path in [
            "web.bind",
            "web.tokens[0].token",
            "web.tokens[0].role",
            "web.tokens[1].token",
            "web.public_hosts[0]",
            "web.behind_after_hours",
        ] {
            assert!(
                paths.iter().any(|found| found == path),
                "{path} is missing from {paths:?}"
            );
        }
        assert!(!shown.contains("short-secret"));
    }
}
