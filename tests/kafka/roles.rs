//! Roles apart, instances that share work, and a read model made anew from topics alone (O09).

use crate::kafka::world::{PATIENCE, World, pause, world};
use auscult_engine::read_model::{ReadModel, SignalFilter};
use auscult_store::view::View;
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
}
