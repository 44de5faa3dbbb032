//! Privacy: personal data out, typed placeholders in, before anything but the vault is written.
//!
//! Three layers, cheapest first. One pass over the bytes decides which of the others run at all. Scanners with check
//! digits read everything made of digits and codes. A small trained tagger, fed by context, capitals, honorifics and
//! name lists, reads names and addresses. A large neural recogniser was the alternative: better on
//! rare names, and a thousand times over the budget of 4 µs a text.
//!
//! Redaction is a pure function of text and ruleset, so stored text can be run again when rules change (N08).

mod age;
mod checksum;
mod class;
mod code;
mod context;
mod date;
mod kept;
mod names;
mod number;
mod own_terms;
mod pseudonym;
mod tagger;
pub mod train;
mod word;

pub use class::{Finding, PersonalDataClass, Redacted};
pub use own_terms::{OwnTerms, TERM_BYTES_MAX, TERM_CHARACTERS_LEAST, TERMS_MAX, TermError};
pub use pseudonym::Pseudonymiser;
pub use tagger::{Tag, TaggerError, TaggerModel};

use context::Context;
use kept::Kept;
use word::{Lists, Word, list};

/// Finds and replaces personal data. Build once, share freely; keeps no state between texts.
#[derive(Debug, Clone)]
pub struct Redactor {
    context: Context,
    lists: Lists,
    tagger: TaggerModel,
    kept: Kept,
    own_terms: OwnTerms,
    ruleset: String,
}

/// Name and version of the shipped rules.
const RULESET: &str = "privacy-rules+tagger@0.4";

/// Words beyond this are not read for names: 64 KiB of text has fewer.
const WORD_LIMIT: usize = 32_768;

/// What one look at the bytes tells: which scanners may find anything.
#[derive(Debug, Clone, Copy, Default)]
struct Signs {
    digit: bool,
    sign: bool,
}

fn signs(text: &str) -> Signs {
    let bytes = text.as_bytes();
    // Without an early end, so that many bytes are looked at together.
    let digit = bytes
        .iter()
        .fold(false, |found, byte| found | byte.is_ascii_digit());
    // "@", "/" and a dot inside a word ("www.example", "photo.jpg").
    let inside_word = |dot: usize| {
        let letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        letter(bytes.get(dot.wrapping_sub(1))) && letter(bytes.get(dot + 1))
    };
    let sign = memchr::memchr2(b'@', b'/', bytes).is_some()
        || memchr::memchr_iter(b'.', bytes).any(inside_word);
    Signs { digit, sign }
}

impl Redactor {
    /// The shipped rules.
    ///
    /// # Panics
    /// Never with the shipped cues: a test builds them.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the cues are constants and a test builds them"
    )]
    pub fn standard() -> Redactor {
        let names = include_str!("../../resources/privacy_names.txt");
        let common = include_str!("../../resources/privacy_common_words.txt");
        let drugs = include_str!("../../resources/safety_drug_names.txt");
        let lexicon = lexicon_words(include_str!("../../resources/safety_lexicon.toml"));
        let lists = Lists::new(
            names,
            common,
            &[drugs, &lexicon],
            &tables(include_str!("../../resources/privacy_cues.txt")),
        );
        let tagger = TaggerModel::from_bytes(include_bytes!("../../resources/privacy_model.bin"))
            .expect("the shipped privacy model is whole");
        Redactor {
            context: Context::new().expect("the shipped cues build an automaton"),
            lists,
            tagger,
            kept: Kept::default(),
            own_terms: OwnTerms::default(),
            ruleset: RULESET.to_owned(),
        }
    }

    /// The same rules, with names that are never taken: products, brands, devices, companies. Capitals do not matter; a name
    /// may be several words. They replace those given before. What a name is part of (an e-mail address, a code)
    /// is still hidden.
    #[must_use]
    pub fn keeping<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Redactor {
        self.kept = Kept::new(names, &self.lists);
        self
    }

    /// The same rules, with terms that are always hidden, also where [`Redactor::keeping`] would keep them. They replace those
    /// given before.
    #[must_use]
    pub fn hiding(mut self, terms: OwnTerms) -> Redactor {
        self.ruleset = format!("{RULESET}{}", terms.version());
        self.own_terms = terms;
        self
    }

    /// The same rules with another name tagger: for training and cross-validation.
    #[must_use]
    pub fn with_tagger(mut self, tagger: TaggerModel) -> Redactor {
        self.tagger = tagger;
        self
    }

    fn words(&self, text: &str) -> Vec<Word> {
        let mut words = word::words(text, &self.lists, WORD_LIMIT);
        self.kept.mark(&mut words);
        words
    }

    /// Name and version of the rules, as `name@version`; with own terms a mark of them follows.
    #[must_use]
    pub fn ruleset(&self) -> &str {
        &self.ruleset
    }

    /// The text with every piece of personal data replaced by its placeholder, and what was replaced.
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> Redacted<'a> {
        let findings = self.find(text);
        Redacted {
            text: class::render(text, &findings),
            findings,
        }
    }

    /// The personal data in `text`: in order, never overlapping.
    #[must_use]
    pub fn find(&self, text: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        let signs = signs(text);
        if signs.digit || signs.sign {
            code::find(text, &self.context, &mut findings);
        }
        if signs.digit {
            number::find(text, &self.context, &mut findings);
            date::find_named(text, &mut findings);
        }
        age::find_in_words(text, &mut findings);
        self.own_terms.find(text, &mut findings);
        self.names(text, &mut findings);
        class::settle(&mut findings, text);
        findings
    }

    /// The same for a label, the value of a field that somebody cuts by: a name made of everyday words alone, none of them a
    /// given name, stays. In a sentence a capital tells "Mr Class" from a class; in "Business Class" every word has one, and a
    /// lone everyday word identifies nobody.
    #[must_use]
    pub fn redact_label<'a>(&self, label: &'a str) -> Redacted<'a> {
        let findings = self.find_in_label(label);
        Redacted {
            text: class::render(label, &findings),
            findings,
        }
    }

    /// What [`Redactor::redact_label`] takes out: in order, never overlapping.
    #[must_use]
    pub fn find_in_label(&self, label: &str) -> Vec<Finding> {
        let mut findings = self.find(label);
        findings.retain(|finding| {
            let span = finding.start as usize..finding.end as usize;
            finding.class != PersonalDataClass::Name
                || !label.get(span).is_some_and(|name| self.is_everyday(name))
        });
        findings
    }

    fn is_everyday(&self, text: &str) -> bool {
        let words = self.words(text);
        words.iter().all(|word| {
            word.shape == word::Shape::Sign
                || (word.is(list::COMMON) && !word.is(list::GIVEN | list::HONORIFIC))
        })
    }

    /// Names, addresses and places.
    fn names(&self, text: &str, findings: &mut Vec<Finding>) {
        let words = self.words(text);
        let mut tags = self.tagger.tag(text, &words);
        names::find(text, &words, &mut tags, findings);
    }
}

/// The single words of the safety lexicon that name products, devices and events, one a line: terms that must stay.
fn lexicon_words(lexicon: &str) -> String {
    let mut words = String::new();
    let mut wanted = false;
    for line in lexicon.lines() {
        if let Some(table) = line.strip_prefix('[') {
            wanted = [
                "event]",
                "product]",
                "product_name]",
                "device]",
                "medically_important]",
            ]
            .contains(&table);
        } else if wanted && !line.starts_with('#') {
            for entry in line
                .split(';')
                .map(str::trim)
                .filter(|entry| entry.len() >= 3 && !entry.contains([' ', '*', '"']))
            {
                words.push_str(entry);
                words.push('\n');
            }
        }
    }
    words
}

/// Reads the cue tables: `kind: words`.
fn tables(text: &str) -> Vec<(u16, &str)> {
    let flag = |kind: &str| match kind {
        "honorific" => list::HONORIFIC,
        "particle" => list::PARTICLE,
        "street" => list::STREET,
        "organisation" => list::ORGANISATION,
        "eponym" => list::EPONYM_HEAD,
        "person" => list::PERSON_CUE,
        "common" => list::COMMON,
        "term" => list::TERM,
        _ => 0,
    };
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(": "))
        .map(|(kind, words)| (flag(kind), words))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_names_stay_and_names_beside_them_go() {
        let text = "Dr Kowalczyk says Zorivance Pen is better than Melindra, Anna agrees.";
        let plain = Redactor::standard();
        let kept = Redactor::standard().keeping(["zorivance pen", "Melindra"]);
        assert!(
            plain
                .redact("It is better than Melindra.")
                .text
                .contains("[NAME]"),
            "without the list a made-up name must look like a person's, or this test shows nothing"
        );
        assert_eq!(
            kept.redact(text).text,
            "[NAME] says Zorivance Pen is better than Melindra, [NAME] agrees."
        );
    }

    #[test]
    fn spans_move_with_what_was_replaced() {
        let text = "Anna Kowalczyk says the pen jams, write to anna@example.org today.";
        let redacted = Redactor::standard().redact(text);
        for said in ["the pen", "jams", "today"] {
            let start = text.find(said).unwrap();
            let span = (start as u32, (start + said.len()) as u32);
            let (from, to) = redacted.moved(span);
            assert_eq!(&redacted.text[from as usize..to as usize], said);
        }
        let inside = text.find("example").unwrap() as u32;
        let (from, to) = redacted.moved((inside, inside + 4));
        assert_eq!(&redacted.text[from as usize..to as usize], "[EMAIL]");
    }

    #[test]
    fn a_label_of_everyday_words_stays_and_a_person_in_one_does_not() {
        let redactor = Redactor::standard();
        assert!(
            redactor.redact("Business Class").text.contains("[NAME]"),
            "a text may name somebody by a surname alone, or this test shows nothing"
        );
        for label in [
            "Business Class",
            "Economy Class",
            "First Class",
            "Premium Economy",
        ] {
            assert_eq!(redactor.redact_label(label).text, label);
        }
        for label in [
            "Anna Kowalczyk",
            "Dr Young",
            "Will Baker",
            "anna@example.org",
        ] {
            let hidden = redactor.redact_label(label);
            assert!(hidden.text.starts_with('['), "{}", hidden.text);
        }
    }

    #[test]
    fn redacting_again_with_newer_rules_is_the_same_as_redacting_once() {
        let redactor = Redactor::standard();
        let text = "I am Anna Kowalczyk, ring 020 7946 0958 or write to anna@example.org.";
        let once = redactor.redact(text).text.into_owned();
        assert_eq!(redactor.redact(&once).text, once);
        assert!(redactor.redact(&once).findings.is_empty());
    }
}
