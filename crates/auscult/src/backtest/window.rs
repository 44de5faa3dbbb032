//! The buckets of a panel before and after an action, as the estimate of its outcome wants them.

use super::panel::{Panel, PanelSeries};
use auscult_core::series::Cell;
use auscult_core::time::{BucketIndex, DAY, Timestamp};
use auscult_core::words::Measure;
use auscult_statistics::impact::ImpactPoint;

/// The buckets around an action, oldest first; those in which one of the series has no data are left out.
#[derive(Debug, Default, PartialEq)]
pub struct Window {
    /// Places in the panel.
    pub places: Vec<usize>,
    /// The series acted on, one point a place.
    pub acted_on: Vec<ImpactPoint>,
    /// The series nothing was done about, one point a place; empty for none.
    pub comparison: Vec<ImpactPoint>,
    /// How many places lie before the action.
    pub before: usize,
}

/// The buckets before and after `on`, at most so many as `most` says. A bucket that the action cuts in two is neither.
#[must_use]
pub fn around(
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

/// How often, over how much, in all.
#[must_use]
pub fn rate(points: &[ImpactPoint]) -> f64 {
    let count: u64 = points.iter().map(|point| point.count).sum();
    count as f64 / points.iter().map(|point| point.exposure).sum::<f64>()
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
        let cut = around(
            &panel,
            &panel.series[0],
            None,
            noon_of_the_sixth,
            (None, None),
        );
        assert_eq!((cut.before, cut.places), (3, vec![1, 3, 4, 6, 7, 8, 9]));
        let midnight = panel.width.start(panel.first + 5);
        let whole = around(&panel, &panel.series[0], None, midnight, (Some(2), Some(3)));
        assert_eq!((whole.before, whole.places), (2, vec![3, 4, 5, 6, 7]));
    }

    #[test]
    fn a_month_counts_by_its_days_and_both_series_need_data() {
        let one = series(0, &[Some(31), Some(29), None, Some(30)]);
        let other = series(0, &[Some(1), None, Some(1), Some(1)]);
        let panel = panel(BucketWidth::Month, vec![one, other]);
        let on = panel.width.start(panel.first + 3);
        let (one, other) = (&panel.series[0], &panel.series[1]);
        let window = around(&panel, one, Some(other), on, (None, None));
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
