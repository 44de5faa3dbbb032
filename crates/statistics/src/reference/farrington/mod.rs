//! Farrington's method and its improvement by Noufaily and others: the standard of public-health
//! surveillance.
//!
//! Around the same week of past years a quasi-Poisson regression with a trend is fitted, past outbreaks
//! are weighted down by their residuals, and the current count is held against an upper bound. The flexible
//! form uses the whole of the past years, with a factor for the time of year, and negative-binomial
//! quantiles.
//!
//! Sources: Farrington, Andrews, Beale and Catchpole 1996 (J. R. Statist. Soc. A 159, 547–563); Noufaily,
//! Enki, Farrington, Garthwaite, Andrews and Charlett 2013 (Statistics in Medicine 32, 1206–1222); Salmon,
//! Schumacher and Höhle 2016 (J. Statist. Software 70(10), section 3).

mod fast;
mod flexible;
mod model;
mod original;
mod references;
mod threshold;

pub use flexible::{FarringtonFlexible, FarringtonFlexibleSettings, ThresholdMethod};
pub use original::{FarringtonOriginal, FarringtonOriginalSettings};
