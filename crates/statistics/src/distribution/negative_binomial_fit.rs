//! Negative-binomial regression with the size estimated by maximum likelihood.
//!
//! The mean is fitted at a fixed size and the size at fixed means, in turn. Decision: the order of the
//! turns and their stopping rules are those of the procedure as published (Venables and Ripley, section
//! 7.4), because the estimate is stopped before it is exact and published charts rest on it.
//!
//! Sources: Lawless 1987 (Canadian Journal of Statistics 15, 209–225); Venables and Ripley 2002, Modern
//! Applied Statistics with S, section 7.4.

use libm::{lgamma, log, sqrt};

use super::generalised_linear::{FittedRegression, Regression, RegressionError};

/// Rounds of mean and size in turn.
const ROUND_LIMIT: usize = 25;
/// Newton steps of the size within a round.
const SIZE_STEP_LIMIT: usize = 24;
/// The turns end when log-likelihood and size move less than this.
const ROUND_TOLERANCE: f64 = 1e-8;
/// A size settles when a Newton step is smaller than this (fourth root of the machine epsilon).
const SIZE_TOLERANCE: f64 = 1.220_703_125e-4;

/// Fits mean and size; the answer is the regression and the size.
///
/// Counts that vary no more than Poisson drive the size up until the steps run out: the answer is then
/// Poisson in all but name.
///
/// # Errors
/// [`RegressionError`] when the mean cannot be fitted or the size leaves the positive numbers.
pub fn fit_negative_binomial(
    regression: &Regression<'_>,
) -> Result<(FittedRegression, f64), RegressionError> {
    let start: Vec<f64> = regression.counts.iter().map(|count| count + 0.1).collect();
    let mut fitted = Regression {
        size: None,
        ..*regression
    }
    .fit_as_far_as_it_goes(&start)?;
    let counts = regression.counts;
    let scale = sqrt(2.0 * fitted.degrees_of_freedom.max(1) as f64);
    let mut means = fitted.means.clone();
    let mut size = settle_size(counts, &means)?;
    let mut likelihood = ln_likelihood(counts, &means, size);
    let mut likelihood_before = likelihood + 2.0 * scale;
    let mut moved = 1.0_f64;
    for _ in 0..ROUND_LIMIT {
        if (likelihood_before - likelihood).abs() / scale + moved.abs() <= ROUND_TOLERANCE {
            break;
        }
        fitted = Regression {
            size: Some(size),
            ..*regression
        }
        .fit_as_far_as_it_goes(&means)?;
        // The size is still judged at the means of the round before; the next round catches up.
        let size_before = std::mem::replace(&mut size, settle_size(counts, &means)?);
        moved = size_before - size;
        means.clone_from(&fitted.means);
        likelihood_before = likelihood;
        likelihood = ln_likelihood(counts, &means, size);
    }
    Ok((fitted, size))
}

/// Newton steps on the size from its moment estimate.
fn settle_size(counts: &[f64], means: &[f64]) -> Result<f64, RegressionError> {
    let spread: f64 = counts
        .iter()
        .zip(means)
        .map(|(count, mean)| (count / mean - 1.0) * (count / mean - 1.0))
        .sum();
    let mut size = counts.len() as f64 / spread;
    for _ in 0..SIZE_STEP_LIMIT {
        size = size.abs();
        let step = score(counts, means, size) / information(counts, means, size);
        size += step;
        if step.abs() <= SIZE_TOLERANCE {
            break;
        }
    }
    if size.is_finite() && size > 0.0 {
        Ok(size)
    } else {
        Err(RegressionError::NotConverged)
    }
}

/// Log-likelihood at given means and size, up to what depends on the counts alone.
fn ln_likelihood(counts: &[f64], means: &[f64], size: f64) -> f64 {
    let rows = counts.iter().zip(means);
    rows.map(|(count, mean)| {
        lgamma(size + count) - lgamma(size) + size * log(size) + count * log(*mean)
            - (size + count) * log(size + mean)
    })
    .sum()
}

/// Derivative of the log-likelihood in the size.
fn score(counts: &[f64], means: &[f64], size: f64) -> f64 {
    let rows = counts.iter().zip(means);
    rows.map(|(&count, &mean)| {
        digamma_rise(size, count) + log(size) + 1.0
            - log(size + mean)
            - (count + size) / (mean + size)
    })
    .sum()
}

/// Minus the second derivative of the log-likelihood in the size.
fn information(counts: &[f64], means: &[f64], size: f64) -> f64 {
    let rows = counts.iter().zip(means);
    rows.map(|(&count, &mean)| {
        trigamma_fall(size, count) - 1.0 / size + 2.0 / (mean + size)
            - (count + size) / ((mean + size) * (mean + size))
    })
    .sum()
}

/// Counts up to this are summed term by term; beyond, the asymptotic series takes over the tail.
const SUMMED_COUNT: f64 = 10_000.0;

/// ψ(size + count) − ψ(size) for a whole count.
fn digamma_rise(size: f64, count: f64) -> f64 {
    let summed = count.min(SUMMED_COUNT);
    let near: f64 = (0..summed as u32)
        .map(|k| 1.0 / (size + f64::from(k)))
        .sum();
    let series = |z: f64| log(z) - 0.5 / z - 1.0 / (12.0 * z * z);
    if count > summed {
        near + series(size + count) - series(size + summed)
    } else {
        near
    }
}

/// ψ′(size) − ψ′(size + count) for a whole count.
fn trigamma_fall(size: f64, count: f64) -> f64 {
    let summed = count.min(SUMMED_COUNT);
    let near: f64 = (0..summed as u32)
        .map(|k| 1.0 / ((size + f64::from(k)) * (size + f64::from(k))))
        .sum();
    let series = |z: f64| 1.0 / z + 0.5 / (z * z) + 1.0 / (6.0 * z * z * z);
    if count > summed {
        near + series(size + summed) - series(size + count)
    } else {
        near
    }
}
