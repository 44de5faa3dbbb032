//! What this crate needs from the rest of the house, as ports that the binary wires up.
//!
//! The contract of [`Submit`] is the contract of the log: `Ok` means durable. A page that says
//! "recorded" after anything weaker would lie to the person who decided.

use crate::settings::CheckedWebSettings;
use auscult_engine::clock::Clock;
use auscult_engine::log::Headers;
use auscult_engine::read_model::ReadModel;
use std::sync::Arc;

/// Body of a request, shared and cheap to hand on.
pub use axum::body::Bytes;

/// Everything the pages and the API are made of.
#[derive(Clone)]
pub struct App {
    /// Where pages read. Called on blocking threads, at most
    /// [`MAX_CONCURRENT_READS`](crate::settings::MAX_CONCURRENT_READS) at once.
    pub read: Arc<dyn ReadModel>,
    /// Where feedback and answers go. Called on blocking threads.
    pub submit: Arc<dyn Submit>,
    /// Tells the time; simulated in demo, replay and tests.
    pub clock: Arc<dyn Clock>,
    /// The Prometheus text exposition of this process.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// How the parts of this process are.
    pub health: Arc<dyn Health>,
    /// Says that something changed; open pages ask again.
    pub updates: tokio::sync::broadcast::Sender<Update>,
    /// Checked settings.
    pub settings: CheckedWebSettings,
}

/// Takes what comes in from outside and returns when the log has it.
pub trait Submit: Send + Sync {
    /// Feedback events in any form of the CloudEvents HTTP binding, or JSON Lines.
    ///
    /// `content_type` is the media type without parameters, in lower case; `headers` are all request
    /// headers with lower-case names (binary mode reads `ce-*` from them). What is refused item by item is
    /// listed in [`Accepted::rejected`] and has gone to the dead letters.
    ///
    /// # Errors
    /// See [`SubmitError`]; after an error nothing of the body was accepted.
    fn feedback(
        &self,
        content_type: &str,
        headers: &Headers,
        body: Bytes,
    ) -> Result<Accepted, SubmitError>;

    /// A disposition: `json` is a complete `data` object of `alert.dispositioned.v1`, already checked
    /// against the fixed lists.
    ///
    /// # Errors
    /// See [`SubmitError`].
    fn disposition(&self, signal_id: &str, json: &str) -> Result<Accepted, SubmitError>;

    /// What people say of an action on signals of `portfolio`: `json` is a complete `data` object of `action.recorded.v1`,
    /// already held against what is known of the action.
    ///
    /// # Errors
    /// See [`SubmitError`].
    fn action(&self, portfolio: &str, json: &str) -> Result<Accepted, SubmitError>;

    /// An acknowledgement of a safety candidate: `json` is a complete `data` object.
    ///
    /// # Errors
    /// See [`SubmitError`].
    fn acknowledge(&self, candidate_id: &str, json: &str) -> Result<Accepted, SubmitError>;

    /// What medical information did with a request: `json` is a complete `data` object.
    ///
    /// # Errors
    /// See [`SubmitError`].
    fn medical_answer(&self, request_id: &str, json: &str) -> Result<Accepted, SubmitError>;
}

/// What the log has now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Ids of what was accepted, in the order it came.
    pub ids: Vec<String>,
    /// What was refused, in the order it came.
    pub rejected: Vec<RejectedItem>,
}

/// One item of a batch that was refused.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RejectedItem {
    /// Its place in the batch (or line), from 0.
    pub index: usize,
    /// Stable error code, the dead letter's.
    pub code: String,
    /// Where in the item, such as `data.content.language`.
    pub place: String,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

/// Why nothing was accepted, by what the caller does about it.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Try the same request again later.
    #[error("the log is not reachable for now: {0}")]
    Busy(String),
    /// The body as a whole cannot be read: correct it.
    #[error("{place}: {reason}; {remedy}")]
    Unreadable {
        /// Stable error code.
        code: String,
        /// Where in the body.
        place: String,
        /// What is wrong.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// There is no such signal, candidate or request.
    #[error("{0} is not known")]
    Unknown(String),
    /// A person must act.
    #[error("the log cannot be used: {0}")]
    Broken(String),
}

/// Something changed. It carries ids and never content, so that a page asks again with its own rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// A signal was raised, updated, resolved, retracted or answered.
    Signal {
        /// Which one.
        signal_id: String,
    },
    /// A safety candidate came in or was acknowledged. Sent to the safety role only.
    Safety {
        /// Which one.
        candidate_id: String,
    },
    /// A medical request came in or was answered. Sent to the medical role only.
    Request {
        /// Which one.
        request_id: String,
    },
    /// An action was recorded, or something came of it.
    Action {
        /// Which one.
        action_id: String,
    },
    /// Feeds, dead letters or the health of a part changed.
    Operations,
}

/// Tells how the parts of this process are. Called on blocking threads.
pub trait Health: Send + Sync {
    /// The state of every part right now.
    fn report(&self) -> HealthReport;
}

/// State of every part.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HealthReport {
    /// Whether this process can take work: `/readyz` answers by it.
    pub ready: bool,
    /// The parts: source, listen, detect, read model …
    pub parts: Vec<PartHealth>,
    /// What people made of each detector and view.
    pub detectors: Vec<DetectorHealth>,
    /// Counters worth a line on the Ops page, in the order to show them.
    pub counters: Vec<Counter>,
}

/// How one part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartHealth {
    /// Name for people, such as `listen`.
    pub name: String,
    /// State.
    pub state: PartState,
    /// How far behind, in milliseconds; `None` if the part has no lag.
    pub lag_milliseconds: Option<i64>,
    /// What is so.
    pub detail: String,
    /// What to do, empty when nothing needs doing.
    pub remedy: String,
}

/// State of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartState {
    /// Works.
    Ok,
    /// Works, later than it should.
    Behind,
    /// Does not work.
    Failed,
}

/// What people made of one detector's signals over one view (L03).
#[derive(Debug, Clone, PartialEq)]
pub struct DetectorHealth {
    /// Detector id.
    pub detector: String,
    /// View.
    pub view: String,
    /// Signals people found useful.
    pub useful: u64,
    /// Signals people found not useful.
    pub not_useful: u64,
    /// Learnt precision.
    pub precision: Option<Precision>,
}

/// Precision as the middle and the ends of a 90 % interval, each in 0 … 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Precision {
    /// Lower end.
    pub low: f64,
    /// Middle.
    pub middle: f64,
    /// Upper end.
    pub high: f64,
}

/// One counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// A few words for people, such as `feedback read`.
    pub name: String,
    /// Value since the start of the process.
    pub value: u64,
}
