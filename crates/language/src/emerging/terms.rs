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

/// Every term of a text once, in order of hash.
pub(super) fn terms(words: &Words) -> Vec<Term> {
    let list = words.words();
    let mut found = Vec::with_capacity(2 * list.len().min(MOST));
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
            found.push(Term {
                hash: word.hash,
                first: at,
                last: at,
            });
        }
        if let Some(first) =
            before.filter(|first| (first + 1..=at).all(|index| !list[index].before.ends_clause()))
        {
            found.push(Term {
                hash: stable_hash::pair(list[first].hash, word.hash),
                first,
                last: at,
            });
        }
        before = Some(at);
        if found.len() >= MOST {
            break;
        }
    }
    found.sort_unstable_by_key(|term| term.hash);
    found.dedup_by_key(|term| term.hash);
    found
}

/// The term as people read it.
pub(super) fn label(words: &Words, term: &Term) -> String {
    let list = words.words();
    let spelled = &words.folded()
        [list[term.first].folded_start as usize..list[term.last].folded_end as usize];
    if term.first == term.last && list[term.first].before.has(Gap::HASH) {
        format!("#{spelled}")
    } else {
        spelled.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_pairs_without_links_users_and_small_words() {
        let words = Words::of("RT @bob: lack of sterility, vial cracked http://t.co/ab");
        let mut labels: Vec<String> = terms(&words)
            .iter()
            .map(|term| label(&words, term))
            .collect();
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
