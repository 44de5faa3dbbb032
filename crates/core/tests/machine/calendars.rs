//! Calendars in the machine: a holiday moves what is expected, everything else is told beside the alert.

use crate::feed::{Feed, Order, START, Surge, alerts, run};
use auscult_core::alert::Alert;
use auscult_core::calendar::{Calendar, CalendarEntry};
use auscult_core::mention::Mention;
use auscult_core::partition::Partition;
use auscult_core::settings::{CheckedDetectSettings, DetectSettings, Dimension};
use auscult_core::time::{BucketIndex, BucketWidth, DAY};
use auscult_core::words::{AlertChange, CalendarKind, Caveat, Measure, StandardDimension};
use std::collections::BTreeMap;
use std::sync::Arc;

const CHANGE: i64 = 45;

fn feed(surge: bool) -> Vec<Vec<Mention<'static>>> {
    Feed {
        days: 55,
        per_day: 150,
        partitions: 2,
        surges: surge
            .then_some(Surge {
                from_day: CHANGE,
                days: 3,
                // Usually three a day: five times as many, and more.
                extra_per_day: 15,
                product: "alpha",
                theme: "supply.shortage",
                region: "south",
            })
            .into_iter()
            .collect(),
        seed: 81,
    }
    .mentions()
}

fn day(number: i64) -> BucketIndex {
    BucketWidth::Day.index(START.plus(number * DAY))
}

fn entry(
    kind: CalendarKind,
    label: &str,
    region: Option<&str>,
    first: i64,
    last: i64,
) -> CalendarEntry {
    CalendarEntry {
        reference: format!("cal_{label}_{first}"),
        kind,
        label: label.to_owned(),
        only: region.map(|region| {
            (
                Dimension::Standard(StandardDimension::Region),
                region.to_owned(),
            )
        }),
        first_day: day(first),
        last_day: day(last),
    }
}

fn with(days_before: BucketIndex, entries: Vec<CalendarEntry>) -> Arc<CheckedDetectSettings> {
    let mut written = DetectSettings::standard();
    written.calendars.push(Calendar {
        name: "test-dates".to_owned(),
        days_before,
        days_after: 0,
        entries,
    });
    Arc::new(written.check().expect("sound"))
}

fn raised(
    partitions: &[Vec<Mention<'static>>],
    settings: Arc<CheckedDetectSettings>,
) -> Vec<Alert> {
    let (_, effects) = run(
        partitions,
        &Order::RoundRobin(80),
        Partition::new(settings),
        &mut |machine| machine,
    );
    alerts(&effects)
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
fn a_real_surge_within_a_congress_is_still_raised_and_says_so() {
    let settings = with(
        2,
        vec![
            entry(
                CalendarKind::Congress,
                "Heart Congress",
                Some("south"),
                CHANGE + 2,
                CHANGE + 3,
            ),
            entry(
                CalendarKind::Campaign,
                "Mailing",
                None,
                CHANGE - 1,
                CHANGE + 1,
            ),
            entry(
                CalendarKind::Congress,
                "Elsewhere",
                Some("north"),
                CHANGE,
                CHANGE + 2,
            ),
            entry(
                CalendarKind::Launch,
                "Last month",
                None,
                CHANGE - 30,
                CHANGE - 30,
            ),
        ],
    );
    let alerts = raised(&feed(true), settings);
    assert_eq!(alerts.len(), 1);
    let alert = &alerts[0];
    assert!(alert.observed > 4.0 * alert.expected);
    assert!(alert.caveats.contains(&Caveat::CalendarOverlap));
    let told: Vec<(&str, &str)> = alert
        .context
        .iter()
        .filter(|item| item.kind != "series")
        .map(|item| (item.kind.as_str(), item.label.as_str()))
        .collect();
    // The congress begins later: its margin reaches the surge. Another region's is not told.
    assert_eq!(
        told,
        [
            ("campaign", "Mailing"),
            ("congress", "Heart Congress (region south)"),
        ]
    );
    let congress = alert
        .context
        .iter()
        .find(|item| item.kind == "congress")
        .expect("told");
    assert_eq!(congress.start, START.plus((CHANGE + 2) * DAY));
    assert_eq!(congress.end, START.plus((CHANGE + 4) * DAY));
    assert!(
        alert.baseline.calendars.is_empty(),
        "a congress moves no baseline"
    );
}

#[test]
fn outside_its_days_a_calendar_says_nothing() {
    let settings = with(
        2,
        vec![entry(
            CalendarKind::Congress,
            "Later",
            None,
            CHANGE + 8,
            CHANGE + 9,
        )],
    );
    let alerts = raised(&feed(true), settings);
    assert_eq!(alerts.len(), 1);
    assert!(!alerts[0].caveats.contains(&Caveat::CalendarOverlap));
    assert!(alerts[0].context.iter().all(|item| item.kind == "series"));
}

/// On one day hardly anybody is at work.
fn day_off() -> Vec<Vec<Mention<'static>>> {
    let mut partitions = feed(false);
    let off = START.plus((CHANGE + 2) * DAY)..START.plus((CHANGE + 3) * DAY);
    for partition in &mut partitions {
        let mut number = 0;
        partition.retain(|mention| {
            number += 1;
            !off.contains(&mention.occurred_at) || number % 7 == 0
        });
        crate::feed::stamp(partition);
    }
    partitions
}

#[test]
fn a_holiday_of_a_calendar_is_no_fall_and_moves_the_baseline_by_name() {
    let falls = |settings| {
        raised(&day_off(), settings)
            .into_iter()
            .filter(|alert| alert.series.measure == Measure::Mentions)
            .filter(|alert| alert.observed < alert.expected)
            .collect::<Vec<_>>()
    };
    let off = |region| {
        entry(
            CalendarKind::Holiday,
            "Day off",
            region,
            CHANGE + 2,
            CHANGE + 2,
        )
    };
    assert!(falls(with(0, vec![off(None)])).is_empty());
    let elsewhere = falls(with(0, vec![off(Some("elsewhere"))]));
    assert!(
        !elsewhere.is_empty(),
        "another region's holiday explains nothing here"
    );
    let as_congress = CalendarEntry {
        kind: CalendarKind::Congress,
        ..off(None)
    };
    assert!(
        !falls(with(0, vec![as_congress])).is_empty(),
        "only a holiday moves what is expected"
    );
    // The baseline names the calendar it knew, and an alert of those days tells them.
    let surge = raised(
        &feed(true),
        with(
            0,
            vec![entry(
                CalendarKind::Holiday,
                "Days off",
                None,
                CHANGE,
                CHANGE + 1,
            )],
        ),
    );
    assert!(!surge.is_empty());
    for alert in &surge {
        assert_eq!(alert.baseline.calendars, ["test-dates"]);
        let overlaps = alert.window.start < START.plus((CHANGE + 2) * DAY);
        let says_so = alert.caveats.contains(&Caveat::CalendarOverlap);
        assert_eq!(says_so, overlaps, "{}", alert.title);
    }
}

/// State after the feed under `settings`.
fn stored(settings: Arc<CheckedDetectSettings>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut kept: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let mut keep = |mut machine: Partition| {
        for (key, value) in machine.take_changes() {
            match value {
                Some(value) => kept.insert(key, value),
                None => kept.remove(&key),
            };
        }
        machine
    };
    let (machine, _) = run(
        &feed(false),
        &Order::RoundRobin(80),
        Partition::new(settings),
        &mut keep,
    );
    keep(machine);
    kept.into_iter().collect()
}

#[test]
fn a_calendar_may_grow_ahead_of_the_stored_state_and_not_behind_it() {
    let holiday = |number| entry(CalendarKind::Holiday, "Day off", None, number, number);
    let before = stored(with(0, vec![holiday(20)]));
    let restored = |entries| Partition::restore(with(0, entries), before.clone());
    assert!(restored(vec![holiday(20)]).is_ok());
    assert!(
        restored(vec![holiday(20), holiday(300)]).is_ok(),
        "next year's days may be added"
    );
    let congress = entry(CalendarKind::Congress, "Missed", None, 21, 22);
    assert!(
        restored(vec![holiday(20), congress]).is_ok(),
        "what is only told may be added any time"
    );
    let refused =
        restored(vec![holiday(20), holiday(30)]).expect_err("a judged day became a holiday");
    assert!(refused.to_string().contains("already judged"), "{refused}");
    assert!(
        restored(Vec::new()).is_err(),
        "a judged holiday was taken away"
    );
}
