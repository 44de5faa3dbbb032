//! Headers, limits and times around every answer.

use crate::problem::Problem;
use crate::settings::{MAX_CONCURRENT_REQUESTS, REQUEST_TIMEOUT_SECONDS};
use crate::state::State;
use axum::extract::{Extension, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Duration;

/// Everything comes from this server, nothing runs inline, nobody may frame us.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// Layer: security headers on every answer; nothing but assets is kept by caches.
pub(crate) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Layer: at most so many requests at once, each within its time. Live streams are bounded elsewhere and end
/// with the connection: the time here covers only the making of the response.
pub(crate) async fn limits(
    Extension(state): Extension<Arc<State>>,
    request: Request,
    next: Next,
) -> Response {
    let Ok(_permit) = state.requests.try_acquire() else {
        return Problem::busy(
            "server",
            format!("{MAX_CONCURRENT_REQUESTS} requests are being answered already"),
        )
        .into_response();
    };
    match tokio::time::timeout(
        Duration::from_secs(REQUEST_TIMEOUT_SECONDS),
        next.run(request),
    )
    .await
    {
        Ok(response) => response,
        Err(_) => Problem::busy(
            "server",
            format!("The answer took longer than {REQUEST_TIMEOUT_SECONDS} s"),
        )
        .into_response(),
    }
}
