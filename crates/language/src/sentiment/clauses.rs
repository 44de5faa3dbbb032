//! Cuts a text into sentences and clauses.
//!
//! A parser would be slower and no better on feedback, which is half fragments. A clause ends at a mark, before a
//! contrasting conjunction, and at an "and" that opens a new subject ("… and the nurse …").

use crate::stable_hash::hash_bytes;
use crate::words::Words;
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

/// Where clauses and sentences begin, as word indices.
#[derive(Debug, Clone)]
pub(super) struct Clauses {
    clauses: Vec<usize>,
    sentences: Vec<usize>,
    end: usize,
}

impl Clauses {
    pub(super) fn of(words: &Words) -> Clauses {
        let list = words.words();
        let (mut clauses, mut sentences) = (vec![0], vec![0]);
        for (at, word) in list.iter().enumerate().skip(1) {
            let new_subject = word.hash == AND
                && list
                    .get(at + 1)
                    .is_some_and(|next| SUBJECTS.contains(&next.hash));
            if word.before.ends_sentence() {
                sentences.push(at);
                clauses.push(at);
            } else if word.before.ends_clause() || new_subject || OPENS.contains(&word.hash) {
                clauses.push(at);
            }
        }
        Clauses {
            clauses,
            sentences,
            end: list.len(),
        }
    }

    /// Words of the clause that holds word `at`.
    pub(super) fn clause(&self, at: usize) -> Range<usize> {
        around(&self.clauses, at, self.end)
    }

    /// Words of the sentence that holds word `at`.
    pub(super) fn sentence(&self, at: usize) -> Range<usize> {
        around(&self.sentences, at, self.end)
    }
}

fn around(starts: &[usize], at: usize, end: usize) -> Range<usize> {
    let next = starts.partition_point(|start| *start <= at);
    starts[next.saturating_sub(1)]..starts.get(next).copied().unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_at_marks_contrasts_and_new_subjects() {
        let words = Words::of("The pen is easy and the nurse was rude. It works but hurts, sadly");
        let clauses = Clauses::of(&words);
        assert_eq!(clauses.clause(1), 0..4);
        assert_eq!(clauses.clause(6), 4..9);
        assert_eq!(clauses.sentence(6), 0..9);
        assert_eq!(clauses.clause(10), 9..11);
        assert_eq!(clauses.clause(13), 13..14);
        assert_eq!(clauses.sentence(13), 9..14);
    }
}
