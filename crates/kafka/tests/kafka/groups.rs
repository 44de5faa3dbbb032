//! Members come and go; nothing is lost, nothing doubled (I01).

use crate::support::{
    Copier, checked, fill, fresh, read_all, settings, shared, topics, values, work,
};
use auscult_engine::log::LogError;
use auscult_kafka::Kafka;
use std::time::{Duration, Instant};

const PARTITIONS: u32 = 6;
const RECORDS: u32 = 300;

#[test]
fn two_take_three_each_and_one_takes_six_when_the_other_goes() {
    let Some(cluster) = shared("two members") else {
        return;
    };
    let brokers = cluster.bootstrap();
    let names = ["in", "answers", "out", "state"].map(|name| fresh(&format!("groups-{name}")));
    let [from, answers, to, state] = &names;
    topics(
        &brokers,
        &[
            (from, PARTITIONS, false),
            (answers, PARTITIONS, false),
            (to, PARTITIONS, false),
            (state, PARTITIONS, true),
        ],
    );
    let prefix = fresh("groups");
    let join = || Kafka::connect(&checked(settings(&brokers, &prefix)), &[]).expect("connected");
    let kafka = join();
    fill(&kafka, from, PARTITIONS, RECORDS);
    fill(&kafka, answers, PARTITIONS, 10);
    let mut one = Copier::new(&kafka, &[from], &[answers], state, to);
    work(&mut [&mut one], "one holds everything", |copiers| {
        copiers[0].held.len() == 12 && copiers[0].counted() > 0
    });
    let other = join();
    let mut two = Copier::new(&other, &[from], &[answers], state, to);
    work(
        &mut [&mut one, &mut two],
        "three partitions each",
        |copiers| copiers.iter().all(|copier| copier.held.len() == 6),
    );
    for copier in [&one, &two] {
        for partition in copier.held.keys().filter(|at| at.topic.as_ref() == from) {
            let follower = crate::support::at(answers, partition.partition);
            assert!(copier.held.contains_key(&follower), "{follower} follows");
        }
        assert!(
            copier.moves.iter().filter(|(gained, _)| !gained).count() <= 6,
            "partitions that stay are not revoked: {:?}",
            copier.moves
        );
    }
    fill(&kafka, from, PARTITIONS, RECORDS);
    let left = Instant::now();
    drop(one);
    work(&mut [&mut two], "the other holds all", |copiers| {
        copiers[0].held.len() == 12
    });
    assert!(
        left.elapsed() < Duration::from_secs(30),
        "six partitions after {:?}",
        left.elapsed()
    );
    let total = u64::from(PARTITIONS * (2 * RECORDS + 10));
    work(&mut [&mut two], "everything is copied", |copiers| {
        copiers[0].counted() == total
    });
    let copied = read_all(&kafka, to);
    assert_eq!(copied.len() as u64, total, "nothing lost, nothing doubled");
    let mut expected: Vec<String> = Vec::new();
    for partition in 0..PARTITIONS {
        for number in 0..RECORDS {
            expected.extend(vec![format!("{partition}-{number}"); 2]);
        }
        for number in 0..10 {
            expected.push(format!("{partition}-{number}"));
        }
    }
    expected.sort();
    assert_eq!(values(&copied), expected);
}

#[test]
fn a_second_instance_of_the_same_name_fences_the_first_which_writes_nothing_more() {
    let Some(cluster) = shared("a zombie") else {
        return;
    };
    let brokers = cluster.bootstrap();
    let names = ["in", "out", "state"].map(|name| fresh(&format!("zombie-{name}")));
    let [from, to, state] = &names;
    topics(
        &brokers,
        &[(from, 2, false), (to, 2, false), (state, 2, true)],
    );
    let mut named = settings(&brokers, &fresh("zombie"));
    named.instance = "pod-0".to_owned();
    let join = || Kafka::connect(&checked(named.clone()), &[]).expect("connected");
    let kafka = join();
    fill(&kafka, from, 2, 100);
    let mut zombie = Copier::new(&kafka, &[from], &[], state, to);
    work(&mut [&mut zombie], "both partitions", |copiers| {
        copiers[0].held.len() == 2
    });
    // It has read, applied, and not committed, when its successor comes.
    zombie.poll().expect("polled");
    let again = join();
    let mut successor = Copier::new(&again, &[from], &[], state, to);
    work(
        &mut [&mut successor],
        "the successor takes over",
        |copiers| copiers[0].counted() == 200,
    );
    match zombie.commit() {
        Ok(()) => assert_eq!(zombie.fenced, 1, "the commit was refused"),
        Err(LogError::Fatal(reason)) => assert!(reason.contains("kafka.instance"), "{reason}"),
        Err(other) => panic!("{other}"),
    }
    assert_eq!(read_all(&kafka, to).len(), 200, "the zombie added nothing");
}
