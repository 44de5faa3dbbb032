//! Farrington Flexible: all of the past years, a factor for the time of year, three kinds of bound.

use std::ops::Range;

use crate::distribution::normal_quantile;

use super::super::{
    CountSeries, Judgement, ReferenceError, ReferenceMethod, SettingRefused, require,
};
use super::fast::{PreparedCounts, Workspace, predict};
use super::model::{ModelSettings, Prediction, PredictionError, ReferenceData};
use super::references::{Reference, ReferenceWindows, Run, expand};
use super::threshold::{Bound, plug_in_bound, two_thirds_bound, upper_mean_bound};

/// How the upper bound is derived from the regression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThresholdMethod {
    /// Normal interval of the 2/3 power, estimation error included (Farrington 1996).
    Delta,
    /// Negative-binomial quantile around the estimated mean (Noufaily 2013).
    NegativeBinomialPlugIn,
    /// Negative-binomial quantile around an upper quantile of the mean (Salmon 2016; "muan").
    UpperMean,
}

/// Settings of Farrington Flexible as a person writes them.
#[derive(Debug, Clone, PartialEq)]
pub struct FarringtonFlexibleSettings {
    /// Years of history used (`b`).
    pub years_back: usize,
    /// Buckets on either side of the same time of year (`w`).
    pub half_width: usize,
    /// Levels of the time-of-year factor (`noPeriods`); 1 for the windows alone.
    pub periods: usize,
    /// Latest buckets left out, so that an outbreak under way does not raise its own bound.
    pub recent_left_out: usize,
    /// Weight past outbreaks down.
    pub reweight: bool,
    /// Standardised residual from which a past count is weighted down.
    pub reweight_above: f64,
    /// Try a log-linear trend. It needs three years of history.
    pub trend: bool,
    /// Largest p-value at which the trend is kept; 1 keeps it whatever its p-value.
    pub trend_p_value: f64,
    /// One-sided level of the bound.
    pub alpha: f64,
    /// Fewest cases in the latest `cases_window` buckets (the judged one included) for an alarm.
    pub fewest_cases: u64,
    /// Buckets over which `fewest_cases` is counted.
    pub cases_window: usize,
    /// Use the series' population as an exposure.
    pub population_offset: bool,
    /// How the bound is derived.
    pub threshold: ThresholdMethod,
}

impl Default for FarringtonFlexibleSettings {
    /// The improved method as Noufaily and others recommend it.
    fn default() -> Self {
        Self {
            years_back: 5,
            half_width: 3,
            periods: 10,
            recent_left_out: 26,
            reweight: true,
            reweight_above: 2.58,
            trend: true,
            trend_p_value: 1.0,
            alpha: 0.01,
            fewest_cases: 5,
            cases_window: 4,
            population_offset: false,
            threshold: ThresholdMethod::NegativeBinomialPlugIn,
        }
    }
}

impl FarringtonFlexibleSettings {
    /// Makes the method, if every setting can be used.
    ///
    /// # Errors
    /// [`SettingRefused`] names the setting and what it must be.
    pub fn check(self) -> Result<FarringtonFlexible, SettingRefused> {
        require(
            "years_back",
            self.years_back as f64,
            self.years_back >= 1,
            "at least 1",
        )?;
        require(
            "periods",
            self.periods as f64,
            (1..=53).contains(&self.periods),
            "from 1 to 53",
        )?;
        let positive = self.reweight_above > 0.0 && self.reweight_above.is_finite();
        require("reweight_above", self.reweight_above, positive, "above 0")?;
        let share = (0.0..=1.0).contains(&self.trend_p_value);
        require("trend_p_value", self.trend_p_value, share, "from 0 to 1")?;
        require(
            "alpha",
            self.alpha,
            self.alpha > 0.0 && self.alpha < 0.5,
            "above 0 and below 0.5",
        )?;
        require(
            "cases_window",
            self.cases_window as f64,
            self.cases_window >= 1,
            "at least 1",
        )?;
        Ok(FarringtonFlexible { settings: self })
    }
}

/// Farrington Flexible with checked settings.
#[derive(Debug, Clone, PartialEq)]
pub struct FarringtonFlexible {
    settings: FarringtonFlexibleSettings,
}

impl ReferenceMethod for FarringtonFlexible {
    fn name(&self) -> &'static str {
        match self.settings.threshold {
            ThresholdMethod::Delta => "farrington_flexible_delta",
            ThresholdMethod::NegativeBinomialPlugIn => "farrington_flexible_nb_plug_in",
            ThresholdMethod::UpperMean => "farrington_flexible_upper_mean",
        }
    }

    fn judge(
        &self,
        series: &CountSeries<'_>,
        places: Range<usize>,
    ) -> Result<Vec<Judgement>, ReferenceError> {
        series.check(&places)?;
        let (mut fast, mut runs) = (self.fast_path(series), Vec::new());
        places
            .map(|place| self.judge_one(series, place, fast.as_mut(), &mut runs))
            .collect()
    }
}

/// What the fast path keeps from bucket to bucket.
struct FastPath {
    prepared: PreparedCounts,
    work: Workspace,
}

impl FarringtonFlexible {
    fn judge_one(
        &self,
        series: &CountSeries<'_>,
        place: usize,
        fast: Option<&mut FastPath>,
        runs: &mut Vec<Run>,
    ) -> Result<Judgement, ReferenceError> {
        let settings = &self.settings;
        let windows = ReferenceWindows {
            years_back: settings.years_back,
            half_width: settings.half_width,
            periods: settings.periods,
            recent_left_out: settings.recent_left_out,
        };
        windows.gather(&series.calendar, place, self.name(), runs)?;
        let observed = series.counts[place];
        let mut judgement = Judgement::bound(place, observed, None, false);
        let model = self.model();
        let quick =
            fast.and_then(|path| predict(&path.prepared, runs, place, &model, &mut path.work));
        let general = || self.data(series, place, &expand(runs)).predict(&model).ok();
        let Some(prediction) = quick.or_else(general) else {
            return Ok(judgement);
        };
        judgement.dispersion = Some(prediction.dispersion);
        judgement.trend = prediction.trend;
        let current_season_is_empty = runs
            .iter()
            .filter(|run| run.period + 1 == settings.periods)
            .all(|run| {
                series.counts[run.start..run.end]
                    .iter()
                    .all(|count| *count == 0)
            });
        if settings.threshold == ThresholdMethod::UpperMean && current_season_is_empty {
            // The upper quantile of a mean that ran off to zero means nothing.
            return Ok(judgement);
        }
        let Some(bound) = self.bound(&prediction, observed as f64) else {
            return Ok(judgement);
        };
        let enough_cases =
            recent_cases(series.counts, place, settings.cases_window) >= settings.fewest_cases;
        judgement.expected = Some(prediction.mean);
        judgement.upper = Some(bound.upper);
        judgement.p_value = Some(bound.p_value);
        judgement.score =
            Some((observed as f64 - prediction.mean) / (bound.upper - prediction.mean));
        judgement.alarm = enough_cases && observed > 0 && observed as f64 > bound.upper;
        Ok(judgement)
    }

    /// Evenly spaced buckets without exposure have a fast path with the same answers.
    fn fast_path(&self, series: &CountSeries<'_>) -> Option<FastPath> {
        let with_population = self.settings.population_offset && !series.population.is_empty();
        (series.calendar.is_even() && !with_population).then(|| FastPath {
            prepared: PreparedCounts::new(series.counts),
            work: Workspace::default(),
        })
    }

    fn data<'a>(
        &self,
        series: &CountSeries<'_>,
        place: usize,
        references: &'a [Reference],
    ) -> ReferenceData<'a> {
        let with_population = self.settings.population_offset && !series.population.is_empty();
        let ln_population = |place: usize| libm::log(series.population[place]);
        ReferenceData {
            references,
            counts: references
                .iter()
                .map(|reference| series.counts[reference.place] as f64)
                .collect(),
            times: references
                .iter()
                .map(|reference| series.calendar.buckets_between(place, reference.place))
                .collect(),
            offsets: if with_population {
                references
                    .iter()
                    .map(|reference| ln_population(reference.place))
                    .collect()
            } else {
                Vec::new()
            },
            judged_offset: if with_population {
                ln_population(place)
            } else {
                0.0
            },
        }
    }

    fn model(&self) -> ModelSettings {
        let settings = &self.settings;
        ModelSettings {
            periods: settings.periods,
            try_trend: settings.trend && settings.years_back >= YEARS_FOR_A_TREND,
            trend_p_value: settings.trend_p_value,
            error: PredictionError::Flexible,
            reweight_above: settings.reweight.then_some(settings.reweight_above),
        }
    }

    fn bound(&self, prediction: &Prediction, observed: f64) -> Option<Bound> {
        let alpha = self.settings.alpha;
        match self.settings.threshold {
            ThresholdMethod::Delta => Some(two_thirds_bound(
                prediction,
                normal_quantile(1.0 - alpha),
                observed,
            )),
            ThresholdMethod::NegativeBinomialPlugIn => plug_in_bound(prediction, alpha, observed),
            ThresholdMethod::UpperMean => upper_mean_bound(prediction, alpha, observed),
        }
    }
}

/// Farrington 1996, section 3.4: fewer years than this cannot carry a trend.
pub(super) const YEARS_FOR_A_TREND: usize = 3;

/// Cases in the latest `window` buckets, the one at `place` included.
pub(super) fn recent_cases(counts: &[u64], place: usize, window: usize) -> u64 {
    counts[(place + 1).saturating_sub(window)..=place]
        .iter()
        .fold(0, |sum, count| sum.saturating_add(*count))
}
