//! "New normal" from a date: waited for, begun, and taken back (B06).

use crate::feed::{Feed, Order, START, Surge, alerts, run, settings};
use auscult_core::alert::Alert;
use auscult_core::disposition::Disposition;
use auscult_core::effect::Effect;
use auscult_core::input::Input;
use auscult_core::mention::Mention;
use auscult_core::partition::Partition;
use auscult_core::time::{DAY, Timestamp};
use auscult_core::words::{
    AlertChange, Cause, Decision, DispositionScope, Measure, Priority, StatusReason,
};
use std::collections::BTreeMap;

/// The first step; people answer some days later.
const STEP: i64 = 60;
const ANSWERED: i64 = 63;
/// The second step, which people know of beforehand.
const LAUNCH: i64 = 70;
const END: i64 = 84;

type Mentions = Vec<Vec<Mention<'static>>>;

fn step(from_day: i64, extra_per_day: u32) -> Surge {
    Surge {
        from_day,
        days: END - from_day,
        extra_per_day,
        product: "alpha",
        theme: "supply.shortage",
        region: "south",
    }
}

/// Mentions before people answer, and after.
fn feed(surges: Vec<Surge>) -> (Mentions, Mentions) {
    let all = Feed {
        days: END,
        per_day: 120,
        partitions: 2,
        surges,
        seed: 11,
    };
    let until = START.plus(ANSWERED * DAY);
    all.mentions()
        .into_iter()
        .map(|mentions| {
            mentions
                .into_iter()
                .partition::<Vec<_>, _>(|mention| mention.occurred_at < until)
        })
        .unzip()
}

fn new_trend(signal_id: &str, from: Option<i64>) -> Disposition {
    Disposition {
        disposition_id: "d_1".into(),
        portfolio: "acme|DE".into(),
        signal_id: signal_id.to_owned(),
        revision_seen: 1,
        decision: Decision::NewTrend,
        cause: Cause::Supply,
        comment: String::new(),
        priority: Priority::Normal,
        actor: "u_1".into(),
        actor_function: "insights".into(),
        decided_at: START.plus(ANSWERED * DAY),
        effective_from: from.map(|day| START.plus(day * DAY)),
        scope: DispositionScope::ThisAlert,
        use_for_learning: true,
    }
}

fn taken_back(signal_id: &str) -> Disposition {
    Disposition {
        disposition_id: "d_2".into(),
        decision: Decision::FalseAlarm,
        effective_from: None,
        ..new_trend(signal_id, None)
    }
}

/// What is stored of a partition.
type Stored = BTreeMap<Vec<u8>, Vec<u8>>;

fn store(partition: &mut Partition, stored: &mut Stored) {
    for (key, value) in partition.take_changes() {
        match value {
            Some(value) => stored.insert(key, value),
            None => stored.remove(&key),
        };
    }
}

const ORDER: Order = Order::RoundRobin(40);

/// Runs the first part; the signal that tells the first step.
fn until_raised(before: &Mentions) -> (Partition, Alert) {
    let (partition, effects) = run(before, &ORDER, Partition::new(settings()), &mut |it| it);
    let raised = alerts(&effects).into_iter().find(|alert| {
        alert.change == AlertChange::Raised && alert.window.start >= START.plus(STEP * DAY)
    });
    let raised = raised.expect("the first step is raised").clone();
    (partition, raised)
}

/// Runs the first part, answers its signal with each of `answers`, and runs the second part: what the answers did, what came
/// afterwards, and the signal's id. The second part runs twice, the second time from what was stored.
fn answered(
    surges: Vec<Surge>,
    answers: &[&dyn Fn(&str) -> Disposition],
) -> (Vec<Alert>, Vec<Alert>, String) {
    let (before, after) = feed(surges);
    let (mut partition, raised) = until_raised(&before);
    let mut told = Vec::new();
    for answer in answers {
        let answer = answer(&raised.signal_id);
        partition.apply(&Input::Disposition(&answer), &mut told);
    }
    let mut stored = Stored::new();
    store(&mut partition, &mut stored);
    let restored = Partition::restore(settings(), stored.into_iter().collect()).expect("restored");
    let (_, later) = run(&after, &ORDER, partition, &mut |it| it);
    let (_, again) = run(&after, &ORDER, restored, &mut |it| it);
    assert_eq!(later, again, "restoring changes nothing");
    let of = |effects: &[Effect]| alerts(effects).into_iter().cloned().collect();
    (of(&told), of(&later), raised.signal_id)
}

/// Alerts about alpha's supply in the south whose window begins on or after `day`.
fn about_the_step(later: &[Alert], day: i64) -> Vec<&Alert> {
    later
        .iter()
        .filter(|alert| {
            alert.change == AlertChange::Raised
                && alert.window.start >= START.plus(day * DAY)
                && alert.observed > alert.expected
                && (alert.title.contains("supply.shortage") || alert.title.contains("alpha"))
        })
        .collect()
}

#[test]
fn a_new_normal_begins_on_its_day_resolves_its_signal_and_is_not_raised() {
    let surges = vec![step(STEP, 15), step(LAUNCH, 60)];
    let (_, control, id) = answered(surges.clone(), &[]);
    let grown = control.iter().any(|alert| {
        alert.signal_id == id
            && alert.change == AlertChange::Updated
            && alert.as_of > START.plus(LAUNCH * DAY)
    });
    assert!(
        grown || !about_the_step(&control, LAUNCH).is_empty(),
        "unanswered, the launch is told"
    );

    let (told, later, id) = answered(surges, &[&|id| new_trend(id, Some(LAUNCH))]);
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].change, told[0].disposition),
        (AlertChange::Updated, Some(Decision::NewTrend)),
        "the day is to come: the signal goes on"
    );
    let resolved: Vec<&Alert> = later
        .iter()
        .filter(|alert| alert.signal_id == id && alert.change == AlertChange::Resolved)
        .collect();
    assert_eq!(resolved.len(), 1);
    assert_eq!(resolved[0].status_reason, StatusReason::Disposition);
    // Another cut of the same mentions, which the signal never spoke about (theme by stakeholder), may still speak.
    let raised: Vec<_> = about_the_step(&later, LAUNCH)
        .into_iter()
        .filter(|alert| alert.title.contains("alpha") || alert.title.contains("south"))
        .map(|alert| &alert.title)
        .collect();
    assert!(
        raised.is_empty(),
        "what was said to be normal is raised: {raised:?}"
    );
}

#[test]
fn a_new_normal_to_come_can_be_taken_back() {
    let (told, later, id) = answered(
        vec![step(STEP, 15), step(LAUNCH, 60)],
        &[&|id| new_trend(id, Some(LAUNCH)), &taken_back],
    );
    assert_eq!(told.len(), 2);
    let by_the_answer = later.iter().any(|alert| {
        alert.signal_id == id
            && alert.change == AlertChange::Resolved
            && alert.status_reason == StatusReason::Disposition
    });
    assert!(!by_the_answer, "nothing begins on the day");
}

#[test]
fn taking_a_new_normal_back_restores_the_former_baseline() {
    let surges = vec![step(STEP, 20)];
    let expected_at_the_end = |later: &[Effect]| {
        later.iter().rev().find_map(|effect| match effect {
            Effect::SeriesPoint(point) if point.view == "product-theme-region" => {
                let names: Vec<&str> = point
                    .dimensions
                    .iter()
                    .map(|(_, value)| value.as_str())
                    .collect();
                let is_it = names == ["alpha", "supply.shortage", "south"]
                    && point.measure == Measure::Mentions;
                is_it.then_some(point.expected)
            }
            _ => None,
        })
    };
    let (before, after) = feed(surges);
    let mut levels = Vec::new();
    for takes_back in [false, true] {
        let (mut partition, raised) = until_raised(&before);
        let mut told = Vec::new();
        let answer = new_trend(&raised.signal_id, Some(STEP));
        partition.apply(&Input::Disposition(&answer), &mut told);
        assert_eq!(alerts(&told)[0].change, AlertChange::Resolved);
        if takes_back {
            let answer = taken_back(&raised.signal_id);
            partition.apply(&Input::Disposition(&answer), &mut told);
        }
        let next_day: Mentions = after
            .iter()
            .map(|mentions| {
                let end: Timestamp = START.plus((ANSWERED + 1) * DAY);
                let first = mentions.iter().filter(|mention| mention.occurred_at < end);
                first.cloned().collect()
            })
            .collect();
        let (_, later) = run(&next_day, &ORDER, partition, &mut |it| it);
        levels.push(expected_at_the_end(&later).expect("the series is published"));
    }
    assert!(levels[0] > 15.0, "the new level is expected: {levels:?}");
    assert!(levels[1] < 10.0, "the old one again: {levels:?}");
}
