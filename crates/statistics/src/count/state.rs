//! What is remembered about one count series: a fixed-size record without heap.

use super::coefficients::{Coefficients, Scalar};
use super::profile::KNOTS;
use super::season::PHASES_LIMIT;
use crate::elementary::exp;

/// Models of the wandering level: none, slow, fast.
pub(crate) const WANDERS: usize = 3;
/// With and without the yearly season.
pub(crate) const ANCHORS: usize = 2;
/// Averaged models.
pub(crate) const MODELS: usize = ANCHORS * WANDERS;
/// Buckets that wait before they are learnt, so that hindsight can tell a burst from a level.
pub(crate) const PENDING: usize = 2;
/// The slot of the holiday effect, after the phases.
pub(crate) const HOLIDAY: usize = PHASES_LIMIT;

/// Level, yearly growth, two harmonics.
pub(crate) type Seasonal = Coefficients<6, 21>;
/// Level and yearly growth.
pub(crate) type Plain = Coefficients<2, 3>;

/// A bucket that was judged and is not learnt yet.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Pending {
    pub(crate) index: i64,
    pub(crate) observed: f64,
    pub(crate) exposure: f32,
    /// ln likelihood ratios of an excess and of a deficit, when it was judged.
    pub(crate) ln_ratio: [f32; 2],
    /// ln of the largest likelihood ratio of the onsets that held it.
    pub(crate) suspicion: f32,
    pub(crate) phase: u8,
    pub(crate) holiday: bool,
    pub(crate) after_holiday: bool,
    /// The largest ratio spoke for an excess (else for a deficit).
    pub(crate) upward: bool,
}

impl Pending {
    /// Flags as they are kept and stored.
    pub(crate) fn flags(&self) -> u8 {
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        bit(self.holiday, HOLIDAY_BIT)
            | bit(self.after_holiday, AFTER_BIT)
            | bit(self.upward, UPWARD_BIT)
    }
}

/// A pending bucket's number and count.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct PendingCount {
    pub(crate) index: i64,
    observed: f64,
}

/// A pending bucket's evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct PendingEvidence {
    exposure: f32,
    pub(crate) ln_ratio: [f32; 2],
    suspicion: f32,
}

/// A pending bucket's phase and flags.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct PendingMarks {
    phase: u8,
    /// Bits: see [`HOLIDAY_BIT`] and those after it.
    flags: u8,
}

/// A pending bucket was a holiday.
pub(crate) const HOLIDAY_BIT: u8 = 1;
/// It was the first after a holiday.
pub(crate) const AFTER_BIT: u8 = 2;
/// Its largest ratio spoke for an excess.
pub(crate) const UPWARD_BIT: u8 = 4;

/// One count series. `Clone` copies a few hundred bytes; nothing is on the heap.
#[derive(Clone, Debug, PartialEq)]
pub struct CountState {
    /// The bucket up to which coefficients are learnt; meaningless before `started`.
    pub(crate) through: i64,
    pub(crate) seasonal: Seasonal,
    pub(crate) plain: Plain,
    /// Slow and fast wandering beside each anchor.
    pub(crate) wander: [[Scalar; WANDERS - 1]; ANCHORS],
    /// Unnormalised log weights of the models, season major.
    pub(crate) log_weight: [f32; MODELS],
    /// Effects of the phases; for days the day after a holiday and the knots of the yearly profile; last, a holiday.
    pub(crate) phase: [Scalar; PHASES_LIMIT + 1],
    /// ln(dispersion − 1).
    pub(crate) dispersion: Scalar,
    /// How far forecasts have missed at the two knots in use, in this year's passage.
    pub(crate) passage: [f32; 2],
    /// How far they usually miss at each knot (see [`super::profile`]).
    pub(crate) unrest: [u8; KNOTS],
    // Kept by width: together they would be padded, and the record is counted in bytes.
    pub(crate) pending_counts: [PendingCount; PENDING],
    pub(crate) pending_evidence: [PendingEvidence; PENDING],
    pub(crate) pending_marks: [PendingMarks; PENDING],
    pub(crate) learnt: f32,
    /// Length of the current run of out-of-control buckets; negative for deficits.
    pub(crate) run: f32,
    /// Expected count since the last mention: the evidence of silence.
    pub(crate) silent_expected: f32,
    pub(crate) silent_buckets: u32,
    pub(crate) pending_count: u8,
    pub(crate) phases: u8,
    pub(crate) started: bool,
}

impl CountState {
    pub(crate) fn pending(&self, at: usize) -> Pending {
        let (count, evidence) = (self.pending_counts[at], self.pending_evidence[at]);
        let marks = self.pending_marks[at];
        Pending {
            index: count.index,
            observed: count.observed,
            exposure: evidence.exposure,
            ln_ratio: evidence.ln_ratio,
            suspicion: evidence.suspicion,
            phase: marks.phase,
            holiday: marks.flags & HOLIDAY_BIT != 0,
            after_holiday: marks.flags & AFTER_BIT != 0,
            upward: marks.flags & UPWARD_BIT != 0,
        }
    }

    pub(crate) fn put_pending(&mut self, at: usize, bucket: &Pending) {
        self.pending_counts[at] = PendingCount {
            index: bucket.index,
            observed: bucket.observed,
        };
        self.pending_evidence[at] = PendingEvidence {
            exposure: bucket.exposure,
            ln_ratio: bucket.ln_ratio,
            suspicion: bucket.suspicion,
        };
        self.pending_marks[at] = PendingMarks {
            phase: bucket.phase,
            flags: bucket.flags(),
        };
    }

    /// Raises the suspicion of a pending bucket.
    pub(crate) fn suspect(&mut self, at: usize, value: f32, upward: bool) {
        if value > self.pending_evidence[at].suspicion {
            self.pending_evidence[at].suspicion = value;
            let marks = &mut self.pending_marks[at];
            marks.flags = (marks.flags & !UPWARD_BIT) | if upward { UPWARD_BIT } else { 0 };
        }
    }

    /// Takes the bucket that has waited longest.
    pub(crate) fn take_oldest(&mut self) -> Pending {
        let oldest = self.pending(0);
        self.pending_counts.rotate_left(1);
        self.pending_evidence.rotate_left(1);
        self.pending_marks.rotate_left(1);
        self.pending_count -= 1;
        oldest
    }

    /// Buckets with an observation so far (judged, the last ones perhaps not yet learnt).
    #[must_use]
    pub fn points(&self) -> f64 {
        f64::from(self.learnt) + f64::from(self.pending_count)
    }

    /// Current estimate of the ratio of variance to mean.
    #[must_use]
    pub fn dispersion(&self) -> f64 {
        1.0 + exp(self.dispersion.mean())
    }

    /// Buckets without a mention up to the last one stepped.
    #[must_use]
    pub fn silent_buckets(&self) -> u32 {
        self.silent_buckets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_takes_no_more_than_512_bytes() {
        assert!(
            size_of::<CountState>() <= 512,
            "{}",
            size_of::<CountState>()
        );
    }
}
