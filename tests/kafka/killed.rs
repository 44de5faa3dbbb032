//! `kill -9` at random points under load; an instance frozen for longer than its session.

use crate::kafka::world::{Output, PATIENCE, World, pause, world};
use std::time::{Duration, Instant};

/// Kills by default; `AUSCULT_KAFKA_KILLS` says otherwise (`make test-kafka-kills`: 100).
const KILLS: u32 = 10;

fn kills() -> u32 {
    std::env::var("AUSCULT_KAFKA_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(KILLS)
}

fn alerts_of(outputs: &[Output]) -> usize {
    outputs
        .iter()
        .filter(|(topic, ..)| topic == "alerts")
        .count()
}

fn assert_same(found: &World, expected: &World) {
    let (found, expected) = (found.outputs(), expected.outputs());
    assert!(
        alerts_of(&expected) > 0,
        "a run without alerts proves nothing"
    );
    for (place, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(found, expected, "output {place} differs");
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn killed_at_random_points_under_load_the_outputs_are_the_same_to_the_byte() {
    let Some(unbroken) = world(
        "an instance killed again and again",
        "unbroken",
        "killed",
        2,
    ) else {
        return;
    };
    unbroken.fill(11);
    unbroken.work_off("listen,detect");

    let broken = world("killed", "broken", "killed", 2).expect("the same broker");
    let kafka = broken.kafka();
    let mut chance = 0x9e37_79b9_u32;
    let mut struck_at_work = 0;
    for _ in 0..kills() {
        let before = broken.progress(&kafka);
        let instance = broken.start("listen,detect");
        // It is killed at work: once it has committed something, after a random while more.
        let deadline = Instant::now() + Duration::from_secs(20);
        while broken.progress(&kafka) == before && Instant::now() < deadline {
            pause(Duration::from_millis(10));
        }
        chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        pause(Duration::from_millis(u64::from(chance >> 16) % 40));
        instance.kill();
        struck_at_work += u32::from(broken.progress(&kafka) > before);
    }
    assert!(
        struck_at_work * 2 >= kills().min(10),
        "only {struck_at_work} of {} kills struck at work",
        kills()
    );
    broken.work_off("listen,detect");
    assert_same(&broken, &unbroken);
}

#[test]
fn an_instance_frozen_for_longer_than_its_session_comes_back_as_nobody_and_doubles_nothing() {
    let Some(unbroken) = world("a frozen instance", "steady", "frozen", 2) else {
        return;
    };
    unbroken.fill(12);
    unbroken.work_off("listen,detect");

    let frozen = world("frozen", "thawed", "frozen", 2).expect("the same broker");
    let kafka = frozen.kafka();
    let mut zombie = frozen.start("listen,detect");
    let deadline = Instant::now() + PATIENCE;
    while frozen.progress(&kafka) == 0 {
        assert!(Instant::now() < deadline, "it begins to work");
        pause(Duration::from_millis(5));
    }
    zombie.signal("STOP");
    // Its session (6 s) ends, and another takes everything and works it off.
    frozen.work_off("listen,detect");
    zombie.signal("CONT");
    // It finds out, rejoins, and is there for what comes next.
    let deadline = Instant::now() + Duration::from_secs(3);
    while Instant::now() < deadline {
        assert!(zombie.runs(), "being fenced is no reason to die");
        pause(Duration::from_millis(50));
    }
    zombie.stop();
    assert_same(&frozen, &unbroken);
}
