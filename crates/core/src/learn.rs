//! What people's answers teach: how often signals of a detector and view were worth their time (L03).
//!
//! A Beta posterior per view, with the uniform prior, over "useful" against "not". Its mean multiplies the
//! rank of later signals: answers re-order, they never touch a p-value. Plain counts beat a weighted
//! model here because a person can check them by hand.

use crate::words::Decision;
use auscult_statistics::learning::BetaPosterior;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Answers so far for one view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Answers {
    /// Signals that were worth it.
    pub useful: u32,
    /// Signals that were not.
    pub not_useful: u32,
}

impl Answers {
    /// Posterior of the precision under a uniform prior: Beta(useful + 1, not useful + 1).
    #[must_use]
    pub fn posterior(self) -> BetaPosterior {
        BetaPosterior::new(
            f64::from(self.useful) + 1.0,
            f64::from(self.not_useful) + 1.0,
        )
        .unwrap_or_else(|_| BetaPosterior::uniform())
    }
}

/// Whether a decision says that the signal was worth a person's time; `None`: it says nothing about that.
#[must_use]
pub fn usefulness(decision: Decision) -> Option<bool> {
    match decision {
        Decision::Confirmed
        | Decision::NewTrend
        | Decision::HandedToSafety
        | Decision::HandedToMedicalInformation => Some(true),
        Decision::FalseAlarm | Decision::Expected | Decision::Duplicate => Some(false),
        Decision::NotEnoughEvidence => None,
    }
}

/// Answers per view of one detector.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Learning {
    views: BTreeMap<String, Answers>,
}

impl Learning {
    /// Takes one answer in, taking back the former answer to the same signal if there was one.
    pub fn answer(&mut self, view: &str, former: Option<Decision>, decision: Decision) {
        let answers = self.views.entry(view.to_owned()).or_default();
        match former.and_then(usefulness) {
            Some(true) => answers.useful = answers.useful.saturating_sub(1),
            Some(false) => answers.not_useful = answers.not_useful.saturating_sub(1),
            None => {}
        }
        match usefulness(decision) {
            Some(true) => answers.useful += 1,
            Some(false) => answers.not_useful += 1,
            None => {}
        }
    }

    /// Answers so far for `view`.
    #[must_use]
    pub fn answers(&self, view: &str) -> Answers {
        self.views.get(view).copied().unwrap_or_default()
    }

    /// Posterior mean of the precision of `view`.
    #[must_use]
    pub fn precision(&self, view: &str) -> f64 {
        self.answers(view).posterior().mean()
    }

    /// All views with answers, by name.
    pub fn views(&self) -> impl Iterator<Item = (&str, Answers)> {
        self.views
            .iter()
            .map(|(view, answers)| (view.as_str(), *answers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_mind_counts_once() {
        let mut learning = Learning::default();
        learning.answer("product", None, Decision::FalseAlarm);
        learning.answer("product", Some(Decision::FalseAlarm), Decision::Confirmed);
        assert_eq!(
            learning.answers("product"),
            Answers {
                useful: 1,
                not_useful: 0
            }
        );
        assert!((learning.precision("product") - 2.0 / 3.0).abs() < 1e-12);
    }
}
