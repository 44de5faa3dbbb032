//! The gamma distribution of a rate behind a log-linear predictor, and its conjugate update.
//!
//! Matching is that of West, Harrison and Migon (1985, section 3): E ln λ and Var ln λ are the predictor's mean and variance.
//! From a shape of ten on exp ψ(α) = α − 1/2 + 1/(24α) + 1/(48α²) holds to 1e-6, which spares two logarithms per model.

use crate::special::{digamma, inverse_trigamma, trigamma};

/// The gamma distribution of one model's rate.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rate {
    /// Variance of the predictor.
    variance: f64,
    pub(crate) shape: f64,
    /// exp ψ(shape).
    centre: f64,
    pub(crate) mean: f64,
}

/// exp ψ(shape).
fn exp_digamma(shape: f64) -> f64 {
    if shape >= 10.0 {
        let inverse = 1.0 / shape;
        shape - 0.5 + inverse * (1.0 / 24.0 + inverse / 48.0)
    } else {
        libm::exp(digamma(shape))
    }
}

impl Rate {
    pub(crate) fn new(location: f64, variance: f64) -> Self {
        let location = location.clamp(-25.0, 30.0);
        let shape = inverse_trigamma(variance);
        // A very small shape has exp ψ = 0: its mean is all tail.
        let centre = exp_digamma(shape).max(1e-290);
        let mean = (libm::exp(location) * (shape / centre).min(1e12)).min(1e15);
        Self {
            variance,
            shape,
            centre,
            mean,
        }
    }
}

/// The posterior of one model's rate after a bucket, as a change of its predictor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Posterior {
    /// Change of the predictor's mean over its variance.
    pub(crate) shift: f64,
    /// Relative loss of its variance, over its variance.
    pub(crate) loss: f64,
}

impl Posterior {
    /// Average over models with weights that sum to one.
    pub(crate) fn average(updates: impl Iterator<Item = (Self, f64)>) -> Self {
        updates.fold(
            Self {
                shift: 0.0,
                loss: 0.0,
            },
            |sum, (update, weight)| Self {
                shift: sum.shift + weight * update.shift,
                loss: sum.loss + weight * update.loss,
            },
        )
    }

    /// `worth` is the share of a Poisson bucket's information that this bucket carries: weight / dispersion.
    pub(crate) fn new(rate: &Rate, observed: f64, worth: f64) -> Self {
        let shape = rate.shape + worth * observed;
        let growth = 1.0 + worth * rate.mean / rate.shape;
        let location = libm::log(exp_digamma(shape).max(1e-290) / (rate.centre * growth));
        let remaining = (trigamma(shape) / rate.variance).clamp(1e-6, 1.0);
        Self {
            shift: location / rate.variance,
            loss: (1.0 - remaining) / rate.variance,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matching_keeps_mean_and_variance_of_the_logarithm() {
        for variance in [1e-4, 0.03, 0.5, 4.0] {
            let rate = Rate::new(1.3, variance);
            let scale = rate.mean / rate.shape;
            assert!((digamma(rate.shape) + scale.ln() - 1.3).abs() < 1e-5);
            assert!((trigamma(rate.shape) / variance - 1.0).abs() < 1e-4);
        }
    }

    #[test]
    fn update_is_the_gamma_posterior() {
        let rate = Rate::new(0.7, 0.2);
        let (shape, inverse_scale) = (rate.shape, rate.shape / rate.mean);
        let posterior = Posterior::new(&rate, 6.0, 0.5);
        let expected = digamma(shape + 3.0) - (inverse_scale + 0.5).ln();
        assert!((0.7 + posterior.shift * 0.2 - expected).abs() < 1e-4);
        let variance = 0.2 - posterior.loss * 0.04;
        assert!((variance / trigamma(shape + 3.0) - 1.0).abs() < 1e-4);
    }
}
