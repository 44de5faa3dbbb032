//! The ratio of variance to mean, learnt online.

use super::coefficients::Scalar;
use super::model::CountModel;
use super::state::CountState;
use crate::elementary::{exp, ln};
use crate::special::digamma;

impl CountModel {
    /// One natural-gradient step on ln(dispersion − 1): the score of the negative binomial over its expected information,
    /// which accumulates with forgetting. Cheaper than a grid, and as good as maximum likelihood once information is there.
    ///
    /// What is not known of the rate adds `uncertainty` to the excess: the score is taken at the sum, and only its own part of
    /// the blame reaches the dispersion. Without this every misfit of a young series becomes dispersion.
    pub(super) fn learn_dispersion(
        &self,
        state: &mut CountState,
        observed: f64,
        mean: f64,
        uncertainty: f64,
        weight: f64,
    ) {
        let location = state.dispersion.mean();
        let own = exp(location);
        let excess = own + uncertainty;
        let part = own / excess;
        let score = score_of_excess(observed, mean, excess) * part;
        let information = information_of_excess(mean, excess) * part * part;
        let score = score.clamp(-20.0, 20.0) * weight;
        let [_, prior_deviation] = self.settings.dispersion_prior;
        let floor = 1.0 / (prior_deviation * prior_deviation);
        let kept =
            floor + self.dispersion_keep * (1.0 / state.dispersion.variance() - floor).max(0.0);
        let total = kept + weight * information;
        let moved = (location + (score / total).clamp(-0.7, 0.7)).clamp(-4.0, 12.0);
        state.dispersion = Scalar::new(moved, 1.0 / total);
    }
}

/// Derivative of the log mass by ln(excess), where dispersion = 1 + excess and size = mean / excess.
fn score_of_excess(observed: f64, mean: f64, excess: f64) -> f64 {
    let dispersion = 1.0 + excess;
    let size = mean / excess;
    if size > 1e5 || observed > 1e5 || size < 1e-6 {
        let pearson = (observed - mean) * (observed - mean) / (mean * dispersion);
        return 0.5 * (pearson - 1.0) * excess / dispersion;
    }
    let gained = if observed < 12.5 {
        let (mut sum, mut index) = (0.0, 0.0);
        while index < observed {
            sum += 1.0 / (size + index);
            index += 1.0;
        }
        sum
    } else {
        digamma(size + observed) - digamma(size)
    };
    -size * (gained - ln(dispersion)) + (observed - mean) / dispersion
}

/// Expected information of one bucket about ln(excess): that of a squared score, lessened where counts are so
/// small that the fourth moment rules.
fn information_of_excess(mean: f64, excess: f64) -> f64 {
    let dispersion = 1.0 + excess;
    let fourth = dispersion * (1.0 + 6.0 * excess * dispersion) / mean;
    excess * excess / (2.0 * dispersion * dispersion + fourth)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::NegativeBinomial;

    #[test]
    fn score_is_the_derivative_of_the_log_mass() {
        for (mean, excess, observed) in [
            (0.3, 0.5, 2.0),
            (5.0, 2.0, 0.0),
            (40.0, 0.2, 55.0),
            (3.0, 7.0, 30.0),
        ] {
            let at = |excess: f64| NegativeBinomial::new(mean, 1.0 + excess).ln_mass(observed);
            let numeric = (at(excess * 1.0001) - at(excess / 1.0001)) / (2.0 * 1.0001_f64.ln());
            let analytic = score_of_excess(observed, mean, excess);
            assert!(
                (numeric - analytic).abs() < 1e-4 * (1.0 + analytic.abs()),
                "{numeric} {analytic}"
            );
        }
    }
}
