//! Recurrence rules → days.

use super::values::{self, Moment};
use super::{END_DAY, FIRST_DAY, MAX_OCCURRENCES, Wrong, wrong};
use auscult_core::time::BucketIndex;
use chrono::{DateTime, NaiveDate};
use rrule::{Frequency, RRule, Tz, Unvalidated};
use std::collections::BTreeSet;

/// The days `rule` gives from `start` on, up to [`END_DAY`].
///
/// The rule runs on bare days: its UNTIL, which may be a moment elsewhere, is turned into the last day first.
pub(super) fn days(rule: &str, start: &Moment) -> Result<BTreeSet<BucketIndex>, Wrong> {
    let (rule, until) = without_until(rule);
    let until = until
        .map(|until| values::last_day(&until, start))
        .transpose()?;
    let cannot = |reason: String| (format!("RRULE: {reason}"), "correct its RRULE".to_owned());
    let mut parsed: RRule<Unvalidated> = rule
        .parse()
        .map_err(|error: rrule::RRuleError| cannot(error.to_string()))?;
    if !matches!(
        parsed.get_freq(),
        Frequency::Yearly | Frequency::Monthly | Frequency::Weekly | Frequency::Daily
    ) {
        return wrong(
            "RRULE repeats within a day, and only days count",
            "use FREQ=DAILY, WEEKLY, MONTHLY or YEARLY",
        );
    }
    let count = parsed.get_count();
    if let Some(last) = until {
        if last < start.day {
            return wrong(
                "RRULE ends before the event begins",
                "correct UNTIL or DTSTART",
            );
        }
        parsed = parsed.until(at(last)?);
    }
    let set = parsed
        .build(at(start.day)?)
        .map_err(|error| cannot(error.to_string()))?
        .before(at(END_DAY - 1)?);
    // COUNT counts from the start; without one, what lies before the first day needs no place in the list.
    let set = if count.is_none() && start.day < FIRST_DAY {
        set.after(at(FIRST_DAY)?)
    } else {
        set
    };
    let found = set.all(MAX_OCCURRENCES + 1);
    if found.limited && found.dates.len() > usize::from(MAX_OCCURRENCES) {
        return wrong(
            format!("it recurs more than {MAX_OCCURRENCES} times before 2050"),
            "end it with COUNT or UNTIL, or repeat it less often",
        );
    }
    if found.limited {
        return wrong(
            "RRULE names days that do not exist",
            "correct its BYMONTH, BYMONTHDAY or BYDAY",
        );
    }
    let mut days: BTreeSet<BucketIndex> = found
        .dates
        .iter()
        .map(|date| date.timestamp().div_euclid(86_400) as BucketIndex)
        .collect();
    // DTSTART is the first occurrence, whatever the rule says.
    days.insert(start.day);
    if let Some(count) = count {
        days = days.into_iter().take(count as usize).collect();
    }
    Ok(days)
}

/// The rule without its UNTIL, and that.
fn without_until(rule: &str) -> (String, Option<String>) {
    let mut until = None;
    let rest: Vec<&str> = rule
        .trim()
        .trim_end_matches(';')
        .split(';')
        .filter(|part| match part.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("UNTIL") => {
                until = Some(value.to_owned());
                false
            }
            _ => true,
        })
        .collect();
    (rest.join(";"), until)
}

/// Midnight of a day.
fn at(day: BucketIndex) -> Result<DateTime<Tz>, Wrong> {
    let date = NaiveDate::from_epoch_days(day).and_then(|date| date.and_hms_opt(0, 0, 0));
    match date {
        Some(date) => Ok(date.and_utc().with_timezone(&Tz::UTC)),
        None => wrong("a date lies outside the years a calendar has", "correct it"),
    }
}
