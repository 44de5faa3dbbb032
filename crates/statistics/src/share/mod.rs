//! Shares: successes of trials (negative of all mentions, promoters of all answers).
//!
//! Decision: a beta level with two memories, averaged by their predictive record, and a learnt correlation within a
//! bucket. A binomial test per bucket was beaten because real shares vary more from bucket to bucket
//! than coin tosses: without the correlation large buckets alert every week.

mod beta_binomial;
mod model;
mod record;

pub use beta_binomial::BetaBinomial;
pub use model::{CheckedShareSettings, ShareSettings};
pub use model::{DYNAMIC_SHARE, ShareEvidence, ShareForecast, ShareModel, SharePrior, ShareState};
