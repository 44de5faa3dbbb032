//! Reads the development and sealed data folders: files by prefix, plain or gzip, CSV or JSON Lines.

#![expect(
    clippy::disallowed_methods,
    reason = "examples are programs: they read the files the pure crate takes as arguments"
)]
#![allow(dead_code, reason = "each example uses its part of this module")]

#[path = "privacy_data.rs"]
pub mod privacy_data;
#[path = "safety_data.rs"]
pub mod safety_data;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// One text that should or should not be a safety candidate, with the document it comes from.
#[derive(Debug, Clone)]
pub struct LabelledText {
    pub document: String,
    pub text: String,
    pub label: bool,
}

/// One text with spans of personal data, in bytes.
#[derive(Debug, Clone)]
pub struct SpannedText {
    pub template: String,
    pub text: String,
    pub spans: Vec<(String, usize, usize)>,
}

/// One clinical sentence with the byte spans of its terms.
#[derive(Debug, Clone)]
pub struct TermText {
    pub document: String,
    pub text: String,
    /// Entity kind and byte span.
    pub terms: Vec<(String, usize, usize)>,
}

/// Every file in `folder` whose name begins with `prefix`, sorted by name.
pub fn files(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| name.starts_with(prefix))
        })
        .collect();
    found.sort();
    found
}

/// The text of a file, unpacked when it is gzip.
pub fn contents(path: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(path)
        .map_err(|error| anyhow::anyhow!("cannot read {}: {error}", path.display()))?;
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text)?;
    } else {
        text = String::from_utf8(bytes)?;
    }
    Ok(text)
}

/// Rows of a CSV file with a header, as maps.
pub fn rows(text: &str) -> anyhow::Result<Vec<BTreeMap<String, String>>> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(text.as_bytes());
    let header = reader.headers()?.clone();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record?;
        rows.push(
            header
                .iter()
                .zip(record.iter())
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        );
    }
    Ok(rows)
}

fn field(row: &BTreeMap<String, String>, name: &str) -> String {
    row.get(name).cloned().unwrap_or_default()
}

/// `ade_sentences_*`: label 1 is a candidate.
pub fn ade_sentences(text: &str) -> anyhow::Result<Vec<LabelledText>> {
    Ok(rows(text)?
        .iter()
        .map(|row| LabelledText {
            document: field(row, "pmid"),
            text: field(row, "sentence"),
            label: field(row, "label") == "1",
        })
        .collect())
}

/// The drug and effect strings of `ade_sentences_*` as term spans.
pub fn ade_terms(text: &str) -> anyhow::Result<Vec<TermText>> {
    let mut sentences = Vec::new();
    for row in rows(text)? {
        let sentence = field(&row, "sentence");
        let mut terms = Vec::new();
        for (column, kind) in [("adverse_effects", "Effect"), ("drugs", "Drug")] {
            for term in field(&row, column)
                .split('|')
                .filter(|term| !term.is_empty())
            {
                if let Some(start) = sentence.find(term) {
                    terms.push((kind.to_owned(), start, start + term.len()));
                }
            }
        }
        sentences.push(TermText {
            document: field(&row, "pmid"),
            text: sentence,
            terms,
        });
    }
    Ok(sentences)
}

fn json_lines(text: &str) -> anyhow::Result<Vec<serde_json::Value>> {
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| Ok(serde_json::from_str(line)?))
        .collect()
}

fn word(value: &serde_json::Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// Character offsets to byte offsets.
fn byte_span(text: &str, start: u64, end: u64) -> (usize, usize) {
    let at = |character: u64| {
        text.char_indices()
            .nth(character as usize)
            .map_or(text.len(), |(byte, _)| byte)
    };
    (at(start), at(end))
}

fn entity_spans(
    value: &serde_json::Value,
    list: &str,
    kind: &str,
    text: &str,
) -> Vec<(String, usize, usize)> {
    let entities = value[list]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    entities
        .iter()
        .map(|entity| {
            let (start, end) = byte_span(
                text,
                entity["start"].as_u64().unwrap_or(0),
                entity["end"].as_u64().unwrap_or(0),
            );
            (word(entity, kind), start, end)
        })
        // Discontinuous terms carry the ends of their parts the wrong way round: nothing to cut out.
        .filter(|(_, start, end)| start < end)
        .collect()
}

/// `phee_*`: a sentence with an adverse event is a candidate.
pub fn phee(text: &str) -> anyhow::Result<Vec<(LabelledText, TermText)>> {
    let mut sentences = Vec::new();
    for value in json_lines(text)? {
        let text = word(&value, "text");
        let label = value["events"]
            .as_array()
            .is_some_and(|events| events.iter().any(|event| event["type"] == "Adverse_event"));
        let terms = entity_spans(&value, "entities", "type", &text);
        let document = word(&value, "pmid");
        sentences.push((
            LabelledText {
                document: document.clone(),
                text: text.clone(),
                label,
            },
            TermText {
                document,
                text,
                terms,
            },
        ));
    }
    Ok(sentences)
}

/// `pii_synthetic_*`, with the template made the same for every label set.
pub fn pii(text: &str) -> anyhow::Result<Vec<SpannedText>> {
    let mut texts = Vec::new();
    for value in json_lines(text)? {
        let text = word(&value, "full_text");
        let spans = entity_spans(&value, "spans", "entity_type", &text);
        texts.push(SpannedText {
            template: template(&word(&value, "masked")),
            text,
            spans,
        });
    }
    Ok(texts)
}

/// `{{PERSON}} lives at {{STREET_ADDRESS}} {{STREET_ADDRESS}}` and `{{name}} lives at {{street_name}}` are one template.
fn template(masked: &str) -> String {
    let mut plain = String::new();
    let mut rest = masked;
    while let Some(open) = rest.find("{{") {
        plain.push_str(&rest[..open]);
        rest = rest[open..]
            .find("}}")
            .map_or("", |close| &rest[open + close + 2..]);
    }
    plain.push_str(rest);
    plain
        .chars()
        .filter(|letter| letter.is_alphabetic())
        .flat_map(char::to_lowercase)
        .collect()
}

/// `nhs_feedback_*`: the comment and who gave it, from either shape of file.
pub fn feedback(text: &str) -> anyhow::Result<Vec<LabelledText>> {
    let mut texts = Vec::new();
    for (index, row) in rows(text)?.iter().enumerate() {
        let comment = row
            .get("fft_answer")
            .or_else(|| row.get("feedback"))
            .or_else(|| row.get("comment"))
            .cloned()
            .unwrap_or_default();
        let respondent = row
            .get("respondent_id")
            .cloned()
            .unwrap_or_else(|| format!("row {index}"));
        if !comment.trim().is_empty() {
            texts.push(LabelledText {
                document: respondent,
                text: comment,
                label: false,
            });
        }
    }
    Ok(texts)
}

/// A stable fold for a document, template or respondent.
pub fn fold(key: &str, folds: u64) -> u64 {
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 32)) % folds
}
