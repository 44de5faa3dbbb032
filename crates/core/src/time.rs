//! Event time as milliseconds since 1970-01-01T00:00:00Z, and the buckets cut from it.
//!
//! A plain integer beats a calendar library here: ordering, hashing and arithmetic are exact, and the
//! two calendar facts the detector needs (which bucket, which day of the week) are one division away.
//! Formatting for people and parsing of RFC 3339 live in `wire`, where `jiff` does them.

use serde::{Deserialize, Serialize};

/// Milliseconds in a second, minute, hour, day and week.
pub const SECOND: i64 = 1_000;
/// Milliseconds in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Milliseconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Milliseconds in a day.
pub const DAY: i64 = 24 * HOUR;
/// Milliseconds in a week.
pub const WEEK: i64 = 7 * DAY;

/// A moment in UTC, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Earlier than every real moment: the watermark of a partition that has said nothing yet.
    pub const MIN: Timestamp = Timestamp(i64::MIN);

    /// This moment moved by `milliseconds`, saturating at the ends of the range.
    #[must_use]
    pub fn plus(self, milliseconds: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(milliseconds))
    }
}

/// How wide a bucket is. Buckets are aligned to UTC; weeks start on Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BucketWidth {
    /// One hour.
    Hour,
    /// One day, midnight to midnight UTC.
    Day,
    /// Seven days from Monday 00:00 UTC.
    Week,
}

/// The number of a bucket of one [`BucketWidth`], counted from the epoch. Bucket `b` of width `w`
/// covers `[w.start(b), w.start(b + 1))`.
pub type BucketIndex = i32;

/// The epoch fell on a Thursday; the Monday before it lies three days earlier.
const EPOCH_TO_MONDAY: i64 = 3 * DAY;

impl BucketWidth {
    /// Length in milliseconds.
    #[must_use]
    pub fn milliseconds(self) -> i64 {
        match self {
            BucketWidth::Hour => HOUR,
            BucketWidth::Day => DAY,
            BucketWidth::Week => WEEK,
        }
    }

    /// ISO 8601 duration, as alerts carry it.
    #[must_use]
    pub fn iso(self) -> &'static str {
        match self {
            BucketWidth::Hour => "PT1H",
            BucketWidth::Day => "P1D",
            BucketWidth::Week => "P1W",
        }
    }

    fn shift(self) -> i64 {
        match self {
            BucketWidth::Week => EPOCH_TO_MONDAY,
            _ => 0,
        }
    }

    /// The bucket that holds `at`.
    #[must_use]
    pub fn index(self, at: Timestamp) -> BucketIndex {
        let bucket = at.0.saturating_add(self.shift()).div_euclid(self.milliseconds());
        bucket.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as BucketIndex
    }

    /// First moment of bucket `index`.
    #[must_use]
    pub fn start(self, index: BucketIndex) -> Timestamp {
        Timestamp(i64::from(index) * self.milliseconds() - self.shift())
    }

    /// First moment after bucket `index`.
    #[must_use]
    pub fn end(self, index: BucketIndex) -> Timestamp {
        self.start(index).plus(self.milliseconds())
    }

    /// Number of phases of the short season at this width: 24 hours of a day, 7 days of a week, 1 for weeks.
    #[must_use]
    pub fn phases(self) -> usize {
        match self {
            BucketWidth::Hour => 24,
            BucketWidth::Day => 7,
            BucketWidth::Week => 1,
        }
    }

    /// Phase of bucket `index` in the short season: hour of day, or day of week with Monday as 0.
    #[must_use]
    pub fn phase(self, index: BucketIndex) -> usize {
        match self {
            BucketWidth::Hour => index.rem_euclid(24) as usize,
            BucketWidth::Day => (index + 3).rem_euclid(7) as usize,
            BucketWidth::Week => 0,
        }
    }

    /// Buckets in a mean Gregorian year of 365.2425 days.
    #[must_use]
    pub fn buckets_per_year(self) -> f64 {
        365.2425 * DAY as f64 / self.milliseconds() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epoch_day_is_a_thursday() {
        assert_eq!(BucketWidth::Day.phase(BucketWidth::Day.index(Timestamp(0))), 3);
    }

    #[test]
    fn weeks_start_on_monday() {
        let monday = Timestamp(4 * DAY); // 1970-01-05
        let week = BucketWidth::Week.index(monday);
        assert_eq!(BucketWidth::Week.start(week), monday);
        assert_eq!(BucketWidth::Week.index(monday.plus(-1)), week - 1);
    }

    #[test]
    fn buckets_tile_time_before_and_after_the_epoch() {
        for width in [BucketWidth::Hour, BucketWidth::Day, BucketWidth::Week] {
            for index in [-1000, -1, 0, 1, 20_000] {
                assert_eq!(width.index(width.start(index)), index);
                assert_eq!(width.index(width.end(index).plus(-1)), index);
            }
        }
    }
}
