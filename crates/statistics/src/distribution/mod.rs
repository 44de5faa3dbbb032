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

pub use beta::{beta_cdf, beta_quantile, student_quantile, student_two_sided};
pub use counts::CountDistribution;
pub use gamma::{digamma, gamma_quantile};
pub use generalised_linear::{FittedRegression, Regression, RegressionError};
pub use incomplete::{Tails, incomplete_beta, incomplete_gamma};
pub use negative_binomial_fit::fit_negative_binomial;
pub use normal::{normal_lower, normal_quantile, normal_upper};
