//! The JSON API keeps its contract.

use crate::common::{COMMENT, QUOTE};
use crate::{get, post_json, send, site};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

#[tokio::test]
async fn signals_are_listed_filtered_and_paged() {
    let (router, _) = site();
    let first = get(&router, "analyst", "/v1/signals?limit=2").await.json();
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let mut seen = 0;
    let mut next = Some("/v1/signals?limit=2&suppressed=include".to_owned());
    while let Some(path) = next {
        let page = get(&router, "analyst", &path).await.json();
        seen += page["items"].as_array().unwrap().len();
        next = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!(seen, 7, "paging meets each signal once");
    let filtered = get(&router, "analyst", "/v1/signals?brand=beta&region=FR")
        .await
        .json();
    assert_eq!(filtered["items"].as_array().unwrap().len(), 1);
    assert_eq!(filtered["items"][0]["signal_id"], "al_77");
    assert_eq!(filtered["items"][0]["alert"]["observed"], 0.38);
    assert_eq!(
        get(&router, "analyst", "/v1/signals?status=resolved")
            .await
            .json()["items"][0]["signal_id"],
        "al_done"
    );
    assert_eq!(
        get(&router, "analyst", "/v1/signals?label.brand=beta")
            .await
            .json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn one_signal_comes_with_history_answers_and_points() {
    let (router, _) = site();
    let whole = get(&router, "analyst", "/v1/signals/al_silence")
        .await
        .json();
    assert_eq!(whole["current"]["revision"], 2);
    assert_eq!(whole["revisions"].as_array().unwrap().len(), 2);
    assert_eq!(whole["dispositions"][0]["comment"], COMMENT);
    let points = get(&router, "analyst", whole["points"].as_str().unwrap())
        .await
        .json();
    assert_eq!(points["total"], 71);
    assert!(
        points["points"]
            .as_array()
            .unwrap()
            .iter()
            .any(|point| point["observed"].is_null()),
        "no data is null, never 0"
    );
    let newest = get(&router, "analyst", "/v1/signals/al_silence/points?limit=3")
        .await
        .json();
    assert_eq!(
        newest["points"].as_array().unwrap()[2],
        points["points"].as_array().unwrap()[70]
    );
    assert!(
        get(&router, "analyst", "/v1/signals/al_9c41d0")
            .await
            .body
            .contains(QUOTE)
    );
}

#[tokio::test]
async fn an_answer_is_accepted_only_when_the_log_has_it() {
    let (router, fake) = site();
    let path = "/v1/signals/al_9c41d0/dispositions";
    let answer = post_json(
        &router,
        "analyst",
        path,
        r#"{"decision":"confirmed","revision_seen":1}"#,
    )
    .await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    assert_eq!(
        (&answer.json()["stale"], &answer.json()["current_revision"]),
        (&json!(true), &json!(2))
    );
    let written: Value = serde_json::from_str(&fake.submitted.lock().unwrap()[0].1).unwrap();
    assert_eq!(answer.json()["ids"][0], written["disposition_id"]);
    fake.log_away.store(true, Ordering::SeqCst);
    let away = post_json(&router, "analyst", path, r#"{"decision":"confirmed"}"#).await;
    assert_eq!(
        (away.status, away.header("retry-after")),
        (StatusCode::SERVICE_UNAVAILABLE, "5")
    );
    assert_eq!(fake.submitted.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_wrong_answer_is_told_what_is_allowed() {
    let (router, _) = site();
    let path = "/v1/signals/al_9c41d0/dispositions";
    for (body, place) in [
        (r#"{"decision":"maybe"}"#, "decision"),
        ("{}", "decision"),
        (r#"{"decision":"confirmed","cause":"aliens"}"#, "cause"),
    ] {
        let answer = post_json(&router, "analyst", path, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        let problem = answer.json();
        assert_eq!(problem["fields"][0]["place"], place);
        assert!(
            problem["fields"][0]["allowed"].as_array().unwrap().len() >= 8,
            "{problem}"
        );
    }
    for (body, status) in [
        ("{", StatusCode::UNPROCESSABLE_ENTITY),
        (
            r#"{"decision":"confirmed","verdict":1}"#,
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
    ] {
        assert_eq!(
            post_json(&router, "analyst", path, body).await.status,
            status,
            "{body}"
        );
    }
    assert_eq!(
        post_json(&router, "ops", path, r#"{"decision":"confirmed"}"#)
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        post_json(
            &router,
            "analyst",
            "/v1/signals/al_0/dispositions",
            r#"{"decision":"confirmed"}"#
        )
        .await
        .status,
        StatusCode::NOT_FOUND
    );
    let plain = send(
        &router,
        Method::POST,
        path,
        &[("content-type", "text/plain")],
        r#"{"decision":"confirmed"}"#,
    )
    .await;
    assert_eq!(
        plain.status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "a form of another site cannot send JSON"
    );
}

#[tokio::test]
async fn feedback_is_taken_item_by_item() {
    let (router, fake) = site();
    let send_as = async |kind: &str, body: &str| {
        send(
            &router,
            Method::POST,
            "/v1/feedback",
            &[
                ("content-type", kind),
                ("cookie", "secret=1"),
                ("ce-id", "7"),
            ],
            body.to_owned(),
        )
        .await
    };
    let whole = send_as("application/cloudevents+json; charset=utf-8", "{}").await;
    assert_eq!(
        (whole.status, whole.json()["accepted"].clone()),
        (StatusCode::ACCEPTED, json!(1))
    );
    let names: Vec<String> = fake
        .headers_seen
        .lock()
        .unwrap()
        .iter()
        .map(|(name, _)| name.clone())
        .collect();
    assert!(
        names.contains(&"ce-id".to_owned()) && !names.contains(&"cookie".to_owned()),
        "credentials stay here: {names:?}"
    );
    let half = send_as("application/cloudevents-batch+json", r#"["half"]"#).await;
    assert_eq!(
        (half.status, half.json()["rejected"][0]["index"].clone()),
        (StatusCode::ACCEPTED, json!(1))
    );
    let none = send_as("application/x-ndjson", "pigeon").await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(none.json()["rejected"][0]["place"], "data.channel");
    let unreadable = send_as("application/json", "[").await;
    assert_eq!(
        (unreadable.status, unreadable.json()["where"].clone()),
        (StatusCode::BAD_REQUEST, json!("byte 1"))
    );
    assert_eq!(
        send_as("application/json", " \n").await.json()["code"],
        "empty_body"
    );
    assert_eq!(
        send_as("text/csv", "a,b").await.status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    fake.log_away.store(true, Ordering::SeqCst);
    assert_eq!(
        send_as("application/json", "{}").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
}

#[tokio::test]
async fn bodies_are_bounded() {
    let (router, fake) = site();
    let kind = [
        ("content-type", "application/json"),
        ("x-auscult-role", "analyst"),
    ];
    let large = vec![b'x'; 16 * 1024 * 1024];
    assert_eq!(
        send(&router, Method::POST, "/v1/feedback", &kind, large)
            .await
            .status,
        StatusCode::ACCEPTED,
        "16 MiB fit"
    );
    let larger = vec![b'x'; 16 * 1024 * 1024 + 1];
    let refused = send(&router, Method::POST, "/v1/feedback", &kind, larger).await;
    assert_eq!(
        (refused.status, refused.json()["code"].clone()),
        (StatusCode::PAYLOAD_TOO_LARGE, json!("body_too_large"))
    );
    let comment = format!(
        r#"{{"decision":"confirmed","comment":"{}"}}"#,
        "x".repeat(70_000)
    );
    assert_eq!(
        post_json(
            &router,
            "analyst",
            "/v1/signals/al_77/dispositions",
            &comment
        )
        .await
        .status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let comment = format!(
        r#"{{"decision":"confirmed","comment":"{}"}}"#,
        "x".repeat(4_097)
    );
    assert_eq!(
        post_json(
            &router,
            "analyst",
            "/v1/signals/al_77/dispositions",
            &comment
        )
        .await
        .status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(fake.submitted.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn every_problem_is_problem_details() {
    let (router, _) = site();
    for (role, path, status) in [
        ("analyst", "/v1/nothing", 404),
        ("analyst", "/v1/signals/al_0", 404),
        ("analyst", "/v1/signals?limit=many", 400),
        ("analyst", "/v1/signals?limit=501", 400),
        ("analyst", "/v1/signals?colour=red", 400),
        ("analyst", "/v1/signals/al_77/points?from=1", 400),
        ("analyst", "/v1/dead-letters", 403),
        ("king", "/v1/signals", 400),
        ("safety", "/v1/safety/candidates?state=closed", 400),
        ("ops", "/v1/dead-letters?kind=x", 400),
    ] {
        let answer = get(&router, role, path).await;
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{path}"
        );
        let problem = answer.json();
        assert_eq!(problem["status"], status, "{path}: {problem}");
        assert_eq!(answer.status.as_u16(), status as u16);
        for member in ["type", "title", "detail", "code", "where", "remedy"] {
            assert!(
                problem[member]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{path}: {member} is missing in {problem}"
            );
        }
    }
}

#[tokio::test]
async fn candidates_and_dead_letters_are_listed() {
    let (router, _) = site();
    let open = get(&router, "safety", "/v1/safety/candidates").await.json();
    assert_eq!(open["items"].as_array().unwrap().len(), 4);
    assert_eq!(open["items"][0]["escalation"]["candidate_id"], "ae_70031");
    assert!(open["items"][1]["escalation"].is_null());
    let all = get(&router, "safety", "/v1/safety/candidates?state=all")
        .await
        .json();
    assert_eq!(all["items"][4]["acknowledgement"]["case_ref"], "PV-2026-1");
    let done = post_json(
        &router,
        "safety",
        "/v1/safety/candidates/ae_70021/acks",
        r#"{"decision":"not_a_case"}"#,
    )
    .await;
    assert_eq!(done.status, StatusCode::ACCEPTED);
    let letters = get(&router, "ops", "/v1/dead-letters?code=json_truncated")
        .await
        .json();
    assert_eq!(
        (
            letters["items"].as_array().unwrap().len(),
            letters["items"][0]["place"].as_str()
        ),
        (1, Some("byte 311"))
    );
}

#[tokio::test]
async fn the_reconciliation_names_who_is_missing() {
    let (router, _) = site();
    let path = "/v1/safety/reconciliation";
    let report = get(&router, "safety", path).await.json();
    assert_eq!(
        (
            &report["sent"],
            &report["acknowledged"],
            &report["outstanding"],
            &report["past_due"]
        ),
        (&json!(1_002), &json!(998), &json!(4), &json!(2))
    );
    let yesterday = get(&router, "safety", &format!("{path}?day=2026-05-24"))
        .await
        .json();
    assert_eq!(yesterday["days"].as_array().unwrap().len(), 1);
    let day = &yesterday["days"][0];
    assert_eq!(
        (&day["day"], &day["tenant"]),
        (&json!("2026-05-24"), &json!("acme"))
    );
    assert_eq!(day["missing"][1]["candidate_id"], "ae_70031");
    assert_eq!(day["missing"][1]["escalated_at"], "2026-05-25T08:00:00Z");
    for query in [
        "day=yesterday",
        "day=2026-05-24T00:00:00Z",
        "days=-1",
        "week=3",
    ] {
        let refused = get(&router, "safety", &format!("{path}?{query}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
    }
    let overview = get(&router, "safety", "/v1/overview").await.json();
    assert_eq!(overview["safety"]["escalated"], 1);
}

#[tokio::test]
async fn medical_requests_are_listed_with_age_and_answered() {
    let (router, fake) = site();
    let open = get(&router, "medical", "/v1/requests").await.json();
    let ages: Vec<_> = open["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["age_seconds"].as_i64())
        .collect();
    assert_eq!(ages, [Some(11 * 86_400), Some(20 * 3_600)], "oldest first");
    assert_eq!(open["items"][0]["status"], "open");
    assert_eq!(open["items"][0]["answer"]["decision"], "needs_information");
    let answered = get(&router, "medical", "/v1/requests?state=answered&limit=5")
        .await
        .json();
    assert_eq!(answered["items"][0]["status"], "answered");
    let path = "/v1/requests/mr_19/answers";
    let done = post_json(&router, "medical", path, r#"{"decision":"duplicate"}"#).await;
    assert_eq!(done.status, StatusCode::ACCEPTED);
    let sent = fake.submitted.lock().unwrap()[0].1.clone();
    assert!(sent.contains(r#""answer_ref":null"#), "{sent}");
    for bad in [
        r#"{"decision":"later"}"#,
        r#"{"decision":"answered","request_id":"mr_2"}"#,
        r#"{}"#,
    ] {
        let refused = post_json(&router, "medical", path, bad).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
    let foreign = post_json(&router, "analyst", path, r#"{"decision":"answered"}"#).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    for query in ["state=shut", "limit=x", "owner=me"] {
        let refused = get(&router, "medical", &format!("/v1/requests?{query}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
    }
    let overview = get(&router, "medical", "/v1/overview").await.json();
    assert_eq!(overview["requests"]["open"], 2);
}

#[tokio::test]
async fn health_and_metrics_answer() {
    let (router, fake) = site();
    assert_eq!(
        get(&router, "analyst", "/healthz").await.json()["status"],
        "ok"
    );
    assert_eq!(
        get(&router, "analyst", "/readyz").await.json()["parts"]["detect"],
        "behind"
    );
    assert!(
        get(&router, "analyst", "/metrics")
            .await
            .body
            .contains("auscult_feedback_read_total 7")
    );
    fake.failing.store(true, Ordering::SeqCst);
    let not_ready = get(&router, "analyst", "/readyz").await;
    assert_eq!(
        (not_ready.status, not_ready.json()["status"].clone()),
        (StatusCode::SERVICE_UNAVAILABLE, json!("not_ready"))
    );
}
