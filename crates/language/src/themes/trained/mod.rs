//! Themes learned from labelled texts: for teams that have labels of their own.
//!
//! One logistic model a label over hashed words, word pairs and word beginnings, trained together in one sparse
//! table. linfa's logistic regression was tried on paper and set aside: it takes a dense matrix, which for 5,000 comments and
//! 16,384 features is 650 MB, and one run a label. Thresholds are set a label where F1 was best on texts the weights had not seen.
//! Pure: labelled texts in, a model and a card out; `auscult train themes` reads and writes the files.

mod features;
mod model;
mod scores;
mod training;

pub use model::{Learned, Model, ModelProblem};
pub use scores::{LabelScore, Scores};
pub use training::{Training, cross_validate, train};

/// One labelled text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelled {
    /// The text.
    pub text: String,
    /// Its labels; none is a label too.
    pub labels: Vec<String>,
    /// Who wrote it: all texts of one group stay on one side of every split.
    pub group: String,
}

/// The card of a trained model, in Markdown.
#[must_use]
pub fn card(name: &str, labelled: &[Labelled], training: &Training, scores: &Scores) -> String {
    let mut groups: Vec<&str> = labelled.iter().map(|one| one.group.as_str()).collect();
    groups.sort_unstable();
    groups.dedup();
    let mut card = format!(
        "# Model card: {name}\n\n- **What it does**: gives the labels of a text, several at once, by logistic regression over hashed words, word pairs and word beginnings.\n\
         - **Learned from**: {} texts of {} groups (people); labels held by fewer than {} texts were left out.\n\
         - **Judged by**: {}-fold cross-validation; no group is on both sides of a split; thresholds were set inside the training side.\n\
         - **Macro F1** {:.3}, **micro F1** {:.3} over {} labels.\n- **Use it for**: texts like those it learned from. Elsewhere, measure first.\n\n| label | texts | precision | recall | F1 |\n| --- | --- | --- | --- | --- |\n",
        labelled.len(),
        groups.len(),
        training.least_texts,
        training.folds,
        scores.macro_f1(),
        scores.micro_f1(),
        scores.labels.len(),
    );
    for label in &scores.labels {
        card.push_str(&format!(
            "| {} | {} | {:.3} | {:.3} | {:.3} |\n",
            label.name,
            label.right + label.missed,
            label.precision(),
            label.recall(),
            label.f1()
        ));
    }
    card
}
