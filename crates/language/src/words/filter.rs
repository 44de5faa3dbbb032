//! "Surely not there" in one look: a Bloom filter (1970) with one hash, in front of the tables of words.
//!
//! Most words of a text are in most tables not. A hash map says so after a look into memory that is seldom near; one bit of
//! a few kilobytes, which stay in the first-level cache, says so at once.

/// Bits for each entry: about one absent word in sixteen passes.
const BITS_A_KEY: usize = 16;
/// Least number of 64-bit cells.
const LEAST_CELLS: usize = 16;

/// Hashes that may be present.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    cells: Vec<u64>,
    mask: usize,
}

impl Filter {
    /// A filter over `hashes`, about `count` of them.
    pub(crate) fn of(count: usize, hashes: impl IntoIterator<Item = u64>) -> Filter {
        let size = (count * BITS_A_KEY / 64)
            .max(LEAST_CELLS)
            .next_power_of_two();
        let mut filter = Filter {
            cells: vec![0; size],
            mask: size - 1,
        };
        for hash in hashes {
            let cell = filter.cell(hash);
            filter.cells[cell] |= 1 << (hash & 63);
        }
        filter
    }

    #[inline]
    fn cell(&self, hash: u64) -> usize {
        (hash >> 6) as usize & self.mask
    }

    /// `false`: surely absent.
    #[inline]
    pub(crate) fn may_hold(&self, hash: u64) -> bool {
        self.cells[self.cell(hash)] & (1 << (hash & 63)) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stable_hash::spread;

    #[test]
    fn holds_all_it_was_given_and_lets_few_others_pass() {
        let filter = Filter::of(1_000, (0..1_000).map(spread));
        assert!((0..1_000).all(|key| filter.may_hold(spread(key))));
        let passed = (1_000..11_000)
            .filter(|key| filter.may_hold(spread(*key)))
            .count();
        assert!(passed < 1_000, "{passed} of 10,000 absent keys pass");
    }
}
