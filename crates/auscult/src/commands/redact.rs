//! `auscult redact`: stored text read again by the redactor of today (N08).
//!
//! Whatever holds redacted words is gone through: the detector's memory, alerts and questions, the read model, and the mentions
//! last, because from them comes what stands behind a quote that was cut. Each part may be run again: what is hidden already is
//! found hidden, so a run that was interrupted is finished by the next.

use crate::cli::Redact;
use crate::exit::{Failure, Kind, Marked, Outcome};
use crate::settings::{self, Overrides, Settings};
use crate::table;
use auscult_core::quotes::change_quotes;
use auscult_engine::clock::{Clock, SystemClock};
use auscult_engine::listen::ear::redactor;
use auscult_engine::log::{LogError, Record};
use auscult_engine::redaction::{Rereader, Tally};
use auscult_store::log::{EmbeddedLog, Rewritten};
use auscult_store::view::View;
use std::collections::BTreeMap;

/// One kind of place and what was found there.
struct Part {
    name: String,
    records: Rewritten,
    tally: Tally,
}

/// Reads everything again and says what changed, in numbers.
pub fn run(redact: &Redact) -> Outcome {
    let overrides = Overrides {
        pseudonym_key: Some(super::run::throwaway_key("redact-only")),
        ..Overrides::default()
    };
    let settings =
        settings::load(redact.settings.as_deref(), &overrides).or_fail(Kind::Settings)?;
    if settings.kafka.is_some() {
        return Err(Failure::new(
            Kind::Settings,
            anyhow::anyhow!(
                "a record on Kafka cannot be changed; set retention so that the topics forget what must not be kept, \
                 and delete the read model, which is built again from what is left"
            ),
        ));
    }
    let log = crate::topics::open_log(&settings.log_path, &settings.engine).or_fail(Kind::Store)?;
    let mut reread = Rereader::new(redactor(&settings.engine, &[]), SystemClock.now());
    let unreadable = learn(&log, &settings, &mut reread).or_fail(Kind::Store)?;
    let mut parts = vec![detector_memory(&log, &reread, redact.dry_run).or_fail(Kind::Store)?];
    let topics = &settings.engine.topics;
    for topic in [
        &topics.alerts_medical,
        &topics.alerts,
        &topics.signals,
        &topics.medical_requests,
    ] {
        parts.push(documents(&log, topic, &reread, redact.dry_run).or_fail(Kind::Store)?);
    }
    parts.extend(read_model(&settings, &reread, redact.dry_run)?);
    parts.push(mentions(&log, &settings, &reread, redact.dry_run).or_fail(Kind::Store)?);
    if !redact.dry_run {
        log.finish_rewriting().or_fail(Kind::Store)?;
    }
    tell(redact.dry_run, &settings, &parts, unreadable);
    Ok(())
}

/// Goes through the mentions without changing any; how many cannot be read.
fn learn(log: &EmbeddedLog, settings: &Settings, reread: &mut Rereader) -> Result<u64, LogError> {
    let mut unreadable = 0;
    log.rewrite_records(&settings.engine.topics.mentions, &mut |record| {
        unreadable += u64::from(reread.learn(record).is_err());
        Ok(None)
    })?;
    Ok(unreadable)
}

fn detector_memory(log: &EmbeddedLog, reread: &Rereader, dry_run: bool) -> Result<Part, LogError> {
    let mut tally = Tally::default();
    let records = log.rewrite_state(&mut |key, value| {
        change_quotes(key, value, &mut |text| reread.quote(text, &mut tally))
            .map(|changed| changed.filter(|_| !dry_run))
            .map_err(|error| LogError::Fatal(error.to_string()))
    })?;
    Ok(Part {
        name: "detector's memory".to_owned(),
        records,
        tally,
    })
}

fn documents(
    log: &EmbeddedLog,
    topic: &str,
    reread: &Rereader,
    dry_run: bool,
) -> Result<Part, LogError> {
    let mut tally = Tally::default();
    let records = log.rewrite_records(topic, &mut |record: &Record| {
        let json = record
            .value
            .as_deref()
            .and_then(|value| std::str::from_utf8(value).ok());
        let changed = json.and_then(|json| reread.document(json, &mut tally));
        Ok(changed
            .filter(|_| !dry_run)
            .map(|json| (record.headers.clone(), json.into_bytes())))
    })?;
    Ok(Part {
        name: topic.to_owned(),
        records,
        tally,
    })
}

/// The read model, if there is one yet.
fn read_model(
    settings: &Settings,
    reread: &Rereader,
    dry_run: bool,
) -> Result<Option<Part>, Failure> {
    if !settings.view_path.exists() {
        return Ok(None);
    }
    let view = View::open(&settings.view_path).or_fail(Kind::Store)?;
    let mut tally = Tally::default();
    let records = view
        .rewrite_documents(&mut |json| reread.document(json, &mut tally).filter(|_| !dry_run))
        .or_fail(Kind::Store)?;
    Ok(Some(Part {
        name: "read model".to_owned(),
        records,
        tally,
    }))
}

fn mentions(
    log: &EmbeddedLog,
    settings: &Settings,
    reread: &Rereader,
    dry_run: bool,
) -> Result<Part, LogError> {
    let topic = &settings.engine.topics.mentions;
    let mut tally = Tally::default();
    let records = log.rewrite_records(topic, &mut |record| {
        // What cannot be read was counted before.
        let changed = reread.mention(record, &mut tally).ok().flatten();
        Ok(changed.filter(|_| !dry_run))
    })?;
    Ok(Part {
        name: topic.clone(),
        records,
        tally,
    })
}

fn tell(dry_run: bool, settings: &Settings, parts: &[Part], unreadable: u64) {
    let verb = if dry_run { "would change" } else { "changed" };
    let mut rows = vec![
        ["place", "records", "texts", "by class"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(parts.iter().map(|part| {
        vec![
            part.name.clone(),
            part.records.looked_at.to_string(),
            part.tally.texts.to_string(),
            classes(&part.tally.classes),
        ]
    }));
    let texts: u64 = parts.iter().map(|part| part.tally.texts).sum();
    let left: u64 = parts.iter().map(|part| part.tally.values_left).sum();
    super::print(&table::aligned(&rows));
    super::print(&format!(
        "\n{texts} texts {verb}; {unreadable} mentions cannot be read.\n"
    ));
    if left > 0 {
        super::print(&format!(
            "{left} values that views cut by hold what the rules hide. They name series and stay: take the field out of the views.\n"
        ));
    }
    super::print(&format!(
        "Feedback and dead letters are kept as they came: {} and {} days (engine.retention, 0: for good).\n",
        settings.engine.retention.feedback_days, settings.engine.retention.dead_letters_days
    ));
}

fn classes(classes: &BTreeMap<&'static str, u64>) -> String {
    let listed: Vec<String> = classes
        .iter()
        .map(|(class, count)| format!("{class} {count}"))
        .collect();
    listed.join(", ")
}
