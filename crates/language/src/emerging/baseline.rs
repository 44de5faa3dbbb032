//! Decaying mean and variance of every term's share, in hashed counters.

use super::Settings;
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
        let [one, other] = self
            .places(term)
            .map(|at| settled(self.counters[at], bucket, self.rate));
        let counter = if other.mean < one.mean { other } else { one };
        self.usual_of(counter, self.given(bucket))
    }

    fn usual_of(&self, counter: Counter, given: f32) -> Usual {
        Usual {
            share: counter.mean / given,
            variance: counter.variance / given,
            prior: PRIOR_PEOPLE + PRIOR_MEMORY * self.rate / given,
        }
    }

    /// An exponentially weighted mean that began at zero is short by the weight it has not yet given out.
    fn given(&self, bucket: i64) -> f32 {
        let age = i32::try_from(
            self.began
                .map_or(0, |began| bucket - began)
                .clamp(1, 100_000),
        )
        .unwrap_or(100_000);
        1.0 - (1.0 - self.rate).powi(age)
    }

    /// An empty count of the next bucket.
    pub(super) fn nothing_said(&self) -> Said {
        Said {
            slots: vec![Slot::default(); self.counters.len()],
        }
    }

    /// Takes in what a bucket said. Of terms that share a counter, somebody who said both counts once.
    pub(super) fn learn(&mut self, bucket: i64, said: &Said, people: u32) {
        self.began = Some(self.began.map_or(bucket, |began| began.min(bucket)));
        for (counter, slot) in self.counters.iter_mut().zip(&said.slots) {
            if slot.people == 0 {
                continue;
            }
            *counter = settled(*counter, bucket, self.rate);
            #[expect(clippy::cast_precision_loss, reason = "people in one bucket")]
            let share = slot.people as f32 / people.max(1) as f32;
            counter.share += share;
        }
    }

    fn places(&self, term: u64) -> [usize; HASHES] {
        places(term, self.counters.len())
    }
}

/// Both halves of the hash are spread already.
fn places(term: u64, counters: usize) -> [usize; HASHES] {
    let place = |half: u64| usize::try_from(half & 0xffff_ffff).unwrap_or(0) & (counters - 1);
    [place(term), place(term >> 32)]
}

/// People of one bucket by counter.
pub(super) struct Said {
    slots: Vec<Slot>,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    people: u32,
    /// Number of the person heard last: texts come person by person.
    last_person: u32,
    /// Share that was usual.
    mean: f32,
    is_rising: bool,
    is_followed: bool,
}

impl Said {
    /// Counts a term of a person; all texts of a person come one after the other.
    pub(super) fn hear(&mut self, term: u64, person: u32) {
        for at in places(term, self.slots.len()) {
            let slot = &mut self.slots[at];
            slot.people += u32::from(slot.last_person != person);
            slot.last_person = person;
        }
    }

    /// Marks the counters whose terms may stand out.
    pub(super) fn mark_rises(
        &mut self,
        baseline: &Baseline,
        bucket: i64,
        people: u32,
        stands_out: impl Fn(u32, Expected) -> bool,
    ) {
        let given = baseline.given(bucket);
        for (slot, counter) in self.slots.iter_mut().zip(&baseline.counters) {
            if slot.people > 0 {
                let counter = settled(*counter, bucket, baseline.rate);
                slot.mean = counter.mean;
                slot.is_rising =
                    stands_out(slot.people, baseline.usual_of(counter, given).among(people));
            }
        }
    }

    pub(super) fn mark_followed(&mut self, term: u64) {
        for at in places(term, self.slots.len()) {
            self.slots[at].is_followed = true;
        }
    }

    /// Whether a term of this bucket may stand out: never no when it does.
    pub(super) fn may_rise(&self, term: u64, least: u32) -> bool {
        let [one, other] = places(term, self.slots.len()).map(|at| self.slots[at]);
        let least_usual = if other.mean < one.mean { other } else { one };
        least_usual.is_rising && one.people.min(other.people) >= least
    }

    /// Whether a term may be among those followed.
    pub(super) fn may_be_followed(&self, term: u64) -> bool {
        places(term, self.slots.len())
            .iter()
            .all(|&at| self.slots[at].is_followed)
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
            let mut said = baseline.nothing_said();
            (1..=10).for_each(|person| said.hear(7, person));
            baseline.learn(bucket, &said, 100);
        }
        let steady = baseline.usual(7, 60).among(100);
        // 10 people and the prior: 0.1 + 0.5 · rate, with rate 0.13.
        assert!((steady.people - 10.17).abs() < 0.05, "{steady:?}");
        let later = baseline.usual(7, 65).among(100);
        assert!((later.people - 5.17).abs() < 0.3, "{later:?}");
        assert!(baseline.usual(8, 60).among(100).people < 1.0);
    }
}
