//! All series of a machine: a list, and where in it each key is.
//!
//! Decision: the table holds places only and asks the list for the key. A map from keys would hold each of them twice,
//! and with a table's free room that was 12 MiB of 200,000 series. The list grows by an eighth, because doubling
//! leaves room for half of all series unused. Nothing visible may be ordered by places.

use super::Series;
use crate::lattice::SeriesKey;
use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;
use std::ops::{Deref, DerefMut};

/// Series in no order that means anything. A series' key must not be changed through the list.
#[derive(Debug, Default)]
pub(crate) struct LiveSeries {
    list: Vec<Series>,
    places: HashTable<u32>,
}

fn hash(key: &SeriesKey) -> u64 {
    FxBuildHasher.hash_one(key)
}

impl LiveSeries {
    /// Where the series of `key` is.
    pub(crate) fn place_of(&self, key: &SeriesKey) -> Option<usize> {
        let found = self
            .places
            .find(hash(key), |&place| self.list[place as usize].key == *key);
        found.map(|&place| place as usize)
    }

    /// Takes a series in; there must be none of its key.
    pub(crate) fn add(&mut self, series: Series) {
        let held = self.list.len();
        if held == self.list.capacity() {
            self.list.reserve_exact(held / 8 + 16);
        }
        let hashed = hash(&series.key);
        self.list.push(series);
        let list = &self.list;
        self.places.insert_unique(hashed, held as u32, |&place| {
            hash(&list[place as usize].key)
        });
    }

    /// Takes the series at `place` out; the last one takes its place.
    pub(crate) fn remove(&mut self, place: usize) {
        self.set_place(place, None);
        let last = self.list.len() - 1;
        if place != last {
            self.set_place(last, Some(place as u32));
        }
        self.list.swap_remove(place);
    }

    /// Says that the series now at `from` will be at `to`, or nowhere.
    fn set_place(&mut self, from: usize, to: Option<u32>) {
        let hashed = hash(&self.list[from].key);
        let Ok(mut entry) = self
            .places
            .find_entry(hashed, |&place| place as usize == from)
        else {
            return;
        };
        match to {
            Some(to) => *entry.get_mut() = to,
            None => {
                entry.remove();
            }
        }
    }
}

impl Deref for LiveSeries {
    type Target = [Series];

    fn deref(&self) -> &[Series] {
        &self.list
    }
}

impl DerefMut for LiveSeries {
    fn deref_mut(&mut self) -> &mut [Series] {
        &mut self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::FeedShares;
    use crate::lattice::NO_VALUE;
    use crate::settings::MAX_DIMENSIONS;

    fn key(number: u32) -> SeriesKey {
        let mut values = [NO_VALUE; MAX_DIMENSIONS];
        values[0] = number;
        SeriesKey { view: 0, values }
    }

    fn series(number: u32) -> Series {
        Series {
            key: key(number),
            stable: u64::from(number),
            born: 0,
            born_late: false,
            last_active: 0,
            feeds: FeedShares::default(),
            tracks: Vec::new(),
        }
    }

    proptest::proptest! {
        /// Against a plain set of the keys that were added and not removed.
        #[test]
        fn each_key_is_found_where_its_series_is(steps in proptest::collection::vec((0_u32..40, proptest::bool::ANY), 0..200)) {
            let mut live = LiveSeries::default();
            let mut expected = std::collections::BTreeSet::new();
            for (number, removes) in steps {
                match live.place_of(&key(number)) {
                    Some(place) if removes => {
                        live.remove(place);
                        expected.remove(&number);
                    }
                    None if !removes => {
                        live.add(series(number));
                        expected.insert(number);
                    }
                    _ => {}
                }
                proptest::prop_assert_eq!(live.len(), expected.len());
                for number in 0..40 {
                    let found = live.place_of(&key(number)).map(|place| live[place].key);
                    proptest::prop_assert_eq!(found, expected.contains(&number).then(|| key(number)));
                }
            }
        }
    }
}
