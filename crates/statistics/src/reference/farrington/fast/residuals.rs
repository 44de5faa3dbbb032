//! What the residuals of a fit say: the dispersion, and which references were outbreaks.

use crate::elementary::exp;
use libm::{cbrt, pow, sqrt};

use super::{Fit, Outlier, Period, Spread, Workspace};

/// From this leverage on, the general regression decides whether the row stands alone.
const LARGEST_LEVERAGE: f64 = 1.0 - 1e-9;
impl Fit<'_> {
    /// Means of the last two steps, row by row, and the dispersion from them.
    pub(super) fn spread(&mut self) -> Spread {
        let Workspace {
            periods,
            outliers,
            means,
            means_before,
            ..
        } = &mut *self.work;
        means.resize(self.rows, 0.0);
        means_before.resize(self.rows, 0.0);
        let mut row = 0;
        let (growth, growth_before) = (exp(self.slope), exp(self.slope_before));
        let (mut next_start, mut along, mut along_before) = (usize::MAX, 1.0, 1.0);
        let (mut raw, mut relative) = (0.0, 0.0);
        for run in self.runs {
            if run.start != next_start {
                let time = run.start as f64 - self.centre;
                (along, along_before) = (exp(self.slope * time), exp(self.slope_before * time));
            }
            next_start = run.end;
            let period = periods[run.period];
            let counts = self.prepared.counts(run);
            let rows = row..row + counts.len();
            row += counts.len();
            let (means, means_before) = (&mut means[rows.clone()], &mut means_before[rows]);
            for ((count, mean), mean_before) in counts.iter().zip(means).zip(means_before) {
                *mean = period.level * along;
                *mean_before = period.level_before * along_before;
                along *= growth;
                along_before *= growth_before;
                let residual = count / *mean - 1.0;
                relative += residual * residual;
                raw += residual * residual * *mean_before;
            }
        }
        (raw, relative) = (raw * self.prior, relative * self.prior);
        for outlier in outliers.iter() {
            let (time, period) = (outlier.place as f64 - self.centre, periods[outlier.period]);
            let residual =
                self.prepared.count(outlier.place) / (period.level * exp(self.slope * time)) - 1.0;
            let weighted = outlier.excess * residual * residual;
            relative += weighted;
            raw += weighted * period.level_before * exp(self.slope_before * time);
        }
        let freedom = self.freedom();
        Spread {
            raw: raw / freedom,
            relative: relative / freedom,
        }
    }

    pub(super) fn freedom(&self) -> f64 {
        (self.rows - self.work.periods.len() - usize::from(self.trend)) as f64
    }

    /// x′ (X′WX)⁻¹ x for a row of this period and time.
    pub(super) fn variance(&self, period: &Period, time: f64) -> f64 {
        let of_slope = if self.trend {
            let distance = time - period.used_weight_time / period.used_weight;
            distance * distance / self.sums.slope_information
        } else {
            0.0
        };
        1.0 / period.used_weight + of_slope
    }

    /// Gives past outbreaks a smaller prior weight; says whether there were any, `None` where a reference
    /// alone determines a coefficient.
    pub(super) fn weight_down(&mut self, threshold: f64, dispersion: f64) -> Option<bool> {
        let mut row = 0;
        let mut weights_sum = self.rows as f64;
        let bar = threshold * threshold;
        let of_slope = if self.trend {
            1.0 / self.sums.slope_information
        } else {
            0.0
        };
        for run in self.runs {
            let period = self.work.periods[run.period];
            let mean_time = period.used_weight_time / period.used_weight;
            let of_level = 1.0 / period.used_weight;
            for (place, &count) in (run.start..run.end).zip(self.prepared.counts(run)) {
                let (mean, mean_before) = (self.work.means[row], self.work.means_before[row]);
                row += 1;
                let distance = place as f64 - self.centre - mean_time;
                let leverage = mean_before * (of_level + distance * distance * of_slope);
                let scale = dispersion * (1.0 - leverage);
                let excess = count - mean;
                // Anscombe's residual is at most Pearson's: most rows stop here.
                if excess * excess.abs() <= bar * scale * mean && leverage <= LARGEST_LEVERAGE {
                    continue;
                }
                if excess <= 0.0 {
                    continue;
                }
                if leverage > LARGEST_LEVERAGE {
                    return None;
                }
                let residual = 1.5 * (pow(cbrt(count), 2.0) * pow(mean, -1.0 / 6.0) - sqrt(mean));
                let standardised = residual / sqrt(scale);
                if standardised > threshold {
                    let weight = 1.0 / (standardised * standardised);
                    weights_sum += weight - 1.0;
                    self.work.outliers.push(Outlier {
                        place,
                        period: run.period,
                        excess: weight,
                    });
                }
            }
        }
        self.prior = self.rows as f64 / weights_sum;
        for outlier in &mut self.work.outliers {
            outlier.excess = self.prior * (outlier.excess - 1.0);
        }
        Some(!self.work.outliers.is_empty())
    }
}
