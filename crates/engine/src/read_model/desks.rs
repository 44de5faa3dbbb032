//! What the safety desk and medical information read.

use auscult_core::time::Timestamp;

/// A safety candidate with everything that came after it: JSON `data` objects as on their topics.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CandidateRow {
    /// Tenant.
    pub tenant: String,
    /// The candidate.
    pub candidate: String,
    /// The last acknowledgement, if any.
    pub acknowledgement: Option<String>,
    /// The escalation, if it was escalated; it stays after the acknowledgement.
    pub escalation: Option<String>,
}

/// Which days of the hand-off to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReconciliationFilter {
    /// First moment of the days wanted.
    pub from: Timestamp,
    /// First moment after them.
    pub until: Timestamp,
    /// Besides them, every other day on which something is unacknowledged.
    pub and_outstanding: bool,
    /// The moment intake times are held against.
    pub now: Timestamp,
}

/// One tenant's candidates of one UTC day: sent = acknowledged, or who is missing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReconciledDay {
    /// Tenant.
    pub tenant: String,
    /// Start of the day of awareness, UTC.
    pub day: Timestamp,
    /// Candidates sent.
    pub sent: u64,
    /// Of these, how many have any acknowledgement.
    pub acknowledged: u64,
    /// Acknowledged as a case.
    pub accepted: u64,
    /// Withdrawn by the desk: no case.
    pub not_a_case: u64,
    /// Withdrawn by the desk: known already.
    pub duplicate: u64,
    /// Taken in, and open until somebody says more.
    pub needs_information: u64,
    /// How many were escalated, acknowledged since or not.
    pub escalated: u64,
    /// Sent without any acknowledgement.
    pub outstanding: u64,
    /// Of these, how many are past their time: escalated, or past their intake time.
    pub past_due: u64,
    /// The outstanding ones by name, first due first; at most as many as the store's bound over all days.
    pub missing: Vec<Outstanding>,
}

/// A candidate nobody has acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outstanding {
    /// Candidate id.
    pub candidate_id: String,
    /// When intake must have it.
    pub intake_due: Timestamp,
    /// When it was escalated, if it was.
    pub escalated_at: Option<Timestamp>,
}

/// Which medical requests to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestFilter {
    /// Open ones only, answered ones only, or all.
    pub open: Option<bool>,
    /// At most so many (bounded by the store at 500).
    pub limit: u32,
}

/// A medical request: JSON `data` objects as on their topics.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestRow {
    /// Tenant.
    pub tenant: String,
    /// The request.
    pub request: String,
    /// The last answer, if any.
    pub answer: Option<String>,
    /// Whether it still waits for an answer.
    pub open: bool,
}

/// How many medical requests are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenRequests {
    /// How many.
    pub count: u64,
    /// When the company first knew of the oldest.
    pub oldest: Option<Timestamp>,
}
