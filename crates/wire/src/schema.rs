//! JSON Schema 2020-12 written from the Rust types.
//!
//! The files under `schemas/` are what producers and consumers read; a test compares them with what this module
//! writes, so a field or word cannot change in one place only. Generation beats checking hand-written schemas:
//! there is one truth, and the review of a contract change is the diff of its schema file.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::action::{ACTION_RECORDED, ACTION_SCHEMA, ActionData};
use crate::alert_data::AlertData;
use crate::dead_letter::{DEAD_LETTER_SCHEMA, DeadLetter, INPUT_REFUSED};
use crate::disposition::{
    ALERT_DISPOSITIONED, DISPOSITION_SCHEMA, DispositionData, MISSED_SCHEMA, MissedSignalData,
    SIGNAL_MISSED,
};
use crate::feedback::{FEEDBACK_RECEIVED, FEEDBACK_SCHEMA, Feedback};
use crate::field::Described;
use crate::medical_answer::{MEDICAL_ANSWER_SCHEMA, MEDICAL_REQUEST_ANSWERED, MedicalAnswer};
use crate::medical_request::{MEDICAL_REQUEST_RECEIVED, MEDICAL_REQUEST_SCHEMA, MedicalRequest};
use crate::mention::{MARKER_ADVANCED, MENTION_UNDERSTOOD, MarkerData, MentionData};
use crate::outcome::{OUTCOME_ESTIMATED, OUTCOME_SCHEMA, OutcomeData};
use crate::reference::{PRODUCT_DESCRIBED, PRODUCT_SCHEMA, ProductDescribed};
use crate::safety::{
    ACK_SCHEMA, CANDIDATE_ACKNOWLEDGED, CANDIDATE_RAISED, CANDIDATE_SCHEMA, SafetyAck,
    SafetyCandidate,
};
use crate::safety_escalation::{CANDIDATE_ESCALATED, ESCALATION_SCHEMA, SafetyEscalation};
use crate::series_point::{SERIES_MEASURED, SERIES_SCHEMA, SeriesPointData};
use crate::shape::{FieldShape, RecordShape, Shape};
use crate::words::{Audience, DataCategory, DataClassification};
use crate::{MAX_LIST_ENTRIES, MAX_TEXT_BYTES};

/// The dialect every schema is written in.
pub const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Address of the mention's schema.
pub const MENTION_SCHEMA: &str = "https://auscult.example/schemas/mention/1.0.json";
/// Address of the marker's schema.
pub const MARKER_SCHEMA: &str = "https://auscult.example/schemas/marker/1.0.json";
/// Address of the structured envelope's schema.
pub const ENVELOPE_SCHEMA: &str = "https://auscult.example/schemas/envelope/1.0.json";

/// One event family: its data's shape and the types that carry it.
#[derive(Debug, Clone, PartialEq)]
pub struct Contract {
    /// Name of the schema file without its ending, such as `feedback.v1`.
    pub name: &'static str,
    /// Address of the schema.
    pub address: &'static str,
    /// Event types that carry the data.
    pub types: Vec<&'static str>,
    /// The data.
    pub shape: Shape,
}

/// Every event family of the boundary.
#[must_use]
pub fn contracts() -> Vec<Contract> {
    let contract = |name, address, types: &[&'static str], shape| Contract {
        name,
        address,
        types: types.to_vec(),
        shape,
    };
    vec![
        contract(
            "feedback.v1",
            FEEDBACK_SCHEMA,
            &[FEEDBACK_RECEIVED],
            Feedback::shape(),
        ),
        contract(
            "mention.v1",
            MENTION_SCHEMA,
            &[MENTION_UNDERSTOOD],
            MentionData::shape(),
        ),
        contract(
            "marker.v1",
            MARKER_SCHEMA,
            &[MARKER_ADVANCED],
            MarkerData::shape(),
        ),
        contract(
            "alert.v1",
            crate::alert::ALERT_SCHEMA,
            &crate::alert::ALERT_TYPES,
            AlertData::shape(),
        ),
        contract(
            "series.v1",
            SERIES_SCHEMA,
            &[SERIES_MEASURED],
            SeriesPointData::shape(),
        ),
        contract(
            "disposition.v1",
            DISPOSITION_SCHEMA,
            &[ALERT_DISPOSITIONED],
            DispositionData::shape(),
        ),
        contract(
            "signal-missed.v1",
            MISSED_SCHEMA,
            &[SIGNAL_MISSED],
            MissedSignalData::shape(),
        ),
        contract(
            "action.v1",
            ACTION_SCHEMA,
            &[ACTION_RECORDED],
            ActionData::shape(),
        ),
        contract(
            "outcome.v1",
            OUTCOME_SCHEMA,
            &[OUTCOME_ESTIMATED],
            OutcomeData::shape(),
        ),
        contract(
            "safety-candidate.v1",
            CANDIDATE_SCHEMA,
            &[CANDIDATE_RAISED],
            SafetyCandidate::shape(),
        ),
        contract(
            "safety-ack.v1",
            ACK_SCHEMA,
            &[CANDIDATE_ACKNOWLEDGED],
            SafetyAck::shape(),
        ),
        contract(
            "safety-escalation.v1",
            ESCALATION_SCHEMA,
            &[CANDIDATE_ESCALATED],
            SafetyEscalation::shape(),
        ),
        contract(
            "medical-request.v1",
            MEDICAL_REQUEST_SCHEMA,
            &[MEDICAL_REQUEST_RECEIVED],
            MedicalRequest::shape(),
        ),
        contract(
            "medical-answer.v1",
            MEDICAL_ANSWER_SCHEMA,
            &[MEDICAL_REQUEST_ANSWERED],
            MedicalAnswer::shape(),
        ),
        contract(
            "reference-product.v1",
            PRODUCT_SCHEMA,
            &[PRODUCT_DESCRIBED],
            ProductDescribed::shape(),
        ),
        contract(
            "dead-letter.v1",
            DEAD_LETTER_SCHEMA,
            &[INPUT_REFUSED],
            DeadLetter::shape(),
        ),
    ]
}

impl Contract {
    /// The JSON Schema of the data.
    #[must_use]
    pub fn schema(&self) -> Value {
        let mut definitions = BTreeMap::new();
        let mut schema = Map::new();
        schema.insert("$schema".to_owned(), DIALECT.into());
        schema.insert("$id".to_owned(), self.address.into());
        schema.insert("title".to_owned(), self.types.join(", ").into());
        if let Shape::Record(record) = &self.shape {
            schema.extend(object(record, &mut definitions));
        }
        if !definitions.is_empty() {
            schema.insert(
                "$defs".to_owned(),
                Value::Object(definitions.into_iter().collect()),
            );
        }
        Value::Object(schema)
    }
}

/// Every schema file: name and text. `envelope.v1` describes the attributes in structured form.
#[must_use]
pub fn schema_files() -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = contracts()
        .iter()
        .map(|contract| {
            (
                format!("{}.schema.json", contract.name),
                pretty(&contract.schema()),
            )
        })
        .collect();
    files.push((
        "envelope.v1.schema.json".to_owned(),
        pretty(&envelope_schema()),
    ));
    files
}

/// JSON as the files hold it: two spaces, a line end at the end.
#[must_use]
pub fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

type Definitions = BTreeMap<String, Value>;

/// Attributes of the structured form. Extensions nobody knows are allowed, as the specification asks.
#[must_use]
pub fn envelope_schema() -> Value {
    let text = || json!({"type": "string", "minLength": 1});
    let time = || json!({"type": "string", "format": "date-time"});
    let words = |words: Vec<&str>| json!({"enum": words});
    let properties = json!({
        "specversion": {"const": "1.0"},
        "id": text(),
        "source": {"type": "string", "minLength": 1, "format": "uri-reference"},
        "type": {"type": "string", "pattern": "^io\\.auscult\\.[a-z.]+\\.v[0-9]+$"},
        "subject": text(),
        "time": time(),
        "recordedtime": time(),
        "datacontenttype": {"type": "string"},
        "dataschema": {"type": "string", "format": "uri"},
        "tenantid": text(),
        "partitionkey": text(),
        "sequence": {"type": "string", "pattern": "^[0-9]{10}$"},
        "correlationid": text(),
        "causationid": text(),
        "traceparent": {"type": "string", "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"},
        "dataclassification": words(DataClassification::ALL.iter().map(|word| word.as_str()).collect()),
        "datacategory": words(DataCategory::ALL.iter().map(|word| word.as_str()).collect()),
        "dataregulation": {"type": "string"},
        "vocaudience": words(Audience::ALL.iter().map(|word| word.as_str()).collect()),
        "severitytext": words(auscult_core::words::Severity::ALL.iter().map(|word| word.as_str()).collect()),
        "severitynumber": {"type": "integer", "minimum": 1, "maximum": 24},
        "dataref": {"type": "string"},
        "data": {"type": "object"},
    });
    json!({
        "$schema": DIALECT,
        "$id": ENVELOPE_SCHEMA,
        "title": "CloudEvents 1.0, structured form, with Auscult's attributes",
        "type": "object",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": properties,
    })
}

fn object(record: &RecordShape, definitions: &mut Definitions) -> Map<String, Value> {
    let mut properties = Map::new();
    for field in &record.fields {
        properties.insert(field.name.to_owned(), property(field, definitions));
    }
    let required: Vec<&str> = record
        .fields
        .iter()
        .filter(|field| field.required)
        .map(|field| field.name)
        .collect();
    let mut schema = Map::new();
    schema.insert("description".to_owned(), record.doc.as_str().into());
    schema.insert("type".to_owned(), "object".into());
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into());
    }
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema
}

fn property(field: &FieldShape, definitions: &mut Definitions) -> Value {
    // A field that is not required may be null: readers take null for absent.
    let shape = match &field.shape {
        Shape::Nullable(_) => field.shape.clone(),
        other if field.required => other.clone(),
        other => Shape::Nullable(Box::new(other.clone())),
    };
    let mut schema = match value(&shape, definitions) {
        Value::Object(schema) => schema,
        other => unreachable_object(other),
    };
    schema.insert("description".to_owned(), field.doc.as_str().into());
    Value::Object(schema)
}

/// Every shape is written as an object; should one not be, it is wrapped rather than lost.
fn unreachable_object(value: Value) -> Map<String, Value> {
    Map::from_iter([("const".to_owned(), value)])
}

fn value(shape: &Shape, definitions: &mut Definitions) -> Value {
    match shape {
        Shape::Text => json!({"type": "string", "maxLength": MAX_TEXT_BYTES}),
        Shape::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
        Shape::Time => json!({"type": "string", "format": "date-time"}),
        Shape::Integer { least, greatest } if *greatest == i64::MAX => {
            json!({"type": "integer", "minimum": least})
        }
        Shape::Integer { least, greatest } => {
            json!({"type": "integer", "minimum": least, "maximum": greatest})
        }
        Shape::Number => json!({"type": "number"}),
        Shape::Boolean => json!({"type": "boolean"}),
        Shape::AnyObject => json!({"type": "object"}),
        Shape::TextMap => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        Shape::Words { name, words } => reference(name, definitions, |_| json!({"enum": words})),
        Shape::List(entry) => {
            json!({"type": "array", "maxItems": MAX_LIST_ENTRIES, "items": value(entry, definitions)})
        }
        Shape::Span => json!({
            "type": "array", "prefixItems": [{"type": "integer", "minimum": 0}, {"type": "integer", "minimum": 0}],
            "minItems": 2, "maxItems": 2
        }),
        Shape::Nullable(inner) => json!({"anyOf": [value(inner, definitions), {"type": "null"}]}),
        Shape::Either(shapes) => {
            json!({"anyOf": shapes.iter().map(|shape| value(shape, definitions)).collect::<Vec<_>>()})
        }
        Shape::Record(record) => reference(record.name, definitions, |definitions| {
            Value::Object(object(record, definitions))
        }),
    }
}

fn reference(
    name: &str,
    definitions: &mut Definitions,
    define: impl FnOnce(&mut Definitions) -> Value,
) -> Value {
    if !definitions.contains_key(name) {
        let definition = define(definitions);
        definitions.insert(name.to_owned(), definition);
    }
    json!({"$ref": format!("#/$defs/{name}")})
}
