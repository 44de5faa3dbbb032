//! The first count at which something that grows with the count reaches a mark.

use libm::floor;
use std::ops::RangeInclusive;

/// The first count within `bounds` at which `reaches` holds, or the last of them: bracketed from `start` in doubling steps,
/// then halved. Neighbours count as one when they are closer than `tolerance` times the count; 0 tells all apart.
pub(crate) fn first_reached(
    start: f64,
    bounds: RangeInclusive<f64>,
    tolerance: f64,
    mut reaches: impl FnMut(f64) -> bool,
) -> f64 {
    let (least, most) = (*bounds.start(), *bounds.end());
    let start = start.clamp(least, most);
    let (mut below, mut reached) = (start - 1.0, start);
    let mut stride = 1.0;
    if reaches(start) {
        while below >= least && reaches(below) {
            reached = below;
            below -= stride;
            stride *= 2.0;
        }
        below = below.max(least - 1.0);
    } else {
        below = start;
        reached = (start + stride).min(most);
        while below < most && !reaches(reached) {
            below = reached;
            stride *= 2.0;
            reached = (reached + stride).min(most);
        }
    }
    while reached - below > 1.0 + tolerance * reached {
        let middle = floor(0.5 * (below + reached));
        if reaches(middle) {
            reached = middle;
        } else {
            below = middle;
        }
    }
    reached
}

/// Where a count distribution has its quantile by the expansion of Cornish and Fisher (1938) up to the skewness; not whole.
/// `score` is that quantile of the standard normal distribution.
pub(crate) fn cornish_fisher(mean: f64, dispersion: f64, score: f64) -> f64 {
    let deviation = libm::sqrt(mean * dispersion);
    let skewness = (2.0 * dispersion - 1.0) / deviation;
    mean + deviation * (score + skewness * (score * score - 1.0) / 6.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first_from_wherever_it_starts() {
        for first in [0.0, 1.0, 2.0, 7.0, 100.0, 4_097.0] {
            for start in [-3.0, 0.0, 1.0, 6.0, 7.0, 99.0, 5_000.0] {
                let found = first_reached(start, 0.0..=f64::INFINITY, 0.0, |count| count >= first);
                assert_eq!(found, first, "from {start}");
            }
        }
    }

    #[test]
    fn stays_within_its_bounds() {
        let within = |start, mark: f64| {
            first_reached(start, 5.0..=40.0, 0.0, |count| {
                assert!((5.0..=40.0).contains(&count));
                count >= mark
            })
        };
        for start in [0.0, 5.0, 17.0, 40.0, 90.0] {
            assert_eq!(within(start, 2.0), 5.0, "from {start}");
            assert_eq!(within(start, 40.0), 40.0, "from {start}");
            assert_eq!(within(start, f64::NAN), 40.0, "from {start}");
        }
    }
}
