//! Actions and their outcomes: followed from the start, told with revisions, never hidden.

use crate::feed::{self, Feed, Order, START, Surge, run, settings};
use auscult_core::action::{Action, Comparison, Review, Target};
use auscult_core::effect::{Effect, Rejection};
use auscult_core::input::Input;
use auscult_core::mention::Mention;
use auscult_core::outcome::Outcome;
use auscult_core::partition::Partition;
use auscult_core::time::{DAY, Timestamp};
use auscult_core::words::{
    ActionKind, ActionState, ComparisonKind, Direction, Measure, NextStep, OutcomeCaveat,
    OutcomeMethod, OutcomeStage, OutcomeVerdict,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// Day the action starts; a Thursday.
const BEGIN: i64 = 38;
/// Last day of the feed.
const END: i64 = 72;

type Mentions = Vec<Vec<Mention<'static>>>;

/// `before` a day, then `after` a day, of one product and theme in one region.
fn level(region: &'static str, before: u32, after: u32) -> [Surge; 2] {
    let stretch = |from_day, days, extra_per_day| Surge {
        from_day,
        days,
        extra_per_day,
        product: "alpha",
        theme: "access.cost",
        region,
    };
    [
        stretch(0, BEGIN, before),
        stretch(BEGIN, END - BEGIN, after),
    ]
}

/// The feed, cut where the action is recorded.
fn mentions(seed: u64, after_in_the_south: u32) -> (Mentions, Mentions) {
    let mut surges = level("south", 40, after_in_the_south).to_vec();
    surges.extend(level("north", 40, 40));
    let feed = Feed {
        days: END,
        per_day: 60,
        partitions: 2,
        surges,
        seed,
    };
    let until = START.plus((BEGIN + 1) * DAY);
    let cut = |mentions: Vec<Mention<'static>>| {
        mentions
            .into_iter()
            .partition::<Vec<_>, _>(|mention| mention.occurred_at < until)
    };
    feed.mentions().into_iter().map(cut).unzip()
}

/// Id of the series of one region.
fn series_id(effects: &[Effect], region: &str, measure: Measure) -> String {
    let wanted = |point: &&auscult_core::effect::SeriesPoint| {
        let values: Vec<&str> = point
            .dimensions
            .iter()
            .map(|(_, value)| value.as_str())
            .collect();
        point.view == "product-theme-region"
            && point.measure == measure
            && values == ["alpha", "access.cost", region]
    };
    let points = effects.iter().filter_map(|effect| match effect {
        Effect::SeriesPoint(point) => Some(point),
        _ => None,
    });
    let found = points.into_iter().find(wanted);
    found.expect("the series was told").series_id.clone()
}

fn action(series_id: &str, compared_with: Option<&str>) -> Action {
    Action {
        event_id: "event-1".into(),
        action_id: "a_9".into(),
        portfolio: "acme|DE".into(),
        signal_ids: vec!["al_1".into()],
        incident_id: "inc_1".into(),
        state: ActionState::Started,
        owner: "u_61".into(),
        due: "2024-03-31".into(),
        kind: ActionKind::AccessSupport,
        hypothesis: "A one-page guide lowers the burden.".into(),
        target: Some(Target {
            measure: Measure::Mentions,
            series_id: series_id.to_owned(),
            direction: Direction::Down,
            expected_effect: -0.3,
            smallest_relevant_effect: -0.05,
            buckets_after: Some(14),
            value_dimension: None,
        }),
        comparison: compared_with.map(|series_id| Comparison {
            kind: ComparisonKind::Region,
            series_id: series_id.to_owned(),
        }),
        started_at: Some(START.plus(BEGIN * DAY)),
        review: None,
        actor: "u_61".into(),
        recorded_at: START.plus(BEGIN * DAY),
    }
}

fn later(action: &Action, state: ActionState, days: i64) -> Action {
    Action {
        event_id: format!("event-{days}"),
        state,
        recorded_at: action.recorded_at.plus(days * DAY),
        ..action.clone()
    }
}

fn outcomes(effects: &[Effect]) -> Vec<&Outcome> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Outcome(outcome) => Some(outcome.as_ref()),
            _ => None,
        })
        .collect()
}

const ORDER: Order = Order::RoundRobin(40);

/// Runs the feed; after its first part everything in `said` is taken in. Ends with the partition and what came
/// afterwards, the same from memory and from what was stored.
fn followed(
    (before, after): &(Mentions, Mentions),
    said: &dyn Fn(&[Effect]) -> Vec<Action>,
) -> (Partition, Vec<Effect>) {
    let (mut partition, told) = run(before, &ORDER, Partition::new(settings()), &mut |it| it);
    let mut effects = Vec::new();
    for action in said(&told) {
        partition.apply(&Input::Action(&action), &mut effects);
    }
    let mut stored = BTreeMap::new();
    for (key, value) in partition.take_changes() {
        match value {
            Some(value) => stored.insert(key, value),
            None => stored.remove(&key),
        };
    }
    let restored = Partition::restore(settings(), stored.into_iter().collect()).expect("restored");
    let (partition, from_memory) = run(after, &ORDER, partition, &mut |it| it);
    let (_, from_records) = run(after, &ORDER, restored, &mut |it| it);
    assert_eq!(from_memory, from_records, "restoring changes nothing");
    effects.extend(from_memory);
    (partition, effects)
}

#[test]
fn a_fall_of_30_percent_is_an_interim_then_a_final_outcome() {
    for compared in [false, true] {
        let said = |told: &[Effect]| {
            let north = series_id(told, "north", Measure::Mentions);
            let south = series_id(told, "south", Measure::Mentions);
            vec![action(&south, compared.then_some(north.as_str()))]
        };
        let (_, effects) = followed(&mentions(1, 28), &said);
        let told = outcomes(&effects);
        let stages: Vec<_> = told.iter().map(|it| (it.revision, it.stage)).collect();
        assert_eq!(
            stages,
            [(1, OutcomeStage::Interim), (2, OutcomeStage::Final)]
        );
        let last = &told[1].figures;
        let (before, after) = (last.before.unwrap(), last.after.unwrap());
        assert_eq!((before.buckets, after.buckets), (14, 14));
        assert_eq!(
            after.start,
            START.plus(BEGIN * DAY),
            "its own day counts: it began at midnight"
        );
        let estimate = last.estimate.expect("there is enough");
        let expected = after.rate / before.rate - 1.0;
        if !compared {
            assert!(
                (estimate.effect - expected).abs() < 1e-9,
                "{estimate:?} {expected}"
            );
        }
        assert!(
            estimate.low < -0.25 && -0.25 < estimate.high,
            "{estimate:?}"
        );
        assert_eq!(last.verdict, OutcomeVerdict::Improved);
        let method = if compared {
            OutcomeMethod::DifferenceInDifferences
        } else {
            OutcomeMethod::InterruptedSeries
        };
        assert_eq!(last.method, method);
        assert_eq!(
            last.caveats.contains(&OutcomeCaveat::NoComparison),
            !compared
        );
        assert_eq!(
            (told[1].incident_id.as_str(), told[1].caused_by.as_str()),
            ("inc_1", "event-1"),
            "the thread goes on"
        );
    }
}

#[test]
fn where_nothing_changed_it_is_said_that_nothing_did() {
    let said = |told: &[Effect]| {
        let mut wide = action(&series_id(told, "south", Measure::Mentions), None);
        wide.target.as_mut().unwrap().smallest_relevant_effect = -0.15;
        vec![wide]
    };
    let (_, effects) = followed(&mentions(2, 40), &said);
    let last = outcomes(&effects).pop().expect("an outcome");
    assert_eq!(
        last.figures.verdict,
        OutcomeVerdict::NoChange,
        "{:?}",
        last.figures
    );
}

#[test]
fn cancelling_hides_nothing_and_a_review_is_on_the_next_revision() {
    let said = |told: &[Effect]| vec![action(&series_id(told, "south", Measure::Mentions), None)];
    let (mut partition, effects) = followed(&mentions(3, 56), &said);
    let worse = outcomes(&effects).pop().expect("an outcome").clone();
    assert_eq!(worse.figures.verdict, OutcomeVerdict::Worse);
    let started = action(&worse.target.series_id, None);
    let mut effects = Vec::new();
    let cancelled = later(&started, ActionState::Cancelled, 30);
    partition.apply(&Input::Action(&cancelled), &mut effects);
    assert_eq!(
        effects,
        [],
        "all that was planned had been seen: the outcome stands"
    );
    let mut own = later(&cancelled, ActionState::Cancelled, 1);
    let review = |by: &str| Review {
        learning: "The guide was not used.".into(),
        next: NextStep::Stop,
        reviewed_by: by.into(),
    };
    own.review = Some(review("u_61"));
    partition.apply(&Input::Action(&own), &mut effects);
    assert_eq!(effects, [Effect::Rejected(Rejection::ActionRefused)]);
    effects.clear();
    let other = Action {
        review: Some(review("u_70")),
        ..own
    };
    partition.apply(&Input::Action(&other), &mut effects);
    let told = outcomes(&effects);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].revision, worse.revision + 1);
    assert_eq!(told[0].review, Some(review("u_70")));
    assert_eq!(told[0].figures, worse.figures, "a review changes no figure");
}

#[test]
fn an_action_that_is_stopped_early_has_an_outcome_of_what_was_seen() {
    let said = |told: &[Effect]| {
        let started = action(&series_id(told, "south", Measure::Mentions), None);
        vec![started.clone(), later(&started, ActionState::Cancelled, 1)]
    };
    let (_, effects) = followed(&mentions(4, 28), &said);
    let told = outcomes(&effects);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].stage, OutcomeStage::Final);
    assert_eq!(told[0].figures.verdict, OutcomeVerdict::Inconclusive);
    assert!(
        told[0]
            .figures
            .caveats
            .contains(&OutcomeCaveat::TooFewBuckets)
    );
    assert!(
        told[0]
            .figures
            .caveats
            .contains(&OutcomeCaveat::StoppedEarly)
    );
}

#[test]
fn what_cannot_be_estimated_is_an_outcome_with_the_reason() {
    let said = |told: &[Effect]| {
        let unknown = action("s_nobody", None);
        let mut rating = action(&series_id(told, "south", Measure::Mentions), None);
        rating.action_id = "a_10".into();
        rating.target.as_mut().unwrap().measure = Measure::MeanRating;
        let mut alone = action(
            &series_id(told, "south", Measure::Mentions),
            Some("s_nobody"),
        );
        alone.action_id = "a_11".into();
        vec![unknown, rating, alone]
    };
    let (_, effects) = followed(&mentions(5, 28), &said);
    let of = |id: &str| {
        let told = outcomes(&effects);
        let last = told.into_iter().rfind(|it| it.action_id == id);
        last.expect("an outcome").figures.clone()
    };
    assert_eq!(of("a_9").caveats, [OutcomeCaveat::SeriesUnknown]);
    assert_eq!(of("a_10").caveats, [OutcomeCaveat::MeasureNotEstimated]);
    let alone = of("a_11");
    assert!(alone.caveats.contains(&OutcomeCaveat::ComparisonUnknown));
    assert_eq!(alone.method, OutcomeMethod::InterruptedSeries);
}

#[test]
fn a_target_is_frozen_and_events_of_nobody_are_refused() {
    let (before, _) = mentions(6, 40);
    let (mut partition, told) = run(&before, &ORDER, Partition::new(settings()), &mut |it| it);
    let started = action(&series_id(&told, "south", Measure::Mentions), None);
    let mut softer = later(&started, ActionState::Done, 1);
    softer.target.as_mut().unwrap().smallest_relevant_effect = 0.0;
    let nobody = Action {
        portfolio: "acme|FR".into(),
        ..started.clone()
    };
    let refused = |partition: &mut Partition, action: &Action| {
        let mut effects = Vec::new();
        partition.apply(&Input::Action(action), &mut effects);
        effects
    };
    let idea = Action {
        action_id: "a_10".into(),
        state: ActionState::Proposed,
        ..started.clone()
    };
    let dropped = later(&idea, ActionState::Cancelled, 1);
    for said in [&idea, &dropped, &started] {
        let effects = refused(&mut partition, said);
        assert_eq!(effects, [], "nothing comes of an idea that was dropped");
    }
    for (said, reason) in [
        (&started, Rejection::Duplicate),
        (&softer, Rejection::ActionRefused),
        (&nobody, Rejection::UnknownPortfolio),
    ] {
        assert_eq!(refused(&mut partition, said), [Effect::Rejected(reason)]);
    }
}

/// Late data restate the buckets of an outcome as they restate everything else.
#[test]
fn late_data_revise_an_outcome() {
    let (before, mut after) = mentions(7, 28);
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let late = (0..60).map(|number| {
        feed::mention(
            900_000 + number,
            BEGIN + 12,
            &mut random,
            "alpha",
            "access.cost",
            "south",
        )
    });
    // They come after the last planned bucket, and within the horizon.
    let from = START.plus((BEGIN + 18) * DAY);
    let at = after[0].partition_point(|mention| mention.occurred_at < from);
    after[0].splice(at..at, late);
    let mut all = before[0].clone();
    all.extend(after[0].clone());
    feed::stamp(&mut all);
    after[0] = all.split_off(before[0].len());
    let said = |told: &[Effect]| vec![action(&series_id(told, "south", Measure::Mentions), None)];
    let (_, effects) = followed(&(before, after), &said);
    let told = outcomes(&effects);
    let finals: Vec<_> = told
        .iter()
        .filter(|it| it.stage == OutcomeStage::Final)
        .map(|it| (it.revision, it.figures.items))
        .collect();
    assert_eq!(finals.len(), 2, "{finals:?}");
    assert_eq!(finals[1].1, finals[0].1 + 60);
    assert!(told[2].as_of > told[1].as_of && told[2].as_of > Timestamp(0));
}
