//! What the Ops page may show of a dead letter: its code, place and reason, never its bytes.
//!
//! A list of what may pass, rather than of what may not: a field added to dead letters tomorrow stays hidden
//! until somebody decides otherwise.

use auscult_engine::read_model::DeadLetterRow;
use serde::Deserialize;
use serde_json::{Value, json};

/// Fields of the dead letter's `data` object that hold no text of a customer.
const OPEN_FIELDS: [&str; 5] = ["topic", "partition", "offset", "place", "reason"];

/// A dead letter as Ops may see it.
pub(crate) fn open_part(row: &DeadLetterRow) -> Value {
    let mut shown = json!({
        "id": row.id,
        "code": row.code,
        "at": crate::words::rfc3339(row.at),
        "replays": row.replays,
    });
    if let Ok(Value::Object(data)) = serde_json::from_str::<Value>(&row.data) {
        for field in OPEN_FIELDS {
            if let Some(value) = data
                .get(field)
                .filter(|value| !value.is_object() && !value.is_array())
                && shown.get(field).is_none()
            {
                shown[field] = value.clone();
            }
        }
    }
    shown
}

/// The reason and place, as the page shows them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DeadLetterView {
    pub topic: String,
    pub place: String,
    pub reason: String,
}

impl DeadLetterView {
    /// Reads what may be shown.
    pub(crate) fn read(row: &DeadLetterRow) -> DeadLetterView {
        serde_json::from_value(open_part(row)).unwrap_or_default()
    }
}
