//! From a predicted count to an upper bound and a p-value.

use libm::{cbrt, exp, pow, sqrt};

use crate::distribution::{CountDistribution, normal_quantile, normal_upper};

use super::model::Prediction;

/// An upper bound and how surprising the observed count is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bound {
    pub upper: f64,
    pub p_value: f64,
}

/// Normal bound on the 2/3 power, which makes the skewness small (Farrington 1996, section 3.7).
///
/// `normal_score` is the quantile of the standard normal to use.
pub(super) fn two_thirds_bound(prediction: &Prediction, normal_score: f64, observed: f64) -> Bound {
    let mean = prediction.mean;
    // Variance of count less prediction, over the mean.
    let spread =
        prediction.dispersion + mean * prediction.predictor_error * prediction.predictor_error;
    let factor = 1.0 + 2.0 / 3.0 * normal_score * sqrt(spread / mean);
    let upper = if factor > 0.0 {
        mean * pow(factor, 1.5)
    } else {
        0.0
    };
    let deviation = 2.0 / 3.0 * sqrt(cbrt(mean)) * sqrt(spread);
    let distance = pow(cbrt(observed), 2.0) - pow(cbrt(mean), 2.0);
    Bound {
        upper,
        p_value: normal_upper(distance / deviation),
    }
}

/// Quantile of the negative binomial around the expected count (Noufaily 2013).
pub(super) fn plug_in_bound(prediction: &Prediction, alpha: f64, observed: f64) -> Option<Bound> {
    negative_binomial_bound(prediction.mean, prediction.dispersion, alpha, observed)
}

/// The same around an upper quantile of the expected count, so that estimation error counts too
/// (Salmon 2016).
pub(super) fn upper_mean_bound(
    prediction: &Prediction,
    alpha: f64,
    observed: f64,
) -> Option<Bound> {
    let mean =
        exp(prediction.predictor + normal_quantile(1.0 - alpha) * prediction.predictor_error);
    negative_binomial_bound(mean, prediction.dispersion, alpha, observed)
}

fn negative_binomial_bound(mean: f64, dispersion: f64, alpha: f64, observed: f64) -> Option<Bound> {
    let distribution = CountDistribution::new(mean, dispersion)?;
    Some(Bound {
        upper: distribution.quantile(1.0 - alpha),
        p_value: distribution.at_least(observed),
    })
}
