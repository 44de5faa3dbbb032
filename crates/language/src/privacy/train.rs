//! Training of the name tagger: perceptron updates, averaged, seeded, single-threaded, hence reproducible.

use super::Redactor;
use super::tagger::{ROWS, Tag, TaggerModel, all_lower, candidate, features};
use super::word::{Word, list};

/// One training text: its words and the tag of each.
#[derive(Debug, Clone)]
pub struct Example {
    text: String,
    words: Vec<Word>,
    gold: Vec<Tag>,
}

/// How to train.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Passes over the examples.
    pub passes: usize,
    /// Order of the examples, and which words are shown without their lists.
    pub seed: u64,
    /// How often, in 256, a text is shown with the name lists hidden: so that names in no list are learned from
    /// letters and context.
    pub hidden_lists: u64,
    /// What an unseen name costs against a false one: added to every wrong tag's score but `Outside`'s.
    pub recall_margin: f32,
    /// Added to `Name` when the trained model is used, in units of one perceptron step.
    pub name_bias: f32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            passes: 8,
            seed: 20_261_122,
            hidden_lists: 120,
            recall_margin: 2.0,
            name_bias: 5.5,
        }
    }
}

impl Redactor {
    /// Turns a text with tagged byte spans into a training example. A word belongs to a span when it lies inside it.
    #[must_use]
    pub fn example(&self, text: &str, spans: &[(Tag, usize, usize)]) -> Example {
        let words = self.words(text);
        let tag_of = |word: &Word| {
            spans
                .iter()
                .find(|(_, start, end)| (*start..*end).contains(&(word.start as usize)))
                .map_or(Tag::Outside, |(tag, _, _)| *tag)
        };
        let gold = words.iter().map(tag_of).collect();
        Example {
            text: text.to_owned(),
            words,
            gold,
        }
    }
}

fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Weights with the sum over time that averaging needs.
struct Weights {
    now: Vec<[f32; 5]>,
    sum: Vec<[f32; 5]>,
    clock: f32,
}

impl Weights {
    fn change(&mut self, row: u32, tag: Tag, by: f32) {
        self.now[row as usize][tag as usize] += by;
        self.sum[row as usize][tag as usize] += by * self.clock;
    }
}

/// Fits the tagger.
#[must_use]
pub fn fit(examples: &[Example], settings: Settings) -> TaggerModel {
    let mut weights = Weights {
        now: vec![[0.0; 5]; ROWS],
        sum: vec![[0.0; 5]; ROWS],
        clock: 1.0,
    };
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut state = settings.seed;
    for _ in 0..settings.passes {
        for index in (1..order.len()).rev() {
            order.swap(index, (next(&mut state) % (index as u64 + 1)) as usize);
        }
        for index in &order {
            let example = &examples[*index];
            if next(&mut state) % 256 < settings.hidden_lists {
                learn(&mut weights, &hidden(example), settings);
            } else {
                learn(&mut weights, example, settings);
            }
        }
    }
    let clock = weights.clock;
    let averaged: Vec<[f32; 5]> = weights
        .now
        .iter()
        .zip(&weights.sum)
        .map(|(now, sum)| [0, 1, 2, 3, 4].map(|tag| now[tag] - sum[tag] / clock))
        .collect();
    TaggerModel::quantise(&averaged, settings.name_bias)
}

/// The example as if no word were in a name list.
fn hidden(example: &Example) -> Example {
    let mut copy = example.clone();
    for (word, gold) in copy.words.iter_mut().zip(&copy.gold) {
        if *gold != Tag::Outside {
            word.lists &= !(list::GIVEN | list::FAMILY | list::PLACE);
        }
    }
    copy
}

fn learn(weights: &mut Weights, example: &Example, settings: Settings) {
    let words = &example.words;
    let lower = all_lower(words);
    let mut tags = vec![Tag::Outside; words.len()];
    let mut rows: Vec<u32> = Vec::new();
    for index in 0..words.len() {
        if !candidate(words, &tags, index) {
            continue;
        }
        rows.clear();
        features(&example.text, words, &tags, index, lower, |row| {
            rows.push(row)
        });
        let mut scores = [0.0_f32; 5];
        for row in &rows {
            for (score, weight) in scores.iter_mut().zip(weights.now[*row as usize]) {
                *score += weight;
            }
        }
        let gold = example.gold[index];
        let guess = guess(scores, gold, settings.recall_margin);
        if guess != gold {
            weights.clock += 1.0;
            for row in &rows {
                weights.change(*row, gold, 1.0);
                weights.change(*row, guess, -1.0);
            }
        }
        tags[index] = guess;
    }
}

/// The best tag, when missing a name is made to look better than it is: the learner must win by a margin.
fn guess(mut scores: [f32; 5], gold: Tag, margin: f32) -> Tag {
    if matches!(gold, Tag::Name | Tag::Address | Tag::Place) {
        scores[Tag::Outside as usize] += margin;
        scores[Tag::Organisation as usize] += margin;
    }
    let mut best = Tag::Outside;
    for tag in Tag::ALL {
        if scores[tag as usize] > scores[best as usize] {
            best = tag;
        }
    }
    best
}
