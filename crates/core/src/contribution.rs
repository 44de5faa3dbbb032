//! What the machine keeps of a mention: enough to count it, to take it back, and to explain a signal.

use crate::identity::{short_hash, wide_hash};
use crate::interner::Interner;
use crate::lattice::Lattice;
use crate::mention::Mention;
use crate::time::{BucketIndex, BucketWidth, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Longest quote kept, in characters.
pub const MAX_QUOTE_CHARACTERS: usize = 280;

/// A mention as the machine remembers it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// Hash of source and feedback id: corrections share it.
    pub feedback: u128,
    /// Hash of source and event id: duplicates share it.
    pub event: u64,
    /// Of two versions of one feedback the later recorded counts, the larger event hash on a tie.
    pub recorded_at: Timestamp,
    /// Event time.
    pub occurred_at: Timestamp,
    /// Watermark of its source partition on arrival.
    pub watermark: Timestamp,
    /// Watermark at which a correction took it out; `None`: it counts.
    pub removed_at: Option<Timestamp>,
    /// Hash of the person, 0 if unknown.
    pub person: u64,
    /// Hash of the thread, 0 if none.
    pub thread: u64,
    /// Voice it repeats ([`crate::repeats`]), 0: its own, or it says something new in its thread. Kept in records of its own.
    #[serde(skip)]
    pub voice: u64,
    /// Number of the feed.
    pub feed: u32,
    /// Overall feeling, thousandths.
    pub sentiment: Option<i16>,
    /// Feeling per theme, in the order of the theme slot.
    pub theme_sentiment: Vec<Option<i16>>,
    /// Rating, thousandths.
    pub rating: Option<u16>,
    /// Values per slot ([`Lattice::values`]); in the journal one list for all of its profile.
    pub values: Arc<[u32]>,
    /// Number of the list within the journal: the same number, the same values. Given out when filed.
    #[serde(skip)]
    pub profile: u32,
    /// Quote, if the text may be quoted: not from a safety candidate, not a medical request.
    pub quote: Option<Quote>,
}

/// Words that may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Feedback id.
    pub feedback_id: Box<str>,
    /// Redacted text, at most [`MAX_QUOTE_CHARACTERS`].
    pub text: Box<str>,
    /// Language.
    pub language: Box<str>,
}

impl Contribution {
    /// What to remember of `mention`.
    pub fn of(mention: &Mention<'_>, lattice: &Lattice, interner: &mut Interner) -> Contribution {
        let quotable = !mention.safety_candidate
            && !mention.medical_request
            && !mention.text.trim().is_empty();
        Contribution {
            feedback: wide_hash(&[&mention.event_source, &mention.feedback_id]),
            event: short_hash(&[&mention.event_source, &mention.event_id]),
            recorded_at: mention.recorded_at,
            occurred_at: mention.occurred_at,
            watermark: mention.watermark,
            removed_at: None,
            person: mention
                .who
                .person
                .as_deref()
                .map_or(0, |person| short_hash(&[&mention.tenant, person])),
            thread: mention
                .thread
                .as_deref()
                .map_or(0, |thread| short_hash(&[&mention.event_source, thread])),
            voice: 0,
            feed: interner.intern(&mention.feed),
            sentiment: mention.sentiment,
            theme_sentiment: mention.themes.iter().map(|tag| tag.sentiment).collect(),
            rating: mention.rating,
            values: lattice.values(mention, interner),
            profile: 0,
            quote: quotable.then(|| Quote {
                feedback_id: mention.feedback_id.as_ref().into(),
                text: quoted(&mention.text).into(),
                language: mention.language.as_ref().into(),
            }),
        }
    }

    /// Whose voice it is: the thread the source names, the text it repeats, or its own. A voice counts once per
    /// series and bucket.
    #[must_use]
    pub fn voice(&self) -> u64 {
        match (self.thread, self.voice) {
            (0, 0) => self.feedback as u64,
            (0, voice) => voice,
            (thread, _) => thread,
        }
    }

    /// The bucket it belongs to.
    #[must_use]
    pub fn bucket(&self, width: BucketWidth) -> BucketIndex {
        width.index(self.occurred_at)
    }

    /// The bucket in whose close it first counts: its own if it was on time by its own partition's
    /// watermark, a later one if not. The same whatever the interleaving of partitions.
    #[must_use]
    pub fn arrival(&self, width: BucketWidth) -> BucketIndex {
        width.index(self.occurred_at.max(self.watermark))
    }

    /// The bucket in whose close it no longer counts, if a correction took it out.
    #[must_use]
    pub fn removal(&self, width: BucketWidth) -> Option<BucketIndex> {
        self.removed_at
            .map(|at| width.index(at.max(self.occurred_at).max(self.watermark)))
    }

    /// Whether it counts at the close of a bucket that ends at `end`: it has arrived by then ([`Contribution::arrival`]) and
    /// has not been removed ([`Contribution::removal`]). Two comparisons, where finding the buckets would be two divisions.
    #[must_use]
    pub fn counts_before(&self, end: Timestamp) -> bool {
        let arrival = self.occurred_at.max(self.watermark);
        arrival < end && self.removed_at.is_none_or(|at| at.max(arrival) >= end)
    }

    /// Names this version among all of its feedback: an event may be sent again with another time of recording.
    #[must_use]
    pub fn version(&self) -> u64 {
        version(self.event, self.recorded_at)
    }

    /// Whether this version of a feedback wins over one recorded at `recorded_at` with hash `event`.
    #[must_use]
    pub fn wins_over(&self, recorded_at: Timestamp, event: u64) -> bool {
        (self.recorded_at, self.event) > (recorded_at, event)
    }
}

/// See [`Contribution::version`].
pub(crate) fn version(event: u64, recorded_at: Timestamp) -> u64 {
    event ^ (recorded_at.0 as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// What is kept of `text` to quote it: without white space at its ends, at most [`MAX_QUOTE_CHARACTERS`] and a mark that it
/// was cut.
#[must_use]
pub fn quoted(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(MAX_QUOTE_CHARACTERS) {
        None => text.to_owned(),
        Some((end, _)) => {
            let mut clipped = text[..end].trim_end().to_owned();
            clipped.push('…');
            clipped
        }
    }
}

#[cfg(test)]
impl Contribution {
    /// One of which nothing is known.
    pub(crate) fn bare() -> Contribution {
        Contribution {
            feedback: 1,
            event: 1,
            recorded_at: Timestamp(0),
            occurred_at: Timestamp(0),
            watermark: Timestamp(0),
            removed_at: None,
            person: 0,
            thread: 0,
            voice: 0,
            feed: 0,
            sentiment: None,
            theme_sentiment: Vec::new(),
            rating: None,
            values: Arc::default(),
            profile: 0,
            quote: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_before_the_end_of_a_bucket_counts_at_its_close() {
        let hours = [-30, -1, 0, 11, 23, 24, 25, 60, 24 * 40];
        let at = |hours: i64| Timestamp(hours * crate::time::HOUR);
        let mut contribution = Contribution::bare();
        for (occurred, watermark, bucket) in hours
            .iter()
            .flat_map(|o| hours.iter().map(move |w| (*o, *w)))
            .flat_map(|(o, w)| (-3..50).map(move |bucket| (o, w, bucket)))
        {
            contribution.occurred_at = at(occurred);
            contribution.watermark = at(watermark);
            for removed in hours.iter().map(|hours| Some(at(*hours))).chain([None]) {
                contribution.removed_at = removed;
                for width in BucketWidth::ALL {
                    let is_there = contribution.arrival(width) <= bucket;
                    let is_gone = contribution
                        .removal(width)
                        .is_some_and(|removal| removal <= bucket);
                    assert_eq!(
                        contribution.counts_before(width.end(bucket)),
                        is_there && !is_gone,
                        "{occurred} {watermark} {removed:?} {width:?} {bucket}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_quote_is_cut_on_a_character() {
        let text = "ü".repeat(400);
        let clipped = quoted(&text);
        assert_eq!(clipped.chars().count(), MAX_QUOTE_CHARACTERS + 1);
        assert_eq!(quoted(" short "), "short");
    }
}
