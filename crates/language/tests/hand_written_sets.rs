//! Floors under the hand-written sets. The figures themselves are in docs/evaluation.md.

#[path = "hand_written/judge.rs"]
mod judge;

use auscult_language::stance::Confusion;
use judge::Judged;

fn holds(judged: &Judged, least: f64) {
    let missed: Vec<String> = judged
        .misses
        .iter()
        .map(|miss| format!("  {} found as {}: {}", miss.expected, miss.found, miss.text))
        .collect();
    assert!(
        judged.share() >= least,
        "{} of {}, at least {least} expected:\n{}",
        judged.right,
        judged.all,
        missed.join("\n")
    );
}

#[test]
fn questions_and_requests_are_known() {
    holds(&judge::asked(), 0.93);
    holds(&judge::asked_in_development(), 0.95);
}

#[test]
fn medical_questions_go_to_medical_information() {
    holds(&judge::routed(), 0.9);
    holds(&judge::routed_in_development(), 0.97);
}

#[test]
fn patients_words_reach_the_safety_desk() {
    holds(&judge::triaged().0, 0.98);
}

#[test]
fn harmless_words_stay_away_from_it() {
    holds(&judge::triaged().1, 0.69);
}

#[test]
fn feeling_is_known_with_emoji_and_contrast() {
    holds(&judge::felt(), 0.79);
}

#[test]
fn every_kind_of_speaker_is_known() {
    let judged = judge::speakers();
    assert!(judged.macro_f1() >= 0.9, "macro-F1 {}", judged.macro_f1());
    holds(&judged, 0.9);
    holds(&judge::speakers_in_development(), 0.95);
}

fn together(matrices: &[(String, Confusion)]) -> Confusion {
    let mut all = Confusion::default();
    for (_, matrix) in matrices {
        for (into, row) in all.0.iter_mut().zip(matrix.0) {
            into.iter_mut()
                .zip(row)
                .for_each(|(cell, count)| *cell += count);
        }
    }
    all
}

#[test]
fn stances_agree_with_people() {
    let (matrices, _) = judge::stances();
    // Each belief is above the 0.6 that makes it measurable.
    for (belief, least) in [
        ("early-treatment", 0.7),
        ("biosimilars-equal", 0.85),
        ("oral-as-good", 0.75),
        ("side-effects-manageable", 0.65),
    ] {
        let matrix = matrices.iter().find(|(id, _)| id == belief);
        let kappa = matrix.map_or(0.0, |(_, matrix)| matrix.kappa());
        assert!(kappa >= least, "{belief}: kappa {kappa}");
    }
    let (matrices, judged) = judge::stances_in_development();
    assert!(together(&matrices).kappa() >= 0.9);
    holds(&judged, 0.95);
}
