//! What a signal rests on: who said it, how many of them, through what, and in which slices (E02, E04, E06).
//!
//! Made on demand from the journal when a signal is raised or revised, not kept per series: signals are few,
//! series are many. All sums are of integers, so that the order of contributions cannot show.

use crate::alert::{Driver, EvidenceSummary, Example};
use crate::contribution::Contribution;
use crate::interner::Interner;
use crate::lattice::{Lattice, SeriesKey, values_in};
use crate::words::{EvidenceGrade, Measure, StandardDimension, Tier};
use std::collections::{BTreeMap, BTreeSet};

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
fn weight(
    measure: Measure,
    contribution: &Contribution,
    key: &SeriesKey,
    lattice: &Lattice,
) -> i64 {
    match measure {
        Measure::Mentions => 1000,
        Measure::NegativeShare => {
            let feeling = feeling_toward(contribution, key, lattice);
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
    let mut everybody: BTreeSet<u64> = BTreeSet::new();
    let mut people: BTreeMap<u64, u64> = BTreeMap::new();
    let mut voices: BTreeSet<u64> = BTreeSet::new();
    let mut channels: BTreeSet<&str> = BTreeSet::new();
    let mut experts = 0u64;
    // The earliest speaks for a voice, the others repeat it.
    let mut inside = window.inside.clone();
    inside.sort_by_key(|contribution| {
        (
            contribution.occurred_at,
            contribution.feedback,
            contribution.event,
        )
    });
    for contribution in inside {
        // Somebody unknown counts as one voice per feedback: we cannot tell, and say so in the docs.
        let person = if contribution.person == 0 {
            contribution.feedback as u64
        } else {
            contribution.person
        };
        everybody.insert(person);
        if voices.insert(contribution.voice()) {
            *people.entry(person).or_default() += 1;
        }
        match values_in(&contribution.values, channel_slot).first() {
            Some(&channel) => channels.insert(interner.text(channel)),
            None => channels.insert(interner.text(contribution.feed)),
        };
        let tier = values_in(&contribution.values, tier_slot)
            .first()
            .map(|&tier| interner.text(tier));
        if tier == Some(Tier::NationalExpert.as_str())
            || tier == Some(Tier::RegionalExpert.as_str())
        {
            experts += 1;
        }
    }
    let items = window.inside.len() as u64;
    let originals = voices.len() as u64;
    let squares: u64 = people.values().map(|count| count * count).sum();
    let top = people.values().max().copied().unwrap_or(0);
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
    let weigh = |contributions: &[&Contribution]| -> Vec<i64> {
        contributions
            .iter()
            .map(|contribution| weight(window.measure, contribution, &window.key, lattice))
            .collect()
    };
    let (of_inside, of_before) = (weigh(&window.inside), weigh(&window.before));
    let total_before: i64 = of_before.iter().sum();
    let total_inside: i64 = of_inside.iter().sum();
    let whole_excess = (total_inside as f64 / 1000.0 - expected) * if upward { 1.0 } else { -1.0 };
    let mut tally = Tally::new(interner.len());
    for slot in (0..lattice.dimensions().len()).filter(|slot| !own.contains(slot)) {
        tally.add(&window.inside, &of_inside, slot, |weights, weight| {
            weights.inside += weight;
        });
        tally.add(&window.before, &of_before, slot, |weights, weight| {
            weights.before += weight;
        });
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

/// What one value of a dimension weighs, in thousandths.
#[derive(Debug, Clone, Copy, Default)]
struct Weights {
    inside: i64,
    before: i64,
}

/// Weights by value of one dimension at a time: a list as long as there are names, because a map entry for every
/// contribution and dimension was most of what an alert cost.
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

    fn add(
        &mut self,
        contributions: &[&Contribution],
        weights: &[i64],
        slot: usize,
        onto: impl Fn(&mut Weights, i64),
    ) {
        for (contribution, &weight) in contributions.iter().zip(weights) {
            for &value in values_in(&contribution.values, slot) {
                let Some(kept) = self.weights.get_mut(value as usize) else {
                    continue; // every value was given out by the interner that was counted
                };
                if kept.is_none() {
                    self.touched.push(value);
                }
                onto(kept.get_or_insert_default(), weight);
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
    let mut voices: Vec<Voice<'_>> = window
        .inside
        .iter()
        .filter(|contribution| contribution.quote.is_some())
        .map(|contribution| Voice {
            order: (contribution.feedback, contribution.event),
            contribution,
            channel: values_in(&contribution.values, channel_slot)
                .first()
                .copied(),
            sign: stance_sign(feeling_toward(contribution, &window.key, lattice)),
        })
        .collect();
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
