//! `safety.candidate.escalated.v1`: a candidate that safety intake did not acknowledge in time.
//!
//! A topic of its own, not a revision of the candidate: only safety may revise a candidate, and whoever is to be woken
//! must not have to read every candidate to find the few that nobody took.

use auscult_core::time::Timestamp;

use crate::derived::{Derived, derived_id};
use crate::envelope::{Encoded, Headers};
use crate::error::WireError;
use crate::event::{Event, Reading, decode_event, encode_event};
use crate::framing::SchemaRegistry;
use crate::record::record;
use crate::words::{
    Audience, DataCategory, DataClassification, EscalationReason, SafetyClass, SeriousnessCue,
};

/// The event's type.
pub const CANDIDATE_ESCALATED: &str = "io.auscult.safety.candidate.escalated.v1";
/// Address of its schema.
pub const ESCALATION_SCHEMA: &str = "https://auscult.example/schemas/safety-escalation/1.0.json";

record! {
    /// A candidate that was handed over and not acknowledged in time. It holds no text; the candidate says more.
    pub struct SafetyEscalation {
        /// Deterministic: see [`escalation_id`].
        required "escalation_id" escalation_id: String,
        /// Candidate nobody has acknowledged.
        required "candidate_id" candidate_id: String,
        /// Why.
        required "reason" reason: EscalationReason,
        /// When the candidate was handed over: read by the watch from its topic for the first time.
        required "handed_over_at" handed_over_at: Timestamp,
        /// When an acknowledgement should have been there.
        required "acknowledgement_due" acknowledgement_due: Timestamp,
        /// When it was decided that it was not.
        required "escalated_at" escalated_at: Timestamp,
        /// Day 0 of the candidate.
        required "awareness_at" awareness_at: Timestamp,
        /// When intake must have it.
        required "intake_due" intake_due: Timestamp,
        /// What was found.
        required "classes" classes: Vec<SafetyClass>,
        /// Hints at seriousness.
        always "seriousness_cues" seriousness_cues: Vec<SeriousnessCue>,
        /// Product code; empty when none was recognised.
        always "product_code" product_code: String,
        /// Country.
        always "country" country: String,
    }
}

/// The id of the one escalation a candidate can have: the same whoever decides it, and whenever.
#[must_use]
pub fn escalation_id(tenant: &str, candidate_id: &str) -> String {
    format!(
        "es_{}",
        derived_id(&["escalation", tenant, candidate_id]).simple()
    )
}

/// Writes an escalation; the key is the candidate's, `tenant|candidate_id`.
#[must_use]
pub fn encode_safety_escalation(tenant: &str, escalation: &SafetyEscalation) -> Encoded {
    let key = format!("{tenant}|{}", escalation.candidate_id);
    let envelope = Derived {
        kind: CANDIDATE_ESCALATED,
        schema: ESCALATION_SCHEMA,
        id: derived_id(&["escalation-event", tenant, &escalation.escalation_id]),
        source: format!("/tenants/{tenant}/safety-watch"),
        subject: format!("candidate/{}", escalation.candidate_id),
        tenant,
        key: &key,
        happened: escalation.acknowledgement_due,
        recorded: escalation.escalated_at,
        classification: DataClassification::Restricted,
        category: DataCategory::SpecialCategory,
        audience: Audience::Safety,
    }
    .envelope();
    encode_event(key.clone().into_bytes(), &envelope, escalation)
}

/// Reads an escalation.
///
/// # Errors
/// [`WireError`] for everything that is refused.
pub fn decode_safety_escalation<'a>(
    headers: &'a Headers,
    value: &'a [u8],
) -> Result<Event<'a, SafetyEscalation>, WireError> {
    decode_event(
        headers,
        value,
        Reading {
            types: &[CANDIDATE_ESCALATED],
            keep_unknown: false,
            registry: &SchemaRegistry::default(),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_candidate_has_one_escalation_id_and_one_event_id() {
        let escalation = |escalated_at| SafetyEscalation {
            escalation_id: escalation_id("acme", "ae_1"),
            candidate_id: "ae_1".to_owned(),
            reason: EscalationReason::NotAcknowledged,
            handed_over_at: Timestamp(1_000),
            acknowledgement_due: Timestamp(2_000),
            escalated_at: Timestamp(escalated_at),
            awareness_at: Timestamp(0),
            intake_due: Timestamp(9_000),
            classes: vec![SafetyClass::AdverseEvent],
            seriousness_cues: Vec::new(),
            product_code: String::new(),
            country: "DE".to_owned(),
        };
        let id = |escalated_at| {
            let encoded = encode_safety_escalation("acme", &escalation(escalated_at));
            let value = encoded.value.unwrap_or_default();
            let event = decode_safety_escalation(&encoded.headers, &value).expect("readable");
            assert_eq!(event.data.candidate_id, "ae_1");
            event.envelope.id.to_string()
        };
        assert_eq!(id(2_500), id(9_999), "decided again, it is the same event");
        assert_ne!(escalation_id("acme", "ae_1"), escalation_id("beta", "ae_1"));
    }
}
