//! Trains the safety model and sets its thresholds.
//!
//! `cargo run --release -p auscult-language --example train_safety -- DATA_DIR MODEL_FILE`
//!
//! Five folds by document (pmid) for the clinical sentences, by respondent for feedback, by template for our own
//! patient language, give every text a score by a model that has not seen it; the shipped thresholds are set on those.
//! The shipped model is then trained on everything. What it is worth is told by `evaluate --cross-validate`,
//! where the thresholds of a fold are set on the other folds only.

#![expect(clippy::print_stdout, reason = "a program that reports")]

mod support;

use auscult_language::safety::{Triage, train};
use support::safety_data::{self, Corpus};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments
        .next()
        .ok_or_else(|| anyhow::anyhow!("usage: train_safety DATA_DIR MODEL_FILE"))?;
    let corpus = Corpus::read(folder.as_ref())?;
    let scored = safety_data::cross_validate(&corpus);
    let path = arguments
        .next()
        .ok_or_else(|| anyhow::anyhow!("usage: train_safety DATA_DIR MODEL_FILE"))?;
    let triage = Triage::standard();
    let examples: Vec<train::Example> = corpus
        .items
        .iter()
        .filter(|item| item.trains)
        .map(|item| triage.example(&item.text, item.label, item.weight))
        .collect();
    let thresholds = safety_data::thresholds_for(scored.iter());
    let model = train::fit(&examples, train::Settings::default()).with_thresholds(thresholds);
    std::fs::write(&path, model.to_bytes())?;
    println!("thresholds\t{thresholds:?}\nwrote\t{path}");
    Ok(())
}
