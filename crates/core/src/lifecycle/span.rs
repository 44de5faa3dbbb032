//! Sums of a track over its last buckets, and how many of them carry a change.

use crate::discovery;
use crate::series::{Track, Verdict};
use crate::time::BucketIndex;

/// Most buckets one piece of evidence spans.
const MAX_EVIDENCE_BUCKETS: usize = 14;

/// Sums over the last `span` buckets up to `last`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Total {
    pub(crate) observed: f64,
    pub(crate) expected: f64,
    pub(crate) variance: f64,
    pub(crate) items: u32,
    pub(crate) buckets: f64,
}

impl Total {
    pub(super) fn strength(&self) -> f64 {
        (self.observed - self.expected) / self.variance.max(1e-12).sqrt()
    }
}

pub(crate) fn total(track: &Track, last: BucketIndex, span: usize) -> Total {
    let mut sum = Total::default();
    for closed in track
        .ring
        .iter()
        .filter(|closed| closed.bucket <= last && closed.bucket > last - span as BucketIndex)
    {
        let Some(observed) = closed.verdict.observed else {
            continue;
        };
        sum.observed += observed;
        sum.expected += closed.verdict.expected;
        sum.variance += closed.verdict.deviation * closed.verdict.deviation;
        sum.items += closed.verdict.items;
        sum.buckets += 1.0;
    }
    sum
}

/// How many buckets up to `last` carry the change.
pub(crate) fn span_of(track: &Track, last: BucketIndex, upward: bool, threshold: f64) -> usize {
    let Some(closed) = track.closed(last) else {
        return 1;
    };
    if closed.verdict.p_bucket_value() <= threshold {
        return 1;
    }
    let recent: Vec<Verdict> = track
        .ring
        .iter()
        .filter(|closed| {
            closed.bucket <= last && closed.bucket > last - MAX_EVIDENCE_BUCKETS as BucketIndex
        })
        .map(|closed| closed.verdict)
        .collect();
    discovery::evidence_buckets(&recent, upward)
}
