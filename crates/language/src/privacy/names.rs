//! From tags to findings: what the tagger cannot see, as readable rules.
//!
//! Five rules stand on the tagger. An eponym ("Wegener's granulomatosis") is a term, whatever the tagger says. A
//! listed given name with a capital is a name even where the tagger doubts. Half a name takes its other half. Names come in rows: what a comma or "and"
//! joins to a name, and looks like one, is one. A word that was a name once is a name wherever else it stands with
//! a capital. A courtesy title before a name goes with it: it tells the sex.

use super::class::{Finding, PersonalDataClass};
use super::tagger::Tag;
use super::word::{Shape, Word, list};

/// Turns tags into findings, after the rules.
pub(crate) fn find(text: &str, words: &[Word], tags: &mut [Tag], findings: &mut Vec<Finding>) {
    // Without a tag, a title, or a listed name with a capital no rule below has anything to say.
    let begins_rule =
        |word: &Word| word.is(list::HONORIFIC) || (word.is(list::GIVEN) && word.capitalised());
    if tags.iter().all(|tag| *tag == Tag::Outside) && !words.iter().any(begins_rule) {
        return;
    }
    keep_eponyms(text, words, tags);
    listed_names(text, words, tags);
    after_titles(text, words, tags);
    if tags.contains(&Tag::Name) {
        whole_names(words, tags);
        rows_of_names(text, words, tags);
        repeated_names(words, tags);
        take_titles(text, words, tags);
    }
    if tags.contains(&Tag::Address) {
        whole_addresses(text, words, tags);
    }
    keep_placeholders(text, words, tags);
    for (word, tag) in words.iter().zip(tags).filter(|(word, _)| !word.kept) {
        let class = match tag {
            Tag::Outside | Tag::Organisation => continue,
            Tag::Name => PersonalDataClass::Name,
            Tag::Address => PersonalDataClass::Address,
            Tag::Place => PersonalDataClass::Place,
        };
        findings.push(Finding {
            start: word.start,
            end: word.end,
            class,
        });
    }
}

/// A placeholder in text that was redacted before is no name (N08).
fn keep_placeholders(text: &str, words: &[Word], tags: &mut [Tag]) {
    for index in 0..words.len() {
        if words[index].shape != Shape::Sign || byte_of(text, &words[index]) != b'[' {
            continue;
        }
        let from = words[index].start as usize;
        if let Some(length) = PersonalDataClass::ALL
            .iter()
            .map(|class| class.placeholder())
            .find(|placeholder| text[from..].starts_with(placeholder))
            .map(str::len)
        {
            let inside = words[index..]
                .iter()
                .take_while(|word| (word.start as usize) < from + length)
                .count();
            tags[index..index + inside].fill(Tag::Outside);
        }
    }
}

fn byte_of(text: &str, word: &Word) -> u8 {
    text.as_bytes()[word.start as usize]
}

/// A word that may stand for a term although it has a capital.
fn names_a_term(words: &[Word], index: usize) -> bool {
    let word = &words[index];
    if word.is(list::TERM) && !word.is(list::GIVEN) {
        return true;
    }
    // "Crohn's disease", "Stevens-Johnson syndrome", "Guillain-Barré syndrome".
    let ahead = words[index + 1..].iter().take(5);
    let mut steps = 0;
    for next in ahead {
        if next.is(list::EPONYM_HEAD) && next.shape == Shape::Lower {
            return true;
        }
        // Only signs, a possessive "s" and further capitals may stand between.
        let passes = next.shape == Shape::Sign || next.length == 1 || next.capitalised();
        steps += usize::from(next.shape != Shape::Sign);
        if !passes || steps > 3 {
            return false;
        }
    }
    false
}

fn keep_eponyms(text: &str, words: &[Word], tags: &mut [Tag]) {
    for (index, tag) in tags.iter_mut().enumerate() {
        if *tag != Tag::Outside && names_a_term(words, index) {
            *tag = Tag::Outside;
        }
        // "-induced", "-associated", "-like": a hyphen behind makes it part of a term ("Torsade-like").
        let joined = |at: usize| {
            words.get(at).is_some_and(|word| {
                word.shape == Shape::Sign && byte_of(text, word) == b'-' && !word.blank_before
            })
        };
        if matches!(*tag, Tag::Name | Tag::Place)
            && joined(index + 1)
            && words.get(index + 2).is_some_and(|word| {
                word.shape == Shape::Lower && !word.blank_before && word.is(list::COMMON)
            })
        {
            *tag = Tag::Outside;
        }
    }
}

/// A capital, in a list of given names, no everyday word, no term, no part of an organisation or an address.
fn listed_names(text: &str, words: &[Word], tags: &mut [Tag]) {
    for index in 0..words.len() {
        let word = &words[index];
        if word.shape != Shape::Capital {
            continue;
        }
        let plain = word.is(list::GIVEN)
            && !word.is(list::COMMON
                | list::TERM
                | list::PLACE
                | list::COUNTRY
                | list::STREET
                | list::ORGANISATION);
        if !plain {
            continue;
        }
        let hyphened = |at: usize| {
            words
                .get(at)
                .is_some_and(|sign| sign.shape == Shape::Sign && byte_of(text, sign) == b'-')
        };
        let inside = hyphened(index + 1) || (index > 0 && hyphened(index - 1));
        let beside_organisation = [index.wrapping_sub(1), index + 1].into_iter().any(|near| {
            words
                .get(near)
                .is_some_and(|near| near.is(list::ORGANISATION) && near.capitalised())
        });
        let open = tags[index] == Tag::Outside
            || (tags[index] == Tag::Organisation && !beside_organisation && alone(tags, index));
        if open && word.length >= 4 && !inside && !names_a_term(words, index) {
            tags[index] = Tag::Name;
        }
    }
}

/// "Dr Xyz", "Mrs. van Gijn": the capitalised words after a courtesy title are a name.
fn after_titles(text: &str, words: &[Word], tags: &mut [Tag]) {
    for index in 0..words.len() {
        if !courtesy(text, &words[index]) {
            continue;
        }
        let mut at = index + 1;
        if words
            .get(at)
            .is_some_and(|word| byte_of(text, word) == b'.')
        {
            at += 1;
        }
        let particles = words[at.min(words.len())..]
            .iter()
            .take_while(|word| word.is(list::PARTICLE) && word.shape == Shape::Lower)
            .count();
        let Some(word) = words.get(at + particles) else {
            continue;
        };
        let name_like = matches!(word.shape, Shape::Capital | Shape::Mixed | Shape::Upper)
            && !word.breaks_line
            && (!word.is(list::COMMON) || word.is(list::GIVEN | list::FAMILY));
        if name_like && !names_a_term(words, at + particles) {
            tags[at..=at + particles].fill(Tag::Name);
        }
    }
}

fn courtesy(text: &str, word: &Word) -> bool {
    const TITLES: [&str; 20] = [
        "mr",
        "mrs",
        "ms",
        "miss",
        "mx",
        "dr",
        "prof",
        "professor",
        "doctor",
        "sir",
        "herr",
        "frau",
        "monsieur",
        "madame",
        "señor",
        "señora",
        "sr",
        "sra",
        "signor",
        "signora",
    ];
    if !word.is(list::HONORIFIC) {
        return false;
    }
    let written = &text[word.start as usize..word.end as usize];
    TITLES
        .iter()
        .any(|title| written.eq_ignore_ascii_case(title))
}

/// The other half of a name: a listed given name before one, an unknown capital after one.
fn whole_names(words: &[Word], tags: &mut [Tag]) {
    let replaceable = |tag: Tag| matches!(tag, Tag::Outside | Tag::Organisation);
    for index in (0..words.len().saturating_sub(1)).rev() {
        let given = words[index].is(list::GIVEN)
            && (words[index].capitalised() || !words[index].is(list::COMMON));
        if tags[index + 1] == Tag::Name
            && replaceable(tags[index])
            && given
            && words[index].length >= 3
            && !words[index + 1].breaks_line
        {
            tags[index] = Tag::Name;
        }
    }
    for index in 1..words.len() {
        let unknown = words[index].capitalised()
            && !words[index].is(list::COMMON | list::TERM | list::ORGANISATION | list::COUNTRY)
            && words[index].length >= 3;
        if tags[index - 1] == Tag::Name
            && replaceable(tags[index])
            && unknown
            && !words[index].breaks_line
            && !names_a_term(words, index)
        {
            tags[index] = Tag::Name;
        }
    }
}

/// Joins rows: "Romi, Erik, Amy and Donald".
fn rows_of_names(text: &str, words: &[Word], tags: &mut [Tag]) {
    let joiner = |word: &Word| {
        matches!(
            &text[word.start as usize..word.end as usize],
            "," | "and" | "&" | "or" | "/" | "und" | "et" | "y" | "e" | "en"
        )
    };
    let name_like = |index: usize| {
        let word = &words[index];
        let listed = word.is(list::GIVEN | list::FAMILY);
        let unknown = !word.is(list::COMMON | list::TERM | list::ORGANISATION | list::COUNTRY);
        let written = matches!(word.shape, Shape::Capital | Shape::Mixed)
            || (word.shape == Shape::Lower && word.is(list::GIVEN) && !word.is(list::COMMON));
        written
            && (unknown || (listed && word.shape == Shape::Capital && !word.first))
            && !names_a_term(words, index)
    };
    // An organisation stays in the text, so a doubtful one that stands in a row of names is a leak.
    let replaceable = |tag: Tag| matches!(tag, Tag::Outside | Tag::Organisation);
    for index in 0..words.len().saturating_sub(2) {
        if tags[index] == Tag::Name
            && joiner(&words[index + 1])
            && !words[index + 2].breaks_line
            && replaceable(tags[index + 2])
            && name_like(index + 2)
        {
            tags[index + 2] = Tag::Name;
        }
    }
    for index in (2..words.len()).rev() {
        if tags[index] == Tag::Name
            && joiner(&words[index - 1])
            && !words[index].breaks_line
            && replaceable(tags[index - 2])
            && name_like(index - 2)
        {
            tags[index - 2] = Tag::Name;
        }
    }
}

/// The most words that may stand between two parts of one address.
const ADDRESS_GAP: usize = 6;

/// Fills the gaps of an address and takes the house numbers before it.
fn whole_addresses(text: &str, words: &[Word], tags: &mut [Tag]) {
    let placed = |tag: Tag| matches!(tag, Tag::Address | Tag::Place);
    for index in (0..words.len().saturating_sub(1)).rev() {
        let number =
            matches!(words[index].shape, Shape::Digits | Shape::Code) && words[index].length <= 6;
        if number
            && tags[index] == Tag::Outside
            && tags[index + 1] == Tag::Address
            && !words[index + 1].breaks_line
        {
            tags[index] = Tag::Address;
        }
    }
    // A street taken for a town: a house number follows.
    for index in 0..words.len().saturating_sub(1) {
        if tags[index] == Tag::Place
            && tags[index + 1] == Tag::Address
            && words[index + 1].shape == Shape::Digits
            && words[index + 1].length <= 4
            && !words[index + 1].breaks_line
        {
            tags[index] = Tag::Address;
        }
    }
    let small = |word: &Word| {
        matches!(
            &text[word.start as usize..word.end as usize],
            "and" | "the" | "of" | "nan" | "at"
        )
    };
    let fills = |word: &Word| {
        word.shape == Shape::Sign
            && matches!(byte_of(text, word), b',' | b'.' | b'/' | b'\'' | b'-')
            || word.capitalised()
            || word.is(list::PARTICLE | list::STREET)
            || matches!(word.shape, Shape::Digits | Shape::Code)
            || small(word)
    };
    let mut last: Option<usize> = None;
    for index in 0..words.len() {
        if !placed(tags[index]) {
            continue;
        }
        if let Some(from) = last
            && (1..=ADDRESS_GAP).contains(&(index - from - 1))
            && (tags[from] == Tag::Address || tags[index] == Tag::Address)
            && words[from + 1..index].iter().all(fills)
            && !tags[from + 1..index].contains(&Tag::Name)
        {
            tags[from + 1..index].fill(Tag::Address);
        }
        last = Some(index);
    }
}

fn repeated_names(words: &[Word], tags: &mut [Tag]) {
    let mut names: Vec<u64> = words
        .iter()
        .zip(tags.iter())
        .filter(|(word, tag)| {
            **tag == Tag::Name && word.length >= 3 && !word.is(list::COMMON | list::PARTICLE)
        })
        .map(|(word, _)| word.hash)
        .collect();
    names.sort_unstable();
    for (index, word) in words.iter().enumerate() {
        if tags[index] == Tag::Outside
            && word.capitalised()
            && names.binary_search(&word.hash).is_ok()
            && !names_a_term(words, index)
        {
            tags[index] = Tag::Name;
        }
    }
}

/// The courtesy title before a name, with its full stop.
fn take_titles(text: &str, words: &[Word], tags: &mut [Tag]) {
    for index in 1..words.len() {
        if tags[index] != Tag::Name {
            continue;
        }
        let dotted = index >= 2
            && byte_of(text, &words[index - 1]) == b'.'
            && words[index - 1].shape == Shape::Sign;
        let title = if dotted { index - 2 } else { index - 1 };
        if courtesy(text, &words[title]) && !words[index].breaks_line {
            tags[title..index].fill(Tag::Name);
        }
    }
}

/// Whether no neighbour is part of the same organisation.
fn alone(tags: &[Tag], index: usize) -> bool {
    let at = |near: usize| tags.get(near).is_some_and(|tag| *tag == Tag::Organisation);
    !(at(index + 1) || index > 0 && at(index - 1))
}
