//! What the store's tests share.
#![allow(dead_code, reason = "each test binary uses its own part")]

use auscult_engine::log::{Log, LogEvent, Outgoing, Position, Record, TopicPartition};
use std::path::Path;
use std::time::Duration;

pub const NO_WAIT: Duration = Duration::ZERO;

pub fn at(topic: &str, partition: u32) -> TopicPartition {
    TopicPartition {
        topic: topic.into(),
        partition,
    }
}

pub fn outgoing(topic: &str, key: &str, value: &str) -> Outgoing {
    Outgoing {
        topic: topic.into(),
        partition: None,
        key: Some(key.as_bytes().to_vec()),
        headers: vec![("ce_type".to_owned(), b"io.auscult.test.v1".to_vec())],
        value: Some(value.as_bytes().to_vec()),
    }
}

pub fn into_partition(topic: &str, partition: u32, value: &str) -> Outgoing {
    Outgoing {
        partition: Some(partition),
        ..outgoing(topic, value, value)
    }
}

pub fn tombstone(topic: &str, key: &str) -> Outgoing {
    Outgoing {
        value: None,
        ..outgoing(topic, key, "")
    }
}

/// Takes the assignments of a fresh consumer.
pub fn assignments(log: &mut impl Log) -> Vec<(TopicPartition, Position, String)> {
    let events = log.poll(usize::MAX, NO_WAIT).unwrap();
    let assigned = events.into_iter().map(|event| match event {
        LogEvent::Assigned {
            partition,
            position,
            metadata,
        } => (partition, position, metadata),
        other => panic!("expected assignments, got {other:?}"),
    });
    assigned.collect()
}

/// Everything there is to read now.
pub fn records(log: &mut impl Log, limit: usize) -> Vec<Record> {
    let mut all = Vec::new();
    loop {
        let events = log.poll(limit, NO_WAIT).unwrap();
        if events.is_empty() {
            return all;
        }
        all.extend(events.into_iter().filter_map(|event| match event {
            LogEvent::Record(record) => Some(record),
            _ => None,
        }));
    }
}

pub fn text(record: &Record) -> String {
    String::from_utf8(record.value.clone().unwrap_or_default()).unwrap()
}

/// What a `kill -9` at this moment would leave on the volume: the file and its write-ahead log, as they are.
pub fn copy_as_after_a_crash(from: &Path, to: &Path) {
    for suffix in ["", "-wal"] {
        let name = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            name
        };
        let _ = std::fs::remove_file(name(to));
        if Path::new(&name(from)).exists() {
            std::fs::copy(name(from), name(to)).unwrap();
        }
    }
    let mut shm = to.as_os_str().to_owned();
    shm.push("-shm");
    let _ = std::fs::remove_file(shm);
}
