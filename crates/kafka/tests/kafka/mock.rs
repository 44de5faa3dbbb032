//! librdkafka's mock cluster: errors a real broker gives once in a blue moon, given when we ask for them.

use crate::support::{PATIENCE, at, checked, outgoing, settings};
use auscult_engine::log::{Commit, Log, LogError, LogEvent, Position};
use auscult_kafka::{Kafka, KafkaConsumer, KafkaSettings, Membered};
use rdkafka::mocking::{MockCluster, MockCoordinator};
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use std::time::{Duration, Instant};

type Mock = MockCluster<'static, DefaultProducerContext>;

/// A cluster of so many brokers; the first has all partitions.
fn cluster(brokers: i32) -> Mock {
    let mock = MockCluster::new(brokers).expect("a mock cluster");
    for topic in ["in", "out"] {
        mock.create_topic(topic, 1, 1).expect("a topic");
        mock.partition_leader(topic, 0, Some(1)).expect("a leader");
    }
    mock
}

/// A member of a group that has not polled yet.
fn member_of(settings: KafkaSettings) -> KafkaConsumer {
    let kafka = Kafka::connect(&checked(settings), &[]).expect("connected");
    kafka.member(&Membered {
        role: "copy",
        leading: &["in"],
        following: &[],
        state: None,
    })
}

/// A cluster of one broker, and a member of a group that has not polled yet.
fn member() -> (Mock, KafkaConsumer) {
    let mock = cluster(1);
    let log = member_of(settings(&mock.bootstrap_servers(), "mock"));
    (mock, log)
}

fn begin() -> (Mock, KafkaConsumer) {
    let (mock, mut log) = member();
    until_assigned(&mut log);
    (mock, log)
}

fn until_assigned(log: &mut KafkaConsumer) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "a partition is assigned");
        match log.poll(1, Duration::from_millis(100)) {
            Ok(events) if matches!(events.first(), Some(LogEvent::Assigned { .. })) => break,
            Ok(_) | Err(LogError::Retry(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

fn turn() -> Commit {
    Commit {
        positions: vec![(at("in", 0), Position(0), "w1".to_owned())],
        outgoing: vec![outgoing("out", Some(0), "k", "v")],
        state: Vec::new(),
    }
}

/// Offers the same turn until it is durable; how often it was refused.
fn until_durable(log: &mut KafkaConsumer) -> u32 {
    let deadline = Instant::now() + PATIENCE;
    let mut refused = 0;
    loop {
        assert!(Instant::now() < deadline, "it becomes durable");
        match log.commit_ref(&turn()) {
            Ok(()) => return refused,
            Err(LogError::Retry(_)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn passing_errors_of_every_step_end_in_a_commit() {
    let (mock, mut log) = begin();
    let steps = [
        (
            RDKafkaApiKey::AddPartitionsToTxn,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
        ),
        (
            RDKafkaApiKey::AddOffsetsToTxn,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
        ),
        (
            RDKafkaApiKey::TxnOffsetCommit,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
        ),
        (
            RDKafkaApiKey::EndTxn,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
        ),
        (
            RDKafkaApiKey::Produce,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        ),
    ];
    for (step, error) in steps {
        mock.request_errors(step, &[error, error]);
        until_durable(&mut log);
    }
}

#[test]
fn a_generation_that_passed_is_offered_again_while_the_partition_is_still_ours() {
    let (mock, mut log) = begin();
    mock.request_errors(
        RDKafkaApiKey::TxnOffsetCommit,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION],
    );
    assert!(until_durable(&mut log) >= 1, "it was refused once");
}

#[test]
fn a_fenced_producer_begins_anew_and_announces_its_partitions_again() {
    let (mock, mut log) = begin();
    mock.request_errors(
        RDKafkaApiKey::EndTxn,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH],
    );
    let ended = log.commit_ref(&turn());
    assert!(matches!(ended, Err(LogError::Fenced(_))), "{ended:?}");
    let deadline = Instant::now() + PATIENCE;
    let mut announced = false;
    while !announced {
        assert!(Instant::now() < deadline, "the partition comes back");
        if let Ok(events) = log.poll(1, Duration::from_millis(100)) {
            announced = matches!(events.first(), Some(LogEvent::Assigned { .. }));
        }
    }
    until_durable(&mut log);
}

#[test]
fn rights_that_are_missing_stop_with_the_remedy() {
    let (mock, mut log) = begin();
    mock.request_errors(
        RDKafkaApiKey::AddPartitionsToTxn,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED],
    );
    let ended = log.commit_ref(&turn());
    let Err(LogError::Fatal(reason)) = ended else {
        panic!("{ended:?}");
    };
    assert!(reason.contains("allow this user"), "{reason}");
}

#[test]
fn brokers_that_do_not_answer_never_look_like_a_quiet_topic() {
    let (mock, mut log) = begin();
    let deadline = Instant::now() + PATIENCE;
    while log.unread() != Some(0) {
        assert!(Instant::now() < deadline, "an empty topic is quiet");
        log.poll(10, Duration::from_millis(50)).expect("polled");
    }
    mock.broker_down(1).expect("down");
    let deadline = Instant::now() + PATIENCE;
    while log.unread() == Some(0) {
        assert!(Instant::now() < deadline, "the silence is noticed");
        let _ = log.poll(10, Duration::from_millis(50));
    }
}

#[test]
fn a_member_whose_partition_still_waits_for_its_position_can_leave() {
    let (mock, mut log) = member();
    // The group gives it a partition, and where it stands cannot be learnt.
    mock.request_errors(
        RDKafkaApiKey::OffsetFetch,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED; 4],
    );
    let deadline = Instant::now() + PATIENCE;
    while !matches!(
        log.poll(1, Duration::from_millis(100)),
        Err(LogError::Fatal(_))
    ) {
        assert!(Instant::now() < deadline, "the refusal is told");
    }
    let (left, has_left) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        drop(log);
        left.send(())
    });
    has_left
        .recv_timeout(PATIENCE)
        .expect("it does not wait for an answer it owes itself");
}

#[test]
fn a_group_coordinator_that_is_away_holds_a_turn_up_no_longer_than_the_transactions_time_out() {
    let mock = cluster(2);
    let group = MockCoordinator::Group("mock-copy".to_owned());
    mock.coordinator(group, 2).expect("a coordinator");
    let transactions = MockCoordinator::Transaction("mock-copy-one".to_owned());
    mock.coordinator(transactions, 1).expect("a coordinator");
    let timeout = Duration::from_secs(5);
    let mut log = member_of(KafkaSettings {
        instance: "one".to_owned(),
        session_timeout_seconds: 60,
        transaction_timeout_seconds: timeout.as_secs(),
        ..settings(&mock.bootstrap_servers(), "mock")
    });
    until_assigned(&mut log);
    until_durable(&mut log);
    mock.broker_down(2).expect("down");
    // It is told, and told again: nothing is left behind by the second.
    for _ in 0..2 {
        let began = Instant::now();
        let ended = log.commit_ref(&turn());
        assert!(matches!(ended, Err(LogError::Retry(_))), "{ended:?}");
        // Registering a new producer and handing over the records have the same limit each.
        assert!(
            began.elapsed() < 3 * timeout,
            "it was told after {:?}",
            began.elapsed()
        );
    }
    mock.broker_up(2).expect("up");
    until_durable(&mut log);
}
