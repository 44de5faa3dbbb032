//! MinHash signatures of word pairs.

use crate::stable_hash;
use crate::words::{Gap, Words};

/// Minima kept. The standard error of the similarity is about `0.5 / √64`.
pub const SIGNATURE_LENGTH: usize = 64;

/// Multipliers and offsets of the hash family, from [`stable_hash::spread`] so that they never change.
const FAMILY: [(u32, u32); SIGNATURE_LENGTH] = {
    let mut family = [(0, 0); SIGNATURE_LENGTH];
    let mut at = 0;
    while at < SIGNATURE_LENGTH {
        let bits = stable_hash::spread(at as u64 + 1);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the two halves of the bits"
        )]
        {
            family[at] = ((bits as u32) | 1, (bits >> 32) as u32);
        }
        at += 1;
    }
    family
};

/// The minima of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature(pub(super) Box<[u32; SIGNATURE_LENGTH]>);

impl Signature {
    /// Signature of a text; `None` when it holds fewer words than `least_words`. Left out: `RT`, names of
    /// users, and links, which a repost changes.
    #[must_use]
    pub fn of(words: &Words, least_words: usize, numbers_matter: bool) -> Option<Signature> {
        let mut hashes = Vec::with_capacity(words.words().len());
        let mut in_link = false;
        for word in words.words() {
            let spelled = words.folded_word(word);
            in_link = (in_link && !word.before.has(Gap::COMMA) && word.before.has(Gap::MARKS))
                || matches!(spelled, "http" | "https" | "www");
            if in_link || word.before.has(Gap::AT) || spelled == "rt" {
                continue;
            }
            let number = spelled.as_bytes()[0].is_ascii_digit();
            hashes.push(if number && !numbers_matter {
                0
            } else {
                word.hash
            });
        }
        if hashes.len() < least_words.max(2) {
            return None;
        }
        let mut minima = Box::new([u32::MAX; SIGNATURE_LENGTH]);
        for pair in hashes.windows(2) {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the high half of a spread hash"
            )]
            let shingle = (stable_hash::pair(pair[0], pair[1]) >> 32) as u32;
            for (minimum, (multiplier, offset)) in minima.iter_mut().zip(&FAMILY) {
                let mixed = (shingle ^ offset).wrapping_mul(*multiplier);
                *minimum = (*minimum).min(mixed ^ (mixed >> 15));
            }
        }
        Some(Signature(minima))
    }

    /// Estimated Jaccard similarity, 0 … 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "at most 64")]
    pub fn similarity(&self, other: &Signature) -> f32 {
        let same = self
            .0
            .iter()
            .zip(other.0.iter())
            .filter(|(a, b)| a == b)
            .count();
        same as f32 / SIGNATURE_LENGTH as f32
    }

    /// Hash of each band of `rows` minima.
    pub(super) fn bands(&self, rows: usize) -> impl Iterator<Item = u64> + '_ {
        self.0.chunks_exact(rows).enumerate().map(|(band, minima)| {
            minima
                .iter()
                .fold(stable_hash::spread(band as u64), |hash, minimum| {
                    stable_hash::pair(hash, u64::from(*minimum))
                })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarity_estimates_jaccard() {
        // 40 and 40 words, 30 of them in common at the start: pairs in common 29 of 49.
        let text = |from: usize, to: usize| {
            (from..to)
                .map(|word| format!("w{word}x "))
                .collect::<String>()
        };
        let a = Signature::of(&Words::of(&text(0, 40)), 2, true).unwrap();
        let b = Signature::of(
            &Words::of(&format!("{}{}", text(0, 30), text(50, 60))),
            2,
            true,
        )
        .unwrap();
        // Standard error 0.06: four of them.
        assert!(
            (a.similarity(&b) - 29.0 / 49.0).abs() < 0.25,
            "{}",
            a.similarity(&b)
        );
        assert!((a.similarity(&a) - 1.0).abs() < f32::EPSILON);
    }
}
