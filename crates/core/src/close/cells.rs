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
        let mut touched = Touched::new(self, width);
        let end = width.end(as_of);
        for contribution in self
            .journal
            .bucket(width, bucket)
            .filter(|contribution| contribution.counts_before(end))
        {
            count_feed(&mut cells.feeds, contribution);
            let voice = contribution.voice();
            let may_repeat = contribution.thread != 0 || repeated.contains(&voice);
            for &(at, theme) in touched.by(contribution, &mut cells) {
                let cell = &mut cells.cells[at as usize].1;
                let feeling = theme
                    .and_then(|at| contribution.theme_sentiment.get(at).copied().flatten())
                    .or(contribution.sentiment);
                let is_new_voice = !may_repeat || voices.insert((at, voice));
                add(cell, contribution, feeling, is_new_voice);
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
        // Few of a portfolio belong to one series: the others are passed over by their profile alone.
        let mut belongs: Vec<Option<bool>> = vec![None; self.journal.profile_bound()];
        let mut found = Vec::new();
        for bucket in buckets {
            let end = width.end(as_of.max(bucket));
            let of_series = self.journal.bucket_of(width, bucket, |profile| {
                *belongs[profile as usize].get_or_insert_with(|| {
                    let values = self.journal.profile(profile);
                    self.plan.lattice.contains(key, values)
                })
            });
            found.extend(of_series.filter(|contribution| contribution.counts_before(end)));
        }
        found
    }
}

/// Which cells each profile touches, worked out when it first comes.
struct Touched<'a> {
    machine: &'a Machine,
    views: Vec<u8>,
    /// Place of the cell, and of the theme within the theme slot.
    touches: Vec<(u32, Option<usize>)>,
    /// Where a profile's touches are.
    by_profile: Vec<Option<(u32, u32)>>,
}

impl<'a> Touched<'a> {
    fn new(machine: &'a Machine, width: BucketWidth) -> Touched<'a> {
        let settings = &machine.plan.settings;
        Touched {
            machine,
            views: (0..settings.views.len() as u8)
                .filter(|&view| settings.views[view as usize].width == width)
                .collect(),
            touches: Vec::new(),
            by_profile: vec![None; machine.journal.profile_bound()],
        }
    }

    /// Touches of the contribution's profile; new cells are added to `cells`.
    fn by(&mut self, contribution: &Contribution, cells: &mut Cells) -> &[(u32, Option<usize>)] {
        let profile = contribution.profile as usize;
        let (from, to) = match self.by_profile[profile] {
            Some(range) => range,
            None => {
                let range = self.work_out(contribution, cells);
                self.by_profile[profile] = Some(range);
                range
            }
        };
        &self.touches[from as usize..to as usize]
    }

    fn work_out(&mut self, contribution: &Contribution, cells: &mut Cells) -> (u32, u32) {
        let from = self.touches.len() as u32;
        let slots = Slots::new(&contribution.values);
        for &view in &self.views {
            let touches = &mut self.touches;
            let lattice = &self.machine.plan.lattice;
            lattice.touch(view, &slots, &mut |key, theme| {
                let at = *cells.index.entry(key).or_insert_with(|| {
                    cells.cells.push((key, Cell::default()));
                    (cells.cells.len() - 1) as u32
                });
                touches.push((at, theme));
            });
        }
        (from, self.touches.len() as u32)
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
