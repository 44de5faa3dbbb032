//! Poisson and negative-binomial counts: tails and quantiles.
//!
//! The negative binomial is given by mean and *dispersion* φ = variance / mean ≥ 1, as quasi-Poisson
//! regression estimates it; φ = 1 is the Poisson distribution. In the usual size parameter this is
//! size = mean / (φ − 1).

use libm::{ceil, exp, floor, lgamma, log, log1p, sqrt};

use super::incomplete::{Tails, incomplete_beta_with_complement, incomplete_gamma};
use super::normal::{normal_lower, normal_quantile, normal_upper};
use super::search::{cornish_fisher, first_reached};

/// A distribution of counts with given mean and dispersion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CountDistribution {
    mean: f64,
    dispersion: f64,
}

/// Mean over dispersion from which the normal limit is used: the error is then below 1e-6 of a deviation,
/// and exact sums would take millions of terms.
const LARGE_MEAN: f64 = 1e11;

impl CountDistribution {
    /// The distribution with this mean (finite, ≥ 0) and dispersion (variance / mean).
    ///
    /// A dispersion of at most 1 means Poisson: counts that vary less than Poisson have no
    /// negative-binomial form. `None` for a mean or dispersion that is not finite or a negative mean.
    pub fn new(mean: f64, dispersion: f64) -> Option<Self> {
        let usable = mean.is_finite() && mean >= 0.0 && dispersion.is_finite();
        usable.then_some(Self {
            mean,
            dispersion: dispersion.max(1.0),
        })
    }

    /// The negative binomial with the usual size parameter (> 0).
    pub fn with_size(mean: f64, size: f64) -> Option<Self> {
        if size > 0.0 {
            Self::new(mean, 1.0 + mean / size)
        } else {
            None
        }
    }

    /// P(X ≤ count) and P(X > count). A negative count has nothing at or below it.
    pub fn tails(&self, count: f64) -> Tails {
        let count = floor(count);
        if count < 0.0 {
            return Tails {
                lower: 0.0,
                upper: 1.0,
            };
        }
        if self.mean == 0.0 {
            return Tails {
                lower: 1.0,
                upper: 0.0,
            };
        }
        if self.mean > LARGE_MEAN * self.dispersion {
            let z = (count + 0.5 - self.mean) / sqrt(self.mean * self.dispersion);
            return Tails {
                lower: normal_lower(z),
                upper: normal_upper(z),
            };
        }
        if self.dispersion == 1.0 {
            let gamma = incomplete_gamma(count + 1.0, self.mean);
            return Tails {
                lower: gamma.upper,
                upper: gamma.lower,
            };
        }
        // Success probability 1/φ: P(X ≤ k) = I_{1/φ}(size, k + 1).
        let success = 1.0 / self.dispersion;
        let failure = (self.dispersion - 1.0) / self.dispersion;
        let size = self.mean / (self.dispersion - 1.0);
        incomplete_beta_with_complement(size, count + 1.0, success, failure)
    }

    /// P(X ≥ count): the one-sided p-value of an observed count.
    pub fn at_least(&self, count: f64) -> f64 {
        self.tails(ceil(count) - 1.0).upper
    }

    /// Natural logarithm of P(X = count), for a whole count ≥ 0.
    pub fn ln_probability(&self, count: f64) -> f64 {
        if self.mean == 0.0 {
            return if count == 0.0 { 0.0 } else { f64::NEG_INFINITY };
        }
        if self.dispersion == 1.0 {
            return count * log(self.mean) - self.mean - lgamma(count + 1.0);
        }
        let size = self.mean / (self.dispersion - 1.0);
        lgamma(count + size) - lgamma(size) - lgamma(count + 1.0) - size * log(self.dispersion)
            + count * log1p(-1.0 / self.dispersion)
    }

    /// The smallest count with P(X ≤ count) ≥ `probability`, for a probability inside (0, 1).
    ///
    /// A relative fuzz of 64 machine epsilons is allowed, as is usual, so that a probability that came
    /// from the distribution itself gives its own count back.
    pub fn quantile(&self, probability: f64) -> f64 {
        if !(probability > 0.0 && probability < 1.0) {
            return f64::NAN;
        }
        if self.mean == 0.0 {
            return 0.0;
        }
        let start = cornish_fisher(self.mean, self.dispersion, normal_quantile(probability));
        let start = floor(start + 0.5).max(0.0);
        if self.mean > LARGE_MEAN * self.dispersion {
            return start;
        }
        let target = probability * (1.0 - 64.0 * f64::EPSILON);
        first_reached(start, 0.0..=f64::INFINITY, 0.0, |count| {
            self.tails(count).lower >= target
        })
    }

    /// P(X = count).
    pub fn probability(&self, count: f64) -> f64 {
        exp(self.ln_probability(count))
    }
}
