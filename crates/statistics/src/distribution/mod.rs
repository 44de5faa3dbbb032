//! Distributions as the reference methods need them: both tails, exact at the extremes.
//!
//! Decision: incomplete beta and gamma functions are our own (continued fractions with as many terms as
//! they need, each tail computed for itself). The crate `statrs` stops its beta fraction after 140 terms
//! and forms upper tails as one minus the lower one, which loses the very p-values a detector lives on.

mod beta;
mod counts;
mod gamma;
mod generalised_linear;
mod incomplete;
mod negative_binomial_fit;
mod normal;
mod search;

pub use beta::{beta_cdf, beta_quantile, student_quantile, student_two_sided};
pub use counts::CountDistribution;
pub use gamma::{digamma, gamma_quantile};
pub use generalised_linear::{FittedRegression, Regression, RegressionError};
pub use incomplete::{Tails, incomplete_beta, incomplete_gamma};
pub use negative_binomial_fit::fit_negative_binomial;
pub use normal::{normal_lower, normal_quantile, normal_upper};
pub(crate) use search::{cornish_fisher, first_reached};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 1e-11 relative: what is left when functions of different size meet; the tests of `incomplete` say where.
    fn assert_close(found: f64, expected: f64) {
        let scale = expected.abs().max(f64::MIN_POSITIVE);
        assert!(
            (found - expected).abs() <= 1e-11 * scale,
            "{found:e} instead of {expected:e}"
        );
    }

    #[test]
    fn quantiles_of_normal_gamma_and_student_agree_with_r() {
        let normal = [
            (1e-300, -37.0470962993612),
            (1e-10, -6.361340902404056),
            (0.01, -2.326347874040841),
            (0.3, -0.5244005127080407),
            (0.975, 1.959963984540054),
        ];
        for (probability, expected) in normal {
            assert_close(normal_quantile(probability), expected);
        }
        let gamma = [
            (0.025, 0.5, 0.0004910345585876281),
            (0.975, 100.0, 120.5289477531555),
            (0.05, 0.01, 4.465535018910386e-131),
        ];
        for (probability, shape, expected) in gamma {
            assert_close(gamma_quantile(probability, shape), expected);
        }
        for (probability, freedom, expected) in [
            (0.95, 3.0, 2.353363434801825),
            (0.975, 10.0, 2.228138851986274),
            (0.9995, 2.5, 18.27789352813151),
        ] {
            assert_close(student_quantile(probability, freedom), expected);
        }
        for (t, freedom, expected) in [
            (-2.0, 3.0, 0.1393259685588431),
            (8.0, 30.0, 6.265822475700772e-09),
            (0.1, 1.0, 0.9365489651388929),
        ] {
            assert_close(student_two_sided(t, freedom), expected);
        }
        for (x, expected) in [
            (1e-3, -1000.57557193181),
            (0.5, -1.963510026021423),
            (7.3, 1.917820335637986),
        ] {
            assert_close(digamma(x), expected);
        }
    }

    #[test]
    fn counts_agree_with_r() {
        // mean, dispersion, count, P(X <= count), P(X >= count), 99 % and 0.1 % quantile.
        let rows = [
            (
                3.5,
                2.0,
                9.0,
                0.9692273702369207,
                0.05036150767089301,
                12.0,
                0.0,
            ),
            (
                0.2,
                1.5,
                3.0,
                0.9971615157485195,
                0.009_892_683_958_645_33,
                2.0,
                0.0,
            ),
            (
                1000.0,
                5.0,
                1200.0,
                0.9965526134277489,
                0.003581059851821593,
                1171.0,
                794.0,
            ),
            (
                40.0,
                1.0,
                60.0,
                0.9987990206511691,
                0.001879628568645083,
                55.0,
                22.0,
            ),
            (
                1e6,
                1.2,
                1_005_000.0,
                0.9999974495521551,
                2.561537771378462e-06,
                1_002_549.0,
                996_617.0,
            ),
        ];
        for (mean, dispersion, count, below, at_least, high, low) in rows {
            let counts = CountDistribution::new(mean, dispersion).unwrap();
            assert_close(counts.tails(count).lower, below);
            // 1e-9: the size of a distribution close to Poisson is itself known to 1e-10 only.
            assert!(
                (counts.at_least(count) / at_least - 1.0).abs() < 1e-9,
                "{mean} {dispersion}"
            );
            assert_eq!((counts.quantile(0.99), counts.quantile(0.001)), (high, low));
        }
    }

    proptest! {
        #[test]
        fn counts_have_tails_in_range_that_add_up_and_fall(
            mean in prop_oneof![Just(0.0), 1e-9..1.0f64, 1.0..1e9f64], dispersion in 1.0..50.0f64, count in 0.0..1e9f64
        ) {
            let counts = CountDistribution::new(mean, dispersion).unwrap();
            let (here, there) = (counts.tails(count), counts.tails(count + 1.0));
            for tails in [here, there] {
                prop_assert!((0.0..=1.0).contains(&tails.lower) && (0.0..=1.0).contains(&tails.upper));
                prop_assert!((tails.lower + tails.upper - 1.0).abs() < 1e-9);
            }
            prop_assert!(there.upper <= here.upper + 1e-12);
        }

        #[test]
        fn a_quantile_is_the_first_count_that_reaches_its_probability(
            mean in 0.01..500.0f64, dispersion in 1.0..20.0f64, probability in 0.001..0.999f64
        ) {
            let counts = CountDistribution::new(mean, dispersion).unwrap();
            let quantile = counts.quantile(probability);
            prop_assert!(counts.tails(quantile).lower >= probability * (1.0 - 1e-12));
            prop_assert!(quantile == 0.0 || counts.tails(quantile - 1.0).lower < probability);
        }
    }
}
