//! Runs methods over series and keeps their scores in the judged buckets.

use auscult_statistics::count::{BucketContext, CountModel, Evidence, NegativeBinomial, Prior};
use auscult_statistics::evidence::{Sequential, WINDOWS, Windows};

use crate::panels::Scenario;

/// Channels of a two-clock method: this bucket, over time, both.
pub const CHANNELS: usize = 3;

/// −ln p of each channel in one bucket.
pub type Scores = [f32; CHANNELS];

fn score(p: f64) -> f32 {
    -p.max(1e-300).ln() as f32
}

fn scores(evidence: &Evidence) -> Scores {
    [score(evidence.judgement.p_upper), score(evidence.sequential_up), score(evidence.combined.p_upper)]
}

/// The default detector over buckets `from..` (0-based), scores from `judged` on.
pub fn dynamic(model: &CountModel, prior: &Prior, counts: &[u32], from: usize, judged: usize, context: impl Fn(usize) -> BucketContext) -> Vec<Scores> {
    let mut state = model.start(prior);
    let mut all = Vec::with_capacity(counts.len() - judged);
    for (place, count) in counts.iter().enumerate().skip(from) {
        let evidence = model.step(&mut state, &context(place), Some(u64::from(*count)));
        if place >= judged {
            all.push(scores(&evidence));
        }
    }
    all
}

/// The same evidence with the true mean and dispersion: what no method can beat.
pub fn clairvoyant(scenario: &Scenario, counts: &[u32], judged: usize) -> Vec<Scores> {
    (judged..counts.len())
        .map(|place| {
            let (mut mean, mut observed) = (0.0, 0.0);
            let mut windows = Windows { lower: [0.5; WINDOWS], upper: [0.5; WINDOWS] };
            for window in 0..WINDOWS {
                mean += scenario.mean(place - window + 1);
                observed += f64::from(counts[place - window]);
                let tails = NegativeBinomial::new(mean, scenario.dispersion).tails(observed);
                windows.lower[window] = tails.lower;
                windows.upper[window] = tails.upper;
            }
            let sequential = Sequential::new(&windows);
            let bucket = windows.upper[0];
            [score(bucket), score(sequential.p_up), score(Sequential::combine(bucket, sequential.p_up))]
        })
        .collect()
}
