//! Files of counts, through the detector the service ships: its tracks, its line, its floors, at the default settings.

use super::events::Event;
use super::judge::{Judged, Outcome, Verdict};
use anyhow::Result;
use auscult::backtest::panel::{self, Panel, PanelOptions};
use auscult::backtest::{Judged as Points, default};
use auscult_core::settings::DetectSettings;
use auscult_core::time::{BucketIndex, BucketWidth, DAY, WEEK};
use std::collections::BTreeMap;
use std::path::Path;

/// Places of a panel in which an event is on.
type Truth = std::ops::RangeInclusive<usize>;

/// Counts by date and unit: each `series` is a portfolio of its own, its units are its series.
pub fn outbreaks(file: &Path, events: &[&Event]) -> Result<Judged> {
    let (columns, rows) = panel::collect(file)?;
    let mut groups: BTreeMap<String, Vec<panel::Numbered>> = BTreeMap::new();
    let total = rows.len();
    for (line, row) in rows {
        let name = row
            .as_ref()
            .ok()
            .and_then(|row| row.get("series").cloned())
            .unwrap_or_default();
        groups.entry(name).or_default().push((line, row));
    }
    let options = PanelOptions {
        time: Some("date".to_owned()),
        value: Some("count".to_owned()),
        by: Some(vec!["unit".to_owned()]),
        truth: Some("state".to_owned()),
        ..PanelOptions::default()
    };
    let mut judged = Judged {
        read: format!("{total} rows, {} portfolios", groups.len()),
        ..Judged::default()
    };
    let mut groups_judged = Vec::new();
    for (name, rows) in groups {
        let panel = panel::of_rows(&name, &columns, rows, &options)?;
        let points = default::judge(&panel, &DetectSettings::standard(), None);
        groups_judged.push((name, panel, points));
    }
    for event in events {
        let wanted = event
            .key
            .iter()
            .find(|(name, _)| name == "series")
            .map(|(_, value)| value.as_str());
        let group = groups_judged
            .iter()
            .find(|(name, ..)| Some(name.as_str()) == wanted);
        judged.outcomes.push(match group {
            Some((_, panel, points)) => of_group(event, panel, points),
            None => unjudged(event, "the file has no such series"),
        });
    }
    for (name, panel, points) in &groups_judged {
        let busy: Vec<Truth> = panel
            .series
            .iter()
            .flat_map(|one| runs(&one.truth))
            .collect();
        quiet(&mut judged, name, panel, points, &busy);
    }
    Ok(judged)
}

/// Posts an hour: all topics of the file as one series.
pub fn hourly_volume(file: &Path, events: &[&Event]) -> Result<Judged> {
    let options = PanelOptions {
        time: Some("hour_utc".to_owned()),
        value: Some("tweets".to_owned()),
        by: Some(Vec::new()),
        width: Some(BucketWidth::Hour),
        ..PanelOptions::default()
    };
    let (columns, rows) = panel::collect(file)?;
    let mut judged = Judged {
        read: format!("{} rows, one series", rows.len()),
        ..Judged::default()
    };
    // Which events the file holds is read from the column the detector does not see.
    let mut starts: BTreeMap<String, i64> = BTreeMap::new();
    for row in rows.iter().filter_map(|(_, row)| row.as_ref().ok()) {
        let at = row
            .get("hour_utc")
            .and_then(|text| super::events::day(text));
        if let (Some(name), Some(day)) = (row.get("event"), at) {
            let start = starts.entry(name.clone()).or_insert(day);
            *start = (*start).min(day);
        }
    }
    let panel = panel::of_rows("hours", &columns, rows, &options)?;
    let points = default::judge(&panel, &DetectSettings::standard(), None);
    let place = |day: i64| {
        let bucket = panel.width.index(auscult_core::time::Timestamp(day * DAY));
        usize::try_from(bucket - panel.first).unwrap_or(0)
    };
    let mut busy: Vec<Truth> = Vec::new();
    for event in events {
        let name = event
            .key
            .iter()
            .find(|(name, _)| name == "event")
            .map(|(_, value)| value);
        let Some(&start) = name.and_then(|name| starts.get(name)) else {
            continue;
        };
        let until = event.until.unwrap_or(start).max(start + 3);
        let during = place(start)..=place(until + 1).min(panel.buckets - 1);
        judged.outcomes.push(during_run(
            event,
            &panel,
            &points,
            std::slice::from_ref(&during),
        ));
        busy.push(during);
    }
    quiet(&mut judged, "all", &panel, &points, &busy);
    Ok(judged)
}

/// Runs of true in a list.
fn runs(truth: &[bool]) -> Vec<Truth> {
    let mut runs: Vec<Truth> = Vec::new();
    for (place, &on) in truth.iter().enumerate() {
        match runs.last_mut() {
            Some(run) if on && *run.end() + 1 == place => *run = *run.start()..=place,
            _ if on => runs.push(place..=place),
            _ => {}
        }
    }
    runs
}

fn of_group(event: &Event, panel: &Panel, points: &Points) -> Outcome {
    let mut outbreaks: Vec<Truth> = panel
        .series
        .iter()
        .flat_map(|one| runs(&one.truth))
        .filter(|run| {
            event.onset_places.is_empty() || event.onset_places.contains(&(run.start() + 1))
        })
        .collect();
    outbreaks.sort_by_key(|run| (*run.start(), *run.end()));
    outbreaks.dedup();
    if outbreaks.is_empty()
        && let (Some(from), Some(until)) = (event.seen_from, event.until)
    {
        let place = |day: i64| {
            let bucket = panel.width.index(auscult_core::time::Timestamp(day * DAY));
            usize::try_from(bucket - panel.first).unwrap_or(0)
        };
        outbreaks.push(place(from)..=place(until));
    }
    during_run(event, panel, points, &outbreaks)
}

/// The first alert within any of an event's runs.
fn during_run(event: &Event, panel: &Panel, points: &Points, outbreaks: &[Truth]) -> Outcome {
    let Some(first) = outbreaks.first() else {
        return unjudged(event, "no bucket of it is flagged and it has no date");
    };
    let mut raised: Vec<(usize, String)> = Vec::new();
    for (series, points) in panel.series.iter().zip(&points.series) {
        for point in points.iter().filter(|point| point.raised && point.upward) {
            if outbreaks.iter().any(|run| run.contains(&point.place)) {
                raised.push((
                    point.place,
                    format!(
                        "{}: {} against {}",
                        series.name(),
                        shown(point.observed),
                        shown(point.expected)
                    ),
                ));
            }
        }
    }
    raised.sort();
    let cold = DetectSettings::standard().cold_start_buckets as usize;
    let day = |place: usize| panel.width.start(panel.first + place as BucketIndex).0 / DAY;
    let verdict = match raised.first() {
        // The alert comes when the bucket has ended.
        Some((place, title)) => Verdict::Found {
            day: day(place + 1),
            title: title.clone(),
        },
        None if *first.start() < cold => Verdict::CannotBeSeen {
            reason: format!(
                "it begins in bucket {} of the file: there is no history to compare it with",
                first.start() + 1
            ),
        },
        None => Verdict::Missed,
    };
    Outcome {
        event: event.id.clone(),
        kinds: event.kinds.join(", "),
        confidence: event.confidence.clone(),
        verdict,
        seen_from: Some(day(*first.start())),
        alerts: raised.len(),
        incidents: raised.len(),
        note: String::new(),
    }
}

fn shown(number: Option<f64>) -> String {
    number.map_or("?".to_owned(), |number| {
        format!("{:.1}", number).trim_end_matches(".0").to_owned()
    })
}

fn unjudged(event: &Event, reason: &str) -> Outcome {
    Outcome {
        event: event.id.clone(),
        kinds: event.kinds.join(", "),
        confidence: event.confidence.clone(),
        verdict: Verdict::NotJudged {
            reason: reason.to_owned(),
        },
        seen_from: None,
        alerts: 0,
        incidents: 0,
        note: String::new(),
    }
}

fn quiet(judged: &mut Judged, name: &str, panel: &Panel, points: &Points, busy: &[Truth]) {
    // What an outbreak leaves behind is not quiet yet.
    let after = (28 * DAY / panel.width.milliseconds()).max(1) as usize;
    let is_busy = |place: usize| {
        busy.iter()
            .any(|run| (*run.start()..=run.end() + after).contains(&place))
    };
    let quiet_buckets = (0..panel.buckets).filter(|place| !is_busy(*place)).count();
    let weeks = quiet_buckets as f64 * panel.width.milliseconds() as f64 / WEEK as f64;
    let mut alerts = 0;
    for (series, points) in panel.series.iter().zip(&points.series) {
        for point in points.iter().filter(|point| point.raised) {
            if is_busy(point.place) && point.upward {
                continue;
            }
            alerts += usize::from(!is_busy(point.place));
            let day = panel
                .width
                .start(panel.first + point.place as BucketIndex)
                .0
                / DAY;
            judged.others.push((
                day,
                format!(
                    "{name}, {}: {} against {}",
                    series.name(),
                    shown(point.observed),
                    shown(point.expected)
                ),
            ));
        }
    }
    judged.quiet.push((name.to_owned(), alerts, weeks));
    judged.others.sort();
}
