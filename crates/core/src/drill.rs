//! Drill-down: of all series that say the same thing, the one that says it best speaks; the others attach (B11).
//!
//! Greedy explaining-away. Candidates are taken by strength; one that is no longer surprising once the
//! excess it shares with a speaking series is taken out is attached to that series. What two series share
//! is counted from the contributions themselves, so nested (`product` ⊃ `product × theme`) and crossing
//! series (`product × theme`, `theme × stakeholder`) are handled alike, where a rule over dimension names
//! would only see the nested ones. A fall leaves nothing to count: there, series with compatible
//! dimensions attach to the strongest.

use crate::contribution::Contribution;
use crate::lattice::{Lattice, SeriesKey, Slots};

/// A series that passed false-discovery control and the floors.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Index of the series.
    pub series: usize,
    /// Its key.
    pub key: SeriesKey,
    /// Index of the track (measure) within the series.
    pub track: usize,
    /// Up or down.
    pub upward: bool,
    /// `|observed − expected|` in standard deviations: orders candidates whose p-values underflow.
    pub strength: f64,
    /// Two-sided p-value.
    pub p_value: f64,
    /// What was seen and expected in the window.
    pub observed: f64,
    /// What was expected in the window.
    pub expected: f64,
    /// Whether the measure counts items, so that overlaps can be counted too.
    pub counts_items: bool,
    /// Stable id, for ties.
    pub id: String,
}

/// One speaking candidate and those attached to it (indices into the candidates given).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The one that speaks.
    pub speaker: usize,
    /// Those it explains.
    pub attached: Vec<usize>,
}

/// Whether two series can be about the same thing: they share a dimension with the same value and
/// contradict each other in none.
#[must_use]
pub fn compatible(left: &SeriesKey, right: &SeriesKey, lattice: &Lattice) -> bool {
    let mut shared = false;
    for (&slot, &value) in lattice.view(left.view).iter().zip(&left.values) {
        match lattice.value_of(right, slot) {
            Some(other) if other != value => return false,
            Some(_) => shared = true,
            None => {}
        }
    }
    shared
}

/// Groups candidates of one bucket. `contributions` are those of the bucket that count;
/// `still_surprising(candidate, observed)` judges a candidate's baseline against a lower count.
pub fn group<'a>(
    candidates: &[Candidate],
    lattice: &Lattice,
    contributions: &[&'a Contribution],
    still_surprising: &mut dyn FnMut(&Candidate, f64) -> bool,
) -> Vec<Group> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|&left, &right| {
        let (left, right) = (&candidates[left], &candidates[right]);
        right.strength.total_cmp(&left.strength).then_with(|| left.id.cmp(&right.id))
    });
    let mut groups: Vec<Group> = Vec::new();
    for index in order {
        let candidate = &candidates[index];
        let explained_by = groups.iter().position(|group| {
            explains(&candidates[group.speaker], candidate, lattice, contributions, still_surprising)
        });
        match explained_by {
            Some(at) => groups[at].attached.push(index),
            None => groups.push(Group { speaker: index, attached: Vec::new() }),
        }
    }
    groups
}

fn explains(
    speaker: &Candidate,
    candidate: &Candidate,
    lattice: &Lattice,
    contributions: &[&Contribution],
    still_surprising: &mut dyn FnMut(&Candidate, f64) -> bool,
) -> bool {
    if speaker.series == candidate.series {
        // Two measures of one series: one story.
        return true;
    }
    let same_key_family = compatible(&speaker.key, &candidate.key, lattice);
    if !(speaker.counts_items && candidate.counts_items) {
        return same_key_family;
    }
    if speaker.upward != candidate.upward {
        return false;
    }
    if !speaker.upward {
        return same_key_family;
    }
    let shared = contributions
        .iter()
        .filter(|contribution| {
            let slots = Slots::new(&contribution.values);
            lattice.contains(&speaker.key, &slots) && lattice.contains(&candidate.key, &slots)
        })
        .count() as f64;
    let excess_share = (1.0 - speaker.expected / speaker.observed.max(1.0)).clamp(0.0, 1.0);
    let without = (candidate.observed - shared * excess_share).max(0.0);
    shared > 0.0 && !still_surprising(candidate, without)
}
