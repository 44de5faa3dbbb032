//! `series.measured.v1`: one closed bucket of one series.

use auscult_core::effect::SeriesPoint;
use auscult_core::time::{BucketWidth, Timestamp};
use auscult_core::words::Measure;

use crate::derived::{Derived, derived_id};
use crate::envelope::{Encoded, Headers};
use crate::error::{ErrorCode, WireError};
use crate::event::{Event, Reading, decode_event, encode_event};
use crate::field::Pairs;
use crate::framing::SchemaRegistry;
use crate::record::record;
use crate::words::{Audience, DataCategory, DataClassification};

/// The event's type.
pub const SERIES_MEASURED: &str = "io.auscult.series.measured.v1";
/// Address of its schema.
pub const SERIES_SCHEMA: &str = "https://auscult.example/schemas/series/1.0.json";

record! {
    /// One closed bucket of one series; the highest revision of a bucket counts.
    pub struct SeriesPointData {
        /// Tenant.
        required "tenant" tenant: String,
        /// Portfolio.
        required "portfolio" portfolio: String,
        /// Series id.
        required "series_id" series_id: String,
        /// View.
        required "view" view: String,
        /// Measure.
        required "measure" measure: Measure,
        /// Dimension and value, in the view's order.
        required "dims" dimensions: Pairs<String>,
        /// Start of the bucket.
        required "start" start: Timestamp,
        /// ISO 8601 duration of the bucket.
        required "bucket" bucket: String,
        /// Grows with each restatement.
        required "revision" revision: u32,
        /// What was seen; null: no data, which is not zero.
        always "observed" observed: Option<f64>,
        /// Items behind it.
        required "items" items: u32,
        /// What was expected.
        required "expected" expected: f64,
        /// Lower end of the expected interval.
        required "low" low: f64,
        /// Upper end of the expected interval.
        required "high" high: f64,
        /// Probability of something at least this surprising if nothing changed.
        required "p_value" p_value: f64,
        /// Whether false-discovery control let it through.
        required "discovered" discovered: bool,
    }
}

/// Writes a series point; the key is `portfolio|series_id`.
#[must_use]
pub fn encode_series_point(point: &SeriesPoint) -> Encoded {
    let key = format!("{}|{}", point.portfolio, point.series_id);
    let end = point.start.plus(point.width.milliseconds());
    let bucket = format!("{}+{}", point.start.0, point.width.iso());
    let envelope = Derived {
        kind: SERIES_MEASURED,
        schema: SERIES_SCHEMA,
        id: derived_id(&[
            "series",
            &point.portfolio,
            &point.series_id,
            &bucket,
            &point.revision.to_string(),
        ]),
        source: format!("/tenants/{}/detectors/series", point.tenant),
        subject: format!("series/{}", point.series_id),
        tenant: &point.tenant,
        key: &key,
        happened: end,
        recorded: end,
        classification: DataClassification::Internal,
        category: DataCategory::NonPii,
        audience: Audience::Shared,
    }
    .envelope();
    let data = SeriesPointData {
        tenant: point.tenant.clone(),
        portfolio: point.portfolio.clone(),
        series_id: point.series_id.clone(),
        view: point.view.clone(),
        measure: point.measure,
        dimensions: Pairs(point.dimensions.clone()),
        start: point.start,
        bucket: point.width.iso().to_owned(),
        revision: point.revision,
        observed: point.observed,
        items: point.items,
        expected: point.expected,
        low: point.low,
        high: point.high,
        p_value: point.p_value,
        discovered: point.discovered,
    };
    encode_event(key.clone().into_bytes(), &envelope, &data)
}

/// Reads a series point.
///
/// # Errors
/// [`WireError`] for everything that is refused.
pub fn decode_series_point<'a>(
    headers: &'a Headers,
    value: &'a [u8],
) -> Result<Event<'a, SeriesPointData>, WireError> {
    decode_event(
        headers,
        value,
        Reading {
            types: &[SERIES_MEASURED],
            keep_unknown: false,
            registry: &SchemaRegistry::default(),
        },
    )
}

impl SeriesPointData {
    /// The core's point.
    ///
    /// # Errors
    /// [`ErrorCode::EnumUnknown`] when the bucket is no hour, day, week or month.
    pub fn into_point(self) -> Result<SeriesPoint, WireError> {
        let width = BucketWidth::of_iso(&self.bucket).ok_or_else(|| {
            WireError::new(
                ErrorCode::EnumUnknown,
                "/bucket",
                "not one of PT1H, P1D, P1W, P1M",
            )
        })?;
        Ok(SeriesPoint {
            tenant: self.tenant,
            portfolio: self.portfolio,
            series_id: self.series_id,
            view: self.view,
            measure: self.measure,
            dimensions: self.dimensions.0,
            start: self.start,
            width,
            revision: self.revision,
            observed: self.observed,
            items: self.items,
            expected: self.expected,
            low: self.low,
            high: self.high,
            p_value: self.p_value,
            discovered: self.discovered,
        })
    }
}
