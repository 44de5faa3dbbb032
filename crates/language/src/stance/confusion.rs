//! Confusion matrix of stances, and Cohen's kappa.

use super::Stance;

/// Counts of `[true][found]` stances, in the order of [`Stance::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Confusion(pub [[u32; 4]; 4]);

impl Confusion {
    /// Takes one labelled voice in.
    pub fn add(&mut self, truth: Stance, found: Stance) {
        self.0[truth as usize][found as usize] += 1;
    }

    /// Cohen's kappa (1960); 0 without data or with one label only.
    #[must_use]
    pub fn kappa(&self) -> f64 {
        let total: f64 = self.0.iter().flatten().map(|count| f64::from(*count)).sum();
        let agree: f64 = (0..4).map(|at| f64::from(self.0[at][at])).sum();
        let chance: f64 = (0..4)
            .map(|at| {
                let row: f64 = self.0[at].iter().map(|count| f64::from(*count)).sum();
                let column: f64 = self.0.iter().map(|row| f64::from(row[at])).sum();
                row * column
            })
            .sum::<f64>()
            / total.max(1.0);
        if total - chance <= 0.0 {
            0.0
        } else {
            (agree - chance) / (total - chance)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kappa_by_hand() {
        // 20 + 15 right of 50; rows 25/25, columns 30/20: chance (25·30 + 25·20)/50 = 25; (35 − 25)/(50 − 25) = 0.4.
        let mut confusion = Confusion::default();
        confusion.0[0] = [20, 5, 0, 0];
        confusion.0[1] = [10, 15, 0, 0];
        assert!((confusion.kappa() - 0.4).abs() < 1e-12);
        assert!(Confusion::default().kappa().abs() < 1e-12);
    }
}
