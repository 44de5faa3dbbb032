//! Terms of a text: words worth following, and pairs of neighbours.

use super::stop_words::is_stop_word;
use crate::stable_hash;
use crate::words::{Gap, Shape, Words};

/// Terms taken from one text at most: a long text may not flood a bucket.
const MOST: usize = 120;

/// A term: its hash and the words it is made of (one, or two neighbours).
#[derive(Debug, Clone, Copy)]
pub(super) struct Term {
    pub hash: u64,
    pub first: usize,
    pub last: usize,
}

/// Calls `take` with the terms of a text in the order of their last words; one said twice comes twice.
pub(super) fn terms(words: &Words, take: &mut impl FnMut(Term)) {
    let list = words.words();
    let mut taken = 0;
    let mut before: Option<usize> = None;
    let mut in_link = false;
    for (at, word) in list.iter().enumerate() {
        let spelled = words.folded_word(word);
        in_link =
            (in_link && word.before.has(Gap::MARKS)) || matches!(spelled, "http" | "https" | "www");
        let plain = !in_link
            && !word.before.has(Gap::AT)
            && word.shape != Shape::Number
            && word.shape != Shape::Symbol;
        if !plain || is_stop_word(word.hash) || spelled.chars().nth(1).is_none() {
            // A pair may bridge one small word ("lack of sterility") but no mark.
            if !plain || before.is_some_and(|before| at - before > 1) {
                before = None;
            }
            continue;
        }
        if spelled.chars().nth(2).is_some() || !spelled.is_ascii() {
            taken += 1;
            take(Term {
                hash: word.hash,
                first: at,
                last: at,
            });
        }
        if let Some(first) =
            before.filter(|first| (first + 1..=at).all(|index| !list[index].before.ends_clause()))
        {
            taken += 1;
            take(Term {
                hash: stable_hash::pair(list[first].hash, word.hash),
                first,
                last: at,
            });
        }
        before = Some(at);
        if taken >= MOST {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_pairs_without_links_users_and_small_words() {
        let words = Words::of("RT @bob: lack of sterility, vial cracked http://t.co/ab");
        let list = words.words();
        let mut labels: Vec<&str> = Vec::new();
        terms(&words, &mut |term| {
            let (from, to) = (list[term.first].folded_start, list[term.last].folded_end);
            labels.push(&words.folded()[from as usize..to as usize]);
        });
        labels.sort();
        assert_eq!(
            labels,
            [
                "cracked",
                "lack",
                "lack of sterility",
                "sterility",
                "vial",
                "vial cracked"
            ]
        );
    }
}
