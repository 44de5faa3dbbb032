//! A small excess spread over a lattice: 16 extra cases over 10 of 240 leaves in one week.
//!
//! Decision: every node of a lattice of three dimensions has a series of its own, as in the product, and learns its baseline
//! from two years of history; the week's strongest node is the portfolio's evidence. The threshold is the strongest
//! node's 95 % point over quiet weeks of other simulated portfolios, so that a week raises a false alarm in one case
//! of twenty, whatever the correlation between nodes. Beside it, the leaves alone, and both with baselines known.

use std::fmt::Write as _;

use anyhow::Result;
use auscult_statistics::count::{BucketContext, CountModel, NegativeBinomial, Prior, Season};

use crate::calibrate::{Chance, Counts};
use crate::measures::share;
use crate::run::default_model;

/// Values in each dimension; a pair of the first two holds ten leaves.
const DIMENSIONS: [usize; 3] = [4, 6, 10];
const LEAVES: usize = 240;
const EXTRA: usize = 16;
/// Median weekly count of a leaf, and the spread of its logarithm.
const LEAF_MEDIAN: f64 = 0.33;
const LEAF_SPREAD: f64 = 1.0;
const DISPERSION: f64 = 1.2;
const HISTORY: usize = 104;
/// Judged weeks of each simulated portfolio, each tried quiet and with the excess.
const WEEKS: usize = 20;
/// Portfolios that set the threshold, and that are judged by it.
const PORTFOLIOS: usize = 40;
const FAMILY_WISE: f64 = 0.05;
/// Amplitude of the yearly wave on the log scale.
const WAVE: f64 = 0.3;

/// A node: the leaves under it, and its series.
struct Node {
    leaves: Vec<usize>,
    is_leaf: bool,
}

/// All combinations of "any" and each value.
fn nodes() -> Vec<Node> {
    let choices = DIMENSIONS.map(|size| std::iter::once(None).chain((0..size).map(Some)));
    let [first, second, third] = choices;
    let mut all = Vec::new();
    for one in first {
        for two in second.clone() {
            for three in third.clone() {
                let wanted = [one, two, three];
                let leaves = (0..LEAVES)
                    .filter(|leaf| {
                        let values = [leaf / 60, leaf / 10 % 6, leaf % 10];
                        wanted
                            .iter()
                            .zip(values)
                            .all(|(wanted, value)| wanted.is_none_or(|wanted| wanted == value))
                    })
                    .collect();
                all.push(Node {
                    leaves,
                    is_leaf: wanted.iter().all(Option::is_some),
                });
            }
        }
    }
    all
}

/// What judges a week.
pub const JUDGES: [&str; 4] = [
    "leaves only, baselines known",
    "lattice, baselines known",
    "leaves only, baselines estimated",
    "lattice, baselines estimated",
];

/// Strongest evidence of a week by judge: −ln p.
type Strongest = [f64; 4];

fn normal(chance: &mut Chance) -> f64 {
    let (first, second) = (1.0 - chance.uniform(), chance.uniform());
    (-2.0 * first.ln()).sqrt() * (std::f64::consts::TAU * second).cos()
}

fn wave(week: usize) -> f64 {
    (WAVE * (std::f64::consts::TAU * week as f64 / 52.0).cos()).exp()
}

/// Evidence of every node of one week.
fn strongest<'a>(nodes: impl Iterator<Item = (&'a Node, f64, f64)>) -> Strongest {
    let mut best = [0.0_f64; 4];
    for (node, known, estimated) in nodes {
        let judges: &[usize] = if node.is_leaf { &[0, 1] } else { &[1] };
        for judge in judges {
            best[*judge] = best[*judge].max(known);
            best[*judge + 2] = best[*judge + 2].max(estimated);
        }
    }
    best
}

/// One portfolio: the strongest evidence of each judged week, quiet and with the excess.
fn portfolio(model: &CountModel, nodes: &[Node], seed: u64) -> Vec<(Strongest, Strongest)> {
    let mut chance = Chance::new(seed);
    let means: Vec<f64> = (0..LEAVES)
        .map(|_| LEAF_MEDIAN * (LEAF_SPREAD * normal(&mut chance)).exp())
        .collect();
    let mut states: Vec<_> = nodes.iter().map(|_| model.start(&Prior::vague())).collect();
    let mut weeks = Vec::new();
    for week in 0..HISTORY + WEEKS {
        let leaves: Vec<u64> = means
            .iter()
            .map(|mean| Counts::new(mean * wave(week), DISPERSION).draw(&mut chance) as u64)
            .collect();
        let context = BucketContext::plain(week as i64, 0);
        let count =
            |node: &Node, counts: &[u64]| node.leaves.iter().map(|leaf| counts[*leaf]).sum();
        if week >= HISTORY {
            let pair = (chance.uniform() * 24.0) as usize;
            let mut struck = leaves.clone();
            for _ in 0..EXTRA {
                struck[pair * 10 + (chance.uniform() * 10.0) as usize] += 1;
            }
            let judged = |counts: &[u64], overlapping: bool| {
                strongest(nodes.iter().zip(&states).filter_map(|(node, state)| {
                    let holds = |leaf: &usize| leaf / 10 == pair;
                    if overlapping && !node.leaves.iter().any(holds) {
                        return None;
                    }
                    let seen: u64 = count(node, counts);
                    let mean: f64 = node
                        .leaves
                        .iter()
                        .map(|leaf| means[*leaf] * wave(week))
                        .sum();
                    let known = NegativeBinomial::new(mean, DISPERSION)
                        .tails(seen as f64)
                        .upper;
                    let evidence = model.step(&mut state.clone(), &context, Some(seen));
                    let score = |p: f64| -p.max(1e-300).ln();
                    Some((node, score(known), score(evidence.judgement.p_upper)))
                }))
            };
            weeks.push((judged(&leaves, false), judged(&struck, true)));
        }
        for (node, state) in nodes.iter().zip(&mut states) {
            model.step(state, &context, Some(count(node, &leaves)));
        }
    }
    weeks
}

/// Power of each judge, and the share of quiet weeks in which it raised a false alarm.
pub struct Power {
    pub found: [f64; 4],
    pub false_weeks: [f64; 4],
}

/// Simulates portfolios: the odd ones set the threshold, the even ones are judged.
pub fn judge() -> Result<Power> {
    let model = default_model(Season {
        phases: 1,
        buckets_per_year: 52.0,
    })?;
    let nodes = nodes();
    let run = |first: usize| -> Vec<(Strongest, Strongest)> {
        (0..PORTFOLIOS)
            .flat_map(|place| portfolio(&model, &nodes, (2 * place + first) as u64))
            .collect()
    };
    let (calibration, judged) = (run(1), run(2));
    let mut power = Power {
        found: [0.0; 4],
        false_weeks: [0.0; 4],
    };
    for judge in 0..JUDGES.len() {
        let mut quiet: Vec<f64> = calibration.iter().map(|(quiet, _)| quiet[judge]).collect();
        quiet.sort_by(|left, right| right.total_cmp(left));
        let threshold = quiet[(FAMILY_WISE * quiet.len() as f64) as usize];
        let over = |value: fn(&(Strongest, Strongest)) -> Strongest| {
            let count = judged.iter().filter(|week| value(week)[judge] > threshold);
            share(count.count(), judged.len())
        };
        power.found[judge] = over(|week| week.1);
        power.false_weeks[judge] = over(|week| week.0);
    }
    Ok(power)
}

impl Power {
    /// The section of the report.
    pub fn report(&self) -> Result<String> {
        let mut text = format!(
            "{EXTRA} extra cases over the 10 leaves of one pair of values, of {LEAVES} leaves (median {LEAF_MEDIAN} a week, log spread {LEAF_SPREAD}, \
             dispersion {DISPERSION}, yearly wave), in one week. Every node of the {}×{}×{} lattice is a series that learnt from {HISTORY} weeks; the week's \
             strongest node speaks. Threshold: {FAMILY_WISE} of quiet weeks of other portfolios; {} weeks of {PORTFOLIOS} portfolios judged. \
             Found: a node that shares leaves with the excess is over the threshold.\n\n\
             | judge | power | quiet weeks with a false alarm |\n|---|---|---|\n",
            DIMENSIONS[0],
            DIMENSIONS[1],
            DIMENSIONS[2],
            PORTFOLIOS * WEEKS,
        );
        for (place, judge) in JUDGES.iter().enumerate() {
            writeln!(
                text,
                "| {judge} | {:.3} | {:.3} |",
                self.found[place], self.false_weeks[place]
            )?;
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_leaf_is_under_eight_nodes_and_one_of_them_is_itself() {
        let nodes = nodes();
        assert_eq!(nodes.len(), 5 * 7 * 11);
        for leaf in [0, 59, 117, 239] {
            let over: Vec<&Node> = nodes
                .iter()
                .filter(|node| node.leaves.contains(&leaf))
                .collect();
            assert_eq!(over.len(), 8);
            assert_eq!(over.iter().filter(|node| node.is_leaf).count(), 1);
        }
    }
}
