//! Hashed features of a text for learned themes.

use crate::stable_hash::{self, pair};
use crate::themes::Taxonomy;
use crate::words::Words;

/// Salt of word beginnings, so that they do not fall together with whole words.
const BEGINNING: u64 = 0x5eed_0001;
/// Salt of taxonomy themes.
const THEME: u64 = 0x5eed_0002;
/// Letters of a beginning: "parame", "appoin", "transp".
const BEGINNING_LETTERS: usize = 5;

/// The buckets of a text in which the taxonomy found `themes`, sorted, none twice.
#[expect(clippy::cast_possible_truncation, reason = "masked to at most 24 bits")]
pub(super) fn features<'t>(
    words: &Words,
    themes: impl IntoIterator<Item = &'t str>,
    buckets_log2: u8,
) -> Vec<u32> {
    let mask = (1u64 << buckets_log2) - 1;
    let mut found = Vec::with_capacity(3 * words.words().len() + 1);
    let mut before = None;
    for word in words.words() {
        found.push((word.hash & mask) as u32);
        let spelled = words.folded_word(word);
        if let Some((end, _)) = spelled.char_indices().nth(BEGINNING_LETTERS) {
            found.push(
                (pair(
                    stable_hash::hash_bytes(&spelled.as_bytes()[..end]),
                    BEGINNING,
                ) & mask) as u32,
            );
        }
        if let Some(before) = before.filter(|_| !word.before.ends_sentence()) {
            found.push((pair(before, word.hash) & mask) as u32);
        }
        before = Some(word.hash);
    }
    found.extend(
        themes
            .into_iter()
            .map(|theme| (pair(stable_hash::hash_bytes(theme.as_bytes()), THEME) & mask) as u32),
    );
    found.sort_unstable();
    found.dedup();
    found
}

/// The buckets of a text with the themes of `taxonomy`.
pub(super) fn features_of(text: &str, taxonomy: Option<&Taxonomy>, buckets_log2: u8) -> Vec<u32> {
    let words = Words::of(text);
    let hits = taxonomy.map_or_else(Vec::new, |taxonomy| taxonomy.curated(&words));
    let themes = hits
        .iter()
        .filter_map(|hit| Some(taxonomy?.curated_id(hit.theme)));
    features(&words, themes, buckets_log2)
}
