//! New themes: terms that rise against their own past, joined into proposals with evidence (U05, B12).
//!
//! After SigniTrend (Schubert, Weiler and Kriegel, KDD 2014): every word and word pair has a decaying mean and variance of
//! its share, in hashed counters, so memory is fixed however many words there are, and no term needs to be
//! chosen beforehand. Topic models were the alternative: they need all texts at once, find topics rather than changes, and
//! give another answer on another day. What we add: people are counted rather than texts, a term is followed over several
//! buckets while evidence gathers, and nothing is proposed before enough people *and* sources said it (B12). Rising terms
//! that live in the same texts become one proposal.
//!
//! Feed each text once a bucket, reposts already removed (see [`crate::near_duplicate`]).

mod baseline;
mod bucket;
mod count;
mod join;
mod sketch;
mod state;
mod stop_words;
mod terms;
mod track;

pub use sketch::Sketch;
pub use state::{DumpProblem, State};

use crate::stable_hash;
use crate::words::Words;
use baseline::Baseline;
use bucket::{OpenBucket, Voice};
use join::{Joined, SaidIn};
use std::collections::BTreeMap;
use track::Track;

/// What makes a theme worth proposing, and how much is remembered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// People who must have said it.
    pub least_people: u32,
    /// Sources it must have come from.
    pub least_sources: u32,
    /// Standard deviations above the decaying mean over the time it is followed.
    pub least_significance: f32,
    /// Times the expected number of people.
    pub least_ratio: f32,
    /// Buckets in which the memory of the baseline halves.
    pub half_life: f32,
    /// Buckets without growth after which a rising term is let go.
    pub patience: u32,
    /// Buckets that only teach the baseline before anything is proposed.
    pub warm_up: u32,
    /// Logarithm to base 2 of the number of hashed counters: 16 are 1 MiB.
    pub counters_log2: u8,
    /// Terms followed at once at most.
    pub capacity: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            least_people: 8,
            least_sources: 2,
            least_significance: 6.0,
            least_ratio: 3.0,
            half_life: 26.0,
            patience: 4,
            warm_up: 8,
            counters_log2: 17,
            capacity: 20_000,
        }
    }
}

impl Settings {
    /// People who must say a term in one bucket for it to be followed: a rise that reaches [`Settings::least_people`] within
    /// the patience has so many in some bucket.
    fn least_at_once(&self) -> u32 {
        self.least_people.div_ceil(self.patience.max(1)).max(1)
    }
}

/// A proposed theme. Proposals are for a person to accept: nothing is counted by them alone.
#[derive(Debug, Clone, PartialEq)]
pub struct EmergingTheme {
    /// Stable id: hash of its first term and the bucket of its first sighting.
    pub id: u64,
    /// Its strongest terms, joined for people.
    pub label: String,
    /// All its terms, strongest first.
    pub terms: Vec<String>,
    /// Bucket in which the rise began.
    pub first_seen: i64,
    /// People who said it since then.
    pub people: u32,
    /// Sources it came from.
    pub sources: u32,
    /// People expected by the baseline over the same time.
    pub expected: f32,
    /// Standard deviations above that.
    pub significance: f32,
    /// Items to read, at most [`track::EXEMPLARS`].
    pub exemplars: Vec<u64>,
    /// Mean overlap of its terms' items, 0 … 1: how much one thing it is.
    pub stability: f32,
}

/// Streaming detector of new themes for one portfolio.
#[derive(Debug, Clone)]
pub struct Emerging {
    settings: Settings,
    baseline: Baseline,
    open: BTreeMap<i64, OpenBucket>,
    tracks: BTreeMap<u64, Track>,
    joined: Vec<Joined>,
    /// Founding terms of the joined themes, with the theme's id.
    markers: BTreeMap<u64, u64>,
    closed: u32,
    last_closed: Option<i64>,
}

impl Emerging {
    /// Nothing heard yet.
    #[must_use]
    pub fn new(settings: Settings) -> Emerging {
        Emerging {
            settings,
            baseline: Baseline::new(settings),
            open: BTreeMap::new(),
            tracks: BTreeMap::new(),
            joined: Vec::new(),
            markers: BTreeMap::new(),
            closed: 0,
            last_closed: None,
        }
    }

    /// Takes a text in. Buckets may be filled in any order until they are closed; a text for a closed bucket is not counted.
    pub fn observe(
        &mut self,
        bucket: i64,
        text: &str,
        person_hash: u64,
        source_hash: u64,
        item_id: u64,
    ) {
        self.observe_words(bucket, &Words::of(text), person_hash, source_hash, item_id);
    }

    /// Takes in a text that has been read already.
    pub fn observe_words(
        &mut self,
        bucket: i64,
        words: &Words,
        person_hash: u64,
        source_hash: u64,
        item_id: u64,
    ) {
        if self.last_closed.is_some_and(|last| bucket <= last) {
            return;
        }
        let voice = Voice {
            person: person_hash,
            source: source_hash,
            item: item_id,
        };
        self.open.entry(bucket).or_default().observe(words, voice);
    }

    /// Closes a bucket (and every earlier one still open, in order); gives the themes that are new with it.
    pub fn close_bucket(&mut self, bucket: i64) -> Vec<EmergingTheme> {
        let mut proposed = Vec::new();
        while let Some(entry) = self
            .open
            .first_entry()
            .filter(|entry| *entry.key() <= bucket)
        {
            let at = *entry.key();
            let open = entry.remove();
            proposed.extend(self.close(at, &open));
        }
        if self.last_closed.is_none_or(|last| last < bucket) {
            self.last_closed = Some(bucket);
        }
        proposed
    }

    fn close(&mut self, bucket: i64, open: &OpenBucket) -> Vec<EmergingTheme> {
        self.last_closed = Some(bucket);
        self.closed += 1;
        let learning = self.closed <= self.settings.warm_up;
        let counted = count::count(
            bucket,
            open,
            &mut self.baseline,
            &self.tracks,
            &self.markers,
            &self.settings,
            learning,
        );
        let people = counted.people;
        for (term, (counts, usual)) in counted.terms {
            if let Some(track) = self.tracks.get_mut(&term) {
                track.grow(bucket, &counts, people);
            } else {
                let track = Track::begin(bucket, &counts, people, usual);
                self.tracks.insert(term, track);
            }
        }
        self.let_go(bucket);
        let proposed = if learning {
            Vec::new()
        } else {
            self.propose(bucket, open)
        };
        self.markers = join::markers(&self.joined);
        proposed
    }

    fn let_go(&mut self, bucket: i64) {
        let patience = i64::from(self.settings.patience);
        // A rise that stays becomes what is usual: then the term is followed anew.
        let settings = self.settings;
        self.tracks.retain(|_, track| {
            bucket - track.last_seen() <= patience
                && bucket - track.first_seen() <= 3 * patience
                && track.still_stands_out(&settings)
        });
        if self.tracks.len() > self.settings.capacity {
            let mut weakest: Vec<(u32, i64, u64)> = self
                .tracks
                .iter()
                .map(|(hash, track)| (track.people(), track.last_seen(), *hash))
                .collect();
            weakest.sort_unstable();
            for (_, _, hash) in &weakest[..self.tracks.len() - self.settings.capacity] {
                self.tracks.remove(hash);
            }
        }
        self.joined
            .retain(|joined| bucket - joined.last_seen <= 3 * patience);
    }

    fn propose(&mut self, bucket: i64, open: &OpenBucket) -> Vec<EmergingTheme> {
        let settings = self.settings;
        let mut rising: Vec<(u64, &Track)> = self
            .tracks
            .iter()
            .filter(|(_, track)| track.last_seen() == bucket && track.has_risen(&settings))
            .map(|(hash, track)| (*hash, track))
            .collect();
        rising.sort_by(|a, b| {
            b.1.significance()
                .total_cmp(&a.1.significance())
                .then(a.0.cmp(&b.0))
        });
        let mut proposed = Vec::new();
        let said = SaidIn::of(open, rising.iter().map(|(hash, _)| *hash));
        for group in join::groups(&rising, &said) {
            let tracks: Vec<&Track> = group.iter().map(|at| rising[*at].1).collect();
            let hashes: Vec<u64> = group.iter().map(|at| rising[*at].0).collect();
            if let Some(known) = self
                .joined
                .iter_mut()
                .find(|known| known.holds(&hashes, &tracks))
            {
                known.take(bucket, &hashes);
                continue;
            }
            let first_seen = tracks
                .iter()
                .map(|track| track.first_seen())
                .min()
                .unwrap_or(bucket);
            #[expect(clippy::cast_sign_loss, reason = "only mixed into a hash")]
            let id = stable_hash::pair(hashes[0], first_seen as u64);
            self.joined.push(Joined::new(id, bucket, &hashes, &tracks));
            proposed.push(join::theme(id, first_seen, &tracks));
        }
        proposed
    }

    /// Buckets with texts that were closed.
    #[must_use]
    pub fn buckets(&self) -> u32 {
        self.closed
    }

    /// Terms followed now.
    #[must_use]
    pub fn followed(&self) -> usize {
        self.tracks.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A flat background: `each` texts a bucket over a fixed vocabulary, no two buckets the same.
    fn background(detector: &mut Emerging, bucket: i64, each: u64) {
        const PIECES: [&str; 16] = [
            "pharmacy",
            "nurse",
            "delivery",
            "portal",
            "doctor",
            "injection",
            "letter",
            "clinic",
            "insurance",
            "answer",
            "morning",
            "dose",
            "family",
            "travel",
            "price",
            "form",
        ];
        for number in 0..each {
            let draw = |salt: u64| {
                PIECES[(stable_hash::pair(bucket.unsigned_abs() * 1_000 + number, salt) % 16)
                    as usize]
            };
            let text = format!(
                "the {} about the {} was {} {}",
                draw(1),
                draw(2),
                draw(3),
                draw(4)
            );
            let person = stable_hash::pair(number, bucket.unsigned_abs());
            detector.observe(bucket, &text, person, number % 3, person);
        }
    }

    fn run(settings: Settings, plant: impl Fn(&mut Emerging, i64)) -> Vec<(i64, EmergingTheme)> {
        let mut detector = Emerging::new(settings);
        let mut found = Vec::new();
        for bucket in 0..30 {
            background(&mut detector, bucket, 400);
            plant(&mut detector, bucket);
            found.extend(
                detector
                    .close_bucket(bucket)
                    .into_iter()
                    .map(|theme| (bucket, theme)),
            );
        }
        found
    }

    fn say(detector: &mut Emerging, bucket: i64, people: std::ops::Range<u64>, sources: u64) {
        for person in people {
            let text = format!(
                "the rubber stopper {} crumbled into the vial",
                ["again", "today", "yesterday"][(person % 3) as usize]
            );
            detector.observe(
                bucket,
                &text,
                900_000 + person,
                50 + person % sources,
                7_000_000 + person,
            );
        }
    }

    #[test]
    fn a_flat_stream_proposes_nothing() {
        let found = run(Settings::default(), |_, _| {});
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn eight_people_on_two_channels_are_heard_within_three_buckets() {
        // 0.75 % of 400 people a bucket.
        let found = run(Settings::default(), |detector, bucket| {
            if bucket >= 20 {
                say(
                    detector,
                    bucket,
                    bucket.unsigned_abs() * 3..bucket.unsigned_abs() * 3 + 3,
                    2,
                )
            }
        });
        assert_eq!(found.len(), 1, "{found:?}");
        let (bucket, theme) = &found[0];
        assert!(
            (20..=22).contains(bucket)
                && theme.first_seen == 20
                && theme.people >= 8
                && theme.sources == 2,
            "{theme:?}"
        );
        assert!(
            theme.terms.iter().any(|term| term.contains("stopper")) && !theme.exemplars.is_empty(),
            "{theme:?}"
        );
    }

    #[test]
    fn one_loud_person_or_one_source_is_not_enough() {
        let loud = run(Settings::default(), |detector, bucket| {
            if bucket >= 20 {
                (0..30).for_each(|_| say(detector, bucket, 1..2, 2))
            }
        });
        assert!(loud.is_empty(), "{loud:?}");
        let one_source = run(Settings::default(), |detector, bucket| {
            if bucket >= 20 {
                say(detector, bucket, 0..12, 1)
            }
        });
        assert!(one_source.is_empty(), "{one_source:?}");
    }

    #[test]
    fn restored_state_proposes_the_same() {
        let mut straight = Emerging::new(Settings::default());
        let mut broken = straight.clone();
        for bucket in 0..26 {
            for detector in [&mut straight, &mut broken] {
                background(detector, bucket, 120);
                if bucket >= 18 {
                    say(detector, bucket, 0..5, 2);
                }
            }
            broken = Emerging::restore(Settings::default(), &broken.dump()).unwrap();
            assert_eq!(straight.close_bucket(bucket), broken.close_bucket(bucket));
            assert_eq!(straight.dump(), broken.dump());
        }
    }
}
