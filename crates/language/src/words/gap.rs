//! What stands between two words, as a few bits.

/// Marks between two words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gap(u16);

impl Gap {
    /// A comma or semicolon-like pause.
    pub const COMMA: Gap = Gap(1);
    /// The end of a sentence: full stop, line break, ellipsis.
    pub const STOP: Gap = Gap(2);
    /// A question mark.
    pub const QUESTION: Gap = Gap(4);
    /// An exclamation mark.
    pub const EXCLAIM: Gap = Gap(8);
    /// More than one exclamation mark.
    pub const EXCLAIM_MORE: Gap = Gap(16);
    /// A dash, bracket, slash, colon or semicolon.
    pub const BREAK: Gap = Gap(32);
    /// Punctuation that may spell an emoticon.
    pub const MARKS: Gap = Gap(64);
    /// `#` directly before the word.
    pub const HASH: Gap = Gap(128);
    /// `@` directly before the word.
    pub const AT: Gap = Gap(256);

    /// Punctuation that may spell an emoticon, other than full stops, which alone spell none.
    pub const FACE: Gap = Gap(512);

    /// Whether any mark of `other` is in this gap.
    #[inline]
    #[must_use]
    pub const fn has(self, other: Gap) -> bool {
        self.0 & other.0 != 0
    }

    /// This gap with the marks of `other`.
    #[inline]
    #[must_use]
    pub const fn with(self, other: Gap) -> Gap {
        Gap(self.0 | other.0)
    }

    /// Whether a sentence ended in this gap.
    #[inline]
    #[must_use]
    pub const fn ends_sentence(self) -> bool {
        self.has(Gap(2 | 4 | 8))
    }

    /// Whether a clause ended in this gap: a sentence end, a comma, or a break.
    #[inline]
    #[must_use]
    pub const fn ends_clause(self) -> bool {
        self.has(Gap(1 | 2 | 4 | 8 | 32))
    }

    /// The gap after taking a blank in, the character most gaps are.
    #[inline]
    pub(super) const fn after_blank(self) -> Gap {
        Gap(self.0 & !(128 | 256))
    }

    /// The gap after taking one more character in. `#` and `@` count only when nothing follows them.
    #[inline]
    pub(super) fn take(self, mark: char) -> Gap {
        let kept = Gap(self.0 & !(128 | 256));
        match mark {
            ' ' | '\t' => kept,
            ',' | '，' | '、' | '،' => kept.with(Gap::COMMA),
            '.' | '…' | '。' | '।' | '\n' | '\r' | '۔' => {
                kept.with(Gap::STOP).with(Gap::MARKS)
            }
            '?' | '？' | '؟' | '¿' => kept.with(Gap::QUESTION),
            '!' | '！' | '¡' => kept.with(if kept.has(Gap::EXCLAIM) {
                Gap::EXCLAIM_MORE
            } else {
                Gap::EXCLAIM
            }),
            ':' | ';' | '(' | ')' | '-' | '–' | '—' | '/' | '[' | ']' | '|' | '：' | '；' => {
                let kept = kept.with(Gap::MARKS).with(Gap::FACE);
                if mark == '-' {
                    kept
                } else {
                    kept.with(Gap::BREAK)
                }
            }
            '<' | '=' | '^' | '>' | '*' | '\\' => kept.with(Gap::MARKS).with(Gap::FACE),
            '#' => kept.with(Gap::HASH),
            '@' => kept.with(Gap::AT),
            _ => kept,
        }
    }
}
