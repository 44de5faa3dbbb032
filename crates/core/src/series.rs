//! A series: one combination of values of one view, its baselines, and the buckets it may still restate.
//!
//! Each measure of a view is a *track* with a baseline of its own. This module is the only one that calls the
//! detectors of `statistics`; the rest of core sees [`Verdict`]s.

use crate::feeds::FeedShares;
use crate::lattice::SeriesKey;
use crate::time::{BucketIndex, BucketWidth};
use crate::words::Measure;
use auscult_statistics::count::{
    BucketContext, CheckedCountSettings, CountModel, CountSettings, CountState, Forecast, Prior,
    Season,
};
use auscult_statistics::mean::{MeanForecast, MeanModel, MeanPrior, MeanSettings, MeanState};
use auscult_statistics::share::{ShareForecast, ShareModel, SharePrior, ShareSettings, ShareState};
use std::collections::VecDeque;

/// What one bucket of one series holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// Items, each thread once.
    pub items: u32,
    /// Items with a negative feeling.
    pub negative: u32,
    /// Items with any feeling to judge.
    pub judged: u32,
    /// Items with a rating.
    pub rated: u32,
    /// Sum of ratings, thousandths.
    pub rating_sum: u64,
    /// Sum of squared ratings, millionths.
    pub rating_squares: u64,
    /// Items per feed number.
    pub feeds: Vec<(u32, u32)>,
}

/// The models of one bucket width, shared by all series.
#[derive(Debug)]
pub struct Models {
    count: CountModel,
    share: ShareModel,
    mean: MeanModel,
}

impl Models {
    /// Models with the detectors' own defaults at `width`.
    #[must_use]
    pub fn new(width: BucketWidth) -> Models {
        let season = Season {
            phases: width.phases(),
            buckets_per_year: width.buckets_per_year(),
        };
        let count: CheckedCountSettings = CountSettings::default()
            .check()
            .unwrap_or_else(|problems| unreachable_default(&problems));
        let share = ShareSettings::default()
            .check()
            .unwrap_or_else(|problems| unreachable_default(&problems));
        // Ratings come in on 0 … 1.
        let mean = MeanSettings {
            bounds: [0.0, 1.0],
            ..MeanSettings::default()
        }
        .check()
        .unwrap_or_else(|problems| unreachable_default(&problems));
        Models {
            count: CountModel::new(count, season),
            share: ShareModel::new(share),
            mean: MeanModel::new(mean),
        }
    }

    /// The count model, for feeds.
    #[must_use]
    pub fn count(&self) -> &CountModel {
        &self.count
    }
}

fn unreachable_default<T>(problems: &[String]) -> T {
    unreachable!("the default settings of a detector pass their own check: {problems:?}")
}

/// A forecast, kept with the bucket it was made for so that late data are judged by what was known then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Expectation {
    /// Of a count.
    Count(Forecast),
    /// Of successes among trials.
    Share(ShareForecast),
    /// Of a mean rating.
    Mean(MeanForecast),
}

/// What a detector says about one bucket of one track.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// What was seen, in the measure's own unit; `None`: no data.
    pub observed: Option<f64>,
    /// Items behind it.
    pub items: u32,
    /// What was expected.
    pub expected: f64,
    /// Standard deviation of what was expected.
    pub deviation: f64,
    /// Evidence of this bucket alone: upper and lower p-value.
    pub p_bucket: (f64, f64),
    /// This bucket and the recent past together: upper and lower p-value.
    pub p_combined: (f64, f64),
}

impl Verdict {
    /// Two-sided p-value of the combined evidence.
    #[must_use]
    pub fn p_value(&self) -> f64 {
        two_sided(self.p_combined)
    }

    /// Two-sided p-value of this bucket alone.
    #[must_use]
    pub fn p_bucket_value(&self) -> f64 {
        two_sided(self.p_bucket)
    }

    /// Whether the stronger side is the upper one.
    #[must_use]
    pub fn is_upward(&self) -> bool {
        self.p_combined.0 <= self.p_combined.1
    }

    /// Distance from the expectation in standard deviations, signed.
    #[must_use]
    pub fn strength(&self) -> f64 {
        self.observed.map_or(0.0, |observed| {
            (observed - self.expected) / self.deviation.max(1e-9)
        })
    }
}

/// Two-sided p-value of an upper and a lower one.
#[must_use]
pub fn two_sided(sides: (f64, f64)) -> f64 {
    (2.0 * sides.0.min(sides.1)).min(1.0)
}

/// A closed bucket that late data may still restate.
#[derive(Debug, Clone, PartialEq)]
pub struct Closed {
    /// Which bucket.
    pub bucket: BucketIndex,
    /// Grows with each restatement.
    pub revision: u32,
    /// What the detector said.
    pub verdict: Verdict,
    /// What was expected when the bucket closed.
    pub expectation: Expectation,
    /// Whether false-discovery control let it through.
    pub discovered: bool,
}

/// A silent bucket with less than this expected is forgotten.
const FORGETTABLE_EXPECTED: f64 = 0.5;

impl Closed {
    /// As a bucket is closed at first: not restated, not yet looked at by false-discovery control.
    #[must_use]
    pub fn new(bucket: BucketIndex, verdict: Verdict, expectation: Expectation) -> Closed {
        Closed {
            bucket,
            revision: 1,
            verdict,
            expectation,
            discovered: false,
        }
    }

    /// Nothing was seen, nothing much expected, nothing found.
    fn is_forgettable(&self) -> bool {
        self.verdict.items == 0
            && !self.discovered
            && self.revision == 1
            && self.verdict.observed.is_some()
            && matches!(self.expectation, Expectation::Count(_))
            && self.verdict.expected < FORGETTABLE_EXPECTED
            || self.verdict.observed.is_none() && !matches!(self.expectation, Expectation::Count(_))
    }
}

/// State of one track's detector.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "most tracks are counts; a box would cost each of them a pointer and a cache miss a bucket"
)]
pub enum TrackState {
    /// Counts.
    Count(CountState),
    /// Negative share.
    Share(ShareState),
    /// Mean rating.
    Mean(MeanState),
}

/// One measure of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// What is measured.
    pub measure: Measure,
    /// Detector state.
    pub state: TrackState,
    /// Closed buckets within the horizon, oldest first.
    pub ring: VecDeque<Closed>,
}

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Which one.
    pub key: SeriesKey,
    /// Stable hash of view and values by name: decides the state page.
    pub stable: u64,
    /// First bucket that was judged.
    pub born: BucketIndex,
    /// Whether its view already had a history when it was first heard of.
    pub born_late: bool,
    /// Last bucket with an item.
    pub last_active: BucketIndex,
    /// Feeds it lives on.
    pub feeds: FeedShares,
    /// Measures.
    pub tracks: Vec<Track>,
}

impl Track {
    /// A track at the start of its life. `quiet_buckets`: buckets its view has lived without this series,
    /// which are a history of zeros, not a lack of history. `exposure`: of its first bucket.
    #[must_use]
    pub fn start(measure: Measure, models: &Models, quiet_buckets: u32, exposure: f64) -> Track {
        let state = match measure {
            Measure::Mentions => {
                let prior = count_prior(quiet_buckets);
                TrackState::Count(models.count.start(&Prior {
                    mean: prior.mean / exposure.max(1e-6),
                    ..prior
                }))
            }
            Measure::NegativeShare => TrackState::Share(
                models
                    .share
                    .start(&auscult_statistics::share::SharePrior::vague()),
            ),
            Measure::MeanRating => TrackState::Mean(
                models
                    .mean
                    .start(&auscult_statistics::mean::MeanPrior::vague()),
            ),
        };
        Track {
            measure,
            state,
            ring: VecDeque::new(),
        }
    }

    /// Judges and learns one bucket. `cell` is `None` when the series' feeds were down.
    pub fn step(
        &mut self,
        models: &Models,
        context: &BucketContext,
        cell: Option<&Cell>,
    ) -> (Verdict, Expectation) {
        match &mut self.state {
            TrackState::Count(state) => {
                let evidence =
                    models
                        .count
                        .step(state, context, cell.map(|cell| u64::from(cell.items)));
                let verdict = Verdict {
                    observed: cell.map(|cell| f64::from(cell.items)),
                    items: cell.map_or(0, |cell| cell.items),
                    expected: evidence.forecast.mean,
                    deviation: evidence.forecast.variance().sqrt(),
                    p_bucket: (evidence.judgement.p_upper, evidence.judgement.p_lower),
                    p_combined: (evidence.combined.p_upper, evidence.combined.p_lower),
                };
                (verdict, Expectation::Count(evidence.forecast))
            }
            TrackState::Share(state) => {
                let cell = cell.filter(|cell| cell.judged > 0);
                let (negative, judged) = cell.map_or((0, 0), |cell| (cell.negative, cell.judged));
                let evidence = models.share.step(state, context, negative, judged);
                let verdict = Verdict {
                    observed: cell.map(|cell| f64::from(cell.negative) / f64::from(cell.judged)),
                    items: judged,
                    expected: evidence.forecast.mean,
                    deviation: share_deviation(&evidence.forecast, judged),
                    p_bucket: (evidence.judgement.p_upper, evidence.judgement.p_lower),
                    p_combined: (evidence.combined.p_upper, evidence.combined.p_lower),
                };
                (verdict, Expectation::Share(evidence.forecast))
            }
            TrackState::Mean(state) => {
                let cell = cell.filter(|cell| cell.rated > 0);
                let (sum, squares, rated) = cell.map_or((0.0, 0.0, 0), |cell| {
                    (rating_sum(cell), rating_squares(cell), cell.rated)
                });
                let evidence = models.mean.step(state, context, sum, squares, rated);
                let verdict = Verdict {
                    observed: cell.map(|cell| rating_sum(cell) / f64::from(cell.rated)),
                    items: rated,
                    expected: evidence.forecast.mean,
                    deviation: mean_deviation(&evidence.forecast, rated),
                    p_bucket: (evidence.judgement.p_upper, evidence.judgement.p_lower),
                    p_combined: (evidence.combined.p_upper, evidence.combined.p_lower),
                };
                (verdict, Expectation::Mean(evidence.forecast))
            }
        }
    }

    /// Remembers a closed bucket, and forgets those older than `keep` buckets and the former one if nothing
    /// happened in it: most series are silent in most buckets, and remembering each silence would cost more
    /// memory than everything else. [`Track::recall`] makes a forgotten one up again.
    pub fn remember(&mut self, closed: Closed, keep: usize) {
        if self.ring.back().is_some_and(Closed::is_forgettable) {
            self.ring.pop_back();
        }
        let oldest = closed.bucket.saturating_sub(keep as BucketIndex);
        while self
            .ring
            .front()
            .is_some_and(|first| first.bucket <= oldest)
        {
            self.ring.pop_front();
        }
        // A quiet series needs few places for ever; doubling from four, or keeping what a busy start needed, would be
        // most of its memory.
        let (held, room) = (self.ring.len(), self.ring.capacity());
        if held == room {
            self.ring.reserve_exact(1 + held / 4);
        } else if room > held + held / 2 + 2 {
            self.ring.shrink_to(held + 1);
        }
        self.ring.push_back(closed);
    }

    /// The closed bucket at `context`, to be restated. A count's bucket that was forgotten because nothing
    /// happened in it is made up again: nothing seen, and the expectation of today's model, which has learnt
    /// little since.
    pub fn recall(&mut self, models: &Models, context: &BucketContext) -> Option<&mut Closed> {
        let bucket = BucketIndex::try_from(context.index).ok()?;
        let at = self.ring.partition_point(|closed| closed.bucket < bucket);
        if self
            .ring
            .get(at)
            .is_none_or(|closed| closed.bucket != bucket)
        {
            let TrackState::Count(state) = &self.state else {
                return None;
            };
            let forecast = models.count.forecast(state, context);
            let judgement = models.count.judge(&forecast, 0.0);
            let sides = (judgement.p_upper, judgement.p_lower);
            let verdict = Verdict {
                observed: Some(0.0),
                items: 0,
                expected: forecast.mean,
                deviation: forecast.variance().sqrt(),
                p_bucket: sides,
                p_combined: sides,
            };
            let expectation = Expectation::Count(forecast);
            self.ring
                .insert(at, Closed::new(bucket, verdict, expectation));
        }
        self.ring.get_mut(at)
    }

    /// Judges a bucket again with other content, by the expectation it was closed with. Nothing is learnt:
    /// what later buckets were judged by stays as it was known then.
    #[must_use]
    pub fn judge_again(models: &Models, closed: &Closed, cell: &Cell) -> Verdict {
        let (observed, items, p_bucket) = match &closed.expectation {
            Expectation::Count(forecast) => {
                let judgement = models.count.judge(forecast, f64::from(cell.items));
                (
                    Some(f64::from(cell.items)),
                    cell.items,
                    (judgement.p_upper, judgement.p_lower),
                )
            }
            Expectation::Share(forecast) => {
                let judgement = models.share.judge(forecast, cell.negative, cell.judged);
                let observed =
                    (cell.judged > 0).then(|| f64::from(cell.negative) / f64::from(cell.judged));
                (
                    observed,
                    cell.judged,
                    (judgement.p_upper, judgement.p_lower),
                )
            }
            Expectation::Mean(forecast) => {
                let judgement = models.mean.judge(forecast, rating_sum(cell), cell.rated);
                let observed = (cell.rated > 0).then(|| rating_sum(cell) / f64::from(cell.rated));
                (observed, cell.rated, (judgement.p_upper, judgement.p_lower))
            }
        };
        Verdict {
            observed,
            items,
            p_bucket,
            p_combined: p_bucket,
            ..closed.verdict
        }
    }

    /// Band the bucket was expected in.
    #[must_use]
    pub fn band(models: &Models, closed: &Closed, level: f64) -> (f64, f64) {
        match &closed.expectation {
            Expectation::Count(forecast) => models.count.interval(forecast, level),
            Expectation::Share(forecast) => {
                models.share.interval(forecast, closed.verdict.items, level)
            }
            Expectation::Mean(forecast) => {
                models.mean.interval(forecast, closed.verdict.items, level)
            }
        }
    }

    /// Buckets the detector has learnt from, and its method's name.
    #[must_use]
    pub fn learnt(&self) -> (u32, &'static str) {
        let (points, method) = match self.ring.back().map(|closed| &closed.expectation) {
            Some(Expectation::Count(forecast)) => (forecast.points, forecast.method),
            Some(Expectation::Share(forecast)) => (forecast.points, forecast.method),
            Some(Expectation::Mean(forecast)) => (forecast.points, forecast.method),
            None => (0.0, ""),
        };
        (
            points.round().clamp(0.0, f64::from(u32::MAX)) as u32,
            method,
        )
    }

    /// The closed bucket `bucket`, if it is still within the horizon.
    #[must_use]
    pub fn closed(&self, bucket: BucketIndex) -> Option<&Closed> {
        self.ring
            .iter()
            .rev()
            .find(|closed| closed.bucket == bucket)
    }

    /// Starts the baseline anew at the level of late: what people accepted as the new normal (B06).
    ///
    /// `by_feeds`: counts are against exposure, so the level moves by the ratio of what was seen to what was expected.
    pub fn accept_level(&mut self, models: &Models, bucket: BucketIndex, by_feeds: bool) {
        let recent: Vec<(f64, f64)> = self
            .ring
            .iter()
            .rev()
            .take(ACCEPTED_BUCKETS)
            .filter_map(|closed| Some((closed.verdict.observed?, f64::from(closed.verdict.items))))
            .collect();
        if recent.is_empty() {
            return;
        }
        match self.state {
            TrackState::Count(_) => self.accept_count(models, bucket, &recent, by_feeds),
            TrackState::Share(_) => {
                let (mean, trials) = pooled(&recent);
                self.state = TrackState::Share(models.share.start(&SharePrior {
                    mean: mean.clamp(0.001, 0.999),
                    trials: trials.clamp(1.0, ACCEPTED_ANSWERS),
                }));
            }
            TrackState::Mean(_) => {
                let (mean, answers) = pooled(&recent);
                let deviation = match self.ring.back().map(|closed| &closed.expectation) {
                    Some(Expectation::Mean(forecast)) => forecast.within_variance.max(0.0).sqrt(),
                    _ => 0.0,
                };
                self.state = TrackState::Mean(models.mean.start(&MeanPrior {
                    mean,
                    deviation,
                    answers: answers.clamp(1.0, ACCEPTED_ANSWERS),
                }));
            }
        }
    }

    fn accept_count(
        &mut self,
        models: &Models,
        bucket: BucketIndex,
        recent: &[(f64, f64)],
        by_feeds: bool,
    ) {
        let seen = recent.iter().map(|(count, _)| count).sum::<f64>();
        let mean = match &self.state {
            TrackState::Count(state) if by_feeds => {
                let expected: f64 = self
                    .ring
                    .iter()
                    .rev()
                    .take(ACCEPTED_BUCKETS)
                    .filter(|closed| closed.verdict.observed.is_some())
                    .map(|closed| closed.verdict.expected)
                    .sum();
                let plain = BucketContext::plain(i64::from(bucket), 0);
                models.count.forecast(state, &plain).mean * seen / expected.max(1e-6)
            }
            _ => seen / recent.len() as f64,
        };
        let dispersion = self.ring.back().map_or(1.5, |closed| {
            closed.verdict.deviation.powi(2) / closed.verdict.expected.max(1e-6)
        });
        self.state = TrackState::Count(models.count.start(&Prior {
            mean: mean.max(0.05),
            dispersion: dispersion.clamp(1.0, 10.0),
            weight: recent.len() as f64,
            index: i64::from(bucket),
            ..Prior::vague()
        }));
    }
}

/// Buckets that say where a new normal lies …
const ACCEPTED_BUCKETS: usize = 7;
/// … and the most answers it is taken to rest on: what comes next may still correct it.
const ACCEPTED_ANSWERS: f64 = 200.0;

/// Average over buckets by their items, and the items.
fn pooled(recent: &[(f64, f64)]) -> (f64, f64) {
    let items: f64 = recent.iter().map(|(_, items)| items).sum();
    let sum: f64 = recent.iter().map(|(value, items)| value * items).sum();
    (sum / items.max(1.0), items)
}

/// Standard deviation of a share of `trials`, with over-dispersion and an uncertain level.
fn share_deviation(forecast: &ShareForecast, trials: u32) -> f64 {
    let trials = f64::from(trials.max(1));
    let spread =
        (1.0 + (trials - 1.0) * forecast.correlation) / trials + forecast.level_correlation;
    (forecast.mean * (1.0 - forecast.mean) * spread)
        .max(0.0)
        .sqrt()
}

/// Standard deviation of a mean of `answers` ratings.
fn mean_deviation(forecast: &MeanForecast, answers: u32) -> f64 {
    let within = forecast.within_variance / f64::from(answers.max(1));
    (within + forecast.between_variance + forecast.level_variance)
        .max(0.0)
        .sqrt()
}

fn rating_sum(cell: &Cell) -> f64 {
    cell.rating_sum as f64 / 1e3
}

fn rating_squares(cell: &Cell) -> f64 {
    cell.rating_squares as f64 / 1e6
}

/// A view that lived `quiet_buckets` without this series has seen it zero times as often.
fn count_prior(quiet_buckets: u32) -> Prior {
    if quiet_buckets == 0 {
        return Prior::vague();
    }
    let buckets = f64::from(quiet_buckets);
    // Jeffreys' half an event over the buckets seen; at most eight buckets' worth of conviction.
    Prior {
        mean: 0.5 / buckets,
        dispersion: 1.5,
        weight: buckets.min(8.0),
        ..Prior::vague()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_series_stays_small() {
        // 200,000 live series in 300 MiB are 1,572 bytes each; one closed bucket is what a silent one keeps.
        let held = std::mem::size_of::<Series>()
            + std::mem::size_of::<Track>()
            + std::mem::size_of::<Closed>();
        assert!(
            held <= 1_000,
            "{held} bytes: series {}, track {}, closed {}",
            std::mem::size_of::<Series>(),
            std::mem::size_of::<Track>(),
            std::mem::size_of::<Closed>()
        );
    }
}
