//! Retention and compaction: what goes, what stays, and who is waited for.

mod common;

use auscult_core::time::{DAY, HOUR, Timestamp};
use auscult_engine::clock::ManualClock;
use auscult_engine::log::{Append, Commit, Log, Position, Record, StateRecord};
use auscult_store::log::{Cleanup, EmbeddedLog, RECORDS_A_CALL, TopicSettings};
use common::{assignments, at, into_partition, outgoing, records, text, tombstone};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn open(folder: &Path, cleanup: Cleanup) -> (EmbeddedLog, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp(100 * DAY)));
    let topics = [TopicSettings::new("t", 1).with_cleanup(cleanup)];
    let log = EmbeddedLog::open_with_clock(&folder.join("log.db"), &topics, clock.clone()).unwrap();
    (log, clock)
}

fn kept(log: &EmbeddedLog) -> Vec<Record> {
    let mut consumer = log.consumer("checker", &["t"]).unwrap();
    assignments(&mut consumer);
    records(&mut consumer, 7)
}

fn offsets(log: &EmbeddedLog) -> Vec<u64> {
    kept(log).iter().map(|record| record.offset).collect()
}

fn append(log: &EmbeddedLog, values: &[&str]) {
    log.appender()
        .append(
            values
                .iter()
                .map(|value| into_partition("t", 0, value))
                .collect(),
        )
        .unwrap();
}

#[test]
fn records_go_by_age_in_bounded_steps_and_offsets_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let (log, clock) = open(folder.path(), Cleanup::days(2));
    append(&log, &["a", "b", "c"]);
    clock.advance_to(Timestamp(101 * DAY));
    append(&log, &["d"]);
    clock.advance_to(Timestamp(102 * DAY + HOUR));
    let first = log.maintain(2).unwrap();
    assert_eq!((first.expired, first.unfinished), (2, true));
    let second = log.maintain(2).unwrap();
    assert_eq!((second.expired, second.unfinished), (1, false));
    clock.advance_to(Timestamp(110 * DAY));
    assert_eq!(log.maintain(RECORDS_A_CALL).unwrap().expired, 1);
    assert_eq!(offsets(&log), [] as [u64; 0]);
    append(&log, &["e"]);
    assert_eq!(offsets(&log), [4]);
}

#[test]
fn records_go_by_size_oldest_first() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _clock) = open(
        folder.path(),
        Cleanup::Delete {
            age: None,
            bytes: Some(3_000),
        },
    );
    let value = "x".repeat(900);
    append(&log, &[value.as_str(); 5]);
    assert_eq!(
        log.maintain(RECORDS_A_CALL).unwrap().expired,
        4,
        "five framed records of some 1,850 bytes, one fits"
    );
    assert_eq!(log.maintain(RECORDS_A_CALL).unwrap().expired, 0);
    assert_eq!(offsets(&log), [4]);
}

#[test]
fn a_reader_that_never_came_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let (log, clock) = open(folder.path(), Cleanup::days(1));
    append(&log, &["a", "b"]);
    clock.advance_to(Timestamp(200 * DAY));
    let readers = [("detect", vec!["t"]), ("serve", vec!["other"])];
    let report = log.maintain_for(RECORDS_A_CALL, &readers).unwrap();
    assert_eq!(report.expired, 0);
    assert_eq!(
        (
            report.held_back[0].group.as_str(),
            report.held_back[0].position
        ),
        ("detect", Position(0))
    );
    let mut detect = log.consumer("detect", &["t"]).unwrap();
    detect
        .commit(Commit {
            positions: vec![(at("t", 0), Position(2), String::new())],
            ..Commit::default()
        })
        .unwrap();
    let report = log.maintain_for(RECORDS_A_CALL, &readers).unwrap();
    assert_eq!((report.expired, report.held_back.len()), (2, 0));
}

#[test]
fn what_a_group_has_yet_to_read_stays_and_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let (log, clock) = open(folder.path(), Cleanup::days(1));
    append(&log, &["a", "b", "c"]);
    let mut slow = log.consumer("slow", &["t"]).unwrap();
    slow.commit(Commit {
        positions: vec![(at("t", 0), Position(1), String::new())],
        state: vec![(
            at("t", 0),
            vec![StateRecord {
                key: vec![1],
                value: Some(vec![1]),
            }],
        )],
        outgoing: vec![],
    })
    .unwrap();
    clock.advance_to(Timestamp(200 * DAY));
    let report = log.maintain(RECORDS_A_CALL).unwrap();
    assert_eq!(report.expired, 1);
    assert_eq!(report.held_back.len(), 1);
    assert_eq!(
        (
            report.held_back[0].group.as_str(),
            report.held_back[0].position
        ),
        ("slow", Position(1))
    );
    assert_eq!(offsets(&log), [1, 2]);

    assert!(
        log.forget_group("slow")
            .unwrap_err()
            .to_string()
            .contains("has a consumer")
    );
    drop(slow);
    log.forget_group("slow").unwrap();
    assert_eq!(log.maintain(RECORDS_A_CALL).unwrap().expired, 2);
    let mut slow = log.consumer("slow", &["t"]).unwrap();
    assert_eq!(assignments(&mut slow)[0].1, Position(0));
    slow.restore(&at("t", 0), &mut |record| {
        panic!("state left behind: {record:?}")
    })
    .unwrap();
    assert!(
        log.forget_group("nobody")
            .unwrap_err()
            .to_string()
            .contains("no group `nobody`")
    );
}

#[test]
fn a_tombstone_stays_for_its_time_and_until_everybody_saw_it() {
    let folder = tempfile::tempdir().unwrap();
    let (log, clock) = open(
        folder.path(),
        Cleanup::Compact {
            tombstone_age: Duration::from_secs(3_600),
        },
    );
    log.appender()
        .append(vec![outgoing("t", "k", "v"), tombstone("t", "k")])
        .unwrap();
    assert_eq!(log.maintain(RECORDS_A_CALL).unwrap().compacted, 1);
    assert_eq!(kept(&log)[0].value, None);
    clock.advance_to(Timestamp(101 * DAY));
    let mut slow = log.consumer("slow", &["t"]).unwrap();
    let commit = |position| Commit {
        positions: vec![(at("t", 0), Position(position), String::new())],
        ..Commit::default()
    };
    slow.commit(commit(1)).unwrap();
    assert_eq!(log.maintain(RECORDS_A_CALL).unwrap().compacted, 0);
    slow.commit(commit(2)).unwrap();
    assert_eq!(log.maintain(RECORDS_A_CALL).unwrap().compacted, 1);
    assert_eq!(offsets(&log), [] as [u64; 0]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever is written, and however the cleaning is cut into calls: the newest of each key stays, in order, and
    /// nothing else once the cleaning is done.
    #[test]
    fn compaction_keeps_the_newest_of_each_key(
        rounds in proptest::collection::vec(
            (proptest::collection::vec((0_u8..6, any::<bool>()), 0..20), 1_usize..9),
            1..5,
        )
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (log, clock) = open(folder.path(), Cleanup::Compact { tombstone_age: Duration::ZERO });
        let mut newest: BTreeMap<String, (u64, Option<String>)> = BTreeMap::new();
        let mut offset = 0;
        for (writes, bound) in rounds {
            for (key, delete) in writes {
                let (key, value) = (format!("k{key}"), format!("v{offset}"));
                let record = if delete { tombstone("t", &key) } else { outgoing("t", &key, &value) };
                log.appender().append(vec![record]).unwrap();
                newest.insert(key, (offset, (!delete).then_some(value)));
                offset += 1;
            }
            // Some cleaning, not necessarily all of it: readers must still see the newest of every key.
            log.maintain(bound).unwrap();
            let mut seen = BTreeMap::new();
            for record in kept(&log) {
                let value = record.value.is_some().then(|| text(&record));
                seen.insert(String::from_utf8(record.key.unwrap()).unwrap(), (record.offset, value));
            }
            for (key, (at, value)) in &newest {
                prop_assert_eq!(seen.get(key), Some(&(*at, value.clone())));
            }
        }
        while log.maintain(5).unwrap().unfinished {}
        // All tombstones are over now: only live keys are left, once each.
        clock.advance_to(Timestamp(101 * DAY));
        log.maintain(5).unwrap();
        let mut live: Vec<u64> = newest.values().filter(|(_, value)| value.is_some()).map(|(at, _)| *at).collect();
        live.sort_unstable();
        prop_assert_eq!(offsets(&log), live);
    }
}
