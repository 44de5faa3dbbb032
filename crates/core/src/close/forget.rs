//! Forgetting at the end of a close: silent series, and what nothing can restate any more.

use super::ring_length;
use crate::lattice::SeriesKey;
use crate::machine::Machine;
use crate::time::{BucketIndex, BucketWidth};
use crate::words::Measure;
use std::collections::BTreeSet;

/// A silent series is forgotten when it expects less than this a bucket …
const FORGET_BELOW_EXPECTED: f64 = 0.003;
/// … and has been silent for so many buckets.
const FORGET_AFTER_BUCKETS: BucketIndex = 60;
/// A closed signal still takes answers for this long after its last firing bucket.
const SIGNAL_MEMORY: i64 = 90 * crate::time::DAY;

impl Machine {
    pub(super) fn forget_silent_series(&mut self, width: BucketWidth, bucket: BucketIndex) {
        let open: BTreeSet<SeriesKey> = self
            .signals
            .values()
            .filter(|signal| signal.is_open())
            .map(|signal| signal.key)
            .collect();
        let mut at = 0;
        while at < self.series.len() {
            let series = &self.series[at];
            let is_silent = bucket - series.last_active >= FORGET_AFTER_BUCKETS
                && self.plan.settings.views[series.key.view as usize].width == width
                && series.tracks.iter().all(|track| {
                    track.measure != Measure::Mentions
                        || track
                            .ring
                            .back()
                            .is_none_or(|closed| closed.verdict.expected < FORGET_BELOW_EXPECTED)
                })
                && !open.contains(&series.key);
            if is_silent {
                self.dirty
                    .pages
                    .insert(crate::record::page_of(series.stable));
                self.series.remove(at);
            } else {
                at += 1;
            }
        }
    }

    /// Forgets contributions, lines and signals that nothing can restate any more.
    pub(super) fn prune(&mut self, width: BucketWidth, bucket: BucketIndex) {
        let slowest = self
            .clocks
            .iter()
            .filter_map(|clock| clock.next.map(|next| clock.width.start(next)))
            .min();
        let Some(before) = slowest.map(|at| at.plus(-self.plan.settings.restatement_horizon))
        else {
            return;
        };
        if before > self.pruned_before {
            self.pruned_before = before;
            self.journal.prune(before);
        }
        let keep = ring_length(width, self.plan.settings.restatement_horizon) as BucketIndex;
        self.thresholds
            .retain(|(of, at), _| *of != width || *at > bucket - keep);
        let plan = &self.plan;
        let dirty = &mut self.dirty.signals;
        self.signals.retain(|id, signal| {
            let last = signal.fired.last().copied().unwrap_or(BucketIndex::MIN);
            let memory = signal
                .width
                .start(last)
                .plus(plan.settings.restatement_horizon.max(SIGNAL_MEMORY));
            let stays = signal.is_open() || signal.normal_from.is_some() || memory >= before;
            if !stays {
                dirty.insert(id.clone());
            }
            stays
        });
    }
}
