//! Features of a text: whole words and character n-grams, hashed.

use crate::stable_hash;
use crate::words::Words;

/// Longest n-gram, in characters.
const LONGEST: usize = 4;
/// Features taken from one text at most: enough to decide, and a bound on the cost of long texts.
const MOST: usize = 900;

/// Calls `each` with the hash of every feature; gives their number.
pub(super) fn each_feature(words: &Words, mut each: impl FnMut(u64)) -> usize {
    let mut count = 0;
    for word in words.words() {
        let spelled = words.folded_word(word);
        if spelled.as_bytes()[0].is_ascii_digit() {
            continue;
        }
        each(word.hash);
        count += 1;
        // n-grams of `_word_`, the bounds as spaces: the folded text has them on both sides.
        let mut window = [u64::from(b' '); LONGEST];
        let mut seen = 1;
        for character in spelled.chars().chain(std::iter::once(' ')) {
            window.rotate_left(1);
            window[LONGEST - 1] = u64::from(u32::from(character));
            seen += 1;
            let (d, c, b, a) = (window[3], window[2], window[1], window[0]);
            let two = c << 21 | d;
            each(stable_hash::spread(two | 2 << 61));
            count += 1;
            if seen >= 3 {
                let three = two | b << 42;
                each(stable_hash::spread(three ^ 3 << 59));
                count += 1;
                if seen >= 4 {
                    each(stable_hash::spread(
                        three.rotate_left(7) ^ a.wrapping_mul(0x9e37_79b9_7f4a_7c15),
                    ));
                    count += 1;
                }
            }
        }
        if count >= MOST {
            break;
        }
    }
    count
}
