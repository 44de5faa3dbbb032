//! New themes: what nobody has a word for yet is proposed once, with its words and quotes, and answered like a signal.

use crate::feed::{self, Feed, Order, START, alerts, run};
use auscult_core::alert::Alert;
use auscult_core::disposition::Disposition;
use auscult_core::effect::{Effect, Rejection};
use auscult_core::input::Input;
use auscult_core::mention::Mention;
use auscult_core::partition::Partition;
use auscult_core::settings::{CheckedDetectSettings, DetectSettings};
use auscult_core::time::DAY;
use auscult_core::words::{
    AlertChange, Cause, Decision, DispositionScope, Priority, SignalKind, SignalStatus,
    StatusReason,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::sync::Arc;

const BEGINS: i64 = 30;
const TEXT: &str = "the rubber stopper crumbled into the vial";

fn written() -> DetectSettings {
    let mut written = DetectSettings::standard();
    written.new_themes.least_people = 8;
    written
}

fn settings() -> Arc<CheckedDetectSettings> {
    Arc::new(written().check().expect("sound"))
}

type Records = BTreeMap<Vec<u8>, Vec<u8>>;

/// A quiet feed in which, from a day on, `people` a day speak of something new.
fn partitions(
    days: i64,
    people: u64,
    change: impl Fn(&mut Mention<'static>),
) -> Vec<Vec<Mention<'static>>> {
    let mut partitions = Feed {
        days,
        per_day: 100,
        partitions: 2,
        surges: Vec::new(),
        seed: 19,
    }
    .mentions();
    let mut random = ChaCha8Rng::seed_from_u64(20);
    for day in BEGINS..days {
        let mut said = feed::subject(day, people, 2, TEXT, &mut random);
        said.iter_mut().for_each(&change);
        partitions[0].extend(said);
    }
    partitions[0].sort_by_key(|mention| mention.occurred_at);
    feed::stamp(&mut partitions[0]);
    partitions
}

fn proposals(effects: &[Effect]) -> Vec<&Alert> {
    alerts(effects)
        .into_iter()
        .filter(|alert| alert.series.view == "new-themes")
        .collect()
}

fn run_with(
    settings: Arc<CheckedDetectSettings>,
    partitions: &[Vec<Mention<'static>>],
) -> (Partition, Vec<Effect>) {
    run(
        partitions,
        &Order::RoundRobin(60),
        Partition::new(settings),
        &mut |machine| machine,
    )
}

fn keep(records: &mut Records, machine: &mut Partition) {
    for (key, value) in machine.take_changes() {
        match value {
            Some(value) => records.insert(key, value),
            None => records.remove(&key),
        };
    }
}

fn answer(id: &str, signal_id: &str, decision: Decision) -> Disposition {
    Disposition {
        disposition_id: id.into(),
        portfolio: "acme|DE".into(),
        signal_id: signal_id.into(),
        revision_seen: 1,
        decision,
        cause: Cause::Other,
        comment: String::new(),
        priority: Priority::Normal,
        actor: "u_1".into(),
        actor_function: "insights".into(),
        decided_at: START,
        effective_from: None,
        scope: DispositionScope::ThisAlert,
        use_for_learning: true,
    }
}

#[test]
fn a_new_subject_is_proposed_once_with_its_words_and_quotes() {
    let (_, effects) = run_with(settings(), &partitions(BEGINS + 5, 4, |_| {}));
    let found = proposals(&effects);
    assert_eq!(found.len(), 1, "{found:#?}");
    let alert = found[0];
    assert_eq!(
        (alert.change, alert.kind, alert.revision, alert.status),
        (
            AlertChange::Raised,
            SignalKind::NewTheme,
            1,
            SignalStatus::Firing
        )
    );
    assert_eq!(alert.window.start, START.plus(BEGINS * DAY));
    assert!(
        alert.as_of <= START.plus((BEGINS + 3) * DAY),
        "{:?}",
        alert.as_of
    );
    assert!(alert.title.contains("stopper"), "{}", alert.title);
    assert!(alert.evidence.people >= 8 && alert.evidence.channels == 2);
    assert!(alert.examples.len() >= 3);
    assert!(
        alert
            .examples
            .iter()
            .all(|example| example.quote.contains(TEXT)),
        "{:?}",
        alert.examples
    );
    assert_eq!(alert.context[0].kind, "taxonomy_suggestion");
    assert!(
        alert.context[0].label.contains("stopper crumbled"),
        "{:?}",
        alert.context
    );
    assert!(alert.q_value >= alert.p_value && alert.expected < 1.0);
}

#[test]
fn what_may_not_be_quoted_or_repeats_another_proposes_nothing() {
    type Change = fn(&mut Mention<'static>);
    let changes: [(&str, Change); 4] = [
        ("safety candidates", |mention| {
            mention.safety_candidate = true
        }),
        ("medical questions", |mention| {
            mention.medical_request = true
        }),
        ("one thread", |mention| mention.thread = Some("t_1".into())),
        ("one loud person", |mention| {
            mention.who.person = Some("p_loud".into())
        }),
    ];
    for (name, change) in changes {
        let (_, effects) = run_with(settings(), &partitions(BEGINS + 5, 4, change));
        assert!(proposals(&effects).is_empty(), "{name}");
    }
}

#[test]
fn accepting_a_proposal_ends_it_and_suggests_its_terms() {
    let before = partitions(BEGINS + 4, 4, |_| {});
    let (mut machine, effects) = run_with(settings(), &before);
    let id = proposals(&effects)[0].signal_id.clone();
    let mut told = Vec::new();
    machine.apply(
        &Input::Disposition(&answer("d_1", &id, Decision::NotEnoughEvidence)),
        &mut told,
    );
    machine.apply(
        &Input::Disposition(&answer("d_2", &id, Decision::Confirmed)),
        &mut told,
    );
    machine.apply(
        &Input::Disposition(&answer("d_2", &id, Decision::Confirmed)),
        &mut told,
    );
    machine.apply(
        &Input::Disposition(&answer("d_3", "al_unknown", Decision::Confirmed)),
        &mut told,
    );
    let sent = proposals(&told);
    let seen: Vec<_> = sent
        .iter()
        .map(|alert| {
            (
                alert.revision,
                alert.change,
                alert.status,
                alert.disposition,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (
                2,
                AlertChange::Updated,
                SignalStatus::Firing,
                Some(Decision::NotEnoughEvidence)
            ),
            (
                3,
                AlertChange::Resolved,
                SignalStatus::Resolved,
                Some(Decision::Confirmed)
            ),
        ]
    );
    assert_eq!(sent[1].status_reason, StatusReason::Disposition);
    assert_eq!(sent[1].context[0].kind, "taxonomy_accepted");
    let refused: Vec<_> = told
        .iter()
        .filter_map(|effect| match effect {
            Effect::Rejected(reason) => Some(*reason),
            _ => None,
        })
        .collect();
    assert_eq!(refused, [Rejection::Duplicate, Rejection::UnknownSignal]);
}

#[test]
fn answers_to_proposals_rank_the_next_one() {
    let rank = |decision: Decision| {
        let (mut machine, effects) = run_with(settings(), &partitions(BEGINS + 4, 4, |_| {}));
        let first = proposals(&effects)[0];
        let mut told = Vec::new();
        machine.apply(
            &Input::Disposition(&answer("d_1", &first.signal_id, decision)),
            &mut told,
        );
        (first.rank, proposals(&told)[0].rank)
    };
    let (before, after) = rank(Decision::Confirmed);
    assert!(after > before, "{after} after {before}");
    let (before, after) = rank(Decision::FalseAlarm);
    assert!(after < before, "{after} after {before}");
}

#[test]
fn as_shipped_it_is_off_proposes_nothing_and_stores_nothing() {
    let off = feed::settings();
    let kinds = |settings: Arc<CheckedDetectSettings>| {
        let (mut machine, effects) = run_with(settings, &partitions(BEGINS + 5, 4, |_| {}));
        let mut records = Records::new();
        keep(&mut records, &mut machine);
        let of_themes = records
            .keys()
            .filter(|key| {
                key.windows(3)
                    .any(|part| part == b"\0e/" || part == b"\0t/")
            })
            .count();
        (proposals(&effects).len(), of_themes)
    };
    assert_eq!(kinds(off), (0, 0));
    let (told, records) = kinds(settings());
    assert!(
        told == 1 && records >= 2,
        "the control finds it: {told}, {records}"
    );
}

#[test]
fn records_are_the_same_bytes_whether_restored_after_every_turn_or_never() {
    let partitions = partitions(BEGINS + 5, 4, |_| {});
    let records = |crash: bool| {
        let mut records = Records::new();
        let (mut machine, effects) = run(
            &partitions,
            &Order::RoundRobin(60),
            Partition::new(settings()),
            &mut |mut machine| {
                keep(&mut records, &mut machine);
                if crash {
                    let all = records.clone().into_iter().collect();
                    machine = Partition::restore(settings(), all).expect("restores");
                }
                machine
            },
        );
        keep(&mut records, &mut machine);
        (records, proposals(&effects).len())
    };
    let (straight, told) = records(false);
    let (crashed, told_crashed) = records(true);
    assert_eq!((told, told_crashed), (1, 1));
    let keys = |records: &Records| records.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&straight), keys(&crashed));
    for (key, value) in &straight {
        let is_theme = key
            .windows(3)
            .any(|part| part == b"\0e/" || part == b"\0t/");
        assert!(
            !is_theme || crashed[key] == *value,
            "{}",
            String::from_utf8_lossy(key)
        );
    }
}

#[test]
fn of_too_many_texts_a_sample_is_read() {
    let mut written = written();
    // About a tenth: four people a day become less than one.
    written.new_themes.most_texts = 10;
    let few = Arc::new(written.check().expect("sound"));
    let (_, effects) = run_with(Arc::clone(&few), &partitions(BEGINS + 5, 4, |_| {}));
    assert!(proposals(&effects).is_empty());
    let (_, effects) = run_with(few, &partitions(BEGINS + 8, 60, |_| {}));
    assert_eq!(proposals(&effects).len(), 1);
}

#[test]
fn settings_that_make_no_sense_are_named_together() {
    let mut wrong = written();
    wrong.new_themes.least_sources = 0;
    wrong.new_themes.half_life_buckets = 1;
    wrong.new_themes.most_texts = 0;
    let problems = format!("{:?}", wrong.check().expect_err("refused"));
    for path in ["least_sources", "half_life_buckets", "most_texts"] {
        assert!(
            problems.contains(&format!("new_themes.{path}")),
            "{problems}"
        );
    }
}
