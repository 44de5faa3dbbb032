//! Information component: how many times (log₂) more often a pair is seen than expected, shrunk to 0.
//!
//! Source: Norén, Hopstadius and Bate 2013 (Statistical Methods in Medical Research 22, 57–69): the
//! observed-to-expected ratio with half a count added to each, and credible limits from the gamma posterior.
//! It replaced the normal approximation of the first BCPNN (Bate and others 1998), whose limits are wrong for
//! small counts.

use libm::log2;

use crate::distribution::gamma_quantile;

/// The information component with its limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InformationComponent {
    /// log₂((observed + ½) / (expected + ½)).
    pub value: f64,
    /// 2.5 % posterior quantile ("IC025"): above 0 is a signal of disproportionate reporting.
    pub lower: f64,
    /// 97.5 % posterior quantile.
    pub upper: f64,
}

/// Counts added to observed and expected: a prior of mean 1 that is worth half a count.
const PRIOR: f64 = 0.5;

impl InformationComponent {
    /// From an observed count and a finite expected count ≥ 0.
    pub fn new(observed: u64, expected: f64) -> Self {
        let (shape, rate) = (observed as f64 + PRIOR, expected + PRIOR);
        let limit = |probability| log2(gamma_quantile(probability, shape) / rate);
        Self {
            value: log2(shape / rate),
            lower: limit(0.025),
            upper: limit(0.975),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_gamma_quantiles_of_r() {
        // R 4.2.2: log2(c(10.5 / 2.5, qgamma(c(0.025, 0.975), 10.5, 2.5)))
        let component = InformationComponent::new(10, 2.0);
        assert!(
            (component.value - R_VALUES[0]).abs() < 1e-10,
            "{component:?}"
        );
        assert!(
            (component.lower - R_VALUES[1]).abs() < 1e-10,
            "{component:?}"
        );
        assert!(
            (component.upper - R_VALUES[2]).abs() < 1e-10,
            "{component:?}"
        );
    }

    const R_VALUES: [f64; 3] = [
        2.070_389_327_891_398,
        1.040_246_881_979_117_5,
        2.826_960_300_762_892_5,
    ];

    #[test]
    fn more_data_narrows_it_and_nothing_seen_is_below_zero() {
        let (little, much) = (
            InformationComponent::new(4, 1.0),
            InformationComponent::new(400, 100.0),
        );
        assert!(much.upper - much.lower < little.upper - little.lower);
        assert!(InformationComponent::new(0, 5.0).value < 0.0);
        assert!(InformationComponent::new(0, 0.0).lower.is_finite());
    }
}
