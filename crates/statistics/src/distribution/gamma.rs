//! The gamma distribution and the digamma function.

use libm::{exp, log};

use super::incomplete::incomplete_gamma;

/// ψ(x), the derivative of ln Γ, for x > 0: lifted above 10 by recurrence, then the asymptotic series
/// (Abramowitz and Stegun 6.3.5 and 6.3.18). Absolute error below 1e-14 away from the pole at 0.
pub fn digamma(x: f64) -> f64 {
    let mut lifted = x;
    let mut sum = 0.0;
    while lifted < 10.0 {
        sum -= 1.0 / lifted;
        lifted += 1.0;
    }
    let square = 1.0 / (lifted * lifted);
    let series = square
        * (1.0 / 12.0
            - square
                * (1.0 / 120.0
                    - square * (1.0 / 252.0 - square * (1.0 / 240.0 - square * (1.0 / 132.0)))));
    sum + log(lifted) - 0.5 / lifted - series
}

/// The `probability` quantile of a gamma distribution with this shape and rate 1, by bisection of its
/// logarithm. Not a number for a shape that is not positive or a probability outside [0, 1].
pub fn gamma_quantile(probability: f64, shape: f64) -> f64 {
    if !(shape > 0.0 && (0.0..=1.0).contains(&probability)) {
        return f64::NAN;
    }
    let is_below = |ln_x: f64| {
        let tails = incomplete_gamma(shape, exp(ln_x));
        if probability <= 0.5 {
            tails.lower < probability
        } else {
            tails.upper > 1.0 - probability
        }
    };
    let (mut low, mut high) = (-700.0, 700.0);
    for _ in 0..70 {
        let middle = 0.5 * (low + high);
        if is_below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    exp(0.5 * (low + high))
}
