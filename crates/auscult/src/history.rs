//! History from a file through Listen and Detect: what replay, backtest and the judging of known events share.

use crate::exit::{Failure, Kind, Marked};
use crate::import::map::MapFile;
use crate::import::rows::BadRow;
use crate::import::{event, map, rows};
use crate::pipeline::{Broker, Pipeline};
use crate::settings::{self, Overrides, Settings};
use auscult_core::time::Timestamp;
use auscult_core::words::SignalStatus;
use auscult_engine::log::Record;
use auscult_engine::settings::Topics;
use auscult_wire::{AlertData, FeedbackEvent};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Events fed in at once.
const BATCH: usize = 4_096;

/// What a replay came to.
#[derive(Debug, Default)]
pub struct Report {
    /// Newest revision of each signal raised, and how it was first told.
    pub signals: BTreeMap<String, Raised>,
    /// Every alert sent, in order.
    pub alerts: Vec<AlertData>,
    /// Safety candidates found.
    pub candidates: u64,
    /// Dead letters by code.
    pub dead_letters: BTreeMap<String, u64>,
    /// Events fed in.
    pub events: u64,
}

/// A signal as raised, and where it ended.
#[derive(Debug, Clone)]
pub struct Raised {
    /// The alert that raised it.
    pub alert: AlertData,
    /// Status of the last revision.
    pub last: SignalStatus,
}

/// Settings a file is replayed with: those of `settings` (or the defaults), and over them what the map says. With
/// `backfill` nobody is to be notified.
///
/// # Errors
/// Everything that is wrong with either file.
pub fn settings_for(
    settings: Option<&Path>,
    map_path: &Path,
    map: &MapFile,
    backfill: bool,
) -> Result<Settings, Failure> {
    // Nothing of a replay is kept, so its pseudonyms need no key that outlives it.
    let overrides = Overrides {
        backfill,
        pseudonym_key: Some(crate::commands::run::throwaway_key("replay")),
        ..Overrides::default()
    };
    let mut settings = settings::load(settings, &overrides).or_fail(Kind::Settings)?;
    let mut engine = (*settings.engine).clone();
    engine.listen.lateness_seconds = map.lateness_seconds;
    if let Some(portfolio) = &map.portfolio {
        engine.listen.portfolio.clone_from(portfolio);
    }
    // One file is one source: no other feed to wait for.
    engine.topics =
        auscult_engine::settings::Topics::with_single_source(&engine.topics.feedback_ecosystem);
    engine.listen.dead_letter_cap.share = 1.0;
    if let Some(detect) = &map.detect {
        settings::keep_extra_fields(&mut engine.listen.extra_fields, detect);
    }
    let problems =
        |found: Vec<_>| Failure::new(Kind::Settings, crate::commands::problems(map_path, &found));
    settings.engine = engine.check().map_err(problems)?;
    if let Some(detect) = &map.detect {
        settings.detect = detect.clone().check().map_err(problems)?;
    }
    Ok(settings)
}

/// Reads the whole file, in order of arrival: a history sorted by anything else would be late to itself.
///
/// # Errors
/// The file cannot be read, or holds no row that can be used.
pub fn read_events(
    file: &Path,
    map: &MapFile,
) -> Result<(Vec<FeedbackEvent<'static>>, Vec<BadRow>), Failure> {
    let rows = rows::open(file, &map.columns.named_columns()).or_fail(Kind::Input)?;
    let bar = progress("reading", 0);
    let (mut events, mut bad) = (Vec::new(), Vec::new());
    for (line, row) in rows {
        bar.inc(1);
        match row.and_then(|mut row| {
            row.insert(map::LINE.to_owned(), line.to_string());
            event::of_row(&row, &map.columns).map_err(|reason| BadRow { line, reason })
        }) {
            Ok(event) => events.push(event),
            Err(row) => bad.push(row),
        }
    }
    bar.finish_and_clear();
    if events.is_empty() {
        let first = bad.first().map_or("it has no rows".to_owned(), |row| {
            format!("line {}: {}", row.line, row.reason)
        });
        return Err(Failure::new(
            Kind::Input,
            anyhow::anyhow!(
                "{} holds no usable row ({first}); check the map against the file",
                file.display()
            ),
        ));
    }
    events.sort_by(|left, right| {
        (left.recorded_at(), &left.envelope.id).cmp(&(right.recorded_at(), &right.envelope.id))
    });
    Ok((events, bad))
}

/// Feeds `events` through Listen and Detect over `broker`; every record of `also` is handed to `each` besides.
///
/// # Errors
/// The log failed, or a stage stopped.
pub fn through_the_machine<B: Broker>(
    broker: &B,
    appender: Box<dyn auscult_engine::log::Append>,
    settings: &Settings,
    taxonomy: auscult_language::themes::Taxonomy,
    events: Vec<FeedbackEvent<'static>>,
    also: &[&str],
    mut each: impl FnMut(&Record),
) -> Result<Report, Failure> {
    let topics = &settings.engine.topics;
    let mut outputs = vec![
        topics.alerts_medical.as_str(),
        &topics.safety_candidates,
        &topics.dead_letters,
    ];
    outputs.extend(also);
    let start = events
        .first()
        .map_or(Timestamp(0), FeedbackEvent::recorded_at);
    let mut pipeline = Pipeline::new(
        broker,
        appender,
        &settings.engine,
        Arc::new(settings.detect.clone()),
        taxonomy,
        &outputs,
        start,
    )
    .or_fail(Kind::Store)?;
    let mut report = Report {
        events: events.len() as u64,
        ..Report::default()
    };
    let bar = progress("replaying", events.len() as u64);
    let end = events
        .iter()
        .map(|event| event.data.occurred_at)
        .max()
        .unwrap_or(start);
    for batch in events.chunks(BATCH) {
        let now = batch.last().map_or(start, FeedbackEvent::recorded_at);
        let encoded = batch
            .iter()
            .map(|event| (event.key(), auscult_wire::encode_feedback_structured(event)))
            .collect();
        pipeline.feed(encoded, now).or_fail(Kind::Store)?;
        pipeline
            .drain_outputs(|record| {
                if !note(&mut report, topics, &record) {
                    each(&record);
                }
            })
            .or_fail(Kind::Store)?;
        bar.inc(batch.len() as u64);
    }
    pipeline.finish(end).or_fail(Kind::Store)?;
    pipeline
        .drain_outputs(|record| {
            if !note(&mut report, topics, &record) {
                each(&record);
            }
        })
        .or_fail(Kind::Store)?;
    bar.finish_and_clear();
    Ok(report)
}

/// Notes a record that belongs to the report; says whether it did.
fn note(report: &mut Report, topics: &Topics, record: &Record) -> bool {
    let topic = record.at.topic.as_ref();
    let value = record.value.as_deref().unwrap_or_default();
    if topic == topics.safety_candidates {
        report.candidates += 1;
    } else if topic == topics.dead_letters {
        let code = auscult_wire::decode_dead_letter(&record.headers, value).map_or_else(
            |error| error.code.as_str().to_owned(),
            |event| event.data.code.to_string(),
        );
        *report.dead_letters.entry(code).or_default() += 1;
    } else if topic == topics.alerts_medical
        && let Ok(event) = auscult_wire::decode_alert(&record.headers, value)
    {
        let alert = event.data;
        report.alerts.push(alert.clone());
        match report.signals.get_mut(&alert.signal_id) {
            Some(raised) => raised.last = alert.status,
            None => {
                report.signals.insert(
                    alert.signal_id.clone(),
                    Raised {
                        last: alert.status,
                        alert,
                    },
                );
            }
        }
    } else {
        return false;
    }
    true
}

fn progress(what: &'static str, length: u64) -> ProgressBar {
    let bar = if length == 0 {
        ProgressBar::new_spinner()
    } else {
        ProgressBar::new(length)
    };
    let template = if length == 0 {
        "{prefix} {pos} rows"
    } else {
        "{prefix} {wide_bar} {pos}/{len} ({per_sec})"
    };
    // The template is ours and fixed; should it ever be wrong, a plain bar is better than none.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_prefix(what);
    bar
}
