//! A Gaussian over the coefficients of a log-linear predictor: mean and packed covariance, in single precision.
//!
//! Decision: additive evolution variances per coefficient instead of multiplicative discounts (West, Harrison and Migon
//! 1985 discount): the memory is the same at equilibrium, but a gap, a silent year or a coefficient
//! that is not observed for a while cannot wind the covariance up without bound. Stored as f32 (half
//! the record), computed as f64.

/// Coefficients of one linear predictor: `P` means and the `T` = P(P+1)/2 lower-triangle covariances, row by row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Coefficients<const P: usize, const T: usize> {
    pub(crate) mean: [f32; P],
    pub(crate) covariance: [f32; T],
}

/// Place of (row, column) with column ≤ row in the packed triangle.
const fn place(row: usize, column: usize) -> usize {
    row * (row + 1) / 2 + column
}

impl<const P: usize, const T: usize> Coefficients<P, T> {
    /// Independent coefficients.
    pub(crate) fn independent(mean: [f64; P], variance: [f64; P]) -> Self {
        let mut covariance = [0.0_f32; T];
        for (row, value) in variance.iter().enumerate() {
            covariance[place(row, row)] = *value as f32;
        }
        Self {
            mean: mean.map(|value| value as f32),
            covariance,
        }
    }

    /// Moves time on: level += step × slope, and each variance grows by its evolution variance.
    pub(crate) fn propagate(&mut self, step: f64, growth: &[f64; P]) {
        let covariance = &mut self.covariance;
        self.mean[0] += (step * f64::from(self.mean[1])) as f32;
        let (level_slope, slope_slope) = (f64::from(covariance[1]), f64::from(covariance[2]));
        covariance[0] += (2.0 * step * level_slope + step * step * slope_slope) as f32;
        covariance[1] += (step * slope_slope) as f32;
        for row in 2..P {
            covariance[place(row, 0)] += (step * f64::from(covariance[place(row, 1)])) as f32;
        }
        for (row, variance) in growth.iter().enumerate() {
            covariance[place(row, row)] += *variance as f32;
        }
    }

    /// Mean and variance of the predictor x·θ.
    pub(crate) fn predict(&self, design: &[f64; P]) -> (f64, f64) {
        let mut mean = 0.0;
        let mut variance = 0.0;
        let mut index = 0;
        for row in 0..P {
            mean += design[row] * f64::from(self.mean[row]);
            let mut cross = 0.0;
            for value in &design[..row] {
                cross += value * f64::from(self.covariance[index]);
                index += 1;
            }
            variance +=
                design[row] * (2.0 * cross + design[row] * f64::from(self.covariance[index]));
            index += 1;
        }
        (mean, variance.max(1e-10))
    }

    /// Linear Bayes update: the predictor's mean moves by `shift` × (its variance) and its variance loses
    /// `loss` × (its variance)²; the coefficients follow along C·x.
    pub(crate) fn update(&mut self, design: &[f64; P], shift: f64, loss: f64) {
        let mut direction = [0.0_f64; P];
        for (row, place_in_direction) in direction.iter_mut().enumerate() {
            let mut sum = 0.0;
            for (column, value) in design.iter().enumerate() {
                let index = if column <= row {
                    place(row, column)
                } else {
                    place(column, row)
                };
                sum += value * f64::from(self.covariance[index]);
            }
            *place_in_direction = sum;
        }
        let mut index = 0;
        for row in 0..P {
            self.mean[row] = (f64::from(self.mean[row]) + direction[row] * shift) as f32;
            for column in 0..row {
                let value =
                    f64::from(self.covariance[index]) - loss * direction[row] * direction[column];
                self.covariance[index] = value as f32;
                index += 1;
            }
            let value = f64::from(self.covariance[index]) - loss * direction[row] * direction[row];
            self.covariance[index] = value.max(1e-9) as f32;
            index += 1;
        }
    }

    /// Adds to the variance of the level alone: a break in the level, nothing else.
    pub(crate) fn loosen_level(&mut self, variance: f64) {
        self.covariance[0] += variance as f32;
    }
}

/// One Gaussian number: mean and variance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Scalar {
    pub(crate) mean: f32,
    pub(crate) variance: f32,
}

impl Scalar {
    pub(crate) fn new(mean: f64, variance: f64) -> Self {
        Self {
            mean: mean as f32,
            variance: variance as f32,
        }
    }

    pub(crate) fn mean(self) -> f64 {
        f64::from(self.mean)
    }

    pub(crate) fn variance(self) -> f64 {
        f64::from(self.variance)
    }

    /// Mean-reverting step: `keep` is the autocorrelation over the step.
    pub(crate) fn revert(self, keep: f64, stationary_variance: f64) -> Self {
        let variance = keep * keep * self.variance() + (1.0 - keep * keep) * stationary_variance;
        Self::new(keep * self.mean(), variance)
    }

    /// Linear Bayes update, as in [`Coefficients::update`].
    pub(crate) fn update(&mut self, shift: f64, loss: f64) {
        let variance = self.variance();
        *self = Self::new(
            self.mean() + variance * shift,
            (variance - loss * variance * variance).max(1e-9),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn update_equals_the_kalman_formula() {
        let mut coefficients = Coefficients::<2, 3>::independent([1.0, 0.5], [0.4, 0.1]);
        coefficients.propagate(2.0, &[0.01, 0.0]);
        let (mean, variance) = coefficients.predict(&[1.0, 0.0]);
        assert!((mean - 2.0).abs() < 1e-6);
        assert!((variance - (0.4 + 4.0 * 0.1 + 0.01)).abs() < 1e-6);
        // Observation variance 0.2, innovation 0.3.
        let total = variance + 0.2;
        coefficients.update(&[1.0, 0.0], 0.3 / total, 1.0 / total);
        let (mean, after) = coefficients.predict(&[1.0, 0.0]);
        assert!((mean - (2.0 + 0.3 * variance / total)).abs() < 1e-6);
        assert!((after - (variance - variance * variance / total)).abs() < 1e-6);
    }
}
