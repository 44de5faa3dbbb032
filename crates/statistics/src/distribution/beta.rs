//! The beta distribution.

use super::incomplete::{Tails, incomplete_beta};

/// P(X ≤ x) and P(X > x) for X ~ Beta(alpha, beta); `x` is held in [0, 1].
pub fn beta_cdf(x: f64, alpha: f64, beta: f64) -> Tails {
    incomplete_beta(alpha, beta, if x.is_nan() { x } else { x.clamp(0.0, 1.0) })
}

/// The `probability` quantile of Beta(alpha, beta), by bisection on the smaller tail.
///
/// Bisection and not Newton: it cannot leave [0, 1], and the 1,100 halvings it may take at the very ends
/// are never met inside; about 55 are usual. Not-a-number for parameters or probabilities out of range.
pub fn beta_quantile(probability: f64, alpha: f64, beta: f64) -> f64 {
    if !(alpha > 0.0 && beta > 0.0 && (0.0..=1.0).contains(&probability)) {
        return f64::NAN;
    }
    if probability == 0.0 || probability == 1.0 {
        return probability;
    }
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..1100 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        let tails = incomplete_beta(alpha, beta, middle);
        let is_below = if probability <= 0.5 {
            tails.lower < probability
        } else {
            tails.upper > 1.0 - probability
        };
        if is_below {
            low = middle;
        } else {
            high = middle;
        }
        if high - low <= 1e-16 * high {
            break;
        }
    }
    0.5 * (low + high)
}

/// P(|T| > |t|) for Student's t with `degrees_of_freedom` > 0.
pub fn student_two_sided(t: f64, degrees_of_freedom: f64) -> f64 {
    let square = t * t;
    if square.is_infinite() {
        return 0.0;
    }
    incomplete_beta(
        0.5 * degrees_of_freedom,
        0.5,
        degrees_of_freedom / (degrees_of_freedom + square),
    )
    .lower
}

/// The `probability` quantile of Student's t with `degrees_of_freedom` > 0, for a probability in [0.5, 1).
///
/// By bisection of the logarithm; not a number outside that range.
pub fn student_quantile(probability: f64, degrees_of_freedom: f64) -> f64 {
    if !((0.5..1.0).contains(&probability) && degrees_of_freedom > 0.0) {
        return f64::NAN;
    }
    let both_tails = 2.0 * (1.0 - probability);
    if both_tails == 1.0 {
        return 0.0;
    }
    let (mut low, mut high) = (-100.0_f64, 300.0_f64);
    for _ in 0..70 {
        let middle = 0.5 * (low + high);
        if student_two_sided(libm::exp(middle), degrees_of_freedom) > both_tails {
            low = middle;
        } else {
            high = middle;
        }
    }
    libm::exp(0.5 * (low + high))
}
