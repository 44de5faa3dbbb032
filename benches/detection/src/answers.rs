//! Learning from answers: what two hundred of them, one in twenty wrong, do for those who are notified.
//!
//! Decision: the product's own rule, `score × posterior mean of the view's usefulness` under a daily attention budget
//! (`auscult-core`: `learn`, `lifecycle`), on simulated days with more candidates than the budget. Evidence does not tell
//! useful from useless here: a real change that interests nobody has as small a p-value as one that does. Recall counts
//! useful candidates that notify; the others are not lost, they are listed. Where all views are equally
//! useful there is nothing to learn: what recall is lost there is the price of the noise.

use std::fmt::Write as _;

use anyhow::Result;
use auscult_statistics::learning::BetaPosterior;

use crate::calibrate::{Chance, Counts};
use crate::measures::share;

const VIEWS: usize = 8;
/// Mean candidates a day, and how many of them may notify (the default setting).
const CANDIDATES: f64 = 20.0;
const BUDGET: usize = 10;
const ANSWERS: usize = 200;
const WRONG: f64 = 0.05;
/// Days judged after the answers, in each simulated portfolio.
const DAYS: usize = 100;
const PORTFOLIOS: usize = 100;

/// One candidate signal.
struct Candidate {
    view: usize,
    score: f64,
    is_useful: bool,
}

fn day(usefulness: &[f64; VIEWS], chance: &mut Chance) -> Vec<Candidate> {
    let count = Counts::new(CANDIDATES, 1.0).draw(chance);
    (0..count)
        .map(|_| {
            let view = (chance.uniform() * VIEWS as f64) as usize;
            // p between 1e-3 and 1e-12, as the product scores it.
            let decades = 3.0 + 9.0 * chance.uniform();
            Candidate {
                view,
                score: 1.0 - (-decades / 6.0).exp(),
                is_useful: chance.uniform() < usefulness[view],
            }
        })
        .collect()
}

/// Who notifies: the highest ranks within the budget.
fn notified<'a>(day: &'a [Candidate], learnt: &[BetaPosterior; VIEWS]) -> Vec<&'a Candidate> {
    let rank = |candidate: &Candidate| candidate.score * learnt[candidate.view].mean();
    let mut ranked: Vec<&Candidate> = day.iter().collect();
    ranked.sort_by(|left, right| rank(right).total_cmp(&rank(left)));
    ranked.truncate(BUDGET);
    ranked
}

/// Useful and all notifications, and useful candidates.
#[derive(Clone, Copy, Default)]
struct Tally {
    useful: usize,
    notified: usize,
    candidates: usize,
}

impl Tally {
    fn add(&mut self, day: &[Candidate], learnt: &[BetaPosterior; VIEWS]) {
        let sent = notified(day, learnt);
        self.notified += sent.len();
        self.useful += sent.iter().filter(|candidate| candidate.is_useful).count();
        self.candidates += day.iter().filter(|candidate| candidate.is_useful).count();
    }
}

/// Precision and recall before and after the answers.
#[derive(Clone, Copy, Debug)]
pub struct Learnt {
    pub precision: [f64; 2],
    pub recall: [f64; 2],
}

impl Learnt {
    /// How much the precision grew, relative.
    pub fn gain(&self) -> f64 {
        self.precision[1] / self.precision[0] - 1.0
    }

    /// Recall lost; negative where it grew.
    pub fn lost(&self) -> f64 {
        self.recall[0] - self.recall[1]
    }
}

fn portfolios(usefulness: impl Fn(&mut Chance) -> [f64; VIEWS]) -> Learnt {
    let (mut before, mut after) = (Tally::default(), Tally::default());
    for seed in 0..PORTFOLIOS {
        let mut chance = Chance::new(1300 + seed as u64);
        let usefulness = usefulness(&mut chance);
        let nothing = [BetaPosterior::uniform(); VIEWS];
        let mut learnt = nothing;
        let mut answers = 0;
        while answers < ANSWERS {
            let today = day(&usefulness, &mut chance);
            for candidate in notified(&today, &learnt) {
                let is_wrong = chance.uniform() < WRONG;
                learnt[candidate.view].observe(candidate.is_useful != is_wrong);
                answers += 1;
            }
        }
        for _ in 0..DAYS {
            let today = day(&usefulness, &mut chance);
            before.add(&today, &nothing);
            after.add(&today, &learnt);
        }
    }
    let both = [before, after];
    Learnt {
        precision: both.map(|tally| share(tally.useful, tally.notified)),
        recall: both.map(|tally| share(tally.useful, tally.candidates)),
    }
}

/// Views that differ in use, and views that do not.
pub struct Answers {
    pub differing: Learnt,
    pub alike: Learnt,
}

/// Simulates both.
pub fn judge() -> Answers {
    Answers {
        // Uniform: some views are mostly noise to their readers, some mostly news.
        differing: portfolios(|chance| std::array::from_fn(|_| chance.uniform())),
        alike: portfolios(|_| [0.5; VIEWS]),
    }
}

impl Answers {
    /// The section of the report.
    pub fn report(&self) -> Result<String> {
        let mut text = format!(
            "{VIEWS} views, {CANDIDATES} candidates a day of which {BUDGET} notify, {ANSWERS} answers of which {WRONG} are wrong; then {DAYS} days. \
             {PORTFOLIOS} simulated portfolios. Recall: share of the useful candidates that notify.\n\n\
             | usefulness of the views | precision before | after | gain | recall before | after |\n|---|---|---|---|---|---|\n"
        );
        for (name, learnt) in [
            ("between 0 and 1", &self.differing),
            ("all one half", &self.alike),
        ] {
            writeln!(
                text,
                "| {name} | {:.3} | {:.3} | {:+.1} % | {:.3} | {:.3} |",
                learnt.precision[0],
                learnt.precision[1],
                100.0 * learnt.gain(),
                learnt.recall[0],
                learnt.recall[1]
            )?;
        }
        Ok(text)
    }
}
