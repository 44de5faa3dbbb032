//! False-discovery control over a stream of decisions that cannot wait for each other.
//!
//! Decision: LORD++, SAFFRON and ADDIS are one procedure with three clocks. Each starts with some wealth,
//! spends it along a falling sequence γ₁ > γ₂ > …, and restarts that sequence at each discovery; they differ in
//! which tests make the clock tick: every test (LORD++), tests that do not look like discoveries
//! (SAFFRON, p > λ), or those of them that are not far too large to be fair nulls (ADDIS, λ < p ≤ τ). One
//! implementation beat three: fewer places for an index to be off by one.
//!
//! A rejection is kept as the clock's reading at that moment. Only the latest [`REJECTIONS_KEPT`] are,
//! so that a step's cost and the stored record are bounded; forgetting an old one lowers later levels,
//! which is safe for the false-discovery rate.
//!
//! Sources: Javanmard and Montanari 2018 (Annals of Statistics 46), Ramdas et al. 2017 (LORD++, NeurIPS),
//! Ramdas et al. 2018 (SAFFRON, ICML), Tian and Ramdas 2019 (ADDIS, NeurIPS, equation 7).

use std::collections::VecDeque;

use super::sane_p_value;

/// How many of the latest rejections still earn wealth.
pub const REJECTIONS_KEPT: usize = 1024;

/// Which tests make the clock tick, hence which procedure it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OnlineProcedure {
    /// LORD++: every test.
    LordPlusPlus,
    /// SAFFRON: tests with p above `candidate` (λ in the paper, usually 0.5).
    Saffron {
        /// p-values at most this are candidates for discovery.
        candidate: f64,
    },
    /// ADDIS: tests with p above `candidate` (λ, usually 0.25) and at most `discard` (τ, usually 0.5).
    Addis {
        /// p-values at most this are candidates for discovery.
        candidate: f64,
        /// p-values above this are taken for conservative nulls and thrown away.
        discard: f64,
    },
}

/// Settings as written by a person; [`check`](Self::check) makes them usable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OnlineSettings {
    /// The procedure and its bounds.
    pub procedure: OnlineProcedure,
    /// False-discovery rate to keep, in (0, 1).
    pub q: f64,
    /// Share of `q` to start with, in (0, 1]: more finds early surprises, less keeps wealth for later.
    pub initial_share: f64,
}

/// Why online settings were refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("online discovery setting {name} is {value}: it must be {must_be}")]
pub struct OnlineSettingsError {
    /// The setting's name.
    pub name: &'static str,
    /// The value as given.
    pub value: f64,
    /// What it must be.
    pub must_be: &'static str,
}

impl OnlineSettings {
    /// LORD++ at rate `q`, half of it to start with.
    pub fn lord(q: f64) -> Self {
        Self {
            procedure: OnlineProcedure::LordPlusPlus,
            q,
            initial_share: 0.5,
        }
    }

    /// SAFFRON at rate `q` with λ = 0.5.
    pub fn saffron(q: f64) -> Self {
        Self {
            procedure: OnlineProcedure::Saffron { candidate: 0.5 },
            q,
            initial_share: 0.5,
        }
    }

    /// ADDIS at rate `q` with λ = 0.25 and τ = 0.5.
    pub fn addis(q: f64) -> Self {
        Self {
            procedure: OnlineProcedure::Addis {
                candidate: 0.25,
                discard: 0.5,
            },
            q,
            initial_share: 0.5,
        }
    }

    /// Checks the settings and starts a stream with them.
    ///
    /// # Errors
    /// [`OnlineSettingsError`] names the setting that is out of range.
    pub fn check(self) -> Result<OnlineDiscovery, OnlineSettingsError> {
        let inside = |value: f64| value > 0.0 && value < 1.0;
        let refuse = |name, value, must_be| {
            Err(OnlineSettingsError {
                name,
                value,
                must_be,
            })
        };
        if !inside(self.q) {
            return refuse("q", self.q, "above 0 and below 1");
        }
        if !(self.initial_share > 0.0 && self.initial_share <= 1.0) {
            return refuse("initial_share", self.initial_share, "above 0 and at most 1");
        }
        match self.procedure {
            OnlineProcedure::Saffron { candidate } if !inside(candidate) => {
                refuse("candidate", candidate, "above 0 and below 1")
            }
            OnlineProcedure::Addis { discard, .. } if !(discard > 0.0 && discard <= 1.0) => {
                refuse("discard", discard, "above 0 and at most 1")
            }
            OnlineProcedure::Addis { candidate, discard }
                if !(candidate > 0.0 && candidate < discard) =>
            {
                refuse("candidate", candidate, "above 0 and below discard")
            }
            _ => Ok(OnlineDiscovery {
                settings: self,
                clock: 0,
                first: None,
                later: VecDeque::new(),
            }),
        }
    }
}

/// Why a stored stream could not be restored.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum OnlineRecordError {
    /// Written by a version this program does not know.
    #[error(
        "online discovery record has version {found}; this program reads version {RECORD_VERSION}: update the program"
    )]
    UnknownVersion {
        /// Version found in the record.
        found: u8,
    },
    /// Cut off, too long, or with numbers that cannot be.
    #[error(
        "online discovery record is cut off or damaged: restore an older one or start the stream anew"
    )]
    Broken,
}

const RECORD_VERSION: u8 = 1;

/// The answer to one test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OnlineDecision {
    /// The level the p-value was held against.
    pub level: f64,
    /// Whether it is a discovery (p ≤ level).
    pub rejected: bool,
}

/// A running stream of tests under checked settings.
#[derive(Debug, Clone, PartialEq)]
pub struct OnlineDiscovery {
    settings: OnlineSettings,
    /// Ticks so far.
    clock: u64,
    /// Clock at the first rejection, which earns `q` less what was given at the start.
    first: Option<u64>,
    /// Clock at the later rejections, oldest first.
    later: VecDeque<u64>,
}

impl OnlineDiscovery {
    /// The level the next p-value will be held against.
    pub fn next_level(&self) -> f64 {
        let (scale, cap) = match self.settings.procedure {
            OnlineProcedure::LordPlusPlus => (1.0, 1.0),
            OnlineProcedure::Saffron { candidate } => (1.0 - candidate, candidate),
            OnlineProcedure::Addis { candidate, discard } => (discard - candidate, candidate),
        };
        let q = self.settings.q;
        let initial = q * self.settings.initial_share;
        let spent_since = |mark: u64| self.spending(self.clock - mark + 1);
        let mut level = initial * self.spending(self.clock + 1);
        level += self
            .first
            .map_or(0.0, |mark| (q - initial) * spent_since(mark));
        level += q * self
            .later
            .iter()
            .map(|mark| spent_since(*mark))
            .sum::<f64>();
        (scale * level).min(cap)
    }

    /// Tests one p-value; not a number counts as 1.
    pub fn test(&mut self, p_value: f64) -> OnlineDecision {
        let p_value = sane_p_value(p_value);
        let level = self.next_level();
        let rejected = p_value <= level;
        self.clock += u64::from(self.ticks(p_value));
        if rejected {
            self.remember_rejection();
        }
        OnlineDecision { level, rejected }
    }

    fn ticks(&self, p_value: f64) -> bool {
        match self.settings.procedure {
            OnlineProcedure::LordPlusPlus => true,
            OnlineProcedure::Saffron { candidate } => p_value > candidate,
            OnlineProcedure::Addis { candidate, discard } => {
                p_value > candidate && p_value <= discard
            }
        }
    }

    fn remember_rejection(&mut self) {
        if self.first.is_none() {
            self.first = Some(self.clock);
            return;
        }
        if self.later.len() == REJECTIONS_KEPT {
            self.later.pop_front();
        }
        self.later.push_back(self.clock);
    }

    /// The state to store: a version byte, the clock, and the clock at each rejection kept, little-endian.
    pub fn dump(&self) -> Vec<u8> {
        let marks = self.first.iter().chain(&self.later);
        let numbers = std::iter::once(&self.clock)
            .chain(marks)
            .flat_map(|number| number.to_le_bytes());
        std::iter::once(RECORD_VERSION).chain(numbers).collect()
    }

    /// Reads what [`dump`](Self::dump) wrote into a fresh stream of the same settings.
    ///
    /// # Errors
    /// [`OnlineRecordError`] when the record is of an unknown version, cut off, or holds a rejection in
    /// the future.
    pub fn restore(fresh: OnlineDiscovery, record: &[u8]) -> Result<Self, OnlineRecordError> {
        let (&version, numbers) = record.split_first().ok_or(OnlineRecordError::Broken)?;
        if version != RECORD_VERSION {
            return Err(OnlineRecordError::UnknownVersion { found: version });
        }
        let (numbers, rest) = numbers.as_chunks::<8>();
        let mut numbers = numbers.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let clock = numbers.next().ok_or(OnlineRecordError::Broken)?;
        let first = numbers.next();
        let later: VecDeque<u64> = numbers.collect();
        let in_future = first.iter().chain(&later).any(|mark| *mark > clock);
        if !rest.is_empty() || in_future || later.len() > REJECTIONS_KEPT {
            return Err(OnlineRecordError::Broken);
        }
        Ok(Self {
            settings: fresh.settings,
            clock,
            first,
            later,
        })
    }

    /// γ at place `step` (from 1) of the procedure's spending sequence; the sequence sums to at most 1.
    fn spending(&self, step: u64) -> f64 {
        let step = step as f64;
        match self.settings.procedure {
            // Javanmard and Montanari 2018, equation 31; the constant makes the sum 1.
            OnlineProcedure::LordPlusPlus => {
                0.077_208_38 * libm::log(step.max(2.0))
                    / (step * libm::exp(libm::sqrt(libm::log(step))))
            }
            // Ramdas et al. 2018, section 4: γ ∝ j^−1.6, the constant being 1/ζ(1.6).
            OnlineProcedure::Saffron { .. } | OnlineProcedure::Addis { .. } => {
                0.437_490_165_8 * libm::pow(step, -1.6)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Uniform numbers from a multiplicative congruential generator (Park and Miller 1988).
    fn uniforms(seed: u64) -> impl Iterator<Item = f64> {
        std::iter::successors(Some(seed), |state| Some(state * 48_271 % 2_147_483_647))
            .skip(1)
            .map(|s| s as f64 / 2_147_483_647.0)
    }

    #[test]
    fn false_discoveries_stay_within_q() {
        for settings in [
            OnlineSettings::lord(0.1),
            OnlineSettings::saffron(0.1),
            OnlineSettings::addis(0.1),
        ] {
            let mut proportions = Vec::new();
            for run in 0..200 {
                let mut stream = settings.check().unwrap();
                let (mut found, mut wrong) = (0.0_f64, 0.0);
                for (place, uniform) in uniforms(run * 7919 + 11).take(500).enumerate() {
                    let is_null = place % 10 != 0;
                    // Real effects have p = u¹², about half of them below 0.0003.
                    let p_value = if is_null {
                        uniform
                    } else {
                        libm::pow(uniform, 12.0)
                    };
                    if stream.test(p_value).rejected {
                        found += 1.0;
                        wrong += f64::from(u8::from(is_null));
                    }
                }
                proportions.push(wrong / found.max(1.0));
            }
            let realised = proportions.iter().sum::<f64>() / proportions.len() as f64;
            // Standard error of the mean is about 0.006.
            assert!(realised < 0.1 + 0.015, "{settings:?} realised {realised}");
        }
    }

    #[test]
    fn memory_is_bounded_and_forgetting_lowers_levels() {
        let mut stream = OnlineSettings::saffron(0.1).check().unwrap();
        for _ in 0..3 * REJECTIONS_KEPT {
            stream.test(0.0);
        }
        assert_eq!(stream.dump().len(), 1 + 8 * (REJECTIONS_KEPT + 2));
        assert!(stream.next_level() <= 0.5);
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        let candidate_above_discard = OnlineProcedure::Addis {
            candidate: 0.6,
            discard: 0.5,
        };
        let name = |settings: OnlineSettings| settings.check().unwrap_err().name;
        assert_eq!(name(OnlineSettings::lord(f64::NAN)), "q");
        assert_eq!(
            name(OnlineSettings {
                initial_share: 0.0,
                ..OnlineSettings::lord(0.1)
            }),
            "initial_share"
        );
        assert_eq!(
            name(OnlineSettings {
                procedure: candidate_above_discard,
                ..OnlineSettings::lord(0.1)
            }),
            "candidate"
        );
    }

    #[test]
    fn broken_records_are_refused() {
        let fresh = OnlineSettings::lord(0.1).check().unwrap();
        assert_eq!(
            OnlineDiscovery::restore(fresh.clone(), &[]),
            Err(OnlineRecordError::Broken)
        );
        assert_eq!(
            OnlineDiscovery::restore(fresh.clone(), &[7; 9]),
            Err(OnlineRecordError::UnknownVersion { found: 7 })
        );
        let mut future = fresh.dump();
        future.extend_from_slice(&5u64.to_le_bytes());
        assert_eq!(
            OnlineDiscovery::restore(fresh, &future),
            Err(OnlineRecordError::Broken)
        );
    }

    proptest! {
        #[test]
        fn stopping_and_resuming_changes_nothing(p in prop::collection::vec(0.0..1.0f64, 1..80), cut in 0usize..80) {
            for settings in [OnlineSettings::lord(0.2), OnlineSettings::saffron(0.2), OnlineSettings::addis(0.2)] {
                let mut straight = settings.check().unwrap();
                let mut resumed = settings.check().unwrap();
                for (place, p_value) in p.iter().map(|p| p * p * p).enumerate() {
                    if place == cut {
                        resumed = OnlineDiscovery::restore(settings.check().unwrap(), &resumed.dump()).unwrap();
                    }
                    prop_assert_eq!(straight.test(p_value), resumed.test(p_value));
                }
                prop_assert_eq!(straight, resumed);
            }
        }
    }
}
