//! `auscult replay`: history from a file, through the whole path, notifying nobody.

use crate::cli::{Destination, Replay};
use crate::exit::{Failure, Kind, Marked, Outcome};
use crate::history::{self, Raised, Report};
use crate::import::map::MapFile;
use crate::import::rows::BadRow;
use crate::settings::{self, Overrides, Settings};
use crate::table;
use auscult_engine::clock::{Clock, SystemClock};
use auscult_engine::log::Append;
use auscult_engine::submit::SubmitDesk;
use auscult_wire::FeedbackEvent;

/// Events put into Kafka in one transaction.
const FED_AT_ONCE: usize = 1_000;

/// Loads a file and prints the signals it would have raised.
pub fn run(replay: &Replay) -> Outcome {
    let map = super::read_map(&replay.map)?;
    if replay.to == Some(Destination::Kafka) {
        return feed_kafka(replay, &map);
    }
    let settings = history::settings_for(replay.settings.as_deref(), &replay.map, &map, true)?;
    let (events, bad) = history::read_events(&replay.file, &map)?;
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
    let topics = &settings.engine.topics;
    let (events, bad) = history::read_events(&replay.file, map)?;
    let sources: Vec<_> = crate::topics::on_kafka(&settings.engine)
        .into_iter()
        .filter(|(topic, _)| topics.sources.contains(topic))
        .collect();
    let kafka = auscult_kafka::Kafka::connect(kafka, &sources).or_fail(Kind::Store)?;
    let appender = kafka.appender().or_fail(Kind::Store)?;
    let desk = SubmitDesk::new(&settings.engine);
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
    }
    tell_bad_rows(replay, &bad, events.len());
    super::print(&format!(
        "{} events are in {}; {} rows left out.\n",
        events.len(),
        topics.sources.join(", "),
        bad.len()
    ));
    Ok(())
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
            history::through_the_machine(&broker, appender, settings, taxonomy, events, &[], |_| ())
        }
        None => {
            let broker = crate::topics::memory_log(&settings.engine);
            let appender = Box::new(broker.clone());
            history::through_the_machine(&broker, appender, settings, taxonomy, events, &[], |_| ())
        }
    }
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
