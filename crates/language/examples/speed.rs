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

/// Rounds over the texts; the fastest counts, as other work on the machine only ever slows one down.
const ROUNDS: usize = 9;

/// Microseconds a text.
fn fastest(count: usize, mut work: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best * 1e6 / count as f64
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
        let each = |work: &dyn Fn(&str)| fastest(count, || texts.iter().for_each(|text| work(black_box(text))));
        let each_read = |work: &dyn Fn(&Words)| {
            fastest(count, || read.iter().for_each(|words| work(black_box(words))))
        };
        show("safety", each(&|text| drop(black_box(self.triage.assess(text)))));
        show("privacy", each(&|text| drop(black_box(self.redactor.redact(text)))));
        show(
            "words",
            fastest(count, || {
                for text in texts {
                    buffer.read(black_box(text));
                }
            }),
        );
        show("themes", each_read(&|words| drop(black_box(self.taxonomy.tag_words(words)))));
        show(
            "sentiment",
            fastest(count, || {
                for ((text, words), hits) in texts.iter().zip(&read).zip(&hits) {
                    black_box(sentiment::score_words(text, words, hits));
                }
            }),
        );
        show("requests", each_read(&|words| drop(black_box(requests::find_words(words)))));
        show("language id", each_read(&|words| { black_box(language_id::identify_words(words)); }));
        show("speaker", each_read(&|words| { black_box(speaker::guess_words(words)); }));
        let all = fastest(count, || {
            for text in texts {
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
        let texts: Vec<String> = contents.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
        rooms.measure(&path, &texts);
    }
    Ok(())
}
