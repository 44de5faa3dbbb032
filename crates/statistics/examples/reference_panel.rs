//! Compares the reference methods with R over the benchmark panel, row by row.
//!
//!     Rscript benches/peers/surveillance.R ../shared/data/benchmark 20 > peers.csv
//!     cargo run --release -p auscult-statistics --example reference_panel -- ../shared/data/benchmark peers.csv
#![expect(clippy::print_stdout, reason = "prints its figures")]

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use auscult_statistics::reference::{
    Calendar, CountSeries, EarsSettings, EarsVariant, FarringtonFlexibleSettings, Judgement,
    ReferenceMethod, ThresholdMethod,
};

type AnyError = Box<dyn std::error::Error>;

fn method(name: &str) -> Result<Box<dyn ReferenceMethod>, AnyError> {
    let improved = |threshold| FarringtonFlexibleSettings {
        fewest_cases: 0,
        threshold,
        ..Default::default()
    };
    let ears = |variant| {
        EarsSettings {
            smallest_deviation: 0.5,
            ..EarsSettings::usual(variant)
        }
        .check()
    };
    Ok(match name {
        "ff_nbPlugin" => Box::new(improved(ThresholdMethod::NegativeBinomialPlugIn).check()?),
        "ff_muan" => Box::new(improved(ThresholdMethod::UpperMean).check()?),
        "ff_delta" => {
            let settings = FarringtonFlexibleSettings {
                periods: 1,
                recent_left_out: 3,
                reweight_above: 1.0,
                trend_p_value: 0.05,
                ..improved(ThresholdMethod::Delta)
            };
            Box::new(settings.check()?)
        }
        "ears_C1" => Box::new(ears(EarsVariant::C1)?),
        "ears_C2" => Box::new(ears(EarsVariant::C2)?),
        other => return Err(format!("no method {other}").into()),
    })
}

/// A gzipped table of the panel, by column name.
fn table(path: &Path) -> Result<Vec<BTreeMap<String, u64>>, AnyError> {
    let mut reader = csv::Reader::from_reader(flate2::read::GzDecoder::new(File::open(path)?));
    let rows: Result<Vec<BTreeMap<String, u64>>, csv::Error> = reader.deserialize().collect();
    Ok(rows?)
}

/// The panel's tables, and the observed counts made from them.
struct Panel {
    baseline: BTreeMap<u64, Vec<u64>>,
    classes: BTreeMap<u64, BTreeMap<String, u64>>,
    past: Vec<BTreeMap<String, u64>>,
    current: Vec<BTreeMap<String, u64>>,
}

impl Panel {
    fn read(folder: &Path) -> Result<Self, AnyError> {
        let file = |name: &str| table(&folder.join(format!("weekly/{name}.csv.gz")));
        let weeks = |row: &BTreeMap<String, u64>| {
            (1..)
                .map_while(|week| row.get(&format!("w{week}")).copied())
                .collect()
        };
        Ok(Self {
            baseline: file("baseline")?
                .iter()
                .map(|row| (row["series"], weeks(row)))
                .collect(),
            classes: file("panel")?
                .into_iter()
                .map(|row| (row["series"], row))
                .collect(),
            past: file("past_outbreaks")?,
            current: file("current_outbreaks")?,
        })
    }

    fn observed(&self, panel: &str, series: u64) -> Vec<u64> {
        let mut counts = self.baseline[&series].clone();
        let classes = &self.classes[&series];
        let current = if panel == "pod" { classes["pod_k2"] } else { 0 };
        for (outbreaks, column, class) in [
            (&self.past, "k1", classes[&format!("{panel}_k1")]),
            (&self.current, "k2", current),
        ] {
            for row in outbreaks
                .iter()
                .filter(|row| row["series"] == series && row[column] == class)
            {
                counts[row["week"] as usize - 1] += row["cases"];
            }
        }
        counts
    }
}

#[derive(Default)]
struct Tally {
    rows: usize,
    counts_differ: usize,
    alarms_differ: usize,
    worst_upper: f64,
    worst_p_value: f64,
}

fn main() -> Result<(), AnyError> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, peers] = arguments.as_slice() else {
        return Err("give the benchmark folder and the CSV that surveillance.R printed".into());
    };
    let panel = Panel::read(Path::new(folder))?;
    let mut judged: BTreeMap<(String, String, u64), Vec<Judgement>> = BTreeMap::new();
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for record in csv::Reader::from_path(peers)?.records() {
        let record = record?;
        let (name, which, series) = (
            record[0].to_owned(),
            record[1].to_owned(),
            record[2].parse::<u64>()?,
        );
        let key = (name.clone(), which.clone(), series);
        if !judged.contains_key(&key) {
            let counts = panel.observed(&which, series);
            let calendar = Calendar::Even {
                buckets_per_year: 52,
            };
            let given = CountSeries {
                counts: &counts,
                calendar,
                population: &[],
            };
            judged.insert(key.clone(), method(&name)?.judge(&given, 575..624)?);
        }
        let ours = &judged[&key][record[3].parse::<usize>()? - 576];
        let tally = tallies.entry(name).or_default();
        tally.rows += 1;
        tally.counts_differ += usize::from(ours.observed != record[4].parse::<u64>()?);
        tally.alarms_differ += usize::from(ours.alarm != (&record[6] == "1"));
        if let (Some(upper), Ok(theirs)) = (ours.upper, record[5].parse::<f64>()) {
            tally.worst_upper = tally
                .worst_upper
                .max((upper - theirs).abs() / theirs.abs().max(1e-6));
        }
        if let (Some(p_value), Ok(theirs)) = (ours.p_value, record[7].parse::<f64>()) {
            tally.worst_p_value = tally.worst_p_value.max((p_value - theirs).abs());
        }
    }
    println!(
        "method | rows | counts differ | alarms differ | largest relative difference of bounds | of p-values, absolute"
    );
    for (name, tally) in tallies {
        println!(
            "{name} | {} | {} | {} | {:.1e} | {:.1e}",
            tally.rows,
            tally.counts_differ,
            tally.alarms_differ,
            tally.worst_upper,
            tally.worst_p_value
        );
    }
    Ok(())
}
