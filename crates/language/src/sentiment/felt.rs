//! Finds the words that carry feeling, each with the factor that negation, emphasis and contrast give it.

use super::lexicon::{Known, LONGEST_PHRASE, Lexicon};
use super::modifiers::{Modifier, Modifiers};
use crate::stable_hash;
use crate::words::{Gap, Shape, Words};
use smallvec::SmallVec;

/// Factor on a good word under negation: "not good" is bad, though less than good is good.
const NEGATED_GOOD: f32 = -0.65;
/// Factor on a bad word under negation: "not bad" is mildly good.
const NEGATED_BAD: f32 = -0.35;
/// Factor on a bad word that is relieved or ended.
const RELIEVED: f32 = -0.6;
/// Words between a negator and the word it may turn.
const NEGATION_REACH: usize = 4;
/// Words between an intensifier and what it strengthens.
const SCALE_REACH: usize = 2;
const BEFORE_CONTRAST: f32 = 0.7;
const AFTER_CONTRAST: f32 = 1.25;
const CONCEDED: f32 = 0.7;
const SUPPOSED: f32 = 0.7;
const ALL_CAPITALS: f32 = 1.25;
const EXCLAIMED: f32 = 1.12;
const EXCLAIMED_MORE: f32 = 1.25;
const ASKED: f32 = 0.7;

/// A word that carries feeling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Felt {
    /// Entry of the lexicon.
    pub entry: u32,
    /// What the valence is multiplied by.
    pub factor: f32,
    /// The part of `factor` that contrast made.
    pub contrast: f32,
    /// Index of the word.
    pub word: u32,
    /// First byte in the text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// Feeling words; those of most texts need no allocation.
pub(super) type FeltWords = SmallVec<[Felt; 16]>;

/// Every feeling word of a text, in order.
pub(super) fn find(lexicon: &Lexicon, text: &str, words: &Words) -> FeltWords {
    let modifiers = &Modifiers::of(words);
    let mut felt = FeltWords::new();
    let shouting = is_shouting(words);
    let list = words.words();
    let mut at = 0;
    while at < list.len() {
        if list[at].before.has(Gap::FACE) {
            emoticon(lexicon, text, words, at, &mut felt);
        }
        let known = lexicon.known(list[at].hash);
        let found = if known.begins_phrase {
            phrase(lexicon, words, at)
        } else {
            None
        };
        let Some((entry, length)) =
            found.or_else(|| Some((single(lexicon, text, words, at, known)?, 1)))
        else {
            at += 1;
            continue;
        };
        let mut factor = factor_of(modifiers, words, at, length, lexicon.value(entry));
        if list[at].shape == Shape::Upper && !shouting {
            factor *= ALL_CAPITALS;
        }
        felt.push(Felt {
            entry,
            factor,
            contrast: 1.0,
            word: to_u32(at),
            start: list[at].start,
            end: list[at + length - 1].end,
        });
        at += length;
    }
    if words.end().has(Gap::FACE) {
        emoticon(lexicon, text, words, list.len(), &mut felt);
    }
    if !felt.is_empty() {
        weigh_sentences(modifiers, words, &mut felt);
    }
    felt
}

/// The longest phrase of the lexicon that begins here.
fn phrase(lexicon: &Lexicon, words: &Words, at: usize) -> Option<(u32, usize)> {
    let list = words.words();
    let mut hash = list[at].hash;
    let mut found = None;
    for (length, word) in list
        .iter()
        .enumerate()
        .skip(at + 1)
        .take(LONGEST_PHRASE - 1)
        .map(|(index, word)| (index - at + 1, word))
    {
        if word.before.ends_clause() {
            break;
        }
        hash = stable_hash::pair(hash, word.hash);
        found = lexicon.exact(hash).map(|entry| (entry, length)).or(found);
    }
    found
}

/// The word itself, or a letter that ends an emoticon (`:D`, `<3`).
fn single(lexicon: &Lexicon, text: &str, words: &Words, at: usize, known: Known) -> Option<u32> {
    let word = &words.words()[at];
    let spelled = words.folded_word(word);
    if word.before.has(Gap::MARKS) && spelled.len() == 1 {
        let before = text[..word.start as usize]
            .chars()
            .next_back()
            .filter(|mark| ":;=<".contains(*mark))?;
        let mut emoticon = String::with_capacity(4);
        emoticon.push(before);
        emoticon.push_str(spelled);
        return lexicon.exact(stable_hash::hash_bytes(emoticon.as_bytes()));
    }
    if known.listed {
        known.entry
    } else {
        lexicon.by_form(spelled)
    }
}

/// An emoticon among the marks before word `at`.
fn emoticon(lexicon: &Lexicon, text: &str, words: &Words, at: usize, felt: &mut FeltWords) {
    let list = words.words();
    let from = at
        .checked_sub(1)
        .map_or(0, |before| list[before].end as usize);
    let to = list.get(at).map_or(text.len(), |word| word.start as usize);
    let marks = &text[from..to];
    if marks.len() < 2 {
        return;
    }
    for piece in marks
        .split_ascii_whitespace()
        .filter(|piece| piece.len() >= 2)
    {
        let place = from + (piece.as_ptr() as usize - marks.as_ptr() as usize);
        for size in [3, 2] {
            let hit = piece.char_indices().find_map(|(begin, _)| {
                let part = piece.get(begin..begin + size)?;
                lexicon
                    .exact(stable_hash::hash_bytes(part.as_bytes()))
                    .map(|entry| (entry, begin))
            });
            if let Some((entry, begin)) = hit {
                let word = to_u32(at.saturating_sub(1));
                felt.push(Felt {
                    entry,
                    factor: 1.0,
                    contrast: 1.0,
                    word,
                    start: to_u32(place + begin),
                    end: to_u32(place + begin + size),
                });
                break;
            }
        }
    }
}

/// What the words before (and just after) do to the word or phrase at `at`.
fn factor_of(modifiers: &Modifiers, words: &Words, at: usize, length: usize, value: f32) -> f32 {
    let list = words.words();
    let mut factor = 1.0;
    let mut negated = false;
    let mut relieved = false;
    for back in 1..=NEGATION_REACH {
        let Some(index) = at.checked_sub(back) else {
            break;
        };
        if list[index + 1].before.ends_clause() {
            break;
        }
        match modifiers.at(index) {
            Some(Modifier::Negates) => {
                let only = list
                    .get(index + 1)
                    .is_some_and(|next| matches!(words.folded_word(next), "only" | "just"));
                negated ^= !only;
            }
            Some(Modifier::NegatesNext) if back <= 2 => negated = !negated,
            Some(Modifier::Scales(scale)) if back <= SCALE_REACH => factor *= scale,
            Some(Modifier::Relieves) if back <= 2 && value < 0.0 => relieved = true,
            Some(Modifier::Supposes) => factor *= SUPPOSED,
            Some(Modifier::Contrasts | Modifier::Concedes) => break,
            _ => {}
        }
    }
    if value < 0.0 && !relieved {
        relieved = ended_after(modifiers, words, at + length);
    }
    if relieved {
        factor *= RELIEVED;
    }
    match (negated, value > 0.0) {
        (false, _) => factor,
        (true, true) => factor * NEGATED_GOOD,
        (true, false) => factor * NEGATED_BAD,
    }
}

/// "the nausea is gone", "the pain has gone away".
fn ended_after(modifiers: &Modifiers, words: &Words, from: usize) -> bool {
    for (at, word) in words.words().iter().enumerate().skip(from).take(3) {
        if word.before.ends_clause() {
            return false;
        }
        match modifiers.at(at) {
            Some(Modifier::Ended) => return true,
            Some(Modifier::Negates | Modifier::Contrasts) => return false,
            _ => {}
        }
    }
    false
}

/// Contrast, exclamation and question, sentence by sentence.
fn weigh_sentences(modifiers: &Modifiers, words: &Words, felt: &mut [Felt]) {
    let list = words.words();
    let mut next_felt = 0;
    let mut start = 0;
    while start < list.len() && next_felt < felt.len() {
        let mut end = start + 1;
        while end < list.len() && !list[end].before.ends_sentence() {
            end += 1;
        }
        let first = next_felt;
        while next_felt < felt.len() && (felt[next_felt].word as usize) < end {
            next_felt += 1;
        }
        let here = &mut felt[first..next_felt];
        if !here.is_empty() {
            emphasise(words.gap_after(end - 1), here);
            contrast(modifiers, words, start, end, here);
        }
        start = end;
    }
}

fn emphasise(mark: Gap, felt: &mut [Felt]) {
    let factor = if mark.has(Gap::EXCLAIM_MORE) {
        EXCLAIMED_MORE
    } else if mark.has(Gap::EXCLAIM) {
        EXCLAIMED
    } else if mark.has(Gap::QUESTION) {
        ASKED
    } else {
        return;
    };
    felt.iter_mut().for_each(|felt| felt.factor *= factor);
}

fn contrast(modifiers: &Modifiers, words: &Words, start: usize, end: usize, felt: &mut [Felt]) {
    let list = words.words();
    for at in start..end {
        let (kind, at) = match modifiers.at(at) {
            Some(kind @ (Modifier::Contrasts | Modifier::Concedes)) => (kind, to_u32(at)),
            _ => continue,
        };
        if kind == Modifier::Contrasts {
            if at as usize == start {
                continue;
            }
            for felt in felt.iter_mut() {
                felt.contrast *= if felt.word < at {
                    BEFORE_CONTRAST
                } else {
                    AFTER_CONTRAST
                };
            }
            break;
        }
        let until = (at as usize + 1..end)
            .find(|index| list[*index].before.has(Gap::COMMA))
            .unwrap_or(end);
        for felt in felt
            .iter_mut()
            .filter(|felt| felt.word > at && (felt.word as usize) < until)
        {
            felt.contrast *= CONCEDED;
        }
    }
    felt.iter_mut()
        .for_each(|felt| felt.factor *= felt.contrast);
}

/// Most words in capitals: then capitals mean nothing.
fn is_shouting(words: &Words) -> bool {
    let upper = words
        .words()
        .iter()
        .filter(|word| word.shape == Shape::Upper)
        .count();
    2 * upper > words.words().len()
}

fn to_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
