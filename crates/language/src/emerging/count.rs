//! A bucket counted when it closes, in three passes that each see fewer terms.
//!
//! First every term bumps its counters, nothing else: a table that stays in the processor's cache. What was said by more
//! people than its counters know as usual is then counted exactly. Only what still stands out, and what is followed
//! already, gets the sets of people, sources and items that corroboration and joining need. A counter holds at least what each of
//! its terms has, so no term that stands out is lost on the way.

use super::Settings;
use super::baseline::{Baseline, Usual};
use super::bucket::{Heard, OpenBucket, Told, Voice};
use super::sketch::Sketch;
use super::track::{EXEMPLARS, Track, is_worth_following};
use crate::stable_hash;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// What one bucket said of one term.
#[derive(Debug, Default)]
pub(super) struct TermCounts {
    pub label: String,
    pub people: u32,
    pub sources: Sketch,
    pub persons: Sketch,
    pub items: Sketch,
    pub exemplars: Vec<u64>,
    /// People whose text also held a founding term of a known theme, by theme id.
    beside: Vec<(u64, u32)>,
}

impl TermCounts {
    fn hear(&mut self, voice: Voice, is_new_person: bool, themes: &[u64]) {
        self.items.insert(stable_hash::spread(voice.item));
        self.sources.insert(stable_hash::spread(voice.source));
        if is_new_person {
            self.persons.insert(stable_hash::spread(voice.person));
            self.people += 1;
            themes.iter().for_each(|theme| self.stands_beside(*theme));
            if self.exemplars.len() < EXEMPLARS {
                self.exemplars.push(voice.item);
            }
        }
    }

    fn stands_beside(&mut self, theme: u64) {
        match self.beside.iter_mut().find(|(other, _)| *other == theme) {
            Some((_, people)) => *people += 1,
            None => self.beside.push((theme, 1)),
        }
    }

    /// The known theme that at least half of the people spoke of in the same breath.
    pub(super) fn facet_of(&self) -> Option<u64> {
        self.beside
            .iter()
            .filter(|(_, people)| 2 * people >= self.people)
            .max_by_key(|(theme, people)| (*people, *theme))
            .map(|(theme, _)| *theme)
    }
}

/// A closed bucket: its people, and the terms worth more than a counter with what was usual for them, by hash.
pub(super) struct Counted {
    pub people: u32,
    pub terms: BTreeMap<u64, (TermCounts, Usual)>,
}

/// A term on its way through the exact count.
#[derive(Default)]
struct Tally {
    people: u32,
    last_person: u32,
}

/// Counts a bucket and teaches the baseline what it said; while learning, nothing else.
pub(super) fn count(
    bucket: i64,
    open: &OpenBucket,
    baseline: &mut Baseline,
    tracks: &BTreeMap<u64, Track>,
    markers: &BTreeMap<u64, u64>,
    settings: &Settings,
    is_learning: bool,
) -> Counted {
    let texts = open.by_person();
    let people = texts.last().map_or(0, |text| text.person);
    let mut said = baseline.nothing_said();
    for text in &texts {
        for term in text.terms {
            said.hear(term.hash, text.person);
        }
    }
    if is_learning {
        baseline.learn(bucket, &said, people);
        return Counted {
            people,
            terms: BTreeMap::new(),
        };
    }
    let least = settings.least_at_once();
    said.mark_rises(baseline, bucket, people, |people, expected| {
        people >= least && is_worth_following(people, expected, settings)
    });
    tracks.keys().for_each(|term| said.mark_followed(*term));
    // Expectations are of before this bucket; terms share counters, so all are read before anything is learnt.
    let mut tallies: FxHashMap<u64, Tally> = FxHashMap::default();
    let mut places: Vec<(u32, &Heard)> = Vec::new();
    for (at, text) in (0u32..).zip(&texts) {
        for term in text.terms {
            if !(said.may_rise(term.hash, least)
                || said.may_be_followed(term.hash) && tracks.contains_key(&term.hash))
            {
                continue;
            }
            let tally = tallies.entry(term.hash).or_default();
            if tally.last_person != text.person {
                tally.last_person = text.person;
                tally.people += 1;
            }
            places.push((at, term));
        }
    }
    tallies.retain(|term, tally| {
        tracks.contains_key(term)
            || tally.people >= least
                && is_worth_following(
                    tally.people,
                    baseline.usual(*term, bucket).among(people),
                    settings,
                )
    });
    let terms = with_evidence(open, &texts, &places, &mut tallies, markers)
        .into_iter()
        .map(|(term, counts)| (term, (counts, baseline.usual(term, bucket))))
        .collect();
    baseline.learn(bucket, &said, people);
    Counted { people, terms }
}

/// Terms that passed the exact count, with the sets behind them.
fn with_evidence(
    open: &OpenBucket,
    texts: &[Told<'_>],
    places: &[(u32, &Heard)],
    tallies: &mut FxHashMap<u64, Tally>,
    markers: &BTreeMap<u64, u64>,
) -> BTreeMap<u64, TermCounts> {
    let mut terms: BTreeMap<u64, TermCounts> = BTreeMap::new();
    // Themes of the text read last: its terms stand side by side.
    let mut themes: (Option<u32>, Vec<u64>) = (None, Vec::new());
    for (at, heard) in places {
        let Some(tally) = tallies.get_mut(&heard.hash) else {
            continue;
        };
        let text = &texts[*at as usize];
        if themes.0 != Some(*at) {
            themes = (Some(*at), themes_of(text, markers));
        }
        let counts = terms.entry(heard.hash).or_insert_with(|| {
            // The count begins anew: nobody was heard yet.
            tally.last_person = 0;
            TermCounts {
                label: open.label(heard),
                ..TermCounts::default()
            }
        });
        let is_new_person = tally.last_person != text.person;
        tally.last_person = text.person;
        counts.hear(text.voice, is_new_person, &themes.1);
    }
    terms
}

/// Known themes a text holds a founding term of.
fn themes_of(text: &Told<'_>, markers: &BTreeMap<u64, u64>) -> Vec<u64> {
    if markers.is_empty() {
        return Vec::new();
    }
    let found = text
        .terms
        .iter()
        .filter_map(|term| markers.get(&term.hash).copied());
    let mut themes: Vec<u64> = found.collect();
    themes.sort_unstable();
    themes.dedup();
    themes
}
