//! Runs methods over series and keeps their scores in the judged buckets.

use auscult_statistics::count::{
    BucketContext, CountModel, CountState, Evidence, NegativeBinomial, Prior,
};
use auscult_statistics::evidence::{
    Direction, Memory, OnsetNull, Sequential, WINDOWS, ln_mixtures, ln_ratios,
};

use crate::panels::Scenario;

/// Channels of a two-clock method: this bucket, over time, both.
pub const CHANNELS: usize = 3;

/// −ln p of each channel in one bucket.
pub type Scores = [f32; CHANNELS];

fn score(p: f64) -> f32 {
    -p.max(1e-300).ln() as f32
}

fn scores(evidence: &Evidence) -> Scores {
    [
        score(evidence.judgement.p_upper),
        score(evidence.sequential_up),
        score(evidence.combined.p_upper),
    ]
}

/// The default detector over buckets `from..` (0-based), scores from `judged` on.
pub fn dynamic(
    model: &CountModel,
    prior: &Prior,
    counts: &[u32],
    from: usize,
    judged: usize,
    context: impl Fn(usize) -> BucketContext,
) -> Vec<Scores> {
    let mut state = model.start(prior);
    for (place, count) in counts.iter().enumerate().take(judged).skip(from) {
        model.step(&mut state, &context(place), Some(u64::from(*count)));
    }
    go_on(model, state, counts, judged, context)
}

/// Scores from `judged` on, of a state that has seen the buckets before.
pub fn go_on(
    model: &CountModel,
    mut state: CountState,
    counts: &[u32],
    judged: usize,
    context: impl Fn(usize) -> BucketContext,
) -> Vec<Scores> {
    counts
        .iter()
        .enumerate()
        .skip(judged)
        .map(|(place, count)| {
            scores(&model.step(&mut state, &context(place), Some(u64::from(*count))))
        })
        .collect()
}

/// The same evidence with the true mean and dispersion: what no method can beat.
pub fn clairvoyant(
    null: &OnsetNull,
    scenario: &Scenario,
    counts: &[u32],
    judged: usize,
) -> Vec<Scores> {
    (judged..counts.len())
        .map(|place| {
            let ratios: [f64; WINDOWS] = std::array::from_fn(|back| {
                ln_ratios(
                    scenario.mean(place - back + 1),
                    scenario.dispersion,
                    f64::from(counts[place - back]),
                )
                .excess
            });
            let mean = scenario.mean(place + 1);
            let bucket = NegativeBinomial::new(mean, scenario.dispersion)
                .tails(f64::from(counts[place]))
                .upper;
            let mixtures = ln_mixtures(&ratios);
            let null = null.at(mean, scenario.dispersion);
            let full = null.p_value(Memory::Full, Direction::Excess, mixtures.full);
            let capped = null.p_value(Memory::Capped, Direction::Excess, mixtures.capped);
            [
                score(bucket),
                score(full),
                score(Sequential::combine(bucket, capped)),
            ]
        })
        .collect()
}
