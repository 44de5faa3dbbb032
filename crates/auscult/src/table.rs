//! Signals as a table people read in a terminal.

use auscult_core::alert::Alert;
use auscult_core::time::words_for;

/// A row for each alert: when, how loud, what, against what.
pub fn signals(alerts: &[&Alert]) -> String {
    let header = ["when", "severity", "signal", "observed", "expected", "p", "q", "grade", "people"];
    let mut rows: Vec<Vec<String>> = vec![header.map(str::to_owned).to_vec()];
    for alert in alerts {
        rows.push(vec![
            words_for(alert.window.start, alert.window.width),
            alert.severity.as_str().to_lowercase(),
            alert.title.clone(),
            number(alert.observed),
            number(alert.expected),
            format!("{:.0e}", alert.p_value),
            format!("{:.0e}", alert.q_value),
            alert.evidence.grade.as_str().to_owned(),
            alert.evidence.people.to_string(),
        ]);
    }
    aligned(&rows)
}

fn number(value: f64) -> String {
    if value.abs() >= 10.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

/// Columns as wide as their widest cell.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}
