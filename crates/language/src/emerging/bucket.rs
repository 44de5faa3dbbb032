//! Counts of one open bucket.

use super::sketch::Sketch;
use super::terms::{label, terms};
use super::track::EXEMPLARS;
use crate::stable_hash;
use crate::words::Words;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Terms counted in one bucket at most; beyond, a new term is not taken in. About 30,000 texts of feedback hold so many.
const MOST_TERMS: usize = 400_000;

/// What one bucket said of one term.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct TermCounts {
    pub label: String,
    pub people: u32,
    pub sources: Sketch,
    pub persons: Sketch,
    pub items: Sketch,
    pub exemplars: Vec<u64>,
    /// People whose text also held a founding term of a known theme, by theme id.
    pub beside: Vec<(u64, u32)>,
}

impl TermCounts {
    fn stands_beside(&mut self, theme: u64) {
        match self.beside.iter_mut().find(|(other, _)| *other == theme) {
            Some((_, people)) => *people += 1,
            None => self.beside.push((theme, 1)),
        }
    }

    /// The known theme that at least half of the people spoke of in the same breath.
    pub(super) fn facet_of(&self) -> Option<u64> {
        self.beside
            .iter()
            .filter(|(_, people)| 2 * people >= self.people)
            .max_by_key(|(theme, people)| (*people, *theme))
            .map(|(theme, _)| *theme)
    }
}

/// What was heard of one term in an open bucket. Most terms are said once: they are kept without the sets, which
/// makes counting about three times faster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Heard {
    Once(Once),
    Often(Box<TermCounts>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Once {
    label: Box<str>,
    voice: Voice,
    beside: Vec<u64>,
}

/// Who said it, where, in which item.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Voice {
    person: u64,
    source: u64,
    item: u64,
}

impl TermCounts {
    fn hear(&mut self, voice: Voice, themes: &[u64]) {
        self.items.insert(stable_hash::spread(voice.item));
        self.sources.insert(stable_hash::spread(voice.source));
        // Beyond the sample's size the same person may be counted again; by then corroboration is no question.
        if self.persons.insert(stable_hash::spread(voice.person)) {
            self.people += 1;
            themes.iter().for_each(|theme| self.stands_beside(*theme));
            if self.exemplars.len() < EXEMPLARS {
                self.exemplars.push(voice.item);
            }
        }
    }
}

impl Heard {
    fn hear(&mut self, voice: Voice, themes: &[u64]) {
        match self {
            Heard::Often(counts) => counts.hear(voice, themes),
            Heard::Once(once) => {
                let mut counts = once.counts();
                counts.hear(voice, themes);
                *self = Heard::Often(Box::new(counts));
            }
        }
    }

    fn into_counts(self) -> TermCounts {
        match self {
            Heard::Often(counts) => *counts,
            Heard::Once(once) => once.counts(),
        }
    }
}

impl Once {
    fn counts(&self) -> TermCounts {
        let mut counts = TermCounts {
            label: self.label.to_string(),
            ..TermCounts::default()
        };
        counts.hear(self.voice, &self.beside);
        counts
    }
}

/// A term of a bucket that was closed.
pub(super) struct ClosedTerm {
    pub hash: u64,
    pub people: u32,
    heard: Heard,
}

impl ClosedTerm {
    /// Everything that was heard of it.
    pub(super) fn counts(self) -> TermCounts {
        self.heard.into_counts()
    }
}

/// One open bucket.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct BucketCounts {
    persons: std::collections::BTreeSet<u64>,
    #[serde(serialize_with = "sorted")]
    terms: FxHashMap<u64, Heard>,
}

impl BucketCounts {
    pub(super) fn observe(
        &mut self,
        words: &Words,
        person: u64,
        source: u64,
        item: u64,
        markers: &BTreeMap<u64, u64>,
    ) {
        self.persons.insert(person);
        let voice = Voice {
            person,
            source,
            item,
        };
        let terms = terms(words);
        let mut themes: Vec<u64> = Vec::new();
        if !markers.is_empty() {
            themes.extend(
                terms
                    .iter()
                    .filter_map(|term| markers.get(&term.hash).copied()),
            );
            themes.sort_unstable();
            themes.dedup();
        }
        for term in terms {
            if let Some(heard) = self.terms.get_mut(&term.hash) {
                heard.hear(voice, &themes);
            } else if self.terms.len() < MOST_TERMS {
                let once = Once {
                    label: label(words, &term).into(),
                    voice,
                    beside: themes.clone(),
                };
                self.terms.insert(term.hash, Heard::Once(once));
            }
        }
    }

    /// Distinct people heard in the bucket.
    pub(super) fn people(&self) -> u32 {
        u32::try_from(self.persons.len()).unwrap_or(u32::MAX)
    }

    /// All terms, sorted by hash.
    pub(super) fn into_terms(self) -> Vec<ClosedTerm> {
        let people = |heard: &Heard| match heard {
            Heard::Once(_) => 1,
            Heard::Often(counts) => counts.people,
        };
        let mut terms: Vec<ClosedTerm> = self
            .terms
            .into_iter()
            .map(|(hash, heard)| ClosedTerm {
                hash,
                people: people(&heard),
                heard,
            })
            .collect();
        terms.sort_unstable_by_key(|term| term.hash);
        terms
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "collected into a sorted map before anything is written"
)]
fn sorted<S: serde::Serializer>(
    terms: &FxHashMap<u64, Heard>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    terms
        .iter()
        .collect::<BTreeMap<_, _>>()
        .serialize(serializer)
}
