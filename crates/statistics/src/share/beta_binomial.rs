//! The beta-binomial distribution by its mean and the correlation between trials.

use crate::count::Tails;
use crate::elementary::exp;
use crate::special::{incomplete_beta, ln_gamma};

/// Above this many trials the sum is replaced by the beta distribution with the same mean and variance.
const EXACT_TRIALS: f64 = 400.0;

/// Successes of `trials` with mean share `mean` and correlation between two trials of the bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BetaBinomial {
    trials: f64,
    mean: f64,
    correlation: f64,
}

impl BetaBinomial {
    /// Mean in (0, 1) and correlation in (0, 1); both are clamped to where the arithmetic is sound.
    #[must_use]
    pub fn new(trials: f64, mean: f64, correlation: f64) -> Self {
        Self {
            trials: trials.max(0.0),
            mean: mean.clamp(1e-9, 1.0 - 1e-9),
            correlation: correlation.clamp(1e-9, 0.999),
        }
    }

    fn shapes(&self) -> (f64, f64) {
        let precision = 1.0 / self.correlation - 1.0;
        (self.mean * precision, (1.0 - self.mean) * precision)
    }

    /// ln P(successes), without the binomial coefficient.
    #[must_use]
    pub fn ln_mass_unnormalised(&self, successes: f64) -> f64 {
        let (first, second) = self.shapes();
        let failures = self.trials - successes;
        ln_gamma(first + successes) - ln_gamma(first) + ln_gamma(second + failures)
            - ln_gamma(second)
            - ln_gamma(first + second + self.trials)
            + ln_gamma(first + second)
    }

    /// Mid-p tails at a number of successes (0 ≤ successes ≤ trials).
    #[must_use]
    pub fn tails(&self, successes: f64) -> Tails {
        if self.trials < 1.0 {
            return Tails {
                lower: 0.5,
                upper: 0.5,
            };
        }
        let successes = successes.clamp(0.0, self.trials);
        if self.trials > EXACT_TRIALS {
            return self.beta_tails(successes);
        }
        // From the end that has mass: the other one underflows.
        if self.mean < 0.5 {
            self.summed_tails(successes)
        } else {
            let mirror = Self {
                mean: 1.0 - self.mean,
                ..*self
            }
            .summed_tails(self.trials - successes);
            Tails {
                lower: mirror.upper,
                upper: mirror.lower,
            }
        }
    }

    fn summed_tails(&self, successes: f64) -> Tails {
        let (first, second) = self.shapes();
        let mut mass = exp(self.ln_mass_unnormalised(0.0));
        let (mut below, mut above, mut at) = (0.0, 0.0, 0.0);
        let mut index = 0.0;
        while index <= self.trials {
            if index < successes {
                below += mass;
            } else if index > successes {
                above += mass;
            } else {
                at = mass;
            }
            let remaining = self.trials - index;
            mass *= remaining * (first + index) / ((index + 1.0) * (second + remaining - 1.0));
            index += 1.0;
            if index > successes && mass < 1e-17 * (above + at) {
                break;
            }
        }
        let total = (below + at + above).max(1e-300);
        Tails {
            lower: (below + 0.5 * at) / total,
            upper: (above + 0.5 * at) / total,
        }
    }

    fn beta_tails(&self, successes: f64) -> Tails {
        // Variance of the share is that of a beta whose correlation is ρ + (1 − ρ)/trials.
        let correlation = self.correlation + (1.0 - self.correlation) / self.trials;
        let (first, second) = Self {
            correlation,
            ..*self
        }
        .shapes();
        let share = successes / self.trials;
        let (lower, upper) = if share > self.mean {
            let upper = incomplete_beta(1.0 - share, second, first);
            (1.0 - upper, upper)
        } else {
            let lower = incomplete_beta(share, first, second);
            (lower, 1.0 - lower)
        };
        Tails { lower, upper }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_case_matches_hand_count() {
        // Uniform beta: every number of successes of 4 is equally likely.
        let distribution = BetaBinomial::new(4.0, 0.5, 1.0 / 3.0);
        let tails = distribution.tails(3.0);
        assert!((tails.upper - 0.3).abs() < 1e-9 && (tails.lower - 0.7).abs() < 1e-9);
    }

    #[test]
    fn sum_and_beta_agree_where_they_meet() {
        for (mean, correlation, share) in [(0.2, 0.01, 0.27), (0.05, 0.002, 0.08), (0.9, 0.03, 0.8)]
        {
            let at = |trials: f64| {
                BetaBinomial::new(trials, mean, correlation)
                    .tails((share * trials).round())
                    .upper
            };
            let (sum, beta) = (
                at(400.0),
                BetaBinomial::new(400.0, mean, correlation)
                    .beta_tails((share * 400.0_f64).round())
                    .upper,
            );
            assert!((sum / beta - 1.0).abs() < 0.25, "{mean}: {sum} {beta}");
        }
    }

    #[test]
    fn tails_are_probabilities_at_the_extremes() {
        for trials in [0.0, 1.0, 399.0, 401.0, 1e9] {
            for mean in [0.0, 1e-6, 0.5, 1.0] {
                for share in [0.0, 0.3, 1.0] {
                    let tails = BetaBinomial::new(trials, mean, 0.01).tails(share * trials);
                    assert!(
                        (0.0..=1.0).contains(&tails.upper) && (0.0..=1.0).contains(&tails.lower)
                    );
                }
            }
        }
    }
}
