//! Seeded chance: the few draws the generator needs, over one ChaCha stream.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, Poisson};

/// A seeded source of draws.
#[derive(Debug, Clone)]
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// A stream that depends on `seed` alone.
    #[must_use]
    pub fn new(seed: u64) -> Chance {
        Chance(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Uniform in 0 … 1.
    pub fn share(&mut self) -> f64 {
        self.0.random()
    }

    /// Whether something of probability `share` happens.
    pub fn happens(&mut self, share: f64) -> bool {
        self.share() < share
    }

    /// Uniform in `0..bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            0
        } else {
            self.0.random_range(0..bound)
        }
    }

    /// One of `list`, which must not be empty.
    pub fn pick<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.below(list.len() as u64) as usize]
    }

    /// Index drawn in proportion to `weights`, which need not add up to one.
    pub fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let total: f64 = weights.clone().sum();
        let mut rest = self.share() * total;
        let mut last = 0;
        for (index, weight) in weights.enumerate() {
            last = index;
            rest -= weight;
            if rest < 0.0 {
                break;
            }
        }
        last
    }

    /// A Poisson count with this mean; 0 for a mean of 0.
    pub fn count(&mut self, mean: f64) -> u64 {
        match Poisson::new(mean) {
            Ok(poisson) => poisson.sample(&mut self.0) as u64,
            Err(_) => 0,
        }
    }

    /// A gamma factor with mean 1 and variance `1 / shape`: what makes counts over-dispersed.
    pub fn factor(&mut self, shape: f64) -> f64 {
        match Gamma::new(shape, 1.0 / shape) {
            Ok(gamma) => gamma.sample(&mut self.0),
            Err(_) => 1.0,
        }
    }

    /// Random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        self.0.random()
    }
}
