//! What comes in from outside the log: feedback and answers over HTTP or standard input, dead letters sent
//! through again. Here they become records; appending them is the caller's.
//!
//! Feedback that cannot be read is *also* written to its topic, raw, and reported as refused: Listen triages it
//! and dead-letters it like any other broken record. A second place that refuses input would be a second
//! place that can lose an adverse event.

mod body;

pub use body::Item;

use crate::log::{Headers, Outgoing};
use crate::settings::CheckedEngineSettings;
use auscult_core::time::Timestamp;
use auscult_core::words::{Stakeholder, StandardDimension};
use auscult_wire::derived::derived_id;
use auscult_wire::envelope::{JSON, STRUCTURED_JSON};
use auscult_wire::feedback::{FEEDBACK_RECEIVED, FEEDBACK_SCHEMA};
use auscult_wire::{
    Answered, DeadLetter, Encoded, Envelope, ErrorCode, FeedbackEvent, MedicalAnswer, Projection,
    SafetyAck, SchemaRegistry, WireError, decode_action_data, decode_disposition_data,
    decode_feedback, encode_action, encode_disposition, encode_medical_answer, encode_safety_ack,
};
use std::sync::Arc;

/// Largest body taken at once.
pub const MAX_BODY_BYTES: usize = 16 << 20;
/// Most items of one body.
pub const MAX_ITEMS: usize = 10_000;
/// How often one input may be sent through again (N02).
pub const MAX_REPLAYS: u32 = 3;
/// Type of the note that a dead letter was sent through again.
pub const DEAD_LETTER_REPLAYED: &str = "io.auscult.input.replayed.v1";

/// Records to append for one body, and what to tell the sender.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Submission {
    /// Records to append, all or nothing.
    pub outgoing: Vec<Outgoing>,
    /// Event ids of what could be read, in order.
    pub ids: Vec<String>,
    /// What could not be read, in order; its bytes are among `outgoing` all the same.
    pub refused: Vec<RefusedItem>,
}

/// One item that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedItem {
    /// Its place in the batch, or its line, from 0.
    pub index: usize,
    /// Why.
    pub error: WireError,
}

/// A dead letter was sent through often enough.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "dead letter {id} was sent through {MAX_REPLAYS} times and refused each time: correct the source, not the letter"
)]
pub struct ReplayedTooOften {
    /// The dead letter.
    pub id: String,
}

/// Turns what comes in from outside into records.
#[derive(Debug, Clone)]
pub struct SubmitDesk {
    hcp: Arc<str>,
    patient: Arc<str>,
    ecosystem: Arc<str>,
    dispositions: Arc<str>,
    actions: Arc<str>,
    acks: Arc<str>,
    medical_answers: Arc<str>,
    dead_letters: Arc<str>,
    default_tenant: Option<String>,
    registry: SchemaRegistry,
}

impl SubmitDesk {
    /// A desk for checked settings.
    #[must_use]
    pub fn new(settings: &CheckedEngineSettings) -> SubmitDesk {
        let (topics, listen) = (&settings.topics, &settings.listen);
        SubmitDesk {
            hcp: topics.feedback_hcp.as_str().into(),
            patient: topics.feedback_patient.as_str().into(),
            ecosystem: topics.feedback_ecosystem.as_str().into(),
            dispositions: topics.dispositions.as_str().into(),
            actions: topics.actions.as_str().into(),
            acks: topics.safety_acks.as_str().into(),
            medical_answers: topics.medical_answers.as_str().into(),
            dead_letters: topics.dead_letters.as_str().into(),
            default_tenant: listen.default_tenant.clone(),
            registry: SchemaRegistry::new(
                listen.schema_ids.iter().copied(),
                listen.schema_guids.iter().copied(),
            ),
        }
    }

    /// Feedback in any form: CloudEvents structured, binary (`ce-*` headers) or batch, JSON Lines, or bare data
    /// objects. `content_type` is the media type without parameters, in lower case; empty: look and see.
    ///
    /// # Errors
    /// The body as a whole is not taken: empty, too large, or too many items. Nothing was accepted.
    pub fn feedback(
        &self,
        content_type: &str,
        headers: &Headers,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Submission, WireError> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(WireError::new(
                ErrorCode::EventEmpty,
                "",
                "the body is empty",
            ));
        }
        if body.len() > MAX_BODY_BYTES {
            let reason = format!(
                "{} bytes, at most {MAX_BODY_BYTES} are taken at once",
                body.len()
            );
            return Err(WireError::new(ErrorCode::EventTooLarge, "", reason));
        }
        let items = body::split(content_type, headers, body);
        if items.len() > MAX_ITEMS {
            let reason = format!(
                "{} items, at most {MAX_ITEMS} are taken at once",
                items.len()
            );
            return Err(WireError::new(ErrorCode::ListTooLong, "", reason));
        }
        let mut submission = Submission::default();
        for item in items {
            self.take(item, now, &mut submission);
        }
        Ok(submission)
    }

    fn take(&self, item: Item<'_>, now: Timestamp, into: &mut Submission) {
        let headers = match &item.headers {
            Some(headers) => headers.clone(),
            None if body::is_event(item.bytes) => {
                vec![("content-type".to_owned(), STRUCTURED_JSON.into())]
            }
            None => self.bare_headers(item.bytes, now),
        };
        match decode_feedback(&headers, item.bytes, &self.registry) {
            Ok(event) => {
                into.ids.push(event.envelope.id.to_string());
                let (topic, key) = (self.topic_for(&event), event.key());
                into.outgoing.push(record(topic, key, headers, item.bytes));
            }
            Err(error) => {
                into.refused.push(RefusedItem {
                    index: item.index,
                    error,
                });
                let key = format!("unreadable|{}", blake3::hash(item.bytes).to_hex());
                into.outgoing.push(record(
                    &self.ecosystem,
                    key.into_bytes(),
                    headers,
                    item.bytes,
                ));
            }
        }
    }

    /// An envelope for a bare data object. Its id is a hash of the bytes, so that a sender who tries again after a
    /// lost answer does not count twice.
    fn bare_headers(&self, bytes: &[u8], now: Timestamp) -> Headers {
        let tenant = self.default_tenant.as_deref();
        let digest = blake3::hash(bytes).to_hex();
        let source = body::system_of(bytes).unwrap_or_else(|| "submitted".to_owned());
        let envelope = Envelope {
            id: derived_id(&["submitted", tenant.unwrap_or_default(), &digest])
                .to_string()
                .into(),
            source: tenant
                .map_or_else(
                    || format!("/sources/{source}"),
                    |tenant| format!("/tenants/{tenant}/sources/{source}"),
                )
                .into(),
            kind: FEEDBACK_RECEIVED.into(),
            recorded_time: Some(now),
            data_content_type: Some(JSON.into()),
            data_schema: Some(FEEDBACK_SCHEMA.into()),
            tenant_id: tenant.map(Into::into),
            ..Envelope::default()
        };
        envelope.to_headers()
    }

    fn topic_for(&self, event: &FeedbackEvent<'_>) -> &Arc<str> {
        match event.data.respondent.kind {
            Stakeholder::Hcp | Stakeholder::Pharmacist => &self.hcp,
            Stakeholder::Patient | Stakeholder::Caregiver => &self.patient,
            _ => &self.ecosystem,
        }
    }

    /// A verdict on a signal of `portfolio`: `json` is the data object of `alert.dispositioned.v1`, `alert` that of the
    /// signal's newest alert. Hands back the verdict's id and the record.
    ///
    /// # Errors
    /// The data cannot be read.
    pub fn disposition(
        &self,
        tenant: &str,
        portfolio: &str,
        json: &str,
        alert: &str,
    ) -> Result<(String, Outgoing), WireError> {
        let disposition = decode_disposition_data(json)?.into_disposition(portfolio);
        let record = encode_disposition(tenant, &disposition, &answered(alert));
        Ok((
            disposition.disposition_id,
            encoded(&self.dispositions, record),
        ))
    }

    /// What people say of an action on signals of `portfolio`: `json` is the data object of `action.recorded.v1`.
    ///
    /// # Errors
    /// The data cannot be read.
    pub fn action(&self, tenant: &str, portfolio: &str, json: &str) -> Result<Outgoing, WireError> {
        let action = decode_action_data(json)?;
        Ok(encoded(
            &self.actions,
            encode_action(tenant, portfolio, &action),
        ))
    }

    /// Safety's answer to a candidate: `json` is the data object of `safety.candidate.acknowledged.v1`.
    ///
    /// # Errors
    /// The data cannot be read.
    pub fn acknowledgement(&self, tenant: &str, json: &str) -> Result<Outgoing, WireError> {
        let (ack, _) = auscult_wire::event::decode_json::<SafetyAck>(json, "", false)?;
        Ok(encoded(&self.acks, encode_safety_ack(tenant, &ack)))
    }

    /// What medical information did with a request: `json` is the data object of `medical.request.answered.v1`.
    ///
    /// # Errors
    /// The data cannot be read.
    pub fn medical_answer(&self, tenant: &str, json: &str) -> Result<Outgoing, WireError> {
        let (answer, _) = auscult_wire::event::decode_json::<MedicalAnswer>(json, "", false)?;
        let record = encode_medical_answer(tenant, &answer);
        Ok(encoded(&self.medical_answers, record))
    }

    /// A dead letter's original, byte for byte, back onto its partition, and a note that it was sent.
    ///
    /// # Errors
    /// It was sent [`MAX_REPLAYS`] times already.
    pub fn replay(&self, id: &str, letter: &DeadLetter) -> Result<[Outgoing; 2], ReplayedTooOften> {
        if letter.replays >= MAX_REPLAYS {
            return Err(ReplayedTooOften { id: id.to_owned() });
        }
        let (key, headers, value) = letter.to_replay();
        let original = Outgoing {
            topic: letter.topic.as_str().into(),
            partition: Some(letter.partition),
            key,
            headers,
            value,
        };
        let note = Envelope {
            id: derived_id(&["replayed", id, &letter.replays.to_string()])
                .to_string()
                .into(),
            source: "/dead-letters".into(),
            kind: DEAD_LETTER_REPLAYED.into(),
            ..Envelope::default()
        };
        let value = serde_json::Value::from(id).to_string();
        Ok([
            original,
            record(
                &self.dead_letters,
                id.as_bytes().to_vec(),
                note.to_headers(),
                value.as_bytes(),
            ),
        ])
    }
}

/// The thread of an alert, and the projection it can be seen in.
fn answered(alert: &str) -> Answered {
    let alert: serde_json::Value = serde_json::from_str(alert).unwrap_or_default();
    let incident_id = alert["incident_id"].as_str().unwrap_or_default();
    // What tells of a belief is on the medical topic alone.
    let is_medical = alert["labels"][StandardDimension::Stance.as_str()].is_string();
    Answered {
        incident_id: incident_id.to_owned(),
        projection: if is_medical {
            Projection::Medical
        } else {
            Projection::Shared
        },
    }
}

fn record(topic: &Arc<str>, key: Vec<u8>, headers: Headers, value: &[u8]) -> Outgoing {
    Outgoing {
        topic: Arc::clone(topic),
        partition: None,
        key: Some(key),
        headers,
        value: Some(value.to_vec()),
    }
}

fn encoded(topic: &Arc<str>, encoded: Encoded) -> Outgoing {
    Outgoing {
        topic: Arc::clone(topic),
        partition: None,
        key: Some(encoded.key),
        headers: encoded.headers,
        value: encoded.value,
    }
}
