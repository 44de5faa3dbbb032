//! The built binary killed with no warning, again and again: nothing is lost, nothing doubled (I07).

use crate::scratch::{Scratch, text};
use auscult_engine::log::{Append, Outgoing, Record};
use auscult_store::log::{EmbeddedLog, LogReader, TopicSettings};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// Turns are kept small, so that there are many moments to be killed in.
const SETTINGS: &str = "[engine]\nroles = ['listen', 'detect']\n[engine.turn]\nleast_records = 16\nmost_records = 32\n[engine.listen]\npseudonym_key_file = 'key'\n[engine.listen.dead_letter_cap]\nshare = 1.0\n";
const KILLS: u32 = 20;

pub fn settings_of(scratch: &Scratch) -> auscult::settings::Settings {
    scratch.write("key", "k".repeat(64));
    let overrides = auscult::settings::Overrides {
        pseudonym_key: Some(auscult_engine::settings::Secret::new("k".repeat(64))),
        ..auscult::settings::Overrides::default()
    };
    let text = SETTINGS.replace("pseudonym_key_file = 'key'\n", "");
    auscult::settings::read(Path::new("test"), &text, &overrides).expect("sound settings")
}

/// A log that holds the whole feed and nothing worked off yet.
pub fn fill(scratch: &Scratch, settings: &auscult::settings::Settings) {
    fill_with(scratch, settings, 0.0, 1.0);
}

/// Appends the part of the feed between two shares of it to the log.
pub fn fill_with(scratch: &Scratch, settings: &auscult::settings::Settings, from: f64, to: f64) {
    let topics: Vec<TopicSettings> = auscult::topics::all(&settings.engine)
        .iter()
        .map(|(name, partitions)| TopicSettings::new(name, *partitions))
        .collect();
    let log = EmbeddedLog::open(&scratch.path("auscult.log.sqlite"), &topics).expect("a log");
    let records: Vec<Outgoing> = auscult_sim::Generator::new(auscult_sim::Scenario::small(), 11)
        .map(|event| Outgoing {
            topic: event.topic.into(),
            partition: None,
            key: Some(event.key),
            headers: event.headers,
            value: Some(event.value),
        })
        .collect();
    let place = |share: f64| (records.len() as f64 * share) as usize;
    for chunk in records[place(from)..place(to)].chunks(2_000) {
        log.appender().append(chunk.to_vec()).expect("appended");
    }
}

/// Where an output stands, its key and its value.
type Output = (String, Option<Vec<u8>>, Option<Vec<u8>>);

pub fn outputs(scratch: &Scratch, settings: &auscult::settings::Settings) -> Vec<Record> {
    let reader = LogReader::open(&scratch.path("auscult.log.sqlite")).expect("the log opens");
    let topics = &settings.engine.topics;
    let mut all = Vec::new();
    for topic in [
        &topics.mentions,
        &topics.alerts,
        &topics.alerts_medical,
        &topics.series,
        &topics.safety_candidates,
        &topics.medical_requests,
    ] {
        for partition in reader.partitions(topic).expect("the topic is there") {
            let end = reader.end(&partition).expect("an end");
            for offset in 0..end.0 {
                all.extend(reader.record(&partition, offset).expect("readable"));
            }
        }
    }
    all
}

/// Whether Listen or Detect has something left to read.
fn has_work_left(scratch: &Scratch, settings: &auscult::settings::Settings) -> bool {
    let reader = LogReader::open(&scratch.path("auscult.log.sqlite")).expect("the log opens");
    let stages = [
        (
            auscult::pipeline::LISTEN_GROUP,
            auscult::topics::sources(&settings.engine),
        ),
        (
            auscult::pipeline::DETECT_GROUP,
            settings.engine.topics.detected(),
        ),
    ];
    stages.iter().any(|(group, topics)| {
        topics.iter().any(|topic| {
            reader
                .partitions(topic)
                .expect("the topic is there")
                .iter()
                .any(|partition| {
                    let committed = reader
                        .committed(group, partition)
                        .expect("readable")
                        .unwrap_or_default();
                    reader.end(partition).expect("an end") > committed
                })
        })
    })
}

pub fn work_off(scratch: &Scratch) {
    let output = scratch.run(&["run", "--settings", "settings.toml", "--stdin", "--drain"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// Markers depend on where turns ended, and the order of mentions on how source partitions interleaved;
/// everything a person or a service acts on does not.
fn without_markers(records: Vec<Record>, mentions: &str, candidates: &str) -> Vec<Output> {
    let mut kept: Vec<_> = records
        .into_iter()
        .filter(|record| {
            record.at.topic.as_ref() != mentions
                || matches!(
                    auscult_wire::decode_mention_record(
                        &record.headers,
                        record.value.as_deref().unwrap_or_default()
                    ),
                    Ok(auscult_wire::MentionRecord::Mention(_))
                )
        })
        .map(|record| {
            // Day 0 of a candidate out of an unreadable event is when it was read: the clock, not the event, says so.
            let value = (record.at.topic.as_ref() != candidates)
                .then_some(record.value)
                .flatten();
            (record.at.to_string(), record.key, value)
        })
        .collect();
    // Alerts and series stay in the order they were written; the rest is compared as a set.
    kept.sort_by(|left, right| {
        let ordered =
            |place: &str| place.starts_with("voc.alerts") || place.starts_with("voc.series");
        left.0.cmp(&right.0).then_with(|| {
            if ordered(&left.0) {
                std::cmp::Ordering::Equal
            } else {
                (&left.1, &left.2).cmp(&(&right.1, &right.2))
            }
        })
    });
    kept
}

#[test]
fn killed_at_twenty_random_points_the_outputs_are_the_same_to_the_byte() {
    let unbroken = Scratch::new();
    let settings = settings_of(&unbroken);
    unbroken.write("settings.toml", SETTINGS);
    fill(&unbroken, &settings);
    work_off(&unbroken);
    let expected = without_markers(
        outputs(&unbroken, &settings),
        &settings.engine.topics.mentions,
        &settings.engine.topics.safety_candidates,
    );
    let alerts = expected
        .iter()
        .filter(|(place, ..)| place.starts_with("voc.alerts.v1"))
        .count();
    assert!(alerts > 0, "a run without alerts would prove nothing");

    let broken = Scratch::new();
    settings_of(&broken);
    broken.write("settings.toml", SETTINGS);
    fill(&broken, &settings);
    // A fixed sequence of pauses: what the machine makes of them is chance enough.
    let mut pause = 0x9e37_79b9_u32;
    let mut struck_at_work = 0;
    for _ in 0..KILLS {
        let mut child = broken
            .command(&["run", "--settings", "settings.toml", "--stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        pause = pause.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let deadline = Duration::from_millis(u64::from(20 + (pause >> 16) % 130));
        // Waiting for the child to end, which it does not: the time-out is the random point.
        let (done, ended) = std::sync::mpsc::channel::<()>();
        let _ = ended.recv_timeout(deadline);
        drop(done);
        child.kill().expect("killed");
        child.wait().expect("reaped");
        struck_at_work += u32::from(has_work_left(&broken, &settings));
    }
    assert!(
        struck_at_work >= 3,
        "only {struck_at_work} of {KILLS} kills struck a process with work left"
    );
    work_off(&broken);
    let found = without_markers(
        outputs(&broken, &settings),
        &settings.engine.topics.mentions,
        &settings.engine.topics.safety_candidates,
    );
    assert_eq!(found.len(), expected.len());
    for (place, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(found, expected, "output {place} differs");
    }
}
