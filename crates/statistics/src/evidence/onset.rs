//! Onset evidence for counts: a Shiryaev–Roberts mixture over onsets in the last three buckets.
//!
//! Decision: the product over buckets of negative-binomial likelihood ratios of a shift by 2.5 standard deviations, summed over
//! onsets one, two (double weight) and three buckets ago. On the development panels with known parameters it finds
//! 0.64 of outbreaks at a false-positive rate of 0.01; ratios of window sums find 0.59 and one bucket 0.56. The reason is
//! that the logarithm of a negative-binomial ratio grows slower than the count: one freak bucket cannot hold an alarm
//! up for three. The null distribution of the mixture depends on mean and dispersion; [`OnsetNull`] tabulates it.

use super::WINDOWS;
use crate::elementary::{exp, ln, ln_1p};
use crate::special::ln_rising;

/// Size of the shift, in standard deviations of a bucket.
const SHIFT: f64 = 2.5;
/// A deficit leaves at least this part of the mean.
const DEFICIT_FLOOR: f64 = 0.15;
/// Weights of an onset in this bucket, one and two buckets ago.
const ONSET_WEIGHT: [f64; WINDOWS] = [0.25, 0.5, 0.25];
/// The most that earlier buckets may multiply this one's ratio by, with capped memory: e³.
const MEMORY_CAP: f64 = 20.085_536_923_187_668;
/// Keeps an exponential finite.
const LARGEST_EXPONENT: f64 = 600.0;
/// The simulated null distributions, written by `auscult-bench-detection calibrate`.
const NULL_TABLE: &str = include_str!("onset_null.csv");
/// Simulated quantiles per cell.
const LEVELS: usize = 13;

/// Which way the change goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More than expected.
    Excess,
    /// Less than expected.
    Deficit,
}

/// ln likelihood ratios of a raised and of a lowered mean against the expected one, for one bucket.
///
/// With one dispersion all terms in the count alone cancel: what is left are rising factorials of the three sizes.
#[must_use]
pub fn ln_ratios(mean: f64, dispersion: f64, count: f64) -> OnsetRatios {
    let mean = mean.clamp(1e-9, 1e15);
    let excess = (dispersion - 1.0).max(1e-6);
    let deviation = libm::sqrt(mean * dispersion);
    let raised = mean + SHIFT * deviation;
    let lowered = (mean - SHIFT * deviation).max(DEFICIT_FLOOR * mean);
    let size = mean / excess;
    if size > 1e6 {
        let poisson = |shifted: f64| count * ln(shifted / mean) - (shifted - mean);
        return OnsetRatios {
            excess: poisson(raised),
            deficit: poisson(lowered),
        };
    }
    let expected = ln_rising(size, count);
    let unit = ln_1p(excess) / excess;
    let ratio =
        |shifted: f64| ln_rising(shifted / excess, count) - expected - (shifted - mean) * unit;
    OnsetRatios {
        excess: ratio(raised),
        deficit: ratio(lowered),
    }
}

/// ln likelihood ratios of one bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnsetRatios {
    /// Of an excess.
    pub excess: f64,
    /// Of a deficit.
    pub deficit: f64,
}

/// How much the buckets before this one may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// All they have: the alarm lasts as long as the outbreak does, and a little longer.
    Full,
    /// At most a factor e³: this bucket must speak too. Loses no detections and ends with the outbreak, but
    /// alarms on fewer of its buckets.
    Capped,
}

/// ln of the mixture with either memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnsetMixtures {
    /// See [`Memory::Full`].
    pub full: f64,
    /// See [`Memory::Capped`].
    pub capped: f64,
}

/// ln of the mixture over onsets, with full and with capped memory. `ratios[0]` is this bucket, then the ones before;
/// a shorter history gives fewer.
#[must_use]
pub fn ln_mixtures(ratios: &[f64]) -> OnsetMixtures {
    let Some((now, before)) = ratios.split_first() else {
        return OnsetMixtures {
            full: 0.0,
            capped: 0.0,
        };
    };
    // Onsets in this bucket, one and two ago, as factors on this bucket's own ratio.
    let (mut full, mut capped) = (ONSET_WEIGHT[0], ONSET_WEIGHT[0]);
    let mut product = 0.0;
    for (ratio, weight) in before.iter().zip(&ONSET_WEIGHT[1..]) {
        product += ratio;
        let factor = exp(product.min(LARGEST_EXPONENT));
        full += weight * factor;
        capped += weight * factor.min(MEMORY_CAP);
    }
    let all = now + ln(full);
    OnsetMixtures {
        full: all,
        capped: if capped == full {
            all
        } else {
            now + ln(capped)
        },
    }
}

/// Null distribution of the mixture, by mean and dispersion.
#[derive(Clone, Debug, PartialEq)]
pub struct OnsetNull {
    ln_means: Vec<f64>,
    ln_excesses: Vec<f64>,
    ln_tails: [f64; LEVELS],
    /// ln mixture at each level: [memory][direction][mean][excess][level].
    quantiles: Vec<[f32; LEVELS]>,
}

impl Default for OnsetNull {
    fn default() -> Self {
        Self::parse(NULL_TABLE)
    }
}

impl OnsetNull {
    /// Lines of `which, mean, excess, 13 quantiles`, in order; the header carries the tail probabilities.
    /// The only text ever given is the one compiled in, whose form a test holds; a malformed number reads as zero.
    fn parse(text: &str) -> Self {
        let number = |field: &str| field.trim().parse::<f64>().unwrap_or(0.0);
        let mut lines = text.lines();
        let mut ln_tails = [0.0; LEVELS];
        for (place, field) in ln_tails
            .iter_mut()
            .zip(lines.next().unwrap_or("").split(',').skip(3))
        {
            *place = ln(number(field));
        }
        let (mut ln_means, mut ln_excesses, mut quantiles) = (Vec::new(), Vec::new(), Vec::new());
        for line in lines {
            let mut fields = line.split(',').skip(1).map(number);
            let (mean, excess) = (
                ln(fields.next().unwrap_or(1.0)),
                ln(fields.next().unwrap_or(1.0)),
            );
            if !ln_means.contains(&mean) {
                ln_means.push(mean);
            }
            if !ln_excesses.contains(&excess) {
                ln_excesses.push(excess);
            }
            let mut row = [0.0_f32; LEVELS];
            for (place, value) in row.iter_mut().zip(fields) {
                *place = value as f32;
            }
            quantiles.push(row);
        }
        Self {
            ln_means,
            ln_excesses,
            ln_tails,
            quantiles,
        }
    }

    /// The null distribution at a mean and a dispersion.
    #[must_use]
    pub fn at(&self, mean: f64, dispersion: f64) -> OnsetCell<'_> {
        let (row, along_row) = place(&self.ln_means, ln(mean.max(1e-12)));
        let (column, along_column) = place(&self.ln_excesses, ln((dispersion - 1.0).max(1e-12)));
        OnsetCell {
            null: self,
            corner: row * self.ln_excesses.len() + column,
            weights: [
                (1.0 - along_row) * (1.0 - along_column),
                (1.0 - along_row) * along_column,
                along_row * (1.0 - along_column),
                along_row * along_column,
            ],
            // Three zeros are the strongest deficit there is.
            least_deficit: 0.5 * zeros(mean * WINDOWS as f64, dispersion),
        }
    }
}

/// The null distributions at one mean and dispersion, between four cells of the table.
#[derive(Clone, Copy, Debug)]
pub struct OnsetCell<'a> {
    null: &'a OnsetNull,
    corner: usize,
    weights: [f64; 4],
    least_deficit: f64,
}

impl OnsetCell<'_> {
    /// P(mixture ≥ the one seen) when nothing changes.
    #[must_use]
    pub fn p_value(&self, memory: Memory, direction: Direction, ln_mixture: f64) -> f64 {
        let width = self.null.ln_excesses.len();
        let block = 2 * usize::from(memory == Memory::Capped)
            + usize::from(direction == Direction::Deficit);
        let start = block * self.null.ln_means.len() * width + self.corner;
        let corners = [0, 1, width, width + 1].map(|offset| &self.null.quantiles[start + offset]);
        let quantile = |level: usize| -> f64 {
            corners
                .iter()
                .zip(self.weights)
                .map(|(corner, weight)| weight * f64::from(corner[level]))
                .sum()
        };
        // Ties: where counts are few, many levels share one value, known to three digits.
        let p = self.null.tail(quantile, ln_mixture - 0.01).clamp(0.0, 1.0);
        match direction {
            Direction::Excess => p,
            Direction::Deficit => p.max(self.least_deficit),
        }
    }
}

impl OnsetNull {
    fn tail(&self, quantile: impl Fn(usize) -> f64, ln_mixture: f64) -> f64 {
        let (mut low, mut high) = (0, LEVELS - 1);
        let first = quantile(0);
        if ln_mixture <= first {
            // Above the median nothing is at stake: from 1/2 towards 1 with the distance.
            return 1.0 - 0.5 * exp(2.0 * (ln_mixture - first));
        }
        while high - low > 1 {
            let middle = usize::midpoint(low, high);
            if quantile(middle) <= ln_mixture {
                low = middle
            } else {
                high = middle
            }
        }
        let (left, right) = (quantile(low), quantile(high));
        let slope = (self.ln_tails[high] - self.ln_tails[low]) / (right - left).max(1e-3);
        // Beyond the table a likelihood ratio's tail falls at least as fast as its inverse.
        let slope = if ln_mixture > right {
            slope.min(-1.0)
        } else {
            slope
        };
        let from = if ln_mixture > right {
            (right, self.ln_tails[high])
        } else {
            (left, self.ln_tails[low])
        };
        exp(from.1 + slope * (ln_mixture - from.0))
    }
}

/// P(no count at all).
fn zeros(mean: f64, dispersion: f64) -> f64 {
    let excess = (dispersion - 1.0).max(1e-9);
    exp(-mean * ln_1p(excess) / excess)
}

/// Cell and part of it at which a value lies, clamped to the grid.
fn place(grid: &[f64], value: f64) -> (usize, f64) {
    let last = grid.len() - 1;
    let value = value.clamp(grid[0], grid[last]);
    let cell = grid.partition_point(|point| *point <= value).clamp(1, last) - 1;
    (cell, (value - grid[cell]) / (grid[cell + 1] - grid[cell]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_whole() {
        let null = OnsetNull::default();
        assert_eq!(
            null.quantiles.len(),
            4 * null.ln_means.len() * null.ln_excesses.len()
        );
        assert!(null.ln_tails.windows(2).all(|pair| pair[1] < pair[0]));
        for row in &null.quantiles {
            assert!(row.windows(2).all(|pair| pair[1] >= pair[0]), "{row:?}");
        }
    }

    #[test]
    fn p_value_falls_with_the_mixture_and_stays_a_probability() {
        let null = OnsetNull::default();
        for mean in [1e-9, 0.1, 3.0, 1e9] {
            for dispersion in [1.0, 2.0, 1e6] {
                let mut last = 1.0;
                for step in -40..400 {
                    let p = null.at(mean, dispersion).p_value(
                        Memory::Full,
                        Direction::Excess,
                        f64::from(step) * 0.25,
                    );
                    assert!(
                        p <= last && (0.0..=1.0).contains(&p),
                        "{mean} {dispersion} {step}: {p} after {last}"
                    );
                    last = p;
                }
            }
        }
    }

    #[test]
    fn a_longer_excess_weighs_more() {
        let ratio = ln_ratios(5.0, 1.5, 11.0).excess;
        let held = ln_mixtures(&[ratio, ratio, ratio]);
        let lone = ln_mixtures(&[ratio, -ratio, -ratio]);
        assert!(ratio > 0.0 && held.full > lone.full && held.capped <= held.full);
        assert!(ln_ratios(5.0, 1.5, 0.0).deficit > 0.0);
    }

    #[test]
    fn ratios_are_those_of_the_masses() {
        use crate::count::NegativeBinomial;
        for (mean, dispersion, count) in [
            (0.3, 1.5, 2.0),
            (20.0, 3.0, 31.0),
            (700.0, 1.2, 640.0),
            (5.0, 1.0, 9.0),
        ] {
            let expected =
                NegativeBinomial::new(mean + 2.5 * f64::sqrt(mean * dispersion), dispersion)
                    .ln_mass(count)
                    - NegativeBinomial::new(mean, dispersion).ln_mass(count);
            assert!(
                (ln_ratios(mean, dispersion, count).excess - expected).abs()
                    < 1e-4 * (1.0 + expected.abs())
            );
        }
    }
}
