//! What the shipped rules and models make of the hand-written sets; shared by the test that holds a floor and by the evaluation.
//!
//! The sets were written before they were first measured, and are not to be tuned on: a rule that is changed because of a line
//! here must be general, and the line stays.

use auscult_language::requests::{self, RequestKind};
use auscult_language::safety::Triage;
use auscult_language::sentiment;

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
}

impl Judged {
    fn add(&mut self, expected: &str, found: &str, text: &'static str) {
        self.all += 1;
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
const SAFETY: &str = include_str!("safety.tsv");
const SENTIMENT: &str = include_str!("sentiment.tsv");

/// Whether something is asked, and what.
pub fn asked() -> Judged {
    let mut judged = Judged::default();
    for cells in lines(REQUESTS) {
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
    let mut judged = Judged::default();
    for cells in lines(REQUESTS).filter(|cells| cells[1] != "-") {
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
