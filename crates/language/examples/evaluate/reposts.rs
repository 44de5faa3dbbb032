//! Planted reposts (I06): a hundred texts, each sent round again in six ways, in a stream of everything else.
//!
//! The texts are real ones. Those that have a lookalike in the stream already are not chosen (held against every other text by
//! their words, not by the signatures that are judged), so that every link to a text that was not planted is a wrong one.
//!
//! Thresholds were chosen on one half of the texts, by their hash; the other half is judged by itself first, then the first hundred
//! of both together.

use crate::data;
use crate::report::Report;
use auscult_language::near_duplicate::{NearDuplicates, Settings};
use auscult_language::stable_hash::{hash_bytes, pair};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Families planted.
const FAMILIES: usize = 100;
/// Texts of fewer words are not planted: nobody could say whether they were repeated.
const LEAST_WORDS: usize = 12;
/// Share of common words from which on two texts look alike.
const LOOKALIKE: f64 = 0.5;

/// Where texts are found: files by prefix, and the column.
const SETS: [(&str, &str); 3] = [
    ("crisis_tweets_", "text"),
    ("nhs_feedback_neas", "fft_answer"),
    ("nhs_feedback_phase1", "feedback"),
];

pub fn run(folder: &Path, report: &mut Report) -> data::anyhow_lite::Result<()> {
    for (prefix, column) in SETS {
        for path in data::files(folder, prefix) {
            let texts: Vec<String> = data::rows(&path)?
                .iter()
                .map(|row| data::cell(row, column).to_owned())
                .filter(|text| !text.trim().is_empty())
                .collect();
            one(&data::name_of(&path), &texts, report);
        }
    }
    Ok(())
}

fn one(set: &str, texts: &[String], report: &mut Report) {
    let alone = standing_alone(texts);
    let unseen: Vec<usize> = alone
        .iter()
        .copied()
        .filter(|at| is_unseen(&texts[*at]))
        .take(FAMILIES)
        .collect();
    let all: Vec<usize> = alone.iter().copied().take(FAMILIES).collect();
    for (split, chosen) in [
        ("half of the texts not tuned on", unseen),
        ("both halves", all),
    ] {
        report.add(
            "near-duplicates, planted reposts",
            set,
            split,
            judged(&planted(texts, &chosen)),
            "recall ≥ 0.95, precision ≥ 0.98",
        );
    }
}

/// Pair recall and precision on such a stream, with the shipped settings.
fn judged(stream: &[(Option<usize>, String)]) -> String {
    let mut seen = NearDuplicates::new(Settings::default());
    let mut families: BTreeMap<u64, Vec<Option<usize>>> = BTreeMap::new();
    let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
    for (id, (family, text)) in (0_u64..).zip(stream) {
        let found = seen.observe(id, text).unwrap_or(id);
        families.entry(found).or_default().push(*family);
        if let Some(family) = family {
            *sizes.entry(*family).or_default() += 1;
        }
    }
    let (mut right, mut wrong) = (0_usize, 0_usize);
    for members in families.values() {
        for (at, first) in members.iter().enumerate() {
            for second in &members[at + 1..] {
                match (first, second) {
                    (None, None) => {}
                    (Some(first), Some(second)) if first == second => right += 1,
                    _ => wrong += 1,
                }
            }
        }
    }
    let planted: usize = sizes.values().map(|size| size * (size - 1) / 2).sum();
    let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
    format!(
        "pair recall {:.3} ({right}/{planted}), precision {:.3} ({right}/{})",
        share(right, planted),
        share(right, right + wrong),
        right + wrong
    )
}

/// Whether a text is of the half that no threshold was chosen on.
fn is_unseen(text: &str) -> bool {
    pair(hash_bytes(text.as_bytes()), 7) % 2 == 1
}

/// Texts long enough and without a lookalike, ordered by hash, until each half holds enough of them.
fn standing_alone(texts: &[String]) -> Vec<usize> {
    let words: Vec<BTreeSet<u64>> = texts.iter().map(|text| words_of(text)).collect();
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|at| (hash_bytes(texts[*at].as_bytes()), *at));
    let has_lookalike = |at: usize| {
        words.iter().enumerate().any(|(other, set)| {
            other != at && {
                let common = words[at].intersection(set).count() as f64;
                common / (words[at].len() + set.len()) as f64 * 2.0 >= LOOKALIKE
            }
        })
    };
    let mut unseen = 0;
    let mut alone = Vec::new();
    for at in order {
        if unseen >= FAMILIES && alone.len() >= FAMILIES {
            break;
        }
        if words[at].len() >= LEAST_WORDS && !has_lookalike(at) {
            unseen += usize::from(is_unseen(&texts[at]));
            alone.push(at);
        }
    }
    alone
}

/// The stream: every text, and behind each chosen one, at places that its hash says, its reposts.
fn planted(texts: &[String], chosen: &[usize]) -> Vec<(Option<usize>, String)> {
    let mut placed: Vec<(usize, Option<usize>, String)> = texts
        .iter()
        .enumerate()
        .map(|(at, text)| (at, chosen.iter().position(|one| *one == at), text.clone()))
        .collect();
    for (family, at) in chosen.iter().enumerate() {
        let left = (texts.len() - at).max(1) as u64;
        for (way, repost) in (0_u64..).zip(reposts(&texts[*at])) {
            let later = pair(hash_bytes(texts[*at].as_bytes()), way) % left;
            placed.push((at + later as usize, Some(family), repost));
        }
    }
    // Stable: a text stands before what was planted at its place.
    placed.sort_by_key(|(at, ..)| *at);
    placed
        .into_iter()
        .map(|(_, family, text)| (family, text))
        .collect()
}

fn words_of(text: &str) -> BTreeSet<u64> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| hash_bytes(word.to_lowercase().as_bytes()))
        .collect()
}

/// The ways a text is sent round again.
fn reposts(text: &str) -> [String; 6] {
    let kept = text.chars().count() * 4 / 5;
    let cut: String = text.chars().take(kept).collect();
    let plain: String = text
        .chars()
        .filter(|letter| letter.is_alphanumeric() || letter.is_whitespace())
        .collect();
    [
        format!("RT @somebody: {text}"),
        format!("{}…", cut.trim_end()),
        text.to_uppercase(),
        format!("{plain}!!!"),
        format!("{text} https://example.org/a1B2c3 #news"),
        format!("so true, please read this: {text}"),
    ]
}
