//! One change seen at several bucket widths is one signal: the width that sees it first tells it, the others attach.
//!
//! Decision: what a signal at another width tells is taken out of what a series shows, by the rule that drill-down uses between
//! series ([decision 0036](../../../../docs/decisions/0036-widths-are-counted-once.md)). What is left over and still
//! surprising is another change, and gets a signal of its own: a flash inside a drift, a drift behind a flash.

use super::span::total;
use crate::close::CloseResult;
use crate::drill::{Candidate, EXPLAINED_WITHIN};
use crate::effect::Effect;
use crate::lattice::SeriesKey;
use crate::machine::Machine;
use crate::signal::Signal;
use crate::time::{BucketWidth, Timestamp};
use crate::words::{AlertChange, Measure, SignalStatus, StatusReason};
use std::ops::Range;

impl Machine {
    /// The signal that tells a candidate's change already, at another width.
    pub(super) fn told_at_another_width(
        &self,
        candidate: &Candidate,
        measure: Measure,
        result: &CloseResult,
    ) -> Option<String> {
        let first = result.bucket - (candidate.span as i32 - 1);
        let window = result.width.start(first)..result.width.end(result.bucket);
        self.signals
            .values()
            .filter(|signal| {
                signal.width != result.width
                    && signal.status != SignalStatus::Retracted
                    && signal.upward == candidate.upward
                    && overlaps(&told_time(signal), &window)
            })
            .find(|signal| {
                self.tells(signal, &candidate.key, measure)
                    .is_some_and(|key| {
                        !(measure == Measure::Mentions && candidate.upward)
                            || self.is_explained(signal, &key, candidate, &window, result)
                    })
            })
            .map(|signal| signal.id.clone())
    }

    /// The series at the signal's own width that is the same thing as `key`: the signal's, or one attached to it.
    fn tells(&self, signal: &Signal, key: &SeriesKey, measure: Measure) -> Option<SeriesKey> {
        let own = std::iter::once((signal.key, signal.measure));
        let attached = signal.attached.iter().map(|it| (it.key, it.measure));
        own.chain(attached)
            .find(|(told, of)| {
                *of == measure
                    && self.width_of(told) == signal.width
                    && self.is_same_thing(told, key)
            })
            .map(|(told, _)| told)
    }

    /// Bucket width of a series' view.
    pub(crate) fn width_of(&self, key: &SeriesKey) -> BucketWidth {
        self.plan.settings.views[key.view as usize].width
    }

    /// Whether two series are cut by the same dimensions and have the same values.
    fn is_same_thing(&self, left: &SeriesKey, right: &SeriesKey) -> bool {
        let parts = |key: &SeriesKey| {
            let slots = self.plan.lattice.view(key.view).iter().copied();
            let mut parts: Vec<(usize, u32)> = slots.zip(key.values).collect();
            parts.sort_unstable();
            parts
        };
        parts(left) == parts(right)
    }

    /// Whether the rest of a rise is no longer surprising once what the signal tells is taken out.
    fn is_explained(
        &self,
        signal: &Signal,
        told: &SeriesKey,
        candidate: &Candidate,
        window: &Range<Timestamp>,
        result: &CloseResult,
    ) -> bool {
        let own = total(
            &self.series[candidate.series].tracks[candidate.track],
            result.bucket,
            candidate.span,
        );
        let Some(excess) = self.told_excess(signal, told, window, result.width, own.expected)
        else {
            return false;
        };
        let left = own.observed - excess;
        left - own.expected <= EXPLAINED_WITHIN * own.variance.max(1.0).sqrt()
    }

    /// How many items more than expected the signal tells of in `window`. `None`: its numbers are gone.
    ///
    /// Narrower buckets are added up. A wider bucket says by how much everything in it was raised: as long as its signal is
    /// open, that is what a narrower bucket is held against.
    fn told_excess(
        &self,
        signal: &Signal,
        told: &SeriesKey,
        window: &Range<Timestamp>,
        width: BucketWidth,
        expected: f64,
    ) -> Option<f64> {
        let series = &self.series[self.series.place_of(told)?];
        let track = series
            .tracks
            .iter()
            .find(|track| track.measure == Measure::Mentions)?;
        if signal.width < width {
            let time = told_time(signal);
            let buckets = track.ring.iter().filter(|closed| {
                let bucket = signal.width.start(closed.bucket)..signal.width.end(closed.bucket);
                overlaps(&bucket, &time) && overlaps(&bucket, window)
            });
            let excess = buckets
                .filter_map(|closed| Some(closed.verdict.observed? - closed.verdict.expected))
                .sum();
            return Some(excess);
        }
        let last = track.closed(*signal.fired.last()?)?;
        let ratio = last.verdict.observed? / last.verdict.expected.max(1e-9);
        Some(expected * (ratio - 1.0).max(0.0))
    }

    /// Tells that a series at another width says the same, once for each series.
    pub(super) fn tell_width(&mut self, id: &str, result: &CloseResult, effects: &mut Vec<Effect>) {
        let Some(mut signal) = self.signals.remove(id) else {
            return;
        };
        let last = signal.fired.last().copied();
        let has_numbers = last.filter(|last| {
            self.track_of(&signal)
                .is_some_and(|(at, track)| self.series[at].tracks[track].closed(*last).is_some())
        });
        if let Some(last) = has_numbers {
            let own = CloseResult {
                width: signal.width,
                bucket: last,
                discoveries: Vec::new(),
                threshold: self
                    .thresholds
                    .get(&(signal.width, last))
                    .copied()
                    .unwrap_or(self.plan.settings.false_discovery_rate),
                judged: result.judged,
                reason: StatusReason::ThresholdCrossed,
                as_of: result.as_of,
                backfill: result.backfill,
            };
            self.send(&mut signal, AlertChange::Updated, &own, last, effects);
        }
        self.signals.insert(id.to_owned(), signal);
    }
}

/// The time a signal speaks of: from the first bucket it rests on to the last, or without an end while it is open.
fn told_time(signal: &Signal) -> Range<Timestamp> {
    let start = signal.fired.first().map(|&first| signal.width.start(first));
    let end = signal.fired.last().map(|&last| signal.width.end(last));
    let end = if signal.is_open() {
        Some(Timestamp(i64::MAX))
    } else {
        end
    };
    start.unwrap_or_default()..end.unwrap_or_default()
}

fn overlaps(left: &Range<Timestamp>, right: &Range<Timestamp>) -> bool {
    left.start < right.end && right.start < left.end
}
