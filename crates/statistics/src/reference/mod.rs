//! The methods public-health statisticians know, kept beside the default detector.
//!
//! Decision: each method is written from its paper and held to the numbers of R's `surveillance` 1.20.3
//! (`tests/reference_*.rs`), quirks included where they change a number someone may have published. They
//! are batch methods over a whole history, selectable per view and part of every benchmark: they are why
//! the rest can be trusted, and what it has to beat.
//!
//! Settings as a person writes them (`…Settings`) are a different type from the method that runs, which
//! only `check` makes.

mod calendar;
mod cusum;
mod ears;
mod farrington;
mod glr;
mod named;
mod recent_weeks;

pub use calendar::Calendar;
pub use cusum::{Cusum, CusumSettings};
pub use ears::{Ears, EarsSettings, EarsVariant};
pub use farrington::{
    FarringtonFlexible, FarringtonFlexibleSettings, FarringtonOriginal, FarringtonOriginalSettings,
    ThresholdMethod,
};
pub use glr::{Glr, GlrFamily, GlrSettings};
pub use named::{NAMES, named};
pub use recent_weeks::{Bayes, BayesSettings, Rki, RkiSettings};

use std::ops::Range;

/// A series of counts as the reference methods see it.
#[derive(Debug, Clone, Copy)]
pub struct CountSeries<'a> {
    /// Counts, one a bucket, oldest first.
    pub counts: &'a [u64],
    /// When the buckets are, and how many make a year.
    pub calendar: Calendar<'a>,
    /// Population (or other exposure) of each bucket, for methods that use it; empty for none.
    pub population: &'a [f64],
}

/// What a method says about one bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// Place of the bucket in the series, from 0.
    pub place: usize,
    /// The count judged.
    pub observed: u64,
    /// Upper bound in counts (for cumulative methods what R calls so); `None` where the data allow none.
    pub upper: Option<f64>,
    /// Whether the method alarms.
    pub alarm: bool,
    /// Expected count, if the method has one.
    pub expected: Option<f64>,
    /// Probability of a count at least as large under the method's null, if it has one.
    pub p_value: Option<f64>,
    /// Exceedance score or test statistic, if the method has one: larger is more surprising.
    pub score: Option<f64>,
    /// Estimated dispersion (variance over mean), if the method has one.
    pub dispersion: Option<f64>,
    /// Slope per bucket on the log scale, if a trend was fitted and kept.
    pub trend: Option<f64>,
}

/// Why a range of buckets could not be judged.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReferenceError {
    /// The range goes past the series.
    #[error("buckets up to {end} were to be judged but the series has {length}: shorten the range")]
    RangePastEnd {
        /// End of the range asked for (exclusive, from 0).
        end: usize,
        /// Buckets in the series.
        length: usize,
    },
    /// The method looks back further than the series goes.
    #[error(
        "{method} cannot judge bucket {place}: it needs {needed} earlier buckets; start later or look back less"
    )]
    HistoryTooShort {
        /// The method's name.
        method: &'static str,
        /// First place that cannot be judged.
        place: usize,
        /// Earlier buckets needed.
        needed: usize,
    },
    /// Dates or population do not have the length of the counts.
    #[error("{what} has {found} entries for {expected} counts: give one a bucket")]
    LengthsDiffer {
        /// What has the wrong length.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The number of counts.
        expected: usize,
    },
}

/// A setting that was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("setting {name} is {value}: it must be {must_be}")]
pub struct SettingRefused {
    /// The setting's name.
    pub name: &'static str,
    /// The value as given.
    pub value: f64,
    /// What it must be.
    pub must_be: &'static str,
}

/// Refuses a setting unless `allowed`.
fn require(
    name: &'static str,
    value: f64,
    allowed: bool,
    must_be: &'static str,
) -> Result<(), SettingRefused> {
    if allowed {
        Ok(())
    } else {
        Err(SettingRefused {
            name,
            value,
            must_be,
        })
    }
}

/// A method that judges buckets of a series, given all of its history.
pub trait ReferenceMethod: std::fmt::Debug + Send + Sync {
    /// The method's name, as in settings and tables.
    fn name(&self) -> &'static str;

    /// Judges each bucket of `places` (from 0), in order, from buckets before it and itself.
    ///
    /// # Errors
    /// [`ReferenceError`] when the range or the lengths do not fit or the history is too short.
    fn judge(
        &self,
        series: &CountSeries<'_>,
        places: Range<usize>,
    ) -> Result<Vec<Judgement>, ReferenceError>;
}

impl CountSeries<'_> {
    /// Checks lengths and range before any method looks at the numbers.
    fn check(&self, places: &Range<usize>) -> Result<(), ReferenceError> {
        let length = self.counts.len();
        if places.end > length {
            return Err(ReferenceError::RangePastEnd {
                end: places.end,
                length,
            });
        }
        let differ = |what, found| {
            Err(ReferenceError::LengthsDiffer {
                what,
                found,
                expected: length,
            })
        };
        if !self.population.is_empty() && self.population.len() != length {
            return differ("population", self.population.len());
        }
        match self.calendar.dates() {
            Some(days) if days.len() != length => differ("calendar", days.len()),
            _ => Ok(()),
        }
    }
}

impl Judgement {
    /// A judgement that knows only its bound and whether it was passed.
    fn bound(place: usize, observed: u64, upper: Option<f64>, alarm: bool) -> Self {
        Self {
            place,
            observed,
            upper,
            alarm,
            expected: None,
            p_value: None,
            score: None,
            dispersion: None,
            trend: None,
        }
    }
}
