//! `auscult impact`: what changed after an action, with an interval.
//!
//! Decision: the same reading of files and logs as `backtest` and `explain`, and the estimate of `auscult_statistics::impact`;
//! nothing is estimated here. What is printed are the fields of the contract's outcome, so that a person or a script can
//! write one from it.

use super::asked;
use crate::backtest::export::when;
use crate::backtest::panel::{Panel, PanelSeries};
use crate::backtest::window::{self, Window};
use crate::cli::{Direction, Impact as Asked};
use crate::exit::{Failure, Kind, Marked, Outcome};
use crate::table;
use auscult_core::time::BucketIndex;
use auscult_core::words::{Measure, OutcomeCaveat};
use auscult_statistics::impact::{
    Impact, ImpactCaveat, ImpactData, ImpactPoint, ImpactSettings, Verdict, Wanted, estimate_impact,
};

/// Estimates and prints.
pub fn run(asked: &Asked) -> Outcome {
    let on = asked::moment("--on", &asked.on)?;
    if !(0.0..1.0).contains(&asked.smallest) {
        return Err(asked::setting(format!(
            "--smallest is {}: write a share from 0 to below 1, such as 0.1",
            asked.smallest
        )));
    }
    let panel = panel_of(asked)?;
    let series = |name: &str| asked::place(&panel, name).map(|at| &panel.series[at]);
    let acted_on = series(&asked.series)?;
    let against = asked.against.as_deref().map(series).transpose()?;
    if against.is_some_and(|against| std::ptr::eq(against, acted_on)) {
        return Err(asked::wrong(
            "--against is the series acted on: name one that nothing was done about".to_owned(),
        ));
    }
    let window = window::around(&panel, acted_on, against, on, (asked.before, asked.after));
    let phase = |place: &usize| panel.width.phase(panel.first + *place as BucketIndex);
    let phases: Vec<usize> = window.places.iter().map(phase).collect();
    let data = ImpactData {
        acted_on: &window.acted_on,
        comparison: &window.comparison,
        before: window.before,
        phases: &phases,
    };
    let settings = ImpactSettings {
        trend: asked.trend,
        level: asked.level,
    };
    let impact = estimate_impact(&data, &settings).or_fail(Kind::Input)?;
    let wanted = match asked.wanted {
        Direction::Up => Wanted::Up,
        Direction::Down => Wanted::Down,
    };
    let verdict = impact.verdict(wanted, asked.smallest);
    super::print(&if asked.json {
        as_outcome(asked, &panel, &window, &impact, verdict)
    } else {
        described(asked, &panel, &window, &impact, verdict)
    });
    Ok(())
}

/// The panel that holds the series asked for.
fn panel_of(asked: &Asked) -> Result<Panel, Failure> {
    let measure = if asked.negative_share {
        Measure::NegativeShare
    } else {
        Measure::Mentions
    };
    let (mut holding, mut names) = (Vec::new(), Vec::new());
    for (origin, panel) in asked::panels(asked.file.as_deref(), &asked.history, &asked.of, measure)?
    {
        names.extend(panel.series.iter().map(PanelSeries::name));
        if asked::position(&panel, &asked.series).is_some() {
            holding.push((origin, panel));
        }
    }
    asked::only(holding, &format!("{:?} is a series of", asked.series))?
        .ok_or_else(|| asked::not_there(&asked.series, names))
}

/// What a caveat means.
fn meaning(caveat: ImpactCaveat) -> &'static str {
    match caveat {
        ImpactCaveat::FewCounts => "fewer than five a bucket: the interval is rough",
        ImpactCaveat::BucketsMoveTogether => {
            "neighbouring buckets move together: the interval is too narrow"
        }
        ImpactCaveat::NoComparison => {
            "no comparison: whatever else happened then is in the estimate"
        }
    }
}

fn method(window: &Window) -> &'static str {
    if window.comparison.is_empty() {
        "its"
    } else {
        "did"
    }
}

fn described(
    asked: &Asked,
    panel: &Panel,
    window: &Window,
    impact: &Impact,
    verdict: Verdict,
) -> String {
    let unit = if panel.measure == Measure::NegativeShare {
        "of the items"
    } else {
        "a day"
    };
    let (before, after) = window.places.split_at(window.before);
    let span = |places: &[usize]| match (places.first(), places.last()) {
        (Some(first), Some(last)) => {
            format!(
                "{} buckets, {} to {}",
                places.len(),
                when(panel, *first),
                when(panel, *last)
            )
        }
        _ => "nothing".to_owned(),
    };
    let rates = |points: &[ImpactPoint]| {
        let (before, after) = points.split_at(window.before);
        format!(
            "{:.3} {unit} before, {:.3} after",
            window::rate(before),
            window::rate(after)
        )
    };
    let percent = |ratio: f64| format!("{:+.1} %", 100.0 * (ratio - 1.0));
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |name: &str, value: String| rows.push(vec![name.to_owned(), value]);
    row("before", span(before));
    row("after", span(after));
    row(&asked.series, rates(&window.acted_on));
    if let Some(against) = &asked.against {
        row(against, rates(&window.comparison));
    }
    row("change", percent(impact.ratio));
    row(
        &format!("{:.0} % interval", 100.0 * impact.level),
        format!("{} to {}", percent(impact.lower), percent(impact.upper)),
    );
    row(
        "method",
        match method(window) {
            "did" => "difference in differences".to_owned(),
            _ if asked.trend => "interrupted series with a trend".to_owned(),
            _ => "interrupted series".to_owned(),
        },
    );
    let better = match asked.wanted {
        Direction::Up => "more",
        Direction::Down => "less",
    };
    row(
        "verdict",
        format!(
            "{} ({better} is better, less than {:.0} % does not matter)",
            verdict.as_str().replace('_', " "),
            100.0 * asked.smallest
        ),
    );
    for told in &impact.caveats {
        row("caveat", meaning(*told).to_owned());
    }
    format!(
        "{}, {}, action on {}\n\n{}",
        asked.series,
        panel.measure,
        asked.on,
        table::aligned(&rows)
    )
}

fn as_outcome(
    asked: &Asked,
    panel: &Panel,
    window: &Window,
    impact: &Impact,
    verdict: Verdict,
) -> String {
    let (before, after) = window.places.split_at(window.before);
    let ends = |places: &[usize]| {
        let end = |place: Option<&usize>| place.map(|place| when(panel, *place));
        serde_json::json!([end(places.first()), end(places.last())])
    };
    let items: u64 = window.acted_on.iter().map(|point| point.count).sum();
    let caveats: Vec<&str> = impact
        .caveats
        .iter()
        .map(|told| OutcomeCaveat::from(*told).as_str())
        .collect();
    let outcome = serde_json::json!({
        "series": asked.series,
        "against": asked.against,
        "measure": panel.measure.to_string(),
        "method": method(window),
        "pre": ends(before),
        "post": ends(after),
        "estimate": impact.ratio - 1.0,
        "interval": [impact.lower - 1.0, impact.upper - 1.0],
        "level": impact.level,
        "dispersion": impact.dispersion,
        "verdict": verdict.as_str(),
        "caveats": caveats,
        "n": items,
    });
    format!("{outcome}\n")
}
