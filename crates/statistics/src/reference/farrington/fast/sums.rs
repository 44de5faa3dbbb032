//! Sums that make a step of the fast regression cheap: running totals for the first step, geometric series
//! for the later ones.

use crate::elementary::{exp, ln};
use std::ops::AddAssign;

use super::super::references::Run;

/// Sums over neighbouring references at the start μ = y + 0.1, times counted from a centre.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FirstSums {
    pub counted: f64,
    pub counted_time: f64,
    pub weight: f64,
    pub weight_time: f64,
    pub weight_time_square: f64,
    /// Working response times its weight.
    pub response: f64,
    pub response_time: f64,
    /// y ln y, the part of the deviance that no coefficient changes.
    pub saturated: f64,
    pub half_deviance: f64,
}

impl AddAssign for FirstSums {
    fn add_assign(&mut self, other: FirstSums) {
        self.counted += other.counted;
        self.counted_time += other.counted_time;
        self.weight += other.weight;
        self.weight_time += other.weight_time;
        self.weight_time_square += other.weight_time_square;
        self.response += other.response;
        self.response_time += other.response_time;
        self.saturated += other.saturated;
        self.half_deviance += other.half_deviance;
    }
}

/// A series' counts, and running totals of [`FirstSums`] with times counted from its beginning.
pub(in super::super) struct PreparedCounts {
    counts: Vec<f64>,
    /// Totals before each place: one entry more than counts.
    totals: Vec<FirstSums>,
}

impl PreparedCounts {
    pub(in super::super) fn new(counts: &[u64]) -> Self {
        let counts: Vec<f64> = counts.iter().map(|count| *count as f64).collect();
        let mut total = FirstSums::default();
        let mut totals = Vec::with_capacity(counts.len() + 1);
        totals.push(total);
        for (place, &count) in counts.iter().enumerate() {
            let (time, weight) = (place as f64, count + 0.1);
            let ln_weight = ln(weight);
            let response = weight * ln_weight - 0.1;
            let saturated = if count > 0.0 { count * ln(count) } else { 0.0 };
            total += FirstSums {
                counted: count,
                counted_time: count * time,
                weight,
                weight_time: weight * time,
                weight_time_square: weight * time * time,
                response,
                response_time: response * time,
                saturated,
                half_deviance: saturated - count * ln_weight + 0.1,
            };
            totals.push(total);
        }
        Self { counts, totals }
    }

    pub(super) fn count(&self, place: usize) -> f64 {
        self.counts[place]
    }

    pub(super) fn counts(&self, run: &Run) -> &[f64] {
        &self.counts[run.start..run.end]
    }

    /// Whether any count of the references is `mean` or more; the first one that is will do.
    pub(super) fn reach(&self, runs: &[Run], mean: f64) -> bool {
        runs.iter()
            .flat_map(|run| self.counts(run))
            .any(|count| *count >= mean)
    }

    /// The sums over `start..end` with times counted from `centre`.
    pub(super) fn first_sums(&self, start: usize, end: usize, centre: f64) -> FirstSums {
        let (before, after) = (&self.totals[start], &self.totals[end]);
        let counted = after.counted - before.counted;
        let weight = after.weight - before.weight;
        let weight_time = after.weight_time - before.weight_time;
        let weight_time_square = after.weight_time_square - before.weight_time_square;
        let response = after.response - before.response;
        FirstSums {
            counted,
            counted_time: after.counted_time - before.counted_time - centre * counted,
            weight,
            weight_time: weight_time - centre * weight,
            weight_time_square: weight_time_square - centre * (2.0 * weight_time - centre * weight),
            response,
            response_time: after.response_time - before.response_time - centre * response,
            saturated: after.saturated - before.saturated,
            half_deviance: after.half_deviance - before.half_deviance,
        }
    }
}

/// Sums of a geometric series gʲ over j = 0 … length − 1.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct GeometricSums {
    /// Σ gʲ.
    pub zeroth: f64,
    /// Σ j gʲ.
    pub first: f64,
    /// Σ j² gʲ.
    pub second: f64,
    /// g to the length.
    pub growth: f64,
}

/// Geometric sums for every length met so far, at one growth.
#[derive(Default)]
pub(super) struct RunSums {
    factor: f64,
    by_length: Vec<GeometricSums>,
}

impl RunSums {
    /// Starts anew with the growth of a slope.
    pub(super) fn prepare(&mut self, slope: f64) {
        self.factor = exp(slope);
        self.by_length.clear();
        self.by_length.push(GeometricSums {
            growth: 1.0,
            ..GeometricSums::default()
        });
    }

    /// The sums of a run of this length; longer lengths are added as they are met.
    pub(super) fn of(&mut self, length: usize) -> GeometricSums {
        while self.by_length.len() <= length {
            let place = self.by_length.len() - 1;
            let (last, index) = (self.by_length[place], place as f64);
            self.by_length.push(GeometricSums {
                zeroth: last.zeroth + last.growth,
                first: last.first + index * last.growth,
                second: last.second + index * index * last.growth,
                growth: last.growth * self.factor,
            });
        }
        self.by_length[length]
    }
}
