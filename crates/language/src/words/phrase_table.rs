//! Phrases looked up by the hashes of their words: for cue lists, where every phrase has a meaning of its own.
//!
//! Cheaper than an automaton for short lists, because the words are hashed already; the taxonomy keeps its
//! automaton for open phrases.

use super::{Words, fold_phrase};
use crate::stable_hash::{hash_bytes, pair};
use rustc_hash::FxHashMap;

/// Phrases with their meanings.
#[derive(Debug, Clone)]
pub(crate) struct PhraseTable<M> {
    entries: FxHashMap<u64, Entry<M>>,
    longest: usize,
}

#[derive(Debug, Clone)]
struct Entry<M> {
    meanings: Vec<M>,
    begins: bool,
}

impl<M: Copy> PhraseTable<M> {
    /// Builds a table; a phrase may be given several meanings. Phrases without a word are left out.
    pub(crate) fn new<'a>(phrases: impl IntoIterator<Item = (&'a str, M)>) -> PhraseTable<M> {
        let mut table = PhraseTable {
            entries: FxHashMap::default(),
            longest: 1,
        };
        for (phrase, meaning) in phrases {
            let folded = fold_phrase(phrase);
            let words: Vec<u64> = folded
                .split(' ')
                .filter(|word| !word.is_empty())
                .map(|word| hash_bytes(word.as_bytes()))
                .collect();
            let Some(hash) = words.iter().copied().reduce(pair) else {
                continue;
            };
            table.longest = table.longest.max(words.len());
            table.at(hash).meanings.push(meaning);
            if words.len() > 1 {
                table.at(words[0]).begins = true;
            }
        }
        table
    }

    fn at(&mut self, hash: u64) -> &mut Entry<M> {
        self.entries.entry(hash).or_insert(Entry {
            meanings: Vec::new(),
            begins: false,
        })
    }

    /// Meanings of one word by itself.
    pub(crate) fn word(&self, hash: u64) -> &[M] {
        self.entries.get(&hash).map_or(&[], |entry| &entry.meanings)
    }

    /// Calls `each` with the meaning, the hash and the number of words of every phrase that begins at word `at`, lies
    /// before word `end`, and is not cut by the end of a sentence.
    #[inline]
    pub(crate) fn each_at(
        &self,
        words: &Words,
        at: usize,
        end: usize,
        mut each: impl FnMut(M, u64, usize),
    ) {
        let list = words.words();
        let mut hash = list[at].hash;
        let Some(entry) = self.entries.get(&hash) else {
            return;
        };
        entry
            .meanings
            .iter()
            .for_each(|meaning| each(*meaning, hash, 1));
        if !entry.begins {
            return;
        }
        for (length, word) in (2..).zip(&list[at + 1..end.min(at + self.longest)]) {
            if word.before.ends_sentence() {
                return;
            }
            hash = pair(hash, word.hash);
            if let Some(entry) = self.entries.get(&hash) {
                entry
                    .meanings
                    .iter()
                    .for_each(|meaning| each(*meaning, hash, length));
            }
        }
    }
}
