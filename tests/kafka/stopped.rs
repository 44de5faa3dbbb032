//! Told to stop while the only broker is away: an end within the limit, and nothing lost.

use crate::kafka::killed::assert_same;
use crate::kafka::world::{PATIENCE, World, pause, settings_text, world_of};
use auscult_test_broker::{Cluster, ClusterSettings, kit_or_skip};
use std::time::{Duration, Instant};

/// `engine.stop_within_seconds` here.
const WITHIN: Duration = Duration::from_secs(8);

/// Waits until the log of an instance holds `words`.
fn wait_until_told(world: &World<'_>, log: &str, words: &str) {
    let deadline = Instant::now() + PATIENCE;
    let told = || std::fs::read_to_string(world.scratch.path(log)).unwrap_or_default();
    while !told().contains(words) {
        assert!(Instant::now() < deadline, "it says {words:?}: {}", told());
        pause(Duration::from_millis(20));
    }
}

#[test]
fn told_to_stop_while_the_broker_is_away_it_ends_within_the_limit_and_the_outputs_are_the_same() {
    let Some(kit) = kit_or_skip("a stop while the broker is away") else {
        return;
    };
    let cluster = Cluster::start(kit, &ClusterSettings::one()).expect("a broker starts");
    let settings = |name: &str| {
        settings_text(&cluster.bootstrap(), name, "away", 2).replace(
            "[engine.turn]",
            &format!(
                "[engine]\nstop_within_seconds = {}\n[engine.turn]",
                WITHIN.as_secs()
            ),
        )
    };
    let unbroken = world_of(&cluster, settings("there"));
    unbroken.fill(15);
    unbroken.work_off("listen,detect");

    let away = world_of(&cluster, settings("away"));
    let kafka = away.kafka();
    // Told at once, in the middle of a turn; and told when everybody knows that the broker is away.
    for is_told_late in [false, true] {
        let before = away.progress(&kafka);
        let log = if is_told_late {
            "late.log"
        } else {
            "early.log"
        };
        let file = std::fs::File::create(away.scratch.path(log)).expect("a file");
        let instance = away.start_telling("listen,detect", file);
        let deadline = Instant::now() + PATIENCE;
        while away.progress(&kafka) == before {
            assert!(Instant::now() < deadline, "it begins to work");
            pause(Duration::from_millis(5));
        }
        cluster.kill(0).expect("it ran");
        if is_told_late {
            wait_until_told(&away, log, "Connection refused");
        }
        let code = instance.stop_within(WITHIN);
        let told = std::fs::read_to_string(away.scratch.path(log)).expect("its log");
        match code {
            Some(0) => {}
            Some(9) => assert!(told.contains("engine.stop_within_seconds"), "{told}"),
            other => panic!("{other:?}: {told}"),
        }
        cluster.restart(0).expect("it comes back");
    }
    away.work_off("listen,detect");
    assert_same(&away, &unbroken);
}
