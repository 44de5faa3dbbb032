//! Actions and outcomes in the read model.

use auscult_core::action::{Action, Target};
use auscult_core::time::{DAY, Timestamp};
use auscult_core::words::{ActionKind, ActionState, Direction, Measure};
use auscult_engine::read_model::{ActionFilter, ReadModel, SignalRevision, ViewChange, ViewWriter};
use auscult_store::view::{Retention, View};
use serde_json::json;

const NOW: Timestamp = Timestamp(20_000 * DAY);

fn view() -> (tempfile::TempDir, View) {
    let folder = tempfile::tempdir().unwrap();
    let view = View::open(&folder.path().join("view.db")).unwrap();
    (folder, view)
}

fn action(id: &str, state: ActionState, hour: i64) -> Action {
    Action {
        event_id: format!("e-{id}-{hour}"),
        action_id: id.into(),
        portfolio: "acme|DE".into(),
        signal_ids: vec![format!("al-{id}")],
        incident_id: String::new(),
        state,
        owner: "u_1".into(),
        due: "2026-06-30".into(),
        kind: ActionKind::Education,
        hypothesis: "It helps.".into(),
        target: Some(Target {
            measure: Measure::Mentions,
            series_id: "s_1".into(),
            direction: Direction::Down,
            expected_effect: -0.3,
            smallest_relevant_effect: -0.1,
            buckets_after: None,
            value_dimension: None,
        }),
        comparison: None,
        started_at: Some(NOW),
        review: None,
        actor: "u_1".into(),
        recorded_at: NOW.plus(hour * 3_600_000),
    }
}

fn recorded(action: Action) -> ViewChange {
    let target = action.target.as_ref().unwrap();
    let time = auscult_wire::time::format;
    let data = json!({
        "action_id": action.action_id, "portfolio": action.portfolio, "signal_ids": action.signal_ids,
        "state": action.state.as_str(), "owner": action.owner, "due": action.due, "kind": action.kind.as_str(),
        "hypothesis": action.hypothesis, "actor": action.actor,
        "target": {"measure": "mentions", "series_id": "s_1", "direction": "down", "expected_effect": target.expected_effect,
                   "smallest_relevant_effect": -0.1},
        "started_at": time(NOW), "recorded_at": time(action.recorded_at),
    });
    ViewChange::Action {
        data: data.to_string(),
        action: Box::new(action),
    }
}

fn outcome(id: &str, revision: u32, verdict: &str) -> ViewChange {
    ViewChange::Outcome {
        action_id: id.into(),
        revision,
        stage: "final".into(),
        verdict: verdict.into(),
        data: format!("{verdict} {revision}"),
    }
}

fn signal(id: &str, labels: &[(&str, &str)], status: &str) -> ViewChange {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    ViewChange::Signal(SignalRevision {
        portfolio: "acme|DE".into(),
        signal_id: id.into(),
        revision: 1,
        status: status.into(),
        series_id: "s_1".into(),
        rank: 1.0,
        suppressed: false,
        labels: labels.iter().map(owned).collect(),
        as_of: NOW,
        data: "{}".into(),
    })
}

fn all() -> ActionFilter {
    ActionFilter {
        limit: u32::MAX,
        ..ActionFilter::default()
    }
}

#[test]
fn an_action_stands_as_the_detector_took_it_and_the_newest_outcome_counts() {
    use ActionState::{Done, Started};
    let (_folder, mut view) = view();
    let mut softer = action("a", Done, 2);
    softer.target.as_mut().unwrap().expected_effect = -0.01;
    let mut stranger = action("a", Done, 3);
    stranger.portfolio = "acme|FR".into();
    let changes = vec![
        outcome("a", 2, "worse"),
        recorded(action("a", Started, 1)),
        recorded(softer),
        recorded(stranger),
        outcome("a", 1, "improved"),
        recorded(action("b", Started, 2)),
    ];
    view.apply(changes, &[]).unwrap();
    let rows = view.actions(&all()).unwrap();
    let ids: Vec<&str> = rows.iter().map(|row| row.action_id.as_str()).collect();
    assert_eq!(ids, ["b", "a"], "the last recorded first");
    assert_eq!(rows[1].outcome.as_deref(), Some("worse 2"));
    assert!(
        rows[1].data.contains("started") && rows[1].data.contains("-0.3"),
        "frozen"
    );
    view.apply(vec![recorded(action("a", Done, 4))], &[])
        .unwrap();
    let detail = view.action("a").unwrap().unwrap();
    assert_eq!(detail.events.len(), 2);
    assert_eq!(detail.current.event_id, "e-a-4");
    let one = |filter: ActionFilter| view.actions(&filter).unwrap().len();
    let by_signal = ActionFilter {
        signal_id: Some("al-b".into()),
        ..all()
    };
    let by_state = ActionFilter {
        state: Some("done".into()),
        ..all()
    };
    assert_eq!((one(by_signal), one(by_state)), (1, 1));
    assert_eq!(view.action("nobody").unwrap(), None);
}

/// What is done about beliefs is withheld until it is known that a signal is not about one, and after it was removed.
#[test]
fn for_whom_an_action_is_outlives_its_signals() {
    let (_folder, mut view) = view();
    let is_medical = |view: &View| {
        let rows = view.actions(&all()).unwrap();
        rows.iter()
            .map(|row| (row.action_id.clone(), row.is_medical))
            .collect::<Vec<_>>()
    };
    let both = vec![
        recorded(action("a", ActionState::Started, 1)),
        recorded(action("b", ActionState::Started, 2)),
    ];
    view.apply(both, &[]).unwrap();
    let named = |b: bool, a: bool| vec![("b".to_owned(), b), ("a".to_owned(), a)];
    assert_eq!(is_medical(&view), named(true, true), "not known yet");
    let signals = vec![
        signal("al-a", &[("stance", "early:opposes")], "resolved"),
        signal("al-b", &[("theme", "access")], "resolved"),
    ];
    view.apply(signals, &[]).unwrap();
    assert_eq!(is_medical(&view), named(false, true));
    let later = NOW.plus(DAY);
    let retention = Retention {
        points_before: later,
        signals_before: later,
        dead_letters_before: later,
        candidates_before: later,
        rows_max: 100,
    };
    assert_eq!(view.prune(&retention).unwrap().signals, 2);
    assert_eq!(
        is_medical(&view),
        named(false, true),
        "actions stay, and for whom they are"
    );
}

#[test]
fn points_beside_a_series_are_those_of_its_newest_bucket_its_own_first() {
    let (_folder, mut view) = view();
    let point = |series: &str, portfolio: &str, day: i64| ViewChange::SeriesPoint {
        portfolio: portfolio.into(),
        series_id: series.into(),
        start: Timestamp(day * DAY),
        end: Timestamp((day + 1) * DAY),
        revision: 1,
        data: format!("{series} {day}"),
    };
    let points = vec![
        point("other", "acme|DE", 1),
        point("own", "acme|DE", 1),
        point("other", "acme|DE", 2),
        point("own", "acme|DE", 2),
        point("abroad", "acme|FR", 2),
        point("other", "acme|DE", 3),
    ];
    view.apply(points, &[]).unwrap();
    assert_eq!(
        view.points_beside("acme|DE", "own", 9).unwrap(),
        ["own 2", "other 2"]
    );
    assert_eq!(view.points_beside("acme|DE", "own", 1).unwrap(), ["own 2"]);
    assert_eq!(view.points_beside("acme|DE", "own", 0).unwrap(), [""; 0]);
    assert_eq!(view.points_beside("acme|DE", "nobody", 9).unwrap(), [""; 0]);
    assert_eq!(view.points_beside("acme|FR", "own", 9).unwrap(), [""; 0]);
}
