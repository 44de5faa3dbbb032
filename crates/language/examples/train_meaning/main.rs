//! Trains the shipped models from labelled data and writes them to `crates/language/resources/`.
//!
//! `cargo run --release -p auscult-language --example train_meaning -- DIR OUT [languages|sentiment]`
#![expect(clippy::print_stderr, reason = "a program for people")]
#![expect(dead_code, reason = "shares its readers with evaluate")]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "shares its readers with evaluate"
)]

#[path = "../evaluate/data.rs"]
mod data;
#[path = "../evaluate/feeling.rs"]
mod feeling;
#[path = "../evaluate/languages.rs"]
mod languages;
#[path = "../evaluate/report.rs"]
mod report;

use auscult_language::language_id::train::Training;
use auscult_language::sentiment::train::read_seeds;
use std::io::Write;
use std::path::Path;

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, out, rest @ ..] = arguments.as_slice() else {
        return Err("usage: train_meaning DIR OUT [languages|sentiment]".into());
    };
    let (folder, out) = (Path::new(folder), Path::new(out));
    let wanted = |task: &str| rest.is_empty() || rest.iter().any(|one| one == task);
    if wanted("languages") {
        let mut rows = Vec::new();
        for path in data::files(folder, "langid_") {
            rows.extend(data::rows(&path)?.iter().map(|row| {
                (
                    data::cell(row, "lang").to_owned(),
                    data::cell(row, "sentence").to_owned(),
                )
            }));
        }
        write(
            out,
            "language_id.model",
            &languages::trained(rows.iter(), Training::default()).to_bytes(),
        )?;
    }
    if wanted("sentiment") {
        let seeds = read_seeds(include_str!("../../resources/sentiment.seeds.txt"))?;
        let (items, _) = feeling::read(folder)?;
        write(
            out,
            "sentiment.lexicon.tsv",
            feeling::fit(&seeds, items.iter()).to_text().as_bytes(),
        )?;
    }
    Ok(())
}

fn write(out: &Path, name: &str, bytes: &[u8]) -> Result<(), String> {
    let path = out.join(name);
    let written = std::fs::File::create(&path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|error| format!("{}: {error}", path.display()))?;
    eprintln!("{}: {} bytes", path.display(), bytes.len());
    Ok(())
}
