//! What the embedded log carries a second, with durable commits.
//!
//! * `append`: small records (200 bytes, two headers) in transactions of 10,000.
//! * `read`: the same records polled.
//! * `path`: the product's way through the log: feedback of 500 bytes appended, read, a mention of 900 bytes
//!   written, read, state written: a turn's journal chunk of 500 KB and 500 series of 300 bytes. Turns of 5,000,
//!   each step a commit, one after the other (in the product they overlap).
//! * `small_append`: one record from each of 1 and 16 threads: what group commit saves.

use auscult_engine::log::{
    Append, Commit, Log, LogEvent, Outgoing, Position, StateRecord, TopicPartition,
};
use auscult_store::log::{Appender, Consumer, EmbeddedLog, TopicSettings};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::collections::BTreeMap;
use std::time::Duration;

const TURN: usize = 5_000;
const BIG: usize = 10_000;

fn record(topic: &str, n: usize, bytes: usize, headers: usize) -> Outgoing {
    Outgoing {
        topic: topic.into(),
        partition: None,
        key: Some(format!("acme|source|{n}").into_bytes()),
        headers: (0..headers)
            .map(|h| (format!("ce_header{h}"), b"value of a header".to_vec()))
            .collect(),
        value: Some(vec![b'x'; bytes]),
    }
}

fn batch(topic: &str, from: usize, count: usize, bytes: usize, headers: usize) -> Vec<Outgoing> {
    (from..from + count)
        .map(|n| record(topic, n, bytes, headers))
        .collect()
}

fn open(folder: &tempfile::TempDir) -> EmbeddedLog {
    let topics = [
        TopicSettings::new("feedback", 4),
        TopicSettings::new("mentions", 4),
        TopicSettings::new("small", 4),
    ];
    EmbeddedLog::open(&folder.path().join("log.db"), &topics).expect("a fresh folder")
}

fn drain(consumer: &mut Consumer, count: usize) -> BTreeMap<TopicPartition, u64> {
    let mut seen = 0;
    let mut ends = BTreeMap::new();
    while seen < count {
        for event in consumer.poll(TURN, Duration::ZERO).expect("readable") {
            if let LogEvent::Record(record) = event {
                seen += 1;
                ends.insert(record.at, record.offset + 1);
            }
        }
    }
    ends
}

fn positions(ends: BTreeMap<TopicPartition, u64>) -> Vec<(TopicPartition, Position, String)> {
    ends.into_iter()
        .map(|(at, end)| (at, Position(end), String::new()))
        .collect()
}

fn turn_of_the_path(appender: &Appender, listen: &mut Consumer, detect: &mut Consumer, n: usize) {
    appender
        .append(batch("feedback", n, TURN, 500, 4))
        .expect("appended");
    let read = drain(listen, TURN);
    let outgoing = batch("mentions", n, TURN, 900, 4);
    listen
        .commit(Commit {
            positions: positions(read),
            state: vec![],
            outgoing,
        })
        .expect("committed");
    let read = drain(detect, TURN);
    let series = (0..500).map(|s| StateRecord {
        key: format!("series {:08}", (n * 7 + s * 31) % 50_000).into_bytes(),
        value: Some(vec![b's'; 300]),
    });
    let chunk = StateRecord {
        key: format!("chunk {n:012}").into_bytes(),
        value: Some(vec![b'c'; 100 * TURN]),
    };
    let old = StateRecord {
        key: format!("chunk {:012}", n.saturating_sub(20 * TURN)).into_bytes(),
        value: None,
    };
    let partition = TopicPartition {
        topic: "mentions".into(),
        partition: 0,
    };
    let state = vec![(partition, series.chain([old, chunk]).collect())];
    detect
        .commit(Commit {
            positions: positions(read),
            state,
            outgoing: vec![],
        })
        .expect("committed");
}

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("log");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(5));

    let folder = tempfile::tempdir().expect("a folder");
    let log = open(&folder);
    let appender = log.appender();
    group.throughput(Throughput::Elements(BIG as u64));
    group.bench_function("append", |b| {
        b.iter_batched(
            || batch("small", 0, BIG, 200, 2),
            |records| appender.append(records).expect("appended"),
            criterion::BatchSize::LargeInput,
        );
    });
    group.bench_function("read", |b| {
        b.iter_batched(
            || {
                let mut consumer = log.consumer("reader", &["small"]).expect("free");
                consumer.poll(100, Duration::ZERO).expect("assigned");
                consumer
            },
            |mut consumer| drain(&mut consumer, BIG),
            criterion::BatchSize::PerIteration,
        );
    });

    let mut listen = log.consumer("listen", &["feedback"]).expect("free");
    let mut detect = log.consumer("detect", &["mentions"]).expect("free");
    listen.poll(100, Duration::ZERO).expect("assigned");
    detect.poll(100, Duration::ZERO).expect("assigned");
    group.throughput(Throughput::Elements(TURN as u64));
    let mut n = 0;
    group.bench_function("path", |b| {
        b.iter(|| {
            turn_of_the_path(&appender, &mut listen, &mut detect, n);
            n += TURN;
        });
    });

    for threads in [1, 16] {
        group.throughput(Throughput::Elements(threads));
        group.bench_function(format!("small_append/{threads}_threads"), |b| {
            b.iter_custom(|iterations| {
                let start = std::time::Instant::now();
                std::thread::scope(|scope| {
                    for _ in 0..threads {
                        scope.spawn(|| {
                            for n in 0..iterations {
                                appender
                                    .append(batch("small", n as usize, 1, 200, 2))
                                    .expect("appended");
                            }
                        });
                    }
                });
                start.elapsed()
            });
        });
    }
    group.finish();
}

criterion_group!(log, benches);
criterion_main!(log);
