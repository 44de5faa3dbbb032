//! The journal: every contribution within the restatement horizon, and what is known of each feedback id.
//!
//! Contributions are kept, not per-series cells. A bucket's counts are made when it closes, from the
//! contributions of that bucket; a late event or a correction makes them again. That costs a pass over the
//! touched bucket, and removes the whole class of bugs in which cells, sets and counters are patched in an
//! order that depends on how partitions interleaved. It also makes the stored state an append-only list of
//! chunks, one a turn, instead of one record for each touched cell.

use crate::chunks::Chunks;
use crate::contribution::{self, Contribution};
use crate::profiles::Profiles;
use crate::slots::Slots;
use crate::time::{BucketIndex, BucketWidth, Timestamp};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::hash::Hash;

/// What became of an offered contribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It counts; `replaced` if it took an older version out.
    Applied {
        /// Event time of the version taken out.
        replaced: Option<Timestamp>,
    },
    /// Seen before, or an older version of what is known.
    Duplicate,
}

/// One turn's worth of journal, as stored; written from references ([`ChunkRef`]).
pub type Chunk = ChunkOf<Contribution>;
/// A chunk whose contributions stay where they are.
pub type ChunkRef<'a> = ChunkOf<&'a Contribution>;

/// A chunk of contributions held as `C`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChunkOf<C> {
    /// Contributions in order of arrival.
    pub contributions: Vec<C>,
    /// Feedback hashes, which of their versions was taken out (in older records its event hash, which one event sent with
    /// two times of recording has twice), and the watermark at which.
    pub removals: Vec<(u128, u64, Timestamp)>,
}

/// Lets go of the room that a map of many held, once few are left: a table does not shrink by itself.
pub(crate) fn give_back<K: Eq + Hash, V>(map: &mut FxHashMap<K, V>) {
    const LEAST: usize = 1_024;
    if map.capacity() > 4 * map.len().max(LEAST) {
        map.shrink_to(2 * map.len());
    }
}

#[derive(Debug, Clone)]
struct Stored {
    chunk: u64,
    /// Chunk that says it was taken out.
    removed_by: Option<u64>,
    /// Place in the open chunk; without meaning once that is written.
    open_at: u32,
    /// Chunk of [`crate::repeats`] that names its voice.
    link: Option<u64>,
    contribution: Contribution,
}

/// In place of a slot: there is none, or it was forgotten within the turn it came in.
const FORGOTTEN: u32 = u32::MAX;

#[derive(Debug, Clone, Copy)]
struct Known {
    recorded_at: Timestamp,
    event: u64,
    slot: u32,
}

impl Known {
    fn of(contribution: &Contribution) -> Known {
        Known {
            recorded_at: contribution.recorded_at,
            event: contribution.event,
            slot: FORGOTTEN,
        }
    }

    fn version(&self) -> u64 {
        contribution::version(self.event, self.recorded_at)
    }
}

/// Where a contribution is, and of which profile it is: what a look along a shelf can ask without looking there.
#[derive(Debug, Clone, Copy)]
struct Shelved {
    slot: u32,
    profile: u32,
}

/// Contributions by shelf (bucket of the finest width), with a look-up by feedback.
#[derive(Debug, Clone)]
pub struct Journal {
    finest: BucketWidth,
    slots: Slots<Stored>,
    shelves: BTreeMap<BucketIndex, Vec<Shelved>>,
    known: FxHashMap<u128, Known>,
    profiles: Profiles,
    /// Slots of what came in since the last commit, in order of arrival.
    open: Vec<u32>,
    open_removals: Vec<(u128, u64, Timestamp)>,
    /// A chunk is held by its contributions, and by its removals of contributions, that are not forgotten.
    chunks: Chunks,
    /// Chunks of links whose contribution was forgotten.
    released_links: Vec<u64>,
}

impl Journal {
    /// An empty journal with shelves of width `finest`.
    #[must_use]
    pub fn new(finest: BucketWidth) -> Journal {
        Journal {
            finest,
            slots: Slots::default(),
            shelves: BTreeMap::new(),
            known: FxHashMap::default(),
            profiles: Profiles::default(),
            open: Vec::new(),
            open_removals: Vec::new(),
            chunks: Chunks::default(),
            released_links: Vec::new(),
        }
    }

    /// How many contributions are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values of a [`Contribution::profile`] that is held.
    #[must_use]
    pub fn profile(&self, profile: u32) -> &[u32] {
        self.profiles.values(profile)
    }

    /// Every [`Contribution::profile`] held is below this.
    #[must_use]
    pub fn profile_bound(&self) -> usize {
        self.profiles.bound()
    }

    /// Event time of the earliest shelf, if any.
    #[must_use]
    pub fn earliest(&self) -> Option<Timestamp> {
        self.shelves
            .keys()
            .next()
            .map(|&shelf| self.finest.start(shelf))
    }

    /// Offers a contribution: duplicates and older versions change nothing, a newer version replaces.
    pub fn offer(&mut self, contribution: Contribution) -> Outcome {
        let replaced = match self.known.get(&contribution.feedback) {
            None => None,
            // Sent again with a new time of recording: the same event all the same.
            Some(known) if contribution.event == known.event => return Outcome::Duplicate,
            Some(known) if contribution.wins_over(known.recorded_at, known.event) => Some(*known),
            Some(_) => return Outcome::Duplicate,
        };
        let replaced_at = replaced
            .and_then(|known| self.remove(known, contribution.feedback, contribution.watermark));
        let slot = self.insert(contribution, self.chunks.open(), None);
        self.open.push(slot);
        Outcome::Applied {
            replaced: replaced_at,
        }
    }

    fn remove(&mut self, known: Known, feedback: u128, watermark: Timestamp) -> Option<Timestamp> {
        let stored = self.slots.get_mut(known.slot)?;
        stored.contribution.removed_at = Some(watermark);
        stored.removed_by = Some(self.chunks.open());
        self.chunks.hold(self.chunks.open());
        self.open_removals
            .push((feedback, known.version(), watermark));
        Some(stored.contribution.occurred_at)
    }

    fn insert(
        &mut self,
        mut contribution: Contribution,
        chunk: u64,
        removed_by: Option<u64>,
    ) -> u32 {
        let shelf = self.finest.index(contribution.occurred_at);
        let known = Known::of(&contribution);
        let feedback = contribution.feedback;
        let profile = self.profiles.hold(&mut contribution.values);
        contribution.profile = profile;
        let slot = self.slots.insert(Stored {
            chunk,
            removed_by,
            open_at: self.open.len() as u32,
            link: None,
            contribution,
        });
        self.known.insert(feedback, Known { slot, ..known });
        let shelved = Shelved { slot, profile };
        self.shelves.entry(shelf).or_default().push(shelved);
        self.chunks.hold(chunk);
        slot
    }

    /// All contributions whose event time lies in bucket `index` of `width`, removed ones included.
    pub fn bucket(
        &self,
        width: BucketWidth,
        index: BucketIndex,
    ) -> impl Iterator<Item = &Contribution> {
        self.bucket_of(width, index, |_| true)
    }

    /// As [`Journal::bucket`], only those whose [`Contribution::profile`] is wanted.
    pub fn bucket_of(
        &self,
        width: BucketWidth,
        index: BucketIndex,
        mut is_wanted: impl FnMut(u32) -> bool,
    ) -> impl Iterator<Item = &Contribution> {
        let from = self.finest.index(width.start(index));
        let to = self.finest.index(width.end(index).plus(-1));
        self.shelves
            .range(from..=to)
            .flat_map(|(_, shelf)| shelf)
            .filter(move |shelved| is_wanted(shelved.profile))
            .filter_map(|shelved| self.slots.get(shelved.slot))
            .map(|stored| &stored.contribution)
            .filter(move |contribution| {
                // A shelf of the same width holds nothing else.
                width == self.finest || contribution.bucket(width) == index
            })
    }

    /// Forgets shelves that end at or before `before`.
    pub fn prune(&mut self, before: Timestamp) {
        while let Some((&shelf, _)) = self.shelves.first_key_value() {
            if self.finest.end(shelf) > before {
                break;
            }
            for shelved in self.shelves.remove(&shelf).unwrap_or_default() {
                self.forget(shelved.slot);
            }
        }
        give_back(&mut self.known);
        self.profiles.give_back();
    }

    fn forget(&mut self, slot: u32) {
        let Some(stored) = self.slots.take(slot) else {
            return;
        };
        self.profiles.release(stored.contribution.profile);
        self.released_links.extend(stored.link);
        let feedback = stored.contribution.feedback;
        if self
            .known
            .get(&feedback)
            .is_some_and(|known| known.slot == slot)
        {
            self.known.remove(&feedback);
        }
        if stored.chunk == self.chunks.open()
            && let Some(open) = self.open.get_mut(stored.open_at as usize)
        {
            *open = FORGOTTEN;
        }
        self.chunks.release(stored.chunk);
        if let Some(chunk) = stored.removed_by {
            self.chunks.release(chunk);
        }
    }

    /// Where the latest version of a feedback is held.
    pub(crate) fn latest_slot(&self, feedback: u128) -> Option<u32> {
        self.known.get(&feedback).map(|known| known.slot)
    }

    /// Where each version of each feedback is held. Older records name a version by its event, so that finds it, too.
    pub(crate) fn slots_by_version(&self) -> FxHashMap<(u128, u64), u32> {
        let held = self.slots.iter().flat_map(|(slot, stored)| {
            let contribution = &stored.contribution;
            let names = [contribution.event, contribution.version()];
            names.map(|name| ((contribution.feedback, name), slot))
        });
        held.collect()
    }

    /// Says which voice the contribution at `slot` belongs to, as written in chunk `link` of the links; whether it is
    /// still there.
    pub(crate) fn link(&mut self, slot: u32, of: (u128, u64), voice: u64, link: u64) -> bool {
        let stored = self.slots.get_mut(slot).filter(|stored| {
            let contribution = &stored.contribution;
            let names = [contribution.version(), contribution.event];
            contribution.feedback == of.0 && names.contains(&of.1)
        });
        let Some(stored) = stored else {
            return false;
        };
        stored.contribution.voice = voice;
        stored.link = Some(link);
        true
    }

    /// Chunks of links whose contribution was forgotten since the last call, once for each.
    pub(crate) fn take_released_links(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.released_links)
    }

    /// The chunk to write (number and content), and chunks nothing is left of; both since the last call.
    pub fn take_changes(&mut self) -> (Option<(u64, ChunkRef<'_>)>, Vec<u64>) {
        let (written, dead) = self.chunks.turn();
        let open = std::mem::take(&mut self.open);
        let removals = std::mem::take(&mut self.open_removals);
        let Some(number) = written else {
            return (None, dead);
        };
        let contributions = open
            .into_iter()
            .filter_map(|slot| self.slots.get(slot))
            .map(|stored| &stored.contribution)
            .collect();
        let chunk = ChunkRef {
            contributions,
            removals,
        };
        (Some((number, chunk)), dead)
    }

    /// Puts a stored chunk back; chunks must come in ascending order.
    pub fn put_back(&mut self, number: u64, chunk: Chunk, keep_from: Timestamp) {
        for (feedback, version, watermark) in &chunk.removals {
            if let Some(known) = self.known.get(feedback).copied()
                && [known.version(), known.event].contains(version)
                && let Some(stored) = self.slots.get_mut(known.slot)
            {
                stored.contribution.removed_at = Some(*watermark);
                stored.removed_by = Some(number);
                self.chunks.hold(number);
            }
        }
        // Several versions of one feedback within a chunk: the removal names the one it took out.
        let removed: FxHashMap<(u128, u64), Timestamp> = chunk
            .removals
            .iter()
            .map(|(feedback, version, watermark)| ((*feedback, *version), *watermark))
            .collect();
        for mut contribution in chunk.contributions {
            let feedback = contribution.feedback;
            let names = [contribution.version(), contribution.event];
            let watermark = names
                .iter()
                .find_map(|&version| removed.get(&(feedback, version)));
            // What the chunk was written with says it too, but a later chunk may be the one that did it.
            contribution.removed_at = watermark.copied();
            let removed_by = watermark.map(|_| number);
            if self.finest.end(self.finest.index(contribution.occurred_at)) > keep_from {
                if removed_by.is_some() {
                    self.chunks.hold(number);
                }
                self.insert(contribution, number, removed_by);
            }
        }
        self.chunks.stored(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::DAY;

    fn contribution(feedback: u128, event: u64, day: i64) -> Contribution {
        Contribution {
            feedback,
            event,
            recorded_at: Timestamp(event as i64),
            occurred_at: Timestamp(day * DAY),
            ..Contribution::bare()
        }
    }

    /// What a log would hold: chunks written and not deleted since.
    #[derive(Default)]
    struct Log(BTreeMap<u64, Chunk>);

    impl Log {
        fn commit(&mut self, journal: &mut Journal) {
            let (written, dead) = journal.take_changes();
            if let Some((number, chunk)) = written {
                let contributions = chunk.contributions.into_iter().cloned().collect();
                self.0.insert(
                    number,
                    Chunk {
                        contributions,
                        removals: chunk.removals,
                    },
                );
            }
            for number in dead {
                assert!(self.0.remove(&number).is_some(), "deleted once");
            }
        }

        fn restore(&self, keep_from: Timestamp) -> Journal {
            let mut journal = Journal::new(BucketWidth::Day);
            for (number, chunk) in &self.0 {
                journal.put_back(*number, chunk.clone(), keep_from);
            }
            journal
        }
    }

    fn counting(journal: &Journal, days: i64) -> Vec<u64> {
        (0..days as BucketIndex)
            .flat_map(|day| journal.bucket(BucketWidth::Day, day))
            .filter(|contribution| contribution.removed_at.is_none())
            .map(|contribution| contribution.event)
            .collect()
    }

    #[test]
    fn a_removal_outlives_the_version_that_brought_it() {
        let (mut journal, mut log) = (Journal::new(BucketWidth::Day), Log::default());
        journal.offer(contribution(1, 1, 9));
        log.commit(&mut journal);
        // The correction says it was said much earlier, so that it is forgotten first.
        journal.offer(contribution(1, 2, 1));
        log.commit(&mut journal);
        let before = Timestamp(5 * DAY);
        journal.prune(before);
        log.commit(&mut journal);
        assert_eq!(counting(&journal, 20), [0_u64; 0]);
        assert_eq!(counting(&log.restore(before), 20), [0_u64; 0]);
        journal.prune(Timestamp(20 * DAY));
        log.commit(&mut journal);
        assert!(journal.is_empty() && log.0.is_empty());
    }

    #[test]
    fn what_comes_and_goes_within_a_turn_is_not_written() {
        let (mut journal, mut log) = (Journal::new(BucketWidth::Day), Log::default());
        journal.offer(contribution(1, 1, 1));
        journal.prune(Timestamp(5 * DAY));
        journal.offer(contribution(2, 2, 7));
        log.commit(&mut journal);
        let events: Vec<u64> = log
            .0
            .values()
            .flat_map(|chunk| &chunk.contributions)
            .map(|kept| kept.event)
            .collect();
        assert_eq!(events, [2]);
        journal.prune(Timestamp(9 * DAY));
        log.commit(&mut journal);
        assert!(log.0.is_empty());
    }
}
