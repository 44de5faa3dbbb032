//! Signals as a table people read in a terminal.

use crate::history::Raised;
use auscult_core::time::{BucketWidth, words_for};
use auscult_wire::AlertData;

/// A row for each signal: when, how loud, what, against what, and whether it is over.
pub fn signals(raised: &[&Raised]) -> String {
    let header = [
        "when", "severity", "signal", "observed", "expected", "p", "grade", "people", "now",
    ];
    let mut rows: Vec<Vec<String>> = vec![header.map(str::to_owned).to_vec()];
    for raised in raised {
        let alert: &AlertData = &raised.alert;
        rows.push(vec![
            words_for(alert.window.start, width(&alert.window.bucket)),
            alert
                .labels
                .0
                .iter()
                .find(|(key, _)| key == "severity")
                .map(|(_, value)| value.clone())
                .unwrap_or_default(),
            alert.title.clone(),
            number(alert.observed),
            number(alert.expected),
            format!("{:.0e}", alert.p_value),
            alert.evidence.grade.as_str().to_owned(),
            alert.evidence.people.to_string(),
            raised.last.as_str().to_owned(),
        ]);
    }
    aligned(&rows)
}

/// Width of an ISO 8601 bucket, as alerts spell it.
pub fn width(iso: &str) -> BucketWidth {
    [BucketWidth::Hour, BucketWidth::Week, BucketWidth::Month]
        .into_iter()
        .find(|width| width.iso() == iso)
        .unwrap_or(BucketWidth::Day)
}

fn number(value: f64) -> String {
    if value.abs() >= 10.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}

/// Columns as wide as their widest cell.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}
