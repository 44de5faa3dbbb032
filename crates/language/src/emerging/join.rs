//! Rising terms that live in the same texts are one theme.

use super::EmergingTheme;
use super::bucket::OpenBucket;
use super::sketch::Sketch;
use super::track::{EXEMPLARS, Track};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Least overlap of items for two terms to be one theme.
const LEAST_OVERLAP: f32 = 0.34;
/// Terms a theme is labelled with.
const LABEL_TERMS: usize = 3;

/// Founding terms that mark a text as being about the theme.
const MARKERS: usize = 6;

/// A theme that was proposed: its later facets are not proposed again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Joined {
    pub id: u64,
    /// Its strongest founding terms.
    pub markers: Vec<u64>,
    terms: BTreeSet<u64>,
    founding_items: Vec<Sketch>,
    pub last_seen: i64,
}

impl Joined {
    pub(super) fn new(id: u64, bucket: i64, hashes: &[u64], tracks: &[&Track]) -> Joined {
        let founding_items = tracks
            .iter()
            .take(MARKERS)
            .map(|track| track.items.clone())
            .collect();
        Joined {
            id,
            markers: hashes.iter().copied().take(MARKERS).collect(),
            terms: hashes.iter().copied().collect(),
            founding_items,
            last_seen: bucket,
        }
    }

    /// Whether the terms belong here: the leading one is known, stands beside the theme, or lives in the same items.
    pub(super) fn holds(&self, hashes: &[u64], tracks: &[&Track]) -> bool {
        let leader = tracks[0];
        self.terms.contains(&hashes[0])
            || leader.facet() == Some(self.id)
            || self
                .founding_items
                .iter()
                .any(|items| items.overlap(&leader.items) >= LEAST_OVERLAP)
    }

    pub(super) fn take(&mut self, bucket: i64, hashes: &[u64]) {
        self.last_seen = bucket;
        self.terms.extend(hashes);
    }
}

/// Founding terms of all themes with the theme's id; a term two themes share marks the older one.
pub(super) fn markers(joined: &[Joined]) -> BTreeMap<u64, u64> {
    let mut markers = BTreeMap::new();
    for theme in joined {
        theme.markers.iter().for_each(|term| {
            markers.entry(*term).or_insert(theme.id);
        });
    }
    markers
}

/// The texts of a bucket in which each of a few terms was said.
///
/// Samples of items tell whether two terms of like size share their texts. Of a term of ten texts beside one of three hundred they hold a
/// text or two; this is exact.
#[derive(Debug, Default)]
pub(super) struct SaidIn(FxHashMap<u64, Vec<u32>>);

impl SaidIn {
    pub(super) fn of(open: &OpenBucket, terms: impl Iterator<Item = u64>) -> SaidIn {
        let mut said: FxHashMap<u64, Vec<u32>> = terms.map(|term| (term, Vec::new())).collect();
        if said.is_empty() {
            return SaidIn::default();
        }
        for (at, text) in (0u32..).zip(open.by_person()) {
            for term in text.terms {
                if let Some(texts) = said.get_mut(&term.hash)
                    && texts.last() != Some(&at)
                {
                    texts.push(at);
                }
            }
        }
        SaidIn(said)
    }

    /// Whether at least half of the texts of `term` hold one of `others` too.
    fn stands_beside(&self, term: u64, others: &[u64]) -> bool {
        let Some(texts) = self.0.get(&term).filter(|texts| !texts.is_empty()) else {
            return false;
        };
        let others: Vec<&Vec<u32>> = others
            .iter()
            .filter_map(|other| self.0.get(other))
            .collect();
        let beside = texts
            .iter()
            .filter(|text| others.iter().any(|other| other.binary_search(text).is_ok()));
        2 * beside.count() >= texts.len()
    }
}

/// Groups of indices into `rising` (strongest first): a term joins the first group whose strongest term shares its items, or in whose
/// breath it was said: half of its texts hold one of the group's strongest terms.
///
/// Leader clustering, not single link: a chain of pairwise overlaps would tie unlike themes together.
pub(super) fn groups(rising: &[(u64, &Track)], said: &SaidIn) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (at, (term, track)) in rising.iter().enumerate() {
        let belongs = |group: &&mut Vec<usize>| {
            let markers: Vec<u64> = group
                .iter()
                .take(MARKERS)
                .map(|member| rising[*member].0)
                .collect();
            rising[group[0]].1.items.overlap(&track.items) >= LEAST_OVERLAP
                || said.stands_beside(*term, &markers)
        };
        match groups.iter_mut().find(belongs) {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    groups
}

/// The proposal of one group.
pub(super) fn theme(id: u64, first_seen: i64, tracks: &[&Track]) -> EmergingTheme {
    let leader = tracks[0];
    let terms: Vec<String> = tracks
        .iter()
        .map(|track| track.label().to_owned())
        .collect();
    let mut exemplars: Vec<u64> = Vec::new();
    for item in tracks.iter().flat_map(|track| track.exemplars()) {
        if exemplars.len() < EXEMPLARS && !exemplars.contains(item) {
            exemplars.push(*item);
        }
    }
    EmergingTheme {
        id,
        label: label(&terms),
        terms,
        first_seen,
        people: tracks.iter().map(|track| track.people()).max().unwrap_or(0),
        sources: tracks
            .iter()
            .map(|track| track.sources())
            .max()
            .unwrap_or(0),
        expected: leader.expected(),
        significance: leader.significance(),
        exemplars,
        stability: stability(tracks),
    }
}

/// The strongest terms, without those that only repeat a longer one.
fn label(terms: &[String]) -> String {
    let mut shown: Vec<&str> = Vec::new();
    for term in terms.iter().take(3 * LABEL_TERMS) {
        if shown.iter().any(|other| other.contains(term.as_str())) {
            continue;
        }
        shown.retain(|other| !term.contains(other));
        shown.push(term);
        if shown.len() == LABEL_TERMS {
            break;
        }
    }
    shown.join(", ")
}

#[expect(clippy::cast_precision_loss, reason = "a few terms")]
fn stability(tracks: &[&Track]) -> f32 {
    if tracks.len() < 2 {
        return 1.0;
    }
    tracks[1..]
        .iter()
        .map(|track| track.items.overlap(&tracks[0].items))
        .sum::<f32>()
        / (tracks.len() - 1) as f32
}

#[cfg(test)]
mod tests {
    use super::super::bucket::Voice;
    use super::*;
    use crate::stable_hash::hash_bytes;
    use crate::words::Words;

    #[test]
    fn a_small_term_is_known_beside_a_large_one() {
        let mut open = OpenBucket::default();
        let mut say = |number: u64, text: &str| {
            let voice = Voice {
                person: number,
                source: 1,
                item: number,
            };
            open.observe(&Words::of(text), voice);
        };
        (0..300).for_each(|number| say(number, "flood rescue"));
        (300..306).for_each(|number| say(number, "rescue sampaloc"));
        (306..310).for_each(|number| say(number, "sampaloc bridge"));
        (310..318).for_each(|number| say(number, "cracked stopper"));
        let term = |word: &str| hash_bytes(word.as_bytes());
        let said = SaidIn::of(
            &open,
            ["rescue", "sampaloc", "bridge", "stopper"]
                .map(term)
                .into_iter(),
        );
        // Six of ten texts hold "rescue"; four of ten, were it the other way round.
        assert!(said.stands_beside(term("sampaloc"), &[term("rescue")]));
        assert!(!said.stands_beside(term("sampaloc"), &[term("bridge")]));
        assert!(said.stands_beside(term("bridge"), &[term("rescue"), term("sampaloc")]));
        assert!(!said.stands_beside(term("rescue"), &[term("sampaloc")]));
        assert!(!said.stands_beside(term("stopper"), &[term("rescue")]));
    }
}
