//! `outcome.estimated.v1`: what came of an action, with an interval. The highest revision of an action counts.

use auscult_core::outcome::{Outcome, Span};
use auscult_core::time::Timestamp;
use auscult_core::words::{
    NextStep, OutcomeCaveat, OutcomeMethod, OutcomeStage, OutcomeVerdict, ValueDimension,
};
use std::borrow::Cow;

use crate::action::TargetData;
use crate::alert_data::IntervalData;
use crate::derived::{Derived, derived_id, thread};
use crate::envelope::{Encoded, Headers};
use crate::error::WireError;
use crate::event::{Event, Reading, decode_event, encode_event};
use crate::framing::SchemaRegistry;
use crate::record::record;
use crate::words::{Audience, DataCategory, DataClassification};

/// The event's type.
pub const OUTCOME_ESTIMATED: &str = "io.auscult.outcome.estimated.v1";
/// Address of its schema.
pub const OUTCOME_SCHEMA: &str = "https://auscult.example/schemas/outcome/1.0.json";

record! {
    /// What came of an action.
    pub struct OutcomeData {
        /// Id: one for each action.
        required "outcome_id" outcome_id: String,
        /// Grows with each outcome sent of the action.
        required "revision" revision: u32,
        /// The action.
        required "action_id" action_id: String,
        /// Signals it was about.
        required "signal_ids" signal_ids: Vec<String>,
        /// Incident they belong to.
        optional "incident_id" incident_id: String,
        /// Whether all planned buckets have been seen.
        required "stage" stage: OutcomeStage,
        /// How it was estimated.
        required "method" method: OutcomeMethod,
        /// What was to change, as it was frozen at the start.
        required "target" target: TargetData,
        /// Series it was compared with, if one was used.
        optional "comparison_series_id" comparison_series_id: Option<String>,
        /// Buckets before the start.
        always "pre" before: Option<SpanData>,
        /// Buckets after it.
        always "post" after: Option<SpanData>,
        /// Relative change: -0.3 is 30 % less; null: none can be given, and the caveats say why.
        always "estimate" estimate: Option<f64>,
        /// Its interval.
        always "interval" interval: Option<IntervalData>,
        /// What it comes to.
        required "verdict" verdict: OutcomeVerdict,
        /// What it was to be worth to customers.
        always "value_dimension" value_dimension: Option<ValueDimension>,
        /// Reasons to read it with care.
        required "caveats" caveats: Vec<OutcomeCaveat>,
        /// Items counted of the series acted on.
        required "n" items: u64,
        /// What was learnt.
        optional "learning" learning: String,
        /// What is done next.
        optional "next" next: Option<NextStep>,
        /// Who reviewed it, by reference; never the owner of the action.
        optional "reviewed_by" reviewed_by: String,
        /// Event time up to which data had been seen.
        required "as_of" as_of: Timestamp,
    }
}

record! {
    /// A stretch of buckets.
    pub struct SpanData {
        /// Start of the first bucket.
        required "start" start: Timestamp,
        /// End of the last one.
        required "end" end: Timestamp,
        /// Buckets with data.
        required "buckets" buckets: u32,
        /// Mentions a day, or share of negative items.
        required "rate" rate: f64,
        /// The same of the comparison.
        optional "comparison_rate" comparison_rate: Option<f64>,
    }
}

/// Writes an outcome; the key is `portfolio|action_id`.
#[must_use]
pub fn encode_outcome(outcome: &Outcome) -> Encoded {
    let key = format!("{}|{}", outcome.portfolio, outcome.action_id);
    let revision = format!("{:010}", outcome.revision);
    let mut envelope = Derived {
        kind: OUTCOME_ESTIMATED,
        schema: OUTCOME_SCHEMA,
        id: derived_id(&["outcome", &outcome.portfolio, &outcome.action_id, &revision]),
        source: format!("/tenants/{}/detectors/outcomes", outcome.tenant),
        subject: format!("action/{}", outcome.action_id),
        tenant: &outcome.tenant,
        key: &key,
        happened: outcome.as_of,
        recorded: outcome.as_of,
        classification: DataClassification::Confidential,
        category: DataCategory::NonPii,
        audience: Audience::Shared,
    }
    .envelope();
    envelope.sequence = Some(Cow::Owned(revision));
    envelope.correlation_id = thread(&outcome.incident_id);
    envelope.causation_id = Some(Cow::Owned(outcome.caused_by.clone()));
    encode_event(
        key.clone().into_bytes(),
        &envelope,
        &OutcomeData::from(outcome),
    )
}

/// Reads an outcome.
///
/// # Errors
/// [`WireError`] for everything that is refused.
pub fn decode_outcome<'a>(
    headers: &'a Headers,
    value: &'a [u8],
) -> Result<Event<'a, OutcomeData>, WireError> {
    decode_event(
        headers,
        value,
        Reading {
            types: &[OUTCOME_ESTIMATED],
            keep_unknown: false,
            registry: &SchemaRegistry::default(),
        },
    )
}

impl From<&Outcome> for OutcomeData {
    fn from(outcome: &Outcome) -> OutcomeData {
        let (figures, review) = (&outcome.figures, outcome.review.as_ref());
        OutcomeData {
            outcome_id: outcome.outcome_id.clone(),
            revision: outcome.revision,
            action_id: outcome.action_id.clone(),
            signal_ids: outcome.signal_ids.clone(),
            incident_id: outcome.incident_id.clone(),
            stage: outcome.stage,
            method: figures.method,
            target: TargetData::from(&outcome.target),
            comparison_series_id: outcome.comparison_series_id.clone(),
            before: figures.before.map(SpanData::from),
            after: figures.after.map(SpanData::from),
            estimate: figures.estimate.map(|estimate| estimate.effect),
            interval: figures.estimate.map(|estimate| IntervalData {
                low: estimate.low,
                high: estimate.high,
                level: estimate.level,
            }),
            verdict: figures.verdict,
            value_dimension: outcome.target.value_dimension,
            caveats: figures.caveats.clone(),
            items: figures.items,
            learning: review.map_or(String::new(), |review| review.learning.clone()),
            next: review.map(|review| review.next),
            reviewed_by: review.map_or(String::new(), |review| review.reviewed_by.clone()),
            as_of: outcome.as_of,
        }
    }
}

impl From<Span> for SpanData {
    fn from(span: Span) -> SpanData {
        SpanData {
            start: span.start,
            end: span.end,
            buckets: span.buckets,
            rate: span.rate,
            comparison_rate: span.comparison_rate,
        }
    }
}
