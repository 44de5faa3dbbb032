//! What the embedded log promises to the engine, one promise a test.

mod common;

use auscult_engine::log::{
    Append, Commit, Log, LogError, LogEvent, Position, StateRecord, partition_for,
};
use auscult_store::log::{Cleanup, EmbeddedLog, LogReader, TopicSettings};
use common::{NO_WAIT, assignments, at, into_partition, outgoing, records, text, tombstone};
use std::path::{Path, PathBuf};
use std::time::Duration;

struct Bench {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        Bench {
            _folder: folder,
            path,
        }
    }

    fn open(&self) -> EmbeddedLog {
        EmbeddedLog::open(&self.path, &topics()).unwrap()
    }
}

fn topics() -> Vec<TopicSettings> {
    vec![
        TopicSettings::new("feedback", 3),
        TopicSettings::new("mentions", 2),
        TopicSettings::new("signals", 1).with_cleanup(Cleanup::compact()),
    ]
}

fn fatal<T: std::fmt::Debug>(outcome: Result<T, LogError>) -> String {
    match outcome {
        Err(LogError::Fatal(text)) => text,
        other => panic!("expected a fatal error, got {other:?}"),
    }
}

fn commit_reading(
    partition: &str,
    number: u32,
    position: u64,
    out: Vec<auscult_engine::log::Outgoing>,
) -> Commit {
    Commit {
        positions: vec![(
            at(partition, number),
            Position(position),
            format!("watermark {position}"),
        )],
        state: vec![],
        outgoing: out,
    }
}

#[test]
fn keys_go_where_kafka_sends_them_and_offsets_have_no_gaps() {
    let bench = Bench::new();
    let log = bench.open();
    let placed = log
        .appender()
        .append(
            (0..60)
                .map(|n| outgoing("feedback", &format!("key {n}"), "v"))
                .collect(),
        )
        .unwrap();
    let mut ends = [0; 3];
    for (n, (place, offset)) in placed.iter().enumerate() {
        assert_eq!(
            place.partition,
            partition_for(format!("key {n}").as_bytes(), 3)
        );
        assert_eq!(*offset, ends[place.partition as usize]);
        ends[place.partition as usize] += 1;
    }
    assert!(ends.iter().all(|&end| end > 0));
}

#[test]
fn records_come_back_as_they_went_in() {
    let bench = Bench::new();
    let log = bench.open();
    let mut consumer = log.consumer("listen", &["feedback"]).unwrap();
    assignments(&mut consumer);
    let mut strange = outgoing("feedback", "k", "v");
    strange.headers = vec![("a".into(), vec![0, 255]), ("a".into(), vec![])];
    strange.value = Some(vec![0xff, 0, 0x80]);
    let nothing = auscult_engine::log::Outgoing {
        key: None,
        headers: vec![],
        ..tombstone("feedback", "")
    };
    let placed = log
        .appender()
        .append(vec![strange.clone(), nothing.clone()])
        .unwrap();
    let read = records(&mut consumer, 10);
    for (sent, (place, offset)) in [strange, nothing].iter().zip(placed) {
        let got = read
            .iter()
            .find(|record| record.at == place && record.offset == offset)
            .unwrap();
        assert_eq!(
            (&got.key, &got.headers, &got.value),
            (&sent.key, &sent.headers, &sent.value)
        );
    }
}

#[test]
fn assignments_come_first_and_carry_position_and_metadata() {
    let bench = Bench::new();
    {
        let log = bench.open();
        log.appender()
            .append(
                (0..5)
                    .map(|n| into_partition("feedback", 1, &n.to_string()))
                    .collect(),
            )
            .unwrap();
        let mut consumer = log.consumer("listen", &["feedback"]).unwrap();
        let first = consumer.poll(2, NO_WAIT).unwrap();
        assert!(matches!(
            first.as_slice(),
            [LogEvent::Assigned { .. }, LogEvent::Assigned { .. }]
        ));
        assert_eq!(assignments(&mut consumer).len(), 1);
        assert_eq!(records(&mut consumer, 2).len(), 5);
        consumer
            .commit(commit_reading("feedback", 1, 3, vec![]))
            .unwrap();
    }
    let mut consumer = bench.open().consumer("listen", &["feedback"]).unwrap();
    let assigned = assignments(&mut consumer);
    assert!(assigned.contains(&(at("feedback", 1), Position(3), "watermark 3".to_owned())));
    assert!(assigned.contains(&(at("feedback", 0), Position(0), String::new())));
    assert_eq!(
        records(&mut consumer, 100)
            .iter()
            .map(text)
            .collect::<Vec<_>>(),
        ["3", "4"]
    );
}

#[test]
fn groups_do_not_see_each_others_positions_and_state() {
    let bench = Bench::new();
    let log = bench.open();
    log.appender()
        .append(vec![into_partition("feedback", 0, "x")])
        .unwrap();
    let mut one = log.consumer("one", &["feedback"]).unwrap();
    let mut two = log.consumer("two", &["feedback"]).unwrap();
    assignments(&mut one);
    assignments(&mut two);
    let mut commit = commit_reading("feedback", 0, 1, vec![]);
    commit.state.push((
        at("feedback", 0),
        vec![StateRecord {
            key: b"k".to_vec(),
            value: Some(b"v".to_vec()),
        }],
    ));
    one.commit(commit).unwrap();
    let mut seen = 0;
    two.restore(&at("feedback", 0), &mut |_| seen += 1).unwrap();
    assert_eq!(seen, 0);
    assert_eq!(records(&mut two, 10).len(), 1);
}

#[test]
fn state_comes_back_in_key_order_without_what_was_deleted() {
    let bench = Bench::new();
    let put = |key: &[u8], value: &[u8]| StateRecord {
        key: key.to_vec(),
        value: Some(value.to_vec()),
    };
    {
        let log = bench.open();
        let mut consumer = log.consumer("detect", &["mentions"]).unwrap();
        let turn = |records| Commit {
            state: vec![(at("mentions", 1), records)],
            ..Commit::default()
        };
        consumer
            .commit(turn(vec![
                put(b"b", b"1"),
                put(&[0xff], b"2"),
                put(b"", b"3"),
                put(b"a", b"4"),
                put(b"gone", b"5"),
            ]))
            .unwrap();
        let gone = StateRecord {
            key: b"gone".to_vec(),
            value: None,
        };
        consumer
            .commit(turn(vec![put(b"b", b"6"), gone.clone(), gone]))
            .unwrap();
    }
    let mut consumer = bench.open().consumer("detect", &["mentions"]).unwrap();
    let mut restored = Vec::new();
    consumer
        .restore(&at("mentions", 1), &mut |record| restored.push(record))
        .unwrap();
    assert_eq!(
        restored,
        [
            put(b"", b"3"),
            put(b"a", b"4"),
            put(b"b", b"6"),
            put(&[0xff], b"2")
        ]
    );
}

#[test]
fn a_refused_turn_leaves_nothing_behind() {
    let bench = Bench::new();
    let log = bench.open();
    log.appender()
        .append(vec![into_partition("feedback", 0, "x")])
        .unwrap();
    let mut consumer = log.consumer("listen", &["feedback"]).unwrap();
    assignments(&mut consumer);
    let mut refused = commit_reading(
        "feedback",
        0,
        1,
        vec![
            outgoing("mentions", "k", "v"),
            outgoing("nowhere", "k", "v"),
        ],
    );
    refused.state.push((
        at("feedback", 0),
        vec![StateRecord {
            key: b"k".to_vec(),
            value: Some(b"v".to_vec()),
        }],
    ));
    let text = fatal(consumer.commit(refused));
    assert!(
        text.contains("`nowhere`") && text.contains("feedback, mentions, signals"),
        "{text}"
    );
    let reader = LogReader::open(&bench.path).unwrap();
    assert_eq!(
        reader.committed("listen", &at("feedback", 0)).unwrap(),
        None
    );
    assert_eq!(reader.end(&at("mentions", 0)).unwrap(), Position(0));
    consumer
        .restore(&at("feedback", 0), &mut |record| {
            panic!("left behind: {record:?}")
        })
        .unwrap();
}

#[test]
fn positions_cannot_go_back_nor_past_the_end_nor_elsewhere() {
    let bench = Bench::new();
    let log = bench.open();
    log.appender()
        .append(
            (0..4)
                .map(|n| into_partition("feedback", 0, &n.to_string()))
                .collect(),
        )
        .unwrap();
    let mut consumer = log.consumer("listen", &["feedback"]).unwrap();
    consumer
        .commit(commit_reading("feedback", 0, 2, vec![]))
        .unwrap();
    assert!(
        fatal(consumer.commit(commit_reading("feedback", 0, 1, vec![]))).contains("feedback/0")
    );
    assert!(fatal(consumer.commit(commit_reading("feedback", 0, 5, vec![]))).contains("4 (end)"));
    assert!(
        fatal(consumer.commit(commit_reading("mentions", 0, 0, vec![]))).contains("not assigned")
    );
    consumer
        .commit(commit_reading("feedback", 0, 4, vec![]))
        .unwrap();
}

#[test]
fn no_partition_starves_another() {
    let bench = Bench::new();
    let log = bench.open();
    let flood = (0..1_000).map(|n| into_partition("feedback", 0, &n.to_string()));
    log.appender()
        .append(
            flood
                .chain([into_partition("feedback", 2, "late comer")])
                .collect(),
        )
        .unwrap();
    let mut consumer = log.consumer("listen", &["feedback"]).unwrap();
    assignments(&mut consumer);
    let first: Vec<_> = consumer.poll(10, NO_WAIT).unwrap();
    assert_eq!(
        first.len(),
        10,
        "what one partition does not use goes to the others"
    );
    assert!(
        first
            .iter()
            .any(|event| matches!(event, LogEvent::Record(r) if r.at == at("feedback", 2)))
    );
    assert_eq!(records(&mut consumer, 97).len(), 991);
}

#[test]
fn an_append_wakes_a_waiting_poll() {
    let bench = Bench::new();
    let log = bench.open();
    let mut consumer = log.consumer("listen", &["feedback"]).unwrap();
    assignments(&mut consumer);
    let waiting = std::thread::spawn(move || {
        // Long enough to fail the test's run if the bell were not heard; it never passes in full.
        let events = consumer.poll(10, Duration::from_secs(600)).unwrap();
        (events, consumer)
    });
    log.appender()
        .append(vec![into_partition("feedback", 0, "one")])
        .unwrap();
    let (events, mut consumer) = waiting.join().unwrap();
    assert_eq!(events.len(), 1);

    let mut writer = log.consumer("other", &["mentions"]).unwrap();
    let waiting = std::thread::spawn(move || consumer.poll(10, Duration::MAX).unwrap());
    writer
        .commit(Commit {
            outgoing: vec![into_partition("feedback", 1, "two")],
            ..Commit::default()
        })
        .unwrap();
    assert_eq!(waiting.join().unwrap().len(), 1);
}

#[test]
fn a_poll_with_nothing_to_read_comes_back_in_time() {
    let bench = Bench::new();
    let mut consumer = bench.open().consumer("listen", &["feedback"]).unwrap();
    assignments(&mut consumer);
    assert_eq!(consumer.poll(10, Duration::from_millis(20)).unwrap(), []);
    assert_eq!(consumer.poll(0, Duration::MAX).unwrap(), []);
}

#[test]
fn concurrent_appends_all_arrive_once_and_in_each_threads_order() {
    const THREADS: usize = 8;
    const EACH: usize = 60;
    let bench = Bench::new();
    let log = bench.open();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let appender = log.appender();
            scope.spawn(move || {
                for n in 0..EACH {
                    let placed = appender.append(vec![
                        into_partition("feedback", 0, &format!("{thread} {n}")),
                        into_partition("feedback", 1, &format!("{thread} {n}")),
                    ]);
                    assert_eq!(placed.unwrap().len(), 2);
                }
            });
        }
    });
    let mut consumer = log.consumer("listen", &["feedback"]).unwrap();
    assignments(&mut consumer);
    let read = records(&mut consumer, 50);
    for partition in 0..2 {
        let of: Vec<_> = read
            .iter()
            .filter(|record| record.at.partition == partition)
            .collect();
        assert!(
            of.iter()
                .enumerate()
                .all(|(n, record)| record.offset == n as u64)
        );
        for thread in 0..THREADS {
            let prefix = format!("{thread} ");
            let mine: Vec<String> = of
                .iter()
                .map(|record| text(record))
                .filter(|t| t.starts_with(&prefix))
                .collect();
            assert_eq!(
                mine,
                (0..EACH)
                    .map(|n| format!("{thread} {n}"))
                    .collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn a_group_has_one_consumer_and_may_join_again_when_it_is_gone() {
    let bench = Bench::new();
    let log = bench.open();
    let first = log.consumer("listen", &["feedback"]).unwrap();
    assert!(
        fatal(log.consumer("listen", &["mentions"])).contains("`listen` has a consumer already")
    );
    drop(first);
    log.consumer("listen", &["mentions"]).unwrap();
    assert!(fatal(log.consumer("third", &["nowhere"])).contains("`nowhere`"));
}

#[test]
fn a_file_is_written_by_one_at_a_time_and_read_by_any() {
    let bench = Bench::new();
    let log = bench.open();
    log.appender()
        .append(vec![into_partition("feedback", 0, "x")])
        .unwrap();
    let text = fatal(EmbeddedLog::open(&bench.path, &topics()));
    assert!(
        text.contains("log.db") && text.contains(&format!("process {}", std::process::id())),
        "{text}"
    );
    let reader = LogReader::open(&bench.path).unwrap();
    assert_eq!(reader.end(&at("feedback", 0)).unwrap(), Position(1));
    log.appender()
        .append(vec![into_partition("feedback", 0, "y")])
        .unwrap();
    assert_eq!(
        reader
            .record(&at("feedback", 0), 1)
            .unwrap()
            .unwrap()
            .value
            .unwrap(),
        b"y"
    );
    assert_eq!(reader.record(&at("feedback", 0), 2).unwrap(), None);
    drop(log);
    bench.open();
}

#[test]
fn a_reader_with_its_own_positions_starts_where_it_says() {
    let bench = Bench::new();
    let log = bench.open();
    log.appender()
        .append(
            (0..4)
                .map(|n| into_partition("feedback", 0, &n.to_string()))
                .collect(),
        )
        .unwrap();
    let mut consumer = log
        .consumer_from("serve", &["feedback"], |_| Ok(Some(Position(0))))
        .unwrap();
    assignments(&mut consumer);
    assert_eq!(records(&mut consumer, 10).len(), 4);
    consumer
        .commit(commit_reading("feedback", 0, 4, vec![]))
        .unwrap();
    drop(consumer);
    let start = |place: &auscult_engine::log::TopicPartition| {
        Ok((place.partition == 0).then_some(Position(3)))
    };
    let mut consumer = log.consumer_from("serve", &["feedback"], start).unwrap();
    assignments(&mut consumer);
    assert_eq!(
        records(&mut consumer, 10)
            .iter()
            .map(text)
            .collect::<Vec<_>>(),
        ["3"]
    );
    drop(consumer);
    assert!(
        fatal(log.consumer_from("serve", &["feedback"], |_| Ok(Some(Position(9)))))
            .contains("another log file")
    );
}

#[test]
fn a_compacted_topic_refuses_records_without_a_key() {
    let bench = Bench::new();
    let keyless = auscult_engine::log::Outgoing {
        key: None,
        ..outgoing("signals", "", "v")
    };
    assert!(fatal(bench.open().appender().append(vec![keyless])).contains("compacted by key"));
}

#[test]
fn topics_that_do_not_fit_are_named_all_at_once() {
    let bench = Bench::new();
    drop(bench.open());
    let wrong = [
        TopicSettings::new("feedback", 5),
        TopicSettings::new("bad name", 1),
        TopicSettings::new("none", 0),
        TopicSettings::new("twice", 1),
        TopicSettings::new("twice", 1),
    ];
    let text = fatal(EmbeddedLog::open(&bench.path, &wrong));
    for part in [
        "`feedback` has 3 partitions in the file and 5",
        "`bad name`",
        "`none`",
        "`twice` is named twice",
    ] {
        assert!(text.contains(part), "{part} missing in: {text}");
    }
    let reader = LogReader::open(Path::new(&bench.path)).unwrap();
    assert!(
        reader.partitions("twice").is_err(),
        "nothing of refused settings is kept"
    );
}
