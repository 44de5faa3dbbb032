//! Actions over the API and as forms: promised beforehand, frozen then, never hidden.

use crate::common::{HYPOTHESIS, LEARNING};
use crate::{get, html, post_form, post_json, send, site};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

fn whole() -> Value {
    json!({
        "signal_ids": ["al_9c41d0"], "state": "started", "owner": "u_61", "due": "2026-06-30", "kind": "access_support",
        "hypothesis": HYPOTHESIS,
        "target": {"measure": "mentions", "series_id": "s_77ab", "direction": "down", "expected_effect": -0.3,
                   "smallest_relevant_effect": -0.1},
        "comparison": {"kind": "region", "series_id": "s_77ac"},
    })
}

#[tokio::test]
async fn a_new_action_is_completed_and_goes_to_the_portfolio_of_its_signals() {
    let (router, fake) = site();
    let answer = post_json(&router, "analyst", "/v1/actions", &whole().to_string()).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    let (portfolio, json) = fake.submitted.lock().unwrap()[0].clone();
    let sent: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(portfolio, "acme|DE");
    assert_eq!(sent["action_id"], answer.json()["action_id"]);
    assert_eq!(sent["incident_id"], "inc_5510", "the signal's thread");
    assert_eq!(sent["started_at"], "2026-05-25T09:00:00Z");
    assert_eq!(sent["recorded_at"], "2026-05-25T09:00:00Z");
    let again = post_json(&router, "analyst", "/v1/actions", &whole().to_string()).await;
    assert_eq!(again.json(), answer.json(), "sent twice, it is one action");
}

#[tokio::test]
async fn it_cannot_start_before_everything_is_said() {
    let (router, fake) = site();
    let vague = json!({"signal_ids": ["al_9c41d0"], "kind": "education", "state": "started"});
    let refused = post_json(&router, "analyst", "/v1/actions", &vague.to_string()).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let problem = refused.json();
    let places: Vec<&str> = problem["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["place"].as_str().unwrap())
        .collect();
    assert_eq!(places, ["owner", "due", "hypothesis", "target"]);
    let mut idea = vague.clone();
    idea["state"] = "proposed".into();
    let idea = post_json(&router, "analyst", "/v1/actions", &idea.to_string()).await;
    assert_eq!(idea.status, StatusCode::ACCEPTED, "an idea may be vague");
    assert_eq!(fake.submitted.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_measured_or_is_not_ours_is_refused_with_its_place() {
    let (router, fake) = site();
    let with = |pointer: &str, value: Value| {
        let mut action = whole();
        *action.pointer_mut(pointer).unwrap() = value;
        action
    };
    let mut unknown_field = whole();
    unknown_field["sales"] = 3.into();
    let mut ours = whole();
    ours["actor"] = "u_1".into();
    for (action, place) in [
        (
            with("/target/series_id", json!("s_nobody")),
            "target.series_id",
        ),
        (
            with("/target/series_id", json!("s_share")),
            "target.series_id",
        ),
        (
            with("/target/measure", json!("mean_rating")),
            "target.measure",
        ),
        (
            with("/comparison/series_id", json!("s_77ab")),
            "comparison.series_id",
        ),
        (
            with("/comparison/series_id", json!("s_share")),
            "comparison.series_id",
        ),
        (with("/signal_ids", json!([])), "signal_ids"),
        (unknown_field, "sales"),
        (ours, "actor"),
    ] {
        let refused = post_json(&router, "analyst", "/v1/actions", &action.to_string()).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            refused.body
        );
        assert_eq!(
            refused.json()["fields"][0]["place"],
            place,
            "{}",
            refused.body
        );
    }
    let nobody = with("/signal_ids", json!(["al_nobody"]));
    let refused = post_json(&router, "analyst", "/v1/actions", &nobody.to_string()).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    let known = json!({"action_id": "a_9", "signal_ids": ["al_9c41d0"], "kind": "education"});
    let refused = post_json(&router, "analyst", "/v1/actions", &known.to_string()).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(fake.submitted.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_step_changes_what_it_names_and_what_was_promised_stays() {
    let (router, fake) = site();
    let path = "/v1/actions/a_9/steps";
    let done = post_json(&router, "analyst", path, r#"{"state":"done"}"#).await;
    assert_eq!(done.status, StatusCode::ACCEPTED, "{}", done.body);
    let (_, json) = fake.submitted.lock().unwrap()[0].clone();
    let sent: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (sent["state"].as_str(), sent["owner"].as_str()),
        (Some("done"), Some("u_61"))
    );
    assert_eq!(sent["target"]["expected_effect"], json!(-0.3));
    let softer = json!({"state": "done", "target": {"measure": "mentions", "series_id": "s_77ab", "direction": "down",
        "expected_effect": -0.01}});
    for (body, words) in [
        (softer, "frozen"),
        (json!({"state": "proposed"}), "cannot become"),
        (json!({"started_at": "2026-05-20T00:00:00Z"}), "frozen"),
    ] {
        let refused = post_json(&router, "analyst", path, &body.to_string()).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
        assert!(refused.body.contains(words), "{}", refused.body);
    }
    let over = post_json(
        &router,
        "analyst",
        "/v1/actions/a_10/steps",
        r#"{"state":"started"}"#,
    )
    .await;
    assert_eq!(over.status, StatusCode::CONFLICT);
    let moved = post_json(&router, "analyst", path, r#"{"signal_ids":["al_2"]}"#).await;
    assert_eq!(moved.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(fake.submitted.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_review_is_signed_by_who_sends_it() {
    let (router, fake) = site();
    let review =
        r#"{"review":{"learning":"Too few read it.","next":"adjust","reviewed_by":"u_61"}}"#;
    let answer = post_json(&router, "analyst", "/v1/actions/a_10/steps", review).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    let (_, json) = fake.submitted.lock().unwrap()[0].clone();
    let sent: Value = serde_json::from_str(&json).unwrap();
    let by = sent["review"]["reviewed_by"].as_str().unwrap();
    assert_ne!(by, "u_61", "nobody signs for somebody else");
}

/// L08: bad results stay. There is no way to remove one.
#[tokio::test]
async fn results_cannot_be_deleted_and_are_listed_worst_first() {
    let (router, _) = site();
    for path in ["/v1/actions/a_10", "/v1/actions", "/actions/a_10"] {
        let headers = [
            ("x-auscult-role", "analyst"),
            ("sec-fetch-site", "same-origin"),
        ];
        let refused = send(&router, Method::DELETE, path, &headers, "").await;
        assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    let page = get(&router, "analyst", "/impact").await;
    html::check("impact", &page.body);
    let at = |text: &str| page.body.find(text).unwrap_or_else(|| panic!("{text}"));
    assert!(
        at("▲ Worse") < at("✓ Improved"),
        "results come before what is under way"
    );
    assert!(at("Decided not to act") > at("Under way"));
    assert!(page.body.contains("overdue since"));
    let listed = get(
        &router,
        "analyst",
        "/v1/actions?signal=al_9c41d0&state=done",
    )
    .await
    .json();
    let ids: Vec<_> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["action"]["action_id"].clone())
        .collect();
    assert_eq!(ids, ["a_10", "a_11"]);
    let one = get(&router, "analyst", "/v1/actions/a_10").await.json();
    assert_eq!(one["outcome"]["verdict"], "worse");
    let bad = get(&router, "analyst", "/v1/actions?state=finished").await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_is_done_about_beliefs_and_free_words_are_for_those_who_may_read_them() {
    let (router, _) = site();
    for (role, belief, words) in [
        ("medical", true, true),
        ("analyst", true, true),
        ("brand", false, false),
    ] {
        let page = get(&router, role, "/impact").await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.body.contains("/actions/a_12"), belief, "{role}");
        assert_eq!(page.body.contains(HYPOTHESIS), words, "{role}");
        let action = get(&router, role, "/actions/a_12").await;
        assert_eq!(action.status == StatusCode::OK, belief, "{role}");
        let result = get(&router, role, "/actions/a_10").await;
        assert_eq!(result.body.contains(LEARNING), words, "{role}");
        assert!(
            result.body.contains("▲ Worse"),
            "the result itself is for all"
        );
        let json = get(&router, role, "/v1/actions").await.body;
        assert_eq!(
            (json.contains("a_12"), json.contains(LEARNING)),
            (belief, words),
            "{role}"
        );
    }
    for role in ["safety"] {
        for path in ["/impact", "/v1/actions", "/actions/a_9"] {
            assert_eq!(
                get(&router, role, path).await.status,
                StatusCode::FORBIDDEN,
                "{role} {path}"
            );
        }
    }
}

#[tokio::test]
async fn the_form_on_a_signal_starts_an_action_and_its_page_takes_the_next_step() {
    let (router, fake) = site();
    let page = get(&router, "analyst", "/signals/al_9c41d0").await.body;
    assert!(page.contains("action=\"/signals/al_9c41d0/actions\""));
    assert!(
        page.contains("region DE-BW"),
        "the comparison is chosen by its words"
    );
    assert!(
        page.contains("/actions/a_9"),
        "what is done about it already"
    );
    let form = "kind=access_support&owner=u_61&due=2026-06-30&hypothesis=A+guide&direction=down&expected=30&smallest=10&comparison=s_77ac&measure=mentions&series_id=s_77ab&state=started";
    let answer = post_form(&router, "analyst", "/signals/al_9c41d0/actions", form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let (_, json) = fake.submitted.lock().unwrap()[0].clone();
    let sent: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(sent["target"]["expected_effect"], json!(-0.3));
    let waiting = get(&router, "analyst", answer.header("location")).await;
    assert!(
        waiting.body.contains("The log has it"),
        "not read yet, and no error"
    );
    html::check("waiting", &waiting.body);
    let inaction = "hypothesis=It+ends+by+itself&state=no_action";
    let answer = post_form(&router, "analyst", "/signals/al_9c41d0/actions", inaction).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let action = get(&router, "analyst", "/actions/a_9").await.body;
    html::check("action", &action);
    assert!(
        action.contains("so far") && action.contains("The periods before hold the signal itself")
    );
    let step = post_form(&router, "analyst", "/actions/a_9/steps", "state=done").await;
    assert_eq!(step.header("location"), "/actions/a_9?recorded=done");
    let after = get(&router, "analyst", step.header("location")).await;
    assert!(after.body.contains("Recorded: done"));
}

#[tokio::test]
async fn a_form_that_is_refused_comes_back_as_it_was_filled_in() {
    let (router, fake) = site();
    let form = "kind=education&owner=u_61&due=2026-06-30&hypothesis=A+%3Cguide%3E&direction=up&expected=30&smallest=5&comparison=s_77ac&value=ease&measure=mentions&series_id=s_77ab&state=started";
    for (wrong, told) in [
        (form.replace("u_61", ""), "Owner"),
        (form.replace("2026-06-30", ""), "Due"),
        (form.replace("expected=30", "expected=a+lot"), "no number"),
        (form.replace("s_77ac", "s_nobody"), "Compare with"),
    ] {
        let refused = post_form(&router, "analyst", "/signals/al_9c41d0/actions", &wrong).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        let page = &refused.body;
        html::check(told, page);
        assert!(
            page.contains(told) && page.contains("aria-invalid=\"true\""),
            "{page}"
        );
        for kept in [
            ">A &lt;guide&gt;<",
            "value=\"education\" selected",
            "value=\"up\" selected",
            "value=\"5\"",
            "value=\"ease\" selected",
        ] {
            assert!(page.contains(kept), "{kept} of {page}");
        }
    }
    assert!(fake.submitted.lock().unwrap().is_empty());
    let nobody = post_form(&router, "analyst", "/signals/al_nobody/actions", form).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
}
