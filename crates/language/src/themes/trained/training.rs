//! Training and honest judgement of learned themes.

use super::Labelled;
use super::features::features_of;
use super::model::{Model, logistic};
use super::scores::Scores;
use crate::stable_hash;
use crate::themes::Taxonomy;
use std::collections::BTreeMap;

/// How to train.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Training {
    /// Labels of fewer texts are left out: nothing could be learned or measured.
    pub least_texts: usize,
    /// Logarithm to base 2 of the number of feature buckets.
    pub buckets_log2: u8,
    /// Passes over the texts.
    pub passes: usize,
    /// First step of AdaGrad.
    pub rate: f32,
    /// Pull of every weight toward zero.
    pub pull: f32,
    /// Parts of the cross-validation, and of the inner split that sets thresholds.
    pub folds: u64,
}

impl Default for Training {
    fn default() -> Training {
        Training {
            least_texts: 20,
            buckets_log2: 15,
            passes: 12,
            rate: 0.5,
            pull: 1e-4,
            folds: 5,
        }
    }
}

struct Row {
    features: Vec<u32>,
    labels: Vec<bool>,
    fold: u64,
}

/// Trains on all texts; thresholds are set where F1 is best on held-out parts. Deterministic.
///
/// Themes of `taxonomy`, where one is given, become features: what people wrote into it helps rare labels most.
/// The labels are those of at least [`Training::least_texts`] texts, sorted by name.
#[must_use]
pub fn train(labelled: &[Labelled], taxonomy: Option<&Taxonomy>, training: &Training) -> Model {
    let labels = labels_of(labelled, training.least_texts);
    let rows = rows(labelled, &labels, taxonomy, training, 0);
    let all: Vec<&Row> = rows.iter().collect();
    fit_with_thresholds(&labels, taxonomy, &all, training)
}

/// Scores of models that never saw the group of the text they judge.
#[must_use]
pub fn cross_validate(
    labelled: &[Labelled],
    taxonomy: Option<&Taxonomy>,
    training: &Training,
) -> Scores {
    let labels = labels_of(labelled, training.least_texts);
    let outer = rows(labelled, &labels, taxonomy, training, 1);
    let inner = rows(labelled, &labels, taxonomy, training, 0);
    let mut scores = Scores::new(labels.iter().map(String::as_str));
    for fold in 0..training.folds {
        let seen: Vec<&Row> = inner
            .iter()
            .zip(&outer)
            .filter(|(_, outer)| outer.fold != fold)
            .map(|(inner, _)| inner)
            .collect();
        let model = fit_with_thresholds(&labels, taxonomy, &seen, training);
        for (text, row) in labelled
            .iter()
            .zip(&outer)
            .filter(|(_, row)| row.fold == fold)
        {
            let probabilities = model.probabilities(&text.text, taxonomy);
            for (label, score) in scores.labels.iter_mut().enumerate() {
                score.add(
                    probabilities[label] >= model.thresholds[label],
                    row.labels[label],
                );
            }
        }
    }
    scores
}

fn labels_of(labelled: &[Labelled], least: usize) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    labelled
        .iter()
        .flat_map(|one| &one.labels)
        .for_each(|label| *counts.entry(label).or_default() += 1);
    counts
        .into_iter()
        .filter(|(_, texts)| *texts >= least)
        .map(|(label, _)| label.to_owned())
        .collect()
}

fn rows(
    labelled: &[Labelled],
    labels: &[String],
    taxonomy: Option<&Taxonomy>,
    training: &Training,
    salt: u64,
) -> Vec<Row> {
    let row = |one: &Labelled| Row {
        features: features_of(&one.text, taxonomy, training.buckets_log2),
        labels: labels
            .iter()
            .map(|label| one.labels.contains(label))
            .collect(),
        fold: stable_hash::pair(stable_hash::hash_bytes(one.group.as_bytes()), salt)
            % training.folds.max(2),
    };
    labelled.iter().map(row).collect()
}

/// Weights of all rows; thresholds from models that saw all parts but one.
fn fit_with_thresholds(
    labels: &[String],
    taxonomy: Option<&Taxonomy>,
    rows: &[&Row],
    training: &Training,
) -> Model {
    let mut judged: Vec<Vec<(f32, bool)>> = vec![Vec::new(); labels.len()];
    for fold in 0..training.folds.max(2) {
        let seen: Vec<&Row> = rows
            .iter()
            .copied()
            .filter(|row| row.fold != fold)
            .collect();
        let (weights, bias) = fit(labels.len(), &seen, training);
        for row in rows.iter().filter(|row| row.fold == fold) {
            let logits = logits(&row.features, &weights, &bias);
            judged
                .iter_mut()
                .zip(logits)
                .zip(&row.labels)
                .for_each(|((judged, logit), label)| judged.push((logistic(logit), *label)));
        }
    }
    let thresholds = judged.into_iter().map(best_threshold).collect();
    let (weights, bias) = fit(labels.len(), rows, training);
    let mut model = rounded(labels, training.buckets_log2, bias, thresholds, &weights);
    model.taxonomy = taxonomy.map_or_else(String::new, |taxonomy| {
        format!("{}@{}", taxonomy.name(), taxonomy.version())
    });
    model
}

/// The probability from which F1 is best; one half where the label was never seen.
#[expect(clippy::cast_precision_loss, reason = "counts of texts")]
fn best_threshold(mut judged: Vec<(f32, bool)>) -> f32 {
    judged.sort_by(|a, b| b.0.total_cmp(&a.0));
    let wanted = judged.iter().filter(|(_, label)| *label).count();
    let (mut right, mut best, mut threshold) = (0usize, 0.0, 0.5);
    for (given, (probability, label)) in (1usize..).zip(&judged) {
        right += usize::from(*label);
        let f1 = 2.0 * right as f32 / (given + wanted) as f32;
        if f1 > best {
            (best, threshold) = (f1, *probability);
        }
    }
    threshold
}

#[expect(clippy::cast_precision_loss, reason = "features of one text")]
fn logits(features: &[u32], weights: &[f32], bias: &[f32]) -> Vec<f32> {
    let share = 1.0 / (features.len().max(1) as f32).sqrt();
    let mut logits = bias.to_vec();
    for feature in features {
        let row = *feature as usize * bias.len();
        logits
            .iter_mut()
            .zip(&weights[row..row + bias.len()])
            .for_each(|(logit, weight)| *logit += share * weight);
    }
    logits
}

/// Logistic regression of every label at once by AdaGrad.
#[expect(clippy::cast_precision_loss, reason = "features of one text")]
fn fit(labels: usize, rows: &[&Row], training: &Training) -> (Vec<f32>, Vec<f32>) {
    let size = labels << training.buckets_log2;
    let (mut weights, mut squares) = (vec![0.0f32; size], vec![0.05f32; size]);
    let (mut bias, mut bias_squares) = (vec![-3.0f32; labels], vec![1.0f32; labels]);
    let mut order: Vec<usize> = (0..rows.len()).collect();
    for pass in 0..training.passes {
        order.sort_by_key(|at| stable_hash::pair(*at as u64, pass as u64));
        for row in order.iter().map(|at| rows[*at]) {
            let slopes: Vec<f32> = logits(&row.features, &weights, &bias)
                .iter()
                .zip(&row.labels)
                .map(|(logit, label)| logistic(*logit) - f32::from(u8::from(*label)))
                .collect();
            let share = 1.0 / (row.features.len().max(1) as f32).sqrt();
            for feature in &row.features {
                let from = *feature as usize * labels;
                let cells = weights[from..from + labels]
                    .iter_mut()
                    .zip(&mut squares[from..from + labels]);
                cells.zip(&slopes).for_each(|((weight, square), slope)| {
                    let gradient = slope * share + training.pull * *weight;
                    *square += gradient * gradient;
                    *weight -= training.rate * gradient / square.sqrt();
                });
            }
            bias.iter_mut()
                .zip(&mut bias_squares)
                .zip(&slopes)
                .for_each(|((bias, square), slope)| {
                    *square += slope * slope;
                    *bias -= training.rate * slope / square.sqrt();
                });
        }
    }
    (weights, bias)
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to a byte")]
fn rounded(
    labels: &[String],
    buckets_log2: u8,
    bias: Vec<f32>,
    thresholds: Vec<f32>,
    weights: &[f32],
) -> Model {
    let scale = weights
        .iter()
        .fold(1e-6f32, |most, weight| most.max(weight.abs()))
        / 127.0;
    let weights = weights
        .iter()
        .map(|weight| (weight / scale).round().clamp(-127.0, 127.0) as i8)
        .collect();
    Model {
        labels: labels.to_vec(),
        buckets_log2,
        bias,
        thresholds,
        scale,
        weights,
        taxonomy: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<Labelled> {
        let staff = ["kind", "polite", "rude", "friendly"];
        let waiting = ["late", "slow", "hours", "queue"];
        (0..160usize)
            .map(|at| {
                let (a, b) = (at % 2 == 0, at % 3 == 0);
                let mut text = format!("comment {} about the visit", at % 7);
                let mut labels = Vec::new();
                if a {
                    text.push_str(&format!(" the nurse was {}", staff[at % 4]));
                    labels.push("staff".to_owned());
                }
                if b {
                    text.push_str(&format!(" it was {} again", waiting[at % 4]));
                    labels.push("waiting".to_owned());
                }
                Labelled {
                    text,
                    labels,
                    group: format!("person {at}"),
                }
            })
            .collect()
    }

    #[test]
    fn learns_several_labels_and_survives_its_bytes() {
        let training = Training {
            buckets_log2: 12,
            ..Training::default()
        };
        let scores = cross_validate(&sample(), None, &training);
        assert!(
            scores.macro_f1() > 0.9 && scores.micro_f1() > 0.9,
            "{scores:?}"
        );
        let model = train(&sample(), None, &training);
        let again = Model::from_bytes(&model.to_bytes()).unwrap();
        assert_eq!(again, model);
        let names: Vec<&str> = again
            .tag("the nurse was rude and it was late again", None)
            .iter()
            .map(|found| again.labels()[usize::from(found.label)].as_str())
            .collect();
        assert_eq!(names, ["staff", "waiting"]);
        assert!(
            super::super::card("test", &sample(), &training, &scores).contains("| staff | 80 |")
        );
        assert!(Model::from_bytes(&model.to_bytes()[..40]).is_err());
    }

    #[test]
    fn the_best_threshold_is_where_f1_is_best() {
        let judged = vec![
            (0.9, true),
            (0.8, false),
            (0.7, true),
            (0.2, false),
            (0.1, false),
        ];
        assert!((best_threshold(judged) - 0.7).abs() < 1e-6);
        assert!((best_threshold(vec![(0.9, false)]) - 0.5).abs() < 1e-6);
    }
}
