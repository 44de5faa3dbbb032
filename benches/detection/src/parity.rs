//! Our reference methods against the numbers R's surveillance computed, alarm by alarm.
//!
//! Decision: alarms are counted here, for the table; every number is compared by the tests of `auscult-statistics`
//! (`reference_*.rs`), with tolerances. Charts of likelihood ratios are left to those tests: R's own search gives up on
//! sparse series, and which of its buckets can be compared is a matter of care.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use auscult_statistics::reference::{
    BayesSettings, Calendar, CountSeries, CusumSettings, EarsSettings, EarsVariant,
    FarringtonFlexibleSettings, FarringtonOriginalSettings, ReferenceMethod, RkiSettings,
    ThresholdMethod,
};

use crate::nab::{files, text_of};
use crate::panels::{number, rows};

/// R's names of the methods.
const METHODS: [&str; 10] = [
    "ff_nbPlugin",
    "ff_muan",
    "ff_delta",
    "farrington",
    "ears_C1",
    "ears_C2",
    "ears_C3",
    "cusum_std",
    "bayes1",
    "rki1",
];

/// Buckets compared and alarms that differ, by method.
pub struct Parity(Vec<(&'static str, usize, usize)>);

/// The settings of `controls.json` for a method of R on a data set.
fn method(name: &str, frequency: usize, years_back: usize) -> Result<Box<dyn ReferenceMethod>> {
    let monthly = frequency == 12;
    let half_width = if monthly { 1 } else { 3 };
    let flexible = |threshold| FarringtonFlexibleSettings {
        years_back,
        half_width,
        periods: if monthly { 3 } else { 10 },
        recent_left_out: if monthly { 6 } else { 26 },
        fewest_cases: 0,
        threshold,
        ..FarringtonFlexibleSettings::default()
    };
    let ears = |variant| EarsSettings::usual(variant).check();
    Ok(match name {
        "ff_nbPlugin" => Box::new(flexible(ThresholdMethod::NegativeBinomialPlugIn).check()?),
        "ff_muan" => Box::new(flexible(ThresholdMethod::UpperMean).check()?),
        "ff_delta" => Box::new(
            FarringtonFlexibleSettings {
                periods: 1,
                recent_left_out: half_width,
                reweight_above: 1.0,
                trend_p_value: 0.05,
                ..flexible(ThresholdMethod::Delta)
            }
            .check()?,
        ),
        "ears_C1" => Box::new(ears(EarsVariant::C1)?),
        "ears_C2" => Box::new(ears(EarsVariant::C2)?),
        "ears_C3" => Box::new(ears(EarsVariant::C3OfR)?),
        "cusum_std" => Box::new(CusumSettings::default().check()?),
        "bayes1" => Box::new(BayesSettings::default().check()?),
        "rki1" => Box::new(RkiSettings::default().check()?),
        _ => Box::new(
            FarringtonOriginalSettings {
                years_back,
                half_width,
                ..FarringtonOriginalSettings::default()
            }
            .check()?,
        ),
    })
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

/// Days (where the epoch is a date) and counts of one unit.
#[derive(Default)]
struct Unit {
    days: Vec<i32>,
    counts: Vec<u64>,
}

fn units(path: &Path) -> Result<BTreeMap<String, Unit>> {
    let mut units: BTreeMap<String, Unit> = BTreeMap::new();
    for row in rows(path)? {
        let unit = units
            .entry(row.get(1).unwrap_or("").replace(' ', ""))
            .or_default();
        unit.days.extend(day_number(row.get(3).unwrap_or("")));
        unit.counts.push(number(&row, 4)?);
    }
    Ok(units)
}

/// Compares every file of the reference folder; `None` where it is absent.
pub fn compare(beside: &Path) -> Result<Option<Parity>> {
    let folder = beside.join("reference");
    let series = files(&folder.join("series"), "", ".csv.gz");
    if series.is_empty() {
        return Ok(None);
    }
    let controls: serde_json::Value =
        serde_json::from_str(&text_of(&folder.join("controls.json"))?)
            .context("reference/controls.json is not JSON")?;
    let mut all = METHODS.map(|name| (name, 0, 0)).to_vec();
    for path in series {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or("");
        let set = name.trim_end_matches(".csv.gz");
        let frequency = controls["datasets"][set]["freq"].as_u64().unwrap_or(52) as usize;
        let years_back = controls["reference_years_b"][set]["farrington"]
            .as_str()
            .and_then(|years| years.parse().ok())
            .unwrap_or(3);
        let units = units(&path)?;
        for (name, compared, differ) in &mut all {
            let expected = folder.join(format!("expected/{set}__{name}.csv.gz"));
            if expected.is_file() {
                let method = method(name, frequency, years_back)?;
                let (more, wrong) = compare_file(method.as_ref(), &units, frequency, &expected)?;
                *compared += more;
                *differ += wrong;
            }
        }
    }
    Ok(Some(Parity(all)))
}

/// Buckets of one file of R's, and alarms that differ.
fn compare_file(
    method: &dyn ReferenceMethod,
    units: &BTreeMap<String, Unit>,
    frequency: usize,
    expected: &Path,
) -> Result<(usize, usize)> {
    let mut alarms: BTreeMap<String, Vec<(usize, bool)>> = BTreeMap::new();
    for row in rows(expected)? {
        let unit = row.get(1).unwrap_or("").replace(' ', "");
        let alarm = !matches!(row.get(5), Some("" | "NA" | "0"));
        let place = number::<usize>(&row, 2)? - 1;
        alarms.entry(unit).or_default().push((place, alarm));
    }
    let (mut compared, mut differ) = (0, 0);
    for (unit, theirs) in alarms {
        let Some(unit) = units.get(&unit) else {
            continue;
        };
        let calendar = if unit.days.len() == unit.counts.len() {
            Calendar::Dated {
                days: &unit.days,
                buckets_per_year: frequency,
            }
        } else {
            Calendar::Even {
                buckets_per_year: frequency,
            }
        };
        let series = CountSeries {
            counts: &unit.counts,
            calendar,
            population: &[],
        };
        let ours = method.judge(&series, theirs[0].0..theirs[theirs.len() - 1].0 + 1)?;
        compared += theirs.len();
        differ += ours
            .iter()
            .zip(&theirs)
            .filter(|(ours, (_, alarm))| ours.alarm != *alarm)
            .count();
    }
    Ok((compared, differ))
}

impl Parity {
    /// Buckets compared and alarms that differ, over all methods.
    pub fn total(&self) -> (usize, usize) {
        self.0.iter().fold((0, 0), |sum, (_, compared, differ)| {
            (sum.0 + compared, sum.1 + differ)
        })
    }

    /// The section of the report.
    pub fn report(&self) -> Result<String> {
        let mut text = String::from(
            "Buckets of the reference folder's series, judged with the settings of its `controls.json`.\n\n\
             | method | buckets | alarms that differ |\n|---|---|---|\n",
        );
        for (name, compared, differ) in &self.0 {
            writeln!(text, "| {name} | {compared} | {differ} |")?;
        }
        Ok(text)
    }
}
