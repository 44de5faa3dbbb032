//! The simulated log keeps the port's contract, and a careful worker over it counts everything once whatever goes wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use auscult_engine::log::{
    Append, Commit, Log, LogError, LogEvent, Outgoing, Position, Record, StateRecord,
    TopicPartition,
};
use auscult_sim::checkers::check_unique_ids;
use auscult_sim::{CommitFault, FaultRates, Faults, MemoryBroker, MemoryLog, Retention};

const NOW: Duration = Duration::ZERO;

fn record(topic: &str, key: &str, value: &str) -> Outgoing {
    Outgoing {
        topic: topic.into(),
        partition: None,
        key: Some(key.as_bytes().to_vec()),
        headers: vec![
            ("ce_source".to_owned(), b"/test".to_vec()),
            ("ce_id".to_owned(), value.as_bytes().to_vec()),
        ],
        value: Some(value.as_bytes().to_vec()),
    }
}

fn broker_with(records: u32) -> MemoryBroker {
    let broker = MemoryBroker::new(&[("in", 4), ("out", 2)]);
    for number in 0..records {
        broker
            .append(vec![record(
                "in",
                &format!("key{}", number % 37),
                &format!("event{number}"),
            )])
            .unwrap();
    }
    broker
}

/// A worker as the engine is one: counts records per partition in committed state and copies each to the output.
struct Worker {
    log: MemoryLog,
    counts: BTreeMap<TopicPartition, (u64, u64)>,
    pending: Option<Commit>,
}

impl Worker {
    fn new(log: MemoryLog) -> Worker {
        Worker {
            log,
            counts: BTreeMap::new(),
            pending: None,
        }
    }

    /// One turn; `false` when the process died.
    fn turn(&mut self) -> bool {
        if self.pending.is_none() {
            match self.log.poll(16, NOW) {
                Ok(events) => self.pending = Some(self.apply(events)),
                Err(LogError::Retry(_)) => return true,
                Err(error) => panic!("{error}"),
            }
        }
        let commit = self.pending.take().expect("a turn");
        match self.log.commit_ref(&commit) {
            Ok(()) => true,
            Err(LogError::Retry(_)) => {
                self.pending = Some(commit);
                true
            }
            Err(LogError::Fenced(_)) => {
                self.counts.clear();
                true
            }
            Err(LogError::Fatal(_)) => false,
        }
    }

    fn apply(&mut self, events: Vec<LogEvent>) -> Commit {
        let mut commit = Commit::default();
        let mut touched = BTreeMap::new();
        for event in events {
            match event {
                LogEvent::Assigned {
                    partition,
                    position,
                    ..
                } => {
                    let mut count = 0;
                    self.log
                        .restore(&partition, &mut |state| {
                            count = u64::from_be_bytes(state.value.unwrap().try_into().unwrap())
                        })
                        .unwrap();
                    self.counts.insert(partition, (count, position.0));
                }
                LogEvent::Revoked(partition) => drop(self.counts.remove(&partition)),
                LogEvent::Record(read) => {
                    let own = self
                        .counts
                        .get_mut(&read.at)
                        .expect("an assignment comes before records");
                    assert_eq!(read.offset, own.1, "no record is skipped or repeated");
                    *own = (own.0 + 1, own.1 + 1);
                    touched.insert(read.at.clone(), *own);
                    commit.outgoing.push(record(
                        "out",
                        "k",
                        std::str::from_utf8(&read.value.unwrap()).unwrap(),
                    ));
                }
            }
        }
        for (at, (count, next)) in touched {
            commit.state.push((
                at.clone(),
                vec![StateRecord {
                    key: b"count".to_vec(),
                    value: Some(count.to_be_bytes().to_vec()),
                }],
            ));
            commit
                .positions
                .push((at, Position(next), format!("after {next}")));
        }
        commit
    }
}

fn committed_count(broker: &MemoryBroker) -> u64 {
    (0..4)
        .flat_map(|partition| {
            broker.state(&TopicPartition {
                topic: "in".into(),
                partition,
            })
        })
        .map(|state| u64::from_be_bytes(state.value.unwrap().try_into().unwrap()))
        .sum()
}

#[test]
fn everything_counts_once_whatever_goes_wrong() {
    let mut deaths = 0;
    for seed in 0..60_u64 {
        let broker = broker_with(600);
        let join = |life: u64| {
            Worker::new(broker.join(
                "g",
                &["in"],
                Faults::seeded(FaultRates::rough(), seed * 1_000 + life),
            ))
        };
        let mut lives = 2;
        let mut workers = vec![join(0), join(1)];
        for turn in 0.. {
            assert!(turn < 10_000, "seed {seed} does not come to an end");
            for worker in &mut workers {
                if !worker.turn() {
                    deaths += 1;
                    lives += 1;
                    *worker = join(lives);
                }
            }
            if turn == 20 {
                workers.push(join(100)); // a third member joins in the middle
            }
            if broker.uncommitted("g") == 0 {
                break;
            }
        }
        assert_eq!(committed_count(&broker), 600, "seed {seed}");
        let out = broker.records("out");
        assert_eq!(
            (out.len(), check_unique_ids(&out)),
            (600, Ok(())),
            "seed {seed}"
        );
    }
    assert!(
        deaths > 60,
        "{deaths} deaths: the faults are not rough enough to prove anything"
    );
}

#[test]
fn a_log_that_writes_twice_is_found_out() {
    let broker = broker_with(3);
    broker.append(vec![record("in", "key0", "event0")]).unwrap();
    let twice = check_unique_ids(&broker.records("in")).unwrap_err();
    assert!(twice.len() == 1 && twice[0].contains("event0"));
}

#[test]
fn scripted_faults_happen_in_order_and_leave_nothing_or_everything() {
    use CommitFault::{DieAfter, DieBefore, FencedAfter, FencedBefore, Retry};
    for (fault, written) in [
        (Retry, 0),
        (DieBefore, 0),
        (FencedBefore, 0),
        (FencedAfter, 1),
        (DieAfter, 1),
    ] {
        let broker = broker_with(0);
        let mut log = broker.join("g", &["in"], Faults::script([Some(fault)]));
        log.poll(1, NOW).unwrap();
        let at = TopicPartition {
            topic: "in".into(),
            partition: 0,
        };
        let commit = Commit {
            positions: vec![(at.clone(), Position(5), "m".into())],
            outgoing: vec![record("out", "k", "v")],
            ..Commit::default()
        };
        assert!(log.commit(commit).is_err());
        assert_eq!(broker.records("out").len(), written, "{fault:?}");
        assert_eq!(
            broker.position("g", &at).is_some(),
            written == 1,
            "{fault:?}"
        );
    }
}

#[test]
fn partitions_move_with_their_positions_and_the_old_owner_is_fenced_off() {
    let broker = broker_with(40);
    let mut first = broker.join("g", &["in"], Faults::None);
    assert_eq!(first.poll(10, NOW).unwrap().len(), 4, "four assignments");
    let read: Vec<Record> = first
        .poll(40, NOW)
        .unwrap()
        .into_iter()
        .map(|event| match event {
            LogEvent::Record(record) => record,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(read.len(), 40);
    let second = broker.join("g", &["in"], Faults::None);
    let moved = TopicPartition {
        topic: "in".into(),
        partition: 1,
    };
    let commit = Commit {
        positions: vec![(moved.clone(), Position(3), String::new())],
        outgoing: vec![record("out", "k", "v")],
        ..Commit::default()
    };
    assert!(matches!(first.commit(commit), Err(LogError::Fenced(_))));
    assert!(broker.records("out").is_empty() && broker.position("g", &moved).is_none());
    drop(second);
    let again = first.poll(10, NOW).unwrap();
    assert!(
        again
            .iter()
            .all(|event| matches!(event, LogEvent::Assigned { .. }))
            && again.len() == 4
    );
}

#[test]
fn partitions_of_one_number_meet_in_one_member() {
    let broker = MemoryBroker::new(&[("mentions", 6), ("answers", 6)]);
    let mut members: Vec<MemoryLog> = (0..3)
        .map(|_| broker.join("detect", &["mentions", "answers"], Faults::None))
        .collect();
    for member in &mut members {
        member.poll(100, NOW).unwrap();
        let held: Vec<(String, u32)> = member
            .held()
            .map(|at| (at.topic.to_string(), at.partition))
            .collect();
        assert_eq!(held.len(), 4);
        assert!(held.iter().all(
            |(_, partition)| held.contains(&("mentions".into(), *partition))
                && held.contains(&("answers".into(), *partition))
        ));
    }
}

#[test]
fn what_one_group_has_not_read_yet_is_kept_for_it() {
    let broker = MemoryBroker::default();
    broker.create_topic("in", 1, Retention::UntilCommitted);
    broker.append(vec![record("in", "k", "1")]).unwrap();
    let at = TopicPartition {
        topic: "in".into(),
        partition: 0,
    };
    let (mut quick, mut slow) = (
        broker.join("quick", &["in"], Faults::None),
        broker.join("slow", &["in"], Faults::None),
    );
    let done = Commit {
        positions: vec![(at, Position(1), String::new())],
        ..Commit::default()
    };
    quick.poll(9, NOW).unwrap();
    quick.commit(done.clone()).unwrap();
    assert_eq!(broker.records("in").len(), 1);
    slow.poll(9, NOW).unwrap();
    slow.commit(done).unwrap();
    assert_eq!(broker.records("in"), []);
}

#[test]
fn what_is_committed_is_forgotten_only_where_asked_for() {
    let broker = MemoryBroker::default();
    broker.create_topic("in", 1, Retention::UntilCommitted);
    broker
        .append(
            (0..5)
                .map(|number| record("in", "k", &format!("{number}")))
                .collect(),
        )
        .unwrap();
    let at = TopicPartition {
        topic: "in".into(),
        partition: 0,
    };
    let mut log = broker.join("g", &["in"], Faults::None);
    log.poll(9, NOW).unwrap();
    assert_eq!(log.poll(9, NOW).unwrap().len(), 5);
    log.commit(Commit {
        positions: vec![(at.clone(), Position(4), String::new())],
        ..Commit::default()
    })
    .unwrap();
    assert_eq!(
        broker
            .records("in")
            .iter()
            .map(|record| record.offset)
            .collect::<Vec<_>>(),
        [4]
    );
    assert_eq!((broker.written("in"), log.unread()), (5, Some(0)));
    log.seek(&at, Position(0)).unwrap();
    assert!(matches!(
        &log.poll(9, NOW).unwrap()[..],
        [LogEvent::Record(Record { offset: 4, .. })]
    ));
}

#[test]
fn a_topic_or_partition_that_is_not_there_is_named_and_nothing_is_written() {
    let broker = broker_with(0);
    let unknown = broker
        .append(vec![record("out", "k", "v"), record("nowhere", "k", "v")])
        .unwrap_err();
    assert!(unknown.to_string().contains("nowhere"));
    let beyond = broker
        .append(vec![
            record("out", "k", "v"),
            Outgoing {
                partition: Some(9),
                ..record("out", "k", "v")
            },
        ])
        .unwrap_err();
    assert!(beyond.to_string().contains("partition 9"));
    assert!(broker.records("out").is_empty());
}
