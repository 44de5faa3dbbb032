//! The journal: every contribution within the restatement horizon, and what is known of each feedback id.
//!
//! Contributions are kept, not per-series cells. A bucket's counts are made when it closes, from the
//! contributions of that bucket; a late event or a correction makes them again. That costs a pass over the
//! touched bucket, and removes the whole class of bugs in which cells, sets and counters are patched in an
//! order that depends on how partitions interleaved. It also makes the stored state an append-only list of
//! chunks, one a turn, instead of one record for each touched cell.

use crate::contribution::Contribution;
use crate::time::{BucketIndex, BucketWidth, Timestamp};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

/// One turn's worth of journal, as stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Chunk {
    /// Contributions in order of arrival.
    pub contributions: Vec<Contribution>,
    /// Feedback hashes whose earlier version was taken out, and the watermark at which.
    pub removals: Vec<(u128, u64, Timestamp)>,
}

#[derive(Debug, Clone)]
struct Stored {
    chunk: u64,
    /// Chunk of [`crate::repeats`] that names its voice.
    link: Option<u64>,
    contribution: Contribution,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    recorded_at: Timestamp,
    event: u64,
    slot: u32,
}

/// Contributions by shelf (bucket of the finest width), with a look-up by feedback.
#[derive(Debug, Clone)]
pub struct Journal {
    finest: BucketWidth,
    slots: Vec<Option<Stored>>,
    free: Vec<u32>,
    shelves: BTreeMap<BucketIndex, Vec<u32>>,
    known: FxHashMap<u128, Known>,
    open_chunk: Chunk,
    next_chunk: u64,
    /// Contributions alive per stored chunk; at zero the chunk is deleted.
    alive: BTreeMap<u64, u32>,
    dead_chunks: Vec<u64>,
    /// Chunks of links whose contribution was forgotten.
    released_links: Vec<u64>,
}

impl Journal {
    /// An empty journal with shelves of width `finest`.
    #[must_use]
    pub fn new(finest: BucketWidth) -> Journal {
        Journal {
            finest,
            slots: Vec::new(),
            free: Vec::new(),
            shelves: BTreeMap::new(),
            known: FxHashMap::default(),
            open_chunk: Chunk::default(),
            next_chunk: 0,
            alive: BTreeMap::new(),
            dead_chunks: Vec::new(),
            released_links: Vec::new(),
        }
    }

    /// How many contributions are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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
            Some(known) if contribution.wins_over(known.recorded_at, known.event) => Some(*known),
            Some(_) => return Outcome::Duplicate,
        };
        let replaced_at = replaced
            .and_then(|known| self.remove(known, contribution.feedback, contribution.watermark));
        self.open_chunk.contributions.push(contribution.clone());
        self.insert(contribution, self.next_chunk);
        Outcome::Applied {
            replaced: replaced_at,
        }
    }

    fn remove(&mut self, known: Known, feedback: u128, watermark: Timestamp) -> Option<Timestamp> {
        let stored = self.slots.get_mut(known.slot as usize)?.as_mut()?;
        stored.contribution.removed_at = Some(watermark);
        self.open_chunk
            .removals
            .push((feedback, known.event, watermark));
        Some(stored.contribution.occurred_at)
    }

    fn insert(&mut self, contribution: Contribution, chunk: u64) {
        let shelf = self.finest.index(contribution.occurred_at);
        let known = Known {
            recorded_at: contribution.recorded_at,
            event: contribution.event,
            slot: 0,
        };
        let feedback = contribution.feedback;
        let stored = Some(Stored {
            chunk,
            link: None,
            contribution,
        });
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = stored;
                slot
            }
            None => {
                self.slots.push(stored);
                (self.slots.len() - 1) as u32
            }
        };
        self.known.insert(feedback, Known { slot, ..known });
        self.shelves.entry(shelf).or_default().push(slot);
        *self.alive.entry(chunk).or_default() += 1;
    }

    /// All contributions whose event time lies in bucket `index` of `width`, removed ones included.
    pub fn bucket(
        &self,
        width: BucketWidth,
        index: BucketIndex,
    ) -> impl Iterator<Item = &Contribution> {
        let from = self.finest.index(width.start(index));
        let to = self.finest.index(width.end(index).plus(-1));
        self.shelves
            .range(from..=to)
            .flat_map(|(_, slots)| slots)
            .filter_map(|&slot| self.slots[slot as usize].as_ref())
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
            for slot in self.shelves.remove(&shelf).unwrap_or_default() {
                self.forget(slot);
            }
        }
    }

    fn forget(&mut self, slot: u32) {
        let Some(stored) = self.slots[slot as usize].take() else {
            return;
        };
        self.free.push(slot);
        self.released_links.extend(stored.link);
        let feedback = stored.contribution.feedback;
        if self
            .known
            .get(&feedback)
            .is_some_and(|known| known.slot == slot)
        {
            self.known.remove(&feedback);
        }
        if let Some(alive) = self.alive.get_mut(&stored.chunk) {
            *alive -= 1;
            if *alive == 0 && stored.chunk < self.next_chunk {
                self.alive.remove(&stored.chunk);
                self.dead_chunks.push(stored.chunk);
            }
        }
    }

    /// Where the latest version of a feedback is held.
    pub(crate) fn latest_slot(&self, feedback: u128) -> Option<u32> {
        self.known.get(&feedback).map(|known| known.slot)
    }

    /// Where each version (feedback and event hash) is held.
    pub(crate) fn slots_by_version(&self) -> FxHashMap<(u128, u64), u32> {
        let held = self.slots.iter().enumerate();
        held.filter_map(|(slot, stored)| {
            let contribution = &stored.as_ref()?.contribution;
            Some(((contribution.feedback, contribution.event), slot as u32))
        })
        .collect()
    }

    /// Says which voice the contribution at `slot` belongs to, as written in chunk `link` of the links; whether it is
    /// still there.
    pub(crate) fn link(&mut self, slot: u32, version: (u128, u64), voice: u64, link: u64) -> bool {
        let stored = self
            .slots
            .get_mut(slot as usize)
            .and_then(Option::as_mut)
            .filter(|stored| (stored.contribution.feedback, stored.contribution.event) == version);
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

    /// The chunk written since the last call (number and content), and chunks nothing is left of.
    pub fn take_changes(&mut self) -> (Option<(u64, Chunk)>, Vec<u64>) {
        let chunk = std::mem::take(&mut self.open_chunk);
        let written = (!chunk.contributions.is_empty()).then(|| {
            let number = self.next_chunk;
            self.next_chunk += 1;
            (number, chunk)
        });
        if let Some((number, _)) = &written
            && self.alive.get(number) == Some(&0)
        {
            // Everything in it was pruned within the very turn: write it and delete it next time.
            self.alive.remove(number);
            self.dead_chunks.push(*number);
        }
        let dead = std::mem::take(&mut self.dead_chunks);
        let dead = dead
            .into_iter()
            .filter(|chunk| written.as_ref().is_none_or(|(number, _)| number != chunk))
            .collect();
        (written, dead)
    }

    /// Puts a stored chunk back; chunks must come in ascending order.
    pub fn put_back(&mut self, number: u64, chunk: Chunk, keep_from: Timestamp) {
        for (feedback, event, watermark) in &chunk.removals {
            if let Some(known) = self.known.get(feedback).copied()
                && known.event == *event
                && let Some(Some(stored)) = self.slots.get_mut(known.slot as usize)
            {
                stored.contribution.removed_at = Some(*watermark);
            }
        }
        // Two versions of one feedback within a chunk: the removal names the earlier by its event.
        let removed: FxHashMap<(u128, u64), Timestamp> = chunk
            .removals
            .iter()
            .map(|(feedback, event, watermark)| ((*feedback, *event), *watermark))
            .collect();
        for mut contribution in chunk.contributions {
            if let Some(watermark) = removed.get(&(contribution.feedback, contribution.event)) {
                contribution.removed_at = Some(*watermark);
            }
            if self.finest.end(self.finest.index(contribution.occurred_at)) > keep_from {
                self.insert(contribution, number);
            }
        }
        self.next_chunk = self.next_chunk.max(number + 1);
    }
}
