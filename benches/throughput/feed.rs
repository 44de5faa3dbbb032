//! What goes in: real comments in the two shapes producers send, or the simulated feed where the file is not there.

use anyhow::{Context, Result};
use auscult::import::{event, map, rows};
use auscult_wire::FeedbackEvent;
use std::path::{Path, PathBuf};

/// Key and structured bytes of one event.
pub type Encoded = (Vec<u8>, Vec<u8>);

/// How an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// What a lean producer sends: the required attributes and fields, the product and the rating. Comments of
    /// [`SHORTEST`] to [`LONGEST`] characters only, so that the mean is about the hundred the target speaks of.
    Compact,
    /// What `auscult replay` writes of every row of the file: every optional attribute, the file's extra column.
    WholeFile,
}

/// Fewest characters of a compact event's text.
const SHORTEST: usize = 50;
/// Most characters of a compact event's text.
const LONGEST: usize = 200;

/// Events of one shape.
pub struct Feed {
    /// Where they are from.
    pub name: String,
    /// In order of arrival.
    pub events: Vec<Encoded>,
    /// Mean characters of text; `None` where the source was not asked.
    pub characters: Option<usize>,
}

impl Shape {
    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Shape::Compact => "compact",
            Shape::WholeFile => "whole-file",
        }
    }

    /// At least `wanted` events: each row as many times as it takes, a day's rows in rounds, as they would come from
    /// many places at once.
    pub fn feed(self, wanted: usize) -> Result<Feed> {
        let folder = std::env::var_os("AUSCULT_DATA")
            .map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
        let file = folder.join("nhs_feedback_neas_2021_2022.csv.gz");
        if !file.exists() {
            println!(
                "({} is not there: the simulated feed stands in)",
                file.display()
            );
            return Ok(simulated(wanted));
        }
        let map_path = Path::new("deploy/maps/nhs_feedback_neas_2021_2022.toml");
        let text = std::fs::read_to_string(map_path).context("run it from the project's root")?;
        let columns = map::read(&text, Path::new("deploy/maps"))
            .map_err(|problems| anyhow::anyhow!("{problems:?}"))?
            .columns;
        let mut events: Vec<_> = rows::open(&file, &columns.named_columns())?
            .filter_map(|(_, row)| event::of_row(&row.ok()?, &columns).ok())
            .filter_map(|event| self.written(event))
            .collect();
        events.sort_by_key(|event| event.data.occurred_at);
        let characters: usize = events
            .iter()
            .map(|event| event.data.content.text.chars().count())
            .sum();
        Ok(Feed {
            name: file.display().to_string(),
            characters: Some(characters / events.len().max(1)),
            events: in_rounds(&events, wanted),
        })
    }

    /// The event as a producer of this shape writes it, if it would send it at all.
    fn written(self, mut event: FeedbackEvent<'static>) -> Option<FeedbackEvent<'static>> {
        if self == Shape::WholeFile {
            return Some(event);
        }
        let characters = event.data.content.text.chars().count();
        if !(SHORTEST..=LONGEST).contains(&characters) {
            return None;
        }
        let envelope = &mut event.envelope;
        (envelope.subject, envelope.time, envelope.recorded_time) = (None, None, None);
        envelope.data_schema = None;
        envelope.source = "/fft".into();
        let data = &mut event.data;
        data.source.instance = "".into();
        data.awareness.by_organisation = "".into();
        data.respondent.reference = None;
        data.respondent.tier = None;
        data.consent.purposes.clear();
        data.privacy.ruleset = "".into();
        for measure in &mut data.content.measures {
            measure.code = "fft".into();
        }
        data.extra.fields.clear();
        Some(event)
    }
}

fn in_rounds(events: &[FeedbackEvent<'static>], wanted: usize) -> Vec<Encoded> {
    let copies = wanted.div_ceil(events.len().max(1)).max(1);
    let mut encoded = Vec::with_capacity(events.len() * copies);
    for day in events.chunk_by(|a, b| a.data.occurred_at == b.data.occurred_at) {
        for copy in 0..copies {
            for event in day {
                let mut event = event.clone();
                event.envelope.id = format!("{}-{copy}", event.envelope.id).into();
                event.data.feedback_id = format!("{}-{copy}", event.data.feedback_id).into();
                event.data.links.thread = None;
                event.data.respondent.reference = event
                    .data
                    .respondent
                    .reference
                    .map(|person| format!("{person}-{copy}").into());
                encoded.push((
                    event.key(),
                    auscult_wire::encode_feedback_structured(&event),
                ));
            }
        }
    }
    encoded
}

fn simulated(wanted: usize) -> Feed {
    let mut events = Vec::with_capacity(wanted);
    let mut seed = 0;
    while events.len() < wanted {
        seed += 1;
        let feed = auscult_sim::Generator::new(auscult_sim::Scenario::demo(), seed);
        events.extend(
            feed.take(wanted - events.len())
                .map(|event| (event.key, event.value)),
        );
    }
    Feed {
        name: "the simulated feed".to_owned(),
        events,
        characters: None,
    }
}
