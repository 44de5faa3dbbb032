//! Repeats count once (I06), whatever the interleaving, and after every crash.

use super::feed::{Feed, Order, START, alerts, mention, run, stamp};
use auscult_core::effect::Effect;
use auscult_core::mention::{Mention, Signature};
use auscult_core::partition::Partition;
use auscult_core::settings::{CheckedDetectSettings, DetectSettings};
use auscult_core::time::{DAY, HOUR};
use auscult_core::words::SourceType;
use auscult_language::near_duplicate::LEAST_WORDS;
use auscult_language::words::Words;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::sync::Arc;

const POST: &str = "The pharmacy in our street says the new pen is out of stock until March and nobody can tell us why";

fn settings(remembered: u32) -> Arc<CheckedDetectSettings> {
    let settings = DetectSettings {
        near_duplicates_remembered: remembered,
        ..DetectSettings::standard()
    };
    Arc::new(settings.check().expect("sound settings"))
}

fn says(mut mention: Mention<'static>, text: String, source: SourceType) -> Mention<'static> {
    mention.signature = Signature::of(&Words::of(&text), LEAST_WORDS, false);
    mention.text = text.into();
    mention.who.source = source;
    mention
}

/// A background in which everybody has words of their own, and on day 30 one post with 39 copies by as many people.
fn reposted(source: SourceType, seed: u64) -> Vec<Vec<Mention<'static>>> {
    let base = Feed {
        days: 40,
        per_day: 60,
        partitions: 3,
        surges: vec![],
        seed,
    };
    let mut random = ChaCha8Rng::seed_from_u64(seed + 1);
    let mut partitions = base.mentions();
    let mut number = 0u64;
    for partition in &mut partitions {
        for mention in partition.iter_mut() {
            number += 1;
            let own: String = (0..9)
                .map(|word| format!("w{}x{word} ", number * 31))
                .collect();
            *mention = says(mention.clone(), own, SourceType::Call);
        }
    }
    for copy in 0..40 {
        let mut post = mention(
            500_000 + copy,
            30,
            &mut random,
            "beta",
            "access.cost",
            "north",
        );
        post.who.person = Some(format!("reposter-{copy}").into());
        // The original first, then copies, some of them a day later.
        post.occurred_at = START.plus(30 * DAY + 8 * HOUR + copy as i64 * HOUR / 2);
        let text = match copy % 3 {
            0 => POST.to_owned(),
            1 => format!("RT @someone: {POST} http://t.co/{copy}"),
            _ => format!("So true! {POST}"),
        };
        let partition = random.random_range(0..partitions.len());
        partitions[partition].push(says(post, text, source));
    }
    for partition in &mut partitions {
        partition.sort_by_key(|mention| mention.occurred_at);
        stamp(partition);
    }
    partitions
}

/// The product's points of one day, as last stated.
fn counted(effects: &[Effect], day: i64) -> BTreeMap<String, u32> {
    let mut points = BTreeMap::new();
    for effect in effects {
        if let Effect::SeriesPoint(point) = effect
            && point.view == "product-theme-region"
            && point.start == START.plus(day * DAY)
        {
            points.insert(format!("{:?}", point.dimensions), point.items);
        }
    }
    points
}

fn of_post(points: &BTreeMap<String, u32>) -> u32 {
    points
        .iter()
        .filter(|(name, _)| {
            name.contains("beta") && name.contains("access.cost") && name.contains("north")
        })
        .map(|(_, items)| *items)
        .sum()
}

#[test]
fn a_repost_wave_is_one_voice_and_no_signal() {
    let straight = |source, remembered| {
        run(
            &reposted(source, 21),
            &Order::RoundRobin(50),
            Partition::new(settings(remembered)),
            &mut |machine| machine,
        )
        .1
    };
    let linked = straight(SourceType::Social, 20_000);
    let apart = straight(SourceType::Social, 0);
    let people = straight(SourceType::Survey, 20_000);
    // 32 of the 40 fall on day 30; the background has at most a handful in this series.
    let (linked_items, apart_items) = (
        of_post(&counted(&linked, 30)),
        of_post(&counted(&apart, 30)),
    );
    assert_eq!(
        apart_items - linked_items,
        31,
        "{apart_items} {linked_items}"
    );
    assert_eq!(
        of_post(&counted(&people, 30)),
        apart_items,
        "a survey has no reposts"
    );
    let about = |effects: &[Effect]| {
        alerts(effects)
            .iter()
            .filter(|alert| {
                alert.title.contains("access.cost") && alert.window.start >= START.plus(30 * DAY)
            })
            .count()
    };
    assert!(about(&apart) > 0, "without links the wave is a signal");
    assert_eq!(about(&linked), 0);
}

#[test]
fn interleaving_and_crashes_change_no_link() {
    // Room for a third of the texts: what is forgotten must be the same too.
    for remembered in [20_000, 700] {
        let partitions = reposted(SourceType::Social, 22);
        let (_, expected) = run(
            &partitions,
            &Order::RoundRobin(50),
            Partition::new(settings(remembered)),
            &mut |machine| machine,
        );
        let points = |effects: &[Effect]| -> Vec<BTreeMap<String, u32>> {
            (0..40).map(|day| counted(effects, day)).collect()
        };
        for seed in 0..2 {
            let (_, effects) = run(
                &partitions,
                &Order::Random(seed),
                Partition::new(settings(remembered)),
                &mut |machine| machine,
            );
            assert_eq!(points(&effects), points(&expected), "interleaving {seed}");
            assert_eq!(alerts(&effects), alerts(&expected), "interleaving {seed}");
        }
        let mut stored = BTreeMap::new();
        let mut most = 0;
        let (_, effects) = run(
            &partitions,
            &Order::RoundRobin(50),
            Partition::new(settings(remembered)),
            &mut |mut machine| {
                for (key, value) in machine.take_changes() {
                    match value {
                        Some(value) => stored.insert(key, value),
                        None => stored.remove(&key),
                    };
                }
                let links = |key: &&Vec<u8>| key.windows(3).any(|part| part == [0, b'd', b'/']);
                most = most.max(stored.keys().filter(links).count());
                let records = stored.clone().into_iter().collect();
                Partition::restore(settings(remembered), records).expect("restores")
            },
        );
        assert_eq!(
            points(&effects),
            points(&expected),
            "restored after every turn"
        );
        assert_eq!(
            alerts(&effects),
            alerts(&expected),
            "restored after every turn"
        );
        assert!(most > 0, "links are stored");
    }
}

#[test]
fn stored_links_are_deleted_when_nothing_depends_on_them() {
    let partitions = reposted(SourceType::Social, 23);
    let mut stored = BTreeMap::new();
    let settings = settings(100);
    run(
        &partitions,
        &Order::RoundRobin(20),
        Partition::new(Arc::clone(&settings)),
        &mut |mut machine| {
            for (key, value) in machine.take_changes() {
                match value {
                    Some(value) => stored.insert(key, value),
                    None => stored.remove(&key),
                };
            }
            machine
        },
    );
    let links = stored
        .keys()
        .filter(|key| key.windows(3).any(|part| part == [0, b'd', b'/']))
        .count();
    // 2,400 texts in chunks of 20 are 120 turns; 100 remembered texts and three open days hang on a fraction.
    assert!(links > 0 && links < 50, "{links}");
}
