//! A forecast as a value, and judging an observation against it: pure, so that late data can be judged again.

use super::model::{CountModel, Parts};
use super::negative_binomial::{NegativeBinomial, Tails};
use super::state::CountState;
use crate::elementary::exp;
use crate::judgement::Judgement;

/// The predictive distribution of one bucket's count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// Expected count.
    pub mean: f64,
    /// Ratio of variance to mean of the counts about a known rate.
    pub dispersion: f64,
    /// Squared coefficient of variation of the rate itself: what is not known about the mean.
    pub rate_variance: f64,
    /// Posterior standard deviation of ln(dispersion − 1).
    pub dispersion_deviation: f64,
    /// Buckets with an observation behind this forecast.
    pub points: f64,
    /// Posterior probability that the series has a yearly season.
    pub season_probability: f64,
    /// Method card under `docs/detectors/`.
    pub method: &'static str,
}

/// How many buckets' worth of common error the evidence over time allows for.
const COMMON_BUCKETS: f64 = 2.0;
/// Name of the method card.
pub const DYNAMIC_COUNT: &str = "dynamic_count";

impl Forecast {
    /// Moments of the mixture over models.
    pub(crate) fn mix(parts: &Parts, state: &CountState) -> Self {
        let mut mean = 0.0;
        let mut square = 0.0;
        let mut season = 0.0;
        for (index, (rate, weight)) in parts.rates.iter().zip(parts.weights).enumerate() {
            if index < super::state::WANDERS {
                season += weight;
            }
            if rate.shape > 0.0 {
                mean += weight * rate.mean;
                square += weight * rate.mean * rate.mean * (1.0 + 1.0 / rate.shape);
            }
        }
        let mean = mean.clamp(1e-9, 1e15);
        Self {
            mean,
            dispersion: state.dispersion(),
            rate_variance: (square / (mean * mean) - 1.0).clamp(0.0, 1e6),
            dispersion_deviation: libm::sqrt(state.dispersion.variance()),
            points: state.points(),
            season_probability: season,
            method: DYNAMIC_COUNT,
        }
    }

    /// The predictive variance of the count.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.mean * (self.dispersion + self.mean * self.rate_variance)
    }

    /// Mid-p tails of a sum of buckets with the given expected total, averaged over what is not known of
    /// the rate (it widens the dispersion) and of the dispersion (three Gauss–Hermite points).
    pub(crate) fn tails_of_sum(&self, expected: f64, observed: f64) -> Tails {
        let excess = self.dispersion - 1.0;
        let widening = expected * self.rate_variance;
        let at =
            |excess: f64| NegativeBinomial::new(expected, 1.0 + excess + widening).tails(observed);
        // Below this the spread moves a tail of 0.001 by less than a twentieth of itself.
        if self.dispersion_deviation * excess < 0.03 * (self.dispersion + widening) {
            return at(excess);
        }
        let factor = exp(1.732_050_807_568_877_2 * self.dispersion_deviation.min(1.5));
        let (low, middle, high) = (at(excess / factor), at(excess), at(excess * factor));
        let blend = |low: f64, middle: f64, high: f64| (low + 4.0 * middle + high) / 6.0;
        Tails {
            lower: blend(low.lower, middle.lower, high.lower),
            upper: blend(low.upper, middle.upper, high.upper),
        }
    }

    /// Dispersion for evidence over buckets: what is not known of the rate is common to them, so it counts more than once;
    /// what is not known of the dispersion raises its mean.
    pub(crate) fn dispersion_over_time(&self) -> f64 {
        let spread = self.dispersion_deviation.min(1.5);
        1.0 + (self.dispersion - 1.0) * exp(0.5 * spread * spread)
            + COMMON_BUCKETS * self.mean * self.rate_variance
    }

    /// One negative binomial with this forecast's mean and variance.
    pub(crate) fn distribution(&self) -> NegativeBinomial {
        NegativeBinomial::new(self.mean, self.dispersion + self.mean * self.rate_variance)
    }
}

impl CountModel {
    /// Judges a count against a forecast. Pure: used again when late data restate a bucket.
    #[must_use]
    pub fn judge(&self, forecast: &Forecast, observed: f64) -> Judgement {
        let observed = if observed.is_finite() {
            observed.clamp(0.0, 1e15)
        } else {
            0.0
        };
        let tails = forecast.tails_of_sum(forecast.mean, observed);
        Judgement::from_tails(tails.lower, tails.upper)
    }

    /// The central interval of the given level (0.95: two-and-a-half per cent on either side).
    #[must_use]
    pub fn interval(&self, forecast: &Forecast, level: f64) -> (f64, f64) {
        let tail = 0.5 * (1.0 - level.clamp(0.0, 0.999_999));
        let distribution = forecast.distribution();
        (
            distribution.quantile(tail),
            distribution.quantile(1.0 - tail),
        )
    }
}
