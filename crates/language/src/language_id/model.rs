//! The model: one table of small integers for each script that several languages share.

use super::features::{MOST, each_feature};
use super::script::{SHARED, Script};
use crate::words::Words;

const MAGIC: &[u8; 8] = b"AUSCLID2";
/// Languages one table can hold.
pub(super) const WIDTH: usize = 64;

/// Features from which the probability is taken as it is: about two words.
const FULL_EVIDENCE: f32 = 12.0;

/// Every code the model may answer with, so that answers need no allocation.
const CODES: &[&str] = &[
    "af", "ar", "az", "be", "bg", "bs", "ca", "cs", "cy", "da", "de", "en", "eo", "es", "et", "eu",
    "fa", "fi", "fr", "ga", "hi", "hr", "hu", "id", "is", "it", "kk", "la", "lg", "lt", "lv", "mi",
    "mk", "mn", "mr", "ms", "nb", "nl", "nn", "pl", "pt", "ro", "ru", "sk", "sl", "sn", "so", "sq",
    "sr", "st", "sv", "sw", "tl", "tn", "tr", "ts", "uk", "ur", "vi", "xh", "yo", "zu",
];

/// The static spelling of a code the model can know.
pub(super) fn known_code(code: &str) -> Option<&'static str> {
    CODES.iter().copied().find(|known| *known == code)
}

/// A trained language model.
#[derive(Debug, Clone, Default)]
pub struct Model {
    pub(super) tables: Vec<Table>,
}

/// Weights of the languages of one script.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub script: usize,
    pub codes: Vec<&'static str>,
    /// Logarithm to base 2 of the number of rows.
    pub rows_log2: u8,
    /// What a weight of 1 means.
    pub scale: f32,
    pub bias: Vec<f32>,
    /// A fixed width lets the compiler add whole rows at once.
    pub weights: Vec<Row>,
}

/// Weights of one feature, a cache line: a row that lay across two would cost two misses, and misses are the price here.
///
/// Two weights a cell, each plus 128: sums of the even and of the odd languages then need no sign extension, which was half
/// of the work of adding a row.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Row([u16; PAIRS]);

/// Cells of a row.
const PAIRS: usize = WIDTH / 2;
/// What a weight of zero is stored as.
const ZERO: u8 = 128;

impl Row {
    /// A row of these weights. The least a byte can hold is raised by one: training never gives it, and without it sums of
    /// 258 rows stay within 16 bits.
    pub(super) fn of(weights: [i8; WIDTH]) -> Row {
        let stored = |at: usize| weights[at].max(-i8::MAX).cast_unsigned() ^ ZERO;
        Row(std::array::from_fn(|pair| {
            u16::from_le_bytes([stored(2 * pair), stored(2 * pair + 1)])
        }))
    }

    /// The weights in order.
    fn weights(&self) -> impl Iterator<Item = i8> + '_ {
        self.0
            .iter()
            .flat_map(|pair| pair.to_le_bytes())
            .map(|byte| (byte ^ ZERO).cast_signed())
    }
}

/// Sums of rows: of the even languages and of the odd ones, each row's zero still in them.
#[derive(Clone, Copy)]
struct Sums {
    even: [u16; PAIRS],
    odd: [u16; PAIRS],
}

impl Sums {
    fn none() -> Sums {
        Sums {
            even: [0; PAIRS],
            odd: [0; PAIRS],
        }
    }

    /// Adds a row. At most 258 are added, so what is left after the zeros are taken out again fits 16 bits, whatever the
    /// sums wrapped to meanwhile.
    #[inline]
    fn add(&mut self, row: &Row) {
        for (sum, pair) in self.even.iter_mut().zip(&row.0) {
            *sum = sum.wrapping_add(pair & 0xff);
        }
        for (sum, pair) in self.odd.iter_mut().zip(&row.0) {
            *sum = sum.wrapping_add(pair >> 8);
        }
    }

    /// The sums of `languages` languages over `count` rows; the rest is out of the running.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most 258 rows, modulo 2^16"
    )]
    fn of_languages(&self, languages: usize, count: usize) -> [i16; WIDTH] {
        let zero = (count as u16).wrapping_mul(u16::from(ZERO));
        let mut sums = [i16::MIN; WIDTH];
        for ((sums, even), odd) in sums.chunks_exact_mut(2).zip(&self.even).zip(&self.odd) {
            sums[0] = even.wrapping_sub(zero).cast_signed();
            sums[1] = odd.wrapping_sub(zero).cast_signed();
        }
        sums[languages..].fill(i16::MIN);
        sums
    }
}

/// A model file that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("language model: {0}; train it again with the train_meaning example")]
pub struct ModelProblem(&'static str);

impl Model {
    /// Reads a model.
    ///
    /// # Errors
    /// When the bytes are not a whole model of this version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Model, ModelProblem> {
        let mut rest = bytes
            .strip_prefix(MAGIC)
            .ok_or(ModelProblem("not a language model of this version"))?;
        let mut model = Model::default();
        while !rest.is_empty() {
            let head = take(&mut rest, 4)?;
            let (script, languages, rows_log2) =
                (usize::from(head[0]), usize::from(head[1]), head[2]);
            if script >= SHARED.len() || languages == 0 || languages > WIDTH || rows_log2 > 20 {
                return Err(ModelProblem("a table's head is out of range"));
            }
            let scale = f32_of(take(&mut rest, 4)?);
            let mut codes = Vec::with_capacity(languages);
            for code in take(&mut rest, 2 * languages)?.chunks_exact(2) {
                let code = std::str::from_utf8(code).ok().and_then(known_code);
                codes.push(code.ok_or(ModelProblem(
                    "it names a language this version does not know",
                ))?);
            }
            let bias = take(&mut rest, 4 * languages)?
                .chunks_exact(4)
                .map(f32_of)
                .collect();
            let row = |bytes: &[u8]| {
                let mut weights = [0; WIDTH];
                for (weight, byte) in weights.iter_mut().zip(bytes) {
                    *weight = byte.cast_signed();
                }
                Row::of(weights)
            };
            let weights = take(&mut rest, languages << rows_log2)?
                .chunks_exact(languages)
                .map(row)
                .collect();
            model.tables.push(Table {
                script,
                codes,
                rows_log2,
                scale,
                bias,
                weights,
            });
        }
        Ok(model)
    }

    /// The bytes this model can be read from again.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for table in &self.tables {
            let languages = u8::try_from(table.codes.len()).unwrap_or(u8::MAX);
            bytes.extend_from_slice(&[
                u8::try_from(table.script).unwrap_or(u8::MAX),
                languages,
                table.rows_log2,
                0,
            ]);
            bytes.extend_from_slice(&table.scale.to_le_bytes());
            table
                .codes
                .iter()
                .for_each(|code| bytes.extend_from_slice(code.as_bytes()));
            table
                .bias
                .iter()
                .for_each(|bias| bytes.extend_from_slice(&bias.to_le_bytes()));
            bytes.extend(
                table
                    .weights
                    .iter()
                    .flat_map(|row| row.weights().take(table.codes.len()))
                    .map(i8::cast_unsigned),
            );
        }
        bytes
    }

    /// The logits of the languages of a script that several share.
    pub(super) fn score(&self, script: Script, words: &Words) -> Option<Scores> {
        let index = SHARED.iter().position(|shared| *shared == script)?;
        self.tables
            .iter()
            .find(|table| table.script == index)?
            .score(words)
    }
}

/// A language this far behind the best adds less than a hundred-thousandth to the sum of all.
const NEGLIGIBLE: f32 = -12.0;
/// Rows that may wait to be added: a word of more letters than this has features for loses the last of them.
const MOST_WAITING: usize = 128;
/// Features after which it is asked whether the rest could matter.
const LOOK_AGAIN: usize = 28;
/// Lead of the best logit over the second at which the rest is not read: odds of 150 to 1 so far. On the development set
/// no answer changes by it.
const CLEAR_LEAD: f32 = 5.0;

/// Rows of weights still to be added.
struct Waiting {
    rows: [u32; MOST_WAITING],
    count: usize,
}

impl Default for Waiting {
    fn default() -> Waiting {
        Waiting {
            rows: [0; MOST_WAITING],
            count: 0,
        }
    }
}

impl Waiting {
    #[inline]
    fn push(&mut self, row: usize) {
        if let Some(place) = self.rows.get_mut(self.count) {
            *place = u32::try_from(row).unwrap_or(0);
            self.count += 1;
        }
    }
}

impl Table {
    /// Adds the rows that wait; gives their number.
    #[inline]
    fn add(&self, waiting: &mut Waiting, sums: &mut Sums) -> usize {
        let count = std::mem::take(&mut waiting.count);
        // A copy that lives in registers while the rows go by.
        let mut near = *sums;
        for row in &waiting.rows[..count] {
            near.add(&self.weights[*row as usize]);
        }
        *sums = near;
        count
    }

    /// Whether one language leads so clearly that the rest of the text need not be read.
    fn is_clear(&self, sums: &Sums, count: usize) -> bool {
        let sums = sums.of_languages(self.codes.len(), count);
        let first = sums.iter().copied().fold(i16::MIN, i16::max);
        let behind = |sum: &i16| if *sum == first { i16::MIN } else { *sum };
        let leaders: u16 = sums.iter().map(|sum| u16::from(*sum == first)).sum();
        let second = if leaders > 1 {
            first
        } else {
            sums.iter().map(behind).fold(i16::MIN, i16::max)
        };
        let lead = f32::from(first) - f32::from(second);
        #[expect(clippy::cast_precision_loss, reason = "a few hundred features")]
        let root = (count as f32).sqrt();
        lead * self.scale / root >= CLEAR_LEAD
    }

    fn score(&self, words: &Words) -> Option<Scores> {
        let mask = (1usize << self.rows_log2) - 1;
        // At most 130 features and those of one more word, 127 each: sums stay within 16 bits up to 258 features. Rows wait
        // until there are some, so that their look-ups, which are the price, do not wait for each other.
        let mut sums = Sums::none();
        let (mut waiting, mut count) = (Waiting::default(), 0);
        for word in words.words() {
            each_feature(words, word, |hash| {
                waiting.push(usize::try_from(hash & 0xffff_ffff).unwrap_or(0) & mask);
            });
            if count + waiting.count >= MOST {
                break;
            }
            if waiting.count >= LOOK_AGAIN {
                count += self.add(&mut waiting, &mut sums);
                if self.is_clear(&sums, count) {
                    break;
                }
            }
        }
        count += self.add(&mut waiting, &mut sums);
        (count > 0).then(|| self.scores(&sums, count))
    }

    #[expect(clippy::cast_precision_loss, reason = "a few hundred features")]
    fn scores(&self, sums: &Sums, count: usize) -> Scores {
        let languages = self.codes.len();
        let root = (count as f32).sqrt();
        let mut logits = [f32::MIN; WIDTH];
        let sums = sums.of_languages(languages, count);
        for ((logit, sum), bias) in logits.iter_mut().zip(sums).zip(&self.bias) {
            *logit = f32::from(sum) * self.scale / root + bias;
        }
        let (best, top) = first_highest(&logits);
        Scores {
            code: self.codes.get(best).copied().unwrap_or_default(),
            logits,
            languages,
            best,
            top,
            // One or two short words look like many languages, whatever the weights say.
            evidence: (count as f32 / FULL_EVIDENCE).min(1.0),
        }
    }
}

/// The logits of one text.
pub(super) struct Scores {
    /// The most likely language.
    pub code: &'static str,
    logits: [f32; WIDTH],
    languages: usize,
    best: usize,
    top: f32,
    evidence: f32,
}

/// How far the bound on a confidence must stand above what is asked, so that rounding does not matter.
const ROUNDING: f32 = 1e-3;

impl Scores {
    /// Estimated probability of the most likely language.
    pub(super) fn confidence(&self) -> f32 {
        let total: f32 = self.logits[..self.languages]
            .iter()
            .map(|logit| logit - self.top)
            .filter(|behind| *behind > NEGLIGIBLE)
            .map(f32::exp)
            .sum();
        self.evidence / total
    }

    /// Whether the confidence is at least `least`. Mostly the second language is so far behind that all others together, were
    /// they as near as it, would change nothing: one exponential instead of forty.
    pub(super) fn is_at_least(&self, least: f32) -> bool {
        let mut others = self.logits;
        others[self.best] = f32::MIN;
        let (_, second) = first_highest(&others);
        #[expect(clippy::cast_precision_loss, reason = "at most 64")]
        let most = 1.0 + (self.languages - 1) as f32 * (second - self.top).exp();
        self.evidence / most >= least + ROUNDING || self.confidence() >= least
    }
}

/// The highest value and the first place it stands at. Eight running maxima, so that eight are compared at once.
fn first_highest(values: &[f32; WIDTH]) -> (usize, f32) {
    let mut highest = [f32::MIN; 8];
    for eight in values.as_chunks::<8>().0 {
        for (highest, value) in highest.iter_mut().zip(eight) {
            *highest = if *value > *highest { *value } else { *highest };
        }
    }
    let top = highest.into_iter().fold(f32::MIN, f32::max);
    let first = values.iter().position(|value| *value >= top);
    (first.unwrap_or(0), top)
}

fn take<'a>(rest: &mut &'a [u8], size: usize) -> Result<&'a [u8], ModelProblem> {
    let (head, tail) = rest
        .split_at_checked(size)
        .ok_or(ModelProblem("it ends too early"))?;
    *rest = tail;
    Ok(head)
}

fn f32_of(bytes: &[u8]) -> f32 {
    f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_model() {
        assert!(Model::from_bytes(b"nothing").is_err());
        assert!(Model::from_bytes(b"AUSCLID2\x00\x05\x02\x00").is_err());
        assert!(Model::from_bytes(b"AUSCLID2\x09\x05\x02\x00\x00\x00\x00\x00").is_err());
    }

    #[test]
    fn reads_what_it_writes() {
        let bytes = include_bytes!("../../resources/language_id.model");
        assert_eq!(Model::from_bytes(bytes).unwrap().to_bytes(), bytes);
    }
}
