//! Decaying mean and variance of every term's share, in hashed counters.

use super::Settings;
use crate::stable_hash;
use serde::{Deserialize, Serialize};

/// Counters a term is kept in; the one with the smallest mean is least disturbed by other terms.
const HASHES: usize = 2;
/// People a bucket every term is granted beforehand, so that a single mention is never a surprise.
const PRIOR_PEOPLE: f32 = 0.1;
/// People who may have said a term unnoticed in all of the baseline's memory.
const PRIOR_MEMORY: f32 = 0.5;

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Counter {
    pub mean: f32,
    pub variance: f32,
    /// Share seen so far in `bucket`, not yet in the mean.
    pub share: f32,
    pub bucket: i64,
}

/// What was usual until now.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Baseline {
    pub(super) counters: Vec<Counter>,
    rate: f32,
    /// Bucket in which learning began: a young mean is not yet decayed enough to be taken at its word.
    pub(super) began: Option<i64>,
}

/// What was usual for a term when a rise began: later buckets of the rise must not teach what it is measured against.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Usual {
    share: f32,
    variance: f32,
    prior: f32,
}

/// People expected to say a term, with the variance of that number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Expected {
    pub people: f32,
    pub variance: f32,
}

impl Usual {
    /// Expected among so many people: Poisson, widened by how much the share itself moved.
    #[expect(clippy::cast_precision_loss, reason = "people in one bucket")]
    pub(super) fn among(self, people: u32) -> Expected {
        let people = people as f32;
        let mean = self.prior + people * self.share;
        Expected {
            people: mean,
            variance: mean + people * people * self.variance,
        }
    }
}

impl Baseline {
    pub(super) fn new(settings: Settings) -> Baseline {
        let rate = 1.0 - 0.5f32.powf(1.0 / settings.half_life.max(1.0));
        Baseline {
            counters: vec![Counter::default(); 1 << settings.counters_log2.clamp(8, 24)],
            rate,
            began: None,
        }
    }

    /// What was usual for a term before `bucket`.
    pub(super) fn usual(&self, term: u64, bucket: i64) -> Usual {
        let counter = self
            .places(term)
            .map(|at| settled(self.counters[at], bucket, self.rate))
            .into_iter()
            .min_by(|a, b| a.mean.total_cmp(&b.mean))
            .unwrap_or_default();
        // An exponentially weighted mean that began at zero is short by the weight it has not yet given out.
        let age = i32::try_from(
            self.began
                .map_or(0, |began| bucket - began)
                .clamp(1, 100_000),
        )
        .unwrap_or(100_000);
        let given = 1.0 - (1.0 - self.rate).powi(age);
        Usual {
            share: counter.mean / given,
            variance: counter.variance / given,
            prior: PRIOR_PEOPLE + PRIOR_MEMORY * self.rate / given,
        }
    }

    pub(super) fn learn(&mut self, term: u64, bucket: i64, said: u32, people: u32) {
        self.began = Some(self.began.map_or(bucket, |began| began.min(bucket)));
        #[expect(clippy::cast_precision_loss, reason = "people in one bucket")]
        let share = said as f32 / people.max(1) as f32;
        for at in self.places(term) {
            let mut counter = settled(self.counters[at], bucket, self.rate);
            counter.share += share;
            self.counters[at] = counter;
        }
    }

    fn places(&self, term: u64) -> [usize; HASHES] {
        let mask = self.counters.len() - 1;
        let place = |salt: u64| {
            usize::try_from(stable_hash::pair(term, salt) & 0xffff_ffff).unwrap_or(0) & mask
        };
        [place(1), place(2)]
    }
}

/// The counter as it stands at the start of `bucket`: its last share taken into the mean, silent buckets as zeros.
fn settled(counter: Counter, bucket: i64, rate: f32) -> Counter {
    if counter.bucket >= bucket || (counter.share == 0.0 && counter.mean == 0.0) {
        return Counter {
            bucket: counter.bucket.max(bucket),
            ..counter
        };
    }
    let difference = counter.share - counter.mean;
    let mut mean = counter.mean + rate * difference;
    let mut variance = (1.0 - rate) * (counter.variance + rate * difference * difference);
    let silent = i32::try_from(bucket - counter.bucket - 1)
        .unwrap_or(i32::MAX)
        .clamp(0, 10_000);
    if silent > 0 {
        let kept = (1.0 - rate).powi(silent);
        // A run of zeros: mean m·k, variance k·(v + (1 − k)·m²).
        variance = kept * (variance + (1.0 - kept) * mean * mean);
        mean *= kept;
    }
    Counter {
        mean,
        variance,
        share: 0.0,
        bucket,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_share_is_expected_and_silence_decays() {
        let settings = Settings {
            half_life: 5.0,
            ..Settings::default()
        };
        let mut baseline = Baseline::new(settings);
        for bucket in 0..60 {
            baseline.learn(7, bucket, 10, 100);
        }
        let steady = baseline.usual(7, 60).among(100);
        // 10 people and the prior: 0.1 + 0.5 · rate, with rate 0.13.
        assert!((steady.people - 10.17).abs() < 0.05, "{steady:?}");
        let later = baseline.usual(7, 65).among(100);
        assert!((later.people - 5.17).abs() < 0.3, "{later:?}");
        assert!(baseline.usual(8, 60).among(100).people < 1.0);
    }
}
