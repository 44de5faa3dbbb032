//! `medical.request.answered.v1`: what medical information did with a question.
//!
//! It says that the question was answered and where the answer lies, never the answer: that is a document of the
//! company's own system, with an approval of its own.

use auscult_core::time::Timestamp;

use crate::derived::{Derived, derived_id};
use crate::envelope::{Encoded, Headers};
use crate::error::WireError;
use crate::event::{Event, Reading, decode_event, encode_event};
use crate::framing::SchemaRegistry;
use crate::record::record;
use crate::words::{Audience, DataCategory, DataClassification, RequestDecision};

/// The event's type.
pub const MEDICAL_REQUEST_ANSWERED: &str = "io.auscult.medical.request.answered.v1";
/// Address of its schema.
pub const MEDICAL_ANSWER_SCHEMA: &str = "https://auscult.example/schemas/medical-answer/1.0.json";

record! {
    /// What medical information did with a question.
    pub struct MedicalAnswer {
        /// Request answered.
        required "request_id" request_id: String,
        /// What was done.
        required "decision" decision: RequestDecision,
        /// Where the answer lies in the medical information system, if there is one.
        always "answer_ref" answer_ref: Option<String>,
        /// Who decided, by reference.
        required "actor" actor: String,
        /// When.
        required "at" at: Timestamp,
    }
}

/// Writes an answer; the key is the request's, `tenant|request_id`.
#[must_use]
pub fn encode_medical_answer(tenant: &str, answer: &MedicalAnswer) -> Encoded {
    let key = format!("{tenant}|{}", answer.request_id);
    let envelope = Derived {
        kind: MEDICAL_REQUEST_ANSWERED,
        schema: MEDICAL_ANSWER_SCHEMA,
        id: derived_id(&[
            "answer",
            tenant,
            &answer.request_id,
            answer.decision.as_str(),
            &answer.at.0.to_string(),
        ]),
        source: format!("/tenants/{tenant}/medical-information"),
        subject: format!("request/{}", answer.request_id),
        tenant,
        key: &key,
        happened: answer.at,
        recorded: answer.at,
        classification: DataClassification::Confidential,
        category: DataCategory::NonPii,
        audience: Audience::Medical,
    }
    .envelope();
    encode_event(key.clone().into_bytes(), &envelope, answer)
}

/// Reads an answer.
///
/// # Errors
/// [`WireError`] for everything that is refused.
pub fn decode_medical_answer<'a>(
    headers: &'a Headers,
    value: &'a [u8],
) -> Result<Event<'a, MedicalAnswer>, WireError> {
    decode_event(
        headers,
        value,
        Reading {
            types: &[MEDICAL_REQUEST_ANSWERED],
            keep_unknown: false,
            registry: &SchemaRegistry::default(),
        },
    )
}
