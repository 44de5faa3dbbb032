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
        let width = BucketWidth::of_iso(&data.bucket)?;
        let end = width.end(width.index(start));
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

/// Newest periods a page draws and lists; the API has all.
const SHOWN: usize = 90;

/// The newest points of a series, ready to draw.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    /// Oldest first, at most 90.
    pub points: Vec<PointView>,
    /// How many points the series has in all.
    pub total: usize,
    /// How many of the newest could not be read.
    pub unreadable: usize,
}

impl Recent {
    /// Reads the newest of `all`, which stand oldest first. Older ones are not even parsed: a series may be years long.
    pub(crate) fn of(all: &[String], last_is_partial: bool, now: Timestamp) -> Recent {
        let newest = &all[all.len().saturating_sub(SHOWN)..];
        let mut points: Vec<PointView> = newest
            .iter()
            .filter_map(|json| PointView::read(json, now))
            .collect();
        let unreadable = newest.len() - points.len();
        if let Some(last) = points.last_mut() {
            last.partial |= last_is_partial;
        }
        Recent {
            points,
            total: all.len(),
            unreadable,
        }
    }
}
