//! Listen: feedback in, mentions out; stateless but for one watermark per source partition.
//!
//! | file | noun |
//! |---|---|
//! | [`ear`] | what becomes of one record: triage, privacy, meaning |
//! | [`triage`] | the safety desk |
//! | [`rating`] | a rating on any scale |
//! | [`watermark`] | how far a source partition has come |
//! | [`cap`] | when bad input stops the listener |
//! | [`fan_out`] | threads that work on a turn together |
//! | [`stage`] | the turn's view of all this |

pub mod cap;
pub mod ear;
pub mod fan_out;
pub mod rating;
pub mod stage;
pub mod triage;
pub mod watermark;

pub use ear::{Ear, EarRules, Heard, Understanding};
pub use stage::ListenStage;
