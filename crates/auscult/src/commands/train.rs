//! `auscult train themes`: learns themes from labelled texts, says how good they are, writes the model and its card.
//!
//! The figures come from cross-validation in which nobody's texts are on both sides; the model that is written has seen
//! all of them. Nothing is written when there is nothing to learn.

use super::print;
use crate::cli::{Train, TrainThemes};
use crate::exit::{Failure, Kind, Marked, Outcome};
use crate::import::rows::{self, Row};
use auscult_language::themes::trained::{self, Labelled, Training};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Trains what is asked for.
pub fn run(train: &Train) -> Outcome {
    match train {
        Train::Themes(themes) => train_themes(themes),
    }
}

fn train_themes(themes: &TrainThemes) -> Outcome {
    let taxonomy = super::taxonomy(themes.taxonomy.as_deref())?;
    let labelled = read(themes)?;
    let training = Training::default();
    let scores = trained::cross_validate(&labelled, Some(&taxonomy), &training);
    if scores.labels.is_empty() {
        return Err(bad_input(
            &themes.labels,
            format!(
                "no label is held by {} of its {} texts; label more, or name the label columns with --label-columns",
                training.least_texts,
                labelled.len()
            ),
        ));
    }
    let model = trained::train(&labelled, Some(&taxonomy), &training);
    let name = themes
        .out
        .file_stem()
        .map_or_else(|| "themes".into(), |stem| stem.to_string_lossy());
    let card = trained::card(&name, &labelled, &training, &scores);
    let card_path = themes.out.with_extension("md");
    write(&themes.out, &model.to_bytes())?;
    write(&card_path, card.as_bytes())?;
    print(&card);
    eprintln!(
        "wrote {} and {}; name it in the settings: [language] theme_model = \"{}\"",
        themes.out.display(),
        card_path.display(),
        themes.out.display()
    );
    Ok(())
}

fn read(themes: &TrainThemes) -> Result<Vec<Labelled>, Failure> {
    let path = &themes.labels;
    let mut columns = vec![themes.text_column.as_str()];
    columns.extend(themes.group_column.as_deref());
    columns.extend(themes.label_columns.iter().map(String::as_str));
    let mut kept: Vec<Row> = Vec::new();
    let mut unreadable = 0_usize;
    for (_, row) in rows::open(path, &columns).or_fail(Kind::Input)? {
        match row {
            Ok(row) if row.contains_key(&themes.text_column) => kept.push(row),
            Ok(_) => {}
            Err(bad) => {
                unreadable += 1;
                if unreadable == 1 {
                    eprintln!("{}, line {}: {}", path.display(), bad.line, bad.reason);
                }
            }
        }
    }
    if unreadable > 0 {
        eprintln!("{unreadable} rows could not be read and were left out");
    }
    if kept.is_empty() {
        return Err(bad_input(
            path,
            format!(
                "no row has a text in `{}`; name the column with --text-column",
                themes.text_column
            ),
        ));
    }
    let label_columns = label_columns(themes, &kept);
    Ok((0_usize..)
        .zip(&kept)
        .map(|(at, row)| one(themes, &label_columns, row, at))
        .collect())
}

/// The columns that are labels by themselves: those named, or else, where there is no column of label lists, all that hold
/// nothing but 1, 0 or nothing.
fn label_columns(themes: &TrainThemes, rows: &[Row]) -> Vec<String> {
    if !themes.label_columns.is_empty() {
        return themes.label_columns.clone();
    }
    if rows
        .iter()
        .any(|row| row.contains_key(&themes.labels_column))
    {
        return Vec::new();
    }
    let mut is_flag: BTreeMap<&str, bool> = BTreeMap::new();
    for (column, value) in rows.iter().flatten() {
        *is_flag.entry(column).or_insert(true) &=
            matches!(value.as_str(), "0" | "1" | "0.0" | "1.0");
    }
    is_flag
        .into_iter()
        .filter(|(column, is_flag)| {
            *is_flag
                && *column != themes.text_column
                && Some(*column) != themes.group_column.as_deref()
        })
        .map(|(column, _)| column.to_owned())
        .collect()
}

fn one(themes: &TrainThemes, label_columns: &[String], row: &Row, at: usize) -> Labelled {
    let cell = |column: &str| row.get(column).map_or("", String::as_str);
    let listed = cell(&themes.labels_column)
        .split(';')
        .map(str::trim)
        .filter(|label| label_columns.is_empty() && !label.is_empty())
        .map(str::to_owned);
    let flagged = label_columns
        .iter()
        .filter(|column| matches!(cell(column), "1" | "1.0"))
        .cloned();
    Labelled {
        text: cell(&themes.text_column).to_owned(),
        labels: listed.chain(flagged).collect(),
        // Without a group every text is a group of its own.
        group: themes
            .group_column
            .as_deref()
            .map(cell)
            .filter(|group| !group.is_empty())
            .map_or_else(|| format!("row {at}"), str::to_owned),
    }
}

fn bad_input(path: &Path, reason: String) -> Failure {
    Failure::new(Kind::Input, anyhow::anyhow!("{}: {reason}", path.display()))
}

fn write(path: &PathBuf, bytes: &[u8]) -> Outcome {
    std::fs::write(path, bytes).map_err(|error| {
        bad_input(
            path,
            format!("cannot be written: {error}; name a place that can be written"),
        )
    })
}
