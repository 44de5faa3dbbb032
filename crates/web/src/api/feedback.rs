//! Feedback over HTTP, in every form of the CloudEvents binding and as JSON Lines.

use super::{Shared, bytes, media_type, unsupported};
use crate::access::Visitor;
use crate::problem::Problem;
use crate::roles::Right;
use crate::settings::MAX_FEEDBACK_BYTES;
use auscult_engine::log::Headers;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Extension};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use serde_json::json;

/// Media types read here: structured, batch, JSON Lines (both spellings in use), and plain JSON (binary mode when
/// `ce-` headers are there).
const MEDIA_TYPES: [&str; 6] = [
    "application/json",
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
    "application/x-ndjson",
    "application/jsonl",
    "application/json-lines",
];

pub(super) fn handler() -> MethodRouter {
    post(feedback).layer(DefaultBodyLimit::max(MAX_FEEDBACK_BYTES))
}

async fn feedback(
    Extension(state): Shared,
    visitor: Visitor,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    // In demo mode whoever can reach this machine's own port may feed it.
    if !visitor.demo {
        visitor.require(Right::SubmitFeedback)?;
    }
    let media_type = media_type(&headers);
    if !MEDIA_TYPES.contains(&media_type.as_str()) {
        return Err(unsupported(&media_type, &MEDIA_TYPES.join(", ")));
    }
    let body = bytes(body)?;
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::bad_request(
            "empty_body",
            "The body is empty",
            "body",
            "send one event, a batch, or one event a line",
        ));
    }
    let passed_on = without_secrets(&headers);
    let accepted = state
        .submit(move |log| log.feedback(&media_type, &passed_on, body))
        .await?;
    if accepted.ids.is_empty() && !accepted.rejected.is_empty() {
        let first = &accepted.rejected[0];
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "nothing_accepted",
            "No item was accepted",
            format!(
                "{} items were refused; the first: {}: {}",
                accepted.rejected.len(),
                first.code,
                first.reason
            ),
            format!("item {}, {}", first.index, first.place),
            first.remedy.clone(),
        )
        .with_rejected(accepted.rejected.clone()));
    }
    Ok((
        StatusCode::ACCEPTED,
        Json(json!({"accepted": accepted.ids.len(), "ids": accepted.ids, "rejected": accepted.rejected})),
    )
        .into_response())
}

/// The headers that may travel on: no credential ever reaches the log.
fn without_secrets(headers: &HeaderMap) -> Headers {
    let secret = [
        header::AUTHORIZATION,
        header::COOKIE,
        header::PROXY_AUTHORIZATION,
    ];
    headers
        .iter()
        .filter(|(name, _)| !secret.contains(name))
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect()
}
