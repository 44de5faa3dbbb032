//! Pages for people. Every handler returns its markup or a problem; one layer turns problems into pages.

mod act;
mod action;
mod assets;
mod chart;
mod decide;
pub(crate) mod freshness;
mod home;
mod impact;
mod layout;
mod lists;
mod operations;
mod problems;
mod reconciliation;
mod requests;
mod safety;
mod session;
mod signal;
mod signal_parts;
mod signals;

pub(crate) use problems::problems_as_pages;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

/// Every page and form.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/", get(home::show))
        .route("/signals", get(signals::show))
        .route("/signals/{id}", get(signal::show))
        .route("/signals/{id}/dispositions", post(decide::dispose))
        .route("/signals/{id}/actions", post(act::act))
        .route("/impact", get(impact::show))
        .route("/actions/{id}", get(action::show))
        .route("/actions/{id}/steps", post(action::step))
        .route("/safety", get(safety::show))
        .route("/safety/{id}/acks", post(safety::acknowledge))
        .route("/requests", get(requests::show))
        .route("/requests/{id}/answers", post(requests::record_answer))
        .route("/ops", get(operations::show))
        .route("/role", post(session::choose_role))
        .route("/sign-in", get(session::show).post(session::sign_in))
        .route("/sign-out", post(session::sign_out))
        .route("/assets/{name}", get(assets::asset))
}

/// 303 to a place on this server, with a cookie if one is to be set.
fn see_other(place: &str, cookie: Option<String>) -> Response {
    let mut response = axum::http::StatusCode::SEE_OTHER.into_response();
    // A place or cookie that is not a header value cannot come out of our own links; start over at home.
    let place = HeaderValue::from_str(place).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, place);
    if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::from_str(&cookie).ok()) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// A path on this server, or `/`: never a way out to another site.
fn local_path(path: &str) -> &str {
    let local =
        path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n']);
    if local { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::local_path;

    #[test]
    fn no_way_out_to_another_site() {
        for (given, kept) in [
            ("/signals?a=b", "/signals?a=b"),
            ("//evil.example", "/"),
            ("https://evil.example", "/"),
            ("/\\evil.example", "/"),
            ("", "/"),
        ] {
            assert_eq!(local_path(given), kept);
        }
    }
}
