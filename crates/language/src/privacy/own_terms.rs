//! What a house adds to the shipped rules: words, names and codes that are always hidden.
//!
//! A shipped rule cannot know a trial's code name, a ward, or the member of staff a campaign is about; whoever finds one in a
//! stored text adds it here and has the stored texts read again (N08). A term is written as it is said, with `#` for any digit:
//! `TR-####`. Regular expressions were the alternative: a list of terms can be checked by somebody who reads none, and it cannot
//! be written so that it takes everything.

use super::class::{Finding, PersonalDataClass};
use regex::{Regex, RegexBuilder};

/// Most terms.
pub const TERMS_MAX: usize = 1_000;
/// Longest term, in bytes.
pub const TERM_BYTES_MAX: usize = 128;
/// A shorter term would hide ordinary words: letters, digits and `#` are counted.
pub const TERM_CHARACTERS_LEAST: usize = 3;

/// Largest compiled pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 64 << 20;

/// Why a term cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TermError {
    /// Fewer than [`TERM_CHARACTERS_LEAST`] letters, digits and `#`.
    #[error("it has fewer than {TERM_CHARACTERS_LEAST} letters or digits")]
    Short,
    /// More than [`TERM_BYTES_MAX`] bytes.
    #[error("it has more than {TERM_BYTES_MAX} bytes")]
    Long,
    /// It reads like a placeholder of ours, which must survive being read again.
    #[error("it has a square bracket, which placeholders are known by")]
    Bracket,
    /// All terms together are too much to be looked for at once.
    #[error("all terms together make too large a pattern")]
    Together,
}

/// Terms that are always hidden, ready to be looked for.
#[derive(Debug, Clone, Default)]
pub struct OwnTerms {
    pattern: Option<Regex>,
    version: String,
}

impl OwnTerms {
    /// The terms; capitals do not matter, and any white space between words is one.
    ///
    /// # Errors
    /// The place of each term that cannot be used, with the reason.
    pub fn new<'t>(
        terms: impl IntoIterator<Item = &'t str>,
    ) -> Result<OwnTerms, Vec<(usize, TermError)>> {
        let mut problems = Vec::new();
        let mut patterns = Vec::new();
        for (at, term) in terms.into_iter().enumerate() {
            match check(term) {
                Ok(()) => patterns.push(pattern_of(term)),
                Err(error) => problems.push((at, error)),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        // The order in which they were written says nothing; of two that begin alike the longer one must be tried first.
        patterns.sort_by(|left, right| right.len().cmp(&left.len()).then_with(|| left.cmp(right)));
        patterns.dedup();
        let joined = patterns.join("|");
        let version = match patterns.len() {
            0 => String::new(),
            _ => format!("+terms.{}", &blake3::hash(joined.as_bytes()).to_hex()[..8]),
        };
        let pattern = (!patterns.is_empty())
            .then(|| {
                RegexBuilder::new(&joined)
                    .case_insensitive(true)
                    .size_limit(PATTERN_BYTES_MAX)
                    .build()
            })
            .transpose()
            .map_err(|_| vec![(0, TermError::Together)])?;
        Ok(OwnTerms { pattern, version })
    }

    /// What the ruleset's name carries of them: empty without any, else a mark that changes with the list.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Adds what is found in `text`: whole words, nothing inside a placeholder.
    pub(super) fn find(&self, text: &str, findings: &mut Vec<Finding>) {
        let Some(pattern) = &self.pattern else {
            return;
        };
        let mut from = 0;
        while let Some(found) = pattern.find_at(text, from) {
            let (start, end) = (found.start(), found.end());
            if stands_alone(text, start, end) {
                findings.push(Finding {
                    start: start as u32,
                    end: end as u32,
                    class: PersonalDataClass::OtherIdentifier,
                });
                from = end;
            } else {
                // A shorter term, or the same one, may begin at the next character.
                from = start + text[start..].chars().next().map_or(1, char::len_utf8);
            }
        }
    }
}

/// The same terms, in whatever order and spelling of capitals they were given.
impl PartialEq for OwnTerms {
    fn eq(&self, other: &OwnTerms) -> bool {
        self.version == other.version
    }
}

fn check(term: &str) -> Result<(), TermError> {
    let said = term
        .chars()
        .filter(|letter| letter.is_alphanumeric() || *letter == '#');
    if term.len() > TERM_BYTES_MAX {
        Err(TermError::Long)
    } else if term.contains(['[', ']']) {
        Err(TermError::Bracket)
    } else if said.count() < TERM_CHARACTERS_LEAST {
        Err(TermError::Short)
    } else {
        Ok(())
    }
}

fn pattern_of(term: &str) -> String {
    let words: Vec<String> = term
        .split_whitespace()
        .map(|word| regex::escape(&word.to_lowercase()).replace("\\#", "[0-9]"))
        .collect();
    words.join(r"\s+")
}

/// Whether no letter, digit or underscore touches the span, and it is no part of a placeholder.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let joins = |letter: char| letter.is_alphanumeric() || letter == '_';
    let before = text[..start].chars().next_back();
    let after = text[end..].chars().next();
    let is_placeholder = before == Some('[')
        && after == Some(']')
        && PersonalDataClass::ALL
            .iter()
            .any(|class| class.placeholder() == &text[start - 1..=end]);
    !before.is_some_and(joins) && !after.is_some_and(joins) && !is_placeholder
}

#[cfg(test)]
mod tests {
    use super::super::Redactor;
    use super::*;

    fn hide(terms: &[&str], text: &str) -> String {
        let own = OwnTerms::new(terms.iter().copied()).unwrap();
        Redactor::standard()
            .hiding(own)
            .redact(text)
            .text
            .into_owned()
    }

    /// By the terms alone: the tagger has its own mind about words in short texts.
    fn hide_terms(terms: &[&str], text: &str) -> String {
        let mut findings = Vec::new();
        let own = OwnTerms::new(terms.iter().copied()).unwrap();
        own.find(text, &mut findings);
        crate::privacy::class::render(text, &findings).into_owned()
    }

    #[test]
    fn terms_are_hidden_as_whole_words_in_any_capitals() {
        let terms = ["Blue Heron", "TR-####", "tablet"];
        assert_eq!(
            hide_terms(&terms, "The blue  HERON study"),
            "The [IDENTIFIER] study"
        );
        assert_eq!(
            hide_terms(&terms, "tablets and a tablet."),
            "tablets and a [IDENTIFIER]."
        );
        assert_eq!(
            hide_terms(&terms, "code tr-0815 and TR-08155"),
            "code [IDENTIFIER] and TR-08155"
        );
    }

    #[test]
    fn what_was_hidden_stays_as_it_is() {
        let terms = ["identifier", "name", "number"];
        let text = "My identifier is [NAME], [IDENTIFIER] or [MEDICAL_RECORD_NUMBER].";
        let once = hide(&terms, text);
        assert_eq!(
            once,
            "My [IDENTIFIER] is [NAME], [IDENTIFIER] or [MEDICAL_RECORD_NUMBER]."
        );
        assert_eq!(hide(&terms, &once), once);
    }

    #[test]
    fn the_ruleset_says_which_terms_there_are_and_not_in_what_order() {
        let ruleset = |terms: &[&str]| {
            Redactor::standard()
                .hiding(OwnTerms::new(terms.iter().copied()).unwrap())
                .ruleset()
                .to_owned()
        };
        assert_eq!(ruleset(&[]), Redactor::standard().ruleset());
        assert_ne!(ruleset(&["heron"]), ruleset(&[]));
        assert_ne!(ruleset(&["heron"]), ruleset(&["egret"]));
        assert_eq!(ruleset(&["heron", "egret"]), ruleset(&["egret", "heron"]));
    }

    #[test]
    fn every_unusable_term_is_named() {
        let long = "x".repeat(200);
        let problems = OwnTerms::new(["ab", "heron", "[NAME]", long.as_str()]).unwrap_err();
        assert_eq!(
            problems,
            [
                (0, TermError::Short),
                (2, TermError::Bracket),
                (3, TermError::Long)
            ]
        );
    }
}
