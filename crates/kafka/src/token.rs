//! Bearer tokens of OAUTHBEARER: from a file that somebody else renews, or from an identity provider.
//!
//! A process has a dozen clients, and a restore makes two more for each partition: they share one token, so that the
//! provider is asked a few times an hour and not a few times a second. librdkafka could ask by itself (`oidc`), but only
//! when it is built with curl, which its own build does not find on a machine that has none.

mod provider;

use crate::settings::SecuritySettings;
use auscult_engine::settings::Secret;
use base64::Engine as _;
use provider::Provider;
use rdkafka::client::OAuthToken;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// How long a bearer token without a readable expiry is taken to be good.
const TOKEN_MILLISECONDS: i64 = 5 * 60 * 1_000;
/// The part of its life, in tenths, after which a token is not handed to another client any more: a client asks for the
/// next one after eight tenths.
const FRESH_TENTHS: i64 = 7;
/// What a token must have left to be handed out when there is no newer one.
const LEAST_LEFT_MILLISECONDS: i64 = 1_000;

/// A token and its life.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    value: Secret,
    principal: String,
    since_milliseconds: i64,
    until_milliseconds: i64,
}

impl Token {
    /// A token with its subject and expiry if it is a JWT that says them.
    fn read(value: &str, principal: &str, until: i64, now: i64) -> Token {
        let claims: serde_json::Value = value
            .split('.')
            .nth(1)
            .and_then(|part| {
                base64::engine::general_purpose::URL_SAFE_NO_PAD
                    .decode(part.trim_end_matches('='))
                    .ok()
            })
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        Token {
            value: Secret::new(value),
            principal: claims["sub"].as_str().unwrap_or(principal).to_owned(),
            since_milliseconds: now,
            until_milliseconds: claims["exp"]
                .as_i64()
                .map_or(until, |seconds| seconds.saturating_mul(1_000)),
        }
    }

    fn is_fresh(&self, now: i64) -> bool {
        let life = self.until_milliseconds - self.since_milliseconds;
        now < self.since_milliseconds + life / 10 * FRESH_TENTHS
    }

    fn has_time_left(&self, now: i64) -> bool {
        now + LEAST_LEFT_MILLISECONDS < self.until_milliseconds
    }

    fn hand_out(&self) -> OAuthToken {
        OAuthToken {
            token: String::from_utf8_lossy(self.value.bytes()).into_owned(),
            principal_name: self.principal.clone(),
            lifetime_ms: self.until_milliseconds,
        }
    }
}

/// Where tokens come from.
#[derive(Debug, Default)]
enum Origin {
    /// Nobody logs in with a token.
    #[default]
    None,
    File(PathBuf),
    Provider(Box<Provider>),
}

/// The tokens of this process.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    origin: Origin,
    last: Mutex<Option<Token>>,
}

impl Tokens {
    /// As the settings say; they are checked.
    pub fn of(security: &SecuritySettings) -> Tokens {
        let origin = match (&security.token_file, &security.client_secret) {
            (Some(file), _) => Origin::File(file.clone()),
            (None, Some(secret)) if !security.token_url.is_empty() => {
                Origin::Provider(Box::new(Provider {
                    url: security.token_url.clone(),
                    client_id: security.client_id.clone(),
                    client_secret: secret.clone(),
                    scope: security.scope.clone(),
                    ca_file: security.token_ca_file.clone(),
                }))
            }
            _ => Origin::None,
        };
        Tokens {
            origin,
            last: Mutex::new(None),
        }
    }

    /// Whether clients log in with a token.
    pub fn are_used(&self) -> bool {
        !matches!(self.origin, Origin::None)
    }

    /// The setting to look at when there is none.
    pub fn setting(&self) -> &'static str {
        match self.origin {
            Origin::Provider(_) => "kafka.security.token_url",
            Origin::None | Origin::File(_) => "kafka.security.token_file",
        }
    }

    /// A token that is good for a while.
    ///
    /// # Errors
    /// In words, without the token: the file cannot be read, or the provider does not give one.
    pub fn get(&self) -> Result<OAuthToken, String> {
        let now = now_milliseconds();
        match &self.origin {
            Origin::None => Err("no token file and no identity provider are named".to_owned()),
            Origin::File(file) => read_file(file, now).map(|token| token.hand_out()),
            Origin::Provider(provider) => {
                // Whoever asks meanwhile waits, and gets the same one.
                let mut last = crate::context::lock(&self.last);
                renew(&mut last, now, || provider.ask(now)).map(|token| token.hand_out())
            }
        }
    }
}

/// The last token while it is fresh, else a new one; when there is none, the last one as long as it lives.
fn renew(
    last: &mut Option<Token>,
    now: i64,
    ask: impl FnOnce() -> Result<Token, String>,
) -> Result<Token, String> {
    if let Some(token) = last.as_ref().filter(|token| token.is_fresh(now)) {
        return Ok(token.clone());
    }
    match ask() {
        Ok(token) => {
            *last = Some(token.clone());
            Ok(token)
        }
        Err(reason) => match last.as_ref().filter(|token| token.has_time_left(now)) {
            Some(token) => {
                tracing::warn!(
                    reason,
                    "the identity provider gave no new token; the last one is used while it lives"
                );
                Ok(token.clone())
            }
            None => Err(reason),
        },
    }
}

fn read_file(file: &Path, now: i64) -> Result<Token, String> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("cannot read the token file {}: {error}", file.display()))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(format!("the token file {} is empty", file.display()));
    }
    Ok(Token::read(text, "auscult", now + TOKEN_MILLISECONDS, now))
}

fn now_milliseconds() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &[u8]) -> String {
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims);
        format!("head.{claims}.sign")
    }

    fn living(since: i64, until: i64) -> Token {
        Token {
            since_milliseconds: since,
            ..Token::read("opaque", "auscult", until, since)
        }
    }

    #[test]
    fn a_token_file_says_who_and_until_when() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("token");
        let text = jwt(br#"{"sub":"svc-auscult","exp":2000000000}"#);
        std::fs::write(&file, format!("{text}\n")).expect("written");
        let token = read_file(&file, 0).expect("readable").hand_out();
        assert_eq!(token.principal_name, "svc-auscult");
        assert_eq!(token.lifetime_ms, 2_000_000_000_000);
        assert_eq!(token.token, text);
    }

    #[test]
    fn a_fresh_token_is_shared_and_an_old_one_renewed_before_it_ends() {
        let mut last = Some(living(0, 100_000));
        let never = || -> Result<Token, String> { panic!("it is fresh") };
        let token = renew(&mut last, 69_999, never).expect("kept");
        assert_eq!(token.until_milliseconds, 100_000);
        let token = renew(&mut last, 70_000, || Ok(living(70_000, 170_000))).expect("renewed");
        assert_eq!(token.until_milliseconds, 170_000);
        assert_eq!(last, Some(token), "and kept");
    }

    #[test]
    fn a_provider_that_is_away_costs_nothing_while_the_last_token_lives() {
        let mut last = Some(living(0, 100_000));
        let away = || Err("nobody answers".to_owned());
        renew(&mut last, 98_999, away).expect("the last one lives");
        let reason = renew(&mut last, 99_000, away).expect_err("it is about to end");
        assert_eq!(reason, "nobody answers");
        assert!(renew(&mut None, 0, away).is_err());
    }
}
