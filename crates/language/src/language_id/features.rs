//! Features of a text: whole words and character n-grams, hashed.

use crate::stable_hash;
use crate::words::{Word, Words};

/// Features taken from one text at most, whole words: enough to decide, and a bound on the cost of long texts.
pub(super) const MOST: usize = 130;

/// Calls `each` with the hash of every feature of one word; numbers have none.
#[inline]
pub(super) fn each_feature(words: &Words, word: &Word, mut each: impl FnMut(u64)) {
    let spelled = words.folded_word(word);
    if spelled.as_bytes()[0].is_ascii_digit() {
        return;
    }
    each(word.hash);
    if spelled.is_ascii() {
        each_gram(spelled.bytes().map(u32::from), each);
    } else {
        each_gram(spelled.chars().map(u32::from), each);
    }
}

/// Calls `each` with the hash of every n-gram of `_word_`; the bounds are spaces, as in the folded text.
#[inline]
fn each_gram(characters: impl Iterator<Item = u32>, mut each: impl FnMut(u64)) {
    const BOUND: u64 = b' ' as u64;
    let (mut first, mut second, mut third) = (BOUND, BOUND, BOUND);
    let mut take = |last: u64, seen: usize| {
        if seen >= 1 {
            let three = second << 42 | third << 21 | last;
            each(stable_hash::spread(three));
            if seen >= 2 {
                each(stable_hash::spread(
                    three.rotate_left(7) ^ first.wrapping_mul(0x9e37_79b9_7f4a_7c15),
                ));
            }
        }
        (first, second, third) = (second, third, last);
    };
    let mut seen = 0;
    for character in characters {
        take(u64::from(character), seen);
        seen += 1;
    }
    take(BOUND, seen);
}
