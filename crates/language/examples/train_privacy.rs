//! Trains the name tagger on everything and writes the model.
//!
//! `cargo run --release -p auscult-language --example train_privacy -- DATA_DIR crates/language/resources/privacy_model.bin`
//!
//! What it is worth is told by `evaluate --cross-validate`, which trains five models that have not seen the
//! templates and documents they judge.

#![expect(clippy::print_stdout, reason = "a program that reports")]

mod support;

use auscult_language::privacy::{Redactor, train};
use support::privacy_data::{Corpus, FOLDS};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(path)) = (arguments.next(), arguments.next()) else {
        anyhow::bail!("usage: train_privacy DATA_DIR MODEL_FILE");
    };
    let corpus = Corpus::read(folder.as_ref())?;
    // No fold bears the number FOLDS: nothing is held out.
    let model = corpus.model_without(&Redactor::standard(), FOLDS, train::Settings::default());
    std::fs::write(&path, model.to_bytes())?;
    println!("trained on {} texts\nwrote\t{path}", corpus.tagged.len());
    Ok(())
}
