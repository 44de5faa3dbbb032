//! Floors under the hand-written sets. The figures themselves are in docs/evaluation.md.

#[path = "hand_written/judge.rs"]
mod judge;

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
    holds(&judge::asked(), 0.94);
}

#[test]
fn medical_questions_go_to_medical_information() {
    holds(&judge::routed(), 0.85);
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
