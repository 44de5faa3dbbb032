//! One verb, one file.

pub mod actions;
mod asked;
pub mod backtest;
pub mod check;
pub mod dead_letters;
pub mod demo;
pub mod dispose;
pub mod disproportionality;
pub mod explain;
pub mod impact;
pub mod lead_lag;
pub mod redact;
pub mod reference;
pub mod replay;
pub mod requests;
pub mod run;
pub mod safety;
pub mod server;
pub mod simulate;
mod stdin;
pub mod topics;
pub mod train;

use crate::exit::{Failure, Kind};
use crate::import::map::{self, MapFile};
use auscult_core::settings::Problem;
use auscult_language::themes::{Taxonomy, trained};
use std::io::Write;
use std::path::Path;

/// Writes a result to standard output. A reader that has gone away (`| head`) is not an error.
pub fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// All problems of one file as one error.
pub fn problems(path: &Path, problems: &[Problem]) -> anyhow::Error {
    let listed: Vec<String> = problems
        .iter()
        .map(|problem| format!("  {problem}"))
        .collect();
    let noun = if problems.len() == 1 {
        "problem"
    } else {
        "problems"
    };
    anyhow::anyhow!(
        "{} {noun} in {}:\n{}",
        problems.len(),
        path.display(),
        listed.join("\n")
    )
}

/// Reads a column map.
///
/// # Errors
/// It cannot be read, or everything that is wrong with it.
pub fn read_map(path: &Path) -> Result<MapFile, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(
            Kind::Settings,
            anyhow::anyhow!(
                "cannot read map {}: {error}; see deploy/maps/ for maps that work",
                path.display()
            ),
        )
    })?;
    let base = path.parent().unwrap_or(Path::new("."));
    map::read(&text, base).map_err(|found| Failure::new(Kind::Settings, problems(path, &found)))
}

/// The taxonomy of a file, or the shipped one.
///
/// # Errors
/// It cannot be read, or everything that is wrong with it.
pub fn taxonomy(path: Option<&Path>) -> Result<Taxonomy, Failure> {
    let Some(path) = path else {
        return Ok(Taxonomy::standard());
    };
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(
            Kind::Settings,
            anyhow::anyhow!(
                "cannot read taxonomy {}: {error}; name a TOML file of themes",
                path.display()
            ),
        )
    })?;
    Taxonomy::from_toml(&text).map_err(|found| {
        let found: Vec<Problem> = found
            .into_iter()
            .map(|problem| Problem::new(problem.path, problem.reason, problem.remedy))
            .collect();
        Failure::new(Kind::Settings, problems(path, &found))
    })
}

/// The taxonomy of the settings, with the themes of a trained model beside its own where the settings name one.
///
/// # Errors
/// A file cannot be read, everything that is wrong with it, or the model was trained with another taxonomy.
pub fn themes(
    taxonomy_path: Option<&Path>,
    model_path: Option<&Path>,
) -> Result<Taxonomy, Failure> {
    let taxonomy = taxonomy(taxonomy_path)?;
    let Some(path) = model_path else {
        return Ok(taxonomy);
    };
    let wrong = |reason: String| {
        Failure::new(
            Kind::Settings,
            anyhow::anyhow!("theme model {}: {reason}", path.display()),
        )
    };
    let bytes = std::fs::read(path).map_err(|error| {
        wrong(format!(
            "cannot be read: {error}; name a file that `auscult train themes` wrote"
        ))
    })?;
    let model = trained::Model::from_bytes(&bytes).map_err(|error| wrong(error.to_string()))?;
    taxonomy
        .with_learned(model)
        .map_err(|problem| wrong(problem.to_string()))
}
