//! Records and state changed where they lie.

mod common;

use auscult_engine::log::{Append, Commit, Log, LogError, StateRecord};
use auscult_store::log::{EmbeddedLog, LogReader, Rewritten, TopicSettings};
use common::{assignments, at, into_partition, text};
use std::path::Path;

const SECRET: &str = "heron-heron-heron-heron-heron-heron";

fn open(folder: &Path) -> EmbeddedLog {
    let topics = [TopicSettings::new("t", 2), TopicSettings::new("u", 1)];
    EmbeddedLog::open(&folder.join("log.db"), &topics).unwrap()
}

fn fill(log: &EmbeddedLog) {
    let values = |topic: &str, partition: u32| {
        (0..1_500)
            .map(|number| {
                let words = if number % 3 == 0 { SECRET } else { "pen" };
                into_partition(topic, partition, &format!("{number} {words}"))
            })
            .collect::<Vec<_>>()
    };
    log.appender().append(values("t", 0)).unwrap();
    log.appender().append(values("t", 1)).unwrap();
    log.appender().append(values("u", 0)).unwrap();
}

fn hide(log: &EmbeddedLog, topic: &str) -> Result<Rewritten, LogError> {
    log.rewrite_records(topic, &mut |record| {
        let said = text(record);
        let mut headers = record.headers.clone();
        headers.push(("ce_recordedtime".to_owned(), b"later".to_vec()));
        let hidden = said.replace(SECRET, "[X]").into_bytes();
        Ok(said.contains(SECRET).then_some((headers, hidden)))
    })
}

fn occurrences(path: &Path) -> usize {
    let bytes = std::fs::read(path).unwrap_or_default();
    bytes
        .windows(SECRET.len())
        .filter(|part| *part == SECRET.as_bytes())
        .count()
}

#[test]
fn what_is_replaced_leaves_the_file_and_everything_else_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let log = open(folder.path());
    fill(&log);
    let rewritten = hide(&log, "t").unwrap();
    assert_eq!(
        rewritten,
        Rewritten {
            looked_at: 3_000,
            changed: 1_000
        }
    );
    assert_eq!(
        hide(&log, "t").unwrap().changed,
        0,
        "there is nothing left to change"
    );
    assert_eq!(hide(&log, "u").unwrap().changed, 500);
    log.finish_rewriting().unwrap();
    let reader = LogReader::open(&path).unwrap();
    for partition in [at("t", 0), at("t", 1), at("u", 0)] {
        assert_eq!(reader.end(&partition).unwrap().0, 1_500);
        for offset in 0..1_500 {
            let record = reader.record(&partition, offset).unwrap().unwrap();
            let expected = if offset % 3 == 0 { "[X]" } else { "pen" };
            assert_eq!(text(&record), format!("{offset} {expected}"));
            assert_eq!(record.headers.len(), if offset % 3 == 0 { 2 } else { 1 });
        }
    }
    // The key of each record was its value: it stays, as a key must.
    let keys = 1_500;
    assert_eq!(occurrences(&path), keys);
    assert_eq!(occurrences(&folder.path().join("log.db-wal")), 0);
}

#[test]
fn state_is_rewritten_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let mut consumer = log.consumer("g", &["t"]).unwrap();
    assignments(&mut consumer);
    let record = |number: u8| StateRecord {
        key: vec![number],
        value: Some(vec![number; 40]),
    };
    let state = vec![
        (at("t", 0), (0..200).map(record).collect()),
        (at("t", 1), (0..100).map(record).collect()),
    ];
    consumer
        .commit(Commit {
            state,
            ..Commit::default()
        })
        .unwrap();
    let mut change =
        |key: &[u8], value: &[u8]| Ok((key[0].is_multiple_of(2)).then(|| value[..3].to_vec()));
    let refused = log.rewrite_state(&mut change).unwrap_err();
    assert!(
        refused.to_string().contains("stop the service"),
        "{refused}"
    );
    drop(consumer);
    let rewritten = log.rewrite_state(&mut change).unwrap();
    assert_eq!(
        rewritten,
        Rewritten {
            looked_at: 300,
            changed: 150
        }
    );
    let mut consumer = log.consumer("g", &["t"]).unwrap();
    assignments(&mut consumer);
    let mut lengths = Vec::new();
    consumer
        .restore(&at("t", 1), &mut |record| {
            lengths.push(record.value.unwrap().len())
        })
        .unwrap();
    assert_eq!(lengths, [3, 40].repeat(50));
}
