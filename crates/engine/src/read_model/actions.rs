//! What pages and the API read of actions and what came of them.

/// Which actions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActionFilter {
    /// About this signal; `None`: about any.
    pub signal_id: Option<String>,
    /// In this state; `None`: in any.
    pub state: Option<String>,
    /// At most this many (bounded by the store at 500).
    pub limit: u32,
}

/// An action as it stands, and what came of it so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionRow {
    /// Portfolio of its signals.
    pub portfolio: String,
    /// Action id.
    pub action_id: String,
    /// Id of its newest event.
    pub event_id: String,
    /// The `data` object of its newest event, JSON.
    pub data: String,
    /// The newest outcome's `data` object, JSON, if there is one.
    pub outcome: Option<String>,
    /// Whether one of its signals tells what people think of a belief statement: those are for the medical role alone.
    pub is_medical: bool,
}

/// Everything about one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionDetail {
    /// As it stands.
    pub current: ActionRow,
    /// The `data` objects of all events that were taken, JSON, oldest first.
    pub events: Vec<String>,
}
