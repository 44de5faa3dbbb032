//! Stance toward curated belief statements: supports, opposes, unsure, not expressed (U07, S8).
//!
//! Each belief brings the phrases of its subject and of both sides; negation and doubt around them are ours. General
//! stance models need training text for each statement, and a medical owner must be able to see why a voice was
//! counted as opposing. Without a word on the subject the stance is `not_expressed`, however warm the text: that is
//! what keeps belief shares honest. A belief is shown as "not measurable yet" until its [`Confusion`] on labelled voices
//! reaches kappa 0.6.

mod beliefs;
mod confusion;

pub use beliefs::{Belief, BeliefProblem, BeliefSet};
pub use confusion::Confusion;

/// Name and version of the rules, as carried by every enrichment; the belief file's own mark follows.
pub const VERSION: &str = "auscult-stance@3";

/// What a text says of a belief.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stance {
    /// `supports`
    Supports,
    /// `opposes`
    Opposes,
    /// `unsure`
    Unsure,
    /// `not_expressed`
    NotExpressed,
}

impl Stance {
    /// All stances, in the order of a confusion matrix.
    pub const ALL: [Stance; 4] = [
        Stance::Supports,
        Stance::Opposes,
        Stance::Unsure,
        Stance::NotExpressed,
    ];

    /// The stance spelled exactly `text`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Stance> {
        Stance::ALL
            .into_iter()
            .find(|stance| stance.as_str() == text)
    }

    /// The word as written on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Stance::Supports => "supports",
            Stance::Opposes => "opposes",
            Stance::Unsure => "unsure",
            Stance::NotExpressed => "not_expressed",
        }
    }
}

/// A stance that was expressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StanceHit {
    /// Index of the belief in its set.
    pub belief: u16,
    /// What the text says of it; never [`Stance::NotExpressed`].
    pub stance: Stance,
    /// Byte range of the sentence that decided.
    pub span: (u32, u32),
}
