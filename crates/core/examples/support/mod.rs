//! Texts through the machine, and the themes it proposes. Mentions are made as Listen makes them, as far as the detector reads them; Listen
//! itself (redaction, themes) is left out.

use auscult_core::alert::Alert;
use auscult_core::effect::Effect;
use auscult_core::input::{Input, Marker};
use auscult_core::mention::{About, Mention, Who};
use auscult_core::partition::Partition;
use auscult_core::proposals::NEW_THEME_VIEW;
use auscult_core::settings::DetectSettings;
use auscult_core::time::{DAY, Timestamp, civil_date};
use auscult_core::words::{AlertChange, Channel, SourceType, Stakeholder, Tier};
use auscult_language::near_duplicate::{self, Signature};
use auscult_language::words::Words;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Read;
use std::sync::Arc;

/// One figure, for people or (`--tsv`) for `make eval`: task, set, split, figure, target.
pub fn tell(task: &str, set: &str, split: &str, figure: &str, target: &str) {
    if std::env::args().any(|argument| argument == "--tsv") {
        println!("{task}\t{set}\t{split}\t{figure}\t{target}");
    } else {
        println!("{split}: {figure}");
    }
}

/// The name of a data set: the file's name without its endings.
pub fn set_of(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.trim_end_matches(".gz")
        .trim_end_matches(".csv")
        .to_owned()
}

/// One text, as a source gives it.
pub struct Said {
    pub id: String,
    pub at: Timestamp,
    pub text: String,
    /// Who said it, where that is known.
    pub person: Option<String>,
    /// The source's own thread or incident.
    pub thread: Option<String>,
    pub source: SourceType,
}

/// Rows of a compressed CSV file, by column.
pub fn rows(path: &str) -> Result<Vec<BTreeMap<String, String>>, Box<dyn Error>> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path)?).read_to_string(&mut text)?;
    let mut rows = Vec::new();
    for row in csv::Reader::from_reader(text.as_bytes()).deserialize() {
        rows.push(row?);
    }
    Ok(rows)
}

/// Midnight of `2012-05-18…`, by counting days from the year 2000.
pub fn day(text: &str) -> Option<Timestamp> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let mut at = Timestamp(10_957 * DAY);
    while civil_date(at) < (year as i32, month as u32, day as u32) {
        at = at.plus(DAY);
    }
    Some(at)
}

/// Proposals raised on texts in order of their time, as one source partition that ends each day with a marker.
pub fn propose(settings: DetectSettings, said: &[Said]) -> Result<Vec<Alert>, Box<dyn Error>> {
    let settings = settings
        .check()
        .map_err(|problems| format!("{problems:?}"))?;
    let mut partition = Partition::new(Arc::new(settings));
    let mut effects = Vec::new();
    let mut today = said.first().map_or(0, |text| text.at.0 / DAY);
    for text in said {
        while text.at.0 / DAY > today {
            today += 1;
            partition.apply(&Input::Marker(&marker(today)), &mut effects);
        }
        partition.apply(&Input::Mention(&mention(text, today)), &mut effects);
    }
    // As far as the last bucket's end, whatever its width.
    partition.apply(&Input::Marker(&marker(today + 31)), &mut effects);
    let alerts = effects.into_iter().filter_map(|effect| match effect {
        Effect::Alert(alert) => Some(*alert),
        _ => None,
    });
    Ok(alerts
        .filter(|alert| alert.series.view == NEW_THEME_VIEW && alert.change == AlertChange::Raised)
        .collect())
}

fn marker(day: i64) -> Marker {
    Marker {
        source_partition: "texts/0".to_owned(),
        watermark: Timestamp(day * DAY),
        source_partitions: 1,
        backfill: false,
    }
}

fn mention(said: &Said, today: i64) -> Mention<'_> {
    let words = Words::of(&said.text);
    Mention {
        tenant: "t".into(),
        portfolio: "t|-".into(),
        event_source: "/texts".into(),
        event_id: said.id.as_str().into(),
        feedback_id: said.id.as_str().into(),
        occurred_at: said.at,
        recorded_at: said.at,
        watermark: Timestamp(today * DAY),
        feed: "texts/-/one".into(),
        who: Who {
            person: said.person.as_deref().map(Into::into),
            stakeholder: Stakeholder::Unknown,
            tier: Tier::NotApplicable,
            specialty: "".into(),
            setting: None,
            organisation: "".into(),
            country: "".into(),
            region: "".into(),
            channel: Some(Channel::Social),
            source: said.source,
        },
        about: About::default(),
        text: said.text.as_str().into(),
        language: "".into(),
        themes: Vec::new(),
        stances: Vec::new(),
        sentiment: None,
        rating: None,
        thread: said.thread.as_deref().map(Into::into),
        signature: Signature::of(&words, near_duplicate::LEAST_WORDS, false),
        safety_candidate: false,
        medical_request: false,
        canary: false,
        extra: Vec::new(),
        models: Vec::new(),
    }
}
