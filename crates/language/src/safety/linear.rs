//! The linear model: hashed words, word pairs, word ends and cue patterns, one dot product, one logistic.
//!
//! Feature hashing (Weinberger et al. 2009) keeps the model a flat table without a dictionary: 2^18 weights of one
//! byte. Features are computed sentence by sentence and the text's score is its highest sentence, so that a long,
//! kind letter cannot drown the one line that matters.

use super::lexicon::{Cue, Cues, Hit};
use super::rules::{Reading, Standing};
use super::token::{Break, Token, finish};

/// Number of weights, a power of two.
pub const BUCKETS: usize = 1 << 18;

const MAGIC: &[u8; 8] = b"AUSLIN02";

/// Quantised weights and how to read them.
#[derive(Clone)]
pub struct LinearModel {
    weights: Vec<i8>,
    /// What one step of a weight is worth.
    scale: f32,
    bias: f32,
    thresholds: Thresholds,
}

/// The probabilities at and above which a text is a candidate. Articles and patients speak so differently that one
/// threshold for both would drown the desk in one of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// For the language of articles and case notes.
    pub clinical: f32,
    /// For people who speak of themselves.
    pub lay: f32,
}

/// Where every event is denied, feared, past or treated, only a model that is nearly sure overrules that. A round number, set
/// before it was measured.
const DENIED_THRESHOLD: f32 = 0.4;

impl Thresholds {
    /// The threshold for a text that is lay or not, and whose events are all denied or not.
    #[must_use]
    pub fn of(self, lay: bool, denied: bool) -> f32 {
        let threshold = if lay { self.lay } else { self.clinical };
        if denied {
            threshold.max(DENIED_THRESHOLD)
        } else {
            threshold
        }
    }

    /// One threshold for both.
    #[must_use]
    pub fn both(value: f32) -> Thresholds {
        Thresholds {
            clinical: value,
            lay: value,
        }
    }
}

impl std::fmt::Debug for LinearModel {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "LinearModel(bias {}, {:?})",
            self.bias, self.thresholds
        )
    }
}

/// Why model bytes cannot be used: wrong file, or a file cut short. The remedy is to train again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the safety model has {found} bytes or another mark than AUSLIN02 with {expected} bytes: train it again with --example train_safety"
)]
pub struct ModelError {
    found: usize,
    expected: usize,
}

impl LinearModel {
    /// Quantises trained weights: one step is the largest weight over 127.
    #[must_use]
    pub fn quantise(weights: &[f32], bias: f32, thresholds: Thresholds) -> LinearModel {
        let largest = weights
            .iter()
            .fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
        let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
        let step = |weight: &f32| (weight / scale).round().clamp(-127.0, 127.0) as i8;
        LinearModel {
            weights: weights.iter().map(step).collect(),
            scale,
            bias,
            thresholds,
        }
    }

    /// The same weights with other thresholds.
    #[must_use]
    pub fn with_thresholds(mut self, thresholds: Thresholds) -> LinearModel {
        self.thresholds = thresholds;
        self
    }

    pub(crate) fn threshold_for(&self, reading: &Reading<'_>) -> f32 {
        self.thresholds
            .of(reading.is_lay() || reading.is_plain(), reading.is_denied())
    }

    /// As stored: mark, scale, bias, both thresholds (little-endian f32), weights.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for number in [
            self.scale,
            self.bias,
            self.thresholds.clinical,
            self.thresholds.lay,
        ] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend(self.weights.iter().map(|weight| weight.to_le_bytes()[0]));
        bytes
    }

    /// Reads what [`LinearModel::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the mark or the length is another.
    pub fn from_bytes(bytes: &[u8]) -> Result<LinearModel, ModelError> {
        let expected = MAGIC.len() + 16 + BUCKETS;
        if bytes.len() != expected || !bytes.starts_with(MAGIC) {
            return Err(ModelError {
                found: bytes.len(),
                expected,
            });
        }
        let number = |at: usize| {
            f32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let thresholds = Thresholds {
            clinical: number(16),
            lay: number(20),
        };
        Ok(LinearModel {
            scale: number(8),
            bias: number(12),
            thresholds,
            weights: bytes[24..]
                .iter()
                .map(|byte| i8::from_le_bytes([*byte]))
                .collect(),
        })
    }

    /// The highest probability over the sentences of a text.
    pub(crate) fn probability(&self, reading: &Reading<'_>) -> f32 {
        let mut highest = f32::NEG_INFINITY;
        for_each_sentence(reading, |sentence| {
            let mut sum = 0_i32;
            let mut count = 0_u32;
            sentence.features(|bucket| {
                sum += i32::from(self.weights[bucket as usize]);
                count += 1;
            });
            if count > 0 {
                highest = highest.max(self.bias + self.scale * sum as f32 * norm(count));
            }
        });
        if highest == f32::NEG_INFINITY {
            0.0
        } else {
            logistic(highest)
        }
    }
}

/// Length normalisation: every sentence has unit length.
pub(crate) fn norm(features: u32) -> f32 {
    1.0 / (features as f32).sqrt()
}

/// `1 / (1 + exp(-x))`.
pub(crate) fn logistic(value: f32) -> f32 {
    1.0 / (1.0 + (-value).exp())
}

/// One sentence: its words, its hits and events.
pub(crate) struct Sentence<'r> {
    tokens: &'r [Token],
    first: u32,
    hits: &'r [Hit],
    all_hits: &'r [Hit],
    events: &'r [(u32, Standing)],
    together: u64,
}

/// Hands over each sentence in order.
pub(crate) fn for_each_sentence<'r>(
    reading: &'r Reading<'_>,
    mut hand_over: impl FnMut(&Sentence<'r>),
) {
    let tokens = reading.tokens;
    let (mut first, mut hit, mut event) = (0, 0, 0);
    while first < tokens.len() {
        let length = tokens[first + 1..]
            .iter()
            .position(|token| token.before == Break::Sentence)
            .map_or(tokens.len() - first, |offset| offset + 1);
        let end = (first + length) as u32;
        let hit_end = hit
            + reading.hits[hit..]
                .iter()
                .take_while(|found| found.first < end)
                .count();
        let event_end = event
            + reading.events[event..]
                .iter()
                .take_while(|(index, _)| (*index as usize) < hit_end)
                .count();
        hand_over(&Sentence {
            tokens: &tokens[first..first + length],
            first: first as u32,
            hits: &reading.hits[hit..hit_end],
            all_hits: reading.hits,
            events: &reading.events[event..event_end],
            together: reading.together.code(),
        });
        first += length;
        hit = hit_end;
        event = event_end;
    }
}

const SYMBOLIC: Cues = Cues::of(&[
    Cue::StrongEvent,
    Cue::Event,
    Cue::LayEvent,
    Cue::Product,
    Cue::ProductName,
]);

const PRESENT: Cues = Cues::of(&[
    Cue::StrongEvent,
    Cue::Event,
    Cue::LayEvent,
    Cue::Product,
    Cue::ProductName,
    Cue::Cause,
    Cue::Onset,
    Cue::Indication,
    Cue::Hypothetical,
]);

/// Seeds that keep the kinds of features apart.
mod kind {
    pub(super) const WORD: u64 = 0x51;
    pub(super) const PAIR: u64 = 0x52;
    pub(super) const HEAD: u64 = 0x53;
    pub(super) const TAIL: u64 = 0x54;
    pub(super) const CUE: u64 = 0x55;
    pub(super) const CUE_PAIR: u64 = 0x56;
    pub(super) const STANDING: u64 = 0x57;
    pub(super) const SYMBOL_PAIR: u64 = 0x58;
    pub(super) const SYMBOL_TRIPLE: u64 = 0x59;
    pub(super) const TOGETHER: u64 = 0x5a;
    pub(super) const PRESENT: u64 = 0x5b;
}

#[inline]
fn bucket(kind: u64, left: u64, right: u64) -> u32 {
    let mixed = left.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
        ^ right.wrapping_add(kind.wrapping_mul(0xd6e8_feb8_6659_fd93));
    (finish(mixed) >> 7) as u32 & (BUCKETS as u32 - 1)
}

const NUMBER: u64 = 0x6e75_6d62_6572;

#[inline]
fn word(token: &Token) -> u64 {
    if token.numeric { NUMBER } else { token.hash }
}

impl Sentence<'_> {
    /// Calls `take` with the bucket of every feature.
    pub(crate) fn features(&self, mut take: impl FnMut(u32)) {
        let mut previous = 0;
        for token in self.tokens {
            let current = word(token);
            take(bucket(kind::WORD, current, 0));
            take(bucket(kind::PAIR, previous, current));
            if token.length > 5 {
                take(bucket(kind::HEAD, u64::from(token.prefixes[2]), 0));
                take(bucket(kind::TAIL, token.tail & 0xffff_ffff, 0));
            }
            previous = current;
        }
        // Most sentences name neither an event nor a product.
        if self.hits.iter().any(|hit| hit.cues.meets(SYMBOLIC)) {
            self.symbol_features(&mut take);
        }
        self.cue_features(&mut take);
    }

    fn symbol_features(&self, take: &mut impl FnMut(u32)) {
        let mut symbols = [0_u64; 128];
        let symbols = &mut symbols[..self.tokens.len().min(128)];
        for (symbol, token) in symbols.iter_mut().zip(self.tokens) {
            *symbol = word(token);
        }
        for hit in self.hits {
            let index = (hit.first - self.first) as usize;
            if hit.cues.meets(SYMBOLIC) && index < symbols.len() {
                symbols[index] = hit.cues.0 & SYMBOLIC.0;
            }
        }
        let symbolic = |symbol: u64| symbol != 0 && symbol & !SYMBOLIC.0 == 0;
        for pair in symbols.windows(2) {
            if symbolic(pair[0]) || symbolic(pair[1]) {
                take(bucket(kind::SYMBOL_PAIR, pair[0], pair[1]));
            }
        }
        for triple in symbols.windows(3) {
            if symbolic(triple[0]) || symbolic(triple[2]) {
                take(bucket(
                    kind::SYMBOL_TRIPLE,
                    triple[0] ^ triple[1].rotate_left(17),
                    triple[2],
                ));
            }
        }
    }

    /// A name from the settings is no feature: the model never learned from one, and to it a medicine's name is half an
    /// article about harm. With it a feed about listed products sent 44 % of its texts instead of 17 %.
    fn cue_features(&self, take: &mut impl FnMut(u32)) {
        let learned = |hit: &&Hit| !hit.cues.has(Cue::HouseProduct);
        for (index, hit) in self.hits.iter().enumerate().filter(|(_, hit)| learned(hit)) {
            take(bucket(kind::CUE, hit.cues.0, 0));
            for next in self.hits[index + 1..].iter().filter(learned).take(3) {
                take(bucket(kind::CUE_PAIR, hit.cues.0, next.cues.0));
            }
        }
        let present = self.hits.iter().fold(0, |bits, hit| bits | hit.cues.0) & PRESENT.0;
        take(bucket(kind::TOGETHER, self.together, present));
        take(bucket(kind::PRESENT, present, 0));
        for (index, standing) in self.events {
            take(bucket(
                kind::STANDING,
                *standing as u64,
                self.all_hits[*index as usize].cues.0,
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_survives_its_bytes_and_refuses_others() {
        let mut weights = vec![0.0; BUCKETS];
        weights[3] = 1.0;
        weights[4] = -0.5;
        let model = LinearModel::quantise(
            &weights,
            -1.0,
            Thresholds {
                clinical: 0.25,
                lay: 0.5,
            },
        );
        let back = LinearModel::from_bytes(&model.to_bytes()).unwrap();
        assert_eq!(
            (
                back.weights[3],
                back.weights[4],
                back.bias,
                back.thresholds.lay
            ),
            (127, -64, -1.0, 0.5)
        );
        assert!(
            LinearModel::from_bytes(b"AUSLIN02")
                .unwrap_err()
                .to_string()
                .contains("train_safety")
        );
    }
}
