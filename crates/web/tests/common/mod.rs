//! A read model, a log and a health report made by hand, for tests and for the preview example.

#![allow(missing_docs, reason = "nobody else reads a test's items")]
#![allow(dead_code, reason = "the preview and each test use a part of it")]

use auscult_core::time::{DAY, HOUR, Timestamp};
use auscult_engine::clock::ManualClock;
use auscult_engine::log::Headers;
use auscult_engine::read_model::{
    CandidateRow, DeadLetterRow, FeedRow, OpenRequests, Outstanding, Overview, ReadError,
    ReadModel, ReconciledDay, ReconciliationFilter, RequestFilter, RequestRow, SignalDetail,
    SignalFilter, SignalRow,
};
use auscult_web::ports::{
    Accepted, App, Bytes, Counter, DetectorHealth, Health, HealthReport, PartHealth, PartState,
    Precision, RejectedItem, Submit, SubmitError,
};
use auscult_web::settings::WebToken;
use auscult_web::{CheckedWebSettings, WebSettings};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// 2026-05-25T09:00:00Z.
pub const NOW: Timestamp = Timestamp(1_779_699_600_000);
/// Text that breaks pages that do not escape.
pub const HOSTILE: &str = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)>&amp;";
/// Words that only roles that may read text may ever see.
pub const QUOTE: &str = "The form asks for a test we cannot run here.";
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

/// What the fake store holds and how it behaves.
#[derive(Default)]
pub struct Fake {
    pub empty: bool,
    pub failing: AtomicBool,
    pub submitted: Mutex<Vec<(String, String)>>,
    pub headers_seen: Mutex<Headers>,
    pub log_away: AtomicBool,
}

impl Fake {
    fn check(&self) -> Result<(), ReadError> {
        match self.failing.load(Ordering::SeqCst) {
            true => Err(ReadError::Broken("the file is corrupt".to_owned())),
            false => Ok(()),
        }
    }

    fn log(&self) -> Result<(), SubmitError> {
        match self.log_away.load(Ordering::SeqCst) {
            true => Err(SubmitError::Busy("no broker answers".to_owned())),
            false => Ok(()),
        }
    }
}

impl ReadModel for Fake {
    fn signals(&self, filter: &SignalFilter) -> Result<Vec<SignalRow>, ReadError> {
        self.check()?;
        let rows = if self.empty { Vec::new() } else { signals() };
        let fits = |row: &SignalRow| {
            let labels = serde_json::from_str::<Value>(&row.data).unwrap()["labels"].clone();
            filter
                .status
                .as_ref()
                .is_none_or(|status| *status == row.status)
                && (filter.include_suppressed || !row.suppressed)
                && filter
                    .labels
                    .iter()
                    .all(|(key, value)| labels[key] == **value)
        };
        Ok(rows
            .into_iter()
            .filter(fits)
            .skip(filter.offset as usize)
            .take(filter.limit as usize)
            .collect())
    }

    fn signal(&self, signal_id: &str) -> Result<Option<SignalDetail>, ReadError> {
        self.check()?;
        let current = if self.empty {
            None
        } else {
            signals().into_iter().find(|row| row.signal_id == signal_id)
        };
        Ok(current.map(|current| {
            let first = with(serde_json::from_str(&current.data).unwrap(), json!({"revision": 1, "observed": 33, "status_reason": "threshold_crossed", "score": {"current": 69, "initial": 69}}));
            SignalDetail {
                portfolio: "acme|DE".to_owned(),
                revisions: vec![row(&first, "firing", false, None), current.clone()],
                points: if signal_id == "al_77" { Vec::new() } else { points() },
                dispositions: current.disposition.iter().cloned().collect(),
                current,
            }
        }))
    }

    fn safety_candidates(
        &self,
        open_only: bool,
        limit: u32,
    ) -> Result<Vec<CandidateRow>, ReadError> {
        self.check()?;
        if self.empty {
            return Ok(Vec::new());
        }
        let escalation = json!({"escalation_id": "es_1", "candidate_id": ESCALATED, "reason": "not_acknowledged",
            "handed_over_at": rfc3339(NOW.plus(-13 * HOUR)), "acknowledgement_due": rfc3339(NOW.plus(-HOUR)), "escalated_at": rfc3339(NOW.plus(-HOUR))});
        let mut queue = vec![
            CandidateRow {
                escalation: Some(escalation.to_string()),
                ..row_of(
                    candidate(ESCALATED, NOW.plus(11 * HOUR), "found", json!(["death"])),
                    None,
                )
            },
            row_of(
                candidate(
                    "ae_70019",
                    NOW.plus(-2 * HOUR),
                    "found",
                    json!(["hospitalisation", "medically_important"]),
                ),
                None,
            ),
            row_of(
                candidate(CANDIDATE, NOW.plus(6 * HOUR), "missing", json!([])),
                None,
            ),
            row_of(
                candidate("ae_70030", NOW.plus(40 * HOUR), "found", json!([])),
                None,
            ),
        ];
        if !open_only {
            let ack = json!({"candidate_id": "ae_1", "decision": "accepted", "case_ref": "PV-2026-1", "actor": "u_9", "at": "2026-05-24T10:00:00Z"});
            queue.push(row_of(
                candidate("ae_1", NOW.plus(-20 * HOUR), "found", json!([])),
                Some(ack),
            ));
        }
        queue.truncate(limit as usize);
        Ok(queue)
    }

    fn safety_candidate(&self, candidate_id: &str) -> Result<Option<CandidateRow>, ReadError> {
        let rows = self.safety_candidates(false, 500)?;
        Ok(rows
            .into_iter()
            .find(|row| row.candidate.contains(candidate_id)))
    }

    fn reconciliation(
        &self,
        filter: &ReconciliationFilter,
    ) -> Result<Vec<ReconciledDay>, ReadError> {
        self.check()?;
        if self.empty {
            return Ok(Vec::new());
        }
        let today = NOW.plus(-NOW.0.rem_euclid(DAY));
        let missing = |id: &str, due: i64, escalated: Option<i64>| Outstanding {
            candidate_id: id.to_owned(),
            intake_due: NOW.plus(due),
            escalated_at: escalated.map(|ago| NOW.plus(-ago)),
        };
        let days = [
            ReconciledDay {
                tenant: "acme".to_owned(),
                day: today,
                sent: 2,
                outstanding: 2,
                missing: vec![
                    missing(CANDIDATE, 6 * HOUR, None),
                    missing("ae_70030", 40 * HOUR, None),
                ],
                ..ReconciledDay::default()
            },
            ReconciledDay {
                tenant: "acme".to_owned(),
                day: today.plus(-DAY),
                sent: 1_000,
                acknowledged: 998,
                accepted: 700,
                not_a_case: 250,
                duplicate: 40,
                needs_information: 8,
                escalated: 1,
                outstanding: 2,
                past_due: 2,
                missing: vec![
                    missing("ae_70019", -2 * HOUR, None),
                    missing(ESCALATED, 11 * HOUR, Some(HOUR)),
                ],
            },
        ];
        let wanted = |day: &ReconciledDay| {
            (filter.from..filter.until).contains(&day.day)
                || (filter.and_outstanding && day.outstanding > 0)
        };
        Ok(days.into_iter().filter(wanted).collect())
    }

    fn medical_requests(&self, filter: &RequestFilter) -> Result<Vec<RequestRow>, ReadError> {
        self.check()?;
        let rows = if self.empty { Vec::new() } else { requests() };
        Ok(rows
            .into_iter()
            .filter(|row| filter.open.is_none_or(|open| row.open == open))
            .take(filter.limit as usize)
            .collect())
    }

    fn medical_request(&self, request_id: &str) -> Result<Option<RequestRow>, ReadError> {
        self.check()?;
        let named = |row: &RequestRow| row.request.contains(&format!("\"{request_id}\""));
        Ok(requests().into_iter().find(named))
    }

    fn dead_letters(
        &self,
        code: Option<&str>,
        limit: u32,
    ) -> Result<Vec<DeadLetterRow>, ReadError> {
        self.check()?;
        let letter = |id: &str, code: &str, data: Value| DeadLetterRow {
            id: id.to_owned(),
            code: code.to_owned(),
            at: NOW.plus(-HOUR),
            data: data.to_string(),
            replays: 1,
        };
        let letters = if self.empty {
            Vec::new()
        } else {
            vec![
                letter(
                    "0-12",
                    "json_truncated",
                    json!({"code": "json_truncated", "topic": "feedback.hcp.v1", "partition": 3, "offset": 41, "place": "byte 311", "reason": "the JSON ends inside a string", "value": DEAD_BYTES, "key": DEAD_BYTES, "headers": [{"name": "x", "value": DEAD_BYTES}], "excerpt": DEAD_BYTES}),
                ),
                letter(
                    "0-9",
                    "unknown_enum",
                    json!({"code": "unknown_enum", "place": "data.channel", "reason": HOSTILE, "value": DEAD_BYTES}),
                ),
            ]
        };
        Ok(letters
            .into_iter()
            .filter(|letter| code.is_none_or(|code| code == letter.code))
            .take(limit as usize)
            .collect())
    }

    fn overview(&self, _now: Timestamp) -> Result<Overview, ReadError> {
        self.check()?;
        if self.empty {
            return Ok(Overview::default());
        }
        let feed = |name: &str, ago: i64, mentions, state: &str| FeedRow {
            feed: name.to_owned(),
            last_event: NOW.plus(-ago),
            mentions,
            state: state.to_owned(),
        };
        Ok(Overview {
            firing: 4,
            untriaged: 3,
            muted: 1,
            oldest_untriaged: Some(NOW.plus(-27 * HOUR)),
            safety_open: 4,
            safety_due_soon: 3,
            safety_unacknowledged: 4,
            safety_escalated: 1,
            requests: OpenRequests {
                count: 2,
                oldest: Some(NOW.plus(-11 * DAY)),
            },
            dead_letters: vec![
                ("json_truncated".to_owned(), 12),
                ("unknown_enum".to_owned(), 3),
            ],
            decisions: vec![
                ("confirmed".to_owned(), 9),
                ("expected".to_owned(), 4),
                ("false_alarm".to_owned(), 2),
            ],
            newest_bucket_end: Some(NOW.plus(-9 * HOUR)),
            feeds: vec![
                feed("crm/eu/field_note", HOUR, 18_233, "ok"),
                feed("phone/de/call", 2 * HOUR, 4_120, "ok"),
                feed("congress/eu/advisory_board", 80 * HOUR, 211, "no_data"),
            ],
        })
    }
}

impl Submit for Fake {
    fn feedback(
        &self,
        content_type: &str,
        headers: &Headers,
        body: Bytes,
    ) -> Result<Accepted, SubmitError> {
        self.log()?;
        *self.headers_seen.lock().unwrap() = headers.clone();
        let text = String::from_utf8_lossy(&body).into_owned();
        self.submitted
            .lock()
            .unwrap()
            .push((content_type.to_owned(), text.clone()));
        let rejected = |index| RejectedItem {
            index,
            code: "unknown_enum".to_owned(),
            place: "data.channel".to_owned(),
            reason: "\"pigeon\" is not a channel".to_owned(),
            remedy: "choose one of face_to_face, remote, phone".to_owned(),
        };
        match text.as_str() {
            text if text.contains("\"half\"") => Ok(Accepted {
                ids: vec!["a".to_owned()],
                rejected: vec![rejected(1)],
            }),
            text if text.contains("pigeon") => Ok(Accepted {
                ids: Vec::new(),
                rejected: vec![rejected(0)],
            }),
            "[" => Err(SubmitError::Unreadable {
                code: "json_truncated".to_owned(),
                place: "byte 1".to_owned(),
                reason: "the JSON ends early".to_owned(),
                remedy: "send the whole batch".to_owned(),
            }),
            _ => Ok(Accepted {
                ids: vec!["a".to_owned()],
                rejected: Vec::new(),
            }),
        }
    }

    fn disposition(&self, signal_id: &str, json: &str) -> Result<Accepted, SubmitError> {
        self.log()?;
        self.submitted
            .lock()
            .unwrap()
            .push((signal_id.to_owned(), json.to_owned()));
        let id = serde_json::from_str::<Value>(json).unwrap()["disposition_id"]
            .as_str()
            .unwrap()
            .to_owned();
        Ok(Accepted {
            ids: vec![id],
            rejected: Vec::new(),
        })
    }

    fn acknowledge(&self, candidate_id: &str, json: &str) -> Result<Accepted, SubmitError> {
        self.take("ae_", candidate_id, json)
    }

    fn medical_answer(&self, request_id: &str, json: &str) -> Result<Accepted, SubmitError> {
        self.take("mr_", request_id, json)
    }
}

impl Fake {
    fn take(&self, prefix: &str, id: &str, json: &str) -> Result<Accepted, SubmitError> {
        self.log()?;
        if !id.starts_with(prefix) {
            return Err(SubmitError::Unknown(id.to_owned()));
        }
        let taken = (id.to_owned(), json.to_owned());
        self.submitted.lock().unwrap().push(taken);
        Ok(Accepted {
            ids: vec![id.to_owned()],
            rejected: Vec::new(),
        })
    }
}

impl Health for Fake {
    fn report(&self) -> HealthReport {
        let part = |name: &str, state, lag, detail: &str, remedy: &str| PartHealth {
            name: name.to_owned(),
            state,
            lag_milliseconds: lag,
            detail: detail.to_owned(),
            remedy: remedy.to_owned(),
        };
        if self.empty {
            return HealthReport {
                ready: true,
                ..HealthReport::default()
            };
        }
        HealthReport {
            ready: !self.failing.load(Ordering::SeqCst),
            parts: vec![
                part(
                    "listen",
                    PartState::Ok,
                    Some(340),
                    "reads feedback as it comes",
                    "",
                ),
                part(
                    "detect",
                    PartState::Behind,
                    Some(95_000),
                    "catches up after a restart",
                    "wait; if it stays for 10 minutes, see docs/runbooks/lag.md",
                ),
                part(
                    "read model",
                    PartState::Ok,
                    Some(1_200),
                    "written with each turn",
                    "",
                ),
            ],
            detectors: vec![
                DetectorHealth {
                    detector: "portfolio-default".to_owned(),
                    view: "product-theme".to_owned(),
                    useful: 13,
                    not_useful: 2,
                    precision: Some(Precision {
                        low: 0.65,
                        middle: 0.82,
                        high: 0.94,
                    }),
                },
                DetectorHealth {
                    detector: "portfolio-default".to_owned(),
                    view: "stakeholder".to_owned(),
                    useful: 0,
                    not_useful: 0,
                    precision: None,
                },
            ],
            counters: vec![
                Counter {
                    name: "feedback read".to_owned(),
                    value: 1_022_564,
                },
                Counter {
                    name: "mentions applied".to_owned(),
                    value: 22_564,
                },
                Counter {
                    name: "alerts sent".to_owned(),
                    value: 31,
                },
            ],
        }
    }
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
