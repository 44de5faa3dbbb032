//! Training of the linear model: logistic regression by AdaGrad, seeded, single-threaded, hence reproducible.
//!
//! `linfa-logistic` was the first choice; it takes dense matrices only, and ten thousand texts by 2^18 features would
//! be ten gigabytes. AdaGrad (Duchi et al. 2011) on sparse rows needs a second.

use super::Triage;
use super::linear::{BUCKETS, LinearModel, Thresholds, logistic, norm};

/// One training text: the features of its sentences, and whether it should be a candidate.
#[derive(Debug, Clone)]
pub struct Example {
    sentences: Vec<Vec<u32>>,
    label: bool,
    weight: f32,
}

/// How to train.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Passes over the examples.
    pub passes: usize,
    /// First step size.
    pub rate: f32,
    /// Pull towards zero at each step.
    pub decay: f32,
    /// Order of the examples.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            passes: 4,
            rate: 0.25,
            decay: 1e-4,
            seed: 20_261_122,
        }
    }
}

impl Triage {
    /// Turns a text into a training example. `weight` says how much it counts.
    #[must_use]
    pub fn example(&self, text: &str, label: bool, weight: f32) -> Example {
        let mut sentences = Vec::new();
        self.read(text, |reading| {
            super::linear::for_each_sentence(reading, |sentence| {
                let mut features = Vec::new();
                sentence.features(|bucket| features.push(bucket));
                if !features.is_empty() {
                    sentences.push(features);
                }
            });
        });
        Example {
            sentences,
            label,
            weight,
        }
    }
}

/// SplitMix64: the next of a seeded sequence.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Fits the model. A text with several sentences teaches through its highest-scoring sentence (as it will be judged).
#[must_use]
pub fn fit(examples: &[Example], settings: Settings) -> LinearModel {
    let mut weights = vec![0.0_f32; BUCKETS];
    let mut squares = vec![1e-2_f32; BUCKETS];
    let mut bias = 0.0_f32;
    let mut bias_square = 1.0_f32;
    let mut order: Vec<usize> = (0..examples.len())
        .filter(|index| !examples[*index].sentences.is_empty())
        .collect();
    let mut state = settings.seed;
    for _ in 0..settings.passes {
        for index in (1..order.len()).rev() {
            order.swap(index, (next(&mut state) % (index as u64 + 1)) as usize);
        }
        for index in &order {
            let example = &examples[*index];
            let (features, score) = highest(&example.sentences, &weights);
            let target = if example.label { 1.0 } else { 0.0 };
            let slope = (logistic(score + bias) - target) * example.weight;
            let value = norm(features.len() as u32);
            for bucket in features {
                let bucket = *bucket as usize;
                let gradient = slope * value + settings.decay * weights[bucket];
                squares[bucket] += gradient * gradient;
                weights[bucket] -= settings.rate * gradient / squares[bucket].sqrt();
            }
            bias_square += slope * slope;
            bias -= settings.rate * slope / bias_square.sqrt();
        }
    }
    LinearModel::quantise(&weights, bias, Thresholds::both(0.5))
}

fn highest<'e>(sentences: &'e [Vec<u32>], weights: &[f32]) -> (&'e [u32], f32) {
    let score = |features: &[u32]| {
        features
            .iter()
            .map(|bucket| weights[*bucket as usize])
            .sum::<f32>()
            * norm(features.len() as u32)
    };
    let mut best: (&[u32], f32) = (&sentences[0], f32::NEG_INFINITY);
    for features in sentences {
        let value = score(features);
        if value > best.1 {
            best = (features, value);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_learns_a_separable_rule_and_repeats_itself() {
        let triage = Triage::standard();
        let good = "The staff were lovely and the room was clean";
        let bad = "These tablets gave me a terrible rash";
        let examples: Vec<Example> = (0..20)
            .map(|index| {
                triage.example(if index % 2 == 0 { bad } else { good }, index % 2 == 0, 1.0)
            })
            .collect();
        let model = fit(&examples, Settings::default());
        assert_eq!(
            model.to_bytes(),
            fit(&examples, Settings::default()).to_bytes()
        );
        let trained = Triage::standard().with_model(model);
        assert!(trained.probability(bad) > 0.8);
        assert!(trained.probability(good) < 0.2);
    }
}
