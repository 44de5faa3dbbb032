//! Known dates with a name: holidays, congresses, launches, label changes, campaigns, guidelines (B07, E05).
//!
//! Decision: a holiday moves what is expected; everything else is told beside the alert and never silences it. A
//! congress that was hidden is a surge that was hidden. Core sees days and words; who reads the files, and expands what
//! recurs, is the binary ([decision 0034](../../../docs/decisions/0034-calendars-are-read-from-files.md)).

use crate::alert::ContextItem;
use crate::identity::outward_id;
use crate::lattice::SeriesKey;
use crate::machine::Machine;
use crate::settings::{DetectSettings, Dimension, Problem};
use crate::time::{BucketIndex, BucketWidth, Timestamp};
use crate::words::CalendarKind;
use std::collections::BTreeSet;

/// A calendar: what one file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// Name, on the alerts whose baseline knew its holidays.
    pub name: String,
    /// Days before each entry that still belong to it.
    pub days_before: BucketIndex,
    /// Days after each entry that still belong to it.
    pub days_after: BucketIndex,
    /// Occurrences, recurrences expanded.
    pub entries: Vec<CalendarEntry>,
}

/// One occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarEntry {
    /// Stable reference, such as the event's id and first day.
    pub reference: String,
    /// What kind of event.
    pub kind: CalendarKind,
    /// Words for people.
    pub label: String,
    /// Only series with this value of this dimension; all if `None`.
    pub only: Option<(Dimension, String)>,
    /// First day, in days since 1970-01-01.
    pub first_day: BucketIndex,
    /// Last day.
    pub last_day: BucketIndex,
}

/// Most occurrences of all calendars of one detector.
pub const MAX_CALENDAR_ENTRIES: usize = 50_000;
/// Most days before or after.
pub const MAX_MARGIN_DAYS: BucketIndex = 60;
/// Most calendar entries one alert lists: the most specific and the earliest.
const MAX_LISTED: usize = 12;

impl Calendar {
    /// The days that belong to `entry`, margins included.
    fn days(&self, entry: &CalendarEntry) -> std::ops::RangeInclusive<BucketIndex> {
        let first = entry.first_day.saturating_sub(self.days_before);
        first..=entry.last_day.saturating_add(self.days_after)
    }

    /// Entries that belong to any day from `first` to `last`.
    fn during(
        &self,
        first: BucketIndex,
        last: BucketIndex,
    ) -> impl Iterator<Item = &CalendarEntry> {
        self.entries.iter().filter(move |entry| {
            let own = self.days(entry);
            *own.start() <= last && first <= *own.end()
        })
    }
}

/// Problems of the calendars: bounds, and entries that end before they begin.
pub(crate) fn check(calendars: &[Calendar], problems: &mut Vec<Problem>) {
    let entries: usize = calendars.iter().map(|it| it.entries.len()).sum();
    if entries > MAX_CALENDAR_ENTRIES {
        problems.push(Problem::new(
            "detect.calendars",
            format!("{entries} occurrences in all"),
            format!("keep at most {MAX_CALENDAR_ENTRIES}: end what recurs with COUNT or UNTIL"),
        ));
    }
    for (at, calendar) in calendars.iter().enumerate() {
        for (name, days) in [
            ("days_before", calendar.days_before),
            ("days_after", calendar.days_after),
        ] {
            if !(0..=MAX_MARGIN_DAYS).contains(&days) {
                problems.push(Problem::new(
                    format!("detect.calendars[{at}].{name}"),
                    format!("{days} is out of range"),
                    format!("choose 0 to {MAX_MARGIN_DAYS}"),
                ));
            }
        }
        if let Some(entry) = calendar
            .entries
            .iter()
            .find(|it| it.last_day < it.first_day)
        {
            problems.push(Problem::new(
                format!("detect.calendars[{at}]"),
                format!("{:?} ends before it begins", entry.label),
                "correct its end",
            ));
        }
    }
}

/// Whom `day` is a holiday for, as far as calendars say.
pub(crate) fn holidays(
    settings: &DetectSettings,
    day: BucketIndex,
) -> impl Iterator<Item = Option<&(Dimension, String)>> {
    settings.calendars.iter().flat_map(move |calendar| {
        calendar
            .during(day, day)
            .filter(|entry| entry.kind == CalendarKind::Holiday)
            .map(|entry| entry.only.as_ref())
    })
}

/// Hash of the calendars' holidays on days before `until`: what has been judged with them, and must not change behind the
/// stored state. Later days may be added, and everything that is no holiday may change at any time. Empty without holidays.
pub(crate) fn judged_hash(settings: &DetectSettings, until: Timestamp) -> String {
    if until == Timestamp::MIN {
        return String::new();
    }
    let last = BucketWidth::Day.index(until.plus(-1));
    let mut judged: BTreeSet<(BucketIndex, Option<(String, &str)>)> = BTreeSet::new();
    for calendar in &settings.calendars {
        for entry in &calendar.entries {
            if entry.kind != CalendarKind::Holiday {
                continue;
            }
            let only = entry.only.as_ref();
            for day in calendar.days(entry).take_while(|&day| day <= last) {
                judged.insert((day, only.map(|(of, value)| (of.name(), value.as_str()))));
            }
        }
    }
    if judged.is_empty() {
        return String::new();
    }
    outward_id("hol_", &[&format!("{judged:?}")])
}

impl Machine {
    /// Calendar entries within `start .. end` that may concern a series, the most specific first.
    ///
    /// An entry for one region concerns the series of that region, and those that are not cut by region at all: it may
    /// be what lies behind them.
    pub(crate) fn calendar_context(
        &self,
        key: &SeriesKey,
        start: Timestamp,
        end: Timestamp,
    ) -> Vec<ContextItem> {
        let first = BucketWidth::Day.index(start);
        let last = BucketWidth::Day.index(end.plus(-1));
        let mut found: Vec<(bool, &CalendarEntry)> = Vec::new();
        for calendar in &self.plan.settings.calendars {
            for entry in calendar.during(first, last) {
                match self.concerns(key, entry.only.as_ref()) {
                    Some(false) => {}
                    exact => found.push((exact != Some(true), entry)),
                }
            }
        }
        found.sort_by(|left, right| {
            let order = |(unsure, entry): &(bool, &CalendarEntry)| (*unsure, entry.first_day);
            order(left)
                .cmp(&order(right))
                .then_with(|| left.1.reference.cmp(&right.1.reference))
        });
        found
            .into_iter()
            .take(MAX_LISTED)
            .map(|(_, entry)| ContextItem {
                kind: entry.kind.as_str().to_owned(),
                reference: entry.reference.clone(),
                label: match &entry.only {
                    Some((dimension, value)) => {
                        format!("{} ({} {value})", entry.label, dimension.name())
                    }
                    None => entry.label.clone(),
                },
                start: BucketWidth::Day.start(entry.first_day),
                end: BucketWidth::Day.end(entry.last_day),
            })
            .collect()
    }

    /// Names of the calendars whose holidays a baseline of this series knows, sorted.
    pub(crate) fn holiday_calendars(&self, key: &SeriesKey) -> Vec<String> {
        let knows = |calendar: &&Calendar| {
            calendar.entries.iter().any(|entry| {
                entry.kind == CalendarKind::Holiday
                    && self.concerns(key, entry.only.as_ref()) == Some(true)
            })
        };
        let names: BTreeSet<&str> = self
            .plan
            .settings
            .calendars
            .iter()
            .filter(knows)
            .map(|calendar| calendar.name.as_str())
            .collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// Whether something for `only` concerns a series; `None`: the series is not cut by that dimension.
    fn concerns(&self, key: &SeriesKey, only: Option<&(Dimension, String)>) -> Option<bool> {
        let Some((dimension, value)) = only else {
            return Some(true);
        };
        let slots = self.plan.lattice.dimensions();
        let slot = slots.iter().position(|kept| kept == dimension)?;
        let own = self.plan.lattice.value_of(key, slot)?;
        Some(self.interner.text(own) == value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::DAY;

    fn calendar(kind: CalendarKind, days: &[BucketIndex]) -> Calendar {
        Calendar {
            name: "test".into(),
            days_before: 1,
            days_after: 2,
            entries: days
                .iter()
                .map(|&day| CalendarEntry {
                    reference: format!("cal_{day}"),
                    kind,
                    label: "Day off".into(),
                    only: None,
                    first_day: day,
                    last_day: day,
                })
                .collect(),
        }
    }

    fn with(calendars: Vec<Calendar>) -> DetectSettings {
        DetectSettings {
            calendars,
            ..DetectSettings::standard()
        }
    }

    #[test]
    fn margins_belong_to_the_entry() {
        let settings = with(vec![calendar(CalendarKind::Holiday, &[100])]);
        let days: Vec<BucketIndex> = (95..=105)
            .filter(|&day| holidays(&settings, day).next().is_some())
            .collect();
        assert_eq!(days, [99, 100, 101, 102]);
        let congress = with(vec![calendar(CalendarKind::Congress, &[100])]);
        assert!(holidays(&congress, 100).next().is_none());
    }

    #[test]
    fn only_holidays_that_were_judged_guard_the_state() {
        let until = Timestamp(110 * DAY);
        let one = judged_hash(&with(vec![calendar(CalendarKind::Holiday, &[100])]), until);
        let later = with(vec![calendar(CalendarKind::Holiday, &[100, 200])]);
        assert_eq!(
            one,
            judged_hash(&later, until),
            "a later day changes nothing yet"
        );
        let missed = with(vec![calendar(CalendarKind::Holiday, &[90, 100])]);
        assert_ne!(one, judged_hash(&missed, until));
        let congress = with(vec![calendar(CalendarKind::Congress, &[100])]);
        assert_eq!(judged_hash(&congress, until), "");
        assert_eq!(judged_hash(&later, Timestamp::MIN), "");
    }

    #[test]
    fn bounds_are_checked() {
        let mut wrong = calendar(CalendarKind::Launch, &[100]);
        wrong.days_after = 61;
        wrong.entries[0].last_day = 99;
        let problems = with(vec![wrong]).check().expect_err("two problems");
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 2, "{told:#?}");
        assert!(told[0].starts_with("detect.calendars[0].days_after: 61"));
        assert!(told[1].contains("ends before it begins"));
    }
}
