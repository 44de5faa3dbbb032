//! The lattice: which series a mention touches.
//!
//! A view lists dimensions; a mention with several products or themes touches the product of its values. A
//! mention that lacks a view's dimension does not touch that view: "unknown region" is not a region.

use crate::interner::Interner;
use crate::mention::Mention;
use crate::settings::{DetectSettings, Dimension, MAX_DIMENSIONS, Rename, Split};
use crate::time::Timestamp;
use crate::words::{StandardDimension, Tier};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Most values one mention may have in one dimension; more are dropped, largest names last.
pub const MAX_VALUES_PER_DIMENSION: usize = 16;

/// Dimensions every contribution keeps, so that evidence can name drivers even where no view cuts by them.
const EVIDENCE_DIMENSIONS: [StandardDimension; 8] = [
    StandardDimension::Product,
    StandardDimension::Theme,
    StandardDimension::Stakeholder,
    StandardDimension::Setting,
    StandardDimension::Region,
    StandardDimension::Channel,
    StandardDimension::Source,
    StandardDimension::Tier,
];

/// One series of one view: the view's number and its values' numbers (unused slots are `u32::MAX`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SeriesKey {
    /// Index into the settings' views.
    pub view: u8,
    /// Interned values, in the view's order.
    pub values: [u32; MAX_DIMENSIONS],
}

/// Marks an unused slot of [`SeriesKey::values`].
pub const NO_VALUE: u32 = u32::MAX;

/// Which dimensions are kept and how views point into them. Derived from settings, never stored.
#[derive(Debug, Clone)]
pub struct Lattice {
    dimensions: Vec<Dimension>,
    views: Vec<Vec<usize>>,
    theme: usize,
    renames: Vec<Rename>,
    splits: Vec<Split>,
}

impl Lattice {
    /// The lattice of these settings.
    #[must_use]
    pub fn new(settings: &DetectSettings) -> Lattice {
        let mut dimensions: Vec<Dimension> = EVIDENCE_DIMENSIONS.map(Dimension::Standard).to_vec();
        for dimension in settings.views.iter().flat_map(|view| &view.dimensions) {
            if !dimensions.contains(dimension) {
                dimensions.push(dimension.clone());
            }
        }
        let slot = |dimension: &Dimension| {
            dimensions
                .iter()
                .position(|kept| kept == dimension)
                .unwrap_or(usize::MAX)
        };
        let views = settings
            .views
            .iter()
            .map(|view| view.dimensions.iter().map(slot).collect())
            .collect();
        let theme = slot(&Dimension::Standard(StandardDimension::Theme));
        Lattice {
            dimensions,
            views,
            theme,
            renames: settings.renames.clone(),
            splits: settings.splits.clone(),
        }
    }

    /// The name a value counts under.
    fn present_name<'a>(&'a self, dimension: &Dimension, text: &'a str) -> &'a str {
        self.renames
            .iter()
            .find(|rename| {
                rename.dimension == *dimension && rename.from.iter().any(|name| name == text)
            })
            .map_or(text, |rename| &rename.to)
    }

    /// The wholes that a value is a part of at that moment: they go on as the sum of their parts.
    fn wholes(
        &self,
        dimension: &Dimension,
        text: &str,
        at: Timestamp,
    ) -> impl Iterator<Item = &str> {
        self.splits
            .iter()
            .filter(move |split| {
                split.dimension == *dimension
                    && split.effective <= at
                    && split.parts.iter().any(|part| part == text)
            })
            .map(|split| split.whole.as_str())
    }

    /// Whether a series is of a part of something split: it has no past, and that is no silence.
    pub(crate) fn is_of_a_part(&self, key: &SeriesKey, interner: &Interner) -> bool {
        self.splits.iter().any(|split| {
            self.view(key.view)
                .iter()
                .zip(&key.values)
                .any(|(&slot, &value)| {
                    self.dimensions[slot] == split.dimension
                        && split.parts.iter().any(|part| part == interner.text(value))
                })
        })
    }

    /// Dimensions kept, in slot order.
    #[must_use]
    pub fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }

    /// Slots of a view's dimensions.
    #[must_use]
    pub fn view(&self, view: u8) -> &[usize] {
        &self.views[view as usize]
    }

    /// Whether what `slot` tells is for medical readers alone: what people think of belief statements.
    #[must_use]
    pub fn is_medical(&self, slot: usize) -> bool {
        self.dimensions[slot] == Dimension::Standard(StandardDimension::Stance)
    }

    /// Whether a view cuts by what is for medical readers alone.
    #[must_use]
    pub fn is_medical_view(&self, view: u8) -> bool {
        self.view(view).iter().any(|&slot| self.is_medical(slot))
    }

    /// Slot of the theme dimension.
    #[must_use]
    pub fn theme_slot(&self) -> usize {
        self.theme
    }

    /// The mention's values per slot, flat: for each slot a count and that many interned numbers.
    pub fn values(&self, mention: &Mention<'_>, interner: &mut Interner) -> Arc<[u32]> {
        let mut flat = Vec::with_capacity(self.dimensions.len() * 2);
        for dimension in &self.dimensions {
            let at = flat.len();
            flat.push(0);
            let is_theme = *dimension == Dimension::Standard(StandardDimension::Theme);
            let mut keep = |text: &str| {
                if text.is_empty() || flat.len() - at > MAX_VALUES_PER_DIMENSION {
                    return;
                }
                let value = interner.intern(text);
                // Two names of one thing are one. Themes stay in step with their feelings.
                if is_theme || !flat[at + 1..].contains(&value) {
                    flat.push(value);
                }
            };
            let mut push = |text: &str| {
                let text = self.present_name(dimension, text);
                keep(text);
                for whole in self.wholes(dimension, text, mention.occurred_at) {
                    keep(whole);
                }
            };
            match dimension {
                Dimension::Standard(standard) => standard_values(*standard, mention, &mut push),
                Dimension::Extra(key) => {
                    if let Some((_, value)) = mention.extra.iter().find(|(name, _)| name == key) {
                        push(value);
                    }
                }
            }
            flat[at] = (flat.len() - at - 1) as u32;
        }
        flat.into()
    }

    /// Calls `touch` for every series of view `view` that a contribution with these values belongs to, with
    /// the index of the theme value within the theme slot (for feeling toward that theme).
    pub fn touch(
        &self,
        view: u8,
        slots: &Slots<'_>,
        touch: &mut impl FnMut(SeriesKey, Option<usize>),
    ) {
        let mut key = SeriesKey {
            view,
            values: [NO_VALUE; MAX_DIMENSIONS],
        };
        self.descend(self.view(view), 0, slots, &mut key, None, touch);
    }

    fn descend(
        &self,
        slots_of_view: &[usize],
        depth: usize,
        slots: &Slots<'_>,
        key: &mut SeriesKey,
        theme: Option<usize>,
        touch: &mut impl FnMut(SeriesKey, Option<usize>),
    ) {
        let Some(&slot) = slots_of_view.get(depth) else {
            touch(*key, theme);
            return;
        };
        for (index, &value) in slots.get(slot).iter().enumerate() {
            key.values[depth] = value;
            let theme = if slot == self.theme {
                Some(index)
            } else {
                theme
            };
            self.descend(slots_of_view, depth + 1, slots, key, theme, touch);
        }
        key.values[depth] = NO_VALUE;
    }

    /// Whether a contribution with these flat values ([`Lattice::values`]) belongs to `key`.
    #[must_use]
    pub fn contains(&self, key: &SeriesKey, flat: &[u32]) -> bool {
        self.view(key.view)
            .iter()
            .zip(&key.values)
            .all(|(&slot, value)| values_in(flat, slot).contains(value))
    }

    /// Dimension names and values of a series, in the view's order.
    #[must_use]
    pub fn named(&self, key: &SeriesKey, interner: &Interner) -> Vec<(String, String)> {
        self.view(key.view)
            .iter()
            .zip(&key.values)
            .map(|(&slot, &value)| {
                (
                    self.dimensions[slot].name(),
                    interner.text(value).to_owned(),
                )
            })
            .collect()
    }

    /// Value of `dimension` in a series, if its view has that dimension.
    #[must_use]
    pub fn value_of(&self, key: &SeriesKey, slot: usize) -> Option<u32> {
        self.view(key.view)
            .iter()
            .position(|&candidate| candidate == slot)
            .map(|at| key.values[at])
    }
}

fn standard_values(
    dimension: StandardDimension,
    mention: &Mention<'_>,
    push: &mut impl FnMut(&str),
) {
    match dimension {
        StandardDimension::Product => mention
            .about
            .products
            .iter()
            .for_each(|product| push(product)),
        StandardDimension::Indication => mention
            .about
            .indications
            .iter()
            .for_each(|indication| push(indication)),
        StandardDimension::Theme => mention.themes.iter().for_each(|tag| push(&tag.theme)),
        StandardDimension::Stakeholder => push(mention.who.stakeholder.as_str()),
        // "Not applicable" is no tier, as an unknown region is no region.
        StandardDimension::Tier if mention.who.tier == Tier::NotApplicable => {}
        StandardDimension::Tier => push(mention.who.tier.as_str()),
        StandardDimension::Specialty => push(&mention.who.specialty),
        StandardDimension::Setting => push(
            mention
                .who
                .setting
                .map_or("", crate::words::Setting::as_str),
        ),
        StandardDimension::Organisation => push(&mention.who.organisation),
        StandardDimension::Country => push(&mention.who.country),
        StandardDimension::Region => push(&mention.who.region),
        StandardDimension::Channel => push(
            mention
                .who
                .channel
                .map_or("", crate::words::Channel::as_str),
        ),
        StandardDimension::Source => push(mention.who.source.as_str()),
        StandardDimension::Journey => push(&mention.about.journey),
        StandardDimension::Stage => push(&mention.about.stage),
        StandardDimension::Language => push(&mention.language),
        StandardDimension::Stance => mention.stances.iter().for_each(|tag| push(&tag.value())),
    }
}

/// Values in one slot of `flat`, as made by [`Lattice::values`]. Walking to the few slots a view has is cheaper than
/// finding them all, which [`Slots`] does for those who need many.
#[must_use]
pub fn values_in(flat: &[u32], slot: usize) -> &[u32] {
    let mut rest = flat;
    for _ in 0..slot {
        let Some((&count, after)) = rest.split_first() else {
            return &[];
        };
        rest = after.get(count as usize..).unwrap_or_default();
    }
    match rest.split_first() {
        Some((&count, after)) => after.get(..count as usize).unwrap_or_default(),
        None => &[],
    }
}

/// Most dimensions kept: the evidence dimensions and those of the views.
pub const MAX_SLOTS: usize = 32;

/// A contribution's flat values with the start of each slot found once.
#[derive(Debug, Clone, Copy)]
pub struct Slots<'a> {
    flat: &'a [u32],
    starts: [u16; MAX_SLOTS],
}

impl<'a> Slots<'a> {
    /// Finds the slots of `flat`, as made by [`Lattice::values`].
    #[must_use]
    pub fn new(flat: &'a [u32]) -> Slots<'a> {
        let mut starts = [u16::MAX; MAX_SLOTS];
        let mut at = 0;
        for start in &mut starts {
            if at >= flat.len() {
                break;
            }
            *start = at as u16;
            at += flat[at] as usize + 1;
        }
        Slots { flat, starts }
    }

    /// Values in `slot`.
    #[must_use]
    pub fn get(&self, slot: usize) -> &'a [u32] {
        match self.starts.get(slot) {
            Some(&start) if start != u16::MAX => {
                let start = start as usize;
                &self.flat[start + 1..start + 1 + self.flat[start] as usize]
            }
            _ => &[],
        }
    }
}
