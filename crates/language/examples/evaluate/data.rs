//! Reading the evaluation files: compressed CSV found by the prefix of its name.

use anyhow_lite::{Context, Result};
use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Rows of one file, by column name.
pub type Rows = Vec<BTreeMap<String, String>>;

/// Files of `folder` whose names begin with `prefix` and end in `.csv.gz` or `.csv`, sorted.
pub fn files(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let named = |path: &PathBuf| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| {
                name.starts_with(prefix) && (name.ends_with(".csv.gz") || name.ends_with(".csv"))
            })
    };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(named)
        .collect();
    found.sort();
    found
}

/// The name of a data set: the file's name without its endings.
pub fn name_of(path: &Path) -> String {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    name.trim_end_matches(".gz")
        .trim_end_matches(".csv")
        .to_owned()
}

/// All rows of a file.
pub fn rows(path: &Path) -> Result<Rows> {
    let file = File::open(path).context(path)?;
    let plain: Box<dyn Read> = if path.extension().is_some_and(|ending| ending == "gz") {
        Box::new(GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(plain);
    let head = reader.headers().context(path)?.clone();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.context(path)?;
        rows.push(
            head.iter()
                .map(str::to_owned)
                .zip(record.iter().map(str::to_owned))
                .collect(),
        );
    }
    Ok(rows)
}

/// A cell, empty if the column is absent.
pub fn cell<'a>(row: &'a BTreeMap<String, String>, column: &str) -> &'a str {
    row.get(column).map_or("", String::as_str)
}

/// Fold of a key: the same key is always in the same fold.
pub fn fold(key: &str, folds: u64) -> u64 {
    auscult_language::stable_hash::hash_bytes(key.as_bytes()) % folds
}

/// The little error handling an example needs.
pub mod anyhow_lite {
    use std::path::Path;

    /// A message with its place.
    pub type Result<T> = std::result::Result<T, String>;

    /// Adds the place to an error.
    pub trait Context<T> {
        /// The error with the file it happened in.
        fn context(self, path: &Path) -> Result<T>;
    }

    impl<T, E: std::fmt::Display> Context<T> for std::result::Result<T, E> {
        fn context(self, path: &Path) -> Result<T> {
            self.map_err(|error| format!("{}: {error}", path.display()))
        }
    }
}
