//! Decaying mean and variance of every term's share, in hashed counters.

use super::Settings;
use crate::stable_hash;

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

/// People expected to say a term, with the variance of that number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Expected {
    pub people: f32,
    pub variance: f32,
}

impl Baseline {
    pub(super) fn new(settings: Settings) -> Baseline {
        let rate = 1.0 - 0.5f32.powf(1.0 / settings.half_life.max(1.0));
        Baseline { counters: vec![Counter::default(); 1 << settings.counters_log2.clamp(8, 24)], rate, began: None }
    }

    /// People expected in `bucket` among `people`, by what was learned from earlier buckets.
    pub(super) fn expected(&self, term: u64, bucket: i64, people: u32) -> Expected {
        let counter = self.places(term).map(|at| settled(self.counters[at], bucket, self.rate)).into_iter().min_by(|a, b| a.mean.total_cmp(&b.mean)).unwrap_or_default();
        // An exponentially weighted mean that began at zero is short by the weight it has not yet given out.
        let age = self.began.map_or(0, |began| bucket - began).max(1);
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "bucket counts are small")]
        let given = 1.0 - (1.0 - self.rate).powi(age.min(i64::from(i32::MAX)) as i32);
        #[expect(clippy::cast_precision_loss, reason = "people in one bucket")]
        let people = people as f32;
        let memory = given / self.rate;
        let mean = PRIOR_PEOPLE + PRIOR_MEMORY / memory + people * counter.mean / given;
        Expected { people: mean, variance: mean + people * people * counter.variance / given }
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
        let place = |salt: u64| usize::try_from(stable_hash::pair(term, salt) & 0xffff_ffff).unwrap_or(0) & mask;
        [place(1), place(2)]
    }
}

/// The counter as it stands at the start of `bucket`: its last share taken into the mean, silent buckets as zeros.
fn settled(counter: Counter, bucket: i64, rate: f32) -> Counter {
    if counter.bucket >= bucket || (counter.share == 0.0 && counter.mean == 0.0) {
        return Counter { bucket: counter.bucket.max(bucket), ..counter };
    }
    let difference = counter.share - counter.mean;
    let mut mean = counter.mean + rate * difference;
    let mut variance = (1.0 - rate) * (counter.variance + rate * difference * difference);
    let silent = i32::try_from(bucket - counter.bucket - 1).unwrap_or(i32::MAX).clamp(0, 10_000);
    if silent > 0 {
        let kept = (1.0 - rate).powi(silent);
        // A run of zeros: mean m·k, variance k·(v + (1 − k)·m²).
        variance = kept * (variance + (1.0 - kept) * mean * mean);
        mean *= kept;
    }
    Counter { mean, variance, share: 0.0, bucket }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_share_is_expected_and_silence_decays() {
        let settings = Settings { half_life: 5.0, ..Settings::default() };
        let mut baseline = Baseline::new(settings);
        for bucket in 0..60 {
            baseline.learn(7, bucket, 10, 100);
        }
        let steady = baseline.expected(7, 60, 100);
        // 10 people and the prior: 0.1 + 0.5 · rate, with rate 0.13.
        assert!((steady.people - 10.17).abs() < 0.05, "{steady:?}");
        let later = baseline.expected(7, 65, 100);
        assert!((later.people - 5.17).abs() < 0.3, "{later:?}");
        assert!(baseline.expected(8, 60, 100).people < 1.0);
    }
}
