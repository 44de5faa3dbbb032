//! The hand-written sets of a hundred texts each, by the shipped rules and models.

use crate::report::Report;
use auscult_language::stance::Confusion;

/// What the sets that are measured have to do with the rules.
const TEST: &str = "written first; whoever wrote the rules knew it: an upper bound";
const DEVELOPMENT: &str = "rules worked on with it";

#[path = "../../tests/hand_written/judge.rs"]
mod judge;

pub fn run(report: &mut Report) -> Result<(), String> {
    let (sent, kept) = judge::triaged();
    const NEVER: &str = "never trained or tuned on";
    let sets = [
        (
            "hand-written: question, request or neither",
            "requests.tsv",
            NEVER,
            judge::asked(),
            "",
        ),
        (
            "hand-written: medical or office",
            "requests.tsv",
            NEVER,
            judge::routed(),
            "",
        ),
        (
            "hand-written: question, request or neither",
            "requests_development.tsv",
            DEVELOPMENT,
            judge::asked_in_development(),
            "",
        ),
        (
            "hand-written: medical or office",
            "requests_development.tsv",
            DEVELOPMENT,
            judge::routed_in_development(),
            "",
        ),
        (
            "hand-written: safety, sent that must be",
            "safety.tsv",
            NEVER,
            sent,
            "≥ 0.97",
        ),
        (
            "hand-written: safety, kept that may be",
            "safety.tsv",
            NEVER,
            kept,
            "stated",
        ),
        (
            "hand-written: good, bad or neutral",
            "sentiment.tsv",
            NEVER,
            judge::felt(),
            "",
        ),
    ];
    for (task, set, split, judged, target) in sets {
        report.add(
            task,
            set,
            split,
            format!("{:.3} ({}/{})", judged.share(), judged.right, judged.all),
            target,
        );
        tell_misses(&judged);
    }
    who_speaks(report);
    what_is_believed(report);
    Ok(())
}

fn tell_misses(judged: &judge::Judged) {
    let detail = std::env::args().any(|argument| argument == "--detail");
    for miss in judged.misses.iter().filter(|_| detail) {
        eprintln!("  {} found as {}: {}", miss.expected, miss.found, miss.text);
    }
}

fn who_speaks(report: &mut Report) {
    for (set, split, judged, target) in [
        ("speaker.tsv", TEST, judge::speakers(), "macro-F1 ≥ 0.8"),
        (
            "speaker_development.tsv",
            DEVELOPMENT,
            judge::speakers_in_development(),
            "",
        ),
    ] {
        let figure = format!(
            "macro-F1 {:.3}, right {:.3} ({}/{})",
            judged.macro_f1(),
            judged.share(),
            judged.right,
            judged.all
        );
        report.add("hand-written: who speaks", set, split, figure, target);
        tell_misses(&judged);
    }
}

fn what_is_believed(report: &mut Report) {
    for (set, split, (matrices, judged), target) in [
        ("stance.tsv", TEST, judge::stances(), "kappa ≥ 0.6"),
        (
            "stance_development.tsv",
            DEVELOPMENT,
            judge::stances_in_development(),
            "",
        ),
    ] {
        for (belief, matrix) in &matrices {
            let rows: Vec<String> = matrix
                .0
                .iter()
                .map(|row| row.map(|count| count.to_string()).join(" "))
                .collect();
            let figure = format!(
                "kappa {:.3}; found by said: {}",
                matrix.kappa(),
                rows.join(", ")
            );
            report.add(
                "hand-written: stance",
                &format!("{set}, {belief}"),
                split,
                figure,
                target,
            );
        }
        let all = matrices
            .iter()
            .fold(Confusion::default(), |mut sum, (_, matrix)| {
                for (into, row) in sum.0.iter_mut().zip(matrix.0) {
                    into.iter_mut()
                        .zip(row)
                        .for_each(|(cell, count)| *cell += count);
                }
                sum
            });
        let figure = format!(
            "kappa {:.3}, right {:.3} ({}/{})",
            all.kappa(),
            judged.share(),
            judged.right,
            judged.all
        );
        report.add(
            "hand-written: stance",
            &format!("{set}, all"),
            split,
            figure,
            target,
        );
        tell_misses(&judged);
    }
}
