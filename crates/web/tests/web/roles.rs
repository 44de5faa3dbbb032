//! The wall: a role sees what it may, and no hint of the rest.

use crate::common::{
    CANDIDATE, COMMENT, DEAD_BYTES, Fake, QUESTION, QUOTE, REQUEST, app, token, with_tokens,
};
use crate::pages::PAGES;
use crate::{Answer, get, send, site};
use axum::Router;
use axum::http::{Method, StatusCode};
use std::sync::Arc;

const ROLES: [&str; 5] = ["analyst", "medical", "brand", "safety", "ops"];
const API: [&str; 10] = [
    "/v1/overview",
    "/v1/signals",
    "/v1/signals?status=all&suppressed=include",
    "/v1/signals/al_9c41d0",
    "/v1/signals/al_silence",
    "/v1/signals/al_silence/points",
    "/v1/safety/candidates?state=all",
    "/v1/safety/reconciliation",
    "/v1/requests?state=all",
    "/v1/dead-letters",
];

fn all_paths() -> Vec<&'static str> {
    PAGES
        .iter()
        .map(|(_, path)| *path)
        .chain(API)
        .chain(["/metrics", "/readyz", "/healthz"])
        .collect()
}

#[tokio::test]
async fn quotes_and_comments_are_for_analyst_and_medical_alone() {
    let (router, _) = site();
    for role in ROLES {
        let mut quotes = 0;
        let mut comments = 0;
        for path in all_paths() {
            let body = get(&router, role, path).await.body;
            quotes += usize::from(body.contains(QUOTE));
            comments += usize::from(body.contains(COMMENT));
        }
        let may_read = matches!(role, "analyst" | "medical");
        assert_eq!(
            quotes > 0,
            may_read,
            "{role} met quotes in {quotes} answers"
        );
        assert_eq!(
            comments > 0,
            may_read,
            "{role} met comments in {comments} answers"
        );
    }
}

#[tokio::test]
async fn candidates_are_for_safety_alone_and_signals_are_not_for_safety() {
    let (router, _) = site();
    for role in ROLES {
        for path in all_paths() {
            let body = get(&router, role, path).await.body;
            if role != "safety" {
                assert!(
                    !body.contains(CANDIDATE)
                        && !body.contains("vault:acme/v/")
                        && !body.contains("hospitalisation"),
                    "{role} {path}"
                );
                assert!(
                    !body.contains("Safety desk") && !body.contains("href=\"/safety\""),
                    "{role} {path}: a hint"
                );
                assert!(
                    !body.contains("due_within_24_hours"),
                    "{role} {path}: a count"
                );
            } else {
                assert!(
                    !body.contains("Prior-authorisation"),
                    "{path}: a signal on the safety desk"
                );
            }
        }
    }
}

#[tokio::test]
async fn medical_requests_are_for_medical_alone() {
    let (router, _) = site();
    for role in ROLES {
        let mut met = 0;
        for path in all_paths() {
            let body = get(&router, role, path).await.body;
            met += usize::from(body.contains(QUESTION));
            if role != "medical" {
                for hint in [
                    REQUEST,
                    "vault:acme/c/",
                    "Medical requests",
                    "href=\"/requests",
                    "oldest_received_at",
                ] {
                    assert!(!body.contains(hint), "{role} {path}: {hint}");
                }
            }
        }
        assert_eq!(met > 0, role == "medical", "{role}");
    }
}

#[tokio::test]
async fn bytes_of_dead_letters_are_shown_to_nobody() {
    let (router, _) = site();
    for role in ROLES {
        for path in all_paths() {
            assert!(
                !get(&router, role, path).await.body.contains(DEAD_BYTES),
                "{role} {path}"
            );
        }
    }
}

#[tokio::test]
async fn small_counts_of_people_are_banded_for_roles_without_text() {
    let (router, _) = site();
    for (role, shown) in [
        ("analyst", "27 people"),
        ("brand", "25–49 people"),
        ("ops", "25–49 people"),
    ] {
        assert!(
            get(&router, role, "/signals/al_9c41d0")
                .await
                .body
                .contains(shown),
            "{role}"
        );
    }
    let people = |answer: Answer| answer.json()["current"]["alert"]["evidence"]["people"].clone();
    assert_eq!(
        people(get(&router, "brand", "/v1/signals/al_9c41d0").await),
        "25-49"
    );
    assert_eq!(
        people(get(&router, "medical", "/v1/signals/al_9c41d0").await),
        27
    );
}

#[tokio::test]
async fn the_menu_shows_only_what_opens() {
    let (router, _) = site();
    for (role, pages) in [
        ("analyst", &["/signals"][..]),
        ("medical", &["/signals", "/requests"]),
        ("brand", &["/signals"]),
        ("safety", &["/safety"]),
        ("ops", &["/signals", "/ops"]),
    ] {
        let home = get(&router, role, "/").await.body;
        for page in ["/signals", "/safety", "/requests", "/ops"] {
            let opens = get(&router, role, page).await.status == StatusCode::OK;
            assert_eq!(opens, pages.contains(&page), "{role} {page}");
            let menu = home.split("</nav>").next().unwrap();
            assert_eq!(
                menu.contains(&format!("href=\"{page}\"")),
                opens,
                "{role} {page} in the menu"
            );
        }
    }
}

fn guarded() -> Router {
    auscult_web::router(app(&Arc::new(Fake::default()), with_tokens()))
}

async fn with_bearer(router: &Router, method: Method, token: &str, path: &str) -> Answer {
    let value = format!("Bearer {token}");
    send(
        router,
        method,
        path,
        &[
            ("authorization", &value),
            ("content-type", "application/json"),
        ],
        "{}",
    )
    .await
}

#[tokio::test]
async fn with_tokens_nobody_enters_without_one() {
    let router = guarded();
    for path in API {
        let answer = send(
            &router,
            Method::GET,
            path,
            &[
                ("x-auscult-role", "safety"),
                ("cookie", "auscult_role=safety"),
            ],
            "",
        )
        .await;
        assert_eq!(
            answer.status,
            StatusCode::UNAUTHORIZED,
            "{path}: demo's ways are closed"
        );
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
    }
    assert_eq!(
        send(
            &router,
            Method::POST,
            "/v1/feedback",
            &[("content-type", "application/json")],
            "{}"
        )
        .await
        .status,
        StatusCode::UNAUTHORIZED
    );
    let page = send(&router, Method::GET, "/signals?status=all", &[], "").await;
    assert_eq!(
        (page.status, page.header("location")),
        (
            StatusCode::SEE_OTHER,
            "/sign-in?next=%2Fsignals%3Fstatus%3Dall"
        )
    );
    for open in [
        "/healthz",
        "/readyz",
        "/metrics",
        "/sign-in",
        "/v1/openapi.json",
        "/assets/auscult.css",
    ] {
        assert_eq!(
            send(&router, Method::GET, open, &[], "").await.status,
            StatusCode::OK,
            "{open}"
        );
    }
}

#[tokio::test]
async fn a_token_opens_what_its_role_may() {
    let router = guarded();
    for (role, path, status) in [
        ("analyst", "/v1/signals", StatusCode::OK),
        ("analyst", "/v1/safety/candidates", StatusCode::FORBIDDEN),
        ("safety", "/v1/safety/candidates", StatusCode::OK),
        ("safety", "/v1/signals", StatusCode::FORBIDDEN),
        ("ops", "/v1/dead-letters", StatusCode::OK),
        ("source", "/v1/overview", StatusCode::FORBIDDEN),
    ] {
        assert_eq!(
            with_bearer(&router, Method::GET, &token(role), path)
                .await
                .status,
            status,
            "{role} {path}"
        );
    }
    for (role, status) in [
        ("source", StatusCode::ACCEPTED),
        ("ops", StatusCode::ACCEPTED),
        ("analyst", StatusCode::FORBIDDEN),
    ] {
        assert_eq!(
            with_bearer(&router, Method::POST, &token(role), "/v1/feedback")
                .await
                .status,
            status,
            "{role} posts feedback"
        );
    }
    assert_eq!(
        with_bearer(&router, Method::GET, "wrong", "/v1/signals")
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn signing_in_gives_a_session_that_is_not_the_token() {
    let router = guarded();
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let wrong = send(&router, Method::POST, "/sign-in", &[kind], "token=guess").await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    let answer = send(
        &router,
        Method::POST,
        "/sign-in",
        &[kind],
        format!("token={}&next=%2Fsafety", token("safety")),
    )
    .await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::SEE_OTHER, "/safety")
    );
    let cookie = answer.header("set-cookie");
    assert!(cookie.contains("HttpOnly; SameSite=Strict") && !cookie.contains(&token("safety")));
    let session = cookie.split(';').next().unwrap();
    let page = send(&router, Method::GET, "/safety", &[("cookie", session)], "").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("Sign out") && !page.body.contains("Demo mode"));
    let out = send(
        &router,
        Method::POST,
        "/sign-out",
        &[("cookie", session), ("sec-fetch-site", "same-origin")],
        "",
    )
    .await;
    assert!(out.header("set-cookie").contains("Max-Age=0"));
}
