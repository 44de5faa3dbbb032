//! Phrases looked up by the hashes of their words: for cue lists, where every phrase has a meaning of its own.
//!
//! Cheaper than an automaton for short lists, because the words are hashed already; the taxonomy keeps its
//! automaton for open phrases.

use super::{Filter, Words, fold_phrase};
use crate::stable_hash::{hash_bytes, pair};
use rustc_hash::FxHashMap;

/// Phrases with their meanings.
#[derive(Debug, Clone)]
pub(crate) struct PhraseTable<M> {
    entries: FxHashMap<u64, Entry<M>>,
    /// Over the first words of all phrases.
    first_words: Filter,
    /// Over the beginnings of phrases of two and more words, each as long as a phrase.
    phrases: Filter,
}

#[derive(Debug, Clone)]
struct Entry<M> {
    meanings: Vec<M>,
    /// Words of the longest phrase that begins with this word; 1: none goes on.
    longest: usize,
}

impl<M> Default for Entry<M> {
    fn default() -> Entry<M> {
        Entry {
            meanings: Vec::new(),
            longest: 1,
        }
    }
}

impl<M: Copy> PhraseTable<M> {
    /// Builds a table; a phrase may be given several meanings. Phrases without a word are left out.
    pub(crate) fn new<'a>(phrases: impl IntoIterator<Item = (&'a str, M)>) -> PhraseTable<M> {
        let mut entries: FxHashMap<u64, Entry<M>> = FxHashMap::default();
        let (mut first_words, mut long_phrases) = (Vec::new(), Vec::new());
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
            entries.entry(hash).or_default().meanings.push(meaning);
            let first = entries.entry(words[0]).or_default();
            first.longest = first.longest.max(words.len());
            first_words.push(words[0]);
            if words.len() > 1 {
                long_phrases.push(hash);
            }
        }
        PhraseTable {
            entries,
            first_words: Filter::of(first_words.len(), first_words),
            phrases: Filter::of(long_phrases.len(), long_phrases),
        }
    }

    /// Meanings of one word by itself.
    pub(crate) fn word(&self, hash: u64) -> &[M] {
        if !self.first_words.may_hold(hash) {
            return &[];
        }
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
        if !self.first_words.may_hold(hash) {
            return;
        }
        let Some(entry) = self.entries.get(&hash) else {
            return;
        };
        entry
            .meanings
            .iter()
            .for_each(|meaning| each(*meaning, hash, 1));
        let last = end.min(at + entry.longest.max(1));
        for (length, word) in (2..).zip(&list[at + 1..last]) {
            if word.before.ends_sentence() {
                return;
            }
            hash = pair(hash, word.hash);
            if self.phrases.may_hold(hash)
                && let Some(entry) = self.entries.get(&hash)
            {
                entry
                    .meanings
                    .iter()
                    .for_each(|meaning| each(*meaning, hash, length));
            }
        }
    }
}
