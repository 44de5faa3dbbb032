//! The read model, log and health report that serve the data made by hand.

use super::{
    CANDIDATE, DEAD_BYTES, ESCALATED, HOSTILE, NOW, actions, beside, candidate, points, requests,
    rfc3339, row, row_of, signals, with,
};
use auscult_core::time::{DAY, HOUR, Timestamp};
use auscult_engine::log::Headers;
use auscult_engine::read_model::{
    ActionDetail, ActionFilter, ActionRow, CandidateRow, DeadLetterRow, FeedRow, OpenRequests,
    Outstanding, Overview, ReadError, ReadModel, ReconciledDay, ReconciliationFilter,
    RequestFilter, RequestRow, SignalDetail, SignalFilter, SignalRow,
};
use auscult_web::ports::{
    Accepted, Bytes, Counter, DetectorHealth, Health, HealthReport, PartHealth, PartState,
    Precision, RejectedItem, Submit, SubmitError,
};
use serde_json::{Value, json};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

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

    fn actions(&self, filter: &ActionFilter) -> Result<Vec<ActionRow>, ReadError> {
        self.check()?;
        let rows = if self.empty { Vec::new() } else { actions() };
        let fits = |row: &ActionRow| {
            let data: Value = serde_json::from_str(&row.data).unwrap();
            let signals = data["signal_ids"].as_array().unwrap();
            filter
                .signal_id
                .as_ref()
                .is_none_or(|wanted| signals.iter().any(|id| id == wanted))
                && filter
                    .state
                    .as_ref()
                    .is_none_or(|state| data["state"] == **state)
        };
        Ok(rows
            .into_iter()
            .filter(fits)
            .take(filter.limit as usize)
            .collect())
    }

    fn action(&self, action_id: &str) -> Result<Option<ActionDetail>, ReadError> {
        self.check()?;
        let mut rows = actions().into_iter();
        let current = rows.find(|row| row.action_id == action_id && !self.empty);
        Ok(current.map(|current| ActionDetail {
            events: vec![current.data.clone()],
            current,
        }))
    }

    fn points_beside(&self, _: &str, series_id: &str, _: u32) -> Result<Vec<String>, ReadError> {
        self.check()?;
        Ok(beside(series_id))
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

    fn action(&self, portfolio: &str, json: &str) -> Result<Accepted, SubmitError> {
        self.log()?;
        let taken = (portfolio.to_owned(), json.to_owned());
        self.submitted.lock().unwrap().push(taken);
        Ok(Accepted::default())
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
