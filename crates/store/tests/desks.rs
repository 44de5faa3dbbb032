//! The two desks of the read model: hand-off, reconciliation, medical requests, and the move from version 1.

use auscult_core::time::{DAY, HOUR, Timestamp};
use auscult_engine::log::{Position, TopicPartition};
use auscult_engine::read_model::{
    OpenRequests, Outstanding, ReadModel, ReconciledDay, ReconciliationFilter, RequestFilter,
    RequestRow, ViewChange, ViewWriter,
};
use auscult_store::view::View;

/// 2026-05-04T00:00:00Z.
const MONDAY: Timestamp = Timestamp(1_777_852_800_000);

fn view() -> (tempfile::TempDir, View) {
    let folder = tempfile::tempdir().unwrap();
    let view = View::open(&folder.path().join("view.sqlite")).unwrap();
    (folder, view)
}

fn candidate(tenant: &str, id: &str, awareness: Timestamp) -> ViewChange {
    ViewChange::SafetyCandidate {
        tenant: tenant.into(),
        candidate_id: id.into(),
        revision: 1,
        awareness,
        intake_due: awareness.plus(DAY),
        data: format!("candidate {id}"),
    }
}

fn ack(id: &str, at: Timestamp, decision: &str) -> ViewChange {
    ViewChange::SafetyAck {
        candidate_id: id.into(),
        at,
        decision: decision.into(),
        closes: decision != "needs_information",
        data: format!("{decision} {id}"),
    }
}

fn escalation(id: &str, at: Timestamp) -> ViewChange {
    ViewChange::SafetyEscalation {
        candidate_id: id.into(),
        at,
        data: format!("escalated {id} {}", at.0),
    }
}

fn days(and_outstanding: bool, now: Timestamp) -> ReconciliationFilter {
    ReconciliationFilter {
        from: MONDAY,
        until: MONDAY.plus(2 * DAY),
        and_outstanding,
        now,
    }
}

/// The contract's own check: of 1,000 acknowledgements one is dropped, and the report names it.
#[test]
fn one_dropped_acknowledgement_of_a_thousand_is_named() {
    let (_folder, mut view) = view();
    let id = |number: i64| format!("ae_{number:04}");
    let sent = (0..1_000).map(|number| candidate("acme", &id(number), MONDAY.plus(number)));
    view.apply(sent.collect(), &[]).unwrap();
    let decisions = ["accepted", "not_a_case", "duplicate", "needs_information"];
    let acks = (0..1_000).filter(|number| *number != 437).map(|number| {
        ack(
            &id(number),
            MONDAY.plus(HOUR),
            decisions[number as usize % 4],
        )
    });
    view.apply(acks.collect(), &[]).unwrap();
    let now = MONDAY.plus(12 * HOUR);
    let before = view.reconciliation(&days(false, now)).unwrap();
    assert_eq!((before[0].outstanding, before[0].past_due), (1, 0));
    view.apply(vec![escalation(&id(437), now)], &[]).unwrap();
    view.apply(vec![escalation(&id(437), now.plus(HOUR))], &[])
        .unwrap();
    let report = view.reconciliation(&days(false, now)).unwrap();
    assert_eq!(
        report,
        [ReconciledDay {
            tenant: "acme".into(),
            day: MONDAY,
            sent: 1_000,
            acknowledged: 999,
            accepted: 250,
            not_a_case: 249,
            duplicate: 250,
            needs_information: 250,
            escalated: 1,
            outstanding: 1,
            past_due: 1,
            missing: vec![Outstanding {
                candidate_id: id(437),
                intake_due: MONDAY.plus(DAY + 437),
                escalated_at: Some(now),
            }],
        }]
    );
    let overview = view.overview(now).unwrap();
    assert_eq!(
        (overview.safety_unacknowledged, overview.safety_escalated),
        (1, 1)
    );
    let first = &view.safety_candidates(true, 10).unwrap()[0];
    assert_eq!(
        first.candidate, "candidate ae_0437",
        "escalated ones come first"
    );
    assert_eq!(
        first.escalation,
        Some(format!("escalated ae_0437 {}", now.0))
    );

    view.apply(vec![ack(&id(437), now.plus(HOUR), "accepted")], &[])
        .unwrap();
    let report = view.reconciliation(&days(true, now.plus(9 * DAY))).unwrap();
    assert_eq!(
        (
            report[0].acknowledged,
            report[0].outstanding,
            report[0].past_due
        ),
        (1_000, 0, 0)
    );
    assert_eq!((report[0].escalated, report[0].missing.len()), (1, 0));
    assert_eq!(
        view.overview(now).unwrap().safety_escalated,
        0,
        "a late acknowledgement clears it"
    );
}

#[test]
fn days_and_tenants_are_told_apart_and_an_old_day_shows_while_somebody_is_missing() {
    let (_folder, mut view) = view();
    let changes = vec![
        candidate("acme", "ae_1", MONDAY),
        candidate("beta", "ae_2", MONDAY.plus(DAY - 1)),
        candidate("acme", "ae_3", MONDAY.plus(DAY)),
        candidate("acme", "ae_4", MONDAY.plus(2 * DAY)),
        candidate("acme", "ae_5", MONDAY.plus(-30 * DAY)),
        candidate("acme", "ae_6", MONDAY.plus(-30 * DAY)),
        candidate("acme", "ae_7", MONDAY.plus(-31 * DAY)),
        ack("ae_6", MONDAY, "accepted"),
        ack("ae_7", MONDAY, "accepted"),
    ];
    view.apply(changes, &[]).unwrap();
    let shown = |filter| {
        let report = view.reconciliation(&filter).unwrap();
        let lines = report.into_iter().map(|day| {
            (
                (day.day.0 - MONDAY.0) / DAY,
                day.tenant,
                day.sent,
                day.outstanding,
                day.past_due,
            )
        });
        lines.collect::<Vec<_>>()
    };
    let line = |day: i64, tenant: &str, sent, outstanding, past_due| {
        (day, tenant.to_owned(), sent, outstanding, past_due)
    };
    let now = MONDAY.plus(DAY + HOUR);
    let two_days = [
        line(1, "acme", 1, 1, 0),
        line(0, "acme", 1, 1, 1),
        line(0, "beta", 1, 1, 0),
    ];
    assert_eq!(shown(days(false, now)), two_days);
    let mut all = vec![line(2, "acme", 1, 1, 0)];
    all.extend(two_days);
    all.push(line(-30, "acme", 2, 1, 1));
    assert_eq!(
        shown(days(true, now)),
        all,
        "day -31 is complete and stays away"
    );
}

fn request(id: &str, received: Timestamp) -> ViewChange {
    ViewChange::MedicalRequest {
        tenant: "acme".into(),
        request_id: id.into(),
        received_at: received,
        data: format!("request {id}"),
    }
}

fn answer(id: &str, at: Timestamp, closes: bool) -> ViewChange {
    ViewChange::MedicalAnswer {
        request_id: id.into(),
        at,
        closes,
        data: format!("answer {id} {closes}"),
    }
}

#[test]
fn requests_stand_oldest_first_until_they_are_answered() {
    let (_folder, mut view) = view();
    let changes = vec![
        answer("mr_early", MONDAY, true),
        request("mr_2", MONDAY.plus(HOUR)),
        request("mr_1", MONDAY),
        request("mr_early", MONDAY.plus(-DAY)),
        answer("mr_2", MONDAY.plus(DAY), false),
        request("mr_2", MONDAY.plus(HOUR)),
    ];
    view.apply(changes, &[]).unwrap();
    let listed = |open| {
        let filter = RequestFilter { open, limit: 10 };
        view.medical_requests(&filter).unwrap()
    };
    let row = |id: &str, answer: Option<&str>, open| RequestRow {
        tenant: "acme".into(),
        request: format!("request {id}"),
        answer: answer.map(str::to_owned),
        open,
    };
    assert_eq!(
        listed(Some(true)),
        [
            row("mr_1", None, true),
            row("mr_2", Some("answer mr_2 false"), true)
        ]
    );
    assert_eq!(
        listed(Some(false)),
        [row("mr_early", Some("answer mr_early true"), false)]
    );
    assert_eq!(listed(None).len(), 3);
    let open = OpenRequests {
        count: 2,
        oldest: Some(MONDAY),
    };
    assert_eq!(view.open_requests().unwrap(), open);
    assert_eq!(view.overview(MONDAY).unwrap().requests, open);
    let mut writer = view.clone();
    writer
        .apply(vec![answer("mr_1", MONDAY.plus(DAY), true)], &[])
        .unwrap();
    assert_eq!(
        view.open_requests().unwrap().oldest,
        Some(MONDAY.plus(HOUR))
    );
    assert_eq!(
        view.medical_request("mr_1").unwrap(),
        Some(row("mr_1", Some("answer mr_1 true"), false))
    );
    assert_eq!(view.medical_request("mr_9").unwrap(), None);
}

/// A file of version 1 is read on: what it lacks comes from the topics, which are read once more, and nothing that is no
/// longer on them is lost.
#[test]
fn a_read_model_of_version_1_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("view.sqlite");
    {
        let old = rusqlite::Connection::open(&path).unwrap();
        let dump = include_str!("data/view.v1.sql");
        old.execute_batch(dump).unwrap();
    }
    let mut view = View::open(&path).unwrap();
    let at = TopicPartition {
        topic: "voc.safety.candidates.v1".into(),
        partition: 0,
    };
    assert_eq!(
        view.position(&at).unwrap(),
        None,
        "read once more from the oldest record"
    );
    assert_eq!(
        view.overview(MONDAY).unwrap().safety_open,
        1,
        "what was there is there"
    );
    let turn = vec![candidate("acme", "ae_1", MONDAY)];
    view.apply(turn, &[(at.clone(), Position(1))]).unwrap();
    let report = view.reconciliation(&days(true, MONDAY)).unwrap();
    assert_eq!((report[0].tenant.as_str(), report[0].sent), ("acme", 1));
}
