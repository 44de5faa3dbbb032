//! `kill -9` at random points under load; an instance frozen for longer than its session; the broker that coordinates
//! killed.

use crate::kafka::world::{
    Instance, Output, PATIENCE, World, cluster, pause, settings_text, world, world_of,
};
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

pub fn assert_same(found: &World<'_>, expected: &World<'_>) {
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

/// The name of the instance that is killed: a named one takes its own place in the group at once and ends its own
/// transaction, while after a nameless one the next has to wait until its session is over. Both are killed; in a long run
/// one in ten is nameless, so that it ends within minutes.
fn instance_of(kill: u32) -> &'static str {
    if kills() > KILLS && !kill.is_multiple_of(10) {
        "pod-0"
    } else {
        ""
    }
}

/// Turns with records that the log of an instance tells of.
fn turns_told(log: &std::path::Path) -> usize {
    let told = std::fs::read_to_string(log).unwrap_or_default();
    told.lines()
        .filter(|line| line.contains("turn committed") && !line.contains("records=0 "))
        .count()
}

/// Starts an instance called `name`, and kills it a random while after it has committed something; whether it had.
fn struck_at_work(world: &World<'_>, name: &str, chance: u32) -> bool {
    let plain = std::fs::read_to_string(world.scratch.path("settings.toml")).expect("settings");
    let named = plain.replace("[kafka]\n", &format!("[kafka]\ninstance = '{name}'\n"));
    world.scratch.write("named.toml", named);
    let log = world.scratch.path("killed.log");
    let file = std::fs::File::create(&log).expect("a file");
    // What it commits is read from its log: asking the brokers again and again would be most of the load.
    let mut command = world.scratch.command(&["run", "--settings", "named.toml"]);
    command
        .args(["--roles", "listen,detect"])
        .env("AUSCULT_LOG", "warn,auscult_engine::telemetry=debug")
        .env("NO_COLOR", "1");
    let mut instance = Instance::start(command, file);
    let deadline = Instant::now() + PATIENCE;
    while turns_told(&log) == 0 {
        assert!(instance.runs(), "it runs until it is killed");
        if Instant::now() >= deadline {
            return false;
        }
        pause(Duration::from_millis(5));
    }
    pause(Duration::from_millis(u64::from(chance >> 16) % 60));
    instance.kill();
    true
}

#[test]
#[expect(clippy::print_stdout, reason = "a long run says how far it is")]
fn killed_at_random_points_under_load_the_outputs_are_the_same_to_the_byte() {
    let Some(cluster) = cluster("an instance killed again and again") else {
        return;
    };
    // In a long run turns are smaller, so that there is work left for every kill.
    let is_long = kills() > KILLS;
    let settings = |name: &str| {
        let text = settings_text(&cluster.bootstrap(), name, "killed", 2);
        if is_long {
            text.replace("least_records = 16", "least_records = 4")
                .replace("most_records = 64", "most_records = 8")
        } else {
            text
        }
    };
    let unbroken = world_of(cluster, settings("unbroken"));
    let events = unbroken.fill(11);
    unbroken.work_off("listen,detect");

    let broken = world_of(cluster, settings("broken"));
    let mut chance = 0x9e37_79b9_u32;
    let mut at_work = 0;
    let began = Instant::now();
    for kill in 0..kills() {
        chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        at_work += u32::from(struck_at_work(&broken, instance_of(kill), chance));
        if is_long {
            println!(
                "killed {} of {}, {at_work} at work, {} s",
                kill + 1,
                kills(),
                began.elapsed().as_secs()
            );
        }
    }
    // Offsets count transactions' markers too: there is no less left than this.
    let left = (events as u64).saturating_sub(broken.listened(&broken.kafka()));
    println!("of {events} events {left} were left at the last kill");
    assert!(left > 0, "the last kill came when everything was done");
    assert_eq!(at_work, kills(), "kills that struck at work");
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
    running.stop();
    moved.work_off("listen,detect");
    assert_same(&moved, &unbroken);
}
