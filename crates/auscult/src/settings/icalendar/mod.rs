//! iCalendar text (RFC 5545) → the days its events fall on.
//!
//! Decision: `icalendar` cuts the text into properties and `rrule` expands rules; what a property means is read here, value
//! by value, so that nothing that cannot be honoured is passed over: each such event is a problem with a remedy. Libraries
//! that also read the values guess at what they do not know. Only days count, so times are read for the day they fall on,
//! in the event's own time zone. Expansion ends at a fixed day, never at today's: the same file must give the same settings
//! tomorrow, since stored state hangs on them.

mod expand;
mod values;

use auscult_core::time::BucketIndex;
use icalendar::parser::{Component, Property};
use std::collections::BTreeSet;
pub use values::cut;

/// Occurrences before this day are left out: 1990-01-01.
pub const FIRST_DAY: BucketIndex = 7_305;
/// Occurrences from this day on are left out: 2050-01-01.
pub const END_DAY: BucketIndex = 29_220;
/// Most occurrences of one event: sixty years of weeks.
pub const MAX_OCCURRENCES: u16 = 3_200;

/// One event with everything that recurs expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The event's own id.
    pub uid: String,
    /// Words for people.
    pub summary: String,
    /// Place, as written; empty if none.
    pub location: String,
    /// Categories, as written.
    pub categories: Vec<String>,
    /// First day of each occurrence, ascending, in days since 1970-01-01.
    pub days: BTreeSet<BucketIndex>,
    /// Days each occurrence lasts beyond its first.
    pub further_days: BucketIndex,
}

/// Why an event, or the whole text, could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventProblem {
    /// Which event: its summary, or its place in the file.
    pub event: String,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

/// Reason and remedy.
type Wrong = (String, String);

fn wrong<T>(reason: impl Into<String>, remedy: impl Into<String>) -> Result<T, Wrong> {
    Err((reason.into(), remedy.into()))
}

/// Every event of `text`. Cancelled ones are left out.
///
/// # Errors
/// All events that cannot be used, or the text as a whole.
pub fn read(text: &str) -> Result<Vec<Event>, Vec<EventProblem>> {
    let unfolded = icalendar::parser::unfold(text.trim_start_matches('\u{feff}').trim()) + "\n";
    let whole = |reason: String| {
        vec![EventProblem {
            event: "the file".to_owned(),
            reason,
            remedy: "export it anew as iCalendar (.ics), with BEGIN:VCALENDAR and END:VCALENDAR"
                .to_owned(),
        }]
    };
    let roots =
        icalendar::parser::read_components(&unfolded).map_err(|error| whole(first_line(&error)))?;
    let events: Vec<&Component<'_>> = roots
        .iter()
        .filter(|root| root.name == "VCALENDAR")
        .flat_map(|root| &root.components)
        .filter(|component| component.name == "VEVENT")
        .collect();
    // The parser stops at what it does not understand and says nothing of the rest.
    let written = unfolded
        .lines()
        .filter(|line| line.trim().eq_ignore_ascii_case("BEGIN:VEVENT"))
        .count();
    if roots.iter().all(|root| root.name != "VCALENDAR") || written != events.len() {
        return Err(whole(format!(
            "it is no whole iCalendar: {} of {written} events could be read",
            events.len()
        )));
    }
    let mut drafts = Vec::new();
    let mut problems = Vec::new();
    for (at, component) in events.into_iter().enumerate() {
        match Draft::read(component) {
            Ok(Some(draft)) => drafts.push((at, draft)),
            Ok(None) => {}
            Err(wrong) => problems.push(problem(at, component, wrong)),
        }
    }
    let moved: Vec<(String, BucketIndex)> = drafts
        .iter()
        .filter_map(|(_, draft)| Some((draft.uid.clone(), draft.replaces?)))
        .collect();
    let mut events = Vec::new();
    for (at, draft) in drafts {
        match draft.expand(&moved) {
            Ok(event) => events.push(event),
            Err((summary, wrong)) => problems.push(EventProblem {
                event: named(at, &summary),
                reason: wrong.0,
                remedy: wrong.1,
            }),
        }
    }
    if problems.is_empty() {
        Ok(events)
    } else {
        Err(problems)
    }
}

fn first_line(error: &str) -> String {
    error
        .lines()
        .find(|line| !line.trim().is_empty() && !line.starts_with("error"))
        .unwrap_or("it is no iCalendar")
        .trim()
        .to_owned()
}

fn problem(at: usize, component: &Component<'_>, (reason, remedy): Wrong) -> EventProblem {
    let summary = component
        .find_prop("SUMMARY")
        .map_or("", |it| it.val.as_str());
    EventProblem {
        event: named(at, summary),
        reason,
        remedy,
    }
}

fn named(at: usize, summary: &str) -> String {
    if summary.trim().is_empty() {
        format!("event {}", at + 1)
    } else {
        format!("event {} {summary:?}", at + 1)
    }
}

/// An event as written, before anything is expanded.
struct Draft {
    uid: String,
    summary: String,
    location: String,
    categories: Vec<String>,
    start: values::Moment,
    further_days: BucketIndex,
    rule: Option<String>,
    added: Vec<values::Moment>,
    excluded: Vec<values::Moment>,
    /// Day of the occurrence this event stands for.
    replaces: Option<BucketIndex>,
}

impl Draft {
    /// Reads an event; `None` if it was cancelled.
    fn read(component: &Component<'_>) -> Result<Option<Draft>, Wrong> {
        let text = |name: &str| {
            component
                .find_prop(name)
                .map_or_else(String::new, |it| it.val.as_str().trim().to_owned())
        };
        if text("STATUS").eq_ignore_ascii_case("CANCELLED") {
            return Ok(None);
        }
        let Some(start) = component.find_prop("DTSTART") else {
            return wrong("it has no DTSTART", "give it the day it begins");
        };
        let start = values::moment(start)?;
        let rules = values::all(component, "RRULE");
        if rules.len() > 1 {
            return wrong(
                "it has more than one RRULE",
                "write one event for each rule",
            );
        }
        if !values::all(component, "EXRULE").is_empty() {
            return wrong(
                "EXRULE is no longer part of iCalendar",
                "list the days under EXDATE",
            );
        }
        let replaces = component
            .find_prop("RECURRENCE-ID")
            .map(values::occurrence)
            .transpose()?;
        Ok(Some(Draft {
            uid: text("UID"),
            summary: text("SUMMARY"),
            location: text("LOCATION"),
            categories: values::lists(component, "CATEGORIES"),
            further_days: values::further_days(component, &start)?,
            rule: rules.first().map(|it| it.val.as_str().to_owned()),
            added: values::moments(component, "RDATE")?,
            excluded: values::moments(component, "EXDATE")?,
            replaces,
            start,
        }))
    }

    /// Expands what recurs. `moved`: occurrences that an event of their own stands for.
    fn expand(self, moved: &[(String, BucketIndex)]) -> Result<Event, (String, Wrong)> {
        let mut days = match &self.rule {
            None => BTreeSet::from([self.start.day]),
            Some(rule) => {
                expand::days(rule, &self.start).map_err(|wrong| (self.summary.clone(), wrong))?
            }
        };
        days.extend(self.added.iter().map(|moment| moment.day));
        for moment in &self.excluded {
            days.remove(&moment.day);
        }
        if self.replaces.is_none() {
            for (uid, day) in moved {
                if *uid == self.uid {
                    days.remove(day);
                }
            }
        }
        days.retain(|day| (FIRST_DAY..END_DAY).contains(day));
        Ok(Event {
            uid: self.uid,
            summary: self.summary,
            location: self.location,
            categories: self.categories,
            days,
            further_days: self.further_days,
        })
    }
}

/// The value of a property's parameter.
fn parameter<'a>(property: &'a Property<'_>, name: &str) -> Option<&'a str> {
    property
        .params
        .iter()
        .find(|it| it.key.as_str().eq_ignore_ascii_case(name))
        .and_then(|it| it.val.as_ref())
        .map(|value| value.as_str().trim_matches('"'))
}

#[cfg(test)]
mod tests;
