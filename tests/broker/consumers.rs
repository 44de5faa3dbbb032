//! Consumers made from the contract alone (`examples/`), each acting once on each revision.

use crate::kafka::world::{World, world};
use crate::scratch::{project, text};
use auscult_engine::log::{Headers, Outgoing};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The contract's example of an alert, as another revision of another signal.
fn alert(topic: &str, signal: &str, revision: u64) -> Outgoing {
    let path = project().join("schemas/examples/alert.updated.shared.binary.json");
    let example = std::fs::read(&path).expect("the contract's example");
    let mut example: Value = serde_json::from_slice(&example).expect("JSON");
    example["value"]["signal_id"] = signal.into();
    example["value"]["revision"] = revision.into();
    example["headers"]["ce_subject"] = format!("signal/{signal}").into();
    example["headers"]["ce_sequence"] = format!("{revision:010}").into();
    let headers: Headers = example["headers"]
        .as_object()
        .expect("headers")
        .iter()
        .map(|(name, value)| {
            let value = value.as_str().expect("a text").as_bytes().to_vec();
            (name.clone(), value)
        })
        .collect();
    Outgoing {
        topic: topic.into(),
        partition: None,
        key: Some(format!("acme|{signal}").into_bytes()),
        headers,
        value: Some(example["value"].to_string().into_bytes()),
    }
}

/// Alerts, some twice, and an event of a type nobody knows yet.
fn fill(world: &World<'_>) {
    let topic = world.settings.engine.topics.alerts.as_str();
    let mut unknown = alert(topic, "al_9", 9);
    for (name, value) in &mut unknown.headers {
        if name == "ce_type" {
            *value = b"io.auscult.alert.painted.v1".to_vec();
        }
    }
    world.append(vec![
        alert(topic, "al_1", 1),
        alert(topic, "al_2", 1),
        alert(topic, "al_1", 2),
        alert(topic, "al_1", 1),
        unknown,
        alert(topic, "al_1", 2),
    ]);
}

type Revision = (String, u64);

fn expected() -> Vec<Revision> {
    [("al_1", 1), ("al_1", 2), ("al_2", 1)]
        .map(|(signal, revision)| (signal.to_owned(), revision))
        .to_vec()
}

/// Runs a consumer to the end of the topic; its standard output.
fn consumed(mut command: Command) -> String {
    let output = command
        .stdin(Stdio::null())
        .output()
        .expect("the consumer starts");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// Revisions in lines of JSON, in order; none may be there twice.
fn acted(lines: &str) -> Vec<Revision> {
    let mut revisions: Vec<Revision> = lines
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).expect("a line of JSON");
            let signal = line["signal_id"].as_str().expect("a signal").to_owned();
            (signal, line["revision"].as_u64().expect("a revision"))
        })
        .collect();
    revisions.sort();
    assert_eq!(
        revisions.iter().collect::<BTreeSet<_>>().len(),
        revisions.len(),
        "acted twice: {lines}"
    );
    revisions
}

/// Runs a consumer, then again as if it had died before it committed a position: another group from the beginning, the
/// same memory.
fn acts_once(consumer: impl Fn(&str) -> Command) {
    assert_eq!(acted(&consumed(consumer("first"))), expected());
    assert_eq!(acted(&consumed(consumer("second"))), []);
}

#[test]
fn the_rust_consumer_acts_once_on_each_revision() {
    let Some(world) = world("the consumer in Rust", "rust", "rust", 1) else {
        return;
    };
    fill(&world);
    let program = example();
    acts_once(|group| {
        let mut command = Command::new(&program);
        command
            .arg(world.cluster.bootstrap())
            .arg(&world.settings.engine.topics.alerts)
            .arg(format!("rust-consumer-{group}"))
            .arg(world.scratch.path("acted.jsonl"))
            .arg("--until-end");
        command
    });
}

/// The example's binary: beside the tests if they were built with it, built now if not.
fn example() -> PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_auscult"))
        .with_file_name("examples")
        .join("alert_consumer");
    if !built.exists() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            // With the root package beside it, so that features, and what is built already, are the same.
            .args(["build", "--quiet", "--package", "auscult"])
            .args(["--package", "auscult-kafka"])
            .args(["--example", "alert_consumer"])
            .current_dir(project())
            .status()
            .expect("cargo");
        assert!(status.success(), "the example builds");
    }
    built
}

#[test]
fn the_python_consumer_acts_once_on_each_revision() {
    let Some(world) = world("the consumer in Python", "python", "python", 1) else {
        return;
    };
    let Some(python) = python() else {
        return;
    };
    fill(&world);
    acts_once(|group| {
        let mut command = Command::new(&python);
        command
            .arg(project().join("examples/consumer-python/alerts.py"))
            .args(["--brokers", &world.cluster.bootstrap()])
            .args(["--topic", &world.settings.engine.topics.alerts])
            .args(["--group", &format!("python-consumer-{group}")])
            .arg("--database")
            .arg(world.scratch.path("acted.sqlite"))
            .arg("--until-end");
        command
    });
}

/// A Python with what the example needs, in a folder of its own under `target`; a line that says why not.
fn python() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_BIN_EXE_auscult"))
        .ancestors()
        .nth(2)
        .expect("target")
        .join("kafka");
    std::fs::create_dir_all(&folder).expect("a folder");
    let lock = File::create(folder.join("python.lock")).expect("a lock file");
    lock.lock().expect("a lock");
    let wanted = std::fs::read_to_string(requirements()).expect("requirements");
    let (complete, environment) = (folder.join("python.complete"), folder.join("python"));
    if std::fs::read_to_string(&complete).is_ok_and(|have| have == wanted) {
        return Some(environment.join("bin/python"));
    }
    let made = quietly(
        Command::new("python3")
            .args(["-m", "venv"])
            .arg(&environment),
    )
    .and_then(|()| {
        quietly(
            Command::new(environment.join("bin/pip"))
                .args(["install", "--quiet", "--disable-pip-version-check", "-r"])
                .arg(requirements()),
        )
    });
    match made {
        Ok(()) => {
            std::fs::write(&complete, wanted).expect("written");
            Some(environment.join("bin/python"))
        }
        Err(reason) => skipped("the consumer in Python", &reason),
    }
}

fn requirements() -> PathBuf {
    project().join("examples/consumer-python/requirements.txt")
}

fn quietly(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let told = text(&output.stderr);
    Err(told.lines().last().unwrap_or("it failed").to_owned())
}

#[expect(clippy::print_stdout, reason = "says why a test did nothing")]
fn skipped<T>(what: &str, reason: &str) -> Option<T> {
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "CI=true and no {what}: {reason}"
    );
    println!("SKIPPED: {what}: {reason}");
    None
}

#[test]
fn kcat_and_awk_show_each_revision_once() {
    let Some(world) = world("kcat", "kcat", "kcat", 1) else {
        return;
    };
    if let Err(reason) = quietly(Command::new("kcat").arg("-V")) {
        return skipped("kcat", &reason).unwrap_or_default();
    }
    fill(&world);
    let mut command = Command::new("sh");
    command
        .arg(project().join("examples/consumer-kcat/alerts.sh"))
        .arg(world.cluster.bootstrap())
        .arg(&world.settings.engine.topics.alerts)
        .arg("-e");
    let shown = consumed(command);
    let mut revisions: Vec<Revision> = shown
        .lines()
        .map(|line| {
            let mut cells = line.split('\t');
            let (subject, revision, body) = (cells.next(), cells.next(), cells.next());
            let body: Value = serde_json::from_str(body.expect("a body")).expect("JSON");
            let signal = subject.and_then(|subject| subject.strip_prefix("signal/"));
            assert_eq!(body["signal_id"].as_str(), signal);
            let revision = revision
                .and_then(|text| text.parse().ok())
                .expect("a number");
            (signal.expect("a signal").to_owned(), revision)
        })
        .collect();
    revisions.sort();
    assert_eq!(revisions, expected());
}
