//! Phrases whose last word may go on ("copay assist*"), looked up by the three bytes they begin with.

use crate::words::Filter;
use rustc_hash::FxHashMap;

/// Bytes that choose the phrases to compare: the least an open phrase has.
const HEAD_BYTES: usize = 3;

/// Open phrases with their meanings, each folded and without the `*`.
#[derive(Debug, Clone)]
pub(super) struct OpenPhrases<M> {
    heads: Filter,
    by_head: FxHashMap<u32, Vec<(String, Vec<M>)>>,
}

impl<M: Copy> OpenPhrases<M> {
    /// Phrases shorter than three bytes are left out: the taxonomy refuses them.
    pub(super) fn new(phrases: impl IntoIterator<Item = (String, Vec<M>)>) -> OpenPhrases<M> {
        let mut by_head: FxHashMap<u32, Vec<(String, Vec<M>)>> = FxHashMap::default();
        let mut heads = Vec::new();
        for (phrase, meanings) in phrases {
            if let Some(head) = phrase.as_bytes().first_chunk::<HEAD_BYTES>() {
                let head = number_of(*head);
                heads.push(hash_of(head));
                by_head.entry(head).or_default().push((phrase, meanings));
            }
        }
        OpenPhrases {
            heads: Filter::of(heads.len(), heads),
            by_head,
        }
    }

    /// Calls `each` with the meaning and the end, in bytes of the folded text, of every open phrase that begins with the
    /// word at byte `start`.
    #[inline]
    pub(super) fn each_at(&self, folded: &str, start: usize, mut each: impl FnMut(M, usize)) {
        let rest = &folded.as_bytes()[start..];
        let Some(head) = rest.first_chunk::<HEAD_BYTES>() else {
            return;
        };
        let head = number_of(*head);
        if !self.heads.may_hold(hash_of(head)) {
            return;
        }
        for (phrase, meanings) in self.by_head.get(&head).into_iter().flatten() {
            if rest.starts_with(phrase.as_bytes()) {
                meanings
                    .iter()
                    .for_each(|meaning| each(*meaning, start + phrase.len()));
            }
        }
    }
}

#[inline]
fn number_of([first, second, third]: [u8; HEAD_BYTES]) -> u32 {
    u32::from_le_bytes([first, second, third, 0])
}

#[inline]
fn hash_of(head: u32) -> u64 {
    u64::from(head).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_phrases_that_go_on_and_no_others() {
        let phrases = [("copay assist", 1), ("cop", 2), ("copper", 3)];
        let open =
            OpenPhrases::new(phrases.map(|(phrase, meaning)| (phrase.to_owned(), vec![meaning])));
        let folded = " the copay assistance ";
        let mut found = Vec::new();
        for start in [1, 5, 11] {
            open.each_at(folded, start, |meaning, end| found.push((meaning, end)));
        }
        found.sort_unstable();
        assert_eq!(found, [(1, 17), (2, 8)]);
    }
}
