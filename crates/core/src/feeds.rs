//! Feeds: telling silence apart from a feed that is down (I10).
//!
//! Each feed has a count baseline of its own. A bucket in which a feed delivers nothing, although that
//! would be a once-in-[`NO_DATA_PROBABILITY`] event for it, is *no data* for that feed. A series then expects
//! only what its other feeds usually bring; a series that lives mostly on the lost feed is not judged.

use crate::time::{BucketIndex, Timestamp};
use serde::{Deserialize, Serialize};

/// A silent bucket less likely than this, if the feed were up, means that the feed is down.
pub const NO_DATA_PROBABILITY: f64 = 1e-4;
/// A series is judged only if at least this share of it comes from feeds that are up.
pub const MIN_FEED_SHARE: f64 = 0.5;
/// Most feeds whose share one series remembers.
pub const MAX_FEEDS_PER_SERIES: usize = 4;
/// Memory of feed shares: each bucket keeps 15/16 of the past.
const SHARE_DECAY_SHIFT: u32 = 4;
/// Resolution of the shares' integers.
const SHARE_UNIT: u32 = 1 << 8;

/// Items of a feed that are an exposure of one.
pub const EXPOSURE_UNIT: u32 = 10_000;

/// Items of a series for each [`EXPOSURE_UNIT`] items of the feed they came from.
#[must_use]
pub fn per_exposure(items: u32, of_feed: u32) -> u32 {
    let scaled = u64::from(items) * u64::from(EXPOSURE_UNIT) / u64::from(of_feed.max(1));
    u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
}

/// State of one feed at one width.
#[derive(Debug, Clone, PartialEq)]
pub struct Feed {
    /// Number of the feed.
    pub number: u32,
    /// Stable hash of its name: numbers differ between interleavings.
    pub stable: u64,
    /// Baseline.
    pub baseline: auscult_statistics::count::CountState,
    /// First bucket seen.
    pub first_bucket: BucketIndex,
    /// Last event time seen.
    pub last_event: Timestamp,
    /// Mentions so far.
    pub mentions: u64,
    /// Whether the last closed bucket was no data.
    pub is_down: bool,
}

/// Which feeds a series lives on, by stable hash and in integers, so that nothing depends on order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FeedShares {
    entries: [(u64, u32); MAX_FEEDS_PER_SERIES],
}

impl FeedShares {
    /// Takes one bucket's items of the feed with that stable hash in. Call [`FeedShares::decay`] once a bucket before.
    pub fn add(&mut self, feed: u64, items: u32) {
        let grown = items.saturating_mul(SHARE_UNIT);
        if let Some(entry) = self
            .entries
            .iter_mut()
            .find(|entry| entry.1 > 0 && entry.0 == feed)
        {
            entry.1 = entry.1.saturating_add(grown);
            return;
        }
        if let Some(smallest) = self
            .entries
            .iter_mut()
            .min_by_key(|entry| (entry.1, entry.0))
            && smallest.1 < grown
        {
            *smallest = (feed, grown);
        }
    }

    /// Exposure of a series in a bucket in which its feeds brought so many items: their average by how much the series
    /// lives on each, over [`EXPOSURE_UNIT`]. `None` if no feed is known. The entries must have been added by
    /// [`per_exposure`]: then a feed that grows does not change its own weight.
    #[must_use]
    pub fn exposure(&self, items_of: &dyn Fn(u64) -> u32) -> Option<f64> {
        let total: f64 = self.entries.iter().map(|entry| f64::from(entry.1)).sum();
        if total == 0.0 {
            return None;
        }
        let items: f64 = self
            .entries
            .iter()
            .map(|entry| f64::from(entry.1) * f64::from(items_of(entry.0)))
            .sum();
        Some(items / total / f64::from(EXPOSURE_UNIT))
    }

    /// Fades the past by one bucket.
    pub fn decay(&mut self) {
        for entry in &mut self.entries {
            entry.1 -= entry.1.div_ceil(1 << SHARE_DECAY_SHIFT).min(entry.1);
        }
    }

    /// Share of this series that comes from feeds that are up, in 0 … 1; 1 if nothing is known.
    #[must_use]
    pub fn share_up(&self, is_down: &dyn Fn(u64) -> bool) -> f64 {
        let total: u64 = self.entries.iter().map(|entry| u64::from(entry.1)).sum();
        if total == 0 {
            return 1.0;
        }
        let up: u64 = self
            .entries
            .iter()
            .filter(|entry| !is_down(entry.0))
            .map(|entry| u64::from(entry.1))
            .sum();
        up as f64 / total as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_on_a_lost_feed_knows_it() {
        let mut shares = FeedShares::default();
        shares.add(7, 9);
        shares.add(8, 1);
        assert!((shares.share_up(&|feed| feed == 7) - 0.1).abs() < 1e-12);
        assert!((shares.share_up(&|_| false) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_feed_that_doubles_doubles_its_part_of_the_exposure() {
        let mut shares = FeedShares::default();
        for items in [100, 100, 200, 200] {
            shares.decay();
            shares.add(7, per_exposure(items / 10, items));
            shares.add(8, per_exposure(30, 100));
        }
        let exposure = |of_seven: u32| {
            shares
                .exposure(&|feed| if feed == 7 { of_seven } else { 100 })
                .expect("feeds are known")
        };
        let growth = exposure(200) / exposure(100);
        assert!((growth - 1.25).abs() < 0.01, "{growth}");
    }

    #[test]
    fn shares_fade_to_nothing() {
        let mut shares = FeedShares::default();
        shares.add(1, 3);
        for _ in 0..200 {
            shares.decay();
        }
        assert_eq!(
            shares,
            FeedShares {
                entries: [(1, 0), (0, 0), (0, 0), (0, 0)]
            }
        );
    }
}
