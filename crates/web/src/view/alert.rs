//! Fields of the alert and the disposition that pages show.

use crate::words;
use auscult_core::proposals::NEW_THEME_VIEW;
use auscult_core::time::Timestamp;
use auscult_engine::read_model::SignalRow;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The alert's `data` object.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AlertView {
    pub signal_id: String,
    pub revision: u32,
    pub status: String,
    pub status_reason: String,
    pub kind: String,
    pub title: String,
    pub why: String,
    pub horizon: String,
    pub series: SeriesView,
    pub window: WindowView,
    pub first_raised_at: String,
    pub observed: Option<f64>,
    pub expected: Option<f64>,
    pub exposure: Option<ExposureView>,
    pub interval: Option<IntervalView>,
    pub effect: EffectView,
    pub score: ScoreView,
    pub p_value: Option<f64>,
    pub q_value: Option<f64>,
    pub expected_false_per_30d: Option<f64>,
    pub evidence: EvidenceView,
    pub caveats: Vec<String>,
    pub expert_view: Option<ExpertView>,
    pub drivers: Vec<DriverView>,
    pub context: Vec<ContextView>,
    pub examples: Vec<ExampleView>,
    pub detector: DetectorView,
    pub baseline: BaselineView,
    pub owner: OwnerView,
    pub triage_due: String,
    pub suggested_checks: Vec<String>,
    pub playbook_url: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub incident_id: String,
    pub suppressed_by: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SeriesView {
    pub id: String,
    pub measure: String,
    pub dims: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WindowView {
    pub start: String,
    pub end: String,
    pub bucket: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ExposureView {
    pub unit: String,
    pub n: Option<f64>,
    pub usual: Option<f64>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct IntervalView {
    pub low: f64,
    pub high: f64,
    pub level: f64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EffectView {
    pub absolute: Option<f64>,
    pub relative: Option<f64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ScoreView {
    pub current: Option<f64>,
    pub initial: Option<f64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EvidenceView {
    pub grade: String,
    /// A count, or a band such as `25-49` in the shared projection.
    pub people: Option<CountOrBand>,
    pub items: Option<u64>,
    pub copies: u64,
    pub channels: Option<u64>,
    pub effective_n: Option<f64>,
    pub top_person_share: Option<f64>,
    pub expert_share: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum CountOrBand {
    Count(u64),
    Band(String),
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct ExpertView {
    pub expert: f64,
    pub community: f64,
    pub prob_differs: f64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DriverView {
    pub dim: String,
    pub value: String,
    pub share: f64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ContextView {
    pub kind: String,
    #[serde(rename = "ref")]
    pub reference: String,
    pub label: String,
    pub start: String,
    pub end: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ExampleView {
    pub feedback_id: String,
    pub quote: String,
    pub language: String,
    pub stance: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DetectorView {
    pub id: String,
    pub version: String,
    pub method: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct BaselineView {
    pub from: String,
    pub to: String,
    pub points: Option<u64>,
    pub season: String,
    pub calendars: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OwnerView {
    pub team: String,
    pub journey: Option<String>,
}

/// The disposition's `data` object.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DispositionView {
    pub revision_seen: u32,
    pub decision: String,
    pub cause: String,
    pub comment: String,
    pub actor: ActorView,
    pub decided_at: String,
    pub effective_from: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ActorView {
    #[serde(rename = "ref")]
    pub reference: String,
    pub function: String,
}

/// One signal as a page lists it.
#[derive(Debug, Clone)]
pub(crate) struct SignalView {
    pub alert: AlertView,
    pub disposition: Option<DispositionView>,
    pub suppressed: bool,
    pub as_of: Timestamp,
}

/// A record of the read model that is not what the contract says.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the record of {id} cannot be read: {reason}")]
pub(crate) struct Unreadable {
    pub id: String,
    pub reason: String,
}

impl SignalView {
    /// Reads a row of the read model.
    pub(crate) fn read(row: &SignalRow) -> Result<SignalView, Unreadable> {
        let unreadable = |error: serde_json::Error| Unreadable {
            id: row.signal_id.clone(),
            reason: error.to_string(),
        };
        let alert: AlertView = serde_json::from_str(&row.data).map_err(unreadable)?;
        let disposition = row
            .disposition
            .as_deref()
            .map(serde_json::from_str)
            .transpose()
            .map_err(unreadable)?;
        Ok(SignalView {
            // The columns are what the list was sorted and filtered by: they name the row.
            alert: AlertView {
                signal_id: row.signal_id.clone(),
                revision: row.revision,
                status: row.status.clone(),
                ..alert
            },
            disposition,
            suppressed: row.suppressed,
            as_of: row.as_of,
        })
    }
}

impl AlertView {
    /// The title, or a name that can be told apart.
    pub(crate) fn name(&self) -> String {
        if self.title.trim().is_empty() {
            format!("Signal {}", self.signal_id)
        } else {
            self.title.clone()
        }
    }

    /// Whether it proposes a theme: a signal without a series, so without history to draw.
    pub(crate) fn is_proposal(&self) -> bool {
        self.labels.get("view").map(String::as_str) == Some(NEW_THEME_VIEW)
    }

    /// "41 against 17.2 expected".
    pub(crate) fn change(&self) -> String {
        let measure = &self.series.measure;
        match (self.observed, self.expected) {
            (Some(observed), Some(expected)) => {
                format!(
                    "{} against {} expected",
                    words::value(measure, observed),
                    words::value(measure, expected)
                )
            }
            (Some(observed), None) => {
                format!("{}, expected not given", words::value(measure, observed))
            }
            _ => "not given".to_owned(),
        }
    }

    /// "90 % of usual periods lie between 9 and 26".
    pub(crate) fn band(&self) -> Option<String> {
        let interval = self.interval?;
        let value = |end: f64| words::value(&self.series.measure, end);
        Some(format!(
            "{} band {} to {}",
            words::percent(interval.level),
            value(interval.low),
            value(interval.high)
        ))
    }
}

impl std::fmt::Display for CountOrBand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CountOrBand::Count(count) => write!(f, "{count}"),
            CountOrBand::Band(band) => f.write_str(&band.replace('-', "–")),
        }
    }
}
