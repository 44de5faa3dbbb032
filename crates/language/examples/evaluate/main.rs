//! Every evaluation of the language rooms on a folder of labelled data, in one table.
//!
//! `cargo run --release -p auscult-language --example evaluate -- DIR [--cross-validate] [--write FILE] [--tsv]
//! [--only TASK] [--detail] [--peers PYTHON] [--feed FILE]`
//!
//! Without `--cross-validate` the shipped models and rules judge the folder, nothing is trained: so sealed sets are
//! run. With it, models are also trained and judged on disjoint parts. Sets that are absent are named and skipped.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing figures is this program's purpose"
)]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "figures for people"
)]

mod crisis;
mod data;
mod feed;
mod feeling;
mod hand_written;
mod languages;
mod peers;
mod recalls;
mod report;
mod reposts;
mod safety_privacy;
mod speed;
#[path = "../support/mod.rs"]
mod support;
mod topics;

use report::Report;
use std::path::PathBuf;

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let value = |flag: &str| {
        arguments
            .iter()
            .position(|argument| argument == flag)
            .and_then(|at| arguments.get(at + 1))
            .cloned()
    };
    let only = value("--only");
    let folder = arguments
        .first()
        .filter(|first| !first.starts_with("--"))
        .map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    if !folder.is_dir() {
        eprintln!(
            "skipped: no folder {}; give the folder of the labelled data as the first argument",
            folder.display()
        );
        return Ok(());
    }
    let mut report = Report::default();
    report.tsv = has("--tsv");
    let wanted = |task: &str| only.as_deref().is_none_or(|only| only == task);
    let prefixes = [
        ("safety", "ade_sentences_"),
        ("safety", "phee_"),
        ("privacy", "pii_synthetic_"),
        ("languages", "langid_"),
        ("sentiment", "sentiment_"),
        ("themes", "nhs_feedback_"),
        ("recalls", "fda_drug_recalls_"),
        ("crisis", "crisis_tweets_"),
    ];
    for (task, prefix) in prefixes
        .iter()
        .filter(|(task, prefix)| wanted(task) && support::files(&folder, prefix).is_empty())
    {
        eprintln!("skipped {task}: no {prefix}* in {}", folder.display());
    }
    let cross_validate = has("--cross-validate");
    if wanted("safety") {
        safety_privacy::run_safety(&folder, cross_validate, &mut report)?;
    }
    if wanted("privacy") {
        safety_privacy::run_privacy(&folder, cross_validate, &mut report)?;
    }
    if wanted("languages") {
        languages::run(&folder, cross_validate, &mut report)?;
    }
    if wanted("sentiment") {
        feeling::run(&folder, cross_validate, &mut report)?;
    }
    if wanted("themes") {
        topics::run(&folder, cross_validate, &mut report)?;
    }
    if wanted("recalls") {
        recalls::run(&folder, &mut report)?;
    }
    if wanted("crisis") {
        crisis::run(&folder, &mut report)?;
    }
    if wanted("machine") {
        peers::run_machine(&folder, &mut report)?;
    }
    if wanted("reposts") {
        reposts::run(&folder, &mut report)?;
    }
    if let Some(feed) = value("--feed") {
        feed::run(&feed, &mut report)?;
    }
    if wanted("hand-written") {
        hand_written::run(&mut report)?;
    }
    if wanted("speed") {
        speed::run(&folder, &mut report)?;
    }
    if wanted("peers") {
        peers::run(value("--peers").as_deref(), &folder, &mut report)?;
    }
    report.print();
    if let Some(path) = value("--write") {
        report.write(path.as_ref())?;
    }
    Ok(())
}
