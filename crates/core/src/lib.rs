//! The domain: what a mention, a series, a signal and an answer are, and the [`machine`] that turns
//! mentions and answers into signals.
//!
//! This crate knows no world: no clock, no chance, no file, no thread, no network. Time arrives as
//! [`time::Timestamp`]; everything that changes state arrives as an [`input::Input`]; everything that
//! should happen leaves as an [`effect::Effect`]. The alternative, a detector that reads a clock and
//! writes to a store itself, could not be replayed, crashed and restored to the same bytes.

#![warn(clippy::unwrap_used, clippy::iter_over_hash_type)]

pub mod action;
pub mod alert;
pub mod calendar;
mod chunks;
mod close;
mod compose;
pub mod contribution;
pub mod discovery;
pub mod disposition;
pub mod drill;
pub mod effect;
pub mod evidence;
pub mod feeds;
mod fingerprint;
mod follow;
pub mod identity;
pub mod input;
pub mod interner;
pub mod journal;
pub mod lattice;
pub mod learn;
mod lifecycle;
pub mod machine;
pub mod mention;
pub mod mix;
pub mod outcome;
pub mod partition;
mod profiles;
pub mod proposals;
pub mod quotes;
pub mod record;
mod repeats;
mod restate;
pub mod series;
pub mod settings;
pub mod signal;
mod slots;
pub mod time;
pub mod words;

pub use close::FEED_VIEW;
