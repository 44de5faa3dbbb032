//! `[[detect.calendars]]`: iCalendar files → the calendars the core judges with.

use super::detect::{DIMENSIONS, set_i32};
use super::icalendar::{self, Event};
use super::reader::Section;
use auscult_core::calendar::{Calendar, CalendarEntry};
use auscult_core::settings::Dimension;
use auscult_core::words::CalendarKind;
use std::path::Path;

/// Largest calendar file, in bytes.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;
/// Longest label an alert carries, in characters.
const MAX_LABEL: usize = 120;

/// What a calendar's table says about its events.
struct Rules {
    /// Kind of all events; `None`: each names its own among its categories.
    kind: Option<CalendarKind>,
    dimension: Option<Dimension>,
    value: Option<String>,
    values_from: Option<ValuesFrom>,
}

/// Where an event says which values of the dimension it concerns.
#[derive(Clone, Copy)]
enum ValuesFrom {
    Location,
    Categories,
}

/// Reads one table and the file it names.
pub fn read(section: &mut Section<'_>) -> Calendar {
    let file = section.text("file");
    let rules = Rules {
        kind: section.word("kind", &kinds(), CalendarKind::parse),
        dimension: section.word("dimension", &[DIMENSIONS], Dimension::parse),
        value: section.text("value"),
        values_from: section.word("values_from", &["location", "categories"], values_from),
    };
    let mut calendar = Calendar {
        name: section.text("name").unwrap_or_default(),
        days_before: 0,
        days_after: 0,
        entries: Vec::new(),
    };
    set_i32(&mut calendar.days_before, section.whole("days_before", 366));
    set_i32(&mut calendar.days_after, section.whole("days_after", 366));
    rules.check(section);
    let Some(file) = file else {
        section.problem(
            "file",
            "no file is named",
            "name an iCalendar file such as \"holidays.ics\"",
        );
        return calendar;
    };
    if calendar.name.is_empty() {
        let stem = Path::new(&file).file_stem();
        calendar.name = stem.map_or_else(String::new, |it| it.to_string_lossy().into_owned());
    }
    let text = match text_of(Path::new(&file)) {
        Ok(text) => text,
        Err(reason) => {
            section.problem(
                "file",
                format!("{file}: {reason}"),
                "name a readable iCalendar file; paths begin where auscult is started",
            );
            return calendar;
        }
    };
    match icalendar::read(&text) {
        Ok(events) => {
            for (at, event) in events.iter().enumerate() {
                rules.entries(section, &file, at, event, &mut calendar.entries);
            }
        }
        Err(problems) => {
            for problem in problems {
                let reason = format!("{file}: {}: {}", problem.event, problem.reason);
                section.problem("file", reason, problem.remedy);
            }
        }
    }
    calendar
}

fn text_of(path: &Path) -> Result<String, String> {
    let said = |error: std::io::Error| error.to_string();
    let size = std::fs::metadata(path).map_err(said)?.len();
    if size > MAX_FILE_BYTES {
        return Err(format!("it has {size} bytes, more than {MAX_FILE_BYTES}"));
    }
    std::fs::read_to_string(path).map_err(said)
}

fn kinds() -> Vec<&'static str> {
    CalendarKind::ALL.iter().map(|kind| kind.as_str()).collect()
}

fn values_from(text: &str) -> Option<ValuesFrom> {
    match text {
        "location" => Some(ValuesFrom::Location),
        "categories" => Some(ValuesFrom::Categories),
        _ => None,
    }
}

/// A category as a kind is spelled: `Label Change` is `label_change`.
fn kind_of(category: &str) -> Option<CalendarKind> {
    CalendarKind::parse(&category.trim().to_lowercase().replace([' ', '-'], "_"))
}

impl Rules {
    fn check(&self, section: &mut Section<'_>) {
        let named = usize::from(self.value.is_some()) + usize::from(self.values_from.is_some());
        if self.dimension.is_some() && named != 1 {
            section.problem(
                "dimension",
                "it is not said which values the events concern",
                "name one value, or where each event names its own: values_from = \"location\" or \"categories\"",
            );
        }
        if self.dimension.is_none() && named > 0 {
            section.problem(
                "dimension",
                "no dimension is named",
                "name the dimension whose values these are, such as region",
            );
        }
    }

    /// The occurrences of one event, for each value it concerns.
    fn entries(
        &self,
        section: &mut Section<'_>,
        file: &str,
        at: usize,
        event: &Event,
        entries: &mut Vec<CalendarEntry>,
    ) {
        let Some(kind) = self
            .kind
            .or_else(|| event.categories.iter().find_map(|it| kind_of(it)))
        else {
            section.problem(
                "file",
                format!(
                    "{file}: event {} {:?}: none of its categories is a kind of event",
                    at + 1,
                    event.summary
                ),
                format!(
                    "set `kind` for the file, or name one of {} under CATEGORIES",
                    kinds().join(", ")
                ),
            );
            return;
        };
        let label: String = if event.summary.is_empty() {
            kind.as_str().replace('_', " ")
        } else {
            event.summary.chars().take(MAX_LABEL).collect()
        };
        for only in self.concerned(event) {
            for &first_day in &event.days {
                entries.push(CalendarEntry {
                    reference: reference(event, first_day),
                    kind,
                    label: label.clone(),
                    only: only.clone(),
                    first_day,
                    last_day: first_day + event.further_days,
                });
            }
        }
    }

    /// Whom an event concerns. One that names nobody concerns all.
    fn concerned(&self, event: &Event) -> Vec<Option<(Dimension, String)>> {
        let Some(dimension) = &self.dimension else {
            return vec![None];
        };
        let values: Vec<String> = match (self.values_from, &self.value) {
            (Some(ValuesFrom::Location), _) => icalendar::cut(&event.location),
            (Some(ValuesFrom::Categories), _) => event
                .categories
                .iter()
                .filter(|it| kind_of(it).is_none())
                .cloned()
                .collect(),
            (None, value) => value.iter().cloned().collect(),
        };
        if values.is_empty() {
            return vec![None];
        }
        values
            .into_iter()
            .map(|value| Some((dimension.clone(), value)))
            .collect()
    }
}

/// The same for the same occurrence of the same event, in every copy of the file.
fn reference(event: &Event, day: i32) -> String {
    let id = if event.uid.is_empty() {
        &event.summary
    } else {
        &event.uid
    };
    auscult_core::identity::outward_id("cal_", &[id, &day.to_string()])
}

#[cfg(test)]
mod tests {
    use super::super::detect;
    use super::Section;
    use auscult_core::settings::{DetectSettings, Dimension};
    use auscult_core::words::CalendarKind;

    /// The settings of a file's text, or everything that is wrong with them.
    fn settings(text: &str) -> Result<DetectSettings, String> {
        let mut problems = Vec::new();
        let mut file = Section::new("", text.parse().expect("TOML"), &mut problems);
        let settings = file.section("detect", detect::read);
        file.finish();
        if let Err(found) = settings.clone().check() {
            problems.extend(found);
        }
        if problems.is_empty() {
            return Ok(settings);
        }
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Err(format!("{} problems\n{}", told.len(), told.join("\n")))
    }

    fn with(table: &str, calendar: &str) -> Result<DetectSettings, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bavaria.ics");
        std::fs::write(&path, calendar).expect("written");
        settings(&format!(
            "[[detect.calendars]]\nfile = {:?}\n{table}\n",
            path.display().to_string()
        ))
    }

    fn calendar(events: &[&str]) -> String {
        let events: Vec<String> = events
            .iter()
            .map(|event| {
                format!(
                    "BEGIN:VEVENT\r\n{}\r\nEND:VEVENT\r\n",
                    event.replace('\n', "\r\n")
                )
            })
            .collect();
        format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\n{}END:VCALENDAR\r\n",
            events.concat()
        )
    }

    #[test]
    fn a_file_becomes_entries_with_kind_value_and_margins() {
        let text = calendar(&[
            "UID:1\nSUMMARY:Epiphany\nLOCATION:BY\\, BW\nDTSTART;VALUE=DATE:20260106\nRRULE:FREQ=YEARLY;COUNT=3",
            "UID:2\nSUMMARY:Heart Congress\nCATEGORIES:Congress\nDTSTART;VALUE=DATE:20260508\nDTEND;VALUE=DATE:20260512",
        ]);
        let table =
            "dimension = 'region'\nvalues_from = 'location'\ndays_after = 2\nname = 'dates'";
        let error = with(table, &text).expect_err("the first names no kind");
        assert!(error.contains("\"Epiphany\""), "{error}");
        let text = text.replace("LOCATION", "CATEGORIES:holiday\r\nLOCATION");
        let settings = with(table, &text).expect("sound");
        let calendar = &settings.calendars[0];
        assert_eq!((calendar.name.as_str(), calendar.days_after), ("dates", 2));
        let told: Vec<(CalendarKind, Option<&str>, i32, i32)> = calendar
            .entries
            .iter()
            .map(|it| {
                let value = it.only.as_ref().map(|(_, value)| value.as_str());
                (it.kind, value, it.first_day, it.last_day - it.first_day)
            })
            .collect();
        let epiphany = 20_459; // 2026-01-06
        assert_eq!(
            told,
            [
                (CalendarKind::Holiday, Some("BY"), epiphany, 0),
                (CalendarKind::Holiday, Some("BY"), epiphany + 365, 0),
                (CalendarKind::Holiday, Some("BY"), epiphany + 730, 0),
                (CalendarKind::Holiday, Some("BW"), epiphany, 0),
                (CalendarKind::Holiday, Some("BW"), epiphany + 365, 0),
                (CalendarKind::Holiday, Some("BW"), epiphany + 730, 0),
                (CalendarKind::Congress, None, 20_581, 3),
            ]
        );
        let only = calendar.entries[0].only.as_ref().map(|(of, _)| of);
        assert_eq!(only, Dimension::parse("region").as_ref());
    }

    #[test]
    fn every_problem_of_every_event_is_told_at_once() {
        let text = calendar(&[
            "UID:1\nSUMMARY:Soon\nDTSTART:tomorrow",
            "UID:2\nSUMMARY:Often\nDTSTART;VALUE=DATE:20260101\nRRULE:FREQ=HOURLY",
            "UID:3\nSUMMARY:Sound\nDTSTART;VALUE=DATE:20260101",
        ]);
        let error = with("kind = 'party'\nvalue = 'BY'\ndays_before = 99", &text)
            .expect_err("five problems");
        for told in [
            "5 problems",
            "detect.calendars[0].kind: \"party\" is not known",
            "detect.calendars[0].dimension: no dimension is named",
            "event 1 \"Soon\": DTSTART \"tomorrow\" is no date; write 20260504",
            "event 2 \"Often\": RRULE repeats within a day",
            "detect.calendars[0].days_before: 99 is out of range",
            "bavaria.ics",
        ] {
            assert!(error.contains(told), "{told} is missing in:\n{error}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let text = "[[detect.calendars]]\nfile = 'nowhere.ics'\nkind = 'congress'\n[[detect.calendars]]\nkind = 'launch'\n";
        let told = settings(text).expect_err("no file");
        assert!(
            told.contains("detect.calendars[0].file: nowhere.ics: "),
            "{told}"
        );
        assert!(
            told.contains("detect.calendars[1].file: no file is named"),
            "{told}"
        );
    }
}
