//! Closing a bucket: count, judge, control false discoveries, and hand what is left to the signals.

mod cells;
mod feeds;
mod forget;
mod publish;

use crate::discovery;
use crate::effect::{Effect, Rejection};
use crate::feeds::{EXPOSURE_UNIT, FeedShares, MIN_FEED_SHARE, per_exposure};
use crate::lattice::SeriesKey;
use crate::machine::Machine;
use crate::series::{Cell, Closed, Series, Track};
use crate::settings::Exposure;
use crate::time::{BucketIndex, BucketWidth, Timestamp};
use crate::words::{Measure, StatusReason};
use auscult_statistics::count::BucketContext;
use cells::Cells;
pub use feeds::FEED_VIEW;
use feeds::note_activity;
use rustc_hash::FxHashMap;

/// One discovery of a close: a track that passed false-discovery control and the floors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Discovery {
    pub(crate) series: usize,
    pub(crate) track: usize,
    pub(crate) q_value: f64,
    /// The series is too young to be trusted, and so is its view (B18).
    pub(crate) cold_start: bool,
}

/// What one close found, for the signals.
pub(crate) struct CloseResult {
    pub(crate) width: BucketWidth,
    pub(crate) bucket: BucketIndex,
    pub(crate) discoveries: Vec<Discovery>,
    pub(crate) threshold: f64,
    pub(crate) judged: usize,
    pub(crate) reason: StatusReason,
    pub(crate) as_of: Timestamp,
    pub(crate) backfill: bool,
}

impl Machine {
    /// Closes every bucket that ends at or before `watermark`, in order of their ends.
    pub(crate) fn close_until(
        &mut self,
        watermark: Timestamp,
        backfill: bool,
        effects: &mut Vec<Effect>,
    ) {
        while let Some((at, bucket)) = self.next_to_close(watermark) {
            let width = self.clocks[at].width;
            self.clocks[at].first.get_or_insert(bucket);
            self.clocks[at].next = Some(bucket + 1);
            self.close(width, bucket, backfill, effects);
        }
    }

    fn next_to_close(&self, watermark: Timestamp) -> Option<(usize, BucketIndex)> {
        self.clocks
            .iter()
            .enumerate()
            .filter_map(|(at, clock)| {
                clock
                    .next
                    .map(|bucket| (clock.width.end(bucket), at, bucket))
            })
            .filter(|(end, ..)| *end <= watermark)
            .min()
            .map(|(_, at, bucket)| (at, bucket))
    }

    fn close(
        &mut self,
        width: BucketWidth,
        bucket: BucketIndex,
        backfill: bool,
        effects: &mut Vec<Effect>,
    ) {
        self.counters.buckets_closed += 1;
        self.dirty.head = true;
        self.dirty.all_series = true;
        self.repeats
            .link_until(width.end(bucket), &mut self.journal);
        let cells = self.count(width, bucket, bucket);
        self.judge_feeds(width, bucket, &cells, effects);
        self.welcome_new_series(width, bucket, &cells, effects);
        self.begin_new_normals(width, bucket, effects);
        let result = self.judge(width, bucket, &cells, backfill);
        self.publish(&result, effects);
        self.signals_at_close(&result, effects);
        self.restate(width, bucket, backfill, effects);
        self.follow_actions(width, bucket, effects);
        self.propose_until(width.end(bucket), backfill, effects);
        self.forget_silent_series(width, bucket);
        self.prune(width, bucket);
    }

    fn welcome_new_series(
        &mut self,
        width: BucketWidth,
        bucket: BucketIndex,
        cells: &Cells,
        effects: &mut Vec<Effect>,
    ) {
        let first = self.first_bucket(width).unwrap_or(bucket);
        let view_age = (bucket - first).max(0) as u32;
        let is_mature = view_age >= self.plan.settings.cold_start_buckets;
        let mut newcomers: Vec<(u64, SeriesKey)> = cells
            .cells
            .iter()
            .filter(|(key, _)| self.series.place_of(key).is_none())
            .map(|(key, _)| (self.stable_hash(key), *key))
            .collect();
        // Who is refused at the limit must not depend on who was seen first.
        newcomers.sort_unstable();
        for (stable, key) in newcomers {
            if self.series.len() >= self.plan.settings.series_limit as usize {
                self.counters.series_refused += 1;
                effects.push(Effect::Rejected(Rejection::SeriesLimit));
                continue;
            }
            let is_mature = is_mature && !self.plan.lattice.is_of_a_part(&key, &self.interner);
            let quiet = if is_mature { view_age } else { 0 };
            let view = &self.plan.settings.views[key.view as usize];
            let exposure = match view.exposure {
                Exposure::Time => 1.0,
                // The series' first bucket says what its feeds bring.
                Exposure::Feeds => cells.get(&key).map_or(1.0, |cell| {
                    let items: u32 = cell
                        .feeds
                        .iter()
                        .map(|&(feed, _)| cells.items_of(feed))
                        .sum();
                    f64::from(items) / cell.feeds.len().max(1) as f64 / f64::from(EXPOSURE_UNIT)
                }),
            };
            let models = &self.plan.models[&width];
            let tracks = view.measures.iter();
            let reference = view.reference_method();
            let tracks = tracks
                .map(|&measure| {
                    reference
                        .filter(|_| measure == Measure::Mentions)
                        .and_then(|name| Track::start_reference(models, name, bucket, quiet))
                        .unwrap_or_else(|| Track::start(measure, models, quiet, exposure))
                })
                .collect();
            self.series.add(Series {
                key,
                stable,
                born: bucket,
                born_late: is_mature,
                last_active: bucket,
                feeds: FeedShares::default(),
                tracks,
            });
        }
    }

    fn stable_hash(&self, key: &SeriesKey) -> u64 {
        let view = self.view_name(key).to_owned();
        let values = self
            .plan
            .lattice
            .view(key.view)
            .iter()
            .zip(&key.values)
            .map(|(_, &value)| self.interner.text(value));
        let parts: Vec<&str> = std::iter::once(view.as_str()).chain(values).collect();
        crate::identity::short_hash(&parts)
    }

    fn judge(
        &mut self,
        width: BucketWidth,
        bucket: BucketIndex,
        cells: &Cells,
        backfill: bool,
    ) -> CloseResult {
        let plan = std::sync::Arc::clone(&self.plan);
        let models = &plan.models[&width];
        let feeds = &self.feeds;
        let interner = &self.interner;
        let down: Vec<u64> = feeds
            .iter()
            .filter(|((of, _), feed)| *of == width && feed.is_down)
            .map(|(_, feed)| feed.stable)
            .collect();
        let is_down = |feed: u64| down.contains(&feed);
        let any_down = !down.is_empty();
        let stable_of = |number: u32| feeds.get(&(width, number)).map_or(0, |feed| feed.stable);
        let keep = ring_length(width, plan.settings.restatement_horizon);
        let mut family: Vec<f64> = Vec::new();
        let mut members: Vec<(usize, usize)> = Vec::new();
        let [holidays, holidays_before] = [bucket, bucket - 1].map(|at| plan.holidays(width, at));
        let items_by_feed: FxHashMap<u64, u32> = cells
            .feeds
            .iter()
            .map(|&(number, items, _)| (stable_of(number), items))
            .collect();
        for (at, series) in self.series.iter_mut().enumerate() {
            if plan.settings.views[series.key.view as usize].width != width {
                continue;
            }
            let cell = cells.get(&series.key);
            let share_up = if any_down {
                series.feeds.share_up(&is_down)
            } else {
                1.0
            };
            let by_feeds =
                plan.settings.views[series.key.view as usize].exposure == Exposure::Feeds;
            let worth = |number: u32, items: u32| {
                if by_feeds {
                    per_exposure(items, cells.items_of(number))
                } else {
                    items
                }
            };
            let is_held = any_down && (cell.is_none() || share_up < 1.0);
            note_activity(series, bucket, cell, is_held, &stable_of, &worth);
            let exposure = if by_feeds {
                let items_of = |feed: u64| items_by_feed.get(&feed).copied().unwrap_or(0);
                series.feeds.exposure(&items_of).unwrap_or(0.0)
            } else {
                share_up.clamp(MIN_FEED_SHARE, 1.0)
            };
            // Where nobody was asked, nobody could answer.
            let has_data = share_up >= MIN_FEED_SHARE && exposure > 0.0;
            let is_among = |holidays: &[Option<(usize, &str)>]| {
                holidays.iter().any(|only| {
                    only.is_none_or(|(slot, name)| {
                        plan.lattice
                            .value_of(&series.key, slot)
                            .is_some_and(|value| interner.text(value) == name)
                    })
                })
            };
            let holiday = is_among(&holidays);
            let context = BucketContext {
                holiday,
                after_holiday: !holiday && is_among(&holidays_before),
                ..context(width, bucket, exposure.max(1e-6))
            };
            let empty = Cell::default();
            let seen = has_data.then(|| cell.unwrap_or(&empty));
            for (track_at, track) in series.tracks.iter_mut().enumerate() {
                let (verdict, expectation) = track.step(models, &context, seen);
                let is_judged = track.is_judged(&verdict, &expectation);
                track.remember(Closed::new(bucket, verdict, expectation), keep);
                if is_judged {
                    family.push(verdict.p_value());
                    members.push((at, track_at));
                }
            }
        }
        self.counters.verdicts += family.len() as u64;
        let found = self.discover(width, bucket, &family, &members);
        self.thresholds.insert((width, bucket), found.1);
        CloseResult {
            width,
            bucket,
            discoveries: found.0,
            threshold: found.1,
            judged: family.len(),
            reason: StatusReason::ThresholdCrossed,
            as_of: width.end(bucket),
            backfill,
        }
    }

    /// False-discovery control over the mature series, then the floors over all.
    fn discover(
        &mut self,
        width: BucketWidth,
        bucket: BucketIndex,
        family: &[f64],
        members: &[(usize, usize)],
    ) -> (Vec<Discovery>, f64) {
        let mature: Vec<usize> = (0..members.len())
            .filter(|&at| !self.is_cold(&self.series[members[at].0], width, bucket))
            .collect();
        let p_values: Vec<f64> = mature.iter().map(|&at| family[at]).collect();
        // The line drawn over the mature series is applied to all: the rate is shared out over all of them.
        let rate = self.plan.settings.false_discovery_rate * p_values.len() as f64
            / members.len().max(1) as f64;
        let found = discovery::discover(&p_values, rate);
        let mut q_values = family.to_vec();
        for (position, &at) in mature.iter().enumerate() {
            q_values[at] = found.adjusted[position];
        }
        let mut discoveries = Vec::new();
        for (at, &(series, track)) in members.iter().enumerate() {
            if family[at] > found.threshold {
                continue;
            }
            let cold_start = self.is_cold(&self.series[series], width, bucket);
            if let Some(closed) = self.series[series].tracks[track].ring.back_mut() {
                closed.discovered = true;
            }
            discoveries.push(Discovery {
                series,
                track,
                q_value: q_values[at],
                cold_start,
            });
        }
        (discoveries, found.threshold)
    }

    /// The first bucket of `width` that was closed.
    pub(crate) fn first_bucket(&self, width: BucketWidth) -> Option<BucketIndex> {
        let clock = self.clocks.iter().find(|clock| clock.width == width)?;
        clock.first
    }

    pub(crate) fn is_cold(&self, series: &Series, width: BucketWidth, bucket: BucketIndex) -> bool {
        let first = self.first_bucket(width).unwrap_or(bucket);
        let age = if series.born_late {
            bucket - first
        } else {
            bucket - series.born
        };
        (age.max(0) as u32) < self.plan.settings.cold_start_buckets
    }
}

/// How many closed buckets a track remembers: the restatement horizon, and enough for a chart and a drift.
pub(crate) fn ring_length(width: BucketWidth, horizon: i64) -> usize {
    const LEAST: i64 = 14;
    (horizon / width.milliseconds() + 1).max(LEAST) as usize
}

pub(crate) fn context(width: BucketWidth, bucket: BucketIndex, exposure: f64) -> BucketContext {
    BucketContext {
        index: i64::from(bucket),
        phase: width.phase(bucket),
        exposure,
        holiday: false,
        after_holiday: false,
    }
}
