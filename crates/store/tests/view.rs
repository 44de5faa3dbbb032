//! What the read model promises to pages.

mod common;

use auscult_core::time::{DAY, HOUR, Timestamp};
use auscult_engine::log::{Append, Log, LogError, LogEvent, Outgoing, Position, TopicPartition};
use auscult_engine::read_model::{
    CandidateRow, Overview, ReadModel, SignalFilter, SignalRevision, ViewChange, ViewWriter,
    WriteError,
};
use auscult_store::log::{EmbeddedLog, TopicSettings};
use auscult_store::view::{LIST_ROWS_MAX, Pruned, Retention, View};
use common::{NO_WAIT, assignments, at};
use proptest::prelude::*;
use std::collections::BTreeMap;

const NOW: Timestamp = Timestamp(1_000 * DAY);

fn view() -> (tempfile::TempDir, View) {
    let folder = tempfile::tempdir().unwrap();
    let view = View::open(&folder.path().join("view.db")).unwrap();
    (folder, view)
}

fn signal(id: &str, revision: u32, rank: f64) -> SignalRevision {
    SignalRevision {
        portfolio: "acme|DE".into(),
        signal_id: id.into(),
        revision,
        status: "firing".into(),
        series_id: "series".into(),
        rank,
        suppressed: false,
        labels: vec![("brand".into(), "alpha".into())],
        as_of: NOW,
        data: format!("{{\"signal\":\"{id}\",\"revision\":{revision}}}"),
    }
}

fn point(start: i64, revision: u32) -> ViewChange {
    ViewChange::SeriesPoint {
        portfolio: "acme|DE".into(),
        series_id: "series".into(),
        start: Timestamp(start * DAY),
        end: Timestamp((start + 1) * DAY),
        revision,
        data: format!("{start} {revision}"),
    }
}

fn disposition(id: &str, signal: &str, decided_at: i64) -> ViewChange {
    ViewChange::Disposition {
        disposition_id: id.into(),
        signal_id: signal.into(),
        decision: "confirmed".into(),
        decided_at: Timestamp(decided_at),
        data: id.into(),
    }
}

fn everything() -> SignalFilter {
    SignalFilter {
        include_suppressed: true,
        limit: u32::MAX,
        ..SignalFilter::default()
    }
}

#[test]
fn a_signal_is_shown_with_its_whole_history() {
    let (_folder, mut view) = view();
    let changes = vec![
        ViewChange::Signal(signal("a", 2, 0.4)),
        ViewChange::Signal(SignalRevision {
            status: "resolved".into(),
            ..signal("a", 3, 0.2)
        }),
        ViewChange::Signal(signal("a", 1, 0.9)),
        point(2, 1),
        point(1, 2),
        point(1, 1),
        disposition("late", "a", 20),
        disposition("early", "a", 10),
        disposition("late", "a", 20),
    ];
    view.apply(changes, &[]).unwrap();
    let detail = view.signal("a").unwrap().unwrap();
    assert_eq!(detail.current.revision, 3);
    assert_eq!(detail.current.status, "resolved");
    assert_eq!(detail.current.disposition.as_deref(), Some("late"));
    assert_eq!(
        detail
            .revisions
            .iter()
            .map(|row| row.revision)
            .collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert_eq!(detail.revisions[0].rank, 0.9);
    assert_eq!(detail.points, ["1 2", "2 1"]);
    assert_eq!(detail.dispositions, ["early", "late"]);
    assert_eq!(view.signals(&everything()).unwrap(), [detail.current]);
    assert_eq!(view.signal("b").unwrap(), None);
}

#[test]
fn an_answer_may_come_before_what_it_answers() {
    let (_folder, mut view) = view();
    let ack = |candidate: &str, at: i64, closes| ViewChange::SafetyAck {
        candidate_id: candidate.into(),
        at: Timestamp(at),
        decision: "accepted".into(),
        closes,
        data: format!("ack {at}"),
    };
    let candidate = |id: &str, revision: u32, due: i64| ViewChange::SafetyCandidate {
        tenant: "acme".into(),
        candidate_id: id.into(),
        revision,
        awareness: Timestamp(due),
        intake_due: Timestamp(due),
        data: format!("{id} {revision}"),
    };
    view.apply(
        vec![
            disposition("d", "a", 1),
            ack("x", 5, true),
            ack("y", 5, true),
            ack("y", 6, false),
        ],
        &[],
    )
    .unwrap();
    let later = vec![
        ViewChange::Signal(signal("a", 1, 0.5)),
        candidate("x", 2, NOW.0),
        candidate("x", 1, 0),
        candidate("y", 1, NOW.0 + DAY),
        candidate("z", 1, NOW.0 + DAY + 1),
    ];
    view.apply(later, &[]).unwrap();
    let overview = view.overview(NOW).unwrap();
    assert_eq!((overview.firing, overview.untriaged), (1, 0));
    assert_eq!((overview.safety_open, overview.safety_due_soon), (2, 1));
    let row = |candidate: &str, ack: Option<&str>| CandidateRow {
        tenant: "acme".into(),
        candidate: candidate.into(),
        acknowledgement: ack.map(str::to_owned),
        escalation: None,
    };
    let open = view.safety_candidates(true, 10).unwrap();
    assert_eq!(open, [row("y 1", Some("ack 6")), row("z 1", None)]);
    let all = view.safety_candidates(false, 10).unwrap();
    assert_eq!(all[0], row("x 2", Some("ack 5")));
    assert_eq!(all.len(), 3);
    assert_eq!(
        view.safety_candidate("x").unwrap(),
        Some(row("x 2", Some("ack 5")))
    );
    assert_eq!(view.safety_candidate("w").unwrap(), None);
}

#[test]
fn dead_letters_and_feeds_are_counted() {
    let (_folder, mut view) = view();
    let letter = |id: &str, code: &str, at: i64| ViewChange::DeadLetter {
        id: id.into(),
        code: code.into(),
        at: Timestamp(at),
        data: format!("letter {id}"),
    };
    let seen = |feed: &str, last: i64, mentions| ViewChange::FeedSeen {
        feed: feed.into(),
        last_event: Timestamp(last),
        mentions,
        silent_after: 2 * HOUR,
    };
    let changes = vec![
        letter("0-1", "json.truncated", 1),
        letter("0-2", "json.truncated", 3),
        letter("1-0", "time.future", 2),
        letter("0-1", "json.truncated", 1),
        ViewChange::DeadLetterReplayed { id: "0-2".into() },
        ViewChange::DeadLetterReplayed { id: "0-2".into() },
        seen("crm/eu/call", NOW.0 - HOUR, 3),
        seen("crm/eu/call", NOW.0 - 9 * HOUR, 4),
        seen("web/eu/survey", NOW.0 - 2 * HOUR - 1, 1),
    ];
    view.apply(changes, &[]).unwrap();
    let overview = view.overview(NOW).unwrap();
    assert_eq!(
        overview.dead_letters,
        [("json.truncated".into(), 2), ("time.future".into(), 1)]
    );
    let feeds: Vec<_> = overview
        .feeds
        .iter()
        .map(|f| (f.feed.as_str(), f.mentions, f.state.as_str()))
        .collect();
    assert_eq!(
        feeds,
        [("crm/eu/call", 7, "ok"), ("web/eu/survey", 1, "no_data")]
    );
    let letters = view.dead_letters(None, 2).unwrap();
    assert_eq!(
        letters
            .iter()
            .map(|l| (l.id.as_str(), l.replays))
            .collect::<Vec<_>>(),
        [("0-2", 2), ("1-0", 0)]
    );
    assert_eq!(view.dead_letters(Some("time.future"), 10).unwrap().len(), 1);
}

#[test]
fn no_list_is_longer_than_its_bound() {
    let (_folder, mut view) = view();
    let mut changes: Vec<ViewChange> = (0..700)
        .map(|n| ViewChange::Signal(signal(&format!("s{n}"), 1, 0.5)))
        .collect();
    changes.extend((1..=700).map(|revision| ViewChange::Signal(signal("long", revision, 0.1))));
    changes.extend((0..900).map(|n| point(n, 1)));
    view.apply(changes, &[]).unwrap();
    assert_eq!(
        view.signals(&everything()).unwrap().len(),
        LIST_ROWS_MAX as usize
    );
    let rest = SignalFilter {
        offset: 600,
        ..everything()
    };
    assert_eq!(view.signals(&rest).unwrap().len(), 101);
    let detail = view.signal("long").unwrap().unwrap();
    assert_eq!(detail.revisions.len(), LIST_ROWS_MAX as usize);
    assert_eq!(detail.revisions.last(), Some(&detail.current));
    assert_eq!(
        (detail.points.first().unwrap().as_str(), detail.points.len()),
        ("150 1", 750)
    );
}

#[test]
fn positions_and_changes_are_written_together() {
    let (folder, mut view) = view();
    assert_eq!(view.position(&at("t", 0)).unwrap(), None);
    view.apply(
        vec![ViewChange::Signal(signal("a", 1, 0.5))],
        &[(at("t", 0), Position(7))],
    )
    .unwrap();
    assert_eq!(view.position(&at("t", 0)).unwrap(), Some(Position(7)));
    let backwards = view.apply(
        vec![ViewChange::Signal(signal("b", 1, 0.5))],
        &[(at("t", 0), Position(6))],
    );
    assert!(
        matches!(backwards, Err(WriteError::Broken(text)) if text.contains("t/0") && text.contains("view.db"))
    );
    view.limit_bytes(1).unwrap();
    let big = SignalRevision {
        data: "x".repeat(1_000_000),
        ..signal("c", 1, 0.5)
    };
    let full = view.apply(vec![ViewChange::Signal(big)], &[(at("t", 0), Position(9))]);
    assert!(matches!(full, Err(WriteError::Broken(text)) if text.contains("disk is full")));
    drop(view);
    let view = View::open(&folder.path().join("view.db")).unwrap();
    assert_eq!(view.position(&at("t", 0)).unwrap(), Some(Position(7)));
    assert_eq!(view.signals(&everything()).unwrap().len(), 1);
}

#[test]
fn a_corrupt_read_model_says_that_it_may_be_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("view.db");
    drop(View::open(&path).unwrap());
    let length = std::fs::metadata(&path).unwrap().len();
    std::fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(length / 2)
        .unwrap();
    let text = View::open(&path).unwrap_err().to_string();
    assert!(
        text.contains("view.db") && text.contains("built again from the topics"),
        "{text}"
    );
}

#[test]
fn old_things_go_in_bounded_steps_and_what_is_open_stays() {
    let (_folder, mut view) = view();
    let old = |id: &str, status: &str| SignalRevision {
        status: status.into(),
        as_of: Timestamp(DAY),
        ..signal(id, 1, 0.5)
    };
    let mut changes: Vec<ViewChange> = (0..10).map(|n| point(n, 1)).collect();
    changes.extend([
        ViewChange::Signal(old("fires", "firing")),
        ViewChange::Signal(old("done", "resolved")),
        ViewChange::Signal(SignalRevision {
            status: "resolved".into(),
            ..signal("recent", 1, 0.1)
        }),
        disposition("d", "done", 1),
        ViewChange::DeadLetter {
            id: "0-0".into(),
            code: "x".into(),
            at: Timestamp(5),
            data: String::new(),
        },
        ViewChange::SafetyCandidate {
            tenant: "acme".into(),
            candidate_id: "open".into(),
            revision: 1,
            awareness: Timestamp(5),
            intake_due: Timestamp(5),
            data: String::new(),
        },
        ViewChange::SafetyCandidate {
            tenant: "acme".into(),
            candidate_id: "shut".into(),
            revision: 1,
            awareness: Timestamp(5),
            intake_due: Timestamp(5),
            data: String::new(),
        },
        ViewChange::SafetyAck {
            candidate_id: "shut".into(),
            at: Timestamp(6),
            decision: "accepted".into(),
            closes: true,
            data: String::new(),
        },
    ]);
    view.apply(changes, &[]).unwrap();
    let retention = Retention {
        points_before: Timestamp(7 * DAY),
        signals_before: Timestamp(2 * DAY),
        dead_letters_before: Timestamp(6),
        candidates_before: Timestamp(6),
        rows_max: 4,
    };
    let first = view.prune(&retention).unwrap();
    assert_eq!(
        first,
        Pruned {
            points: 4,
            signals: 1,
            dead_letters: 1,
            candidates: 1
        }
    );
    assert_eq!(
        view.prune(&retention).unwrap(),
        Pruned {
            points: 3,
            ..Pruned::default()
        }
    );
    assert_eq!(view.prune(&retention).unwrap(), Pruned::default());
    assert_eq!(view.signal("done").unwrap(), None);
    assert_eq!(
        view.signal("fires").unwrap().unwrap().points,
        ["7 1", "8 1", "9 1"]
    );
    assert!(view.signal("recent").unwrap().is_some());
    assert_eq!(view.safety_candidates(false, 10).unwrap().len(), 1);
}

// ---- the same pages whatever the turns (O09) ------------------------------------------------------------------

fn small_signal() -> impl Strategy<Value = SignalRevision> {
    (
        "[a-f]",
        1_u32..5,
        "(firing|resolved|retracted)",
        0_u8..4,
        any::<bool>(),
        proptest::collection::btree_map("(brand|region)", "[ab]", 0..3),
        0_i64..3,
    )
        .prop_map(
            |(id, revision, status, rank, suppressed, labels, as_of)| SignalRevision {
                // A signal's portfolio never changes; a revision is one thing, however often it is told.
                portfolio: format!("portfolio {}", id.as_bytes()[0] % 2),
                rank: f64::from(rank) / 4.0 + f64::from(revision) / 100.0,
                status,
                suppressed,
                labels: labels.into_iter().collect(),
                as_of: Timestamp(as_of),
                ..signal(&id, revision, 0.0)
            },
        )
}

fn filter() -> impl Strategy<Value = SignalFilter> {
    (
        proptest::option::of("(firing|resolved)"),
        proptest::option::of("portfolio [01]"),
        proptest::collection::vec(("(brand|region)", "[ab]"), 0..3),
        any::<bool>(),
        0_u32..3,
        1_u32..6,
    )
        .prop_map(
            |(status, portfolio, labels, include_suppressed, offset, limit)| SignalFilter {
                status,
                portfolio,
                labels,
                include_suppressed,
                offset,
                limit,
            },
        )
}

/// The list as a page would want it, the plainest way.
fn naive_list(signals: &[SignalRevision], filter: &SignalFilter) -> Vec<String> {
    let mut newest: BTreeMap<&str, &SignalRevision> = BTreeMap::new();
    for signal in signals {
        let slot = newest.entry(&signal.signal_id).or_insert(signal);
        if signal.revision >= slot.revision {
            *slot = signal;
        }
    }
    let wanted = |signal: &&SignalRevision| {
        filter
            .status
            .as_ref()
            .is_none_or(|status| *status == signal.status)
            && filter
                .portfolio
                .as_ref()
                .is_none_or(|portfolio| *portfolio == signal.portfolio)
            && filter
                .labels
                .iter()
                .all(|label| signal.labels.contains(label))
            && (filter.include_suppressed || !signal.suppressed)
    };
    let mut list: Vec<&SignalRevision> = newest.into_values().filter(wanted).collect();
    list.sort_by(|a, b| {
        b.rank
            .total_cmp(&a.rank)
            .then(b.as_of.cmp(&a.as_of))
            .then(a.signal_id.cmp(&b.signal_id))
    });
    let page = list
        .into_iter()
        .skip(filter.offset as usize)
        .take(filter.limit as usize);
    page.map(|signal| format!("{} {}", signal.signal_id, signal.revision))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn lists_are_those_of_the_plainest_model_whatever_the_turns(
        signals in proptest::collection::vec(small_signal(), 0..30),
        turn in 1_usize..10,
        filters in proptest::collection::vec(filter(), 4),
    ) {
        let (_folder, mut view) = view();
        for turn in signals.chunks(turn) {
            view.apply(turn.iter().cloned().map(ViewChange::Signal).collect(), &[]).unwrap();
        }
        for filter in filters {
            let list = view.signals(&filter).unwrap();
            let list: Vec<String> = list.iter().map(|row| format!("{} {}", row.signal_id, row.revision)).collect();
            prop_assert_eq!(list, naive_list(&signals, &filter));
        }
    }
}

/// A serving stage in small: what a record says becomes a change.
fn serve(log: &EmbeddedLog, view: &mut View, limit: usize) {
    let start = |partition: &TopicPartition| {
        view.position(partition)
            .map_err(|e| LogError::Fatal(e.to_string()))
    };
    let mut consumer = log
        .consumer_from("serve", &["alerts", "answers"], start)
        .unwrap();
    assignments(&mut consumer);
    loop {
        let mut changes = Vec::new();
        let mut positions = BTreeMap::new();
        for event in consumer.poll(limit, NO_WAIT).unwrap() {
            let LogEvent::Record(record) = event else {
                continue;
            };
            positions.insert(record.at.clone(), Position(record.offset + 1));
            let text = String::from_utf8(record.value.unwrap()).unwrap();
            let words: Vec<&str> = text.split(' ').collect();
            changes.push(match words[0] {
                "signal" => ViewChange::Signal(signal(words[1], words[2].parse().unwrap(), 0.5)),
                "seen" => ViewChange::FeedSeen {
                    feed: words[1].into(),
                    last_event: NOW,
                    mentions: 1,
                    silent_after: HOUR,
                },
                _ => disposition(words[1], words[2], record.offset as i64),
            });
        }
        if changes.is_empty() {
            return;
        }
        view.apply(changes, &positions.into_iter().collect::<Vec<_>>())
            .unwrap();
    }
}

#[test]
fn a_deleted_read_model_is_the_same_again_after_the_topics_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let topics = [
        TopicSettings::new("alerts", 3),
        TopicSettings::new("answers", 2),
    ];
    let log = EmbeddedLog::open(&folder.path().join("log.db"), &topics).unwrap();
    let say = |topic: &str, key: String, text: String| Outgoing {
        topic: topic.into(),
        partition: None,
        key: Some(key.into_bytes()),
        headers: vec![],
        value: Some(text.into_bytes()),
    };
    let pages = |view: &View| -> (Overview, Vec<_>, Vec<_>) {
        let list = view.signals(&everything()).unwrap();
        let details = list
            .iter()
            .map(|row| view.signal(&row.signal_id).unwrap())
            .collect();
        (view.overview(NOW).unwrap(), list, details)
    };
    let mut view = View::open(&folder.path().join("view.db")).unwrap();
    for round in 0..6_u32 {
        let mut records = Vec::new();
        for n in 0..40 {
            let id = format!("s{}", n % 13);
            records.push(say(
                "alerts",
                id.clone(),
                format!("signal {id} {}", 1 + round + n / 13),
            ));
            records.push(say("alerts", id.clone(), format!("seen feed{}", n % 3)));
            if n % 5 == 0 {
                records.push(say(
                    "answers",
                    id.clone(),
                    format!("answer d{round}-{n} {id}"),
                ));
            }
        }
        log.appender().append(records).unwrap();
        // A serving stage that starts anew each round goes on where the view stands.
        serve(&log, &mut view, 7 + round as usize);
    }
    let before = pages(&view);
    assert_eq!(
        before.0.feeds.iter().map(|feed| feed.mentions).sum::<u64>(),
        240,
        "nothing counted twice"
    );
    assert_eq!(before.1.len(), 13);

    let mut again = View::open(&folder.path().join("again.db")).unwrap();
    serve(&log, &mut again, 1_000);
    assert_eq!(pages(&again), before);
}
