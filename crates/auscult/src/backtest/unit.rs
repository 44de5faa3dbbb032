//! Unit tests for detectors, written by the people who own the settings.
//!
//! Decision: the notation for series is that of `promtool test rules`, which many know: `10x30 60 10x5`. A test is judged by
//! the same call as a backtest, so what passes here alerts there; with a `view`, by the method that view names.

use super::default;
use super::panel::{Panel, PanelSeries};
use crate::import::event;
use crate::settings::reader::Section;
use auscult_core::series::Cell;
use auscult_core::settings::{DetectSettings, Problem};
use auscult_core::time::{BucketIndex, BucketWidth, Timestamp, words_for};
use auscult_core::words::Measure;
use toml::{Table, Value};

/// Widths a test may have.
const BUCKETS: [&str; 4] = ["hour", "day", "week", "month"];
/// Longest series of a test.
const MOST_BUCKETS: usize = 20_000;

/// One test.
#[derive(Debug, Clone)]
pub struct DetectorTest {
    /// What is promised.
    pub name: String,
    /// View of the settings whose method judges; `None`: the default model does.
    view: Option<String>,
    panel: Panel,
    expected: Vec<Expected>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Up,
    Down,
    None,
}

#[derive(Debug, Clone)]
struct Expected {
    series: usize,
    from: BucketIndex,
    to: BucketIndex,
    wanted: Wanted,
}

/// Reads a file of tests.
///
/// # Errors
/// Every problem found, each with its place.
pub fn read(text: &str) -> Result<Vec<DetectorTest>, Vec<Problem>> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        vec![Problem::new(
            "(file)",
            format!("it is not TOML: {error}"),
            "see docs/detector-tests.md",
        )]
    })?;
    let mut problems = Vec::new();
    let mut file = Section::new("", table, &mut problems);
    let tables = file.tables("tests").unwrap_or_default();
    if tables.is_empty() {
        file.problem("tests", "there is none", "write a [[tests]] table");
    }
    let tests: Vec<DetectorTest> = tables
        .into_iter()
        .enumerate()
        .map(|(at, table)| file.nested(&format!("tests[{at}]"), table, one))
        .collect();
    file.finish();
    if problems.is_empty() {
        Ok(tests)
    } else {
        Err(problems)
    }
}

fn one(section: &mut Section<'_>) -> DetectorTest {
    let name = section.text("name").unwrap_or_default();
    if name.is_empty() {
        section.problem("name", "it is missing", "say what is promised");
    }
    let width = section
        .word("bucket", &BUCKETS, crate::settings::detect::bucket)
        .unwrap_or(BucketWidth::Day);
    let view = section.text("view");
    let start = section
        .text("start")
        .unwrap_or_else(|| "2024-01-01".to_owned());
    let start = moment(section, "start", &start);
    let first = width.index(start);
    let mut series = Vec::new();
    for (name, value) in section.table("series") {
        let path = format!("series.{name}");
        let cells = match &value {
            Value::String(text) => counts(text),
            _ => Err("it is not a text in quotes".to_owned()),
        };
        match cells {
            Ok(cells) => series.push(PanelSeries {
                dimensions: vec![("series".to_owned(), name)],
                from: 0,
                truth: vec![false; cells.len()],
                cells,
            }),
            Err(reason) => section.problem(
                &path,
                reason,
                "write counts such as \"10x30 60 10+1x5 _x2\"",
            ),
        }
    }
    if series.is_empty() {
        section.problem(
            "series",
            "there is none",
            "write [tests.series] with a name and its counts",
        );
    }
    let buckets = series.iter().map(|one| one.cells.len()).max().unwrap_or(0);
    for one in &mut series {
        one.cells.resize(buckets, None);
        one.truth.resize(buckets, false);
    }
    let panel = Panel {
        measure: Measure::Mentions,
        width,
        first,
        buckets,
        series,
        bad: Vec::new(),
    };
    let tables = section.tables("expect").unwrap_or_default();
    if tables.is_empty() {
        section.problem("expect", "nothing is expected", "write [[tests.expect]]");
    }
    let expected = tables
        .into_iter()
        .enumerate()
        .filter_map(|(at, table)| {
            section.nested(&format!("expect[{at}]"), table, |section| {
                expectation(section, &panel)
            })
        })
        .collect();
    DetectorTest {
        name,
        view,
        panel,
        expected,
    }
}

fn expectation(section: &mut Section<'_>, panel: &Panel) -> Option<Expected> {
    let name = section.text("series").unwrap_or_default();
    let series = panel.series.iter().position(|one| one.name() == name);
    if series.is_none() {
        let names: Vec<String> = panel.series.iter().map(PanelSeries::name).collect();
        section.problem(
            "series",
            format!("{name:?} is no series of this test"),
            format!("choose one of {}", names.join(", ")),
        );
    }
    let wanted = section.word("alert", &["up", "down", "none"], |text| match text {
        "up" => Some(Wanted::Up),
        "down" => Some(Wanted::Down),
        "none" => Some(Wanted::None),
        _ => None,
    });
    let last = panel.first + panel.buckets as BucketIndex - 1;
    let place = |section: &mut Section<'_>, key: &'static str, usual: BucketIndex| {
        let Some(text) = section.text(key) else {
            return usual;
        };
        let bucket = panel.width.index(moment(section, key, &text));
        if !(panel.first..=last).contains(&bucket) {
            section.problem(
                key,
                format!("{text:?} lies outside the series"),
                format!(
                    "choose {} to {}",
                    words_for(panel.width.start(panel.first), panel.width),
                    words_for(panel.width.start(last), panel.width)
                ),
            );
        }
        bucket
    };
    // Without a time the whole test is meant; without an end, one bucket.
    let at = place(section, "at", BucketIndex::MIN);
    let from = if at == BucketIndex::MIN {
        panel.first
    } else {
        at
    };
    let to = place(
        section,
        "until",
        if at == BucketIndex::MIN { last } else { at },
    );
    Some(Expected {
        series: series?,
        from,
        to,
        wanted: wanted.unwrap_or(Wanted::Up),
    })
}

fn moment(section: &mut Section<'_>, key: &'static str, text: &str) -> Timestamp {
    let read = ["%Y-%m-%d", "rfc3339", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| event::parse(text, format).ok());
    read.unwrap_or_else(|| {
        section.problem(
            key,
            format!("{text:?} is no time"),
            "write 2024-02-23 or 2024-02-23T14:00:00Z",
        );
        Timestamp(0)
    })
}

/// Counts in promtool's notation: `5`, `5x10` (ten times), `5+2x3` (5 7 9 11), `5-1x2`, `_` and `_x4` (no data).
fn counts(text: &str) -> Result<Vec<Option<Cell>>, String> {
    let mut cells = Vec::new();
    for token in text.split_whitespace() {
        let (head, times) = match token.split_once('x') {
            None => (token, None),
            Some((head, times)) => {
                let times: usize = times
                    .parse()
                    .map_err(|_| format!("{token:?}: {times:?} is not how many times"))?;
                (head, Some(times))
            }
        };
        if cells.len() + times.unwrap_or(1) > MOST_BUCKETS {
            return Err(format!("it is longer than {MOST_BUCKETS} buckets"));
        }
        if head == "_" {
            cells.extend((0..times.unwrap_or(1)).map(|_| None));
            continue;
        }
        let number = |text: &str| -> Result<i64, String> {
            text.parse()
                .map_err(|_| format!("{token:?}: {text:?} is no whole number"))
        };
        let (from, step, many) = if let Some((from, step)) = head.split_once('+') {
            (number(from)?, number(step)?, times.unwrap_or(0) + 1)
        } else if let Some((from, step)) = head.split_once('-').filter(|(from, _)| !from.is_empty())
        {
            (number(from)?, -number(step)?, times.unwrap_or(0) + 1)
        } else {
            (number(head)?, 0, times.unwrap_or(1))
        };
        for at in 0..many as i64 {
            let value = from + step * at;
            let items =
                u32::try_from(value).map_err(|_| format!("{token:?}: {value} is no count"))?;
            cells.push(Some(Cell {
                items,
                ..Cell::default()
            }));
        }
    }
    if cells.is_empty() {
        return Err("it holds no counts".to_owned());
    }
    Ok(cells)
}

impl DetectorTest {
    /// The reference method that judges, if the test's view names one.
    fn method<'a>(&self, settings: &'a DetectSettings) -> Result<Option<&'a str>, String> {
        let Some(name) = &self.view else {
            return Ok(None);
        };
        let Some(view) = settings.views.iter().find(|view| view.name == *name) else {
            let names: Vec<&str> = settings
                .views
                .iter()
                .map(|view| view.name.as_str())
                .collect();
            return Err(format!(
                "the settings have no view {name:?}; choose one of {}",
                names.join(", ")
            ));
        };
        if view.width != self.panel.width {
            let word = BUCKETS
                .into_iter()
                .find(|word| crate::settings::detect::bucket(word) == Some(view.width));
            return Err(format!(
                "view {name:?} has other buckets than the test: write bucket = {:?}",
                word.unwrap_or_default()
            ));
        }
        if !view.measures.contains(&Measure::Mentions) {
            return Err(format!(
                "view {name:?} counts no mentions, and tests are of counts: choose another view"
            ));
        }
        Ok(view.reference_method())
    }

    /// What was promised and did not happen; empty when the test passes.
    #[must_use]
    pub fn run(&self, settings: &DetectSettings) -> Vec<String> {
        let method = match self.method(settings) {
            Ok(method) => method,
            Err(reason) => return vec![reason],
        };
        let judged = default::judge(&self.panel, settings, method);
        let when =
            |bucket: BucketIndex| words_for(self.panel.width.start(bucket), self.panel.width);
        let mut wrong = Vec::new();
        for expected in &self.expected {
            let raised: Vec<(BucketIndex, bool)> = judged.series[expected.series]
                .iter()
                .filter(|point| point.raised)
                .map(|point| (self.panel.first + point.place as BucketIndex, point.upward))
                .filter(|(bucket, _)| (expected.from..=expected.to).contains(bucket))
                .collect();
            let met = match expected.wanted {
                Wanted::None => raised.is_empty(),
                Wanted::Up => raised.iter().any(|(_, upward)| *upward),
                Wanted::Down => raised.iter().any(|(_, upward)| !upward),
            };
            if met {
                continue;
            }
            let span = if expected.from == expected.to {
                when(expected.from)
            } else {
                format!("{} to {}", when(expected.from), when(expected.to))
            };
            let seen = if raised.is_empty() {
                let lowest = judged.series[expected.series]
                    .iter()
                    .filter(|point| {
                        let bucket = self.panel.first + point.place as BucketIndex;
                        (expected.from..=expected.to).contains(&bucket)
                    })
                    .filter_map(|point| point.p_value)
                    .fold(1.0, f64::min);
                format!("nothing alerted; the lowest p was {lowest:.1e}")
            } else {
                raised
                    .iter()
                    .map(|(bucket, upward)| {
                        format!("{} {}", when(*bucket), if *upward { "up" } else { "down" })
                    })
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            wrong.push(format!(
                "{} in {span}: expected {}, but {seen}",
                self.panel.series[expected.series].name(),
                match expected.wanted {
                    Wanted::None => "no alert",
                    Wanted::Up => "an alert up",
                    Wanted::Down => "an alert down",
                }
            ));
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<Option<u32>> {
        counts(text)
            .expect("counts")
            .into_iter()
            .map(|cell| cell.map(|cell| cell.items))
            .collect()
    }

    #[test]
    fn the_notation_is_promtools() {
        assert_eq!(numbers("3x2 _ 7"), [Some(3), Some(3), None, Some(7)]);
        assert_eq!(numbers("1+2x3"), [Some(1), Some(3), Some(5), Some(7)]);
        assert_eq!(
            numbers("4-2x2 _x2"),
            [Some(4), Some(2), Some(0), None, None]
        );
        for bad in ["", "x3", "3x", "1-1x2", "1.5", "9x99999"] {
            assert!(counts(bad).is_err(), "{bad}");
        }
    }

    const SPIKE: &str = r#"
        [[tests]]
        name = "a tenfold day"
        start = "2024-01-01"
        [tests.series]
        loud = "10x40 100 10x5"
        calm = "10x46"
        [[tests.expect]]
        series = "loud"
        at = "2024-02-10"
        alert = "up"
        [[tests.expect]]
        series = "calm"
        alert = "none"
    "#;

    #[test]
    fn a_spike_is_met_and_a_calm_series_is_not() {
        let tests = read(SPIKE).expect("sound tests");
        assert!(tests[0].run(&DetectSettings::standard()).is_empty());
        let turned = SPIKE.replace("alert = \"none\"", "alert = \"up\"");
        let wrong = read(&turned).expect("sound tests")[0].run(&DetectSettings::standard());
        assert_eq!(wrong.len(), 1);
        assert!(wrong[0].contains("nothing alerted"), "{}", wrong[0]);
    }

    #[test]
    fn a_test_of_a_view_is_judged_by_the_views_method() {
        let of_view = |view: &str| {
            let named = SPIKE.replace("start =", &format!("view = {view:?}\n        start ="));
            read(&named).expect("sound tests").remove(0)
        };
        let mut settings = DetectSettings::standard();
        let first = settings.views[0].name.clone();
        assert!(
            of_view(&first).run(&settings).is_empty(),
            "the default model"
        );
        settings.views[0].method = Some("bayes".to_owned());
        assert!(
            of_view(&first).run(&settings).is_empty(),
            "six days are enough for Bayes"
        );
        settings.views[0].method = Some("farrington".to_owned());
        let wrong = of_view(&first).run(&settings);
        assert!(
            wrong.len() == 1 && wrong[0].contains("nothing alerted"),
            "Farrington needs years: {wrong:?}"
        );
        let wrong = of_view("nowhere").run(&settings);
        assert!(wrong[0].contains("no view \"nowhere\""), "{wrong:?}");
        settings.views[0].width = BucketWidth::Week;
        let wrong = of_view(&first).run(&settings);
        assert!(wrong[0].contains("bucket = \"week\""), "{wrong:?}");
    }

    #[test]
    fn every_problem_of_a_file_is_named_at_once() {
        let bad = SPIKE
            .replace("10x46", "many")
            .replace("series = \"loud\"", "series = \"lout\"")
            .replace("2024-02-10", "2025-02-10");
        let problems = read(&bad).expect_err("three problems and what follows from them");
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        for part in [
            "tests[0].series.calm",
            "\"lout\" is no series",
            "lies outside",
        ] {
            assert!(
                told.iter().any(|line| line.contains(part)),
                "{part}: {told:#?}"
            );
        }
    }
}
