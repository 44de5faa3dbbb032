//! Time a text, room by room, on one core. Meaningful in a release build only.

use crate::data;
use crate::report::Report;
use auscult_language::themes::{Taxonomy, ThemeHit};
use auscult_language::words::Words;
use auscult_language::{emerging, language_id, near_duplicate, requests, sentiment, speaker};
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn time(mut work: impl FnMut()) -> Duration {
    work();
    let best = (0..5).map(|_| {
        let start = std::time::Instant::now();
        work();
        start.elapsed()
    });
    best.min().unwrap_or_default()
}

pub fn run(folder: &Path, report: &mut Report) -> data::anyhow_lite::Result<()> {
    let mut texts = Vec::new();
    for path in data::files(folder, "nhs_feedback_")
        .into_iter()
        .chain(data::files(folder, "sentiment_"))
    {
        for row in data::rows(&path)? {
            texts.extend(
                ["fft_answer", "feedback", "text"]
                    .iter()
                    .map(|column| data::cell(&row, column).to_owned())
                    .filter(|text| text.len() > 60 && text.len() < 220),
            );
        }
    }
    texts.truncate(8_000);
    if texts.is_empty() {
        return Ok(());
    }
    let length = texts.iter().map(String::len).sum::<usize>() / texts.len();
    let taxonomy = Taxonomy::standard();
    let read: Vec<Words> = texts.iter().map(|text| Words::of(text)).collect();
    let hits: Vec<Vec<ThemeHit>> = read.iter().map(|words| taxonomy.tag_words(words)).collect();
    let mut buffer = Words::default();
    let mut add = |room: &str, took: Duration| {
        report.add(
            "time a text",
            &format!("{} comments, {length} bytes each", texts.len()),
            room,
            format!("{:.2} µs", took.as_secs_f64() * 1e6 / texts.len() as f64),
            "",
        );
    };
    add(
        "read into words",
        time(|| {
            texts.iter().for_each(|text| {
                buffer.read(text);
                black_box(&buffer);
            })
        }),
    );
    add(
        "language id",
        time(|| {
            read.iter().for_each(|words| {
                black_box(language_id::identify_words(words));
            })
        }),
    );
    add(
        "themes",
        time(|| {
            read.iter().for_each(|words| {
                black_box(taxonomy.tag_words(words));
            })
        }),
    );
    add(
        "sentiment, overall and per theme",
        time(|| {
            texts
                .iter()
                .zip(&read)
                .zip(&hits)
                .for_each(|((text, words), hits)| {
                    black_box(sentiment::score_words(text, words, hits));
                })
        }),
    );
    add(
        "requests",
        time(|| {
            read.iter().for_each(|words| {
                black_box(requests::find_words(words));
            })
        }),
    );
    add(
        "speaker",
        time(|| {
            read.iter().for_each(|words| {
                black_box(speaker::guess_words(words));
            })
        }),
    );
    add(
        "near-duplicates",
        time(|| {
            let mut seen = near_duplicate::NearDuplicates::new(near_duplicate::Settings::default());
            (0u64..).zip(&read).for_each(|(id, words)| {
                black_box(seen.observe_words(id, None, words));
            });
        }),
    );
    add(
        "emerging themes (with bucket close)",
        time(|| {
            let mut detector = emerging::Emerging::new(emerging::Settings::default());
            (0u64..)
                .zip(&read)
                .for_each(|(id, words)| detector.observe_words(0, words, id, id % 5, id));
            black_box(detector.close_bucket(0));
        }),
    );
    add(
        "all but the last two",
        time(|| {
            texts.iter().for_each(|text| {
                buffer.read(text);
                black_box(language_id::identify_words(&buffer));
                let hits = taxonomy.tag_words(&buffer);
                black_box(sentiment::score_words(text, &buffer, &hits));
                black_box(requests::find_words(&buffer));
                black_box(speaker::guess_words(&buffer));
            })
        }),
    );
    Ok(())
}
