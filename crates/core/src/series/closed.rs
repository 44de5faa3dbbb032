//! What a detector said about a bucket, and what it expected: kept while late data may still restate it.

use crate::time::BucketIndex;
use auscult_statistics::count::Forecast;
use auscult_statistics::mean::MeanForecast;
use auscult_statistics::share::ShareForecast;

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
    pub(super) fn is_forgettable(&self) -> bool {
        self.verdict.items == 0
            && !self.discovered
            && self.revision == 1
            && self.verdict.observed.is_some()
            && matches!(self.expectation, Expectation::Count(_))
            && self.verdict.expected < FORGETTABLE_EXPECTED
            || self.verdict.observed.is_none() && !matches!(self.expectation, Expectation::Count(_))
    }
}
