//! `auscult disproportionality`: which themes are named with a product more often than with the others.
//!
//! Decision: ranked by EB05, the lower end of the shrunk ratio, because a raw ratio puts pairs of one case on top; where the mixture
//! cannot be fitted to so small a table, by the lower end of the information component, and the output says so.

use crate::cli::Disproportionality;
use crate::exit::{Failure, Kind, Marked, Outcome};
use crate::import::rows;
use crate::pairs::{Pair, PairTable};
use crate::table;
use auscult_statistics::disproportionality::{
    EmpiricalBayes, GammaPoissonMixture, InformationComponent, Ratio, ZeroCells,
};
use std::fmt::Write as _;

/// Level of the intervals of the raw ratios.
const LEVEL: f64 = 0.95;
/// EB05 from which a pair is usually called a signal (DuMouchel 1999).
const SIGNAL: f64 = 2.0;

/// A pair with everything that is said of it.
struct Measured {
    pair: Pair,
    component: InformationComponent,
    shrunk: Option<EmpiricalBayes>,
}

impl Measured {
    fn rank(&self) -> f64 {
        self.shrunk
            .map_or(self.component.lower, |shrunk| shrunk.lower)
    }

    fn is_signal(&self) -> bool {
        self.shrunk
            .map_or(self.component.lower > 0.0, |shrunk| shrunk.lower >= SIGNAL)
    }
}

/// Reads, measures and prints.
pub fn run(asked: &Disproportionality) -> Outcome {
    let table = read(asked)?;
    let (pairs, cells) = table.pairs().or_fail(Kind::Input)?;
    let mixture = GammaPoissonMixture::fit(&cells, ZeroCells::Included);
    let wanted = |name: &str, of: &Option<String>| {
        of.as_ref()
            .is_none_or(|part| name.to_lowercase().contains(&part.to_lowercase()))
    };
    let (all, least) = (pairs.len(), asked.least);
    let mut measured: Vec<Measured> = pairs
        .into_iter()
        .filter(|pair| pair.table.both >= least)
        .filter(|pair| {
            wanted(&pair.product, &asked.only_product) && wanted(&pair.theme, &asked.only_theme)
        })
        .map(|pair| {
            let (both, expected) = (pair.table.both, pair.table.expected());
            Measured {
                component: InformationComponent::new(both, expected),
                shrunk: mixture
                    .as_ref()
                    .ok()
                    .map(|mixture| mixture.posterior(both, expected)),
                pair,
            }
        })
        .collect();
    measured.sort_by(|left, right| {
        right.rank().total_cmp(&left.rank()).then_with(|| {
            (&left.pair.product, &left.pair.theme).cmp(&(&right.pair.product, &right.pair.theme))
        })
    });
    let shown = if asked.top == 0 {
        measured.len()
    } else {
        asked.top.min(measured.len())
    };
    if asked.json {
        super::print(&lines(&measured[..shown]));
        return Ok(());
    }
    let signals = measured.iter().filter(|one| one.is_signal()).count();
    let mut text = format!(
        "{} cases, {all} pairs; {} of them with {least} cases or more, {signals} stand out\n\n",
        table.cases(),
        measured.len(),
    );
    text.push_str(&described(&measured[..shown]));
    if shown < measured.len() {
        let _ = writeln!(
            text,
            "… and {} more: --top 0 lists all",
            measured.len() - shown
        );
    }
    if let Err(reason) = mixture {
        let _ = writeln!(text, "\nranked by IC025, for want of EBGM: {reason}");
    }
    super::print(&text);
    Ok(())
}

fn read(asked: &Disproportionality) -> Result<PairTable, Failure> {
    let mut columns = vec![asked.product.as_str(), asked.theme.as_str()];
    columns.extend(asked.case.as_deref());
    let mut table = PairTable::default();
    let (mut bad, mut first) = (0_u64, None);
    for (line, row) in rows::open(&asked.file, &columns).or_fail(Kind::Input)? {
        let value = |row: &rows::Row, column: &str| {
            row.get(column)
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
                .ok_or_else(|| format!("{column} is empty"))
        };
        let read = row.map_err(|bad| bad.reason).and_then(|row| {
            let case = match &asked.case {
                Some(column) => value(&row, column)?,
                None => line.to_string(),
            };
            Ok((
                case,
                value(&row, &asked.product)?,
                value(&row, &asked.theme)?,
            ))
        });
        match read {
            Ok((case, product, theme)) => table.note(&case, &product, &theme),
            Err(reason) => {
                bad += 1;
                first.get_or_insert((line, reason));
            }
        }
    }
    if let Some((line, reason)) = first {
        eprintln!(
            "{}: {bad} rows were left out; the first is line {line}: {reason}",
            asked.file.display()
        );
    }
    if table.cases() == 0 {
        return Err(Failure::new(
            Kind::Input,
            anyhow::anyhow!(
                "{} holds no usable row: check --case, --product and --theme against its columns",
                asked.file.display()
            ),
        ));
    }
    Ok(table)
}

fn interval(ratio: Option<Ratio>) -> String {
    ratio.map_or("-".to_owned(), |ratio| {
        format!(
            "{:.1} ({:.1} to {:.1})",
            ratio.value, ratio.lower, ratio.upper
        )
    })
}

fn described(measured: &[Measured]) -> String {
    let header = [
        "product",
        "theme",
        "cases",
        "expected",
        "EBGM (EB05 to EB95)",
        "IC (IC025)",
        "PRR",
        "ROR",
        "chi-square",
        "stands out",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for one in measured {
        let table = &one.pair.table;
        rows.push(vec![
            one.pair.product.clone(),
            one.pair.theme.clone(),
            table.both.to_string(),
            format!("{:.2}", table.expected()),
            one.shrunk.map_or("-".to_owned(), |shrunk| {
                format!(
                    "{:.2} ({:.2} to {:.2})",
                    shrunk.geometric_mean, shrunk.lower, shrunk.upper
                )
            }),
            format!("{:.2} ({:.2})", one.component.value, one.component.lower),
            interval(table.proportional_reporting_ratio(LEVEL)),
            interval(table.reporting_odds_ratio(LEVEL)),
            format!("{:.1}", table.chi_square_yates()),
            if one.is_signal() { "yes" } else { "no" }.to_owned(),
        ]);
    }
    table::aligned(&rows)
}

fn lines(measured: &[Measured]) -> String {
    let ratio = |ratio: Option<Ratio>| ratio.map(|it| [it.value, it.lower, it.upper]);
    let mut text = String::new();
    for one in measured {
        let table = &one.pair.table;
        let line = serde_json::json!({
            "product": one.pair.product,
            "theme": one.pair.theme,
            "cases": table.both,
            "expected": table.expected(),
            "prr": ratio(table.proportional_reporting_ratio(LEVEL)),
            "ror": ratio(table.reporting_odds_ratio(LEVEL)),
            "chi_square": table.chi_square_yates(),
            "ic": [one.component.value, one.component.lower, one.component.upper],
            "ebgm": one.shrunk.map(|it| [it.geometric_mean, it.lower, it.upper]),
            "stands_out": one.is_signal(),
        });
        let _ = writeln!(text, "{line}");
    }
    text
}
