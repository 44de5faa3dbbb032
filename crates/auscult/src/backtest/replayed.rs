//! A file of feedback through the product itself: its series as panels, its alerts as the default detector's points.

use super::default::DEFAULT;
use super::panel::{Panel, PanelSeries};
use super::{Judged, Point};
use crate::table;
use auscult_core::series::Cell;
use auscult_core::time::{BucketIndex, BucketWidth, Timestamp};
use auscult_core::words::Measure;
use auscult_wire::{AlertData, SeriesPointData};
use std::collections::BTreeMap;

/// Where a panel's series come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Portfolio: series of two are judged apart, and may have the same values.
    pub portfolio: String,
    /// View.
    pub view: String,
}

/// What the machine published of its series: the newest revision of each bucket counts.
#[derive(Debug, Default)]
pub struct Measured {
    points: BTreeMap<(String, Timestamp), SeriesPointData>,
}

impl Measured {
    /// Takes a point in; views of the machine's own (feeds) are left out.
    pub fn add(&mut self, point: SeriesPointData) {
        if point.view == auscult_core::FEED_VIEW {
            return;
        }
        let key = (point.series_id.clone(), point.start);
        let is_newer = self
            .points
            .get(&key)
            .is_none_or(|old| old.revision <= point.revision);
        if is_newer {
            self.points.insert(key, point);
        }
    }

    /// Points of all series.
    pub fn all(&self) -> impl Iterator<Item = &SeriesPointData> {
        self.points.values()
    }

    /// A panel for each portfolio, view and measure, and what the machine said of it.
    #[must_use]
    pub fn panels(&self, alerts: &[AlertData]) -> Vec<(Origin, Panel, Judged)> {
        let mut views: BTreeMap<(&str, &str, Measure, &str), Vec<&SeriesPointData>> =
            BTreeMap::new();
        for point in self.points.values() {
            let key = (
                point.portfolio.as_str(),
                point.view.as_str(),
                point.measure,
                point.bucket.as_str(),
            );
            views.entry(key).or_default().push(point);
        }
        views
            .into_iter()
            .map(|((portfolio, view, measure, bucket), points)| {
                let (panel, judged) = one(measure, table::width(bucket), &points, alerts);
                let origin = Origin {
                    portfolio: portfolio.to_owned(),
                    view: view.to_owned(),
                };
                (origin, panel, judged)
            })
            .collect()
    }
}

fn one(
    measure: Measure,
    width: BucketWidth,
    points: &[&SeriesPointData],
    alerts: &[AlertData],
) -> (Panel, Judged) {
    let index = |point: &SeriesPointData| width.index(point.start);
    let first = points.iter().map(|point| index(point)).min().unwrap_or(0);
    let last = points.iter().map(|point| index(point)).max().unwrap_or(0);
    let buckets = (last - first + 1) as usize;
    let mut series: BTreeMap<&str, Vec<&SeriesPointData>> = BTreeMap::new();
    for point in points {
        series.entry(&point.series_id).or_default().push(point);
    }
    let mut panel = Panel {
        measure,
        width,
        first,
        buckets,
        series: Vec::new(),
        bad: Vec::new(),
    };
    let mut judged = Judged {
        method: DEFAULT.to_owned(),
        series: Vec::new(),
        left_out: Vec::new(),
    };
    for (id, points) in series {
        let from = points
            .iter()
            .map(|point| (index(point) - first) as usize)
            .min()
            .unwrap_or(0);
        let raised: Vec<BucketIndex> = alerts
            .iter()
            .filter(|alert| alert.series.id == id && alert.revision == 1)
            .map(|alert| width.index(alert.as_of.plus(-1)))
            .collect();
        // A bucket of counts that was not published held nothing; one without data was published as such.
        let quiet = (measure == Measure::Mentions).then(Cell::default);
        let mut cells: Vec<Option<Cell>> = vec![None; from];
        cells.resize(buckets, quiet);
        let mut said: Vec<Point> = (from..buckets)
            .map(|place| quiet_point(measure, place))
            .collect();
        for point in &points {
            let place = (index(point) - first) as usize;
            cells[place] = cell_of(point);
            said[place - from] = Point {
                place,
                observed: point.observed,
                expected: Some(point.expected),
                low: Some(point.low),
                high: Some(point.high),
                p_value: Some(point.p_value),
                alarm: point.discovered,
                raised: raised.contains(&index(point)),
                upward: point
                    .observed
                    .is_none_or(|observed| observed >= point.expected),
            };
        }
        panel.series.push(PanelSeries {
            dimensions: points
                .first()
                .map(|point| point.dimensions.0.clone())
                .unwrap_or_default(),
            from,
            cells,
            truth: vec![false; buckets],
        });
        judged.series.push(said);
    }
    (panel, judged)
}

/// What a published point says of its bucket; `None`: no data.
fn cell_of(point: &SeriesPointData) -> Option<Cell> {
    let observed = point.observed?;
    let is_share = point.measure == Measure::NegativeShare;
    Some(Cell {
        items: point.items,
        judged: if is_share { point.items } else { 0 },
        negative: if is_share {
            (observed * f64::from(point.items)).round() as u32
        } else {
            0
        },
        ..Cell::default()
    })
}

/// A bucket the machine did not publish: nothing was seen and next to nothing expected.
fn quiet_point(measure: Measure, place: usize) -> Point {
    Point {
        place,
        observed: (measure == Measure::Mentions).then_some(0.0),
        expected: None,
        low: None,
        high: None,
        p_value: None,
        alarm: false,
        raised: false,
        upward: true,
    }
}
