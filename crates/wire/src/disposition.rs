//! `alert.dispositioned.v1` and `signal.missed.v1`: what people answer.

use auscult_core::disposition::{Disposition, MAX_COMMENT_BYTES};
use auscult_core::time::Timestamp;
use auscult_core::words::{Cause, Decision, DispositionScope, Priority};

use crate::alert::{Projection, alert_event_id};
use crate::derived::{Derived, derived_id, thread};
use crate::envelope::{Encoded, Headers};
use crate::error::{ErrorCode, WireError};
use crate::event::{Event, Reading, decode_event, decode_json, encode_event};
use crate::framing::SchemaRegistry;
use crate::record::record;
use crate::words::{Audience, DataCategory, DataClassification};

/// Type of a verdict.
pub const ALERT_DISPOSITIONED: &str = "io.auscult.alert.dispositioned.v1";
/// Type of a report that a signal was missed.
pub const SIGNAL_MISSED: &str = "io.auscult.signal.missed.v1";
/// Address of the verdict's schema.
pub const DISPOSITION_SCHEMA: &str = "https://auscult.example/schemas/disposition/1.0.json";
/// Address of the missed signal's schema.
pub const MISSED_SCHEMA: &str = "https://auscult.example/schemas/signal-missed/1.0.json";

record! {
    /// A person's verdict on a signal.
    pub struct DispositionData {
        /// Id of the verdict; the same id twice counts once.
        required "disposition_id" disposition_id: String,
        /// Portfolio of the signal; absent on the API, where the service knows it.
        optional "portfolio" portfolio: String,
        /// Signal judged.
        required "signal_id" signal_id: String,
        /// Revision the person was looking at; a stale one is flagged.
        required "revision_seen" revision_seen: u32,
        /// The verdict.
        required "decision" decision: Decision,
        /// What lay behind it; absent means `unknown`.
        always "cause" cause: Option<Cause>,
        /// Free words, at most 4 KiB.
        always "comment" comment: String,
        /// How soon somebody should act; absent means `normal`.
        always "priority" priority: Option<Priority>,
        /// Who decided.
        required "actor" actor: ActorData,
        /// When.
        required "decided_at" decided_at: Timestamp,
        /// Of a new trend: from when what is seen is the normal; absent means from now on.
        optional "effective_from" effective_from: Option<Timestamp>,
        /// How far it reaches; absent means `this_alert`.
        always "scope" scope: Option<DispositionScope>,
        /// Whether the detector may learn from it.
        always "use_for_learning" use_for_learning: bool,
    }
}

record! {
    /// A person, by reference.
    pub struct ActorData {
        /// Reference, never a name.
        required "ref" reference: String,
        /// Function, such as `insights`.
        optional "function" function: String,
    }
}

record! {
    /// A signal that people saw and the detector did not.
    pub struct MissedSignalData {
        /// Id of the report.
        required "report_id" report_id: String,
        /// Portfolio.
        required "portfolio" portfolio: String,
        /// Series, if the person knows it.
        optional "series_id" series_id: Option<String>,
        /// What was missed, in free words, at most 4 KiB.
        optional "description" description: String,
        /// Start of what was missed.
        required "start" start: Timestamp,
        /// End of what was missed.
        required "end" end: Timestamp,
        /// Who reports.
        required "reporter" reporter: ActorData,
        /// When.
        required "reported_at" reported_at: Timestamp,
    }
}

/// What a verdict answers: the thread it belongs to, and the event a person was looking at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answered {
    /// Incident of the signal; empty: unknown.
    pub incident_id: String,
    /// Projection of the alert that was seen.
    pub projection: Projection,
}

/// Writes a verdict; the key is the portfolio, so that it meets the machine that raised the signal. Its correlation is the
/// incident, its cause the alert's revision that was seen (L02).
#[must_use]
pub fn encode_disposition(tenant: &str, disposition: &Disposition, answered: &Answered) -> Encoded {
    let seen = alert_event_id(
        &disposition.signal_id,
        disposition.revision_seen,
        answered.projection,
    );
    let mut envelope = Derived {
        kind: ALERT_DISPOSITIONED,
        schema: DISPOSITION_SCHEMA,
        id: derived_id(&[
            "disposition",
            &disposition.portfolio,
            &disposition.disposition_id,
        ]),
        source: format!("/tenants/{tenant}/people"),
        subject: format!("signal/{}", disposition.signal_id),
        tenant,
        key: &disposition.portfolio,
        happened: disposition.decided_at,
        recorded: disposition.decided_at,
        classification: DataClassification::Confidential,
        category: DataCategory::NonPii,
        audience: Audience::Shared,
    }
    .envelope();
    envelope.correlation_id = thread(&answered.incident_id);
    envelope.causation_id = Some(seen.to_string().into());
    encode_event(
        disposition.portfolio.clone().into_bytes(),
        &envelope,
        &DispositionData::from(disposition),
    )
}

/// Reads a verdict from the log.
///
/// # Errors
/// [`WireError`] for everything that is refused.
pub fn decode_disposition<'a>(
    headers: &'a Headers,
    value: &'a [u8],
) -> Result<Event<'a, DispositionData>, WireError> {
    let event: Event<'a, DispositionData> = decode_event(
        headers,
        value,
        Reading {
            types: &[ALERT_DISPOSITIONED],
            keep_unknown: false,
            registry: &SchemaRegistry::default(),
        },
    )?;
    event.data.check(event.root)?;
    Ok(event)
}

/// Reads the bare data of a verdict, as the API takes it.
///
/// # Errors
/// [`WireError`] for everything that is refused.
pub fn decode_disposition_data(json: &str) -> Result<DispositionData, WireError> {
    let (data, _): (DispositionData, _) = decode_json(json, "", false)?;
    data.check("")?;
    Ok(data)
}

/// Writes a report of a missed signal; the key is the portfolio.
#[must_use]
pub fn encode_missed_signal(tenant: &str, missed: &MissedSignalData) -> Encoded {
    let envelope = Derived {
        kind: SIGNAL_MISSED,
        schema: MISSED_SCHEMA,
        id: derived_id(&["missed", &missed.portfolio, &missed.report_id]),
        source: format!("/tenants/{tenant}/people"),
        subject: format!("missed/{}", missed.report_id),
        tenant,
        key: &missed.portfolio,
        happened: missed.reported_at,
        recorded: missed.reported_at,
        classification: DataClassification::Confidential,
        category: DataCategory::NonPii,
        audience: Audience::Shared,
    }
    .envelope();
    encode_event(missed.portfolio.clone().into_bytes(), &envelope, missed)
}

/// Reads a report of a missed signal.
///
/// # Errors
/// [`WireError`] for everything that is refused.
pub fn decode_missed_signal<'a>(
    headers: &'a Headers,
    value: &'a [u8],
) -> Result<Event<'a, MissedSignalData>, WireError> {
    let event: Event<'a, MissedSignalData> = decode_event(
        headers,
        value,
        Reading {
            types: &[SIGNAL_MISSED],
            keep_unknown: false,
            registry: &SchemaRegistry::default(),
        },
    )?;
    if event.data.series_id.is_none() && event.data.description.is_empty() {
        return Err(WireError::new(
            ErrorCode::FieldMissing,
            format!("{}/description", event.root),
            "say which series, or what was missed in words",
        ));
    }
    check_comment(event.root, "description", &event.data.description)?;
    Ok(event)
}

impl DispositionData {
    fn check(&self, root: &str) -> Result<(), WireError> {
        for (place, value) in [
            ("disposition_id", &self.disposition_id),
            ("signal_id", &self.signal_id),
            ("actor/ref", &self.actor.reference),
        ] {
            if value.is_empty() {
                return Err(WireError::new(
                    ErrorCode::FieldMissing,
                    format!("{root}/{place}"),
                    "this field is required and empty",
                ));
            }
        }
        check_comment(root, "comment", &self.comment)
    }

    /// The core's verdict, for a signal of `portfolio` when the data do not say.
    #[must_use]
    pub fn into_disposition(self, portfolio: &str) -> Disposition {
        Disposition {
            disposition_id: self.disposition_id,
            portfolio: if self.portfolio.is_empty() {
                portfolio.to_owned()
            } else {
                self.portfolio
            },
            signal_id: self.signal_id,
            revision_seen: self.revision_seen,
            decision: self.decision,
            cause: self.cause.unwrap_or(Cause::Unknown),
            comment: self.comment,
            priority: self.priority.unwrap_or(Priority::Normal),
            actor: self.actor.reference,
            actor_function: self.actor.function,
            decided_at: self.decided_at,
            effective_from: self.effective_from,
            scope: self.scope.unwrap_or(DispositionScope::ThisAlert),
            use_for_learning: self.use_for_learning,
        }
    }
}

impl From<&Disposition> for DispositionData {
    fn from(disposition: &Disposition) -> DispositionData {
        DispositionData {
            disposition_id: disposition.disposition_id.clone(),
            portfolio: disposition.portfolio.clone(),
            signal_id: disposition.signal_id.clone(),
            revision_seen: disposition.revision_seen,
            decision: disposition.decision,
            cause: Some(disposition.cause),
            comment: disposition.comment.clone(),
            priority: Some(disposition.priority),
            actor: ActorData {
                reference: disposition.actor.clone(),
                function: disposition.actor_function.clone(),
            },
            decided_at: disposition.decided_at,
            effective_from: disposition.effective_from,
            scope: Some(disposition.scope),
            use_for_learning: disposition.use_for_learning,
        }
    }
}

fn check_comment(root: &str, field: &str, comment: &str) -> Result<(), WireError> {
    if comment.len() <= MAX_COMMENT_BYTES {
        return Ok(());
    }
    Err(WireError::new(
        ErrorCode::TextTooLong,
        format!("{root}/{field}"),
        format!("{} bytes, at most {MAX_COMMENT_BYTES}", comment.len()),
    ))
}
