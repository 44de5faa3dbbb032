//! `auscult explain`: every number that went into a decision about one bucket of one series.

use super::asked;
use super::backtest::{self, method, method_names, options, read_panel};
use crate::backtest::default::{self, DEFAULT, Decision};
use crate::backtest::export::{rounded, when};
use crate::backtest::methods;
use crate::backtest::panel::Panel;
use crate::backtest::replayed::Measured;
use crate::cli::Explain;
use crate::exit::{Failure, Outcome};
use crate::table;
use auscult_core::series::Expectation;
use auscult_core::settings::DetectSettings;
use auscult_core::time::{Timestamp, words_for};
use auscult_wire::{AlertData, SeriesPointData};
use std::fmt::Write as _;
use std::path::Path;

/// Explains one decision.
pub fn run(explain: &Explain) -> Outcome {
    let at = asked::moment("--at", &explain.at)?;
    let text = match (&explain.file, &explain.history.map) {
        (Some(file), None) => of_counts(file, explain, at)?,
        (Some(file), Some(map)) => {
            let (_, measured, alerts) = backtest::replayed(file, map, &explain.history, &[])?;
            of_points(&explain.series, at, &measured, &alerts)?
        }
        (None, _) => {
            let (measured, alerts) = asked::from_log(explain.history.settings.as_deref())?;
            of_points(&explain.series, at, &measured, &alerts)?
        }
    };
    super::print(&text);
    Ok(())
}

fn of_counts(file: &Path, explain: &Explain, at: Timestamp) -> Result<String, Failure> {
    let settings = backtest::detect_settings(explain.history.settings.as_deref())?;
    let panel = read_panel(file, &options(&explain.history)?)?;
    let index = asked::place(&panel, &explain.series)?;
    let place = i64::from(panel.width.index(at)) - i64::from(panel.first);
    let mut found: Option<Decision> = None;
    default::run(&panel, &settings, None, |series, decided, decision| {
        if series == index && i64::try_from(decided) == Ok(place) {
            found = Some(decision.clone());
        }
    });
    let Some(decision) = found else {
        return Err(asked::wrong(format!(
            "{} was not judged at {}: the series runs from {} to {}{}",
            panel.series[index].name(),
            explain.at,
            when(&panel, panel.series[index].from),
            when(&panel, panel.buckets - 1),
            if panel.measure == auscult_core::words::Measure::Mentions {
                ""
            } else {
                ", and buckets without a score are not judged"
            }
        )));
    };
    let place = place as usize;
    let mut text = describe(&panel, index, place, &decision, &settings);
    for name in method_names(&explain.method)? {
        if name == DEFAULT {
            continue;
        }
        let judged = methods::judge(&panel, method(&name)?.as_ref());
        let _ = match judged.series[index]
            .iter()
            .find(|point| point.place == place)
        {
            Some(point) => writeln!(
                text,
                "{name}: expected {}, upper bound {}, p {}, {}",
                rounded(point.expected),
                rounded(point.high),
                point
                    .p_value
                    .map_or("none".to_owned(), |p| format!("{p:.3e}")),
                if point.alarm { "alarm" } else { "no alarm" }
            ),
            None => writeln!(
                text,
                "{name}: not judged: {}",
                judged
                    .left_out
                    .iter()
                    .find(|(at, _)| *at == index)
                    .map_or("too early in the history", |(_, reason)| reason)
            ),
        };
    }
    Ok(text)
}

fn describe(
    panel: &Panel,
    index: usize,
    place: usize,
    decision: &Decision,
    settings: &DetectSettings,
) -> String {
    let verdict = &decision.verdict;
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |name: &str, value: String, about: &str| {
        rows.push(vec![name.to_owned(), value, about.to_owned()]);
    };
    let full = |value: f64| format!("{value:.6}");
    row("observed", rounded(verdict.observed), "what was seen");
    row("items", verdict.items.to_string(), "items behind it");
    row("expected", full(verdict.expected), "mean of the forecast");
    row(
        "deviation",
        full(verdict.deviation),
        "standard deviation of the forecast",
    );
    row(
        "band",
        format!("{:.3} to {:.3}", decision.band.0, decision.band.1),
        "interval at the settings' level",
    );
    forecast_rows(&decision.expectation, &mut row);
    row(
        "buckets learnt",
        decision.learnt.to_string(),
        "behind the forecast",
    );
    row(
        "p bucket, upper",
        exact(verdict.p_bucket.0),
        "this bucket alone, a rise",
    );
    row(
        "p bucket, lower",
        exact(verdict.p_bucket.1),
        "this bucket alone, a fall",
    );
    row(
        "p combined, upper",
        exact(verdict.p_combined.0),
        "with the recent past, a rise",
    );
    row(
        "p combined, lower",
        exact(verdict.p_combined.1),
        "with the recent past, a fall",
    );
    row(
        "p",
        exact(verdict.p_value()),
        "two-sided, what is compared with the line",
    );
    row(
        "line",
        exact(decision.line),
        "p-values at or below it are discoveries",
    );
    row(
        "family",
        decision.family.to_string(),
        "series judged in this bucket",
    );
    row("q", exact(decision.q_value), "adjusted p-value");
    row(
        "false-discovery rate",
        settings.false_discovery_rate.to_string(),
        "of the settings",
    );
    let yes = |flag: bool| if flag { "yes" } else { "no" }.to_owned();
    row(
        "discovered",
        yes(decision.discovered),
        "p at or below the line",
    );
    row(
        "large enough",
        yes(decision.material),
        "past the floors of the settings",
    );
    row(
        "floors",
        format!(
            "items {}, absolute {}, relative {}, rating {}",
            settings.floors.items,
            settings.floors.absolute,
            settings.floors.relative,
            settings.floors.rating
        ),
        "a smaller change is not worth a person's time",
    );
    row(
        "cold start",
        yes(decision.cold),
        "too young to notify anybody",
    );
    row("signal stands", yes(decision.firing), "in this bucket");
    row(
        "raised here",
        yes(decision.raised),
        "an alert leaves at the end of this bucket",
    );
    format!(
        "{} at {} ({}, {})\n\n{}",
        panel.series[index].name(),
        when(panel, place),
        panel.measure,
        panel.width.iso(),
        table::aligned(&rows)
    )
}

fn exact(p: f64) -> String {
    format!("{p:.6e}")
}

fn forecast_rows(expectation: &Expectation, row: &mut impl FnMut(&str, String, &str)) {
    let full = |value: f64| format!("{value:.6}");
    match expectation {
        Expectation::Count(forecast) => {
            row(
                "method",
                forecast.method.to_owned(),
                "card under docs/detectors/",
            );
            row(
                "dispersion",
                full(forecast.dispersion),
                "variance over mean about a known rate",
            );
            row(
                "rate variance",
                full(forecast.rate_variance),
                "squared coefficient of variation: what is not known about the rate",
            );
            row(
                "dispersion deviation",
                full(forecast.dispersion_deviation),
                "of ln(dispersion − 1)",
            );
            row(
                "season probability",
                full(forecast.season_probability),
                "that the series has a yearly season",
            );
        }
        Expectation::Mean(forecast) => {
            row(
                "method",
                forecast.method.to_owned(),
                "card under docs/detectors/",
            );
            row(
                "variance within",
                full(forecast.within_variance),
                "of single answers",
            );
            row(
                "variance between",
                full(forecast.between_variance),
                "of bucket means beyond that",
            );
            row(
                "level variance",
                full(forecast.level_variance),
                "of the level itself",
            );
            row(
                "degrees",
                full(forecast.degrees),
                "of freedom of Student's t",
            );
        }
        Expectation::Share(forecast) => {
            row(
                "method",
                forecast.method.to_owned(),
                "card under docs/detectors/",
            );
        }
    }
}

/// A decision of the machine: what it published of the bucket, and every alert about it.
fn of_points(
    asked: &str,
    at: Timestamp,
    measured: &Measured,
    alerts: &[AlertData],
) -> Result<String, Failure> {
    let series: Vec<&SeriesPointData> = measured
        .all()
        .filter(|point| point.series_id == asked || asked::is_meant(asked, &point.dimensions.0))
        .collect();
    if series.is_empty() {
        let names = measured
            .all()
            .map(|point| {
                let values: Vec<&str> = point
                    .dimensions
                    .0
                    .iter()
                    .map(|(_, value)| value.as_str())
                    .collect();
                values.join(",")
            })
            .collect();
        return Err(asked::not_there(asked, names));
    }
    let buckets: Vec<&&SeriesPointData> = series
        .iter()
        .filter(|point| {
            let width = table::width(&point.bucket);
            width.index(point.start) == width.index(at)
        })
        .collect();
    if buckets.is_empty() {
        return Err(asked::wrong(format!(
            "nothing was published of {asked:?} at that time: nothing was seen and less than one expected, or the bucket is not closed"
        )));
    }
    let mut text = String::new();
    for point in buckets {
        let width = table::width(&point.bucket);
        let _ = writeln!(
            text,
            "{}: {}, {} at {} ({}, revision {})\n",
            point.portfolio,
            point.view,
            asked,
            words_for(point.start, width),
            point.measure,
            point.revision
        );
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut row = |name: &str, value: String| rows.push(vec![name.to_owned(), value]);
        row("series id", point.series_id.clone());
        row(
            "observed",
            point
                .observed
                .map_or("no data".to_owned(), |observed| observed.to_string()),
        );
        row("items", point.items.to_string());
        row("expected", point.expected.to_string());
        row("band", format!("{} to {}", point.low, point.high));
        row("p", exact(point.p_value));
        row(
            "discovered",
            if point.discovered { "yes" } else { "no" }.to_owned(),
        );
        text.push_str(&table::aligned(&rows));
        let end = width.end(width.index(point.start));
        let mine = alerts.iter().filter(|alert| {
            let is_attached = || {
                alert
                    .context
                    .iter()
                    .any(|item| item.reference == point.series_id)
            };
            (alert.series.id == point.series_id || is_attached())
                && alert.window.start < end
                && alert.window.end > point.start
        });
        let mut count = 0;
        for alert in mine {
            count += 1;
            let _ = writeln!(text, "\n{}", of_alert(alert).trim_end());
        }
        if count == 0 {
            text.push_str("no alert tells of this bucket\n");
        }
        text.push('\n');
    }
    Ok(text)
}

fn of_alert(alert: &AlertData) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |name: &str, value: String| rows.push(vec![name.to_owned(), value]);
    row(
        "alert",
        format!(
            "{} revision {} ({}, {})",
            alert.signal_id, alert.revision, alert.status, alert.status_reason
        ),
    );
    row("says", alert.title.clone());
    row(
        "of series",
        alert
            .series
            .dimensions
            .0
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join(","),
    );
    row("why", alert.why.clone());
    row("observed in its window", alert.observed.to_string());
    row("expected in its window", alert.expected.to_string());
    row(
        "interval",
        format!(
            "{} to {} at {}",
            alert.interval.low, alert.interval.high, alert.interval.level
        ),
    );
    row("p", exact(alert.p_value));
    row("q", exact(alert.q_value));
    row(
        "score",
        format!(
            "{} now, {} at first",
            alert.score.current, alert.score.initial
        ),
    );
    row(
        "false signals expected in 30 days",
        alert.expected_false_per_30_days.to_string(),
    );
    row(
        "method",
        format!("{} {}", alert.detector.method, alert.detector.version),
    );
    row("settings", alert.detector.config_hash.clone());
    row("buckets learnt", alert.baseline.points.to_string());
    row("items", alert.evidence.items.to_string());
    row("effective voices", alert.evidence.effective_n.to_string());
    row(
        "drivers",
        alert
            .drivers
            .iter()
            .map(|driver| {
                format!(
                    "{} {} {:.0} %",
                    driver.dimension,
                    driver.value,
                    100.0 * driver.share
                )
            })
            .collect::<Vec<_>>()
            .join(", "),
    );
    row(
        "nobody notified because",
        if alert.suppressed_by.is_empty() {
            "(somebody was)".to_owned()
        } else {
            alert.suppressed_by.join(", ")
        },
    );
    table::aligned(&rows)
}
