//! `auscult dead-letters`: look at what was refused, and send it through again once the cause is mended (N02).

use crate::cli::{DeadLetterCommand, DeadLetters};
use crate::exit::{Failure, Kind, Marked, Outcome};
use crate::settings::{self, Overrides, Settings};
use crate::table;
use auscult_engine::clock::{Clock, SystemClock};
use auscult_engine::dead_letters::{self, Listed, REPLAY_GROUP, Replay, Replayed};
use auscult_engine::log::{Log, LogError};
use auscult_kafka::{CheckedKafkaSettings, Kafka, Membered};
use auscult_store::dead_letters as embedded;
use auscult_store::log::LogReader;

/// Lists, shows or replays.
pub fn run(letters: &DeadLetters) -> Outcome {
    let overrides = Overrides {
        pseudonym_key: Some(super::run::throwaway_key("read-only")),
        ..Overrides::default()
    };
    let settings =
        settings::load(letters.settings.as_deref(), &overrides).or_fail(Kind::Settings)?;
    match &letters.command {
        DeadLetterCommand::List { code, limit } => list(&settings, code.as_deref(), *limit),
        DeadLetterCommand::Show { id } => show(&settings, id),
        DeadLetterCommand::Replay {
            code,
            id,
            cap,
            dry_run,
        } => replay(
            &settings,
            &Replay {
                id: id.clone(),
                code: code.clone(),
                refused_before: Some(SystemClock.now()),
                cap: *cap as usize,
                dry_run: *dry_run,
            },
        ),
    }
}

fn reader(settings: &Settings) -> Result<LogReader, Failure> {
    LogReader::open(&settings.log_path).or_fail(Kind::Store)
}

/// The brokers, with the topics a replay touches.
fn connect(kafka: &CheckedKafkaSettings, settings: &Settings) -> Result<Kafka, Failure> {
    let topic = settings.engine.topics.dead_letters.clone();
    Kafka::connect(kafka, &[(topic, settings.engine.partitions.output)]).or_fail(Kind::Store)
}

/// Every letter on the brokers, from the oldest; a reader's name is no group that anybody joins.
fn all_on(kafka: &Kafka, settings: &Settings) -> impl Log {
    kafka.reader(
        "dead-letters",
        &[&settings.engine.topics.dead_letters],
        Box::new(|_| Ok(None)),
    )
}

fn find(
    settings: &Settings,
    on_kafka: impl FnOnce(&mut dyn Log) -> Result<Vec<Listed>, LogError>,
    in_file: impl FnOnce(&LogReader, &str) -> Result<Vec<Listed>, LogError>,
) -> Result<Vec<Listed>, Failure> {
    match &settings.kafka {
        Some(kafka) => on_kafka(&mut all_on(&connect(kafka, settings)?, settings)),
        None => in_file(&reader(settings)?, &settings.engine.topics.dead_letters),
    }
    .or_fail(Kind::Store)
}

fn list(settings: &Settings, code: Option<&str>, limit: u32) -> Outcome {
    let listed = find(
        settings,
        |log| dead_letters::list(log, code, limit as usize),
        |reader, topic| embedded::list(reader, topic, code, limit as usize),
    )?;
    if listed.is_empty() {
        super::print("no dead letters\n");
        return Ok(());
    }
    let mut rows = vec![
        [
            "id",
            "refused at",
            "code",
            "place",
            "topic",
            "replays",
            "reason",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    rows.extend(listed.iter().map(row));
    super::print(&table::aligned(&rows));
    Ok(())
}

fn row(listed: &Listed) -> Vec<String> {
    match &listed.letter {
        Ok(letter) => vec![
            listed.id.clone(),
            auscult_wire::time::format(letter.refused_at),
            letter.code.to_string(),
            letter.place.clone(),
            format!("{}/{}@{}", letter.topic, letter.partition, letter.offset),
            letter.replays.to_string(),
            letter.reason.clone(),
        ],
        Err(reason) => vec![
            listed.id.clone(),
            String::new(),
            "UNREADABLE".to_owned(),
            String::new(),
            String::new(),
            String::new(),
            reason.clone(),
        ],
    }
}

fn show(settings: &Settings, id: &str) -> Outcome {
    let found = find(
        settings,
        |log| dead_letters::show(log, id).map(Vec::from_iter),
        |reader, topic| embedded::show(reader, topic, id).map(Vec::from_iter),
    )?;
    let Some(Listed {
        letter: Ok(letter), ..
    }) = found.into_iter().next()
    else {
        return Err(Failure::new(
            Kind::Input,
            anyhow::anyhow!("there is no dead letter {id}; `auscult dead-letters list` names them"),
        ));
    };
    super::print(&format!(
        "id      {id}\ncode    {}\nplace   {}\nreason  {}\nfrom    {}/{}@{}\nreplays {}\n",
        letter.code,
        letter.place,
        letter.reason,
        letter.topic,
        letter.partition,
        letter.offset,
        letter.replays
    ));
    let (key, headers, value) = letter.to_replay();
    super::print(&format!(
        "key     {}\n",
        String::from_utf8_lossy(&key.unwrap_or_default())
    ));
    for (name, value) in headers {
        super::print(&format!(
            "header  {name}: {}\n",
            String::from_utf8_lossy(&value)
        ));
    }
    super::print(&format!(
        "original, {} bytes:\n{}\n",
        value.as_ref().map_or(0, Vec::len),
        String::from_utf8_lossy(&value.unwrap_or_default())
    ));
    Ok(())
}

fn replay(settings: &Settings, wanted: &Replay) -> Outcome {
    let done = match &settings.kafka {
        Some(kafka) => replay_on_kafka(kafka, settings, wanted)?,
        None => replay_in_file(settings, wanted)?,
    };
    let verb = if wanted.dry_run {
        "would be sent"
    } else {
        "sent"
    };
    super::print(&format!(
        "{} {verb}; {} were sent before; {} refused three times already; {} not asked for; {} unreadable{}\n",
        done.sent.len(),
        done.sent_before,
        done.too_often.len(),
        done.not_wanted,
        done.unreadable.len(),
        if done.capped {
            "; the cap was reached: run it again to go on"
        } else {
            ""
        },
    ));
    Ok(())
}

fn replay_in_file(settings: &Settings, wanted: &Replay) -> Result<Replayed, Failure> {
    let log = crate::topics::open_log(&settings.log_path, &settings.engine).or_fail(Kind::Store)?;
    let mut consumer = log
        .consumer(REPLAY_GROUP, &[&settings.engine.topics.dead_letters])
        .or_fail(Kind::Store)?;
    dead_letters::replay(&mut consumer, wanted).or_fail(Kind::Store)
}

/// Marks of what was sent lie in the state topic, beside the detector's.
fn replay_on_kafka(
    kafka: &CheckedKafkaSettings,
    settings: &Settings,
    wanted: &Replay,
) -> Result<Replayed, Failure> {
    let mut member = connect(kafka, settings)?.member(&Membered {
        role: REPLAY_GROUP,
        leading: &[&settings.engine.topics.dead_letters],
        following: &[],
        state: Some(&settings.engine.topics.state),
    });
    dead_letters::replay(&mut member, wanted).or_fail(Kind::Store)
}
