//! An identity provider asked for tokens: OAuth 2.0 client credentials (RFC 6749, section 4.4), which OpenID Connect
//! providers offer to services. The client logs in as section 2.3.1 says every server must take it (HTTP Basic).

use super::{TOKEN_MILLISECONDS, Token};
use auscult_engine::settings::Secret;
use base64::Engine as _;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use ureq::tls::{PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

/// Longest wait for the provider.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Where and as whom tokens are asked for.
#[derive(Debug)]
pub(super) struct Provider {
    pub url: String,
    pub client_id: String,
    pub client_secret: Secret,
    pub scope: String,
    /// Authorities that vouch for the provider (PEM); `None`: the machine's own.
    pub ca_file: Option<PathBuf>,
}

impl Provider {
    /// Asks for a new token.
    pub fn ask(&self, now: i64) -> Result<Token, String> {
        let told = |what: String| format!("the identity provider {}: {what}", self.url);
        let agent = self.agent()?;
        let mut form = vec![("grant_type", "client_credentials")];
        if !self.scope.is_empty() {
            form.push(("scope", self.scope.as_str()));
        }
        let mut answer = agent
            .post(&self.url)
            .header("authorization", self.login())
            .header("accept", "application/json")
            .send_form(form)
            .map_err(|error| told(error.to_string()))?;
        let status = answer.status().as_u16();
        let body = answer
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES_MAX)
            .read_to_string()
            .map_err(|error| told(error.to_string()))?;
        granted(status, &body, &self.client_id, now).map_err(told)
    }

    fn agent(&self) -> Result<ureq::Agent, String> {
        let roots = match &self.ca_file {
            None => RootCerts::PlatformVerifier,
            Some(file) => authorities(file)?,
        };
        let tls = TlsConfig::builder()
            .provider(TlsProvider::NativeTls)
            .root_certs(roots)
            .build();
        Ok(ureq::Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(ANSWER_WITHIN))
            .http_status_as_error(false)
            // A redirect would carry the secret to whoever it names.
            .max_redirects(0)
            .build()
            .into())
    }

    fn login(&self) -> String {
        let secret = String::from_utf8_lossy(self.client_secret.bytes()).into_owned();
        let pair = format!(
            "{}:{}",
            form_encoded(&self.client_id),
            form_encoded(&secret)
        );
        let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
        format!("Basic {encoded}")
    }
}

fn authorities(file: &Path) -> Result<RootCerts, String> {
    let wrong = |what: String| format!("kafka.security.token_ca_file {}: {what}", file.display());
    let pem = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(error) => return Err(wrong(error.to_string())),
        }
    }
    if certificates.is_empty() {
        return Err(wrong("it holds no certificate".to_owned()));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}

/// What a provider's answer grants.
fn granted(status: u16, body: &str, client_id: &str, now: i64) -> Result<Token, String> {
    let answer: Value = serde_json::from_str(body).unwrap_or_default();
    if status != 200 {
        // A code of RFC 6749 such as invalid_client; anything else may repeat what was sent.
        let code = answer["error"].as_str().unwrap_or_default();
        let is_code = !code.is_empty()
            && code.len() <= 64
            && code
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let code = if is_code { code } else { "no code" };
        return Err(format!(
            "it refused with status {status} ({code}); check client_id, the client secret and scope of kafka.security"
        ));
    }
    let token = answer["access_token"].as_str().unwrap_or_default();
    if token.is_empty() || token.bytes().any(|byte| !byte.is_ascii_graphic()) {
        return Err("its answer holds no access_token".to_owned());
    }
    let life = answer["expires_in"]
        .as_i64()
        .filter(|seconds| *seconds > 0)
        .map_or(TOKEN_MILLISECONDS, |seconds| seconds.saturating_mul(1_000));
    Ok(Token::read(token, client_id, now.saturating_add(life), now))
}

/// `text` as `application/x-www-form-urlencoded` has it.
fn form_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push('+'),
            // Writing to a String cannot fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_granted_is_read_and_what_is_refused_told_without_what_was_sent() {
        let token =
            granted(200, r#"{"access_token":"abc","expires_in":60}"#, "svc", 5).expect("granted");
        assert_eq!(token.principal, "svc");
        assert_eq!(token.until_milliseconds, 60_005);
        let refused = |status, body: &str| granted(status, body, "svc", 0).expect_err("refused");
        assert!(refused(401, r#"{"error":"invalid_client"}"#).contains("invalid_client"));
        assert!(!refused(400, r#"{"error":"Secret was hunter2"}"#).contains("hunter2"));
        assert!(refused(200, r#"{"token_type":"bearer"}"#).contains("access_token"));
        assert!(refused(200, "<html>").contains("access_token"));
    }

    #[test]
    fn a_client_with_odd_characters_logs_in_as_the_standard_says() {
        let provider = Provider {
            url: String::new(),
            client_id: "a b".to_owned(),
            client_secret: Secret::new("s:€%"),
            scope: String::new(),
            ca_file: None,
        };
        let login = provider.login();
        let sent = base64::engine::general_purpose::STANDARD
            .decode(login.trim_start_matches("Basic "))
            .expect("base 64");
        assert_eq!(sent, b"a+b:s%3A%E2%82%AC%25");
        assert!(!format!("{provider:?}").contains('€'));
    }
}
