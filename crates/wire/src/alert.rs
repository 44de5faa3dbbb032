//! `alert.{raised,updated,resolved,retracted}.v1`: from the core's alert to the outward message.
//!
//! Audience is a topic, not a filter: a [`Projection`] is chosen before the bytes exist. The shared one holds no
//! quotes, no belief, and people only in bands; the medical one holds quotes and exact counts.

use std::borrow::Cow;

use auscult_core::alert::{Alert, ContextItem, Driver, Example};
use auscult_core::words::AlertChange;
use uuid::Uuid;

use crate::alert_data::{
    AlertData, BaselineData, ContextData, DetectorData, DriverData, EffectData, EvidenceData,
    ExampleData, IntervalData, LinksData, ModelData, OwnerData, People, ReproduceData, ScoreData,
    SeriesData, WindowData,
};
use crate::derived::{Derived, derived_id, thread};
use crate::envelope::{Encoded, Headers};
use crate::error::WireError;
use crate::event::{Event, Reading, decode_event, encode_event};
use crate::field::Pairs;
use crate::framing::SchemaRegistry;
use crate::time;
use crate::words::{Audience, DataCategory, DataClassification, PeopleBand};

/// Address of the schema of all four alert events.
pub const ALERT_SCHEMA: &str = "https://auscult.example/schemas/alert/1.0.json";

/// Types of the four alert events, in the order of [`AlertChange::ALL`].
pub const ALERT_TYPES: [&str; 4] = [
    "io.auscult.alert.raised.v1",
    "io.auscult.alert.updated.v1",
    "io.auscult.alert.resolved.v1",
    "io.auscult.alert.retracted.v1",
];

/// For whom an alert is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Projection {
    /// Downstream services and everybody: no quotes, people in bands.
    #[default]
    Shared,
    /// Medical tools: quotes and exact counts.
    Medical,
}

impl Projection {
    /// The audience of the topic.
    #[must_use]
    pub fn audience(self) -> Audience {
        match self {
            Projection::Shared => Audience::Shared,
            Projection::Medical => Audience::Medical,
        }
    }
}

/// The type of an alert event.
#[must_use]
pub fn alert_type(change: AlertChange) -> &'static str {
    match change {
        AlertChange::Raised => ALERT_TYPES[0],
        AlertChange::Updated => ALERT_TYPES[1],
        AlertChange::Resolved => ALERT_TYPES[2],
        AlertChange::Retracted => ALERT_TYPES[3],
    }
}

/// Id of the event that tells a signal's revision in one projection.
#[must_use]
pub fn alert_event_id(signal_id: &str, revision: u32, projection: Projection) -> Uuid {
    let revision = format!("{revision:010}");
    derived_id(&[
        "alert",
        signal_id,
        &revision,
        projection.audience().as_str(),
    ])
}

/// Writes an alert in one projection. The bytes depend on the alert alone: `recordedtime` is its `as_of`.
#[must_use]
pub fn encode_alert(alert: &Alert, projection: Projection) -> Encoded {
    let key = format!("{}|{}", alert.portfolio, alert.signal_id);
    let revision = format!("{:010}", alert.revision);
    let audience = projection.audience();
    let mut envelope = Derived {
        kind: alert_type(alert.change),
        schema: ALERT_SCHEMA,
        id: alert_event_id(&alert.signal_id, alert.revision, projection),
        source: format!("/tenants/{}/detectors/{}", alert.tenant, alert.detector.id),
        subject: format!("signal/{}", alert.signal_id),
        tenant: &alert.tenant,
        key: &key,
        happened: alert.window.end,
        recorded: alert.as_of,
        classification: DataClassification::Confidential,
        category: DataCategory::NonPii,
        audience,
    }
    .envelope();
    envelope.sequence = Some(Cow::Owned(revision));
    envelope.correlation_id = thread(&alert.incident_id);
    envelope.severity = Some(alert.severity);
    let data = AlertData::project(alert, projection);
    encode_event(key.clone().into_bytes(), &envelope, &data)
}

/// Reads an alert event.
///
/// # Errors
/// [`WireError`] for everything that is refused.
pub fn decode_alert<'a>(
    headers: &'a Headers,
    value: &'a [u8],
) -> Result<Event<'a, AlertData>, WireError> {
    decode_event(
        headers,
        value,
        Reading {
            types: &ALERT_TYPES,
            keep_unknown: false,
            registry: &SchemaRegistry::default(),
        },
    )
}

impl AlertData {
    /// What `projection` may hold of `alert`.
    #[must_use]
    pub fn project(alert: &Alert, projection: Projection) -> AlertData {
        AlertData {
            signal_id: alert.signal_id.clone(),
            revision: alert.revision,
            status: alert.status,
            status_reason: alert.status_reason,
            supersedes: alert.supersedes,
            kind: alert.kind,
            title: alert.title.clone(),
            why: alert.why.clone(),
            horizon: alert.horizon,
            series: series(alert),
            window: WindowData {
                start: alert.window.start,
                end: alert.window.end,
                bucket: alert.window.width.iso().to_owned(),
            },
            as_of: alert.as_of,
            first_raised_at: alert.first_raised_at,
            observed: alert.observed,
            expected: alert.expected,
            exposure: None,
            interval: IntervalData {
                low: alert.interval.low,
                high: alert.interval.high,
                level: alert.interval.level,
            },
            effect: EffectData {
                absolute: alert.effect_absolute,
                relative: alert.effect_relative,
            },
            score: ScoreData {
                current: alert.score_current,
                initial: alert.score_initial,
            },
            p_value: alert.p_value,
            q_value: alert.q_value,
            expected_false_per_30_days: alert.expected_false_per_30_days,
            evidence: evidence(alert, projection),
            caveats: alert.caveats.clone(),
            expert_view: None,
            drivers: alert.drivers.iter().map(driver).collect(),
            context: alert.context.iter().map(context).collect(),
            examples: match projection {
                Projection::Shared => Vec::new(),
                Projection::Medical => alert.examples.iter().map(example).collect(),
            },
            detector: detector(alert),
            baseline: baseline(alert),
            models: alert
                .models
                .iter()
                .map(|model| ModelData::parse(model))
                .collect(),
            reproduce: ReproduceData {
                offsets: Pairs::default(),
                seed: alert.seed,
                build: build(),
            },
            owner: OwnerData {
                team: alert.owner_team.clone(),
                journey: None,
            },
            triage_due: alert.triage_due,
            suggested_checks: alert.suggested_checks.clone(),
            playbook_url: None,
            links: LinksData {
                page: format!("/signals/{}?revision={}", alert.signal_id, alert.revision),
                api: format!("/v1/signals/{}", alert.signal_id),
            },
            labels: Pairs(alert.labels.clone()),
            group_key: alert.group_key.clone(),
            incident_id: alert.incident_id.clone(),
            suppressed_by: alert.suppressed_by.clone(),
            rank: Some(alert.rank),
            disposition: alert.disposition,
            ecosystem: None,
            belief: None,
        }
    }
}

impl ModelData {
    /// Reads `kind:name@version`; a part that is not there is empty.
    #[must_use]
    pub fn parse(text: &str) -> ModelData {
        let (kind, rest) = text.split_once(':').unwrap_or(("", text));
        let (name, version) = rest.rsplit_once('@').unwrap_or((rest, ""));
        ModelData {
            kind: kind.to_owned(),
            name: name.to_owned(),
            version: version.to_owned(),
        }
    }
}

/// The build that wrote an alert. The version, not the commit: two builds of one version must write the same bytes.
fn build() -> String {
    concat!("auscult ", env!("CARGO_PKG_VERSION")).to_owned()
}

fn series(alert: &Alert) -> SeriesData {
    SeriesData {
        id: alert.series.id.clone(),
        view: alert.series.view.clone(),
        measure: alert.series.measure,
        dimensions: Pairs(alert.series.dimensions.clone()),
    }
}

fn evidence(alert: &Alert, projection: Projection) -> EvidenceData {
    let evidence = &alert.evidence;
    EvidenceData {
        grade: evidence.grade,
        people: match projection {
            Projection::Shared => People::Banded(PeopleBand::of(evidence.people)),
            Projection::Medical => People::Exact(evidence.people),
        },
        items: evidence.items,
        copies: evidence.copies,
        channels: evidence.channels,
        effective_n: evidence.effective_n,
        top_person_share: evidence.top_person_share,
        expert_share: evidence.expert_share,
        banded: projection == Projection::Shared,
    }
}

fn driver(driver: &Driver) -> DriverData {
    DriverData {
        dimension: driver.dimension.clone(),
        value: driver.value.clone(),
        share: driver.share,
    }
}

fn context(item: &ContextItem) -> ContextData {
    ContextData {
        kind: item.kind.clone(),
        reference: item.reference.clone(),
        label: item.label.clone(),
        start: time::format(item.start),
        end: time::format(item.end),
    }
}

fn example(example: &Example) -> ExampleData {
    ExampleData {
        feedback_id: example.feedback_id.clone(),
        quote: example.quote.clone(),
        language: example.language.clone(),
        stance: example.stance.clone(),
    }
}

fn detector(alert: &Alert) -> DetectorData {
    DetectorData {
        id: alert.detector.id.clone(),
        version: alert.detector.version.clone(),
        method: alert.detector.method.clone(),
        config_hash: alert.detector.config_hash.clone(),
    }
}

fn baseline(alert: &Alert) -> BaselineData {
    let baseline = &alert.baseline;
    BaselineData {
        id: baseline.id.clone(),
        from: time::format(baseline.from),
        to: time::format(baseline.to),
        points: baseline.points,
        season: baseline.season.clone(),
        calendars: baseline.calendars.clone(),
    }
}
