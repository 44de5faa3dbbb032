//! What the boundary tests share: the examples of `schemas/`, and one reader for every event type.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::path::{Path, PathBuf};

use auscult_wire::{Encoded, Headers, SchemaRegistry, WireError};
use serde_json::Value;

pub fn schemas_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas")
}

/// Name and document of every example, in name order.
pub fn examples() -> Vec<(String, Value)> {
    let mut examples: Vec<(String, Value)> = std::fs::read_dir(schemas_folder().join("examples"))
        .expect("schemas/examples exists")
        .map(|entry| entry.expect("entry").path())
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("example is text");
            let name = path
                .file_name()
                .expect("name")
                .to_string_lossy()
                .into_owned();
            let document =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, document)
        })
        .collect();
    examples.sort_by(|a, b| a.0.cmp(&b.0));
    examples
}

/// An example as it would stand in the log.
pub fn as_record(name: &str, document: &Value) -> (Headers, Vec<u8>) {
    if name.contains(".binary.") {
        let headers = document["headers"].as_object().expect("headers");
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (
                    name.clone(),
                    value.as_str().expect("text").as_bytes().to_vec(),
                )
            })
            .collect();
        (headers, document["value"].to_string().into_bytes())
    } else {
        (
            vec![(
                "content-type".to_owned(),
                b"application/cloudevents+json; charset=utf-8".to_vec(),
            )],
            document.to_string().into_bytes(),
        )
    }
}

/// The event's type and data.
pub fn type_and_data(name: &str, document: &Value) -> (String, Value) {
    let (kind, data) = if name.contains(".binary.") {
        (&document["headers"]["ce_type"], &document["value"])
    } else {
        (&document["type"], &document["data"])
    };
    (kind.as_str().expect("type").to_owned(), data.clone())
}

/// Reads any event and writes its data again: the JSON, or the refusal.
pub fn reread(kind: &str, headers: &Headers, value: &[u8]) -> Result<Value, WireError> {
    let json = |data: &dyn erased| data.json();
    Ok(match kind {
        "io.auscult.feedback.received.v1" => {
            json(&auscult_wire::decode_feedback(headers, value, &SchemaRegistry::default())?.data)
        }
        "io.auscult.mention.understood.v1" | "io.auscult.marker.advanced.v1" => {
            reread_mention(headers, value)?
        }
        "io.auscult.series.measured.v1" => {
            json(&auscult_wire::decode_series_point(headers, value)?.data)
        }
        "io.auscult.alert.dispositioned.v1" => {
            json(&auscult_wire::decode_disposition(headers, value)?.data)
        }
        "io.auscult.action.recorded.v1" => json(&auscult_wire::decode_action(headers, value)?.data),
        "io.auscult.outcome.estimated.v1" => {
            json(&auscult_wire::decode_outcome(headers, value)?.data)
        }
        "io.auscult.signal.missed.v1" => {
            json(&auscult_wire::decode_missed_signal(headers, value)?.data)
        }
        "io.auscult.safety.candidate.raised.v1" => {
            json(&auscult_wire::decode_safety_candidate(headers, value)?.data)
        }
        "io.auscult.safety.candidate.acknowledged.v1" => {
            json(&auscult_wire::decode_safety_ack(headers, value)?.data)
        }
        "io.auscult.safety.candidate.escalated.v1" => {
            json(&auscult_wire::decode_safety_escalation(headers, value)?.data)
        }
        "io.auscult.medical.request.answered.v1" => {
            json(&auscult_wire::decode_medical_answer(headers, value)?.data)
        }
        "io.auscult.medical.request.received.v1" => {
            json(&auscult_wire::decode_medical_request(headers, value)?.data)
        }
        "io.auscult.reference.product.described.v1" => {
            json(&auscult_wire::decode_product(headers, value)?.data)
        }
        "io.auscult.input.refused.v1" => {
            json(&auscult_wire::decode_dead_letter(headers, value)?.data)
        }
        _ => json(&auscult_wire::decode_alert(headers, value)?.data),
    })
}

#[allow(non_camel_case_types, reason = "reads as a word where it is used")]
trait erased {
    fn json(&self) -> Value;
}

impl<T: serde::Serialize> erased for T {
    fn json(&self) -> Value {
        serde_json::to_value(self).expect("records are JSON")
    }
}

/// Mentions are read in binary form only; a structured example is taken apart first.
fn reread_mention(headers: &Headers, value: &[u8]) -> Result<Value, WireError> {
    let document: Value = serde_json::from_slice(value).expect("JSON");
    let (headers, value) = match document.get("data") {
        Some(data) => {
            let header = |name: &str| {
                (
                    format!("ce_{name}"),
                    document[name]
                        .as_str()
                        .unwrap_or_default()
                        .as_bytes()
                        .to_vec(),
                )
            };
            (
                vec![header("id"), header("source"), header("type")],
                data.to_string().into_bytes(),
            )
        }
        None => (headers.clone(), value.to_vec()),
    };
    let encoded: Encoded = match auscult_wire::decode_mention_record(&headers, &value)? {
        auscult_wire::MentionRecord::Mention(mention) => auscult_wire::encode_mention(&mention),
        auscult_wire::MentionRecord::Marker(marker) => auscult_wire::encode_marker(&marker),
    };
    Ok(serde_json::from_slice(&encoded.value.expect("data")).expect("JSON"))
}

/// What says nothing is left out: null, empty text, empty lists and objects, false; whole numbers are floats.
pub fn pruned(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), pruned(member)))
            .filter(|(_, member)| !vacant(member))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(entries) => entries.iter().map(pruned).collect(),
        Value::Number(number) => number.as_f64().into(),
        other => other.clone(),
    }
}

fn vacant(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(entries) => entries.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}
