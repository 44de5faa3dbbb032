//! Evidence over time: a Shiryaev–Roberts mixture over recent onsets, made a p-value.
//!
//! Decision: likelihood ratios of window sums in normal scores. The sum over one, two or three buckets has a known
//! distribution under the forecast, its mid-p tail becomes a normal score, and the flat three-bucket onset
//! mixture (Shiryaev 1963, Roberts 1966) is taken over these scores and over sizes of change. In scores the null
//! distribution hardly depends on mean and dispersion, so one small table makes it a p-value, for counts, shares
//! and means alike. CUSUM and GLR need a tuned shift and limit for each series.

mod onset;
mod table;

use crate::elementary::{exp, ln};
use crate::judgement::Judgement;
use crate::special::normal_quantile;
pub use onset::{
    Direction, Memory, OnsetCell, OnsetMixtures, OnsetNull, OnsetRatios, ln_mixtures, ln_ratios,
};
use table::{ln_tail_of_mixture, tail_of_combination};

/// Longest window, in buckets.
pub const WINDOWS: usize = 3;

/// Tail probabilities of the sums over the last one, two and three observed buckets.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    /// Small when the sum is low.
    pub lower: [f64; WINDOWS],
    /// Small when the sum is high.
    pub upper: [f64; WINDOWS],
}

/// Evidence over time in both directions.
#[derive(Clone, Copy, Debug)]
pub struct Sequential {
    /// p-value of an excess.
    pub p_up: f64,
    /// p-value of a deficit.
    pub p_down: f64,
    /// Likelihood ratios of an excess against none, for each window.
    pub ratio_up: [f64; WINDOWS],
    /// Likelihood ratios of a deficit against none, for each window.
    pub ratio_down: [f64; WINDOWS],
}

/// Likelihood ratio of a shift of the score, averaged over shifts of 1.5, 3, 4.5 and 6 standard deviations.
fn shift_ratio(score: f64) -> f64 {
    let unit = exp(1.5 * score.clamp(-37.0, 37.0));
    let mixture = 0.324_652_467_358_349_6
        + unit
            * (0.011_108_996_538_242_306
                + unit * (4.006_529_739_295_107e-5 + unit * 1.522_997_974_471_263e-8));
    0.25 * unit * mixture
}

impl Sequential {
    /// From the tails of the windows.
    pub fn new(windows: &Windows) -> Self {
        // The smaller tail keeps its digits; the other score is its mirror image.
        let scores: [f64; WINDOWS] = std::array::from_fn(|window| {
            if windows.upper[window] < windows.lower[window] {
                -normal_quantile(windows.upper[window])
            } else {
                normal_quantile(windows.lower[window])
            }
        });
        let ratio_up = scores.map(shift_ratio);
        let ratio_down = scores.map(|score| shift_ratio(-score));
        let p_value = |ratios: &[f64; WINDOWS]| {
            exp(ln_tail_of_mixture(ln(
                ratios.iter().sum::<f64>() / WINDOWS as f64
            )))
        };
        Self {
            p_up: p_value(&ratio_up),
            p_down: p_value(&ratio_down),
            ratio_up,
            ratio_down,
        }
    }

    /// No evidence.
    pub fn none() -> Self {
        Self {
            p_up: 0.5,
            p_down: 0.5,
            ratio_up: [1.0; WINDOWS],
            ratio_down: [1.0; WINDOWS],
        }
    }

    /// One p-value from this bucket's tail and the evidence over time: the smaller, corrected for having chosen.
    pub fn combine(bucket: f64, sequential: f64) -> f64 {
        tail_of_combination(bucket.min(sequential).max(1e-300)).min(1.0)
    }

    /// This bucket and the evidence over time as one judgement.
    pub fn judgement(&self, bucket: &Judgement) -> Judgement {
        Judgement::from_tails(
            Self::combine(bucket.p_lower, self.p_down),
            Self::combine(bucket.p_upper, self.p_up),
        )
    }
}

/// Posterior probability that nothing happened, given the largest likelihood ratio for a burst.
pub fn in_control(burst_probability: f64, ratio: f64) -> f64 {
    let odds = burst_probability / (1.0 - burst_probability) * ratio;
    1.0 / (1.0 + odds)
}

/// What hindsight says about a bucket that has waited.
#[derive(Clone, Copy, Debug)]
pub struct Hindsight {
    /// Weight in learning: the probability that it was in control, or 1 after a run too long for a burst.
    pub weight: f64,
    /// The run was too long for a burst: this is a new level, loosen the old one.
    pub new_level: bool,
    /// The run goes on after that: the level is still on its way.
    pub going_on: bool,
}

/// Weighs a bucket by its suspicion and keeps count of the run of suspicious buckets on the same side.
pub fn hindsight(
    run: &mut f32,
    suspicion: f32,
    upward: bool,
    burst_probability: f64,
    burst_buckets: f64,
) -> Hindsight {
    let weight = in_control(burst_probability, exp(f64::from(suspicion).min(600.0)));
    if weight >= 0.5 {
        *run *= 0.5;
        return Hindsight {
            weight,
            new_level: false,
            going_on: false,
        };
    }
    let direction = if upward { 1.0 } else { -1.0 };
    *run = if *run * direction > 0.0 {
        *run + direction
    } else {
        direction
    };
    let length = f64::from(run.abs());
    if length <= burst_buckets {
        return Hindsight {
            weight,
            new_level: false,
            going_on: false,
        };
    }
    // A change that goes on and on stays learnt in full; the level breaks once.
    Hindsight {
        weight: 1.0,
        new_level: length <= burst_buckets + 1.0,
        going_on: true,
    }
}

/// ln of the larger likelihood ratio of a window, and whether it speaks for an excess.
pub(crate) fn suspicion(sequential: &Sequential, window: usize) -> (f32, bool) {
    stronger(
        ln(sequential.ratio_up[window]),
        ln(sequential.ratio_down[window]),
    )
}

/// The larger of two ln ratios, and whether it is the first.
pub(crate) fn stronger(ln_up: f64, ln_down: f64) -> (f32, bool) {
    (ln_up.max(ln_down).clamp(-1e3, 1e3) as f32, ln_up >= ln_down)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shift_ratio_is_the_mixture_of_normal_likelihood_ratios() {
        for score in [-3.0, 0.0, 2.5, 6.0] {
            let expected: f64 = [1.5, 3.0, 4.5, 6.0]
                .iter()
                .map(|shift: &f64| (shift * score - 0.5 * shift * shift).exp())
                .sum();
            assert!((shift_ratio(score) / (0.25 * expected) - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn p_values_fall_with_the_tail() {
        let mut last = 1.0;
        for exponent in 1..60 {
            let upper = 0.5_f64.powi(exponent);
            let windows = Windows {
                lower: [1.0 - upper; WINDOWS],
                upper: [upper; WINDOWS],
            };
            let sequential = Sequential::new(&windows);
            assert!(sequential.p_up < last && sequential.p_up > 0.0);
            assert!(Sequential::combine(upper, sequential.p_up) >= upper.min(sequential.p_up));
            last = sequential.p_up;
        }
    }
}
