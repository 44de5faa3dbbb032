//! A trained multi-label model and its bytes.

use super::features::{features, features_of};
use crate::themes::Taxonomy;
use crate::words::Words;

const MAGIC: &[u8; 8] = b"AUSCTHM2";

/// A label that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Learned {
    /// Index of the label.
    pub label: u16,
    /// Estimated probability.
    pub probability: f32,
}

/// A trained multi-label model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Model {
    pub(super) labels: Vec<String>,
    pub(super) taxonomy: String,
    pub(super) buckets_log2: u8,
    pub(super) bias: Vec<f32>,
    /// Probability from which a label is given.
    pub(super) thresholds: Vec<f32>,
    pub(super) scale: f32,
    /// One row a bucket, `labels.len()` wide.
    pub(super) weights: Vec<i8>,
}

/// Bytes that are no model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("theme model: {0}; train it again with `auscult train themes`")]
pub struct ModelProblem(&'static str);

impl Model {
    /// The labels, in the order of [`Learned::label`].
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// `name@version` of the taxonomy whose themes are features; empty if none are.
    #[must_use]
    pub fn taxonomy(&self) -> &str {
        &self.taxonomy
    }

    /// Labels of a text. The taxonomy must be the one it was trained with: see [`Model::taxonomy`].
    #[must_use]
    pub fn tag(&self, text: &str, taxonomy: Option<&Taxonomy>) -> Vec<Learned> {
        self.given(self.probabilities(text, taxonomy))
    }

    /// Labels of a text that has been read already, in which the taxonomy found `themes`.
    pub(in crate::themes) fn tag_words<'t>(
        &self,
        words: &Words,
        themes: impl IntoIterator<Item = &'t str>,
    ) -> Vec<Learned> {
        self.given(self.probabilities_of(&features(words, themes, self.buckets_log2)))
    }

    fn given(&self, probabilities: Vec<f32>) -> Vec<Learned> {
        let given = probabilities
            .into_iter()
            .zip(&self.thresholds)
            .enumerate()
            .filter(|(_, (probability, threshold))| probability >= threshold);
        given
            .filter_map(|(label, (probability, _))| {
                Some(Learned {
                    label: u16::try_from(label).ok()?,
                    probability,
                })
            })
            .collect()
    }

    /// Probability of every label.
    #[must_use]
    pub fn probabilities(&self, text: &str, taxonomy: Option<&Taxonomy>) -> Vec<f32> {
        self.probabilities_of(&features_of(text, taxonomy, self.buckets_log2))
    }

    #[expect(clippy::cast_precision_loss, reason = "features of one text")]
    fn probabilities_of(&self, features: &[u32]) -> Vec<f32> {
        let mut sums = vec![0i32; self.labels.len()];
        for bucket in features {
            let row = *bucket as usize * self.labels.len();
            sums.iter_mut()
                .zip(&self.weights[row..row + self.labels.len()])
                .for_each(|(sum, weight)| *sum += i32::from(*weight));
        }
        let share = self.scale / (features.len().max(1) as f32).sqrt();
        sums.iter()
            .zip(&self.bias)
            .map(|(sum, bias)| logistic(*sum as f32 * share + bias))
            .collect()
    }

    /// The bytes this model can be read from again.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.push(self.buckets_log2);
        bytes.extend_from_slice(
            &u16::try_from(self.labels.len())
                .unwrap_or(u16::MAX)
                .to_le_bytes(),
        );
        bytes.extend_from_slice(&self.scale.to_le_bytes());
        push_text(&mut bytes, &self.taxonomy);
        for ((label, bias), threshold) in self.labels.iter().zip(&self.bias).zip(&self.thresholds) {
            bytes.extend_from_slice(&bias.to_le_bytes());
            bytes.extend_from_slice(&threshold.to_le_bytes());
            push_text(&mut bytes, label);
        }
        bytes.extend(self.weights.iter().map(|weight| weight.cast_unsigned()));
        bytes
    }

    /// Reads a model.
    ///
    /// # Errors
    /// When the bytes are not a whole model of this version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Model, ModelProblem> {
        let mut rest = bytes
            .strip_prefix(MAGIC)
            .ok_or(ModelProblem("not a theme model of this version"))?;
        let buckets_log2 = take::<1>(&mut rest)?[0];
        let count = usize::from(u16::from_le_bytes(take(&mut rest)?));
        if buckets_log2 > 24 || count == 0 {
            return Err(ModelProblem("its head is out of range"));
        }
        let mut model = Model {
            buckets_log2,
            scale: f32::from_le_bytes(take(&mut rest)?),
            ..Model::default()
        };
        model.taxonomy = take_text(&mut rest)?;
        for _ in 0..count {
            model.bias.push(f32::from_le_bytes(take(&mut rest)?));
            model.thresholds.push(f32::from_le_bytes(take(&mut rest)?));
            model.labels.push(take_text(&mut rest)?);
        }
        if rest.len() != count << buckets_log2 {
            return Err(ModelProblem("its weights are not whole"));
        }
        model.weights = rest.iter().map(|byte| byte.cast_signed()).collect();
        Ok(model)
    }
}

pub(super) fn logistic(value: f32) -> f32 {
    1.0 / (1.0 + (-value).exp())
}

fn push_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn take_text(rest: &mut &[u8]) -> Result<String, ModelProblem> {
    let size = usize::from(u16::from_le_bytes(take(rest)?));
    let (text, tail) = rest
        .split_at_checked(size)
        .ok_or(ModelProblem("it ends too early"))?;
    *rest = tail;
    std::str::from_utf8(text)
        .map(str::to_owned)
        .map_err(|_| ModelProblem("a label is not UTF-8"))
}

fn take<const SIZE: usize>(rest: &mut &[u8]) -> Result<[u8; SIZE], ModelProblem> {
    let (head, tail) = rest
        .split_first_chunk::<SIZE>()
        .ok_or(ModelProblem("it ends too early"))?;
    *rest = tail;
    Ok(*head)
}
