//! Every page: answers, holds together, escapes what customers wrote, says cause and next step when it cannot.

use crate::common::{Fake, HOSTILE, QUOTE, app, demo};
use crate::{get, html, send, site};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Every page with a role that may open it.
pub const PAGES: [(&str, &str); 21] = [
    ("analyst", "/"),
    ("medical", "/"),
    ("brand", "/"),
    ("safety", "/"),
    ("ops", "/"),
    ("analyst", "/signals"),
    (
        "analyst",
        "/signals?status=all&suppressed=include&limit=2&offset=2",
    ),
    ("brand", "/signals?brand=alpha&region="),
    ("analyst", "/signals/al_9c41d0"),
    ("brand", "/signals/al_9c41d0"),
    ("analyst", "/signals/al_hostile"),
    ("analyst", "/signals/al_proposed"),
    ("analyst", "/signals/al_77?recorded=confirmed&stale=true"),
    ("ops", "/signals/al_silence"),
    ("safety", "/safety?state=all"),
    ("analyst", "/impact"),
    ("analyst", "/actions/a_10"),
    ("medical", "/requests"),
    ("medical", "/requests?state=all&answered=mr_1"),
    ("ops", "/ops"),
    ("ops", "/ops?code=unknown_enum"),
];

#[tokio::test]
async fn every_page_answers_and_holds_together() {
    let (router, _) = site();
    for (role, path) in PAGES {
        let answer = get(&router, role, path).await;
        assert_eq!(
            answer.status,
            StatusCode::OK,
            "{role} {path}: {}",
            answer.body
        );
        assert!(
            answer.header("content-type").starts_with("text/html"),
            "{path}"
        );
        html::check(path, &answer.body);
    }
}

#[tokio::test]
async fn empty_pages_say_cause_and_next_step() {
    let router = auscult_web::router(app(
        &Arc::new(Fake {
            empty: true,
            ..Fake::default()
        }),
        demo(),
    ));
    for (role, path, words) in [
        ("analyst", "/", "No period has been closed"),
        ("analyst", "/signals", "POST /v1/feedback"),
        (
            "analyst",
            "/signals?brand=alpha",
            "No signal fits this filter",
        ),
        ("safety", "/safety", "No open candidate"),
        ("safety", "/safety", "nothing to reconcile"),
        ("analyst", "/impact", "Nothing is under way"),
        ("medical", "/requests", "No open request"),
        ("ops", "/ops", "No feed has delivered anything yet"),
    ] {
        let answer = get(&router, role, path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(answer.body.contains(words), "{path}: {words:?} is missing");
        assert!(
            answer.body.contains("No data yet"),
            "{path}: the badge says so too"
        );
        html::check(path, &answer.body);
    }
}

#[tokio::test]
async fn the_safety_desk_shows_first_what_nobody_took() {
    let (router, _) = site();
    let page = get(&router, "safety", "/safety").await.body;
    let at = |words: &str| {
        page.find(words)
            .unwrap_or_else(|| panic!("{words} is missing"))
    };
    assert!(
        at("id=\"ae_70031\"") < at("id=\"ae_70019\""),
        "the escalated one comes before the one due first"
    );
    assert!(page.contains("escalated, not acknowledged since the hand-off 13 h ago"));
    assert!(
        page.contains("2 candidates are past their time"),
        "the verdict"
    );
    let table = &page[at("Table of the daily reconciliation")..];
    for words in [
        "24 May 2026",
        "1000",
        "998",
        "290",
        "href=\"#ae_70019\"",
        "href=\"#ae_70031\"",
    ] {
        assert!(table.contains(words), "{words}");
    }
    let home = get(&router, "safety", "/").await.body;
    assert!(home.contains("Escalated") && home.contains("escalated, not acknowledged"));
}

#[tokio::test]
async fn medical_requests_stand_with_their_age_oldest_first() {
    let (router, _) = site();
    let page = get(&router, "medical", "/requests").await.body;
    let at = |words: &str| {
        page.find(words)
            .unwrap_or_else(|| panic!("{words} is missing"))
    };
    assert!(at("id=\"mr_7\"") < at("id=\"mr_19\""));
    for words in [
        "open for 11 days, more than 5 days",
        "open, asked 20 h ago",
        "Needs information",
        "Oldest open request",
    ] {
        at(words);
    }
    assert!(
        !page.contains("id=\"mr_1\""),
        "answered ones are another list"
    );
    let answered = get(&router, "medical", "/requests?state=answered")
        .await
        .body;
    assert!(answered.contains("MI-2026-00811") && !answered.contains("action=\"/requests/"));
    let home = get(&router, "medical", "/").await.body;
    assert!(home.contains("Open medical requests") && home.contains("oldest from 11 days ago"));
}

#[tokio::test]
async fn what_customers_wrote_is_text_and_never_markup() {
    let (router, _) = site();
    for (role, path) in PAGES {
        let body = get(&router, role, path).await.body;
        for raw in ["<script>alert", "<img", "javascript:alert", HOSTILE] {
            assert!(!body.contains(raw), "{path}: {raw:?} stands in the page");
        }
    }
    assert!(
        get(&router, "analyst", "/signals/al_hostile")
            .await
            .body
            .contains("&lt;script&gt;"),
        "and it is shown, escaped"
    );
}

#[tokio::test]
async fn the_first_screen_of_a_signal_gives_five_answers() {
    let (router, _) = site();
    let body = get(&router, "analyst", "/signals/al_9c41d0").await.body;
    for words in [
        "Listening signal, not a safety signal",
        "41 against 17.2 expected",
        "How sure",
        "41 items from 27 people over 3 channels",
        "Who",
        "Setting: hospital",
        "78 %",
        "What next",
        "Compare with other payers in the region",
        "Late feedback changed these numbers",
        QUOTE,
        "New payer form in force",
        "no data",
        "restated",
        "not over yet",
        "/v1/signals/al_9c41d0",
    ] {
        assert!(body.contains(words), "{words:?} is missing");
    }
    let first_screen = body.split("How this was computed").next().unwrap();
    assert!(
        !first_screen.contains("p-value"),
        "statistics have their place, with help, below"
    );
}

#[tokio::test]
async fn a_proposed_theme_shows_its_words_and_quotes_and_no_chart() {
    let (router, _) = site();
    let body = get(&router, "analyst", "/signals/al_proposed").await.body;
    for words in [
        "New theme proposed: rubber stopper, crumbled",
        "12 against 0.4 expected",
        "phrases = [&quot;rubber stopper&quot;, &quot;crumbled&quot;]",
        "write into the taxonomy",
        QUOTE,
        "/signals/al_proposed/dispositions",
    ] {
        assert!(body.contains(words), "{words:?} is missing");
    }
    for words in [
        "No history to draw",
        "Its points as JSON",
        "aria-label=\"Chart\"",
        "id=\"numbers\"",
    ] {
        assert!(!body.contains(words), "{words:?} has no place here");
    }
    let charted = get(&router, "analyst", "/signals/al_9c41d0").await.body;
    assert!(charted.contains("aria-label=\"Chart\"") && charted.contains("id=\"numbers\""));
    let withheld = get(&router, "brand", "/signals/al_proposed").await.body;
    assert!(withheld.contains("rubber stopper") && !withheld.contains(QUOTE));
}

#[tokio::test]
async fn problems_are_pages_that_say_what_to_do() {
    let (router, fake) = site();
    for (path, status, words) in [
        ("/nowhere", StatusCode::NOT_FOUND, "There is no such page"),
        ("/signals/al_0", StatusCode::NOT_FOUND, "al_0"),
        (
            "/signals?status=burning",
            StatusCode::BAD_REQUEST,
            "choose firing, resolved, retracted or all",
        ),
        ("/signals?colour=red", StatusCode::BAD_REQUEST, "colour"),
        (
            "/safety",
            StatusCode::FORBIDDEN,
            "not open to the role analyst",
        ),
        ("/assets/nothing.css", StatusCode::NOT_FOUND, "nothing.css"),
    ] {
        let answer = get(&router, "analyst", path).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(
            answer.body.contains(words) && answer.body.contains("What to do"),
            "{path}: {}",
            answer.body
        );
        html::check(path, &answer.body);
    }
    fake.failing.store(true, Ordering::SeqCst);
    let answer = get(&router, "analyst", "/").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.body.contains("the file is corrupt"));
    html::check("broken", &answer.body);
}

#[tokio::test]
async fn every_answer_carries_security_headers() {
    let (router, _) = site();
    for path in ["/", "/nowhere", "/v1/signals", "/assets/auscult.css"] {
        let answer = get(&router, "analyst", path).await;
        assert!(
            answer
                .header("content-security-policy")
                .contains("default-src 'self'"),
            "{path}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
    }
    assert_eq!(
        get(&router, "analyst", "/").await.header("cache-control"),
        "no-store"
    );
    assert!(
        get(&router, "analyst", "/assets/auscult.js")
            .await
            .header("cache-control")
            .contains("immutable")
    );
}

#[tokio::test]
async fn assets_fetch_nothing_from_elsewhere() {
    let (router, _) = site();
    for name in ["auscult.css", "auscult.js"] {
        let body = get(&router, "analyst", &format!("/assets/{name}"))
            .await
            .body;
        assert!(
            !body.contains("http://") && !body.contains("https://") && !body.contains("@import"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_method_nobody_offers_is_told() {
    let (router, _) = site();
    let answer = send(&router, Method::DELETE, "/signals", &[], Body::empty()).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}
