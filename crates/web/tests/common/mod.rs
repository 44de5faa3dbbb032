//! Data made by hand, and an app that serves them, for tests and for the preview example.

#![allow(missing_docs, reason = "nobody else reads a test's items")]
#![allow(dead_code, reason = "the preview and each test use a part of it")]

mod fake;

pub use fake::Fake;

use auscult_core::time::{DAY, HOUR, Timestamp};
use auscult_engine::clock::ManualClock;
use auscult_engine::read_model::{ActionRow, CandidateRow, ReadModel, RequestRow, SignalRow};
use auscult_web::ports::{App, Health, Submit};
use auscult_web::settings::WebToken;
use auscult_web::{CheckedWebSettings, WebSettings};
use serde_json::{Value, json};
use std::sync::Arc;

/// 2026-05-25T09:00:00Z.
pub const NOW: Timestamp = Timestamp(1_779_699_600_000);
/// Text that breaks pages that do not escape.
pub const HOSTILE: &str = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)>&amp;";
/// Words that only roles that may read text may ever see.
pub const QUOTE: &str = "The form asks for a test we cannot run here.";
/// Why an action should help.
pub const HYPOTHESIS: &str = "A one-page guide to the alternative test lowers the burden.";
/// What was learnt of an action.
pub const LEARNING: &str = "The guide was read by few, and they called more often.";
/// Words of a person's comment on an answer.
pub const COMMENT: &str = "Form changed on 11 May, see the notice.";
/// Only the safety desk may show this id.
pub const CANDIDATE: &str = "ae_70021";
/// The one candidate that was escalated.
pub const ESCALATED: &str = "ae_70031";
/// Only medical information may show this id, and the words asked under it.
pub const REQUEST: &str = "mr_19";
pub const QUESTION: &str = "Is there any data on alpha in patients on dialysis?";
/// Bytes of a dead letter: never shown by this crate.
pub const DEAD_BYTES: &str = "Patient Jane fainted after the second dose";

fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .unwrap()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

/// An alert as on the medical topic.
pub fn alert(id: &str, title: &str, revision: u32) -> Value {
    json!({
        "signal_id": id, "revision": revision, "status": "firing", "status_reason": "late_data", "supersedes": 1,
        "kind": "volume_up", "title": title,
        "why": "41 mentions on the day against 17.2 expected (90 % interval 9 to 26). 78 % of the excess comes from hospitals in DE-BY.",
        "horizon": "unknown",
        "series": {"id": "s_77ab", "measure": "mentions", "dims": {"brand": "alpha", "topic": "access.prior_auth.test", "setting": "hospital", "region": "DE-BY"}},
        "window": {"start": "2026-05-24T00:00:00Z", "end": "2026-05-25T00:00:00Z", "bucket": "P1D"},
        "as_of": "2026-05-25T00:03:00Z", "first_raised_at": "2026-05-24T06:00:02Z",
        "observed": 41, "expected": 17.2, "exposure": {"unit": "contacts", "n": 612, "usual": 598},
        "interval": {"low": 9, "high": 26, "level": 0.9}, "effect": {"absolute": 23.8, "relative": 1.38},
        "score": {"current": 74, "initial": 69}, "p_value": 0.0002, "q_value": 0.031, "expected_false_per_30d": 0.6,
        "evidence": {"grade": "corroborated", "people": 27, "items": 41, "channels": 3, "effective_n": 24.6, "top_person_share": 0.07, "expert_share": 0.05, "banded": false},
        "caveats": ["late_data"],
        "drivers": [{"dim": "setting", "value": "hospital", "share": 0.78}, {"dim": "source", "value": "field_note", "share": 0.55}, {"dim": "region", "value": "DE-BY", "share": 0.41}],
        "context": [{"kind": "formulary_or_policy", "ref": "cal_311", "label": "New payer form in force", "start": "2026-05-11", "end": "2026-05-11"}],
        "examples": [
            {"feedback_id": "fn-88213", "quote": QUOTE, "language": "en", "stance": "negative"},
            {"feedback_id": "fn-88240", "quote": "Seit dem neuen Formular schicken wir Patienten zwei Orte weiter, nur für einen Laborwert.", "language": "de", "stance": "negative"},
            {"feedback_id": "call-5631", "quote": "The payer said [NAME] must fax it again with the lab value.", "language": "en", "stance": "neutral"},
            {"feedback_id": "sv-1209", "quote": "Once the test is in, approval came within a day.", "language": "en", "stance": "positive"}
        ],
        "detector": {"id": "portfolio-default", "version": "1.0.0", "method": "adaptive_negative_binomial", "config_hash": "blake3:1c0f"},
        "baseline": {"id": "b_1", "from": "2026-02-01", "to": "2026-05-20", "points": 108, "season": "day_of_week", "calendars": []},
        "models": [{"kind": "theme", "name": "rules", "version": "12"}],
        "reproduce": {"offsets": {}, "seed": 7, "build": "git:0000000"},
        "owner": {"team": "market-access-de", "journey": "start-therapy"}, "triage_due": "2026-05-27T00:00:00Z",
        "suggested_checks": ["Compare with other payers in the region", "Ask medical information for open requests on the test"],
        "playbook_url": "https://auscult.example/playbooks/access",
        "links": {"page": "/signals/x", "api": "/v1/signals/x"},
        "labels": {"brand": "alpha", "region": "DE-BY", "setting": "hospital", "kind": "volume_up", "severity": "notable"},
        "group_key": "acme/alpha/access.prior_auth", "incident_id": "inc_5510", "suppressed_by": []
    })
}

pub fn row(data: &Value, status: &str, suppressed: bool, disposition: Option<Value>) -> SignalRow {
    SignalRow {
        signal_id: data["signal_id"].as_str().unwrap_or_default().to_owned(),
        revision: data["revision"].as_u64().unwrap_or_default() as u32,
        status: status.to_owned(),
        rank: 0.8,
        suppressed,
        as_of: Timestamp(NOW.0 - 9 * HOUR),
        data: data.to_string(),
        disposition: disposition.map(|disposition| disposition.to_string()),
    }
}

fn with(mut data: Value, changes: Value) -> Value {
    for (key, value) in changes.as_object().unwrap() {
        data[key] = value.clone();
    }
    data
}

pub fn disposition() -> Value {
    json!({"disposition_id": "d_1", "signal_id": "al_9c41d0", "revision_seen": 1, "decision": "confirmed", "cause": "formulary_or_policy",
        "comment": COMMENT, "priority": "high", "actor": {"ref": "u_44", "function": "insights"}, "decided_at": "2026-05-25T08:10:00Z", "scope": "this_alert", "use_for_learning": true})
}

fn signals() -> Vec<SignalRow> {
    let al = |id: &str, title: &str, changes: Value| with(alert(id, title, 2), changes);
    vec![
        row(
            &al(
                "al_9c41d0",
                "Prior-authorisation test burden, cardiology, Bavaria",
                json!({}),
            ),
            "firing",
            false,
            None,
        ),
        row(
            &al(
                "al_77",
                "Negative feeling about the pen's needle, patients",
                json!({
                "kind": "sentiment_shift", "why": "38 % of mentions are negative against 21 % expected (90 % interval 15 % to 27 %).",
                "series": {"id": "s_2", "measure": "negative_share", "dims": {"brand": "beta", "topic": "device.needle", "stakeholder": "patient"}},
                "observed": 0.38, "expected": 0.21, "interval": {"low": 0.15, "high": 0.27, "level": 0.9},
                "labels": {"brand": "beta", "region": "FR", "setting": "home"}, "triage_due": "2026-05-24T00:00:00Z", "owner": {"team": "patient-support"},
                "evidence": {"grade": "emerging", "people": 12, "items": 34, "channels": 2, "effective_n": 9.1, "top_person_share": 0.12, "expert_share": 0.0}}),
            ),
            "firing",
            false,
            None,
        ),
        row(
            &al(
                "al_hostile",
                HOSTILE,
                json!({"why": HOSTILE, "labels": {"brand": HOSTILE}, "series": {"id": HOSTILE, "measure": "mentions", "dims": {"topic": HOSTILE}},
                "drivers": [{"dim": HOSTILE, "value": HOSTILE, "share": 2.0}], "context": [{"kind": HOSTILE, "ref": "r", "label": HOSTILE, "start": "2026-05-20", "end": "2026-05-20"}],
                "examples": [{"feedback_id": HOSTILE, "quote": HOSTILE, "language": HOSTILE, "stance": HOSTILE}], "suggested_checks": [HOSTILE], "playbook_url": "javascript:alert(1)",
                "owner": {"team": HOSTILE}, "caveats": [HOSTILE], "evidence": {"grade": HOSTILE, "people": HOSTILE}}),
            ),
            "firing",
            false,
            None,
        ),
        row(
            &al(
                "al_silence",
                "Advisory-board feed fell silent on dosing",
                json!({"kind": "silence", "observed": 0, "expected": 6.4, "interval": {"low": 2, "high": 11, "level": 0.9},
            "evidence": {"grade": "anecdotal", "people": 0, "items": 0, "channels": 0}, "caveats": ["low_coverage", "partial_bucket"], "examples": [], "drivers": [], "suggested_checks": []}),
            ),
            "firing",
            false,
            Some(disposition()),
        ),
        row(
            &al(
                "al_muted",
                "New theme: reimbursement app",
                json!({"kind": "new_theme", "suppressed_by": ["cold_start"], "labels": {"brand": "alpha", "region": "DE-BE"}}),
            ),
            "firing",
            true,
            None,
        ),
        row(
            &al(
                "al_proposed",
                "New theme proposed: rubber stopper, crumbled",
                json!({"kind": "new_theme", "why": "12 mentions on 2 channels since 22 May against 0.4 expected, each person counted once.",
                "series": {"id": "t_1", "view": "new-themes", "measure": "mentions", "dims": {"emergent_topic": "rubber stopper, crumbled"}},
                "observed": 12, "expected": 0.4, "drivers": [],
                "context": [{"kind": "taxonomy_suggestion", "ref": "t_1", "label": "phrases = [\"rubber stopper\", \"crumbled\"]", "start": "2026-05-22T00:00:00Z", "end": "2026-05-25T00:00:00Z"}],
                "labels": {"kind": "new_theme", "view": "new-themes"}}),
            ),
            "firing",
            false,
            None,
        ),
        row(
            &al(
                "al_done",
                "Cold-chain questions, pharmacies",
                json!({"status": "resolved", "status_reason": "recovered"}),
            ),
            "resolved",
            false,
            None,
        ),
    ]
}

fn points() -> Vec<String> {
    let start = NOW.0 - NOW.0.rem_euclid(DAY) - 70 * DAY;
    (0..71)
        .map(|index: i64| {
            let wave = [0, 2, 3, 1, -1, -6, -5][(index % 7) as usize];
            let expected = 17.2 + wave as f64;
            let observed = match index {
                30..=32 => Value::Null,
                45 => json!(31),
                69 => json!(41),
                70 => json!(12),
                _ => json!(17 + wave + (index * 7919 % 9) - 4),
            };
            json!({
                "series_id": "s_77ab", "start": rfc3339(Timestamp(start + index * DAY)), "bucket": "P1D", "revision": if index % 17 == 9 { 2 } else { 1 },
                "observed": observed, "items": observed.as_i64().unwrap_or(0), "expected": expected,
                "low": expected - 8.0, "high": expected + 9.0, "p_value": 0.4, "discovered": index == 69
            })
            .to_string()
        })
        .collect()
}

/// An action of the contract's example that runs, one with a bad result, one that a person decided not to take, and one on
/// a signal of the medical role.
fn actions() -> Vec<ActionRow> {
    let row = |data: Value, outcome: Option<Value>, is_medical| ActionRow {
        portfolio: "acme|DE".to_owned(),
        action_id: data["action_id"].as_str().unwrap().to_owned(),
        event_id: "e_1".to_owned(),
        data: data.to_string(),
        outcome: outcome.map(|outcome| outcome.to_string()),
        is_medical,
    };
    let started = json!({"action_id": "a_9", "signal_ids": ["al_9c41d0"], "incident_id": "inc_5510", "state": "started", "owner": "u_61",
        "due": "2026-05-20", "kind": "access_support", "hypothesis": HYPOTHESIS,
        "target": {"measure": "mentions", "series_id": "s_77ab", "direction": "down", "expected_effect": -0.3, "smallest_relevant_effect": -0.1},
        "comparison": {"kind": "region", "series_id": "s_77ac"}, "started_at": "2026-05-04T00:00:00Z", "actor": "u_61", "recorded_at": "2026-05-04T08:00:00Z"});
    let outcome = json!({"outcome_id": "o_9", "revision": 1, "action_id": "a_9", "signal_ids": ["al_9c41d0"], "stage": "interim", "method": "did",
        "pre": {"start": "2026-04-20T00:00:00Z", "end": "2026-05-04T00:00:00Z", "buckets": 14, "rate": 17.2, "comparison_rate": 12.0},
        "post": {"start": "2026-05-04T00:00:00Z", "end": "2026-05-18T00:00:00Z", "buckets": 14, "rate": 12.4, "comparison_rate": 12.1},
        "estimate": -0.285, "interval": {"low": -0.39, "high": -0.16, "level": 0.9}, "verdict": "improved", "caveats": ["signal_in_baseline"],
        "n": 414, "as_of": "2026-05-18T00:00:00Z"});
    let bad = with(
        with(
            started.clone(),
            json!({"action_id": "a_10", "state": "done", "kind": "education"}),
        ),
        json!({"review": {"learning": LEARNING, "next": "stop", "reviewed_by": "u_70"}}),
    );
    let worse = with(
        outcome.clone(),
        json!({"action_id": "a_10", "stage": "final", "estimate": 0.25, "interval": {"low": 0.08, "high": 0.44, "level": 0.9},
               "verdict": "worse", "learning": LEARNING, "next": "stop", "reviewed_by": "u_70"}),
    );
    let not_acted = json!({"action_id": "a_11", "signal_ids": ["al_9c41d0"], "state": "done", "owner": "", "due": "", "kind": "no_action",
        "hypothesis": "The form changes back in June.", "actor": "u_61", "recorded_at": "2026-05-05T08:00:00Z"});
    let of_a_belief = with(
        started.clone(),
        json!({"action_id": "a_12", "kind": "research_follow_up"}),
    );
    vec![
        row(started, Some(outcome), false),
        row(bad, Some(worse), false),
        row(not_acted, None, false),
        row(of_a_belief, None, true),
    ]
}

/// Points of the bucket in which a series was last told: the series first.
fn beside(series_id: &str) -> Vec<String> {
    let point = |id: &str, measure: &str, region: &str| {
        json!({"series_id": id, "view": "product-theme-region", "measure": measure, "bucket": "P1D", "items": 12,
               "dims": {"product": "alpha", "theme": "access.prior_auth", "region": region}})
    };
    let mut all = [
        point("s_77ab", "mentions", "DE-BY"),
        point("s_77ac", "mentions", "DE-BW"),
        point("s_share", "negative_share", "DE-BY"),
    ];
    all.sort_by_key(|point| point["series_id"] != series_id);
    let is_known = all[0]["series_id"] == series_id;
    all.iter()
        .filter(|_| is_known)
        .map(Value::to_string)
        .collect()
}

fn candidate(id: &str, due: Timestamp, event: &str, cues: Value) -> String {
    json!({
        "candidate_id": id, "feedback_ids": ["call-5512"], "revision": 1, "classes": ["adverse_event", "lack_of_effect"],
        "awareness": {"at": rfc3339(Timestamp(due.0 - DAY)), "by_function": "patient_support", "by_organisation": "agent"},
        "clock": {"intake_due": rfc3339(due), "serious_due": "2026-06-08", "non_serious_due": "2026-08-22", "rules": "eu-2026.1"},
        "criteria": {"reporter": "found", "patient": "partial", "product": "found", "event": event},
        "event": {"verbatim_spans": [[31, 58]], "term_suggestion": {"dictionary": "none", "version": null, "code": null, "confidence": 0}},
        "product": {"code": "prd_alpha", "as_reported": "Alpha 5 mg"}, "seriousness_cues": cues, "reporter_type": "consumer", "country": "DE", "language": "de",
        "follow_up_allowed": true, "verbatim_ref": "vault:acme/v/call-5512", "triage": {"score": 0.97, "threshold": 0.2, "model": "ae-rules+linear", "version": "0.9", "rules_hit": ["hosp-1"]},
        "possible_duplicates": [], "solicitation": "solicited", "source_type": "call"
    })
    .to_string()
}

fn row_of(candidate: String, acknowledgement: Option<Value>) -> CandidateRow {
    CandidateRow {
        tenant: "acme".to_owned(),
        candidate,
        acknowledgement: acknowledgement.map(|ack| ack.to_string()),
        escalation: None,
    }
}

fn request(id: &str, age: i64, question: &str) -> String {
    json!({
        "request_id": id, "feedback_id": "mi-3021", "received_at": rfc3339(NOW.plus(-age)), "question": question, "language": "en",
        "products": ["prd_alpha"], "indications": ["ind_hf"], "themes": ["dosing.renal"], "asked_by": "hcp", "country": "FR",
        "source_type": "medical_inquiry", "may_contact": true, "contact_vault_ref": "vault:acme/c/55ab", "rules_hit": ["question-data-on"]
    })
    .to_string()
}

fn requests() -> Vec<RequestRow> {
    let row = |request, open, answer: Option<Value>| RequestRow {
        tenant: "acme".to_owned(),
        request,
        answer: answer.map(|answer| answer.to_string()),
        open,
    };
    vec![
        row(
            request("mr_7", 11 * DAY, HOSTILE),
            true,
            Some(
                json!({"request_id": "mr_7", "decision": "needs_information", "answer_ref": null, "actor": "u_31", "at": "2026-05-20T10:00:00Z"}),
            ),
        ),
        row(request(REQUEST, 20 * HOUR, QUESTION), true, None),
        row(
            request("mr_1", 30 * DAY, "May it be taken with grapefruit?"),
            false,
            Some(
                json!({"request_id": "mr_1", "decision": "answered", "answer_ref": "MI-2026-00811", "actor": "u_31", "at": "2026-05-02T10:00:00Z"}),
            ),
        ),
    ]
}

/// Settings without a token.
pub fn demo() -> CheckedWebSettings {
    WebSettings::default().check().unwrap()
}

/// The token of a role in [`with_tokens`].
pub fn token(role: &str) -> String {
    format!("{role}-0123456789abcdef01234567")
}

/// Settings with a token for each role.
pub fn with_tokens() -> CheckedWebSettings {
    let roles = ["analyst", "medical", "brand", "safety", "ops", "source"];
    let tokens = roles.map(|role| WebToken {
        role: role.to_owned(),
        actor: format!("u_{role}"),
        token: token(role),
    });
    WebSettings {
        tokens: tokens.to_vec(),
        ..WebSettings::default()
    }
    .check()
    .unwrap()
}

/// An app over `fake`.
pub fn app(fake: &Arc<Fake>, settings: CheckedWebSettings) -> App {
    App {
        read: Arc::clone(fake) as Arc<dyn ReadModel>,
        submit: Arc::clone(fake) as Arc<dyn Submit>,
        clock: Arc::new(ManualClock::new(NOW)),
        metrics: Arc::new(|| {
            "# HELP auscult_feedback_read_total Feedback events read.\n# TYPE auscult_feedback_read_total counter\nauscult_feedback_read_total 7\n".to_owned()
        }),
        health: Arc::clone(fake) as Arc<dyn Health>,
        updates: tokio::sync::broadcast::Sender::new(64),
        settings,
    }
}
