//! A term that may be rising, followed while evidence gathers.

use super::Settings;
use super::baseline::{Expected, Usual};
use super::count::TermCounts;
use super::sketch::Sketch;
use serde::{Deserialize, Serialize};

/// Items kept to be read.
pub const EXEMPLARS: usize = 5;

/// A term with what was heard since it was first followed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Track {
    label: String,
    first_seen: i64,
    last_seen: i64,
    people_said: u32,
    persons: Sketch,
    sources: Sketch,
    pub(super) items: Sketch,
    exemplars: Vec<u64>,
    /// The known theme this term was last a facet of.
    facet: Option<u64>,
    usual: Usual,
    expected: f32,
    variance: f32,
}

/// More people than usual by more than chance would easily give, and by a share that can still become a rise.
#[expect(clippy::cast_precision_loss, reason = "people in one bucket")]
pub(super) fn is_worth_following(people: u32, expected: Expected, settings: &Settings) -> bool {
    let people = people as f32;
    people > expected.people + expected.variance.sqrt()
        && people >= 0.5 * settings.least_ratio * expected.people
}

impl Track {
    pub(super) fn begin(bucket: i64, counts: &TermCounts, people: u32, usual: Usual) -> Track {
        let mut track = Track {
            label: counts.label.clone(),
            first_seen: bucket,
            last_seen: bucket,
            people_said: 0,
            persons: Sketch::default(),
            sources: Sketch::default(),
            items: Sketch::default(),
            exemplars: Vec::new(),
            facet: None,
            usual,
            expected: 0.0,
            variance: 0.0,
        };
        track.grow(bucket, counts, people);
        track
    }

    pub(super) fn grow(&mut self, bucket: i64, counts: &TermCounts, people: u32) {
        self.last_seen = bucket;
        self.people_said += counts.people;
        self.facet = counts.facet_of();
        self.persons.merge(&counts.persons);
        self.sources.merge(&counts.sources);
        self.items.merge(&counts.items);
        let room = EXEMPLARS.saturating_sub(self.exemplars.len());
        self.exemplars.extend(counts.exemplars.iter().take(room));
        let expected = self.usual.among(people);
        self.expected += expected.people;
        self.variance += expected.variance;
    }

    /// Whether what was heard since the beginning is still more than chance would easily give.
    pub(super) fn still_stands_out(&self, settings: &Settings) -> bool {
        let expected = Expected {
            people: self.expected,
            variance: self.variance,
        };
        is_worth_following(self.people(), expected, settings)
    }

    /// Whether enough people and sources said it, far enough above what was usual.
    pub(super) fn has_risen(&self, settings: &Settings) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "people")]
        let people = self.people() as f32;
        self.people() >= settings.least_people
            && self.sources.size() >= settings.least_sources
            && people >= settings.least_ratio * self.expected
            && self.significance() >= settings.least_significance
    }

    /// Standard deviations of the number of people above the expected.
    #[expect(clippy::cast_precision_loss, reason = "people")]
    pub(super) fn significance(&self) -> f32 {
        (self.people() as f32 - self.expected) / self.variance.max(0.25).sqrt()
    }

    /// Distinct people; one who says it in two buckets counts once while the sample holds all.
    pub(super) fn people(&self) -> u32 {
        self.persons.size().min(self.people_said)
    }

    pub(super) fn facet(&self) -> Option<u64> {
        self.facet
    }

    pub(super) fn sources(&self) -> u32 {
        self.sources.size()
    }

    pub(super) fn first_seen(&self) -> i64 {
        self.first_seen
    }

    pub(super) fn last_seen(&self) -> i64 {
        self.last_seen
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    pub(super) fn expected(&self) -> f32 {
        self.expected
    }

    pub(super) fn exemplars(&self) -> &[u64] {
        &self.exemplars
    }
}
