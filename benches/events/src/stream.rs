//! A stream through the product: map, Listen, Detect, alerts, and what the alerts are made of.

use super::events::{Event, Filter};
use super::judge::{Judged, Outcome, Verdict};
use anyhow::{Result, anyhow};
use auscult::exit::Failure;
use auscult::history::{self, Report};
use auscult::import::map::{LINE, MapFile};
use auscult::import::rows;
use auscult::{commands, table, topics};
use auscult_core::interner::Interner;
use auscult_core::lattice::{Lattice, Slots};
use auscult_core::time::{DAY, Timestamp, WEEK};
use auscult_core::words::{Measure, SignalKind};
use auscult_wire::AlertData;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// What is kept of a mention, to ask which rows a signal is made of.
struct Said {
    id: String,
    voice: String,
    at: Timestamp,
    values: Arc<[u32]>,
}

struct Stream {
    said: Vec<Said>,
    lattice: Lattice,
    interner: Interner,
}

/// A signal somebody was told of: the first alert that notified.
struct Told<'a> {
    alert: &'a AlertData,
    /// Day on which it was told.
    day: i64,
}

fn failed(failure: Failure) -> anyhow::Error {
    anyhow!(failure.to_string())
}

/// Replays `file` and judges `events` by what was alerted.
pub fn judge(file: &Path, map_path: &Path, events: &[&Event]) -> Result<Judged> {
    let map = commands::read_map(map_path).map_err(failed)?;
    let settings = history::settings_for(None, map_path, &map, false).map_err(failed)?;
    let (feedback, bad) = history::read_events(file, &map).map_err(failed)?;
    let (first, last) = (
        feedback.iter().map(|event| event.data.occurred_at).min(),
        feedback.iter().map(|event| event.data.occurred_at).max(),
    );
    let (Some(first), Some(last)) = (first, last) else {
        return Err(anyhow!("it has no rows"));
    };
    let mut stream = Stream {
        said: Vec::new(),
        lattice: Lattice::new(&settings.detect),
        interner: Interner::default(),
    };
    let broker = topics::memory_log(&settings.engine);
    let taxonomy = commands::taxonomy(map.taxonomy.as_deref().or(settings.taxonomy.as_deref()))
        .map_err(failed)?;
    let mentions = settings.engine.topics.mentions.clone();
    let report = history::through_the_machine(
        &broker,
        Box::new(broker.clone()),
        &settings,
        taxonomy,
        feedback,
        &[&mentions],
        |record| stream.hear(record),
    )
    .map_err(failed)?;
    let owned = rows_of_events(file, &map, events)?;
    let told = told(&report);
    let mut judged = Judged {
        read: format!(
            "{} rows, {} of them left out; {} signals, {} of them told to somebody; the rest came too early in the history, or beyond the day's budget",
            report.events as usize + bad.len(),
            bad.len(),
            report.signals.len(),
            told.len(),
        ),
        ..Judged::default()
    };
    let mut matched: BTreeSet<&str> = BTreeSet::new();
    for (event, (rows, filter)) in events.iter().zip(&owned) {
        let mine: Vec<&Told> = told
            .iter()
            .filter(|told| stream.tells_of(told, event, rows))
            .collect();
        matched.extend(mine.iter().map(|told| told.alert.signal_id.as_str()));
        let cold = settings.detect.cold_start_buckets;
        judged
            .outcomes
            .push(outcome(event, filter, rows.len(), &mine, first, cold));
    }
    let busy: Vec<(i64, i64)> = events
        .iter()
        .filter(|event| !event.is_artefact())
        .filter_map(|event| Some((event.seen_from?, event.until? + 35)))
        .collect();
    let is_busy = |day: i64| {
        busy.iter()
            .any(|(from, until)| (*from..=*until).contains(&day))
    };
    let weeks = (first.0 / DAY..=last.0 / DAY)
        .filter(|day| !is_busy(*day))
        .count() as f64
        * DAY as f64
        / WEEK as f64;
    let others: Vec<&Told> = told
        .iter()
        .filter(|told| !matched.contains(told.alert.signal_id.as_str()))
        .collect();
    let quiet = others.iter().filter(|told| !is_busy(told.day)).count();
    judged.quiet.push(("all".to_owned(), quiet, weeks));
    judged.others = others
        .iter()
        .map(|told| (told.day, told.alert.title.clone()))
        .collect();
    judged.others.sort();
    Ok(judged)
}

/// Signals that notified, each by its first alert that did, in order of time.
fn told(report: &Report) -> Vec<Told<'_>> {
    let mut first: BTreeMap<&str, Told<'_>> = BTreeMap::new();
    for alert in &report.alerts {
        if alert.suppressed_by.is_empty() {
            first.entry(&alert.signal_id).or_insert(Told {
                alert,
                day: alert.as_of.0.div_euclid(DAY),
            });
        }
    }
    let mut told: Vec<Told<'_>> = first.into_values().collect();
    told.sort_by_key(|told| (told.day, told.alert.signal_id.clone()));
    told
}

type Rows = BTreeSet<String>;

/// Ids of the rows each event says are its own.
fn rows_of_events(file: &Path, map: &MapFile, events: &[&Event]) -> Result<Vec<(Rows, Filter)>> {
    let mut owned = Vec::new();
    for event in events {
        owned.push((Rows::new(), Filter::read(&event.filter)?));
    }
    for (line, row) in rows::open(file, &[])? {
        let Ok(mut row) = row else { continue };
        row.insert(LINE.to_owned(), line.to_string());
        let Some(id) = row.get(&map.columns.feedback_id) else {
            continue;
        };
        for (rows, filter) in &mut owned {
            if filter.holds(&row) {
                rows.insert(id.trim().to_owned());
            }
        }
    }
    Ok(owned)
}

impl Stream {
    fn hear(&mut self, record: &auscult_engine::log::Record) {
        let value = record.value.as_deref().unwrap_or_default();
        // Markers share the topic; they say nothing about anybody.
        if let Ok(mention) = auscult_wire::decode_mention(&record.headers, value) {
            let values = self.lattice.values(&mention, &mut self.interner);
            self.said.push(Said {
                id: mention.feedback_id.to_string(),
                voice: mention
                    .thread
                    .as_deref()
                    .unwrap_or(&mention.feedback_id)
                    .to_owned(),
                at: mention.occurred_at,
                values,
            });
        }
    }

    /// Whether a signal tells of an event: the right kind of change, at the time, made of the event's rows.
    fn tells_of(&self, told: &Told<'_>, event: &Event, rows: &Rows) -> bool {
        let alert = told.alert;
        let upward = alert.observed >= alert.expected;
        let surge = matches!(
            alert.kind,
            SignalKind::VolumeUp | SignalKind::NewTheme | SignalKind::GeoCluster
        );
        if event.is_artefact() {
            return surge && self.explains(alert, rows, None);
        }
        let (Some(from), Some(until)) = (event.seen_from, event.until) else {
            return false;
        };
        let width = table::width(&alert.window.bucket).milliseconds() / DAY;
        let in_time = told.day >= from
            && told.day <= until + width.max(7) + 28
            && alert.window.start.0.div_euclid(DAY) <= until;
        let is_drop = match alert.series.measure {
            Measure::Mentions => {
                matches!(alert.kind, SignalKind::VolumeDown | SignalKind::Silence)
                    && event.is("volume_drop")
            }
            Measure::MeanRating => !upward && event.is("rating_drop"),
            Measure::NegativeShare => upward && event.is("rating_drop"),
        };
        let is_surge = surge && (event.is("volume_surge") || event.is("emergent_topic"));
        in_time
            && (is_surge && self.explains(alert, rows, Some((from, until)))
                || is_drop && self.lies_within(alert, rows))
    }

    fn of_series<'a>(&'a self, alert: &'a AlertData) -> impl Iterator<Item = &'a Said> {
        let wanted: Vec<(usize, &str)> = alert
            .series
            .dimensions
            .0
            .iter()
            .filter_map(|(name, value)| {
                let slot = self
                    .lattice
                    .dimensions()
                    .iter()
                    .position(|dimension| dimension.name() == *name)?;
                Some((slot, value.as_str()))
            })
            .collect();
        self.said.iter().filter(move |said| {
            let slots = Slots::new(&said.values);
            wanted.iter().all(|(slot, value)| {
                slots
                    .get(*slot)
                    .iter()
                    .any(|&number| self.interner.text(number) == *value)
            })
        })
    }

    /// Whether the event's voices make up at least half of what is too much in the signal's window.
    fn explains(&self, alert: &AlertData, rows: &Rows, within: Option<(i64, i64)>) -> bool {
        let mut voices: BTreeSet<&str> = BTreeSet::new();
        for said in self.of_series(alert) {
            let in_window = (alert.window.start..alert.window.end).contains(&said.at);
            let day = said.at.0.div_euclid(DAY);
            let in_event =
                within.is_none_or(|(from, until)| (from - 7..=until + 28).contains(&day));
            if in_window && in_event && rows.contains(&said.id) {
                voices.insert(&said.voice);
            }
        }
        let excess = (alert.observed - alert.expected).max(1.0);
        !voices.is_empty() && voices.len() as f64 >= 0.5 * excess
    }

    /// Whether at least half of what the series ever held is the event's.
    fn lies_within(&self, alert: &AlertData, rows: &Rows) -> bool {
        let (mut all, mut mine) = (0usize, 0usize);
        for said in self.of_series(alert) {
            all += 1;
            mine += usize::from(rows.contains(&said.id));
        }
        mine > 0 && 2 * mine >= all
    }
}

fn outcome(
    event: &Event,
    filter: &Filter,
    rows: usize,
    mine: &[&Told<'_>],
    first: Timestamp,
    cold_start_buckets: u32,
) -> Outcome {
    let incidents: BTreeSet<&str> = mine
        .iter()
        .map(|told| told.alert.incident_id.as_str())
        .collect();
    let allowed = usize::from(event.is("single_source_burst"));
    let early = event
        .seen_from
        .is_some_and(|from| from - first.0.div_euclid(DAY) < i64::from(cold_start_buckets));
    let verdict = if rows == 0 {
        Verdict::NotJudged {
            reason: format!("no row is the event's by its filter ({})", event.filter),
        }
    } else if event.is_artefact() {
        if incidents.len() <= allowed {
            Verdict::Silent
        } else {
            Verdict::WronglyRaised {
                titles: mine.iter().map(|told| told.alert.title.clone()).collect(),
            }
        }
    } else if let Some(told) = mine.first() {
        Verdict::Found {
            day: told.day,
            title: told.alert.title.clone(),
        }
    } else if early {
        Verdict::CannotBeSeen {
            reason: "the file begins with it: there is no history to compare it with".to_owned(),
        }
    } else {
        Verdict::Missed
    };
    let mut note = Vec::new();
    if !filter.unread.is_empty() {
        note.push(format!(
            "not read of its filter: {}",
            filter.unread.join("; ")
        ));
    }
    Outcome {
        event: event.id.clone(),
        kinds: event.kinds.join(", "),
        confidence: event.confidence.clone(),
        verdict,
        seen_from: event.seen_from.filter(|_| !event.is_artefact()),
        alerts: mine.len(),
        incidents: incidents.len(),
        note: note.join(". "),
    }
}
