//! Words, sentences and clause breaks, in one pass over the bytes.
//!
//! Triage runs on every text, so it cannot afford Unicode segmentation (about 3 µs for 130 characters). This pass
//! knows what the lexicon and the linear model need and no more: a case-folded hash of each word, hashes of its
//! first bytes (for prefix entries) and its last bytes (for medical endings), and where clauses and sentences break.
//! Bytes at or above 0x80 count as letters except the general punctuation block (curly quotes, dashes), so words of
//! other scripts stay whole; scripts without spaces become one long word, which is honest: no cue is found in it.

/// The shortest and longest prefix, in bytes, that a lexicon entry `stem*` may have.
pub(crate) const PREFIX_BYTES: std::ops::RangeInclusive<usize> = 3..=12;

/// How many prefix hashes a token keeps.
pub(crate) const PREFIX_SLOTS: usize = 10;

/// What stands between the previous word and this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Break {
    /// Only spaces, hyphens, quotes.
    None,
    /// A comma, colon, bracket.
    Clause,
    /// A full stop, question mark, exclamation mark or line break: a new sentence.
    Sentence,
}

/// One word. Hashes are of the lower-cased bytes without apostrophes ("Didn’t" and "didnt" are one word).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    /// Byte span in the text.
    pub start: u32,
    /// End of the byte span.
    pub end: u32,
    /// Hash of the whole word.
    pub hash: u64,
    /// Hash of the first 3, 4, … 12 bytes; 0 where the word is shorter.
    pub prefixes: [u32; PREFIX_SLOTS],
    /// The last eight bytes, lower-cased, the last one in the lowest byte.
    pub tail: u64,
    /// Folded length in bytes.
    pub length: u16,
    /// Begins with a digit.
    pub numeric: bool,
    /// What stands before it.
    pub before: Break,
    /// The sentence this word is in ended with a question mark.
    pub in_question: bool,
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// One FNV-1a step.
#[inline]
pub(crate) const fn fnv_step(state: u64, byte: u8) -> u64 {
    (state ^ byte as u64).wrapping_mul(FNV_PRIME)
}

/// Mixes the high bits down: FNV's low bits alone are weak.
#[inline]
pub(crate) const fn finish(state: u64) -> u64 {
    let mixed = state ^ (state >> 32);
    let mixed = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

/// The hash of a lower-case ASCII word, known when compiling.
pub(crate) const fn hash_known(word: &[u8]) -> u64 {
    let mut state = FNV_OFFSET;
    let mut index = 0;
    while index < word.len() {
        state = fnv_step(state, word[index]);
        index += 1;
    }
    finish(state)
}

/// "but" parts clauses like a comma.
pub(crate) const BUT: u64 = hash_known(b"but");
/// "I never had hives before …", "no pain until …": the denial is of an earlier time.
pub(crate) const EARLIER: [u64; 2] = [hash_known(b"before"), hash_known(b"until")];

/// The hash a token of this word carries. `word` must already be lower case and without apostrophes.
pub(crate) fn hash_word(word: &str) -> u64 {
    finish(word.bytes().fold(FNV_OFFSET, fnv_step))
}

/// A prefix hash from the state after its last byte; never 0, which marks a missing one.
#[inline]
const fn prefix_of(state: u64) -> u32 {
    (state >> 20) as u32 | 1
}

/// The prefix hash for a stem, to be compared with `Token::prefixes[stem.len() - 3]`.
pub(crate) fn hash_prefix(stem: &[u8]) -> u32 {
    prefix_of(stem.iter().copied().fold(FNV_OFFSET, fnv_step))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Apostrophe,
    Clause,
    Stop,
    Space,
}

const KINDS: [Kind; 256] = {
    let mut table = [Kind::Space; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | 0x80..=0xff => Kind::Letter,
            b'\'' => Kind::Apostrophe,
            b',' | b';' | b':' | b'(' | b')' => Kind::Clause,
            b'.' | b'!' | b'?' | b'\n' => Kind::Stop,
            _ => Kind::Space,
        };
        byte += 1;
    }
    table
};

/// Splits `text` into words. At most `limit` words are read; the caller decides what a cut text means.
pub(crate) fn tokenise(text: &str, limit: usize) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut tokens: Vec<Token> = Vec::with_capacity((bytes.len() / 4 + 4).min(limit));
    let mut position = 0;
    let mut before = Break::None;
    let mut sentence_start = 0;
    while position < bytes.len() {
        let byte = bytes[position];
        if byte == b' ' {
            position += 1;
            continue;
        }
        // Curly apostrophe and the other general punctuation marks: E2 80 xx.
        if byte == 0xe2 && position + 2 < bytes.len() && bytes[position + 1] == 0x80 {
            position += 3;
            continue;
        }
        match KINDS[byte as usize] {
            Kind::Letter => {
                if tokens.len() == limit {
                    break;
                }
                position = read_word(bytes, position, before, &mut tokens);
                before = Break::None;
            }
            Kind::Clause => {
                before = before.max(Break::Clause);
                position += 1;
            }
            Kind::Stop => {
                let ends = byte != b'.'
                    || bytes
                        .get(position + 1)
                        .is_none_or(|next| next.is_ascii_whitespace() || *next == b'"');
                before = before.max(if ends { Break::Sentence } else { Break::Clause });
                if byte == b'?' {
                    for token in &mut tokens[sentence_start..] {
                        token.in_question = true;
                    }
                }
                if ends {
                    sentence_start = tokens.len();
                }
                position += 1;
            }
            Kind::Apostrophe | Kind::Space => position += 1,
        }
    }
    tokens
}

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

/// What a word is known by, while it is read.
struct Folding {
    state: u64,
    tail: u64,
    prefixes: [u32; PREFIX_SLOTS],
    length: usize,
}

impl Folding {
    #[inline]
    fn take(&mut self, folded: u8) {
        self.state = fnv_step(self.state, folded);
        self.tail = (self.tail << 8) | u64::from(folded);
        self.length += 1;
        // Lengths without a slot fall out of the array's range.
        if let Some(slot) = self.prefixes.get_mut(self.length.wrapping_sub(3)) {
            *slot = prefix_of(self.state);
        }
    }
}

/// Reads one word that starts at `start`; returns where it ends.
#[inline]
fn read_word(bytes: &[u8], start: usize, before: Break, tokens: &mut Vec<Token>) -> usize {
    let mut word = Folding {
        state: FNV_OFFSET,
        tail: 0,
        prefixes: [0; PREFIX_SLOTS],
        length: 0,
    };
    let mut position = start;
    // Nearly every word is ASCII letters up to a blank.
    while let Some(byte) = bytes.get(position) {
        let folded = FOLDED[usize::from(*byte)];
        if folded == 0 {
            break;
        }
        word.take(folded);
        position += 1;
    }
    let mut end = position;
    if bytes
        .get(position)
        .is_some_and(|byte| *byte == b'\'' || *byte >= 0x80)
    {
        (position, end) = read_rest(bytes, position, &mut word);
    }
    tokens.push(Token {
        start: start as u32,
        end: end as u32,
        hash: finish(word.state),
        prefixes: word.prefixes,
        tail: word.tail,
        length: word.length.min(usize::from(u16::MAX)) as u16,
        numeric: bytes[start].is_ascii_digit(),
        before,
        in_question: false,
    });
    position
}

/// The general case: letters beyond ASCII, and apostrophes. Gives where reading goes on and where the word ends.
fn read_rest(bytes: &[u8], from: usize, word: &mut Folding) -> (usize, usize) {
    let (mut position, mut end) = (from, from);
    while position < bytes.len() {
        let byte = bytes[position];
        if byte == 0xe2 && position + 2 < bytes.len() && bytes[position + 1] == 0x80 {
            let joins = matches!(bytes[position + 2], 0x98 | 0x99);
            if joins && bytes.get(position + 3).is_some_and(u8::is_ascii_alphabetic) {
                position += 3;
                continue;
            }
            break;
        }
        match KINDS[byte as usize] {
            Kind::Letter => {
                word.take(byte.to_ascii_lowercase());
                position += 1;
                end = position;
            }
            Kind::Apostrophe if bytes.get(position + 1).is_some_and(u8::is_ascii_alphabetic) => {
                position += 1
            }
            _ => break,
        }
    }
    (position, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        tokenise(text, 1000)
            .iter()
            .map(|token| &text[token.start as usize..token.end as usize])
            .collect()
    }

    #[test]
    fn words_keep_apostrophes_and_split_at_hyphens() {
        assert_eq!(
            words("I didn't feel drug-induced."),
            ["I", "didn't", "feel", "drug", "induced"]
        );
        assert_eq!(words("“Didn’t” she—say?"), ["Didn’t", "she", "say"]);
        assert_eq!(words(""), Vec::<&str>::new());
    }

    #[test]
    fn curly_and_straight_apostrophes_hash_alike() {
        let text = "Didn’t didn't DIDNT";
        let hashes: Vec<u64> = tokenise(text, 10).iter().map(|token| token.hash).collect();
        assert_eq!(hashes, [hash_word("didnt"); 3]);
    }

    #[test]
    fn a_decimal_point_does_not_end_a_sentence_and_a_question_marks_its_words() {
        let tokens = tokenise("Took 2.5 mg. Is that safe? Thanks.", 100);
        assert_eq!(
            tokens
                .iter()
                .filter(|token| token.before == Break::Sentence)
                .count(),
            2
        );
        let asked: Vec<bool> = tokens.iter().map(|token| token.in_question).collect();
        assert_eq!(asked, [false, false, false, false, true, true, true, false]);
    }

    #[test]
    fn prefixes_match_their_stems() {
        let token = tokenise("nauseated", 10)[0];
        assert_eq!(token.prefixes["nause".len() - 3], hash_prefix(b"nause"));
        assert_eq!(token.prefixes[9], 0);
    }
}
