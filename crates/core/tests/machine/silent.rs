//! What is no signal stays silent, and beside each such case a control in which the real change is still found.

use crate::feed::{self, Feed, Order, START, alerts, run, settings};
use auscult_core::alert::Alert;
use auscult_core::effect::Effect;
use auscult_core::mention::Mention;
use auscult_core::partition::Partition;
use auscult_core::settings::{
    CheckedDetectSettings, DetectSettings, Dimension, Exposure, Holidays, Rename, Split,
};
use auscult_core::time::{BucketWidth, DAY, Timestamp};
use auscult_core::words::{AlertChange, Measure, Stakeholder, StandardDimension};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

const CHANGE: i64 = 45;

fn quiet_feed(seed: u64) -> Vec<Vec<Mention<'static>>> {
    Feed {
        days: 55,
        per_day: 150,
        partitions: 2,
        surges: Vec::new(),
        seed,
    }
    .mentions()
}

/// Signals raised for buckets from the change on.
fn raised(
    partitions: &[Vec<Mention<'static>>],
    settings: Arc<CheckedDetectSettings>,
) -> Vec<Alert> {
    let (_, effects): (_, Vec<Effect>) = run(
        partitions,
        &Order::RoundRobin(80),
        Partition::new(settings),
        &mut |machine| machine,
    );
    alerts(&effects)
        .into_iter()
        .filter(|alert| {
            alert.change == AlertChange::Raised && alert.window.end > START.plus(CHANGE * DAY)
        })
        .cloned()
        .collect()
}

fn titles(alerts: &[Alert]) -> Vec<(&str, Timestamp, f64, f64)> {
    alerts
        .iter()
        .map(|alert| {
            (
                alert.title.as_str(),
                alert.window.start,
                alert.observed,
                alert.expected,
            )
        })
        .collect()
}

/// Pharmacists are hard to please, patients are not. From the change on, twice as many pharmacists speak
/// (`company`), or everybody is harder to please (`mind`).
fn pleased(company: bool, mind: bool) -> Vec<Vec<Mention<'static>>> {
    let mut partitions = quiet_feed(31);
    for mention in partitions.iter_mut().flatten() {
        let number: u64 = mention.event_id["event-".len()..]
            .parse()
            .expect("a number");
        let changed = mention.occurred_at >= START.plus(CHANGE * DAY);
        let pharmacists = if changed && company { 6 } else { 2 };
        let is_pharmacist = number % 10 < pharmacists;
        mention.who.stakeholder = if is_pharmacist {
            Stakeholder::Pharmacist
        } else {
            Stakeholder::Patient
        };
        let noise = (number * 7919 % 101) as u16;
        let base = if is_pharmacist { 200 } else { 700 };
        let lost = if changed && mind { 200 } else { 0 };
        mention.rating = Some(base + noise - lost.min(base));
        let feeling: i16 = if noise < lost / 4 || is_pharmacist {
            -500
        } else {
            300
        };
        mention.sentiment = Some(feeling);
        mention.themes[0].sentiment = Some(feeling);
    }
    partitions
}

#[test]
fn other_company_is_no_change_of_mind() {
    let of_mind = |alerts: &[Alert]| {
        alerts
            .iter()
            .filter(|alert| alert.series.measure != Measure::Mentions)
            .cloned()
            .collect::<Vec<_>>()
    };
    let company = of_mind(&raised(&pleased(true, false), settings()));
    assert!(company.is_empty(), "{:?}", titles(&company));
    let mind = of_mind(&raised(&pleased(false, true), settings()));
    assert!(!mind.is_empty(), "a change of mind is not found");
}

fn with(edit: impl FnOnce(&mut DetectSettings)) -> Arc<CheckedDetectSettings> {
    let mut written = DetectSettings::standard();
    edit(&mut written);
    Arc::new(written.check().expect("sound"))
}

fn after(mention: &Mention<'_>) -> bool {
    mention.occurred_at >= START.plus(CHANGE * DAY)
}

/// Adds a real surge from the change on.
fn surge(partitions: &mut [Vec<Mention<'static>>], product: &str) {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    for day in CHANGE..CHANGE + 4 {
        for number in 0..40 {
            let number = 800_000 + (day as u64) * 100 + number;
            partitions[0].push(feed::mention(
                number,
                day,
                &mut random,
                product,
                "supply.shortage",
                "south",
            ));
        }
    }
    partitions[0].sort_by_key(|mention| mention.occurred_at);
    feed::stamp(&mut partitions[0]);
}

fn names_the_surge(alerts: &[Alert], product: &str) -> bool {
    alerts.iter().any(|alert| {
        let has = |name: &str| {
            alert
                .series
                .dimensions
                .iter()
                .any(|(_, value)| value == name)
        };
        has(product) && has("supply.shortage") && alert.observed > alert.expected
    })
}

/// Signals somebody is notified of.
fn told(alerts: Vec<Alert>) -> Vec<Alert> {
    alerts
        .into_iter()
        .filter(|alert| alert.suppressed_by.is_empty())
        .collect()
}

/// From the change on twice as many answer: another survey wave, not another opinion (B02).
fn doubled() -> Vec<Vec<Mention<'static>>> {
    let mut partitions = quiet_feed(32);
    for (partition, more) in partitions.iter_mut().zip(quiet_feed(132)) {
        partition.extend(more.into_iter().filter(after).map(|mut mention| {
            mention.event_id = format!("{}-b", mention.event_id).into();
            mention.feedback_id = format!("{}-b", mention.feedback_id).into();
            mention
        }));
        partition.sort_by_key(|mention| mention.occurred_at);
        feed::stamp(partition);
    }
    partitions
}

#[test]
fn twice_as_many_surveys_are_no_surge_where_feeds_are_the_exposure() {
    let by_feeds = || {
        with(|settings| {
            for view in &mut settings.views {
                view.exposure = Exposure::Feeds;
            }
        })
    };
    let silent = told(raised(&doubled(), by_feeds()));
    assert!(silent.is_empty(), "{:?}", titles(&silent));
    assert!(
        !raised(&doubled(), settings()).is_empty(),
        "by time, twice as many are a surge: the case can fail"
    );
    let mut real = doubled();
    surge(&mut real, "alpha");
    let found = told(raised(&real, by_feeds()));
    assert!(names_the_surge(&found, "alpha"), "{:?}", titles(&found));
}

/// From the change on two products are reported under one new name (J06).
fn merged() -> Vec<Vec<Mention<'static>>> {
    let mut partitions = quiet_feed(33);
    for mention in partitions.iter_mut().flatten() {
        if after(mention) && mention.about.products[0] != "alpha" {
            mention.about.products = vec!["delta".into()];
        }
    }
    partitions
}

#[test]
fn a_merger_is_no_signal_where_it_is_known() {
    let known = || {
        with(|settings| {
            settings.renames.push(Rename {
                dimension: Dimension::Standard(StandardDimension::Product),
                from: vec!["beta".into(), "gamma".into()],
                to: "delta".into(),
            });
        })
    };
    let silent = told(raised(&merged(), known()));
    assert!(silent.is_empty(), "{:?}", titles(&silent));
    assert!(
        !told(raised(&merged(), settings())).is_empty(),
        "unknown, a merger is a new product and two that fell silent"
    );
    let mut real = merged();
    surge(&mut real, "delta");
    let found = told(raised(&real, known()));
    assert!(names_the_surge(&found, "delta"), "{:?}", titles(&found));
}

/// From the change on one product is reported as two.
fn parted() -> Vec<Vec<Mention<'static>>> {
    let mut partitions = quiet_feed(34);
    for (number, mention) in partitions.iter_mut().flatten().enumerate() {
        if after(mention) && mention.about.products[0] == "gamma" {
            let part = ["gamma-one", "gamma-two"][number % 2];
            mention.about.products = vec![part.into()];
        }
    }
    partitions
}

#[test]
fn a_split_is_no_signal_where_it_is_known() {
    let known = || {
        with(|settings| {
            settings.splits.push(Split {
                dimension: Dimension::Standard(StandardDimension::Product),
                whole: "gamma".into(),
                parts: vec!["gamma-one".into(), "gamma-two".into()],
                effective: START.plus(CHANGE * DAY),
            });
        })
    };
    let silent = told(raised(&parted(), known()));
    assert!(silent.is_empty(), "{:?}", titles(&silent));
    assert!(!told(raised(&parted(), settings())).is_empty());
    let mut real = parted();
    surge(&mut real, "gamma-one");
    let found = told(raised(&real, known()));
    assert!(
        names_the_surge(&found, "gamma") || names_the_surge(&found, "gamma-one"),
        "{:?}",
        titles(&found)
    );
}

/// One day after the change hardly anybody is at work.
fn day_off() -> Vec<Vec<Mention<'static>>> {
    let mut partitions = quiet_feed(35);
    let off = START.plus((CHANGE + 2) * DAY)..START.plus((CHANGE + 3) * DAY);
    for partition in &mut partitions {
        let mut number = 0;
        partition.retain(|mention| {
            number += 1;
            !off.contains(&mention.occurred_at) || number % 7 == 0
        });
        feed::stamp(partition);
    }
    partitions
}

#[test]
fn a_holiday_is_no_fall_where_the_calendar_knows_it() {
    let known = |only: Option<&str>| {
        let only = only.map(|region| {
            let dimension = Dimension::Standard(StandardDimension::Region);
            (dimension, region.to_owned())
        });
        with(|settings| {
            let day = BucketWidth::Day.index(START.plus((CHANGE + 2) * DAY));
            settings.holidays.push(Holidays {
                only,
                days: [day].into(),
            });
        })
    };
    let silent = told(raised(&day_off(), known(None)));
    assert!(silent.is_empty(), "{:?}", titles(&silent));
    assert!(
        !told(raised(&day_off(), known(Some("elsewhere")))).is_empty(),
        "another region's holiday explains nothing here"
    );
    let mut real = day_off();
    surge(&mut real, "alpha");
    let found = told(raised(&real, known(None)));
    assert!(names_the_surge(&found, "alpha"), "{:?}", titles(&found));
}

/// One mention in three speaks of the east. From the change on none does: because its feed is down, or although
/// the feed is up.
fn without_the_east(own_feed: bool) -> Vec<Vec<Mention<'static>>> {
    let mut partitions = quiet_feed(36);
    for partition in &mut partitions {
        for mention in partition.iter_mut().step_by(3) {
            mention.who.region = "east".into();
            if own_feed {
                mention.feed = "social/x/social".into();
            }
        }
        partition.retain(|mention| mention.who.region != "east" || !after(mention));
        feed::stamp(partition);
    }
    partitions
}

#[test]
fn a_lost_source_is_no_fall_and_a_fall_is_one() {
    let fallen = |alerts: Vec<Alert>| {
        told(alerts)
            .into_iter()
            .filter(|alert| alert.observed < alert.expected)
            .collect::<Vec<_>>()
    };
    let names_the_east = |alert: &Alert| {
        let mut values = alert.series.dimensions.iter().map(|(_, value)| value);
        values.any(|value| value == "east")
    };
    let silent = fallen(raised(&without_the_east(true), settings()));
    // Ten days of a hundred series: one may be chance.
    assert!(
        silent.len() <= 1 && !silent.iter().any(names_the_east),
        "{:?}",
        titles(&silent)
    );
    let real = fallen(raised(&without_the_east(false), settings()));
    assert!(
        real.iter().any(names_the_east),
        "with its feed up, the east fell silent: {:?}",
        titles(&real)
    );
}
