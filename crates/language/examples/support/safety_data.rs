//! The safety corpus, its folds, and the figures.

use std::path::Path;

use auscult_language::safety::{Thresholds, Triage, train};

use super::LabelledText;

/// Our own patient-language templates.
const PATIENT_LANGUAGE: &str = include_str!("../../resources/safety_patient_language.txt");
/// How often each template is filled.
const FILLINGS: u64 = 8;
/// Folds of the cross-validation.
pub const FOLDS: u64 = 5;
/// The recall the thresholds are set for on the clinical sets: above the promise of 0.97, for the margin new documents need.
pub const SHIPPED_RECALL: f64 = 0.982;
/// The recall the lay threshold is set for on our own templates.
const LAY_RECALL: f64 = 0.98;

/// One text of the corpus.
#[derive(Debug, Clone)]
pub struct Item {
    pub set: &'static str,
    pub fold: u64,
    pub text: String,
    pub label: bool,
    pub weight: f32,
    pub trains: bool,
}

/// Everything the model is trained and judged on.
pub struct Corpus {
    pub items: Vec<Item>,
}

/// An item with its out-of-fold score.
pub struct Scored {
    pub set: &'static str,
    pub fold: u64,
    pub label: bool,
    pub score: f32,
    pub lay: bool,
    pub denied: bool,
}

fn items(set: &'static str, texts: Vec<LabelledText>, weight: f32, trains: bool) -> Vec<Item> {
    texts
        .into_iter()
        .map(|labelled| Item {
            set,
            fold: super::fold(&labelled.document, FOLDS),
            text: labelled.text,
            label: labelled.label,
            weight,
            trains,
        })
        .collect()
}

impl Corpus {
    /// Reads every set that is in `folder`.
    pub fn read(folder: &Path) -> anyhow::Result<Corpus> {
        let mut all = Vec::new();
        for path in super::files(folder, "ade_sentences_") {
            all.extend(items(
                "ade",
                super::ade_sentences(&super::contents(&path)?)?,
                1.0,
                true,
            ));
        }
        for path in super::files(folder, "phee_") {
            let sentences = super::phee(&super::contents(&path)?)?
                .into_iter()
                .map(|(labelled, _)| labelled)
                .collect();
            all.extend(items("phee", sentences, 1.0, true));
        }
        for path in super::files(folder, "nhs_feedback_") {
            all.extend(items(
                "nhs_feedback",
                super::feedback(&super::contents(&path)?)?,
                0.5,
                true,
            ));
        }
        for path in super::files(folder, "sentiment_") {
            let texts = super::rows(&super::contents(&path)?)?
                .into_iter()
                .filter_map(|row| {
                    Some(LabelledText {
                        document: row.values().next()?.clone(),
                        text: row
                            .get("text")
                            .or_else(|| row.values().max_by_key(|value| value.len()))?
                            .clone(),
                        label: false,
                    })
                })
                .collect();
            all.extend(items("other", texts, 0.3, true));
        }
        all.extend(patient_language());
        anyhow::ensure!(
            !all.is_empty(),
            "no ade_sentences_*, phee_* or nhs_feedback_* file in {}",
            folder.display()
        );
        Ok(Corpus { items: all })
    }
}

/// The templates, filled with a seeded choice.
pub fn patient_language() -> Vec<Item> {
    let lines = || {
        PATIENT_LANGUAGE
            .lines()
            .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
    };
    let slots: Vec<(&str, Vec<&str>)> = lines()
        .filter(|line| !line.starts_with(['+', '-']))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, values)| (name, values.split("; ").collect()))
        .collect();
    let mut state = 7_u64;
    let mut choose = |values: &[&str]| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        values[(state >> 33) as usize % values.len()].to_owned()
    };
    let mut filled = Vec::new();
    for line in lines().filter(|line| line.starts_with(['+', '-'])) {
        let (label, template) = (line.starts_with('+'), line[1..].trim());
        for _ in 0..FILLINGS {
            let mut text = template.to_owned();
            for (name, values) in &slots {
                let mark = format!("{{{name}}}");
                while let Some(at) = text.find(&mark) {
                    text.replace_range(at..at + mark.len(), &choose(values));
                }
            }
            filled.push(Item {
                set: "patient_language",
                fold: super::fold(template, FOLDS),
                text,
                label,
                weight: 1.0,
                trains: true,
            });
        }
    }
    filled
}

/// Scores every item with a model that has not seen its document.
pub fn cross_validate(corpus: &Corpus) -> Vec<Scored> {
    let base = Triage::standard();
    let examples: Vec<train::Example> = corpus
        .items
        .iter()
        .map(|item| base.example(&item.text, item.label, item.weight))
        .collect();
    let mut scored = Vec::new();
    for fold in 0..FOLDS {
        let training: Vec<train::Example> = corpus
            .items
            .iter()
            .zip(&examples)
            .filter(|(item, _)| item.fold != fold && item.trains)
            .map(|(_, example)| example.clone())
            .collect();
        let triage =
            Triage::standard().with_model(train::fit(&training, train::Settings::default()));
        for item in corpus.items.iter().filter(|item| item.fold == fold) {
            scored.push(score(&triage, item));
        }
    }
    scored
}

/// Scores one item. The assessed threshold is the model's own; cross-validation puts another in its place, so what it
/// needs to know of the text goes along.
pub fn score(triage: &Triage, item: &Item) -> Scored {
    let score = triage.assess(&item.text).score;
    Scored {
        set: item.set,
        fold: item.fold,
        label: item.label,
        score,
        lay: triage.is_lay(&item.text),
        denied: triage.is_denied(&item.text),
    }
}

/// The thresholds: clinical, the highest with `recall` on both clinical sets; lay, the same on our patient language.
pub fn thresholds_for<'s>(scored: impl Iterator<Item = &'s Scored> + Clone) -> Thresholds {
    let highest = |set: &str, lay: bool, recall: f64| {
        let mut positives: Vec<f32> = scored
            .clone()
            .filter(|item| item.set == set && item.label && item.lay == lay)
            // Denied ones pass or fail by their own threshold, whatever is chosen here.
            .map(|item| {
                if item.denied {
                    f32::from(u8::from(
                        item.score >= Thresholds::both(0.0).of(item.lay, true),
                    ))
                } else {
                    item.score
                }
            })
            .collect();
        positives.sort_by(f32::total_cmp);
        positives
            .get((positives.len() as f64 * (1.0 - recall)) as usize)
            .copied()
            .unwrap_or(1.0)
    };
    // A sentence of an article that says "my" is judged as lay; there are few, and the lay threshold must not lose them.
    let clinical =
        highest("ade", false, SHIPPED_RECALL).min(highest("phee", false, SHIPPED_RECALL));
    Thresholds {
        clinical,
        lay: highest("patient_language", true, LAY_RECALL).clamp(clinical, 0.5),
    }
}

/// Whether each out-of-fold item is sent, with thresholds that have not seen its fold.
pub fn sent(scored: &[Scored]) -> Vec<bool> {
    let thresholds: Vec<Thresholds> = (0..FOLDS)
        .map(|fold| thresholds_for(scored.iter().filter(move |item| item.fold != fold)))
        .collect();
    scored
        .iter()
        .map(|item| item.score >= thresholds[item.fold as usize].of(item.lay, item.denied))
        .collect()
}
