//! Training: multinomial logistic regression over the hashed features, one model a script.
//!
//! Plain stochastic gradient with AdaGrad steps (Duchi, Hazan and Singer 2011): linfa's logistic regression
//! wants a dense matrix, which for 32,768 features and 18,000 sentences would be five gigabytes. Sentences are also shown in
//! pieces of a few words, because feedback is shorter than the sentences of corpora. Weights are
//! rounded to one byte at the end.

use super::features::{MOST, each_feature};
use super::model::{Model, Row as WeightRow, Table, WIDTH, known_code};
use super::script::{SHARED, main_script};
use crate::stable_hash;
use crate::words::Words;

/// A sentence with its language.
#[derive(Debug, Clone, Copy)]
pub struct Labelled<'a> {
    /// ISO 639-1 code.
    pub code: &'a str,
    /// The sentence.
    pub text: &'a str,
}

/// How to train.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Training {
    /// Passes over the data.
    pub passes: usize,
    /// First step of AdaGrad.
    pub rate: f32,
    /// Logarithm to base 2 of the rows of the Latin table; other scripts have an eighth.
    pub rows_log2: u8,
    /// Words in a piece of a sentence.
    pub piece: usize,
}

impl Default for Training {
    fn default() -> Training {
        Training {
            passes: 8,
            rate: 0.3,
            rows_log2: 15,
            piece: 6,
        }
    }
}

struct Row {
    features: Vec<u32>,
    label: usize,
}

/// Trains a model. Deterministic: the order of the sentences is mixed by a fixed rule. Sentences of a language
/// that is alone in its script are not needed.
#[must_use]
pub fn train(labelled: &[Labelled], training: Training) -> Model {
    let tables = (0..SHARED.len())
        .filter_map(|script| train_script(script, labelled, training))
        .collect();
    Model { tables }
}

fn train_script(script: usize, labelled: &[Labelled], training: Training) -> Option<Table> {
    let own: Vec<(&'static str, &str)> = labelled
        .iter()
        .filter_map(|one| Some((known_code(one.code)?, one.text)))
        .filter(|(_, text)| main_script(Words::of(text).folded()) == Some(SHARED[script]))
        .collect();
    let mut codes: Vec<&'static str> = own.iter().map(|(code, _)| *code).collect();
    codes.sort_unstable();
    // A language that strays into a script with a handful of sentences is an accident of the data.
    codes = codes
        .chunk_by(|a, b| a == b)
        .filter(|same| same.len() >= 20)
        .map(|same| same[0])
        .collect();
    codes.truncate(WIDTH);
    if codes.is_empty() {
        return None;
    }
    let rows_log2 = if script == 0 {
        training.rows_log2
    } else {
        training.rows_log2.saturating_sub(2)
    };
    let mask = (1u64 << rows_log2) - 1;
    let mut rows = Vec::new();
    for (code, text) in own {
        let Ok(label) = codes.binary_search(&code) else {
            continue;
        };
        rows.push(row(text, label, mask));
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.len() > training.piece {
            rows.extend(
                words
                    .chunks(training.piece)
                    .filter(|piece| 2 * piece.len() > training.piece)
                    .map(|piece| row(&piece.join(" "), label, mask)),
            );
        }
    }
    rows.retain(|row| !row.features.is_empty());
    Some(fit(script, codes, rows_log2, &rows, training))
}

fn row(text: &str, label: usize, mask: u64) -> Row {
    let mut features = Vec::new();
    let words = Words::of(text);
    for word in words.words() {
        each_feature(&words, word, |hash| {
            features.push((hash & 0xffff_ffff & mask) as u32);
        });
        if features.len() >= MOST {
            break;
        }
    }
    Row { features, label }
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn fit(
    script: usize,
    codes: Vec<&'static str>,
    rows_log2: u8,
    rows: &[Row],
    training: Training,
) -> Table {
    let languages = codes.len();
    let size = languages << rows_log2;
    let (mut weights, mut squares) = (vec![0.0f32; size], vec![1e-4f32; size]);
    let (mut bias, mut bias_squares) = (vec![0.0f32; languages], vec![1e-4f32; languages]);
    let mut order: Vec<usize> = (0..rows.len()).collect();
    for pass in 0..training.passes {
        order.sort_by_key(|at| stable_hash::pair(*at as u64, pass as u64));
        for row in order.iter().map(|at| &rows[*at]) {
            let share = 1.0 / (row.features.len() as f32).sqrt();
            let mut logits = bias.clone();
            for feature in &row.features {
                let from = *feature as usize * languages;
                logits
                    .iter_mut()
                    .zip(&weights[from..from + languages])
                    .for_each(|(logit, weight)| *logit += share * weight);
            }
            let slopes = softmax_minus(&logits, row.label);
            for feature in &row.features {
                let from = *feature as usize * languages;
                let cells = weights[from..from + languages]
                    .iter_mut()
                    .zip(&mut squares[from..from + languages]);
                cells.zip(&slopes).for_each(|((weight, square), slope)| {
                    descend(weight, square, slope * share, training.rate)
                });
            }
            bias.iter_mut()
                .zip(&mut bias_squares)
                .zip(&slopes)
                .for_each(|((bias, square), slope)| descend(bias, square, *slope, training.rate));
        }
    }
    rounded(script, codes, rows_log2, bias, &weights)
}

fn softmax_minus(logits: &[f32], label: usize) -> Vec<f32> {
    let top = logits.iter().copied().fold(f32::MIN, f32::max);
    let mut slopes: Vec<f32> = logits.iter().map(|logit| (logit - top).exp()).collect();
    let total: f32 = slopes.iter().sum();
    slopes.iter_mut().for_each(|slope| *slope /= total);
    slopes[label] -= 1.0;
    slopes
}

#[inline]
fn descend(value: &mut f32, square: &mut f32, slope: f32, rate: f32) {
    *square += slope * slope;
    *value -= rate * slope / square.sqrt();
}

/// One byte a weight. The largest weights are cut at the 99.95th percentile so that the rest keep their detail.
#[expect(clippy::cast_possible_truncation, reason = "clamped to a byte")]
fn rounded(
    script: usize,
    codes: Vec<&'static str>,
    rows_log2: u8,
    bias: Vec<f32>,
    weights: &[f32],
) -> Table {
    let mut sizes: Vec<f32> = weights.iter().map(|weight| weight.abs()).collect();
    sizes.sort_by(f32::total_cmp);
    let top = sizes
        .get(sizes.len() * 9_995 / 10_000)
        .copied()
        .unwrap_or(1.0)
        .max(1e-6);
    let scale = top / 127.0;
    let byte = |weight: &f32| (weight / scale).round().clamp(-127.0, 127.0) as i8;
    let row =
        |weights: &[f32]| WeightRow::of(std::array::from_fn(|at| weights.get(at).map_or(0, byte)));
    let weights = weights.chunks_exact(codes.len()).map(row).collect();
    Table {
        script,
        codes,
        rows_log2,
        scale,
        bias,
        weights,
    }
}
