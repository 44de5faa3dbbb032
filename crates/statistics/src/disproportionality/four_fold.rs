//! The four-fold table of a product and a theme, and the raw ratios from it.

use libm::{exp, log, sqrt};

use crate::distribution::normal_quantile;

/// Mentions by product (this, other) and theme (this, other).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FourFold {
    /// This product and this theme.
    pub both: u64,
    /// This product, other themes.
    pub product_only: u64,
    /// Other products, this theme.
    pub theme_only: u64,
    /// Neither.
    pub neither: u64,
}

/// Margins that cannot belong to one table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "pair count {both}, product total {product}, theme total {theme} and grand total {total} do not fit together: \
     the pair cannot exceed its margins, nor the margins the total"
)]
pub struct FourFoldError {
    /// Mentions of both.
    pub both: u64,
    /// Mentions of the product.
    pub product: u64,
    /// Mentions of the theme.
    pub theme: u64,
    /// All mentions.
    pub total: u64,
}

/// A ratio with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// The ratio; 1 is no association.
    pub value: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
}

impl FourFold {
    /// The table of a pair count and its margins.
    ///
    /// # Errors
    /// [`FourFoldError`] when the margins do not fit.
    pub fn from_margins(
        both: u64,
        product: u64,
        theme: u64,
        total: u64,
    ) -> Result<Self, FourFoldError> {
        let misfit = FourFoldError {
            both,
            product,
            theme,
            total,
        };
        let (Some(product_only), Some(theme_only)) =
            (product.checked_sub(both), theme.checked_sub(both))
        else {
            return Err(misfit);
        };
        let neither = total
            .checked_sub(product)
            .and_then(|rest| rest.checked_sub(theme_only))
            .ok_or(misfit)?;
        Ok(Self {
            both,
            product_only,
            theme_only,
            neither,
        })
    }

    fn cells(&self) -> [f64; 4] {
        [
            self.both as f64,
            self.product_only as f64,
            self.theme_only as f64,
            self.neither as f64,
        ]
    }

    /// Count expected if product and theme had nothing to do with each other; 0 for an empty table.
    pub fn expected(&self) -> f64 {
        let [both, product_only, theme_only, neither] = self.cells();
        let total = both + product_only + theme_only + neither;
        if total == 0.0 {
            0.0
        } else {
            (both + product_only) * ((both + theme_only) / total)
        }
    }

    /// Proportional reporting ratio with an interval of the given two-sided level.
    ///
    /// `None` where a ratio does not exist: the pair or the theme elsewhere was never seen.
    pub fn proportional_reporting_ratio(&self, level: f64) -> Option<Ratio> {
        let [both, product_only, theme_only, neither] = self.cells();
        let value = (both / (both + product_only)) / (theme_only / (theme_only + neither));
        let variance = 1.0 / both - 1.0 / (both + product_only) + 1.0 / theme_only
            - 1.0 / (theme_only + neither);
        around(value, variance, level)
    }

    /// Reporting odds ratio with an interval of the given two-sided level; `None` if any cell is empty.
    pub fn reporting_odds_ratio(&self, level: f64) -> Option<Ratio> {
        let [both, product_only, theme_only, neither] = self.cells();
        let value = (both / product_only) * (neither / theme_only);
        around(
            value,
            1.0 / both + 1.0 / product_only + 1.0 / theme_only + 1.0 / neither,
            level,
        )
    }

    /// Chi-square with Yates' correction on one degree of freedom; 0 where a margin is empty.
    pub fn chi_square_yates(&self) -> f64 {
        let [both, product_only, theme_only, neither] = self.cells();
        let total = both + product_only + theme_only + neither;
        let margins = (both + product_only)
            * (theme_only + neither)
            * (both + theme_only)
            * (product_only + neither);
        if margins == 0.0 {
            return 0.0;
        }
        let distance = ((both * neither - product_only * theme_only).abs() - 0.5 * total).max(0.0);
        total * distance * distance / margins
    }
}

/// A log-normal interval; `None` unless ratio and variance are finite and positive.
fn around(value: f64, variance: f64, level: f64) -> Option<Ratio> {
    if !(value.is_finite() && value > 0.0 && variance.is_finite() && variance >= 0.0) {
        return None;
    }
    let half_width = normal_quantile(0.5 + 0.5 * level.clamp(0.0, 1.0)) * sqrt(variance);
    Some(Ratio {
        value,
        lower: exp(log(value) - half_width),
        upper: exp(log(value) + half_width),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of Evans, Waller and Davis 2001: rifabutin and uveitis, 41 of 55 reports against
    /// 754 of 591,958.
    const RIFABUTIN: FourFold = FourFold {
        both: 41,
        product_only: 14,
        theme_only: 754,
        neither: 591_204,
    };

    #[test]
    fn worked_example_of_evans() {
        let ratio = RIFABUTIN.proportional_reporting_ratio(0.95).unwrap();
        assert!((ratio.value - 585.2).abs() < 0.1, "{ratio:?}");
        // R 4.2.2: chisq.test(matrix(c(41, 14, 754, 591204), 2))$statistic
        assert!(
            (RIFABUTIN.chi_square_yates() - 22_158.989_960_047_253).abs() < 1e-6,
            "{}",
            RIFABUTIN.chi_square_yates()
        );
        assert!(ratio.lower > 400.0 && ratio.upper < 800.0);
    }

    #[test]
    fn empty_cells_and_misfits_are_answered() {
        let never = FourFold {
            both: 0,
            product_only: 5,
            theme_only: 3,
            neither: 10,
        };
        assert_eq!(never.proportional_reporting_ratio(0.95), None);
        assert_eq!(never.reporting_odds_ratio(0.95), None);
        assert_eq!(
            FourFold {
                both: 0,
                product_only: 0,
                theme_only: 0,
                neither: 0
            }
            .chi_square_yates(),
            0.0
        );
        assert!(FourFold::from_margins(5, 4, 9, 100).is_err());
        assert!(FourFold::from_margins(1, 60, 60, 100).is_err());
        assert_eq!(
            FourFold::from_margins(41, 55, 795, 592_013).unwrap(),
            RIFABUTIN
        );
    }
}
