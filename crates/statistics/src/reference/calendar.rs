//! Which past buckets are "the same time of year".
//!
//! Decision: with dates, the reference bucket of `n` years ago is the one whose start is nearest to the
//! same calendar day, so that 53-week years do not shift the season; without dates it is simply `n` seasons
//! back. Both are what R's surveillance does.

/// When the buckets of a series are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Calendar<'a> {
    /// Evenly spaced buckets, so many a year.
    Even {
        /// Buckets a year: 52 for weeks, 12 for months.
        buckets_per_year: usize,
    },
    /// The first day of each bucket, in days since 1970-01-01, ascending.
    Dated {
        /// One day number a bucket.
        days: &'a [i32],
        /// Buckets a year, for methods that need the length of a season.
        buckets_per_year: usize,
    },
}

impl<'a> Calendar<'a> {
    /// The day numbers, if there are any.
    pub fn dates(&self) -> Option<&'a [i32]> {
        match self {
            Self::Even { .. } => None,
            Self::Dated { days, .. } => Some(days),
        }
    }

    /// Buckets a year.
    pub fn buckets_per_year(&self) -> usize {
        match self {
            Self::Even { buckets_per_year }
            | Self::Dated {
                buckets_per_year, ..
            } => *buckets_per_year,
        }
    }

    /// Whether all buckets are equally long.
    pub fn is_even(&self) -> bool {
        match self {
            Self::Even { .. } => true,
            Self::Dated { days, .. } => days
                .windows(3)
                .all(|window| window[2] - window[1] == window[1] - window[0]),
        }
    }

    /// Time from `place` to `other`, in buckets (negative when `other` is earlier).
    ///
    /// With dates this is days over the length of the first bucket, so that months keep their lengths.
    pub fn buckets_between(&self, place: usize, other: usize) -> f64 {
        match self {
            Self::Even { .. } => other as f64 - place as f64,
            Self::Dated { days, .. } => {
                let width = days.get(1).map_or(1, |second| second - days[0]);
                f64::from(days[other] - days[place]) / f64::from(width)
            }
        }
    }

    /// The bucket `years` before the one at `place`, or `None` when the series does not reach back so far.
    pub fn years_before(&self, place: usize, years: usize) -> Option<usize> {
        match self {
            Self::Even { buckets_per_year } => place.checked_sub(years * buckets_per_year),
            Self::Dated { days, .. } => {
                nearest(days, same_day_years_before(days[place], years as i32))
            }
        }
    }
}

/// Place of the day nearest to `day`, unless `day` is before the first bucket by more than half a bucket.
fn nearest(days: &[i32], day: i32) -> Option<usize> {
    let after = days.partition_point(|start| *start < day);
    let later = days.get(after).map(|start| start - day);
    let earlier = after.checked_sub(1).map(|place| day - days[place]);
    match (earlier, later) {
        (Some(earlier), Some(later)) => Some(if later < earlier { after } else { after - 1 }),
        (None, Some(later)) => {
            let width = days.get(1).map_or(1, |second| second - days[0]);
            (2 * later <= width).then_some(after)
        }
        (Some(_), None) => Some(after - 1),
        (None, None) => None,
    }
}

/// The same day of the month `years` earlier; 29 February becomes 1 March where there is none.
fn same_day_years_before(day: i32, years: i32) -> i32 {
    let (year, month, day_of_month) = civil_from_days(day);
    days_from_civil(year - years, month, day_of_month)
}

/// Year, month and day of month of a day number, in the proleptic Gregorian calendar.
///
/// Counts in eras of 400 years that begin on 1 March, so that the leap day comes last in its year.
fn civil_from_days(day: i32) -> (i32, i32, i32) {
    let shifted = day + DAYS_FROM_MARCH_0000_TO_1970;
    let era = shifted.div_euclid(DAYS_PER_ERA);
    let day_of_era = shifted.rem_euclid(DAYS_PER_ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (
        year_of_era + 400 * era + i32::from(month <= 2),
        month,
        day_of_month,
    )
}

/// The inverse of [`civil_from_days`]; a day past the end of its month runs on into the next.
fn days_from_civil(year: i32, month: i32, day_of_month: i32) -> i32 {
    let year_from_march = year - i32::from(month <= 2);
    let era = year_from_march.div_euclid(400);
    let year_of_era = year_from_march.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day_of_month - 1;
    let day_of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_PER_ERA + day_of_era - DAYS_FROM_MARCH_0000_TO_1970
}

const DAYS_PER_ERA: i32 = 146_097;
const DAYS_FROM_MARCH_0000_TO_1970: i32 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_inverse_and_known_days_are_right() {
        assert_eq!(civil_from_days(0), (1970, 1, 1));
        assert_eq!(civil_from_days(12_422), (2004, 1, 5));
        for day in -800_000..800_000 {
            let (year, month, day_of_month) = civil_from_days(day);
            assert_eq!(days_from_civil(year, month, day_of_month), day);
        }
    }

    #[test]
    fn a_leap_day_goes_back_to_the_first_of_march() {
        let leap_day = days_from_civil(2012, 2, 29);
        assert_eq!(
            civil_from_days(same_day_years_before(leap_day, 1)),
            (2011, 3, 1)
        );
        assert_eq!(
            civil_from_days(same_day_years_before(leap_day, 4)),
            (2008, 2, 29)
        );
    }

    #[test]
    fn weeks_go_to_the_nearest_monday_and_not_before_the_start() {
        // Mondays from 2004-01-05. 2009-09-28 is place 299; three years before it is nearest to 2006-09-25.
        let mondays: Vec<i32> = (0..600).map(|week| 12_422 + 7 * week).collect();
        let calendar = Calendar::Dated {
            days: &mondays,
            buckets_per_year: 52,
        };
        assert_eq!(calendar.years_before(299, 1), Some(247));
        assert_eq!(calendar.years_before(299, 3), Some(142));
        assert_eq!(calendar.years_before(52, 1), Some(0));
        assert_eq!(calendar.years_before(40, 1), None);
        assert_eq!(
            Calendar::Even {
                buckets_per_year: 52
            }
            .years_before(51, 1),
            None
        );
    }
}
