//! The patient criterion: does the text point at somebody it happened to?
//!
//! ICH E2D asks for an *identifiable* patient: an age, a sex, initials, "a patient", "my wife", or so many people that they can
//! be counted. The lexicon's cues are wider than that, because the linear model learned from all of them: "case" stands in "case
//! report" and "in this case", "I" in "type I" and "i.v.". Changing the cues would change the model's features, so what does not
//! point at anybody is left out here, after the look-up.

use super::class::Criterion;
use super::lexicon::{Cue, Hit};
use super::token::{Break, Token, hash_known};

/// How many words before "case" its determiner or number may stand.
const DETERMINER_REACH: usize = 3;

const fn hashes<const N: usize>(words: [&str; N]) -> [u64; N] {
    let mut found = [0; N];
    let mut index = 0;
    while index < N {
        found[index] = hash_known(words[index].as_bytes());
        index += 1;
    }
    found
}

/// People the lexicon has no cue for.
const PEOPLE: [u64; 14] = hashes([
    "fetus",
    "fetuses",
    "foetus",
    "foetuses",
    "sibling",
    "siblings",
    "twin",
    "twins",
    "triplets",
    "alcoholic",
    "alcoholics",
    "epileptics",
    "addicts",
    "abstainers",
]);

/// Cues of the lexicon that point at nobody in particular, or at things.
const NOBODY: [u64; 7] = hashes([
    "several",
    "they",
    "them",
    "individual",
    "epileptic",
    "epilepticus",
    "asthmaticus",
]);

const CASE: [u64; 2] = hashes(["case", "cases"]);

/// "Case report": a kind of paper, not a patient.
const PAPER: [u64; 12] = hashes([
    "report",
    "reports",
    "study",
    "studies",
    "series",
    "analysis",
    "analyses",
    "history",
    "histories",
    "control",
    "presentation",
    "description",
]);

const COUNTS: [u64; 30] = hashes([
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
    "hundred",
    "both",
    "several",
    "dozen",
]);

const DETERMINERS: [u64; 10] = hashes([
    "a", "an", "one", "another", "this", "our", "these", "those", "the", "present",
]);

/// "Few cases", "the first case": said of the literature, not of somebody.
const OF_THE_LITERATURE: [u64; 16] = hashes([
    "few", "most", "more", "some", "many", "other", "rare", "isolated", "sporadic", "such", "any",
    "first", "second", "third", "fourth", "only",
]);

/// "In this case": here.
const IN: [u64; 2] = hashes(["in", "with"]);
const HERE: [u64; 6] = hashes(["this", "our", "the", "such", "that", "these"]);

/// A numeral in Roman figures follows: "type I".
const NUMBERED: [u64; 8] = hashes([
    "type", "class", "phase", "stage", "grade", "part", "factor", "group",
]);

const INPATIENT: [u64; 2] = hashes(["inpatient", "outpatient"]);

/// Whether the text names, describes or counts anybody it could have happened to. People the lexicon does not know are looked
/// for only where an event is spoken of: nothing else can be a case, and every text comes through here.
pub(crate) fn patient(text: &str, tokens: &[Token], hits: &[Hit], has_event: bool) -> Criterion {
    let mut found = Criterion::Missing;
    for hit in hits {
        let specific = hit.cues.has(Cue::PatientSpecific);
        if !(specific || hit.cues.has(Cue::PatientGeneric))
            || !points_at_somebody(text, tokens, hit)
        {
            continue;
        }
        if specific {
            return Criterion::Found;
        }
        found = Criterion::Partial;
    }
    if found == Criterion::Missing
        && has_event
        && tokens
            .iter()
            .any(|token| PEOPLE.contains(&token.hash) || is_age(token))
    {
        found = Criterion::Partial;
    }
    found
}

fn points_at_somebody(text: &str, tokens: &[Token], hit: &Hit) -> bool {
    if hit.first != hit.last {
        return true;
    }
    let at = hit.first as usize;
    let token = &tokens[at];
    if CASE.contains(&token.hash) {
        return is_somebodys_case(tokens, at);
    }
    if NOBODY.contains(&token.hash) {
        return false;
    }
    let said = &text[token.start as usize..token.end as usize];
    match said {
        "I" | "i" => !is_abbreviation(text, tokens, at) && !follows(tokens, at, &NUMBERED),
        // Intramuscular, identity, myocardial infarction, the European Union.
        "im" | "Im" => begins_sentence(tokens, at),
        "IM" | "id" | "ID" | "MI" | "EU" | "IO" => false,
        _ => !INPATIENT.contains(&token.hash) || follows(tokens, at, &DETERMINERS),
    }
}

/// "i.v.", "i.e.": a full stop and the next letter follow at once.
fn is_abbreviation(text: &str, tokens: &[Token], at: usize) -> bool {
    let end = tokens[at].end as usize;
    text.as_bytes().get(end) == Some(&b'.')
        && tokens
            .get(at + 1)
            .is_some_and(|next| next.start as usize == end + 1)
}

fn begins_sentence(tokens: &[Token], at: usize) -> bool {
    at == 0 || tokens[at].before == Break::Sentence
}

fn follows(tokens: &[Token], at: usize, words: &[u64]) -> bool {
    at > 0 && tokens[at].before == Break::None && words.contains(&tokens[at - 1].hash)
}

/// Whether "case" stands for a person: counted ("two new cases"), or one that is spoken of ("a case of", "our case").
fn is_somebodys_case(tokens: &[Token], at: usize) -> bool {
    let from = (0..at)
        .rev()
        .take(DETERMINER_REACH)
        .take_while(|index| tokens[index + 1].before < Break::Sentence)
        .last()
        .unwrap_or(at);
    let before = &tokens[from..at];
    if before
        .iter()
        .any(|token| token.numeric || COUNTS.contains(&token.hash))
    {
        return true;
    }
    let is_paper = tokens
        .get(at + 1)
        .is_some_and(|next| next.before == Break::None && PAPER.contains(&next.hash));
    let is_idiom = before
        .windows(2)
        .any(|pair| IN.contains(&pair[0].hash) && HERE.contains(&pair[1].hash));
    let of_the_literature = before
        .iter()
        .any(|token| OF_THE_LITERATURE.contains(&token.hash));
    !is_paper
        && !is_idiom
        && !of_the_literature
        && before.iter().any(|token| DETERMINERS.contains(&token.hash))
}

/// "54yo", "6yr": an age written in one word.
fn is_age(token: &Token) -> bool {
    const TAILS: [(u64, u64); 3] = [
        (0x00ff_ffff, 0x79_7273),
        (0xffff, 0x79_6f),
        (0xffff, 0x79_72),
    ];
    token.numeric && TAILS.iter().any(|(mask, tail)| token.tail & mask == *tail)
}

#[cfg(test)]
mod tests {
    use super::super::Triage;
    use super::*;

    fn of(text: &str) -> Criterion {
        Triage::standard().assess(text).criteria.patient
    }

    #[test]
    fn somebody_is_found_or_counted() {
        for text in [
            "A 54-year-old woman developed a rash.",
            "54yo on Humira, rash.",
            "I got hives.",
            "im on 20mg and itching",
            "My wife fainted.",
            "Two cases of hepatitis are described.",
            "We report 3 new cases of rash.",
            "A case of clozapine-induced seizures.",
            "The fetus developed tachycardia.",
            "Hyperkalemia in one of the siblings.",
            "She was admitted.",
            "An outpatient fell.",
        ] {
            assert_ne!(of(text), Criterion::Missing, "{text}");
        }
    }

    #[test]
    fn nobody_is_not_found() {
        for text in [
            "Phenytoin 1 g i.v. was given for a seizure.",
            "Type I anaphylaxis after protamine.",
            "Rash associated with phenytoin: case report.",
            "Few cases have been published.",
            "In this case amoxycillin interacts.",
            "Side effects of beginning im gold therapy.",
            "Nonconvulsive status epilepticus and morphine.",
            "Dofetilide is begun in inpatient settings.",
            "PCC-related MI after factor VIIa.",
        ] {
            assert_eq!(of(text), Criterion::Missing, "{text}");
        }
    }
}
