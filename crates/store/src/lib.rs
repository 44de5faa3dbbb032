//! The only crate that names SQLite: the embedded log and the read model.
//!
//! * [`log::EmbeddedLog`] keeps topics, positions and state of a whole installation in one file, with the
//!   contract Kafka gives: partitions, groups, compaction, and one atomic commit a turn.
//! * [`view::View`] is what pages read. It lives in a file of its own, because it may be wiped and read again
//!   from the topics at any time, while the log may never be.
//! * [`dead_letters`] lists refused input and sends it through again.
//!
//! Every failure names the file, the reason and the remedy; see [`Trouble`].

mod lease;
mod sqlite;

pub mod dead_letters;
pub mod log;
pub mod view;

pub use sqlite::Trouble;
