//! The negative binomial with variance proportional to the mean: variance = dispersion × mean.
//!
//! Decision: this form (size = mean / (dispersion − 1)), not the form with fixed size, because sums over buckets
//! with the same dispersion stay exactly in the family: evidence over two or three buckets needs no
//! approximation. Means below `EXACT_BELOW` are summed term by term; larger ones use the Barndorff-Nielsen r*
//! saddlepoint (Lugannani and Rice 1980; Daniels 1987), whose relative error there is below 1e-3 and which
//! reaches any count at constant cost.

use crate::elementary::{exp, ln, ln_1p};
use crate::special::{incomplete_beta, ln_gamma, ln_rising, normal_cdf};

/// Above this mean the saddlepoint form takes over.
const EXACT_BELOW: f64 = 30.0;
/// Dispersion is kept above 1 by this much: Poisson is the limit, reached to six digits.
const EXCESS_FLOOR: f64 = 1e-6;
/// Largest mean accepted; beyond it counts are no longer counts.
const MEAN_CEILING: f64 = 1e15;

/// A negative binomial distribution, given by its mean and its ratio of variance to mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NegativeBinomial {
    mean: f64,
    dispersion: f64,
    size: f64,
}

/// Mid-p tails: P(Y < y) + P(Y = y)/2 and P(Y > y) + P(Y = y)/2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tails {
    /// Small when the observation is low.
    pub lower: f64,
    /// Small when the observation is high.
    pub upper: f64,
}

impl Tails {
    fn from_lower(lower: f64) -> Self {
        let lower = lower.clamp(0.0, 1.0);
        Self {
            lower,
            upper: 1.0 - lower,
        }
    }
}

impl NegativeBinomial {
    /// Mean (> 0) and variance-to-mean ratio (≥ 1); both are clamped to where the arithmetic is sound.
    #[must_use]
    pub fn new(mean: f64, dispersion: f64) -> Self {
        let mean = if mean.is_nan() {
            1.0
        } else {
            mean.clamp(1e-9, MEAN_CEILING)
        };
        let dispersion = if dispersion.is_nan() {
            1.0
        } else {
            dispersion.clamp(1.0 + EXCESS_FLOOR, 1e15)
        };
        Self {
            mean,
            dispersion,
            size: mean / (dispersion - 1.0),
        }
    }

    /// The variance.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.mean * self.dispersion
    }

    /// ln P(Y = count), without the term −ln(count!) that no comparison between models needs.
    #[must_use]
    pub fn ln_mass_unnormalised(&self, count: f64) -> f64 {
        if self.size > 1e6 {
            return count * ln(self.mean) - self.mean;
        }
        if count == 0.0 {
            return -self.size * ln(self.dispersion);
        }
        let excess = self.dispersion - 1.0;
        ln_rising(self.size, count) - (self.size + count) * ln(self.dispersion) + count * ln(excess)
    }

    /// ln P(Y = count).
    #[must_use]
    pub fn ln_mass(&self, count: f64) -> f64 {
        self.ln_mass_unnormalised(count) - ln_gamma(count + 1.0)
    }

    /// Mid-p tails at an observed count (≥ 0).
    #[must_use]
    pub fn tails(&self, count: f64) -> Tails {
        let count = count.max(0.0);
        let few = count < 9.0;
        if (self.mean < EXACT_BELOW || self.size < 2.0) && count < 80.0 || few && self.mean < 600.0
        {
            let summed = self.summed_tails(count);
            // Beyond twelve digits the complement of a sum says nothing: the fraction does.
            if summed.upper > 1e-9 {
                summed
            } else {
                self.fraction_tails(count)
            }
        } else if self.mean < EXACT_BELOW || self.size < 2.0 {
            self.fraction_tails(count)
        } else {
            self.saddlepoint_tails(count)
        }
    }

    /// Adds P(0) … P(count) by the recurrence of the masses.
    fn summed_tails(&self, count: f64) -> Tails {
        let excess = self.dispersion - 1.0;
        let ratio = excess / self.dispersion;
        // size × ratio stays finite in the Poisson limit.
        let scaled_mean = self.mean / self.dispersion;
        let zero = if excess < 1e-5 {
            -self.mean
        } else {
            -self.size * ln(self.dispersion)
        };
        let mut mass = exp(zero);
        let mut below = 0.0;
        let mut index = 0.0;
        while index < count {
            below += mass;
            mass *= (scaled_mean + index * ratio) / (index + 1.0);
            index += 1.0;
        }
        Tails::from_lower(below + 0.5 * mass)
    }

    fn fraction_tails(&self, count: f64) -> Tails {
        // A nearly Poisson size makes the beta function cancel: a dispersion of 1.0001 tells it apart by nothing.
        let dispersion = self.dispersion.max(1.0001);
        let size = self.mean / (dispersion - 1.0);
        let failure = (dispersion - 1.0) / dispersion;
        let above = incomplete_beta(failure, count + 1.0, size);
        let mass = exp(Self {
            mean: self.mean,
            dispersion,
            size,
        }
        .ln_mass(count));
        let upper = (above + 0.5 * mass).clamp(0.0, 1.0);
        Tails {
            lower: (1.0 - upper).clamp(0.0, 1.0),
            upper,
        }
    }

    fn saddlepoint_tails(&self, count: f64) -> Tails {
        let score = self.saddlepoint_score(count);
        Tails {
            lower: normal_cdf(score),
            upper: normal_cdf(-score),
        }
    }

    /// r*: the standard normal score whose tail is the mid-p tail.
    fn saddlepoint_score(&self, count: f64) -> f64 {
        let step = 0.05 * libm::sqrt(self.variance());
        let offset = count - self.mean;
        if offset.abs() >= step {
            return self.score_away_from_mean(count);
        }
        // At the mean the formula is 0/0: a straight line between two points beside it is exact to 1e-5.
        let low = self.score_away_from_mean(self.mean - step);
        let high = self.score_away_from_mean(self.mean + step);
        low + (high - low) * (offset + step) / (2.0 * step)
    }

    fn score_away_from_mean(&self, count: f64) -> f64 {
        let count = count.max(0.25);
        let (mean, size) = (self.mean, self.size);
        // Deviance and saddlepoint with log1p, so that counts beside a huge mean do not cancel.
        let relative = (count - mean) / mean;
        let spread = mean / (mean + size);
        let change_of_log = ln_1p(relative);
        let change_of_total = ln_1p(relative * spread);
        let half_deviance = count * change_of_log - (count + size) * change_of_total;
        let root = libm::sqrt((2.0 * half_deviance).max(1e-300)) * relative.signum();
        let saddlepoint = change_of_log - change_of_total;
        let scale = libm::sqrt(count * (1.0 + count / size));
        // Mid-p on a lattice: the mean of 1/(1 − e^−s) and 1/(e^s − 1) is 1/(2 tanh(s/2)).
        let ratio = 2.0 * libm::tanh(0.5 * saddlepoint) * scale / root;
        if ratio.is_finite() && ratio > 0.0 {
            root + ln(ratio) / root
        } else {
            root
        }
    }

    /// The count below which the given probability lies, continuous between counts; used for intervals.
    #[must_use]
    pub fn quantile(&self, probability: f64) -> f64 {
        let deviation = crate::special::normal_quantile(probability).clamp(-30.0, 30.0);
        let spread = libm::sqrt(self.variance());
        let mut low = 0.0;
        let mut high =
            (self.mean + (deviation.abs() + 4.0) * (spread + self.dispersion) * 4.0 + 4.0).ceil();
        if self.tails(low).lower >= probability {
            return 0.0;
        }
        while high - low > 1.0 + 1e-9 * high {
            let middle = (0.5 * (low + high)).floor();
            if self.tails(middle).lower < probability {
                low = middle;
            } else {
                high = middle;
            }
        }
        let (below, above) = (self.tails(low).lower, self.tails(high).lower);
        let part = if above > below {
            (probability - below) / (above - below)
        } else {
            1.0
        };
        low + part.clamp(0.0, 1.0) * (high - low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summed_upper(mean: f64, dispersion: f64, count: f64) -> f64 {
        let distribution = NegativeBinomial::new(mean, dispersion);
        let mut total = 0.5 * distribution.ln_mass(count).exp();
        let mut index = count + 1.0;
        while index < count + 20_000.0 {
            let mass = distribution.ln_mass(index).exp();
            total += mass;
            if mass < 1e-18 * total {
                break;
            }
            index += 1.0;
        }
        total
    }

    #[test]
    fn tails_match_direct_sums_on_every_branch() {
        for (mean, dispersion, count) in [
            (0.1, 2.0, 3.0),
            (5.0, 1.01, 14.0),
            (5.0, 3.0, 90.0),
            (29.0, 5.0, 60.0),
            (29.0, 5.0, 200.0),
            (31.0, 1.2, 55.0),
            (31.0, 20.0, 90.0),
            (150.0, 1.2, 190.0),
            (1_000.0, 5.0, 1_200.0),
            (400.0, 300.0, 2_000.0),
        ] {
            let expected = summed_upper(mean, dispersion, count);
            let got = NegativeBinomial::new(mean, dispersion).tails(count).upper;
            assert!(
                (got / expected - 1.0).abs() < 4e-3,
                "mean {mean} dispersion {dispersion} count {count}: {got} {expected}"
            );
        }
    }

    #[test]
    fn poisson_limit_is_reached() {
        let tails = NegativeBinomial::new(4.0, 1.0).tails(0.0);
        assert!((tails.lower - 0.5 * (-4.0_f64).exp()).abs() < 1e-7);
    }

    #[test]
    fn tails_are_monotone_and_finite_everywhere() {
        for mean in [1e-9, 0.1, 3.0, 29.0, 31.0, 700.0, 1e6, 1e9] {
            for dispersion in [1.0, 1.3, 5.0, 100.0, 1e6] {
                let distribution = NegativeBinomial::new(mean, dispersion);
                let mut last = 2.0;
                for count in [
                    0.0, 1.0, 2.0, 8.0, 9.0, 30.0, 79.0, 80.0, 81.0, 500.0, 1e4, 1e6, 1e9,
                ] {
                    let upper = distribution.tails(count).upper;
                    assert!(
                        (0.0..=1.0).contains(&upper),
                        "{mean} {dispersion} {count} {upper}"
                    );
                    assert!(
                        upper <= last + 1e-7,
                        "{mean} {dispersion} {count}: {upper} after {last}"
                    );
                    last = upper;
                }
            }
        }
    }

    #[test]
    fn quantile_inverts_the_lower_tail() {
        for (mean, dispersion) in [(0.5, 1.5), (20.0, 2.0), (300.0, 4.0)] {
            let distribution = NegativeBinomial::new(mean, dispersion);
            let upper = distribution.quantile(0.975);
            assert!(distribution.tails(upper.ceil()).lower >= 0.975);
            assert!(distribution.tails(upper.floor()).lower <= 0.975);
        }
    }
}
