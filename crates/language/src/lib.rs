//! Text to meaning: language, safety triage, privacy, themes, sentiment, stance, requests, terms.
pub mod safety;
