//! `medical.request.received.v1`: a medical question on its way to medical information.

use auscult_core::time::Timestamp;
use auscult_core::words::{SourceType, Stakeholder};

use crate::derived::{Derived, derived_id};
use crate::envelope::{Encoded, Headers};
use crate::error::WireError;
use crate::event::{Event, Reading, decode_event, encode_event};
use crate::framing::SchemaRegistry;
use crate::record::record;
use crate::words::{Audience, DataCategory, DataClassification};

/// The event's type.
pub const MEDICAL_REQUEST_RECEIVED: &str = "io.auscult.medical.request.received.v1";
/// Address of its schema.
pub const MEDICAL_REQUEST_SCHEMA: &str = "https://auscult.example/schemas/medical-request/1.0.json";

record! {
    /// A medical question somebody asked, with what is needed to answer it.
    pub struct MedicalRequest {
        /// Deterministic: see [`request_id`].
        required "request_id" request_id: String,
        /// Feedback it stands in.
        required "feedback_id" feedback_id: String,
        /// When the company first knew of it.
        required "received_at" received_at: Timestamp,
        /// The question, redacted.
        required "question" question: String,
        /// Language of the question.
        always "language" language: String,
        /// Product codes.
        always "products" products: Vec<String>,
        /// Indication codes.
        always "indications" indications: Vec<String>,
        /// Themes.
        always "themes" themes: Vec<String>,
        /// Who asks.
        required "asked_by" asked_by: Stakeholder,
        /// Country.
        always "country" country: String,
        /// Type of source.
        required "source_type" source_type: SourceType,
        /// Whether the person may be contacted.
        required "may_contact" may_contact: bool,
        /// Address of the contact in the vault.
        optional "contact_vault_ref" contact_vault: Option<String>,
        /// Rules that took it for a question.
        always "rules_hit" rules_hit: Vec<String>,
    }
}

/// The id of the request in one feedback: the same whenever it is found again.
#[must_use]
pub fn request_id(tenant: &str, feedback_id: &str) -> String {
    format!(
        "mr_{}",
        derived_id(&["request", tenant, feedback_id]).simple()
    )
}

/// Writes a request; the key is `tenant|request_id`.
#[must_use]
pub fn encode_medical_request(tenant: &str, request: &MedicalRequest) -> Encoded {
    let key = format!("{tenant}|{}", request.request_id);
    let envelope = Derived {
        kind: MEDICAL_REQUEST_RECEIVED,
        schema: MEDICAL_REQUEST_SCHEMA,
        id: derived_id(&["request-event", tenant, &request.request_id]),
        source: format!("/tenants/{tenant}/detectors/medical-requests"),
        subject: format!("request/{}", request.request_id),
        tenant,
        key: &key,
        happened: request.received_at,
        recorded: request.received_at,
        classification: DataClassification::Confidential,
        category: DataCategory::SensitivePii,
        audience: Audience::Medical,
    }
    .envelope();
    encode_event(key.clone().into_bytes(), &envelope, request)
}

/// Reads a request.
///
/// # Errors
/// [`WireError`] for everything that is refused.
pub fn decode_medical_request<'a>(
    headers: &'a Headers,
    value: &'a [u8],
) -> Result<Event<'a, MedicalRequest>, WireError> {
    decode_event(
        headers,
        value,
        Reading {
            types: &[MEDICAL_REQUEST_RECEIVED],
            keep_unknown: false,
            registry: &SchemaRegistry::default(),
        },
    )
}
