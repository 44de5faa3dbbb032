//! The port's contract, point by point.

use crate::support::{
    Copier, PATIENCE, at, checked, fill, fresh, outgoing, read_all, settings, shared, topics,
    values, work,
};
use auscult_engine::log::{
    Append, Commit, Log, LogEvent, Outgoing, Position, StateRecord, partition_for,
};
use auscult_kafka::{Kafka, Membered};
use std::time::{Duration, Instant};

#[test]
fn keys_go_where_the_engine_says_and_bytes_come_back_as_they_went() {
    let Some(cluster) = shared("appending") else {
        return;
    };
    let brokers = cluster.bootstrap();
    let (topic, prefix) = (fresh("append"), fresh("append-group"));
    topics(&brokers, &[(&topic, 6, false)]);
    let kafka = Kafka::connect(&checked(settings(&brokers, &prefix)), &[(topic.clone(), 6)])
        .expect("connected");
    let appender = kafka.appender().expect("an appender");
    let mut records: Vec<Outgoing> = (0..50)
        .map(|number| outgoing(&topic, None, &format!("key-{number}"), "v"))
        .collect();
    records.push(Outgoing {
        headers: vec![
            ("raw".to_owned(), vec![0, 255, 10]),
            ("raw".to_owned(), Vec::new()),
        ],
        ..outgoing(&topic, Some(5), "odd", "\u{0}")
    });
    records.push(Outgoing {
        value: None,
        ..outgoing(&topic, Some(5), "tombstone", "")
    });
    let placed = appender.append(records.clone()).expect("several at once");
    let single = appender
        .append(vec![outgoing(&topic, None, "key-7", "single")])
        .expect("one");
    assert_eq!(single[0].0.partition, partition_for(b"key-7", 6));
    for (record, (place, _)) in records.iter().zip(&placed) {
        let wanted = record
            .partition
            .unwrap_or_else(|| partition_for(record.key.as_deref().unwrap_or_default(), 6));
        assert_eq!(place.partition, wanted);
    }
    let read = read_all(&kafka, &topic);
    assert_eq!(read.len(), 53);
    for (record, (place, offset)) in records.iter().zip(&placed) {
        let found = read
            .iter()
            .find(|found| found.at == *place && found.offset == *offset)
            .expect("it stands where the appender said");
        assert_eq!(
            (&found.key, &found.headers, &found.value),
            (&record.key, &record.headers, &record.value)
        );
    }
}

#[test]
fn a_turn_is_one_transaction_and_its_markers_are_not_unread() {
    let Some(cluster) = shared("turns") else {
        return;
    };
    let brokers = cluster.bootstrap();
    let (from, to, state) = (fresh("turn-in"), fresh("turn-out"), fresh("turn-state"));
    topics(
        &brokers,
        &[(&from, 2, false), (&to, 2, false), (&state, 2, true)],
    );
    let kafka =
        Kafka::connect(&checked(settings(&brokers, &fresh("turn"))), &[]).expect("connected");
    fill(&kafka, &from, 2, 500);
    let mut copier = Copier::new(&kafka, &[&from], &[], &state, &to);
    assert_ne!(copier.log.unread(), Some(0), "nobody knows yet");
    let began = Instant::now();
    let drained = copier.log.drained();
    work(&mut [&mut copier], "the end", |copiers| {
        copiers[0].counted() == 1_000 && copiers[0].log.unread() == Some(0)
    });
    copier.turn().expect("one more");
    assert!(drained.since(began), "drained, and told so");
    assert_eq!(values(&read_all(&kafka, &to)).len(), 1_000);
    let committed = kafka.committed("copy", &[&from]).expect("positions");
    assert_eq!(committed.len(), 2);
    drop(copier);

    // Somebody else goes on where it stopped, with its metadata and its state.
    let mut next = kafka.member(&Membered {
        role: "copy",
        leading: &[&from],
        following: &[],
        state: Some(&state),
    });
    let deadline = Instant::now() + PATIENCE;
    let mut assigned = Vec::new();
    while assigned.len() < 2 {
        assert!(Instant::now() < deadline, "two partitions are assigned");
        for event in next.poll(100, Duration::from_millis(100)).expect("polled") {
            match event {
                LogEvent::Assigned {
                    partition,
                    position,
                    metadata,
                } => {
                    assert_eq!(metadata, "after 500");
                    assigned.push((partition, position));
                }
                other => panic!("nothing is left to read, and {other:?} came"),
            }
        }
    }
    assigned.sort();
    assert_eq!(assigned, committed);
    let mut restored = Vec::new();
    next.restore(&at(&from, 1), &mut |record| restored.push(record))
        .expect("restored");
    assert_eq!(
        restored,
        [StateRecord {
            key: from.as_bytes().to_vec(),
            value: Some(500u64.to_le_bytes().to_vec())
        }]
    );

    // What was read may be read again.
    next.seek(&at(&from, 0), Position(0)).expect("moved");
    let deadline = Instant::now() + PATIENCE;
    let mut again = 0;
    while again < 500 {
        assert!(Instant::now() < deadline, "500 records come again");
        let events = next.poll(100, Duration::from_millis(100)).expect("polled");
        again += events.len();
    }
}

#[test]
fn state_survives_compaction_and_tombstones_and_other_groups() {
    let Some(cluster) = shared("restoring") else {
        return;
    };
    let brokers = cluster.bootstrap();
    let (from, state) = (fresh("restore-in"), fresh("restore-state"));
    topics(&brokers, &[(&from, 1, false), (&state, 1, true)]);
    let mut expected = std::collections::BTreeMap::new();
    for prefix in [fresh("restore-a"), fresh("restore-b")] {
        let kafka = Kafka::connect(&checked(settings(&brokers, &prefix)), &[]).expect("connected");
        if expected.is_empty() {
            fill(&kafka, &from, 1, 1);
        }
        let mut log = kafka.member(&Membered {
            role: "detect",
            leading: &[&from],
            following: &[],
            state: Some(&state),
        });
        let deadline = Instant::now() + PATIENCE;
        let mut ours = false;
        while !ours {
            assert!(Instant::now() < deadline, "a partition is assigned");
            ours = !log
                .poll(1, Duration::from_millis(100))
                .expect("polled")
                .is_empty();
        }
        expected = std::collections::BTreeMap::new();
        for round in 0..20u32 {
            let mut records = Vec::new();
            for number in 0..50u32 {
                let key = format!("key-{:02}", (number * 7 + round) % 60).into_bytes();
                let value = ((number + round) % 3 > 0)
                    .then(|| format!("{prefix}-{round}-{number}").into_bytes());
                match &value {
                    Some(value) => expected.insert(key.clone(), value.clone()),
                    None => expected.remove(&key),
                };
                records.push(StateRecord { key, value });
            }
            log.commit(Commit {
                state: vec![(at(&from, 0), records)],
                ..Commit::default()
            })
            .expect("committed");
        }
        let mut restored = std::collections::BTreeMap::new();
        let mut order = Vec::new();
        log.restore(&at(&from, 0), &mut |record| {
            order.push(record.key.clone());
            restored.insert(record.key, record.value.expect("only live ones"));
        })
        .expect("restored");
        assert!(order.is_sorted(), "in key order");
        assert_eq!(restored, expected);
    }
}

#[test]
fn missing_topics_and_other_partition_counts_are_told_all_at_once() {
    let Some(cluster) = shared("checking topics") else {
        return;
    };
    let brokers = cluster.bootstrap();
    let there = fresh("check");
    topics(&brokers, &[(&there, 3, false)]);
    let wanted = [(there.clone(), 4), ("check-not-there".to_owned(), 1)];
    let Err(error) = Kafka::connect(&checked(settings(&brokers, "check")), &wanted) else {
        panic!("two mistakes");
    };
    let told = error.to_string();
    assert!(
        told.contains(&format!("{there} has 3 partitions, the settings say 4")),
        "{told}"
    );
    assert!(told.contains("check-not-there is not there"), "{told}");
    assert!(told.contains("auscult topics apply"), "{told}");
}

#[test]
fn too_large_a_record_stops_with_topic_size_and_remedy_and_nothing_of_the_turn_is_seen() {
    let Some(cluster) = shared("a record too large") else {
        return;
    };
    let brokers = cluster.bootstrap();
    let topic = fresh("large");
    topics(&brokers, &[(&topic, 1, false)]);
    let kafka =
        Kafka::connect(&checked(settings(&brokers, &fresh("large"))), &[]).expect("connected");
    let appender = kafka.appender().expect("an appender");
    // The broker's own bound is 1 MiB; this does not compress.
    let mut noise = 1u64;
    let large: Vec<u8> = std::iter::repeat_with(|| {
        noise = noise
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (noise >> 56) as u8
    })
    .take(3 << 20)
    .collect();
    let batch = vec![
        outgoing(&topic, None, "small", "small"),
        Outgoing {
            value: Some(large),
            ..outgoing(&topic, None, "large", "")
        },
    ];
    let error = appender.append(batch).expect_err("too large").to_string();
    assert!(
        error.contains(&topic) && error.contains("max.message.bytes"),
        "{error}"
    );
    // A single record is another producer's: only if the refused batch was aborted at once can it be read now.
    let alone = outgoing(&topic, None, "alone", "alone");
    appender.append(vec![alone]).expect("a record that fits");
    assert_eq!(values(&read_all(&kafka, &topic)), ["alone"]);
    appender
        .append(vec![
            outgoing(&topic, None, "after", "after"),
            outgoing(&topic, None, "after", "after"),
        ])
        .expect("the appender still works");
    assert_eq!(
        values(&read_all(&kafka, &topic)),
        ["after", "after", "alone"]
    );
}
