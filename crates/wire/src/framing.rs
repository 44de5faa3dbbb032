//! What may stand around a JSON payload: nothing, a registry prefix, or a registry header.
//!
//! The registry itself is never asked while reading: the ids that are known are part of the settings, so that
//! a registry that is down cannot stop listening, and a replay gives the same answer years later.

use std::collections::BTreeSet;

use crate::envelope::{Headers, header};
use crate::error::{ErrorCode, WireError};

/// Header in which serialisers of Confluent Platform 8 and later name the schema of the value.
pub const SCHEMA_HEADER: &str = "__value_schema_id";

/// The schemas that are known, by both kinds of registry id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemaRegistry {
    numbers: BTreeSet<u32>,
    guids: BTreeSet<uuid::Uuid>,
}

impl SchemaRegistry {
    /// A registry that knows these ids. An empty one reads plain JSON only.
    pub fn new(
        numbers: impl IntoIterator<Item = u32>,
        guids: impl IntoIterator<Item = uuid::Uuid>,
    ) -> SchemaRegistry {
        SchemaRegistry {
            numbers: numbers.into_iter().collect(),
            guids: guids.into_iter().collect(),
        }
    }

    fn check_number(&self, number: u32) -> Result<(), WireError> {
        if self.numbers.contains(&number) {
            return Ok(());
        }
        Err(WireError::new(
            ErrorCode::SchemaUnknown,
            "",
            format!("schema id {number} is not among the known schemas"),
        ))
    }

    fn check_guid(&self, bytes: [u8; 16], place: &str) -> Result<(), WireError> {
        let guid = uuid::Uuid::from_bytes(bytes);
        if self.guids.contains(&guid) {
            return Ok(());
        }
        Err(WireError::new(
            ErrorCode::SchemaUnknown,
            place,
            format!("schema {guid} is not among the known schemas"),
        ))
    }

    /// The JSON inside `value`, after checking the schema that a header or a prefix names.
    ///
    /// # Errors
    /// [`ErrorCode::SchemaUnknown`] or [`ErrorCode::Framing`].
    pub fn unframe<'a>(&self, headers: &Headers, value: &'a [u8]) -> Result<&'a [u8], WireError> {
        if let Some(id) = header(headers, SCHEMA_HEADER) {
            self.check_guid(guid_of_header(id)?, SCHEMA_HEADER)?;
        }
        // JSON never starts with these bytes, so a prefix cannot be mistaken for a document.
        match value {
            [0, rest @ ..] => {
                let (id, json) = rest
                    .split_first_chunk::<4>()
                    .ok_or_else(|| cut_short("magic byte 0 needs 4 bytes of schema id"))?;
                self.check_number(u32::from_be_bytes(*id))?;
                Ok(json)
            }
            [1, rest @ ..] => {
                let (id, json) = rest
                    .split_first_chunk::<16>()
                    .ok_or_else(|| cut_short("magic byte 1 needs 16 bytes of schema id"))?;
                self.check_guid(*id, "")?;
                Ok(json)
            }
            [magic, ..] if *magic < b'\t' => Err(cut_short(&format!(
                "magic byte {magic} is of no known framing"
            ))),
            json => Ok(json),
        }
    }
}

/// Raw 16 bytes, magic byte 1 and 16 bytes, or the text of a GUID.
fn guid_of_header(id: &[u8]) -> Result<[u8; 16], WireError> {
    let raw = id
        .strip_prefix(&[1])
        .filter(|rest| rest.len() == 16)
        .unwrap_or(id);
    if let Ok(bytes) = <[u8; 16]>::try_from(raw) {
        return Ok(bytes);
    }
    std::str::from_utf8(id)
        .ok()
        .and_then(|text| uuid::Uuid::try_parse(text).ok())
        .map(uuid::Uuid::into_bytes)
        .ok_or_else(|| {
            WireError::new(
                ErrorCode::Framing,
                SCHEMA_HEADER,
                "the header is no GUID of 16 bytes, 17 bytes or text",
            )
        })
}

fn cut_short(reason: &str) -> WireError {
    WireError::new(ErrorCode::Framing, "", reason)
}
