//! The router driven in process, over a hand-made read model and log.
#![recursion_limit = "256"]
#![allow(missing_docs, reason = "nobody else reads a test's items")]

#[path = "../common/mod.rs"]
mod common;

mod actions;
mod api;
mod contract;
mod contrast;
mod forms;
mod html;
mod pages;
mod roles;
mod serving;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use common::{Fake, app, demo};
use std::sync::Arc;
use tower::ServiceExt;

/// An answer read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }
}

/// The router over hand-made data, and the data.
pub fn site() -> (Router, Arc<Fake>) {
    let fake = Arc::new(Fake::default());
    (auscult_web::router(app(&fake, demo())), fake)
}

/// Sends one request and reads the answer.
pub async fn send(
    router: &Router,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router
        .clone()
        .oneshot(request.body(body.into()).unwrap())
        .await
        .unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

/// GET in a role of the demo.
pub async fn get(router: &Router, role: &str, path: &str) -> Answer {
    send(
        router,
        Method::GET,
        path,
        &[("x-auscult-role", role)],
        Body::empty(),
    )
    .await
}

/// POST of JSON in a role of the demo.
pub async fn post_json(router: &Router, role: &str, path: &str, body: &str) -> Answer {
    send(
        router,
        Method::POST,
        path,
        &[
            ("x-auscult-role", role),
            ("content-type", "application/json"),
        ],
        body.to_owned(),
    )
    .await
}

/// POST of a form in a role of the demo.
pub async fn post_form(router: &Router, role: &str, path: &str, body: &str) -> Answer {
    let headers = [
        ("x-auscult-role", role),
        ("content-type", "application/x-www-form-urlencoded"),
        ("sec-fetch-site", "same-origin"),
    ];
    send(router, Method::POST, path, &headers, body.to_owned()).await
}
