//! A text read once: folded to lower case, cut into words, with the way back to the original bytes.
//!
//! Every room of this crate needs words, and reading the text is the larger part of the cost, so it is read
//! once and shared. We fold to one plain form (lower case, one space between words, curly apostrophes
//! straightened, hyphens and other marks as gaps) rather than matching raw text with flexible patterns: "Prior-authorisation",
//! "prior  authorisation" and "prior\nauthorisation" are then one phrase for one automaton, and a word boundary is
//! simply a space. What stood between two words is kept as [`Gap`], because clauses need commas.
//!
//! Scripts without spaces (Han, kana, Thai, Lao, Khmer, Burmese) give one word a character. The Unicode
//! word-breaking rules (UAX 29, crate `unicode-segmentation`) were not used: about ten times slower,
//! and they split neither hashtags nor hyphenated terms the way phrases need.

mod filter;
mod gap;
mod phrase_table;
mod reader;

pub(crate) use filter::Filter;
pub use gap::Gap;
pub(crate) use phrase_table::PhraseTable;
pub use reader::Words;
pub(crate) use reader::fold_phrase;

/// One word of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// First byte in the original text.
    pub start: u32,
    /// One past the last byte in the original text.
    pub end: u32,
    /// First byte in the folded text.
    pub folded_start: u32,
    /// One past the last byte in the folded text.
    pub folded_end: u32,
    /// [`crate::stable_hash`] of the folded word.
    pub hash: u64,
    /// What stood before the word.
    pub before: Gap,
    /// How the word was written.
    pub shape: Shape,
}

/// How a word was written: what folding forgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// No capital.
    #[default]
    Lower,
    /// A capital first, then not all capitals; or a single capital letter.
    Capitalised,
    /// Two or more letters, all of them capitals.
    Upper,
    /// Begins with a digit.
    Number,
    /// A symbol that carries meaning by itself: an emoji.
    Symbol,
}
