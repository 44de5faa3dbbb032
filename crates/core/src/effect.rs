//! What a machine wants done. It does nothing itself: the engine turns effects into one commit.

use crate::alert::Alert;
use crate::outcome::Outcome;
use crate::time::{BucketWidth, Timestamp};
use crate::words::Measure;

/// One thing the machine wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Tell the world about a signal's change.
    Alert(Box<Alert>),
    /// Publish one closed bucket of one series.
    SeriesPoint(SeriesPoint),
    /// Tell what came of an action.
    Outcome(Box<Outcome>),
    /// An input was refused; counted by reason, nothing else happens.
    Rejected(Rejection),
}

/// One closed bucket of one series, for charts and downstream tools.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesPoint {
    /// Tenant.
    pub tenant: String,
    /// Portfolio.
    pub portfolio: String,
    /// Series id (hash of view, measure and dimensions).
    pub series_id: String,
    /// View the series belongs to.
    pub view: String,
    /// What is measured.
    pub measure: Measure,
    /// Dimension name and value, in the view's order.
    pub dimensions: Vec<(String, String)>,
    /// Start of the bucket.
    pub start: Timestamp,
    /// Width of the bucket.
    pub width: BucketWidth,
    /// Grows with each restatement of the bucket.
    pub revision: u32,
    /// What was seen. `None`: no data (the feed was down), which is not zero.
    pub observed: Option<f64>,
    /// Number of items behind `observed` (equal to it for counts).
    pub items: u32,
    /// What was expected.
    pub expected: f64,
    /// Interval the observation was expected in.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Probability of something at least this surprising if nothing changed.
    pub p_value: f64,
    /// Whether the portfolio's false-discovery control let it through.
    pub discovered: bool,
}

/// Why an input was not applied. Conservation: read = applied + duplicate + late + rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rejection {
    /// Same source and id seen before, or an older version of a known feedback.
    Duplicate,
    /// Older than the restatement horizon: counted, not applied.
    TooLate,
    /// Canary probe: applied to the canary counters only.
    Canary,
    /// A disposition for a signal this machine does not know.
    UnknownSignal,
    /// What was said of an action may not follow what is known of it.
    ActionRefused,
    /// The portfolio remembers as many actions as it can.
    ActionLimit,
    /// An action for a portfolio nothing was heard of.
    UnknownPortfolio,
    /// The series limit is reached; the mention counts in coarser views only.
    SeriesLimit,
}

impl Rejection {
    /// Label for metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Rejection::Duplicate => "duplicate",
            Rejection::TooLate => "too_late",
            Rejection::Canary => "canary",
            Rejection::UnknownSignal => "unknown_signal",
            Rejection::ActionRefused => "action_refused",
            Rejection::ActionLimit => "action_limit",
            Rejection::UnknownPortfolio => "unknown_portfolio",
            Rejection::SeriesLimit => "series_limit",
        }
    }
}
