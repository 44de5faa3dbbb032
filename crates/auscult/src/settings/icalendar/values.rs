//! Values of properties: dates, durations, lists.

use super::{Wrong, parameter, wrong};
use auscult_core::time::BucketIndex;
use icalendar::parser::{Component, Property};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

/// Most days one occurrence may last.
const MAX_DAYS: BucketIndex = 366;

/// A day, and the time on it if one was written, in the event's own time zone.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Moment {
    /// Days since 1970-01-01.
    pub(super) day: BucketIndex,
    /// Time of day; `None`: the whole day.
    pub(super) time: Option<Time>,
    /// Where that day is, if it was said.
    pub(super) zone: Option<String>,
}

/// All properties called `name`.
pub(super) fn all<'a, 'b>(component: &'a Component<'b>, name: &str) -> Vec<&'a Property<'b>> {
    let properties = component.properties.iter();
    properties.filter(|it| it.name == name).collect()
}

/// Values of all properties called `name`, cut at commas.
pub(super) fn lists(component: &Component<'_>, name: &str) -> Vec<String> {
    all(component, name)
        .into_iter()
        .flat_map(|it| cut(it.val.as_str()))
        .collect()
}

/// Cuts at commas and semicolons that are not part of a word.
pub fn cut(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut escaped = false;
    for letter in text.chars() {
        match letter {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            ',' | ';' if !escaped => words.push(String::new()),
            _ => {
                if let Some(word) = words.last_mut() {
                    word.push(letter);
                }
            }
        }
        escaped = false;
    }
    words.retain_mut(|word| {
        *word = word.trim().to_owned();
        !word.is_empty()
    });
    words
}

/// The moment a property with one value names.
pub(super) fn moment(property: &Property<'_>) -> Result<Moment, Wrong> {
    read(property, property.val.as_str())
}

/// The moments all properties called `name` list.
pub(super) fn moments(component: &Component<'_>, name: &str) -> Result<Vec<Moment>, Wrong> {
    let mut found = Vec::new();
    for property in all(component, name) {
        if parameter(property, "VALUE").is_some_and(|it| it.eq_ignore_ascii_case("PERIOD")) {
            return wrong(
                format!("{name} lists periods"),
                "list days, and write an event of its own for each other length",
            );
        }
        for text in property.val.as_str().split(',') {
            found.push(read(property, text)?);
        }
    }
    Ok(found)
}

/// The day of the occurrence that a RECURRENCE-ID names.
pub(super) fn occurrence(property: &Property<'_>) -> Result<BucketIndex, Wrong> {
    if parameter(property, "RANGE").is_some() {
        return wrong(
            "RECURRENCE-ID moves this and all later occurrences",
            "end the rule with UNTIL and write the rest as an event of its own",
        );
    }
    Ok(moment(property)?.day)
}

/// Days an event lasts beyond its first: from DTEND or DURATION.
pub(super) fn further_days(
    component: &Component<'_>,
    start: &Moment,
) -> Result<BucketIndex, Wrong> {
    let further = match (
        component.find_prop("DTEND"),
        component.find_prop("DURATION"),
    ) {
        (Some(end), _) => until_end(start, &moment(end)?),
        (None, Some(duration)) => lasting(start, duration.val.as_str())?,
        (None, None) => 0,
    };
    match further {
        0..=MAX_DAYS => Ok(further),
        ..0 => wrong("it ends before it begins", "correct DTEND"),
        _ => wrong(
            format!("it lasts {} days", further + 1),
            format!("keep it within {MAX_DAYS} days, or list the days that matter"),
        ),
    }
}

/// The end is the first moment that no longer belongs to the event.
fn until_end(start: &Moment, end: &Moment) -> BucketIndex {
    let ends_at_midnight = end.time.is_none_or(|time| time == Time::midnight());
    let last = end.day - BucketIndex::from(ends_at_midnight && end != start);
    // An all-day event that ends on its own first day is common, and means that day.
    if last == start.day - 1 && end.day == start.day {
        return 0;
    }
    last - start.day
}

fn lasting(start: &Moment, text: &str) -> Result<BucketIndex, Wrong> {
    let remedy = "write a duration such as P3D or PT2H";
    let Ok(span) = text.trim().parse::<jiff::Span>() else {
        return wrong(format!("{text:?} is no duration"), remedy);
    };
    let from = Date::ZERO.to_datetime(start.time.unwrap_or(Time::midnight()));
    let days_marked = jiff::SpanRelativeTo::days_are_24_hours();
    let Ok(seconds) = span.total((jiff::Unit::Second, days_marked)) else {
        return wrong(format!("{text:?} counts months or years"), remedy);
    };
    if seconds < 0.0 {
        return Ok(-1);
    }
    let into_day = f64::from(from.hour()) * 3600.0 + f64::from(from.minute()) * 60.0;
    // The last second that belongs to it decides which day is its last.
    let last = into_day + (seconds - 1.0).max(0.0);
    Ok((last / 86_400.0) as BucketIndex)
}

/// Reads `20260504`, `20260504T090000` or `20260504T090000Z`.
fn read(property: &Property<'_>, text: &str) -> Result<Moment, Wrong> {
    let zone = parameter(property, "TZID").map(str::to_owned);
    let text = text.trim();
    let name = property.name.as_str();
    let Some(moment) = parse(text, zone) else {
        return wrong(
            format!("{name} {text:?} is no date"),
            "write 20260504, 20260504T090000 or 20260504T090000Z",
        );
    };
    Ok(moment)
}

fn parse(text: &str, zone: Option<String>) -> Option<Moment> {
    let (date, time) = match text.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let is_utc = time.is_some_and(|time| time.ends_with(['Z', 'z']));
    let time = match time {
        Some(time) => Some(clock(time.trim_end_matches(['Z', 'z']))?),
        None => None,
    };
    Some(Moment {
        day: day_of(calendar_date(date)?),
        time,
        zone: if is_utc { Some("UTC".to_owned()) } else { zone },
    })
}

fn digits(text: &str, wanted: usize) -> bool {
    text.len() == wanted && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn calendar_date(text: &str) -> Option<Date> {
    if !digits(text, 8) {
        return None;
    }
    Date::new(
        text[..4].parse().ok()?,
        text[4..6].parse().ok()?,
        text[6..].parse().ok()?,
    )
    .ok()
}

fn clock(text: &str) -> Option<Time> {
    if !digits(text, 6) {
        return None;
    }
    // A leap second is the last one of its day here.
    let second: i8 = text[4..].parse().ok()?;
    Time::new(
        text[..2].parse().ok()?,
        text[2..4].parse().ok()?,
        second.min(59),
        0,
    )
    .ok()
}

/// Days since 1970-01-01.
pub(super) fn day_of(date: Date) -> BucketIndex {
    let epoch = jiff::civil::date(1970, 1, 1);
    (date - epoch).get_days()
}

/// The last day on which an occurrence that begins like `start` is not after `until`, as a rule's UNTIL has it.
pub(super) fn last_day(until: &str, start: &Moment) -> Result<BucketIndex, Wrong> {
    let Some(mut end) = parse(until.trim(), start.zone.clone()) else {
        return wrong(
            format!("UNTIL {until:?} is no date"),
            "write UNTIL=20261231 or UNTIL=20261231T235959Z",
        );
    };
    if end.zone.as_deref() == Some("UTC") && start.time.is_some() {
        end = in_zone(end, start.zone.as_deref())?;
    }
    let is_too_early_on_its_day = match (end.time, start.time) {
        (Some(end), Some(start)) => end < start,
        _ => false,
    };
    Ok(end.day - BucketIndex::from(is_too_early_on_its_day))
}

/// A moment of UTC as the event's own place has it.
fn in_zone(moment: Moment, zone: Option<&str>) -> Result<Moment, Wrong> {
    // A floating start has no place: UTC is as good as any, and what most writers mean.
    let name = zone.unwrap_or("UTC");
    if name == "UTC" {
        return Ok(moment);
    }
    let Ok(zone) = TimeZone::get(name) else {
        return wrong(
            format!("its time zone {name:?} is not known, and UNTIL is in UTC"),
            "use a name of the IANA database such as Europe/Berlin, or make it an all-day event",
        );
    };
    let date = jiff::civil::date(1970, 1, 1)
        .checked_add(jiff::Span::new().days(moment.day))
        .ok();
    let local = date
        .map(|date| date.to_datetime(moment.time.unwrap_or(Time::midnight())))
        .and_then(|at| at.to_zoned(TimeZone::UTC).ok())
        .map(|at| at.with_time_zone(zone));
    match local {
        Some(local) => Ok(Moment {
            day: day_of(local.date()),
            time: Some(local.time()),
            zone: Some(name.to_owned()),
        }),
        None => wrong(
            "UNTIL lies outside the years a calendar has",
            "correct UNTIL",
        ),
    }
}
