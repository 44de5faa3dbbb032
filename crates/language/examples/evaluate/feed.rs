//! A simulated feed (`auscult simulate --out FEED`): whether products survive redaction, and how much the safety desk gets.

use crate::report::Report;
use auscult_language::privacy::{PersonalDataClass, Redactor};
use auscult_language::safety::Triage;
use std::collections::BTreeSet;

/// Judges the texts of `path`; the products are those its events are about.
#[expect(clippy::disallowed_methods, reason = "a program that reads a file")]
pub fn run(path: &str, report: &mut Report) -> Result<(), String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    let mut texts: Vec<String> = Vec::new();
    let mut products: BTreeSet<String> = BTreeSet::new();
    // The feed holds broken events on purpose; they have no text to judge here.
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(event) = serde_json::from_slice::<serde_json::Value>(line) else {
            continue;
        };
        let Some(text) = event["data"]["content"]["text"].as_str() else {
            continue;
        };
        texts.push(text.to_owned());
        let named = event["data"]["about"]["products"].as_array();
        products.extend(
            named
                .into_iter()
                .flatten()
                .filter_map(|name| Some(name.as_str()?.to_lowercase())),
        );
    }
    let names = || products.iter().map(String::as_str);
    let redactors = [
        ("no products in the settings", Redactor::standard()),
        (
            "its products in the settings",
            Redactor::standard().keeping(names()),
        ),
    ];
    for (split, redactor) in redactors {
        let (mut naming, mut hidden) = (0_usize, 0_usize);
        for text in &texts {
            let places = places(text, &products);
            let findings = redactor.find(text);
            naming += usize::from(!places.is_empty());
            hidden += usize::from(places.iter().any(|at| {
                findings.iter().any(|finding| {
                    matches!(
                        finding.class,
                        PersonalDataClass::Name
                            | PersonalDataClass::Place
                            | PersonalDataClass::Address
                    ) && (finding.start as usize..finding.end as usize).contains(at)
                })
            }));
        }
        report.add(
            "privacy, texts in which a product is hidden",
            "simulated feed",
            split,
            format!("{hidden} of {naming}"),
            "0 with products",
        );
    }
    for (split, triage) in [
        ("no products in the settings", Triage::standard()),
        (
            "its products in the settings",
            Triage::standard().knowing(names()),
        ),
    ] {
        let sent = texts.iter().filter(|text| triage.assess(text).is_candidate);
        let sent: Vec<&String> = sent.collect();
        report.add(
            "safety review load",
            "simulated feed",
            split,
            format!(
                "{:.4} ({}/{})",
                sent.len() as f64 / texts.len().max(1) as f64,
                sent.len(),
                texts.len()
            ),
            "stated",
        );
        if std::env::args().any(|argument| argument == "--detail") {
            let mut counts: std::collections::BTreeMap<&str, usize> =
                std::collections::BTreeMap::new();
            sent.iter()
                .for_each(|text| *counts.entry(text.as_str()).or_default() += 1);
            let mut often: Vec<(usize, &str)> = counts
                .into_iter()
                .map(|(text, count)| (count, text))
                .collect();
            often.sort_unstable_by(|a, b| b.cmp(a));
            often.iter().take(60).for_each(|(count, text)| {
                eprintln!(
                    "  {count} {text} {:?} {:.2}",
                    triage.assess(text).rules_hit,
                    triage.assess(text).score
                )
            });
        }
    }
    Ok(())
}

/// Where a product stands as a word of its own.
fn places(text: &str, products: &BTreeSet<String>) -> Vec<usize> {
    let mut found = Vec::new();
    let mut start = 0;
    for word in text.split_inclusive(|letter: char| !letter.is_alphanumeric()) {
        let plain = word.trim_end_matches(|letter: char| !letter.is_alphanumeric());
        if products.contains(&plain.to_lowercase()) {
            found.push(start);
        }
        start += word.len();
    }
    found
}
