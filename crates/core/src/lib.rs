//! The domain: what a mention, a series, a signal and an answer are, and the [`machine`] that turns
//! mentions and answers into signals.
//!
//! This crate knows no world: no clock, no chance, no file, no thread, no network. Time arrives as
//! [`time::Timestamp`]; everything that changes state arrives as an [`input::Input`]; everything that
//! should happen leaves as an [`effect::Effect`]. The alternative, a detector that reads a clock and
//! writes to a store itself, could not be replayed, crashed and restored to the same bytes.

pub mod alert;
pub mod disposition;
pub mod effect;
pub mod input;
pub mod mention;
pub mod settings;
pub mod time;
pub mod words;
