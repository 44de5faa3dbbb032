//! `kill -9` at random points under load; an instance frozen for longer than its session; the broker that coordinates
//! killed.

use crate::kafka::world::{Output, PATIENCE, World, pause, settings_text, world, world_of};
use auscult_test_broker::{Cluster, ClusterSettings, kit_or_skip};
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

fn assert_same(found: &World<'_>, expected: &World<'_>) {
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

/// The partition of a coordinator's topic that is responsible for `name`: Java's hash of a string, over the four
/// partitions the test brokers give these topics.
fn coordinating_partition(name: &str) -> usize {
    let hash = name.bytes().fold(0_u32, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    (hash & 0x7fff_ffff) as usize % 4
}

/// The broker that coordinates the group `group`, and a name of an instance whose transactions it coordinates too.
fn coordinator(cluster: &Cluster, group: &str) -> (usize, String) {
    let groups = cluster.leaders("__consumer_offsets").expect("leaders");
    let transactions = cluster.leaders("__transaction_state").expect("leaders");
    let broker = groups[coordinating_partition(group)];
    let instance = (0..100)
        .map(|number| format!("pod-{number}"))
        .find(|instance| {
            transactions[coordinating_partition(&format!("{group}-{instance}"))] == broker
        })
        .expect("one name of a hundred falls to that broker");
    (broker, instance)
}

#[test]
fn the_broker_that_coordinates_group_and_transactions_dies_under_load_and_the_outputs_are_the_same()
{
    let Some(kit) = kit_or_skip("a coordinator that dies") else {
        return;
    };
    // A dead broker is found out after two seconds instead of six.
    let three = ClusterSettings::three().property("broker.session.timeout.ms", "2000");
    let cluster = Cluster::start(kit, &three).expect("three brokers start");
    let settings = |name: &str| {
        settings_text(&cluster.bootstrap(), name, "moved", 2).replace(
            "replication = 1\nleast_in_sync = 1",
            "replication = 3\nleast_in_sync = 2",
        )
    };
    let unbroken = world_of(&cluster, settings("still"));
    unbroken.fill(14);
    unbroken.work_off("listen,detect");

    let (coordinator, instance) = coordinator(&cluster, "moved-detect");
    let named = format!("group_prefix = 'moved'\ninstance = '{instance}'");
    let moved = world_of(
        &cluster,
        settings("moved").replace("group_prefix = 'moved'", &named),
    );
    let kafka = moved.kafka();
    let mut running = moved.start("listen,detect");
    let detected = || -> u64 {
        kafka
            .committed("detect", &[&moved.settings.engine.topics.mentions])
            .unwrap_or_default()
            .iter()
            .map(|(_, position)| position.0)
            .sum()
    };
    let deadline = Instant::now() + PATIENCE;
    while detected() == 0 {
        assert!(Instant::now() < deadline, "it begins to work");
        pause(Duration::from_millis(5));
    }
    cluster.kill(coordinator).expect("it ran");
    let at_the_kill = moved.progress(&kafka);
    // Two brokers are left, and one of them coordinates now.
    let deadline = Instant::now() + PATIENCE;
    while moved.progress(&kafka) <= at_the_kill {
        assert!(running.runs(), "a broker that dies is no reason to die");
        assert!(Instant::now() < deadline, "it goes on with two brokers");
        pause(Duration::from_millis(20));
    }
    // Not asked to stop: with a broker away an orderly end can take longer than a test should wait.
    running.kill();
    moved.work_off("listen,detect");
    assert_same(&moved, &unbroken);
}
