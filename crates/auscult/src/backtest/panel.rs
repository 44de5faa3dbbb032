//! A panel: series of one measure over consecutive buckets, read from a CSV of (time, dimensions, value).

use crate::import::event;
use crate::import::rows::{self, BadRow, FileError, Row};
use auscult_core::series::Cell;
use auscult_core::time::{BucketIndex, BucketWidth, DAY, HOUR, Timestamp};
use auscult_core::words::Measure;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Formats a time is tried in, in this order, when none is given.
const FORMATS: [&str; 9] = [
    "rfc3339",
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d %H:%MZ",
    "%Y-%m-%dT%H:%M:%S",
    "%Y%m%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
];
/// Names a column of times usually has.
const TIME_NAMES: [&str; 8] = [
    "time",
    "date",
    "timestamp",
    "day",
    "week",
    "month",
    "hour",
    "start",
];
/// Names a column of values usually has.
const VALUE_NAMES: [&str; 5] = ["value", "count", "counts", "cases", "n"];
/// Longest panel: ten years of hours.
const MOST_BUCKETS: i64 = 100_000;

/// How a file is read.
#[derive(Debug, Clone, PartialEq)]
pub struct PanelOptions {
    /// Column of the time; `None`: one with a usual name.
    pub time: Option<String>,
    /// `strptime` format; `None`: found by trying.
    pub time_format: Option<String>,
    /// Column of the value; `None`: one with a usual name, or else each row counts one.
    pub value: Option<String>,
    /// Columns of the dimensions; `None`: all that are left when there is a value, or else none.
    pub by: Option<Vec<String>>,
    /// Column that says whether a bucket belongs to an outbreak.
    pub truth: Option<String>,
    /// Bucket; `None`: from the smallest step between times.
    pub width: Option<BucketWidth>,
    /// What is measured: mentions or a mean rating.
    pub measure: Measure,
    /// Worst and best rating.
    pub scale: (f64, f64),
    /// Where there are several series, their sum is one more, named [`TOTAL`]: what is too little in each may be enough in all.
    pub total: bool,
}

/// Name of the series that holds all others.
pub const TOTAL: &str = "all";

impl Default for PanelOptions {
    fn default() -> PanelOptions {
        PanelOptions {
            time: None,
            time_format: None,
            value: None,
            by: None,
            truth: None,
            width: None,
            measure: Measure::Mentions,
            scale: (0.0, 1.0),
            total: true,
        }
    }
}

/// One series of a panel.
#[derive(Debug, Clone, PartialEq)]
pub struct PanelSeries {
    /// Dimension and value.
    pub dimensions: Vec<(String, String)>,
    /// First place with a row.
    pub from: usize,
    /// What each bucket holds; `None`: no data. One for each bucket of the panel.
    pub cells: Vec<Option<Cell>>,
    /// Buckets the file itself says belong to an outbreak.
    pub truth: Vec<bool>,
}

impl PanelSeries {
    /// Name for people.
    #[must_use]
    pub fn name(&self) -> String {
        if self.dimensions.is_empty() {
            return "all".to_owned();
        }
        let values: Vec<&str> = self
            .dimensions
            .iter()
            .map(|(_, value)| value.as_str())
            .collect();
        values.join(" · ")
    }
}

/// Series of one measure over consecutive buckets.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// What is measured.
    pub measure: Measure,
    /// Width of the buckets.
    pub width: BucketWidth,
    /// Number of the first bucket.
    pub first: BucketIndex,
    /// How many.
    pub buckets: usize,
    /// Series by name.
    pub series: Vec<PanelSeries>,
    /// Rows that could not be used.
    pub bad: Vec<BadRow>,
}

/// Why a file is no panel.
#[derive(Debug, thiserror::Error)]
pub enum PanelError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A column is missing.
    #[error("{path} has no {what}; it has {present}: name one with {option}")]
    NoColumn {
        /// The file.
        path: String,
        /// What is missing.
        what: String,
        /// Columns there are.
        present: String,
        /// The option that names it.
        option: &'static str,
    },
    /// A file with nothing to judge.
    #[error("{path} holds no usable row ({first}); check --time, --time-format and --value")]
    NoRows {
        /// The file.
        path: String,
        /// First problem found.
        first: String,
    },
    /// Too many buckets.
    #[error(
        "{path} spans {buckets} buckets, more than {MOST_BUCKETS}: choose a wider --bucket, or correct times far off"
    )]
    TooLong {
        /// The file.
        path: String,
        /// Buckets from the first to the last time.
        buckets: i64,
    },
}

struct Read {
    at: Timestamp,
    dimensions: Vec<String>,
    value: f64,
    truth: bool,
}

/// Reads `path`.
///
/// # Errors
/// See [`PanelError`].
pub fn read(path: &Path, options: &PanelOptions) -> Result<Panel, PanelError> {
    let (columns, rows) = collect(path)?;
    of_rows(&path.display().to_string(), &columns, rows, options)
}

/// A panel of rows already read; `shown` names where they are from.
///
/// # Errors
/// See [`PanelError`].
pub fn of_rows(
    shown: &str,
    columns: &[String],
    rows: Vec<Numbered>,
    options: &PanelOptions,
) -> Result<Panel, PanelError> {
    let shown = shown.to_owned();
    let shape = Shape::find(&shown, columns, options)?;
    let format = options.time_format.clone().or_else(|| {
        rows.iter()
            .filter_map(|(_, row)| row.as_ref().ok()?.get(&shape.time))
            .take(20)
            .find_map(|text| {
                FORMATS
                    .iter()
                    .find(|format| event::parse(text, format).is_ok())
            })
            .map(|format| (*format).to_owned())
    });
    let format = format.unwrap_or_else(|| FORMATS[0].to_owned());
    let (mut read, mut bad) = (Vec::new(), Vec::new());
    for (line, row) in rows {
        match row.and_then(|row| {
            shape
                .read(&row, &format, options)
                .map_err(|reason| BadRow { line, reason })
        }) {
            Ok(row) => read.push(row),
            Err(row) => bad.push(row),
        }
    }
    if read.is_empty() {
        return Err(PanelError::NoRows {
            path: shown,
            first: bad.first().map_or("it has no rows".to_owned(), |row| {
                format!("line {}: {}", row.line, row.reason)
            }),
        });
    }
    let width = options.width.unwrap_or_else(|| smallest_step(&read));
    build(shown, &shape, width, options, read, bad)
}

/// A row with its line, or what is wrong with it.
pub type Numbered = (u64, Result<Row, BadRow>);

/// Columns and rows of a file.
///
/// # Errors
/// It cannot be read.
pub fn collect(path: &Path) -> Result<(Vec<String>, Vec<Numbered>), PanelError> {
    let opened = rows::open(path, &[])?;
    let header = match &opened {
        rows::Rows::Csv { columns, .. } => Some(columns.clone()),
        rows::Rows::JsonLines { .. } => None,
    };
    let rows: Vec<Numbered> = opened.collect();
    let columns = header.unwrap_or_else(|| {
        let named: BTreeSet<String> = rows
            .iter()
            .filter_map(|(_, row)| row.as_ref().ok())
            .flat_map(|row| row.keys().cloned())
            .collect();
        named.into_iter().collect()
    });
    Ok((columns, rows))
}

struct Shape {
    time: String,
    value: Option<String>,
    by: Vec<String>,
    truth: Option<String>,
}

impl Shape {
    fn find(path: &str, columns: &[String], options: &PanelOptions) -> Result<Shape, PanelError> {
        let missing = |what: String, option| PanelError::NoColumn {
            path: path.to_owned(),
            what,
            present: columns.join(", "),
            option,
        };
        let named = |name: &String, option| {
            if columns.contains(name) {
                Ok(name.clone())
            } else {
                Err(missing(format!("column {name:?}"), option))
            }
        };
        let usual = |names: &[&str]| {
            names.iter().find_map(|name| {
                columns
                    .iter()
                    .find(|column| column.eq_ignore_ascii_case(name))
                    .cloned()
            })
        };
        let time = match &options.time {
            Some(name) => named(name, "--time")?,
            None => usual(&TIME_NAMES).ok_or_else(|| {
                missing("column with a usual name for times".to_owned(), "--time")
            })?,
        };
        let value = match &options.value {
            Some(name) => Some(named(name, "--value")?),
            None => usual(&VALUE_NAMES),
        };
        let truth = match &options.truth {
            Some(name) => Some(named(name, "--truth-column")?),
            None => None,
        };
        let by = match &options.by {
            Some(names) => names
                .iter()
                .map(|name| named(name, "--by"))
                .collect::<Result<_, _>>()?,
            None if value.is_some() => columns
                .iter()
                .filter(|column| {
                    **column != time
                        && value.as_ref() != Some(*column)
                        && truth.as_ref() != Some(*column)
                })
                .cloned()
                .collect(),
            None => Vec::new(),
        };
        Ok(Shape {
            time,
            value,
            by,
            truth,
        })
    }

    fn read(&self, row: &Row, format: &str, options: &PanelOptions) -> Result<Read, String> {
        let text = row
            .get(&self.time)
            .ok_or_else(|| format!("column {} is empty: a row needs a time", self.time))?;
        let at = event::parse(text.trim(), format).map_err(|reason| {
            format!(
                "column {}: {text:?} does not read as {format} ({reason})",
                self.time
            )
        })?;
        let value = match &self.value {
            None => 1.0,
            Some(column) => {
                let text = row.get(column).map_or("", |text| text.trim());
                let value: f64 = text
                    .parse()
                    .map_err(|_| format!("column {column}: {text:?} is no number"))?;
                let sound = match options.measure {
                    Measure::Mentions => (0.0..=f64::from(u32::MAX)).contains(&value),
                    _ => value.is_finite(),
                };
                if !sound {
                    return Err(format!("column {column}: {text:?} is not a count"));
                }
                value
            }
        };
        let truth = self
            .truth
            .as_ref()
            .and_then(|column| row.get(column))
            .is_some_and(|text| !matches!(text.trim(), "0" | "FALSE" | "false" | "NA" | "no"));
        Ok(Read {
            at,
            dimensions: self
                .by
                .iter()
                .map(|column| row.get(column).cloned().unwrap_or_default())
                .collect(),
            value,
            truth,
        })
    }
}

/// The bucket whose length fits the smallest step between two times of the file.
fn smallest_step(rows: &[Read]) -> BucketWidth {
    let times: BTreeSet<i64> = rows.iter().map(|row| row.at.0).collect();
    let step = times
        .iter()
        .zip(times.iter().skip(1))
        .map(|(before, after)| after - before)
        .min()
        .unwrap_or(DAY);
    match step {
        step if step < DAY - HOUR => BucketWidth::Hour,
        step if step < 7 * DAY => BucketWidth::Day,
        step if step < 28 * DAY => BucketWidth::Week,
        _ => BucketWidth::Month,
    }
}

fn build(
    path: String,
    shape: &Shape,
    width: BucketWidth,
    options: &PanelOptions,
    rows: Vec<Read>,
    bad: Vec<BadRow>,
) -> Result<Panel, PanelError> {
    let index = |row: &Read| width.index(row.at);
    let first = rows.iter().map(index).min().unwrap_or_default();
    let last = rows.iter().map(index).max().unwrap_or_default();
    let buckets = i64::from(last) - i64::from(first) + 1;
    if buckets > MOST_BUCKETS {
        return Err(PanelError::TooLong { path, buckets });
    }
    let buckets = buckets as usize;
    let mut series: BTreeMap<Vec<String>, PanelSeries> = BTreeMap::new();
    for row in rows {
        let place = (index(&row) - first) as usize;
        let one = series
            .entry(row.dimensions.clone())
            .or_insert_with(|| PanelSeries {
                dimensions: shape.by.iter().cloned().zip(row.dimensions).collect(),
                from: place,
                cells: vec![None; buckets],
                truth: vec![false; buckets],
            });
        one.from = one.from.min(place);
        one.truth[place] |= row.truth;
        let cell = one.cells[place].get_or_insert_with(Cell::default);
        add(cell, options, row.value);
    }
    let mut series: Vec<PanelSeries> = series.into_values().collect();
    if options.total && series.len() > 1 {
        series.insert(0, total(&series, &shape.by));
    }
    if options.measure == Measure::Mentions {
        // A bucket without a row is a bucket without a mention, from the first row on.
        for one in &mut series {
            for cell in &mut one.cells[one.from..] {
                cell.get_or_insert_with(Cell::default);
            }
        }
    }
    Ok(Panel {
        measure: options.measure,
        width,
        first,
        buckets,
        series,
        bad,
    })
}

/// The sum of all series.
fn total(series: &[PanelSeries], by: &[String]) -> PanelSeries {
    let buckets = series.first().map_or(0, |one| one.cells.len());
    let cells = (0..buckets).map(|place| {
        series
            .iter()
            .filter_map(|one| one.cells[place].as_ref())
            .fold(None, |sum: Option<Cell>, cell| {
                let mut sum = sum.unwrap_or_default();
                sum.items = sum.items.saturating_add(cell.items);
                sum.rated = sum.rated.saturating_add(cell.rated);
                sum.rating_sum += cell.rating_sum;
                sum.rating_squares += cell.rating_squares;
                Some(sum)
            })
    });
    PanelSeries {
        dimensions: by
            .first()
            .map(|name| (name.clone(), TOTAL.to_owned()))
            .into_iter()
            .collect(),
        from: series.iter().map(|one| one.from).min().unwrap_or(0),
        cells: cells.collect(),
        truth: (0..buckets)
            .map(|place| series.iter().any(|one| one.truth[place]))
            .collect(),
    }
}

fn add(cell: &mut Cell, options: &PanelOptions, value: f64) {
    match options.measure {
        Measure::Mentions => cell.items = cell.items.saturating_add(value.round() as u32),
        _ => {
            let (worst, best) = options.scale;
            let thousandths = (1000.0 * ((value - worst) / (best - worst)).clamp(0.0, 1.0)).round();
            let rating = thousandths as u64;
            cell.items += 1;
            cell.rated += 1;
            cell.rating_sum += rating;
            cell.rating_squares += rating * rating;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(text: &str, options: &PanelOptions) -> Panel {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("panel.csv");
        std::fs::write(&path, text).expect("a file can be written");
        read(&path, options).expect("a sound file")
    }

    #[test]
    fn columns_width_and_silence_are_found() {
        let text =
            "region,week,count\nn,2024-01-01,3\ns,2024-01-08,2\nn,2024-01-22,1\nn,2024-01-22,4\n";
        let panel = panel(text, &PanelOptions::default());
        assert_eq!((panel.width, panel.buckets), (BucketWidth::Week, 4));
        assert_eq!(panel.series[1].name(), "n");
        let items = |at: usize| -> Vec<Option<u32>> {
            panel.series[at]
                .cells
                .iter()
                .map(|cell| cell.as_ref().map(|cell| cell.items))
                .collect()
        };
        assert_eq!(items(0), [Some(3), Some(2), Some(0), Some(5)]);
        assert_eq!(items(1), [Some(3), Some(0), Some(0), Some(5)]);
        assert_eq!(items(2), [None, Some(2), Some(0), Some(0)]);
    }

    #[test]
    fn a_score_has_no_data_where_it_has_no_row() {
        let options = PanelOptions {
            measure: Measure::MeanRating,
            scale: (1.0, 5.0),
            width: Some(BucketWidth::Day),
            ..PanelOptions::default()
        };
        let panel = panel(
            "date,value\n2024-01-01,5\n2024-01-01,3\n2024-01-03,1\n",
            &options,
        );
        let cells = &panel.series[0].cells;
        let first = cells[0].as_ref().expect("two answers");
        assert_eq!((first.rated, first.rating_sum), (2, 1500));
        assert!(cells[1].is_none());
    }
}
