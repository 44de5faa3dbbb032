//! Feeling: overall, and toward each theme, with the places that showed it.
//!
//! A lexicon with rules decides, not a black-box classifier: the words that made a score can be shown to
//! the person who doubts it (feature U03), it costs a microsecond, and it carries over to feedback of a kind nobody labelled. The
//! lexicon is ours: hand-written seed valences, moved by ridge-like training on human ratings (see
//! [`train`]). Rules handle what words alone cannot: negation, intensifiers, contrast ("works, but …"),
//! emphasis, relief ("less pain"), emoticons and emoji.
//!
//! The score of a text with n feeling words is `tanh(Σ factor·valence / τ(n))` in thousandths; a theme is judged by the clause it stands in.

mod clauses;
mod felt;
mod lexicon;
mod modifiers;
pub mod train;

pub use lexicon::{Lexicon, LexiconProblem};

use crate::themes::ThemeHit;
use crate::words::Words;
use felt::Felt;
use smallvec::SmallVec;
use std::sync::LazyLock;

/// Sum of valences at which a text with one feeling word has a score of 76 %. Valences are on the scale −4 … 4.
const TAU: f32 = 3.8;
/// How fast τ grows with the number of feeling words: five kind words are not five times as kind. Both constants were chosen by
/// cross-validation on the rated sets; the plain sum (0) correlates 0.01 to 0.02 less.
const DAMPING: f32 = 0.38;

/// What a sum of `count` feeling words is measured against.
#[expect(clippy::cast_precision_loss, reason = "words of one text")]
pub(crate) fn damped_tau(count: usize) -> f32 {
    TAU * ((1.0 + DAMPING * count as f32) / (1.0 + DAMPING)).sqrt()
}

/// Score of a sum of `count` feeling words, −1 … 1.
pub(crate) fn squash(sum: f32, count: usize) -> f32 {
    (sum / damped_tau(count)).tanh()
}

static SHIPPED: LazyLock<Lexicon> = LazyLock::new(|| {
    match Lexicon::from_text(include_str!("../../resources/sentiment.lexicon.tsv")) {
        Ok(lexicon) => lexicon,
        Err(problem) => unreachable!("the embedded lexicon is tested: {problem}"),
    }
});

/// Feeling of one text. All numbers are thousandths, −1000 … 1000.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sentiment {
    /// Feeling of the whole text; `Some(0)` is neutral, `None` means there is nothing we can judge: no words,
    /// or no word of a language the lexicon knows.
    pub overall: Option<i16>,
    /// Feeling toward each theme hit, in the order of the hits.
    pub toward: Vec<Option<i16>>,
    /// The words that carried feeling, in order.
    pub spans: Vec<SentimentSpan>,
}

/// One word or phrase that carried feeling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentimentSpan {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// What it added after negation and emphasis, thousandths of the scale −4 … 4.
    pub value: i16,
}

/// Name and version of the shipped model, as carried by every enrichment.
#[must_use]
pub fn version() -> &'static str {
    SHIPPED.version()
}

/// Feeling of a text and toward each of its themes.
#[must_use]
pub fn score(text: &str, hits: &[ThemeHit]) -> Sentiment {
    score_words(text, &Words::of(text), hits)
}

/// Feeling of a text that has been read already.
#[must_use]
pub fn score_words(text: &str, words: &Words, hits: &[ThemeHit]) -> Sentiment {
    score_with(&SHIPPED, text, words, hits)
}

/// Feeling of a text by another lexicon.
#[must_use]
pub fn score_with(lexicon: &Lexicon, text: &str, words: &Words, hits: &[ThemeHit]) -> Sentiment {
    let felt = felt::find(lexicon, text, words);
    let feeling = judge(lexicon, words, &felt, hits);
    Sentiment {
        overall: feeling.overall,
        toward: feeling.toward,
        spans: felt.iter().map(|felt| span(lexicon, felt)).collect(),
    }
}

/// Feeling of one text without the places that showed it: what [`Sentiment`] says first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Feeling {
    /// As [`Sentiment::overall`].
    pub overall: Option<i16>,
    /// As [`Sentiment::toward`].
    pub toward: Vec<Option<i16>>,
}

/// Feeling of a text that has been read already, where nobody asks for the places.
#[must_use]
pub fn feeling_of_words(text: &str, words: &Words, hits: &[ThemeHit]) -> Feeling {
    judge(&SHIPPED, words, &felt::find(&SHIPPED, text, words), hits)
}

fn judge(lexicon: &Lexicon, words: &Words, felt: &[Felt], hits: &[ThemeHit]) -> Feeling {
    if felt.is_empty() && !lexicon.knows_any(words) {
        return Feeling {
            overall: None,
            toward: vec![None; hits.len()],
        };
    }
    let sum = felt
        .iter()
        .map(|felt| felt.factor * lexicon.value(felt.entry))
        .sum();
    let mut places = Places::default();
    Feeling {
        overall: Some(thousandths(sum, felt.len())),
        toward: hits
            .iter()
            .map(|hit| Some(toward(lexicon, words, felt, hit, &mut places)))
            .collect(),
    }
}

/// Where a theme stands, in words; one for all themes of a text.
#[derive(Default)]
struct Places {
    spans: SmallVec<[(usize, usize); 8]>,
    within: SmallVec<[std::ops::Range<usize>; 8]>,
}

/// Feeling in the clauses the theme stands in; if they hold none, in its sentences.
fn toward(
    lexicon: &Lexicon,
    words: &Words,
    felt: &[Felt],
    hit: &ThemeHit,
    places: &mut Places,
) -> i16 {
    if felt.is_empty() {
        return 0;
    }
    let Places { spans, within } = places;
    spans.clear();
    spans.extend(hit.spans.iter().map(|(start, end)| {
        (
            words.index_at(*start),
            words.index_at(end.saturating_sub(1)),
        )
    }));
    for reach in [clauses::clauses, clauses::sentences] {
        within.clear();
        within.extend(
            spans
                .iter()
                .map(|(first, last)| reach(words, *first, *last)),
        );
        within.dedup();
        let inside = |felt: &&Felt| {
            within
                .iter()
                .any(|range| range.contains(&(felt.word as usize)))
        };
        let count = felt.iter().filter(inside).count();
        if count > 0 {
            // Contrast weighs clauses against each other; inside one clause it has nothing to say.
            return thousandths(
                felt.iter()
                    .filter(inside)
                    .map(|felt| felt.factor / felt.contrast * lexicon.value(felt.entry))
                    .sum(),
                count,
            );
        }
    }
    0
}

#[expect(clippy::cast_possible_truncation, reason = "tanh is within ±1")]
fn thousandths(sum: f32, count: usize) -> i16 {
    (1000.0 * squash(sum, count)).round() as i16
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "clamped to the range of i16"
)]
fn span(lexicon: &Lexicon, felt: &Felt) -> SentimentSpan {
    let value = (1000.0 * felt.factor * lexicon.value(felt.entry))
        .clamp(-32_000.0, 32_000.0)
        .round() as i16;
    SentimentSpan {
        start: felt.start,
        end: felt.end,
        value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::themes::Taxonomy;

    fn overall(text: &str) -> i16 {
        score(text, &[]).overall.unwrap()
    }

    #[test]
    fn works_but_the_portal_is_awful() {
        let taxonomy = Taxonomy::standard();
        let text = "The drug works, but the portal is awful.";
        let hits = taxonomy.tag(text);
        let ids: Vec<&str> = hits
            .iter()
            .map(|hit| taxonomy.theme_id(hit.theme))
            .collect();
        assert_eq!(ids, ["digital.experience", "therapy.efficacy"]);
        let sentiment = score(text, &hits);
        assert!(
            sentiment.toward[0].unwrap() < -200 && sentiment.toward[1].unwrap() > 100,
            "{sentiment:?}"
        );
        let shown: Vec<&str> = sentiment
            .spans
            .iter()
            .map(|span| &text[span.start as usize..span.end as usize])
            .collect();
        assert_eq!(shown, ["works", "awful"]);
    }

    #[test]
    fn negation_turns_and_intensifiers_strengthen() {
        assert!(overall("The nurse was helpful") > 100);
        assert!(overall("The nurse was not helpful") < -50);
        assert!(overall("It isn't a good device") < -50);
        assert!(overall("The device is extremely good") > overall("The device is good"));
        assert!(overall("The device is slightly bad") > overall("The device is bad"));
        assert!(overall("I love it!!!") > overall("I love it"));
        assert!(overall("I am not only happy, I am thrilled") > 300);
    }

    #[test]
    fn contrast_weighs_what_comes_after() {
        assert!(
            overall("The app is slow but the medicine is great")
                > overall("The medicine is great but the app is slow")
        );
    }

    #[test]
    fn relief_is_good_news() {
        assert!(
            overall("I have less pain now") > 0,
            "{:?}",
            score("I have less pain now", &[])
        );
        assert!(overall("The nausea is gone") > 0);
        assert!(overall("no side effects at all") > 0);
    }

    #[test]
    fn emoticons_and_emoji_speak() {
        assert!(overall("second injection today :)") > 100);
        assert!(overall("second injection today :-(") < -100);
        assert!(overall("second injection today 😡") < -100);
        assert!(overall("second injection today <3") > 100);
    }

    #[test]
    fn nothing_to_judge_is_none_and_neutral_is_zero() {
        assert_eq!(score("", &[]).overall, None);
        assert_eq!(score("12345", &[]).overall, None);
        assert_eq!(score("zzyzx qwrt plugh", &[]).overall, None);
        assert!(overall("The parcel is on the table").abs() < 150);
    }
}
