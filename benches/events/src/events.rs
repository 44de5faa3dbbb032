//! Known events, and which rows of a file are theirs.

use anyhow::{Context, Result, bail};
use auscult::import::rows::Row;
use regex::Regex;
use serde_json::Value;
use std::path::Path;

/// One known event.
#[derive(Debug, Clone)]
pub struct Event {
    pub id: String,
    pub dataset: String,
    pub kinds: Vec<String>,
    pub confidence: String,
    pub filter: String,
    pub key: Vec<(String, String)>,
    /// First day it can be seen, in days since 1970.
    pub seen_from: Option<i64>,
    /// Last day it is thought to last.
    pub until: Option<i64>,
    /// Places of the onset, from 1, in a series without dates.
    pub onset_places: Vec<usize>,
}

/// Days an event lasts when nothing says how long.
const USUAL_DAYS: i64 = 90;
/// Records that are published late go on coming in this long after an event: nine tenths of recalls within 197 days, half
/// within 55.
const PUBLISHED_LATE_DAYS: i64 = 90;

impl Event {
    /// An event that must not become a signal of its own, or one at most.
    pub fn is_artefact(&self) -> bool {
        !self.is_change()
    }

    pub fn is(&self, kind: &str) -> bool {
        self.kinds.iter().any(|of| of == kind)
    }

    fn is_change(&self) -> bool {
        [
            "volume_surge",
            "volume_drop",
            "rating_drop",
            "emergent_topic",
        ]
        .iter()
        .any(|kind| self.is(kind))
    }
}

/// Days since 1970 of a text that begins with `YYYY-MM-DD`.
pub fn day(text: &str) -> Option<i64> {
    let at = auscult::import::event::parse(text.get(..10)?, "%Y-%m-%d").ok()?;
    Some(at.0.div_euclid(auscult_core::time::DAY))
}

/// Reads a file of events: a list, or an object with a list under `events`.
pub fn read(path: &Path) -> Result<Vec<Event>> {
    let text = std::fs::read_to_string(path).with_context(|| {
        format!(
            "cannot read {}: name a file of known events with EVENTS=FILE",
            path.display()
        )
    })?;
    let value: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?;
    let list = value
        .as_array()
        .or_else(|| value.get("events").and_then(Value::as_array));
    let Some(list) = list else {
        bail!(
            "{} is neither a list of events nor an object with one under \"events\"",
            path.display()
        );
    };
    list.iter()
        .enumerate()
        .map(|(at, value)| {
            event(value).with_context(|| format!("event {} of {}", at + 1, path.display()))
        })
        .collect()
}

fn event(value: &Value) -> Result<Event> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let required = |key: &str| text(key).with_context(|| format!("it has no {key}"));
    let kinds = match value.get("kind") {
        Some(Value::String(kind)) => vec![kind.clone()],
        Some(Value::Array(kinds)) => kinds
            .iter()
            .filter_map(|kind| kind.as_str().map(str::to_owned))
            .collect(),
        _ => bail!("it has no kind"),
    };
    let key = value
        .get("series_key")
        .and_then(Value::as_object)
        .map(|pairs| {
            pairs
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect()
        })
        .unwrap_or_default();
    let onset = text("onset_date").as_deref().and_then(day);
    let available = |key: &str| {
        value
            .get("available")
            .and_then(|available| available.get(key))
            .and_then(Value::as_str)
            .and_then(day)
    };
    let evidence = value.get("evidence");
    let first_seen = evidence
        .and_then(|evidence| evidence.get("first_tweet"))
        .and_then(Value::as_str)
        .and_then(day);
    let seen_from = available("first_incident_visible").or(first_seen).or(onset);
    let windows = evidence
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|evidence| evidence.values())
        .filter_map(|of| of.get("event_window")?.get(1)?.as_str().and_then(day));
    let hint = value.get("end_hint_days").and_then(Value::as_i64);
    let last_seen = available("fifth_incident_visible").or(available("third_incident_visible"));
    let is_late = value.get("available").is_some();
    let until = windows
        .map(|end| {
            if is_late {
                end + PUBLISHED_LATE_DAYS
            } else {
                end
            }
        })
        .chain(last_seen)
        .chain(onset.zip(hint).map(|(onset, days)| onset + days))
        .max()
        .or(seen_from.map(|from| from + USUAL_DAYS));
    let onset_places = match value.get("onset_t") {
        Some(Value::Array(places)) => places
            .iter()
            .filter_map(|place| usize::try_from(place.as_u64()?).ok())
            .collect(),
        Some(one) => one
            .as_u64()
            .map(|place| place as usize)
            .into_iter()
            .collect(),
        None => Vec::new(),
    };
    Ok(Event {
        id: required("id")?,
        dataset: required("dataset")?,
        kinds,
        confidence: text("confidence").unwrap_or_default(),
        filter: text("filter").unwrap_or_default(),
        key,
        seen_from,
        until,
        onset_places,
    })
}

/// Which rows are an event's: all clauses must hold.
pub struct Filter {
    clauses: Vec<Clause>,
    /// Parts of the text that were not understood.
    pub unread: Vec<String>,
}

enum Clause {
    Is(String, String),
    Matches(String, Regex),
    InMonth(String, String),
    LastOfMonth(String),
}

impl Filter {
    /// Reads the words events are filtered by: `column == 'value'`, `column matches 'pattern'`, `column in YYYY-MM`,
    /// `column is the last day of a month`, joined by `and` or commas; `all rows`. A note in brackets at the end is left out.
    pub fn read(text: &str) -> Result<Filter> {
        let part = Regex::new(
            r"(?x)
            (?P<is>\w+)\s*==\s*'(?P<value>[^']*)'
            | (?P<matches>\w+)\s+matches\s+'(?P<pattern>[^']*)'
            | (?P<month>\w+)\s+in\s+(?P<of>\d{4}-\d{2})\b
            | (?P<last>\w+)\s+is\s+the\s+last\s+day\s+of\s+a\s+month
            | all\s+rows",
        )?;
        let mut clauses = Vec::new();
        for found in part.captures_iter(text) {
            let of = |name: &str| found.name(name).map(|text| text.as_str().to_owned());
            if let (Some(column), Some(value)) = (of("is"), of("value")) {
                clauses.push(Clause::Is(column, value));
            } else if let (Some(column), Some(pattern)) = (of("matches"), of("pattern")) {
                let pattern = Regex::new(&format!("(?i){pattern}"))
                    .with_context(|| format!("the filter's pattern {pattern:?}"))?;
                clauses.push(Clause::Matches(column, pattern));
            } else if let (Some(column), Some(month)) = (of("month"), of("of")) {
                clauses.push(Clause::InMonth(column, month));
            } else if let Some(column) = of("last") {
                clauses.push(Clause::LastOfMonth(column));
            }
        }
        let rest = part.replace_all(text, "");
        let unread = rest
            .split([',', ';'])
            .flat_map(|part| part.split(" and "))
            .map(|part| part.trim().trim_start_matches("and ").trim().to_owned())
            .filter(|part| !part.is_empty() && !part.starts_with('('))
            .collect();
        Ok(Filter { clauses, unread })
    }

    /// Whether a row is the event's; `None` when the row has none of a clause's columns.
    pub fn holds(&self, row: &Row) -> bool {
        self.clauses.iter().all(|clause| match clause {
            Clause::Is(column, value) => cell(row, column) == Some(value.as_str()),
            Clause::Matches(column, pattern) => {
                cell(row, column).is_some_and(|text| pattern.is_match(text))
            }
            Clause::InMonth(column, month) => {
                cell(row, column).is_some_and(|text| text.starts_with(month.as_str()))
            }
            Clause::LastOfMonth(column) => cell(row, column).and_then(day).is_some_and(|day| {
                let month = |day: i64| {
                    auscult_core::time::BucketWidth::Month
                        .index(auscult_core::time::Timestamp(day * auscult_core::time::DAY))
                };
                month(day) != month(day + 1)
            }),
        })
    }
}

/// A row's value in `column`, or in the one column whose name begins so (`reason` for `reason_for_recall`).
fn cell<'a>(row: &'a Row, column: &str) -> Option<&'a str> {
    row.get(column)
        .or_else(|| {
            row.iter()
                .find(|(name, _)| name.starts_with(column))
                .map(|(_, value)| value)
        })
        .map(|text| text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pairs: &[(&str, &str)]) -> Row {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn filters_are_read_as_they_are_written_and_the_rest_is_named() {
        let filter = Filter::read("recalling_firm == 'A, B' and recall_initiation_date in 2013-07")
            .expect("a filter");
        assert!(filter.unread.is_empty(), "{:?}", filter.unread);
        let of = |date| row(&[("recalling_firm", "A, B"), ("recall_initiation_date", date)]);
        assert!(filter.holds(&of("2013-07-02")) && !filter.holds(&of("2013-08-02")));
        let filter = Filter::read("reason matches '(lack of )?sterility'").expect("a filter");
        assert!(filter.holds(&row(&[("reason_for_recall", "Lack of Sterility")])));
        assert!(!filter.holds(&row(&[("reason_for_recall", "glass")])));
        let filter = Filter::read("date_iso is the last day of a month").expect("a filter");
        assert!(filter.holds(&row(&[("date_iso", "2024-02-29")])));
        assert!(!filter.holds(&row(&[("date_iso", "2024-02-28")])));
        let filter = Filter::read("all rows, OverallRating 1..10").expect("a filter");
        assert_eq!(filter.unread, ["OverallRating 1..10"]);
        assert!(Filter::read("reason matches '('").is_err());
    }

    #[test]
    fn an_event_says_when_it_could_be_seen_and_how_long_it_lasts() {
        let value = serde_json::json!({
            "id": "e", "dataset": "d.csv", "kind": ["volume_surge"], "onset_date": "2013-03-01",
            "evidence": {"rows": {"event_window": ["2013-03-01", "2013-06-01"]}},
            "available": {"first_incident_visible": "2013-05-01"},
        });
        let event = event(&value).expect("an event");
        assert_eq!(event.seen_from, day("2013-05-01"));
        assert_eq!(
            event.until,
            day("2013-06-01").map(|end| end + PUBLISHED_LATE_DAYS)
        );
        assert!(!event.is_artefact());
        assert!(super::event(&serde_json::json!({"id": "e"})).is_err());
    }
}
