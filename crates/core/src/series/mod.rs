//! A series: one combination of values of one view, its baselines, and the buckets it may still restate.
//!
//! Each measure of a view is a *track* with a baseline of its own. This module is the only one that calls the
//! detectors of `statistics`; the rest of core sees [`Verdict`]s.

mod accept;
mod closed;
mod live;
mod reference;

pub use closed::{Closed, Expectation, Verdict, two_sided};
pub(crate) use live::LiveSeries;
pub use reference::{
    DEFAULT_METHOD, LIVE_METHODS, ReferenceState, refusal, whole_buckets_per_year,
};

use crate::feeds::FeedShares;
use crate::lattice::SeriesKey;
use crate::time::{BucketIndex, BucketWidth};
use crate::words::Measure;
use auscult_statistics::count::{
    BucketContext, CheckedCountSettings, CountModel, CountSettings, CountState, Prior, Season,
};
use auscult_statistics::mean::{MeanForecast, MeanModel, MeanSettings, MeanState};
use auscult_statistics::share::{ShareForecast, ShareModel, ShareSettings, ShareState};
use reference::Reference;
use smallvec::SmallVec;
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
    pub feeds: SmallVec<[(u32, u32); 2]>,
}

/// The models of one bucket width, shared by all series.
#[derive(Debug)]
pub struct Models {
    count: CountModel,
    share: ShareModel,
    mean: MeanModel,
    /// Reference methods that views of this width name.
    references: Vec<Reference>,
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
            references: Vec::new(),
        }
    }

    /// The same, with the reference methods that views of this width name. `restated`: closed buckets that late data may
    /// still restate. Names that no view can be judged by are left out: checked settings have none.
    #[must_use]
    pub fn with_methods<'a>(
        width: BucketWidth,
        names: impl Iterator<Item = &'a str>,
        restated: usize,
    ) -> Models {
        let mut models = Models::new(width);
        for name in names {
            if models.reference(name).is_none() {
                let reference = Reference::new(name, width, restated);
                models.references.extend(reference);
            }
        }
        models
    }

    fn reference(&self, name: &str) -> Option<&Reference> {
        self.references.iter().find(|it| it.name() == name)
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
    /// Counts, judged by a reference method.
    Reference(ReferenceState),
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

    /// A track of counts judged by the reference method `name`, first heard of in `bucket`.
    #[must_use]
    pub fn start_reference(
        models: &Models,
        name: &str,
        bucket: BucketIndex,
        quiet_buckets: u32,
    ) -> Option<Track> {
        let state = models.reference(name)?.start(bucket, quiet_buckets);
        Some(Track {
            measure: Measure::Mentions,
            state: TrackState::Reference(state),
            ring: VecDeque::new(),
        })
    }

    /// Whether a bucket's p-value says anything: there were data, and the method had the history it needs.
    #[must_use]
    pub fn is_judged(&self, verdict: &Verdict, expectation: &Expectation) -> bool {
        let has_history = match (&self.state, expectation) {
            (TrackState::Reference(_), Expectation::Count(forecast)) => forecast.points > 0.0,
            _ => true,
        };
        verdict.observed.is_some() && has_history
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
            TrackState::Reference(state) => {
                let bucket = bucket_of(context);
                // These methods know nothing of exposure: a bucket that some of its feeds did not report says nothing.
                let count = cell
                    .filter(|_| context.exposure >= 1.0)
                    .map(|cell| cell.items);
                let Some(reference) = models.reference(state.method()) else {
                    unreachable!("the plan has every method that a view names");
                };
                let (verdict, forecast) = reference.step(state, bucket, count);
                (verdict, Expectation::Count(forecast))
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
            let (verdict, expectation) = self.made_up(models, context)?;
            self.ring
                .insert(at, Closed::new(bucket, verdict, expectation));
        }
        self.ring.get_mut(at)
    }

    /// A silent bucket of a count as it would be judged today.
    fn made_up(&self, models: &Models, context: &BucketContext) -> Option<(Verdict, Expectation)> {
        let state = match &self.state {
            TrackState::Count(state) => state,
            TrackState::Reference(state) => {
                let reference = models.reference(state.method())?;
                let (verdict, forecast) = reference.recall(state, bucket_of(context));
                return Some((verdict, Expectation::Count(forecast)));
            }
            _ => return None,
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
        Some((verdict, Expectation::Count(forecast)))
    }

    /// Judges a bucket again with other content, by the expectation it was closed with. A model learns nothing of it:
    /// what later buckets were judged by stays as it was known then. A reference method's history takes the count in.
    #[must_use]
    pub fn judge_again(&mut self, models: &Models, closed: &Closed, cell: &Cell) -> Verdict {
        if let TrackState::Reference(state) = &mut self.state
            && let Some(reference) = models.reference(state.method())
        {
            let p_bucket = reference.judge_again(state, closed.bucket, cell.items);
            return Verdict {
                observed: Some(f64::from(cell.items)),
                items: cell.items,
                p_bucket,
                p_combined: p_bucket,
                ..closed.verdict
            };
        }
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
}

fn bucket_of(context: &BucketContext) -> BucketIndex {
    // The context was made from a bucket's index.
    BucketIndex::try_from(context.index).unwrap_or(BucketIndex::MAX)
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
