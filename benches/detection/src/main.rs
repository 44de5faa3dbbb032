//! `make bench-detection [PANELS=DIR]`: judges every detection method on panels with known outbreaks and writes
//! `docs/benchmarks-detection.md`.

mod answers;
mod calibrate;
mod change_points;
mod clock;
mod judged;
mod lattice;
mod measures;
mod methods;
mod nab;
mod panels;
mod parity;
mod peers;
mod portfolio;
mod real;
mod report;
mod run;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use auscult_statistics::count::CountState;
use clap::{Parser, Subcommand};
use measures::{Judged, Replicates};

#[derive(Parser)]
#[command(about = "Judges every detection method on panels with known outbreaks")]
struct Arguments {
    /// Folder with weekly/ and daily/; without it the development panels under AUSCULT_DATA or ../shared/data.
    #[arg(long)]
    panels: Option<PathBuf>,
    /// Which replicates are reported: odd for the development panels (settings were tuned on even ones), all for others.
    #[arg(long)]
    replicates: Option<Replicates>,
    /// Where the report is written.
    #[arg(long, default_value = "docs/benchmarks-detection.md")]
    to: PathBuf,
    /// Judge with the reference methods only the replicates up to this number; 0 leaves them out.
    #[arg(long, default_value_t = usize::MAX)]
    reference_replicates: usize,
    /// R's surveillance, where it is installed, judges every so many-th weekly series; 0 leaves it out.
    #[arg(long, default_value_t = 20)]
    peers_every: usize,
    /// Only this part, to try a change; the table has its rows alone.
    #[arg(long)]
    only: Option<Part>,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Parts of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Weekly,
    Daily,
    /// R beside ours.
    Peers,
    /// Real baselines, lattice, parity, answers, memory.
    Beyond,
    /// NAB and TCPD.
    Streams,
}

#[derive(Subcommand)]
enum Command {
    /// Simulates the null distributions of the onset evidence again (about a minute).
    Calibrate {
        /// The table the statistics crate compiles in.
        #[arg(long, default_value = "crates/statistics/src/evidence/onset_null.csv")]
        to: PathBuf,
    },
}

/// The development panels' folder.
fn development_panels() -> Result<PathBuf> {
    let data = std::env::var("AUSCULT_DATA")
        .map_or_else(|_| PathBuf::from("../shared/data"), PathBuf::from);
    [
        data.join("benchmark"),
        PathBuf::from("../../shared/data/benchmark"),
    ]
    .into_iter()
    .find(|folder| folder.is_dir())
    .context(
        "no development panels: set AUSCULT_DATA to the shared data folder or give --panels DIR",
    )
}

fn find<'a>(all: &'a [Judged<'a>], name: &str, channel: &str) -> Option<&'a Judged<'a>> {
    all.iter()
        .find(|judged| judged.name.starts_with(name) && judged.channel == channel)
}

fn weekly(
    folder: &Path,
    which: Option<Replicates>,
    reference_replicates: usize,
    text: &mut String,
) -> Result<Vec<judged::Row>> {
    let which = which.unwrap_or(Replicates::All);
    let panel = panels::weekly(folder)?;
    eprintln!("weekly: {} series", panel.series.len());
    let mut all = run::weekly_dynamic(&panel)?;
    eprintln!("weekly: dynamic methods done");
    if reference_replicates > 0 {
        all.extend(run::weekly_reference(&panel, reference_replicates)?);
        eprintln!("weekly: reference methods done");
    }
    let long = "dynamic_count, all";
    text.push_str("\n## Weekly panel\n\nEach cell: POD / POD in the first week / F1 / false-positive rate of the worst scenario, at a pooled threshold. Reference methods that only say alarm or not (EARS C3, CUSUM, Bayes, RKI) have no threshold to set at an equal rate and are left out.\n\n");
    text.push_str(&report::detection(&all, which)?);
    text.push_str("\n### Episodes\n\nPOD / POD in the first week when false *episodes* (an alarm with none in the two weeks before) start at equal rates.\n\n");
    text.push_str(&report::episodes(&all, which)?);
    text.push_str("\n### Calibration\n\nFalse-positive rate at a nominal p of 0.01 (methods without p-values are left out).\n\n");
    let with_p: Vec<Judged> = all.into_iter().collect();
    text.push_str(&report::calibration(&with_p, &panel, which)?);
    text.push_str("\n### False discoveries\n\nBenjamini–Hochberg over all series of each week: realised false-discovery proportion (in brackets: without the three weeks after an outbreak) / POD.\n\n");
    text.push_str(&report::discoveries(&with_p, which)?);
    let base =
        find(&with_p, "farrington_flexible_nb", "bucket").or_else(|| find(&with_p, long, "bucket"));
    if let Some(base) = base {
        text.push_str("\n### Paired differences\n\n");
        text.push_str(&report::differences(&with_p, base, which)?);
    }
    text.push_str("\n### Cost\n\n");
    let once: Vec<&Judged> = with_p
        .iter()
        .filter(|judged| judged.channel == "bucket" && !judged.name.starts_with("true"))
        .collect();
    text.push_str(&report::cost(&once)?);
    writeln!(
        text,
        "\nA count series takes {} bytes in memory, heap included (there is none).",
        size_of::<CountState>()
    )?;
    Ok(judged::weekly(&with_p, &panel, which))
}

fn daily(folder: &Path, which: Option<Replicates>, text: &mut String) -> Result<Vec<judged::Row>> {
    let which = which.unwrap_or(Replicates::All);
    let panel = panels::daily(folder)?;
    eprintln!("daily: {} series", panel.series.len());
    let all = run::daily_dynamic(&panel)?;
    text.push_str("\n## Daily panel\n\n");
    text.push_str(&report::daily(&all, which)?);
    if which != Replicates::All {
        text.push_str(
            "\nIn the development panel odd replicates hold the outbreak sizes 2 and 5, even ones 3 and 10. All replicates, each half \
             with the other's threshold:\n\n",
        );
        text.push_str(&report::daily(&all, Replicates::All)?);
    }
    writeln!(
        text,
        "\n{:.2} µs per series and day.",
        all[0].nanoseconds / 1000.0
    )?;
    Ok(judged::daily(&all))
}

/// Rows that need no panel: real baselines, lattice, parity, answers, memory.
fn beyond_panels(beside: &Path, text: &mut String) -> Result<Vec<judged::Row>> {
    let mut rows = Vec::new();
    text.push_str("\n## Real baselines\n\n");
    match real::judge(beside)? {
        Some(real) => {
            text.push_str(&real.report()?);
            rows.push(judged::real(&real));
        }
        None => skipped(
            "real baselines: no outbreak_counts*.csv.gz and no reference/series",
            beside,
            text,
        )?,
    }
    text.push_str("\n## Lattice\n\n");
    let power = lattice::judge()?;
    text.push_str(&power.report()?);
    rows.push(judged::lattice(&power));
    text.push_str("\n## Parity with R's surveillance\n\n");
    match parity::compare(beside)? {
        Some(parity) => {
            text.push_str(&parity.report()?);
            rows.push(judged::parity(&parity));
        }
        None => skipped("parity: no reference/series", beside, text)?,
    }
    text.push_str("\n## Learning from answers\n\n");
    let answers = answers::judge();
    text.push_str(&answers.report()?);
    rows.push(judged::answers(&answers));
    rows.push(judged::memory(run::bytes_of_a_series()?));
    Ok(rows)
}

fn skipped(what: &str, folder: &Path, text: &mut String) -> Result<()> {
    eprintln!("SKIPPED: {what} in {}", folder.display());
    writeln!(text, "SKIPPED: {what} in `{}`.", folder.display())?;
    Ok(())
}

/// R beside ours, in the same run, or a line that says why not.
fn beside_r(folder: &Path, every: usize, text: &mut String) -> Result<()> {
    text.push_str("\n## R's surveillance beside ours\n\n");
    if every == 0 {
        text.push_str("Left out (`--peers-every 0`).\n");
        return Ok(());
    }
    if let Err(reason) = peers::available() {
        eprintln!("SKIPPED: R beside ours: {reason}");
        writeln!(text, "SKIPPED: {reason}.")?;
        return Ok(());
    }
    let panel = panels::weekly(folder)?;
    writeln!(
        text,
        "The same weekly panel, every {every}th series, judged by R's package in this run and by ours: alarm by alarm, and the \
         measures at the methods' own alarms (α 0.01; EARS at its own 0.001).\n"
    )?;
    text.push_str(&peers::report(&panel, folder, every)?);
    Ok(())
}

/// NAB and TCPD, where their files are.
fn streams(folder: &Path, text: &mut String) -> Result<()> {
    let parts = [
        (
            "NAB",
            nab::report(folder)?,
            "Score of the standard profile (0: a detector that never speaks; 100: perfect). One point at a time through the shipped \
             models at their default settings; an alert is told once, until two quiet points. A sanity check: the product counts \
             what people say, and these are machines' readings every five minutes.",
            "nab_*.csv.gz with nab_labels*.json",
        ),
        (
            "TCPD",
            change_points::report(folder)?,
            "F1 (margin 5) and covering of the Turing Change Point Dataset, against all annotators. The change points are the starts \
             of the online detector's alerts at p = 0.001, found without looking back; beside them what a method that tells none \
             would get.",
            "tcpd_*.json.gz",
        ),
    ];
    for (name, report, about, files) in parts {
        match report {
            Some(table) => write!(text, "\n## {name}\n\n{about}\n\n{table}")?,
            None => eprintln!("SKIPPED: {name}: no {files} in {}", folder.display()),
        }
    }
    Ok(())
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(Command::Calibrate { to }) = arguments.command {
        return calibrate::write(&to);
    }
    let given = arguments.panels.is_some();
    let folder = arguments.panels.map_or_else(development_panels, Ok)?;
    // The development panels lie in a folder of their own beside the other files.
    let (folder, beside) = match folder.join("benchmark") {
        inner if inner.is_dir() => (inner, folder),
        _ if given => (folder.clone(), folder),
        _ => {
            let beside = folder.parent().map(Path::to_owned);
            (folder.clone(), beside.unwrap_or(folder))
        }
    };
    let which = arguments.replicates.unwrap_or(if given {
        Replicates::All
    } else {
        Replicates::Odd
    });
    let mut head = String::from("# Detection benchmark\n\n");
    writeln!(
        head,
        "Written by `make bench-detection`; do not edit. Panels: `{}`; replicates reported: {which:?}. Thresholds come from the quiet \
         series of the other half of the replicates. Baseline settings were tuned on the even replicates of the development panels; the shape of the onset evidence \
         (size of shift, onset weights, cap of the memory) was chosen with true parameters on all their replicates, so \
         the odd ones are not wholly untouched: compare with the rows of known parameters, or give other panels.",
        if given {
            folder.display().to_string()
        } else {
            "development".to_owned()
        },
    )?;
    let wanted = |part: Part| arguments.only.is_none_or(|only| only == part);
    let has = |part: &str| folder.join(part).is_dir();
    let mut text = String::new();
    let mut judged = Vec::new();
    if has("weekly") && wanted(Part::Weekly) {
        judged.extend(weekly(
            &folder,
            Some(which),
            arguments.reference_replicates,
            &mut text,
        )?);
    }
    if has("daily") && wanted(Part::Daily) {
        judged.extend(daily(&folder, Some(which), &mut text)?);
    }
    if has("weekly") && wanted(Part::Peers) {
        beside_r(&folder, arguments.peers_every, &mut text)?;
    }
    if wanted(Part::Streams) {
        streams(&beside, &mut text)?;
    }
    if text.is_empty() && arguments.only.is_none() {
        bail!(
            "{} has neither weekly/ nor daily/, nor files nab_* or tcpd_*: give a folder laid out like the shared data",
            beside.display()
        );
    }
    if wanted(Part::Beyond) {
        // Sealed panels may come alone: what needs none of them is judged on the development files then.
        let beside = match development_panels() {
            Ok(panels) if !beside.join("reference").is_dir() => {
                panels.parent().map_or(beside, Path::to_owned)
            }
            _ => beside,
        };
        judged.extend(beyond_panels(&beside, &mut text)?);
    }
    if !judged.is_empty() {
        head.push_str("\n## How it is judged\n\nThe rows of the design's table; weekly rows with five years of history. Each figure is in a section below.\n\n");
        head.push_str(&judged::table(&mut judged)?);
    }
    let text = head + &text;
    std::fs::write(&arguments.to, &text)
        .with_context(|| format!("{} cannot be written", arguments.to.display()))?;
    #[expect(clippy::print_stdout, reason = "the command's product")]
    {
        println!("{text}");
    }
    Ok(())
}
