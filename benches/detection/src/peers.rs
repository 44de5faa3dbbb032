//! R's surveillance over the same weekly panel in the same run, alarm by alarm beside ours.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow};
use auscult_statistics::reference::{
    Calendar, CountSeries, EarsSettings, EarsVariant, FarringtonFlexibleSettings, ReferenceMethod,
};

use crate::measures::{Judged, Replicates, Scored};
use crate::panels::{JUDGED_WEEKS, Weekly};

/// The script that speaks to R.
const SCRIPT: &str = "benches/peers/surveillance.R";
/// Methods asked for, as the script calls them.
const METHODS: [&str; 3] = ["ff_nbPlugin", "ears_C1", "ears_C2"];

/// Whether R with the package is here; else why not.
pub fn available() -> Result<(), String> {
    if !Path::new(SCRIPT).is_file() {
        return Err(format!("{SCRIPT} is not here: run from the project's root"));
    }
    let tried = Command::new("Rscript")
        .args(["-e", "suppressMessages(library(surveillance))"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match tried {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(
            "R is here without the package surveillance: install Debian's r-cran-surveillance"
                .to_owned(),
        ),
        Err(error) => Err(format!("Rscript cannot be started ({error})")),
    }
}

/// R's alarms by method, panel and series, week by week.
type Said = BTreeMap<(String, String, usize), Vec<bool>>;

/// Runs the script over every `every`-th series.
fn ask(folder: &Path, every: usize) -> Result<Said> {
    let output = Command::new("Rscript")
        .arg(SCRIPT)
        .arg(folder)
        .arg(every.to_string())
        .arg(METHODS.join(","))
        .stderr(Stdio::inherit())
        .output()
        .context("Rscript cannot be started")?;
    if !output.status.success() {
        return Err(anyhow!("{SCRIPT} failed: {}", output.status));
    }
    let mut said = Said::new();
    let mut reader = csv::Reader::from_reader(output.stdout.as_slice());
    for row in reader.records() {
        let row = row?;
        let text = |at: usize| row.get(at).unwrap_or("");
        let series: usize = text(2).parse().context("a series number of R's output")?;
        said.entry((text(0).to_owned(), text(1).to_owned(), series))
            .or_default()
            .push(text(6) == "1");
    }
    Ok(said)
}

fn ours(name: &str) -> Result<Box<dyn ReferenceMethod>> {
    let ears = |variant| EarsSettings {
        smallest_deviation: 0.5,
        ..EarsSettings::usual(variant)
    };
    Ok(match name {
        "ears_C1" => Box::new(ears(EarsVariant::C1).check()?),
        "ears_C2" => Box::new(ears(EarsVariant::C2).check()?),
        _ => Box::new(
            FarringtonFlexibleSettings {
                alpha: 0.01,
                // The script's limit54 is (0, 4): no mask for few cases.
                fewest_cases: 0,
                ..FarringtonFlexibleSettings::default()
            }
            .check()?,
        ),
    })
}

/// R beside ours on every `every`-th series: alarms that differ, and both methods' measures at R's own alarms.
pub fn report(panel: &Weekly, folder: &Path, every: usize) -> Result<String> {
    let said = ask(folder, every)?;
    let judged = JUDGED_WEEKS.0 - 1;
    let mut text = String::from(
        "| method | series | weeks judged by both | alarms, R | alarms, ours | alarms that differ | POD, R | POD, ours | FPR, R | FPR, ours |\n|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for name in METHODS {
        let method = ours(name)?;
        let mut members = Vec::new();
        let (mut theirs, mut mine) = (Vec::new(), Vec::new());
        let (mut weeks, mut alarms, mut own, mut differ) = (0, 0, 0, 0);
        for series in &panel.series {
            let of = |panel: &str| said.get(&(name.to_owned(), panel.to_owned(), series.id));
            let (Some(quiet), Some(struck)) = (of("fpr"), of("pod")) else {
                continue;
            };
            let mut score = |counts: &[u32], r: &[bool]| -> Result<Vec<f32>> {
                let counts: Vec<u64> = counts.iter().map(|count| u64::from(*count)).collect();
                let one = CountSeries {
                    counts: &counts,
                    calendar: Calendar::Even {
                        buckets_per_year: 52,
                    },
                    population: &[],
                };
                let judgements = method.judge(&one, judged..counts.len())?;
                for (judgement, alarm) in judgements.iter().zip(r) {
                    weeks += 1;
                    alarms += usize::from(*alarm);
                    own += usize::from(judgement.alarm);
                    differ += usize::from(*alarm != judgement.alarm);
                }
                Ok(judgements
                    .iter()
                    .map(|one| f32::from(u8::from(one.alarm)))
                    .collect())
            };
            mine.push(Scored {
                quiet: score(&series.quiet, quiet)?,
                struck: score(&series.struck, struck)?,
            });
            let flags = |r: &[bool]| r.iter().map(|alarm| f32::from(u8::from(*alarm))).collect();
            theirs.push(Scored {
                quiet: flags(quiet),
                struck: flags(struck),
            });
            members.push(series);
        }
        let measured = |scored: Vec<Scored>| {
            Judged {
                name: name.to_owned(),
                channel: "bucket",
                series: members.clone(),
                scored,
                first: judged + 1,
                nanoseconds: 0.0,
            }
            .measures([0.5, 0.5], Replicates::All)
        };
        let (theirs, mine) = (measured(theirs), measured(mine));
        writeln!(
            text,
            "| {name} | {} | {weeks} | {alarms} | {own} | {differ} | {:.3} | {:.3} | {:.4} | {:.4} |",
            members.len(),
            theirs.detected,
            mine.detected,
            theirs.false_positive_rate,
            mine.false_positive_rate
        )?;
    }
    Ok(text)
}
