//! Everything that can change a machine's state. All of it arrives through the log.

use crate::action::Action;
use crate::disposition::Disposition;
use crate::mention::Mention;
use crate::time::Timestamp;

/// One thing for the machine to apply.
#[derive(Debug, Clone, PartialEq)]
pub enum Input<'a> {
    /// A mention to count.
    Mention(&'a Mention<'a>),
    /// How far a source partition has come.
    Marker(&'a Marker),
    /// A person's verdict.
    Disposition(&'a Disposition),
    /// What people do about signals.
    Action(&'a Action),
}

/// How far one source partition has come, written by Listen into every mentions partition.
///
/// Detect closes buckets on the minimum over the source partitions it knows. A marker never goes back:
/// an idle partition's watermark is moved on by Listen, which reads the clock; what it decided is this
/// record, so a replay needs no clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// Source partition, `topic/partition`.
    pub source_partition: String,
    /// No event before this moment is still on time for this partition.
    pub watermark: Timestamp,
    /// How many source partitions there are; no bucket closes before all have been heard of.
    pub source_partitions: u32,
    /// History is being loaded: judge, list, but notify nobody (I11).
    pub backfill: bool,
}
