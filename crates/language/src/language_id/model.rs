//! The model: one table of small integers for each script that several languages share.

use super::Identified;
use super::features::each_feature;
use super::script::{SHARED, Script};
use crate::words::Words;

const MAGIC: &[u8; 8] = b"AUSCLID1";

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
    /// Row-major, `codes.len()` a row.
    pub weights: Vec<i8>,
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
            if script >= SHARED.len() || languages == 0 || rows_log2 > 20 {
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
            let weights = take(&mut rest, languages << rows_log2)?
                .iter()
                .map(|byte| byte.cast_signed())
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
            bytes.extend(table.weights.iter().map(|weight| weight.cast_unsigned()));
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

impl Table {
    fn best(&self, words: &Words) -> Option<Identified> {
        let languages = self.codes.len();
        let mask = (1usize << self.rows_log2) - 1;
        let mut sums = [0i32; 64];
        let sums = sums.get_mut(..languages)?;
        let count = each_feature(words, |hash| {
            let row = (usize::try_from(hash & 0xffff_ffff).unwrap_or(0) & mask) * languages;
            for (sum, weight) in sums.iter_mut().zip(&self.weights[row..row + languages]) {
                *sum += i32::from(*weight);
            }
        });
        if count == 0 {
            return None;
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "sums stay below 127 · 900 features"
        )]
        let logit =
            |(sum, bias): (&i32, &f32)| *sum as f32 * self.scale / (count as f32).sqrt() + bias;
        let logits: Vec<f32> = sums.iter().zip(&self.bias).map(logit).collect();
        let (at, top) =
            logits
                .iter()
                .copied()
                .enumerate()
                .fold((0, f32::MIN), |best, (at, logit)| {
                    if logit > best.1 { (at, logit) } else { best }
                });
        let total: f32 = logits.iter().map(|logit| (logit - top).exp()).sum();
        Some(Identified {
            code: self.codes[at],
            confidence: 1.0 / total,
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
        assert!(Model::from_bytes(b"AUSCLID1\x00\x05\x02\x00").is_err());
        assert!(Model::from_bytes(b"AUSCLID1\x09\x05\x02\x00\x00\x00\x00\x00").is_err());
    }

    #[test]
    fn reads_what_it_writes() {
        let bytes = include_bytes!("../../resources/language_id.model");
        assert_eq!(Model::from_bytes(bytes).unwrap().to_bytes(), bytes);
    }
}
