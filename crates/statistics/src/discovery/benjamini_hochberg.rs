//! The step-up procedure of Benjamini and Hochberg, plain and weighted.
//!
//! Decision: a hypothesis is rejected exactly when its adjusted p-value (q-value) is at most `q`, and the
//! threshold is read off from that. Comparing `p ≤ q·k/m` instead is the same rule on paper, but rounds
//! differently, so that a page showing q-values could contradict the alert beside it.
//!
//! Sources: Benjamini and Hochberg 1995 (J. R. Statist. Soc. B 57, 289–300); weights after Genovese,
//! Roeder and Wasserman 2006 (Biometrika 93, 509–524): `p/w` in place of `p`, weights of mean one.

use super::sane_p_value;

/// Why a weighted step-up could not be run. All of these are mistakes of the caller, not of the data.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DiscoveryError {
    /// There is not one weight for each p-value.
    #[error(
        "weighted Benjamini–Hochberg was given {p_values} p-values but {weights} weights: give one weight a p-value"
    )]
    LengthsDiffer {
        /// Number of p-values given.
        p_values: usize,
        /// Number of weights given.
        weights: usize,
    },
    /// A weight is negative, infinite or not a number.
    #[error("weight {weight} at place {place} cannot be used: weights are finite and at least 0")]
    WeightOutOfRange {
        /// Place of the weight in the slice, from 0.
        place: usize,
        /// The weight as given.
        weight: f64,
    },
    /// Every weight is zero, so no hypothesis could ever be rejected.
    #[error("all weights are 0: at least one must be positive")]
    AllWeightsZero,
}

/// What the step-up decided.
#[derive(Debug, Clone, PartialEq)]
pub struct BenjaminiHochberg {
    /// The largest p-value rejected (for the weighted form: the largest `p/w`), or 0 when none is.
    pub threshold: f64,
    /// Adjusted p-values (q-values) in the order of the input, each in [0, 1].
    pub adjusted: Vec<f64>,
    /// Which hypotheses are rejected, in the order of the input.
    pub rejected: Vec<bool>,
}

impl BenjaminiHochberg {
    /// How many hypotheses are rejected.
    pub fn discoveries(&self) -> usize {
        self.rejected.iter().filter(|rejected| **rejected).count()
    }
}

/// Benjamini–Hochberg at false-discovery rate `q` over all `p_values` at once.
///
/// `q` outside [0, 1] is held to that range; with `q` = 0 only p-values of exactly 0 are rejected. A
/// p-value that is not a number counts as 1. An empty slice gives an empty answer.
pub fn benjamini_hochberg(p_values: &[f64], q: f64) -> BenjaminiHochberg {
    step_up(p_values.iter().copied().map(sane_p_value).collect(), q)
}

/// The weighted form: hypotheses with a larger weight need less evidence.
///
/// Weights are scaled here to mean one, so only their proportions matter. Weight 0 means never rejected.
///
/// # Errors
/// [`DiscoveryError`] when the lengths differ, a weight is negative or not finite, or all weights are 0.
pub fn weighted_benjamini_hochberg(
    p_values: &[f64],
    weights: &[f64],
    q: f64,
) -> Result<BenjaminiHochberg, DiscoveryError> {
    if p_values.len() != weights.len() {
        return Err(DiscoveryError::LengthsDiffer {
            p_values: p_values.len(),
            weights: weights.len(),
        });
    }
    if let Some((place, &weight)) = weights
        .iter()
        .enumerate()
        .find(|(_, w)| !w.is_finite() || **w < 0.0)
    {
        return Err(DiscoveryError::WeightOutOfRange { place, weight });
    }
    // Scaled by the largest first, so that a sum of huge weights cannot overflow.
    let largest = weights.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 {
        return if weights.is_empty() {
            Ok(step_up(Vec::new(), q))
        } else {
            Err(DiscoveryError::AllWeightsZero)
        };
    }
    let mean = weights.iter().map(|w| w / largest).sum::<f64>() / weights.len() as f64;
    let weighted = p_values
        .iter()
        .zip(weights)
        .map(|(&p, &w)| {
            if w == 0.0 {
                f64::INFINITY
            } else {
                sane_p_value(p) / (w / largest / mean)
            }
        })
        .collect();
    Ok(step_up(weighted, q))
}

/// The step-up itself; `p_values` are at least 0 and may exceed 1 after weighting.
fn step_up(p_values: Vec<f64>, q: f64) -> BenjaminiHochberg {
    let q = if q.is_nan() { 0.0 } else { q.clamp(0.0, 1.0) };
    let tests = p_values.len();
    let mut order: Vec<usize> = (0..tests).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));

    // From the largest p downwards, the running minimum of p·m/k. Ties share the minimum of their last
    // rank, hence one adjusted value for all of them.
    let mut adjusted = vec![1.0; tests];
    let mut running = 1.0_f64;
    for (rank, &place) in order.iter().enumerate().rev() {
        let scaled = p_values[place] * tests as f64 / (rank + 1) as f64;
        running = running.min(scaled);
        adjusted[place] = running;
    }
    // A weight of 0 made p infinite: such a hypothesis must stay out even at q = 1.
    let rejected: Vec<bool> = p_values
        .iter()
        .zip(&adjusted)
        .map(|(p, a)| p.is_finite() && *a <= q)
        .collect();
    let threshold = p_values
        .iter()
        .zip(&rejected)
        .filter(|(_, rejected)| **rejected)
        .map(|(p, _)| *p)
        .fold(0.0, f64::max);
    BenjaminiHochberg {
        threshold,
        adjusted,
        rejected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The fifteen p-values of Benjamini and Hochberg 1995, section 3.2: four rejections at 0.05.
    const PAPER: [f64; 15] = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
        0.5719, 0.6528, 0.7590, 1.0000,
    ];

    #[test]
    fn rejects_the_four_of_the_paper() {
        let answer = benjamini_hochberg(&PAPER, 0.05);
        assert_eq!(answer.discoveries(), 4);
        assert_eq!(answer.threshold, 0.0095);
        // p.adjust(PAPER, "BH") in R 4.2.2.
        let expected = [
            0.0015,
            0.003,
            0.0095,
            0.035625,
            0.0603,
            0.063_857_142_857_142_86,
            0.063_857_142_857_142_86,
            0.0645,
        ];
        for (got, want) in answer.adjusted.iter().zip(expected) {
            assert!((got - want).abs() < 1e-12, "{got} {want}");
        }
    }

    #[test]
    fn empty_and_broken_inputs_do_no_harm() {
        assert_eq!(benjamini_hochberg(&[], 0.1).threshold, 0.0);
        let answer = benjamini_hochberg(&[f64::NAN, 1e-9, f64::NAN], 0.1);
        assert_eq!(answer.rejected, [false, true, false]);
        assert_eq!(answer.adjusted[0], 1.0);
        assert!(
            benjamini_hochberg(&[0.01], f64::NAN)
                .rejected
                .iter()
                .all(|r| !r)
        );
    }

    #[test]
    fn equal_weights_change_nothing_and_zero_weights_never_reject() {
        let plain = benjamini_hochberg(&PAPER, 0.05);
        let weighted = weighted_benjamini_hochberg(&PAPER, &[3.0; 15], 0.05).unwrap();
        assert_eq!(plain.rejected, weighted.rejected);
        let answer = weighted_benjamini_hochberg(&[0.0, 0.0], &[0.0, 1.0], 1.0).unwrap();
        assert_eq!(answer.rejected, [false, true]);
    }

    #[test]
    fn bad_weights_are_refused() {
        assert_eq!(
            weighted_benjamini_hochberg(&[0.1], &[], 0.1),
            Err(DiscoveryError::LengthsDiffer {
                p_values: 1,
                weights: 0
            })
        );
        assert!(matches!(
            weighted_benjamini_hochberg(&[0.1, 0.2], &[1.0, f64::NAN], 0.1),
            Err(DiscoveryError::WeightOutOfRange { place: 1, .. })
        ));
        assert_eq!(
            weighted_benjamini_hochberg(&[0.1], &[0.0], 0.1),
            Err(DiscoveryError::AllWeightsZero)
        );
        assert!(weighted_benjamini_hochberg(&[], &[], 0.1).is_ok());
        assert!(
            weighted_benjamini_hochberg(&[0.1, 0.2], &[f64::MAX, f64::MAX], 0.5)
                .unwrap()
                .discoveries()
                == 2
        );
    }

    proptest! {
        #[test]
        fn order_does_not_matter_and_ties_agree(
            mut values in prop::collection::vec(0u32..50, 1..60), q in 0.0..1.0f64
        ) {
            let to_p = |values: &[u32]| values.iter().map(|v| f64::from(*v) / 200.0).collect::<Vec<_>>();
            let first = benjamini_hochberg(&to_p(&values), q);
            let mut by_value = std::collections::BTreeMap::new();
            for (value, adjusted) in values.iter().zip(&first.adjusted) {
                prop_assert_eq!(*by_value.entry(*value).or_insert(*adjusted), *adjusted);
            }
            values.reverse();
            let mut second = benjamini_hochberg(&to_p(&values), q);
            second.adjusted.reverse();
            second.rejected.reverse();
            prop_assert_eq!(first, second);
        }

        #[test]
        fn agrees_with_the_textbook_rule(p in prop::collection::vec(0.0..1.0f64, 1..80), q in 0.01..0.5f64) {
            let mut sorted = p.clone();
            sorted.sort_by(f64::total_cmp);
            let m = p.len() as f64;
            let count = (1..=p.len()).rev().find(|&k| sorted[k - 1] <= q * k as f64 / m).unwrap_or(0);
            prop_assert_eq!(benjamini_hochberg(&p, q).discoveries(), count);
        }
    }
}
