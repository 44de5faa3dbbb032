//! The quasi-Poisson regression of Farrington's method: past outbreaks weighted down, trend on trial.

use libm::{cbrt, pow, sqrt};

use crate::distribution::{FittedRegression, Regression, RegressionError, student_two_sided};

use super::references::Reference;

/// What the regression is to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ModelSettings {
    pub periods: usize,
    pub try_trend: bool,
    /// Largest p-value at which the trend stays.
    pub trend_p_value: f64,
    /// Standardised residual above which a reference is weighted down; `None` for no reweighting.
    pub reweight_above: Option<f64>,
    /// Which standard error the prediction carries.
    pub error: PredictionError,
}

/// The standard error of the predictor, as the paper has it or as R's flexible form computes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PredictionError {
    /// Dispersion (at least 1) × inverse information.
    Textbook,
    /// As R's `farringtonFlexible`: the dispersion is not held to at least 1, and after reweighting it is
    /// taken from relative residuals under the prior weights alone, which makes it smaller by about the mean.
    Flexible,
}

/// The reference counts, ready to fit. Times count from the judged bucket, which keeps them small.
pub(super) struct ReferenceData<'a> {
    pub references: &'a [Reference],
    pub counts: Vec<f64>,
    /// Times of the references in buckets from the judged one, hence negative.
    pub times: Vec<f64>,
    /// Logarithms of the population, one a reference; empty for none.
    pub offsets: Vec<f64>,
    /// Logarithm of the population at the judged bucket; 0 for none.
    pub judged_offset: f64,
}

/// What the fit predicts for the judged bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Prediction {
    /// Logarithm of the expected count.
    pub predictor: f64,
    pub mean: f64,
    /// Standard error of the predictor, dispersion included.
    pub predictor_error: f64,
    /// Dispersion, at least 1.
    pub dispersion: f64,
    pub trend: Option<f64>,
}

impl ReferenceData<'_> {
    /// Fits with a trend if it is wanted and earns its keep, else without.
    pub fn predict(&self, settings: &ModelSettings) -> Result<Prediction, RegressionError> {
        if settings.try_trend
            && let Ok(with_trend) = self.fit(settings, true)
        {
            let prediction = self.prediction(&with_trend, settings, true);
            let largest = self.counts.iter().copied().fold(0.0, f64::max);
            if with_trend.trend_p_value(settings) < settings.trend_p_value
                && prediction.mean <= largest
            {
                return Ok(prediction);
            }
        }
        let without = self.fit(settings, false)?;
        Ok(self.prediction(&without, settings, false))
    }

    fn fit(&self, settings: &ModelSettings, trend: bool) -> Result<DispersedFit, RegressionError> {
        let columns = settings.periods + usize::from(trend);
        let mut design = Vec::with_capacity(self.references.len() * columns);
        for (reference, time) in self.references.iter().zip(&self.times) {
            push_row(
                &mut design,
                settings.periods,
                reference.period,
                trend.then_some(*time),
            );
        }
        let mut weights = vec![1.0; self.counts.len()];
        let fit = |weights: &[f64]| {
            let regression = Regression {
                design: &design,
                columns,
                counts: &self.counts,
                weights,
                offsets: &self.offsets,
                size: None,
            };
            regression
                .fit()
                .map(|regression| DispersedFit::new(regression, &self.counts, weights))
        };
        let first = fit(&weights)?;
        let Some(threshold) = settings.reweight_above else {
            return Ok(first);
        };
        reweight(
            &mut weights,
            &anscombe_residuals(&self.counts, &first),
            threshold,
        );
        fit(&weights)
    }

    fn prediction(&self, fit: &DispersedFit, settings: &ModelSettings, trend: bool) -> Prediction {
        let mut row = Vec::with_capacity(settings.periods + 1);
        push_row(
            &mut row,
            settings.periods,
            settings.periods - 1,
            trend.then_some(0.0),
        );
        let predictor = fit.regression.predictor(&row) + self.judged_offset;
        Prediction {
            predictor,
            mean: libm::exp(predictor),
            predictor_error: fit.predictor_error(&row, settings),
            dispersion: fit.dispersion,
            trend: if trend {
                fit.regression.coefficients[settings.periods]
            } else {
                None
            },
        }
    }
}

/// One row of the design: intercept, the period (the first is the base), the time.
fn push_row(design: &mut Vec<f64>, periods: usize, period: usize, time: Option<f64>) {
    design.push(1.0);
    design.extend((1..periods).map(|level| f64::from(u8::from(level == period))));
    design.extend(time);
}

struct DispersedFit {
    regression: FittedRegression,
    /// At least 1.
    dispersion: f64,
    /// Residual variance of the working response under the prior weights.
    relative_variance: f64,
}

impl DispersedFit {
    fn new(regression: FittedRegression, counts: &[f64], weights: &[f64]) -> Self {
        let rows = counts.iter().zip(&regression.means).zip(weights);
        let relative_squares: f64 = rows
            .map(|((count, mean), weight)| weight * (count / mean - 1.0) * (count / mean - 1.0))
            .sum();
        let relative_variance = relative_squares / regression.degrees_of_freedom as f64;
        // No residual degrees of freedom: nothing speaks against Poisson.
        let dispersion = if regression.dispersion.is_nan() {
            1.0
        } else {
            regression.dispersion.max(1.0)
        };
        Self {
            regression,
            dispersion,
            relative_variance,
        }
    }

    fn predictor_error(&self, row: &[f64], settings: &ModelSettings) -> f64 {
        let variance = match settings.error {
            PredictionError::Textbook => self.dispersion,
            PredictionError::Flexible => self.flexible_variance(settings),
        };
        self.regression.standard_error(row, variance)
    }

    fn flexible_variance(&self, settings: &ModelSettings) -> f64 {
        match settings.reweight_above {
            Some(_) => self.relative_variance,
            None => self.regression.dispersion,
        }
    }

    /// Two-sided p-value of the trend.
    fn trend_p_value(&self, settings: &ModelSettings) -> f64 {
        let Some(Some(trend)) = self.regression.coefficients.get(settings.periods) else {
            return 1.0;
        };
        let mut row = vec![0.0; settings.periods + 1];
        row[settings.periods] = 1.0;
        let variance = match settings.error {
            PredictionError::Textbook => self.regression.dispersion,
            PredictionError::Flexible => self.flexible_variance(settings),
        };
        student_two_sided(
            trend / self.regression.standard_error(&row, variance),
            self.regression.degrees_of_freedom as f64,
        )
    }
}

/// Standardised Anscombe residuals (Farrington 1996, section 3.6).
fn anscombe_residuals(counts: &[f64], fit: &DispersedFit) -> Vec<f64> {
    let rows = counts
        .iter()
        .zip(&fit.regression.means)
        .zip(&fit.regression.leverages);
    rows.map(|((&count, &mean), &leverage)| {
        let residual = 1.5 * (pow(cbrt(count), 2.0) * pow(mean, -1.0 / 6.0) - sqrt(mean));
        residual / sqrt(fit.dispersion * (1.0 - leverage))
    })
    .collect()
}

/// Weights s⁻² where the residual s is above the threshold, all scaled to sum to the number of references.
fn reweight(weights: &mut [f64], residuals: &[f64], threshold: f64) {
    for (weight, &residual) in weights.iter_mut().zip(residuals) {
        *weight = if residual > threshold {
            1.0 / (residual * residual)
        } else {
            1.0
        };
    }
    let scale = weights.len() as f64 / weights.iter().sum::<f64>();
    for weight in weights.iter_mut() {
        *weight *= scale;
    }
}
