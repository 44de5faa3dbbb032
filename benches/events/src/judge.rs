//! What is said about one event, and about the rest of a stream.

/// What became of one event.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub event: String,
    pub kinds: String,
    pub confidence: String,
    pub verdict: Verdict,
    /// Day it could first be seen.
    pub seen_from: Option<i64>,
    /// Alerts that tell of it.
    pub alerts: usize,
    /// Incidents those alerts are of.
    pub incidents: usize,
    pub note: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A change was told: day of the first alert, and what it said.
    Found { day: i64, title: String },
    /// A change was not told.
    Missed,
    /// An artefact raised nothing, or one incident where one is allowed.
    Silent,
    /// An artefact raised alerts it should not have.
    WronglyRaised { titles: Vec<String> },
    /// It lies where nothing could have been learnt before it.
    CannotBeSeen { reason: String },
    /// The harness cannot tell.
    NotJudged { reason: String },
}

/// One stream.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// What was read, in words.
    pub read: String,
    pub outcomes: Vec<Outcome>,
    /// Alerts in quiet time and how many weeks that is, by portfolio.
    pub quiet: Vec<(String, usize, f64)>,
    /// Alerts that tell of no known event: day and title.
    pub others: Vec<(i64, String)>,
}
