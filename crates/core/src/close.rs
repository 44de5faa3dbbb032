//! Closing a bucket: count, judge, control false discoveries, and hand what is left to the signals.

use crate::contribution::Contribution;
use crate::discovery;
use crate::effect::{Effect, Rejection, SeriesPoint};
use crate::evidence::NEGATIVE_BELOW;
use crate::feeds::{Feed, FeedShares, MIN_FEED_SHARE, NO_DATA_PROBABILITY};
use crate::lattice::{SeriesKey, Slots};
use crate::machine::Machine;
use crate::series::{Cell, Closed, Series, Track};
use crate::time::{BucketIndex, BucketWidth, Timestamp};
use crate::words::{Measure, StatusReason};
use auscult_statistics::count::{BucketContext, Prior};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;

/// A series point is published when something was seen or at least this much was expected.
const MIN_EXPECTED_TO_PUBLISH: f64 = 1.0;
/// A silent series is forgotten when it expects less than this a bucket …
const FORGET_BELOW_EXPECTED: f64 = 0.003;
/// … and has been silent for so many buckets.
const FORGET_AFTER_BUCKETS: BucketIndex = 60;

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

/// Cells of one bucket, findable by key, in order of first touch.
pub(crate) struct Cells {
    pub(crate) index: FxHashMap<SeriesKey, u32>,
    pub(crate) cells: Vec<(SeriesKey, Cell)>,
    /// Items per feed.
    pub(crate) feeds: Vec<(u32, u32, Timestamp)>,
}

impl Cells {
    pub(crate) fn get(&self, key: &SeriesKey) -> Option<&Cell> {
        self.index.get(key).map(|&at| &self.cells[at as usize].1)
    }
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
        let result = self.judge(width, bucket, &cells, backfill);
        self.publish(&result, effects);
        self.signals_at_close(&result, effects);
        self.restate(width, bucket, backfill, effects);
        self.forget_silent_series(width, bucket);
        self.prune(width, bucket);
    }

    /// Counts bucket `bucket` as known at the close of `as_of`.
    pub(crate) fn count(
        &self,
        width: BucketWidth,
        bucket: BucketIndex,
        as_of: BucketIndex,
    ) -> Cells {
        let mut cells = Cells {
            index: FxHashMap::default(),
            cells: Vec::new(),
            feeds: Vec::new(),
        };
        let mut voices: FxHashSet<(u32, u64)> = FxHashSet::default();
        // Voices that have copies in this bucket: only for these must it be remembered where they were counted.
        let repeated: FxHashSet<u64> = self
            .journal
            .bucket(width, bucket)
            .filter(|contribution| contribution.voice != 0)
            .map(|contribution| contribution.voice)
            .collect();
        let views: Vec<u8> = (0..self.plan.settings.views.len() as u8)
            .filter(|&view| self.plan.settings.views[view as usize].width == width)
            .collect();
        for contribution in self
            .journal
            .bucket(width, bucket)
            .filter(|contribution| contribution.counts_at(width, as_of))
        {
            count_feed(&mut cells.feeds, contribution);
            let slots = Slots::new(&contribution.values);
            let voice = contribution.voice();
            let may_repeat = contribution.thread != 0 || repeated.contains(&voice);
            for &view in &views {
                self.plan.lattice.touch(view, &slots, &mut |key, theme| {
                    let at = *cells.index.entry(key).or_insert_with(|| {
                        cells.cells.push((key, Cell::default()));
                        (cells.cells.len() - 1) as u32
                    });
                    let cell = &mut cells.cells[at as usize].1;
                    let feeling = theme
                        .and_then(|at| contribution.theme_sentiment.get(at).copied().flatten())
                        .or(contribution.sentiment);
                    let is_new_voice = !may_repeat || voices.insert((at, voice));
                    add(cell, contribution, feeling, is_new_voice);
                });
            }
        }
        cells
    }

    fn judge_feeds(
        &mut self,
        width: BucketWidth,
        bucket: BucketIndex,
        cells: &Cells,
        effects: &mut Vec<Effect>,
    ) {
        let models = &self.plan.models[&width];
        for &(number, _, at) in &cells.feeds {
            let stable = crate::identity::short_hash(&[self.interner.text(number)]);
            self.feeds.entry((width, number)).or_insert_with(|| Feed {
                number,
                stable,
                baseline: models.count().start(&Prior::vague()),
                first_bucket: bucket,
                last_event: at,
                mentions: 0,
                is_down: false,
            });
        }
        let context = context(width, bucket, 1.0);
        let mut points = Vec::new();
        for ((feed_width, number), feed) in &mut self.feeds {
            if *feed_width != width {
                continue;
            }
            let seen = cells.feeds.iter().find(|(feed, ..)| feed == number);
            let items = seen.map_or(0, |(_, items, _)| *items);
            let forecast = models.count().forecast(&feed.baseline, &context);
            let silence = models.count().judge(&forecast, 0.0).p_lower;
            feed.is_down = items == 0 && silence < NO_DATA_PROBABILITY;
            models.count().step(
                &mut feed.baseline,
                &context,
                (!feed.is_down).then_some(u64::from(items)),
            );
            feed.mentions += u64::from(items);
            if let Some((_, _, at)) = seen {
                feed.last_event = feed.last_event.max(*at);
            }
            let name = self.interner.text(*number);
            let (low, high) = models
                .count()
                .interval(&forecast, self.plan.settings.interval_level);
            points.push(SeriesPoint {
                tenant: self.tenant.clone(),
                portfolio: self.portfolio.clone(),
                series_id: crate::identity::outward_id("f_", &[&self.portfolio, name]),
                view: FEED_VIEW.to_owned(),
                measure: Measure::Mentions,
                dimensions: vec![("feed".to_owned(), name.to_owned())],
                start: width.start(bucket),
                width,
                revision: 1,
                observed: (!feed.is_down).then_some(f64::from(items)),
                items,
                expected: forecast.mean,
                low,
                high,
                p_value: 1.0,
                discovered: false,
            });
        }
        points.sort_by(|left, right| left.dimensions.cmp(&right.dimensions));
        effects.extend(points.into_iter().map(Effect::SeriesPoint));
    }

    fn welcome_new_series(
        &mut self,
        width: BucketWidth,
        bucket: BucketIndex,
        cells: &Cells,
        effects: &mut Vec<Effect>,
    ) {
        let first = self
            .clocks
            .iter()
            .find(|clock| clock.width == width)
            .and_then(|clock| clock.first)
            .unwrap_or(bucket);
        let view_age = (bucket - first).max(0) as u32;
        let is_mature = view_age >= self.plan.settings.cold_start_buckets;
        let mut newcomers: Vec<(u64, SeriesKey)> = cells
            .cells
            .iter()
            .filter(|(key, _)| !self.index.contains_key(key))
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
            let quiet = if is_mature { view_age } else { 0 };
            let models = &self.plan.models[&width];
            let tracks = self.plan.settings.views[key.view as usize].measures.iter();
            let tracks = tracks
                .map(|&measure| Track::start(measure, models, quiet))
                .collect();
            self.index.insert(key, self.series.len() as u32);
            self.series.push(Series {
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
            let has_data = share_up >= MIN_FEED_SHARE;
            let context = context(width, bucket, share_up.clamp(MIN_FEED_SHARE, 1.0));
            note_activity(series, bucket, cell, any_down, &stable_of);
            let empty = Cell::default();
            let seen = has_data.then(|| cell.unwrap_or(&empty));
            for (track_at, track) in series.tracks.iter_mut().enumerate() {
                let (verdict, expectation) = track.step(models, &context, seen);
                track.remember(
                    Closed {
                        bucket,
                        revision: 1,
                        verdict,
                        expectation,
                        discovered: false,
                    },
                    keep,
                );
                if verdict.observed.is_some() {
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

    pub(crate) fn is_cold(&self, series: &Series, width: BucketWidth, bucket: BucketIndex) -> bool {
        let first = self
            .clocks
            .iter()
            .find(|clock| clock.width == width)
            .and_then(|clock| clock.first)
            .unwrap_or(bucket);
        let age = if series.born_late {
            bucket - first
        } else {
            bucket - series.born
        };
        (age.max(0) as u32) < self.plan.settings.cold_start_buckets
    }

    fn publish(&self, result: &CloseResult, effects: &mut Vec<Effect>) {
        let mut points: Vec<(u64, usize, SeriesPoint)> = Vec::new();
        for series in &self.series {
            if self.plan.settings.views[series.key.view as usize].width != result.width {
                continue;
            }
            for (at, track) in series.tracks.iter().enumerate() {
                let Some(closed) = track
                    .ring
                    .back()
                    .filter(|closed| closed.bucket == result.bucket)
                else {
                    continue;
                };
                let was_seen = closed
                    .verdict
                    .observed
                    .is_some_and(|observed| observed > 0.0);
                if was_seen
                    || closed.verdict.expected >= MIN_EXPECTED_TO_PUBLISH
                    || closed.discovered
                {
                    points.push((series.stable, at, self.point(series, track, closed)));
                }
            }
        }
        points.sort_by_key(|point| (point.0, point.1));
        effects.extend(
            points
                .into_iter()
                .map(|(_, _, point)| Effect::SeriesPoint(point)),
        );
    }

    pub(crate) fn point(&self, series: &Series, track: &Track, closed: &Closed) -> SeriesPoint {
        let width = self.plan.settings.views[series.key.view as usize].width;
        let (low, high) = Track::band(
            &self.plan.models[&width],
            closed,
            self.plan.settings.interval_level,
        );
        SeriesPoint {
            tenant: self.tenant.clone(),
            portfolio: self.portfolio.clone(),
            series_id: self.series_id(&series.key, track.measure),
            view: self.view_name(&series.key).to_owned(),
            measure: track.measure,
            dimensions: self.plan.lattice.named(&series.key, &self.interner),
            start: width.start(closed.bucket),
            width,
            revision: closed.revision,
            observed: closed.verdict.observed,
            items: closed.verdict.items,
            expected: closed.verdict.expected,
            low,
            high,
            p_value: closed.verdict.p_value(),
            discovered: closed.discovered,
        }
    }

    /// Outward id of a series.
    pub(crate) fn series_id(&self, key: &SeriesKey, measure: Measure) -> String {
        let named = self.plan.lattice.named(key, &self.interner);
        let mut parts = vec![
            self.portfolio.as_str(),
            self.view_name(key),
            measure.as_str(),
        ];
        for (dimension, value) in &named {
            parts.push(dimension);
            parts.push(value);
        }
        crate::identity::outward_id("s_", &parts)
    }

    fn forget_silent_series(&mut self, width: BucketWidth, bucket: BucketIndex) {
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
                self.index.remove(&series.key);
                self.series.swap_remove(at);
                if let Some(moved) = self.series.get(at) {
                    self.index.insert(moved.key, at as u32);
                }
            } else {
                at += 1;
            }
        }
    }

    /// Forgets contributions, lines and signals that nothing can restate any more.
    fn prune(&mut self, width: BucketWidth, bucket: BucketIndex) {
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
            let stays = signal.is_open() || memory >= before;
            if !stays {
                dirty.insert(id.clone());
            }
            stays
        });
    }

    /// Contributions of a series that count, of buckets `from..=to`, as known at the close of `as_of`.
    pub(crate) fn contributions_of(
        &self,
        key: &SeriesKey,
        width: BucketWidth,
        buckets: std::ops::RangeInclusive<BucketIndex>,
        as_of: BucketIndex,
    ) -> Vec<&Contribution> {
        let mut found: Vec<&Contribution> = buckets
            .flat_map(|bucket| {
                self.journal
                    .bucket(width, bucket)
                    .filter(move |contribution| contribution.counts_at(width, as_of.max(bucket)))
            })
            .filter(|contribution| {
                self.plan
                    .lattice
                    .contains(key, &Slots::new(&contribution.values))
            })
            .collect();
        found.sort_by_key(|contribution| (contribution.feedback, contribution.event));
        found
    }
}

/// Name of the view under which feeds publish their points.
pub const FEED_VIEW: &str = "feed";
/// A closed signal still takes answers for this long after its last firing bucket.
const SIGNAL_MEMORY: i64 = 90 * crate::time::DAY;

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
    }
}

fn count_feed(feeds: &mut Vec<(u32, u32, Timestamp)>, contribution: &Contribution) {
    match feeds
        .iter_mut()
        .find(|(feed, ..)| *feed == contribution.feed)
    {
        Some((_, items, last)) => {
            *items += 1;
            *last = (*last).max(contribution.occurred_at);
        }
        None => feeds.push((contribution.feed, 1, contribution.occurred_at)),
    }
}

fn add(cell: &mut Cell, contribution: &Contribution, feeling: Option<i16>, is_new_voice: bool) {
    if is_new_voice {
        cell.items += 1;
    }
    if let Some(feeling) = feeling {
        cell.judged += 1;
        cell.negative += u32::from(feeling < NEGATIVE_BELOW);
    }
    if let Some(rating) = contribution.rating {
        cell.rated += 1;
        cell.rating_sum += u64::from(rating);
        cell.rating_squares += u64::from(rating) * u64::from(rating);
    }
    match cell
        .feeds
        .iter_mut()
        .find(|(feed, _)| *feed == contribution.feed)
    {
        Some((_, items)) => *items += 1,
        None => cell.feeds.push((contribution.feed, 1)),
    }
}

fn note_activity(
    series: &mut Series,
    bucket: BucketIndex,
    cell: Option<&Cell>,
    any_down: bool,
    stable_of: &dyn Fn(u32) -> u64,
) {
    let Some(cell) = cell else {
        if !any_down {
            series.feeds.decay();
        }
        return;
    };
    series.last_active = bucket;
    series.feeds.decay();
    // Largest first: with more feeds than places, who stays must not depend on who came first.
    let mut feeds: Vec<(u64, u32)> = cell
        .feeds
        .iter()
        .map(|&(number, items)| (stable_of(number), items))
        .collect();
    feeds.sort_by_key(|&(feed, items)| (std::cmp::Reverse(items), feed));
    for (feed, items) in feeds {
        series.feeds.add(feed, items);
    }
}
