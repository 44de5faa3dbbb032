//! The machine as its users see it: mentions and markers in, alerts out.

mod actions;
mod calendars;
mod feed;
mod golden;
mod methods;
mod normal;
mod older_state;
mod properties;
mod proposals;
mod repeats;
mod silent;
mod widths;

use auscult_core::disposition::Disposition;
use auscult_core::effect::{Effect, Rejection};
use auscult_core::input::Input;
use auscult_core::partition::Partition;
use auscult_core::time::{DAY, HOUR, Timestamp};
use auscult_core::words::{
    AlertChange, Cause, Decision, DispositionScope, Measure, Priority, SignalStatus, StatusReason,
};
use feed::{Feed, Order, START, Surge, alerts, marker, run, settings};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SURGE: Surge = Surge {
    from_day: 60,
    days: 4,
    extra_per_day: 30,
    product: "alpha",
    theme: "supply.shortage",
    region: "south",
};

fn feed(seed: u64, surges: Vec<Surge>) -> Feed {
    Feed {
        days: 75,
        per_day: 120,
        partitions: 3,
        surges,
        seed,
    }
}

fn straight(feed: &Feed) -> Vec<Effect> {
    run(
        &feed.mentions(),
        &Order::RoundRobin(50),
        Partition::new(settings()),
        &mut |machine| machine,
    )
    .1
}

#[test]
fn a_surge_in_one_region_is_one_alert_on_the_most_specific_series() {
    let effects = straight(&feed(1, vec![SURGE]));
    let raised: Vec<_> = alerts(&effects)
        .into_iter()
        .filter(|alert| alert.change == AlertChange::Raised)
        .collect();
    let told: Vec<_> = raised
        .iter()
        .filter(|alert| alert.suppressed_by.is_empty())
        .map(|alert| (&alert.title, alert.window.start))
        .collect();
    let found: Vec<_> = raised
        .iter()
        .filter(|alert| {
            alert.window.start.0 >= START.plus(60 * DAY).0 && alert.suppressed_by.is_empty()
        })
        .collect();
    assert_eq!(found.len(), 1, "{told:?}");
    let alert = found[0];
    assert_eq!(alert.series.view, "product-theme-region");
    assert_eq!(alert.series.measure, Measure::Mentions);
    assert_eq!(alert.window.start, START.plus(60 * DAY));
    assert!(alert.observed >= 30.0 && alert.expected < 10.0);
    assert!(
        alert
            .context
            .iter()
            .any(|item| item.label.starts_with("alpha · supply.shortage")),
        "{:?}",
        alert.context
    );
    assert!((3..=7).contains(&alert.examples.len()));
    assert!(told.len() <= 2, "quiet time raised too much: {told:?}");
}

#[test]
fn a_surge_that_ends_is_resolved_with_growing_revisions() {
    let effects = straight(&feed(2, vec![SURGE]));
    let all = alerts(&effects);
    let id = &all
        .iter()
        .find(|alert| {
            alert.change == AlertChange::Raised && alert.window.start == START.plus(60 * DAY)
        })
        .expect("raised")
        .signal_id;
    let life: Vec<_> = all.iter().filter(|alert| &alert.signal_id == id).collect();
    let revisions: Vec<u32> = life.iter().map(|alert| alert.revision).collect();
    assert_eq!(revisions, (1..=life.len() as u32).collect::<Vec<_>>());
    let last = life.last().expect("at least one");
    assert_eq!(
        (last.change, last.status, last.status_reason),
        (
            AlertChange::Resolved,
            SignalStatus::Resolved,
            StatusReason::Recovered
        )
    );
}

#[test]
fn interleaving_crashes_and_duplicates_change_nothing() {
    let feed = feed(3, vec![SURGE]);
    let partitions = feed.mentions();
    let expected = straight(&feed);
    for seed in 0..3 {
        let (_, effects) = run(
            &partitions,
            &Order::Random(seed),
            Partition::new(settings()),
            &mut |machine| machine,
        );
        assert_eq!(alerts(&effects), alerts(&expected), "interleaving {seed}");
    }
    // Crash after every turn: only what was dumped survives.
    let mut stored = std::collections::BTreeMap::new();
    let (_, effects) = run(
        &partitions,
        &Order::RoundRobin(50),
        Partition::new(settings()),
        &mut |mut machine| {
            for (key, value) in machine.take_changes() {
                match value {
                    Some(value) => stored.insert(key, value),
                    None => stored.remove(&key),
                };
            }
            Partition::restore(settings(), stored.clone().into_iter().collect()).expect("restores")
        },
    );
    assert_eq!(
        alerts(&effects),
        alerts(&expected),
        "restored after every turn"
    );
}

/// I05: everything three times, in any order within the lateness, changes nothing.
#[test]
fn everything_three_times_in_random_order_is_once() {
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let mut small = feed(
        4,
        vec![Surge {
            from_day: 20,
            days: 2,
            ..SURGE
        }],
    );
    small.days = 25;
    small.partitions = 1;
    let mut once = small.mentions();
    // One day at a time, no event is late: watermarks move by whole days.
    let mut thrice = vec![Vec::new()];
    for day in 0..small.days {
        let until = START.plus(day * DAY);
        let mut today: Vec<_> = once[0]
            .iter()
            .filter(|mention| (until..until.plus(DAY)).contains(&mention.occurred_at))
            .cloned()
            .collect();
        for mention in &mut today {
            mention.watermark = until.plus(-2 * HOUR);
        }
        let mut all: Vec<_> = today.iter().chain(&today).chain(&today).cloned().collect();
        all.shuffle(&mut random);
        thrice[0].extend(all);
    }
    for mention in &mut once[0] {
        let day = (mention.occurred_at.0 - START.0).div_euclid(DAY);
        mention.watermark = START.plus(day * DAY - 2 * HOUR);
    }
    let (machine, effects) = run(
        &thrice,
        &Order::RoundRobin(10_000_000),
        Partition::new(settings()),
        &mut |machine| machine,
    );
    let (_, expected) = run(
        &once,
        &Order::RoundRobin(10_000_000),
        Partition::new(settings()),
        &mut |machine| machine,
    );
    assert_eq!(alerts(&effects), alerts(&expected));
    let counters = machine.counters();
    assert_eq!(counters.duplicate, 2 * once[0].len() as u64);
    assert_eq!(
        counters.read,
        counters.applied + counters.duplicate + counters.too_late + counters.rejected
    );
}

/// I09: a burst that arrives three days late changes its bucket and says so; a correction takes it back.
#[test]
fn late_data_raise_and_corrections_retract() {
    let base = feed(5, vec![]);
    let mut partitions = base.mentions();
    let mut random = ChaCha8Rng::seed_from_u64(77);
    let mut late: Vec<_> = (0..40)
        .map(|number| {
            feed::mention(
                900_000 + number,
                50,
                &mut random,
                "beta",
                "access.cost",
                "north",
            )
        })
        .collect();
    // Delivered on day 53 through partition 0.
    let at = partitions[0]
        .iter()
        .position(|mention| mention.occurred_at >= START.plus(53 * DAY))
        .expect("day 53 exists");
    let corrections: Vec<_> = late
        .iter()
        .map(|mention| {
            let mut corrected = mention.clone();
            corrected.event_id = format!("{}-corrected", mention.event_id).into();
            corrected.recorded_at = mention.recorded_at.plus(10 * DAY);
            corrected.about.products = vec!["gamma".into()];
            corrected.themes[0].theme = format!("other.{}", random.random_range(0..40)).into();
            corrected.who.region = "".into();
            corrected
        })
        .collect();
    let mut first: Vec<_> = partitions[0].drain(..at).collect();
    first.append(&mut late);
    let correction_day = partitions[0]
        .iter()
        .position(|mention| mention.occurred_at >= START.plus(56 * DAY))
        .expect("day 56 exists");
    first.extend(partitions[0].drain(..correction_day));
    first.extend(corrections);
    first.append(&mut partitions[0]);
    partitions[0] = first;
    feed::stamp(&mut partitions[0]);

    let (_, effects) = run(
        &partitions,
        &Order::RoundRobin(50),
        Partition::new(settings()),
        &mut |machine| machine,
    );
    let all = alerts(&effects);
    let raised = all
        .iter()
        .find(|alert| {
            alert.change == AlertChange::Raised
                && alert.window.start == START.plus(50 * DAY)
                && alert.status_reason == StatusReason::LateData
        })
        .expect("the late burst raised a signal");
    let life: Vec<_> = all
        .iter()
        .filter(|alert| alert.signal_id == raised.signal_id)
        .collect();
    assert!(
        life.iter()
            .any(|alert| alert.change == AlertChange::Retracted
                && alert.status_reason == StatusReason::DuplicateRemoved),
        "{:?}",
        life.iter()
            .map(|alert| (
                alert.change,
                alert.status_reason,
                alert.as_of,
                &alert.title,
                &alert.why,
                alert.p_value
            ))
            .collect::<Vec<_>>()
    );
}

/// I10: a feed that stops is no data, not a fall.
#[test]
fn a_lost_feed_raises_no_fall() {
    let base = feed(6, vec![]);
    let mut partitions = base.mentions();
    for partition in &mut partitions {
        for (index, mention) in partition.iter_mut().enumerate() {
            if index % 3 == 0 {
                mention.feed = "social/x/social".into();
                mention.who.region = "east".into();
            }
        }
        partition.retain(|mention| {
            mention.feed != "social/x/social" || mention.occurred_at < START.plus(65 * DAY)
        });
        feed::stamp(partition);
    }
    let (_, effects) = run(
        &partitions,
        &Order::RoundRobin(50),
        Partition::new(settings()),
        &mut |machine| machine,
    );
    let down: Vec<_> = alerts(&effects)
        .into_iter()
        .filter(|alert| {
            alert.change == AlertChange::Raised
                && alert.window.end > START.plus(65 * DAY)
                && alert.observed < alert.expected
        })
        .map(|alert| (alert.title.clone(), alert.why.clone()))
        .collect();
    assert!(down.is_empty(), "{down:?}");
    let no_data = effects.iter().filter(|effect| matches!(effect, Effect::SeriesPoint(point) if point.view == "feed" && point.observed.is_none())).count();
    assert!(
        no_data >= 9,
        "the lost feed was reported as no data {no_data} times"
    );
}

#[test]
fn an_answer_is_learnt_once_and_sent_on() {
    let feed = feed(1, vec![SURGE]);
    let (mut machine, effects) = run(
        &feed.mentions(),
        &Order::RoundRobin(50),
        Partition::new(settings()),
        &mut |machine| machine,
    );
    let raised = alerts(&effects)
        .into_iter()
        .rfind(|alert| alert.change == AlertChange::Raised)
        .expect("raised")
        .clone();
    let disposition = Disposition {
        disposition_id: "d_1".into(),
        portfolio: raised.portfolio.clone(),
        signal_id: raised.signal_id.clone(),
        revision_seen: raised.revision,
        decision: Decision::Confirmed,
        cause: Cause::Supply,
        comment: String::new(),
        priority: Priority::Normal,
        actor: "u_1".into(),
        actor_function: "insights".into(),
        decided_at: Timestamp(0),
        effective_from: None,
        scope: DispositionScope::ThisAlert,
        use_for_learning: true,
    };
    let mut effects = Vec::new();
    machine.apply(&Input::Disposition(&disposition), &mut effects);
    let answered = alerts(&effects);
    assert_eq!(answered.len(), 1);
    assert_eq!(
        (answered[0].status_reason, answered[0].disposition),
        (StatusReason::Disposition, Some(Decision::Confirmed))
    );
    effects.clear();
    machine.apply(&Input::Disposition(&disposition), &mut effects);
    assert_eq!(effects, [Effect::Rejected(Rejection::Duplicate)]);
    let (_, portfolio) = machine.machines().next().expect("one portfolio");
    assert_eq!(portfolio.learning().answers(&raised.series.view).useful, 1);
    effects.clear();
    let unknown = Disposition {
        signal_id: "al_unknown".into(),
        disposition_id: "d_2".into(),
        ..disposition
    };
    machine.apply(&Input::Disposition(&unknown), &mut effects);
    assert_eq!(effects, [Effect::Rejected(Rejection::UnknownSignal)]);
}

#[test]
fn no_bucket_closes_before_every_source_partition_was_heard_of() {
    let mut machine = Partition::new(settings());
    let mut effects = Vec::new();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    machine.apply(
        &Input::Mention(&feed::mention(
            1,
            0,
            &mut random,
            "alpha",
            "access.cost",
            "north",
        )),
        &mut effects,
    );
    machine.apply(
        &Input::Marker(&marker(0, 2, START.plus(30 * DAY))),
        &mut effects,
    );
    assert_eq!(machine.counters().buckets_closed, 0);
    machine.apply(
        &Input::Marker(&marker(1, 2, START.plus(2 * DAY))),
        &mut effects,
    );
    assert_eq!(machine.counters().buckets_closed, 2);
}
