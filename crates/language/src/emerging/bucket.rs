//! Texts of one open bucket, as lists of terms.
//!
//! A text is only written down when it is heard; everything is counted when the bucket closes ([`super::count`]), because
//! only then is it known which terms are worth the sets that corroboration needs. Keeping sets for every term on
//! arrival cost about twenty times as much: nearly all terms of a bucket are usual, or said once.

use super::terms::{Term, terms};
use crate::words::{Gap, Words};
use serde::{Deserialize, Serialize};

/// Terms written down in one bucket at most, 16 bytes each; beyond, texts are not taken in. About 150,000 texts of feedback.
const MOST_TERMS: usize = 4_000_000;
/// Bytes of folded text kept in one bucket at most.
const MOST_BYTES: usize = 1 << 28;

/// Who said it, where, in which item.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Voice {
    pub person: u64,
    pub source: u64,
    pub item: u64,
}

/// A text: who said it, and one past its last term.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Text {
    voice: Voice,
    end: u32,
}

/// A term where it was said.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Heard {
    pub hash: u64,
    start: u32,
    length: u16,
    is_hashtag: bool,
}

/// One open bucket.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct OpenBucket {
    texts: Vec<Text>,
    terms: Vec<Heard>,
    /// Folded texts one behind the other: labels are cut from them.
    folded: String,
}

/// A text with the number of its person within the bucket.
pub(super) struct Told<'a> {
    pub person: u32,
    pub voice: Voice,
    pub terms: &'a [Heard],
}

impl OpenBucket {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "both lists are bounded below u32::MAX"
    )]
    pub(super) fn observe(&mut self, words: &Words, voice: Voice) {
        if self.terms.len() >= MOST_TERMS || self.folded.len() >= MOST_BYTES {
            return;
        }
        let offset = self.folded.len() as u32;
        let list = words.words();
        let mut used = 0;
        let heard = &mut self.terms;
        terms(words, &mut |Term { hash, first, last }| {
            let (from, to) = (list[first].folded_start, list[last].folded_end);
            // What does not fit is no word.
            if let Ok(length) = u16::try_from(to - from) {
                used = used.max(to);
                heard.push(Heard {
                    hash,
                    start: offset + from,
                    length,
                    is_hashtag: first == last && list[first].before.has(Gap::HASH),
                });
            }
        });
        self.folded.push_str(&words.folded()[..used as usize]);
        self.texts.push(Text {
            voice,
            end: self.terms.len() as u32,
        });
    }

    /// All texts, those of one person side by side; persons are numbered from 1, texts of one are as they came.
    pub(super) fn by_person(&self) -> Vec<Told<'_>> {
        let mut from = 0;
        let mut texts: Vec<Told<'_>> = self
            .texts
            .iter()
            .map(|text| {
                let terms = &self.terms[from..text.end as usize];
                from = text.end as usize;
                Told {
                    person: 0,
                    voice: text.voice,
                    terms,
                }
            })
            .collect();
        texts.sort_by_key(|text| text.voice.person);
        let mut number = 0;
        let mut last = None;
        for text in &mut texts {
            number += u32::from(last.replace(text.voice.person) != Some(text.voice.person));
            text.person = number;
        }
        texts
    }

    /// The term as people read it.
    pub(super) fn label(&self, heard: &Heard) -> String {
        let start = heard.start as usize;
        let spelled = self.folded.get(start..start + usize::from(heard.length));
        let mark = if heard.is_hashtag { "#" } else { "" };
        format!("{mark}{}", spelled.unwrap_or_default())
    }
}
