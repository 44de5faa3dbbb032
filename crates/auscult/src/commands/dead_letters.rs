//! `auscult dead-letters`: look at what was refused, and send it through again once the cause is mended (N02).

use crate::cli::{DeadLetterCommand, DeadLetters};
use crate::exit::{Failure, Kind, Marked, Outcome};
use crate::settings::{self, Overrides, Settings};
use crate::table;
use auscult_store::dead_letters::{self, Listed, REPLAY_GROUP, Replay};
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
        DeadLetterCommand::Replay { code, cap, dry_run } => {
            replay(&settings, code.clone(), *cap, *dry_run)
        }
    }
}

fn reader(settings: &Settings) -> Result<LogReader, Failure> {
    LogReader::open(&settings.log_path).or_fail(Kind::Store)
}

fn list(settings: &Settings, code: Option<&str>, limit: u32) -> Outcome {
    let listed = dead_letters::list(
        &reader(settings)?,
        &settings.engine.topics.dead_letters,
        code,
        limit as usize,
    )
    .or_fail(Kind::Store)?;
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
    let found = dead_letters::show(&reader(settings)?, &settings.engine.topics.dead_letters, id)
        .or_fail(Kind::Store)?;
    let Some(Listed {
        letter: Ok(letter), ..
    }) = found
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

fn replay(settings: &Settings, code: Option<String>, cap: u32, dry_run: bool) -> Outcome {
    let log = crate::topics::open_log(&settings.log_path, &settings.engine).or_fail(Kind::Store)?;
    let mut consumer = log
        .consumer(REPLAY_GROUP, &[&settings.engine.topics.dead_letters])
        .or_fail(Kind::Store)?;
    let wanted = Replay {
        id: None,
        code,
        cap: cap as usize,
        dry_run,
    };
    let done = dead_letters::replay(&mut consumer, &wanted).or_fail(Kind::Store)?;
    let verb = if dry_run { "would be sent" } else { "sent" };
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
