//! A trained model beside the curated themes.

use super::trained::Model;
use super::{Taxonomy, ThemeHit};
use crate::words::Words;

/// Why a trained model cannot stand beside a taxonomy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LearnedProblem {
    /// Its features are themes of another taxonomy.
    #[error(
        "it was trained with taxonomy {trained}, this is {own}: train it again, or name the taxonomy it was trained with"
    )]
    OtherTaxonomy {
        /// `name@version` it was trained with.
        trained: String,
        /// `name@version` of this one.
        own: String,
    },
    /// Two labels, or a label and a curated theme, have the same id.
    #[error("two themes would be called {id}: rename the label and train again")]
    TakenId {
        /// The id.
        id: String,
    },
}

/// The model, and where its labels and the curated themes are among all themes.
#[derive(Debug, Clone)]
pub(super) struct LearnedThemes {
    model: Model,
    curated: Vec<u16>,
    labels: Vec<u16>,
}

impl LearnedThemes {
    pub(super) fn new(model: Model, curated: Vec<u16>, labels: Vec<u16>) -> LearnedThemes {
        LearnedThemes {
            model,
            curated,
            labels,
        }
    }

    /// Index among all themes of the curated theme with this index.
    pub(super) fn curated(&self, index: u16) -> u16 {
        self.curated
            .get(usize::from(index))
            .copied()
            .unwrap_or(index)
    }

    /// Adds the learned themes. A model knows no place, so the span of a learned theme is the whole text.
    pub(super) fn add_to(
        &self,
        mut hits: Vec<ThemeHit>,
        words: &Words,
        taxonomy: &Taxonomy,
    ) -> Vec<ThemeHit> {
        let (Some(first), Some(last)) = (words.words().first(), words.words().last()) else {
            return hits;
        };
        let themes = hits.iter().map(|hit| taxonomy.curated_id(hit.theme));
        let learned = self.model.tag_words(words, themes);
        for hit in &mut hits {
            hit.theme = self.curated(hit.theme);
        }
        hits.extend(learned.into_iter().filter_map(|found| {
            Some(ThemeHit {
                theme: *self.labels.get(usize::from(found.label))?,
                spans: vec![(first.start, last.end)],
            })
        }));
        hits.sort_unstable_by_key(|hit| hit.theme);
        hits
    }
}

/// Id of the theme of a label: `trained.staff_manner` for "Staff manner".
pub(super) fn learned_id(label: &str) -> String {
    let plain: String = label
        .to_lowercase()
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '_'
            }
        })
        .collect();
    format!("trained.{}", plain.trim_matches('_'))
}

#[cfg(test)]
mod tests {
    use super::super::trained::{Labelled, Training, train};
    use super::*;

    #[test]
    fn learned_themes_stand_beside_curated_ones() {
        let labelled: Vec<Labelled> = (0..120_usize)
            .map(|at| Labelled {
                text: if at % 2 == 0 {
                    format!("the parking at site {} was awful", at % 9)
                } else {
                    format!("visit {} went as planned", at % 9)
                },
                labels: if at % 2 == 0 {
                    vec!["Car parks".to_owned()]
                } else {
                    Vec::new()
                },
                group: format!("person {at}"),
            })
            .collect();
        let plain = Taxonomy::standard();
        let model = train(&labelled, Some(&plain), &Training::default());
        let both = plain.clone().with_learned(model.clone()).unwrap();
        let text = "the parking at site 4 was awful";
        let ids = |taxonomy: &Taxonomy| -> Vec<String> {
            taxonomy
                .tag(text)
                .iter()
                .map(|hit| taxonomy.theme_id(hit.theme).to_owned())
                .collect()
        };
        let mut expected = ids(&plain);
        expected.push("trained.car_parks".to_owned());
        expected.sort();
        assert_eq!(ids(&both), expected);
        assert!(both.version().contains("+trained."), "{}", both.version());
        assert_eq!(
            both.clone().with_learned(model).unwrap_err(),
            LearnedProblem::OtherTaxonomy {
                trained: format!("{}@{}", plain.name(), plain.version()),
                own: format!("{}@{}", both.name(), both.version()),
            }
        );
    }
}
