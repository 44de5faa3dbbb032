//! Cuts a text into sentences and clauses.
//!
//! A parser would be slower and no better on feedback, which is half fragments. A clause ends at a mark, before a
//! contrasting conjunction, and at an "and" that opens a new subject ("… and the nurse …").

use crate::stable_hash::hash_bytes;
use crate::words::{Word, Words};
use std::ops::Range;

const OPENS: &[u64] = &[
    hash_bytes(b"but"),
    hash_bytes(b"however"),
    hash_bytes(b"although"),
    hash_bytes(b"though"),
    hash_bytes(b"yet"),
    hash_bytes(b"while"),
    hash_bytes(b"whereas"),
    hash_bytes(b"except"),
    hash_bytes(b"because"),
    hash_bytes(b"aber"),
    hash_bytes(b"mais"),
    hash_bytes(b"pero"),
    hash_bytes(b"ma"),
    hash_bytes(b"maar"),
    hash_bytes(b"mas"),
];
/// One bit of 64 for each of them: three words in four are surely none.
const OPENS_BITS: u64 = {
    let (mut bits, mut at) = (0, 0);
    while at < OPENS.len() {
        bits |= 1 << (OPENS[at] & 63);
        at += 1;
    }
    bits
};
const AND: u64 = hash_bytes(b"and");
const SUBJECTS: &[u64] = &[
    hash_bytes(b"the"),
    hash_bytes(b"my"),
    hash_bytes(b"it"),
    hash_bytes(b"they"),
    hash_bytes(b"he"),
    hash_bytes(b"she"),
    hash_bytes(b"we"),
    hash_bytes(b"i"),
    hash_bytes(b"their"),
    hash_bytes(b"our"),
    hash_bytes(b"your"),
    hash_bytes(b"his"),
    hash_bytes(b"her"),
    hash_bytes(b"this"),
    hash_bytes(b"that"),
    hash_bytes(b"you"),
];

/// Words of the clauses from that of word `first` to that of word `last`.
///
/// Looked for from the words outward: a text has one or two themes, and a list of all its clauses was mostly not read.
pub(super) fn clauses(words: &Words, first: usize, last: usize) -> Range<usize> {
    around(words.words(), first, last, begins_clause)
}

/// Words of the sentences from that of word `first` to that of word `last`.
pub(super) fn sentences(words: &Words, first: usize, last: usize) -> Range<usize> {
    around(words.words(), first, last, |list, at| {
        list[at].before.ends_sentence()
    })
}

#[inline]
fn begins_clause(list: &[Word], at: usize) -> bool {
    let word = &list[at];
    let opens = || OPENS_BITS & (1 << (word.hash & 63)) != 0 && OPENS.contains(&word.hash);
    let new_subject = || {
        word.hash == AND
            && list
                .get(at + 1)
                .is_some_and(|next| SUBJECTS.contains(&next.hash))
    };
    word.before.ends_clause() || opens() || new_subject()
}

#[inline]
fn around(
    list: &[Word],
    first: usize,
    last: usize,
    begins: impl Fn(&[Word], usize) -> bool,
) -> Range<usize> {
    let first = first.min(list.len().saturating_sub(1));
    let start = (1..=first).rev().find(|at| begins(list, *at));
    let end = (last + 1..list.len()).find(|at| begins(list, *at));
    start.unwrap_or(0)..end.unwrap_or(list.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_at_marks_contrasts_and_new_subjects() {
        let words = Words::of("The pen is easy and the nurse was rude. It works but hurts, sadly");
        let clause = |at| clauses(&words, at, at);
        let sentence = |at| sentences(&words, at, at);
        assert_eq!(clause(1), 0..4);
        assert_eq!(clause(6), 4..9);
        assert_eq!(sentence(6), 0..9);
        assert_eq!(clause(10), 9..11);
        assert_eq!(clause(13), 13..14);
        assert_eq!(sentence(13), 9..14);
    }
}
