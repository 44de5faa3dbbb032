//! The AsyncAPI 3.1 document of all channels, written from the same contracts as the schemas.

use serde_json::{Map, Value, json};

use crate::envelope::JSON;
use crate::schema::{Contract, contracts};

/// Who acts on a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// We read it.
    Read,
    /// We write it.
    Write,
    /// We write and read it.
    Both,
}

/// One topic: name, contracts it carries, who acts, key, clean-up and retention, audience.
struct Topic {
    name: &'static str,
    carries: &'static [&'static str],
    part: Part,
    key: &'static str,
    cleanup: &'static str,
    retention_days: Option<u32>,
    audience: &'static str,
}

const fn topic(
    name: &'static str,
    carries: &'static [&'static str],
    part: Part,
    key: &'static str,
    retention_days: Option<u32>,
    audience: &'static str,
) -> Topic {
    let cleanup = if retention_days.is_some() {
        "delete"
    } else {
        "compact"
    };
    Topic {
        name,
        carries,
        part,
        key,
        cleanup,
        retention_days,
        audience,
    }
}

const FEEDBACK_KEY: &str = "tenant|source|feedback_id";
const SIGNAL_KEY: &str = "portfolio|signal_id";
const CANDIDATE_KEY: &str = "tenant|candidate_id";
const REQUEST_KEY: &str = "tenant|request_id";

/// Topics whose messages this crate reads or writes. Names are defaults; each can be set in the settings.
const TOPICS: [Topic; 18] = [
    topic(
        "feedback.hcp.v1",
        &["feedback.v1"],
        Part::Read,
        FEEDBACK_KEY,
        Some(14),
        "restricted",
    ),
    topic(
        "feedback.patient.v1",
        &["feedback.v1"],
        Part::Read,
        FEEDBACK_KEY,
        Some(14),
        "restricted",
    ),
    topic(
        "feedback.ecosystem.v1",
        &["feedback.v1"],
        Part::Read,
        FEEDBACK_KEY,
        Some(14),
        "restricted",
    ),
    topic(
        "voc.mentions.v1",
        &["mention.v1", "marker.v1"],
        Part::Both,
        "portfolio",
        Some(400),
        "confidential",
    ),
    topic(
        "voc.medical.requests.v1",
        &["medical-request.v1"],
        Part::Both,
        REQUEST_KEY,
        Some(400),
        "medical",
    ),
    topic(
        "voc.medical.answers.v1",
        &["medical-answer.v1"],
        Part::Both,
        REQUEST_KEY,
        Some(400),
        "medical",
    ),
    topic(
        "voc.safety.candidates.v1",
        &["safety-candidate.v1"],
        Part::Both,
        CANDIDATE_KEY,
        Some(180),
        "safety",
    ),
    topic(
        "voc.safety.acks.v1",
        &["safety-ack.v1"],
        Part::Both,
        CANDIDATE_KEY,
        Some(180),
        "safety",
    ),
    topic(
        "voc.safety.escalations.v1",
        &["safety-escalation.v1"],
        Part::Write,
        CANDIDATE_KEY,
        Some(180),
        "safety",
    ),
    topic(
        "voc.series.v1",
        &["series.v1"],
        Part::Write,
        "portfolio|series_id",
        Some(400),
        "internal",
    ),
    topic(
        "voc.alerts.v1",
        &["alert.v1"],
        Part::Write,
        SIGNAL_KEY,
        Some(400),
        "shared projection",
    ),
    topic(
        "voc.alerts.medical.v1",
        &["alert.v1"],
        Part::Write,
        SIGNAL_KEY,
        Some(400),
        "medical projection",
    ),
    topic(
        "voc.signals.v1",
        &["alert.v1"],
        Part::Write,
        SIGNAL_KEY,
        None,
        "shared projection",
    ),
    topic(
        "voc.dispositions.v1",
        &["disposition.v1", "signal-missed.v1"],
        Part::Both,
        "portfolio",
        Some(1_095),
        "confidential",
    ),
    topic(
        "voc.actions.v1",
        &["action.v1"],
        Part::Both,
        "portfolio",
        Some(1_095),
        "confidential",
    ),
    topic(
        "voc.outcomes.v1",
        &["outcome.v1"],
        Part::Both,
        "portfolio|action_id",
        Some(1_095),
        "confidential",
    ),
    topic(
        "voc.reference.v1",
        &["reference-product.v1"],
        Part::Read,
        "kind|id",
        None,
        "confidential",
    ),
    topic(
        "voc.dead-letters.v1",
        &["dead-letter.v1"],
        Part::Write,
        "original key",
        Some(30),
        "restricted",
    ),
];

/// The document as JSON.
#[must_use]
pub fn asyncapi_document() -> Value {
    let contracts = contracts();
    json!({
        "asyncapi": "3.1.0",
        "info": {
            "title": "Auscult",
            "version": "1.0.0",
            "description": "Listening signals from customer feedback. CloudEvents 1.0: binary form on output, binary or structured on \
                input. Written from the Rust types and checked by a test; JSON Schemas stand beside this file.",
            "license": {"name": "MIT OR Apache-2.0"},
        },
        "defaultContentType": JSON,
        "channels": TOPICS.iter().map(|topic| (channel_name(topic), channel(topic))).collect::<Map<_, _>>(),
        "operations": TOPICS.iter().flat_map(operations).collect::<Map<_, _>>(),
        "components": {
            "messages": contracts.iter().map(|contract| (message_name(contract.name), message(contract))).collect::<Map<_, _>>(),
        },
    })
}

fn channel_name(topic: &Topic) -> String {
    topic.name.replace(['.', '-'], "_")
}

fn message_name(contract: &str) -> String {
    contract.replace(['.', '-'], "_")
}

fn channel(topic: &Topic) -> Value {
    let messages: Map<String, Value> = topic
        .carries
        .iter()
        .map(|name| {
            (
                message_name(name),
                json!({"$ref": format!("#/components/messages/{}", message_name(name))}),
            )
        })
        .collect();
    let mut configuration = json!({"cleanup.policy": [topic.cleanup]});
    if let Some(days) = topic.retention_days {
        configuration["retention.ms"] = (u64::from(days) * 86_400_000).into();
    }
    json!({
        "address": topic.name,
        "description": format!("Audience: {}. Key: {}.", topic.audience, topic.key),
        "messages": messages,
        "bindings": {"kafka": {"topicConfiguration": configuration, "bindingVersion": "0.5.0"}},
    })
}

fn operations(topic: &Topic) -> Vec<(String, Value)> {
    let operation = |action: &str| {
        let channel = channel_name(topic);
        let messages: Vec<Value> =
            topic.carries.iter().map(|name| json!({"$ref": format!("#/channels/{channel}/messages/{}", message_name(name))})).collect();
        (
            format!("{action}_{channel}"),
            json!({"action": action, "channel": {"$ref": format!("#/channels/{channel}")}, "messages": messages}),
        )
    };
    match topic.part {
        Part::Read => vec![operation("receive")],
        Part::Write => vec![operation("send")],
        Part::Both => vec![operation("send"), operation("receive")],
    }
}

fn message(contract: &Contract) -> Value {
    let text = json!({"type": "string"});
    json!({
        "name": contract.name,
        "title": contract.types.join(", "),
        "contentType": JSON,
        "headers": {
            "type": "object",
            "required": ["ce_specversion", "ce_id", "ce_source", "ce_type"],
            "properties": {
                "ce_specversion": {"const": "1.0"},
                "ce_id": text, "ce_source": text,
                "ce_type": {"enum": contract.types},
            },
        },
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": format!("./{}.schema.json", contract.name)},
        },
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": "0.5.0"}},
    })
}
