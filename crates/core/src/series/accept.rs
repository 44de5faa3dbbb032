//! What people accepted as the new normal becomes the level (B06, decision 0009).

use super::{Expectation, Models, Track, TrackState};
use crate::time::BucketIndex;
use auscult_statistics::count::{BucketContext, Prior};
use auscult_statistics::mean::MeanPrior;
use auscult_statistics::share::SharePrior;

impl Track {
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
            TrackState::Reference(ref mut state) => {
                let Some(reference) = models.reference(state.method()) else {
                    return;
                };
                let counts: Vec<f64> = recent.iter().map(|(count, _)| *count).collect();
                let expected: f64 = self
                    .ring
                    .iter()
                    .rev()
                    .take(ACCEPTED_BUCKETS)
                    .filter(|closed| closed.verdict.observed.is_some())
                    .map(|closed| closed.verdict.expected)
                    .sum();
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
