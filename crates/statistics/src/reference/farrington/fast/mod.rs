//! The same regression as `model`, made quick for evenly spaced buckets without exposure.
//!
//! Decision: iterate as the general regression does, step for step, but use what is special here.
//! The design has one column a period and one for time, so the normal equations are an arrow: sums a period,
//! and one Schur complement for the slope. Within a run of neighbouring buckets of one period the means are a
//! geometric series, whose sums depend on the run's length alone: a step costs a few operations a *run*, not a
//! row. The deviance is linear in the coefficients, the first step's sums are differences of running totals,
//! and when no reference is weighted down the refit would be the fit there is. It beat warm starts from the
//! bucket before, which come to rest elsewhere where a period is all zeros.

mod residuals;
mod sums;

use libm::sqrt;

use crate::distribution::student_two_sided;
use crate::elementary::exp;

use super::model::{ModelSettings, Prediction, PredictionError};
use super::references::Run;
use sums::{FirstSums, RunSums};

pub(super) use sums::PreparedCounts;

/// A period's sums, coefficient, and what both were a step ago.
#[derive(Debug, Clone, Copy, Default)]
struct Period {
    /// Σ prior · y: what the means are to add up to.
    counted: f64,
    weight: f64,
    weight_time: f64,
    response: f64,
    coefficient: f64,
    /// Exponential of the coefficient.
    level: f64,
    /// The sums behind the last step, of which the covariance is made.
    used_weight: f64,
    used_weight_time: f64,
    level_before: f64,
}

/// A reference with a prior weight of its own.
#[derive(Debug, Clone, Copy)]
struct Outlier {
    place: usize,
    period: usize,
    /// Prior weight less the common one.
    excess: f64,
}

/// Working memory, kept from bucket to bucket.
#[derive(Default)]
pub(super) struct Workspace {
    periods: Vec<Period>,
    /// Sums at the start of a fit, one a period, before any weight: a refit begins with them again.
    first: Vec<FirstSums>,
    outliers: Vec<Outlier>,
    /// Means of the last and the second-last step, one a reference.
    means: Vec<f64>,
    means_before: Vec<f64>,
    run_sums: RunSums,
}

/// A fit on its way.
struct Fit<'a> {
    prepared: &'a PreparedCounts,
    runs: &'a [Run],
    work: &'a mut Workspace,
    rows: usize,
    /// Place that counts as time 0, in the middle of the references.
    centre: f64,
    trend: bool,
    /// Prior weight of all references but the outliers.
    prior: f64,
    slope: f64,
    slope_before: f64,
    sums: CommonSums,
}

/// Sums over all references.
#[derive(Debug, Clone, Copy, Default)]
struct CommonSums {
    counted_time: f64,
    weight_time_square: f64,
    response_time: f64,
    /// What is left of Σ w t² when the periods are taken out.
    slope_information: f64,
    /// Σ prior · y ln y.
    saturated: f64,
}

/// Dispersion and its relative form, as `model` has them.
struct Spread {
    raw: f64,
    relative: f64,
}

const STEP_LIMIT: u32 = 25;
const DEVIANCE_TOLERANCE: f64 = 1e-8;
/// Share of Σ w t² that must be left for the slope; below, the general regression decides on the rank.
const SMALLEST_SLOPE_SHARE: f64 = 1e-12;
/// A t statistic from which the p-value is certainly below 1, so that it need not be computed.
const PLAINLY_BELOW_ONE: f64 = 1e-6;

/// Predicts as `ReferenceData::predict` does; `None` where the general regression has to decide.
pub(super) fn predict(
    prepared: &PreparedCounts,
    runs: &[Run],
    place: usize,
    settings: &ModelSettings,
    work: &mut Workspace,
) -> Option<Prediction> {
    if settings.try_trend {
        let mut fit = Fit::new(prepared, runs, work, settings, true)?;
        let spread = fit.run_reweighted(settings)?;
        let prediction = fit.prediction(place, settings, &spread);
        if fit.trend_is_significant(settings, &spread) && prepared.reach(runs, prediction.mean) {
            return Some(prediction);
        }
    }
    let mut fit = Fit::new(prepared, runs, work, settings, false)?;
    let spread = fit.run_reweighted(settings)?;
    Some(fit.prediction(place, settings, &spread))
}

impl<'a> Fit<'a> {
    fn new(
        prepared: &'a PreparedCounts,
        runs: &'a [Run],
        work: &'a mut Workspace,
        settings: &ModelSettings,
        trend: bool,
    ) -> Option<Self> {
        let rows: usize = runs.iter().map(|run| run.end - run.start).sum();
        if rows <= settings.periods + usize::from(trend) {
            return None;
        }
        let centre = libm::floor(0.5 * (runs.first()?.start + runs.last()?.end) as f64);
        work.periods.clear();
        work.periods.resize(settings.periods, Period::default());
        work.outliers.clear();
        work.first.clear();
        work.first.resize(settings.periods, FirstSums::default());
        for run in runs {
            work.first[run.period] += prepared.first_sums(run.start, run.end, centre);
        }
        let sums = CommonSums::default();
        Some(Self {
            prepared,
            runs,
            work,
            rows,
            centre,
            trend,
            prior: 1.0,
            slope: 0.0,
            slope_before: 0.0,
            sums,
        })
    }

    /// Fits, weights down, and fits again unless nothing was weighted down.
    fn run_reweighted(&mut self, settings: &ModelSettings) -> Option<Spread> {
        self.run()?;
        let spread = self.spread();
        match settings.reweight_above {
            Some(threshold) if self.weight_down(threshold, spread.raw.max(1.0))? => {
                self.run()?;
                Some(self.spread())
            }
            _ => Some(spread),
        }
    }

    /// The whole iteration from its usual start.
    fn run(&mut self) -> Option<()> {
        let mut deviance_before = self.sum_first_step();
        for step in 0..STEP_LIMIT {
            self.solve()?;
            let deviance = self.sum_later_step();
            if !deviance.is_finite() {
                return None;
            }
            if (deviance - deviance_before).abs() / (deviance.abs() + 0.1) < DEVIANCE_TOLERANCE {
                // Settled at once: the means before were not those of any coefficients.
                return (step > 0).then_some(());
            }
            deviance_before = deviance;
        }
        None
    }

    /// The first step starts at μ = y + 0.1, which no coefficients give. Gives the deviance there.
    fn sum_first_step(&mut self) -> f64 {
        let Workspace {
            periods,
            first,
            outliers,
            ..
        } = &mut *self.work;
        periods.fill(Period::default());
        self.slope = 0.0;
        let (mut common, mut half_deviance) = (CommonSums::default(), 0.0);
        let mut add = |period: &mut Period, sums: FirstSums, prior: f64| {
            period.counted += prior * sums.counted;
            period.weight += prior * sums.weight;
            period.weight_time += prior * sums.weight_time;
            period.response += prior * sums.response;
            common.counted_time += prior * sums.counted_time;
            common.weight_time_square += prior * sums.weight_time_square;
            common.response_time += prior * sums.response_time;
            common.saturated += prior * sums.saturated;
            half_deviance += prior * sums.half_deviance;
        };
        for (period, sums) in periods.iter_mut().zip(first) {
            add(period, *sums, self.prior);
        }
        for outlier in outliers.iter() {
            let sums = self
                .prepared
                .first_sums(outlier.place, outlier.place + 1, self.centre);
            add(&mut periods[outlier.period], sums, outlier.excess);
        }
        self.sums = common;
        2.0 * half_deviance
    }

    /// Adds the solution of the arrow-shaped normal equations to the coefficients.
    fn solve(&mut self) -> Option<()> {
        let (mut information, mut response) =
            (self.sums.weight_time_square, self.sums.response_time);
        for period in &self.work.periods {
            if period.weight.is_nan() || period.weight <= 0.0 {
                return None;
            }
            let mean_time = period.weight_time / period.weight;
            information -= mean_time * period.weight_time;
            response -= mean_time * period.response;
        }
        self.sums.slope_information = information;
        if self.trend && information <= SMALLEST_SLOPE_SHARE * self.sums.weight_time_square {
            return None;
        }
        let slope_step = if self.trend {
            response / information
        } else {
            0.0
        };
        self.slope_before = self.slope;
        self.slope += slope_step;
        for period in &mut self.work.periods {
            period.coefficient +=
                (period.response - period.weight_time * slope_step) / period.weight;
            (period.used_weight, period.used_weight_time) = (period.weight, period.weight_time);
            period.level_before = period.level;
            period.level = exp(period.coefficient);
        }
        Some(())
    }

    /// Sums at the means of the coefficients; gives the deviance.
    fn sum_later_step(&mut self) -> f64 {
        let Workspace {
            periods,
            outliers,
            run_sums,
            ..
        } = &mut *self.work;
        for period in periods.iter_mut() {
            (period.weight, period.weight_time) = (0.0, 0.0);
        }
        run_sums.prepare(self.slope);
        let (mut square, mut next_start, mut along) = (0.0, usize::MAX, 1.0);
        for run in self.runs {
            let time = run.start as f64 - self.centre;
            if run.start != next_start {
                along = exp(self.slope * time);
            }
            let sums = run_sums.of(run.end - run.start);
            let period = &mut periods[run.period];
            let scale = self.prior * period.level * along;
            period.weight += scale * sums.zeroth;
            let moment = time * sums.zeroth + sums.first;
            period.weight_time += scale * moment;
            square += scale * (time * (moment + sums.first) + sums.second);
            along *= sums.growth;
            next_start = run.end;
        }
        for outlier in outliers.iter() {
            let time = outlier.place as f64 - self.centre;
            let period = &mut periods[outlier.period];
            let weight = outlier.excess * period.level * exp(self.slope * time);
            period.weight += weight;
            period.weight_time += weight * time;
            square += weight * time * time;
        }
        let (mut linear, mut rest, mut weight_time) =
            (self.slope * self.sums.counted_time, 0.0, 0.0);
        for period in periods.iter_mut() {
            linear += period.coefficient * period.counted;
            period.response = period.counted - period.weight;
            rest += period.response;
            weight_time += period.weight_time;
        }
        self.sums.weight_time_square = square;
        self.sums.response_time = self.sums.counted_time - weight_time;
        2.0 * (self.sums.saturated - linear - rest)
    }

    fn error_variance(&self, settings: &ModelSettings, spread: &Spread) -> f64 {
        match settings.reweight_above {
            Some(_) => spread.relative,
            None => spread.raw,
        }
    }

    fn prediction(&self, place: usize, settings: &ModelSettings, spread: &Spread) -> Prediction {
        let time = place as f64 - self.centre;
        let period = self.work.periods[settings.periods - 1];
        let predictor = period.coefficient + self.slope * time;
        let dispersion = spread.raw.max(1.0);
        let error = match settings.error {
            PredictionError::Textbook => dispersion,
            PredictionError::Flexible => self.error_variance(settings, spread),
        };
        Prediction {
            predictor,
            mean: exp(predictor),
            predictor_error: sqrt(error * self.variance(&period, time)),
            dispersion,
            trend: self.trend.then_some(self.slope),
        }
    }

    fn trend_is_significant(&self, settings: &ModelSettings, spread: &Spread) -> bool {
        let variance = match settings.error {
            PredictionError::Textbook => spread.raw,
            PredictionError::Flexible => self.error_variance(settings, spread),
        };
        let statistic = self.slope / sqrt(variance / self.sums.slope_information);
        if settings.trend_p_value >= 1.0 && statistic.abs() > PLAINLY_BELOW_ONE {
            return true;
        }
        student_two_sided(statistic, self.freedom()) < settings.trend_p_value
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Calendar;
    use super::super::model::ReferenceData;
    use super::super::references::{ReferenceWindows, expand};
    use super::*;
    use proptest::prelude::*;

    /// Both answers for the last bucket of a series.
    fn both(
        counts: &[u64],
        windows: &ReferenceWindows,
        settings: &ModelSettings,
    ) -> (Option<Prediction>, Option<Prediction>) {
        let place = counts.len() - 1;
        let mut runs = Vec::new();
        windows
            .gather(
                &Calendar::Even {
                    buckets_per_year: 13,
                },
                place,
                "test",
                &mut runs,
            )
            .unwrap();
        let references = expand(&runs);
        let data = ReferenceData {
            references: &references,
            counts: references
                .iter()
                .map(|reference| counts[reference.place] as f64)
                .collect(),
            times: references
                .iter()
                .map(|reference| reference.place as f64 - place as f64)
                .collect(),
            offsets: Vec::new(),
            judged_offset: 0.0,
        };
        let quick = predict(
            &PreparedCounts::new(counts),
            &runs,
            place,
            settings,
            &mut Workspace::default(),
        );
        (quick, data.predict(settings).ok())
    }

    fn settings(
        periods: usize,
        try_trend: bool,
        trend_p_value: f64,
        reweight_above: Option<f64>,
    ) -> ModelSettings {
        ModelSettings {
            periods,
            try_trend,
            trend_p_value,
            reweight_above,
            error: PredictionError::Flexible,
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_general_regression(
            counts in prop_oneof![
                prop::collection::vec(0u64..4, 80),
                prop::collection::vec(5u64..60, 80),
                prop::collection::vec(prop_oneof![9 => 0u64..3, 1 => 20u64..90], 80),
            ],
            periods in 1usize..5,
            trend: bool,
            reweight: bool,
        ) {
            let windows = ReferenceWindows { years_back: 5, half_width: 1, periods, recent_left_out: 4 };
            let settings = settings(periods, trend, 0.05, reweight.then_some(1.5));
            if let (Some(quick), Some(general)) = both(&counts, &windows, &settings) {
                prop_assert_eq!(quick.trend.is_some(), general.trend.is_some());
                // 1e-6 relative, as promised of the method; near 0 the stopping rule leaves an absolute rest.
                let close = |a: f64, b: f64| (a - b).abs() <= 1e-6 * b.abs().max(1e-3);
                prop_assert!(close(quick.mean, general.mean), "{:?} {:?}", quick, general);
                prop_assert!(close(quick.dispersion, general.dispersion), "{:?} {:?}", quick, general);
                prop_assert!(close(quick.predictor_error, general.predictor_error), "{:?} {:?}", quick, general);
            }
        }
    }

    #[test]
    fn does_decide_in_the_ordinary_case() {
        let counts: Vec<u64> = (0..80).map(|place| 10 + (place * 7) % 5).collect();
        let windows = ReferenceWindows {
            years_back: 5,
            half_width: 1,
            periods: 3,
            recent_left_out: 4,
        };
        let (quick, general) = both(&counts, &windows, &settings(3, true, 1.0, Some(2.58)));
        assert!(quick.is_some() && general.is_some());
    }
}
