//! Drill-down: of all series that say the same thing, the one that says it best speaks; the others attach (B11).
//!
//! Greedy explaining-away. Candidates are taken by strength; one that is no longer surprising once the
//! excess it shares with a speaking series is taken out is attached to that series. What two series share
//! is counted from the contributions themselves, so nested (`product` ⊃ `product × theme`) and crossing
//! series (`product × theme`, `theme × stakeholder`) are handled alike, where a rule over dimension names
//! would only see the nested ones. A fall leaves nothing to count: there, series with compatible
//! dimensions attach to the strongest.

use crate::lattice::{Lattice, SeriesKey};

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
    /// Nothing was seen at all.
    pub is_silent: bool,
    /// Buckets the evidence spans, ending at the bucket judged.
    pub span: usize,
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

/// Sums of a candidate's series over the last `span` buckets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowSums {
    /// What was seen.
    pub observed: f64,
    /// What was expected.
    pub expected: f64,
    /// Variance of what was expected.
    pub variance: f64,
}

/// How often a profile was heard of: its values ([`crate::lattice::Lattice::values`]) and its contributions.
pub type Heard<'a> = (&'a [u32], u32);

/// What grouping looks up: contributions and sums over a window that ends at the bucket judged.
pub trait Windows {
    /// Contributions of the last `span` buckets that count, by profile.
    fn contributions(&self, span: usize) -> &[Heard<'_>];
    /// Sums of `candidate`'s series over the last `span` buckets.
    fn sums(&self, candidate: &Candidate, span: usize) -> WindowSums;
}

/// A candidate is explained when what is left of it lies within this many standard deviations: the 99 % point of
/// the normal distribution.
pub(crate) const EXPLAINED_WITHIN: f64 = 2.33;

/// Groups candidates of one bucket.
pub fn group(candidates: &[Candidate], lattice: &Lattice, windows: &dyn Windows) -> Vec<Group> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|&left, &right| {
        let (left, right) = (&candidates[left], &candidates[right]);
        right
            .strength
            .total_cmp(&left.strength)
            .then_with(|| left.id.cmp(&right.id))
    });
    let mut groups: Vec<Group> = Vec::new();
    for index in order {
        let own = Own::of(&candidates[index], lattice, windows);
        let explained_by = groups.iter().position(|group| {
            let speaker = &candidates[group.speaker];
            // What goes to medical readers alone is not told of beside what goes to everybody.
            lattice.is_medical_view(speaker.key.view)
                == lattice.is_medical_view(candidates[index].key.view)
                && own.is_explained_by(speaker, lattice, windows)
        });
        match explained_by {
            Some(at) => groups[at].attached.push(index),
            None => groups.push(Group {
                speaker: index,
                attached: Vec::new(),
            }),
        }
    }
    groups
}

/// A candidate with its own contributions, found once for all the speakers it is held against.
struct Own<'a> {
    candidate: &'a Candidate,
    contributions: Vec<Heard<'a>>,
}

impl<'a> Own<'a> {
    fn of(candidate: &'a Candidate, lattice: &Lattice, windows: &'a dyn Windows) -> Own<'a> {
        // Only an excess is explained by counting.
        let counted = candidate.counts_items && candidate.upward;
        let contributions = counted
            .then(|| windows.contributions(candidate.span))
            .into_iter()
            .flatten()
            .copied()
            .filter(|(values, _)| lattice.contains(&candidate.key, values))
            .collect();
        Own {
            candidate,
            contributions,
        }
    }

    fn is_explained_by(
        &self,
        speaker: &Candidate,
        lattice: &Lattice,
        windows: &dyn Windows,
    ) -> bool {
        let candidate = self.candidate;
        if speaker.series == candidate.series {
            // Two measures of one series: one story.
            return true;
        }
        if !(speaker.counts_items && candidate.counts_items) {
            return compatible(&speaker.key, &candidate.key, lattice);
        }
        if speaker.upward != candidate.upward {
            return false;
        }
        if !speaker.upward {
            return compatible(&speaker.key, &candidate.key, lattice);
        }
        // Both over the candidate's window: an excess can only be explained by what happened in the same buckets.
        let shared = self
            .contributions
            .iter()
            .filter(|(values, _)| lattice.contains(&speaker.key, values))
            .map(|&(_, times)| f64::from(times))
            .sum::<f64>();
        let of_speaker = windows.sums(speaker, candidate.span);
        let own = windows.sums(candidate, candidate.span);
        let excess_share =
            (1.0 - of_speaker.expected / of_speaker.observed.max(1.0)).clamp(0.0, 1.0);
        let left = own.observed - shared * excess_share;
        shared > 0.0 && (left - own.expected) <= EXPLAINED_WITHIN * own.variance.max(1.0).sqrt()
    }
}
