//! Counts of mentions: the dynamic negative-binomial model of one series.
//!
//! ```
//! use auscult_statistics::count::{BucketContext, CountModel, CountSettings, Prior, Season};
//!
//! let model = CountModel::new(CountSettings::default().check().expect("the default is sound"), Season::WEEKLY);
//! let mut series = model.start(&Prior::vague());
//! for (index, count) in [4, 6, 5, 3, 5, 4, 7, 5, 4, 5, 6, 30].into_iter().enumerate() {
//!     let evidence = model.step(&mut series, &BucketContext::plain(index as i64, 0), Some(count));
//!     assert_eq!(evidence.combined.p_upper < 0.001, count == 30);
//! }
//! ```

mod coefficients;
mod dispersion;
mod forecast;
mod learn;
mod model;
mod negative_binomial;
mod prior;
mod profile;
mod rate;
mod record;
mod season;
mod settings;
mod state;
mod step;

pub use forecast::{DYNAMIC_COUNT, Forecast};
pub use model::CountModel;
pub use negative_binomial::{NegativeBinomial, Tails};
pub use prior::Prior;
pub use season::{BucketContext, PHASES_LIMIT, Season};
pub use settings::{CheckedCountSettings, CountSettings};
pub use state::CountState;
pub use step::Evidence;
