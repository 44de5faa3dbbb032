//! `safety.candidate.raised.v1` and `safety.candidate.acknowledged.v1`: the safety desk's two messages.
//!
//! A candidate holds spans into the text and the vault's address of it, never the text: text and contact stay in the
//! vault. We find, route, time and reconcile; we decide nothing about causality, seriousness or reportability.

use auscult_core::time::Timestamp;
use auscult_core::words::{Solicitation, SourceType};

use crate::derived::{Derived, derived_id};
use crate::envelope::{Encoded, Headers};
use crate::error::WireError;
use crate::event::{Event, Reading, decode_event, encode_event};
use crate::framing::SchemaRegistry;
use crate::record::record;
use crate::words::{
    AckDecision, Audience, Criterion, DataCategory, DataClassification, ReporterType, SafetyClass,
    SeriousnessCue,
};

/// Type of a candidate.
pub const CANDIDATE_RAISED: &str = "io.auscult.safety.candidate.raised.v1";
/// Type of an acknowledgement.
pub const CANDIDATE_ACKNOWLEDGED: &str = "io.auscult.safety.candidate.acknowledged.v1";
/// Address of the candidate's schema.
pub const CANDIDATE_SCHEMA: &str = "https://auscult.example/schemas/safety-candidate/1.0.json";
/// Address of the acknowledgement's schema.
pub const ACK_SCHEMA: &str = "https://auscult.example/schemas/safety-ack/1.0.json";

record! {
    /// A feedback that may hold an adverse event or another safety matter.
    pub struct SafetyCandidate {
        /// Deterministic: see [`candidate_id`].
        required "candidate_id" candidate_id: String,
        /// Feedback it rests on.
        required "feedback_ids" feedback_ids: Vec<String>,
        /// Grows from 1; only safety may withdraw.
        required "revision" revision: u32,
        /// What was found.
        required "classes" classes: Vec<SafetyClass>,
        /// Day 0.
        required "awareness" awareness: CandidateAwareness,
        /// Deadlines that follow from day 0.
        required "clock" clock: CandidateClock,
        /// The four minimum criteria.
        required "criteria" criteria: CandidateCriteria,
        /// Where in the text it stands, and a term if a dictionary is plugged in.
        required "event" event: CandidateEvent,
        /// The product.
        required "product" product: CandidateProduct,
        /// Hints at seriousness.
        always "seriousness_cues" seriousness_cues: Vec<SeriousnessCue>,
        /// Who reports.
        required "reporter_type" reporter_type: ReporterType,
        /// Country.
        always "country" country: String,
        /// Language.
        always "language" language: String,
        /// Whether the person may be asked back.
        always "follow_up_allowed" follow_up_allowed: bool,
        /// Address of text and contact in the vault.
        always "verbatim_ref" verbatim_ref: String,
        /// How triage came to it.
        required "triage" triage: CandidateTriage,
        /// Other candidates that may be the same case.
        always "possible_duplicates" possible_duplicates: Vec<String>,
        /// Whether somebody asked.
        optional "solicitation" solicitation: Option<Solicitation>,
        /// Type of source.
        optional "source_type" source_type: Option<SourceType>,
    }
}

record! {
    /// First knowledge by anyone acting for the company.
    pub struct CandidateAwareness {
        /// When.
        required "at" at: Timestamp,
        /// Function that learnt of it.
        always "by_function" by_function: String,
        /// Organisation that learnt of it.
        always "by_organisation" by_organisation: String,
    }
}

record! {
    /// Deadlines.
    pub struct CandidateClock {
        /// When intake must have it: the company's rule, 24 hours by default.
        required "intake_due" intake_due: Timestamp,
        /// Due date of a serious case, 15 days by default.
        required "serious_due" serious_due: String,
        /// Due date of a non-serious case, 90 days by default.
        required "non_serious_due" non_serious_due: String,
        /// Rules the deadlines come from.
        required "rules" rules: String,
    }
}

record! {
    /// The four minimum criteria of a valid case.
    pub struct CandidateCriteria {
        /// An identifiable reporter.
        required "reporter" reporter: Criterion,
        /// An identifiable patient.
        required "patient" patient: Criterion,
        /// A suspect product.
        required "product" product: Criterion,
        /// An event.
        required "event" event: Criterion,
    }
}

record! {
    /// Where the event stands in the text.
    pub struct CandidateEvent {
        /// Byte spans of the raw text.
        required "verbatim_spans" verbatim_spans: Vec<(u32, u32)>,
        /// A term, when a dictionary is plugged in.
        required "term_suggestion" term_suggestion: TermSuggestion,
    }
}

record! {
    /// A coded term; none without the user's own licence of a dictionary.
    pub struct TermSuggestion {
        /// `none`, or the dictionary.
        required "dictionary" dictionary: String,
        /// Its version.
        always "version" version: Option<String>,
        /// The code.
        always "code" code: Option<String>,
        /// How sure, 0 to 1.
        required "confidence" confidence: f64,
    }
}

record! {
    /// The product.
    #[derive(Default)]
    pub struct CandidateProduct {
        /// Product code; empty when none was recognised.
        always "code" code: String,
        /// The words it was called by.
        always "as_reported" as_reported: String,
    }
}

record! {
    /// How triage came to it.
    pub struct CandidateTriage {
        /// Score, 0 to 1.
        required "score" score: f64,
        /// Threshold in force.
        required "threshold" threshold: f64,
        /// Model.
        required "model" model: String,
        /// Version of the model.
        required "version" version: String,
        /// Rules that fired.
        always "rules_hit" rules_hit: Vec<String>,
    }
}

record! {
    /// What safety intake answered.
    pub struct SafetyAck {
        /// Candidate answered.
        required "candidate_id" candidate_id: String,
        /// Answer.
        required "decision" decision: AckDecision,
        /// Case in the safety database, if one was made.
        always "case_ref" case_ref: Option<String>,
        /// Who answered, by reference.
        required "actor" actor: String,
        /// When.
        required "at" at: Timestamp,
    }
}

impl Default for TermSuggestion {
    /// No dictionary: the state of a fresh installation.
    fn default() -> TermSuggestion {
        TermSuggestion {
            dictionary: "none".to_owned(),
            version: None,
            code: None,
            confidence: 0.0,
        }
    }
}

/// The id of the candidate that rests on one feedback: the same whenever it is found again. `feedback` is the
/// feedback id, or, for an event too broken to have one, `topic/partition/offset`.
#[must_use]
pub fn candidate_id(tenant: &str, feedback: &str) -> String {
    format!(
        "ae_{}",
        derived_id(&["candidate", tenant, feedback]).simple()
    )
}

/// Writes a candidate; the key is `tenant|candidate_id`. `recordedtime` is day 0, so that the bytes do not
/// depend on when Listen ran.
#[must_use]
pub fn encode_safety_candidate(tenant: &str, candidate: &SafetyCandidate) -> Encoded {
    let key = format!("{tenant}|{}", candidate.candidate_id);
    let mut envelope = Derived {
        kind: CANDIDATE_RAISED,
        schema: CANDIDATE_SCHEMA,
        id: derived_id(&[
            "candidate-event",
            tenant,
            &candidate.candidate_id,
            &candidate.revision.to_string(),
        ]),
        source: format!("/tenants/{tenant}/detectors/safety-triage"),
        subject: format!("candidate/{}", candidate.candidate_id),
        tenant,
        key: &key,
        happened: candidate.awareness.at,
        recorded: candidate.awareness.at,
        classification: DataClassification::Restricted,
        category: DataCategory::SpecialCategory,
        audience: Audience::Safety,
    }
    .envelope();
    envelope.data_ref =
        (!candidate.verbatim_ref.is_empty()).then(|| candidate.verbatim_ref.as_str().into());
    encode_event(key.clone().into_bytes(), &envelope, candidate)
}

/// Reads a candidate.
///
/// # Errors
/// [`WireError`] for everything that is refused.
pub fn decode_safety_candidate<'a>(
    headers: &'a Headers,
    value: &'a [u8],
) -> Result<Event<'a, SafetyCandidate>, WireError> {
    decode_event(
        headers,
        value,
        Reading {
            types: &[CANDIDATE_RAISED],
            keep_unknown: false,
            registry: &SchemaRegistry::default(),
        },
    )
}

/// Writes an acknowledgement; the key is `tenant|candidate_id`.
#[must_use]
pub fn encode_safety_ack(tenant: &str, ack: &SafetyAck) -> Encoded {
    let key = format!("{tenant}|{}", ack.candidate_id);
    let envelope = Derived {
        kind: CANDIDATE_ACKNOWLEDGED,
        schema: ACK_SCHEMA,
        id: derived_id(&[
            "ack",
            tenant,
            &ack.candidate_id,
            ack.decision.as_str(),
            &ack.at.0.to_string(),
        ]),
        source: format!("/tenants/{tenant}/safety-intake"),
        subject: format!("candidate/{}", ack.candidate_id),
        tenant,
        key: &key,
        happened: ack.at,
        recorded: ack.at,
        classification: DataClassification::Restricted,
        category: DataCategory::SpecialCategory,
        audience: Audience::Safety,
    }
    .envelope();
    encode_event(key.clone().into_bytes(), &envelope, ack)
}

/// Reads an acknowledgement.
///
/// # Errors
/// [`WireError`] for everything that is refused.
pub fn decode_safety_ack<'a>(
    headers: &'a Headers,
    value: &'a [u8],
) -> Result<Event<'a, SafetyAck>, WireError> {
    decode_event(
        headers,
        value,
        Reading {
            types: &[CANDIDATE_ACKNOWLEDGED],
            keep_unknown: false,
            registry: &SchemaRegistry::default(),
        },
    )
}
