//! What pages and the API read: a view built from topics alone, which can be wiped and rebuilt (O09).
//!
//! The read model stores the outward JSON as it stood on the topic, beside the columns lists are sorted and
//! filtered by, so that a page can never show a number the topic did not carry.

mod actions;
mod desks;

pub use actions::{ActionDetail, ActionFilter, ActionRow};
pub use desks::{
    CandidateRow, OpenRequests, Outstanding, ReconciledDay, ReconciliationFilter, RequestFilter,
    RequestRow,
};

use crate::log::{Position, TopicPartition};
use auscult_core::action::Action;
use auscult_core::time::Timestamp;

/// What went wrong with the read model.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Try again later.
    #[error("the read model is busy: {0}")]
    Busy(String),
    /// A person must act.
    #[error("the read model cannot be read: {0}")]
    Broken(String),
}

/// A page of a list, newest or most pressing first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignalFilter {
    /// `firing`, `resolved`, `retracted`; `None`: all.
    pub status: Option<String>,
    /// Portfolio; `None`: all.
    pub portfolio: Option<String>,
    /// Label key and value that must be equal, such as `brand` = `alpha`.
    pub labels: Vec<(String, String)>,
    /// Whether signals that notify nobody (backfill, cold start, budget) are listed.
    pub include_suppressed: bool,
    /// Skip this many.
    pub offset: u32,
    /// At most this many (bounded by the store at 500).
    pub limit: u32,
}

/// One revision of a signal: the alert's JSON data object as it stood on the topic.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalRow {
    /// Signal id.
    pub signal_id: String,
    /// Revision.
    pub revision: u32,
    /// `firing`, `resolved`, `retracted`.
    pub status: String,
    /// Rank for people's attention.
    pub rank: f64,
    /// Empty: people were notified.
    pub suppressed: bool,
    /// Event time of the last revision.
    pub as_of: Timestamp,
    /// The alert's `data` object, JSON (medical projection when the store was told to keep it).
    pub data: String,
    /// The last disposition's `data` object, JSON, if any.
    pub disposition: Option<String>,
}

/// Everything about one signal.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalDetail {
    /// Portfolio it belongs to: an answer to it goes to that portfolio's machine.
    pub portfolio: String,
    /// Newest revision.
    pub current: SignalRow,
    /// All revisions, oldest first.
    pub revisions: Vec<SignalRow>,
    /// Points of its series (JSON `data` objects as on the topic), oldest first, newest restatement only.
    pub points: Vec<String>,
    /// Dispositions (JSON `data` objects), oldest first.
    pub dispositions: Vec<String>,
}

/// A dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterRow {
    /// Number in the dead-letter topic: `partition-offset`.
    pub id: String,
    /// Stable error code.
    pub code: String,
    /// When it was refused.
    pub at: Timestamp,
    /// The dead letter's `data` object, JSON.
    pub data: String,
    /// How often it was replayed.
    pub replays: u32,
}

/// How much of what was seen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overview {
    /// Signals firing that notify people.
    pub firing: u64,
    /// Signals firing without any disposition.
    pub untriaged: u64,
    /// Listed but muted (budget, cold start, backfill).
    pub muted: u64,
    /// Event time of the oldest untriaged signal.
    pub oldest_untriaged: Option<Timestamp>,
    /// Open safety candidates.
    pub safety_open: u64,
    /// Safety candidates due within 24 hours of `now`.
    pub safety_due_soon: u64,
    /// Safety candidates nobody has acknowledged in any way.
    pub safety_unacknowledged: u64,
    /// Of these, the ones that were escalated.
    pub safety_escalated: u64,
    /// Open medical requests, and since when the oldest is.
    pub requests: OpenRequests,
    /// Dead letters by code.
    pub dead_letters: Vec<(String, u64)>,
    /// Dispositions by decision.
    pub decisions: Vec<(String, u64)>,
    /// Newest event time seen in any series point: the freshness badge.
    pub newest_bucket_end: Option<Timestamp>,
    /// Feeds with the last bucket they delivered in, and whether they count as silent.
    pub feeds: Vec<FeedRow>,
}

/// State of one feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRow {
    /// `system/instance/type`.
    pub feed: String,
    /// Last event time seen.
    pub last_event: Timestamp,
    /// Mentions seen.
    pub mentions: u64,
    /// `ok` or `no_data`.
    pub state: String,
}

/// The port pages read through.
pub trait ReadModel: Send + Sync {
    /// Signals by rank, then newest first.
    ///
    /// # Errors
    /// See [`ReadError`].
    fn signals(&self, filter: &SignalFilter) -> Result<Vec<SignalRow>, ReadError>;

    /// One signal with its history; `None` if unknown.
    ///
    /// # Errors
    /// See [`ReadError`].
    fn signal(&self, signal_id: &str) -> Result<Option<SignalDetail>, ReadError>;

    /// Safety candidates: escalated and unacknowledged ones first, then by due time.
    ///
    /// # Errors
    /// See [`ReadError`].
    fn safety_candidates(
        &self,
        open_only: bool,
        limit: u32,
    ) -> Result<Vec<CandidateRow>, ReadError>;

    /// One safety candidate; `None` if unknown.
    ///
    /// # Errors
    /// See [`ReadError`].
    fn safety_candidate(&self, candidate_id: &str) -> Result<Option<CandidateRow>, ReadError>;

    /// The hand-off to safety, by tenant and day of awareness, newest day first.
    ///
    /// # Errors
    /// See [`ReadError`].
    fn reconciliation(
        &self,
        filter: &ReconciliationFilter,
    ) -> Result<Vec<ReconciledDay>, ReadError>;

    /// Medical requests, the oldest first.
    ///
    /// # Errors
    /// See [`ReadError`].
    fn medical_requests(&self, filter: &RequestFilter) -> Result<Vec<RequestRow>, ReadError>;

    /// One medical request; `None` if unknown.
    ///
    /// # Errors
    /// See [`ReadError`].
    fn medical_request(&self, request_id: &str) -> Result<Option<RequestRow>, ReadError>;

    /// Actions, the last recorded first.
    ///
    /// # Errors
    /// See [`ReadError`].
    fn actions(&self, filter: &ActionFilter) -> Result<Vec<ActionRow>, ReadError>;

    /// One action with its history; `None` if unknown.
    ///
    /// # Errors
    /// See [`ReadError`].
    fn action(&self, action_id: &str) -> Result<Option<ActionDetail>, ReadError>;

    /// Points (JSON `data` objects) of the newest bucket in which a series of this id was told, of series of its width and
    /// portfolio, its own first; at most `limit` (bounded by the store at 5,000), and none if it is unknown.
    ///
    /// # Errors
    /// See [`ReadError`].
    fn points_beside(
        &self,
        portfolio: &str,
        series_id: &str,
        limit: u32,
    ) -> Result<Vec<String>, ReadError>;

    /// Dead letters, newest first, of one code or all.
    ///
    /// # Errors
    /// See [`ReadError`].
    fn dead_letters(&self, code: Option<&str>, limit: u32)
    -> Result<Vec<DeadLetterRow>, ReadError>;

    /// The figures of Home and Ops.
    ///
    /// # Errors
    /// See [`ReadError`].
    fn overview(&self, now: Timestamp) -> Result<Overview, ReadError>;
}

/// What went wrong with writing the view, by what the serving stage does about it.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Nothing was written; try the same turn again after a pause.
    #[error("the view cannot be written for now: {0}")]
    Busy(String),
    /// A person must act (full disk, corrupt file); the process stops with this message.
    #[error("the view cannot be written: {0}")]
    Broken(String),
}

/// One revision of a signal, as the alert topic told it.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalRevision {
    /// Portfolio.
    pub portfolio: String,
    /// Signal id.
    pub signal_id: String,
    /// Revision; the highest is the current one, whatever order they arrive in.
    pub revision: u32,
    /// `firing`, `resolved`, `retracted`.
    pub status: String,
    /// Series the signal is about: its points are found by this id.
    pub series_id: String,
    /// Rank for people's attention.
    pub rank: f64,
    /// Whether nobody was notified (the alert's `suppressed_by` is not empty).
    pub suppressed: bool,
    /// Labels, sorted by key.
    pub labels: Vec<(String, String)>,
    /// Event time up to which data had been seen.
    pub as_of: Timestamp,
    /// The alert's `data` object, JSON, byte for byte as on the topic.
    pub data: String,
}

/// One change of the view. Every change is an upsert that may be applied twice, but for
/// [`ViewChange::FeedSeen`] and [`ViewChange::DeadLetterReplayed`], which add; positions written in the same
/// transaction keep those two exact.
#[derive(Debug, Clone, PartialEq)]
pub enum ViewChange {
    /// A revision of a signal.
    Signal(SignalRevision),
    /// A closed bucket of a series. Of one series and start the highest revision counts.
    SeriesPoint {
        /// Portfolio.
        portfolio: String,
        /// Series id.
        series_id: String,
        /// Start of the bucket.
        start: Timestamp,
        /// End of the bucket, exclusive: the newest of all is the freshness badge.
        end: Timestamp,
        /// Grows with each restatement.
        revision: u32,
        /// The point's `data` object, JSON.
        data: String,
    },
    /// A safety candidate. Of one id the highest revision counts.
    SafetyCandidate {
        /// Tenant, from the record's key; an answer to the candidate goes to the same partition by it.
        tenant: String,
        /// Candidate id.
        candidate_id: String,
        /// Revision.
        revision: u32,
        /// Day 0; the hand-off is reconciled by its day.
        awareness: Timestamp,
        /// When somebody in safety must have taken it in; lists are sorted by it.
        intake_due: Timestamp,
        /// The candidate's `data` object, JSON.
        data: String,
    },
    /// Safety's answer to a candidate; the last one by `at` counts.
    SafetyAck {
        /// Candidate id.
        candidate_id: String,
        /// When it was answered.
        at: Timestamp,
        /// What was answered, such as `accepted`.
        decision: String,
        /// Whether the candidate is done (`accepted`, `not_a_case`, `duplicate`) or still open
        /// (`needs_information`).
        closes: bool,
        /// The acknowledgement's `data` object, JSON.
        data: String,
    },
    /// Nobody acknowledged a candidate in time. The first one of a candidate counts.
    SafetyEscalation {
        /// Candidate id.
        candidate_id: String,
        /// When it was escalated.
        at: Timestamp,
        /// The escalation's `data` object, JSON.
        data: String,
    },
    /// A medical question. Of one id the last one read counts: it is the same question.
    MedicalRequest {
        /// Tenant, from the record's key.
        tenant: String,
        /// Request id.
        request_id: String,
        /// When the company first knew of it.
        received_at: Timestamp,
        /// The request's `data` object, JSON.
        data: String,
    },
    /// What medical information did with a question; the last one by `at` counts.
    MedicalAnswer {
        /// Request id.
        request_id: String,
        /// When.
        at: Timestamp,
        /// Whether the request is done or still open (`needs_information`).
        closes: bool,
        /// The answer's `data` object, JSON.
        data: String,
    },
    /// Input that could not be read.
    DeadLetter {
        /// `partition-offset` in the dead-letter topic.
        id: String,
        /// Stable error code.
        code: String,
        /// When it was refused.
        at: Timestamp,
        /// The dead letter's `data` object, JSON.
        data: String,
    },
    /// A dead letter was sent through again: add one to its `replays`.
    DeadLetterReplayed {
        /// `partition-offset` in the dead-letter topic.
        id: String,
    },
    /// A person's verdict.
    Disposition {
        /// Id of the verdict; the same id twice counts once.
        disposition_id: String,
        /// Signal judged.
        signal_id: String,
        /// The verdict's word, such as `confirmed`.
        decision: String,
        /// When the person decided; the last one is shown beside the signal.
        decided_at: Timestamp,
        /// The disposition's `data` object, JSON.
        data: String,
    },
    /// What people say of an action. It is refused by the same rules as by the detector
    /// ([`Action::follows`]), so that both know the same.
    Action {
        /// The action.
        action: Box<Action>,
        /// Its `data` object, JSON, with its time.
        data: String,
    },
    /// What came of an action. Of one action the highest revision counts.
    Outcome {
        /// Action id.
        action_id: String,
        /// Revision.
        revision: u32,
        /// `interim`, `final`.
        stage: String,
        /// `improved`, `no_change`, `worse`, `inconclusive`.
        verdict: String,
        /// The outcome's `data` object, JSON.
        data: String,
    },
    /// Mentions of one feed in this turn, summed.
    FeedSeen {
        /// `system/instance/type`.
        feed: String,
        /// Last event time among them; the view keeps the largest.
        last_event: Timestamp,
        /// How many to add.
        mentions: u64,
        /// The feed counts as `no_data` once `now − last_event` passes this many milliseconds.
        silent_after: i64,
    },
}

/// The port the serving stage writes through. The view carries its own positions, so that a crash between
/// the view's transaction and the log's commit repeats nothing: on assignment the stage asks
/// [`ViewWriter::position`] and skips what the view already holds.
pub trait ViewWriter: Send {
    /// Next offset of `partition` the view wants; `None` if it has never seen the partition.
    ///
    /// # Errors
    /// See [`WriteError`].
    fn position(&self, partition: &TopicPartition) -> Result<Option<Position>, WriteError>;

    /// How many medical requests are open, for the stage's gauges.
    ///
    /// # Errors
    /// See [`WriteError`].
    fn open_requests(&self) -> Result<OpenRequests, WriteError>;

    /// Writes one turn, all or nothing: the changes in order, and the positions after them.
    ///
    /// # Errors
    /// See [`WriteError`]. After an error nothing of the turn is visible to anybody.
    fn apply(
        &mut self,
        changes: Vec<ViewChange>,
        positions: &[(TopicPartition, Position)],
    ) -> Result<(), WriteError>;
}
