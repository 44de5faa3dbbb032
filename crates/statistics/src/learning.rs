//! What people's answers teach: a beta posterior of how often something proved useful.
//!
//! Decision: a conjugate beta posterior per thing learnt about (a theme, a detector, a kind of evidence),
//! because it needs two numbers, says how sure it is, and takes answers in any order with the same result.
//! It beat logistic ranking as the first step: a few dozen answers cannot feed that many coefficients.
//! Learnt usefulness re-ranks and moves thresholds within bounds; it never touches a p-value.

use crate::distribution::beta_quantile;

/// Beta posterior of a share, from yes/no answers.
///
/// Both parameters are finite and positive at all times; the constructor and restore refuse anything else.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BetaPosterior {
    alpha: f64,
    beta: f64,
}

/// An interval of a share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShareInterval {
    /// Lower end, in [0, 1].
    pub lower: f64,
    /// Upper end, in [0, 1], at least `lower`.
    pub upper: f64,
}

/// Why a posterior could not be made or restored.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LearningError {
    /// A parameter is not finite and positive.
    #[error("beta posterior ({alpha}, {beta}) refused: both parameters must be finite and above 0")]
    ParametersOutOfRange {
        /// First parameter as given.
        alpha: f64,
        /// Second parameter as given.
        beta: f64,
    },
    /// The stored record was written by a version this program does not know.
    #[error(
        "beta posterior record has version {found}; this program reads version {RECORD_VERSION}: update the program"
    )]
    UnknownVersion {
        /// Version found in the record.
        found: u8,
    },
    /// The stored record does not have the length of its version.
    #[error(
        "beta posterior record has {found} bytes instead of {RECORD_BYTES}: it is cut off or not such a record"
    )]
    WrongLength {
        /// Length found.
        found: usize,
    },
}

const RECORD_VERSION: u8 = 1;
/// Length of the stored record, in bytes.
pub const RECORD_BYTES: usize = 17;

impl BetaPosterior {
    /// A posterior with `alpha − 1` successes and `beta − 1` failures on top of the uniform prior.
    ///
    /// # Errors
    /// [`LearningError::ParametersOutOfRange`] unless both are finite and positive.
    pub fn new(alpha: f64, beta: f64) -> Result<Self, LearningError> {
        let in_range = |value: f64| value.is_finite() && value > 0.0;
        if in_range(alpha) && in_range(beta) {
            Ok(Self { alpha, beta })
        } else {
            Err(LearningError::ParametersOutOfRange { alpha, beta })
        }
    }

    /// Nothing known yet: every share equally likely.
    pub fn uniform() -> Self {
        Self {
            alpha: 1.0,
            beta: 1.0,
        }
    }

    /// First parameter: prior plus successes.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// Second parameter: prior plus failures.
    pub fn beta(&self) -> f64 {
        self.beta
    }

    /// Takes one answer into account.
    pub fn observe(&mut self, success: bool) {
        if success {
            self.alpha += 1.0;
        } else {
            self.beta += 1.0;
        }
    }

    /// Posterior mean of the share, in (0, 1).
    pub fn mean(&self) -> f64 {
        self.alpha / (self.alpha + self.beta)
    }

    /// Equal-tailed credible interval that holds the share with probability `level`.
    ///
    /// `level` is held in [0, 1]; not a number counts as 1, the widest interval there is.
    pub fn interval(&self, level: f64) -> ShareInterval {
        let level = if level.is_nan() {
            1.0
        } else {
            level.clamp(0.0, 1.0)
        };
        let tail = 0.5 * (1.0 - level);
        ShareInterval {
            lower: beta_quantile(tail, self.alpha, self.beta),
            upper: 1.0 - beta_quantile(tail, self.beta, self.alpha),
        }
    }

    /// The record to store: a version byte, then both parameters, little-endian.
    pub fn dump(&self) -> [u8; RECORD_BYTES] {
        let mut record = [0; RECORD_BYTES];
        record[0] = RECORD_VERSION;
        record[1..9].copy_from_slice(&self.alpha.to_le_bytes());
        record[9..17].copy_from_slice(&self.beta.to_le_bytes());
        record
    }

    /// Reads what [`dump`](Self::dump) wrote, to the bit.
    ///
    /// # Errors
    /// [`LearningError`] when the record is of an unknown version, cut off, or holds impossible numbers.
    pub fn restore(record: &[u8]) -> Result<Self, LearningError> {
        if let Some(&version) = record.first().filter(|version| **version != RECORD_VERSION) {
            return Err(LearningError::UnknownVersion { found: version });
        }
        let wrong_length = LearningError::WrongLength {
            found: record.len(),
        };
        let record: &[u8; RECORD_BYTES] = record.try_into().map_err(|_| wrong_length)?;
        let (first, second) = record[1..].split_at(8);
        let number = |bytes: &[u8]| bytes.try_into().map_or(f64::NAN, f64::from_le_bytes);
        Self::new(number(first), number(second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counts_answers_and_gives_the_interval_of_r() {
        let mut posterior = BetaPosterior::uniform();
        for success in [true, true, false, true, true, true, false, true] {
            posterior.observe(success);
        }
        assert_eq!((posterior.alpha(), posterior.beta()), (7.0, 3.0));
        assert_eq!(posterior.mean(), 0.7);
        // R 4.2.2: qbeta(c(0.05, 0.95), 7, 3)
        let interval = posterior.interval(0.9);
        assert!(
            (interval.lower - 0.450_358_350_493_389_85).abs() < 1e-12,
            "{interval:?}"
        );
        assert!(
            (interval.upper - 0.902_253_186_560_724_3).abs() < 1e-12,
            "{interval:?}"
        );
    }

    #[test]
    fn broken_records_are_refused() {
        let record = BetaPosterior::uniform().dump();
        assert_eq!(
            BetaPosterior::restore(&record[..16]),
            Err(LearningError::WrongLength { found: 16 })
        );
        assert_eq!(
            BetaPosterior::restore(&[]),
            Err(LearningError::WrongLength { found: 0 })
        );
        assert_eq!(
            BetaPosterior::restore(&[9; 17]),
            Err(LearningError::UnknownVersion { found: 9 })
        );
        let mut negative = record;
        negative[1..9].copy_from_slice(&(-1.0f64).to_le_bytes());
        assert!(matches!(
            BetaPosterior::restore(&negative),
            Err(LearningError::ParametersOutOfRange { .. })
        ));
    }

    proptest! {
        #[test]
        fn restore_after_dump_is_the_identity(alpha in 1e-6..1e9f64, beta in 1e-6..1e9f64) {
            let posterior = BetaPosterior::new(alpha, beta).unwrap();
            prop_assert_eq!(BetaPosterior::restore(&posterior.dump()).unwrap(), posterior);
        }

        #[test]
        fn intervals_are_ordered_nested_and_hold_the_mean_when_wide(
            alpha in 1.0..5e3f64, beta in 1.0..5e3f64
        ) {
            let posterior = BetaPosterior::new(alpha, beta).unwrap();
            let (narrow, wide) = (posterior.interval(0.5), posterior.interval(0.99));
            prop_assert!(0.0 <= wide.lower && wide.lower <= narrow.lower);
            prop_assert!(narrow.lower <= narrow.upper && narrow.upper <= wide.upper && wide.upper <= 1.0);
            prop_assert!(wide.lower <= posterior.mean() && posterior.mean() <= wide.upper);
        }
    }
}
