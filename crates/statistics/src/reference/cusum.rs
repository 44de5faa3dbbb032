//! Standardised CUSUM of Poisson counts: many small excesses add up.
//!
//! Sources: Page 1954 (Biometrika 41); Rossi, Lampugnani and Marchi 1999 (Statistics in Medicine 18,
//! 2111–2122).

use std::ops::Range;

use libm::{ceil, sqrt};

use super::{CountSeries, Judgement, ReferenceError, ReferenceMethod, SettingRefused, require};

/// Settings of the CUSUM as a person writes them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CusumSettings {
    /// Standard deviations forgiven in each bucket (`k`).
    pub reference_value: f64,
    /// Sum at which it alarms (`h`).
    pub decision_value: f64,
    /// Expected count; `None` takes the mean of all buckets before the first one judged.
    pub expected: Option<f64>,
}

impl Default for CusumSettings {
    /// Rossi's values for an average run length of 500 in control and 7 out of it.
    fn default() -> Self {
        Self {
            reference_value: 1.04,
            decision_value: 2.26,
            expected: None,
        }
    }
}

impl CusumSettings {
    /// Makes the method, if every setting can be used.
    ///
    /// # Errors
    /// [`SettingRefused`] names the setting and what it must be.
    pub fn check(self) -> Result<Cusum, SettingRefused> {
        let usable = |value: f64| value >= 0.0 && value.is_finite();
        require(
            "reference_value",
            self.reference_value,
            usable(self.reference_value),
            "at least 0",
        )?;
        let positive = usable(self.decision_value) && self.decision_value > 0.0;
        require("decision_value", self.decision_value, positive, "above 0")?;
        if let Some(expected) = self.expected {
            require(
                "expected",
                expected,
                usable(expected) && expected > 0.0,
                "above 0",
            )?;
        }
        Ok(Cusum { settings: self })
    }
}

/// The CUSUM with checked settings.
///
/// A judgement's `score` is the sum, its `upper` the count that would have made the sum alarm. Once it
/// alarms it goes on until the sum falls below the decision value: it is not reset.
#[derive(Debug, Clone, PartialEq)]
pub struct Cusum {
    settings: CusumSettings,
}

impl ReferenceMethod for Cusum {
    fn name(&self) -> &'static str {
        "cusum"
    }

    fn judge(
        &self,
        series: &CountSeries<'_>,
        places: Range<usize>,
    ) -> Result<Vec<Judgement>, ReferenceError> {
        series.check(&places)?;
        let expected = match self.settings.expected {
            Some(expected) => expected,
            None if places.start == 0 && !places.is_empty() => {
                return Err(ReferenceError::HistoryTooShort {
                    method: self.name(),
                    place: 0,
                    needed: 1,
                });
            }
            None => mean(&series.counts[..places.start]),
        };
        let CusumSettings {
            reference_value,
            decision_value,
            ..
        } = self.settings;
        let deviation = sqrt(expected);
        let mut sum = 0.0_f64;
        let judge_one = |place: usize| {
            let observed = series.counts[place];
            let still_needed = decision_value - sum + reference_value;
            let upper = ceil(expected + deviation * still_needed).max(0.0);
            let mut judgement = Judgement::bound(place, observed, Some(upper), false);
            judgement.expected = Some(expected);
            // Nothing was ever seen before: no scale to standardise with, hence no sum and no alarm.
            if deviation > 0.0 {
                sum = (sum + (observed as f64 - expected) / deviation - reference_value).max(0.0);
                judgement.score = Some(sum);
                judgement.alarm = sum >= decision_value;
            }
            judgement
        };
        Ok(places.map(judge_one).collect())
    }
}

fn mean(counts: &[u64]) -> f64 {
    counts.iter().map(|count| *count as f64).sum::<f64>() / counts.len() as f64
}
