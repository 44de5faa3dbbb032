//! Reads the folder of reference numbers (see its README) and compares judgements with it.
#![expect(
    dead_code,
    reason = "each test binary uses its part of this shared reader"
)]

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use auscult_statistics::reference::{Calendar, CountSeries, Judgement, ReferenceMethod};

/// The reference folder, or `None` when this machine does not have it.
pub fn reference_folder() -> Option<PathBuf> {
    data_file("reference")
}

/// A file or folder of the development data, or `None` when this machine does not have it.
#[expect(
    clippy::disallowed_methods,
    reason = "tests look for a data folder that is not in the repository"
)]
pub fn data_file(name: &str) -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let data = std::env::var("AUSCULT_DATA")
        .map_or_else(|_| workspace.join("../shared/data"), PathBuf::from);
    // A worktree lies one folder deeper than the main checkout.
    let candidates = [
        data.join(name),
        workspace.join("../../shared/data").join(name),
    ];
    candidates.into_iter().find(|path| path.exists())
}

/// One unit of a data set.
pub struct Unit {
    pub days: Option<Vec<i32>>,
    pub counts: Vec<u64>,
}

/// One row of expected numbers; `None` where R gives NA.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    /// From 0.
    pub place: usize,
    pub upper: Option<f64>,
    pub alarm: Option<bool>,
    pub expected: Option<f64>,
    pub score: Option<f64>,
    pub p_value: Option<f64>,
    pub dispersion: Option<f64>,
    pub trend: Option<f64>,
    pub overdispersion: Option<f64>,
}

pub fn gunzip(path: &Path) -> String {
    let file =
        std::fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .unwrap();
    text
}

/// Data sets in the folder, by name, in order.
pub fn data_sets(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder.join("series"))
        .unwrap()
        .filter_map(|entry| {
            entry
                .unwrap()
                .file_name()
                .to_str()?
                .strip_suffix(".csv.gz")
                .map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}

pub fn units(folder: &Path, data_set: &str) -> BTreeMap<String, Unit> {
    let text = gunzip(&folder.join(format!("series/{data_set}.csv.gz")));
    let mut units: BTreeMap<String, Unit> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').map(|cell| cell.trim_matches('"')).collect();
        let day = day_number(cells[3]);
        let unit = units
            .entry(cells[1].replace(' ', ""))
            .or_insert_with(|| Unit {
                days: day.map(|_| Vec::new()),
                counts: Vec::new(),
            });
        if let (Some(days), Some(day)) = (&mut unit.days, day) {
            days.push(day);
        }
        unit.counts.push(cells[4].parse().unwrap());
    }
    units
}

/// Days since 1970-01-01 of YYYY-MM-DD (the count of days by which Julian day numbers are defined).
fn day_number(text: &str) -> Option<i32> {
    let mut parts = text.split('-').map(|part| part.parse::<i32>());
    let (year, month, day) = (
        parts.next()?.ok()?,
        parts.next()?.ok()?,
        parts.next()?.ok()?,
    );
    let shift = (month - 14) / 12;
    let julian = (1461 * (year + 4800 + shift)) / 4 + (367 * (month - 2 - 12 * shift)) / 12
        - (3 * ((year + 4900 + shift) / 100)) / 4
        + day
        - 32_075;
    Some(julian - 2_440_588)
}

/// Expected rows by unit, or `None` when R has no numbers for this data set and method.
pub fn expected(
    folder: &Path,
    data_set: &str,
    method: &str,
) -> Option<BTreeMap<String, Vec<Expected>>> {
    let path = folder.join(format!("expected/{data_set}__{method}.csv.gz"));
    if !path.exists() {
        return None;
    }
    Some(parse_expected(gunzip(&path).lines().skip(1)))
}

/// Expected rows by the second column: the unit in the folder, the method in the committed subset.
pub fn parse_expected<'a>(lines: impl Iterator<Item = &'a str>) -> BTreeMap<String, Vec<Expected>> {
    let mut units: BTreeMap<String, Vec<Expected>> = BTreeMap::new();
    for line in lines {
        let cells: Vec<&str> = line.split(',').map(|cell| cell.trim_matches('"')).collect();
        let number = |place: usize| match cells[place] {
            "" | "NA" => None,
            "Inf" => Some(f64::INFINITY),
            "-Inf" => Some(f64::NEG_INFINITY),
            text => Some(
                text.parse::<f64>()
                    .unwrap_or_else(|_| panic!("number {text}")),
            ),
        };
        units
            .entry(cells[1].replace(' ', ""))
            .or_default()
            .push(Expected {
                place: cells[2].parse::<usize>().unwrap() - 1,
                upper: number(4),
                alarm: number(5).map(|alarm| alarm != 0.0),
                expected: number(6),
                score: number(7),
                p_value: number(8),
                dispersion: number(9),
                trend: number(10),
                overdispersion: number(11),
            });
    }
    units
}

/// Buckets a year and years back of a data set, as `controls.json` has them.
pub fn season(folder: &Path, data_set: &str) -> (usize, usize) {
    let file = std::fs::File::open(folder.join("controls.json")).unwrap();
    let controls: serde_json::Value = serde_json::from_reader(file).unwrap();
    let frequency = controls["datasets"][data_set]["freq"].as_u64().unwrap();
    let years = controls["reference_years_b"][data_set]["farrington"]
        .as_str()
        .map_or(3, |text| text.parse().unwrap());
    (frequency as usize, years)
}

/// Our judgements of the rows R judged.
pub fn judge(
    method: &dyn ReferenceMethod,
    unit: &Unit,
    frequency: usize,
    rows: &[Expected],
) -> Vec<Judgement> {
    let calendar = match &unit.days {
        Some(days) => Calendar::Dated {
            days,
            buckets_per_year: frequency,
        },
        None => Calendar::Even {
            buckets_per_year: frequency,
        },
    };
    let series = CountSeries {
        counts: &unit.counts,
        calendar,
        population: &[],
    };
    method
        .judge(&series, rows[0].place..rows[rows.len() - 1].place + 1)
        .unwrap()
}

/// Tallies differences and keeps the first few to show.
#[derive(Default)]
pub struct Comparison {
    pub compared: usize,
    /// Buckets left out because R itself has no usable number there.
    pub left_out: usize,
    pub alarms_differ: usize,
    pub numbers_differ: usize,
    pub shown: Vec<String>,
    pub worst_relative: f64,
}

impl Comparison {
    pub fn alarm(&mut self, place: &str, ours: bool, theirs: Option<bool>) {
        self.compared += 1;
        if ours != theirs.unwrap_or(false) {
            self.alarms_differ += 1;
            self.show(format!("{place}: alarm {ours}, R {theirs:?}"));
        }
    }

    /// Two numbers are the same when they are within `tolerance` relative to the larger of 1e-`floor` and R's.
    pub fn number(
        &mut self,
        place: &str,
        what: &str,
        ours: Option<f64>,
        theirs: Option<f64>,
        tolerance: f64,
        floor: f64,
    ) {
        let difference = match (ours, theirs) {
            (Some(ours), Some(theirs)) if ours == theirs => 0.0,
            (Some(ours), Some(theirs)) => (ours - theirs).abs() / theirs.abs().max(floor),
            (None, None) => 0.0,
            _ => f64::INFINITY,
        };
        if difference.is_finite() {
            self.worst_relative = self.worst_relative.max(difference);
        }
        if difference > tolerance || difference.is_nan() {
            self.numbers_differ += 1;
            self.show(format!("{place}: {what} {ours:?}, R {theirs:?}"));
        }
    }

    fn show(&mut self, line: String) {
        if self.shown.len() < 8 {
            self.shown.push(line);
        }
    }

    #[expect(
        clippy::print_stdout,
        reason = "the table of agreement is what a reader of the test wants to see"
    )]
    pub fn print(&self, name: &str) {
        println!(
            "{name}: {} buckets ({} left out), {} alarms differ, {} numbers differ, largest relative difference {:.1e}",
            self.compared,
            self.left_out,
            self.alarms_differ,
            self.numbers_differ,
            self.worst_relative
        );
        for line in &self.shown {
            println!("    {line}");
        }
    }

    pub fn assert_none_differ(&self, name: &str) {
        self.print(name);
        assert_eq!(
            (self.alarms_differ, self.numbers_differ),
            (0, 0),
            "{name} differs from R: {:#?}",
            self.shown
        );
    }
}
