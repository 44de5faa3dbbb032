//! Listen through real turns over the test log.

use crate::support::feedback::{House, START, Said};
use crate::support::{DEATH, Fault};
use auscult_core::time::{DAY, HOUR};
use auscult_engine::log::TopicPartition;
use auscult_engine::settings::DeadLetterCap;
use auscult_wire::{
    MentionRecord, decode_dead_letter, decode_medical_request, decode_mention_record,
    decode_safety_candidate,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const RASH: &str =
    "She developed a severe rash and was taken to hospital two days after starting Alpha.";

fn mentions(house: &House) -> Vec<auscult_core::mention::Mention<'static>> {
    // Leaking a few test records is the price of borrowed mentions in assertions.
    let records: &'static _ = Box::leak(Box::new(house.topic(|topics| &topics.mentions)));
    let decoded = records
        .iter()
        .map(|record: &'static auscult_engine::log::Record| {
            decode_mention_record(&record.headers, record.value.as_deref().expect("a value"))
                .expect("readable")
        });
    decoded
        .filter_map(|record| {
            if let MentionRecord::Mention(mention) = record {
                Some(mention)
            } else {
                None
            }
        })
        .collect()
}

/// Edge of every marker, by mentions partition and source partition, in log order.
fn markers(house: &House) -> BTreeMap<(u32, String), Vec<i64>> {
    let mut found: BTreeMap<_, Vec<i64>> = BTreeMap::new();
    for record in house.topic(|topics| &topics.mentions) {
        if let MentionRecord::Marker(marker) =
            decode_mention_record(&record.headers, record.value.as_deref().expect("a value"))
                .expect("readable")
        {
            assert_eq!(marker.source_partitions, 2);
            found
                .entry((record.at.partition, marker.source_partition))
                .or_default()
                .push(marker.watermark.0);
        }
    }
    found
}

fn candidates(house: &House) -> Vec<auscult_wire::SafetyCandidate> {
    let records = house.topic(|topics| &topics.safety_candidates);
    records
        .iter()
        .map(|record| {
            decode_safety_candidate(&record.headers, record.value.as_deref().expect("a value"))
                .expect("readable")
                .data
        })
        .collect()
}

fn dead_letters(house: &House) -> Vec<auscult_wire::DeadLetter> {
    let records = house.topic(|topics| &topics.dead_letters);
    records
        .iter()
        .map(|record| {
            decode_dead_letter(&record.headers, record.value.as_deref().expect("a value"))
                .expect("readable")
                .data
        })
        .collect()
}

#[test]
fn a_feedback_event_becomes_a_redacted_mention() {
    let house = House::new(|_| {});
    let text = "Please call Dr. Anna Schmidt on +49 89 1234567, the prior authorisation form is a nightmare.";
    house.submit(
        &Said {
            text,
            ..Said::default()
        }
        .json(),
    );
    house.listen().run_until_drained(0).expect("runs");
    let found = mentions(&house);
    assert_eq!(found.len(), 1);
    let mention = &found[0];
    assert_eq!(mention.portfolio, "acme|DE");
    assert_eq!(mention.feed, "crm/eu/field_note");
    assert!(!mention.text.contains("1234567"), "{}", mention.text);
    assert!(
        mention
            .themes
            .iter()
            .any(|tag| tag.theme.contains("access")),
        "{:?}",
        mention.themes
    );
    assert!(
        mention.sentiment.is_some_and(|value| value < 0),
        "{:?}",
        mention.sentiment
    );
    let person = mention.who.person.as_deref().expect("a pseudonym");
    assert!(!person.contains("fb-1"), "{person}");
    for record in house.topic(|topics| &topics.mentions) {
        let bytes = String::from_utf8_lossy(record.value.as_deref().expect("a value")).into_owned();
        assert!(
            !bytes.contains("person fb-1") && !bytes.contains("1234567"),
            "{bytes}"
        );
    }
}

#[test]
fn advances_position_past_poison_messages() {
    let house = House::new(|_| {});
    let poison: [&[u8]; 6] = [
        b"{\"feedback_id\": \"cut sho",
        b"\xff\xfe\x00binary",
        b"[1,2",
        b"null",
        b"\x00\x00\x00\x00\x07{}",
        b"{}",
    ];
    for bytes in poison {
        house.submit_bytes(bytes);
    }
    house.submit(&Said::default().json());
    house
        .listen()
        .run_until_drained(0)
        .expect("poison does not stop the stage");
    let letters = dead_letters(&house);
    assert_eq!(letters.len(), poison.len());
    let kept: BTreeSet<Vec<u8>> = letters
        .iter()
        .map(|letter| letter.value.as_ref().expect("bytes").0.clone())
        .collect();
    assert_eq!(
        kept,
        poison.iter().map(|bytes| bytes.to_vec()).collect(),
        "byte for byte"
    );
    assert!(
        letters
            .iter()
            .all(|letter| letter.topic == "feedback.v1" && !letter.code.is_empty())
    );
    assert_eq!(mentions(&house).len(), 1);
    let read: u64 = (0..2)
        .filter_map(|partition| {
            house.broker.position(
                "listen",
                &TopicPartition {
                    topic: "feedback.v1".into(),
                    partition,
                },
            )
        })
        .map(|(position, _)| position.0)
        .sum();
    assert_eq!(read, poison.len() as u64 + 1, "every record lies behind us");
}

#[test]
fn an_adverse_event_inside_a_broken_event_still_yields_a_candidate() {
    let house = House::new(|_| {});
    let whole = Said {
        text: RASH,
        ..Said::default()
    }
    .json();
    house.submit(&whole.replace("\"field_note\"", "\"carrier_pigeon\""));
    house.submit(&whole[..whole.len() - 40]);
    house.submit_bytes(&whole.replace("fb-1", "fb-\u{0}").into_bytes());
    house.listen().run_until_drained(0).expect("runs");
    assert_eq!(mentions(&house).len(), 0);
    assert_eq!(dead_letters(&house).len(), 3);
    let found = candidates(&house);
    assert_eq!(found.len(), 3, "{found:?}");
    for candidate in &found {
        assert!(
            candidate
                .classes
                .iter()
                .any(|class| class.as_str() == "adverse_event"),
            "{:?}",
            candidate.classes
        );
        assert!(
            candidate
                .seriousness_cues
                .iter()
                .any(|cue| cue.as_str() == "hospitalisation")
        );
        assert_eq!(candidate.clock.intake_due, START.plus(24 * HOUR));
    }
}

/// N18: what mutes a mention must not mute safety.
#[test]
fn nothing_mutes_a_safety_candidate() {
    let changes: [(&str, &str, &str); 6] = [
        (
            "a future time",
            "2026-05-04T00:00:00Z",
            "2031-05-04T00:00:00Z",
        ),
        (
            "a contact record",
            "\"kind\":\"feedback\"",
            "\"kind\":\"contact\"",
        ),
        ("no consent", "legitimate_interest", "unknown"),
        (
            "already redacted",
            "\"state\":\"raw\"",
            "\"state\":\"redacted\"",
        ),
        ("a probe", "\"kind\":", "\"canary\":true,\"kind\":"),
        ("another field", "\"text\":", "\"words\":"),
    ];
    for (why, from, to) in changes {
        let house = House::new(|settings| settings.listen.backfill = true);
        let json = Said {
            text: RASH,
            ..Said::default()
        }
        .json();
        let changed = json.replace(from, to);
        assert_ne!(json, changed, "{why}");
        house.submit(&changed);
        house.listen().run_until_drained(0).expect("runs");
        assert_eq!(candidates(&house).len(), 1, "{why}");
    }
}

#[test]
fn a_candidate_keeps_the_earlier_awareness() {
    let house = House::new(|_| {});
    house.clock.advance_to(START.plus(9 * DAY));
    house.submit(
        &Said {
            text: RASH,
            ..Said::default()
        }
        .json(),
    );
    house.listen().run_until_drained(0).expect("runs");
    let candidate = &candidates(&house)[0];
    assert_eq!(candidate.awareness.at, START);
    assert_eq!(candidate.clock.serious_due, "2026-05-19");
    assert_eq!(candidate.clock.non_serious_due, "2026-08-02");
    assert_eq!(candidate.product.code, "alpha");
    let bytes = house.topic(|topics| &topics.safety_candidates)[0]
        .value
        .clone()
        .expect("a value");
    assert!(
        !String::from_utf8_lossy(&bytes).contains("severe rash"),
        "the candidate refers to the text, it does not hold it"
    );
}

#[test]
fn a_future_event_is_quarantined_and_moves_no_watermark() {
    let house = House::new(|settings| settings.listen.idle_after_seconds = 0);
    house.submit(
        &Said {
            at: START.plus(DAY),
            ..Said::default()
        }
        .json(),
    );
    house.listen().run_until_drained(0).expect("runs");
    assert_eq!(dead_letters(&house)[0].code, "TIME_IN_FUTURE");
    assert!(markers(&house).is_empty());
}

#[test]
fn a_medical_question_goes_to_medical_information_alone() {
    let house = House::new(|_| {});
    let text = "Can Alpha be given to patients with severe renal impairment, and at which dose?";
    house.submit(
        &Said {
            text,
            ..Said::default()
        }
        .json(),
    );
    house.listen().run_until_drained(0).expect("runs");
    let requests = house.topic(|topics| &topics.medical_requests);
    assert_eq!(requests.len(), 1);
    let request = decode_medical_request(
        &requests[0].headers,
        requests[0].value.as_deref().expect("a value"),
    )
    .expect("readable")
    .data;
    assert!(
        request.question.contains("renal impairment"),
        "{}",
        request.question
    );
    let found = mentions(&house);
    assert!(found[0].medical_request && found[0].text.is_empty());
    for record in house.topic(|topics| &topics.mentions) {
        assert!(
            !String::from_utf8_lossy(record.value.as_deref().expect("a value")).contains("renal")
        );
    }
}

#[test]
fn what_the_house_hides_is_hidden_and_the_ruleset_says_so() {
    let house = House::new(|settings| settings.listen.hidden_terms = vec!["pens".to_owned()]);
    house.submit(&Said::default().json());
    house.listen().run_until_drained(0).expect("runs");
    let found = mentions(&house);
    assert_eq!(
        found[0].text,
        "The delivery of the [IDENTIFIER] was late again this week."
    );
    let rules: Vec<_> = found[0]
        .models
        .iter()
        .filter(|model| model.starts_with("privacy:"))
        .collect();
    assert!(
        rules.len() == 1 && rules[0].contains("+terms."),
        "{rules:?}"
    );
}

#[test]
fn stances_toward_the_house_s_beliefs_are_on_the_mention_with_their_rules() {
    let beliefs = auscult_language::stance::BeliefSet::from_toml(
        "format = 1\n[[beliefs]]\nid = 'punctual'\nstatement = 'Deliveries are on time.'\nversion = '1'\n\
         about = ['delivery']\nsupports = ['on time']\nopposes = ['late']\n",
    );
    let house =
        House::new(|settings| settings.listen.beliefs = Some(beliefs.expect("sound").into()));
    for (id, text) in [
        ("fb-1", "The delivery of the pens was late again this week."),
        ("fb-2", "The delivery was not late this week, for once."),
        ("fb-3", "The pens are blue and the box is large."),
    ] {
        house.submit(
            &Said {
                id,
                text,
                ..Said::default()
            }
            .json(),
        );
    }
    house.listen().run_until_drained(0).expect("runs");
    let mut found = mentions(&house);
    found.sort_by(|left, right| left.feedback_id.cmp(&right.feedback_id));
    let stances: Vec<Vec<String>> = found
        .iter()
        .map(|mention| mention.stances.iter().map(|tag| tag.value()).collect())
        .collect();
    assert_eq!(
        stances,
        [
            vec!["punctual:opposes".to_owned()],
            vec!["punctual:supports".to_owned()],
            vec![]
        ]
    );
    assert!(
        found[2]
            .models
            .iter()
            .any(|model| model.starts_with("stance:auscult-stance@3+beliefs."))
    );
}

#[test]
fn extra_fields_stay_behind_unless_somebody_cuts_by_them() {
    let house = House::new(|settings| settings.listen.extra_fields = vec!["service".to_owned()]);
    let json = Said::default().json().replacen(
        '{',
        r#"{"service": "Ward 7", "diary": "written by Peter Miller", "#,
        1,
    );
    house.submit(&json);
    house.listen().run_until_drained(0).expect("runs");
    let found = mentions(&house);
    assert_eq!(found[0].extra, [("service".into(), "Ward 7".into())]);
}

#[test]
fn too_many_dead_letters_stop_the_stage_after_they_are_safe() {
    let house = House::new(|settings| {
        settings.listen.dead_letter_cap = DeadLetterCap {
            window_records: 10,
            share: 0.5,
        }
    });
    for _ in 0..5 {
        house.submit(&Said::default().json());
    }
    for number in 0..12 {
        house.submit(&format!("{{\"broken\": {number}, \"text\": \"{RASH}\""));
    }
    let stop = house.listen().run_until_drained(0).expect_err("stops");
    assert!(
        stop.message.contains("dead-letters list"),
        "{}",
        stop.message
    );
    assert!(dead_letters(&house).len() >= 5);
    assert_eq!(
        candidates(&house).len(),
        dead_letters(&house).len(),
        "safety has them all"
    );
}

#[test]
fn an_idle_source_partition_is_moved_on_by_the_clock() {
    let house = House::new(|settings| settings.listen.idle_after_seconds = 600);
    let mut listen = house.listen();
    house.submit(&Said::default().json());
    listen.run_until_drained(0).expect("runs");
    assert_eq!(
        markers(&house).len(),
        2,
        "one source partition has spoken, into both mentions partitions"
    );
    house.clock.advance_to(START.plus(8 * HOUR));
    listen.run_until_drained(0).expect("runs");
    let found = markers(&house);
    assert_eq!(found.len(), 4);
    assert!(
        found
            .values()
            .all(|edges| edges.last() == Some(&START.plus(2 * HOUR).0)),
        "now less six hours: {found:?}"
    );
}

#[test]
fn loaded_history_moves_empty_partitions_along_and_can_be_finished() {
    let house = House::new(|settings| settings.listen.backfill = true);
    house.clock.advance_to(START.plus(400 * DAY));
    let mut listen = house.listen();
    house.submit(&Said::default().json());
    listen.run_until_drained(0).expect("runs");
    let found = markers(&house);
    assert_eq!(found.len(), 4, "the empty partition follows");
    assert!(
        found.values().flatten().all(|edge| *edge <= START.0),
        "and never past the history: {found:?}"
    );
    listen.stage_mut().finish_history(START.plus(DAY));
    listen.run_until_drained(0).expect("runs");
    assert!(
        markers(&house)
            .values()
            .all(|edges| edges.last() == Some(&START.plus(DAY).0))
    );
}

#[test]
fn four_threads_write_what_one_writes() {
    let run = |threads: usize| {
        let house = House::new(|settings| settings.listen.threads = threads);
        house.clock.advance_to(START.plus(30 * DAY));
        for number in 0..500_i64 {
            let id = format!("fb-{number}");
            let text = if number % 7 == 0 {
                RASH
            } else {
                "Great support line, quick answer."
            };
            house.submit(
                &Said {
                    id: &id,
                    at: START.plus(number * HOUR / 3),
                    text,
                    ..Said::default()
                }
                .json(),
            );
        }
        let stage = auscult_engine::listen::ListenStage::standard(
            &house.settings,
            auscult_language::themes::Taxonomy::standard(),
            house.metrics.clone(),
        );
        let bounds = auscult_engine::turn::TurnBounds::default();
        let log = house.broker.handle("listen", &["feedback.v1"]);
        let mut turn = auscult_engine::turn::Turn::new(
            log,
            stage,
            house.clock.clone(),
            house.metrics.clone(),
            bounds,
        );
        turn.run_until_drained(0).expect("runs");
        (
            house.topic(|topics| &topics.mentions),
            house.topic(|topics| &topics.safety_candidates),
        )
    };
    assert_eq!(run(1), run(4));
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![3 => Just(None), 1 => Just(Some(Fault::Retry)), 1 => Just(Some(Fault::Fenced)), 1 => Just(Some(Fault::DieBefore)), 1 => Just(Some(Fault::DieAfter))]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Conservation and monotone markers under faults: each record is a mention or a dead letter, once; the
    /// mentions do not depend on what failed; no marker ever goes back.
    #[test]
    fn conserves_records_whatever_fails(
        hours in prop::collection::vec(0_i64..200, 1..60),
        broken in prop::collection::vec(prop::bool::weighted(0.2), 60),
        faults in prop::collection::vec(fault(), 0..12),
    ) {
        let house = House::new(|settings| settings.listen.dead_letter_cap.share = 1.0);
        house.clock.advance_to(START.plus(30 * DAY));
        for (number, hour) in hours.iter().enumerate() {
            let json = Said { id: &format!("fb-{number}"), at: START.plus(hour * HOUR), ..Said::default() }.json();
            house.submit(if broken[number] { &json[..json.len() - 1] } else { &json });
        }
        let mut faults: std::collections::VecDeque<_> = faults.into();
        loop {
            let mut turn = house.turn(
                house.broker.handle("listen", &["feedback.v1"]).with_faults(faults.iter().copied()),
                auscult_engine::listen::ListenStage::standard(&house.settings, auscult_language::themes::Taxonomy::standard(), house.metrics.clone()),
            );
            match turn.run_until_drained(100) {
                Ok(()) => break,
                Err(stop) => {
                    prop_assert!(stop.message.contains(DEATH), "{}", stop);
                    let death = faults.iter().position(|fault| matches!(fault, Some(Fault::DieBefore | Fault::DieAfter)));
                    faults.drain(..=death.expect("a death was scripted"));
                }
            }
        }
        let bad = broken[..hours.len()].iter().filter(|broken| **broken).count();
        prop_assert_eq!(dead_letters(&house).len(), bad);
        let ids: Vec<String> = mentions(&house).iter().map(|mention| mention.feedback_id.to_string()).collect();
        prop_assert_eq!(ids.len(), hours.len() - bad);
        prop_assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        for (place, edges) in markers(&house) {
            prop_assert!(edges.is_sorted_by(|a, b| a < b), "{:?} {:?}", place, edges);
        }
    }
}
