//! An alert: the outbound message about a signal's change. Field groups follow the contract.

use crate::time::{BucketWidth, Timestamp};
use crate::words::{
    AlertChange, Caveat, EvidenceGrade, Horizon, Measure, Severity, SignalKind, SignalStatus,
    StatusReason,
};

/// Everything one alert says. Deterministic: no field depends on the wall clock or on how partitions
/// interleaved.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Which of the four alert events this is.
    pub change: AlertChange,
    /// Tenant.
    pub tenant: String,
    /// Portfolio.
    pub portfolio: String,
    /// Hash of tenant, detector, series and start.
    pub signal_id: String,
    /// Grows by one with each alert of this signal, from 1.
    pub revision: u32,
    /// Revision this one replaces.
    pub supersedes: Option<u32>,
    /// Where the signal stands now.
    pub status: SignalStatus,
    /// Why this alert was sent.
    pub status_reason: StatusReason,
    /// What kind of change.
    pub kind: SignalKind,
    /// How loud.
    pub severity: Severity,
    /// A few words.
    pub title: String,
    /// At most two plain sentences; every number in it is also a field.
    pub why: String,
    /// How long it seems to last.
    pub horizon: Horizon,
    /// The series.
    pub series: SeriesRef,
    /// First and last moment of the evidence.
    pub window: Window,
    /// Event time up to which data had been seen.
    pub as_of: Timestamp,
    /// When revision 1 was raised (event time).
    pub first_raised_at: Timestamp,
    /// What was seen in the window.
    pub observed: f64,
    /// What was expected.
    pub expected: f64,
    /// Interval the observation was expected in.
    pub interval: Interval,
    /// `observed − expected`.
    pub effect_absolute: f64,
    /// `observed / expected − 1`; `None` when nothing was expected.
    pub effect_relative: Option<f64>,
    /// Score 0 … 100 now.
    pub score_current: u32,
    /// Score 0 … 100 when first raised.
    pub score_initial: u32,
    /// Two-sided p-value.
    pub p_value: f64,
    /// Benjamini–Hochberg adjusted p-value over the portfolio's series of the bucket.
    pub q_value: f64,
    /// How many false signals this portfolio is expected to raise in 30 days at these settings.
    pub expected_false_per_30_days: f64,
    /// How much the evidence can carry.
    pub evidence: EvidenceSummary,
    /// Reasons to read the numbers with care.
    pub caveats: Vec<Caveat>,
    /// Slices that drove the change; shares of the excess, largest first.
    pub drivers: Vec<Driver>,
    /// What else belongs to it: attached series, and what the calendars say about the window.
    pub context: Vec<ContextItem>,
    /// Redacted quotes (medical projection only).
    pub examples: Vec<Example>,
    /// The detector.
    pub detector: DetectorRef,
    /// The baseline.
    pub baseline: BaselineRef,
    /// Models behind the enrichments of the evidence, `kind:name@version`, sorted.
    pub models: Vec<String>,
    /// Seed of the run.
    pub seed: u64,
    /// Team that owns it; `governance` when no rule names one.
    pub owner_team: String,
    /// When somebody should have looked at it.
    pub triage_due: Timestamp,
    /// What to look at next.
    pub suggested_checks: Vec<String>,
    /// Labels for matchers, sorted by key.
    pub labels: Vec<(String, String)>,
    /// Stable key of the group.
    pub group_key: String,
    /// Incident that holds this and related signals.
    pub incident_id: String,
    /// Why nobody is notified (`backfill`, `cold_start`, `budget` …); empty: notify.
    pub suppressed_by: Vec<String>,
    /// Rank for people's attention, in 0 … 1: evidence × learnt usefulness.
    pub rank: f64,
    /// What people have answered so far: decision of the last disposition, if any.
    pub disposition: Option<crate::words::Decision>,
}

/// The series an alert is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesRef {
    /// Series id.
    pub id: String,
    /// View name.
    pub view: String,
    /// Measure.
    pub measure: Measure,
    /// Dimension name and value, in the view's order.
    pub dimensions: Vec<(String, String)>,
}

/// The window of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Start.
    pub start: Timestamp,
    /// End, exclusive.
    pub end: Timestamp,
    /// Width of its buckets.
    pub width: BucketWidth,
}

/// A predictive interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Level, such as 0.9.
    pub level: f64,
}

/// Who and what the evidence consists of (E06).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EvidenceSummary {
    /// Grade.
    pub grade: EvidenceGrade,
    /// Distinct people.
    pub people: u32,
    /// Items.
    pub items: u32,
    /// Items that repeat another's words: reposts, rows of one incident. They are part of `items`, and corroborate nothing.
    pub copies: u32,
    /// Distinct channels.
    pub channels: u32,
    /// (Σw)² / Σw² over people, copies left out.
    pub effective_n: f64,
    /// Share of the loudest person, copies left out.
    pub top_person_share: f64,
    /// Share of national and regional experts.
    pub expert_share: f64,
}

impl EvidenceSummary {
    /// People who can corroborate: those who said it, but no more than there are independent items.
    #[must_use]
    pub fn independent_people(&self) -> u32 {
        self.people.min(self.items.saturating_sub(self.copies))
    }
}

/// One slice and its share of the excess.
#[derive(Debug, Clone, PartialEq)]
pub struct Driver {
    /// Dimension.
    pub dimension: String,
    /// Value.
    pub value: String,
    /// Share of the excess, 0 … 1.
    pub share: f64,
}

/// Something that belongs to the signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextItem {
    /// `series` (attached by drill-down), or a calendar entry's kind, such as `congress`.
    pub kind: String,
    /// Id of it.
    pub reference: String,
    /// Words for people.
    pub label: String,
    /// Start.
    pub start: Timestamp,
    /// End.
    pub end: Timestamp,
}

/// A redacted quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Feedback id.
    pub feedback_id: String,
    /// Redacted words, at most 280 characters.
    pub quote: String,
    /// Language.
    pub language: String,
    /// `negative`, `neutral`, `positive`.
    pub stance: String,
}

/// The detector behind an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetectorRef {
    /// Id in the settings.
    pub id: String,
    /// Version of the method's code.
    pub version: String,
    /// Method name.
    pub method: String,
    /// Hash of the settings in force.
    pub config_hash: String,
}

/// The baseline behind an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaselineRef {
    /// Id.
    pub id: String,
    /// First bucket learnt from.
    pub from: Timestamp,
    /// Last bucket learnt from.
    pub to: Timestamp,
    /// Buckets learnt from.
    pub points: u32,
    /// `none`, `day_of_week`, `hour_of_day`, `yearly`.
    pub season: String,
    /// Names of the calendars whose holidays it knows.
    pub calendars: Vec<String>,
}
