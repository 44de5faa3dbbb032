//! Who speaks (U02): a guess from the words, for feedback whose source does not say.
//!
//! Cue phrases with weights, the sum per kind of speaker, and an honest "unknown" where the best is not clearly
//! ahead. A trained model was not possible: no open set labels speakers of pharma feedback. The contract's `respondent.type` always
//! wins over this guess; the guess is an enrichment with its confidence.

mod cues;

use crate::words::Words;
use cues::KINDS;

/// Name and version of the rules, as carried by every enrichment.
pub const VERSION: &str = "auscult-speaker@2";

/// Weight that must be reached at all.
const LEAST_WEIGHT: f32 = 1.0;
/// Lead over the second that must be reached.
const LEAST_LEAD: f32 = 0.5;

/// A guess of who speaks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guess {
    /// The contract's word: `hcp`, `patient`, `caregiver`, `pharmacist`, `payer`, `provider_org`, `supplier`, `distributor`, `advocate`, `regulator`, `unknown`.
    pub stakeholder: &'static str,
    /// 0 … 1; a softmax share of the cue weights, not a calibrated probability.
    pub confidence: f32,
}

/// Guesses who wrote a text.
#[must_use]
pub fn guess(text: &str) -> Guess {
    guess_words(&Words::of(text))
}

/// Guesses who wrote a text that has been read already.
#[must_use]
pub fn guess_words(words: &Words) -> Guess {
    let weights = cues::weights(words);
    let (mut best, mut second) = ((0, f32::MIN), f32::MIN);
    for (kind, weight) in weights.iter().copied().enumerate() {
        if weight > best.1 {
            second = best.1;
            best = (kind, weight);
        } else {
            second = second.max(weight);
        }
    }
    if best.1 < LEAST_WEIGHT || best.1 - second < LEAST_LEAD {
        return Guess {
            stakeholder: "unknown",
            confidence: 0.0,
        };
    }
    // "unknown" takes part with the weight that must be reached.
    let total: f32 = weights.iter().map(|weight| weight.exp()).sum::<f32>() + LEAST_WEIGHT.exp();
    Guess {
        stakeholder: KINDS[best.0],
        confidence: best.1.exp() / total,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_who_speaks_or_says_unknown() {
        for (who, text) in [
            (
                "hcp",
                "I have three patients on the new pen and all of them tolerate it.",
            ),
            (
                "hcp",
                "In my practice we start at the lower dose and titrate.",
            ),
            (
                "hcp",
                "As a cardiologist I would not prescribe it first line.",
            ),
            (
                "patient",
                "I was diagnosed last year and have been taking it every morning since.",
            ),
            (
                "patient",
                "My doctor switched me to the weekly injection and I feel better.",
            ),
            (
                "caregiver",
                "My mother takes it and she cannot open the pen by herself.",
            ),
            (
                "caregiver",
                "We give it to our son before school, he hates the taste.",
            ),
            (
                "pharmacist",
                "Our pharmacy cannot order it; I dispense ten boxes a month.",
            ),
            (
                "payer",
                "Our formulary committee reviewed the budget impact for our members.",
            ),
            (
                "provider_org",
                "Our hospital trust has no capacity in the infusion unit for this.",
            ),
            (
                "distributor",
                "Our warehouse received forty pallets with the wrong labels for onward shipping to pharmacies.",
            ),
            (
                "supplier",
                "We manufacture the stoppers and the lead time for your next batch is ten weeks.",
            ),
            (
                "advocate",
                "On behalf of our patient organisation, our members ask for easier access.",
            ),
            (
                "regulator",
                "The agency requests the marketing authorisation holder to submit the assessment.",
            ),
            ("unknown", "Good."),
            ("unknown", "The website is slow."),
        ] {
            assert_eq!(
                guess(text).stakeholder,
                who,
                "{text}: {:?}",
                cues::weights(&Words::of(text))
            );
        }
    }
}
