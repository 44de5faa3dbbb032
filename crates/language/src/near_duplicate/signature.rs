//! MinHash signatures of word pairs.
//!
//! Minima of 16 bits, not 32: a signature is 128 bytes instead of 256, and eight minima are updated by one
//! instruction on every 64-bit processor. A chance agreement of two minima has probability 1/65,536, far below the
//! standard error of the similarity, about `0.5 / √64`.

use crate::stable_hash;
use crate::words::{Gap, Words};

/// Minima kept.
pub const SIGNATURE_LENGTH: usize = 64;
/// Bytes of a stored signature.
pub const SIGNATURE_BYTES: usize = 2 * SIGNATURE_LENGTH;
/// Name and version of the signatures: only those of one version can be compared.
///
/// 2 since apostrophes are left out of words: "didn't", "didn’t" and "didnt" are one word. Signatures of version 1 that a state still
/// holds differ in such words only, so they may stay among the others.
pub const VERSION: &str = "auscult-near-duplicates@2";

/// Shortest text that has a signature where nobody says otherwise: many people say "very good, thank you" on their own.
pub const LEAST_WORDS: usize = 6;

/// Offsets and odd multipliers of the hash family, from [`stable_hash::spread`] so that they never change.
#[expect(clippy::cast_possible_truncation, reason = "parts of the bits")]
const FAMILY: ([u16; SIGNATURE_LENGTH], [u16; SIGNATURE_LENGTH]) = {
    let (mut offsets, mut multipliers) = ([0; SIGNATURE_LENGTH], [0; SIGNATURE_LENGTH]);
    let mut at = 0;
    while at < SIGNATURE_LENGTH {
        let bits = stable_hash::spread(at as u64 + 1);
        offsets[at] = bits as u16;
        multipliers[at] = (bits >> 32) as u16 | 1;
        at += 1;
    }
    (offsets, multipliers)
};

/// The minima of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature(pub(super) Box<[i16; SIGNATURE_LENGTH]>);

impl Signature {
    /// Signature of a text; `None` when it holds fewer words than `least_words`. Left out: `RT`, names of
    /// users, and links, which a repost changes; and apostrophes, which plain keyboards drop.
    #[must_use]
    pub fn of(words: &Words, least_words: usize, numbers_matter: bool) -> Option<Signature> {
        if words.words().len() < least_words.max(2) {
            return None;
        }
        let mut minima = Box::new([i16::MAX; SIGNATURE_LENGTH]);
        let (mut taken, mut before) = (0usize, None);
        let mut in_link = false;
        for word in words.words() {
            let spelled = words.folded_word(word);
            in_link = (in_link && !word.before.has(Gap::COMMA) && word.before.has(Gap::MARKS))
                || matches!(spelled, "http" | "https" | "www");
            if in_link || word.before.has(Gap::AT) || spelled == "rt" {
                continue;
            }
            let number = spelled
                .as_bytes()
                .first()
                .is_some_and(|first| first.is_ascii_digit());
            let hash = if number && !numbers_matter {
                0
            } else {
                plain_hash(spelled, word.hash)
            };
            if let Some(before) = before {
                take(&mut minima, stable_hash::pair(before, hash));
            }
            before = Some(hash);
            taken += 1;
        }
        (taken >= least_words.max(2)).then_some(Signature(minima))
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

    /// Estimated number of distinct word pairs in the text, with a standard error of an eighth.
    ///
    /// The least of `n` values spread evenly over 0 … 1 is `1 / (n + 1)` on average (Cohen, Journal of Computer and System
    /// Sciences 1997), and there are 64 such minima.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "64 numbers of 16 bits")]
    pub fn pairs(&self) -> f32 {
        const VALUES: f32 = 65_536.0;
        // Half a step more: a minimum stands for the middle of its step, so the sum is never 0.
        let sum: i32 = self
            .0
            .iter()
            .map(|minimum| i32::from(*minimum) - i32::from(i16::MIN))
            .sum();
        let length = SIGNATURE_LENGTH as f32;
        (length * VALUES / (sum as f32 + length / 2.0) - 1.0).max(1.0)
    }

    /// The minima as bytes, for records.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; SIGNATURE_BYTES] {
        let mut bytes = [0; SIGNATURE_BYTES];
        for (pair, minimum) in bytes.chunks_exact_mut(2).zip(self.0.iter()) {
            pair.copy_from_slice(&minimum.to_le_bytes());
        }
        bytes
    }

    /// The signature of such bytes; `None` when they are of another length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Signature> {
        if bytes.len() != SIGNATURE_BYTES {
            return None;
        }
        let mut minima = Box::new([0; SIGNATURE_LENGTH]);
        for (minimum, pair) in minima.iter_mut().zip(bytes.chunks_exact(2)) {
            *minimum = i16::from_le_bytes([pair[0], pair[1]]);
        }
        Some(Signature(minima))
    }

    /// Hash of each band of `rows` minima.
    #[expect(clippy::cast_possible_truncation, reason = "the low half of the bits")]
    pub(super) fn bands(&self, rows: usize) -> impl Iterator<Item = u32> + '_ {
        self.0.chunks_exact(rows).enumerate().map(|(band, minima)| {
            let joined = minima.iter().fold(0u64, |joined, minimum| {
                joined << 16 | u64::from(minimum.cast_unsigned())
            });
            stable_hash::pair(joined, band as u64) as u32
        })
    }
}

/// The hash of a word without its apostrophes; `hash` is the word's own.
fn plain_hash(spelled: &str, hash: u64) -> u64 {
    if !spelled.as_bytes().contains(&b'\'') {
        return hash;
    }
    let letters = spelled.bytes().filter(|byte| *byte != b'\'');
    stable_hash::spread(letters.fold(stable_hash::EMPTY, stable_hash::extend))
}

/// Lowers every minimum to what the family makes of one word pair. Half of the family sees one part of the pair's
/// hash, half another: two pairs that agree in one part by chance differ in the other.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "parts of the bits")]
fn take(minima: &mut [i16; SIGNATURE_LENGTH], pair: u64) {
    const HALF: usize = SIGNATURE_LENGTH / 2;
    let parts = [(pair >> 48) as u16, (pair >> 16) as u16];
    for (half, part) in parts.into_iter().enumerate() {
        let range = half * HALF..(half + 1) * HALF;
        let minima = &mut minima[range.clone()];
        let (offsets, multipliers) = (&FAMILY.0[range.clone()], &FAMILY.1[range]);
        for ((minimum, offset), multiplier) in minima.iter_mut().zip(offsets).zip(multipliers) {
            let mixed = (part ^ offset).wrapping_mul(*multiplier);
            let mixed = (mixed ^ (mixed >> 7)).wrapping_mul(0x9e37);
            *minimum = (*minimum).min(mixed.cast_signed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(from: usize, to: usize) -> String {
        (from..to).map(|word| format!("w{word}x ")).collect()
    }

    #[test]
    fn similarity_estimates_jaccard() {
        // 40 and 40 words, 30 of them in common at the start: pairs in common 29 of 49. Many such pairs of texts: the
        // estimate must be right in the mean (standard error 0.06 each, 0.006 over 100) and never far off.
        let mut sum = 0.0;
        for at in 0..100 {
            let base = at * 1_000;
            let first = text(base, base + 40);
            let second = format!("{}{}", text(base, base + 30), text(base + 50, base + 60));
            let a = Signature::of(&Words::of(&first), 2, true).unwrap();
            let b = Signature::of(&Words::of(&second), 2, true).unwrap();
            let similarity = a.similarity(&b);
            assert!((similarity - 29.0 / 49.0).abs() < 0.27, "{similarity}");
            assert!((a.similarity(&a) - 1.0).abs() < f32::EPSILON);
            sum += similarity;
        }
        assert!((sum / 100.0 - 29.0 / 49.0).abs() < 0.03, "{}", sum / 100.0);
    }

    #[test]
    fn the_minima_tell_how_many_pairs_there_are() {
        for words in [12, 40, 200] {
            let mut sum = 0.0;
            for at in 0..100 {
                let text = text(at * 1_000, at * 1_000 + words);
                sum += Signature::of(&Words::of(&text), 2, true).unwrap().pairs();
            }
            let (mean, pairs) = (sum / 100.0, (words - 1) as f32);
            assert!((mean / pairs - 1.0).abs() < 0.05, "{mean} of {pairs}");
        }
    }

    #[test]
    fn apostrophes_are_no_part_of_a_word() {
        let of = |text| Signature::of(&Words::of(text), 2, true).unwrap();
        assert_eq!(of("I didn't know"), of("i didnt know"));
        assert_eq!(of("I didn’t know"), of("i didnt know"));
    }

    #[test]
    fn bytes_are_the_signature() {
        let signature = Signature::of(&Words::of(&text(0, 20)), 2, true).unwrap();
        assert_eq!(
            Signature::from_bytes(&signature.to_bytes()),
            Some(signature)
        );
        assert_eq!(Signature::from_bytes(&[0; 12]), None);
    }

    #[test]
    fn minima_never_change() {
        // Signatures are stored: a change here is a new VERSION.
        let signature = Signature::of(
            &Words::of("the pen is out of stock until march"),
            LEAST_WORDS,
            false,
        );
        let sum = signature
            .unwrap()
            .to_bytes()
            .iter()
            .fold(stable_hash::EMPTY, |hash, byte| {
                stable_hash::extend(hash, *byte)
            });
        assert_eq!(sum, 18_016_419_189_269_602_975);
    }
}
