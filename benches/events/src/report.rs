//! The table people read.

use super::events::Event;
use super::judge::{Judged, Outcome, Verdict};
use anyhow::{Context, Result};
use auscult_core::time::{BucketWidth, DAY, Timestamp, words_for};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Alerts listed beside those that tell of an event.
const OTHERS_LISTED: usize = 40;

/// One file's part of the report.
pub struct Section {
    pub title: String,
    pub file: String,
    pub judged: Judged,
}

/// Reasons written by people: `id = "words"`; a file that is not there holds none.
pub fn read_notes(path: &Path) -> Result<BTreeMap<String, String>> {
    if !path.is_file() {
        return Ok(BTreeMap::new());
    }
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let table: toml::Table = text
        .parse()
        .with_context(|| format!("{} is not TOML", path.display()))?;
    Ok(table
        .into_iter()
        .filter_map(|(id, words)| Some((id, words.as_str()?.to_owned())))
        .collect())
}

fn date(day: i64) -> String {
    words_for(Timestamp(day * DAY), BucketWidth::Day)
}

/// The whole report.
pub fn text(sections: &[Section], orphans: &[&Event], notes: &BTreeMap<String, String>) -> String {
    let mut text = String::from(
        "# Known events in real streams\n\n\
         Written by `make eval-events` (`DATA=DIR` and `EVENTS=FILE` name other folders and events); do not edit. Reasons in the \
         last column come from `docs/known-events.notes.toml`.\n\n\
         Every stream with a map in `deploy/maps` runs through the product's own path; files of counts run through the shipped \
         detector, its line and its floors at the default settings. A signal counts for an event when the event's own rows make \
         up at least half of the change it tells of, in the event's time; for a fall, when at least half of its series is the \
         event's. *Told* is the day the alert leaves, after its bucket has ended; the delay counts from the first day anybody \
         could have seen the event. Quiet time is all time outside events that are changes, and the five weeks after them.\n\n",
    );
    text.push_str(&summary(sections));
    for section in sections {
        let judged = &section.judged;
        let _ = write!(
            text,
            "\n## {} (`{}`)\n\n{}.\n",
            section.title, section.file, judged.read
        );
        if !judged.outcomes.is_empty() {
            text.push_str(
                "\n| event | kind | confidence | result | first seen | told | delay, days | alerts (incidents) | note |\n\
                 |---|---|---|---|---|---|---|---|---|\n",
            );
        }
        for outcome in &judged.outcomes {
            text.push_str(&row(outcome, notes));
        }
        text.push_str(&quiet(judged));
    }
    if !orphans.is_empty() {
        text.push_str("\n## Events whose file is not in the folder\n\n");
        for event in orphans {
            let _ = writeln!(text, "* `{}` ({})", event.id, event.dataset);
        }
    }
    text
}

fn summary(sections: &[Section]) -> String {
    let mut counts: BTreeMap<(bool, String), [usize; 4]> = BTreeMap::new();
    for outcome in sections.iter().flat_map(|section| &section.judged.outcomes) {
        let artefact = ["data_quality", "volume_artifact", "single_source_burst"]
            .iter()
            .any(|kind| outcome.kinds.split(", ").any(|of| of == *kind));
        let count = counts
            .entry((artefact, outcome.confidence.clone()))
            .or_default();
        count[match outcome.verdict {
            Verdict::Found { .. } | Verdict::Silent => 0,
            Verdict::Missed | Verdict::WronglyRaised { .. } => 1,
            Verdict::CannotBeSeen { .. } => 2,
            Verdict::NotJudged { .. } => 3,
        }] += 1;
    }
    let mut text = String::from(
        "| events | confidence | as it should be | not | without any history | not judged |\n|---|---|---|---|---|---|\n",
    );
    for ((artefact, confidence), [good, bad, unseeable, unjudged]) in counts {
        let what = if artefact {
            "must stay silent, or one incident"
        } else {
            "must be found"
        };
        let _ = writeln!(
            text,
            "| {what} | {confidence} | {good} | {bad} | {unseeable} | {unjudged} |"
        );
    }
    let (alerts, weeks) = sections
        .iter()
        .flat_map(|section| &section.judged.quiet)
        .fold((0, 0.0), |(alerts, weeks), (_, more, longer)| {
            (alerts + more, weeks + longer)
        });
    let worst = sections
        .iter()
        .flat_map(|section| &section.judged.quiet)
        .filter(|(_, _, weeks)| *weeks >= 1.0)
        .map(|(_, alerts, weeks)| *alerts as f64 / weeks)
        .fold(0.0, f64::max);
    let _ = writeln!(
        text,
        "\nQuiet time: {alerts} alerts in {weeks:.0} portfolio weeks, {:.3} a week and portfolio; {worst:.2} in the worst portfolio.",
        alerts as f64 / f64::max(weeks, 1.0)
    );
    text
}

fn row(outcome: &Outcome, notes: &BTreeMap<String, String>) -> String {
    let (result, told, delay, mut said) = match &outcome.verdict {
        Verdict::Found { day, title } => (
            "found",
            date(*day),
            outcome
                .seen_from
                .map_or(String::new(), |from| (day - from).to_string()),
            title.clone(),
        ),
        Verdict::Missed => ("**missed**", String::new(), String::new(), String::new()),
        Verdict::Silent if outcome.alerts == 0 => (
            "silent, as it should be",
            String::new(),
            String::new(),
            String::new(),
        ),
        Verdict::Silent => (
            "one incident, as it may be",
            String::new(),
            String::new(),
            String::new(),
        ),
        Verdict::WronglyRaised { titles } => (
            "**raised wrongly**",
            String::new(),
            String::new(),
            titles.join("; "),
        ),
        Verdict::CannotBeSeen { reason } => (
            "cannot be seen",
            String::new(),
            String::new(),
            reason.clone(),
        ),
        Verdict::NotJudged { reason } => {
            ("not judged", String::new(), String::new(), reason.clone())
        }
    };
    for more in [Some(&outcome.note), notes.get(&outcome.event)]
        .into_iter()
        .flatten()
        .filter(|more| !more.is_empty())
    {
        if !said.is_empty() {
            said.push_str(". ");
        }
        said.push_str(more);
    }
    format!(
        "| `{}` | {} | {} | {result} | {} | {told} | {delay} | {} ({}) | {} |\n",
        outcome.event,
        outcome.kinds,
        outcome.confidence,
        outcome.seen_from.map_or(String::new(), date),
        outcome.alerts,
        outcome.incidents,
        said.replace('|', "/")
    )
}

fn quiet(judged: &Judged) -> String {
    let mut text = String::from("\nAlerts in quiet time:\n\n");
    for (portfolio, alerts, weeks) in &judged.quiet {
        let _ = writeln!(
            text,
            "* {portfolio}: {alerts} in {weeks:.0} weeks, {:.2} a week",
            *alerts as f64 / weeks.max(1.0)
        );
    }
    if judged.others.is_empty() {
        text.push_str("\nNothing else alerted.\n");
        return text;
    }
    let _ = writeln!(text, "\nWhat else alerted ({}):\n", judged.others.len());
    for (day, title) in judged.others.iter().take(OTHERS_LISTED) {
        let _ = writeln!(text, "* {}: {title}", date(*day));
    }
    if judged.others.len() > OTHERS_LISTED {
        let _ = writeln!(text, "* and {} more", judged.others.len() - OTHERS_LISTED);
    }
    text
}
