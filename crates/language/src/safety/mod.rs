//! Safety triage: does this text have to go to the safety desk?
//!
//! It runs on every text before anything else and nothing can mute it, so it must be cheap, deterministic and tuned
//! for recall. Two judges share one reading of the words: readable rules that name the class (and carry an
//! identifier a reviewer can look up), and a linear model over hashed n-grams and cues that grades what no rule
//! says. A text is a candidate when either says so. A transformer would read better and cost a thousand times the
//! budget of 3 µs; keyword lists alone miss too much (figures in docs/models/safety.md).
//!
//! We find, route and time. We decide nothing about causality, seriousness or reportability.

mod class;
mod lexicon;
mod linear;
mod patient;
mod rules;
mod token;
pub mod train;

pub use class::{Criteria, Criterion, SafetyAssessment, SafetyClass, SeriousnessCue};
pub use lexicon::LexiconError;
pub use linear::{LinearModel, ModelError, Thresholds};

use lexicon::{Hit, Lexicon};
use rules::{Reading, Verdict};

/// Words beyond this are not read: 64 KiB of text, the contract's limit for inline text, has fewer.
const WORD_LIMIT: usize = 16_384;
/// Room made for cues at once; few texts have more.
const HITS: usize = 32;

/// The triage: lexicon, rules and model. Build once, share freely; `assess` takes `&self` and keeps no state.
#[derive(Debug, Clone)]
pub struct Triage {
    lexicon: Lexicon,
    model: LinearModel,
}

impl Triage {
    /// The shipped triage.
    ///
    /// # Panics
    /// Never with the shipped resources: a test parses them.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the resources are compiled in and a test parses them"
    )]
    pub fn standard() -> Triage {
        let lexicon = Lexicon::parse(
            include_str!("../../resources/safety_lexicon.toml"),
            include_str!("../../resources/safety_drug_names.txt"),
        )
        .expect("the shipped safety lexicon is well formed");
        let model = LinearModel::from_bytes(include_bytes!("../../resources/safety_model.bin"))
            .expect("the shipped safety model is whole");
        Triage { lexicon, model }
    }

    /// Name and version of rules and model together, as `name@version`.
    #[must_use]
    pub fn model(&self) -> &'static str {
        "ae-rules+linear@0.2"
    }

    /// The same lexicon and rules with another linear model: for training and cross-validation.
    #[must_use]
    pub fn with_model(mut self, model: LinearModel) -> Triage {
        self.model = model;
        self
    }

    /// The same triage, which also knows these names of products: a text that names one is linked to it. Capitals do not
    /// matter; a name may be several words.
    #[must_use]
    pub fn knowing<'n>(mut self, products: impl IntoIterator<Item = &'n str>) -> Triage {
        self.lexicon.add_product_names(products);
        self
    }

    /// Reads one text. Same text, same answer. Spans are byte offsets into `text`.
    #[must_use]
    pub fn assess(&self, text: &str) -> SafetyAssessment {
        self.read(text, |reading| {
            let verdict = rules::judge(reading);
            let probability = self.model.probability(reading);
            self.assessment(reading, verdict, probability)
        })
    }

    /// The linear model's probability alone.
    #[must_use]
    pub fn probability(&self, text: &str) -> f32 {
        self.read(text, |reading| self.model.probability(reading))
    }

    /// Whether every event the text speaks of is denied, feared, past or treated, which raises the threshold.
    #[must_use]
    pub fn is_denied(&self, text: &str) -> bool {
        self.read(text, |reading| reading.is_denied())
    }

    /// Whether the text speaks as people do of themselves, or is short and names no event, which decides the threshold.
    #[must_use]
    pub fn is_lay(&self, text: &str) -> bool {
        self.read(text, |reading| reading.is_lay() || reading.is_plain())
    }

    fn read<R>(&self, text: &str, take: impl FnOnce(&Reading<'_>) -> R) -> R {
        let tokens = token::tokenise(text, WORD_LIMIT);
        let mut hits: Vec<Hit> = Vec::with_capacity(HITS);
        self.lexicon.find(&tokens, &mut hits);
        take(&Reading::new(text, &tokens, &hits))
    }

    fn assessment(
        &self,
        reading: &Reading<'_>,
        verdict: Verdict,
        probability: f32,
    ) -> SafetyAssessment {
        let threshold = self.model.threshold_for(reading);
        let score = probability.max(verdict.strength);
        let is_candidate = score >= threshold;
        let mut classes = if is_candidate {
            verdict.classes
        } else {
            Vec::new()
        };
        if is_candidate && classes.is_empty() {
            classes.push(SafetyClass::AdverseEvent);
        }
        SafetyAssessment {
            is_candidate,
            score,
            threshold,
            classes,
            rules_hit: verdict.rules,
            event_spans: rules::event_spans(reading),
            criteria: rules::criteria(reading),
            seriousness: rules::seriousness(reading),
            product_as_reported: rules::product_as_reported(reading),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_triage_reads_a_plain_report() {
        let triage = Triage::standard();
        let assessment = triage.assess(
            "I started Humira last week and came out in a rash, my wife took me to hospital.",
        );
        assert!(assessment.is_candidate);
        assert_eq!(assessment.classes, [SafetyClass::AdverseEvent]);
        assert_eq!(assessment.seriousness, [SeriousnessCue::Hospitalisation]);
        assert_eq!(assessment.product_as_reported, Some((10, 16)));
        assert_eq!(assessment.criteria.product, Criterion::Found);
    }

    #[test]
    fn a_product_it_was_told_of_is_a_product() {
        let text = "Since the new Zorivance Pen I get a rash.";
        let told = Triage::standard().knowing(["ZORIVANCE pen"]).assess(text);
        assert_eq!(told.product_as_reported, Some((14, 27)));
        assert_eq!(told.criteria.product, Criterion::Found);
        assert_ne!(
            Triage::standard().assess(text).criteria.product,
            Criterion::Found
        );
    }

    #[test]
    fn nothing_found_means_nothing_said() {
        let assessment = Triage::standard().assess("The driver was late but very polite.");
        assert!(!assessment.is_candidate);
        assert!(assessment.classes.is_empty() && assessment.event_spans.is_empty());
    }
}
