//! What an operator does wrong, and what the broker refuses: told with the thing and the remedy, and nothing lost.

use crate::kafka::world::{
    Instance, PATIENCE, World, cluster, pause, settings_text, world, world_of,
};
use crate::scratch::{Scratch, text};
use auscult_engine::log::{Append, LogError, Outgoing};
use auscult_test_broker::{Cluster, ClusterSettings, kit_or_skip};
use auscult_wire::decode_dead_letter;
use std::time::{Duration, Instant};

fn run(scratch: &Scratch) -> (bool, String) {
    let output = scratch.run(&[
        "run",
        "--settings",
        "settings.toml",
        "--roles",
        "listen,detect",
        "--stdin",
        "--drain",
    ]);
    (output.status.success(), text(&output.stderr))
}

#[test]
fn topics_that_are_not_there_are_named_with_the_command_that_makes_them() {
    let Some(cluster) = cluster("unknown topics") else {
        return;
    };
    let scratch = Scratch::new();
    scratch.write("key", "k".repeat(64));
    scratch.write(
        "settings.toml",
        settings_text(&cluster.bootstrap(), "unknown", "unknown", 1),
    );
    let (succeeded, told) = run(&scratch);
    assert!(!succeeded);
    assert!(
        told.contains("unknown.mentions") && told.contains("auscult topics apply"),
        "{told}"
    );
}

#[test]
fn a_user_without_rights_is_told_so_and_its_password_is_not() {
    let Some(world) = world("a user without rights", "forbidden", "forbidden", 1) else {
        return;
    };
    let right = std::fs::read_to_string(world.scratch.path("settings.toml")).expect("settings");
    world.scratch.write("password", "stranger-secret");
    world.scratch.write(
        "settings.toml",
        right.replace(
            &world.cluster.bootstrap(),
            &world.cluster.listener("SASL"),
        ) + "[kafka.security]\nprotocol = 'sasl_plaintext'\nmechanism = 'SCRAM-SHA-256'\nusername = 'stranger'\npassword_file = 'password'\n",
    );
    let (succeeded, told) = run(&world.scratch);
    assert!(!succeeded);
    assert!(told.contains("forbidden.mentions"), "{told}");
    let verified = world
        .scratch
        .run(&["topics", "verify", "--settings", "settings.toml"]);
    assert_eq!(verified.status.code(), Some(8), "it sees no topic");
    for said in [told, text(&verified.stderr), text(&verified.stdout)] {
        assert!(!said.contains("stranger-secret"), "{said}");
    }
}

#[test]
fn a_record_too_large_for_its_topic_is_refused_and_the_next_one_taken() {
    let Some(world) = world("records too large", "large", "large", 1) else {
        return;
    };
    let topic = world.settings.engine.topics.feedback_hcp.clone();
    let record = |bytes: usize| Outgoing {
        topic: topic.as_str().into(),
        partition: None,
        key: Some(b"k".to_vec()),
        headers: Vec::new(),
        // Nothing that compresses: the topic counts what it is sent.
        value: Some(noise(0, bytes)),
    };
    let appender = world.kafka().appender().expect("an appender");
    for records in [vec![record(3 << 20)], vec![record(10), record(3 << 20)]] {
        match appender.append(records) {
            Err(LogError::Fatal(told)) => {
                assert!(
                    told.contains(&topic) && told.contains("max.message.bytes"),
                    "{told}"
                );
            }
            other => panic!("3 MiB are too much for 2 MiB: {other:?}"),
        }
    }
    let placed = appender.append(vec![record(1 << 20)]).expect("1 MiB fits");
    assert_eq!(placed.len(), 1);
    assert_eq!(
        world.read(&[&topic]).len(),
        1,
        "of a refused batch nothing is read, and nothing behind it is held up"
    );
}

/// Bytes that no compression makes fewer, others for each seed.
pub fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64.wrapping_mul(2 * seed + 1);
    (0..bytes)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as u8
        })
        .collect()
}

/// Largest file the broker may write: what is put in fits by topic, and its dead letters in one topic do not.
const FILE_BYTES: u64 = 14 << 20;
/// Inputs of each of two topics, and their size.
const INPUTS: u64 = 128;
const INPUT_BYTES: usize = 64 << 10;

#[test]
fn a_full_disk_is_waited_for_and_with_room_again_the_same_instance_goes_on() {
    let Some(kit) = kit_or_skip("a full disk under the binary") else {
        return;
    };
    let little = ClusterSettings::one().file_bytes_max(FILE_BYTES);
    let cluster = Cluster::start(kit, &little).expect("a broker with little room");
    let text = settings_text(&cluster.bootstrap(), "full", "full", 1);
    let world = world_of(&cluster, text);
    let topics = &world.settings.engine.topics;
    // What cannot be read is kept whole as a dead letter.
    let mut expected = Vec::new();
    for (at, topic) in [&topics.feedback_hcp, &topics.feedback_patient]
        .into_iter()
        .enumerate()
    {
        let inputs: Vec<Vec<u8>> = (0..INPUTS)
            .map(|number| noise(at as u64 * INPUTS + number, INPUT_BYTES))
            .collect();
        for some in inputs.chunks(16) {
            let records = some.iter().map(|input| Outgoing {
                topic: topic.as_str().into(),
                partition: None,
                key: Some(b"k".to_vec()),
                headers: Vec::new(),
                value: Some(input.clone()),
            });
            world.append(records.collect());
        }
        expected.extend(inputs);
    }
    let log = std::fs::File::create(world.scratch.path("log")).expect("a file");
    let mut instance = world.start_telling("listen", log);
    let told = || std::fs::read_to_string(world.scratch.path("log")).unwrap_or_default();
    let wait_for = |instance: &mut Instance, what: &str, happened: &dyn Fn() -> bool| {
        let deadline = Instant::now() + PATIENCE;
        while !happened() {
            assert!(instance.runs(), "{what}: it ended: {}", told());
            assert!(Instant::now() < deadline, "{what}: {}", told());
            pause(Duration::from_millis(50));
        }
    };
    wait_for(&mut instance, "the disk is full", &|| !cluster.runs(0));
    assert!(
        cluster.log(0).contains("File too large"),
        "the broker ended for want of room"
    );
    wait_for(&mut instance, "it says that it tries again", &|| {
        told().contains("turn will be tried again")
    });
    cluster.make_room();
    cluster.restart(0).expect("it comes back");
    let kafka = world.kafka();
    wait_for(&mut instance, "it goes on", &|| {
        // Transactions' markers count as offsets, too.
        world.listened(&kafka) >= 2 * INPUTS
    });
    instance.stop();
    world.work_off("listen");
    letters_hold(&world, expected);
}

/// The dead letters of `world` hold these inputs, each once.
pub fn letters_hold(world: &World<'_>, mut expected: Vec<Vec<u8>>) {
    let mut kept: Vec<Vec<u8>> = world
        .read(&[&world.settings.engine.topics.dead_letters])
        .iter()
        .map(|record| {
            let value = record.value.as_deref().unwrap_or_default();
            let letter = decode_dead_letter(&record.headers, value).expect("our own letter");
            letter.data.value.expect("it had bytes").0
        })
        .collect();
    kept.sort();
    expected.sort();
    assert_eq!(kept.len(), expected.len(), "nothing lost, nothing doubled");
    // Not by assert_eq: nobody wants to read megabytes of noise.
    assert!(kept == expected, "the letters hold the originals");
}
