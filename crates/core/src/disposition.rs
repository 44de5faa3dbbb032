//! A person's verdict on a signal.

use crate::time::Timestamp;
use crate::words::{Cause, Decision, DispositionScope, Priority};

/// A verdict, as it travels through the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disposition {
    /// Id of this verdict; the same id twice counts once.
    pub disposition_id: String,
    /// Portfolio of the signal.
    pub portfolio: String,
    /// Signal judged.
    pub signal_id: String,
    /// Revision the person was looking at.
    pub revision_seen: u32,
    /// The verdict.
    pub decision: Decision,
    /// What lay behind it.
    pub cause: Cause,
    /// Free words, at most [`MAX_COMMENT_BYTES`].
    pub comment: String,
    /// How soon somebody should act.
    pub priority: Priority,
    /// Reference of the person, never a name.
    pub actor: String,
    /// Function of the person, such as `insights`.
    pub actor_function: String,
    /// When the person decided.
    pub decided_at: Timestamp,
    /// Of a new trend: from when what is seen is the normal; `None`: from now on.
    pub effective_from: Option<Timestamp>,
    /// How far the verdict reaches.
    pub scope: DispositionScope,
    /// Whether the detector may learn from it.
    pub use_for_learning: bool,
}

/// Longest comment accepted.
pub const MAX_COMMENT_BYTES: usize = 4_096;
