//! Views that name a published method: the same machine, the same false-discovery control, another judge of counts.

use crate::feed::{Feed, Order, START, Surge, alerts, run};
use auscult_core::alert::Alert;
use auscult_core::effect::Effect;
use auscult_core::mention::Mention;
use auscult_core::partition::Partition;
use auscult_core::series::LIVE_METHODS;
use auscult_core::settings::{CheckedDetectSettings, DetectSettings, Exposure};
use auscult_core::time::{BucketWidth, DAY, HOUR, Timestamp};
use auscult_core::words::{AlertChange, Measure};
use auscult_statistics::reference::{Calendar, CountSeries, NAMES, named};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::sync::Arc;

const CHANGE: i64 = 45;

fn feed() -> Vec<Vec<Mention<'static>>> {
    Feed {
        days: 55,
        per_day: 150,
        partitions: 2,
        surges: vec![Surge {
            from_day: CHANGE,
            days: 3,
            extra_per_day: 40,
            product: "alpha",
            theme: "supply.shortage",
            region: "south",
        }],
        seed: 91,
    }
    .mentions()
}

fn with(method: Option<&str>) -> Arc<CheckedDetectSettings> {
    let mut written = DetectSettings::standard();
    for view in &mut written.views {
        view.method = method.map(str::to_owned);
        view.measures = vec![Measure::Mentions];
    }
    Arc::new(written.check().expect("sound"))
}

fn effects(
    partitions: &[Vec<Mention<'static>>],
    settings: &Arc<CheckedDetectSettings>,
) -> Vec<Effect> {
    run(
        partitions,
        &Order::RoundRobin(80),
        Partition::new(Arc::clone(settings)),
        &mut |machine| machine,
    )
    .1
}

fn raised(effects: &[Effect]) -> Vec<Alert> {
    alerts(effects)
        .into_iter()
        .filter(|alert| {
            alert.change == AlertChange::Raised
                && alert.suppressed_by.is_empty()
                && alert.window.end > START.plus(CHANGE * DAY)
        })
        .cloned()
        .collect()
}

#[test]
fn one_feed_under_two_methods_is_the_same_surge_and_names_its_method() {
    let partitions = feed();
    for (method, name) in [
        (None, "dynamic_count"),
        (Some("bayes"), "bayes"),
        (Some("ears_c1"), "ears_c1"),
    ] {
        let found = raised(&effects(&partitions, &with(method)));
        assert!(!found.is_empty(), "{name} finds nothing");
        assert!(found.iter().all(|alert| alert.detector.method == name));
        let surge = found
            .iter()
            .find(|alert| {
                alert
                    .series
                    .dimensions
                    .iter()
                    .any(|(_, value)| value == "supply.shortage")
            })
            .expect("the surge is told");
        assert!(surge.observed > surge.expected, "{name}");
        assert!(
            surge.p_value < 0.01 && surge.q_value <= 0.05,
            "{name}: {}",
            surge.p_value
        );
    }
}

/// What the machine published of one series: start, observed, expected, p-value.
fn points(effects: &[Effect], view: &str, values: &[&str]) -> Vec<(Timestamp, f64, f64, f64)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::SeriesPoint(point) => Some(point),
            _ => None,
        })
        .filter(|point| {
            point.view == view
                && point
                    .dimensions
                    .iter()
                    .map(|(_, value)| value.as_str())
                    .eq(values.iter().copied())
        })
        .map(|point| {
            (
                point.start,
                point.observed.unwrap_or(-1.0),
                point.expected,
                point.p_value,
            )
        })
        .collect()
}

#[test]
fn the_machine_says_what_the_method_says_of_the_whole_history() {
    let partitions = feed();
    for name in ["bayes", "ears_c1", "ears_c2"] {
        let told = points(
            &effects(&partitions, &with(Some(name))),
            "product",
            &["alpha"],
        );
        let counts: Vec<u64> = told.iter().map(|point| point.1 as u64).collect();
        let series = CountSeries {
            counts: &counts,
            calendar: Calendar::Even {
                buckets_per_year: 365,
            },
            population: &[],
        };
        let method = named(name).expect("sound").expect("known");
        let judged = method
            .judge(&series, 10..counts.len())
            .expect("long enough");
        assert!(judged.len() > 40);
        for one in judged {
            let (_, observed, expected, p_value) = told[one.place];
            assert_eq!(observed as u64, one.observed);
            let wanted = one.expected.expect("a mean");
            assert!(
                (expected - wanted).abs() < 1e-9 * wanted.max(1.0),
                "{name} at {}",
                one.place
            );
            if let Some(p) = one.p_value {
                assert!(
                    (p_value - (2.0 * p).min(1.0)).abs() < 1e-12,
                    "{name} at {}",
                    one.place
                );
            }
        }
    }
}

#[test]
fn crashed_and_restored_after_every_turn_it_says_the_same() {
    let partitions = feed();
    let settings = with(Some("ears_c2"));
    let mut kept: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let crashed = run(
        &partitions,
        &Order::RoundRobin(80),
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
    assert_eq!(crashed, effects(&partitions, &settings));
}

#[test]
fn late_data_are_judged_by_the_method_too_whatever_the_interleaving() {
    let mut partitions = feed();
    // Half of the surge's first day arrives three days later.
    let day = START.plus(CHANGE * DAY)..START.plus((CHANGE + 1) * DAY);
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut late: Vec<Mention<'static>> = Vec::new();
    partitions[0].retain(|mention| {
        let goes = day.contains(&mention.occurred_at);
        if goes {
            late.push(mention.clone());
        }
        !goes
    });
    assert!(late.len() > 20);
    let marker = crate::feed::mention(
        900_001,
        CHANGE + 4,
        &mut random,
        "beta",
        "access.cost",
        "west",
    );
    let at = partitions[0].partition_point(|it| it.occurred_at < marker.occurred_at);
    partitions[0].splice(at..at, late);
    crate::feed::stamp(&mut partitions[0]);
    let settings = with(Some("bayes"));
    let straight = effects(&partitions, &settings);
    let restated = straight.iter().any(|effect| {
        matches!(effect, Effect::SeriesPoint(point) if point.revision > 1 && point.p_value < 0.01)
    });
    assert!(restated, "no bucket was judged again");
    let mixed = run(
        &partitions,
        &Order::Random(3),
        Partition::new(Arc::clone(&settings)),
        &mut |machine| machine,
    )
    .1;
    let told = |effects: &[Effect]| -> Vec<String> {
        let mut told: Vec<String> = alerts(effects)
            .iter()
            .map(|alert| format!("{alert:?}"))
            .collect();
        told.sort();
        told
    };
    assert_eq!(told(&mixed), told(&straight));
}

#[test]
fn farrington_waits_for_its_five_years_and_then_finds_the_surge() {
    // Seventy-two months of one mention a month and week-day or so, then a surge.
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let mut mentions: Vec<Mention<'static>> = Vec::new();
    let months = 72;
    for number in 0..months * 6 {
        let day = i64::from(number) * 5 + i64::from(number % 3);
        mentions.push(crate::feed::mention(
            number as u64,
            day,
            &mut random,
            "alpha",
            "access.cost",
            "west",
        ));
    }
    let surge_day = i64::from(months) * 30 - 20;
    for number in 0..40 {
        mentions.push(crate::feed::mention(
            10_000 + number,
            surge_day,
            &mut random,
            "alpha",
            "access.cost",
            "west",
        ));
    }
    mentions.push(crate::feed::mention(
        20_000,
        surge_day + 70,
        &mut random,
        "alpha",
        "access.cost",
        "west",
    ));
    mentions.sort_by_key(|mention| mention.occurred_at);
    crate::feed::stamp(&mut mentions);
    let mut written = DetectSettings::standard();
    written.views.truncate(1);
    written.views[0].measures = vec![Measure::Mentions];
    written.views[0].width = BucketWidth::Month;
    written.views[0].method = Some("farrington_flexible_nb_plug_in".into());
    let settings = Arc::new(written.check().expect("sound"));
    let effects = effects(&[mentions], &settings);
    let told = points(&effects, "product", &["alpha"]);
    assert!(told.len() > 60);
    assert!(
        told[..60].iter().all(|point| point.3 == 1.0),
        "it judges without its history"
    );
    let alerts = alerts(&effects);
    assert_eq!(alerts[0].detector.method, "farrington_flexible_nb_plug_in");
    let surge = START.plus(surge_day * DAY + HOUR);
    assert!(alerts[0].window.start <= surge && surge < alerts[0].window.end);
    assert!(
        alerts
            .iter()
            .filter(|alert| alert.change == AlertChange::Raised)
            .count()
            == 1
    );
}

#[test]
fn methods_that_cannot_be_used_are_refused_with_the_reason() {
    let refused = |edit: &dyn Fn(&mut DetectSettings)| {
        let mut written = DetectSettings::standard();
        edit(&mut written);
        let problems = written.check().expect_err("refused");
        assert_eq!(problems.len(), 1);
        problems[0].to_string()
    };
    let unknown = refused(&|it| it.views[0].method = Some("farington".into()));
    assert!(
        unknown.starts_with("detect.views[0].method: \"farington\" is not known"),
        "{unknown}"
    );
    for name in LIVE_METHODS {
        assert!(unknown.contains(name), "{name} is not offered: {unknown}");
    }
    for name in NAMES.iter().filter(|name| !LIVE_METHODS.contains(name)) {
        let told = refused(&|it| it.views[1].method = Some((*name).to_owned()));
        assert!(
            told.contains("no p-value") && told.contains("backtest"),
            "{told}"
        );
    }
    let hourly = refused(&|it| {
        it.views[0].method = Some("farrington".into());
        it.views[0].width = BucketWidth::Hour;
    });
    assert!(hourly.contains("five years"), "{hourly}");
    let exposed = refused(&|it| {
        it.views[0].method = Some("ears_c1".into());
        it.views[0].exposure = Exposure::Feeds;
    });
    assert!(exposed.contains("no exposure"), "{exposed}");
    let uncounted = refused(&|it| {
        it.views[0].method = Some("bayes".into());
        it.views[0].measures = vec![Measure::MeanRating];
    });
    assert!(uncounted.contains("counts no mentions"), "{uncounted}");
}
