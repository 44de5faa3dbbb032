//! Roles apart, instances that share work, and a read model made anew from topics alone (O09).

use crate::kafka::world::{PATIENCE, World, pause, world};
use auscult_core::words::OutcomeCaveat;
use auscult_engine::log::Record;
use auscult_engine::read_model::{ReadModel, SignalFilter};
use auscult_engine::submit::SubmitDesk;
use auscult_store::view::View;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Signals of the read model: id, revision and data.
fn signals(world: &World<'_>) -> Vec<(String, u32, String)> {
    let view = View::open(&world.scratch.path("view.sqlite")).expect("nobody has it open");
    let filter = SignalFilter {
        include_suppressed: true,
        limit: 500,
        ..SignalFilter::default()
    };
    let mut rows: Vec<_> = view
        .signals(&filter)
        .expect("readable")
        .into_iter()
        .map(|row| (row.signal_id, row.revision, row.data))
        .collect();
    rows.sort();
    rows
}

/// Starts an action on the signal of `alert` and, in another process, cancels it: a detector that was restored in between
/// knows it, and says what came of it.
fn act(world: &World<'_>, alert: &Record) -> String {
    let desk = SubmitDesk::new(&world.settings.engine);
    let told: Value = serde_json::from_slice(alert.value.as_deref().expect("data")).expect("JSON");
    let key = String::from_utf8_lossy(alert.key.as_deref().expect("a key")).into_owned();
    let (portfolio, signal_id) = key.rsplit_once('|').expect("portfolio|signal");
    let tenant = portfolio.split('|').next().unwrap_or_default();
    for (state, hour) in [("started", 9), ("cancelled", 10)] {
        let action = json!({
            "action_id": "a_1", "signal_ids": [signal_id], "incident_id": told["incident_id"], "state": state, "owner": "u_61",
            "due": "2027-01-31", "kind": "service_fix", "hypothesis": "It has a cause we can remove.",
            "target": {"measure": "mentions", "series_id": "s_nobody", "direction": "down", "expected_effect": -0.3},
            "started_at": "2026-06-01T00:00:00Z", "recorded_at": format!("2026-06-01T{hour:02}:00:00Z"),
        });
        let record = desk.action(tenant, portfolio, &action.to_string());
        world.append(vec![record.expect("readable")]);
        world.work_off("detect");
    }
    let outcomes = world.read(&[&world.settings.engine.topics.outcomes]);
    let outcomes: Vec<_> = outcomes
        .iter()
        .map(|record| {
            let value = record.value.as_deref().unwrap_or_default();
            let outcome = auscult_wire::decode_outcome(&record.headers, value)
                .expect("our own")
                .data;
            (outcome.action_id, outcome.revision, outcome.caveats)
        })
        .collect();
    let unknown = vec![OutcomeCaveat::SeriesUnknown];
    assert_eq!(
        outcomes,
        [("a_1".to_owned(), 1, unknown)],
        "told once, not again by the restored one"
    );
    signal_id.to_owned()
}

fn wait_for(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < deadline, "{what}");
        pause(Duration::from_millis(50));
    }
}

#[test]
fn listen_detect_and_serve_run_apart_and_the_view_comes_back_from_topics() {
    let Some(world) = world("roles in processes of their own", "roles", "roles", 3) else {
        return;
    };
    let events = world.fill(13);
    // Two listen, two detect: each takes a share, and together they take everything.
    let instances = [
        world.start("listen"),
        world.start("listen"),
        world.start("detect"),
        world.start("detect"),
    ];
    let kafka = world.kafka();
    let sources = auscult::topics::sources(&world.settings.engine);
    wait_for("every event is listened to", || {
        let listened: u64 = kafka
            .committed("listen", &sources)
            .unwrap_or_default()
            .iter()
            .map(|(_, position)| position.0)
            .sum();
        listened >= events as u64
    });
    for instance in instances {
        instance.stop();
    }
    world.work_off("listen,detect");
    let mut newest = std::collections::BTreeMap::new();
    for record in world.read(&[&world.settings.engine.topics.alerts_medical]) {
        let event = auscult_wire::decode_alert(
            &record.headers,
            record.value.as_deref().unwrap_or_default(),
        )
        .expect("our own alert");
        let revision = newest.entry(event.data.signal_id.clone()).or_insert(0);
        *revision = event.data.revision.max(*revision);
    }
    assert!(!newest.is_empty(), "a run without signals proves nothing");
    let alerts = world.read(&[&world.settings.engine.topics.alerts]);
    let acted_on = act(&world, alerts.last().expect("an alert on the shared topic"));
    let expected: Vec<(String, u32)> = newest.into_iter().collect();

    world.work_off("serve");
    let before = signals(&world);
    assert_eq!(
        before
            .iter()
            .map(|(id, revision, _)| (id.clone(), *revision))
            .collect::<Vec<_>>(),
        expected,
        "the view shows every signal as it stands"
    );
    for file in ["view.sqlite", "view.sqlite-wal", "view.sqlite-shm"] {
        // The last two are only there while somebody has it open.
        let _ = std::fs::remove_file(world.scratch.path(file));
    }
    world.work_off("serve");
    assert_eq!(signals(&world), before, "a view that was wiped is rebuilt");
    let view = View::open(&world.scratch.path("view.sqlite")).expect("nobody has it open");
    let action = view.action("a_1").expect("readable").expect("it is known");
    assert!(action.current.data.contains(&acted_on) && action.current.outcome.is_some());
    assert_eq!(action.events.len(), 2);
}
