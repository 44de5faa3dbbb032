//! Training the lexicon: hand-written seeds, moved by human ratings.
//!
//! Maximum a posteriori for the model that is used: `rating ≈ a + b·tanh(Σ factor·valence / τ(n))`, where every valence has
//! a normal prior around its seed (or 0). The rules stay in force while training, so a word is learned from what it
//! did in its clause. Beats a bag-of-words regression because unseen kinds of text still find the seeds, and
//! beats seeds alone because people's ratings are not the author's.

use super::felt::{self, Felt, FeltWords};
use super::lexicon::{Lexicon, is_function_word};
use super::{damped_tau, squash};
use crate::words::Words;
use std::collections::BTreeMap;

/// One rated text.
#[derive(Debug, Clone, Copy)]
pub struct Rated<'a> {
    /// The text.
    pub text: &'a str,
    /// Human rating on the scale −1 … 1.
    pub rating: f32,
    /// Which collection it is from: each has its own offset and spread.
    pub set: usize,
    /// How much the text counts: below 1 for collections whose labels mean something slightly else.
    pub weight: f32,
}

/// How far training may move from the seeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Training {
    /// Pull of a seeded word toward its seed, in ratings' worth.
    pub seed_pull: f32,
    /// Pull of a word without seed toward zero.
    pub word_pull: f32,
    /// Pull of a pair of words toward zero.
    pub pair_pull: f32,
    /// A word without seed is learned when so many texts hold it.
    pub least_texts: usize,
    /// A pair is learned when so many texts hold it.
    pub least_pair_texts: usize,
    /// Steps of the optimiser.
    pub steps: usize,
}

impl Default for Training {
    fn default() -> Training {
        Training {
            seed_pull: 0.2,
            word_pull: 0.6,
            pair_pull: 1.5,
            least_texts: 3,
            least_pair_texts: 6,
            steps: 150,
        }
    }
}

/// A learned word that says less is left out: it only costs time.
const LEAST_VALENCE: f32 = 0.1;

/// Reads `value: word word …` lines of seeds.
///
/// # Errors
/// The line that is not of this form.
pub fn read_seeds(text: &str) -> Result<Vec<(String, f32)>, String> {
    let mut seeds = BTreeMap::new();
    for line in text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
    {
        let (value, words) = line
            .split_once(": ")
            .ok_or_else(|| format!("seed line without `value: `: {line}"))?;
        let value: f32 = value
            .parse()
            .map_err(|_| format!("`{value}` is no number"))?;
        for word in words.split_whitespace() {
            seeds.entry(word.to_owned()).or_insert(value);
        }
    }
    Ok(seeds.into_iter().collect())
}

/// Trains a lexicon from seeds and rated texts. Deterministic.
#[must_use]
pub fn train(
    version: &str,
    seeds: &[(String, f32)],
    rated: &[Rated],
    training: Training,
) -> Lexicon {
    let (mut lexicon, prior) = vocabulary(version, seeds, rated, training);
    let rows: Vec<(FeltWords, &Rated)> = rated
        .iter()
        .map(|rated| {
            (
                felt::find(&lexicon, rated.text, &Words::of(rated.text)),
                rated,
            )
        })
        .collect();
    let mut frame = Frames::new(rated);
    let mut optimiser = Adam::new(prior.len());
    for step in 0..training.steps {
        let mut gradient: Vec<f32> = prior
            .iter()
            .zip(lexicon.values_mut().iter())
            .map(|((centre, pull), value)| pull * (value - centre))
            .collect();
        let predictions: Vec<f32> = rows
            .iter()
            .map(|(felt, _)| squash(sum(&lexicon, felt), felt.len()))
            .collect();
        frame.fit(rows.iter().map(|(_, rated)| *rated), &predictions);
        for ((felt, rated), prediction) in rows.iter().zip(&predictions) {
            let (offset, spread) = frame.of(rated.set);
            let error = offset + spread * prediction - rated.rating;
            let slope = rated.weight * error * spread * (1.0 - prediction * prediction)
                / damped_tau(felt.len());
            for felt in felt {
                gradient[felt.entry as usize] += slope * felt.factor;
            }
        }
        optimiser.step(lexicon.values_mut(), &gradient, step);
    }
    // A word that ended up saying nothing only costs memory.
    let rows = prior
        .iter()
        .zip(names_and_values(&lexicon))
        .filter(|((centre, _), (_, value))| *centre != 0.0 || value.abs() >= LEAST_VALENCE);
    Lexicon::from_rows(version.to_owned(), rows.map(|(_, row)| row).collect())
}

/// Prediction of a lexicon on the scale −1 … 1.
#[must_use]
pub fn predict(lexicon: &Lexicon, text: &str) -> f32 {
    let felt = felt::find(lexicon, text, &Words::of(text));
    squash(sum(lexicon, &felt), felt.len())
}

fn names_and_values(lexicon: &Lexicon) -> Vec<(String, f32)> {
    lexicon
        .rows()
        .map(|(name, value)| (name.to_owned(), value.clamp(-4.0, 4.0)))
        .collect()
}

fn sum(lexicon: &Lexicon, felt: &[Felt]) -> f32 {
    felt.iter()
        .map(|felt| felt.factor * lexicon.value(felt.entry))
        .sum()
}

/// All words to learn, at their seeds, with centre and pull of each prior.
fn vocabulary(
    version: &str,
    seeds: &[(String, f32)],
    rated: &[Rated],
    training: Training,
) -> (Lexicon, Vec<(f32, f32)>) {
    let seeded = Lexicon::from_rows(version.to_owned(), seeds.to_vec());
    let (singles, pairs) = counts(rated);
    let mut rows: Vec<(String, f32)> = seeds.to_vec();
    let mut prior: Vec<(f32, f32)> = seeds
        .iter()
        .map(|(_, value)| (*value, training.seed_pull))
        .collect();
    for (word, texts) in singles {
        let hash = crate::stable_hash::hash_bytes(word.as_bytes());
        if texts < training.least_texts
            || seeded.exact(hash).is_some()
            || is_function_word(&word)
            || word.chars().all(|character| character.is_ascii_digit())
        {
            continue;
        }
        // An inflection of a seed starts where its base is.
        let centre = seeded
            .look_up(&word, hash)
            .map_or(0.0, |entry| seeded.value(entry));
        prior.push((
            centre,
            if centre == 0.0 {
                training.word_pull
            } else {
                training.seed_pull
            },
        ));
        rows.push((word, centre));
    }
    for (pair, texts) in pairs {
        let says_something = pair.split('_').any(|word| !is_function_word(word));
        if texts >= training.least_pair_texts
            && says_something
            && !seeds.iter().any(|(seed, _)| *seed == pair)
        {
            let centre = parts_value(&seeded, &pair);
            prior.push((centre, training.pair_pull));
            rows.push((pair, centre));
        }
    }
    (Lexicon::from_rows(version.to_owned(), rows), prior)
}

/// What the words of a pair say by themselves.
fn parts_value(seeded: &Lexicon, pair: &str) -> f32 {
    let text = pair.replace('_', " ");
    sum(seeded, &felt::find(seeded, &text, &Words::of(&text))).clamp(-4.0, 4.0)
}

/// Texts that hold each word, and each pair of neighbours.
fn counts(rated: &[Rated]) -> (BTreeMap<String, usize>, BTreeMap<String, usize>) {
    let (mut singles, mut pairs) = (BTreeMap::new(), BTreeMap::new());
    for rated in rated {
        let words = Words::of(rated.text);
        let folded: Vec<(&str, bool)> = words
            .words()
            .iter()
            .map(|word| (words.folded_word(word), word.before.ends_clause()))
            .collect();
        let mut own: Vec<String> = folded.iter().map(|(word, _)| (*word).to_owned()).collect();
        let mut own_pairs: Vec<String> = folded
            .windows(2)
            .filter(|pair| !pair[1].1)
            .map(|pair| format!("{}_{}", pair[0].0, pair[1].0))
            .collect();
        for (own, all) in [(&mut own, &mut singles), (&mut own_pairs, &mut pairs)] {
            own.sort_unstable();
            own.dedup();
            for word in own.drain(..) {
                *all.entry(word).or_insert(0usize) += 1;
            }
        }
    }
    (singles, pairs)
}

/// Offset and spread of each collection, by least squares.
struct Frames(Vec<(f32, f32)>);

impl Frames {
    fn new(rated: &[Rated]) -> Frames {
        let sets = rated.iter().map(|rated| rated.set + 1).max().unwrap_or(0);
        Frames(vec![(0.0, 1.0); sets])
    }

    fn of(&self, set: usize) -> (f32, f32) {
        self.0[set]
    }

    fn fit<'a>(&mut self, rated: impl Iterator<Item = &'a Rated<'a>>, predictions: &[f32]) {
        let mut sums = vec![[0.0f64; 5]; self.0.len()];
        for (rated, prediction) in rated.zip(predictions) {
            let (x, y) = (f64::from(*prediction), f64::from(rated.rating));
            let terms = [1.0, x, y, x * x, x * y];
            sums[rated.set]
                .iter_mut()
                .zip(terms)
                .for_each(|(sum, term)| *sum += term);
        }
        for (frame, [n, x, y, xx, xy]) in self.0.iter_mut().zip(sums) {
            let variance = n * xx - x * x;
            if n > 10.0 && variance > 1e-6 {
                let spread = ((n * xy - x * y) / variance).clamp(0.3, 2.0);
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "f32 is what the model stores"
                )]
                {
                    *frame = (((y - spread * x) / n) as f32, spread as f32);
                }
            }
        }
    }
}

/// Adam (Kingma and Ba 2015) with their constants and a step that shrinks.
struct Adam {
    mean: Vec<f32>,
    square: Vec<f32>,
}

impl Adam {
    fn new(size: usize) -> Adam {
        Adam {
            mean: vec![0.0; size],
            square: vec![0.0; size],
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_wrap,
        clippy::cast_possible_truncation,
        reason = "a few hundred steps"
    )]
    fn step(&mut self, values: &mut [f32], gradient: &[f32], step: usize) {
        let rate = 0.1 / (1.0 + step as f32 / 40.0);
        let (first, second) = (
            1.0 - 0.9f32.powi(step as i32 + 1),
            1.0 - 0.999f32.powi(step as i32 + 1),
        );
        for (((value, gradient), mean), square) in values
            .iter_mut()
            .zip(gradient)
            .zip(&mut self.mean)
            .zip(&mut self.square)
        {
            *mean = 0.9 * *mean + 0.1 * gradient;
            *square = 0.999 * *square + 0.001 * gradient * gradient;
            *value -= rate * (*mean / first) / ((*square / second).sqrt() + 1e-8);
        }
    }
}
