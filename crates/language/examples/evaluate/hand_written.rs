//! The hand-written sets of a hundred texts each, by the shipped rules and models.

use crate::report::Report;

#[path = "../../tests/hand_written/judge.rs"]
mod judge;

pub fn run(report: &mut Report) -> Result<(), String> {
    let (sent, kept) = judge::triaged();
    let sets = [
        (
            "hand-written: question, request or neither",
            "requests.tsv",
            judge::asked(),
            "",
        ),
        (
            "hand-written: medical or office",
            "requests.tsv",
            judge::routed(),
            "",
        ),
        (
            "hand-written: safety, sent that must be",
            "safety.tsv",
            sent,
            "≥ 0.97",
        ),
        (
            "hand-written: safety, kept that may be",
            "safety.tsv",
            kept,
            "stated",
        ),
        (
            "hand-written: good, bad or neutral",
            "sentiment.tsv",
            judge::felt(),
            "",
        ),
    ];
    let detail = std::env::args().any(|argument| argument == "--detail");
    for (task, set, judged, target) in sets {
        report.add(
            task,
            set,
            "never trained or tuned on",
            format!("{:.3} ({}/{})", judged.share(), judged.right, judged.all),
            target,
        );
        for miss in judged.misses.iter().filter(|_| detail) {
            eprintln!("  {} found as {}: {}", miss.expected, miss.found, miss.text);
        }
    }
    Ok(())
}
