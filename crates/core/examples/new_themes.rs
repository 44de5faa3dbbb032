//! What proposing new themes costs a text: the same feed with it on and off, in processor time.
//!
//! `cargo run --release -p auscult-core --example new_themes`
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench for people; this machine's clock is what is measured"
)]

use auscult_core::effect::Effect;
use auscult_core::input::{Input, Marker};
use auscult_core::mention::{About, Mention, ThemeTag, Who};
use auscult_core::partition::Partition;
use auscult_core::proposals::NEW_THEME_VIEW;
use auscult_core::settings::DetectSettings;
use auscult_core::time::{DAY, Timestamp};
use auscult_core::words::{AlertChange, Channel, SourceType, Stakeholder, Tier};
use std::sync::Arc;
use std::time::Duration;

const DAYS: i64 = 40;
/// Days that only teach are cheaper; they are not counted.
const WARM_UP: i64 = 14;
/// From this day on one text in 200 speaks of something new.
const PLANTED: i64 = 35;
/// Words people know; the first is said as often as the rank of the others tells (Zipf).
const VOCABULARY: u64 = 12_000;

fn main() {
    for texts_a_day in [100, 1_000, 10_000, 40_000] {
        let days: Vec<Vec<Mention<'static>>> = (0..DAYS)
            .map(|day| {
                (0..texts_a_day)
                    .map(|number| mention(number, day))
                    .collect()
            })
            .collect();
        let [on, off] = [true, false].map(|is_on| run(&days, is_on));
        let texts = (texts_a_day * (DAYS - WARM_UP).unsigned_abs()) as f64;
        let each = |total: Duration| total.as_secs_f64() * 1e6 / texts;
        println!(
            "{texts_a_day} texts of 130 characters a day: {:.2} µs of processor time a text more at the close and {:.2} more for the records ({:.2} and {:.2} without); {} kB of records a day; one text in 200 on something new was proposed {}, {} other proposals",
            each(on.closing) - each(off.closing),
            each(on.storing) - each(off.storing),
            each(off.closing),
            each(off.storing),
            on.record_bytes / 1_000,
            on.found.map_or("never".to_owned(), |day| format!(
                "in bucket {} of it",
                day - PLANTED + 1
            )),
            on.others,
        );
    }
}

struct Cost {
    closing: Duration,
    storing: Duration,
    /// Bytes of the last day's state records of new themes.
    record_bytes: usize,
    /// Day on which the planted theme was proposed.
    found: Option<i64>,
    others: usize,
}

fn run(days: &[Vec<Mention<'static>>], is_on: bool) -> Cost {
    let mut written = DetectSettings::standard();
    written.near_duplicates_remembered = 0;
    written.new_themes.least_people = if is_on { 8 } else { 0 };
    let mut cost = Cost {
        closing: Duration::ZERO,
        storing: Duration::ZERO,
        record_bytes: 0,
        found: None,
        others: 0,
    };
    let Ok(settings) = written.check() else {
        return cost;
    };
    let mut partition = Partition::new(Arc::new(settings));
    for (day, mentions) in (0..).zip(days) {
        let mut effects = Vec::new();
        for mention in mentions {
            partition.apply(&Input::Mention(mention), &mut effects);
        }
        drop(partition.take_changes());
        let marker = Marker {
            source_partition: "bench/0".to_owned(),
            watermark: start(day + 1),
            source_partitions: 1,
            backfill: false,
        };
        let begun = on_processor();
        partition.apply(&Input::Marker(&marker), &mut effects);
        let closed = on_processor();
        let changes = partition.take_changes();
        let stored = on_processor();
        if day >= WARM_UP {
            cost.closing += closed.saturating_sub(begun);
            cost.storing += stored.saturating_sub(closed);
        }
        cost.record_bytes = changes
            .iter()
            .filter(|(key, _)| key.windows(3).any(|part| part == b"\0e/"))
            .map(|(_, value)| value.as_ref().map_or(0, Vec::len))
            .sum();
        for effect in &effects {
            if let Effect::Alert(alert) = effect
                && alert.series.view == NEW_THEME_VIEW
                && alert.change == AlertChange::Raised
            {
                if alert
                    .context
                    .iter()
                    .any(|item| item.label.contains("stopper"))
                {
                    cost.found.get_or_insert(day);
                } else {
                    cost.others += 1;
                }
            }
        }
    }
    cost
}

fn start(day: i64) -> Timestamp {
    Timestamp((20_000 + day) * DAY)
}

/// SplitMix64 (Steele, Lea and Flood 2014).
fn spread(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A word of the vocabulary by Zipf's law, spelled in syllables.
fn word(random: u64) -> String {
    let share = (random >> 11) as f64 / (1u64 << 53) as f64;
    let mut rank = (VOCABULARY as f64).powf(share) as u64;
    let mut spelled = String::new();
    rank += 20;
    while rank > 0 {
        spelled.push(b"bdfgklmnprst"[(rank % 12) as usize] as char);
        spelled.push(b"aeiou"[(rank / 12 % 5) as usize] as char);
        rank /= 60;
    }
    spelled
}

fn text(seed: u64) -> String {
    let mut text = String::new();
    let mut at = 0;
    while text.len() < 130 {
        at += 1;
        let random = spread(seed.wrapping_mul(1_000) + at);
        // Two words in five are small words.
        if random % 5 < 2 {
            text.push_str(["the", "was", "and", "it", "to"][(random >> 8) as usize % 5]);
        } else {
            text.push_str(&word(spread(random)));
        }
        text.push_str(if random.is_multiple_of(11) { ", " } else { " " });
    }
    text
}

fn mention(number: u64, day: i64) -> Mention<'static> {
    let seed = day.unsigned_abs() * 1_000_000 + number;
    let at = start(day).plus((number % 86_000) as i64 * 1_000 + 1);
    Mention {
        tenant: "t".into(),
        portfolio: "t|-".into(),
        event_source: "/bench".into(),
        event_id: format!("{number}-{day}").into(),
        feedback_id: format!("{number}-{day}").into(),
        occurred_at: at,
        recorded_at: at,
        watermark: start(day),
        feed: "bench/-/other".into(),
        who: Who {
            person: Some(format!("p_{}", spread(seed) % 1_000_000).into()),
            stakeholder: Stakeholder::Patient,
            tier: Tier::NotApplicable,
            specialty: "".into(),
            setting: None,
            organisation: "".into(),
            country: "".into(),
            region: "".into(),
            channel: Some([Channel::Phone, Channel::Web][(spread(seed) >> 32) as usize % 2]),
            source: SourceType::Other,
        },
        about: About {
            products: vec!["alpha".into()],
            ..About::default()
        },
        text: if day >= PLANTED && number.is_multiple_of(200) {
            format!("the rubber stopper crumbled, {}", text(seed)).into()
        } else {
            text(seed).into()
        },
        language: "en".into(),
        themes: vec![ThemeTag {
            theme: format!("theme-{}", seed % 20).into(),
            sentiment: None,
            spans: Vec::new(),
        }],
        stances: Vec::new(),
        sentiment: None,
        rating: None,
        thread: None,
        signature: None,
        safety_candidate: false,
        medical_request: false,
        canary: false,
        extra: Vec::new(),
        models: Vec::new(),
    }
}

/// Time this thread was on a processor (Linux): what a busy machine does not distort.
fn on_processor() -> Duration {
    let nanoseconds = std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}
