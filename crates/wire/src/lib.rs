//! The JSON of every boundary: CloudEvents 1.0 around data described by JSON Schema 2020-12.
//!
//! Each boundary type is declared once (see [`mod@record`]) and from that one declaration come its struct, its reader,
//! its writer and its schema. Readers borrow from the record they read, report a stable code with the exact place,
//! keep what they do not know where the contract asks for it, and never panic whatever the bytes.
//!
//! | topic | module |
//! |---|---|
//! | feedback | [`feedback`] |
//! | mentions and markers | [`mention`] |
//! | alerts | [`alert`], [`alert_data`] |
//! | series | [`series_point`] |
//! | dispositions, missed signals | [`disposition`] |
//! | actions, and what came of them | [`action`], [`outcome`] |
//! | safety candidates and acknowledgements | [`safety`] |
//! | candidates nobody acknowledged in time | [`safety_escalation`] |
//! | medical requests, and what was done with them | [`medical_request`], [`medical_answer`] |
//! | dead letters | [`dead_letter`] |
//! | reference data | [`mod@reference`] |

pub mod action;
pub mod alert;
pub mod alert_data;
pub mod asyncapi;
mod compact;
pub mod context;
pub mod dead_letter;
pub mod derived;
pub mod disposition;
pub mod envelope;
pub mod error;
pub mod event;
pub mod extra;
pub mod feedback;
pub mod field;
pub mod framing;
pub mod medical_answer;
pub mod medical_request;
pub mod mention;
pub mod outcome;
mod quick;
mod record;
pub mod reference;
pub mod safety;
pub mod safety_escalation;
pub mod salvage;
pub mod schema;
pub mod series_point;
pub mod shape;
mod signature;
pub mod strings;
pub mod time;
pub mod words;

pub use action::{ActionData, check_action_data, decode_action, decode_action_data, encode_action};
pub use alert::{Projection, alert_event_id, decode_alert, encode_alert};
pub use alert_data::AlertData;
pub use dead_letter::{DeadLetter, RefusedInput, decode_dead_letter, encode_dead_letter};
pub use disposition::{
    Answered, DispositionData, MissedSignalData, decode_disposition, decode_disposition_data,
    decode_missed_signal, encode_disposition, encode_missed_signal,
};
pub use envelope::{Encoded, Envelope, Headers};
pub use error::{ErrorCode, WireError};
pub use event::Event;
pub use feedback::{
    Feedback, FeedbackEvent, decode_feedback, encode_feedback, encode_feedback_structured,
};
pub use framing::SchemaRegistry;
pub use medical_answer::{MedicalAnswer, decode_medical_answer, encode_medical_answer};
pub use medical_request::{MedicalRequest, decode_medical_request, encode_medical_request};
pub use mention::{
    MentionRecord, decode_mention, decode_mention_record, encode_marker, encode_mention,
};
pub use outcome::{OutcomeData, decode_outcome, encode_outcome};
pub use reference::{ProductDescribed, decode_product, encode_product};
pub use safety::{
    SafetyAck, SafetyCandidate, candidate_id, decode_safety_ack, decode_safety_candidate,
    encode_safety_ack, encode_safety_candidate,
};
pub use safety_escalation::{
    SafetyEscalation, decode_safety_escalation, encode_safety_escalation, escalation_id,
};
pub use salvage::salvage_text;
pub use series_point::{SeriesPointData, decode_series_point, encode_series_point};

/// Largest event read.
pub const MAX_EVENT_BYTES: usize = 1 << 20;
/// Longest single text read.
pub const MAX_TEXT_BYTES: usize = 64 << 10;
/// Most entries of a list or object read.
pub const MAX_LIST_ENTRIES: usize = 1_000;
