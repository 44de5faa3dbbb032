//! How long safety and privacy take a text: `cargo run --release -p auscult-language --example speed -- DATA_DIR`.

#![expect(clippy::print_stdout, reason = "a program that reports")]
#![expect(
    clippy::disallowed_methods,
    reason = "a program that measures: it reads a clock, its arguments and files"
)]

mod support;

use std::hint::black_box;
use std::time::Instant;

use auscult_language::{privacy::Redactor, safety::Triage};

/// Rounds over the texts; the fastest counts, as other work on the machine only ever slows one down.
const ROUNDS: usize = 15;

fn fastest(texts: &[String], mut work: impl FnMut(&str)) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for text in texts {
            work(black_box(text));
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    best * 1e6 / texts.len() as f64
}

fn main() -> anyhow::Result<()> {
    let folder = std::env::args()
        .nth(1)
        .ok_or_else(|| anyhow::anyhow!("usage: speed DATA_DIR"))?;
    let (triage, redactor) = (Triage::standard(), Redactor::standard());
    println!("set\ttexts\tmean bytes\tsafety us\tprivacy us");
    for prefix in ["nhs_feedback_", "ade_sentences_", "pii_synthetic_"] {
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
        if texts.is_empty() {
            continue;
        }
        let bytes = texts.iter().map(String::len).sum::<usize>() / texts.len();
        let safety = fastest(&texts, |text| drop(black_box(triage.assess(text))));
        let privacy = fastest(&texts, |text| drop(black_box(redactor.redact(text))));
        println!(
            "{prefix}\t{}\t{bytes}\t{safety:.2}\t{privacy:.2}",
            texts.len()
        );
    }
    Ok(())
}
