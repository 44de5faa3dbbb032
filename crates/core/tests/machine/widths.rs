//! One change seen by views of days and of weeks is one signal.

use crate::feed::{Feed, Order, START, Surge, alerts, run};
use auscult_core::alert::Alert;
use auscult_core::effect::Effect;
use auscult_core::mention::Mention;
use auscult_core::partition::Partition;
use auscult_core::settings::{CheckedDetectSettings, DetectSettings};
use auscult_core::time::{BucketWidth, DAY};
use auscult_core::words::{AlertChange, Measure};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A Monday after twelve weeks.
const CHANGE: i64 = 84;

/// The same series by day and by week, in this order or the other.
fn settings(widths: &[BucketWidth]) -> Arc<CheckedDetectSettings> {
    let mut written = DetectSettings::standard();
    let of = |name: &str| {
        let view = written.views.iter().find(|view| view.name == name);
        view.expect("a standard view").clone()
    };
    let view = of("product-theme");
    written.views = widths
        .iter()
        .map(|&width| {
            let mut view = view.clone();
            view.name = format!("product-theme {}", width.iso());
            view.measures = vec![Measure::Mentions];
            view.width = width;
            view
        })
        .collect();
    Arc::new(written.check().expect("sound"))
}

fn both() -> Arc<CheckedDetectSettings> {
    settings(&[BucketWidth::Day, BucketWidth::Week])
}

fn feed(seed: u64, surges: Vec<Surge>) -> Vec<Vec<Mention<'static>>> {
    Feed {
        days: CHANGE + 42,
        per_day: 90,
        partitions: 2,
        surges,
        seed,
    }
    .mentions()
}

fn extra(from_day: i64, days: i64, extra_per_day: u32) -> Surge {
    Surge {
        from_day,
        days,
        extra_per_day,
        product: "alpha",
        theme: "supply.shortage",
        region: "south",
    }
}

fn effects(
    partitions: &[Vec<Mention<'static>>],
    settings: &Arc<CheckedDetectSettings>,
) -> Vec<Effect> {
    run(
        partitions,
        &Order::RoundRobin(60),
        Partition::new(Arc::clone(settings)),
        &mut |machine| machine,
    )
    .1
}

/// Alerts about the series that changes.
fn told(effects: &[Effect]) -> Vec<Alert> {
    alerts(effects)
        .into_iter()
        .filter(|alert| {
            let values: Vec<&str> = alert
                .series
                .dimensions
                .iter()
                .map(|(_, value)| value.as_str())
                .collect();
            values == ["alpha", "supply.shortage"] && alert.window.end > START.plus(CHANGE * DAY)
        })
        .cloned()
        .collect()
}

fn raised(alerts: &[Alert]) -> Vec<(&str, BucketWidth)> {
    alerts
        .iter()
        .filter(|alert| alert.change == AlertChange::Raised)
        .map(|alert| (alert.signal_id.as_str(), alert.window.width))
        .collect()
}

#[test]
fn a_surge_that_days_and_weeks_see_is_one_signal_that_says_so() {
    let partitions = feed(101, vec![extra(CHANGE, 4, 30)]);
    // By itself, each width finds it.
    for width in [BucketWidth::Day, BucketWidth::Week] {
        let alone = told(&effects(&partitions, &settings(&[width])));
        assert_eq!(raised(&alone).len(), 1, "{width:?}");
    }
    let alerts = told(&effects(&partitions, &both()));
    let signals = raised(&alerts);
    assert_eq!(signals.len(), 1, "{signals:?}");
    assert_eq!(signals[0].1, BucketWidth::Day, "days come first");
    let says_so: Vec<&Alert> = alerts
        .iter()
        .filter(|alert| {
            let mut context = alert.context.iter();
            context.any(|item| item.label == "alpha · supply.shortage (mentions by week)")
        })
        .collect();
    assert_eq!(says_so[0].change, AlertChange::Updated);
    assert_eq!(says_so[0].signal_id, signals[0].0);
}

/// A little more each week, for six weeks.
fn drift(first: u32) -> Vec<Surge> {
    (0..6)
        .map(|week| extra(CHANGE + 7 * week, 7, first + 2 * week as u32))
        .collect()
}

#[test]
fn a_slow_drift_that_only_weeks_see_is_one_signal() {
    let partitions = feed(102, drift(2));
    let by_days = told(&effects(&partitions, &settings(&[BucketWidth::Day])));
    assert!(raised(&by_days).is_empty(), "{:?}", raised(&by_days));
    let alerts = told(&effects(&partitions, &both()));
    let signals = raised(&alerts);
    assert_eq!(signals.len(), 1, "{signals:?}");
    assert_eq!(signals[0].1, BucketWidth::Week);
}

#[test]
fn a_drift_far_beyond_a_flash_of_days_is_told_too() {
    // One of its days stood out and was soon over; three weeks later the weeks show far more than that.
    let alerts = told(&effects(&feed(101, drift(4)), &both()));
    let widths: Vec<BucketWidth> = raised(&alerts).iter().map(|signal| signal.1).collect();
    assert_eq!(widths, [BucketWidth::Day, BucketWidth::Week]);
}

#[test]
fn a_flash_that_weeks_alone_would_tell_late_stays_a_signal_of_days() {
    let partitions = feed(101, vec![extra(CHANGE + 1, 1, 25)]);
    let alerts = told(&effects(&partitions, &both()));
    let signals = raised(&alerts);
    assert_eq!(signals.len(), 1, "{signals:?}");
    assert_eq!(signals[0].1, BucketWidth::Day);
}

#[test]
fn two_changes_far_apart_are_two_signals() {
    let partitions = feed(101, vec![extra(CHANGE, 2, 30), extra(CHANGE + 28, 2, 30)]);
    let alerts = told(&effects(&partitions, &both()));
    assert_eq!(raised(&alerts).len(), 2, "{:?}", raised(&alerts));
}

#[test]
fn the_order_of_views_restarts_and_interleaving_change_nothing() {
    let partitions = feed(101, vec![extra(CHANGE, 4, 30)]);
    let settings = both();
    let straight = effects(&partitions, &settings);
    let mut kept: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let crashed = run(
        &partitions,
        &Order::RoundRobin(60),
        Partition::new(Arc::clone(&settings)),
        &mut |mut machine| {
            for (key, value) in machine.take_changes() {
                match value {
                    Some(value) => kept.insert(key, value),
                    None => kept.remove(&key),
                };
            }
            let records = kept.iter().map(|(key, value)| (key.clone(), value.clone()));
            Partition::restore(Arc::clone(&settings), records.collect()).expect("readable")
        },
    )
    .1;
    assert_eq!(crashed, straight);
    let mixed = run(
        &partitions,
        &Order::Random(5),
        Partition::new(Arc::clone(&settings)),
        &mut |machine| machine,
    )
    .1;
    assert_eq!(told(&mixed), told(&straight));
    let other = told(&effects(
        &partitions,
        &self::settings(&[BucketWidth::Week, BucketWidth::Day]),
    ));
    assert_eq!(raised(&other).len(), 1);
}
