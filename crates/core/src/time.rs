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
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
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
    /// A calendar month, UTC: for feeds that are dated by the month.
    Month,
}

/// The number of a bucket of one [`BucketWidth`], counted from the epoch. Bucket `b` of width `w`
/// covers `[w.start(b), w.start(b + 1))`.
pub type BucketIndex = i32;

/// The epoch fell on a Thursday; the Monday before it lies three days earlier.
const EPOCH_TO_MONDAY: i64 = 3 * DAY;

impl BucketWidth {
    /// Length in milliseconds; for months the mean Gregorian month of 30.436875 days.
    #[must_use]
    pub fn milliseconds(self) -> i64 {
        match self {
            BucketWidth::Hour => HOUR,
            BucketWidth::Day => DAY,
            BucketWidth::Week => WEEK,
            BucketWidth::Month => 2_629_746 * SECOND,
        }
    }

    /// ISO 8601 duration, as alerts carry it.
    #[must_use]
    pub fn iso(self) -> &'static str {
        match self {
            BucketWidth::Hour => "PT1H",
            BucketWidth::Day => "P1D",
            BucketWidth::Week => "P1W",
            BucketWidth::Month => "P1M",
        }
    }

    /// Every width, from the finest.
    pub const ALL: [BucketWidth; 4] = [
        BucketWidth::Hour,
        BucketWidth::Day,
        BucketWidth::Week,
        BucketWidth::Month,
    ];

    /// The width that [`BucketWidth::iso`] writes as `duration`.
    #[must_use]
    pub fn of_iso(duration: &str) -> Option<BucketWidth> {
        BucketWidth::ALL
            .into_iter()
            .find(|width| width.iso() == duration)
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
        if self == BucketWidth::Month {
            return month_of_day(at.0.div_euclid(DAY));
        }
        let bucket =
            at.0.saturating_add(self.shift())
                .div_euclid(self.milliseconds());
        bucket.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as BucketIndex
    }

    /// First moment of bucket `index`.
    #[must_use]
    pub fn start(self, index: BucketIndex) -> Timestamp {
        if self == BucketWidth::Month {
            return Timestamp(first_day_of_month(index).saturating_mul(DAY));
        }
        Timestamp(i64::from(index) * self.milliseconds() - self.shift())
    }

    /// First moment after bucket `index`.
    #[must_use]
    pub fn end(self, index: BucketIndex) -> Timestamp {
        self.start(index.saturating_add(1))
    }

    /// Number of phases of the short season at this width: 24 hours of a day, 7 days of a week, 1 for weeks and months.
    #[must_use]
    pub fn phases(self) -> usize {
        match self {
            BucketWidth::Hour => 24,
            BucketWidth::Day => 7,
            BucketWidth::Week | BucketWidth::Month => 1,
        }
    }

    /// Phase of bucket `index` in the short season: hour of day, or day of week with Monday as 0.
    #[must_use]
    pub fn phase(self, index: BucketIndex) -> usize {
        match self {
            BucketWidth::Hour => index.rem_euclid(24) as usize,
            BucketWidth::Day => (index + 3).rem_euclid(7) as usize,
            BucketWidth::Week | BucketWidth::Month => 0,
        }
    }

    /// Buckets in a mean Gregorian year of 365.2425 days.
    #[must_use]
    pub fn buckets_per_year(self) -> f64 {
        365.2425 * DAY as f64 / self.milliseconds() as f64
    }
}

/// Year, month (1–12) and day (1–31) of a moment, UTC.
#[must_use]
pub fn civil_date(at: Timestamp) -> (i32, u32, u32) {
    let days = at.0.div_euclid(DAY);
    let month = month_of_day(days);
    let day = days - first_day_of_month(month) + 1;
    (
        1970 + month.div_euclid(12),
        month.rem_euclid(12) as u32 + 1,
        day as u32,
    )
}

/// `2026-05-18`, or `2026-05-18 06:00` for hourly buckets: for sentences people read.
#[must_use]
pub fn words_for(start: Timestamp, width: BucketWidth) -> String {
    let (year, month, day) = civil_date(start);
    match width {
        BucketWidth::Hour => format!(
            "{year:04}-{month:02}-{day:02} {:02}:00",
            start.0.rem_euclid(DAY) / HOUR
        ),
        BucketWidth::Month => format!("{year:04}-{month:02}"),
        BucketWidth::Day | BucketWidth::Week => format!("{year:04}-{month:02}-{day:02}"),
    }
}

/// Months since January 1970 of the day `days` after the epoch.
///
/// Civil-from-days of Howard Hinnant ("chrono-compatible low-level date algorithms"), proleptic Gregorian.
fn month_of_day(days: i64) -> BucketIndex {
    let days = days.clamp(-100_000_000, 100_000_000) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let months_from_march_0000 = (era * 400 + year_of_era) * 12 + month_from_march;
    (months_from_march_0000 + 2 - 1970 * 12) as BucketIndex
}

/// Days from the epoch to the first day of the month `index` months after January 1970 (same source).
fn first_day_of_month(index: BucketIndex) -> i64 {
    let months_from_march_0000 = i64::from(index) + 1970 * 12 - 2;
    let year = months_from_march_0000.div_euclid(12);
    let month_from_march = months_from_march_0000.rem_euclid(12);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * month_from_march + 2) / 5;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_is_known_again_by_what_alerts_carry() {
        for width in BucketWidth::ALL {
            assert_eq!(BucketWidth::of_iso(width.iso()), Some(width));
        }
        assert_eq!(BucketWidth::of_iso("P1Y"), None);
    }

    #[test]
    fn epoch_day_is_a_thursday() {
        assert_eq!(
            BucketWidth::Day.phase(BucketWidth::Day.index(Timestamp(0))),
            3
        );
    }

    #[test]
    fn weeks_start_on_monday() {
        let monday = Timestamp(4 * DAY); // 1970-01-05
        let week = BucketWidth::Week.index(monday);
        assert_eq!(BucketWidth::Week.start(week), monday);
        assert_eq!(BucketWidth::Week.index(monday.plus(-1)), week - 1);
    }

    #[test]
    fn months_follow_the_calendar() {
        let february_2024 = BucketWidth::Month.index(Timestamp(19_782 * DAY)); // 2024-02-29
        assert_eq!(february_2024, (2024 - 1970) * 12 + 1);
        assert_eq!(
            BucketWidth::Month.start(february_2024 + 1),
            Timestamp(19_783 * DAY)
        );
        assert_eq!(BucketWidth::Month.start(0), Timestamp(0));
        assert_eq!(civil_date(Timestamp(19_782 * DAY + HOUR)), (2024, 2, 29));
        assert_eq!(
            words_for(Timestamp(19_782 * DAY + HOUR), BucketWidth::Hour),
            "2024-02-29 01:00"
        );
    }

    #[test]
    fn buckets_tile_time_before_and_after_the_epoch() {
        for width in [
            BucketWidth::Hour,
            BucketWidth::Day,
            BucketWidth::Week,
            BucketWidth::Month,
        ] {
            for index in [-1000, -1, 0, 1, 20_000] {
                assert_eq!(width.index(width.start(index)), index);
                assert_eq!(width.index(width.end(index).plus(-1)), index);
            }
        }
    }
}
