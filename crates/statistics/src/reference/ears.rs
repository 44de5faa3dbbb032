//! EARS C1, C2 and C3: the latest few buckets against the few before them. Needs days, not years.
//!
//! Sources: Hutwagner, Thompson, Seeman and Treadwell 2003 (J. Urban Health 80); Fricker, Hegler and Dunfee
//! 2008 (Statistics in Medicine 27, 3407–3429).

use std::ops::Range;

use libm::sqrt;

use crate::distribution::normal_quantile;

use super::{CountSeries, Judgement, ReferenceError, ReferenceMethod, SettingRefused, require};

/// Which of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EarsVariant {
    /// Baseline right before the bucket judged.
    C1,
    /// Baseline that ends two buckets earlier, so that an outbreak does not hide itself.
    C2,
    /// C2 summed over three buckets, each less one, as Fricker and others publish it.
    C3,
    /// C3 as R's surveillance computes it: the bound is set around the observed count instead of the
    /// baseline mean, so that only the two buckets before decide. Kept to match its numbers.
    C3OfR,
}

/// Settings of EARS as a person writes them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EarsSettings {
    /// Which of the three.
    pub variant: EarsVariant,
    /// Buckets in the baseline.
    pub baseline: usize,
    /// Smallest standard deviation believed, in counts; 0.5 or 1 for sparse series. C3 does not use it.
    pub smallest_deviation: f64,
    /// One-sided level.
    pub alpha: f64,
}

impl EarsSettings {
    /// The settings of the Centers for Disease Control: seven buckets, level 0.001 (C3: 0.025).
    pub fn usual(variant: EarsVariant) -> Self {
        let alpha = if matches!(variant, EarsVariant::C3 | EarsVariant::C3OfR) {
            0.025
        } else {
            0.001
        };
        Self {
            variant,
            baseline: 7,
            smallest_deviation: 0.0,
            alpha,
        }
    }

    /// Makes the method, if every setting can be used.
    ///
    /// # Errors
    /// [`SettingRefused`] names the setting and what it must be.
    pub fn check(self) -> Result<Ears, SettingRefused> {
        require(
            "baseline",
            self.baseline as f64,
            self.baseline >= 2,
            "at least 2",
        )?;
        let deviation = self.smallest_deviation;
        require(
            "smallest_deviation",
            deviation,
            deviation >= 0.0 && deviation.is_finite(),
            "at least 0",
        )?;
        require(
            "alpha",
            self.alpha,
            self.alpha > 0.0 && self.alpha < 1.0,
            "above 0 and below 1",
        )?;
        Ok(Ears {
            normal_score: normal_quantile(1.0 - self.alpha),
            settings: self,
        })
    }
}

/// EARS with checked settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Ears {
    settings: EarsSettings,
    normal_score: f64,
}

/// Mean and standard deviation of a baseline.
#[derive(Clone, Copy)]
struct Baseline {
    mean: f64,
    deviation: f64,
}

impl ReferenceMethod for Ears {
    fn name(&self) -> &'static str {
        match self.settings.variant {
            EarsVariant::C1 => "ears_c1",
            EarsVariant::C2 => "ears_c2",
            EarsVariant::C3 => "ears_c3",
            EarsVariant::C3OfR => "ears_c3_of_r",
        }
    }

    fn judge(
        &self,
        series: &CountSeries<'_>,
        places: Range<usize>,
    ) -> Result<Vec<Judgement>, ReferenceError> {
        series.check(&places)?;
        let needed = self.settings.baseline + self.earlier_buckets();
        if places.start < needed && !places.is_empty() {
            return Err(ReferenceError::HistoryTooShort {
                method: self.name(),
                place: places.start,
                needed,
            });
        }
        Ok(places
            .map(|place| self.judge_one(series.counts, place))
            .collect())
    }
}

impl Ears {
    /// Buckets needed before the baseline's own.
    fn earlier_buckets(&self) -> usize {
        match self.settings.variant {
            EarsVariant::C1 => 0,
            EarsVariant::C2 => 2,
            EarsVariant::C3 | EarsVariant::C3OfR => 4,
        }
    }

    fn judge_one(&self, counts: &[u64], place: usize) -> Judgement {
        let variant = self.settings.variant;
        let end = if variant == EarsVariant::C1 {
            place
        } else {
            place - 2
        };
        let baseline = self.baseline(counts, end);
        let observed = counts[place];
        let mut judgement = Judgement::bound(place, observed, None, false);
        judgement.expected = Some(baseline.mean);
        let upper = match variant {
            EarsVariant::C1 | EarsVariant::C2 => {
                let deviation = baseline.deviation.max(self.settings.smallest_deviation);
                judgement.score =
                    (deviation > 0.0).then(|| (observed as f64 - baseline.mean) / deviation);
                baseline.mean + self.normal_score * deviation
            }
            EarsVariant::C3 => {
                let room = self.normal_score + 1.0 - self.carried(counts, place);
                baseline.mean + baseline.deviation * room
            }
            EarsVariant::C3OfR => {
                let room = self.normal_score - self.carried(counts, place);
                observed as f64 + baseline.deviation * room
            }
        };
        // Without any spread in an earlier baseline the sum has no value, hence neither has the bound.
        judgement.upper = (!upper.is_nan()).then_some(upper.max(0.0));
        judgement.alarm = judgement.upper.is_some_and(|upper| observed as f64 > upper);
        judgement
    }

    /// What the two buckets before add to C3.
    fn carried(&self, counts: &[u64], place: usize) -> f64 {
        [1, 2]
            .iter()
            .map(|back| self.excess_of_c2(counts, place - back))
            .sum()
    }

    /// max(0, C2 − 1) of an earlier bucket; not a number where its baseline has no spread.
    fn excess_of_c2(&self, counts: &[u64], place: usize) -> f64 {
        let baseline = self.baseline(counts, place - 2);
        let c2 = (counts[place] as f64 - baseline.mean) / baseline.deviation;
        if c2.is_nan() { c2 } else { (c2 - 1.0).max(0.0) }
    }

    /// The baseline that ends right before `end`.
    fn baseline(&self, counts: &[u64], end: usize) -> Baseline {
        let window = &counts[end - self.settings.baseline..end];
        let size = window.len() as f64;
        let mean = window.iter().map(|count| *count as f64).sum::<f64>() / size;
        let squares: f64 = window
            .iter()
            .map(|count| (*count as f64 - mean) * (*count as f64 - mean))
            .sum();
        Baseline {
            mean,
            deviation: sqrt(squares / (size - 1.0)),
        }
    }
}
