//! Where a young series starts: from nothing, or from its parent.

use super::state::CountState;

/// What is believed about a series before its first bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct Prior {
    /// Expected count of a bucket with exposure 1.
    pub mean: f64,
    /// Ratio of variance to mean.
    pub dispersion: f64,
    /// How many buckets of history the mean and the dispersion are worth; 0 is nothing known.
    pub weight: f64,
    /// Yearly harmonics on the log scale (cos, sin, cos 2, sin 2) and how many buckets they are worth.
    pub season: [f64; 4],
    /// Buckets of history the season is worth; 0 is nothing known.
    pub season_weight: f64,
    /// Phase effects on the log scale, one each for the phases in use; empty is nothing known.
    pub phases: Vec<f64>,
    /// Bucket number to which `mean` refers.
    pub index: i64,
}

impl Prior {
    /// Nothing known: the first buckets are learnt, not judged.
    #[must_use]
    pub fn vague() -> Self {
        Self {
            mean: 1.0,
            dispersion: 1.0,
            weight: 0.0,
            season: [0.0; 4],
            season_weight: 0.0,
            phases: Vec::new(),
            index: 0,
        }
    }

    /// A share of a parent series: its level times `share`, its season and its phases, worth `weight` buckets.
    #[must_use]
    pub fn share_of(parent: &CountState, share: f64, weight: f64) -> Self {
        let coefficient = |index: usize| f64::from(parent.seasonal.mean[index]);
        Self {
            mean: (share * libm::exp(coefficient(0))).max(1e-6),
            dispersion: 1.0 + (parent.dispersion() - 1.0) * share.clamp(0.0, 1.0),
            weight,
            season: [
                coefficient(2),
                coefficient(3),
                coefficient(4),
                coefficient(5),
            ],
            season_weight: weight.min(parent.points()),
            phases: parent.phase[..usize::from(parent.phases)]
                .iter()
                .map(|effect| effect.mean())
                .collect(),
            index: parent.through,
        }
    }
}
