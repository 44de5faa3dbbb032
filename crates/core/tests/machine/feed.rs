//! A seeded feed of mentions over several source partitions, stamped the way Listen stamps them.

use auscult_core::effect::Effect;
use auscult_core::input::{Input, Marker};
use auscult_core::mention::{About, Mention, ThemeTag, Who};
use auscult_core::partition::Partition;
use auscult_core::settings::{CheckedDetectSettings, DetectSettings};
use auscult_core::time::{DAY, HOUR, Timestamp};
use auscult_core::words::{Channel, Setting, SourceType, Stakeholder, Tier};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::borrow::Cow;
use std::sync::Arc;

pub const START: Timestamp = Timestamp(19_723 * DAY); // 2024-01-01, a Monday
pub const THEMES: [&str; 5] = [
    "access.cost",
    "device.handling",
    "efficacy.onset",
    "service.helpline",
    "supply.shortage",
];
pub const REGIONS: [&str; 3] = ["north", "south", "west"];
const STAKEHOLDERS: [Stakeholder; 3] = [
    Stakeholder::Patient,
    Stakeholder::Hcp,
    Stakeholder::Pharmacist,
];
const CHANNELS: [Channel; 3] = [Channel::Phone, Channel::Web, Channel::FaceToFace];

/// Extra mentions of one product and theme in one region over some days.
#[derive(Clone, Copy)]
pub struct Surge {
    pub from_day: i64,
    pub days: i64,
    pub extra_per_day: u32,
    pub product: &'static str,
    pub theme: &'static str,
    pub region: &'static str,
}

pub struct Feed {
    pub days: i64,
    pub per_day: u32,
    pub partitions: usize,
    pub surges: Vec<Surge>,
    pub seed: u64,
}

impl Feed {
    /// Mentions per source partition, in order of arrival within each, with watermarks as Listen sets them.
    pub fn mentions(&self) -> Vec<Vec<Mention<'static>>> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let mut partitions: Vec<Vec<Mention<'static>>> = vec![Vec::new(); self.partitions];
        let mut number = 0;
        for day in 0..self.days {
            let mut today: Vec<Mention<'static>> = Vec::new();
            let weekend = matches!(day.rem_euclid(7), 5 | 6);
            let base = if weekend {
                self.per_day / 2
            } else {
                self.per_day
            };
            for _ in 0..base + random.random_range(0..=base / 4) {
                number += 1;
                let product = ["alpha", "beta", "gamma"][random.random_range(0..3)];
                let theme = THEMES[random.random_range(0..THEMES.len())];
                let region = REGIONS[random.random_range(0..REGIONS.len())];
                today.push(mention(number, day, &mut random, product, theme, region));
            }
            for surge in self
                .surges
                .iter()
                .filter(|surge| (surge.from_day..surge.from_day + surge.days).contains(&day))
            {
                for _ in 0..surge.extra_per_day {
                    number += 1;
                    today.push(mention(
                        number,
                        day,
                        &mut random,
                        surge.product,
                        surge.theme,
                        surge.region,
                    ));
                }
            }
            today.sort_by_key(|mention| mention.occurred_at);
            for mention in today {
                partitions[random.random_range(0..self.partitions)].push(mention);
            }
        }
        for partition in &mut partitions {
            stamp(partition);
        }
        partitions
    }
}

/// Sets each mention's watermark: the largest event time before it, less two hours of lateness.
pub fn stamp(mentions: &mut [Mention<'static>]) {
    let mut greatest = Timestamp::MIN;
    for mention in mentions {
        mention.watermark = greatest;
        greatest = greatest.max(mention.occurred_at.plus(-2 * HOUR));
    }
}

pub fn mention(
    number: u64,
    day: i64,
    random: &mut ChaCha8Rng,
    product: &str,
    theme: &str,
    region: &str,
) -> Mention<'static> {
    let occurred_at = START.plus(day * DAY + random.random_range(0..DAY));
    let feeling: i16 = random.random_range(-600..600);
    Mention {
        tenant: "acme".into(),
        portfolio: "acme|DE".into(),
        event_source: "/tenants/acme/sources/test".into(),
        event_id: format!("event-{number}").into(),
        feedback_id: format!("feedback-{number}").into(),
        occurred_at,
        recorded_at: occurred_at,
        watermark: Timestamp::MIN,
        feed: "crm/eu/call".into(),
        who: Who {
            person: Some(format!("p_{}", random.random_range(0..5_000)).into()),
            stakeholder: STAKEHOLDERS[random.random_range(0..3)],
            tier: Tier::Community,
            specialty: Cow::Borrowed(""),
            setting: Some(Setting::Hospital),
            organisation: Cow::Borrowed(""),
            country: "DE".into(),
            region: region.to_owned().into(),
            channel: Some(CHANNELS[random.random_range(0..3)]),
            source: SourceType::Call,
        },
        about: About {
            products: vec![product.to_owned().into()],
            ..About::default()
        },
        text: format!("words about {theme}").into(),
        language: "en".into(),
        themes: vec![ThemeTag {
            theme: theme.to_owned().into(),
            sentiment: Some(feeling),
            spans: vec![],
        }],
        stances: Vec::new(),
        sentiment: Some(feeling),
        rating: Some(random.random_range(0..=1000)),
        thread: None,
        signature: None,
        safety_candidate: false,
        medical_request: false,
        canary: false,
        extra: vec![],
        models: vec![],
    }
}

/// What people say of their own on one day, without a theme, spread over so many channels.
pub fn subject(
    day: i64,
    people: u64,
    channels: usize,
    text: &str,
    random: &mut ChaCha8Rng,
) -> Vec<Mention<'static>> {
    let mention_of = |at: u64| {
        let number = 700_000 + day.unsigned_abs() * 1_000 + at;
        let mut mention = mention(number, day, random, "alpha", "", "north");
        mention.who.person = Some(format!("p_subject_{number}").into());
        mention.who.channel = Some(CHANNELS[at as usize % channels]);
        mention.themes.clear();
        mention.text = format!("{text}, said number {number}").into();
        mention
    };
    (0..people).map(mention_of).collect()
}

pub fn settings() -> Arc<CheckedDetectSettings> {
    Arc::new(
        DetectSettings::standard()
            .check()
            .expect("standard settings are sound"),
    )
}

/// How partitions are read: which one next.
pub enum Order {
    RoundRobin(usize),
    Random(u64),
}

/// Applies everything with markers after every `stride` mentions of a partition; `at_turn` runs after each
/// marker, where a turn would commit.
pub fn run(
    partitions: &[Vec<Mention<'static>>],
    order: &Order,
    mut machine: Partition,
    at_turn: &mut dyn FnMut(Partition) -> Partition,
) -> (Partition, Vec<Effect>) {
    let mut effects = Vec::new();
    let mut at = vec![0usize; partitions.len()];
    let mut random = ChaCha8Rng::seed_from_u64(match order {
        Order::Random(seed) => *seed,
        Order::RoundRobin(_) => 0,
    });
    let mut turn = 0usize;
    while (0..partitions.len()).any(|partition| at[partition] < partitions[partition].len()) {
        let (partition, stride) = match order {
            Order::RoundRobin(stride) => (turn % partitions.len(), *stride),
            Order::Random(_) => (
                random.random_range(0..partitions.len()),
                random.random_range(1..40),
            ),
        };
        turn += 1;
        let end = (at[partition] + stride).min(partitions[partition].len());
        let mut reached = Timestamp::MIN;
        for mention in &partitions[partition][at[partition]..end] {
            machine.apply(&Input::Mention(mention), &mut effects);
            reached = reached
                .max(mention.watermark)
                .max(mention.occurred_at.plus(-2 * HOUR));
        }
        at[partition] = end;
        machine.apply(
            &Input::Marker(&marker(partition, partitions.len(), reached)),
            &mut effects,
        );
        machine = at_turn(machine);
    }
    for partition in 0..partitions.len() {
        machine.apply(
            &Input::Marker(&marker(
                partition,
                partitions.len(),
                START.plus(10_000 * DAY).min(last(partitions)),
            )),
            &mut effects,
        );
    }
    (machine, effects)
}

fn last(partitions: &[Vec<Mention<'static>>]) -> Timestamp {
    let end = partitions
        .iter()
        .flatten()
        .map(|mention| mention.occurred_at)
        .max()
        .unwrap_or(START);
    Timestamp(end.0 - end.0.rem_euclid(DAY) + DAY)
}

pub fn marker(partition: usize, partitions: usize, watermark: Timestamp) -> Marker {
    Marker {
        source_partition: format!("feedback/{partition}"),
        watermark,
        source_partitions: partitions as u32,
        backfill: false,
    }
}

pub fn alerts(effects: &[Effect]) -> Vec<&auscult_core::alert::Alert> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Alert(alert) => Some(alert.as_ref()),
            _ => None,
        })
        .collect()
}
