//! The name tagger: an averaged perceptron over context, letters and lists, read greedily from left to right.
//!
//! A structured perceptron with averaged weights (Collins 2002) is the smallest learner that uses its own last
//! answer. Words are features only when they are everyday words: a rare word is seen through its letters, its lists and
//! its neighbours, so names that were never trained on look like names that were. Words that cannot be part of a name
//! or an address by the lists are not scored at all, which is what keeps the common path cheap.

use super::word::{Shape, Word, affixes, list, mix};
use smallvec::SmallVec;

/// What a word is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum Tag {
    /// Nothing personal.
    #[default]
    Outside,
    /// A person's name.
    Name,
    /// Street, building, unit, postal code.
    Address,
    /// A town or a smaller place; countries inside addresses.
    Place,
    /// An organisation (kept in the text; learned so that it is not taken for a name).
    Organisation,
}

impl Tag {
    /// Every tag, in the order of the weights.
    pub const ALL: [Tag; 5] = [
        Tag::Outside,
        Tag::Name,
        Tag::Address,
        Tag::Place,
        Tag::Organisation,
    ];
}

/// Rows of weights, a power of two.
pub const ROWS: usize = 1 << 17;
const MAGIC: &[u8; 8] = b"AUSTAG01";

/// A row of weights as it is stored.
fn packed(row: [i8; 5]) -> u64 {
    let [outside, name, address, place, organisation] =
        row.map(|weight| weight.cast_unsigned() ^ 0x80);
    u64::from_le_bytes([outside, name, address, place, organisation, 0, 0, 0])
}

fn unpacked(row: u64) -> [i8; 5] {
    let [outside, name, address, place, organisation, ..] = row.to_le_bytes();
    [outside, name, address, place, organisation].map(|byte| (byte ^ 0x80).cast_signed())
}

/// Features of one word at most.
const MOST_FEATURES: usize = 28;

/// Sums of the weights of `rows`, by tag. Each of at most 28 bytes adds less than 256 to a field of 16 bits.
#[inline]
fn sums(table: &[u64], rows: &[u32]) -> [i32; 5] {
    const BYTES: u64 = 0x00ff_00ff_00ff_00ff;
    let (mut even, mut odd) = (0_u64, 0_u64);
    for row in rows {
        let row = table[*row as usize];
        even += row & BYTES;
        odd += (row >> 8) & BYTES;
    }
    let zero = 128 * rows.len() as i32;
    let field = |sums: u64, at: u32| ((sums >> (16 * at)) & 0xffff) as i32 - zero;
    [
        field(even, 0),
        field(odd, 0),
        field(even, 1),
        field(odd, 1),
        field(even, 2),
    ]
}

/// Quantised weights: for each row one byte a tag.
#[derive(Clone)]
pub struct TaggerModel {
    /// One row in eight bytes, each weight plus 128: a row never lies across two cache lines, and eight sums of bytes
    /// are two sums of words.
    rows: Vec<u64>,
    /// Added to the score of `Name`: how much a missed name costs against a false one.
    name_bias: i32,
}

impl std::fmt::Debug for TaggerModel {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "TaggerModel({} rows)", self.rows.len())
    }
}

/// Why tagger bytes cannot be used. The remedy is to train again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the privacy model has {found} bytes or another mark than AUSTAG01 with {expected} bytes: train it again with --example train_privacy"
)]
pub struct TaggerError {
    found: usize,
    expected: usize,
}

impl TaggerModel {
    /// Quantises averaged weights so that the largest is 127.
    #[must_use]
    pub fn quantise(weights: &[[f32; 5]], name_bias: f32) -> TaggerModel {
        let largest = weights
            .iter()
            .flatten()
            .fold(1e-6_f32, |largest, weight| largest.max(weight.abs()));
        // A few weights grow far beyond the rest; clipping them at a quarter keeps the small ones apart.
        let scale = largest / 4.0 / 127.0;
        let step = |weight: f32| (weight / scale).round().clamp(-127.0, 127.0) as i8;
        TaggerModel {
            rows: weights.iter().map(|row| packed(row.map(step))).collect(),
            name_bias: (name_bias / scale).round() as i32,
        }
    }

    /// As stored: mark, bias (little-endian i32), then the rows.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&self.name_bias.to_le_bytes());
        bytes.extend(
            self.rows
                .iter()
                .flat_map(|row| unpacked(*row))
                .map(|weight| weight.to_le_bytes()[0]),
        );
        bytes
    }

    /// Reads what [`TaggerModel::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the mark or the length is another.
    pub fn from_bytes(bytes: &[u8]) -> Result<TaggerModel, TaggerError> {
        let expected = MAGIC.len() + 4 + 5 * ROWS;
        if bytes.len() != expected || !bytes.starts_with(MAGIC) {
            return Err(TaggerError {
                found: bytes.len(),
                expected,
            });
        }
        let weight = |byte: u8| i8::from_le_bytes([byte]);
        let name_bias = i32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
        Ok(TaggerModel {
            name_bias,
            rows: bytes[12..]
                .chunks_exact(5)
                .map(|row| {
                    packed([
                        weight(row[0]),
                        weight(row[1]),
                        weight(row[2]),
                        weight(row[3]),
                        weight(row[4]),
                    ])
                })
                .collect(),
        })
    }

    /// The tag of each word of `text`.
    pub(crate) fn tag(&self, text: &str, words: &[Word]) -> SmallVec<[Tag; 64]> {
        let mut tags = SmallVec::from_elem(Tag::Outside, words.len());
        let lower = all_lower(words);
        for index in 0..words.len() {
            if candidate(words, &tags, index) {
                // All rows first, then their weights: the look-ups do not wait for each other.
                let (mut rows, mut count) = ([0_u32; MOST_FEATURES], 0);
                features(text, words, &tags, index, lower, |row| {
                    rows[count] = row;
                    count += 1;
                });
                let mut scores = sums(&self.rows, &rows[..count]);
                scores[Tag::Name as usize] += self.name_bias;
                tags[index] = best(scores);
            }
        }
        tags
    }
}

fn best(scores: [i32; 5]) -> Tag {
    let mut best = Tag::Outside;
    for tag in Tag::ALL {
        if scores[tag as usize] > scores[best as usize] {
            best = tag;
        }
    }
    best
}

/// Whether the text has no capitals at all: then capitals tell nothing.
pub(crate) fn all_lower(words: &[Word]) -> bool {
    !words.iter().any(Word::capitalised)
}

/// Whether a word can be part of a name or an address at all.
#[inline]
pub(crate) fn candidate(words: &[Word], tags: &[Tag], index: usize) -> bool {
    let word = &words[index];
    let previous = if index > 0 {
        tags[index - 1]
    } else {
        Tag::Outside
    };
    match word.shape {
        Shape::Sign => false,
        Shape::Digits | Shape::Code => true,
        // "SIADH", "HU": an unknown short word in capitals among lower-case ones is an abbreviation.
        Shape::Upper
            if word.length <= 4
                && !word.is(list::GIVEN | list::FAMILY | list::PLACE | list::STREET)
                && previous == Tag::Outside =>
        {
            false
        }
        _ if word.is(list::TERM) && !word.is(list::GIVEN) => false,
        Shape::Lower => {
            !word.is(list::COMMON)
                || word.is(list::PARTICLE | list::STREET)
                || (previous != Tag::Outside && word.is(list::GIVEN | list::FAMILY | list::PLACE))
        }
        _ => {
            !(word.first
                && word.is(list::COMMON)
                && !word.is(list::GIVEN | list::PLACE | list::STREET))
                && word.hash != pronoun_i()
        }
    }
}

fn pronoun_i() -> u64 {
    mix(super::word::step(0xcbf2_9ce4_8422_2325, 'i' as u32))
}

const EDGE: u64 = 0x0ed6_e000;

/// A word as context: itself when it is an everyday word, else what is known about it.
#[inline]
fn seen(words: &[Word], index: isize) -> u64 {
    let Some(word) = usize::try_from(index)
        .ok()
        .and_then(|index| words.get(index))
    else {
        return EDGE;
    };
    let known = list::COMMON
        | list::HONORIFIC
        | list::PARTICLE
        | list::STREET
        | list::ORGANISATION
        | list::PERSON_CUE;
    if word.is(known) {
        word.hash
    } else {
        kind(word)
    }
}

/// What is known about a word besides its letters.
#[inline]
fn kind(word: &Word) -> u64 {
    0x4b00_0000 | (word.shape as u64) << 16 | u64::from(word.lists)
}

#[inline]
fn row(position: u64, left: u64, right: u64) -> u32 {
    let mixed = left.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
        ^ right.wrapping_add(position.wrapping_mul(0xd6e8_feb8_6659_fd93));
    (mix(mixed) >> 9) as u32 & (ROWS as u32 - 1)
}

/// Calls `take` with the row of every feature of the word at `index`.
#[inline]
pub(crate) fn features(
    text: &str,
    words: &[Word],
    tags: &[Tag],
    index: usize,
    lower: bool,
    mut take: impl FnMut(u32),
) {
    let word = &words[index];
    let affixes = affixes(&text[word.start as usize..word.end as usize]);
    let at = index as isize;
    let tag_back = |back: usize| {
        if index >= back {
            tags[index - back] as u64
        } else {
            7
        }
    };
    let (before, before2, before3) = (
        seen(words, at - 1),
        seen(words, at - 2),
        seen(words, at - 3),
    );
    let (after, after2) = (seen(words, at + 1), seen(words, at + 2));
    let own = kind(word) << 1 | u64::from(lower);
    let (last, last2) = (tag_back(1), tag_back(2));
    let layout = u64::from(word.first)
        | u64::from(word.breaks_line) << 1
        | u64::from(words.get(index + 1).is_none_or(|next| next.breaks_line)) << 2;
    take(row(0, 0, 0));
    take(row(1, own, 0));
    take(row(2, own, last));
    take(row(3, own, layout));
    take(row(4, before, 0));
    take(row(5, before, before2));
    take(row(6, before, after));
    take(row(7, after, 0));
    take(row(8, after, after2));
    take(row(9, before2, 0));
    take(row(10, after2, 0));
    take(row(11, last, last2));
    take(row(12, before, own));
    take(row(13, after, own));
    take(row(14, before, before2 ^ before3.rotate_left(11)));
    take(row(15, last, before));
    take(row(16, u64::from(affixes[2]), u64::from(lower)));
    take(row(17, u64::from(affixes[3]), 0));
    take(row(18, u64::from(affixes[0]), word.shape as u64));
    take(row(19, u64::from(affixes[1]), 0));
    take(row(
        20,
        u64::from(word.length) << 3 | word.shape as u64,
        last,
    ));
    take(row(21, last << 3 | last2, own));
    let neighbours = |offset: isize| {
        usize::try_from(at + offset)
            .ok()
            .and_then(|index| words.get(index))
            .map_or(EDGE, kind)
    };
    take(row(22, neighbours(-1), own));
    take(row(23, neighbours(1), own));
    take(row(24, neighbours(1), neighbours(2)));
    take(row(25, layout, last));
    if word.is(list::COMMON | list::STREET | list::PARTICLE) {
        take(row(26, word.hash, 0));
        take(row(27, word.hash, last));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_survives_its_bytes_and_refuses_others() {
        let mut weights = vec![[0.0; 5]; ROWS];
        weights[9] = [0.0, 8.0, -1.0, 0.5, 0.0];
        let model = TaggerModel::quantise(&weights, 0.0);
        let back = TaggerModel::from_bytes(&model.to_bytes()).unwrap();
        assert_eq!(unpacked(back.rows[9]), [0, 127, -64, 32, 0]);
        assert_eq!(sums(&back.rows, &[9, 8, 9]), [0, 254, -128, 64, 0]);
        assert!(TaggerModel::from_bytes(b"no").is_err());
    }
}
