//! What Listen does with one record: a pure function of the record and the moment.
//!
//! The order is the promise. Safety triage sees the raw text before the tenant, the time, consent or
//! anything else is looked at, so nothing can mute it; privacy comes next, and everything after it sees
//! redacted text only. Whatever is refused has been triaged already.

use super::candidate;
use super::rating::main_rating;
use super::triage::{Finding, SafetyDesk};
use crate::log::Record;
use crate::settings::PortfolioKey;
use auscult_core::mention::{About, Mention, ThemeTag, Who};
use auscult_core::time::Timestamp;
use auscult_core::words::{FeedbackKind, Stakeholder, Tier};
use auscult_language::privacy::{Pseudonymiser, Redactor};
use auscult_language::themes::Taxonomy;
use auscult_language::{language_id, requests, sentiment, speaker};
use auscult_wire::{
    ErrorCode, FeedbackEvent, MedicalRequest, SafetyCandidate, SchemaRegistry, WireError, decode_feedback, salvage_text,
};
use std::borrow::Cow;

/// Longest value of an extra field that a view may cut by; longer ones are text, not dimensions.
pub const MAX_DIMENSION_BYTES: usize = 128;

/// Rules of listening that come from settings.
#[derive(Debug, Clone)]
pub struct EarRules {
    /// What the portfolio key is made of.
    pub portfolio: PortfolioKey,
    /// Extra fields that views cut by, sorted; all others stay behind.
    pub extra_fields: Vec<String>,
    /// Tenant of events that name none.
    pub default_tenant: Option<String>,
    /// Events further ahead of the clock are quarantined, in milliseconds.
    pub future_limit: i64,
}

/// Everything needed to understand a record. Built once, shared by all threads.
pub struct Ear {
    desk: SafetyDesk,
    redactor: Redactor,
    pseudonymiser: Pseudonymiser,
    taxonomy: Taxonomy,
    registry: SchemaRegistry,
    rules: EarRules,
    models: Vec<String>,
}

/// What became of one record.
#[derive(Debug, Default)]
pub struct Heard<'h> {
    /// What was understood; its watermark is set later, in the partition's order.
    pub mention: Option<Mention<'h>>,
    /// Kind of a record that is no feedback and is set aside.
    pub set_aside: Option<FeedbackKind>,
    /// Why it was refused.
    pub refusal: Option<WireError>,
    /// What safety must see, with its tenant.
    pub candidate: Option<(String, SafetyCandidate)>,
    /// A question for medical information.
    pub request: Option<MedicalRequest>,
    /// Classes of personal data replaced.
    pub redacted: Vec<&'static str>,
}
