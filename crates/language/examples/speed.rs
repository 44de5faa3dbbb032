//! How long each room of the language takes a text, and all of the listen path together, on one core.
//!
//! `cargo run --release -p auscult-language --example speed -- DATA_DIR [FILE_WITH_A_TEXT_A_LINE ...]`

#![expect(clippy::print_stdout, reason = "a program that reports")]
#![expect(
    clippy::disallowed_methods,
    reason = "a program that measures: it reads a clock, its arguments and files"
)]

mod support;

use std::hint::black_box;
use std::time::Instant;

use auscult_language::privacy::Redactor;
use auscult_language::safety::Triage;
use auscult_language::themes::{Taxonomy, ThemeHit};
use auscult_language::words::Words;
use auscult_language::{language_id, requests, sentiment, speaker};

/// Rounds over the texts. Of each slice of texts the fastest round counts, as other work on the machine only ever slows
/// one down; slices are short, so that each has a quiet moment in one of the rounds.
const ROUNDS: usize = 25;
/// Texts of a slice: less than a millisecond of work, so that few are interrupted.
const SLICE: usize = 64;

/// Microseconds a text, of work on the texts with numbers `from..to`.
fn fastest(count: usize, mut work: impl FnMut(std::ops::Range<usize>)) -> f64 {
    let mut best = vec![f64::INFINITY; count.div_ceil(SLICE)];
    for _ in 0..ROUNDS {
        for (slice, best) in best.iter_mut().enumerate() {
            let texts = slice * SLICE..((slice + 1) * SLICE).min(count);
            let start = Instant::now();
            work(texts);
            *best = best.min(start.elapsed().as_secs_f64());
        }
    }
    best.iter().sum::<f64>() * 1e6 / count as f64
}

struct Rooms {
    triage: Triage,
    redactor: Redactor,
    taxonomy: Taxonomy,
}

impl Rooms {
    fn measure(&self, name: &str, texts: &[String]) {
        let count = texts.len();
        let bytes = texts.iter().map(String::len).sum::<usize>() / count.max(1);
        let read: Vec<Words> = texts.iter().map(|text| Words::of(text)).collect();
        let hits: Vec<Vec<ThemeHit>> = read
            .iter()
            .map(|words| self.taxonomy.tag_words(words))
            .collect();
        let mut buffer = Words::default();
        println!("\n{name}: {count} texts of {bytes} bytes, µs a text");
        let show = |room: &str, took: f64| println!("  {room:<16}{took:8.2}");
        let each = |work: &dyn Fn(&str)| {
            fastest(count, |part| {
                texts[part].iter().for_each(|text| work(black_box(text)))
            })
        };
        let each_read = |work: &dyn Fn(&Words)| {
            fastest(count, |part| {
                read[part].iter().for_each(|words| work(black_box(words)))
            })
        };
        show(
            "safety",
            each(&|text| drop(black_box(self.triage.assess(text)))),
        );
        show(
            "privacy",
            each(&|text| drop(black_box(self.redactor.redact(text)))),
        );
        show(
            "words",
            fastest(count, |part| {
                for text in &texts[part] {
                    buffer.read(black_box(text));
                }
            }),
        );
        show(
            "themes",
            each_read(&|words| drop(black_box(self.taxonomy.tag_words(words)))),
        );
        show(
            "sentiment",
            fastest(count, |part| {
                for at in part {
                    black_box(sentiment::score_words(&texts[at], &read[at], &hits[at]));
                }
            }),
        );
        show(
            "requests",
            each_read(&|words| drop(black_box(requests::find_words(words)))),
        );
        show(
            "language id",
            each_read(&|words| {
                black_box(language_id::identify_words(words));
            }),
        );
        show(
            "speaker",
            each_read(&|words| {
                black_box(speaker::guess_words(words));
            }),
        );
        let all = fastest(count, |part| {
            for text in &texts[part] {
                self.listen(black_box(text), &mut buffer);
            }
        });
        show("listen path", all);
        println!("  {:.0} texts a second and core", 1e6 / all);
    }

    /// Everything Listen asks of the language for one text.
    fn listen(&self, text: &str, buffer: &mut Words) {
        black_box(self.triage.assess(text));
        let redacted = self.redactor.redact(text);
        buffer.read(&redacted.text);
        let hits = self.taxonomy.tag_words(buffer);
        black_box(sentiment::score_words(&redacted.text, buffer, &hits));
        black_box(requests::find_words(buffer));
        black_box(language_id::identify_words(buffer));
        black_box(speaker::guess_words(buffer));
    }
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments
        .next()
        .ok_or_else(|| anyhow::anyhow!("usage: speed DATA_DIR [FILE_WITH_A_TEXT_A_LINE ...]"))?;
    let rooms = Rooms {
        triage: Triage::standard(),
        redactor: Redactor::standard(),
        taxonomy: Taxonomy::standard(),
    };
    for (prefix, at_most) in [
        ("nhs_feedback_", 220),
        ("nhs_feedback_", usize::MAX),
        ("ade_sentences_", usize::MAX),
        ("pii_synthetic_", usize::MAX),
    ] {
        let mut texts = Vec::new();
        for path in support::files(folder.as_ref(), prefix) {
            let contents = support::contents(&path)?;
            texts.extend(match prefix {
                "nhs_feedback_" => support::feedback(&contents)?
                    .into_iter()
                    .map(|item| item.text)
                    .collect::<Vec<_>>(),
                "ade_sentences_" => support::ade_sentences(&contents)?
                    .into_iter()
                    .map(|item| item.text)
                    .collect(),
                _ => support::pii(&contents)?
                    .into_iter()
                    .map(|item| item.text)
                    .collect(),
            });
        }
        if at_most < usize::MAX {
            texts.retain(|text| (60..at_most).contains(&text.len()));
        }
        if !texts.is_empty() {
            rooms.measure(prefix, &texts);
        }
    }
    for path in arguments {
        let contents = std::fs::read_to_string(&path)?;
        let texts: Vec<String> = contents
            .lines()
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect();
        rooms.measure(&path, &texts);
    }
    Ok(())
}
