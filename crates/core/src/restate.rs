//! Restating closed buckets: what late mentions and corrections change, and which signals rested on it (I09).
//!
//! A late mention takes effect at the close of the bucket its partition's watermark lies in, so restatements
//! come in the same order whatever the interleaving. Only the series it touches are judged again, by the
//! expectation their bucket was closed with.

use crate::close::{CloseResult, Discovery, context};
use crate::effect::Effect;
use crate::lattice::{SeriesKey, Slots};
use crate::machine::Machine;
use crate::series::{Cell, Models, Track, Verdict};
use crate::time::{BucketIndex, BucketWidth};
use crate::words::StatusReason;
use auscult_statistics::count::BucketContext;
use std::collections::BTreeSet;

/// A track whose closed bucket was restated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Restated {
    pub(crate) series: usize,
    pub(crate) track: usize,
    /// Items went down: something was taken out.
    pub(crate) fell: bool,
}

impl Machine {
    /// Restates the buckets that late mentions and corrections touched in time for the close of `as_of`.
    pub(crate) fn restate(
        &mut self,
        width: BucketWidth,
        as_of: BucketIndex,
        backfill: bool,
        effects: &mut Vec<Effect>,
    ) {
        let due: Vec<_> = self
            .restatements
            .range((width, BucketIndex::MIN, BucketIndex::MIN)..=(width, as_of, BucketIndex::MAX))
            .copied()
            .collect();
        let mut buckets: BTreeSet<BucketIndex> = BTreeSet::new();
        for entry in due {
            self.restatements.remove(&entry);
            buckets.insert(entry.2);
        }
        for bucket in buckets {
            self.restate_bucket(width, bucket, as_of, backfill, effects);
        }
    }

    fn restate_bucket(
        &mut self,
        width: BucketWidth,
        bucket: BucketIndex,
        as_of: BucketIndex,
        backfill: bool,
        effects: &mut Vec<Effect>,
    ) {
        let Some(&threshold) = self.thresholds.get(&(width, bucket)) else {
            return;
        };
        let cells = self.count(width, bucket, as_of);
        let touched = self.touched_since(width, bucket, as_of);
        let plan = std::sync::Arc::clone(&self.plan);
        let models = &plan.models[&width];
        let mut changed: Vec<Restated> = Vec::new();
        let mut points = Vec::new();
        let empty = Cell::default();
        for key in touched {
            let Some(at) = self.series.place_of(&key) else {
                continue;
            };
            let cell = cells.get(&key).unwrap_or(&empty);
            for track_at in 0..self.series[at].tracks.len() {
                if let Some(fell) = restate_track(
                    &mut self.series[at].tracks[track_at],
                    models,
                    &context(width, bucket, 1.0),
                    cell,
                    threshold,
                ) {
                    changed.push(Restated {
                        series: at,
                        track: track_at,
                        fell,
                    });
                    let track = &self.series[at].tracks[track_at];
                    if let Some(closed) = track.closed(bucket) {
                        points.push((
                            self.series[at].stable,
                            track_at,
                            self.point(&self.series[at], track, closed),
                        ));
                    }
                }
            }
        }
        points.sort_by_key(|point| (point.0, point.1));
        effects.extend(
            points
                .into_iter()
                .map(|(_, _, point)| Effect::SeriesPoint(point)),
        );
        let discoveries = changed
            .iter()
            .map(|restated| (restated.series, restated.track))
            .filter(|&(series, track)| {
                self.series[series].tracks[track]
                    .closed(bucket)
                    .is_some_and(|closed| closed.discovered)
            })
            .map(|(series, track)| Discovery {
                series,
                track,
                q_value: self.plan.settings.false_discovery_rate,
                cold_start: self.is_cold(&self.series[series], width, bucket),
            })
            .collect();
        let result = CloseResult {
            width,
            bucket,
            discoveries,
            threshold,
            judged: self.series.len(),
            reason: StatusReason::LateData,
            as_of: width.end(as_of),
            backfill,
        };
        self.signals_after_restatement(&result, &changed, effects);
    }

    /// Series touched by what took effect up to the close of `as_of`.
    fn touched_since(
        &self,
        width: BucketWidth,
        bucket: BucketIndex,
        as_of: BucketIndex,
    ) -> Vec<SeriesKey> {
        let mut touched: Vec<SeriesKey> = Vec::new();
        for contribution in self.journal.bucket(width, bucket) {
            let arrived_late =
                contribution.arrival(width) > bucket && contribution.arrival(width) <= as_of;
            let removed_late = contribution
                .removal(width)
                .is_some_and(|removal| removal > bucket && removal <= as_of);
            if !arrived_late && !removed_late {
                continue;
            }
            let slots = Slots::new(&contribution.values);
            for view in 0..self.plan.settings.views.len() as u8 {
                if self.plan.settings.views[view as usize].width == width {
                    self.plan
                        .lattice
                        .touch(view, &slots, &mut |key, _| touched.push(key));
                }
            }
        }
        touched.sort_unstable();
        touched.dedup();
        touched
    }
}

/// Judges a closed bucket again; `None` if nothing changed, else whether items went down.
fn restate_track(
    track: &mut Track,
    models: &Models,
    context: &BucketContext,
    cell: &Cell,
    threshold: f64,
) -> Option<bool> {
    let closed = track.recall(models, context)?.clone();
    closed.verdict.observed?;
    let verdict: Verdict = track.judge_again(models, &closed, cell);
    if verdict.observed == closed.verdict.observed && verdict.items == closed.verdict.items {
        return None;
    }
    let closed = track.recall(models, context)?;
    let fell = verdict.items < closed.verdict.items;
    // A bucket that was found by what led up to it stays found as long as it still points the same way: its
    // own p-value alone never carried it.
    let was_found_by_the_past = closed.discovered && closed.verdict.p_bucket_value() > threshold;
    let points_the_same_way = (verdict.strength() >= 0.0) == closed.verdict.is_upward();
    if was_found_by_the_past && points_the_same_way {
        closed.verdict = Verdict {
            p_combined: closed.verdict.p_combined,
            ..verdict
        };
    } else {
        closed.verdict = verdict;
        closed.discovered = verdict.p_value() <= threshold;
    }
    closed.revision += 1;
    Some(fell)
}
