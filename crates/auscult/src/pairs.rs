//! Cases that name a theme with a product, as a table that measures of disproportionality are read off.
//!
//! Decision: margins count distinct cases, not rows: a case with two products and three themes is six rows and one case. Names are compared
//! without regard to capitals, which differ from report to report, and shown as first written.

use auscult_statistics::disproportionality::{FourFold, FourFoldError, ObservedExpected};
use std::collections::{BTreeMap, BTreeSet};

/// Names by number, in order of first sight.
#[derive(Debug, Default)]
struct Names {
    numbers: BTreeMap<String, u32>,
    written: Vec<String>,
}

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        let next = self.written.len() as u32;
        let number = *self.numbers.entry(name.to_lowercase()).or_insert(next);
        if number == next {
            self.written.push(name.to_owned());
        }
        number
    }
}

/// Cases by product and theme.
#[derive(Debug, Default)]
pub struct PairTable {
    products: Names,
    themes: Names,
    cases: Names,
    /// Product, theme, case.
    rows: BTreeSet<(u32, u32, u32)>,
}

/// One product with one theme.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Product, as first written.
    pub product: String,
    /// Theme, as first written.
    pub theme: String,
    /// Cases of both, of one alone, of neither.
    pub table: FourFold,
}

impl PairTable {
    /// Notes that a case names a theme with a product; the same said again changes nothing.
    pub fn note(&mut self, case: &str, product: &str, theme: &str) {
        let case = self.cases.number(case);
        let product = self.products.number(product);
        let theme = self.themes.number(theme);
        self.rows.insert((product, theme, case));
    }

    /// How many cases there are.
    #[must_use]
    pub fn cases(&self) -> u64 {
        self.cases.written.len() as u64
    }

    /// Every pair that some case names, and the table with the pairs that none does, for the mixture's fit.
    ///
    /// # Errors
    /// Never for a table built by [`PairTable::note`]: a pair's cases are among those of its product and its theme.
    pub fn pairs(&self) -> Result<(Vec<Pair>, Vec<ObservedExpected>), FourFoldError> {
        let margin = |names: &Names, of: fn(&(u32, u32, u32)) -> u32| {
            let distinct: BTreeSet<(u32, u32)> =
                self.rows.iter().map(|row| (of(row), row.2)).collect();
            let mut cases = vec![0_u64; names.written.len()];
            for (number, _) in distinct {
                cases[number as usize] += 1;
            }
            cases
        };
        let products = margin(&self.products, |row| row.0);
        let themes = margin(&self.themes, |row| row.1);
        let mut both: BTreeMap<(u32, u32), u64> = BTreeMap::new();
        for (product, theme, _) in &self.rows {
            *both.entry((*product, *theme)).or_default() += 1;
        }
        let named = both.iter().map(|(&(product, theme), &count)| {
            let (product, theme) = (product as usize, theme as usize);
            let table =
                FourFold::from_margins(count, products[product], themes[theme], self.cases())?;
            Ok(Pair {
                product: self.products.written[product].clone(),
                theme: self.themes.written[theme].clone(),
                table,
            })
        });
        let pairs = named.collect::<Result<_, FourFoldError>>()?;
        let cells = (0..products.len() as u32)
            .flat_map(|product| (0..themes.len() as u32).map(move |theme| (product, theme)));
        let cells = cells.map(|(product, theme)| ObservedExpected {
            observed: both.get(&(product, theme)).copied().unwrap_or(0),
            expected: products[product as usize] as f64 * themes[theme as usize] as f64
                / self.cases() as f64,
            weight: 1.0,
        });
        let squashed = auscult_statistics::disproportionality::squash(cells, STEPS_PER_DOUBLING);
        Ok((pairs, squashed))
    }
}

/// Steps in which expected counts are lumped for the fit: 3.5 % apart.
const STEPS_PER_DOUBLING: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_count_cases_and_capitals_do_not_matter() {
        let mut table = PairTable::default();
        for (case, product, theme) in [
            ("1", "Alpha", "rash"),
            ("1", "ALPHA", "Rash"),
            ("1", "beta", "rash"),
            ("2", "alpha", "rash"),
            ("2", "alpha", "pain"),
            ("3", "beta", "pain"),
        ] {
            table.note(case, product, theme);
        }
        let (pairs, cells) = table.pairs().expect("consistent");
        assert_eq!(table.cases(), 3);
        assert_eq!(pairs.len(), 4);
        let first = &pairs[0];
        assert_eq!(
            (first.product.as_str(), first.theme.as_str()),
            ("Alpha", "rash")
        );
        let table = first.table;
        assert_eq!(
            (
                table.both,
                table.product_only,
                table.theme_only,
                table.neither
            ),
            (2, 0, 0, 1)
        );
        let weight: f64 = cells.iter().map(|cell| cell.weight).sum();
        assert_eq!(weight, 4.0, "two products, two themes");
    }
}
