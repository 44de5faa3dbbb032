//! What a signal rests on: who said it, how many of them, through what, and in which slices (E02, E04, E06).
//!
//! Made on demand from the journal when a signal is raised or revised, not kept per series: signals are few,
//! series are many. All sums are of integers, so that the order of contributions cannot show.

use crate::alert::{Driver, EvidenceSummary, Example};
use crate::contribution::Contribution;
use crate::interner::Interner;
use crate::lattice::{Lattice, SeriesKey, values_in};
use crate::time::Timestamp;
use crate::words::{EvidenceGrade, Measure, StandardDimension, Tier};
use rustc_hash::{FxBuildHasher, FxHashMap};
use std::collections::BTreeSet;
use std::collections::hash_map::Entry;

/// Feeling below this counts as negative, above its mirror as positive (thousandths).
pub const NEGATIVE_BELOW: i16 = -200;
/// Fewest and most quotes on an alert.
pub const QUOTES: std::ops::RangeInclusive<usize> = 3..=7;
/// Most drivers on an alert.
pub const MAX_DRIVERS: usize = 6;
/// A slice must carry this share of the excess to be named.
pub const MIN_DRIVER_SHARE: f64 = 0.1;

/// Contributions of one series in one window.
pub struct Window<'a> {
    /// The series.
    pub key: SeriesKey,
    /// What is measured.
    pub measure: Measure,
    /// Those that count in the window.
    pub inside: Vec<&'a Contribution>,
    /// Those before the window, as far as the journal reaches: what is usual.
    pub before: Vec<&'a Contribution>,
}

/// How much one contribution adds to what the measure watches, in thousandths.
fn weight(window: &Window<'_>, contribution: &Contribution, lattice: &Lattice) -> i64 {
    match window.measure {
        Measure::Mentions => 1000,
        Measure::NegativeShare => {
            let feeling = feeling_toward(contribution, &window.key, lattice);
            if feeling.is_some_and(|feeling| feeling < NEGATIVE_BELOW) {
                1000
            } else {
                0
            }
        }
        Measure::MeanRating => contribution
            .rating
            .map_or(0, |rating| 1000 - i64::from(rating)),
    }
}

/// Feeling toward the series' theme if it has one, else overall.
#[must_use]
pub fn feeling_toward(
    contribution: &Contribution,
    key: &SeriesKey,
    lattice: &Lattice,
) -> Option<i16> {
    let theme = lattice
        .value_of(key, lattice.theme_slot())
        .and_then(|value| {
            let at = values_in(&contribution.values, lattice.theme_slot())
                .iter()
                .position(|&theme| theme == value)?;
            contribution.theme_sentiment.get(at).copied().flatten()
        });
    theme.or(contribution.sentiment)
}

/// Who is behind the window.
#[must_use]
pub fn summarise(window: &Window<'_>, lattice: &Lattice, interner: &Interner) -> EvidenceSummary {
    let channel_slot = slot_of(lattice, StandardDimension::Channel);
    let tier_slot = slot_of(lattice, StandardDimension::Tier);
    let expert_tiers =
        [Tier::NationalExpert, Tier::RegionalExpert].map(|tier| interner.number_of(tier.as_str()));
    let mut voices = Voices::of_at_most(window.inside.len());
    let mut everybody: Vec<u64> = Vec::with_capacity(window.inside.len());
    let mut channels: Vec<u32> = Vec::new();
    let mut experts = 0u64;
    for contribution in &window.inside {
        everybody.push(person_of(contribution));
        voices.hear(contribution);
        // A feed stands in where the channel is unknown; names have one number, whatever they name.
        let channel = values_in(&contribution.values, channel_slot)
            .first()
            .map_or(contribution.feed, |&channel| channel);
        if !channels.contains(&channel) {
            channels.push(channel);
        }
        let tier = values_in(&contribution.values, tier_slot).first();
        experts += u64::from(tier.is_some_and(|&tier| expert_tiers.contains(&Some(tier))));
    }
    everybody.sort_unstable();
    everybody.dedup();
    let items = window.inside.len() as u64;
    let voiced = voices.voices_by_person();
    let originals: u64 = voiced.iter().sum();
    let squares: u64 = voiced.iter().map(|count| count * count).sum();
    let top = voiced.iter().max().copied().unwrap_or(0);
    let share = |part: u64, whole: u64| {
        if whole == 0 {
            0.0
        } else {
            part as f64 / whole as f64
        }
    };
    let effective_n = if squares == 0 {
        0.0
    } else {
        (originals * originals) as f64 / squares as f64
    };
    let summary = EvidenceSummary {
        grade: EvidenceGrade::Anecdotal,
        people: everybody.len() as u32,
        items: items as u32,
        copies: (items - originals) as u32,
        channels: channels.len() as u32,
        effective_n,
        top_person_share: share(top, originals),
        expert_share: share(experts, items),
    };
    EvidenceSummary {
        grade: grade(&summary),
        ..summary
    }
}

/// Somebody unknown counts as one voice per feedback: we cannot tell, and say so in the docs.
fn person_of(contribution: &Contribution) -> u64 {
    if contribution.person == 0 {
        contribution.feedback as u64
    } else {
        contribution.person
    }
}

/// Voices of a window, each with the person of its earliest contribution: the others repeat it.
struct Voices {
    places: FxHashMap<u64, u32>,
    earliest: Vec<((Timestamp, u128, u64), u64)>,
}

impl Voices {
    fn of_at_most(count: usize) -> Voices {
        Voices {
            places: FxHashMap::with_capacity_and_hasher(count, FxBuildHasher),
            earliest: Vec::with_capacity(count),
        }
    }

    fn hear(&mut self, contribution: &Contribution) {
        let order = (
            contribution.occurred_at,
            contribution.feedback,
            contribution.event,
        );
        let heard = (order, person_of(contribution));
        match self.places.entry(contribution.voice()) {
            Entry::Vacant(entry) => {
                entry.insert(self.earliest.len() as u32);
                self.earliest.push(heard);
            }
            Entry::Occupied(entry) => {
                let earliest = &mut self.earliest[*entry.get() as usize];
                if heard.0 < earliest.0 {
                    *earliest = heard;
                }
            }
        }
    }

    /// How many voices each person has.
    fn voices_by_person(self) -> Vec<u64> {
        let mut people: Vec<u64> = self.earliest.iter().map(|&(_, person)| person).collect();
        people.sort_unstable();
        people
            .chunk_by(|a, b| a == b)
            .map(|voices| voices.len() as u64)
            .collect()
    }
}

/// Grade of the evidence (product idea S1): anecdotal below 5 people, with one person above 30 %, or one
/// channel; corroborated from an effective 15 voices, 2 channels and nobody above 15 %; emerging between.
#[must_use]
pub fn grade(evidence: &EvidenceSummary) -> EvidenceGrade {
    if evidence.independent_people() < 5
        || evidence.top_person_share > 0.30
        || evidence.channels < 2
    {
        EvidenceGrade::Anecdotal
    } else if evidence.effective_n >= 15.0 && evidence.top_person_share <= 0.15 {
        EvidenceGrade::Corroborated
    } else {
        EvidenceGrade::Emerging
    }
}

/// Slices that drove the change, by share of the excess over what is usual for the slice (E02).
///
/// For each dimension the series is not cut by, a value's excess is what it brought beyond its usual share
/// of the expectation; shares are of the sum of the excesses in the change's direction. Named are the
/// slices whose share of the excess is well above their usual share: a slice that is always 95 % of
/// everything explains nothing by being 95 % of the excess.
#[must_use]
pub fn drivers(
    window: &Window<'_>,
    expected: f64,
    upward: bool,
    lattice: &Lattice,
    interner: &Interner,
) -> Vec<Driver> {
    let mut found = Vec::new();
    let own: BTreeSet<usize> = lattice.view(window.key.view).iter().copied().collect();
    let profiles = weigh(window, lattice);
    let total_before: i64 = profiles.iter().map(|(_, weights)| weights.before).sum();
    let total_inside: i64 = profiles.iter().map(|(_, weights)| weights.inside).sum();
    let whole_excess = (total_inside as f64 / 1000.0 - expected) * if upward { 1.0 } else { -1.0 };
    let mut tally = Tally::new(interner.len());
    // An alert of another view goes to everybody: what people think of a belief is no driver there.
    let told = |slot: &usize| !own.contains(slot) && !lattice.is_medical(*slot);
    for slot in (0..lattice.dimensions().len()).filter(told) {
        tally.add(&profiles, slot);
        let mut excesses: Vec<(&str, f64, f64)> = tally
            .take()
            .map(|(value, weights)| {
                let usual = weights.before as f64 / total_before.max(1) as f64;
                let seen = weights.inside as f64 / 1000.0;
                let excess = (seen - usual * expected) * if upward { 1.0 } else { -1.0 };
                (interner.text(value), excess.max(0.0), usual)
            })
            .collect();
        // By name before summing: numbers of values differ between interleavings, names do not.
        excesses.sort_by(|left, right| left.0.cmp(right.0));
        // What has no value in this dimension counts too: a slice's share is of the whole change.
        let total = excesses
            .iter()
            .map(|(_, excess, _)| excess)
            .sum::<f64>()
            .max(whole_excess);
        if total <= 0.0 {
            continue;
        }
        for (value, excess, usual) in excesses {
            let share = excess / total;
            if share >= MIN_DRIVER_SHARE && share - usual >= MIN_DRIVER_SHARE {
                let dimension = lattice.dimensions()[slot].name();
                found.push((
                    share * (1.0 - usual),
                    Driver {
                        dimension,
                        value: value.to_owned(),
                        share,
                    },
                ));
            }
        }
    }
    found.sort_by(|left, right| {
        right.0.total_cmp(&left.0).then_with(|| {
            (&left.1.dimension, &left.1.value).cmp(&(&right.1.dimension, &right.1.value))
        })
    });
    found.truncate(MAX_DRIVERS);
    found.into_iter().map(|(_, driver)| driver).collect()
}

/// What each profile in the window weighs.
fn weigh<'a>(window: &Window<'a>, lattice: &Lattice) -> Vec<(&'a [u32], Weights)> {
    let everything = || window.inside.iter().chain(&window.before);
    let bound = everything().map(|contribution| contribution.profile as usize + 1);
    let mut places: Vec<Option<u32>> = vec![None; bound.max().unwrap_or(0)];
    let mut profiles: Vec<(&[u32], Weights)> = Vec::new();
    for (at, contribution) in everything().enumerate() {
        let place = *places[contribution.profile as usize].get_or_insert_with(|| {
            profiles.push((&contribution.values, Weights::default()));
            profiles.len() as u32 - 1
        });
        let weights = &mut profiles[place as usize].1;
        let side = if at < window.inside.len() {
            &mut weights.inside
        } else {
            &mut weights.before
        };
        *side += weight(window, contribution, lattice);
    }
    profiles
}

/// What a profile or one value of a dimension weighs, in thousandths.
#[derive(Debug, Clone, Copy, Default)]
struct Weights {
    inside: i64,
    before: i64,
}

/// Weights by value of one dimension at a time: a list as long as there are names, which beat a map.
struct Tally {
    weights: Vec<Option<Weights>>,
    touched: Vec<u32>,
}

impl Tally {
    fn new(names: usize) -> Tally {
        Tally {
            weights: vec![None; names],
            touched: Vec::new(),
        }
    }

    fn add(&mut self, profiles: &[(&[u32], Weights)], slot: usize) {
        for (values, weights) in profiles {
            for &value in values_in(values, slot) {
                let Some(kept) = self.weights.get_mut(value as usize) else {
                    continue; // every value was given out by the interner that was counted
                };
                if kept.is_none() {
                    self.touched.push(value);
                }
                let kept = kept.get_or_insert_default();
                kept.inside += weights.inside;
                kept.before += weights.before;
            }
        }
    }

    /// Everything added since the last call.
    fn take(&mut self) -> impl Iterator<Item = (u32, Weights)> {
        let weights = &mut self.weights;
        self.touched.drain(..).map(|value| {
            let taken = weights.get_mut(value as usize).and_then(Option::take);
            (value, taken.unwrap_or_default())
        })
    }
}

/// Three to seven quotes, no two of one person, spread over channels, with a contrary voice if there is
/// one (E04). Which ones is decided by hash, so that it is fair and the same in every run.
#[must_use]
pub fn quotes(window: &Window<'_>, lattice: &Lattice) -> Vec<Example> {
    let channel_slot = slot_of(lattice, StandardDimension::Channel);
    let mut voices: Vec<Voice<'_>> = Vec::with_capacity(window.inside.len());
    let quotable = window
        .inside
        .iter()
        .filter(|contribution| contribution.quote.is_some());
    for contribution in quotable {
        voices.push(Voice {
            order: (contribution.feedback, contribution.event),
            contribution,
            channel: values_in(&contribution.values, channel_slot)
                .first()
                .copied(),
            sign: stance_sign(feeling_toward(contribution, &window.key, lattice)),
        });
    }
    voices.sort_unstable_by_key(|voice| voice.order);
    let negative = voices.iter().filter(|voice| voice.sign < 0).count();
    let positive = voices.iter().filter(|voice| voice.sign > 0).count();
    let contrary: i8 = if negative >= positive { 1 } else { -1 };

    let mut chosen: Vec<usize> = Vec::new();
    let mut people: BTreeSet<u64> = BTreeSet::new();
    let mut take =
        |chosen: &mut Vec<usize>, wanted: &dyn Fn(usize, &[usize]) -> bool, limit: usize| {
            for (index, voice) in voices.iter().enumerate() {
                let person = voice.contribution.person;
                if chosen.len() >= limit {
                    break;
                }
                if !chosen.contains(&index)
                    && wanted(index, chosen)
                    && (person == 0 || people.insert(person))
                {
                    chosen.push(index);
                }
            }
        };
    take(&mut chosen, &|index, _| voices[index].sign == contrary, 1);
    take(
        &mut chosen,
        &|index, taken| {
            taken
                .iter()
                .all(|&other| voices[other].channel != voices[index].channel)
        },
        *QUOTES.end(),
    );
    take(&mut chosen, &|_, _| true, 5);
    chosen.sort_unstable();
    chosen
        .into_iter()
        .filter_map(|index| {
            let Voice {
                contribution, sign, ..
            } = voices[index];
            contribution.quote.as_ref().map(|quote| Example {
                feedback_id: quote.feedback_id.to_string(),
                quote: quote.text.to_string(),
                language: quote.language.to_string(),
                stance: ["negative", "neutral", "positive"][(sign + 1) as usize].to_owned(),
            })
        })
        .collect()
}

/// Somebody who can be quoted.
#[derive(Clone, Copy)]
struct Voice<'a> {
    /// By hash; no two are alike.
    order: (u128, u64),
    contribution: &'a Contribution,
    channel: Option<u32>,
    sign: i8,
}

fn stance_sign(feeling: Option<i16>) -> i8 {
    match feeling {
        Some(feeling) if feeling < NEGATIVE_BELOW => -1,
        Some(feeling) if feeling > -NEGATIVE_BELOW => 1,
        _ => 0,
    }
}

/// Where a dimension stands in a contribution; `usize::MAX` if it is not kept.
pub(crate) fn slot_of(lattice: &Lattice, dimension: StandardDimension) -> usize {
    let wanted = crate::settings::Dimension::Standard(dimension);
    lattice
        .dimensions()
        .iter()
        .position(|kept| *kept == wanted)
        .unwrap_or(usize::MAX)
}
