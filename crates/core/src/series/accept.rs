//! What people accepted as the new normal becomes the level (B06, decision 0009).

use super::{Closed, Expectation, Models, Track, TrackState};
use crate::time::BucketIndex;
use auscult_statistics::count::{BucketContext, Prior};
use auscult_statistics::mean::MeanPrior;
use auscult_statistics::share::SharePrior;
use std::collections::VecDeque;

impl Track {
    /// Starts the baseline anew at the level of late: what people accepted as the new normal (B06).
    ///
    /// `by_feeds`: counts are against exposure, so the level moves by the ratio of what was seen to what was expected.
    /// `from`: the first bucket of the new normal, if people named one: what came before says nothing of it.
    pub fn accept_level(
        &mut self,
        models: &Models,
        bucket: BucketIndex,
        by_feeds: bool,
        from: Option<BucketIndex>,
    ) {
        let recent: Vec<(f64, f64)> = since(&self.ring, from)
            .filter_map(|closed| Some((closed.verdict.observed?, f64::from(closed.verdict.items))))
            .collect();
        if recent.is_empty() {
            return;
        }
        match self.state {
            TrackState::Count(_) => {
                let expected = by_feeds.then(|| expected_sum(&self.ring, from));
                self.accept_count(models, bucket, &recent, expected);
            }
            TrackState::Reference(ref mut state) => {
                let Some(reference) = models.reference(state.method()) else {
                    return;
                };
                let counts: Vec<f64> = recent.iter().map(|(count, _)| *count).collect();
                let expected = expected_sum(&self.ring, from);
                reference.accept(state, &counts, expected / counts.len() as f64);
            }
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
        expected: Option<f64>,
    ) {
        let seen = recent.iter().map(|(count, _)| count).sum::<f64>();
        let mean = match (&self.state, expected) {
            (TrackState::Count(state), Some(expected)) => {
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

/// Closed buckets that say where a new normal lies, the latest first.
fn since(ring: &VecDeque<Closed>, from: Option<BucketIndex>) -> impl Iterator<Item = &Closed> {
    let most = match from {
        Some(_) => LONGEST_ACCEPTED_BUCKETS,
        None => ACCEPTED_BUCKETS,
    };
    ring.iter()
        .rev()
        .take(most)
        .take_while(move |closed| from.is_none_or(|from| closed.bucket >= from))
}

/// What was expected of those of them that had data.
fn expected_sum(ring: &VecDeque<Closed>, from: Option<BucketIndex>) -> f64 {
    since(ring, from)
        .filter(|closed| closed.verdict.observed.is_some())
        .map(|closed| closed.verdict.expected)
        .sum()
}

/// Most buckets that do when people say since when it holds: older ones say little of a level that may drift.
const LONGEST_ACCEPTED_BUCKETS: usize = 28;
/// Buckets that say where a new normal lies when nobody says since when …
const ACCEPTED_BUCKETS: usize = 7;
/// … and the most answers it is taken to rest on: what comes next may still correct it.
const ACCEPTED_ANSWERS: f64 = 200.0;

/// Average over buckets by their items, and the items.
fn pooled(recent: &[(f64, f64)]) -> (f64, f64) {
    let items: f64 = recent.iter().map(|(_, items)| items).sum();
    let sum: f64 = recent.iter().map(|(value, items)| value * items).sum();
    (sum / items.max(1.0), items)
}
