//! Distributions as the reference methods need them: both tails, exact at the extremes.
//!
//! Decision: incomplete beta and gamma functions are our own (continued fractions with as many terms as
//! they need, each tail computed for itself). The crate `statrs` stops its beta fraction after 140 terms
//! and forms upper tails as one minus the lower one, which loses the very p-values a detector lives on.

mod beta;
mod incomplete;

pub use beta::{beta_cdf, beta_quantile};
pub use incomplete::{Tails, incomplete_beta, incomplete_gamma};
