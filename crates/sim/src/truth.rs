//! What was planted: the answer key that detection, triage and redaction are judged against.

use auscult_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Everything planted in one run. The lists of single events are complete once the generator has ended; the signals
/// are known from the start.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// Name of the scenario.
    pub scenario: String,
    /// Seed.
    pub seed: u64,
    /// First moment of the history.
    pub from: Timestamp,
    /// First moment of the live part.
    pub live_from: Timestamp,
    /// End of the run.
    pub to: Timestamp,
    /// Changes that should become signals.
    pub signals: Vec<PlantedSignal>,
    /// Happenings that must not become signals.
    pub distractions: Vec<Distraction>,
    /// Feedback whose text tells of an adverse event; schema-broken ones are in `broken`.
    pub adverse_events: Vec<String>,
    /// Identifiers put into texts.
    pub identifiers: Vec<PlantedIdentifier>,
    /// Feedback ids whose event was delivered a second time, byte for byte.
    pub duplicates: Vec<String>,
    /// Feedback ids that were corrected by a later event.
    pub corrections: Vec<String>,
    /// Feedback ids that arrived more than a day after they were said.
    pub late: Vec<String>,
    /// Feedback ids that repeat another's words in its thread.
    pub reposts: Vec<String>,
    /// Events that no reader can read.
    pub broken: Vec<BrokenEvent>,
    /// All events, of every kind.
    pub events: u64,
}

/// A change that should become a signal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlantedSignal {
    /// Short name, unique in the run.
    pub name: String,
    /// What it is.
    pub kind: PlantedKind,
    /// Portfolio it is in.
    pub portfolio: String,
    /// Dimension and value, by the names views use.
    pub dimensions: Vec<(String, String)>,
    /// First moment.
    pub onset: Timestamp,
    /// Last moment, exclusive.
    pub end: Timestamp,
    /// Extra events a day, the factor reached, the change of the negative share, or the events a day that stop: see `kind`.
    pub size: f64,
}

/// What a planted change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlantedKind {
    /// More events at once; size: extra events a day.
    Surge,
    /// A rate that grows evenly; size: the factor reached at the end.
    Drift,
    /// People become less content; size: change of the negative share.
    SentimentDrop,
    /// A theme never heard before; size: events a day.
    NewTheme,
    /// A kind of respondent falls silent; size: events a day that stop.
    Silence,
}

/// Something that must not become a signal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distraction {
    /// `feed_loss`, `repost_burst` or `merger`.
    pub kind: String,
    /// Portfolio.
    pub portfolio: String,
    /// What it touches: feed, theme, organisation.
    pub what: String,
    /// First moment.
    pub from: Timestamp,
    /// Last moment, exclusive.
    pub to: Timestamp,
}

/// An identifier put into a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlantedIdentifier {
    /// Feedback it stands in.
    pub feedback_id: String,
    /// `name`, `email`, `phone` or `birth_date`.
    pub kind: String,
    /// The string itself.
    pub text: String,
}

/// An event that no reader can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenEvent {
    /// Key of the record, which is all that can be told of it.
    pub key: String,
    /// How it was broken: `cut_short`, `unknown_word`, `field_missing`, `not_utf8`.
    pub fault: String,
    /// Whether its text tells of an adverse event, which triage must find all the same.
    pub adverse_event: bool,
}
