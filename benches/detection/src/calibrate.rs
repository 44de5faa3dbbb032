//! Simulates the null distribution of the onset mixture and writes the table the statistics crate compiles in.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use auscult_statistics::count::NegativeBinomial;
use auscult_statistics::evidence::{Direction, Memory, ln_mixtures, ln_ratios};

const MEANS: [f64; 16] = [
    0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0, 25.0, 50.0, 100.0, 250.0, 1000.0, 10_000.0,
];
const EXCESSES: [f64; 9] = [0.02, 0.1, 0.3, 0.7, 1.5, 3.0, 6.0, 12.0, 30.0];
const TAILS: [f64; 13] = [
    0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 3e-4, 1e-4, 3e-5, 1e-5,
];
const DRAWS: usize = 1_500_000;

/// xorshift128+ with a fixed seed: the table is the same on every machine.
pub struct Chance([u64; 2]);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self([
            seed ^ 0x9E37_79B9_7F4A_7C15,
            seed.wrapping_mul(0xD1B5_4A32_D192_ED03) | 1,
        ])
    }

    /// Uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        let [mut first, second] = self.0;
        first ^= first << 23;
        first ^= (first >> 17) ^ second ^ (second >> 26);
        self.0 = [second, first];
        (first.wrapping_add(second) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Cumulative probabilities of the counts from `from` on.
pub struct Counts {
    from: usize,
    cumulative: Vec<f64>,
}

impl Counts {
    pub fn new(mean: f64, dispersion: f64) -> Self {
        let distribution = NegativeBinomial::new(mean, dispersion);
        let spread = (mean * dispersion).sqrt();
        let from = (mean - 9.0 * spread).max(0.0) as usize;
        let to = (mean + 9.0 * spread + 25.0 * dispersion) as usize + 10;
        let mut sum = 0.0;
        let cumulative = (from..to)
            .map(|count| {
                sum += distribution.ln_mass(count as f64).exp();
                sum
            })
            .collect();
        Self { from, cumulative }
    }

    pub fn draw(&self, chance: &mut Chance) -> usize {
        let uniform = chance.uniform();
        self.from
            + self
                .cumulative
                .partition_point(|sum| *sum < uniform)
                .min(self.cumulative.len() - 1)
    }
}

/// ln mixture at each tail, with mid-p at ties.
fn quantiles(
    mean: f64,
    excess: f64,
    memory: Memory,
    direction: Direction,
    chance: &mut Chance,
) -> Vec<f64> {
    let dispersion = 1.0 + excess;
    let counts = Counts::new(mean, dispersion);
    let ratios: Vec<f64> = (0..counts.cumulative.len())
        .map(|place| ln_ratios(mean, dispersion, (counts.from + place) as f64))
        .map(|ratios| match direction {
            Direction::Excess => ratios.excess,
            Direction::Deficit => ratios.deficit,
        })
        .collect();
    let mut recent = [0.0; 3];
    let mut values: Vec<f64> = (0..DRAWS)
        .map(|_| {
            recent.rotate_right(1);
            recent[0] = ratios[counts.draw(chance) - counts.from];
            match memory {
                Memory::Full => ln_mixtures(&recent).full,
                Memory::Capped => ln_mixtures(&recent).capped,
            }
        })
        .collect();
    values.sort_by(|left, right| right.total_cmp(left));
    // Distinct values with their mid-p, from the largest down.
    let mut points: Vec<(f64, f64)> = Vec::new();
    let mut start = 0;
    while start < values.len() {
        let mut end = start + 1;
        while end < values.len() && values[start] - values[end] < 1e-9 {
            end += 1;
        }
        points.push((
            (0.5 * (start + end) as f64 / DRAWS as f64).ln(),
            values[start],
        ));
        start = end;
    }
    TAILS
        .iter()
        .map(|tail| interpolate(&points, tail.ln()))
        .collect()
}

fn interpolate(points: &[(f64, f64)], ln_tail: f64) -> f64 {
    let index = points.partition_point(|point| point.0 < ln_tail);
    match (
        index.checked_sub(1).map(|before| points[before]),
        points.get(index),
    ) {
        (Some(left), Some(right)) => {
            left.1 + (right.1 - left.1) * (ln_tail - left.0) / (right.0 - left.0)
        }
        (None, Some(right)) => right.1,
        (Some(left), None) => left.1 - 1e-3 * (ln_tail - left.0),
        (None, None) => 0.0,
    }
}

/// Writes the table.
pub fn write(to: &Path) -> Result<()> {
    let mut text = String::from("which,mean,excess");
    for tail in TAILS {
        write!(text, ",{tail}")?;
    }
    text.push('\n');
    for (name, memory, direction) in [
        ("excess", Memory::Full, Direction::Excess),
        ("deficit", Memory::Full, Direction::Deficit),
        ("excess capped", Memory::Capped, Direction::Excess),
        ("deficit capped", Memory::Capped, Direction::Deficit),
    ] {
        for (row, mean) in MEANS.into_iter().enumerate() {
            for (column, excess) in EXCESSES.into_iter().enumerate() {
                let mut chance = Chance::new((row * 100 + column + 1) as u64);
                write!(text, "{name},{mean},{excess}")?;
                let mut last = f64::NEG_INFINITY;
                for value in quantiles(mean, excess, memory, direction, &mut chance) {
                    last = value.max(last);
                    write!(text, ",{last:.3}")?;
                }
                text.push('\n');
            }
        }
    }
    std::fs::write(to, text).with_context(|| format!("{} cannot be written", to.display()))
}
