//! Reads a folder of panels with known outbreaks: `weekly/` and `daily/` as in the shared benchmark data.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use flate2::read::GzDecoder;

/// First and last judged week (1-based, inclusive).
pub const JUDGED_WEEKS: (usize, usize) = (576, 624);
/// First judged day (1-based); judged to the end.
pub const JUDGED_DAY: usize = 2206;

/// Parameters of a weekly scenario, for the clairvoyant comparison.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    pub theta: f64,
    pub dispersion: f64,
    pub growth: f64,
    pub cosine: f64,
    pub sine: f64,
    pub harmonics: usize,
}

impl Scenario {
    /// The true mean of a week (1-based).
    pub fn mean(&self, week: usize) -> f64 {
        let mut predictor = self.theta + self.growth * week as f64;
        for harmonic in 1..=self.harmonics {
            let angle = std::f64::consts::TAU * (harmonic * week) as f64 / 52.0;
            predictor += self.cosine * angle.cos() + self.sine * angle.sin();
        }
        predictor.exp()
    }
}

/// One outbreak in a detection panel: first and last bucket with cases (1-based).
#[derive(Clone, Copy, Debug)]
pub struct Outbreak {
    pub start: usize,
    pub end: usize,
}

/// One series of a panel, in both its forms.
#[derive(Clone, Debug)]
pub struct Series {
    /// Number of the series in its files.
    pub id: usize,
    pub group: usize,
    pub replicate: usize,
    /// No current outbreak: every alarm is false.
    pub quiet: Vec<u32>,
    /// With one current outbreak.
    pub struck: Vec<u32>,
    pub outbreak: Outbreak,
    /// Cases added by the current outbreak, per bucket.
    pub added: Vec<u32>,
}

pub struct Weekly {
    pub scenarios: BTreeMap<usize, Scenario>,
    pub base_rows: BTreeMap<usize, usize>,
    pub series: Vec<Series>,
}

pub struct Day {
    pub holiday: bool,
    pub weekday: usize,
}

pub struct Daily {
    pub calendar: Vec<Day>,
    pub series: Vec<Series>,
}

/// Rows of a CSV file, plain or gzip-compressed.
pub fn rows(path: &Path) -> Result<Vec<csv::StringRecord>> {
    let file = File::open(path).with_context(|| {
        format!(
            "{} cannot be opened: give a folder with weekly/ and daily/",
            path.display()
        )
    })?;
    let reader: Box<dyn Read> = if path.extension().is_some_and(|end| end == "gz") {
        Box::new(GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    csv::Reader::from_reader(reader)
        .into_records()
        .collect::<Result<_, _>>()
        .with_context(|| format!("{} is not CSV", path.display()))
}

/// A number of a row, or which row has none.
pub fn number<T: std::str::FromStr>(row: &csv::StringRecord, column: usize) -> Result<T> {
    let text = row.get(column).unwrap_or("");
    text.parse().map_err(|_| {
        anyhow!(
            "column {} holds {text:?} where a number belongs, in row {:?}",
            column + 1,
            row.position().map(csv::Position::line)
        )
    })
}

/// Cases by (series, class), each a list of (week, cases) and the outbreak's first and last week.
type Cases = BTreeMap<(usize, usize), Vec<(usize, u32)>>;

fn cases(path: &Path, columns: [usize; 4]) -> Result<Cases> {
    let mut all = Cases::new();
    for row in rows(path)? {
        let [series, class, week, count] = columns;
        all.entry((number(&row, series)?, number(&row, class)?))
            .or_default()
            .push((number(&row, week)?, number(&row, count)?));
    }
    Ok(all)
}

fn add(counts: &mut [u32], cases: Option<&Vec<(usize, u32)>>) {
    for (bucket, count) in cases.into_iter().flatten() {
        if let Some(place) = counts.get_mut(bucket - 1) {
            *place += count;
        }
    }
}

/// Reads `DIR/weekly`.
pub fn weekly(folder: &Path) -> Result<Weekly> {
    let folder = folder.join("weekly");
    let mut scenarios = BTreeMap::new();
    let mut base_rows = BTreeMap::new();
    for row in rows(&folder.join("scenarios.csv"))? {
        let id: usize = number(&row, 0)?;
        base_rows.insert(id, number(&row, 1)?);
        scenarios.insert(
            id,
            Scenario {
                theta: number(&row, 2)?,
                dispersion: number(&row, 3)?,
                growth: number(&row, 4)?,
                cosine: number(&row, 5)?,
                sine: number(&row, 6)?,
                harmonics: number(&row, 7)?,
            },
        );
    }
    let past = cases(&folder.join("past_outbreaks.csv.gz"), [0, 1, 5, 6])?;
    let current = cases(&folder.join("current_outbreaks.csv.gz"), [0, 1, 4, 5])?;
    let mut panel = BTreeMap::new();
    for row in rows(&folder.join("panel.csv.gz"))? {
        let classes: [usize; 3] = [number(&row, 3)?, number(&row, 4)?, number(&row, 5)?];
        panel.insert(number::<usize>(&row, 0)?, classes);
    }
    let mut series = Vec::new();
    for row in rows(&folder.join("baseline.csv.gz"))? {
        let id: usize = number(&row, 0)?;
        let baseline: Vec<u32> = (3..row.len())
            .map(|column| number(&row, column))
            .collect::<Result<_>>()?;
        let [quiet_class, past_class, current_class] = *panel
            .get(&id)
            .ok_or_else(|| anyhow!("series {id} is not in panel.csv.gz"))?;
        let mut quiet = baseline.clone();
        add(&mut quiet, past.get(&(id, quiet_class)));
        let mut added = vec![0; baseline.len()];
        let now = current.get(&(id, current_class));
        add(&mut added, now);
        let mut struck = baseline;
        add(&mut struck, past.get(&(id, past_class)));
        add(&mut struck, now);
        let weeks = || now.into_iter().flatten().map(|(week, _)| *week);
        let outbreak = Outbreak {
            start: weeks().min().unwrap_or(0),
            end: weeks().max().unwrap_or(0),
        };
        series.push(Series {
            id,
            group: number(&row, 1)?,
            replicate: number(&row, 2)?,
            quiet,
            struck,
            outbreak,
            added,
        });
    }
    Ok(Weekly {
        scenarios,
        base_rows,
        series,
    })
}

/// Reads `DIR/daily`.
pub fn daily(folder: &Path) -> Result<Daily> {
    let folder = folder.join("daily");
    let mut calendar = Vec::new();
    for row in rows(&folder.join("calendar.csv"))? {
        calendar.push(Day {
            holiday: number::<u8>(&row, 1)? == 1,
            weekday: number::<usize>(&row, 2)? - 1,
        });
    }
    let mut outbreaks: BTreeMap<usize, Vec<(usize, u32, bool)>> = BTreeMap::new();
    for row in rows(&folder.join("outbreaks.csv.gz"))? {
        outbreaks.entry(number(&row, 0)?).or_default().push((
            number(&row, 3)?,
            number(&row, 4)?,
            number::<u8>(&row, 5)? == 1,
        ));
    }
    let mut series = Vec::new();
    for row in rows(&folder.join("baseline.csv.gz"))? {
        let id: usize = number(&row, 0)?;
        let quiet: Vec<u32> = row
            .get(3)
            .unwrap_or("")
            .split_whitespace()
            .map(|text| {
                text.parse()
                    .with_context(|| format!("count {text:?} of series {id}"))
            })
            .collect::<Result<_>>()?;
        let cases = outbreaks.get(&id).cloned().unwrap_or_default();
        let mut added = vec![0; quiet.len()];
        let pairs: Vec<(usize, u32)> = cases.iter().map(|(day, count, _)| (*day, *count)).collect();
        add(&mut added, Some(&pairs));
        let struck = quiet
            .iter()
            .zip(&added)
            .map(|(count, more)| count + more)
            .collect();
        let days = || {
            cases
                .iter()
                .filter(|(_, _, counts)| *counts)
                .map(|(day, _, _)| *day)
        };
        let outbreak = Outbreak {
            start: days().min().unwrap_or(0),
            end: days().max().unwrap_or(0),
        };
        series.push(Series {
            id,
            group: number(&row, 1)?,
            replicate: number(&row, 2)?,
            quiet,
            struck,
            outbreak,
            added,
        });
    }
    Ok(Daily { calendar, series })
}
