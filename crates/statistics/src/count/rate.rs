//! The gamma distribution of a rate behind a log-linear predictor, and its conjugate update.
//!
//! Matching is that of West, Harrison and Migon (1985, section 3): E ln λ and Var ln λ are the predictor's mean and variance.
//! From a shape of ten on exp ψ(α) = α − 1/2 + 1/(24α) + 1/(48α²) holds to 1e-6, which spares two logarithms per model.
//! Where the shape is smaller, a table of [`Matching`] stands for Newton's method: a model needs twelve matchings a bucket.

use crate::elementary::{exp, ln};
use crate::special::{digamma, inverse_trigamma, trigamma, trigamma_and_slope};

/// Shapes from here on have a short form of exp ψ.
const LARGE_SHAPE: f64 = 10.0;
/// Nodes of the table per doubling of the variance, as a power of two.
const NODE_BITS: u32 = 5;
/// The table reaches from 2^−5 to 2^6.
const FIRST_EXPONENT: i64 = -5;
const DOUBLINGS: i64 = 11;
/// From this variance on the table is used: below it the expansion of [`inverse_trigamma`] is cheaper.
const TABLE_FROM: f64 = 0.05;
const TABLE_TO: f64 = 64.0;

/// Shape and exp ψ(shape) by the variance of the logarithm, with their slopes.
#[derive(Clone, Debug)]
pub(crate) struct Matching {
    /// Shape, its slope, exp ψ(shape), its slope.
    nodes: Vec<[f64; 4]>,
}

impl Matching {
    pub(crate) fn new() -> Self {
        let nodes = (0..=DOUBLINGS << NODE_BITS)
            .map(|node| {
                let bits = (((1023 + FIRST_EXPONENT) << NODE_BITS) + node) as u64;
                Self::node(f64::from_bits(bits << (52 - NODE_BITS)))
            })
            .collect();
        Self { nodes }
    }

    fn node(variance: f64) -> [f64; 4] {
        let mut shape = inverse_trigamma(variance);
        for _ in 0..3 {
            let (value, slope) = trigamma_and_slope(shape);
            shape += value * (1.0 - value / variance) / slope;
        }
        let (_, slope) = trigamma_and_slope(shape);
        let centre = exp(digamma(shape));
        [shape, 1.0 / slope, centre, centre * variance / slope]
    }

    /// Shape and exp ψ(shape), to 1e-7 of themselves within the table (cubic Hermite interpolation).
    #[inline]
    fn at(&self, variance: f64) -> (f64, f64) {
        if !(TABLE_FROM..TABLE_TO).contains(&variance) {
            let shape = inverse_trigamma(variance);
            // A very small shape has exp ψ = 0: its mean is all tail.
            return (shape, exp_digamma(shape).max(1e-290));
        }
        let bits = variance.to_bits();
        let first = ((1023 + FIRST_EXPONENT) as u64) << NODE_BITS;
        let index = ((bits >> (52 - NODE_BITS)) - first) as usize;
        let [left, right] = [&self.nodes[index], &self.nodes[index + 1]];
        let below = (1_u64 << (52 - NODE_BITS)) - 1;
        let part = (bits & below) as f64 * (1.0 / (below + 1) as f64);
        let width = f64::from_bits(bits & (0x7ff << 52)) * (1.0 / f64::from(1 << NODE_BITS));
        let between = |value: usize| {
            let rise = right[value] - left[value];
            let (start, end) = (left[value + 1] * width, right[value + 1] * width);
            let square = 3.0 * rise - 2.0 * start - end;
            left[value] + part * (start + part * (square + part * (start + end - 2.0 * rise)))
        };
        (between(0), between(2))
    }
}

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

/// exp ψ(shape) of a shape that is not small.
fn exp_digamma_of_large(shape: f64) -> f64 {
    let inverse = 1.0 / shape;
    shape - 0.5 + inverse * (1.0 / 24.0 + inverse * (1.0 / 48.0))
}

fn exp_digamma(shape: f64) -> f64 {
    if shape >= LARGE_SHAPE {
        exp_digamma_of_large(shape)
    } else {
        exp(digamma(shape))
    }
}

/// ψ(shape) − ln(divisor), by one logarithm and one division: ψ(x) = ψ(x + n) − Σ 1/(x + i).
fn digamma_less_ln(shape: f64, divisor: f64) -> f64 {
    let mut shifted = shape.max(1e-300);
    let (mut numerator, mut denominator) = (0.0, 1.0);
    while shifted < LARGE_SHAPE {
        numerator = numerator * shifted + denominator;
        denominator *= shifted;
        shifted += 1.0;
    }
    ln(exp_digamma_of_large(shifted) / divisor) - numerator / denominator
}

impl Rate {
    #[inline]
    pub(crate) fn new(matching: &Matching, location: f64, variance: f64) -> Self {
        let location = location.clamp(-25.0, 30.0);
        let (shape, centre) = matching.at(variance);
        let mean = (exp(location) * (shape / centre).min(1e12)).min(1e15);
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
    #[inline]
    pub(crate) fn new(rate: &Rate, observed: f64, worth: f64) -> Self {
        let gained = worth * observed;
        let growth = 1.0 + worth * rate.mean / rate.shape;
        // A zero leaves the shape, and so the variance of the logarithm, as it was.
        if gained == 0.0 {
            return Self {
                shift: -ln(growth) / rate.variance,
                loss: 0.0,
            };
        }
        let shape = rate.shape + gained;
        let location = digamma_less_ln(shape, rate.centre * growth);
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
        let matching = Matching::new();
        for variance in [
            1e-4, 0.03, 0.049, 0.0501, 0.1, 0.5, 0.999_999, 1.0, 4.0, 9.3, 63.99,
        ] {
            let rate = Rate::new(&matching, 1.3, variance);
            let scale = rate.mean / rate.shape;
            assert!(
                (digamma(rate.shape) + scale.ln() - 1.3).abs() < 1e-5,
                "{variance}"
            );
            assert!(
                (trigamma(rate.shape) / variance - 1.0).abs() < 1e-4,
                "{variance}"
            );
        }
    }

    #[test]
    fn the_table_is_the_inverse_to_seven_digits() {
        let matching = Matching::new();
        let mut variance = TABLE_FROM;
        while variance < TABLE_TO {
            let (shape, centre) = matching.at(variance);
            assert!(
                (trigamma(shape) / variance - 1.0).abs() < 3e-7,
                "{variance}"
            );
            assert!((ln(centre) - digamma(shape)).abs() < 1e-6, "{variance}");
            variance *= 1.013;
        }
    }

    #[test]
    fn update_is_the_gamma_posterior() {
        for (variance, observed) in [(0.2, 6.0), (0.2, 0.0), (3.0, 1.0), (3.0, 0.0), (1e-3, 8.0)] {
            let rate = Rate::new(&Matching::new(), 0.7, variance);
            let (shape, inverse_scale) = (rate.shape, rate.shape / rate.mean);
            let posterior = Posterior::new(&rate, observed, 0.5);
            let expected = digamma(shape + 0.5 * observed) - (inverse_scale + 0.5).ln();
            assert!((0.7 + posterior.shift * variance - expected).abs() < 1e-4);
            let after = variance - posterior.loss * variance * variance;
            assert!((after / trigamma(shape + 0.5 * observed) - 1.0).abs() < 1e-4);
        }
    }
}
