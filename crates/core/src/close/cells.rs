//! Counting a bucket: from contributions to one cell a series, made anew whenever the bucket is looked at.

use crate::contribution::Contribution;
use crate::evidence::NEGATIVE_BELOW;
use crate::lattice::{SeriesKey, Slots};
use crate::machine::Machine;
use crate::series::Cell;
use crate::time::{BucketIndex, BucketWidth, Timestamp};
use rustc_hash::{FxHashMap, FxHashSet};

/// Cells of one bucket, findable by key, in order of first touch.
pub(crate) struct Cells {
    pub(crate) index: FxHashMap<SeriesKey, u32>,
    pub(crate) cells: Vec<(SeriesKey, Cell)>,
    /// Items per feed.
    pub(crate) feeds: Vec<(u32, u32, Timestamp)>,
}

impl Cells {
    pub(crate) fn get(&self, key: &SeriesKey) -> Option<&Cell> {
        self.index.get(key).map(|&at| &self.cells[at as usize].1)
    }

    /// Items of a feed.
    pub(crate) fn items_of(&self, feed: u32) -> u32 {
        self.feeds
            .iter()
            .find(|(number, ..)| *number == feed)
            .map_or(0, |(_, items, _)| *items)
    }
}

impl Machine {
    /// Counts bucket `bucket` as known at the close of `as_of`.
    pub(crate) fn count(
        &self,
        width: BucketWidth,
        bucket: BucketIndex,
        as_of: BucketIndex,
    ) -> Cells {
        let mut cells = Cells {
            index: FxHashMap::default(),
            cells: Vec::new(),
            feeds: Vec::new(),
        };
        let mut voices: FxHashSet<(u32, u64)> = FxHashSet::default();
        // Voices that have copies in this bucket: only for these must it be remembered where they were counted.
        let repeated: FxHashSet<u64> = self
            .journal
            .bucket(width, bucket)
            .filter(|contribution| contribution.voice != 0)
            .map(|contribution| contribution.voice)
            .collect();
        let views: Vec<u8> = (0..self.plan.settings.views.len() as u8)
            .filter(|&view| self.plan.settings.views[view as usize].width == width)
            .collect();
        for contribution in self
            .journal
            .bucket(width, bucket)
            .filter(|contribution| contribution.counts_at(width, as_of))
        {
            count_feed(&mut cells.feeds, contribution);
            let slots = Slots::new(&contribution.values);
            let voice = contribution.voice();
            let may_repeat = contribution.thread != 0 || repeated.contains(&voice);
            for &view in &views {
                self.plan.lattice.touch(view, &slots, &mut |key, theme| {
                    let at = *cells.index.entry(key).or_insert_with(|| {
                        cells.cells.push((key, Cell::default()));
                        (cells.cells.len() - 1) as u32
                    });
                    let cell = &mut cells.cells[at as usize].1;
                    let feeling = theme
                        .and_then(|at| contribution.theme_sentiment.get(at).copied().flatten())
                        .or(contribution.sentiment);
                    let is_new_voice = !may_repeat || voices.insert((at, voice));
                    add(cell, contribution, feeling, is_new_voice);
                });
            }
        }
        cells
    }

    /// Contributions of a series that count, of `buckets`, as known at the close of `as_of`. Their order differs between
    /// interleavings: whoever shows them one by one sorts them.
    pub(crate) fn contributions_of(
        &self,
        key: &SeriesKey,
        width: BucketWidth,
        buckets: std::ops::RangeInclusive<BucketIndex>,
        as_of: BucketIndex,
    ) -> Vec<&Contribution> {
        buckets
            .flat_map(|bucket| {
                self.journal
                    .bucket(width, bucket)
                    .filter(move |contribution| contribution.counts_at(width, as_of.max(bucket)))
            })
            .filter(|contribution| self.plan.lattice.contains(key, &contribution.values))
            .collect()
    }
}

fn count_feed(feeds: &mut Vec<(u32, u32, Timestamp)>, contribution: &Contribution) {
    match feeds
        .iter_mut()
        .find(|(feed, ..)| *feed == contribution.feed)
    {
        Some((_, items, last)) => {
            *items += 1;
            *last = (*last).max(contribution.occurred_at);
        }
        None => feeds.push((contribution.feed, 1, contribution.occurred_at)),
    }
}

fn add(cell: &mut Cell, contribution: &Contribution, feeling: Option<i16>, is_new_voice: bool) {
    if is_new_voice {
        cell.items += 1;
    }
    if let Some(feeling) = feeling {
        cell.judged += 1;
        cell.negative += u32::from(feeling < NEGATIVE_BELOW);
    }
    if let Some(rating) = contribution.rating {
        cell.rated += 1;
        cell.rating_sum += u64::from(rating);
        cell.rating_squares += u64::from(rating) * u64::from(rating);
    }
    match cell
        .feeds
        .iter_mut()
        .find(|(feed, _)| *feed == contribution.feed)
    {
        Some((_, items)) => *items += 1,
        None => cell.feeds.push((contribution.feed, 1)),
    }
}
