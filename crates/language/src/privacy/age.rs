//! Ages over 89 (HIPAA C), in figures and in English words; younger ones stay.
//!
//! A number is an age when its unit says so ("94 years old", "a 91-year-old", "90 y/o", "92 Jahre alt") or the word before it does
//! ("aged 91", "Age: 90"). "Years" alone is a time as often as an age, so it counts only after a word such as "is" or
//! "turned". A year of birth is not judged: how old that makes somebody depends on the day.

use super::class::{Finding, PersonalDataClass};
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// What both spellings of "ninety" share, and no other English word has.
static NINETY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("inety"));
static HUNDRED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("hundred"));

/// Letters looked at on either side of a number.
const REACH: usize = 24;

/// Words before an age, whatever follows it.
const TOLD: [&str; 11] = [
    "aged", "age", "ages", "turned", "turning", "turn", "turns", "aet", "alter", "edad", "leeftijd",
];
/// Words after which years are an age.
const BEING: [&str; 26] = [
    "is", "was", "am", "i'm", "i’m", "he's", "she's", "he’s", "she’s", "be", "being", "nearly",
    "almost", "already", "now", "ist", "bin", "war", "a", "ai", "tiene", "tengo", "ha", "ho",
    "tem", "tenho",
];
/// Years in the languages whose cues we have.
const YEARS: [&str; 12] = [
    "years", "year", "yrs", "yr", "jahre", "jahren", "ans", "años", "anos", "anni", "jaar", "lat",
];
/// What follows years when they are an age.
const OLD: [&str; 9] = [
    "old", "of age", "alt", "alte", "oud", "oude", "de edad", "de idade", "d'âge",
];
/// Units that are an age by themselves.
const OLD_AT_ONCE: [&str; 5] = ["y/o", "y.o", "yo", "jährig", "jarige"];

const UNITS: [&str; 9] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
];

/// Whether the figures `digits` that stand from `start` to `end` are an age over 89.
pub(super) fn is_in_figures(text: &str, (start, end): (usize, usize), digits: &[u8]) -> bool {
    matches!(digits, [9, _] | [1, 0..=2, _]) && is_age(text, start, end)
}

/// Ages over 89 written as words.
pub(super) fn find_in_words(text: &str, findings: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    for at in NINETY.find_iter(bytes) {
        let is_word = at > 0
            && bytes[at - 1].eq_ignore_ascii_case(&b'n')
            && !(at > 1 && bytes[at - 2].is_ascii_alphabetic());
        if is_word {
            push(text, at - 1, after_unit(text, at + 5), findings);
        }
    }
    for at in HUNDRED.find_iter(bytes) {
        let before = text[..at].trim_end();
        let count = ["one", "One", "a", "A"].into_iter().find(|word| {
            before.ends_with(word)
                && !before[..before.len() - word.len()].ends_with(char::is_alphanumeric)
        });
        if let Some(word) = count {
            let end = at + "hundred".len();
            let rest = text[end..].strip_prefix(" and").map_or(end, |_| end + 4);
            let end_of_unit = after_unit(text, rest);
            let end = if end_of_unit > rest { end_of_unit } else { end };
            push(text, before.len() - word.len(), end, findings);
        }
    }
}

fn push(text: &str, start: usize, end: usize, findings: &mut Vec<Finding>) {
    if is_age(text, start, end) {
        findings.push(Finding {
            start: start as u32,
            end: end as u32,
            class: PersonalDataClass::Age,
        });
    }
}

/// The end of "-four" or " four" at `at`; `at` itself where there is none.
fn after_unit(text: &str, at: usize) -> usize {
    let Some(rest) = text[at..].strip_prefix([' ', '-']) else {
        return at;
    };
    let word: &str = rest
        .split(|letter: char| !letter.is_ascii_alphabetic())
        .next()
        .unwrap_or("");
    let is_unit = UNITS.iter().any(|unit| word.eq_ignore_ascii_case(unit));
    if is_unit { at + 1 + word.len() } else { at }
}

fn is_age(text: &str, start: usize, end: usize) -> bool {
    let after: String = text[end..]
        .chars()
        .take(REACH)
        .flat_map(char::to_lowercase)
        .collect();
    let unit = after.trim_start_matches([' ', '-']);
    let from = text.floor_char_boundary(start.saturating_sub(REACH));
    let before = text[from..start].to_lowercase();
    let before = before
        .trim_end_matches([' ', ':', '=', '(', '~'])
        .trim_end_matches(" of")
        .trim_end_matches(" is");
    if ends_with_word(before, &TOLD) {
        return !after.starts_with(['%', '/']) && !unit.starts_with("mg");
    }
    if starts_with_word(unit, &OLD_AT_ONCE).is_some() || unit.starts_with("jährig") {
        return true;
    }
    let Some(rest) = starts_with_word(unit, &YEARS) else {
        return false;
    };
    let rest = rest.trim_start_matches([' ', '-', '.']);
    let before = text[from..start].to_lowercase();
    starts_with_word(rest, &OLD).is_some()
        || ends_with_word(before.trim_end(), &BEING) && !rest.starts_with("ago")
}

/// What follows one of the words at the beginning of `text`.
fn starts_with_word<'t>(text: &'t str, words: &[&str]) -> Option<&'t str> {
    words
        .iter()
        .filter_map(|word| text.strip_prefix(word))
        .find(|rest| !rest.starts_with(char::is_alphanumeric))
}

fn ends_with_word(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| {
        text.strip_suffix(word)
            .is_some_and(|rest| !rest.ends_with(char::is_alphanumeric))
    })
}

#[cfg(test)]
mod tests {
    use super::super::Redactor;

    #[test]
    fn ages_over_89_go() {
        let redactor = Redactor::standard();
        for text in [
            "My father is 94 years old.",
            "A 91-year-old woman fell.",
            "Patient, 90 y/o, on warfarin.",
            "She is over 90 years old.",
            "aged 103 when it began",
            "Age: 95, weight 60 kg",
            "At the age of 92 he still drives.",
            "Meine Mutter ist 93 Jahre alt.",
            "Mon père a 91 ans.",
            "Mi madre tiene 96 años.",
            "My gran is ninety-four years old.",
            "A Ninety-one-year-old lady rang.",
            "He turned ninety last week.",
            "She is one hundred and two years old.",
            "aged a hundred",
        ] {
            let redacted = redactor.redact(text).text;
            assert!(redacted.contains("[AGE]"), "{text}: {redacted}");
        }
    }

    #[test]
    fn younger_ages_and_other_numbers_stay() {
        let redactor = Redactor::standard();
        for text in [
            "A 62-year-old man took it for 94 days.",
            "aged 89",
            "The average 94 of 100 is fine.",
            "dosage 95 mg, mileage 99",
            "For 94 years nothing changed.",
            "100 years ago there was no insulin.",
            "Ninety minutes on hold!",
            "a hundred times better",
            "95 % of them, oxygen 94",
        ] {
            let redacted = redactor.redact(text).text;
            assert!(!redacted.contains("[AGE]"), "{text}: {redacted}");
        }
    }
}
