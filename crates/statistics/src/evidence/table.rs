//! The null distribution of the onset mixture: ln of its tail at the logarithm of the mixture.
//!
//! Quantiles of 20 million buckets of independent normal scores (xorshift128+, fixed seed). Between points a
//! straight line; beyond the last one the tail falls as 1 / mixture, as it must for a likelihood ratio.

use crate::elementary::exp;

/// (ln mixture, ln tail probability), falling.
#[expect(
    clippy::approx_constant,
    reason = "logarithms of round tail probabilities, not constants of nature"
)]
const MIXTURE: [(f64, f64); 31] = [
    (-6.4815, -0.0010),
    (-5.4521, -0.0101),
    (-4.5279, -0.0513),
    (-4.0338, -0.1054),
    (-3.4320, -0.2231),
    (-2.9941, -0.3567),
    (-2.6155, -0.5108),
    (-2.2567, -0.6931),
    (-1.8913, -0.9163),
    (-1.4907, -1.2040),
    (-1.0036, -1.6094),
    (-0.6915, -1.8971),
    (-0.2801, -2.3026),
    (0.0631, -2.6593),
    (0.3772, -2.9957),
    (0.8425, -3.5066),
    (1.2066, -3.9120),
    (1.5254, -4.2687),
    (1.8267, -4.6052),
    (2.1465, -4.9618),
    (2.4470, -5.2983),
    (2.9085, -5.8091),
    (3.2781, -6.2146),
    (3.9083, -6.9078),
    (4.5415, -7.6009),
    (5.3841, -8.5172),
    (6.0306, -9.2103),
    (6.6765, -9.9035),
    (7.5564, -10.8198),
    (8.1852, -11.5129),
    (9.2957, -12.7169),
];

/// ln P(mixture ≥ x) under the null, at ln x.
pub(super) fn ln_tail_of_mixture(ln_mixture: f64) -> f64 {
    interpolate(&MIXTURE, ln_mixture)
}

/// P(smaller of the two p-values ≤ m) under the null, at m: between one and two times m.
pub(super) fn tail_of_combination(smaller: f64) -> f64 {
    /// e^0.47.
    const FACTOR: f64 = 1.599_994_193_217_360_4;
    (FACTOR * smaller).min(libm::sqrt(smaller))
}

/// Straight lines between points; the last slope beyond the end, certainty before the start.
fn interpolate(points: &[(f64, f64)], x: f64) -> f64 {
    let last = points.len() - 1;
    if x <= points[0].0 {
        return (points[0].1 * exp(2.0 * (x - points[0].0))).min(0.0);
    }
    let index = points.partition_point(|point| point.0 <= x).min(last);
    let (left, right) = (points[index - 1], points[index]);
    left.1 + (right.1 - left.1) * (x - left.0) / (right.0 - left.0)
}
