//! Names that redaction never takes: the house's products, devices and companies, and those it is compared with.
//!
//! To the name tagger "better than Alpha" looks like "better than Alma". Lists of medicines help with known ones; what a
//! house sells it must say itself. Marking the words before anything looks at them was chosen over taking
//! findings back afterwards: a marked word is also no neighbour of a name, so nothing beside it is dragged in.

use super::word::{Lists, Word, list};
use crate::words::Filter;
use rustc_hash::FxHashMap;

/// Names, each as the hashes of its words and signs, by the first of them.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    first_words: Filter,
    names: FxHashMap<u64, Vec<Vec<u64>>>,
}

impl Default for Kept {
    fn default() -> Kept {
        Kept {
            first_words: Filter::of(0, []),
            names: FxHashMap::default(),
        }
    }
}

impl Kept {
    /// The names; those without a letter or digit are left out.
    pub(crate) fn new<'n>(names: impl IntoIterator<Item = &'n str>, lists: &Lists) -> Kept {
        let mut by_first: FxHashMap<u64, Vec<Vec<u64>>> = FxHashMap::default();
        let mut firsts = Vec::new();
        for name in names
            .into_iter()
            .filter(|name| name.contains(char::is_alphanumeric))
        {
            let hashes: Vec<u64> = super::word::words(name.trim(), lists, super::WORD_LIMIT)
                .iter()
                .map(|word| word.hash)
                .collect();
            if let Some(first) = hashes.first() {
                firsts.push(*first);
                by_first.entry(*first).or_default().push(hashes);
            }
        }
        // The longest first: "Alpha Pen" before "Alpha".
        #[expect(
            clippy::disallowed_methods,
            reason = "each entry is sorted by itself, in whatever order"
        )]
        by_first
            .values_mut()
            .for_each(|names| names.sort_by_key(|name| std::cmp::Reverse(name.len())));
        Kept {
            first_words: Filter::of(firsts.len(), firsts),
            names: by_first,
        }
    }

    /// Marks every word that belongs to a kept name: a term, and nothing else that a list may say of it.
    pub(crate) fn mark(&self, words: &mut [Word]) {
        if self.names.is_empty() {
            return;
        }
        let mut index = 0;
        while index < words.len() {
            let hash = words[index].hash;
            let length = if self.first_words.may_hold(hash) {
                self.names
                    .get(&hash)
                    .into_iter()
                    .flatten()
                    .find(|name| begins(&words[index..], name))
                    .map_or(0, Vec::len)
            } else {
                0
            };
            for word in &mut words[index..index + length] {
                word.lists = list::TERM;
                word.kept = true;
            }
            index += length.max(1);
        }
    }
}

fn begins(words: &[Word], name: &[u64]) -> bool {
    words.len() >= name.len()
        && words
            .iter()
            .zip(name)
            .all(|(word, hash)| word.hash == *hash)
}
