//! Two simple methods over the latest few buckets: Bayes (a predictive quantile) and RKI (mean plus two
//! standard deviations, or an exact interval when counts are small).
//!
//! Sources: Höhle 2007 (Computational Statistics 22, 571–582; the Bayes method is Riebler's); the
//! Robert Koch Institute's rule as described there; Crow and Gardner 1959 (Biometrika 46, 441–453).

use std::ops::Range;

use libm::{floor, sqrt};

use crate::distribution::CountDistribution;

use super::{CountSeries, Judgement, ReferenceError, ReferenceMethod, SettingRefused, require};

/// Settings of the Bayes method as a person writes them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BayesSettings {
    /// How many of the latest buckets are the references (`w`).
    pub window: usize,
    /// One-sided level of the predictive quantile.
    pub alpha: f64,
}

impl Default for BayesSettings {
    /// Six buckets at 0.05 ("Bayes 1").
    fn default() -> Self {
        Self {
            window: 6,
            alpha: 0.05,
        }
    }
}

impl BayesSettings {
    /// Makes the method, if every setting can be used.
    ///
    /// # Errors
    /// [`SettingRefused`] names the setting and what it must be.
    pub fn check(self) -> Result<Bayes, SettingRefused> {
        require("window", self.window as f64, self.window >= 1, "at least 1")?;
        require(
            "alpha",
            self.alpha,
            self.alpha > 0.0 && self.alpha < 1.0,
            "above 0 and below 1",
        )?;
        Ok(Bayes { settings: self })
    }
}

/// Poisson references with Jeffreys' prior; the bound is a quantile of the posterior predictive, which is
/// negative binomial with size Σy + ½.
#[derive(Debug, Clone, PartialEq)]
pub struct Bayes {
    settings: BayesSettings,
}

impl ReferenceMethod for Bayes {
    fn name(&self) -> &'static str {
        "bayes"
    }

    fn judge(
        &self,
        series: &CountSeries<'_>,
        places: Range<usize>,
    ) -> Result<Vec<Judgement>, ReferenceError> {
        judge_from_window(
            self.name(),
            self.settings.window,
            series,
            places,
            |references, mut judgement| {
                let size = references.iter().map(|count| *count as f64).sum::<f64>() + 0.5;
                let mean = size / references.len() as f64;
                let predictive = CountDistribution::with_size(mean, size)?;
                judgement.expected = Some(mean);
                judgement.upper = Some(predictive.quantile(1.0 - self.settings.alpha));
                judgement.p_value = Some(predictive.at_least(judgement.observed as f64));
                Some(judgement)
            },
        )
    }
}

/// Settings of the RKI method as a person writes them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RkiSettings {
    /// How many of the latest buckets are the references (`w`).
    pub window: usize,
}

impl Default for RkiSettings {
    /// Six buckets ("RKI 1").
    fn default() -> Self {
        Self { window: 6 }
    }
}

impl RkiSettings {
    /// Makes the method, if every setting can be used.
    ///
    /// # Errors
    /// [`SettingRefused`] names the setting and what it must be.
    pub fn check(self) -> Result<Rki, SettingRefused> {
        require("window", self.window as f64, self.window >= 2, "at least 2")?;
        Ok(Rki { settings: self })
    }
}

/// The Robert Koch Institute's rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rki {
    settings: RkiSettings,
}

/// Upper ends of Crow and Gardner's 95 % intervals of a Poisson mean for observed counts 0 to 20.
const CROW_GARDNER_UPPER: [f64; 21] = [
    3.285, 5.323, 6.686, 8.102, 9.598, 11.177, 12.817, 13.765, 14.921, 16.768, 17.633, 19.05,
    20.335, 21.364, 22.945, 23.762, 25.4, 26.306, 27.735, 28.966, 30.017,
];

impl ReferenceMethod for Rki {
    fn name(&self) -> &'static str {
        "rki"
    }

    fn judge(
        &self,
        series: &CountSeries<'_>,
        places: Range<usize>,
    ) -> Result<Vec<Judgement>, ReferenceError> {
        judge_from_window(
            self.name(),
            self.settings.window,
            series,
            places,
            |references, mut judgement| {
                let size = references.len() as f64;
                let mean = references.iter().map(|count| *count as f64).sum::<f64>() / size;
                let upper = if mean <= 20.0 {
                    CROW_GARDNER_UPPER[floor(mean) as usize]
                } else {
                    let squares: f64 = references
                        .iter()
                        .map(|count| (*count as f64 - mean) * (*count as f64 - mean))
                        .sum();
                    mean + 2.0 * sqrt(squares / (size - 1.0))
                };
                judgement.expected = Some(mean);
                judgement.upper = Some(upper);
                Some(judgement)
            },
        )
    }
}

/// Judges each bucket from the `window` before it; `complete` adds the bound.
fn judge_from_window(
    method: &'static str,
    window: usize,
    series: &CountSeries<'_>,
    places: Range<usize>,
    complete: impl Fn(&[u64], Judgement) -> Option<Judgement>,
) -> Result<Vec<Judgement>, ReferenceError> {
    series.check(&places)?;
    if places.start < window && !places.is_empty() {
        return Err(ReferenceError::HistoryTooShort {
            method,
            place: places.start,
            needed: window,
        });
    }
    let judge_one = |place: usize| {
        let observed = series.counts[place];
        let undecided = Judgement::bound(place, observed, None, false);
        let mut judgement =
            complete(&series.counts[place - window..place], undecided).unwrap_or(undecided);
        judgement.alarm = judgement.upper.is_some_and(|upper| observed as f64 > upper);
        judgement
    };
    Ok(places.map(judge_one).collect())
}
