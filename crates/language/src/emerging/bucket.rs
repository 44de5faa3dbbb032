//! Counts of one open bucket.

use super::sketch::Sketch;
use super::terms::{label, terms};
use super::track::EXEMPLARS;
use crate::stable_hash;
use crate::words::Words;
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

/// One open bucket.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct BucketCounts {
    persons: std::collections::BTreeSet<u64>,
    terms: BTreeMap<u64, TermCounts>,
}

impl BucketCounts {
    pub(super) fn observe(
        &mut self,
        words: &Words,
        person_hash: u64,
        source_hash: u64,
        item_id: u64,
        markers: &BTreeMap<u64, u64>,
    ) {
        self.persons.insert(person_hash);
        let item = stable_hash::spread(item_id);
        let terms = terms(words);
        let mut themes: Vec<u64> = if markers.is_empty() {
            Vec::new()
        } else {
            terms
                .iter()
                .filter_map(|term| markers.get(&term.hash).copied())
                .collect()
        };
        themes.sort_unstable();
        themes.dedup();
        for term in terms {
            if self.terms.len() >= MOST_TERMS && !self.terms.contains_key(&term.hash) {
                continue;
            }
            let counts = self.terms.entry(term.hash).or_insert_with(|| TermCounts {
                label: label(words, &term),
                ..TermCounts::default()
            });
            counts.items.insert(item);
            counts.sources.insert(stable_hash::spread(source_hash));
            // Beyond the sample's size the same person may be counted again; by then corroboration is no question.
            if counts.persons.insert(stable_hash::spread(person_hash)) {
                counts.people += 1;
                themes.iter().for_each(|theme| counts.stands_beside(*theme));
                if counts.exemplars.len() < EXEMPLARS {
                    counts.exemplars.push(item_id);
                }
            }
        }
    }

    /// Distinct people heard in the bucket.
    pub(super) fn people(&self) -> u32 {
        u32::try_from(self.persons.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn into_terms(self) -> BTreeMap<u64, TermCounts> {
        self.terms
    }
}
