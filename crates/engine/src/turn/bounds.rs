//! How much one turn takes on, and how that adapts.
//!
//! Doubling and halving between two bounds, as congestion control does, beats a fixed batch: a replay gets
//! large turns (few commits), a trickle gets small ones (low delay), and no figure has to be tuned by hand.

use std::time::Duration;

/// Bounds of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnBounds {
    /// Fewest records a full turn takes.
    pub least_records: usize,
    /// Most records a turn takes.
    pub most_records: usize,
    /// A turn should not take longer than this; a slower one halves the next.
    pub target: Duration,
    /// Longest wait for the first record.
    pub wait: Duration,
}

impl TurnBounds {
    /// Fewest records a full turn takes unless settings say otherwise.
    pub const LEAST_RECORDS: usize = 64;
    /// Most records a turn takes unless settings say otherwise: about 8 MiB of feedback in memory.
    pub const MOST_RECORDS: usize = 8_192;
    /// Aim for a turn unless settings say otherwise: the delay a person does not notice.
    pub const TARGET: Duration = Duration::from_millis(250);
    /// Wait for the first record unless settings say otherwise.
    pub const WAIT: Duration = Duration::from_millis(100);
}

impl Default for TurnBounds {
    fn default() -> TurnBounds {
        TurnBounds {
            least_records: TurnBounds::LEAST_RECORDS,
            most_records: TurnBounds::MOST_RECORDS,
            target: TurnBounds::TARGET,
            wait: TurnBounds::WAIT,
        }
    }
}

/// The batch size in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchSize {
    bounds: TurnBounds,
    current: usize,
}

impl BatchSize {
    /// Starts in the middle (geometric mean) of the bounds; bounds out of order are put in order.
    #[must_use]
    pub fn new(bounds: TurnBounds) -> BatchSize {
        let least = bounds.least_records.max(1);
        let bounds = TurnBounds {
            least_records: least,
            most_records: bounds.most_records.max(least),
            ..bounds
        };
        let middle = (bounds.least_records * bounds.most_records).isqrt();
        BatchSize {
            bounds,
            current: middle.clamp(bounds.least_records, bounds.most_records),
        }
    }

    /// Records the next turn may take.
    #[must_use]
    pub fn current(self) -> usize {
        self.current
    }

    /// The bounds.
    #[must_use]
    pub fn bounds(self) -> TurnBounds {
        self.bounds
    }

    /// Learns from a turn that took `milliseconds`; a turn that found less than it could have taken
    /// (`drained`) says nothing about larger ones.
    pub fn learn(&mut self, drained: bool, milliseconds: i64) {
        let target = i64::try_from(self.bounds.target.as_millis()).unwrap_or(i64::MAX);
        if milliseconds > target {
            self.current = (self.current / 2).max(self.bounds.least_records);
        } else if !drained && milliseconds <= target / 2 {
            self.current = (self.current * 2).min(self.bounds.most_records);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bounds(least: usize, most: usize) -> TurnBounds {
        TurnBounds {
            least_records: least,
            most_records: most,
            ..TurnBounds::default()
        }
    }

    #[test]
    fn fast_full_turns_grow_and_slow_ones_shrink() {
        let mut size = BatchSize::new(bounds(10, 1_000));
        assert_eq!(size.current(), 100);
        size.learn(false, 1);
        assert_eq!(size.current(), 200);
        size.learn(true, 1);
        assert_eq!(
            size.current(),
            200,
            "a drained turn says nothing about larger ones"
        );
        size.learn(false, 10_000);
        assert_eq!(size.current(), 100);
    }

    proptest! {
        #[test]
        fn stays_within_bounds(least in 0_usize..500, most in 0_usize..500, turns in prop::collection::vec((any::<bool>(), 0_i64..2_000), 0..60)) {
            let mut size = BatchSize::new(bounds(least, most));
            for (drained, milliseconds) in turns {
                size.learn(drained, milliseconds);
                prop_assert!(size.current() >= least.max(1));
                prop_assert!(size.current() <= most.max(least).max(1));
            }
        }
    }
}
