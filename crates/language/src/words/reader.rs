//! The reader: one pass over the bytes, two buffers that can be used again.

use super::{Gap, Shape, Word};
use crate::stable_hash;

/// Bytes of a text for each word it may have: room is made for so many at once.
const BYTES_A_WORD: usize = 4;

/// An ASCII letter or digit in lower case; 0 for every other byte.
const FOLDED: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        if (byte as u8).is_ascii_alphanumeric() {
            table[byte] = (byte as u8).to_ascii_lowercase();
        }
        byte += 1;
    }
    table
};

/// A text cut into words. Buffers are kept between texts: see [`Words::read`].
#[derive(Debug, Clone, Default)]
pub struct Words {
    folded: String,
    words: Vec<Word>,
    end: Gap,
}

/// What a word is known by, while it is read.
struct Spelling {
    hash: u64,
    upper: u32,
    letters: u32,
}

impl Default for Spelling {
    fn default() -> Spelling {
        Spelling {
            hash: stable_hash::EMPTY,
            upper: 0,
            letters: 0,
        }
    }
}

/// What one character is to the reader.
enum Class {
    /// Part of a word.
    Letter,
    /// A word by itself.
    Alone,
    /// An emoji: a word by itself that carries feeling.
    Symbol,
    /// Joins the letters on both sides: an apostrophe.
    Joiner,
    /// Shown as nothing: variation selectors, zero-width joiners.
    Nothing,
    /// Anything between words.
    Between,
}

impl Words {
    /// Reads a text into new buffers.
    #[must_use]
    pub fn of(text: &str) -> Words {
        let mut words = Words::default();
        words.read(text);
        words
    }

    /// Reads a text, using this value's buffers again. Texts longer than `u32::MAX` bytes are read up to there.
    pub fn read(&mut self, text: &str) {
        self.folded.clear();
        self.words.clear();
        self.folded.reserve(text.len() + 8);
        self.words.reserve(text.len() / BYTES_A_WORD + 4);
        self.folded.push(' ');
        let text = if text.len() > u32::MAX as usize {
            &text[..text.floor_char_boundary(u32::MAX as usize)]
        } else {
            text
        };
        let bytes = text.as_bytes();
        let mut gap = Gap::default();
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            if byte.is_ascii_alphanumeric() {
                at = self.read_word(text, at, gap);
                gap = Gap::default();
            } else if byte == b' ' {
                gap = gap.after_blank();
                at += 1;
            } else if byte.is_ascii() {
                gap = gap.take(byte as char);
                at += 1;
            } else {
                let Some(character) = text[at..].chars().next() else {
                    break;
                };
                let length = character.len_utf8();
                match classify(character) {
                    Class::Letter => {
                        at = self.read_word(text, at, gap);
                        gap = Gap::default();
                    }
                    Class::Alone | Class::Symbol => {
                        self.push_alone(character, at, gap);
                        gap = Gap::default();
                        at += length;
                    }
                    Class::Joiner | Class::Nothing => at += length,
                    Class::Between => {
                        gap = gap.take(character);
                        at += length;
                    }
                }
            }
        }
        self.end = gap;
    }

    /// Reads one word that begins at `start`; gives the byte after it.
    #[inline]
    fn read_word(&mut self, text: &str, start: usize, before: Gap) -> usize {
        let bytes = text.as_bytes();
        let folded_start = self.folded.len();
        let mut spelling = Spelling::default();
        let mut at = start;
        // Nearly every word is ASCII letters up to a blank: they are copied together.
        while let Some(byte) = bytes.get(at) {
            let lower = FOLDED[usize::from(*byte)];
            if lower == 0 {
                break;
            }
            spelling.upper += u32::from(*byte != lower);
            spelling.hash = stable_hash::extend(spelling.hash, lower);
            at += 1;
        }
        self.folded.push_str(&text[start..at]);
        if spelling.upper > 0 {
            self.folded[folded_start..].make_ascii_lowercase();
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "`read` cuts the text at u32::MAX bytes"
        )]
        {
            spelling.letters = (at - start) as u32;
        }
        if bytes
            .get(at)
            .is_some_and(|byte| *byte == b'\'' || !byte.is_ascii())
        {
            at = self.read_rest(text, at, &mut spelling);
        }
        let shape = match (bytes[start].is_ascii_digit(), spelling.upper) {
            (true, _) => Shape::Number,
            (_, 0) => Shape::Lower,
            (_, n) if n >= 2 && n == spelling.letters => Shape::Upper,
            _ => Shape::Capitalised,
        };
        self.push(
            start,
            at,
            folded_start,
            stable_hash::spread(spelling.hash),
            before,
            shape,
        );
        at
    }

    /// The general case of a word: letters beyond ASCII, apostrophes and what is shown as nothing. Gives the byte after it.
    fn read_rest(&mut self, text: &str, from: usize, spelling: &mut Spelling) -> usize {
        let bytes = text.as_bytes();
        let mut at = from;
        while at < bytes.len() {
            let byte = bytes[at];
            if byte.is_ascii_alphanumeric() {
                let lower = byte.to_ascii_lowercase();
                spelling.upper += u32::from(byte != lower);
                spelling.letters += 1;
                spelling.hash = stable_hash::extend(spelling.hash, lower);
                self.folded.push(lower as char);
                at += 1;
            } else if byte == b'\''
                && bytes
                    .get(at + 1)
                    .is_some_and(|next| next.is_ascii_alphanumeric() || !next.is_ascii())
            {
                spelling.hash = stable_hash::extend(spelling.hash, b'\'');
                self.folded.push('\'');
                at += 1;
            } else if byte.is_ascii() {
                break;
            } else {
                let Some(character) = text[at..].chars().next() else {
                    break;
                };
                match classify(character) {
                    Class::Letter => {
                        spelling.letters += 1;
                        let from = self.folded.len();
                        for lower in character.to_lowercase() {
                            spelling.upper += u32::from(lower != character);
                            self.folded.push(lower);
                        }
                        spelling.hash = self.folded.as_bytes()[from..]
                            .iter()
                            .fold(spelling.hash, |hash, byte| stable_hash::extend(hash, *byte));
                    }
                    Class::Joiner
                        if text[at + character.len_utf8()..]
                            .chars()
                            .next()
                            .is_some_and(char::is_alphanumeric) =>
                    {
                        spelling.hash = stable_hash::extend(spelling.hash, b'\'');
                        self.folded.push('\'');
                    }
                    Class::Nothing => {}
                    _ => break,
                }
                at += character.len_utf8();
            }
        }
        at
    }

    fn push_alone(&mut self, character: char, start: usize, before: Gap) {
        let folded_start = self.folded.len();
        self.folded.push(character);
        let hash = stable_hash::hash_bytes(&self.folded.as_bytes()[folded_start..]);
        let shape = if character.is_alphanumeric() {
            Shape::Lower
        } else {
            Shape::Symbol
        };
        self.push(
            start,
            start + character.len_utf8(),
            folded_start,
            hash,
            before,
            shape,
        );
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "`read` cuts the text at u32::MAX bytes; folding is checked below"
    )]
    fn push(
        &mut self,
        start: usize,
        end: usize,
        folded_start: usize,
        hash: u64,
        before: Gap,
        shape: Shape,
    ) {
        let folded_end = self.folded.len();
        self.folded.push(' ');
        self.words.push(Word {
            start: start as u32,
            end: end as u32,
            folded_start: folded_start as u32,
            folded_end: folded_end as u32,
            hash,
            before,
            shape,
        });
    }

    /// The words in order.
    #[inline]
    #[must_use]
    pub fn words(&self) -> &[Word] {
        &self.words
    }

    /// The folded text: a space, then each word followed by a space.
    #[inline]
    #[must_use]
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// The folded form of one word of this text.
    #[inline]
    #[must_use]
    pub fn folded_word(&self, word: &Word) -> &str {
        &self.folded[word.folded_start as usize..word.folded_end as usize]
    }

    /// What stood after the last word.
    #[inline]
    #[must_use]
    pub fn end(&self) -> Gap {
        self.end
    }

    /// What stood after word `index`.
    #[inline]
    #[must_use]
    pub fn gap_after(&self, index: usize) -> Gap {
        self.words
            .get(index + 1)
            .map_or(self.end, |next| next.before)
    }

    /// Index of the word that holds folded byte `at`, or of the first word after it.
    #[inline]
    #[must_use]
    pub fn index_at_folded(&self, at: usize) -> usize {
        self.words
            .partition_point(|word| (word.folded_end as usize) <= at)
    }

    /// Index of the word that holds original byte `at`, or of the first word after it.
    #[inline]
    #[must_use]
    pub fn index_at(&self, at: u32) -> usize {
        self.words.partition_point(|word| word.end <= at)
    }
}

/// `text` in folded form with single spaces between words and none around: what phrases are compared in.
#[must_use]
pub(crate) fn fold_phrase(text: &str) -> String {
    Words::of(text).folded.trim().to_owned()
}

fn classify(character: char) -> Class {
    match character {
        '’' | '‘' | 'ʼ' | '＇' => Class::Joiner,
        '\u{200b}'..='\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' => {
            Class::Nothing
        }
        '\u{300}'..='\u{36f}' => Class::Letter,
        '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{e00}'..='\u{eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}' => {
            // Their full stops and marks are no words.
            if character.is_alphanumeric() {
                Class::Alone
            } else {
                Class::Nothing
            }
        }
        '\u{2600}'..='\u{27bf}' | '\u{1f000}'..='\u{1faff}' | '\u{2b00}'..='\u{2bff}' => {
            Class::Symbol
        }
        _ if character.is_alphanumeric() || is_combining_vowel(character) => Class::Letter,
        _ => Class::Between,
    }
}

/// Virama and nukta of the Indic scripts: inside words, yet not alphabetic.
fn is_combining_vowel(character: char) -> bool {
    ('\u{900}'..='\u{dff}').contains(&character) && !matches!(character, '\u{964}' | '\u{965}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn folds_case_hyphens_and_curly_apostrophes() {
        assert_eq!(
            Words::of("  Prior-Authorisation,\n DOESN’T work!! ").folded(),
            " prior authorisation doesn't work "
        );
        assert_eq!(Words::of("").folded(), " ");
    }

    #[test]
    fn keeps_gaps_and_shapes() {
        let words = Words::of("It works, BUT #slow! 3 days");
        let got: Vec<(bool, Shape)> = words
            .words()
            .iter()
            .map(|word| (word.before.ends_clause(), word.shape))
            .collect();
        let want = [
            (false, Shape::Capitalised),
            (false, Shape::Lower),
            (true, Shape::Upper),
            (false, Shape::Lower),
            (true, Shape::Number),
            (false, Shape::Lower),
        ];
        assert_eq!(got, want);
        assert!(words.words()[3].before.has(Gap::HASH));
    }

    #[test]
    fn one_word_a_character_where_no_spaces_are_written() {
        assert_eq!(Words::of("価格が高い。").folded(), " 価 格 が 高 い ");
        assert_eq!(Words::of("good😀🙁").words().len(), 3);
    }

    proptest! {
        #[test]
        fn words_point_back_at_the_text(text in "\\PC{0,60}") {
            let words = Words::of(&text);
            let mut last = 0;
            for word in words.words() {
                prop_assert!(word.start >= last && word.end > word.start);
                prop_assert!(text.get(word.start as usize..word.end as usize).is_some());
                prop_assert!(!words.folded_word(word).contains(' '));
                last = word.end;
            }
        }
    }
}
