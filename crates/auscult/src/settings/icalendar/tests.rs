//! What a calendar says, read by hand from RFC 5545 and checked against the days themselves.

use super::*;
use jiff::civil::date;

fn file(event: &str) -> String {
    let lines = event.replace('\n', "\r\n");
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{lines}\r\nEND:VCALENDAR\r\n")
}

fn one(event: &str) -> Event {
    let mut events =
        read(&file(&format!("BEGIN:VEVENT\n{event}\nEND:VEVENT"))).expect("a sound event");
    assert_eq!(events.len(), 1);
    events.remove(0)
}

fn refused(event: &str) -> EventProblem {
    let mut problems =
        read(&file(&format!("BEGIN:VEVENT\n{event}\nEND:VEVENT"))).expect_err("a problem");
    assert_eq!(problems.len(), 1);
    problems.remove(0)
}

fn day(year: i16, month: i8, day: i8) -> BucketIndex {
    values::day_of(date(year, month, day))
}

fn days(event: &Event) -> Vec<BucketIndex> {
    event.days.iter().copied().collect()
}

#[test]
fn bounds_are_the_days_they_say() {
    assert_eq!(FIRST_DAY, day(1990, 1, 1));
    assert_eq!(END_DAY, day(2050, 1, 1));
}

#[test]
fn a_yearly_event_falls_on_every_year_up_to_the_horizon() {
    let event = one("UID:a\nSUMMARY:Christmas\nDTSTART;VALUE=DATE:20201225\nRRULE:FREQ=YEARLY");
    assert_eq!(event.days.len(), 30);
    assert_eq!(event.days.first(), Some(&day(2020, 12, 25)));
    assert_eq!(event.days.last(), Some(&day(2049, 12, 25)));
}

#[test]
fn what_began_long_ago_still_recurs_and_counts_from_its_start() {
    let old = one("UID:a\nDTSTART;VALUE=DATE:19500501\nRRULE:FREQ=YEARLY");
    assert_eq!(old.days.len(), 60);
    let counted = one("UID:a\nDTSTART;VALUE=DATE:19880501\nRRULE:FREQ=YEARLY;COUNT=4");
    assert_eq!(days(&counted), [day(1990, 5, 1), day(1991, 5, 1)]);
}

#[test]
fn weeks_end_with_count_until_and_exceptions() {
    let counted = one("UID:a\nDTSTART;VALUE=DATE:20260105\nRRULE:FREQ=WEEKLY;COUNT=3");
    let first = day(2026, 1, 5);
    assert_eq!(days(&counted), [first, first + 7, first + 14]);
    let until = one("UID:a\nDTSTART;VALUE=DATE:20260105\nRRULE:FREQ=WEEKLY;UNTIL=20260119");
    assert_eq!(days(&until), [first, first + 7, first + 14]);
    let without = one(
        "UID:a\nDTSTART;VALUE=DATE:20260105\nRRULE:FREQ=WEEKLY;UNTIL=20260119\nEXDATE;VALUE=DATE:20260112",
    );
    assert_eq!(days(&without), [first, first + 14]);
    let more = one("UID:a\nDTSTART;VALUE=DATE:20260105\nRDATE;VALUE=DATE:20260201,20260203");
    assert_eq!(days(&more), [first, day(2026, 2, 1), day(2026, 2, 3)]);
}

#[test]
fn weekdays_of_months_and_leap_days_are_the_calendars() {
    // Thanksgiving: the fourth Thursday of November.
    let event =
        one("UID:a\nDTSTART;VALUE=DATE:20231123\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;COUNT=3");
    assert_eq!(
        days(&event),
        [day(2023, 11, 23), day(2024, 11, 28), day(2025, 11, 27)]
    );
    let leap = one("UID:a\nDTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY;COUNT=2");
    assert_eq!(days(&leap), [day(2024, 2, 29), day(2028, 2, 29)]);
}

#[test]
fn an_all_day_end_is_the_day_after() {
    let event = one("UID:a\nDTSTART;VALUE=DATE:20260508\nDTEND;VALUE=DATE:20260512");
    assert_eq!(
        (days(&event), event.further_days),
        (vec![day(2026, 5, 8)], 3)
    );
    let same = one("UID:a\nDTSTART;VALUE=DATE:20260508\nDTEND;VALUE=DATE:20260508");
    assert_eq!(same.further_days, 0);
    let long = one("UID:a\nDTSTART;VALUE=DATE:20260508\nDURATION:P2W");
    assert_eq!(long.further_days, 13);
    let evening = one("UID:a\nDTSTART:20260508T220000\nDURATION:PT4H");
    assert_eq!(evening.further_days, 1);
    let to_midnight = one("UID:a\nDTSTART:20260508T220000\nDTEND:20260509T000000");
    assert_eq!(to_midnight.further_days, 0);
}

#[test]
fn times_count_on_the_day_of_their_place() {
    // 23:30 in Berlin on 1 May is 21:30 UTC; UNTIL is in UTC, as the standard wants it.
    let event = one(
        "UID:a\nDTSTART;TZID=Europe/Berlin:20260501T003000\nRRULE:FREQ=DAILY;UNTIL=20260502T223000Z",
    );
    assert_eq!(
        days(&event),
        [day(2026, 5, 1), day(2026, 5, 2), day(2026, 5, 3)]
    );
    let unknown = refused(
        "UID:a\nSUMMARY:Rounds\nDTSTART;TZID=Nowhere:20260501T003000\nRRULE:FREQ=DAILY;UNTIL=20260502T223000Z",
    );
    assert!(unknown.reason.contains("\"Nowhere\""), "{}", unknown.reason);
    // Without an UNTIL in UTC the zone does not matter.
    let floating = one("UID:a\nDTSTART;TZID=Nowhere:20260501T003000\nRRULE:FREQ=DAILY;COUNT=2");
    assert_eq!(floating.days.len(), 2);
}

#[test]
fn a_moved_occurrence_is_not_counted_twice() {
    let text = file(
        "BEGIN:VEVENT\nUID:a\nDTSTART;VALUE=DATE:20260105\nRRULE:FREQ=WEEKLY;COUNT=3\nEND:VEVENT\nBEGIN:VEVENT\nUID:a\nRECURRENCE-ID;VALUE=DATE:20260112\nDTSTART;VALUE=DATE:20260114\nEND:VEVENT",
    );
    let events = read(&text).expect("sound");
    let all: BTreeSet<BucketIndex> = events.iter().flat_map(|it| it.days.clone()).collect();
    let expected = [day(2026, 1, 5), day(2026, 1, 14), day(2026, 1, 19)];
    assert_eq!(all.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn folded_lines_escapes_other_components_and_cancelled_events_are_read_as_meant() {
    let text = file(
        "BEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\nDTSTART:19701025T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:a\nSUMMARY:Heart\\, lung and\n  kidney\nCATEGORIES:Congress,North\\, east\nDTSTART;VALUE=DATE:20260105\nEND:VEVENT\nBEGIN:VEVENT\nUID:b\nSTATUS:CANCELLED\nDTSTART;VALUE=DATE:20260105\nEND:VEVENT",
    );
    let events = read(&format!("\u{feff}{text}")).expect("sound");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].summary, "Heart, lung and kidney");
    assert_eq!(events[0].categories, ["Congress", "North, east"]);
}

#[test]
fn what_cannot_be_honoured_is_refused_with_reason_and_remedy() {
    for (event, reason) in [
        ("SUMMARY:x", "no DTSTART"),
        ("DTSTART:20260230", "is no date"),
        ("DTSTART:20260101T990000", "is no date"),
        ("DTSTART:20260105\nDTEND:20260101", "ends before it begins"),
        ("DTSTART:20260105\nDURATION:-P1D", "ends before it begins"),
        ("DTSTART:20260105\nDURATION:soon", "is no duration"),
        ("DTSTART:20200105\nDTEND:20260101", "it lasts"),
        ("DTSTART:20260105\nRRULE:FREQ=SOMETIMES", "RRULE: "),
        ("DTSTART:20260105\nRRULE:FREQ=DAILY;BYMONTH=13", "RRULE: "),
        ("DTSTART:20260105\nRRULE:FREQ=MINUTELY", "within a day"),
        ("DTSTART:20260105\nRRULE:FREQ=DAILY;UNTIL=later", "UNTIL"),
        (
            "DTSTART:20260105\nRRULE:FREQ=DAILY;UNTIL=20250105",
            "before the event begins",
        ),
        ("DTSTART:20260105\nRRULE:FREQ=DAILY", "more than 3200 times"),
        (
            "DTSTART:20260105\nRRULE:FREQ=DAILY;COUNT=2\nRRULE:FREQ=YEARLY;COUNT=2",
            "more than one RRULE",
        ),
        ("DTSTART:20260105\nEXRULE:FREQ=YEARLY", "EXRULE"),
        (
            "DTSTART:20260105\nRDATE;VALUE=PERIOD:20260107T000000Z/P1D",
            "periods",
        ),
        (
            "DTSTART:20260105\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260105",
            "all later",
        ),
    ] {
        let problem = refused(event);
        assert!(problem.reason.contains(reason), "{event}: {problem:?}");
        assert!(!problem.remedy.is_empty(), "{event}");
    }
}

#[test]
fn what_is_no_calendar_is_said_of_the_whole_file() {
    for text in [
        "",
        "hello",
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20260101\r\n",
        "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20260101\r\nEND:VEVENT\r\n",
        "BEGIN:VCARD\r\nEND:VCARD\r\n",
    ] {
        let problems = read(text).expect_err("no calendar");
        assert_eq!(problems[0].event, "the file", "{text:?}: {problems:?}");
    }
    assert_eq!(read(&file("X-EMPTY:yes")), Ok(Vec::new()));
}
