//! Forms work without JavaScript: they post, the log has it, the browser is sent on with 303.

use crate::common::{CANDIDATE, REQUEST};
use crate::{get, html, post_form, send, site};
use axum::http::{Method, StatusCode};
use serde_json::Value;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn a_decision_is_posted_recorded_and_confirmed() {
    let (router, fake) = site();
    let page = get(&router, "analyst", "/signals/al_9c41d0").await.body;
    assert!(
        page.contains("action=\"/signals/al_9c41d0/dispositions\"")
            && page.contains("value=\"not_enough_evidence\"")
    );
    let answer = post_form(
        &router,
        "analyst",
        "/signals/al_9c41d0/dispositions",
        "decision=confirmed&cause=formulary_or_policy&comment=Form+changed&revision_seen=2",
    )
    .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let (signal, json) = fake.submitted.lock().unwrap()[0].clone();
    assert_eq!(signal, "al_9c41d0");
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["decision"], "confirmed");
    assert_eq!(json["cause"], "formulary_or_policy");
    assert_eq!(json["comment"], "Form changed");
    assert_eq!(json["actor"]["function"], "insights");
    assert_eq!(json["decided_at"], "2026-05-25T09:00:00Z");
    let after = get(&router, "analyst", answer.header("location")).await;
    assert!(after.body.contains("Recorded: Confirmed"));
    html::check("after", &after.body);
}

#[tokio::test]
async fn a_new_trend_takes_the_day_of_the_form_and_an_empty_one_is_none() {
    let (router, fake) = site();
    let page = get(&router, "analyst", "/signals/al_9c41d0").await;
    assert!(page.body.contains("name=\"effective_from\""));
    for (day, expected) in [
        ("2026-06-01", "2026-06-01T00:00:00Z".into()),
        ("", Value::Null),
    ] {
        let answer = post_form(
            &router,
            "analyst",
            "/signals/al_9c41d0/dispositions",
            &format!(
                "decision=new_trend&cause=unknown&comment=&revision_seen=2&effective_from={day}"
            ),
        )
        .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        let (_, json) = fake.submitted.lock().unwrap().last().unwrap().clone();
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["effective_from"], expected);
    }
}

#[tokio::test]
async fn an_answer_to_an_older_revision_is_marked() {
    let (router, _) = site();
    let answer = post_form(
        &router,
        "brand",
        "/signals/al_9c41d0/dispositions",
        "decision=expected&cause=unknown&comment=&revision_seen=1",
    )
    .await;
    assert!(answer.header("location").contains("stale=true"));
    assert!(
        get(&router, "brand", answer.header("location"))
            .await
            .body
            .contains("The signal had moved on")
    );
}

#[tokio::test]
async fn what_is_not_in_the_list_is_refused_with_the_list() {
    let (router, fake) = site();
    for body in [
        "decision=maybe",
        "decision=",
        "decision=confirmed&cause=aliens",
    ] {
        let answer = post_form(&router, "analyst", "/signals/al_9c41d0/dispositions", body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert!(answer.body.contains("Allowed for"), "{body}");
        html::check(body, &answer.body);
    }
    assert!(fake.submitted.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nothing_is_confirmed_that_the_log_does_not_have() {
    let (router, fake) = site();
    fake.log_away.store(true, Ordering::SeqCst);
    let answer = post_form(
        &router,
        "analyst",
        "/signals/al_9c41d0/dispositions",
        "decision=confirmed",
    )
    .await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.contains("no broker answers"));
    assert!(!answer.header("retry-after").is_empty());
}

#[tokio::test]
async fn a_candidate_is_acknowledged_by_safety_alone() {
    let (router, fake) = site();
    let path = format!("/safety/{CANDIDATE}/acks");
    let answer = post_form(&router, "safety", &path, "decision=accepted&case_ref=PV-7").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let json: Value = serde_json::from_str(&fake.submitted.lock().unwrap()[0].1).unwrap();
    assert_eq!(
        (
            json["decision"].as_str(),
            json["case_ref"].as_str(),
            json["actor"].as_str()
        ),
        (Some("accepted"), Some("PV-7"), Some("demo_safety"))
    );
    assert!(
        get(&router, "safety", answer.header("location"))
            .await
            .body
            .contains("Recorded for ae_70021")
    );
    for role in ["analyst", "medical", "brand", "ops"] {
        assert_eq!(
            post_form(&router, role, &path, "decision=accepted")
                .await
                .status,
            StatusCode::FORBIDDEN,
            "{role}"
        );
    }
    assert_eq!(
        post_form(&router, "safety", &path, "decision=perhaps")
            .await
            .status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        post_form(&router, "safety", "/safety/zz/acks", "decision=accepted")
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(fake.submitted.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_medical_request_is_answered_by_medical_alone() {
    let (router, fake) = site();
    let page = get(&router, "medical", "/requests").await.body;
    let path = format!("/requests/{REQUEST}/answers");
    assert!(
        page.contains(&format!("action=\"{path}\"")),
        "a form without script"
    );
    let body = "decision=answered&answer_ref=MI-2026-00811";
    let answer = post_form(&router, "medical", &path, body).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let json: Value = serde_json::from_str(&fake.submitted.lock().unwrap()[0].1).unwrap();
    assert_eq!(
        (
            json["request_id"].as_str(),
            json["decision"].as_str(),
            json["answer_ref"].as_str(),
            json["actor"].as_str()
        ),
        (
            Some(REQUEST),
            Some("answered"),
            Some("MI-2026-00811"),
            Some("demo_medical")
        )
    );
    let next = get(&router, "medical", answer.header("location")).await;
    assert!(next.body.contains("Recorded for mr_19"));
    for role in ["analyst", "brand", "safety", "ops"] {
        let refused = post_form(&router, role, &path, body).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{role}");
    }
    let unknown = post_form(&router, "medical", &path, "decision=perhaps").await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    let nobody = post_form(&router, "medical", "/requests/zz/answers", body).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    assert_eq!(fake.submitted.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn forms_of_another_site_are_refused() {
    let (router, fake) = site();
    let kind = ("content-type", "application/x-www-form-urlencoded");
    for forged in [
        [kind, ("sec-fetch-site", "cross-site")],
        [kind, ("origin", "https://evil.example")],
        [kind, ("origin", "null")],
    ] {
        let answer = send(
            &router,
            Method::POST,
            "/signals/al_9c41d0/dispositions",
            &forged,
            "decision=confirmed",
        )
        .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    let elsewhere = send(&router, Method::GET, "/", &[("host", "evil.example")], "").await;
    assert_eq!(
        elsewhere.status,
        StatusCode::MISDIRECTED_REQUEST,
        "another name for this machine"
    );
    assert!(fake.submitted.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_demo_switch_keeps_the_place_and_never_leads_away() {
    let (router, _) = site();
    let answer = post_form(
        &router,
        "analyst",
        "/role",
        "role=ops&next=%2Fsignals%3Fstatus%3Dall",
    )
    .await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::SEE_OTHER, "/signals?status=all")
    );
    assert!(
        answer
            .header("set-cookie")
            .starts_with("auscult_role=ops; Path=/; HttpOnly; SameSite=Strict")
    );
    assert_eq!(
        post_form(
            &router,
            "analyst",
            "/role",
            "role=ops&next=%2F%2Fevil.example"
        )
        .await
        .header("location"),
        "/"
    );
    assert_eq!(
        post_form(&router, "analyst", "/role", "role=source&next=%2F")
            .await
            .status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let seen = send(
        &router,
        Method::GET,
        "/",
        &[("cookie", "auscult_role=ops")],
        "",
    )
    .await;
    assert!(seen.body.contains("Demo mode") && seen.body.contains("href=\"/ops\""));
}
