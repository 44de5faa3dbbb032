//! Features of a text: whole words and character n-grams, hashed.

use crate::stable_hash;
use crate::words::{Word, Words};

/// Longest n-gram, in characters.
const LONGEST: usize = 4;
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
    // n-grams of `_word_`, the bounds as spaces: the folded text has them on both sides.
    let mut window = [u64::from(b' '); LONGEST];
    let mut seen = 1;
    for character in spelled.chars().chain(std::iter::once(' ')) {
        window.rotate_left(1);
        window[LONGEST - 1] = u64::from(u32::from(character));
        seen += 1;
        let (d, c, b, a) = (window[3], window[2], window[1], window[0]);
        if seen >= 3 {
            let three = b << 42 | c << 21 | d;
            each(stable_hash::spread(three));
            if seen >= 4 {
                each(stable_hash::spread(
                    three.rotate_left(7) ^ a.wrapping_mul(0x9e37_79b9_7f4a_7c15),
                ));
            }
        }
    }
}
