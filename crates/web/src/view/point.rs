//! One closed bucket of a series, as charts and tables show it.

use crate::words::parse_time;
use auscult_core::time::{BucketWidth, Timestamp};
use serde::Deserialize;

/// The series point's `data` object.
#[derive(Debug, Clone, Deserialize)]
struct PointData {
    start: String,
    /// ISO 8601 duration.
    bucket: String,
    revision: u32,
    observed: Option<f64>,
    expected: f64,
    low: f64,
    high: f64,
}

/// A bucket ready to draw.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PointView {
    pub start: Timestamp,
    pub end: Timestamp,
    /// `None`: no data, which is not zero.
    pub observed: Option<f64>,
    pub expected: f64,
    pub low: f64,
    pub high: f64,
    /// Late feedback changed the number after it was first shown.
    pub restated: bool,
    /// The bucket is not over, or the alert says that its number still grows.
    pub partial: bool,
}

impl PointView {
    /// Whether the observation lies outside the band.
    pub(crate) fn outside(&self) -> bool {
        self.observed
            .is_some_and(|observed| observed < self.low || observed > self.high)
    }

    /// Reads one point; `None` if it is not what the contract says.
    pub(crate) fn read(json: &str, now: Timestamp) -> Option<PointView> {
        let data: PointData = serde_json::from_str(json).ok()?;
        let start = parse_time(&data.start)?;
        let width = [BucketWidth::Hour, BucketWidth::Day, BucketWidth::Week]
            .into_iter()
            .find(|width| width.iso() == data.bucket)?;
        let end = start.plus(width.milliseconds());
        Some(PointView {
            start,
            end,
            observed: data.observed,
            expected: data.expected,
            low: data.low,
            high: data.high,
            restated: data.revision > 1,
            partial: end > now,
        })
    }
}

/// The points of a series, oldest first, and how many could not be read.
pub(crate) fn read_all(
    points: &[String],
    last_is_partial: bool,
    now: Timestamp,
) -> (Vec<PointView>, usize) {
    let mut views: Vec<PointView> = points
        .iter()
        .filter_map(|json| PointView::read(json, now))
        .collect();
    let unreadable = points.len() - views.len();
    if let Some(last) = views.last_mut() {
        last.partial |= last_is_partial;
    }
    (views, unreadable)
}
