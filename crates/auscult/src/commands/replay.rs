//! `auscult replay`: history from a file, through the whole path, notifying nobody.

use crate::cli::{Destination, Replay};
use crate::exit::{Failure, Kind, Marked, Outcome};
use crate::import::map::MapFile;
use crate::import::rows::BadRow;
use crate::import::{event, rows};
use crate::pipeline::{Broker, Pipeline};
use crate::settings::{self, Overrides, Settings};
use crate::table;
use auscult_core::time::Timestamp;
use auscult_engine::clock::{Clock, SystemClock};
use auscult_engine::log::Append;
use auscult_engine::submit::SubmitDesk;
use auscult_core::words::SignalStatus;
use auscult_wire::{AlertData, FeedbackEvent};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Events fed in at once.
const BATCH: usize = 4_096;
/// Events put into Kafka in one transaction.
const FED_AT_ONCE: usize = 1_000;

/// What a replay came to.
#[derive(Debug, Default)]
pub struct Report {
    /// Newest revision of each signal raised, and how it was first told.
    pub signals: BTreeMap<String, Raised>,
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

/// Loads a file and prints the signals it would have raised.
pub fn run(replay: &Replay) -> Outcome {
    let map = super::read_map(&replay.map)?;
    if replay.to == Some(Destination::Kafka) {
        return feed_kafka(replay, &map);
    }
    let settings = settings_for(replay, &map)?;
    let (events, bad) = read_events(replay, &map)?;
    let total = events.len();
    let report = through_the_machine(replay, &settings, &map, events)?;
    tell_bad_rows(replay, &bad, total);
    if replay.json {
        tell_json(&report);
    } else {
        tell_table(replay, &report, bad.len());
    }
    Ok(())
}

/// Puts the events into the source topics as the API would, in order of arrival, and leaves the rest to the service.
fn feed_kafka(replay: &Replay, map: &MapFile) -> Outcome {
    let overrides = Overrides {
        pseudonym_key: Some(super::run::throwaway_key("replay")),
        ..Overrides::default()
    };
    let settings =
        settings::load(replay.settings.as_deref(), &overrides).or_fail(Kind::Settings)?;
    let Some(kafka) = &settings.kafka else {
        return Err(Failure::new(
            Kind::Settings,
            anyhow::anyhow!("--to kafka needs brokers: name a settings file with [kafka]"),
        ));
    };
    let (events, bad) = read_events(replay, map)?;
    let wanted: Vec<_> = crate::topics::on_kafka(&settings.engine)
        .into_iter()
        .filter(|(topic, _)| settings.engine.topics.sources.contains(topic))
        .collect();
    let kafka = auscult_kafka::Kafka::connect(kafka, &wanted).or_fail(Kind::Store)?;
    let appender = kafka.appender().or_fail(Kind::Store)?;
    let desk = SubmitDesk::new(&settings.engine);
    let bar = progress("feeding", events.len() as u64);
    for batch in events.chunks(FED_AT_ONCE) {
        let mut body = Vec::new();
        for event in batch {
            body.extend_from_slice(&auscult_wire::encode_feedback_structured(event));
            body.push(b'\n');
        }
        let submission = desk
            .feedback(
                "application/x-ndjson",
                &Vec::new(),
                &body,
                SystemClock.now(),
            )
            .or_fail(Kind::Input)?;
        appender.append(submission.outgoing).or_fail(Kind::Store)?;
        bar.inc(batch.len() as u64);
    }
    bar.finish_and_clear();
    tell_bad_rows(replay, &bad, events.len());
    super::print(&format!(
        "{} events are in {}; {} rows left out.\n",
        events.len(),
        settings.engine.topics.sources.join(", "),
        bad.len()
    ));
    Ok(())
}

fn settings_for(replay: &Replay, map: &MapFile) -> Result<Settings, Failure> {
    // Nothing of a replay is kept, so its pseudonyms need no key that outlives it.
    let overrides = Overrides {
        backfill: true,
        pseudonym_key: Some(super::run::throwaway_key("replay")),
        ..Overrides::default()
    };
    let mut settings =
        settings::load(replay.settings.as_deref(), &overrides).or_fail(Kind::Settings)?;
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
        |found: Vec<_>| Failure::new(Kind::Settings, super::problems(&replay.map, &found));
    settings.engine = engine.check().map_err(problems)?;
    if let Some(detect) = &map.detect {
        settings.detect = detect.clone().check().map_err(problems)?;
    }
    Ok(settings)
}

/// Reads the whole file, in order of arrival: a history sorted by anything else would be late to itself.
fn read_events(
    replay: &Replay,
    map: &MapFile,
) -> Result<(Vec<FeedbackEvent<'static>>, Vec<BadRow>), Failure> {
    let rows = rows::open(&replay.file, &map.columns.named_columns()).or_fail(Kind::Input)?;
    let bar = progress("reading", 0);
    let (mut events, mut bad) = (Vec::new(), Vec::new());
    for (line, row) in rows {
        bar.inc(1);
        match row.and_then(|row| {
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
                replay.file.display()
            ),
        ));
    }
    events.sort_by(|left, right| {
        (left.recorded_at(), &left.envelope.id).cmp(&(right.recorded_at(), &right.envelope.id))
    });
    Ok((events, bad))
}

fn through_the_machine(
    replay: &Replay,
    settings: &Settings,
    map: &MapFile,
    events: Vec<FeedbackEvent<'static>>,
) -> Result<Report, Failure> {
    let taxonomy = super::taxonomy(map.taxonomy.as_deref().or(settings.taxonomy.as_deref()))?;
    match &replay.log {
        Some(path) => {
            let broker = crate::topics::open_log(path, &settings.engine).or_fail(Kind::Store)?;
            let appender = Box::new(broker.appender());
            run_pipeline(&broker, appender, settings, taxonomy, events)
        }
        None => {
            let broker = crate::topics::memory_log(&settings.engine);
            let appender = Box::new(broker.clone());
            run_pipeline(&broker, appender, settings, taxonomy, events)
        }
    }
}

fn run_pipeline<B: Broker>(
    broker: &B,
    appender: Box<dyn Append>,
    settings: &Settings,
    taxonomy: auscult_language::themes::Taxonomy,
    events: Vec<FeedbackEvent<'static>>,
) -> Result<Report, Failure> {
    let topics = &settings.engine.topics;
    let outputs = [
        topics.alerts_medical.as_str(),
        &topics.safety_candidates,
        &topics.dead_letters,
    ];
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
            .drain_outputs(|record| note(&mut report, topics, &record))
            .or_fail(Kind::Store)?;
        bar.inc(batch.len() as u64);
    }
    pipeline.finish(end).or_fail(Kind::Store)?;
    pipeline
        .drain_outputs(|record| note(&mut report, topics, &record))
        .or_fail(Kind::Store)?;
    bar.finish_and_clear();
    Ok(report)
}

fn note(
    report: &mut Report,
    topics: &auscult_engine::settings::Topics,
    record: &auscult_engine::log::Record,
) {
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
    } else if let Ok(event) = auscult_wire::decode_alert(&record.headers, value) {
        let alert = event.data;
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
    }
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

fn tell_bad_rows(replay: &Replay, bad: &[BadRow], good: usize) {
    if bad.is_empty() {
        return;
    }
    eprintln!("{} of {} rows were left out:", bad.len(), bad.len() + good);
    for row in bad.iter().take(replay.bad_rows) {
        eprintln!("  line {}: {}", row.line, row.reason);
    }
    if bad.len() > replay.bad_rows {
        eprintln!(
            "  … and {} more (--bad-rows {} lists all)",
            bad.len() - replay.bad_rows,
            bad.len()
        );
    }
}

fn tell_json(report: &Report) {
    for raised in report.signals.values() {
        super::print(&format!(
            "{}\n",
            String::from_utf8_lossy(&auscult_wire::event::encode_json(&raised.alert))
        ));
    }
}

fn tell_table(replay: &Replay, report: &Report, bad: usize) {
    let mut raised: Vec<&Raised> = report.signals.values().collect();
    raised.sort_by(|left, right| {
        left.alert
            .p_value
            .total_cmp(&right.alert.p_value)
            .then_with(|| left.alert.signal_id.cmp(&right.alert.signal_id))
    });
    let shown = if replay.top == 0 {
        raised.len()
    } else {
        replay.top.min(raised.len())
    };
    let mut listed: Vec<&Raised> = raised[..shown].to_vec();
    listed.sort_by_key(|raised| (raised.alert.window.start, raised.alert.signal_id.clone()));
    super::print(&table::signals(&listed));
    let dead: u64 = report.dead_letters.values().sum();
    super::print(&format!(
        "\n{} signals ({} listed) from {} events; {} rows left out, {dead} dead letters, {} safety candidates; nobody was notified.\n",
        raised.len(),
        shown,
        report.events,
        bad,
        report.candidates,
    ));
}
