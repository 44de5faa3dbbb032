//! What people ask about by name: a series, a time, and the log that knows of them.

use super::backtest::{options, read_panel, replayed};
use crate::backtest::panel::{Panel, PanelSeries};
use crate::backtest::replayed::{Measured, Origin};
use crate::cli::{History, Of};
use crate::exit::{Failure, Kind, Marked};
use crate::import::event;
use crate::pipeline::Broker;
use crate::settings::{self, Overrides};
use auscult_core::time::Timestamp;
use auscult_core::words::Measure;
use auscult_engine::log::{Log, LogEvent};
use auscult_wire::AlertData;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// Records read from the log at once.
const BATCH: usize = 8_192;
/// Names offered when the one asked for is not there.
const OFFERED: usize = 12;

/// Something about the input that a person must correct.
pub fn wrong(text: String) -> Failure {
    Failure::new(Kind::Input, anyhow::anyhow!(text))
}

/// Something about the options that a person must correct.
pub fn setting(text: String) -> Failure {
    Failure::new(Kind::Settings, anyhow::anyhow!(text))
}

/// The panels of `measure` in a file of counts, in a file of feedback with its map, or in the embedded log; of one portfolio or view
/// alone where they are named. A file of counts is one panel of neither.
///
/// # Errors
/// The file, the map, the settings or the log cannot be read, or a file of counts was asked for what it has not.
pub fn panels(
    file: Option<&Path>,
    history: &History,
    of: &Of,
    measure: Measure,
) -> Result<Vec<(Origin, Panel)>, Failure> {
    let measured = match (file, &history.map) {
        (Some(file), None) => {
            let options = options(history)?;
            let is_named = of.view.is_some() || of.portfolio.is_some();
            if is_named || measure != Measure::Mentions || options.measure != measure {
                return Err(setting(
                    "a file of counts has no portfolios, views or shares, and scores cannot be judged so: leave out --portfolio, --view, --negative-share and --measure, or name a --map".to_owned(),
                ));
            }
            return Ok(vec![(Origin::default(), read_panel(file, &options)?)]);
        }
        (Some(file), Some(map)) => replayed(file, map, history, &[])?.1,
        (None, _) => from_log(history.settings.as_deref())?.0,
    };
    let mut panels: Vec<(Origin, Panel)> = measured
        .panels(&[])
        .into_iter()
        .map(|(origin, panel, _)| (origin, panel))
        .filter(|(_, panel)| panel.measure == measure)
        .collect();
    let there_are = described(&panels);
    let is_asked = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|it| it == is);
    panels.retain(|(origin, _)| {
        is_asked(&of.view, &origin.view) && is_asked(&of.portfolio, &origin.portfolio)
    });
    if panels.is_empty() {
        return Err(wrong(format!(
            "nothing is known of such a view and portfolio by {measure}; there are {there_are}"
        )));
    }
    Ok(panels)
}

/// The views and portfolios of `panels`, for people.
fn described(panels: &[(Origin, Panel)]) -> String {
    let names = |of: fn(&Origin) -> &str| {
        let names: BTreeSet<&str> = panels.iter().map(|(origin, _)| of(origin)).collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    };
    format!(
        "the views {} of the portfolios {}",
        names(|origin| &origin.view),
        names(|origin| &origin.portfolio)
    )
}

/// The one panel there is, if any.
///
/// # Errors
/// There are several: `what` says what they have in common.
pub fn only(mut panels: Vec<(Origin, Panel)>, what: &str) -> Result<Option<Panel>, Failure> {
    if panels.len() > 1 {
        return Err(wrong(format!(
            "{what} {}: name one with --view and --portfolio",
            described(&panels)
        )));
    }
    Ok(panels.pop().map(|(_, panel)| panel))
}

/// The time `text` says, given with `option`.
///
/// # Errors
/// It is no time.
pub fn moment(option: &str, text: &str) -> Result<Timestamp, Failure> {
    ["%Y-%m-%d", "rfc3339", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| event::parse(text, format).ok())
        .ok_or_else(|| {
            wrong(format!(
                "{option} {text:?} is no time; write 2024-02-23 or 2024-02-23T14:00:00Z"
            ))
        })
}

/// Values asked for: `dimension=value`, or a value in its place.
pub fn is_meant(asked: &str, dimensions: &[(String, String)]) -> bool {
    let asked: Vec<&str> = asked.split(',').map(str::trim).collect();
    asked.len() == dimensions.len()
        && asked.iter().zip(dimensions).all(|(asked, (name, value))| {
            *asked == value || asked.split_once('=') == Some((name.as_str(), value.as_str()))
        })
}

/// Where the series asked for stands in a panel.
pub fn position(panel: &Panel, asked: &str) -> Option<usize> {
    let is_asked =
        |series: &PanelSeries| is_meant(asked, &series.dimensions) || series.name() == asked;
    panel.series.iter().position(is_asked)
}

/// Where the series asked for stands in a panel that must have it.
///
/// # Errors
/// The panel has no such series; some that it has are named.
pub fn place(panel: &Panel, asked: &str) -> Result<usize, Failure> {
    position(panel, asked).ok_or_else(|| {
        let names = panel.series.iter().map(PanelSeries::name).collect();
        not_there(asked, names)
    })
}

/// The failure of asking for a series that is not among `names`.
pub fn not_there(asked: &str, mut names: Vec<String>) -> Failure {
    names.sort();
    names.dedup();
    let more = names.len().saturating_sub(OFFERED);
    names.truncate(OFFERED);
    let tail = if more > 0 {
        format!(" … and {more} more")
    } else {
        String::new()
    };
    wrong(format!(
        "there is no series {asked:?}; there are {}{tail}",
        names.join(" | ")
    ))
}

/// Every point and alert of the embedded log that the settings name.
///
/// # Errors
/// The settings are wrong, or there is no log, or it cannot be read.
pub fn from_log(path: Option<&Path>) -> Result<(Measured, Vec<AlertData>), Failure> {
    let settings = settings::load(path, &Overrides::without_key()).or_fail(Kind::Settings)?;
    if !settings.log_path.is_file() {
        return Err(Failure::new(
            Kind::Store,
            anyhow::anyhow!(
                "there is no log {}: name a settings file with --settings, or a FILE to read instead",
                settings.log_path.display()
            ),
        ));
    }
    let log = crate::topics::open_log(&settings.log_path, &settings.engine).or_fail(Kind::Store)?;
    let topics = &settings.engine.topics;
    // The group commits nothing, so it always begins at the beginning.
    let mut consumer = Broker::consumer(&log, "asked", &[&topics.series, &topics.alerts_medical])
        .or_fail(Kind::Store)?;
    let (mut measured, mut alerts) = (Measured::default(), Vec::new());
    loop {
        let events = consumer.poll(BATCH, Duration::ZERO).or_fail(Kind::Store)?;
        if events.is_empty() {
            return Ok((measured, alerts));
        }
        for event in events {
            let LogEvent::Record(record) = event else {
                continue;
            };
            let value = record.value.as_deref().unwrap_or_default();
            if record.at.topic.as_ref() == topics.series {
                if let Ok(event) = auscult_wire::decode_series_point(&record.headers, value) {
                    measured.add(event.data);
                }
            } else if let Ok(event) = auscult_wire::decode_alert(&record.headers, value) {
                alerts.push(event.data);
            }
        }
    }
}
