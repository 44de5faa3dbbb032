//! `auscult backtest`: what would have alerted, method beside method.
//!
//! Decision: a file of counts is judged by core's own tracks and by the reference methods; a file of feedback goes through the
//! product first, and the reference methods judge the series it made. Nothing is judged by code of the command's own.

use crate::backtest::default::DEFAULT;
use crate::backtest::export::{self, Part, rounded, when};
use crate::backtest::panel::{Panel, PanelOptions};
use crate::backtest::replayed::Measured;
use crate::backtest::truth::{self, Scores};
use crate::backtest::{Judged, default, methods, panel};
use crate::cli::{Backtest, History};
use crate::exit::{Failure, Kind, Marked, Outcome};
use crate::history;
use crate::settings::{self, Overrides};
use crate::table;
use auscult_core::settings::DetectSettings;
use auscult_core::time::{BucketWidth, WEEK};
use auscult_core::words::Measure;
use auscult_statistics::reference::{self, ReferenceMethod};
use auscult_wire::AlertData;
use std::fmt::Write as _;
use std::path::Path;

/// Word for every method there is.
const ALL: &str = "all";

/// Judges the files and prints, and writes, what would have alerted.
pub fn run(backtest: &Backtest) -> Outcome {
    let names = method_names(&backtest.method)?;
    let mut parts = Vec::new();
    for file in &backtest.files {
        let mut of_file = match &backtest.history.map {
            Some(map) => replayed(file, map, &backtest.history, &names)?.0,
            None => vec![counted(file, backtest, &names)?],
        };
        if backtest.files.len() > 1 {
            let shown = file.file_name().map_or_else(
                || file.display().to_string(),
                |name| name.to_string_lossy().into_owned(),
            );
            for part in &mut of_file {
                part.name = format!("{shown}: {}", part.name);
            }
        }
        parts.extend(of_file);
    }
    if let Some(path) = &backtest.truth {
        let options = options(&backtest.history)?;
        let mut marked = 0;
        for part in &mut parts {
            marked += truth::mark(&mut part.panel, path, &options).or_fail(Kind::Input)?;
        }
        if marked == 0 {
            return Err(Failure::new(
                Kind::Input,
                anyhow::anyhow!(
                    "no row of truth {} meets a bucket and a series of the history: check its dates and the names of its columns",
                    path.display()
                ),
            ));
        }
    }
    let summary = told(&parts, &names, backtest.top);
    super::print(&summary);
    if let Some(path) = &backtest.csv {
        write(path, &export::csv(&parts))?;
    }
    if let Some(path) = &backtest.html {
        write(path, &export::html("Backtest", &summary, &parts))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Outcome {
    std::fs::write(path, text).map_err(|error| {
        Failure::new(
            Kind::Input,
            anyhow::anyhow!(
                "cannot write {}: {error}; name a place that can be written",
                path.display()
            ),
        )
    })
}

/// The methods asked for, each once.
///
/// # Errors
/// A name no method has.
pub fn method_names(asked: &[String]) -> Result<Vec<String>, Failure> {
    let mut names: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    };
    for name in asked {
        match name.as_str() {
            ALL => {
                add(DEFAULT);
                reference::NAMES.iter().for_each(|name| add(name));
            }
            DEFAULT => add(DEFAULT),
            name if reference::NAMES.contains(&name) => add(name),
            _ => {
                return Err(Failure::new(
                    Kind::Settings,
                    anyhow::anyhow!(
                        "there is no method {name:?}; choose from {DEFAULT}, {}, or {ALL}",
                        reference::NAMES.join(", ")
                    ),
                ));
            }
        }
    }
    Ok(names)
}

/// The reference method of that name.
pub(super) fn method(name: &str) -> Result<Box<dyn ReferenceMethod>, Failure> {
    reference::named(name)
        .or_fail(Kind::Settings)?
        .ok_or_else(|| {
            Failure::new(
                Kind::Settings,
                anyhow::anyhow!("there is no method {name:?}"),
            )
        })
}

/// `[detect]` of the settings file, or the defaults. No key is read or made.
pub(crate) fn detect_settings(path: Option<&Path>) -> Result<DetectSettings, Failure> {
    let settings = settings::load(path, &Overrides::without_key()).or_fail(Kind::Settings)?;
    Ok((*settings.detect).clone())
}

/// How the file is read, checked.
pub(super) fn options(history: &History) -> Result<PanelOptions, Failure> {
    let wrong = |text: String| Failure::new(Kind::Settings, anyhow::anyhow!(text));
    let measure = match Measure::parse(&history.measure) {
        Some(measure @ (Measure::Mentions | Measure::MeanRating)) => measure,
        _ => {
            return Err(wrong(format!(
                "--measure {:?} cannot be read from a file of values; choose mentions or mean_rating",
                history.measure
            )));
        }
    };
    if history.worst == history.best {
        return Err(wrong(
            "--worst and --best are the same: name the two ends of the scale".to_owned(),
        ));
    }
    let width = match history.bucket.as_deref() {
        None => None,
        Some("hour") => Some(BucketWidth::Hour),
        Some("day") => Some(BucketWidth::Day),
        Some("week") => Some(BucketWidth::Week),
        Some("month") => Some(BucketWidth::Month),
        Some(other) => {
            return Err(wrong(format!(
                "--bucket {other:?} is not known; choose hour, day, week or month"
            )));
        }
    };
    Ok(PanelOptions {
        time: history.time.clone(),
        time_format: history.time_format.clone(),
        value: history.value.clone(),
        by: history.by.clone(),
        truth: None,
        width,
        measure,
        scale: (history.worst, history.best),
        total: !history.no_total,
    })
}

/// A file of (time, dimensions, value) as a panel; rows that cannot be used are named on standard error.
pub(super) fn read_panel(file: &Path, options: &PanelOptions) -> Result<Panel, Failure> {
    let panel = panel::read(file, options).or_fail(Kind::Input)?;
    if let Some(first) = panel.bad.first() {
        eprintln!(
            "{}: {} rows were left out; the first is line {}: {}",
            file.display(),
            panel.bad.len(),
            first.line,
            first.reason
        );
    }
    Ok(panel)
}

fn counted(file: &Path, backtest: &Backtest, names: &[String]) -> Result<Part, Failure> {
    let options = PanelOptions {
        truth: backtest.truth_column.clone(),
        ..options(&backtest.history)?
    };
    let settings = detect_settings(backtest.history.settings.as_deref())?;
    let panel = read_panel(file, &options)?;
    let judged = names
        .iter()
        .map(|name| {
            Ok(if name == DEFAULT {
                default::judge(&panel, &settings, None)
            } else {
                methods::judge(&panel, method(name)?.as_ref())
            })
        })
        .collect::<Result<_, Failure>>()?;
    Ok(Part {
        name: panel.measure.to_string(),
        panel,
        judged,
    })
}

/// A file of feedback through the product, and the reference methods over the series it made.
pub(super) fn replayed(
    file: &Path,
    map_path: &Path,
    of: &History,
    names: &[String],
) -> Result<(Vec<Part>, Measured, Vec<AlertData>), Failure> {
    let mut map = super::read_map(map_path)?;
    if of.settings.is_some() {
        // What is tried out is the settings file; the map still says which column is what.
        map.detect = Some(detect_settings(of.settings.as_deref())?);
    }
    let settings = history::settings_for(of.settings.as_deref(), map_path, &map, false)?;
    let (events, bad) = history::read_events(file, &map)?;
    if let Some(first) = bad.first() {
        eprintln!(
            "{}: {} rows were left out; the first is line {}: {}",
            file.display(),
            bad.len(),
            first.line,
            first.reason
        );
    }
    let broker = crate::topics::memory_log(&settings.engine);
    let taxonomy = super::taxonomy(map.taxonomy.as_deref().or(settings.taxonomy.as_deref()))?;
    let series = settings.engine.topics.series.clone();
    let mut measured = Measured::default();
    let report = history::through_the_machine(
        &broker,
        Box::new(broker.clone()),
        &settings,
        taxonomy,
        events,
        &[&series],
        |record| {
            let value = record.value.as_deref().unwrap_or_default();
            if let Ok(event) = auscult_wire::decode_series_point(&record.headers, value) {
                measured.add(event.data);
            }
        },
    )?;
    // Cold series are listed, not sent: what would have alerted is what notified.
    let sent: Vec<AlertData> = report
        .alerts
        .iter()
        .filter(|alert| alert.suppressed_by.is_empty())
        .cloned()
        .collect();
    let mut parts = Vec::new();
    let panels = measured.panels(&sent);
    let several = panels
        .windows(2)
        .any(|two| two[0].0.portfolio != two[1].0.portfolio);
    for (origin, panel, machine) in panels {
        let portfolio = if several {
            format!("{}: ", origin.portfolio)
        } else {
            String::new()
        };
        let name = format!("{portfolio}{}, {}", origin.view, panel.measure);
        let mut judged = Vec::new();
        for name in names {
            judged.push(if name == DEFAULT {
                machine.clone()
            } else {
                methods::judge(&panel, method(name)?.as_ref())
            });
        }
        parts.push(Part {
            name,
            panel,
            judged,
        });
    }
    Ok((parts, measured, report.alerts))
}

fn told(parts: &[Part], names: &[String], top: usize) -> String {
    let mut text = String::new();
    let weeks = parts
        .iter()
        .map(|part| {
            part.panel.buckets as f64 * part.panel.width.milliseconds() as f64 / WEEK as f64
        })
        .fold(0.0, f64::max);
    let series: usize = parts.iter().map(|part| part.panel.series.len()).sum();
    let _ = writeln!(
        text,
        "{series} series in {} over {weeks:.1} weeks\n",
        if parts.len() == 1 {
            "one panel".to_owned()
        } else {
            format!("{} panels", parts.len())
        }
    );
    let has_truth = parts
        .iter()
        .flat_map(|part| &part.panel.series)
        .any(|series| series.truth.contains(&true));
    let mut header = vec!["method", "alerts", "alerts a week", "series left out"];
    if has_truth {
        header.extend(["outbreaks", "POD", "POD1week", "FPR", "F1", "delay, days"]);
    }
    let mut rows: Vec<Vec<String>> = vec![header.into_iter().map(str::to_owned).collect()];
    for (at, name) in names.iter().enumerate() {
        let of: Vec<(&Panel, &Judged)> = parts
            .iter()
            .filter_map(|part| Some((&part.panel, part.judged.get(at)?)))
            .collect();
        let alerts: usize = of.iter().map(|(_, judged)| judged.raised()).sum();
        let left_out: usize = of.iter().map(|(_, judged)| judged.left_out.len()).sum();
        let mut row = vec![
            name.clone(),
            alerts.to_string(),
            format!("{:.2}", alerts as f64 / weeks.max(1e-9)),
            left_out.to_string(),
        ];
        if has_truth {
            row.extend(scores_row(&total(&of)));
        }
        rows.push(row);
    }
    text.push_str(&table::aligned(&rows));
    tell_left_out(&mut text, parts);
    tell_alerts(&mut text, parts, top);
    text
}

fn total(of: &[(&Panel, &Judged)]) -> Scores {
    of.iter()
        .map(|(panel, judged)| truth::score(panel, judged))
        .fold(Scores::default(), |sum, one| Scores {
            outbreaks: sum.outbreaks + one.outbreaks,
            found: sum.found + one.found,
            found_first_week: sum.found_first_week + one.found_first_week,
            quiet_buckets: sum.quiet_buckets + one.quiet_buckets,
            false_alarms: sum.false_alarms + one.false_alarms,
            sick_buckets: (
                sum.sick_buckets.0 + one.sick_buckets.0,
                sum.sick_buckets.1 + one.sick_buckets.1,
            ),
            delay_days: sum.delay_days + one.delay_days,
        })
}

fn scores_row(scores: &Scores) -> Vec<String> {
    let shown = |value: f64| {
        if value.is_nan() {
            "-".to_owned()
        } else {
            format!("{value:.3}")
        }
    };
    vec![
        scores.outbreaks.to_string(),
        shown(scores.detected()),
        shown(scores.detected_first_week()),
        shown(scores.false_positive_rate()),
        shown(scores.f1()),
        scores
            .mean_delay_days()
            .map_or("-".to_owned(), |days| format!("{days:.1}")),
    ]
}

/// Why series were left out: one line a method, with the first reason.
fn tell_left_out(text: &mut String, parts: &[Part]) {
    for part in parts {
        for judged in &part.judged {
            if let Some((at, reason)) = judged.left_out.first() {
                let _ = writeln!(
                    text,
                    "{}, {}: {} series left out; {}: {reason}",
                    part.name,
                    judged.method,
                    judged.left_out.len(),
                    part.panel.series[*at].name()
                );
            }
        }
    }
}

fn tell_alerts(text: &mut String, parts: &[Part], top: usize) {
    let mut alerts: Vec<(f64, i64, Vec<String>)> = Vec::new();
    for part in parts {
        for judged in &part.judged {
            for (series, points) in part.panel.series.iter().zip(&judged.series) {
                for point in points.iter().filter(|point| point.raised) {
                    let bucket = part.panel.first + point.place as i32;
                    alerts.push((
                        point.p_value.unwrap_or(1.0),
                        part.panel.width.start(bucket).0,
                        vec![
                            when(&part.panel, point.place),
                            judged.method.clone(),
                            part.name.clone(),
                            series.name(),
                            if point.upward { "up" } else { "down" }.to_owned(),
                            rounded(point.observed),
                            rounded(point.expected),
                            point.p_value.map_or("-".to_owned(), |p| format!("{p:.0e}")),
                        ],
                    ));
                }
            }
        }
    }
    let all = alerts.len();
    if all == 0 {
        text.push_str("\nNothing would have alerted.\n");
        return;
    }
    alerts.sort_by(|left, right| {
        left.0
            .total_cmp(&right.0)
            .then_with(|| left.2.cmp(&right.2))
    });
    if top > 0 {
        alerts.truncate(top);
    }
    alerts.sort_by(|left, right| (left.1, &left.2).cmp(&(right.1, &right.2)));
    let mut rows = vec![
        [
            "when", "method", "panel", "series", "way", "observed", "expected", "p",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    let shown = alerts.len();
    rows.extend(alerts.into_iter().map(|(.., row)| row));
    let _ = writeln!(text, "\n{}", table::aligned(&rows).trim_end());
    if shown < all {
        let _ = writeln!(text, "… {shown} of {all} alerts, by p; --top 0 lists all");
    }
}
