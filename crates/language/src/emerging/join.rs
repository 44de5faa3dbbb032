//! Rising terms that live in the same texts are one theme.

use super::EmergingTheme;
use super::sketch::Sketch;
use super::track::{EXEMPLARS, Track};
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

/// Groups of indices into `rising` (strongest first): a term joins the first group whose strongest term shares its items.
///
/// Leader clustering, not single link: a chain of pairwise overlaps would tie unlike themes together.
pub(super) fn groups(rising: &[(u64, &Track)]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (at, (_, track)) in rising.iter().enumerate() {
        match groups
            .iter_mut()
            .find(|group| rising[group[0]].1.items.overlap(&track.items) >= LEAST_OVERLAP)
        {
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
