//! What closing a bucket costs a series, and what live series weigh in memory. `make bench` runs it too.
//!
//! `cargo run --release -p auscult-core --example close`
#![expect(clippy::print_stdout, reason = "a bench for people")]
#![allow(
    clippy::disallowed_methods,
    reason = "this machine's clock is what is measured; banned here, not where the root's bench includes this file"
)]

use auscult_core::input::{Input, Marker};
use auscult_core::mention::{About, Mention, ThemeTag, Who};
use auscult_core::partition::Partition;
use auscult_core::settings::DetectSettings;
use auscult_core::time::{DAY, Timestamp};
use auscult_core::words::{Measure, SourceType, Stakeholder, Tier};
use std::sync::Arc;
use std::time::{Duration, Instant};

const SERIES: usize = 200_000;
const DAYS: i64 = 60;

/// What a close costs and what live series weigh: 200,000 series of one view, a tenth of them with a mention a day.
/// First with a memory for mentions of a day, so that little but series is weighed, then with the default memory.
pub fn main() {
    let before = resident_mebibytes();
    for horizon in [DAY, DetectSettings::standard().restatement_horizon] {
        let mut written = DetectSettings::standard();
        written.restatement_horizon = horizon;
        written.views.retain(|view| view.name == "product-theme");
        written.views[0].measures = vec![Measure::Mentions];
        let Ok(settings) = written.check() else {
            return;
        };
        close_series(Partition::new(Arc::new(settings)), before);
    }
}

/// `before`: what was resident before the first series, in MiB.
fn close_series(mut partition: Partition, before: u64) {
    let mut effects = Vec::new();
    let mut closing = Duration::ZERO;
    let mut working = Duration::ZERO;
    for day in 0..DAYS {
        let start = Timestamp((20_000 + day) * DAY);
        let stride = if day == 0 { 1 } else { 10 };
        for number in (0..SERIES).skip(day as usize % stride).step_by(stride) {
            let mention = bare_mention(number, day, start.plus(1));
            partition.apply(&Input::Mention(&mention), &mut effects);
        }
        let marker = Marker {
            source_partition: "bench/0".to_owned(),
            watermark: start.plus(DAY),
            source_partitions: 1,
            backfill: true,
        };
        let (began, worked) = (Instant::now(), on_processor());
        partition.apply(&Input::Marker(&marker), &mut effects);
        if day > 0 {
            closing += began.elapsed();
            working += on_processor().saturating_sub(worked);
        }
        effects = Vec::new();
        // As a turn does: what is to be stored does not wait in memory.
        drop(partition.take_changes());
    }
    let closes = (partition.series_count() as i64 * (DAYS - 1)) as f64;
    println!(
        "{} live series: {:.2} µs a series and close ({:.2} µs of processor time); {} MiB resident with {} mentions remembered",
        partition.series_count(),
        closing.as_secs_f64() * 1e6 / closes,
        working.as_secs_f64() * 1e6 / closes,
        resident_mebibytes().saturating_sub(before),
        partition.mentions_remembered(),
    );
}

fn bare_mention(number: usize, day: i64, at: Timestamp) -> Mention<'static> {
    Mention {
        tenant: "t".into(),
        portfolio: "t|-".into(),
        event_source: "/bench".into(),
        event_id: format!("{number}-{day}").into(),
        feedback_id: format!("{number}-{day}").into(),
        occurred_at: at,
        recorded_at: at,
        watermark: at,
        feed: "bench/-/other".into(),
        who: Who {
            person: None,
            stakeholder: Stakeholder::Patient,
            tier: Tier::NotApplicable,
            specialty: "".into(),
            setting: None,
            organisation: "".into(),
            country: "".into(),
            region: "".into(),
            channel: None,
            source: SourceType::Other,
        },
        about: About {
            products: vec![format!("product-{}", number / 500).into()],
            ..About::default()
        },
        text: "".into(),
        language: "en".into(),
        themes: vec![ThemeTag {
            theme: format!("theme-{}", number % 500).into(),
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

/// Resident set of this process now (Linux).
fn resident_mebibytes() -> u64 {
    status_mebibytes("VmRSS:").unwrap_or(0)
}

fn status_mebibytes(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim()
        .strip_suffix("kB")?
        .trim()
        .parse::<u64>()
        .ok()
        .map(|kibibytes| kibibytes / 1024)
}
