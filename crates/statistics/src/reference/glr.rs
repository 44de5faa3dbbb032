//! Generalised likelihood-ratio chart for seasonal Poisson or negative-binomial counts.
//!
//! The in-control mean is a log-linear regression with trend and harmonics on all buckets before. From the
//! latest reset on, every possible onset is tried with its best multiplicative shift upwards; the chart
//! alarms when the largest log-likelihood ratio reaches the threshold, and then starts anew.
//!
//! Decision: the best shift is found by safeguarded Newton steps to machine precision, since steps without a
//! guard fail on sparse series (R's do on some); where R converges the numbers agree.
//!
//! Source: Höhle and Paul 2008 (Computational Statistics and Data Analysis 52, 4357–4368).

use std::ops::Range;

use libm::{cos, exp, log, sin};

use crate::distribution::{Regression, fit_negative_binomial};

use super::{CountSeries, Judgement, ReferenceError, ReferenceMethod, SettingRefused, require};

/// Which counts the chart assumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GlrFamily {
    /// Variance equal to the mean.
    Poisson,
    /// Variance μ + α μ², α estimated once from the buckets before the first judged one.
    NegativeBinomial,
}

/// Settings of the chart as a person writes them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GlrSettings {
    /// Which counts.
    pub family: GlrFamily,
    /// Log-likelihood ratio that alarms (`c.ARL`).
    pub threshold: f64,
    /// Harmonics of the year in the in-control mean (`S`).
    pub harmonics: usize,
    /// Whether the in-control mean has a log-linear trend.
    pub trend: bool,
    /// Whether the mean is fitted anew on everything seen after each alarm. R documents that it does so;
    /// its numbers show that it does not.
    pub refit_after_alarm: bool,
}

impl GlrSettings {
    /// Threshold 5, one harmonic, a trend: the usual chart.
    pub fn usual(family: GlrFamily) -> Self {
        Self {
            family,
            threshold: 5.0,
            harmonics: 1,
            trend: true,
            refit_after_alarm: false,
        }
    }

    /// Makes the method, if every setting can be used.
    ///
    /// # Errors
    /// [`SettingRefused`] names the setting and what it must be.
    pub fn check(self) -> Result<Glr, SettingRefused> {
        let positive = self.threshold > 0.0 && self.threshold.is_finite();
        require("threshold", self.threshold, positive, "above 0")?;
        require(
            "harmonics",
            self.harmonics as f64,
            self.harmonics <= 6,
            "at most 6",
        )?;
        Ok(Glr { settings: self })
    }
}

/// The chart with checked settings. A judgement's `upper` and `score` are both the likelihood-ratio statistic.
#[derive(Debug, Clone, PartialEq)]
pub struct Glr {
    settings: GlrSettings,
}

/// In-control model of one stretch between alarms.
struct InControl {
    coefficients: Vec<f64>,
    size: Option<f64>,
}

impl ReferenceMethod for Glr {
    fn name(&self) -> &'static str {
        match self.settings.family {
            GlrFamily::Poisson => "glr_poisson",
            GlrFamily::NegativeBinomial => "glr_negative_binomial",
        }
    }

    fn judge(
        &self,
        series: &CountSeries<'_>,
        places: Range<usize>,
    ) -> Result<Vec<Judgement>, ReferenceError> {
        series.check(&places)?;
        let needed = 2 * self.columns();
        if places.start < needed && !places.is_empty() {
            return Err(ReferenceError::HistoryTooShort {
                method: self.name(),
                place: places.start,
                needed,
            });
        }
        let mut judgements = Vec::with_capacity(places.len());
        let mut in_control = self.fit(series, places.start, None);
        let mut reset = places.start;
        let mut means = Vec::new();
        for place in places {
            let observed = series.counts[place];
            let mut judgement = Judgement::bound(place, observed, None, false);
            // Without a fit there is no mean, hence no statistic, until an alarm or the end.
            if let Some(model) = &in_control {
                let mean = self.mean(model, series, place);
                means.push(mean);
                let statistic = largest_ratio(&series.counts[reset..=place], &means, model.size);
                judgement.expected = Some(mean);
                judgement.upper = Some(statistic);
                judgement.score = Some(statistic);
                judgement.dispersion = model.size.map(|size| 1.0 + mean / size);
                judgement.alarm = statistic >= self.settings.threshold;
                if judgement.alarm {
                    let size = model.size;
                    if self.settings.refit_after_alarm {
                        in_control = self.fit(series, place + 1, size);
                    }
                    reset = place + 1;
                    means.clear();
                }
            }
            judgements.push(judgement);
        }
        Ok(judgements)
    }
}

impl Glr {
    /// The negative binomial's α = 1/size as estimated from the buckets before `place`.
    pub fn estimated_alpha(&self, series: &CountSeries<'_>, place: usize) -> Option<f64> {
        self.fit(series, place, None)?.size.map(|size| 1.0 / size)
    }

    fn columns(&self) -> usize {
        1 + usize::from(self.settings.trend) + 2 * self.settings.harmonics
    }

    fn push_row(&self, row: &mut Vec<f64>, series: &CountSeries<'_>, place: usize) {
        let time = (place + 1) as f64;
        row.push(1.0);
        if self.settings.trend {
            row.push(time);
        }
        for harmonic in 1..=self.settings.harmonics {
            let year = series.calendar.buckets_per_year() as f64;
            let angle = 2.0 * std::f64::consts::PI * harmonic as f64 * time / year;
            row.push(sin(angle));
            row.push(cos(angle));
        }
    }

    fn fit(&self, series: &CountSeries<'_>, end: usize, size: Option<f64>) -> Option<InControl> {
        let mut design = Vec::with_capacity(end * self.columns());
        for place in 0..end {
            self.push_row(&mut design, series, place);
        }
        let counts: Vec<f64> = series.counts[..end]
            .iter()
            .map(|count| *count as f64)
            .collect();
        let weights = vec![1.0; end];
        let regression = Regression {
            design: &design,
            columns: self.columns(),
            counts: &counts,
            weights: &weights,
            offsets: &[],
            size,
        };
        let (fitted, size) = match (self.settings.family, size) {
            (GlrFamily::NegativeBinomial, None) => {
                let (fitted, size) = fit_negative_binomial(&regression).ok()?;
                (fitted, Some(size))
            }
            _ => (regression.fit().ok()?, size),
        };
        let coefficients = fitted
            .coefficients
            .iter()
            .map(|coefficient| coefficient.unwrap_or(0.0))
            .collect();
        Some(InControl { coefficients, size })
    }

    fn mean(&self, model: &InControl, series: &CountSeries<'_>, place: usize) -> f64 {
        let mut row = Vec::with_capacity(self.columns());
        self.push_row(&mut row, series, place);
        exp(model
            .coefficients
            .iter()
            .zip(&row)
            .map(|(coefficient, entry)| coefficient * entry)
            .sum())
    }
}

/// The largest log-likelihood ratio over onsets, each with its best shift upwards.
fn largest_ratio(counts: &[u64], means: &[f64], size: Option<f64>) -> f64 {
    let counts: Vec<f64> = counts.iter().map(|count| *count as f64).collect();
    match size {
        None => {
            // Sums from each onset on, built from the latest bucket backwards.
            let (mut seen, mut expected, mut largest) = (0.0, 0.0, 0.0_f64);
            for (count, mean) in counts.iter().zip(means).rev() {
                seen += count;
                expected += mean;
                if seen > expected {
                    largest = largest.max(seen * log(seen / expected) - (seen - expected));
                }
            }
            largest
        }
        Some(size) => (0..counts.len())
            .map(|onset| negative_binomial_ratio(&counts[onset..], &means[onset..], size))
            .fold(0.0, f64::max),
    }
}

/// Steps allowed for the best shift; safeguarded Newton needs about six.
const SHIFT_STEPS: usize = 100;

/// The log-likelihood ratio of the best shift κ ≥ 0 of the log mean (equations 8 and 9 of the paper).
fn negative_binomial_ratio(counts: &[f64], means: &[f64], size: f64) -> f64 {
    // Score of κ: Σ size (x − μ e^κ) / (size + μ e^κ), which falls in κ.
    let score = |shift: f64| {
        let factor = exp(shift);
        let (mut value, mut slope) = (0.0, 0.0);
        for (count, mean) in counts.iter().zip(means) {
            let shifted = mean * factor;
            value += size * (count - shifted) / (size + shifted);
            slope -= size * shifted * (size + count) / ((size + shifted) * (size + shifted));
        }
        (value, slope)
    };
    if score(0.0).0 <= 0.0 {
        return 0.0;
    }
    let largest = counts
        .iter()
        .zip(means)
        .map(|(count, mean)| count / mean)
        .fold(1.0, f64::max);
    let (mut low, mut high) = (0.0, log(largest));
    let mut shift = 0.5 * high;
    for _ in 0..SHIFT_STEPS {
        let (value, slope) = score(shift);
        if value > 0.0 {
            low = shift;
        } else {
            high = shift;
        }
        let newton = shift - value / slope;
        let next = if newton > low && newton < high {
            newton
        } else {
            0.5 * (low + high)
        };
        if (next - shift).abs() <= 1e-14 * next.abs() {
            break;
        }
        shift = next;
    }
    counts
        .iter()
        .zip(means)
        .map(|(count, mean)| {
            count * shift - (count + size) * log((mean * exp(shift) + size) / (mean + size))
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The ratio of one given shift: a lower bound of the best one.
    fn ratio_at(shift: f64, counts: &[f64], means: &[f64], size: f64) -> f64 {
        let rows = counts.iter().zip(means);
        rows.map(|(count, mean)| {
            count * shift - (count + size) * log((mean * exp(shift) + size) / (mean + size))
        })
        .sum()
    }

    proptest! {
        #[test]
        fn no_other_shift_beats_the_best_one(
            rows in prop::collection::vec((0u64..40, 0.01..20.0f64), 1..15), size in 0.01..1e4f64
        ) {
            let (counts, means): (Vec<f64>, Vec<f64>) = rows.iter().map(|(count, mean)| (*count as f64, *mean)).unzip();
            let best = negative_binomial_ratio(&counts, &means, size);
            for step in 0..200 {
                let other = ratio_at(0.05 * f64::from(step), &counts, &means, size);
                prop_assert!(best >= other - 1e-9 * (1.0 + other.abs()), "{} {} at step {}", best, other, step);
            }
        }
    }

    #[test]
    fn a_chart_that_starts_too_early_is_refused() {
        let counts = vec![3u64; 60];
        let series = CountSeries {
            counts: &counts,
            calendar: super::super::Calendar::Even {
                buckets_per_year: 52,
            },
            population: &[],
        };
        let chart = GlrSettings::usual(GlrFamily::Poisson).check().unwrap();
        assert!(matches!(
            chart.judge(&series, 7..10),
            Err(ReferenceError::HistoryTooShort { needed: 8, .. })
        ));
        assert!(matches!(
            chart.judge(&series, 50..61),
            Err(ReferenceError::RangePastEnd {
                end: 61,
                length: 60
            })
        ));
    }
}
