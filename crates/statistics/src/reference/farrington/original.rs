//! Farrington's original method: windows around the same week of past years, and a bound on the 2/3 power.

use std::ops::Range;

use crate::distribution::normal_quantile;

use super::super::{
    CountSeries, Judgement, ReferenceError, ReferenceMethod, SettingRefused, require,
};
use super::flexible::{YEARS_FOR_A_TREND, recent_cases};
use super::model::{ModelSettings, PredictionError, ReferenceData};
use super::references::{ReferenceWindows, expand};
use super::threshold::two_thirds_bound;

/// Settings of the original method as a person writes them.
#[derive(Debug, Clone, PartialEq)]
pub struct FarringtonOriginalSettings {
    /// Years of history used (`b`).
    pub years_back: usize,
    /// Buckets on either side of the same time of year (`w`).
    pub half_width: usize,
    /// Weight past outbreaks down.
    pub reweight: bool,
    /// Try a log-linear trend: kept when significant at 5 % and not past the largest reference count.
    pub trend: bool,
    /// Two-sided level of the interval, as in the paper: the bound is its upper end.
    pub alpha: f64,
    /// Fewest cases in the latest `cases_window` buckets (the judged one included) for a bound at all.
    pub fewest_cases: u64,
    /// Buckets over which `fewest_cases` is counted.
    pub cases_window: usize,
}

impl Default for FarringtonOriginalSettings {
    /// The paper's values, with five years of history.
    fn default() -> Self {
        Self {
            years_back: 5,
            half_width: 3,
            reweight: true,
            trend: true,
            alpha: 0.05,
            fewest_cases: 5,
            cases_window: 4,
        }
    }
}

impl FarringtonOriginalSettings {
    /// Makes the method, if every setting can be used.
    ///
    /// # Errors
    /// [`SettingRefused`] names the setting and what it must be.
    pub fn check(self) -> Result<FarringtonOriginal, SettingRefused> {
        require(
            "years_back",
            self.years_back as f64,
            self.years_back >= 1,
            "at least 1",
        )?;
        require(
            "alpha",
            self.alpha,
            self.alpha > 0.0 && self.alpha < 1.0,
            "above 0 and below 1",
        )?;
        require(
            "cases_window",
            self.cases_window as f64,
            self.cases_window >= 1,
            "at least 1",
        )?;
        Ok(FarringtonOriginal { settings: self })
    }
}

/// Farrington's original method with checked settings.
#[derive(Debug, Clone, PartialEq)]
pub struct FarringtonOriginal {
    settings: FarringtonOriginalSettings,
}

/// Level at which a trend counts as significant (Farrington 1996, section 3.4).
const TREND_P_VALUE: f64 = 0.05;
/// Standardised residual above which a past count is weighted down (section 3.6).
const REWEIGHT_ABOVE: f64 = 1.0;

impl ReferenceMethod for FarringtonOriginal {
    fn name(&self) -> &'static str {
        "farrington"
    }

    fn judge(
        &self,
        series: &CountSeries<'_>,
        places: Range<usize>,
    ) -> Result<Vec<Judgement>, ReferenceError> {
        series.check(&places)?;
        places.map(|place| self.judge_one(series, place)).collect()
    }
}

impl FarringtonOriginal {
    fn judge_one(
        &self,
        series: &CountSeries<'_>,
        place: usize,
    ) -> Result<Judgement, ReferenceError> {
        let settings = &self.settings;
        let windows = ReferenceWindows {
            years_back: settings.years_back,
            half_width: settings.half_width,
            periods: 1,
            recent_left_out: settings.half_width,
        };
        let mut runs = Vec::new();
        windows.gather(&series.calendar, place, self.name(), &mut runs)?;
        let references = expand(&runs);
        let data = ReferenceData {
            references: &references,
            counts: references
                .iter()
                .map(|reference| series.counts[reference.place] as f64)
                .collect(),
            times: references
                .iter()
                .map(|reference| reference.place as f64 - place as f64)
                .collect(),
            offsets: Vec::new(),
            judged_offset: 0.0,
        };
        let model = ModelSettings {
            periods: 1,
            try_trend: settings.trend && settings.years_back >= YEARS_FOR_A_TREND,
            trend_p_value: TREND_P_VALUE,
            error: PredictionError::Textbook,
            reweight_above: settings.reweight.then_some(REWEIGHT_ABOVE),
        };
        let observed = series.counts[place];
        let mut judgement = Judgement::bound(place, observed, None, false);
        let Ok(prediction) = data.predict(&model) else {
            return Ok(judgement);
        };
        judgement.expected = Some(prediction.mean);
        judgement.dispersion = Some(prediction.dispersion);
        judgement.trend = prediction.trend;
        let bound = two_thirds_bound(
            &prediction,
            normal_quantile(1.0 - 0.5 * settings.alpha),
            observed as f64,
        );
        judgement.p_value = Some(bound.p_value);
        judgement.score =
            Some((observed as f64 - prediction.mean) / (bound.upper - prediction.mean));
        let enough_cases =
            recent_cases(series.counts, place, settings.cases_window) >= settings.fewest_cases;
        // R reports a bound of 0 where there are too few cases to alarm.
        judgement.upper = Some(if enough_cases { bound.upper } else { 0.0 });
        judgement.alarm = enough_cases && observed as f64 > bound.upper;
        Ok(judgement)
    }
}
