//! `auscult impact`: what changed after an action, with an interval.
//!
//! Decision: the same reading of files and logs as `backtest` and `explain`, and the estimate of `auscult_statistics::impact`;
//! nothing is estimated here. What is printed are the fields of the contract's outcome, so that a person or a script can
//! write one from it.

use super::asked;
use super::backtest::{options, read_panel, replayed};
use crate::backtest::export::when;
use crate::backtest::panel::{Panel, PanelSeries};
use crate::cli::{Direction, Impact as Asked};
use crate::exit::{Failure, Kind, Marked, Outcome};
use crate::table;
use auscult_core::series::Cell;
use auscult_core::time::{BucketIndex, DAY, Timestamp};
use auscult_core::words::Measure;
use auscult_statistics::impact::{
    Impact, ImpactCaveat, ImpactData, ImpactPoint, ImpactSettings, Verdict, Wanted, estimate_impact,
};

/// The buckets around an action, oldest first; those in which one of the series has no data are left out.
#[derive(Debug, Default, PartialEq)]
struct Window {
    places: Vec<usize>,
    acted_on: Vec<ImpactPoint>,
    comparison: Vec<ImpactPoint>,
    before: usize,
}

/// Estimates and prints.
pub fn run(asked: &Asked) -> Outcome {
    let on = asked::moment("--on", &asked.on)?;
    if !(0.0..1.0).contains(&asked.smallest) {
        return Err(setting(format!(
            "--smallest is {}: write a share from 0 to below 1, such as 0.1",
            asked.smallest
        )));
    }
    let panel = panel_of(asked)?;
    let series = |name: &str| {
        asked::position(&panel, name)
            .map(|at| &panel.series[at])
            .ok_or_else(|| {
                let names = panel.series.iter().map(PanelSeries::name).collect();
                asked::not_there(name, names)
            })
    };
    let acted_on = series(&asked.series)?;
    let against = asked.against.as_deref().map(series).transpose()?;
    if against.is_some_and(|against| std::ptr::eq(against, acted_on)) {
        return Err(asked::wrong(
            "--against is the series acted on: name one that nothing was done about".to_owned(),
        ));
    }
    let window = window(&panel, acted_on, against, on, (asked.before, asked.after));
    let data = ImpactData {
        acted_on: &window.acted_on,
        comparison: &window.comparison,
        before: window.before,
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

fn setting(text: String) -> Failure {
    Failure::new(Kind::Settings, anyhow::anyhow!(text))
}

/// The panel that holds the series asked for.
fn panel_of(asked: &Asked) -> Result<Panel, Failure> {
    let history = &asked.history;
    let measured = match (&asked.file, &history.map) {
        (Some(file), None) => {
            if asked.negative_share || asked.view.is_some() {
                return Err(setting(
                    "a file of counts has no shares and no views: leave out --negative-share and --view, or name a --map".to_owned(),
                ));
            }
            let options = options(history)?;
            if options.measure != Measure::Mentions {
                return Err(setting(
                    "a mean rating has no rate before and after: leave out --measure mean_rating"
                        .to_owned(),
                ));
            }
            return read_panel(file, &options);
        }
        (Some(file), Some(map)) => replayed(file, map, history, &[])?.1,
        (None, _) => asked::from_log(history.settings.as_deref())?.0,
    };
    let measure = if asked.negative_share {
        Measure::NegativeShare
    } else {
        Measure::Mentions
    };
    let panels: Vec<(String, Panel)> = measured
        .panels(&[])
        .into_iter()
        .map(|(name, panel, _)| (name, panel))
        .filter(|(_, panel)| panel.measure == measure)
        .collect();
    let view_of = |name: &str| {
        name.rsplit_once(", ")
            .map_or("", |(view, _)| view)
            .to_owned()
    };
    let mut holding: Vec<(String, Panel)> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for (name, panel) in panels {
        let view = view_of(&name);
        if asked.view.as_ref().is_some_and(|wanted| *wanted != view) {
            continue;
        }
        names.extend(panel.series.iter().map(PanelSeries::name));
        if asked::position(&panel, &asked.series).is_some() {
            holding.push((view, panel));
        }
    }
    if holding.len() > 1 {
        let views: Vec<&str> = holding.iter().map(|(view, _)| view.as_str()).collect();
        return Err(asked::wrong(format!(
            "{:?} is a series of the views {}: name one with --view",
            asked.series,
            views.join(", ")
        )));
    }
    holding
        .pop()
        .map(|(_, panel)| panel)
        .ok_or_else(|| asked::not_there(&asked.series, names))
}

/// The buckets before and after `on`, at most so many as `most` says. A bucket that the action cuts in two is neither.
fn window(
    panel: &Panel,
    acted_on: &PanelSeries,
    against: Option<&PanelSeries>,
    on: Timestamp,
    most: (Option<usize>, Option<usize>),
) -> Window {
    let index = |place: usize| panel.first + place as BucketIndex;
    let first = acted_on.from.max(against.map_or(0, |series| series.from));
    let point = |series: &PanelSeries, place: usize| {
        let cell = series.cells[place].as_ref()?;
        let (from, to) = (
            panel.width.start(index(place)),
            panel.width.end(index(place)),
        );
        point_of(panel.measure, cell, (to.0 - from.0) as f64 / DAY as f64)
    };
    let whole = (first..panel.buckets).filter_map(|place| {
        let one = point(acted_on, place)?;
        let other = match against {
            Some(series) => Some(point(series, place)?),
            None => None,
        };
        Some((place, one, other))
    });
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for bucket in whole {
        if panel.width.end(index(bucket.0)) <= on {
            before.push(bucket);
        } else if panel.width.start(index(bucket.0)) >= on {
            after.push(bucket);
        }
    }
    if let Some(most) = most.0 {
        before.drain(..before.len().saturating_sub(most));
    }
    if let Some(most) = most.1 {
        after.truncate(most);
    }
    let mut window = Window {
        before: before.len(),
        ..Window::default()
    };
    for (place, one, other) in before.into_iter().chain(after) {
        window.places.push(place);
        window.acted_on.push(one);
        window.comparison.extend(other);
    }
    window
}

/// How often, out of how much: mentions out of days, negative items out of items.
fn point_of(measure: Measure, cell: &Cell, days: f64) -> Option<ImpactPoint> {
    if measure == Measure::NegativeShare {
        return (cell.judged > 0).then(|| ImpactPoint {
            count: u64::from(cell.negative),
            exposure: f64::from(cell.judged),
        });
    }
    Some(ImpactPoint {
        count: u64::from(cell.items),
        exposure: days,
    })
}

fn rate(points: &[ImpactPoint]) -> f64 {
    let count: u64 = points.iter().map(|point| point.count).sum();
    count as f64 / points.iter().map(|point| point.exposure).sum::<f64>()
}

/// The word of the contract, and what it means.
fn caveat(caveat: ImpactCaveat) -> (&'static str, &'static str) {
    match caveat {
        ImpactCaveat::FewCounts => (
            "few_counts",
            "fewer than five a bucket: the interval is rough",
        ),
        ImpactCaveat::BucketsMoveTogether => (
            "buckets_move_together",
            "neighbouring buckets move together: the interval is too narrow",
        ),
        ImpactCaveat::NoComparison => (
            "no_comparison",
            "no comparison: whatever else happened then is in the estimate",
        ),
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
            rate(before),
            rate(after)
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
        row("caveat", caveat(*told).1.to_owned());
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
    let caveats: Vec<&str> = impact.caveats.iter().map(|told| caveat(*told).0).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use auscult_core::time::BucketWidth;

    fn series(from: usize, counts: &[Option<u32>]) -> PanelSeries {
        let cell = |items: u32| Cell {
            items,
            ..Cell::default()
        };
        PanelSeries {
            dimensions: Vec::new(),
            from,
            cells: counts.iter().map(|count| count.map(cell)).collect(),
            truth: vec![false; counts.len()],
        }
    }

    fn panel(width: BucketWidth, series: Vec<PanelSeries>) -> Panel {
        Panel {
            measure: Measure::Mentions,
            width,
            first: width.index(Timestamp(1_704_067_200_000)),
            buckets: series[0].cells.len(),
            series,
            bad: Vec::new(),
        }
    }

    #[test]
    fn a_bucket_that_the_action_cuts_and_one_without_data_are_neither_before_nor_after() {
        let counts: Vec<Option<u32>> = (0..10).map(|at| (at != 2).then_some(at)).collect();
        let panel = panel(BucketWidth::Day, vec![series(1, &counts)]);
        let noon_of_the_sixth = Timestamp(panel.width.start(panel.first + 5).0 + DAY / 2);
        let cut = window(
            &panel,
            &panel.series[0],
            None,
            noon_of_the_sixth,
            (None, None),
        );
        assert_eq!((cut.before, cut.places), (3, vec![1, 3, 4, 6, 7, 8, 9]));
        let midnight = panel.width.start(panel.first + 5);
        let whole = window(&panel, &panel.series[0], None, midnight, (Some(2), Some(3)));
        assert_eq!((whole.before, whole.places), (2, vec![3, 4, 5, 6, 7]));
    }

    #[test]
    fn a_month_counts_by_its_days_and_both_series_need_data() {
        let one = series(0, &[Some(31), Some(29), None, Some(30)]);
        let other = series(0, &[Some(1), None, Some(1), Some(1)]);
        let panel = panel(BucketWidth::Month, vec![one, other]);
        let on = panel.width.start(panel.first + 3);
        let (one, other) = (&panel.series[0], &panel.series[1]);
        let window = window(&panel, one, Some(other), on, (None, None));
        assert_eq!((window.before, &window.places), (1, &vec![0, 3]));
        let rates: Vec<f64> = window.acted_on.iter().map(|it| rate(&[*it])).collect();
        assert_eq!(
            rates,
            [1.0, 1.0],
            "31 of 31 days of January, 30 of 30 of April"
        );
        assert_eq!(window.comparison.len(), 2);
    }
}
