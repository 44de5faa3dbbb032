//! Asking the running service, as a page would.

use crate::cli::Server;
use crate::exit::{Failure, Kind};
use serde_json::Value;

/// `GET` of a path of the API; hands back its JSON.
///
/// # Errors
/// The service cannot be reached, or said no.
pub fn get(server: &Server, path: &str) -> Result<Value, Failure> {
    let url = url(server, path);
    let mut request = agent().get(&url);
    if let Some(token) = authorization(server) {
        request = request.header("authorization", token);
    }
    if let Some(role) = server.role_header() {
        request = request.header("x-auscult-role", role);
    }
    read(&url, request.call())
}

/// `POST` of JSON to a path of the API; hands back the answer's JSON.
///
/// # Errors
/// The service cannot be reached, or said no.
pub fn post(server: &Server, path: &str, body: &Value) -> Result<Value, Failure> {
    let url = url(server, path);
    let mut request = agent().post(&url);
    if let Some(token) = authorization(server) {
        request = request.header("authorization", token);
    }
    if let Some(role) = server.role_header() {
        request = request.header("x-auscult-role", role);
    }
    read(&url, request.send_json(body))
}

fn url(server: &Server, path: &str) -> String {
    format!("{}{path}", server.server.trim_end_matches('/'))
}

fn authorization(server: &Server) -> Option<String> {
    server.token.as_ref().map(|token| format!("Bearer {token}"))
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into()
}

fn read(
    url: &str,
    answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Value, Failure> {
    let refused = |reason: String| Failure::new(Kind::Refused, anyhow::anyhow!(reason));
    let mut response = answer.map_err(|error| {
        refused(format!(
            "cannot reach {url}: {error}; start `auscult run` or name it with --server"
        ))
    })?;
    let status = response.status();
    let text = response.body_mut().read_to_string().map_err(|error| {
        refused(format!(
            "{url} stopped in the middle of its answer: {error}"
        ))
    })?;
    if !status.is_success() {
        return Err(refused(format!("{url} answered {status}: {}", text.trim())));
    }
    serde_json::from_str(&text)
        .map_err(|error| refused(format!("{url} answered what is no JSON: {error}")))
}
