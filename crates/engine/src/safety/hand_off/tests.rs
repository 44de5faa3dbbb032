use super::*;
use auscult_core::time::{DAY, HOUR};
use auscult_wire::safety::{
    CandidateAwareness, CandidateClock, CandidateCriteria, CandidateEvent, CandidateProduct,
    CandidateTriage,
};
use auscult_wire::words::{Criterion, ReporterType};
use proptest::prelude::*;

const AFTER: i64 = 12 * HOUR;

fn candidate(id: &str) -> SafetyCandidate {
    SafetyCandidate {
        candidate_id: id.to_owned(),
        feedback_ids: vec!["fb-1".to_owned()],
        revision: 1,
        classes: vec![SafetyClass::AdverseEvent, SafetyClass::Misuse],
        awareness: CandidateAwareness {
            at: Timestamp(0),
            by_function: String::new(),
            by_organisation: String::new(),
        },
        clock: CandidateClock {
            intake_due: Timestamp(DAY),
            serious_due: "1970-01-16".to_owned(),
            non_serious_due: "1970-04-01".to_owned(),
            rules: "test".to_owned(),
        },
        criteria: CandidateCriteria {
            reporter: Criterion::Found,
            patient: Criterion::Found,
            product: Criterion::Missing,
            event: Criterion::Found,
        },
        event: CandidateEvent {
            verbatim_spans: Vec::new(),
            term_suggestion: auscult_wire::safety::TermSuggestion::default(),
        },
        product: CandidateProduct {
            code: "prd_alpha".to_owned(),
            as_reported: String::new(),
        },
        seriousness_cues: vec![SeriousnessCue::Hospitalisation],
        reporter_type: ReporterType::Consumer,
        country: "DE".to_owned(),
        language: "de".to_owned(),
        follow_up_allowed: false,
        verbatim_ref: String::new(),
        triage: CandidateTriage {
            score: 0.9,
            threshold: 0.2,
            model: "m".to_owned(),
            version: "1".to_owned(),
            rules_hit: Vec::new(),
        },
        possible_duplicates: Vec::new(),
        solicitation: None,
        source_type: None,
    }
}

fn ids(escalations: &[(String, SafetyEscalation)]) -> Vec<&str> {
    escalations
        .iter()
        .map(|(_, escalation)| escalation.candidate_id.as_str())
        .collect()
}

#[test]
fn what_nobody_acknowledged_is_escalated_once_and_says_what_it_is() {
    let mut held = HandOffs::default();
    assert_eq!(
        held.hand_over("acme", &candidate("ae_1"), Timestamp(1_000)),
        HandedOver::New
    );
    assert_eq!(
        held.hand_over("acme", &candidate("ae_2"), Timestamp(2_000)),
        HandedOver::New
    );
    assert_eq!(
        held.acknowledge("ae_2", Timestamp(3_000)),
        Acknowledged::Waiting
    );
    assert!(held.escalate(Timestamp(AFTER), AFTER, 10).is_empty());
    let escalations = held.escalate(Timestamp(AFTER + 1_000), AFTER, 10);
    assert_eq!(ids(&escalations), ["ae_1"]);
    let (tenant, escalation) = &escalations[0];
    assert_eq!(tenant, "acme");
    assert_eq!(escalation.acknowledgement_due, Timestamp(AFTER + 1_000));
    assert_eq!(
        escalation.classes,
        [SafetyClass::AdverseEvent, SafetyClass::Misuse]
    );
    assert_eq!(
        escalation.seriousness_cues,
        [SeriousnessCue::Hospitalisation]
    );
    assert!(
        held.escalate(Timestamp(100 * DAY), AFTER, 10).is_empty(),
        "once"
    );
    let standing = held.standing(Timestamp(2 * DAY));
    assert_eq!((standing.waiting, standing.escalated), (0, 1));
    assert_eq!(standing.intake_overdue, 1);
    assert_eq!(
        held.acknowledge("ae_1", Timestamp(3 * DAY)),
        Acknowledged::Escalated
    );
    assert_eq!(held.standing(Timestamp(3 * DAY)), Standing::default());
}

#[test]
fn a_candidate_that_comes_again_keeps_its_first_clock_and_its_acknowledgement() {
    let mut held = HandOffs::default();
    held.hand_over("acme", &candidate("ae_1"), Timestamp(0));
    assert_eq!(
        held.hand_over("acme", &candidate("ae_1"), Timestamp(AFTER - 1)),
        HandedOver::Again
    );
    assert_eq!(ids(&held.escalate(Timestamp(AFTER), AFTER, 10)), ["ae_1"]);
    held.acknowledge("ae_1", Timestamp(AFTER + 1));
    assert_eq!(
        held.hand_over("acme", &candidate("ae_1"), Timestamp(AFTER + 2)),
        HandedOver::Again
    );
    assert!(held.escalate(Timestamp(9 * DAY), AFTER, 10).is_empty());
    held.forget_acknowledged_before(Timestamp(10 * DAY));
    assert_eq!(
        held.hand_over("acme", &candidate("ae_1"), Timestamp(11 * DAY)),
        HandedOver::New,
        "beyond memory it is handed over anew rather than not at all"
    );
}

#[test]
fn an_acknowledgement_may_come_before_its_candidate() {
    let mut held = HandOffs::default();
    assert_eq!(
        held.acknowledge("ae_1", Timestamp(0)),
        Acknowledged::Unknown
    );
    assert_eq!(
        held.hand_over("acme", &candidate("ae_1"), Timestamp(1)),
        HandedOver::Again
    );
    assert!(held.escalate(Timestamp(DAY), AFTER, 10).is_empty());
}

#[test]
fn a_turn_escalates_no_more_than_it_was_told_and_loses_nothing() {
    let mut held = HandOffs::default();
    for number in 0..25 {
        held.hand_over(
            "acme",
            &candidate(&format!("ae_{number:02}")),
            Timestamp(number),
        );
    }
    let mut seen = Vec::new();
    loop {
        let some = held.escalate(Timestamp(DAY), AFTER, 10);
        if some.is_empty() {
            break;
        }
        assert!(some.len() <= 10);
        seen.extend(some.into_iter().map(|(_, one)| one.candidate_id));
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 25);
}

/// State as version 1 wrote it on the day it came in: later programs must go on reading it.
const VERSION_1: [(&str, &[u8]); 2] = [
    (
        "ae_1",
        b"\x01{\"waiting\":{\"tenant\":\"acme\",\"handed_over_at\":1000,\"escalated_at\":null,\"awareness_at\":0,\
          \"intake_due\":86400000,\"classes\":[\"adverse_event\",\"misuse\"],\"seriousness_cues\":[\"hospitalisation\"],\
          \"product_code\":\"prd_alpha\",\"country\":\"DE\"}}",
    ),
    ("ae_2", b"\x01{\"acknowledged\":3000}"),
];

#[test]
fn state_of_version_1_is_read_and_written_as_it_was() {
    let records = VERSION_1.map(|(key, value)| (key.as_bytes().to_vec(), value.to_vec()));
    let mut held = HandOffs::restore(records).expect("readable");
    assert_eq!(held.acknowledge("ae_2", Timestamp(9)), Acknowledged::Again);
    assert_eq!(
        ids(&held.escalate(Timestamp(DAY), AFTER, 10)),
        ["ae_1"],
        "what waited waits"
    );
    let mut fresh = HandOffs::default();
    fresh.hand_over("acme", &candidate("ae_1"), Timestamp(1_000));
    fresh.acknowledge("ae_2", Timestamp(3_000));
    let written: Vec<(Vec<u8>, Option<Vec<u8>>)> = VERSION_1
        .map(|(key, value)| (key.into(), Some(value.to_vec())))
        .into();
    assert_eq!(fresh.take_changes(), written);
}

#[test]
fn a_record_of_a_newer_program_is_refused() {
    let newer = HandOffs::restore([(b"ae_1".to_vec(), b"\x02{}".to_vec())]);
    assert!(matches!(newer, Err(RestoreError::Newer(_, 2))));
    let broken = HandOffs::restore([(b"ae_1".to_vec(), b"\x01{".to_vec())]);
    assert!(matches!(broken, Err(RestoreError::Broken(..))));
}

#[derive(Debug, Clone)]
enum Step {
    HandOver(u8),
    Acknowledge(u8),
    Escalate,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..12_u8).prop_map(Step::HandOver),
        (0..12_u8).prop_map(Step::Acknowledge),
        Just(Step::Escalate),
        Just(Step::Restart),
    ]
}

proptest! {
    /// Whatever the order, and wherever the process ends between two commits: each candidate is escalated at most once,
    /// none that was acknowledged before its time, and every other one at the end.
    #[test]
    fn nothing_is_lost_and_nothing_is_doubled(steps in prop::collection::vec((step(), 0..4 * HOUR), 0..60)) {
        let mut held = HandOffs::default();
        let mut state: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let (mut handed, mut acknowledged, mut escalated) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut now = 0;
        let steps = steps.into_iter().chain([(Step::Escalate, AFTER)]);
        for (step, wait) in steps {
            now += wait;
            match step {
                Step::HandOver(number) => {
                    held.hand_over("acme", &candidate(&format!("ae_{number}")), Timestamp(now));
                    handed.entry(format!("ae_{number}")).or_insert(now);
                }
                Step::Acknowledge(number) => {
                    held.acknowledge(&format!("ae_{number}"), Timestamp(now));
                    acknowledged.entry(format!("ae_{number}")).or_insert(now);
                }
                Step::Escalate => {
                    for (_, one) in held.escalate(Timestamp(now), AFTER, usize::MAX) {
                        prop_assert!(escalated.insert(one.candidate_id, now).is_none(), "twice");
                    }
                }
                Step::Restart => held = HandOffs::restore(state.clone()).expect("readable"),
            }
            for (key, value) in held.take_changes() {
                match value {
                    Some(value) => { state.insert(key, value); }
                    None => { state.remove(&key); }
                }
            }
        }
        for (id, at) in &handed {
            let in_time = acknowledged.get(id).is_some_and(|ack| *ack < at + AFTER);
            if in_time {
                prop_assert!(!escalated.contains_key(id), "{id} was acknowledged in time");
            } else if !acknowledged.contains_key(id) {
                prop_assert!(escalated.contains_key(id), "{id} was lost");
            }
        }
        let unacknowledged = handed.keys().filter(|id| !acknowledged.contains_key(*id)).count();
        let standing = held.standing(Timestamp(now));
        prop_assert_eq!((standing.waiting, standing.escalated), (0, unacknowledged));
    }
}
