//! The JSON API under `/v1`, and the endpoints machines watch.
//!
//! Every route stands in one list, which the router is built from and the OpenAPI document is tested against.

pub(crate) mod actions;
mod dead_letters;
mod feedback;
mod overview;
pub(crate) mod reconciliation;
pub(crate) mod requests;
pub(crate) mod safety;
pub(crate) mod signals;

use crate::problem::Problem;
use crate::state::State;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, Path, Query};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::sync::Arc;

pub(crate) use overview::state_word;
pub(crate) use signals::query;

/// What every handler starts from.
pub(crate) type Shared = Extension<Arc<State>>;
/// An id in a path.
pub(crate) type Id = Path<String>;
/// A query string, pair by pair.
pub(crate) type Pairs = Query<Vec<(String, String)>>;

/// The OpenAPI 3.1 document.
pub(crate) const OPENAPI: &str = include_str!("../../openapi/openapi.json");

/// One route that machines use.
pub(crate) struct Route {
    /// Method in lower case, as OpenAPI writes it.
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "read by the test that holds the OpenAPI document to the routes"
        )
    )]
    pub method: &'static str,
    /// Path in axum's and OpenAPI's common spelling.
    pub path: &'static str,
    /// Who answers.
    pub handler: MethodRouter,
}

/// Every route that machines use.
pub(crate) fn routes() -> Vec<Route> {
    let get = |path, handler| Route {
        method: "get",
        path,
        handler,
    };
    let post = |path, handler| Route {
        method: "post",
        path,
        handler,
    };
    vec![
        get("/v1/overview", self::get(overview::overview)),
        get("/v1/signals", self::get(signals::list)),
        get("/v1/signals/{id}", self::get(signals::one)),
        get("/v1/signals/{id}/points", self::get(signals::points)),
        post(
            "/v1/signals/{id}/dispositions",
            self::post(signals::dispose),
        ),
        post("/v1/feedback", feedback::handler()),
        get("/v1/safety/candidates", self::get(safety::list)),
        post(
            "/v1/safety/candidates/{id}/acks",
            self::post(safety::acknowledge),
        ),
        get("/v1/safety/reconciliation", self::get(reconciliation::show)),
        get("/v1/requests", self::get(requests::list)),
        post("/v1/requests/{id}/answers", self::post(requests::answer)),
        get("/v1/actions", self::get(actions::list)),
        post("/v1/actions", self::post(actions::record)),
        get("/v1/actions/{id}", self::get(actions::one)),
        post("/v1/actions/{id}/steps", self::post(actions::step)),
        get("/v1/dead-letters", self::get(dead_letters::list)),
        get("/v1/openapi.json", self::get(openapi)),
        get("/events", self::get(crate::live::events)),
        get("/metrics", self::get(metrics)),
        get("/healthz", self::get(healthz)),
        get("/readyz", self::get(readyz)),
    ]
}

/// Whether problems of this path are told as JSON rather than as a page.
pub(crate) fn is_for_machines(path: &str) -> bool {
    path == "/v1"
        || path.starts_with("/v1/")
        || matches!(path, "/events" | "/metrics" | "/healthz" | "/readyz")
}

async fn openapi() -> Response {
    (
        [(
            header::CONTENT_TYPE,
            "application/vnd.oai.openapi+json;version=3.1",
        )],
        OPENAPI,
    )
        .into_response()
}

async fn metrics(Extension(state): Shared) -> Result<Response, Problem> {
    let text = Arc::clone(&state.app.metrics);
    let text = tokio::task::spawn_blocking(move || text())
        .await
        .map_err(|_| Problem::broken("metrics", "The metrics could not be gathered"))?;
    Ok((
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    )
        .into_response())
}

/// The process answers: that is all this says.
async fn healthz() -> Json<serde_json::Value> {
    Json(json!({"status": "ok"}))
}

/// Whether this process can take work, and which parts cannot. Details of the parts are for the Ops page.
async fn readyz(Extension(state): Shared) -> Result<Response, Problem> {
    let report = state.health().await?;
    let parts: serde_json::Map<String, serde_json::Value> = report
        .parts
        .iter()
        .map(|part| (part.name.clone(), json!(state_word(part.state))))
        .collect();
    let status = if report.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    Ok((
        status,
        Json(json!({"status": if report.ready { "ready" } else { "not_ready" }, "parts": parts})),
    )
        .into_response())
}

/// A JSON body, with a problem that says what is wrong with it.
pub(crate) fn json_body<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<T, Problem> {
    let media_type = media_type(headers);
    if media_type != "application/json" {
        return Err(unsupported(&media_type, "application/json"));
    }
    serde_json::from_slice(&bytes(body)?).map_err(|error| {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_json",
            "The body cannot be read",
            format!("The body is not the JSON expected: {error}"),
            format!("body, line {} column {}", error.line(), error.column()),
            "compare it with the schema in /v1/openapi.json",
        )
    })
}

/// The body, or why it was not taken.
pub(crate) fn bytes(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Problem> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "The body is too large",
            "The body is larger than this route takes",
            "body",
            "send it in several requests; the limit of each route is in /v1/openapi.json",
        ),
        _ => Problem::bad_request(
            "body_cut_short",
            rejection.body_text(),
            "body",
            "send the request again",
        ),
    })
}

/// The media type of the body without its parameters, in lower case.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// 415, with what would be read.
pub(crate) fn unsupported(given: &str, supported: &str) -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "The kind of body is not read here",
        if given.is_empty() {
            "No content type is given".to_owned()
        } else {
            format!("The content type {given:?} is not read here")
        },
        "content-type header",
        format!("send {supported}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_is_in_the_openapi_document_and_nothing_else_is() {
        let document: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item
                .as_object()
                .unwrap()
                .keys()
                .filter(|key| *key != "parameters")
            {
                described.insert(format!("{method} {path}"));
            }
        }
        let served: BTreeSet<String> = routes()
            .iter()
            .map(|route| format!("{} {}", route.method, route.path))
            .collect();
        assert_eq!(served, described);
    }
}
