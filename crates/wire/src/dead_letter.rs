//! `input.refused.v1`: an input that could not be read, with everything needed to try again.
//!
//! The original bytes travel as base64, because what could not be read need not be UTF-8, let alone JSON.

use auscult_core::time::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Deserializer;
use serde::ser::Serializer;

use crate::context::{Context, Place};
use crate::derived::{Derived, derived_id};
use crate::envelope::{Encoded, Headers, header};
use crate::error::{ErrorCode, WireError};
use crate::event::{Event, Reading, decode_event_up_to, encode_event};
use crate::field::{Decode, Described, Encode, Text};
use crate::framing::SchemaRegistry;
use crate::record::record;
use crate::shape::Shape;
use crate::words::{Audience, DataCategory, DataClassification};

/// The event's type.
pub const INPUT_REFUSED: &str = "io.auscult.input.refused.v1";
/// Address of its schema.
pub const DEAD_LETTER_SCHEMA: &str = "https://auscult.example/schemas/dead-letter/1.0.json";
/// Largest dead letter read: the largest record a topic takes in our settings (16 MiB), in base64, and its frame.
pub const MAX_DEAD_LETTER_BYTES: usize = 24 << 20;

record! {
    /// An input that was refused, with its original bytes.
    pub struct DeadLetter {
        /// Topic it came from.
        required "topic" topic: String,
        /// Partition.
        required "partition" partition: u32,
        /// Offset.
        required "offset" offset: u64,
        /// Stable error code.
        required "code" code: String,
        /// JSON pointer or header name.
        always "place" place: String,
        /// Reason, without customer text.
        always "reason" reason: String,
        /// When it was refused.
        required "refused_at" refused_at: Timestamp,
        /// W3C trace context of the input.
        always "traceparent" trace_parent: Option<String>,
        /// How often it was replayed before this refusal.
        always "replays" replays: u32,
        /// Original key; null if it had none.
        always "key" key: Option<Bytes>,
        /// Original headers, in order.
        always "headers" headers: Vec<HeaderData>,
        /// Original bytes; null for a tombstone.
        always "value" value: Option<Bytes>,
    }
}

record! {
    /// One original header.
    pub struct HeaderData {
        /// Name.
        required "name" name: String,
        /// Value.
        required "value" value: Bytes,
    }
}

/// Bytes, base64 on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl<'de> Decode<'de> for Bytes {
    fn decode<D: Deserializer<'de>>(
        deserializer: D,
        context: &mut Context<'de>,
        place: &Place<'_>,
    ) -> Result<Self, D::Error> {
        let text = deserializer.deserialize_str(Text)?;
        STANDARD
            .decode(text.as_bytes())
            .map(Bytes)
            .map_err(|_| context.fail(ErrorCode::Base64, place, "not base64"))
    }
}

impl Encode for Bytes {
    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl Described for Bytes {
    fn shape() -> Shape {
        Shape::Bytes
    }
}

/// Header that counts how often an input was replayed out of the dead letters.
pub const REPLAYS_HEADER: &str = "auscult-replays";

/// An input as it stood in the log.
#[derive(Debug, Clone, Copy)]
pub struct RefusedInput<'a> {
    /// Topic.
    pub topic: &'a str,
    /// Partition.
    pub partition: u32,
    /// Offset.
    pub offset: u64,
    /// Key.
    pub key: Option<&'a [u8]>,
    /// Headers.
    pub headers: &'a Headers,
    /// Value.
    pub value: Option<&'a [u8]>,
}

impl DeadLetter {
    /// The dead letter of `input`, refused at `refused_at` for `error`.
    #[must_use]
    pub fn new(input: RefusedInput<'_>, error: &WireError, refused_at: Timestamp) -> DeadLetter {
        let text = |name: &str| {
            header(input.headers, name).and_then(|value| std::str::from_utf8(value).ok())
        };
        DeadLetter {
            topic: input.topic.to_owned(),
            partition: input.partition,
            offset: input.offset,
            code: error.code.as_str().to_owned(),
            place: error.place.clone(),
            reason: error.reason.clone(),
            refused_at,
            trace_parent: text("ce_traceparent")
                .or_else(|| text("traceparent"))
                .map(str::to_owned),
            replays: text(REPLAYS_HEADER)
                .and_then(|count| count.parse().ok())
                .unwrap_or(0),
            key: input.key.map(|key| Bytes(key.to_vec())),
            headers: input
                .headers
                .iter()
                .map(|(name, value)| HeaderData {
                    name: name.clone(),
                    value: Bytes(value.clone()),
                })
                .collect(),
            value: input.value.map(|value| Bytes(value.to_vec())),
        }
    }

    /// The original input with its replay counted, ready to be written to its topic again.
    #[must_use]
    pub fn to_replay(&self) -> (Option<Vec<u8>>, Headers, Option<Vec<u8>>) {
        let mut headers: Headers = self
            .headers
            .iter()
            .filter(|header| !header.name.eq_ignore_ascii_case(REPLAYS_HEADER))
            .map(|header| (header.name.clone(), header.value.0.clone()))
            .collect();
        headers.push((
            REPLAYS_HEADER.to_owned(),
            self.replays.saturating_add(1).to_string().into_bytes(),
        ));
        (
            self.key.as_ref().map(|key| key.0.clone()),
            headers,
            self.value.as_ref().map(|value| value.0.clone()),
        )
    }
}

/// Writes a dead letter under the original key. It is restricted whatever the input claimed to be.
#[must_use]
pub fn encode_dead_letter(letter: &DeadLetter) -> Encoded {
    let place = format!("{}/{}/{}", letter.topic, letter.partition, letter.offset);
    let mut envelope = Derived {
        kind: INPUT_REFUSED,
        schema: DEAD_LETTER_SCHEMA,
        id: derived_id(&["dead-letter", &place]),
        source: "/listen".to_owned(),
        subject: format!("input/{place}"),
        tenant: "",
        key: "",
        happened: letter.refused_at,
        recorded: letter.refused_at,
        classification: DataClassification::Restricted,
        category: DataCategory::SensitivePii,
        audience: Audience::Ops,
    }
    .envelope();
    // What could not be read names no tenant that could be trusted.
    envelope.tenant_id = None;
    envelope.partition_key = None;
    envelope.trace_parent = letter.trace_parent.as_deref().map(Into::into);
    let key = letter
        .key
        .as_ref()
        .map_or_else(|| place.into_bytes(), |key| key.0.clone());
    encode_event(key, &envelope, letter)
}

/// Reads a dead letter.
///
/// # Errors
/// [`WireError`] for everything that is refused.
pub fn decode_dead_letter<'a>(
    headers: &'a Headers,
    value: &'a [u8],
) -> Result<Event<'a, DeadLetter>, WireError> {
    let reading = Reading {
        types: &[INPUT_REFUSED],
        keep_unknown: false,
        registry: &SchemaRegistry::default(),
    };
    decode_event_up_to(headers, value, reading, MAX_DEAD_LETTER_BYTES)
}
