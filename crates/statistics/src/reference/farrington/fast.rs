//! The same regression as `model`, a hundred times faster, for evenly spaced buckets without exposure.
//!
//! Decision: iterate as the general regression does, step for step, but use what is special here. The design
//! has one column a period and one for time, so the normal equations are an arrow: sums a period, and one
//! Schur complement for the slope. The means need no exponential a row: along evenly spaced buckets they are a
//! product that grows by one factor a step. The deviance needs no logarithm a row: it is linear in the
//! coefficients. Residuals are raised to a power only where Pearson's, which is never smaller, passes the
//! threshold; and when no reference is weighted down the refit would be the fit there is. It beat warm starts
//! from the bucket before, which come to rest elsewhere where a period is all zeros.

use libm::{cbrt, exp, log, pow, sqrt};

use crate::distribution::student_two_sided;

use super::model::{ModelSettings, Prediction, PredictionError};
use super::references::Reference;

/// Per bucket, what the first step and the deviance need; made once for a whole series.
pub(super) struct PreparedCounts {
    counts: Vec<f64>,
    /// Working response of the first step times its weight y + 0.1.
    first_responses: Vec<f64>,
    /// y ln y, the part of the deviance that no coefficient changes.
    saturated: Vec<f64>,
    /// Half the deviance at the start μ = y + 0.1.
    first_deviances: Vec<f64>,
}

impl PreparedCounts {
    pub fn new(counts: &[u64]) -> Self {
        let counts: Vec<f64> = counts.iter().map(|count| *count as f64).collect();
        let saturated: Vec<f64> = counts
            .iter()
            .map(|y| if *y > 0.0 { y * log(*y) } else { 0.0 })
            .collect();
        let first_responses = counts
            .iter()
            .map(|y| (y + 0.1) * log(y + 0.1) - 0.1)
            .collect();
        let first_deviances = counts
            .iter()
            .zip(&saturated)
            .map(|(y, saturated)| saturated - y * log(y + 0.1) + 0.1)
            .collect();
        Self {
            counts,
            first_responses,
            saturated,
            first_deviances,
        }
    }
}

/// Neighbouring references of one period.
#[derive(Debug, Clone, Copy)]
struct Run {
    start: usize,
    end: usize,
    period: usize,
}

/// Sums over the references of one period, and the period's coefficient.
#[derive(Debug, Clone, Copy, Default)]
struct Period {
    weight: f64,
    weight_time: f64,
    response: f64,
    coefficient: f64,
    /// Exponential of the coefficient.
    level: f64,
}

/// Working memory of the fits, kept from bucket to bucket.
#[derive(Default)]
pub(super) struct Workspace {
    runs: Vec<Run>,
    periods: Vec<Period>,
    means: Vec<f64>,
    means_before: Vec<f64>,
    priors: Vec<f64>,
}

/// A fit on its way.
struct Fit<'a> {
    prepared: &'a PreparedCounts,
    work: &'a mut Workspace,
    /// Place that counts as time 0, in the middle of the references.
    centre: f64,
    trend: bool,
    slope: f64,
    sums: CommonSums,
}

/// Sums over all references.
#[derive(Debug, Clone, Copy, Default)]
struct CommonSums {
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

/// Predicts as `ReferenceData::predict` does; `None` where the general regression has to decide.
pub(super) fn predict(
    prepared: &PreparedCounts,
    references: &[Reference],
    place: usize,
    settings: &ModelSettings,
    work: &mut Workspace,
) -> Option<Prediction> {
    gather_runs(references, &mut work.runs);
    let largest = references
        .iter()
        .map(|reference| prepared.counts[reference.place])
        .fold(0.0, f64::max);
    if settings.try_trend {
        let mut fit = Fit::start(prepared, work, references, settings, true)?;
        let spread = fit.run_reweighted(settings)?;
        let prediction = fit.prediction(place, settings, &spread);
        if fit.trend_is_significant(settings, &spread) && prediction.mean <= largest {
            return Some(prediction);
        }
    }
    let mut fit = Fit::start(prepared, work, references, settings, false)?;
    let spread = fit.run_reweighted(settings)?;
    Some(fit.prediction(place, settings, &spread))
}

fn gather_runs(references: &[Reference], runs: &mut Vec<Run>) {
    runs.clear();
    for reference in references {
        match runs.last_mut() {
            Some(run) if run.end == reference.place && run.period == reference.period => {
                run.end += 1
            }
            _ => runs.push(Run {
                start: reference.place,
                end: reference.place + 1,
                period: reference.period,
            }),
        }
    }
}

impl<'a> Fit<'a> {
    fn start(
        prepared: &'a PreparedCounts,
        work: &'a mut Workspace,
        references: &[Reference],
        settings: &ModelSettings,
        trend: bool,
    ) -> Option<Self> {
        let rows = references.len();
        let (first, last) = (references.first()?.place, references.last()?.place);
        work.periods.clear();
        work.periods.resize(settings.periods, Period::default());
        work.means.resize(rows, 0.0);
        work.means_before.resize(rows, 0.0);
        work.priors.clear();
        work.priors.resize(rows, 1.0);
        if rows <= settings.periods + usize::from(trend) {
            return None;
        }
        let centre = libm::floor(0.5 * (first + last) as f64);
        Some(Self {
            prepared,
            work,
            centre,
            trend,
            slope: 0.0,
            sums: CommonSums::default(),
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
        for _ in 0..STEP_LIMIT {
            self.solve()?;
            let deviance = self.update_means();
            if !deviance.is_finite() {
                return None;
            }
            if (deviance - deviance_before).abs() / (deviance.abs() + 0.1) < DEVIANCE_TOLERANCE {
                return Some(());
            }
            deviance_before = deviance;
            self.sum_later_step();
        }
        None
    }

    /// The first step starts at μ = y + 0.1, which no coefficients give: the response is summed in full.
    /// Gives the deviance there.
    fn sum_first_step(&mut self) -> f64 {
        let Workspace {
            runs,
            periods,
            means,
            priors,
            ..
        } = &mut *self.work;
        periods.fill(Period::default());
        self.slope = 0.0;
        let (mut sums, mut half_deviance, mut row) = (CommonSums::default(), 0.0, 0);
        for run in runs.iter() {
            let period = &mut periods[run.period];
            for place in run.start..run.end {
                let prior = priors[row];
                let mean = self.prepared.counts[place] + 0.1;
                let weight = prior * mean;
                let response = prior * self.prepared.first_responses[place];
                let time = place as f64 - self.centre;
                means[row] = mean;
                period.weight += weight;
                period.weight_time += weight * time;
                period.response += response;
                sums.weight_time_square += weight * time * time;
                sums.response_time += response * time;
                sums.saturated += prior * self.prepared.saturated[place];
                half_deviance += prior * self.prepared.first_deviances[place];
                row += 1;
            }
        }
        self.sums = sums;
        2.0 * half_deviance
    }

    /// Later steps start from coefficients: the response is what is left to explain.
    fn sum_later_step(&mut self) {
        let Workspace {
            runs,
            periods,
            means,
            priors,
            ..
        } = &mut *self.work;
        for period in periods.iter_mut() {
            (period.weight, period.weight_time, period.response) = (0.0, 0.0, 0.0);
        }
        let (mut total_square, mut total_response, mut row) = (0.0, 0.0, 0);
        for run in runs.iter() {
            let counts = &self.prepared.counts[run.start..run.end];
            let means = &means[row..row + counts.len()];
            let priors = &priors[row..row + counts.len()];
            let mut time = run.start as f64 - self.centre;
            let (mut weight, mut weight_time, mut response) = (0.0, 0.0, 0.0);
            for ((count, mean), prior) in counts.iter().zip(means).zip(priors) {
                let row_weight = prior * mean;
                let rest = prior * (count - mean);
                weight += row_weight;
                weight_time += row_weight * time;
                total_square += row_weight * time * time;
                response += rest;
                total_response += rest * time;
                time += 1.0;
            }
            let period = &mut periods[run.period];
            period.weight += weight;
            period.weight_time += weight_time;
            period.response += response;
            row += counts.len();
        }
        (self.sums.weight_time_square, self.sums.response_time) = (total_square, total_response);
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
        let slope_step = if self.trend {
            response / information
        } else {
            0.0
        };
        if self.trend && information <= SMALLEST_SLOPE_SHARE * self.sums.weight_time_square {
            return None;
        }
        self.slope += slope_step;
        for period in &mut self.work.periods {
            period.coefficient +=
                (period.response - period.weight_time * slope_step) / period.weight;
        }
        Some(())
    }

    /// Means from the coefficients, by one multiplication a row; gives the deviance.
    fn update_means(&mut self) -> f64 {
        let Workspace {
            runs,
            periods,
            means,
            means_before,
            priors,
        } = &mut *self.work;
        std::mem::swap(means, means_before);
        for period in periods.iter_mut() {
            period.level = exp(period.coefficient);
        }
        let growth = exp(self.slope);
        let (mut row, mut next_place, mut along) = (0, usize::MAX, 1.0);
        let (mut linear, mut total) = (0.0, 0.0);
        for run in runs.iter() {
            let mut time = run.start as f64 - self.centre;
            if run.start != next_place {
                along = exp(self.slope * time);
            }
            next_place = run.end;
            let period = periods[run.period];
            let counts = &self.prepared.counts[run.start..run.end];
            let means = &mut means[row..row + counts.len()];
            let priors = &priors[row..row + counts.len()];
            for ((count, mean), prior) in counts.iter().zip(means).zip(priors) {
                *mean = period.level * along;
                along *= growth;
                linear += prior * count * (period.coefficient + self.slope * time);
                total += prior * (count - *mean);
                time += 1.0;
            }
            row += counts.len();
        }
        2.0 * (self.sums.saturated - linear - total)
    }

    fn spread(&self) -> Spread {
        let (mut raw, mut relative, mut row) = (0.0, 0.0, 0);
        for run in &self.work.runs {
            for count in &self.prepared.counts[run.start..run.end] {
                let residual = count / self.work.means[row] - 1.0;
                let weighted = self.work.priors[row] * residual * residual;
                relative += weighted;
                raw += weighted * self.work.means_before[row];
                row += 1;
            }
        }
        let freedom = self.freedom();
        Spread {
            raw: raw / freedom,
            relative: relative / freedom,
        }
    }

    fn freedom(&self) -> f64 {
        (self.work.priors.len() - self.work.periods.len() - usize::from(self.trend)) as f64
    }

    /// x′ (X′WX)⁻¹ x for a row of this period and time.
    fn variance(&self, period: &Period, time: f64) -> f64 {
        let of_slope = if self.trend {
            let distance = time - period.weight_time / period.weight;
            distance * distance / self.sums.slope_information
        } else {
            0.0
        };
        1.0 / period.weight + of_slope
    }

    /// Gives past outbreaks a smaller prior weight; says whether there were any, `None` where a reference
    /// alone determines a coefficient.
    fn weight_down(&mut self, threshold: f64, dispersion: f64) -> Option<bool> {
        let (mut any, mut row) = (false, 0);
        for run_number in 0..self.work.runs.len() {
            let run = self.work.runs[run_number];
            let period = self.work.periods[run.period];
            for place in run.start..run.end {
                let (count, mean) = (self.prepared.counts[place], self.work.means[row]);
                if count > mean {
                    let leverage = self.work.means_before[row]
                        * self.variance(&period, place as f64 - self.centre);
                    if leverage > LARGEST_LEVERAGE {
                        return None;
                    }
                    let scale = dispersion * (1.0 - leverage);
                    // Anscombe's residual is at most Pearson's: most rows need no power.
                    if (count - mean) * (count - mean) > threshold * threshold * scale * mean {
                        let residual =
                            1.5 * (pow(cbrt(count), 2.0) * pow(mean, -1.0 / 6.0) - sqrt(mean));
                        let standardised = residual / sqrt(scale);
                        if standardised > threshold {
                            self.work.priors[row] = 1.0 / (standardised * standardised);
                            any = true;
                        }
                    }
                }
                row += 1;
            }
        }
        if any {
            let scale = row as f64 / self.work.priors.iter().sum::<f64>();
            self.work
                .priors
                .iter_mut()
                .for_each(|prior| *prior *= scale);
        }
        Some(any)
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

/// From this leverage on, the general regression decides whether the row stands alone.
const LARGEST_LEVERAGE: f64 = 1.0 - 1e-9;
/// A t statistic from which the p-value is certainly below 1, so that it need not be computed.
const PLAINLY_BELOW_ONE: f64 = 1e-6;
