//! Which of a bucket's verdicts a portfolio may act on (B10), and how large a change must be to matter (B09).

use crate::series::Verdict;
use crate::settings::{Direction, Floors};
use crate::words::Measure;
use auscult_statistics::discovery::benjamini_hochberg;

/// Result of false-discovery control over one bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct Discoveries {
    /// Verdicts at or below this p-value are discoveries; when there are none, the p-value a single
    /// verdict would have needed, so that late data are held to the same line.
    pub threshold: f64,
    /// Adjusted p-values in the order given.
    pub adjusted: Vec<f64>,
}

/// Benjamini–Hochberg over all series judged in one bucket.
#[must_use]
pub fn discover(p_values: &[f64], rate: f64) -> Discoveries {
    let result = benjamini_hochberg(p_values, rate);
    // Without a family there is no line to draw: nothing passes.
    let alone = if p_values.is_empty() {
        0.0
    } else {
        rate / p_values.len() as f64
    };
    Discoveries {
        threshold: result.threshold.max(alone),
        adjusted: result.adjusted,
    }
}

/// Whether a change is large enough to be worth a person's time.
#[must_use]
pub fn is_material(
    measure: Measure,
    observed: f64,
    expected: f64,
    items: u32,
    floors: &Floors,
) -> bool {
    let upward = observed >= expected;
    let wanted = match floors.direction {
        Direction::Both => true,
        Direction::Up => upward,
        Direction::Down => !upward,
    };
    let difference = (observed - expected).abs();
    let large = match measure {
        Measure::Mentions => {
            let base = if upward { observed } else { expected };
            base >= f64::from(floors.items)
                && difference >= floors.absolute
                && difference >= floors.relative * expected
        }
        Measure::NegativeShare => items >= floors.items && difference >= floors.share,
        Measure::MeanRating => items >= floors.items && difference >= floors.rating,
    };
    wanted && large
}

/// Score 0 … 100 of a p-value: 39 at 10⁻³, 63 at 10⁻⁶, 86 at 10⁻¹².
#[must_use]
pub fn score(p_value: f64) -> u32 {
    let decades = -p_value.max(1e-300).log10();
    (100.0 * (1.0 - (-decades / 6.0).exp()))
        .round()
        .clamp(0.0, 100.0) as u32
}

/// The recent buckets that together carry the change: one bucket if it speaks for itself, else the suffix of
/// `recent` (oldest first, ending at the current bucket) with the largest standardised sum.
#[must_use]
pub fn evidence_buckets(recent: &[Verdict], upward: bool) -> usize {
    let mut best = (1, f64::MIN);
    let (mut difference, mut variance) = (0.0, 0.0);
    for (count, verdict) in recent.iter().rev().enumerate() {
        let Some(observed) = verdict.observed else {
            continue;
        };
        difference += (observed - verdict.expected) * if upward { 1.0 } else { -1.0 };
        variance += verdict.deviation * verdict.deviation;
        let strength = difference / variance.max(1e-12).sqrt();
        if strength > best.1 + 1e-12 {
            best = (count + 1, strength);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::DetectSettings;

    #[test]
    fn a_lone_strong_verdict_is_found_among_nulls() {
        let mut p_values: Vec<f64> = (1..1000).map(|rank| f64::from(rank) / 1000.0).collect();
        p_values.push(1e-7);
        let found = discover(&p_values, 0.05);
        assert!(found.threshold >= 1e-7 && found.threshold < 1e-3);
        assert!(found.adjusted[999] < 0.05 && found.adjusted[500] > 0.05);
    }

    #[test]
    fn floors_hold_back_small_changes() {
        let floors = DetectSettings::standard().floors;
        assert!(!is_material(Measure::Mentions, 4.0, 0.1, 4, &floors));
        assert!(is_material(Measure::Mentions, 12.0, 4.0, 12, &floors));
        assert!(!is_material(Measure::Mentions, 120.0, 100.0, 120, &floors));
        assert!(is_material(Measure::NegativeShare, 0.35, 0.2, 40, &floors));
    }

    #[test]
    fn scores_grow_with_evidence() {
        assert_eq!(
            [1.0, 1e-3, 1e-6, 1e-12, 0.0].map(score),
            [0, 39, 63, 86, 100]
        );
    }
}
