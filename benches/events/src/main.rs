//! `make eval-events [DATA=DIR] [EVENTS=FILE]`: what the product says about events that are known to be in real data.
//!
//! Decision: every stream goes through the path the service runs (map, Listen, Detect, alerts), and a signal counts for an
//! event only when the event's own rows make up at least half of the change it tells of. Matching by name and date was
//! beaten: it calls a signal a find because it happened in the right month.

mod events;
mod judge;
mod report;
mod series;
mod stream;

use anyhow::{Context, Result};
use clap::Parser;
use std::path::{Path, PathBuf};

#[derive(Parser)]
#[command(about = "Judges the product on known events in real data")]
struct Arguments {
    /// Folder of the data files.
    #[arg(long)]
    data: PathBuf,
    /// Known events; without it known_events_dev.json in the folder.
    #[arg(long)]
    events: Option<PathBuf>,
    /// Folder of the column maps.
    #[arg(long, default_value = "deploy/maps")]
    maps: PathBuf,
    /// Reasons written by people, by event id.
    #[arg(long, default_value = "docs/known-events.notes.toml")]
    notes: PathBuf,
    /// Where the table is written; `-` writes none.
    #[arg(long, default_value = "docs/known-events.md")]
    to: PathBuf,
}

/// A family of files: told by how its name begins.
struct Family {
    prefix: &'static str,
    title: &'static str,
    how: How,
}

enum How {
    /// Through the product, with this map.
    Map(&'static str),
    /// Counts by date and unit, through the shipped detector.
    Outbreaks,
    /// Posts an hour, all topics together, through the shipped detector.
    HourlyVolume,
    /// Cannot be judged, and why.
    Not(&'static str),
}

const FAMILIES: [Family; 9] = [
    Family {
        prefix: "fda_drug_recalls",
        title: "FDA drug recalls",
        how: How::Map("fda_drug_recalls_2012_2017.toml"),
    },
    Family {
        prefix: "nhs_feedback_phase1",
        title: "NHS comments without dates",
        how: How::Not("its rows have no date"),
    },
    Family {
        prefix: "nhs_feedback",
        title: "NHS patient comments",
        how: How::Map("nhs_feedback_neas_2021_2022.toml"),
    },
    Family {
        prefix: "airline",
        title: "Airline ratings",
        how: How::Map("airline_ratings.toml"),
    },
    Family {
        prefix: "cfpb_complaints",
        title: "Consumer finance complaints",
        how: How::Map("cfpb_complaints.toml"),
    },
    Family {
        prefix: "crisis_tweet_volume_hourly",
        title: "Crisis posts an hour, all crises together",
        how: How::HourlyVolume,
    },
    Family {
        prefix: "crisis_tweets",
        title: "Crisis posts",
        how: How::Map("crisis_tweets.toml"),
    },
    Family {
        prefix: "maude",
        title: "Medical-device reports",
        how: How::Map("maude_device_reports.toml"),
    },
    Family {
        prefix: "outbreak_counts",
        title: "Notifiable diseases",
        how: How::Outbreaks,
    },
];

/// The family a file belongs to: the longest beginning that fits.
fn family(name: &str) -> Option<usize> {
    (0..FAMILIES.len())
        .filter(|&at| name.starts_with(FAMILIES[at].prefix))
        .max_by_key(|&at| FAMILIES[at].prefix.len())
}

fn files(folder: &Path) -> Result<Vec<(usize, PathBuf)>> {
    let mut found: Vec<(usize, PathBuf)> = std::fs::read_dir(folder)
        .with_context(|| {
            format!(
                "cannot read {}: name a folder of data files with DATA=DIR",
                folder.display()
            )
        })?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .filter_map(|path| Some((family(path.file_name()?.to_str()?)?, path)))
        .collect();
    found.sort();
    Ok(found)
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let path = arguments
        .events
        .clone()
        .unwrap_or_else(|| arguments.data.join("known_events_dev.json"));
    let events = events::read(&path)?;
    let notes = report::read_notes(&arguments.notes)?;
    let mut sections = Vec::new();
    let mut used = vec![false; events.len()];
    let found = files(&arguments.data)?;
    for (at, family) in FAMILIES.iter().enumerate() {
        if !found.iter().any(|(of, _)| *of == at) {
            eprintln!(
                "skipped: no file {}* in {}",
                family.prefix,
                arguments.data.display()
            );
        }
    }
    for (at, file) in found {
        let family_of = &FAMILIES[at];
        let name = file
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
            .to_owned();
        let mine: Vec<usize> = (0..events.len())
            .filter(|&event| {
                let dataset = &events[event].dataset;
                *dataset == name
                    || family(dataset) == Some(at) && !arguments.data.join(dataset).is_file()
            })
            .collect();
        eprintln!("{name}: {} known events", mine.len());
        let chosen: Vec<&events::Event> = mine.iter().map(|&event| &events[event]).collect();
        let section = match family_of.how {
            How::Map(map) => stream::judge(&file, &arguments.maps.join(map), &chosen),
            How::Outbreaks => series::outbreaks(&file, &chosen),
            How::HourlyVolume => {
                let all: Vec<&events::Event> = events
                    .iter()
                    .filter(|event| event.dataset.starts_with("crisis_tweet"))
                    .collect();
                series::hourly_volume(&file, &all)
            }
            How::Not(reason) => {
                eprintln!("skipped: {name}: {reason}");
                continue;
            }
        }
        .with_context(|| format!("{name} could not be judged"))?;
        for event in mine {
            used[event] = true;
        }
        sections.push(report::Section {
            title: family_of.title.to_owned(),
            file: name,
            judged: section,
        });
    }
    let orphans: Vec<&events::Event> = events
        .iter()
        .zip(&used)
        .filter(|(_, used)| !**used)
        .map(|(event, _)| event)
        .collect();
    let text = report::text(&sections, &orphans, &notes);
    if arguments.to.as_os_str() != "-" {
        std::fs::write(&arguments.to, &text)
            .with_context(|| format!("{} cannot be written", arguments.to.display()))?;
    }
    #[expect(clippy::print_stdout, reason = "the command's product")]
    {
        println!("{text}");
    }
    Ok(())
}
