//! What an operator does wrong, and what the broker refuses: told with the thing and the remedy, and nothing lost.

use crate::kafka::world::{cluster, settings_text, world};
use crate::scratch::{Scratch, text};
use auscult_engine::log::{Append, LogError, Outgoing};

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
        value: Some(noise(bytes)),
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

fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    (0..bytes)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as u8
        })
        .collect()
}
