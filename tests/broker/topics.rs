//! `auscult topics`: made once, held against the settings, never changed.

use crate::kafka::world::{cluster, settings_text};
use crate::scratch::{Scratch, text};
use auscult_test_broker::Cluster;
use serde_json::Value;
use std::process::Output;

/// Three sources and fourteen others.
const TOPICS: usize = 19;

/// A folder with settings for topics named after `name`.
fn scratch(cluster: &Cluster, name: &str, mentions: u32) -> Scratch {
    let scratch = Scratch::new();
    scratch.write("key", "k".repeat(64));
    let text = settings_text(&cluster.bootstrap(), name, name, mentions);
    scratch.write("settings.toml", text);
    scratch
}

fn topics(scratch: &Scratch, verb: &str) -> Output {
    scratch.run(&["topics", verb, "--settings", "settings.toml", "--json"])
}

/// States of all topics, by topic.
fn states(output: &Output) -> Vec<(String, String)> {
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("no JSON; it said: {}", text(&output.stderr)));
    let word = |topic: &Value, name: &str| topic[name].as_str().unwrap_or_default().to_owned();
    report["topics"]
        .as_array()
        .expect("topics")
        .iter()
        .map(|topic| (word(topic, "name"), word(topic, "state")))
        .collect()
}

fn all_are(output: &Output, state: &str) -> bool {
    let states = states(output);
    states.len() == TOPICS && states.iter().all(|(_, found)| found == state)
}

#[test]
fn topics_are_planned_made_once_and_verified() {
    let Some(cluster) = cluster("topics") else {
        return;
    };
    let scratch = scratch(cluster, "made", 3);
    let planned = topics(&scratch, "plan");
    assert!(all_are(&planned, "to be made"), "{planned:?}");
    assert_eq!(planned.status.code(), Some(0));
    let verified = topics(&scratch, "verify");
    assert_eq!(
        verified.status.code(),
        Some(8),
        "nothing was made by a plan"
    );
    assert!(text(&verified.stderr).contains("19 of 19 topics are missing"));

    let applied = topics(&scratch, "apply");
    assert!(all_are(&applied, "made"), "{applied:?}");
    for verb in ["verify", "plan", "apply"] {
        let after = topics(&scratch, verb);
        assert!(all_are(&after, "right"), "{verb}: {after:?}");
        assert_eq!(after.status.code(), Some(0));
    }
    let table = scratch.run(&["topics", "verify", "--settings", "settings.toml"]);
    let table = text(&table.stdout);
    let state = table
        .lines()
        .find(|line| line.starts_with("made.state "))
        .expect("a row");
    let cells: Vec<&str> = state.split_whitespace().collect();
    assert_eq!(cells[1..4], ["3", "1", "compact"], "as wide as mentions");
}

#[test]
fn a_different_topic_is_told_to_the_letter_and_left_alone() {
    let Some(cluster) = cluster("different topics") else {
        return;
    };
    let scratch = scratch(cluster, "differ", 1);
    assert_eq!(topics(&scratch, "apply").status.code(), Some(0));
    let right = std::fs::read_to_string(scratch.path("settings.toml")).expect("settings");
    let changed = right
        .replace(
            "least_in_sync = 1\n",
            "least_in_sync = 1\nretention_days = { alerts = 7 }\n",
        )
        .replace("mentions = 1\n", "mentions = 2\n");
    scratch.write("settings.toml", changed);
    for verb in ["plan", "verify", "apply"] {
        let output = topics(&scratch, verb);
        assert_eq!(output.status.code(), Some(8), "{verb}");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let differences: Vec<String> = report["topics"]
            .as_array()
            .expect("topics")
            .iter()
            .flat_map(|topic| {
                let of = topic["differences"].as_array().cloned().unwrap_or_default();
                of.into_iter().map(|one| {
                    format!(
                        "{} {} {}→{}",
                        topic["name"], one["what"], one["found"], one["wanted"]
                    )
                    .replace('"', "")
                })
            })
            .collect();
        assert_eq!(
            differences,
            [
                "differ.mentions partitions 1→2",
                "differ.alerts retention.ms 34560000000→604800000",
                "differ.alerts_medical retention.ms 34560000000→604800000",
                "differ.dispositions partitions 1→2",
                "differ.actions partitions 1→2",
                "differ.state partitions 1→2",
            ],
            "{verb}"
        );
    }
    scratch.write("settings.toml", right);
    assert!(
        all_are(&topics(&scratch, "verify"), "right"),
        "nothing was changed"
    );
}

#[test]
fn too_few_brokers_are_told_before_anything_is_made() {
    let Some(cluster) = cluster("too few brokers") else {
        return;
    };
    let scratch = scratch(cluster, "few", 1);
    let text_of = settings_text(&cluster.bootstrap(), "few", "few", 1);
    scratch.write(
        "settings.toml",
        text_of.replace(
            "replication = 1\nleast_in_sync = 1",
            "replication = 3\nleast_in_sync = 2",
        ),
    );
    let output = topics(&scratch, "apply");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let told = text(&output.stderr);
    assert!(
        told.contains("asks for 3 copies and there is 1 broker")
            && told.contains("set kafka.topics.replication"),
        "{told}"
    );
    let verified = topics(&scratch, "verify");
    assert!(text(&verified.stderr).contains("19 of 19 topics are missing"));
}

#[test]
fn topics_without_kafka_say_what_to_write() {
    let scratch = Scratch::new();
    let output = scratch.run(&["topics", "plan"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("[kafka]"), "{output:?}");
}
