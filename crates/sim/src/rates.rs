//! How many events a day each cell of the population has: base shares, season, week, chance, and what is planted.

use auscult_core::time::{BucketWidth, DAY, Timestamp};
use auscult_core::words::Stakeholder;

use crate::chance::Chance;
use crate::population::{GROUPS, Group, THEMES, ThemeRate};
use crate::scenario::{Market, Plant, Scenario};
use crate::truth::PlantedKind;

/// Extra spread of a product's theme from day to day: variance of the factor is one in so many.
const THEME_SHAPE: f64 = 10.0;
/// Extra spread of a whole market from day to day.
const MARKET_SHAPE: f64 = 80.0;
/// Yearly swing of the volume, fullest at the end of January.
const YEARLY_SWING: f64 = 0.12;

/// Who says how much about what on one day.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'s> {
    /// Market.
    pub market: &'s Market,
    /// Product.
    pub product: &'static str,
    /// Theme.
    pub theme: ThemeRate,
    /// Who.
    pub group: &'static Group,
    /// Region, when a plant asks for one.
    pub region: Option<&'static str>,
    /// Events of the day.
    pub count: u64,
    /// Change of the negative share in force.
    pub negative_shift: f64,
}

/// The cells of `day`, counted from the start of the run.
pub fn cells_of_day<'s>(scenario: &'s Scenario, day: i32, chance: &mut Chance) -> Vec<Cell<'s>> {
    let live_day = day - scenario.history_days as i32;
    let at = scenario.start.plus(i64::from(day) * DAY);
    let mut cells = Vec::new();
    for market in &scenario.markets {
        let market_factor =
            chance.factor(MARKET_SHAPE) * season(at) * market.share * scenario.events_a_day;
        for (product, product_share) in &scenario.products {
            for theme in THEMES {
                let factor = market_factor
                    * product_share
                    * chance.factor(THEME_SHAPE)
                    * drift(scenario, market, product, theme.id, live_day);
                for group in &GROUPS {
                    let novel = is_novel(scenario, market, product, theme.id);
                    let mean = if novel {
                        0.0
                    } else {
                        factor * group_share(group, theme.id) * week(group, at)
                    };
                    let count = chance.count(mean);
                    if count > 0 && !is_silent(scenario, market, group.stakeholder, live_day) {
                        let negative_shift =
                            negative_shift(scenario, market, product, theme.id, live_day);
                        cells.push(Cell {
                            market,
                            product,
                            theme,
                            group,
                            region: None,
                            count,
                            negative_shift,
                        });
                    }
                }
            }
        }
    }
    add_planted(scenario, live_day, chance, &mut cells);
    cells
}

/// Mean events a day of one kind of respondent in one market, over a week and a year.
#[must_use]
pub fn mean_of_group(scenario: &Scenario, country: &str, stakeholder: &str) -> f64 {
    let market = scenario
        .markets
        .iter()
        .find(|market| market.country == country)
        .map_or(0.0, |market| market.share);
    let group = GROUPS
        .iter()
        .find(|group| group.stakeholder.as_str() == stakeholder)
        .map_or(0.0, |group| group.share);
    scenario.events_a_day * market * group
}

/// Extra events of surges and new themes, shared out over the kinds of respondents as usual talk is.
fn add_planted<'s>(
    scenario: &'s Scenario,
    live_day: i32,
    chance: &mut Chance,
    cells: &mut Vec<Cell<'s>>,
) {
    for plant in scenario.plants.iter().filter(|plant| {
        matches!(plant.kind, PlantedKind::Surge | PlantedKind::NewTheme) && plant.covers(live_day)
    }) {
        let (Some(product), Some(theme_id)) = (plant.product, plant.theme) else {
            continue;
        };
        let Some(market) = scenario
            .markets
            .iter()
            .find(|market| market.country == plant.country)
        else {
            continue;
        };
        let Some(theme) = THEMES.into_iter().find(|theme| theme.id == theme_id) else {
            continue;
        };
        for group in &GROUPS {
            let count =
                chance.count(plant.size * group_share(group, theme_id) / theme_share(theme_id));
            if count > 0 && !is_silent(scenario, market, group.stakeholder, live_day) {
                // What people suddenly speak of is rarely praise.
                cells.push(Cell {
                    market,
                    product,
                    theme,
                    group,
                    region: plant.region,
                    count,
                    negative_shift: 0.15,
                });
            }
        }
    }
}

/// Share of all events that are this group's about this theme; over groups and themes it adds up to one.
fn group_share(group: &Group, theme: &str) -> f64 {
    let leaning = |id: &str| {
        group
            .leanings
            .iter()
            .find(|(own, _)| *own == id)
            .map_or(1.0, |(_, factor)| *factor)
    };
    let total: f64 = THEMES.iter().map(|own| own.weight * leaning(own.id)).sum();
    let weight = THEMES
        .iter()
        .find(|own| own.id == theme)
        .map_or(0.0, |own| own.weight * leaning(theme));
    group.share * weight / total
}

fn theme_share(theme: &str) -> f64 {
    GROUPS.iter().map(|group| group_share(group, theme)).sum()
}

fn season(at: Timestamp) -> f64 {
    let day_of_year = (at.0 / DAY) as f64 % 365.2425;
    1.0 + YEARLY_SWING * (std::f64::consts::TAU * (day_of_year - 30.0) / 365.2425).cos()
}

/// Weekday factor with a weekly mean of one.
fn week(group: &Group, at: Timestamp) -> f64 {
    let mean = (5.0 + 2.0 * group.weekend) / 7.0;
    let weekend = BucketWidth::Day.phase(BucketWidth::Day.index(at)) >= 5;
    if weekend {
        group.weekend / mean
    } else {
        1.0 / mean
    }
}

impl Plant {
    /// Whether it is in force on `live_day`.
    #[must_use]
    pub fn covers(&self, live_day: i32) -> bool {
        (self.from_day..self.to_day).contains(&live_day)
    }

    fn touches(&self, market: &Market, product: &str, theme: &str) -> bool {
        self.country == market.country
            && self.product.is_none_or(|own| own == product)
            && self.theme.is_none_or(|own| own == theme)
    }
}

fn plants_of(
    scenario: &Scenario,
    kind: PlantedKind,
    live_day: i32,
) -> impl Iterator<Item = &Plant> {
    scenario
        .plants
        .iter()
        .filter(move |plant| plant.kind == kind && plant.covers(live_day))
}

fn drift(scenario: &Scenario, market: &Market, product: &str, theme: &str, live_day: i32) -> f64 {
    plants_of(scenario, PlantedKind::Drift, live_day)
        .filter(|plant| plant.touches(market, product, theme))
        .map(|plant| {
            let progress =
                f64::from(live_day - plant.from_day + 1) / f64::from(plant.to_day - plant.from_day);
            1.0 + (plant.size - 1.0) * progress
        })
        .product()
}

fn negative_shift(
    scenario: &Scenario,
    market: &Market,
    product: &str,
    theme: &str,
    live_day: i32,
) -> f64 {
    plants_of(scenario, PlantedKind::SentimentDrop, live_day)
        .filter(|plant| plant.touches(market, product, theme))
        .map(|plant| plant.size)
        .sum()
}

fn is_novel(scenario: &Scenario, market: &Market, product: &str, theme: &str) -> bool {
    scenario
        .plants
        .iter()
        .any(|plant| plant.kind == PlantedKind::NewTheme && plant.touches(market, product, theme))
}

fn is_silent(
    scenario: &Scenario,
    market: &Market,
    stakeholder: Stakeholder,
    live_day: i32,
) -> bool {
    plants_of(scenario, PlantedKind::Silence, live_day).any(|plant| {
        plant.country == market.country && plant.stakeholder == Some(stakeholder.as_str())
    })
}
