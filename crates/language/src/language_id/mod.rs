//! Which language a text is in (feature U01).
//!
//! Script first, then a linear model over hashed character n-grams and whole words within the script. The
//! alternatives measured on one machine: `whatlang` 110 µs a text, `lingua` more, against about one
//! microsecond here; `whichlang` is as fast but knows 16 languages, and we are asked for honest "unsure" over many
//! more. Where a script belongs to one language the model is not asked at all.

mod features;
mod model;
mod script;
pub mod train;

pub use model::{Model, ModelProblem};

use crate::words::Words;
use script::Script;
use std::sync::LazyLock;

/// Below this confidence the answer is "unsure": a wrong language sends a text to the wrong rules.
const LEAST_CONFIDENCE: f32 = 0.35;

static SHIPPED: LazyLock<Model> = LazyLock::new(|| {
    match Model::from_bytes(include_bytes!("../../resources/language_id.model")) {
        Ok(model) => model,
        Err(problem) => unreachable!("the embedded model is tested: {problem}"),
    }
});

/// Name and version of the shipped model, as carried by every enrichment.
pub const VERSION: &str = "auscult-language-id@1";

/// A language with confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Identified {
    /// ISO 639-1 code; empty if unsure.
    pub code: &'static str,
    /// Estimated probability that the code is right, 0 … 1.
    pub confidence: f32,
}

/// Unsure.
const UNSURE: Identified = Identified {
    code: "",
    confidence: 0.0,
};

/// Language of a text.
#[must_use]
pub fn identify(text: &str) -> Identified {
    identify_words(&Words::of(text))
}

/// Language of a text that has been read already.
#[must_use]
pub fn identify_words(words: &Words) -> Identified {
    identify_with(&SHIPPED, words)
}

/// Code of the language of a text that has been read already, empty if unsure: as [`identify_words`], without working the
/// confidence out where it is plain that it suffices.
#[must_use]
pub fn code_of_words(words: &Words) -> &'static str {
    match script::main_script(words.folded()) {
        None => UNSURE.code,
        Some(Script::Of(code)) => code,
        Some(script) => SHIPPED
            .score(script, words)
            .filter(|scores| scores.is_at_least(LEAST_CONFIDENCE))
            .map_or(UNSURE.code, |scores| scores.code),
    }
}

/// Language of a text by another model.
#[must_use]
pub fn identify_with(model: &Model, words: &Words) -> Identified {
    match script::main_script(words.folded()) {
        None => UNSURE,
        Some(Script::Of(code)) => Identified {
            code,
            confidence: 0.99,
        },
        Some(script) => model
            .score(script, words)
            .map(|scores| Identified {
                code: scores.code,
                confidence: scores.confidence(),
            })
            .filter(|best| best.confidence >= LEAST_CONFIDENCE)
            .unwrap_or(UNSURE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_languages_by_script_and_by_words() {
        for (code, text) in [
            (
                "en",
                "The pharmacy could not tell me when the medicine would arrive.",
            ),
            (
                "de",
                "Die Apotheke konnte mir nicht sagen, wann das Medikament kommt.",
            ),
            (
                "fr",
                "La pharmacie n'a pas pu me dire quand le médicament arriverait.",
            ),
            (
                "es",
                "La farmacia no pudo decirme cuándo llegaría el medicamento.",
            ),
            (
                "it",
                "La farmacia non ha saputo dirmi quando arriverà il farmaco.",
            ),
            (
                "pt",
                "A farmácia não soube dizer quando o medicamento vai chegar.",
            ),
            (
                "nl",
                "De apotheek kon mij niet zeggen wanneer het geneesmiddel komt.",
            ),
            (
                "pl",
                "Apteka nie potrafiła powiedzieć, kiedy przyjdzie lek.",
            ),
            ("ru", "В аптеке не могли сказать, когда поступит лекарство."),
            ("uk", "В аптеці не могли сказати, коли надійдуть ці ліки."),
            ("ja", "薬局では薬がいつ届くかわからないと言われました。"),
            ("zh", "药房说不知道药品什么时候到货。"),
            ("ko", "약국에서는 약이 언제 도착할지 알 수 없다고 했습니다."),
            ("ar", "لم تستطع الصيدلية أن تخبرني متى سيصل الدواء."),
            ("hi", "दवा की दुकान यह नहीं बता सकी कि दवा कब आएगी।"),
            (
                "el",
                "Το φαρμακείο δεν μπορούσε να μου πει πότε θα έρθει το φάρμακο.",
            ),
        ] {
            assert_eq!(identify(text).code, code, "{text}");
        }
    }

    #[test]
    fn is_unsure_where_nothing_is_said() {
        for text in ["", "12345 !!", "ok", "😀"] {
            assert_eq!(identify(text).code, "", "{text}: {:?}", identify(text));
        }
    }
}
