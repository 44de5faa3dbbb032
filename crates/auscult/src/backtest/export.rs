//! Results as a CSV of every judged bucket, and as one HTML page with a chart for each series that alerted.

use super::panel::{Panel, PanelSeries};
use super::{Judged, Point};
use auscult_core::time::{BucketIndex, words_for};
use std::fmt::Write as _;

/// A panel with its name and what each method said of it.
pub struct Part {
    /// Name of the panel: the view, or the file.
    pub name: String,
    /// Series.
    pub panel: Panel,
    /// Methods, in the order asked for.
    pub judged: Vec<Judged>,
}

/// Series charted in one page, those with most alerts first.
const CHARTS: usize = 60;
/// Size of a chart's drawing area, in pixels.
const CHART: (f64, f64) = (860.0, 150.0);
/// Colours of the methods' marks, one after the other.
const COLOURS: [&str; 6] = [
    "#b3261e", "#1a5fb4", "#2a7d2e", "#8f4fa8", "#b36b00", "#00707a",
];

/// When a place of a panel is, for people.
#[must_use]
pub fn when(panel: &Panel, place: usize) -> String {
    words_for(
        panel.width.start(panel.first + place as BucketIndex),
        panel.width,
    )
}

fn field(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or(String::new(), |value| format!("{value}"))
}

/// One row for each bucket, series and method.
#[must_use]
pub fn csv(parts: &[Part]) -> String {
    let mut text = String::from(
        "panel,series,bucket,method,observed,expected,low,high,p_value,alarm,raised\n",
    );
    for part in parts {
        for judged in &part.judged {
            for (series, points) in part.panel.series.iter().zip(&judged.series) {
                for point in points {
                    let _ = writeln!(
                        text,
                        "{},{},{},{},{},{},{},{},{},{},{}",
                        field(&part.name),
                        field(&series.name()),
                        when(&part.panel, point.place),
                        judged.method,
                        number(point.observed),
                        number(point.expected),
                        number(point.low),
                        number(point.high),
                        number(point.p_value),
                        u8::from(point.alarm),
                        u8::from(point.raised),
                    );
                }
            }
        }
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// One page that needs nothing else: `summary` is shown as it is, then a chart for each series that alerted.
#[must_use]
pub fn html(title: &str, summary: &str, parts: &[Part]) -> String {
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title><style>\
         body{{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:900px;padding:0 1em;color:#1c1b1f}}\
         pre{{background:#f4f4f6;padding:1em;overflow-x:auto;font-size:13px}}svg{{width:100%;height:auto}}\
         h2{{font-size:1.05em;margin:1.6em 0 .2em}}.band{{fill:#dbe4f0}}.seen{{fill:none;stroke:#222;stroke-width:1.2}}\
         .expected{{fill:none;stroke:#5b7fae;stroke-width:1;stroke-dasharray:3 2}}.truth{{fill:#fbe9c6}}.axis{{fill:#555;font-size:10px}}\
         </style></head><body><h1>{0}</h1><pre>{1}</pre>",
        escaped(title),
        escaped(summary)
    );
    let mut legend: Vec<&str> = Vec::new();
    for judged in parts.iter().flat_map(|part| &part.judged) {
        if !legend.contains(&judged.method.as_str()) {
            legend.push(&judged.method);
        }
    }
    text.push_str("<p>Black: seen. Dashed: expected, with its band, by the first method. Yellow: known outbreaks. Marks: ");
    for (at, method) in legend.iter().enumerate() {
        let _ = write!(
            text,
            "<span style=\"color:{}\">&#9679;</span> {} ",
            COLOURS[at % COLOURS.len()],
            escaped(method)
        );
    }
    text.push_str("</p>");
    let mut loud: Vec<(usize, &Part, usize)> = Vec::new();
    for part in parts {
        for at in 0..part.panel.series.len() {
            let alerts = part
                .judged
                .iter()
                .filter_map(|judged| judged.series.get(at))
                .flatten()
                .filter(|point| point.raised)
                .count();
            if alerts > 0 {
                loud.push((alerts, part, at));
            }
        }
    }
    loud.sort_by_key(|(alerts, ..)| std::cmp::Reverse(*alerts));
    if loud.len() > CHARTS {
        let _ = write!(
            text,
            "<p>{} series alerted; the {CHARTS} with most alerts are shown. The CSV has all.</p>",
            loud.len()
        );
    }
    for (alerts, part, at) in loud.into_iter().take(CHARTS) {
        let series = &part.panel.series[at];
        let _ = write!(
            text,
            "<h2>{} · {} ({alerts} alerts)</h2>{}",
            escaped(&part.name),
            escaped(&series.name()),
            chart(part, series, at)
        );
    }
    text.push_str("</body></html>\n");
    text
}

fn chart(part: &Part, series: &PanelSeries, at: usize) -> String {
    let (width, height) = CHART;
    let buckets = part.panel.buckets.max(2);
    let of = |judged: &Judged| judged.series.get(at).cloned().unwrap_or_default();
    let shown: Vec<Point> = part
        .judged
        .iter()
        .map(of)
        .find(|points| !points.is_empty())
        .unwrap_or_default();
    let top = shown
        .iter()
        .flat_map(|point| [point.observed, point.high.filter(|high| high.is_finite())])
        .flatten()
        .fold(1e-9, f64::max);
    let x = |place: usize| 40.0 + (width - 45.0) * place as f64 / (buckets - 1) as f64;
    let y = |value: f64| 8.0 + (height - 28.0) * (1.0 - (value / top).clamp(0.0, 1.0));
    let mut text = format!("<svg viewBox=\"0 0 {width} {height}\" role=\"img\">");
    let step = (width - 45.0) / (buckets - 1) as f64;
    for (place, _) in series.truth.iter().enumerate().filter(|(_, sick)| **sick) {
        let _ = write!(
            text,
            "<rect class=\"truth\" x=\"{:.1}\" y=\"8\" width=\"{:.1}\" height=\"{:.1}\"/>",
            x(place) - step / 2.0,
            step.max(1.0),
            height - 28.0
        );
    }
    let banded: Vec<&Point> = shown
        .iter()
        .filter(|point| {
            point.low.is_some_and(f64::is_finite) && point.high.is_some_and(f64::is_finite)
        })
        .collect();
    if !banded.is_empty() {
        let upper = banded
            .iter()
            .map(|point| format!("{:.1},{:.1}", x(point.place), y(point.high.unwrap_or(0.0))));
        let lower = banded
            .iter()
            .rev()
            .map(|point| format!("{:.1},{:.1}", x(point.place), y(point.low.unwrap_or(0.0))));
        let edge: Vec<String> = upper.chain(lower).collect();
        let _ = write!(
            text,
            "<polygon class=\"band\" points=\"{}\"/>",
            edge.join(" ")
        );
    }
    let line = |value: fn(&Point) -> Option<f64>| -> String {
        let points: Vec<String> = shown
            .iter()
            .filter_map(|point| Some(format!("{:.1},{:.1}", x(point.place), y(value(point)?))))
            .collect();
        points.join(" ")
    };
    let _ = write!(
        text,
        "<polyline class=\"expected\" points=\"{}\"/><polyline class=\"seen\" points=\"{}\"/>",
        line(|point| point.expected),
        line(|point| point.observed)
    );
    for (index, judged) in part.judged.iter().enumerate() {
        for point in of(judged).iter().filter(|point| point.raised) {
            let _ = write!(
                text,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\" fill=\"{}\"><title>{} {}: {} against {}, p {}</title></circle>",
                x(point.place),
                (y(point.observed.unwrap_or(0.0)) - 4.0 * index as f64).max(4.0),
                COLOURS[index % COLOURS.len()],
                escaped(&judged.method),
                when(&part.panel, point.place),
                rounded(point.observed),
                rounded(point.expected),
                point
                    .p_value
                    .map_or("none".to_owned(), |p| format!("{p:.0e}")),
            );
        }
    }
    let _ = write!(
        text,
        "<text class=\"axis\" x=\"0\" y=\"16\">{}</text><text class=\"axis\" x=\"0\" y=\"{1}\">0</text><text class=\"axis\" x=\"40\" y=\"{2}\">{3}</text><text class=\"axis\" x=\"{4}\" y=\"{2}\" text-anchor=\"end\">{5}</text></svg>",
        rounded(Some(top)),
        height - 20.0,
        height - 4.0,
        when(&part.panel, 0),
        width - 5.0,
        when(&part.panel, part.panel.buckets - 1)
    );
    text
}

/// A number short enough for a table.
#[must_use]
pub fn rounded(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value.abs() >= 10.0 || value.fract() == 0.0 => format!("{value:.0}"),
        Some(value) => format!("{value:.2}"),
    }
}
