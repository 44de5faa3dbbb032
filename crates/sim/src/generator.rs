//! The seeded feed: events in the order they arrive, and the truth about what was planted.
//!
//! Day by day, one ChaCha stream: all utterances of a day are drawn, turned into records, and held back until no earlier
//! arrival can follow. Memory is a few days of events whatever the length of the run, and the same scenario and seed give
//! the same bytes on every machine.

use std::collections::BTreeMap;

use auscult_core::time::{DAY, HOUR, MINUTE, Timestamp};

use crate::chance::Chance;
use crate::emit::{GeneratedEvent, break_event, emit, emit_correction, emit_merger};
use crate::population::{GROUPS, REPOSTS, THEMES};
use crate::rates::{Cell, cells_of_day, mean_of_group};
use crate::scenario::{Disturbance, Plant, Scenario};
use crate::text::Grammar;
use crate::truth::{BrokenEvent, Distraction, PlantedKind, PlantedSignal, Truth};
use crate::utterance::{Speaker, Utterance, organisation_ref};

/// An iterator over the events of a scenario.
pub struct Generator {
    scenario: Scenario,
    grammar: Grammar,
    chance: Chance,
    /// Next day to draw, counted from the start.
    day: i32,
    serial: u64,
    waiting: BTreeMap<(Timestamp, u64), GeneratedEvent>,
    truth: Truth,
}

impl Generator {
    /// The feed of `scenario` under `seed`.
    #[must_use]
    pub fn new(scenario: Scenario, seed: u64) -> Generator {
        let truth = planted(&scenario, seed);
        Generator {
            grammar: Grammar::shipped(),
            chance: Chance::new(seed),
            day: 0,
            serial: 0,
            waiting: BTreeMap::new(),
            truth,
            scenario,
        }
    }

    /// What was planted so far; complete once the iterator has ended.
    #[must_use]
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// The scenario.
    #[must_use]
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    fn days(&self) -> i32 {
        (self.scenario.history_days + self.scenario.live_days) as i32
    }

    fn start_of(&self, day: i32) -> Timestamp {
        self.scenario.start.plus(i64::from(day) * DAY)
    }

    fn draw_day(&mut self) {
        let scenario = self.scenario.clone();
        let cells = cells_of_day(&scenario, self.day, &mut self.chance);
        for cell in &cells {
            for _ in 0..cell.count {
                let said = self.speak(&scenario, cell);
                if !self.is_lost(&said) {
                    self.deliver(said);
                }
            }
        }
        self.disturb(&scenario);
        self.day += 1;
    }

    fn speak(&mut self, scenario: &Scenario, cell: &Cell<'_>) -> Utterance {
        self.serial += 1;
        Speaker {
            scenario,
            grammar: &self.grammar,
        }
        .speak(&mut self.chance, cell, self.day, self.serial)
    }

    fn live_day(&self) -> i32 {
        self.day - self.scenario.history_days as i32
    }

    fn is_lost(&self, said: &Utterance) -> bool {
        let live_day = self.live_day();
        self.scenario.distractions.iter().any(|disturbance| {
            matches!(disturbance, Disturbance::FeedLoss { country, system, from_day, to_day }
                if *country == said.country && *system == said.feed.system && (*from_day..*to_day).contains(&live_day))
        })
    }

    /// One utterance with everything that may happen to its record on the way.
    fn deliver(&mut self, said: Utterance) {
        let shares = self.scenario.shares;
        let tenant = self.scenario.tenant.clone();
        let event = emit(&mut self.chance, &tenant, &said);
        if self.chance.happens(shares.broken) {
            let (fault, broken) = break_event(&mut self.chance, event);
            let key = String::from_utf8_lossy(&broken.key).into_owned();
            self.truth.broken.push(BrokenEvent {
                key,
                fault: fault.to_owned(),
                adverse_event: said.adverse_event,
            });
            self.hold(broken);
            return;
        }
        if self.chance.happens(shares.duplicate) {
            let again = event
                .arrives_at
                .plus(MINUTE + self.chance.below((3 * HOUR) as u64) as i64);
            self.truth.duplicates.push(said.feedback_id.clone());
            self.hold(GeneratedEvent {
                arrives_at: again,
                ..event.clone()
            });
        }
        if self.chance.happens(shares.correction) {
            let correction = emit_correction(&mut self.chance, &tenant, &said);
            self.truth.corrections.push(said.feedback_id.clone());
            self.hold(correction);
        }
        self.note(said);
        self.hold(event);
    }

    fn note(&mut self, said: Utterance) {
        if said.recorded_at >= said.occurred_at.plus(DAY) {
            self.truth.late.push(said.feedback_id.clone());
        }
        if said.repeats.is_some() {
            self.truth.reposts.push(said.feedback_id.clone());
        }
        if said.adverse_event {
            self.truth.adverse_events.push(said.feedback_id);
        }
        self.truth.identifiers.extend(said.identifier);
    }

    fn hold(&mut self, event: GeneratedEvent) {
        self.serial += 1;
        self.truth.events += 1;
        self.waiting.insert((event.arrives_at, self.serial), event);
    }

    /// Bursts of reposts and mergers of the day.
    fn disturb(&mut self, scenario: &Scenario) {
        let live_day = self.live_day();
        for disturbance in &scenario.distractions {
            match disturbance {
                Disturbance::RepostBurst {
                    country,
                    product,
                    theme,
                    day,
                    copies,
                } if *day == live_day => {
                    self.repost(scenario, country, product, theme, *copies);
                }
                Disturbance::Merger {
                    country,
                    organisation,
                    into,
                    day,
                } if *day == live_day => {
                    let names = (
                        organisation_ref(country, *organisation),
                        organisation_ref(country, *into),
                    );
                    let Some(cell) = cell_of(
                        scenario,
                        country,
                        scenario.products[0].0,
                        "access.coverage",
                        6,
                    ) else {
                        continue;
                    };
                    let said = self.speak(scenario, &cell);
                    let event = emit_merger(
                        &mut self.chance,
                        &scenario.tenant,
                        &said,
                        &names.0,
                        &names.1,
                    );
                    self.hold(event);
                }
                _ => {}
            }
        }
    }

    /// One post and its copies by other people, all in one thread.
    fn repost(
        &mut self,
        scenario: &Scenario,
        country: &str,
        product: &'static str,
        theme: &str,
        copies: u32,
    ) {
        let Some(cell) = cell_of(scenario, country, product, theme, 1) else {
            return;
        };
        let mut first = self.speak(scenario, &cell);
        first.feed = REPOSTS;
        first.rating = None;
        let thread = format!("thread-{}", first.feedback_id);
        for copy in 0..=copies {
            let mut said = self.speak(scenario, &cell);
            said.text.clone_from(&first.text);
            (said.feed, said.rating, said.adverse_event, said.identifier) =
                (REPOSTS, None, first.adverse_event, None);
            if copy == 0 {
                said = first.clone();
            }
            said.repeats = (copy > 0).then(|| (thread.clone(), first.feedback_id.clone()));
            let event = emit(&mut self.chance, &scenario.tenant, &said);
            self.note(said);
            self.hold(event);
        }
    }
}

impl Iterator for Generator {
    type Item = GeneratedEvent;

    fn next(&mut self) -> Option<GeneratedEvent> {
        loop {
            // An event never arrives before it was said, so all that arrives before the next day to draw is known.
            let known_until = self.start_of(self.day);
            let all_drawn = self.day >= self.days();
            match self.waiting.first_key_value() {
                Some(((arrives_at, _), _)) if all_drawn || *arrives_at < known_until => {
                    return self.waiting.pop_first().map(|(_, event)| event);
                }
                None if all_drawn => return None,
                _ => self.draw_day(),
            }
        }
    }
}

/// A cell of one event, for happenings outside the daily rates.
fn cell_of<'s>(
    scenario: &'s Scenario,
    country: &str,
    product: &'static str,
    theme: &str,
    group: usize,
) -> Option<Cell<'s>> {
    let market = scenario
        .markets
        .iter()
        .find(|market| market.country == country)?;
    let theme = THEMES.into_iter().find(|own| own.id == theme)?;
    Some(Cell {
        market,
        product,
        theme,
        group: &GROUPS[group],
        region: None,
        count: 1,
        negative_shift: 0.0,
    })
}

fn planted(scenario: &Scenario, seed: u64) -> Truth {
    Truth {
        scenario: scenario.name.clone(),
        seed,
        from: scenario.start,
        live_from: scenario.live_from(),
        to: scenario.end(),
        signals: scenario
            .plants
            .iter()
            .map(|plant| planted_signal(scenario, plant))
            .collect(),
        distractions: scenario
            .distractions
            .iter()
            .map(|disturbance| distraction(scenario, disturbance))
            .collect(),
        ..Truth::default()
    }
}

fn planted_signal(scenario: &Scenario, plant: &Plant) -> PlantedSignal {
    let dimensions = [
        ("product", plant.product),
        ("theme", plant.theme),
        ("region", plant.region),
        ("stakeholder", plant.stakeholder),
    ];
    let size = match (plant.kind, plant.stakeholder) {
        (PlantedKind::Silence, Some(stakeholder)) => {
            mean_of_group(scenario, plant.country, stakeholder)
        }
        _ => plant.size,
    };
    PlantedSignal {
        name: plant.name.to_owned(),
        kind: plant.kind,
        portfolio: scenario.portfolio(plant.country),
        dimensions: dimensions
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect(),
        onset: live_day(scenario, plant.from_day),
        end: live_day(scenario, plant.to_day),
        size,
    }
}

fn live_day(scenario: &Scenario, day: i32) -> Timestamp {
    scenario.live_from().plus(i64::from(day) * DAY)
}

fn distraction(scenario: &Scenario, disturbance: &Disturbance) -> Distraction {
    let (kind, country, what, from, to) = match disturbance {
        Disturbance::FeedLoss {
            country,
            system,
            from_day,
            to_day,
        } => (
            "feed_loss",
            country,
            (*system).to_owned(),
            *from_day,
            *to_day,
        ),
        Disturbance::RepostBurst {
            country,
            product,
            theme,
            day,
            ..
        } => (
            "repost_burst",
            country,
            format!("{product} {theme}"),
            *day,
            day + 1,
        ),
        Disturbance::Merger {
            country,
            organisation,
            into,
            day,
        } => (
            "merger",
            country,
            format!(
                "{} into {}",
                organisation_ref(country, *organisation),
                organisation_ref(country, *into)
            ),
            *day,
            day + 1,
        ),
    };
    Distraction {
        kind: kind.to_owned(),
        portfolio: scenario.portfolio(country),
        what,
        from: live_day(scenario, from),
        to: live_day(scenario, to),
    }
}
