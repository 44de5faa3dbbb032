//! One utterance, before it becomes an event: all draws about who, where, when and what words.

use auscult_core::time::{DAY, HOUR, MINUTE, Timestamp};
use auscult_core::words::{Stakeholder, Tier};

use crate::chance::Chance;
use crate::population::{Feed, Group, ORGANISATIONS, SPECIALTIES};
use crate::rates::Cell;
use crate::scenario::{Disturbance, Market, Scenario};
use crate::text::{Feeling, Grammar};
use crate::truth::PlantedIdentifier;

/// Everything one feedback event is made of.
#[derive(Debug, Clone)]
pub struct Utterance {
    /// Stable id in the source.
    pub feedback_id: String,
    /// Feed.
    pub feed: Feed,
    /// Country.
    pub country: &'static str,
    /// Region.
    pub region: &'static str,
    /// Kind of respondent and where they are.
    pub group: &'static Group,
    /// Pseudonym in the source.
    pub person: String,
    /// Tier.
    pub tier: Tier,
    /// Specialty, empty for people who have none.
    pub specialty: &'static str,
    /// Organisation, empty for people who speak for themselves.
    pub organisation: String,
    /// Product.
    pub product: &'static str,
    /// Words.
    pub text: String,
    /// Language of the words.
    pub language: &'static str,
    /// Whether the words were translated on the way.
    pub translated: bool,
    /// Rating from 1 to 5, where the feed has one.
    pub rating: Option<u8>,
    /// When it was said.
    pub occurred_at: Timestamp,
    /// When the record was made; it arrives a moment later.
    pub recorded_at: Timestamp,
    /// Thread and the feedback it repeats.
    pub repeats: Option<(String, String)>,
    /// Whether the words tell of an adverse event.
    pub adverse_event: bool,
    /// Identifier in the words.
    pub identifier: Option<PlantedIdentifier>,
}

/// Draws utterances.
pub struct Speaker<'s> {
    /// Scenario.
    pub scenario: &'s Scenario,
    /// Sentences.
    pub grammar: &'s Grammar,
}

impl Speaker<'_> {
    /// One utterance of `cell` on `day` (counted from the start), number `serial` of the run.
    pub fn speak(&self, chance: &mut Chance, cell: &Cell<'_>, day: i32, serial: u64) -> Utterance {
        let group = cell.group;
        let feed = group.feeds[chance.weighted(group.feeds.iter().map(|(_, share)| *share))].0;
        let region = cell.region.unwrap_or_else(|| {
            cell.market.regions
                [chance.weighted(cell.market.regions.iter().map(|(_, share)| *share))]
            .0
        });
        let number = chance.below(u64::from(group.people));
        let feeling = feeling(chance, cell);
        let occurred_at = self
            .scenario
            .start
            .plus(i64::from(day) * DAY + moment_of_day(chance));
        let feedback_id = format!(
            "{}-{}-{serial}",
            feed.source.as_str().replace('_', "-"),
            cell.market.country.to_lowercase()
        );
        let words = self.words(chance, cell, feeling, &feedback_id);
        Utterance {
            feed,
            country: cell.market.country,
            region,
            group,
            person: format!(
                "p_{}_{}_{number}",
                region.to_lowercase().replace('-', "_"),
                group.stakeholder
            ),
            tier: tier(group.stakeholder, number),
            specialty: specialty(group.stakeholder, number),
            organisation: self.organisation(cell.market, group.stakeholder, number, day),
            product: cell.product,
            translated: words.language == "en" && cell.market.language.0 != "en",
            text: words.text,
            language: words.language,
            rating: feed.rated.then(|| rating(chance, feeling)),
            occurred_at,
            recorded_at: occurred_at.plus(self.delay(chance)),
            repeats: None,
            adverse_event: words.adverse_event,
            identifier: words.identifier,
            feedback_id,
        }
    }

    /// Half an hour to five hours as a rule; one to five days for the late ones.
    fn delay(&self, chance: &mut Chance) -> i64 {
        if chance.happens(self.scenario.shares.late) {
            return DAY + chance.below((4 * DAY) as u64) as i64;
        }
        MINUTE + (chance.share() * chance.share() * (4 * HOUR) as f64) as i64
    }

    fn words(
        &self,
        chance: &mut Chance,
        cell: &Cell<'_>,
        feeling: Feeling,
        feedback_id: &str,
    ) -> Words {
        let local = cell.market.language;
        let said = self.grammar.say(
            chance,
            cell.group.stakeholder,
            cell.theme.id,
            feeling,
            cell.product,
            local,
        );
        let mut words = Words {
            text: said.text,
            language: said.language,
            adverse_event: false,
            identifier: None,
        };
        let may_report = matches!(
            cell.group.stakeholder,
            Stakeholder::Patient
                | Stakeholder::Hcp
                | Stakeholder::Caregiver
                | Stakeholder::Pharmacist
        );
        if may_report && chance.happens(self.scenario.shares.adverse_event) {
            let said = self.grammar.adverse_event(chance, cell.product, local);
            words.adverse_event = true;
            words.language = said.language;
            words.text = if chance.happens(0.5) {
                said.text
            } else {
                format!("{} {}", words.text, said.text)
            };
        }
        if chance.happens(self.scenario.shares.identifier) {
            let (kind, text, sentence) = self.grammar.identifier(chance, cell.market.country);
            words.text = format!("{} {sentence}", words.text);
            words.identifier = Some(PlantedIdentifier {
                feedback_id: feedback_id.to_owned(),
                kind: kind.to_owned(),
                text,
            });
        }
        words
    }

    fn organisation(
        &self,
        market: &Market,
        stakeholder: Stakeholder,
        person: u64,
        day: i32,
    ) -> String {
        if matches!(stakeholder, Stakeholder::Patient | Stakeholder::Caregiver) {
            return String::new();
        }
        let mut number = (person % u64::from(ORGANISATIONS)) as u32;
        let live_day = day - self.scenario.history_days as i32;
        for disturbance in &self.scenario.distractions {
            if let Disturbance::Merger {
                country,
                organisation,
                into,
                day,
            } = disturbance
                && *country == market.country
                && *organisation == number
                && live_day >= *day
            {
                number = *into;
            }
        }
        organisation_ref(market.country, number)
    }
}

/// Reference of organisation `number` of a market.
#[must_use]
pub fn organisation_ref(country: &str, number: u32) -> String {
    format!("org_{}_{number}", country.to_lowercase())
}

struct Words {
    text: String,
    language: &'static str,
    adverse_event: bool,
    identifier: Option<PlantedIdentifier>,
}

fn feeling(chance: &mut Chance, cell: &Cell<'_>) -> Feeling {
    let negative = (cell.theme.negative + cell.negative_shift).clamp(0.0, 0.97);
    let room = (1.0 - negative) / (1.0 - cell.theme.negative).max(1e-9);
    let draw = chance.share();
    if draw < negative {
        Feeling::Negative
    } else if draw < negative + cell.theme.positive * room {
        Feeling::Positive
    } else {
        Feeling::Neutral
    }
}

fn rating(chance: &mut Chance, feeling: Feeling) -> u8 {
    let low = match feeling {
        Feeling::Negative => 1,
        Feeling::Neutral => 3,
        Feeling::Positive => 4,
    };
    low + u8::from(feeling != Feeling::Neutral && chance.happens(0.5))
}

/// Most is said between seven in the morning and ten at night, UTC.
fn moment_of_day(chance: &mut Chance) -> i64 {
    let hours = if chance.happens(0.08) {
        chance.share() * 24.0
    } else {
        7.0 + 7.5 * (chance.share() + chance.share())
    };
    ((hours * HOUR as f64) as i64).clamp(0, DAY - 1)
}

fn tier(stakeholder: Stakeholder, person: u64) -> Tier {
    match (stakeholder, person % 100) {
        (Stakeholder::Hcp, 0..=1) => Tier::NationalExpert,
        (Stakeholder::Hcp, 2..=7) => Tier::RegionalExpert,
        (Stakeholder::Hcp, 8..=20) => Tier::LocalExpert,
        (Stakeholder::Hcp, _) => Tier::Community,
        _ => Tier::NotApplicable,
    }
}

fn specialty(stakeholder: Stakeholder, person: u64) -> &'static str {
    if stakeholder == Stakeholder::Hcp {
        SPECIALTIES[(person / 3 % 5) as usize]
    } else {
        ""
    }
}
