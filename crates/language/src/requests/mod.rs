//! Questions and requests as items (feature U08), and which of them are for medical information (N19).
//!
//! Cue phrases at places in a sentence decide, not a classifier: nobody has labelled such requests in the open, and a
//! rule can be argued with. A sentence is a *question* when it ends in a question mark and asks something, or opens the way
//! questions do; a *request* when somebody is asked to do or send something. It is *medical* when the sentence, or for a
//! sentence that leans on the one before it ("Is that safe?"), the text before it, speaks of doses, uses, populations,
//! interactions, safety, or evidence of a medicine, or of taking, giving or keeping one and not of the office's matters (orders,
//! money, visits, pages). A missed medical question is worse than one too many, so in doubt it is medical.

mod cues;

use crate::words::{Gap, Words};
use cues::{Cue, Cues};
use std::ops::Range;

/// Name and version of the rules, as carried by every enrichment.
pub const VERSION: &str = "auscult-requests@2";

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestKind {
    /// Somebody wants to know something.
    Question,
    /// Somebody wants something done or sent.
    Request,
}

/// One item somebody should answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub kind: RequestKind,
    /// For medical information: about use, dose, safety or evidence of a medicine.
    pub medical: bool,
    /// Byte range of the sentence.
    pub span: (u32, u32),
}

/// Every question and request of a text, in order.
#[must_use]
pub fn find(text: &str) -> Vec<Request> {
    find_words(&Words::of(text))
}

/// Every question and request of a text that has been read already.
#[must_use]
pub fn find_words(words: &Words) -> Vec<Request> {
    let cues = Cues::shipped();
    let mut found = Vec::new();
    let mut medical_before = false;
    let mut first = 0;
    let list = words.words();
    while first < list.len() {
        let mut end = first + 1;
        while end < list.len() && !list[end].before.ends_sentence() {
            end += 1;
        }
        let sentence = Sentence::read(cues, words, first..end);
        if let Some(kind) = sentence.kind() {
            let leans_on_it = medical_before && sentence.leans() && !sentence.is_office;
            let medical = sentence.medical() || leans_on_it;
            found.push(Request {
                kind,
                medical,
                span: (list[first].start, list[end - 1].end),
            });
        }
        medical_before |= sentence.names_medicine || sentence.medical();
        first = end;
    }
    found
}

/// What the rules need to know of one sentence.
#[derive(Debug, Clone, Copy, Default)]
struct Sentence {
    asked: bool,
    length: usize,
    opens_question: bool,
    holds_question: bool,
    asks_for: bool,
    wishes: bool,
    rhetorical: bool,
    names_medicine: bool,
    medical_matter: bool,
    uses: bool,
    is_office: bool,
    opens_request: bool,
    leaning: bool,
}

impl Sentence {
    fn read(cues: Cues, words: &Words, range: Range<usize>) -> Sentence {
        let list = words.words();
        let after = words.gap_after(range.end - 1);
        let mut sentence = Sentence {
            asked: after.has(Gap::QUESTION),
            length: range.len(),
            ..Sentence::default()
        };
        // A greeting or a "so," before the question does not hide it.
        let mut opening = range.start;
        while opening + 1 < range.end
            && (cues.is_filler(list[opening].hash)
                || (list[opening + 1].before.has(Gap::COMMA) && opening == range.start))
        {
            opening += 1;
        }
        for at in range.clone() {
            cues.each_at(words, at, range.end, |cue| match cue {
                Cue::OpensQuestion if at == opening || at == range.start => {
                    sentence.opens_question = true
                }
                Cue::OpensAnywhere => sentence.holds_question = true,
                Cue::AsksFor => sentence.asks_for = true,
                Cue::Wishes => sentence.wishes = true,
                Cue::Rhetorical => sentence.rhetorical = true,
                Cue::Medicine => sentence.names_medicine = true,
                Cue::MedicalMatter => sentence.medical_matter = true,
                Cue::Use => sentence.uses = true,
                Cue::Office => sentence.is_office = true,
                Cue::OpensRequest if at <= opening => sentence.opens_request = true,
                Cue::Leans => sentence.leaning = true,
                Cue::OpensQuestion | Cue::OpensRequest | Cue::Filler => {}
            });
        }
        sentence
    }

    fn kind(self) -> Option<RequestKind> {
        if self.rhetorical {
            return None;
        }
        let asks_for = self.asks_for || self.opens_request && !self.opens_question;
        if asks_for && !self.holds_question {
            return Some(RequestKind::Request);
        }
        if (self.asked && self.length >= 2)
            || self.holds_question
            || (self.opens_question && self.length >= 4)
        {
            return Some(RequestKind::Question);
        }
        self.wishes.then_some(RequestKind::Request)
    }

    /// A medical matter whoever else is concerned; a medicine's use unless the office is meant.
    fn medical(self) -> bool {
        self.medical_matter || self.uses && !self.is_office
    }

    fn leans(self) -> bool {
        self.leaning || self.length <= 6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Option<(RequestKind, bool)> {
        find(text)
            .first()
            .map(|request| (request.kind, request.medical))
    }

    #[test]
    fn finds_questions_and_requests_with_their_sentences() {
        let text =
            "The pen is fine. When will it be back in stock? Please send me two more brochures.";
        let found = find(text);
        let shown: Vec<(RequestKind, &str)> = found
            .iter()
            .map(|one| (one.kind, &text[one.span.0 as usize..one.span.1 as usize]))
            .collect();
        assert_eq!(
            shown,
            [
                (RequestKind::Question, "When will it be back in stock"),
                (RequestKind::Request, "Please send me two more brochures")
            ]
        );
        assert!(found.iter().all(|one| !one.medical));
    }

    #[test]
    fn statements_are_not_requests() {
        for text in [
            "I asked the nurse and she was kind.",
            "The service was quick.",
            "They questioned me for an hour.",
            "What a wonderful team!",
            "How kind of you.",
            "When I rang, nobody answered.",
        ] {
            assert_eq!(one(text), None, "{text}");
        }
    }

    #[test]
    fn medical_questions_are_known_also_across_sentences() {
        for text in [
            "Can it be used in children under 12?",
            "Is there any data on use during pregnancy?",
            "We have a patient on dialysis taking the drug. Is that safe?",
            "I would like to know whether it interacts with warfarin",
            "What is the maximum dose in renal impairment?",
            "has anyone used this off-label for lupus",
            "Could you please send the study on long-term safety?",
        ] {
            assert!(
                matches!(one(text), Some((_, true))),
                "{text}: {:?}",
                find(text)
            );
        }
    }

    #[test]
    fn office_questions_are_not_medical() {
        for text in [
            "Could someone call me back?",
            "Where is my order?",
            "How do I reset my password?",
            "Do you offer a copay card?",
        ] {
            assert!(
                matches!(one(text), Some((_, false))),
                "{text}: {:?}",
                find(text)
            );
        }
    }
}
