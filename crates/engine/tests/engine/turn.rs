//! The turn itself, with a stage that only copies: whatever fails, each record counts exactly once.

use crate::support::{Broker, DEATH, Fault, TestLog};
use auscult_core::time::Timestamp;
use auscult_engine::clock::ManualClock;
use auscult_engine::log::{
    Append, Commit, Outgoing, Position, Record, StateRecord, TopicPartition,
};
use auscult_engine::telemetry::Metrics;
use auscult_engine::turn::{Assignment, Stage, StageError, Tick, Turn, TurnBounds, TurnOutcome};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Copies numbers from `in` to `out`, and keeps their sum per partition as state.
#[derive(Default)]
struct Copier {
    sums: BTreeMap<TopicPartition, (u64, Position)>,
    changed: Vec<TopicPartition>,
    outgoing: Vec<Outgoing>,
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().expect("eight bytes"))
}

impl Stage for Copier {
    fn name(&self) -> &'static str {
        "copier"
    }
    fn wants_state(&self, _: &TopicPartition) -> bool {
        true
    }
    fn assigned(&mut self, assignment: Assignment, _: Timestamp) -> Result<(), StageError> {
        let sum = assignment
            .state
            .first()
            .map_or(0, |record| number(record.value.as_deref().expect("live")));
        self.sums
            .insert(assignment.partition, (sum, assignment.position));
        Ok(())
    }
    fn revoked(&mut self, partition: &TopicPartition) {
        self.sums.remove(partition);
    }
    fn fenced(&mut self) {
        *self = Copier::default();
    }
    fn apply(&mut self, records: &[Record], _: Timestamp) -> Result<(), StageError> {
        for record in records {
            let (sum, position) = self
                .sums
                .get_mut(&record.at)
                .expect("assigned before records");
            assert_eq!(position.0, record.offset, "each record once, in order");
            *position = Position(record.offset + 1);
            *sum += number(record.value.as_deref().expect("a value"));
            self.changed.push(record.at.clone());
            let out = Outgoing {
                topic: "out".into(),
                partition: None,
                key: None,
                headers: vec![],
                value: record.value.clone(),
            };
            self.outgoing.push(out);
        }
        Ok(())
    }
    fn tick(&mut self, _: Tick) {}
    fn commit(&mut self) -> Result<Commit, StageError> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort();
        changed.dedup();
        let mut commit = Commit {
            outgoing: std::mem::take(&mut self.outgoing),
            ..Commit::default()
        };
        for at in changed {
            let (sum, position) = self.sums[&at];
            commit.positions.push((at.clone(), position, String::new()));
            commit.state.push((
                at,
                vec![StateRecord {
                    key: b"sum".to_vec(),
                    value: Some(sum.to_le_bytes().to_vec()),
                }],
            ));
        }
        Ok(commit)
    }
}

fn turn(log: TestLog) -> Turn<TestLog, Copier> {
    let bounds = TurnBounds {
        least_records: 1,
        most_records: 4,
        ..TurnBounds::default()
    };
    Turn::new(
        log,
        Copier::default(),
        Arc::new(ManualClock::new(Timestamp(0))),
        Arc::new(Metrics::default()),
        bounds,
    )
}

fn broker(numbers: &[u64]) -> Broker {
    let broker = Broker::new(&[("in", 3), ("out", 1)]);
    let records = numbers.iter().enumerate().map(|(index, number)| Outgoing {
        topic: "in".into(),
        partition: Some(index as u32 % 3),
        key: None,
        headers: vec![],
        value: Some(number.to_le_bytes().to_vec()),
    });
    broker.append(records.collect()).expect("appends");
    broker
}

fn copied(broker: &Broker) -> Vec<u64> {
    let mut numbers: Vec<u64> = broker
        .all("out")
        .iter()
        .map(|record| number(record.value.as_deref().expect("a value")))
        .collect();
    numbers.sort_unstable();
    numbers
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        Just(None),
        Just(Some(Fault::Retry)),
        Just(Some(Fault::Fenced)),
        Just(Some(Fault::DieBefore)),
        Just(Some(Fault::DieAfter))
    ]
}

proptest! {
    /// Crash between any two steps: the turn is repeated or completed, never half of it.
    #[test]
    fn every_record_counts_once_whatever_fails(faults in prop::collection::vec(fault(), 0..24), count in 0_u64..40) {
        let numbers: Vec<u64> = (0..count).collect();
        let broker = broker(&numbers);
        let mut faults: std::collections::VecDeque<_> = faults.into();
        loop {
            let mut turn = turn(broker.handle("g", &["in"]).with_faults(faults.iter().copied()));
            match turn.run_until_drained(100) {
                Ok(()) => {
                    let sum: u64 = turn.stage().sums.values().map(|(sum, _)| sum).sum();
                    prop_assert_eq!(sum, numbers.iter().sum::<u64>());
                    break;
                }
                Err(stop) => {
                    prop_assert!(stop.message.contains(DEATH), "{}", stop);
                    // A new process: the faults up to and including the death are behind us.
                    let death = faults.iter().position(|fault| matches!(fault, Some(Fault::DieBefore | Fault::DieAfter)));
                    faults.drain(..=death.expect("a death was scripted"));
                }
            }
        }
        prop_assert_eq!(copied(&broker), numbers);
    }
}

#[test]
fn a_refused_commit_is_offered_again_as_it_was() {
    let broker = broker(&[7]);
    let mut turn = turn(
        broker
            .handle("g", &["in"])
            .with_faults([Some(Fault::Retry), Some(Fault::Retry)]),
    );
    assert_eq!(turn.run_once().expect("assigns"), TurnOutcome::Idle);
    assert!(matches!(
        turn.run_once().expect("retries"),
        TurnOutcome::Retry(_)
    ));
    assert!(matches!(
        turn.run_once().expect("retries"),
        TurnOutcome::Retry(_)
    ));
    assert_eq!(
        copied(&broker),
        Vec::<u64>::new(),
        "nothing is visible after an error"
    );
    assert_eq!(
        turn.run_once().expect("commits"),
        TurnOutcome::Committed {
            records: 1,
            outgoing: 1,
            drained: true
        }
    );
    assert_eq!(copied(&broker), [7]);
}

#[test]
fn a_worker_stops_when_asked_and_raises_the_flag_when_it_dies() {
    use auscult_engine::turn::{Worker, WorkerEnd};
    use std::sync::atomic::{AtomicBool, Ordering};
    let stop = Arc::new(AtomicBool::new(true));
    let worker =
        Worker::spawn(turn(broker(&[]).handle("g", &["in"])), Arc::clone(&stop)).expect("a thread");
    assert!(matches!(worker.join(), WorkerEnd::Asked));

    let stop = Arc::new(AtomicBool::new(false));
    let dying = turn(
        broker(&[1])
            .handle("g", &["in"])
            .with_faults([Some(Fault::DieBefore)]),
    );
    let worker = Worker::spawn(dying, Arc::clone(&stop)).expect("a thread");
    assert!(matches!(worker.join(), WorkerEnd::Stopped(end) if end.message == DEATH));
    assert!(stop.load(Ordering::SeqCst), "the other stages are told");
}
