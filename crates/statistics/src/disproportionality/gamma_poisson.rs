//! Gamma-Poisson shrinkage: the empirical-Bayes geometric mean of a pair's observed-to-expected ratio.
//!
//! The ratios of all pairs are taken to come from a mixture of two gamma distributions, whose five parameters
//! are fitted by maximum likelihood to the whole table; a pair's own ratio is then its posterior.
//!
//! Sources: DuMouchel 1999 (American Statistician 53, 177–190); squashing after DuMouchel and Pregibon 2001
//! (KDD, 67–76).

use libm::{exp, expm1, lgamma, log, log1p, log2};

use crate::distribution::{digamma, incomplete_gamma};

use super::maximise::minimise;

/// Observed and expected count of a pair, standing for `weight` pairs alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ObservedExpected {
    /// Count seen.
    pub observed: u64,
    /// Count expected without association, above 0.
    pub expected: f64,
    /// How many pairs this row stands for.
    pub weight: f64,
}

/// Whether pairs that were never seen are among the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZeroCells {
    /// All pairs are there, also those with count 0.
    Included,
    /// Only pairs with a count of at least 1: the likelihood is conditioned on that. On very sparse tables it
    /// may then have no maximum: prefer to include the empty cells.
    LeftOut,
}

/// Why no mixture was fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GammaPoissonError {
    /// Five parameters need more rows than this.
    #[error(
        "gamma-Poisson mixture has only {rows} usable pairs: it needs at least {FEWEST_ROWS}; use the information component instead"
    )]
    TooFewPairs {
        /// Rows with a positive expected count and weight.
        rows: usize,
    },
    /// The likelihood has no finite maximum near a sensible start.
    #[error(
        "gamma-Poisson mixture did not settle: the pairs do not vary beyond chance; use the information component instead"
    )]
    NotSettled,
}

const FEWEST_ROWS: usize = 20;

/// A fitted mixture of two gamma distributions of the ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GammaPoissonMixture {
    /// Shapes of the two components.
    pub shapes: [f64; 2],
    /// Rates of the two components.
    pub rates: [f64; 2],
    /// Prior probability of the first component.
    pub share: f64,
    /// Log-likelihood reached.
    pub ln_likelihood: f64,
}

/// A pair's posterior ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EmpiricalBayes {
    /// Geometric mean ("EBGM").
    pub geometric_mean: f64,
    /// 5 % quantile ("EB05"): at least 2 is the usual signal.
    pub lower: f64,
    /// 95 % quantile ("EB95").
    pub upper: f64,
}

/// DuMouchel's start: a narrow component near 1.5 and a wide one.
const START: [f64; 5] = [0.2, 0.1, 2.0, 4.0, 1.0 / 3.0];
/// Bounds of the log parameters: beyond them a component is a point mass or flat to ten digits.
const LARGEST_LN_PARAMETER: f64 = 12.0;
const TOLERANCE: f64 = 1e-12;

impl GammaPoissonMixture {
    /// Fits the mixture by maximum likelihood.
    ///
    /// # Errors
    /// [`GammaPoissonError`] when there are too few pairs or the likelihood does not settle.
    pub fn fit(
        rows: &[ObservedExpected],
        zero_cells: ZeroCells,
    ) -> Result<Self, GammaPoissonError> {
        let usable: Vec<ObservedExpected> = rows
            .iter()
            .copied()
            .filter(|row| row.expected > 0.0 && row.expected.is_finite() && row.weight > 0.0)
            .filter(|row| zero_cells == ZeroCells::Included || row.observed > 0)
            .collect();
        if usable.len() < FEWEST_ROWS {
            return Err(GammaPoissonError::TooFewPairs { rows: usable.len() });
        }
        let total: f64 = usable.iter().map(|row| row.weight).sum();
        let start = [
            log(START[0]),
            log(START[1]),
            log(START[2]),
            log(START[3]),
            log(START[4] / (1.0 - START[4])),
        ];
        let cost = |point: &[f64; 5]| {
            if point.iter().any(|value| value.abs() > LARGEST_LN_PARAMETER) {
                return f64::INFINITY;
            }
            -Self::from_unbounded(point, f64::NAN).ln_likelihood_of(&usable, zero_cells) / total
        };
        let (point, value) = minimise(start, 0.5, TOLERANCE, cost);
        if !value.is_finite()
            || point
                .iter()
                .any(|value| value.abs() > LARGEST_LN_PARAMETER - 0.1)
        {
            return Err(GammaPoissonError::NotSettled);
        }
        Ok(Self::from_unbounded(&point, -value * total))
    }

    fn from_unbounded(point: &[f64; 5], ln_likelihood: f64) -> Self {
        Self {
            shapes: [exp(point[0]), exp(point[2])],
            rates: [exp(point[1]), exp(point[3])],
            share: 1.0 / (1.0 + exp(-point[4])),
            ln_likelihood,
        }
    }

    /// Log-likelihood of rows, up to what does not depend on the parameters.
    fn ln_likelihood_of(&self, rows: &[ObservedExpected], zero_cells: ZeroCells) -> f64 {
        rows.iter()
            .map(|row| {
                let seen = self.ln_marginal(row.observed as f64, row.expected);
                let given = match zero_cells {
                    ZeroCells::Included => 0.0,
                    ZeroCells::LeftOut => log(-expm1(self.ln_marginal(0.0, row.expected))),
                };
                row.weight * (seen - given)
            })
            .sum()
    }

    /// ln of the mixture's probability of a count, times count! (which no parameter changes).
    fn ln_marginal(&self, observed: f64, expected: f64) -> f64 {
        let [first, second] = self.ln_components(observed, expected);
        let larger = first.max(second);
        larger + log(exp(first - larger) + exp(second - larger))
    }

    fn ln_components(&self, observed: f64, expected: f64) -> [f64; 2] {
        let component = |which: usize, share: f64| {
            let (shape, rate) = (self.shapes[which], self.rates[which]);
            // Negative binomial: Γ(α+n)/Γ(α) · (E/(β+E))ⁿ · (β/(β+E))^α.
            log(share) + lgamma(shape + observed)
                - lgamma(shape)
                - observed * log1p(rate / expected)
                - shape * log1p(expected / rate)
        };
        [component(0, self.share), component(1, 1.0 - self.share)]
    }

    /// The posterior ratio of one pair; `expected` finite and above 0.
    pub fn posterior(&self, observed: u64, expected: f64) -> EmpiricalBayes {
        let observed = observed as f64;
        let [first, second] = self.ln_components(observed, expected);
        let first_share = 1.0 / (1.0 + exp(second - first));
        let shapes = self.shapes.map(|shape| shape + observed);
        let rates = self.rates.map(|rate| rate + expected);
        let ln_mean = |which: usize| digamma(shapes[which]) - log(rates[which]);
        let below = |ratio: f64| {
            first_share * incomplete_gamma(shapes[0], ratio * rates[0]).lower
                + (1.0 - first_share) * incomplete_gamma(shapes[1], ratio * rates[1]).lower
        };
        EmpiricalBayes {
            geometric_mean: exp(first_share * ln_mean(0) + (1.0 - first_share) * ln_mean(1)),
            lower: quantile(0.05, below),
            upper: quantile(0.95, below),
        }
    }
}

/// The ratio below which `probability` lies, by bisection of its logarithm.
fn quantile(probability: f64, below: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (-60.0_f64, 60.0_f64);
    for _ in 0..70 {
        let middle = 0.5 * (low + high);
        if below(libm::exp2(middle)) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    libm::exp2(0.5 * (low + high))
}

/// Counts up to this are squashed: larger ones are few and matter one by one.
const LARGEST_SQUASHED: u64 = 10;

/// Lumps pairs of equal small count and nearly equal expected count into weighted rows.
///
/// Expected counts are lumped in steps of `steps_per_doubling` a doubling; the lump takes their mean, so the
/// likelihood changes in the second order only. A table of a hundred thousand pairs becomes about a thousand rows.
pub fn squash(
    rows: impl IntoIterator<Item = ObservedExpected>,
    steps_per_doubling: u32,
) -> Vec<ObservedExpected> {
    let mut lumps: std::collections::BTreeMap<(u64, i64), (f64, f64)> =
        std::collections::BTreeMap::new();
    let mut squashed = Vec::new();
    for row in rows {
        if row.observed > LARGEST_SQUASHED || row.expected.is_nan() || row.expected <= 0.0 {
            squashed.push(row);
            continue;
        }
        let step = libm::floor(log2(row.expected) * f64::from(steps_per_doubling)) as i64;
        let lump = lumps.entry((row.observed, step)).or_default();
        lump.0 += row.weight * row.expected;
        lump.1 += row.weight;
    }
    let lumped = lumps
        .into_iter()
        .map(|((observed, _), (weighted, weight))| ObservedExpected {
            observed,
            expected: weighted / weight,
            weight,
        });
    squashed.extend(lumped);
    squashed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table drawn from a known mixture, by exact probabilities instead of chance: each row is a count with
    /// its probability as weight.
    fn table(truth: &GammaPoissonMixture) -> Vec<ObservedExpected> {
        let expected = [0.05, 0.2, 0.7, 2.0, 6.0, 20.0];
        let rows = expected.iter().flat_map(|expected| {
            (0..4000u64).map(move |observed| {
                let weight =
                    exp(truth.ln_marginal(observed as f64, *expected)
                        - lgamma(observed as f64 + 1.0));
                ObservedExpected {
                    observed,
                    expected: *expected,
                    weight: 1e4 * weight,
                }
            })
        });
        rows.filter(|row| row.weight > 1e-9).collect()
    }

    #[test]
    fn finds_the_mixture_a_table_was_made_from() {
        let truth = GammaPoissonMixture {
            shapes: [0.4, 3.0],
            rates: [0.2, 3.5],
            share: 0.2,
            ln_likelihood: 0.0,
        };
        for zero_cells in [ZeroCells::Included, ZeroCells::LeftOut] {
            let fitted = GammaPoissonMixture::fit(&table(&truth), zero_cells).unwrap();
            let pairs = [
                (fitted.shapes[0], truth.shapes[0]),
                (fitted.shapes[1], truth.shapes[1]),
                (fitted.rates[0], truth.rates[0]),
                (fitted.rates[1], truth.rates[1]),
                (fitted.share, truth.share),
            ];
            for (found, wanted) in pairs {
                assert!(
                    (found / wanted - 1.0).abs() < 0.02,
                    "{zero_cells:?} {fitted:?}"
                );
            }
        }
    }

    #[test]
    fn shrinks_small_counts_and_believes_large_ones() {
        let mixture = GammaPoissonMixture {
            shapes: [0.2, 2.0],
            rates: [0.1, 4.0],
            share: 1.0 / 3.0,
            ln_likelihood: 0.0,
        };
        let (small, large) = (mixture.posterior(1, 0.01), mixture.posterior(1000, 10.0));
        assert!(
            small.geometric_mean < 20.0,
            "a single mention at 100 times the expected: {small:?}"
        );
        assert!((large.geometric_mean - 100.0).abs() < 3.0, "{large:?}");
        assert!(large.lower < large.geometric_mean && large.geometric_mean < large.upper);
    }

    #[test]
    fn squashing_keeps_the_weight_and_too_few_pairs_are_refused() {
        let rows: Vec<_> = (1..2000u64)
            .map(|place| ObservedExpected {
                observed: place % 5,
                expected: place as f64 / 300.0,
                weight: 1.0,
            })
            .collect();
        let squashed = squash(rows.iter().copied(), 10);
        assert!(squashed.len() < 600);
        assert!((squashed.iter().map(|row| row.weight).sum::<f64>() - 1999.0).abs() < 1e-9);
        let few = GammaPoissonMixture::fit(&rows[..3], ZeroCells::Included);
        assert_eq!(few, Err(GammaPoissonError::TooFewPairs { rows: 3 }));
    }
}
