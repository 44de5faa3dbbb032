//! Brokers that die in the middle.

use crate::support::{
    Copier, checked, fill, fresh, outgoing, own, read_all, settings, topics, values, work,
};
use auscult_engine::log::Append;
use auscult_kafka::Kafka;
use auscult_test_broker::{Cluster, ClusterSettings, kit_or_skip};

#[test]
fn a_broker_killed_and_restarted_between_and_within_transactions_loses_and_doubles_nothing() {
    let Some(cluster) = own("a broker killed in mid-transaction") else {
        return;
    };
    let brokers = cluster.bootstrap();
    let names = ["in", "out", "state"].map(|name| fresh(&format!("killed-{name}")));
    let [from, to, state] = &names;
    topics(
        &brokers,
        &[(from, 3, false), (to, 3, false), (state, 3, true)],
    );
    let kafka =
        Kafka::connect(&checked(settings(&brokers, &fresh("killed"))), &[]).expect("connected");
    fill(&kafka, from, 3, 2_000);
    let mut copier = Copier::new(&kafka, &[from], &[], state, to);
    work(&mut [&mut copier], "work has begun", |copiers| {
        copiers[0].counted() > 500
    });
    // While this thread commits one turn after the other, the broker dies and comes back: some transaction is cut.
    let before = copier.counted();
    std::thread::scope(|scope| {
        let killer = scope.spawn(|| {
            for _ in 0..2 {
                cluster.kill(0).expect("it ran");
                cluster.restart(0).expect("it comes back");
            }
        });
        work(&mut [&mut copier], "the broker has been back", |_| {
            killer.is_finished()
        });
    });
    work(&mut [&mut copier], "everything is copied", |copiers| {
        copiers[0].counted() == 6_000
    });
    assert!(before < 6_000, "the broker died while there was work");
    assert!(
        copier.retries + copier.fenced > 0,
        "the kills were not noticed: they struck nothing"
    );
    let copied = read_all(&kafka, to);
    let mut expected: Vec<String> = (0..3)
        .flat_map(|partition| (0..2_000).map(move |number| format!("{partition}-{number}")))
        .collect();
    expected.sort();
    assert_eq!(values(&copied), expected, "nothing lost, nothing doubled");
}

/// Largest file the broker may write, and what each of two inputs holds: both fit, their copies in one file do not.
const FILE_BYTES: u64 = 14 << 20;
const RECORDS: usize = 128;
const RECORD_BYTES: usize = 64 << 10;

/// Text that no compression makes smaller.
fn noise(seed: usize) -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed as u64 + 1);
    (0..RECORD_BYTES)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(b'0' + (state >> 40) as u8 % 64)
        })
        .collect()
}

#[test]
fn a_full_disk_is_waited_for_and_with_room_again_nothing_is_lost_or_doubled() {
    let Some(kit) = kit_or_skip("a full disk") else {
        return;
    };
    let full = ClusterSettings::one().file_bytes_max(FILE_BYTES);
    let cluster = Cluster::start(kit, &full).expect("a broker with little room");
    let brokers = cluster.bootstrap();
    let names = ["one", "two", "out", "state"].map(|name| fresh(&format!("full-{name}")));
    let [one, two, to, state] = &names;
    topics(
        &brokers,
        &[
            (one, 1, false),
            (two, 1, false),
            (to, 1, false),
            (state, 1, true),
        ],
    );
    let mut quick = settings(&brokers, &fresh("full"));
    quick.transaction_timeout_seconds = 5;
    let kafka = Kafka::connect(&checked(quick), &[]).expect("connected");
    let appender = kafka.appender().expect("an appender");
    let mut expected = Vec::new();
    for (at, topic) in [one, two].into_iter().enumerate() {
        let texts: Vec<String> = (0..RECORDS)
            .map(|number| noise(at * RECORDS + number))
            .collect();
        let records = texts.iter().map(|text| outgoing(topic, Some(0), "k", text));
        appender.append(records.collect()).expect("it fits");
        expected.extend(texts);
    }
    let mut copier = Copier::new(&kafka, &[one, two], &[], state, to);
    work(&mut [&mut copier], "the disk is full", |_| !cluster.runs(0));
    assert!(
        cluster.log(0).contains("File too large"),
        "the broker ended for want of room"
    );
    let before = copier.retries + copier.fenced;
    // Nothing is given up while there is no room: the worker is told to try again.
    work(&mut [&mut copier], "the turn is offered again", |copiers| {
        copiers[0].retries + copiers[0].fenced > before
    });
    std::thread::scope(|scope| {
        let appending = scope.spawn(|| {
            let late = vec![outgoing(one, Some(0), "k", "while it was full")];
            appender.append(late)
        });
        cluster.make_room();
        cluster.restart(0).expect("it comes back");
        let appended = appending.join().expect("no panic");
        appended.expect("what waited for room is taken when there is some");
    });
    work(&mut [&mut copier], "everything is copied", |copiers| {
        copiers[0].counted() > 2 * RECORDS as u64
    });
    expected.push("while it was full".to_owned());
    expected.sort();
    let copied = values(&read_all(&kafka, to));
    assert_eq!(
        copied.len(),
        expected.len(),
        "nothing lost, nothing doubled"
    );
    // Not by assert_eq: nobody wants to read 16 MiB of noise.
    assert!(copied == expected, "the copies are the originals");
}
