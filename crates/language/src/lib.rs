//! From words to meaning: safety triage, privacy, language, themes, feeling, requests, speakers, beliefs, new
//! themes and repeats.
//!
//! Pure: the same text gives the same answer on every machine. No clock, no file, no thread, no network.

#![warn(clippy::unwrap_used, clippy::iter_over_hash_type)]

pub mod emerging;
pub mod language_id;
pub mod near_duplicate;
pub mod privacy;
pub mod requests;
pub mod safety;
pub mod sentiment;
pub mod speaker;
pub mod stable_hash;
pub mod stance;
pub mod themes;
pub mod words;
