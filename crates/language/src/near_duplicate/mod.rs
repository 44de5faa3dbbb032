//! Near-duplicates: reposts, syndicated texts and the rows of one incident are linked, so that they count once (I06).
//!
//! MinHash signatures (Broder 1997) found again through banded look-up. SimHash was the alternative: one word
//! instead of 16, but its distance says little for texts of twenty words, and reposts are cut and prefixed, which
//! Jaccard similarity of word pairs bears well. A short text with a comment put before it, or one cut off at the end, still falls below any
//! line that keeps other texts apart; it is found by *containment*: nearly all word pairs of the shorter one are in the
//! longer one. How many pairs a text has is read off its minima, so that nothing more is stored
//! ([0039](../../../../docs/decisions/0039-reposts-by-containment.md)). Memory is bounded: the oldest signatures leave first. Nothing is
//! deleted: a member is told its family, and the caller decides what counts.

mod signature;
mod state;

pub use signature::{LEAST_WORDS, SIGNATURE_BYTES, SIGNATURE_LENGTH, Signature, VERSION};
pub use state::DumpProblem;

use crate::words::Words;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// Rows of a band: two texts meet when one whole band agrees. Of the pairs with similarity 0.5, three rows find 94 in 100
/// (`1 − (1 − 0.5³)²¹`), four 64.
const BAND: usize = 3;

/// What counts as a near-duplicate, and how much is remembered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Least estimated Jaccard similarity of the texts' word pairs, whoever wrote them.
    pub similarity: f32,
    /// Least share of the shorter text's word pairs that the longer one has too, whoever wrote them: a text cut, or with words
    /// put before it.
    pub containment: f32,
    /// Word pairs that must be in common for [`Settings::containment`] to count: a stock phrase is no repost.
    pub least_shared: f32,
    /// Least similarity to what the same author (person, organisation, firm) said shortly before: rows of one incident
    /// follow one pattern and differ in what they name.
    pub same_author_similarity: f32,
    /// Whether texts of different known authors can be one family. Reposts can; two firms that report in
    /// the same stock phrase are two incidents.
    pub across_authors: bool,
    /// How long "shortly before" is, in the caller's buckets.
    pub same_author_age: i64,
    /// Texts of fewer words are never duplicates: many people say "very good, thank you" on their own.
    pub least_words: usize,
    /// Signatures remembered, about 600 bytes each.
    pub capacity: usize,
    /// Whether numbers must agree. Rows of one incident differ in numbers, reposts do not.
    pub numbers_matter: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            similarity: 0.6,
            containment: 0.8,
            least_shared: 8.0,
            same_author_similarity: 0.25,
            same_author_age: 7,
            across_authors: true,
            least_words: LEAST_WORDS,
            capacity: 50_000,
            numbers_matter: false,
        }
    }
}

/// Families of near-duplicates, found one text at a time.
#[derive(Debug, Clone)]
pub struct NearDuplicates {
    settings: Settings,
    members: VecDeque<Member>,
    /// Number of the first member in `members`, counted from the first ever seen.
    first: u64,
    /// Latest member of each band value.
    bands: FxHashMap<u32, u64>,
    /// Numbers of the latest members of each author.
    authors: FxHashMap<u64, VecDeque<u64>>,
}

/// Who said it and when: makes rows of one incident findable. Absent for reposts, which anybody may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct By {
    /// Hash of person, organisation or firm.
    pub author: u64,
    /// Bucket in which it was said, such as the day.
    pub at: i64,
}

/// A text to be linked, as its signature.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// What the text is known by: the family's name if it is the first of its kind.
    pub id_hash: u64,
    /// Family the source itself names, such as a thread or an incident; it is believed.
    pub family: Option<u64>,
    /// Author, where one is known.
    pub by: Option<By>,
    /// Whether another author's text may be the same one: both must allow it.
    pub across_authors: bool,
    /// Signature.
    pub signature: Signature,
}

/// What became of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linked {
    /// Family it joins or was said to be of; `None`: the first of its kind.
    pub family: Option<u64>,
    /// Whether it says again what was said before. Of a family that the source names, members may say anything.
    pub repeats: bool,
    /// Number it is remembered by, if later texts are compared with it.
    pub remembered: Option<u64>,
}

/// From this similarity on, a repeat is not remembered beside its original.
const CLOSE_REPEAT: f32 = 0.95;

#[derive(Debug, Clone, PartialEq)]
struct Member {
    family: u64,
    by: Option<By>,
    across_authors: bool,
    signature: Signature,
}

/// Below this similarity nothing is a near-duplicate: an estimate from 64 minima says too little of what is contained.
const LEAST_SIMILARITY: f32 = 0.35;

/// Texts of one author compared at most.
const SAME_AUTHOR_STEPS: usize = 12;

impl NearDuplicates {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(settings: Settings) -> NearDuplicates {
        NearDuplicates {
            settings,
            members: VecDeque::new(),
            first: 0,
            bands: FxHashMap::default(),
            authors: FxHashMap::default(),
        }
    }

    /// Takes a text in. Gives the family it joins: the `id_hash` of the family's first member; `None` when the
    /// text is the first of its kind (so its own `id_hash` is its family) or too short to say.
    pub fn observe(&mut self, id_hash: u64, text: &str) -> Option<u64> {
        self.observe_words(id_hash, None, &Words::of(text))
    }

    /// Takes in a text that has been read already, with its author where one is known.
    pub fn observe_words(&mut self, id_hash: u64, by: Option<By>, words: &Words) -> Option<u64> {
        let signature = Signature::of(
            words,
            self.settings.least_words,
            self.settings.numbers_matter,
        )?;
        let text = Text {
            id_hash,
            family: None,
            by,
            across_authors: self.settings.across_authors,
            signature,
        };
        self.observe_text(text).family
    }

    /// Takes in a text of which only the signature is known.
    pub fn observe_text(&mut self, text: Text) -> Linked {
        let found = self
            .most_similar(&text)
            .or_else(|| self.same_incident(text.by?, &text.signature));
        let family = text.family.or(found.map(|(family, _)| family));
        // An exact or very close repeat adds nothing to find others by; keeping it would push out families.
        let is_known = found
            .is_some_and(|(known, similarity)| similarity >= CLOSE_REPEAT && Some(known) == family);
        let remembered = (!is_known).then(|| {
            self.remember(Member {
                family: family.unwrap_or(text.id_hash),
                by: text.by,
                across_authors: text.across_authors,
                signature: text.signature,
            })
        });
        Linked {
            family,
            repeats: found.is_some(),
            remembered,
        }
    }

    /// An empty memory whose next member has the number `first`: for putting members back in order with
    /// [`NearDuplicates::put_back`].
    #[must_use]
    pub fn starting_at(settings: Settings, first: u64) -> NearDuplicates {
        NearDuplicates {
            first,
            ..NearDuplicates::new(settings)
        }
    }

    /// Remembers a text again, as the next member; `family` is the one it was given.
    pub fn put_back(&mut self, text: Text) {
        self.remember(Member {
            family: text.family.unwrap_or(text.id_hash),
            by: text.by,
            across_authors: text.across_authors,
            signature: text.signature,
        });
    }

    /// Number of the oldest member still remembered.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Signatures remembered now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn most_similar(&self, text: &Text) -> Option<(u64, f32)> {
        let mut best: Option<(u64, f32)> = None;
        let mut compared = None;
        for number in text
            .signature
            .bands(BAND)
            .filter_map(|band| self.bands.get(&band))
        {
            // A repeat meets its original in nearly every band.
            if compared.replace(*number) == Some(*number) {
                continue;
            }
            let Some(member) = number
                .checked_sub(self.first)
                .and_then(|at| self.members.get(usize::try_from(at).ok()?))
            else {
                continue;
            };
            let same_author = matches!((text.by, member.by), (Some(by), Some(earlier)) if by.author == earlier.author && (by.at - earlier.at).abs() <= self.settings.same_author_age);
            let across_authors = text.across_authors && member.across_authors;
            if !same_author && !across_authors {
                continue;
            }
            let similarity = member.signature.similarity(&text.signature);
            if best.is_none_or(|(_, most)| similarity > most)
                && self.is_repeat(similarity, &member.signature, &text.signature)
            {
                best = Some((member.family, similarity));
            }
        }
        best
    }

    /// Whether texts of this similarity are one: as wholes, or the shorter one as a part of the longer.
    fn is_repeat(&self, similarity: f32, first: &Signature, second: &Signature) -> bool {
        if similarity >= self.settings.similarity {
            return true;
        }
        if similarity < LEAST_SIMILARITY {
            return false;
        }
        let (first, second) = (first.pairs(), second.pairs());
        let shared = similarity / (1.0 + similarity) * (first + second);
        shared >= self.settings.least_shared
            && shared >= self.settings.containment * first.min(second)
    }

    /// The most similar of what the author said shortly before.
    fn same_incident(&self, by: By, signature: &Signature) -> Option<(u64, f32)> {
        let said = self.authors.get(&by.author)?.iter().rev();
        let members = said.filter_map(|number| {
            self.members
                .get(usize::try_from(number.checked_sub(self.first)?).ok()?)
        });
        let recent = members.filter(|member| {
            member
                .by
                .is_some_and(|earlier| (by.at - earlier.at).abs() <= self.settings.same_author_age)
        });
        let similar = recent.map(|member| (member.family, member.signature.similarity(signature)));
        similar
            .filter(|(_, similarity)| *similarity >= self.settings.same_author_similarity)
            .max_by(|a, b| a.1.total_cmp(&b.1))
    }

    fn remember(&mut self, member: Member) -> u64 {
        while self.members.len() >= self.settings.capacity.max(1) {
            self.forget_oldest();
        }
        let number = self.first + self.members.len() as u64;
        for band in member.signature.bands(BAND) {
            self.bands.insert(band, number);
        }
        if let Some(by) = member.by {
            let said = self.authors.entry(by.author).or_default();
            said.push_back(number);
            if said.len() > SAME_AUTHOR_STEPS {
                said.pop_front();
            }
        }
        self.members.push_back(member);
        number
    }

    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.members.pop_front() {
            for band in oldest.signature.bands(BAND) {
                if self.bands.get(&band) == Some(&self.first) {
                    self.bands.remove(&band);
                }
            }
            if let Some(author) = oldest.by.map(|by| by.author)
                && let Some(said) = self.authors.get_mut(&author)
            {
                said.retain(|number| *number > self.first);
                if said.is_empty() {
                    self.authors.remove(&author);
                }
            }
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TWEET: &str =
        "Pharmacy says the new pen is out of stock until March, nobody can tell me why";

    #[test]
    fn links_reposts_and_keeps_others_apart() {
        let mut seen = NearDuplicates::new(Settings::default());
        assert_eq!(seen.observe(1, TWEET), None);
        assert_eq!(
            seen.observe(2, &format!("RT @someone: {TWEET} http://t.co/xyz")),
            Some(1)
        );
        assert_eq!(seen.observe(3, TWEET), Some(1));
        assert_eq!(seen.observe(4, "The nurse explained the new pen to my father until he could use it alone, very kind"), None);
        assert_eq!(seen.observe(5, "very good thank you"), None);
        assert_eq!(seen.observe(6, "very good thank you"), None);
    }

    #[test]
    fn a_short_text_with_words_before_it_or_cut_is_the_same_text() {
        const SHORT: &str = "We felt supported when the family didn't know what to do about it";
        for repost in [
            format!("so true, please everybody read this: {SHORT}"),
            "We felt supported when the family didn’t know what…".to_owned(),
            "we felt supported when the family didnt know what to do about it!!!".to_owned(),
        ] {
            let mut seen = NearDuplicates::new(Settings::default());
            assert_eq!(seen.observe(1, SHORT), None);
            assert_eq!(seen.observe(2, &repost), Some(1), "{repost}");
        }
    }

    #[test]
    fn a_stock_phrase_in_common_is_no_repost() {
        let mut seen = NearDuplicates::new(Settings::default());
        assert_eq!(seen.observe(1, "thank you for everything you do"), None);
        assert_eq!(
            seen.observe(
                2,
                "thank you for everything you do but my delivery is three weeks late again"
            ),
            None
        );
    }

    #[test]
    fn rows_of_one_author_are_one_incident_for_a_while() {
        let mut seen = NearDuplicates::new(Settings::default());
        let row =
            |drug: &str| Words::of(&format!("Label mix-up: {drug} tablets may be mislabelled"));
        let by = |author, at| Some(By { author, at });
        assert_eq!(
            seen.observe_words(1, by(7, 0), &row("zinc gluconate")),
            None
        );
        assert_eq!(
            seen.observe_words(2, by(7, 3), &row("calcium with vitamin")),
            Some(1)
        );
        assert_eq!(
            seen.observe_words(3, by(8, 3), &row("isosorbide dinitrate extended release")),
            None
        );
        assert_eq!(
            seen.observe_words(4, by(7, 40), &row("imipramine coated chewable fifty")),
            None
        );
    }

    #[test]
    fn what_people_say_alike_on_their_own_is_no_repost() {
        let mut seen = NearDuplicates::new(Settings {
            across_authors: false,
            ..Settings::default()
        });
        let by = |author| Some(By { author, at: 0 });
        assert_eq!(seen.observe_words(1, by(7), &Words::of(TWEET)), None);
        assert_eq!(seen.observe_words(2, by(8), &Words::of(TWEET)), None);
        assert_eq!(seen.observe_words(3, by(8), &Words::of(TWEET)), Some(2));
        assert_eq!(seen.observe_words(4, None, &Words::of(TWEET)), None);
    }

    #[test]
    fn the_family_a_source_names_is_believed_and_found_by_copies_that_name_none() {
        let mut seen = NearDuplicates::new(Settings::default());
        let text = |id_hash, family| Text {
            id_hash,
            family,
            by: None,
            across_authors: true,
            signature: Signature::of(&Words::of(TWEET), LEAST_WORDS, false).unwrap(),
        };
        let mut linked = |id_hash, family| {
            let linked = seen.observe_text(text(id_hash, family));
            (linked.family, linked.repeats)
        };
        assert_eq!(linked(1, Some(70)), (Some(70), false));
        assert_eq!(linked(2, None), (Some(70), true));
        assert_eq!(linked(3, Some(80)), (Some(80), true));
        assert_eq!(seen.first(), 0);
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_leave() {
        let mut seen = NearDuplicates::new(Settings {
            capacity: 10,
            ..Settings::default()
        });
        let text = |number: u64| {
            (0..9)
                .map(|word| format!("w{}x{word} ", number * 31))
                .collect::<String>()
        };
        for number in 0..100 {
            assert_eq!(seen.observe(number, &text(number)), None);
        }
        assert_eq!(seen.len(), 10);
        assert!(seen.bands.len() <= 10 * SIGNATURE_LENGTH / BAND);
        assert_eq!(seen.observe(200, &text(99)), Some(99));
        assert_eq!(seen.observe(201, &text(5)), None);
    }

    proptest! {
        #[test]
        fn restored_state_answers_the_same(texts in prop::collection::vec("[a-d ]{10,40}", 1..20), cut in 0usize..20, capacity in 1usize..12) {
            let settings = Settings { least_words: 3, capacity, ..Settings::default() };
            let mut straight = NearDuplicates::new(settings);
            let mut broken = NearDuplicates::new(settings);
            for (at, text) in texts.iter().enumerate() {
                if at == cut {
                    broken = NearDuplicates::restore(settings, &broken.dump()).unwrap();
                }
                prop_assert_eq!(straight.observe_words(at as u64, Some(By { author: at as u64 % 3, at: at as i64 }), &Words::of(text)), broken.observe_words(at as u64, Some(By { author: at as u64 % 3, at: at as i64 }), &Words::of(text)));
            }
            prop_assert_eq!(straight.dump(), broken.dump());
        }
    }
}
