//! The safety watch over the real Listen: what nobody acknowledged is escalated, once, and nothing can mute it.

use crate::support::feedback::{House, START, Said};
use crate::support::{Broker, DEATH, Fault, TestLog};
use auscult_core::settings::DetectSettings;
use auscult_core::time::{HOUR, Timestamp};
use auscult_engine::clock::Clock;
use auscult_engine::log::{Append, Outgoing, Record};
use auscult_engine::safety::SafetyStage;
use auscult_engine::settings::EngineSettings;
use auscult_engine::submit::SubmitDesk;
use auscult_engine::telemetry::Metrics;
use auscult_engine::turn::Turn;
use auscult_wire::{SafetyEscalation, decode_safety_candidate, decode_safety_escalation};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

const TEXT: &str = "After the second dose my mother got a terrible rash and went to hospital.";

/// A house whose two safety topics have two partitions each.
fn house(change: impl FnOnce(&mut EngineSettings)) -> House {
    let mut house = House::new(|settings| {
        settings.partitions.output = 2;
        change(settings);
    });
    let topics = &house.settings.topics;
    let mut list: Vec<(&str, u32)> = topics
        .watched()
        .into_iter()
        .map(|topic| (topic, 2))
        .collect();
    list.extend(topics.sources.iter().map(|topic| (topic.as_str(), 2)));
    list.extend(topics.detected().into_iter().map(|topic| (topic, 2)));
    house.broker = Broker::new(&list);
    house
}

fn submit(house: &House, numbers: std::ops::Range<usize>) {
    let lines: Vec<String> = numbers
        .map(|number| {
            let said = Said {
                id: &format!("fb-{number:04}"),
                text: TEXT,
                respondent: "patient",
                ..Said::default()
            };
            said.json()
        })
        .collect();
    house.submit(&lines.join("\n"));
}

fn heard(house: &House) {
    house.listen().run_until_drained(0).expect("listens");
}

fn watch_with(
    house: &House,
    faults: impl IntoIterator<Item = Option<Fault>>,
) -> Turn<TestLog, SafetyStage> {
    let stage = SafetyStage::new(&house.settings, Arc::clone(&house.metrics));
    let log = house
        .broker
        .handle("safety", &house.settings.topics.watched())
        .with_faults(faults);
    house.turn(log, stage)
}

fn watched(house: &House) {
    watch_with(house, []).run_until_drained(0).expect("watches");
}

fn candidates(house: &House) -> Vec<String> {
    let id = |record: &Record| {
        let value = record.value.as_deref().expect("a value");
        decode_safety_candidate(&record.headers, value)
            .expect("readable")
            .data
            .candidate_id
    };
    let records = house.topic(|topics| &topics.safety_candidates);
    records.iter().map(id).collect()
}

fn escalations(house: &House) -> Vec<SafetyEscalation> {
    let read = |record: &Record| {
        let value = record.value.as_deref().expect("a value");
        let event = decode_safety_escalation(&record.headers, value).expect("readable");
        event.data
    };
    let records = house.topic(|topics| &topics.safety_escalations);
    records.iter().map(read).collect()
}

fn acknowledge(house: &House, ids: &[String]) {
    let desk = SubmitDesk::new(&house.settings);
    let at = auscult_wire::time::format(Clock::now(house.clock.as_ref()));
    let records = ids.iter().map(|id| {
        let json = format!(
            r#"{{"candidate_id":"{id}","decision":"accepted","case_ref":"PV-1","actor":"u_9","at":"{at}"}}"#
        );
        desk.acknowledgement("acme", &json).expect("readable")
    });
    house.broker.append(records.collect()).expect("appends");
}

/// The same record, to be written once more.
fn again(record: Record) -> Outgoing {
    Outgoing {
        topic: record.at.topic,
        partition: Some(record.at.partition),
        key: record.key,
        headers: record.headers,
        value: record.value,
    }
}

fn gauge(house: &House, line: &str) -> bool {
    let text = house.metrics.render(START).expect("renders");
    text.lines().any(|found| found == line)
}

/// The contract's own check: of 1,000 acknowledgements one is dropped.
#[test]
fn one_dropped_acknowledgement_of_a_thousand_is_escalated_after_twelve_hours() {
    let house = house(|_| {});
    submit(&house, 0..1_000);
    heard(&house);
    let ids = candidates(&house);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 1_000);
    let mut watch = watch_with(&house, []);
    watch.run_until_drained(0).expect("watches");
    assert!(gauge(
        &house,
        r#"auscult_safety_unacknowledged{state="waiting"} 1000"#
    ));

    house.clock.advance_to(START.plus(HOUR));
    let (dropped, acknowledged) = ids.split_last().expect("candidates");
    acknowledge(&house, acknowledged);
    watch.run_until_drained(0).expect("watches");
    house.clock.advance_to(START.plus(12 * HOUR - 1));
    watch.run_until_drained(0).expect("watches");
    assert_eq!(escalations(&house), []);

    house.clock.advance_to(START.plus(12 * HOUR));
    watch.run_until_drained(0).expect("watches");
    let found = escalations(&house);
    assert_eq!(found.len(), 1);
    assert_eq!(&found[0].candidate_id, dropped);
    assert_eq!(found[0].handed_over_at, START);
    assert_eq!(found[0].acknowledgement_due, START.plus(12 * HOUR));
    assert_eq!(found[0].escalated_at, START.plus(12 * HOUR));
    for line in [
        "auscult_safety_escalations_total 1",
        r#"auscult_safety_unacknowledged{state="waiting"} 0"#,
        r#"auscult_safety_unacknowledged{state="escalated"} 1"#,
        r#"auscult_safety_acks_total{met="waiting"} 999"#,
        r#"auscult_safety_hand_offs_total{result="new"} 1000"#,
        "auscult_safety_oldest_unacknowledged_seconds 43200",
        "auscult_safety_intake_overdue 0",
    ] {
        assert!(gauge(&house, line), "{line}");
    }

    // Days later: no second escalation, its intake time is over, and a late acknowledgement clears it.
    house.clock.advance_to(START.plus(72 * HOUR));
    watch.run_until_drained(0).expect("watches");
    assert!(gauge(&house, "auscult_safety_intake_overdue 1"));
    acknowledge(&house, std::slice::from_ref(dropped));
    watch.run_until_drained(0).expect("watches");
    assert_eq!(escalations(&house).len(), 1);
    for line in [
        r#"auscult_safety_unacknowledged{state="escalated"} 0"#,
        r#"auscult_safety_acks_total{met="escalated"} 1"#,
        "auscult_safety_intake_overdue 0",
        "auscult_safety_oldest_unacknowledged_seconds 0",
    ] {
        assert!(gauge(&house, line), "{line}");
    }
}

/// Dies before and after each commit, is asked to try again and is fenced off, at every place in turn.
#[test]
fn a_crash_at_any_commit_neither_doubles_nor_loses_an_escalation() {
    let listening = house(|_| {});
    submit(&listening, 0..40);
    heard(&listening);
    let sent = listening.topic(|topics| &topics.safety_candidates);
    for fault in [
        Fault::DieBefore,
        Fault::DieAfter,
        Fault::Retry,
        Fault::Fenced,
    ] {
        for place in 0..6 {
            let house = house(|_| {});
            let records = sent.iter().cloned().map(again);
            house.broker.append(records.collect()).expect("appends");
            let ids = candidates(&house);
            let mut faults: VecDeque<Option<Fault>> = (0..place).map(|_| None).collect();
            faults.push_back(Some(fault));
            let mut lives = 0;
            for hours in [0, 1, 13] {
                house.clock.advance_to(START.plus(hours * HOUR));
                if hours == 1 {
                    acknowledge(&house, &ids[3..]);
                }
                loop {
                    lives += 1;
                    assert!(lives < 20, "{fault:?} at {place}");
                    let mut watch = watch_with(&house, std::mem::take(&mut faults));
                    match watch.run_until_drained(20) {
                        Ok(()) => break,
                        Err(stop) => assert!(stop.message.contains(DEATH), "{stop}"),
                    }
                }
            }
            let mut found: Vec<String> = escalations(&house)
                .into_iter()
                .map(|one| one.candidate_id)
                .collect();
            found.sort();
            let mut expected = ids[..3].to_vec();
            expected.sort();
            assert_eq!(found, expected, "{fault:?} at commit {place}");
        }
    }
}

#[test]
fn after_an_outage_unread_acknowledgements_are_read_before_anything_is_escalated() {
    let house = house(|_| {});
    submit(&house, 0..200);
    heard(&house);
    watched(&house);
    acknowledge(&house, &candidates(&house));
    house.clock.advance_to(START.plus(30 * HOUR));
    watched(&house);
    assert_eq!(escalations(&house), []);
}

/// N18: what mutes alerts, and what makes copies of feedback, changes nothing here.
#[test]
fn backfill_copies_and_a_spent_budget_mute_nothing() {
    let plain = house(|_| {});
    submit(&plain, 0..30);
    let muted = house(|settings| settings.listen.backfill = true);
    for _ in 0..3 {
        submit(&muted, 0..30);
    }
    for house in [&plain, &muted] {
        heard(house);
        let mut detect = DetectSettings::standard();
        detect.attention_budget_per_day = 0;
        house.detect(detect).run_until_drained(0).expect("detects");
        watched(house);
        house.clock.advance_to(START.plus(12 * HOUR));
        watched(house);
    }
    let distinct = |house: &House| candidates(house).into_iter().collect::<BTreeSet<_>>();
    assert_eq!(distinct(&plain), distinct(&muted));
    let found = |house: &House| {
        let ids = escalations(house).into_iter().map(|one| one.candidate_id);
        let ids: Vec<String> = ids.collect();
        assert_eq!(ids.len(), 30, "each once, copies or not");
        ids.into_iter().collect::<BTreeSet<_>>()
    };
    assert_eq!(found(&plain), distinct(&plain));
    assert_eq!(found(&plain), found(&muted));
    let consumer = distinct(&muted).len();
    assert_eq!(consumer, 30);
}

#[test]
fn an_event_too_broken_to_read_is_watched_over_like_any_other() {
    let house = house(|_| {});
    house
        .submit("{\"text\": \"I had a terrible rash after taking the tablets and went to hospital");
    heard(&house);
    watched(&house);
    house.clock.advance_to(START.plus(12 * HOUR));
    watched(&house);
    let ids: Vec<String> = escalations(&house)
        .into_iter()
        .map(|one| one.candidate_id)
        .collect();
    assert_eq!(ids, candidates(&house));
    assert_eq!(ids.len(), 1);
}

#[test]
fn an_unreadable_acknowledgement_becomes_a_dead_letter_and_acknowledges_nothing() {
    let house = house(|_| {});
    submit(&house, 0..1);
    heard(&house);
    acknowledge(&house, &candidates(&house));
    let acks = &house.settings.topics.safety_acks;
    let mut broken = house.broker.all(acks).remove(0);
    broken.value = Some(b"{\"candidate_id\": 7}".to_vec());
    let other = self::house(|_| {});
    submit(&other, 0..1);
    heard(&other);
    other.broker.append(vec![again(broken)]).expect("appends");
    watched(&other);
    other.clock.advance_to(START.plus(12 * HOUR));
    watched(&other);
    assert_eq!(other.topic(|topics| &topics.dead_letters).len(), 1);
    assert_eq!(escalations(&other).len(), 1);
}

/// A stage that is never quiet must escalate all the same.
#[test]
fn a_topic_that_never_falls_quiet_holds_nothing_back_for_long() {
    use auscult_engine::turn::{Stage, Tick};
    let house = house(|_| {});
    submit(&house, 0..1);
    heard(&house);
    watched(&house);
    let stage = &mut SafetyStage::new(&house.settings, Arc::new(Metrics::default()));
    let assigned = |now: Timestamp, stage: &mut SafetyStage| {
        let mut log = house
            .broker
            .handle("safety", &house.settings.topics.watched());
        for partition in 0..2 {
            let at = auscult_engine::log::TopicPartition {
                topic: house.settings.topics.safety_candidates.as_str().into(),
                partition,
            };
            let mut state = Vec::new();
            auscult_engine::log::Log::restore(&mut log, &at, &mut |record| state.push(record))
                .expect("restores");
            let assignment = auscult_engine::turn::Assignment {
                partition: at,
                position: auscult_engine::log::Position(0),
                metadata: String::new(),
                state,
            };
            stage.assigned(assignment, now).expect("restores");
        }
    };
    let start = START.plus(20 * HOUR);
    assigned(start, stage);
    let busy = |minutes: i64, stage: &mut SafetyStage| {
        stage.tick(Tick {
            now: start.plus(minutes * 60_000),
            drained: false,
            quiet: false,
        });
        stage.commit().expect("a commit").outgoing.len()
    };
    assert_eq!(busy(14, stage), 0, "still catching up");
    assert_eq!(busy(15, stage), 1, "long enough");
    assert_eq!(busy(16, stage), 0, "once");
}
