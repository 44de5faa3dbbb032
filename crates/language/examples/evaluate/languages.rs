//! Language identification: accuracy on major languages and on all.

use crate::data;
use crate::report::Report;
use auscult_language::language_id::train::{Labelled, Training, train};
use auscult_language::language_id::{Model, identify, identify_with};
use auscult_language::words::Words;
use std::collections::BTreeMap;
use std::path::Path;

/// Major languages by speakers and by markets for medicines; all of them are in the set.
pub const MAJOR: &[&str] = &[
    "ar", "cs", "de", "el", "en", "es", "fr", "hi", "it", "ja", "ko", "nl", "pl", "pt", "ru", "sv",
    "tr", "uk", "vi", "zh",
];

pub fn run(
    folder: &Path,
    cross_validate: bool,
    report: &mut Report,
) -> data::anyhow_lite::Result<()> {
    for path in data::files(folder, "langid_") {
        let rows: Vec<(String, String)> = data::rows(&path)?
            .iter()
            .map(|row| {
                (
                    data::cell(row, "lang").to_owned(),
                    data::cell(row, "sentence").to_owned(),
                )
            })
            .collect();
        let set = data::name_of(&path);
        score(
            &set,
            "shipped model",
            &rows,
            |text| identify(text).code.to_owned(),
            report,
        );
        if cross_validate {
            let models: Vec<Model> = (0..5u64)
                .map(|fold| {
                    trained(
                        rows.iter().filter(|(_, text)| data::fold(text, 5) != fold),
                        Training::default(),
                    )
                })
                .collect();
            score(
                &set,
                "5-fold cross-validation",
                &rows,
                |text| {
                    identify_with(&models[data::fold(text, 5) as usize], &Words::of(text))
                        .code
                        .to_owned()
                },
                report,
            );
        }
    }
    Ok(())
}

pub fn trained<'a>(rows: impl Iterator<Item = &'a (String, String)>, training: Training) -> Model {
    let labelled: Vec<Labelled> = rows.map(|(code, text)| Labelled { code, text }).collect();
    train(&labelled, training)
}

fn score(
    set: &str,
    split: &str,
    rows: &[(String, String)],
    mut identify: impl FnMut(&str) -> String,
    report: &mut Report,
) {
    let mut by_code: BTreeMap<&str, (usize, usize, usize)> = BTreeMap::new();
    let mut confusions: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (code, text) in rows {
        let found = identify(text);
        let counts = by_code.entry(code).or_default();
        counts.0 += usize::from(found == *code);
        counts.1 += 1;
        counts.2 += usize::from(found.is_empty());
        if found != *code {
            *confusions.entry((code.clone(), found)).or_default() += 1;
        }
    }
    let share = |codes: &mut dyn Iterator<Item = (usize, usize, usize)>| {
        let (right, all, unsure) = codes.fold((0, 0, 0), |sum, one| {
            (sum.0 + one.0, sum.1 + one.1, sum.2 + one.2)
        });
        (
            right as f64 / all.max(1) as f64,
            unsure as f64 / all.max(1) as f64,
        )
    };
    let (major, unsure) = share(
        &mut by_code
            .iter()
            .filter(|(code, _)| MAJOR.contains(code))
            .map(|(_, counts)| *counts),
    );
    report.add(
        "language id, 20 major languages",
        set,
        split,
        format!("accuracy {major:.4} (unsure {unsure:.4})"),
        "≥ 0.95",
    );
    let (all, unsure) = share(&mut by_code.values().copied());
    report.add(
        &format!("language id, all {} languages", by_code.len()),
        set,
        split,
        format!("accuracy {all:.4} (unsure {unsure:.4})"),
        "",
    );
    if std::env::args().any(|argument| argument == "--detail") {
        let mut worst: Vec<_> = confusions.into_iter().collect();
        worst.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
        worst
            .iter()
            .take(25)
            .for_each(|((from, to), times)| eprintln!("  {from} → {to}: {times}"));
        by_code
            .iter()
            .filter(|(code, _)| MAJOR.contains(code))
            .for_each(|(code, counts)| {
                eprint!("{code} {:.3}; ", counts.0 as f64 / counts.1 as f64)
            });
        eprintln!();
    }
}
