//! Fields of the safety candidate and its acknowledgement that the safety desk shows.
//!
//! The candidate carries a reference to the vault and never the text; so does this page.

use crate::words::parse_time;
use auscult_core::time::Timestamp;
use auscult_engine::read_model::CandidateRow;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The candidate's `data` object.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CandidateView {
    pub candidate_id: String,
    pub feedback_ids: Vec<String>,
    pub classes: Vec<String>,
    pub awareness: AwarenessView,
    pub clock: ClockView,
    pub criteria: BTreeMap<String, String>,
    pub product: ProductView,
    pub seriousness_cues: Vec<String>,
    pub reporter_type: String,
    pub country: String,
    pub language: String,
    pub follow_up_allowed: Option<bool>,
    pub verbatim_ref: String,
    pub possible_duplicates: Vec<String>,
    pub source_type: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AwarenessView {
    pub at: String,
    pub by_function: String,
    pub by_organisation: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ClockView {
    pub intake_due: String,
    pub serious_due: String,
    pub non_serious_due: String,
    pub rules: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProductView {
    pub code: String,
    pub as_reported: String,
}

/// The acknowledgement's `data` object.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AckView {
    pub decision: String,
    pub case_ref: Option<String>,
    pub at: String,
}

/// The escalation's `data` object.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EscalationView {
    pub handed_over_at: String,
    pub escalated_at: String,
}

/// One line of the queue.
#[derive(Debug, Clone)]
pub(crate) struct QueueItem {
    pub candidate: CandidateView,
    pub ack: Option<AckView>,
    pub escalation: Option<EscalationView>,
}

impl QueueItem {
    /// Reads one row of the read model.
    pub(crate) fn read(row: &CandidateRow) -> Result<QueueItem, serde_json::Error> {
        Ok(QueueItem {
            candidate: serde_json::from_str(&row.candidate)?,
            ack: optional(row.acknowledgement.as_deref())?,
            escalation: optional(row.escalation.as_deref())?,
        })
    }

    /// When somebody in safety must have taken it in.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        parse_time(&self.candidate.clock.intake_due)
    }
}

fn optional<'a, T: Deserialize<'a>>(json: Option<&'a str>) -> Result<Option<T>, serde_json::Error> {
    json.map(serde_json::from_str).transpose()
}
