//! Listen, Detect and Serve together over the test log: what goes in is accounted for, an answer finds its way
//! back, and a crash anywhere changes nothing anybody can see.

use crate::support::feedback::{House, START, Said};
use crate::support::{DEATH, Fault};
use auscult_core::settings::DetectSettings;
use auscult_core::settings::Dimension;
use auscult_core::time::{DAY, HOUR};
use auscult_core::words::StandardDimension;
use auscult_engine::log::{Append, Position, TopicPartition};
use auscult_engine::read_model::{OpenRequests, ViewChange, ViewWriter, WriteError};
use auscult_engine::serve::{Changed, ServeStage};
use auscult_engine::submit::SubmitDesk;
use auscult_language::stance::BeliefSet;
use auscult_wire::decode_alert;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

const DAYS: i64 = 40;
const BURST_DAY: i64 = 32;

/// Forty days of a quiet feed with one burst about one theme.
fn history(house: &House) {
    house.clock.advance_to(START.plus(60 * DAY));
    let mut lines = Vec::new();
    for day in 0..DAYS {
        let count = if (BURST_DAY..BURST_DAY + 3).contains(&day) {
            40
        } else {
            5 + day % 3
        };
        for number in 0..count {
            let at = START.plus(day * DAY + number * HOUR / 2);
            let text = "The prior authorisation form was refused by the insurer again.";
            lines.push(
                Said {
                    id: &format!("fb-{day}-{number}"),
                    at,
                    text,
                    respondent: "hcp",
                    ..Said::default()
                }
                .json(),
            );
        }
    }
    house.submit(&lines.join("\n"));
}

fn house() -> House {
    house_that_believes(None)
}

fn house_that_believes(beliefs: Option<BeliefSet>) -> House {
    let house = House::new(|settings| {
        settings.partitions.source = 1;
        settings.listen.idle_after_seconds = 0;
        settings.listen.beliefs = beliefs.map(Arc::new);
    });
    history(&house);
    house
}

fn listened(house: &House) {
    let mut listen = house.listen();
    listen.run_until_drained(0).expect("listens");
    listen.stage_mut().finish_history(START.plus(DAYS * DAY));
    listen.run_until_drained(0).expect("finishes");
}

/// Alerts by signal and revision, as bytes.
fn alerts(house: &House) -> BTreeMap<(String, u32), Vec<u8>> {
    let records = house.topic(|topics| &topics.alerts_medical);
    let mut found = BTreeMap::new();
    for record in &records {
        let value = record.value.as_deref().expect("a value");
        let alert = decode_alert(&record.headers, value).expect("readable").data;
        let twice = found.insert((alert.signal_id, alert.revision), value.to_vec());
        assert!(twice.is_none(), "no revision is sent twice");
    }
    found
}

/// What people think of a belief statement is for medical readers: neither the shared topics nor an alert of another view say it (U07).
#[test]
fn alerts_about_stances_go_to_the_medical_topic_alone() {
    let beliefs = BeliefSet::from_toml(
        "format = 1\n[[beliefs]]\nid = 'forms'\nstatement = 'Prior authorisation is quick.'\nversion = '1'\n\
         about = ['prior authorisation']\nsupports = ['quick']\nopposes = ['was refused']\n",
    );
    let house = house_that_believes(Some(beliefs.expect("a sound file")));
    listened(&house);
    let mut settings = DetectSettings::standard();
    let mut view = settings.views[0].clone();
    view.name = "beliefs".to_owned();
    view.dimensions = vec![Dimension::Standard(StandardDimension::Stance)];
    settings.views.push(view);
    let mut detect = house.detect(settings);
    detect.run_until_drained(0).expect("detects");
    let text = |record: &auscult_engine::log::Record| {
        String::from_utf8_lossy(record.value.as_deref().expect("a value")).into_owned()
    };
    let medical = house.topic(|topics| &topics.alerts_medical);
    let told = medical
        .iter()
        .filter(|record| text(record).contains("forms:opposes"))
        .count();
    assert!(told > 0, "the burst opposes the statement");
    let shared = house.topic(|topics| &topics.alerts);
    assert_eq!(shared.len() + told, medical.len());
    assert!(!shared.is_empty(), "the other views are told to everybody");
    for record in shared.iter().chain(&house.topic(|topics| &topics.signals)) {
        assert!(!text(record).contains("forms:"), "{}", text(record));
    }
}

#[test]
fn a_burst_is_found_and_every_mention_is_accounted_for() {
    let house = house();
    listened(&house);
    let mut detect = house.detect(DetectSettings::standard());
    detect.run_until_drained(0).expect("detects");
    let found = alerts(&house);
    assert!(
        !found.is_empty(),
        "a burst of eight times the usual is found"
    );
    let shared = house.topic(|topics| &topics.alerts);
    assert_eq!(
        shared.len(),
        found.len(),
        "both audiences hear of each revision"
    );
    assert_eq!(house.topic(|topics| &topics.signals).len(), found.len());
    for record in &shared {
        let alert = decode_alert(&record.headers, record.value.as_deref().expect("a value"))
            .expect("readable")
            .data;
        assert!(alert.examples.is_empty(), "no quote on a shared topic");
    }
    let counters: Vec<_> = detect
        .stage()
        .machines()
        .map(|(_, partition)| partition.counters())
        .collect();
    let read: u64 = counters.iter().map(|counter| counter.read).sum();
    let sum: u64 = counters
        .iter()
        .map(|counter| counter.applied + counter.duplicate + counter.too_late + counter.rejected)
        .sum();
    let fed = house.topic(|topics| &topics.sources[0]).len() as u64;
    assert_eq!((read, sum), (fed, fed));
    let text = house.metrics.render(START).expect("renders");
    assert!(
        text.contains(&format!(
            r#"auscult_mentions_total{{result="applied"}} {fed}"#
        )),
        "{text}"
    );
}

#[test]
fn crashes_between_any_two_steps_change_no_alert() {
    let straight = house();
    listened(&straight);
    straight
        .detect(DetectSettings::standard())
        .run_until_drained(0)
        .expect("detects");
    let expected = alerts(&straight);
    assert!(!expected.is_empty());

    let crashed = house();
    listened(&crashed);
    let faults = [
        None,
        Some(Fault::DieAfter),
        Some(Fault::Retry),
        Some(Fault::DieBefore),
        Some(Fault::Fenced),
        None,
        Some(Fault::DieAfter),
    ];
    let mut faults: VecDeque<Option<Fault>> = faults.into();
    loop {
        let fresh = crashed.detect(DetectSettings::standard());
        let mut turn = with_faults(fresh, &crashed, &faults);
        match turn.run_until_drained(10) {
            Ok(()) => break,
            Err(stop) => {
                assert!(stop.message.contains(DEATH), "{stop}");
                let death = faults
                    .iter()
                    .position(|fault| matches!(fault, Some(Fault::DieBefore | Fault::DieAfter)));
                faults.drain(..=death.expect("a death was scripted"));
            }
        }
    }
    assert!(
        faults
            .iter()
            .all(|fault| !matches!(fault, Some(Fault::DieBefore | Fault::DieAfter))),
        "all deaths were died"
    );
    assert_eq!(alerts(&crashed), expected, "byte for byte");
}

type DetectTurn =
    auscult_engine::turn::Turn<crate::support::TestLog, auscult_engine::detect::DetectStage>;

fn with_faults(
    mut turn: DetectTurn,
    house: &House,
    faults: &VecDeque<Option<Fault>>,
) -> DetectTurn {
    *turn.log_mut() = house
        .broker
        .handle("detect", &house.settings.topics.detected())
        .with_faults(faults.iter().copied());
    turn
}

#[test]
fn an_answer_travels_back_through_the_log() {
    let house = house();
    listened(&house);
    let mut detect = house.detect(DetectSettings::standard());
    detect.run_until_drained(0).expect("detects");
    let ((signal_id, revision), _) = alerts(&house).into_iter().next_back().expect("an alert");
    let desk = SubmitDesk::new(&house.settings);
    let json = serde_json::json!({
        "disposition_id": "d-1", "signal_id": signal_id, "revision_seen": revision, "decision": "confirmed",
        "actor": {"ref": "u_44", "function": "insights"}, "decided_at": "2026-06-20T08:00:00Z", "use_for_learning": true,
    });
    let (id, record) = desk
        .disposition("acme", "acme|DE", &json.to_string(), "{}")
        .expect("readable");
    assert_eq!(id, "d-1");
    let unknown = desk
        .disposition(
            "acme",
            "acme|DE",
            &json
                .to_string()
                .replace(&signal_id, "al_nobody")
                .replace("d-1", "d-2"),
            "{}",
        )
        .expect("readable")
        .1;
    house.broker.append(vec![record, unknown]).expect("appends");
    detect.run_until_drained(0).expect("hears the answer");
    let partition = detect
        .stage()
        .machines()
        .find(|(_, partition)| partition.counters().read > 0)
        .expect("a machine")
        .1;
    let alert = alerts(&house)
        .into_iter()
        .rfind(|((id, _), _)| *id == signal_id)
        .expect("the signal")
        .1;
    assert!(
        String::from_utf8_lossy(&alert).contains("\"confirmed\""),
        "{}",
        String::from_utf8_lossy(&alert)
    );
    assert!(partition.series_count() > 0);
    let text = house.metrics.render(START).expect("renders");
    assert!(
        text.contains(r#"auscult_rejections_total{reason="unknown_signal"} 1"#),
        "{text}"
    );
}

/// One record of an incident: its type, its id, and the id of what caused it.
fn thread_of(house: &House, incident: &str) -> Vec<(String, String, Option<String>)> {
    type Named = for<'a> fn(&'a auscult_engine::settings::Topics) -> &'a String;
    let topics: [Named; 4] = [
        |topics| &topics.alerts,
        |topics| &topics.dispositions,
        |topics| &topics.actions,
        |topics| &topics.outcomes,
    ];
    let mut found = Vec::new();
    for record in topics.iter().flat_map(|name| house.topic(name)) {
        let header = |name: &str| {
            let value = record.headers.iter().find(|(key, _)| key == name)?;
            Some(String::from_utf8_lossy(&value.1).into_owned())
        };
        if header("ce_correlationid").as_deref() == Some(incident) {
            let id = header("ce_id").expect("an id");
            found.push((
                header("ce_type").expect("a type"),
                id,
                header("ce_causationid"),
            ));
        }
    }
    found
}

/// L02: alert, answer, action and outcome hang together by ids, from topics alone; and Serve reads all of them.
#[test]
fn an_incident_is_whole_from_topics_alone() {
    let house = house();
    listened(&house);
    let mut detect = house.detect(DetectSettings::standard());
    detect.run_until_drained(0).expect("detects");
    let ((signal_id, revision), alert) = alerts(&house).into_iter().next_back().expect("an alert");
    let alert = String::from_utf8(alert).expect("text");
    let told: serde_json::Value = serde_json::from_str(&alert).expect("JSON");
    let incident = told["incident_id"]
        .as_str()
        .expect("an incident")
        .to_owned();
    let answer = serde_json::json!({
        "disposition_id": "d-1", "signal_id": signal_id, "revision_seen": revision, "decision": "confirmed",
        "actor": {"ref": "u_44"}, "decided_at": "2026-06-20T08:00:00Z",
    });
    let started = serde_json::json!({
        "action_id": "a-1", "signal_ids": [signal_id], "incident_id": incident, "state": "started", "owner": "u_61",
        "due": "2026-07-31", "kind": "access_support", "hypothesis": "A guide helps.",
        "target": {"measure": told["series"]["measure"], "series_id": told["series"]["id"], "direction": "down",
                   "expected_effect": -0.3},
        "started_at": auscult_wire::time::format(START.plus((DAYS - 4) * DAY)), "recorded_at": "2026-06-20T09:00:00Z",
    });
    let mut cancelled = started.clone();
    cancelled["state"] = "cancelled".into();
    cancelled["recorded_at"] = "2026-06-20T10:00:00Z".into();
    let mut frozen = cancelled.clone();
    frozen["target"]["expected_effect"] = serde_json::json!(-0.01);
    frozen["recorded_at"] = "2026-06-20T09:30:00Z".into();
    let desk = SubmitDesk::new(&house.settings);
    let mut records = vec![
        desk.disposition("acme", "acme|DE", &answer.to_string(), &alert)
            .expect("readable")
            .1,
    ];
    for action in [&started, &frozen, &cancelled] {
        let record = desk.action("acme", "acme|DE", &action.to_string());
        records.push(record.expect("readable"));
    }
    let poison = auscult_engine::log::Outgoing {
        value: Some(b"{}".to_vec()),
        ..records[1].clone()
    };
    records.push(poison);
    house.broker.append(records).expect("appends");
    detect.run_until_drained(0).expect("hears of it");
    let thread = thread_of(&house, &incident);
    let of = |kind: &str| {
        let kind = format!("io.auscult.{kind}.v1");
        thread
            .iter()
            .rfind(|(it, ..)| *it == kind)
            .unwrap_or_else(|| panic!("{kind}: {thread:?}"))
    };
    let (disposition, outcome) = (of("alert.dispositioned"), of("outcome.estimated"));
    let caused = |(_, _, cause): &(String, String, Option<String>)| {
        let cause = cause.as_ref().expect("a cause");
        let caused = thread.iter().find(|(_, id, _)| id == cause);
        caused
            .unwrap_or_else(|| panic!("{cause} is on no topic"))
            .0
            .clone()
    };
    assert!(caused(disposition).starts_with("io.auscult.alert."));
    assert_eq!(caused(outcome), "io.auscult.action.recorded.v1");
    let record = house
        .topic(|topics| &topics.outcomes)
        .pop()
        .expect("an outcome");
    let outcome = auscult_wire::decode_outcome(&record.headers, record.value.as_deref().unwrap());
    let outcome = outcome.expect("readable").data;
    assert_eq!(outcome.verdict.as_str(), "inconclusive");
    assert_eq!(outcome.target.expected_effect, -0.3, "as it was frozen");
    assert_eq!(
        house.topic(|topics| &topics.dead_letters).len(),
        1,
        "the empty one"
    );
    let text = house.metrics.render(START).expect("renders");
    for line in [
        r#"auscult_rejections_total{reason="action_refused"} 1"#,
        r#"auscult_outcomes_total{stage="final",verdict="inconclusive"} 1"#,
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn a_poisoned_mention_is_dead_lettered_and_passed() {
    let house = house();
    listened(&house);
    let poison = auscult_engine::log::Outgoing {
        topic: house.settings.topics.mentions.as_str().into(),
        partition: Some(1),
        key: None,
        headers: vec![(
            "ce_type".to_owned(),
            b"io.auscult.mention.understood.v1".to_vec(),
        )],
        value: Some(b"{\"tenant\": 7}".to_vec()),
    };
    house.broker.append(vec![poison]).expect("appends");
    house
        .detect(DetectSettings::standard())
        .run_until_drained(0)
        .expect("goes on");
    assert_eq!(house.topic(|topics| &topics.dead_letters).len(), 1);
}

/// A view in memory that is busy now and then, and that survives its stage as a file would.
#[derive(Clone, Default)]
struct View(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    changes: Vec<ViewChange>,
    positions: BTreeMap<TopicPartition, Position>,
    calls: u32,
}

impl ViewWriter for View {
    fn position(&self, partition: &TopicPartition) -> Result<Option<Position>, WriteError> {
        Ok(self
            .0
            .lock()
            .expect("no panic")
            .positions
            .get(partition)
            .copied())
    }
    fn open_requests(&self) -> Result<OpenRequests, WriteError> {
        Ok(OpenRequests::default())
    }
    fn apply(
        &mut self,
        changes: Vec<ViewChange>,
        positions: &[(TopicPartition, Position)],
    ) -> Result<(), WriteError> {
        let mut inner = self.0.lock().expect("no panic");
        inner.calls += 1;
        if inner.calls.is_multiple_of(3) {
            return Err(WriteError::Busy("a reader holds the file".to_owned()));
        }
        inner.changes.extend(changes);
        inner.positions.extend(positions.iter().cloned());
        Ok(())
    }
}

#[test]
fn the_view_counts_each_record_once_although_everything_fails() {
    let house = house();
    house
        .submit("{\"text\": \"I had a terrible rash after taking the tablets and went to hospital");
    listened(&house);
    house
        .detect(DetectSettings::standard())
        .run_until_drained(0)
        .expect("detects");
    let view = View::default();
    let woken: Arc<Mutex<BTreeSet<Changed>>> = Arc::default();
    let mut faults: VecDeque<Option<Fault>> = [
        Some(Fault::DieBefore),
        None,
        Some(Fault::DieAfter),
        Some(Fault::Retry),
        Some(Fault::Fenced),
    ]
    .into();
    loop {
        let heard = Arc::clone(&woken);
        let on_change = Box::new(move |changed: &[Changed]| {
            heard
                .lock()
                .expect("no panic")
                .extend(changed.iter().cloned())
        });
        let stage = ServeStage::new(
            view.clone(),
            &house.settings,
            Arc::clone(&house.metrics),
            on_change,
        );
        let log = house
            .broker
            .handle("serve", &house.settings.topics.served())
            .with_faults(faults.iter().copied());
        match house.turn(log, stage).run_until_drained(50) {
            Ok(()) => break,
            Err(stop) => {
                assert!(stop.message.contains(DEATH), "{stop}");
                let death = faults
                    .iter()
                    .position(|fault| matches!(fault, Some(Fault::DieBefore | Fault::DieAfter)));
                faults.drain(..=death.expect("a death was scripted"));
            }
        }
    }
    let inner = view.0.lock().expect("no panic");
    let mentions: u64 = inner
        .changes
        .iter()
        .map(|change| {
            if let ViewChange::FeedSeen { mentions, .. } = change {
                *mentions
            } else {
                0
            }
        })
        .sum();
    assert_eq!(
        mentions,
        house.topic(|topics| &topics.sources[0]).len() as u64 - 1,
        "the broken one is no mention"
    );
    let signals = inner
        .changes
        .iter()
        .filter(|change| matches!(change, ViewChange::Signal(_)))
        .count();
    assert_eq!(signals, alerts(&house).len());
    let letters = inner
        .changes
        .iter()
        .filter(|change| matches!(change, ViewChange::DeadLetter { .. }))
        .count();
    let candidates = inner
        .changes
        .iter()
        .filter(|change| matches!(change, ViewChange::SafetyCandidate { .. }))
        .count();
    assert_eq!((letters, candidates), (1, 1));
    let woken = woken.lock().expect("no panic");
    // A process that dies wakes nobody: what it wrote is seen when pages ask again.
    assert!(woken.contains(&Changed::Operations), "{woken:?}");
}

#[test]
fn submissions_are_idempotent_and_lose_nothing() {
    let house = House::new(|_| {});
    let desk = SubmitDesk::new(&house.settings);
    let good = Said::default().json();
    let body = format!("{good}\n{}\n", good.replace("\"hcp\"", "\"wizard\""));
    let once = desk
        .feedback("application/x-ndjson", &Vec::new(), body.as_bytes(), START)
        .expect("a body");
    let again = desk
        .feedback(
            "application/x-ndjson",
            &Vec::new(),
            body.as_bytes(),
            START.plus(DAY),
        )
        .expect("a body");
    assert_eq!(once.ids, again.ids, "the same bytes are the same event");
    assert_eq!(
        (once.ids.len(), once.refused.len(), once.outgoing.len()),
        (1, 1, 2)
    );
    assert_eq!(
        (once.refused[0].index, once.refused[0].error.code.as_str()),
        (1, "ENUM_UNKNOWN")
    );
    assert!(desk.feedback("", &Vec::new(), b" \n ", START).is_err());
}

#[test]
fn a_dead_letter_is_replayed_byte_for_byte_three_times_at_most() {
    let house = House::new(|_| {});
    house.submit_bytes(b"{\"broken");
    let original = house.topic(|topics| &topics.sources[0]).remove(0);
    let desk = SubmitDesk::new(&house.settings);
    let mut listen = house.listen();
    for round in 0..4 {
        listen.run_until_drained(0).expect("listens");
        let letters = house.topic(|topics| &topics.dead_letters);
        let letter = letters.iter().rev().find_map(|record| {
            auscult_wire::decode_dead_letter(&record.headers, record.value.as_deref()?).ok()
        });
        let letter = letter.expect("a dead letter").data;
        assert_eq!(letter.replays, round);
        match desk.replay("0-0", &letter) {
            Ok(records) => {
                assert_eq!(records[0].value, original.value);
                house.broker.append(records.to_vec()).expect("appends");
            }
            Err(too_often) => assert!(round == 3 && too_often.to_string().contains("0-0")),
        }
    }
}
