//! The reference methods over a panel of counts.

use super::panel::Panel;
use super::{Judged, Point};
use auscult_core::series::whole_buckets_per_year;
use auscult_core::time::{BucketIndex, BucketWidth, DAY};
use auscult_core::words::Measure;
use auscult_statistics::reference::{Calendar, CountSeries, ReferenceError, ReferenceMethod};

/// Runs `method` over every series; those it cannot judge are named with the reason.
#[must_use]
pub fn judge(panel: &Panel, method: &dyn ReferenceMethod) -> Judged {
    let mut judged = Judged {
        method: method.name().to_owned(),
        series: Vec::with_capacity(panel.series.len()),
        left_out: Vec::new(),
    };
    for (at, series) in panel.series.iter().enumerate() {
        let points = if panel.measure == Measure::Mentions {
            let counts: Vec<u64> = series.cells[series.from..]
                .iter()
                .map(|cell| cell.as_ref().map_or(0, |cell| u64::from(cell.items)))
                .collect();
            judge_counts(panel, series.from, &counts, method)
        } else {
            Err("it judges counts only".to_owned())
        };
        judged.series.push(points.unwrap_or_else(|reason| {
            judged.left_out.push((at, reason));
            Vec::new()
        }));
    }
    judged
}

/// Buckets that only teach: cumulative methods are fitted once, on what lies before the first judged bucket. A year, or a third
/// of a series that is shorter than three. The others say themselves how far they look back.
fn training(method: &str, buckets_per_year: usize, length: usize) -> usize {
    if method == "cusum" || method.starts_with("glr") {
        buckets_per_year.min(length / 3)
    } else {
        0
    }
}

fn judge_counts(
    panel: &Panel,
    from: usize,
    counts: &[u64],
    method: &dyn ReferenceMethod,
) -> Result<Vec<Point>, String> {
    let days: Vec<i32> = (from..from + counts.len())
        .map(|place| (panel.width.start(panel.first + place as BucketIndex).0 / DAY) as i32)
        .collect();
    let buckets_per_year = whole_buckets_per_year(panel.width);
    let calendar = if panel.width == BucketWidth::Hour {
        Calendar::Even { buckets_per_year }
    } else {
        Calendar::Dated {
            days: &days,
            buckets_per_year,
        }
    };
    let series = CountSeries {
        counts,
        calendar,
        population: &[],
    };
    // The method says how far it looks back; the first bucket that has so many before it is where it starts. Later
    // places may ask for more, because years are not whole numbers of weeks.
    let mut start = training(method.name(), buckets_per_year, counts.len());
    let mut judgements = method.judge(&series, start..counts.len());
    while let Err(ReferenceError::HistoryTooShort { place, needed, .. }) = &judgements {
        start = (*needed).max(place + 1).max(start + 1);
        if start >= counts.len() {
            return Err(format!(
                "it needs {needed} earlier buckets and the series has {}",
                counts.len()
            ));
        }
        judgements = method.judge(&series, start..counts.len());
    }
    let judgements = judgements.map_err(|error| error.to_string())?;
    let mut before = false;
    Ok(judgements
        .into_iter()
        .map(|one| {
            let raised = one.alarm && !before;
            before = one.alarm;
            Point {
                place: from + one.place,
                observed: Some(one.observed as f64),
                expected: one.expected,
                low: None,
                high: if one.upper == one.score {
                    None
                } else {
                    one.upper
                },
                p_value: one.p_value,
                alarm: one.alarm,
                raised,
                upward: true,
            }
        })
        .collect())
}
