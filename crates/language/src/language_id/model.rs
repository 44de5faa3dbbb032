//! The model: one table of small integers for each script that several languages share.

use super::Identified;
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
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Row(pub [i8; WIDTH]);

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
            let mut weights = vec![Row([0; WIDTH]); 1 << rows_log2];
            for (row, bytes) in weights
                .iter_mut()
                .zip(take(&mut rest, languages << rows_log2)?.chunks_exact(languages))
            {
                row.0
                    .iter_mut()
                    .zip(bytes)
                    .for_each(|(weight, byte)| *weight = byte.cast_signed());
            }
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
                    .flat_map(|row| &row.0[..table.codes.len()])
                    .map(|weight| weight.cast_unsigned()),
            );
        }
        bytes
    }

    /// The most likely language of a script that several share.
    pub(super) fn best(&self, script: Script, words: &Words) -> Option<Identified> {
        let index = SHARED.iter().position(|shared| *shared == script)?;
        self.tables
            .iter()
            .find(|table| table.script == index)?
            .best(words)
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
    fn add(&self, waiting: &mut Waiting, sums: &mut [i16; WIDTH]) -> usize {
        let count = std::mem::take(&mut waiting.count);
        for row in &waiting.rows[..count] {
            for (sum, weight) in sums.iter_mut().zip(&self.weights[*row as usize].0) {
                *sum = sum.saturating_add(i16::from(*weight));
            }
        }
        count
    }

    /// Whether one language leads so clearly that the rest of the text need not be read.
    fn is_clear(&self, sums: &[i16; WIDTH], count: usize) -> bool {
        let (mut first, mut second) = (i16::MIN, i16::MIN);
        for sum in &sums[..self.codes.len()] {
            second = second.max(first.min(*sum));
            first = first.max(*sum);
        }
        let lead = f32::from(first) - f32::from(second);
        #[expect(clippy::cast_precision_loss, reason = "a few hundred features")]
        let root = (count as f32).sqrt();
        lead * self.scale / root >= CLEAR_LEAD
    }

    fn best(&self, words: &Words) -> Option<Identified> {
        let mask = (1usize << self.rows_log2) - 1;
        // At most 130 features and those of one more word, 127 each: sums stay within 16 bits up to 258 features, and
        // what passes that is cut off by saturation. Rows wait until there are some, so that their look-ups, which are the
        // price, do not wait for each other.
        let mut sums = [0i16; WIDTH];
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
        if count == 0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "a few hundred features")]
        let logit =
            |(sum, bias): (&i16, &f32)| f32::from(*sum) * self.scale / (count as f32).sqrt() + bias;
        let logits: Vec<f32> = sums.iter().zip(&self.bias).map(logit).collect();
        let (at, top) =
            logits
                .iter()
                .copied()
                .enumerate()
                .fold((0, f32::MIN), |best, (at, logit)| {
                    if logit > best.1 { (at, logit) } else { best }
                });
        let total: f32 = logits
            .iter()
            .map(|logit| logit - top)
            .filter(|behind| *behind > NEGLIGIBLE)
            .map(f32::exp)
            .sum();
        // One or two short words look like many languages, whatever the weights say.
        #[expect(clippy::cast_precision_loss, reason = "a few hundred features")]
        let evidence = (count as f32 / FULL_EVIDENCE).min(1.0);
        Some(Identified {
            code: self.codes[at],
            confidence: evidence / total,
        })
    }
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
