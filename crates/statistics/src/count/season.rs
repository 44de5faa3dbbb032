//! Where a bucket lies in the year and in the short season.

/// Largest number of short-season phases (hours of a day).
pub const PHASES_LIMIT: usize = 24;

/// The calendar of one bucket width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Season {
    /// Phases of the short season: 1 (none), 7 (weekdays) or 24 (hours).
    pub phases: usize,
    /// Buckets in one year: 52.18 for weeks, 365.25 for days, 8766 for hours.
    pub buckets_per_year: f64,
}

impl Season {
    /// Weeks: no short season.
    pub const WEEKLY: Self = Self {
        phases: 1,
        buckets_per_year: 365.2425 / 7.0,
    };
    /// Days, with the weekday as phase.
    pub const DAILY: Self = Self {
        phases: 7,
        buckets_per_year: 365.2425,
    };
    /// Hours, with the hour of the day as phase.
    pub const HOURLY: Self = Self {
        phases: 24,
        buckets_per_year: 365.2425 * 24.0,
    };

    /// cos and sin of the first and second yearly harmonic at a bucket.
    pub(crate) fn harmonics(&self, index: i64) -> [f64; 4] {
        let turn = (index as f64 / self.buckets_per_year).rem_euclid(1.0) * std::f64::consts::TAU;
        let (sine, cosine) = (libm::sin(turn), libm::cos(turn));
        [
            cosine,
            sine,
            cosine * cosine - sine * sine,
            2.0 * sine * cosine,
        ]
    }
}

/// What is known about a bucket before its count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BucketContext {
    /// Bucket number; consecutive buckets have consecutive numbers.
    pub index: i64,
    /// Short-season phase, below [`Season::phases`].
    pub phase: usize,
    /// Denominator (surveys sent, contacts, active patients); 1.0 when unknown.
    pub exposure: f64,
    /// A holiday for the people who speak in this series.
    pub holiday: bool,
    /// The first bucket after a holiday, itself none: what has waited comes now. Learnt for days only.
    pub after_holiday: bool,
}

impl BucketContext {
    /// A plain bucket: exposure 1, no holiday.
    #[must_use]
    pub fn plain(index: i64, phase: usize) -> Self {
        Self {
            index,
            phase,
            exposure: 1.0,
            holiday: false,
            after_holiday: false,
        }
    }
}
