//! Proposed themes on the drug recalls of 2012 to 2017, through the machine: which known new subjects are proposed, when, and what else is.
//!
//! `cargo run --release -p auscult-core --example recall_themes -- ../shared/data/fda_drug_recalls_2012_2017.csv.gz`
//!
//! A recall is heard on the day of its report; firms are the people. Twice: with the incident (`event_id`) as the source's thread, as the
//! shipped map has it, and with no thread named, so that rows of one incident are found by their words. All recalls come by one channel, so one is enough here. Buckets are weeks. The other settings are those of the
//! detector's own evaluation (`make eval`), nothing was chosen here.
#![expect(clippy::print_stdout, reason = "an evaluation for people")]

#[path = "support/mod.rs"]
mod support;

use auscult_core::alert::Alert;
use auscult_core::settings::{DetectSettings, NewThemes};
use auscult_core::time::{BucketWidth, DAY, Timestamp, civil_date};
use auscult_core::words::SourceType;
use std::collections::BTreeSet;
use std::error::Error;
use support::{Said, propose, tell};

const TASK: &str = "new themes, through the machine";

/// Subjects that are new in this time (`known_events_dev.json`): id, words by which a proposal is recognised, first and third incident
/// anybody could see.
const EVENTS: [(&str, &[&str], &str, &str); 2] = [
    (
        "fda-outside-laboratory-2013",
        &["laboratory", "contract testing"],
        "2013-09-18",
        "2013-09-25",
    ),
    (
        "fda-cepacia-2016",
        &["cepacia", "burkholderia"],
        "2016-10-05",
        "2016-11-30",
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    let Some(path) = std::env::args().nth(1) else {
        println!("skipped: name the file of recalls (fda_drug_recalls_*.csv.gz)");
        return Ok(());
    };
    let mut recalls = Vec::new();
    for (number, row) in support::rows(&path)?.into_iter().enumerate() {
        let Some(at) = support::day(&row["report_date"]) else {
            continue;
        };
        recalls.push(Said {
            id: format!("{}-{number}", row["event_id"]),
            at,
            text: row["reason_for_recall"].clone(),
            person: Some(row["recalling_firm"].clone()),
            thread: Some(row["event_id"].clone()),
            source: SourceType::RegulatorLetter,
        });
    }
    recalls.sort_by_key(|recall| recall.at);
    let mut settings = DetectSettings::standard();
    settings
        .views
        .iter_mut()
        .for_each(|view| view.width = BucketWidth::Week);
    settings.new_themes = NewThemes {
        least_people: 3,
        least_sources: 1,
        warm_up_buckets: 26,
        half_life_buckets: 52,
        patience_buckets: 8,
        ..settings.new_themes
    };
    let set = support::set_of(&path);
    judge(
        &set,
        "incidents named by the source",
        &recalls,
        &propose(settings.clone(), &recalls)?,
    );
    recalls.iter_mut().for_each(|recall| recall.thread = None);
    judge(
        &set,
        "incidents found by their words",
        &recalls,
        &propose(settings, &recalls)?,
    );
    Ok(())
}

fn judge(set: &str, incidents: &str, recalls: &[Said], proposals: &[Alert]) {
    let mut found = BTreeSet::new();
    for (event, words, first, third) in EVENTS {
        let (Some(first), Some(third)) = (support::day(first), support::day(third)) else {
            continue;
        };
        let split = format!("{event}, {incidents}");
        let hit = proposals.iter().enumerate().find(|(_, alert)| {
            let is_in_time = (first.0 - 90 * DAY..first.0 + 150 * DAY).contains(&alert.as_of.0);
            is_in_time && words.iter().any(|word| terms(alert).contains(word))
        });
        match hit {
            None => tell(TASK, set, &split, "not proposed", "found"),
            Some((at, alert)) => {
                found.insert(at);
                let figure = format!(
                    "told {}, {} days after the third incident, by {} firms: {}",
                    written(alert.as_of),
                    (alert.as_of.0 - third.0) / DAY,
                    alert.evidence.people,
                    alert.title
                );
                tell(TASK, set, &split, &figure, "found");
            }
        }
    }
    let else_told: Vec<&Alert> = (0..)
        .zip(proposals)
        .filter(|(at, _)| !found.contains(at))
        .map(|(_, alert)| alert)
        .collect();
    let weeks: BTreeSet<i64> = recalls
        .iter()
        .map(|recall| recall.at.0 / (7 * DAY))
        .collect();
    let titles: Vec<&str> = else_told
        .iter()
        .map(|alert| alert.title.trim_start_matches("New theme proposed: "))
        .collect();
    let figure = format!(
        "{} ({:.0} per 1,000 of {} weeks with a recall): {}",
        else_told.len(),
        1000.0 * else_told.len() as f64 / weeks.len() as f64,
        weeks.len(),
        titles.join("; ")
    );
    tell(
        TASK,
        set,
        &format!("other proposals, {incidents}"),
        &figure,
        "few",
    );
}

/// Label and phrases of a proposal.
fn terms(alert: &Alert) -> String {
    let phrases = alert.context.iter().map(|item| item.label.as_str());
    phrases.fold(alert.title.clone(), |all, phrases| all + " " + phrases)
}

fn written(at: Timestamp) -> String {
    let (year, month, day) = civil_date(at);
    format!("{year}-{month:02}-{day:02}")
}
