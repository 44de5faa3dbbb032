//! What the shipped rules and models make of the hand-written sets; shared by the test that holds a floor and by the evaluation.
//!
//! The sets were written before they were first measured, and are not to be tuned on: a rule that is changed because of a line
//! here must be general, and the line stays.

use auscult_language::requests::{self, RequestKind};
use auscult_language::safety::Triage;
use auscult_language::sentiment;
use auscult_language::speaker;
use auscult_language::stance::{BeliefSet, Confusion, Stance};
use std::collections::BTreeMap;

/// One line that came out another way than it should.
pub struct Miss {
    pub expected: String,
    pub found: String,
    pub text: &'static str,
}

/// Right answers of all, and what was wrong.
#[derive(Default)]
pub struct Judged {
    pub right: usize,
    pub all: usize,
    pub misses: Vec<Miss>,
    /// How often each expected answer came out as each.
    pub matrix: BTreeMap<(String, String), usize>,
}

impl Judged {
    fn add(&mut self, expected: &str, found: &str, text: &'static str) {
        self.all += 1;
        *self
            .matrix
            .entry((expected.to_owned(), found.to_owned()))
            .or_default() += 1;
        if expected == found {
            self.right += 1;
        } else {
            self.misses.push(Miss {
                expected: expected.to_owned(),
                found: found.to_owned(),
                text,
            });
        }
    }

    /// Mean of the F1 of every expected answer.
    pub fn macro_f1(&self) -> f64 {
        let sum = |holds: &dyn Fn(&str, &str) -> bool| -> usize {
            let counted = self
                .matrix
                .iter()
                .filter(|((expected, found), _)| holds(expected, found));
            counted.map(|(_, count)| count).sum()
        };
        let kinds: std::collections::BTreeSet<&str> = self
            .matrix
            .keys()
            .map(|(expected, _)| expected.as_str())
            .collect();
        let f1 = kinds.iter().map(|kind| {
            let hit = sum(&|expected, found| expected == *kind && found == *kind);
            let wrong = sum(&|expected, found| (expected == *kind) != (found == *kind));
            2.0 * hit as f64 / (2 * hit + wrong).max(1) as f64
        });
        f1.sum::<f64>() / kinds.len().max(1) as f64
    }

    /// Share of right answers.
    pub fn share(&self) -> f64 {
        self.right as f64 / self.all.max(1) as f64
    }
}

/// Lines of a set: its cells.
fn lines(set: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    set.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split('\t').collect())
}

const REQUESTS: &str = include_str!("requests.tsv");
const REQUESTS_DEVELOPMENT: &str = include_str!("requests_development.tsv");
const SAFETY: &str = include_str!("safety.tsv");
const SENTIMENT: &str = include_str!("sentiment.tsv");
const SPEAKER: &str = include_str!("speaker.tsv");
const SPEAKER_DEVELOPMENT: &str = include_str!("speaker_development.tsv");
const STANCE: &str = include_str!("stance.tsv");
const STANCE_DEVELOPMENT: &str = include_str!("stance_development.tsv");
const BELIEFS: &str = include_str!("../../../../deploy/beliefs.example.toml");

/// Whether something is asked, and what.
pub fn asked() -> Judged {
    asked_in(REQUESTS)
}

/// The same on the list the rules were worked on with.
pub fn asked_in_development() -> Judged {
    asked_in(REQUESTS_DEVELOPMENT)
}

fn asked_in(set: &'static str) -> Judged {
    let mut judged = Judged::default();
    for cells in lines(set) {
        let found = match requests::find(cells[2]).first().map(|one| one.kind) {
            None => "none",
            Some(RequestKind::Question) => "question",
            Some(RequestKind::Request) => "request",
        };
        judged.add(cells[0], found, cells[2]);
    }
    judged
}

/// Where what is asked must go: medical information or the office.
pub fn routed() -> Judged {
    routed_in(REQUESTS)
}

/// The same on the list the rules were worked on with.
pub fn routed_in_development() -> Judged {
    routed_in(REQUESTS_DEVELOPMENT)
}

fn routed_in(set: &'static str) -> Judged {
    let mut judged = Judged::default();
    for cells in lines(set).filter(|cells| cells[1] != "-") {
        let medical = requests::find(cells[2]).iter().any(|one| one.medical);
        judged.add(
            cells[1],
            if medical { "medical" } else { "office" },
            cells[2],
        );
    }
    judged
}

/// What the safety desk sees: of the texts it must see, and of those it need not.
pub fn triaged() -> (Judged, Judged) {
    let triage = Triage::standard();
    let (mut sent, mut kept) = (Judged::default(), Judged::default());
    for cells in lines(SAFETY) {
        let found = if triage.assess(cells[2]).is_candidate {
            "send"
        } else {
            "keep"
        };
        let judged = if cells[0] == "send" {
            &mut sent
        } else {
            &mut kept
        };
        judged.add(cells[0], found, cells[2]);
    }
    (sent, kept)
}

/// Feeling within this much of zero, in thousandths, is neutral.
const NEUTRAL: i16 = 100;

/// Feeling in three kinds.
pub fn felt() -> Judged {
    let mut judged = Judged::default();
    for cells in lines(SENTIMENT) {
        let found = match sentiment::score(cells[1], &[]).overall.unwrap_or(0) {
            score if score > NEUTRAL => "good",
            score if score < -NEUTRAL => "bad",
            _ => "neutral",
        };
        judged.add(cells[0], found, cells[1]);
    }
    judged
}

/// Who speaks, of all kinds of speaker and of texts that do not say.
pub fn speakers() -> Judged {
    who_speaks(SPEAKER)
}

/// The same on the list the rules were worked on with.
pub fn speakers_in_development() -> Judged {
    who_speaks(SPEAKER_DEVELOPMENT)
}

fn who_speaks(set: &'static str) -> Judged {
    let mut judged = Judged::default();
    for cells in lines(set) {
        judged.add(cells[0], speaker::guess(cells[1]).stakeholder, cells[1]);
    }
    judged
}

/// Stances toward the shipped example of beliefs: a confusion matrix a belief, and what came out wrong.
pub fn stances() -> (Vec<(String, Confusion)>, Judged) {
    stances_in(STANCE)
}

/// The same on the list the rules were worked on with.
pub fn stances_in_development() -> (Vec<(String, Confusion)>, Judged) {
    stances_in(STANCE_DEVELOPMENT)
}

fn stances_in(set: &'static str) -> (Vec<(String, Confusion)>, Judged) {
    let beliefs = BeliefSet::from_toml(BELIEFS).expect("the shipped example is well formed");
    let mut matrices: Vec<(String, Confusion)> = beliefs
        .beliefs()
        .iter()
        .map(|belief| (belief.id.clone(), Confusion::default()))
        .collect();
    let mut judged = Judged::default();
    for cells in lines(set) {
        let at = matrices
            .iter()
            .position(|(id, _)| id == cells[0])
            .expect("the set names a belief of the example");
        let truth = Stance::parse(cells[1]).expect("the set spells stances as the wire does");
        let found = beliefs
            .stances(cells[2])
            .iter()
            .find(|hit| usize::from(hit.belief) == at)
            .map_or(Stance::NotExpressed, |hit| hit.stance);
        matrices[at].1.add(truth, found);
        judged.add(truth.as_str(), found.as_str(), cells[2]);
    }
    (matrices, judged)
}
