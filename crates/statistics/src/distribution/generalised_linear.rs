//! Quasi-Poisson and negative-binomial regression with log link by iteratively reweighted least squares.
//!
//! Decision: the iteration starts, steps and stops exactly as is usual in statistical packages (start at
//! μ = y + 0.1, stop when the deviance changes by less than 1e-8 relative to itself, at most 25 steps),
//! although Newton from a better start would need fewer steps. A group of references that are all zero has
//! no finite estimate: where it comes to rest *is* the stopping rule, and a published upper bound must
//! come out the same here. It beat a general matrix crate: the designs have at most a dozen columns, and
//! Householder reduction of a narrow matrix is forty lines.
//!
//! Sources: Nelder and Wedderburn 1972 (J. R. Statist. Soc. A 135, 370–384); McCullagh and Nelder 1989,
//! section 2.5 (algorithm), 4.5 (leverage, dispersion); Golub and Van Loan, section 5.2.

use libm::{exp, log, sqrt};

/// A regression to fit: `columns` numbers a row in `design`, one count and one weight a row.
#[derive(Debug, Clone, Copy)]
pub struct Regression<'a> {
    /// Row-major design matrix, rows × columns.
    pub design: &'a [f64],
    /// Columns of the design.
    pub columns: usize,
    /// Counts, one a row.
    pub counts: &'a [f64],
    /// Prior weights, one a row; 0 leaves the row out of the fit.
    pub weights: &'a [f64],
    /// Logarithms of the exposure, one a row; empty for none.
    pub offsets: &'a [f64],
    /// Size of a negative binomial (variance μ + μ²/size); `None` for the Poisson variance.
    pub size: Option<f64>,
}

/// A fitted regression.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedRegression {
    /// Coefficients on the log scale; `None` for a column that the others make superfluous.
    pub coefficients: Vec<Option<f64>>,
    /// Fitted means, one a row.
    pub means: Vec<f64>,
    /// Prior weight × information (for Poisson, the mean) of the step before the last: what the last least-squares step used.
    pub working_weights: Vec<f64>,
    /// Pearson dispersion over the residual degrees of freedom, not held to at least 1.
    pub dispersion: f64,
    /// Residual degrees of freedom: rows in use less coefficients.
    pub degrees_of_freedom: usize,
    /// Leverage of each row, in [0, 1].
    pub leverages: Vec<f64>,
    triangle: Triangle,
}

/// Why there is no fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegressionError {
    /// The deviance did not settle within the step limit.
    #[error("quasi-Poisson regression did not converge in {STEP_LIMIT} steps")]
    NotConverged,
    /// No row has a positive weight, or a number in the input is not finite.
    #[error("quasi-Poisson regression has no usable rows")]
    NothingToFit,
}

const STEP_LIMIT: u32 = 25;
const DEVIANCE_TOLERANCE: f64 = 1e-8;
/// A column whose part not explained by earlier columns is smaller than this share of it is superfluous.
const RANK_TOLERANCE: f64 = 1e-11;

/// Upper triangle R of the last weighted design, over the columns kept.
#[derive(Debug, Clone, PartialEq)]
struct Triangle {
    /// Row-major, `columns` × `columns`.
    entries: Vec<f64>,
    columns: usize,
    /// Which columns carry information.
    kept: Vec<bool>,
}

impl Regression<'_> {
    /// Fits the regression.
    ///
    /// # Errors
    /// [`RegressionError`] when there is nothing to fit or the iteration does not settle.
    pub fn fit(&self) -> Result<FittedRegression, RegressionError> {
        let start: Vec<f64> = self.counts.iter().map(|count| self.start(*count)).collect();
        self.iterate(&start, Unsettled::Refuse)
    }

    /// Fits the regression starting from these means; without it settling, where it stands after the
    /// last step. For procedures that go on from there and settle as a whole.
    pub(super) fn fit_as_far_as_it_goes(
        &self,
        start: &[f64],
    ) -> Result<FittedRegression, RegressionError> {
        self.iterate(start, Unsettled::Accept)
    }

    fn iterate(
        &self,
        start: &[f64],
        unsettled: Unsettled,
    ) -> Result<FittedRegression, RegressionError> {
        let in_use = self.weights.iter().filter(|weight| **weight > 0.0).count();
        if in_use == 0 || self.counts.iter().any(|count| !count.is_finite()) {
            return Err(RegressionError::NothingToFit);
        }
        let mut means = start.to_vec();
        let mut etas: Vec<f64> = means.iter().map(|mean| log(*mean)).collect();
        let mut deviance = self.deviance(&means);
        for step_number in 1..=STEP_LIMIT {
            let working_weights: Vec<f64> = self
                .weights
                .iter()
                .zip(&means)
                .map(|(weight, mean)| weight * self.information(*mean))
                .collect();
            let step = self.least_squares(&etas, &means, &working_weights);
            for row in 0..means.len() {
                etas[row] = self.offset(row) + step.predictor(self.row(row));
                means[row] = exp(etas[row]);
            }
            let before = std::mem::replace(&mut deviance, self.deviance(&means));
            if !deviance.is_finite() {
                return Err(RegressionError::NotConverged);
            }
            let settled = (deviance - before).abs() / (deviance.abs() + 0.1) < DEVIANCE_TOLERANCE;
            if settled || (step_number == STEP_LIMIT && unsettled == Unsettled::Accept) {
                return Ok(self.finish(step, means, working_weights, in_use));
            }
        }
        Err(RegressionError::NotConverged)
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.design[row * self.columns..(row + 1) * self.columns]
    }

    fn offset(&self, row: usize) -> f64 {
        self.offsets.get(row).copied().unwrap_or(0.0)
    }

    /// Where the iteration starts: near the count, and away from zero.
    fn start(&self, count: f64) -> f64 {
        match self.size {
            None => count + 0.1,
            Some(_) => {
                if count == 0.0 {
                    1.0 / 6.0
                } else {
                    count
                }
            }
        }
    }

    /// Information of one count on its log mean: μ² over the variance.
    fn information(&self, mean: f64) -> f64 {
        self.size.map_or(mean, |size| mean / (1.0 + mean / size))
    }

    /// Twice the log-likelihood lost against a perfect fit.
    fn deviance(&self, means: &[f64]) -> f64 {
        let rows = self.counts.iter().zip(means).zip(self.weights);
        2.0 * rows
            .map(|((&count, &mean), &weight)| weight * self.deviance_of(count, mean))
            .sum::<f64>()
    }

    fn deviance_of(&self, count: f64, mean: f64) -> f64 {
        let information = if count > 0.0 {
            count * log(count / mean)
        } else {
            0.0
        };
        match self.size {
            None => information - (count - mean),
            Some(size) => information - (count + size) * log((count + size) / (mean + size)),
        }
    }

    /// One step: weighted least squares of the working response on the design.
    fn least_squares(&self, etas: &[f64], means: &[f64], working_weights: &[f64]) -> Step {
        let mut matrix = Vec::with_capacity(self.counts.len() * (self.columns + 1));
        for row in 0..self.counts.len() {
            let root = sqrt(working_weights[row]);
            matrix.extend(self.row(row).iter().map(|entry| entry * root));
            let response =
                etas[row] - self.offset(row) + (self.counts[row] - means[row]) / means[row];
            matrix.push(response * root);
        }
        let (triangle, right_side) = reduce(&mut matrix, self.columns);
        Step {
            coefficients: triangle.solve(&right_side),
            triangle,
        }
    }

    fn finish(
        &self,
        step: Step,
        means: Vec<f64>,
        working_weights: Vec<f64>,
        in_use: usize,
    ) -> FittedRegression {
        let rank = step.triangle.kept.iter().filter(|kept| **kept).count();
        let pearson: f64 = (0..means.len())
            .map(|row| {
                let residual = (self.counts[row] - means[row]) / means[row];
                working_weights[row] * residual * residual
            })
            .sum();
        let degrees_of_freedom = in_use.saturating_sub(rank);
        let dispersion = if degrees_of_freedom > 0 {
            pearson / degrees_of_freedom as f64
        } else {
            f64::NAN
        };
        let leverages = (0..means.len())
            .map(|row| {
                let leverage = working_weights[row] * step.triangle.variance(self.row(row));
                // A row that alone determines a coefficient has leverage 1 up to rounding.
                if leverage >= 1.0 - 10.0 * f64::EPSILON {
                    1.0
                } else {
                    leverage
                }
            })
            .collect();
        let coefficients = step
            .coefficients
            .iter()
            .zip(&step.triangle.kept)
            .map(|(value, kept)| kept.then_some(*value))
            .collect();
        FittedRegression {
            coefficients,
            means,
            working_weights,
            dispersion,
            degrees_of_freedom,
            leverages,
            triangle: step.triangle,
        }
    }
}

impl FittedRegression {
    /// Linear predictor at a new row, without its offset.
    pub fn predictor(&self, row: &[f64]) -> f64 {
        self.coefficients
            .iter()
            .zip(row)
            .map(|(coefficient, entry)| coefficient.unwrap_or(0.0) * entry)
            .sum()
    }

    /// Standard error of the linear predictor at a new row, at the given dispersion.
    pub fn standard_error(&self, row: &[f64], dispersion: f64) -> f64 {
        sqrt(dispersion * self.triangle.variance(row))
    }
}

/// What to do when the steps run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unsettled {
    Accept,
    Refuse,
}

struct Step {
    coefficients: Vec<f64>,
    triangle: Triangle,
}

impl Step {
    fn predictor(&self, row: &[f64]) -> f64 {
        self.coefficients
            .iter()
            .zip(row)
            .map(|(coefficient, entry)| coefficient * entry)
            .sum()
    }
}

impl Triangle {
    fn entry(&self, row: usize, column: usize) -> f64 {
        self.entries[row * self.columns + column]
    }

    /// Back-substitution; superfluous columns get 0.
    fn solve(&self, right_side: &[f64]) -> Vec<f64> {
        let mut solution = vec![0.0; self.columns];
        for row in (0..self.columns).rev().filter(|row| self.kept[*row]) {
            let known: f64 = (row + 1..self.columns)
                .map(|column| self.entry(row, column) * solution[column])
                .sum();
            solution[row] = (right_side[row] - known) / self.entry(row, row);
        }
        solution
    }

    /// x′ (R′R)⁻¹ x by forward substitution.
    fn variance(&self, x: &[f64]) -> f64 {
        let mut solved = vec![0.0; self.columns];
        let mut sum = 0.0;
        for column in (0..self.columns).filter(|column| self.kept[*column]) {
            let known: f64 = (0..column)
                .map(|row| self.entry(row, column) * solved[row])
                .sum();
            solved[column] = (x[column] - known) / self.entry(column, column);
            sum += solved[column] * solved[column];
        }
        sum
    }
}

/// The triangle of a row-major matrix whose last column is the right side, and the right side rotated alike.
fn reduce(matrix: &mut [f64], columns: usize) -> (Triangle, Vec<f64>) {
    let width = columns + 1;
    let pivots = triangularise(matrix, width);
    let mut entries = vec![0.0; columns * columns];
    let mut right_side = vec![0.0; columns];
    for (column, pivot) in pivots.iter().enumerate() {
        if let Some(pivot) = pivot {
            let row = &matrix[pivot * width..(pivot + 1) * width];
            entries[column * columns..(column + 1) * columns].copy_from_slice(&row[..columns]);
            right_side[column] = row[columns];
        }
    }
    let kept = pivots.iter().map(Option::is_some).collect();
    (
        Triangle {
            entries,
            columns,
            kept,
        },
        right_side,
    )
}

/// Householder reduction, in place, of a row-major matrix whose last column is the right side.
///
/// Gives, for each column of the design, the row that became its pivot, or `None` when it is superfluous.
fn triangularise(matrix: &mut [f64], width: usize) -> Vec<Option<usize>> {
    let rows = matrix.len() / width;
    let columns = width - 1;
    let norm = |matrix: &[f64], column: usize, from: usize| {
        sqrt(
            (from..rows)
                .map(|row| matrix[row * width + column] * matrix[row * width + column])
                .sum(),
        )
    };
    let mut pivots = vec![None; columns];
    let mut pivot = 0;
    for column in 0..columns {
        let length = norm(matrix, column, pivot);
        // Reflections keep lengths, so the whole column still has the length it came with.
        if pivot == rows || length <= RANK_TOLERANCE * norm(matrix, column, 0) {
            continue;
        }
        let head = matrix[pivot * width + column];
        let target = if head > 0.0 { -length } else { length };
        // Reflector v = x − target·e, and H = I − v v′ / half.
        let half = length * (length + head.abs());
        matrix[pivot * width + column] = head - target;
        for other in column + 1..width {
            let product: f64 = (pivot..rows)
                .map(|row| matrix[row * width + column] * matrix[row * width + other])
                .sum();
            let factor = product / half;
            for row in pivot..rows {
                matrix[row * width + other] -= factor * matrix[row * width + column];
            }
        }
        matrix[pivot * width + column] = target;
        for row in pivot + 1..rows {
            matrix[row * width + column] = 0.0;
        }
        pivots[column] = Some(pivot);
        pivot += 1;
    }
    pivots
}
