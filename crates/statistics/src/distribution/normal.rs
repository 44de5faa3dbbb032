//! The standard normal distribution.

use libm::{erfc, exp, log, sqrt};

/// P(Z > z).
pub fn normal_upper(z: f64) -> f64 {
    0.5 * erfc(z / std::f64::consts::SQRT_2)
}

/// P(Z ≤ z).
pub fn normal_lower(z: f64) -> f64 {
    normal_upper(-z)
}

/// The `probability` quantile: start of Abramowitz and Stegun 26.2.23, then three steps of Halley.
///
/// Exact to a few units in the last place. −∞ at 0, ∞ at 1, not a number outside [0, 1].
pub fn normal_quantile(probability: f64) -> f64 {
    if probability > 0.5 {
        return -normal_quantile_below_half(1.0 - probability);
    }
    normal_quantile_below_half(probability)
}

fn normal_quantile_below_half(probability: f64) -> f64 {
    if !(0.0..=0.5).contains(&probability) {
        return f64::NAN;
    }
    if probability == 0.0 {
        return f64::NEG_INFINITY;
    }
    // Asymptotic start good to 4.5e-4 (Abramowitz and Stegun 26.2.23).
    let t = sqrt(-2.0 * log(probability));
    let numerator = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let denominator = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut z = numerator / denominator - t;
    for _ in 0..3 {
        let density = exp(-0.5 * z * z) / sqrt(2.0 * std::f64::consts::PI);
        if density == 0.0 {
            break;
        }
        let error = (normal_lower(z) - probability) / density;
        z -= error / (1.0 + 0.5 * z * error);
    }
    z
}
