//! The negative binomial with variance proportional to the mean: variance = dispersion × mean.
//!
//! Decision: this form (size = mean / (dispersion − 1)), not the form with fixed size, because sums over buckets
//! with the same dispersion stay exactly in the family: evidence over two or three buckets needs no
//! approximation. Means below `EXACT_BELOW` are summed term by term; larger ones use the Barndorff-Nielsen r*
//! saddlepoint (Lugannani and Rice 1980; Daniels 1987), whose relative error there is below 1e-3 and which
//! reaches any count at constant cost.

use crate::distribution::{cornish_fisher, first_reached};
use crate::elementary::{exp, ln, ln_1p};
use crate::special::{incomplete_beta, ln_gamma, ln_rising, normal_cdf};

/// Above this mean the saddlepoint form takes over.
const EXACT_BELOW: f64 = 30.0;
/// Counts up to here are summed up to.
const SUMMED_BELOW: f64 = 80.0;
/// Beyond twelve digits the complement of a sum says nothing: the fraction does.
const LEAST_SUMMED_UPPER: f64 = 1e-9;
/// Beyond 1e9, counts are told apart no more than they need to be.
const NEIGHBOURS: f64 = 1e-9;
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
        if (self.mean < EXACT_BELOW || self.size < 2.0) && count < SUMMED_BELOW
            || few && self.mean < 600.0
        {
            let summed = self.summed_tails(count);
            if summed.upper > LEAST_SUMMED_UPPER {
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

    /// Adds P(0) … P(count).
    fn summed_tails(&self, count: f64) -> Tails {
        let mut sum = MassSum::new(self);
        while sum.count < count {
            sum.advance();
        }
        let lower = sum.lower();
        Tails {
            lower,
            upper: 1.0 - lower,
        }
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
    ///
    /// Small means are summed up to it once. Elsewhere the search begins where a skewed normal distribution has its
    /// quantile: three or four tails, where halving the whole range took a dozen.
    #[must_use]
    pub fn quantile(&self, probability: f64) -> f64 {
        let [low, high] = match self.sum_up_to(probability) {
            Ok(found) => found,
            Err(reached) => self.search(probability, reached),
        };
        let part = if high.lower > low.lower {
            (probability - low.lower) / (high.lower - low.lower)
        } else {
            1.0
        };
        low.count + part.clamp(0.0, 1.0) * (high.count - low.count)
    }

    /// The counts beside the quantile, by adding up masses; where that is not how [`NegativeBinomial::tails`] are found, the
    /// count it came to.
    fn sum_up_to(&self, probability: f64) -> Result<[Point; 2], f64> {
        let mut last = Point::default();
        if self.mean >= EXACT_BELOW && self.size >= 2.0 {
            return Err(last.count);
        }
        let mut sum = MassSum::new(self);
        while sum.count < SUMMED_BELOW {
            let point = Point {
                count: sum.count,
                lower: sum.lower(),
            };
            if point.lower >= probability {
                return Ok([if point.count == 0.0 { point } else { last }, point]);
            }
            if 1.0 - point.lower <= LEAST_SUMMED_UPPER {
                break;
            }
            last = point;
            sum.advance();
        }
        Err(last.count)
    }

    /// The counts beside the quantile, which is no less than `least`.
    fn search(&self, probability: f64, least: f64) -> [Point; 2] {
        let deviation = crate::special::normal_quantile(probability).clamp(-30.0, 30.0);
        let spread = libm::sqrt(self.variance());
        let most =
            (self.mean + (deviation.abs() + 4.0) * (spread + self.dispersion) * 4.0 + 4.0).ceil();
        let start = cornish_fisher(self.mean, self.dispersion, deviation).floor();
        let (mut low, mut high) = (None, None);
        first_reached(start, least..=most, NEIGHBOURS, |count| {
            let lower = self.tails(count).lower;
            let side = if lower >= probability {
                &mut high
            } else {
                &mut low
            };
            *side = Some(Point { count, lower });
            lower >= probability
        });
        let any = low.or(high).unwrap_or_default();
        [low.unwrap_or(any), high.unwrap_or(any)]
    }
}

/// A count and its lower mid-p tail.
#[derive(Clone, Copy, Debug, Default)]
struct Point {
    count: f64,
    lower: f64,
}

/// P(0) + P(1) + … by the recurrence of the masses.
struct MassSum {
    ratio: f64,
    scaled_mean: f64,
    mass: f64,
    below: f64,
    count: f64,
}

impl MassSum {
    fn new(of: &NegativeBinomial) -> MassSum {
        let excess = of.dispersion - 1.0;
        let zero = if excess < 1e-5 {
            -of.mean
        } else {
            -of.size * ln(of.dispersion)
        };
        MassSum {
            ratio: excess / of.dispersion,
            // size × ratio stays finite in the Poisson limit.
            scaled_mean: of.mean / of.dispersion,
            mass: exp(zero),
            below: 0.0,
            count: 0.0,
        }
    }

    fn advance(&mut self) {
        self.below += self.mass;
        self.mass *= (self.scaled_mean + self.count * self.ratio) / (self.count + 1.0);
        self.count += 1.0;
    }

    /// P(Y < count) + P(Y = count)/2.
    fn lower(&self) -> f64 {
        (self.below + 0.5 * self.mass).clamp(0.0, 1.0)
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

    /// By halving the whole range, as it was done first.
    fn halved(distribution: &NegativeBinomial, probability: f64) -> f64 {
        let lower = |count: f64| distribution.tails(count).lower;
        if lower(0.0) >= probability {
            return 0.0;
        }
        let (mut low, mut high) = (0.0, 64.0 + 2.0 * distribution.mean);
        while lower(high) < probability {
            high *= 2.0;
        }
        while high - low > 1.0 + 1e-9 * high {
            let middle = f64::floor(0.5 * (low + high));
            if lower(middle) < probability {
                low = middle;
            } else {
                high = middle;
            }
        }
        let part = (probability - lower(low)) / (lower(high) - lower(low));
        low + part * (high - low)
    }

    #[test]
    fn quantile_inverts_the_lower_tail_on_every_branch() {
        for mean in [
            0.01, 0.5, 7.0, 20.0, 29.9, 30.1, 75.0, 300.0, 599.0, 9e3, 1e6,
        ] {
            for dispersion in [1.0, 1.5, 2.0, 4.0, 16.0, 40.0, 400.0] {
                let distribution = NegativeBinomial::new(mean, dispersion);
                for probability in [1e-6, 0.005, 0.025, 0.3, 0.5, 0.9, 0.975, 0.999_999] {
                    let found = distribution.quantile(probability);
                    let expected = halved(&distribution, probability);
                    assert!(
                        (found - expected).abs() <= 1e-9 * expected.max(1.0),
                        "mean {mean} dispersion {dispersion} at {probability}: {found} {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn quantiles_at_the_ends_are_finite() {
        for (mean, dispersion) in [(1e-9, 1.0), (5.0, 3.0), (500.0, 80.0), (1e9, 1e6)] {
            let distribution = NegativeBinomial::new(mean, dispersion);
            for probability in [f64::NAN, -1.0, 0.0, 1e-300, 1.0 - 1e-12, 1.0, 2.0] {
                let found = distribution.quantile(probability);
                assert!(
                    found.is_finite() && found >= 0.0,
                    "{mean} {probability}: {found}"
                );
            }
        }
    }
}
