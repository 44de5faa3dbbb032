//! Means of bounded scores (ratings, sentiment): the dynamic normal–gamma model.
//!
//! Decision: a normal level with two memories, a learnt variance within and between buckets, and Student's t.
//! A z-test on the bucket mean was beaten: few answers a bucket make the variance the main thing not known, and
//! ratings differ between buckets more than their own scatter explains.

mod model;
mod record;

pub use model::{
    CheckedMeanSettings, DYNAMIC_MEAN, MeanEvidence, MeanForecast, MeanModel, MeanPrior,
    MeanSettings, MeanState,
};
