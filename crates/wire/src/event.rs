//! One event in either form: envelope and data, read and written.

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};

use crate::MAX_EVENT_BYTES;
use crate::compact::encode_compact;
use crate::context::{Context, ExtraField, Place};
use crate::envelope::{
    Encoded, Envelope, HEADER_PREFIX, Headers, STRUCTURED_JSON, header, header_text, is_json,
};
use crate::error::{ErrorCode, WireError};
use crate::field::{As, Decode, Encode, Key, Seed};
use crate::framing::SchemaRegistry;
use crate::quick::QuickReader;

/// An envelope, its data, and the unknown fields of the data.
#[derive(Debug, Clone, PartialEq)]
pub struct Event<'a, T> {
    /// Attributes.
    pub envelope: Envelope<'a>,
    /// Data.
    pub data: T,
    /// Fields of the data that `T` does not know, if they were asked for.
    pub unknown: Vec<ExtraField<'a>>,
    /// JSON pointer of the data in the document as received: empty in binary form, `/data` in structured.
    pub root: &'static str,
}

/// How an event is told to be read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'r> {
    /// Types the topic carries.
    pub types: &'r [&'r str],
    /// Whether unknown fields are kept.
    pub keep_unknown: bool,
    /// Schemas known.
    pub registry: &'r SchemaRegistry,
}

/// Reads an event in binary or structured form, told apart by the content type; JSON without any headers
/// is read as structured.
///
/// # Errors
/// [`WireError`] for everything that is refused.
pub fn decode_event<'a, T: Decode<'a>>(
    headers: &'a Headers,
    value: &'a [u8],
    reading: Reading<'_>,
) -> Result<Event<'a, T>, WireError> {
    decode_event_up_to(headers, value, reading, MAX_EVENT_BYTES)
}

/// [`decode_event`] with a bound of its own.
///
/// # Errors
/// [`WireError`] for everything that is refused.
pub fn decode_event_up_to<'a, T: Decode<'a>>(
    headers: &'a Headers,
    value: &'a [u8],
    reading: Reading<'_>,
    most_bytes: usize,
) -> Result<Event<'a, T>, WireError> {
    let form = form_of(headers, value)?;
    if value.len() > most_bytes {
        let reason = format!("{} bytes, at most {most_bytes}", value.len());
        return Err(WireError::new(ErrorCode::EventTooLarge, "", reason));
    }
    let json = json_text(reading.registry.unframe(headers, value)?)?;
    match form {
        Form::Binary => {
            let envelope = Envelope::from_headers(headers)?;
            envelope.expect_type(reading.types, HEADER_PREFIX)?;
            let (data, unknown) = decode_json(json, "", reading.keep_unknown)?;
            Ok(Event {
                envelope,
                data,
                unknown,
                root: "",
            })
        }
        Form::Structured => decode_structured(json, reading),
    }
}

enum Form {
    Binary,
    Structured,
}

fn form_of(headers: &Headers, value: &[u8]) -> Result<Form, WireError> {
    let batch = || {
        WireError::new(
            ErrorCode::CeBatch,
            "content-type",
            "a batch of events in one record",
        )
    };
    let content_type = header(headers, "content-type")
        .map(|kind| header_text("content-type", kind))
        .transpose()?;
    if let Some(kind) = content_type {
        let essence = kind
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        if essence.starts_with("application/cloudevents-batch") {
            return Err(batch());
        }
        if essence.starts_with("application/cloudevents") {
            return if essence == STRUCTURED_JSON {
                Ok(Form::Structured)
            } else {
                Err(WireError::new(
                    ErrorCode::CeContentType,
                    "content-type",
                    "structured events are read as JSON only",
                ))
            };
        }
        if !is_json(kind) {
            return Err(WireError::new(
                ErrorCode::CeContentType,
                "content-type",
                "the payload must be JSON",
            ));
        }
    }
    if headers
        .iter()
        .any(|(name, _)| name.starts_with(HEADER_PREFIX))
    {
        return Ok(Form::Binary);
    }
    if value.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Err(WireError {
            place: String::new(),
            ..batch()
        });
    }
    Ok(Form::Structured)
}

fn json_text(json: &[u8]) -> Result<&str, WireError> {
    if json.is_empty() {
        return Err(WireError::new(
            ErrorCode::EventEmpty,
            "",
            "the record has no payload",
        ));
    }
    std::str::from_utf8(json).map_err(|error| {
        WireError::new(
            ErrorCode::Utf8,
            "",
            format!("not UTF-8 from byte {}", error.valid_up_to()),
        )
    })
}

/// Reads one JSON document whose root stands at `root`.
///
/// # Errors
/// [`WireError`] with the code and place of the first thing that is wrong.
pub fn decode_json<'a, T: Decode<'a>>(
    json: &'a str,
    root: &'static str,
    keep_unknown: bool,
) -> Result<(T, Vec<ExtraField<'a>>), WireError> {
    let place = Place::Root(root);
    let mut context = Context::new(keep_unknown);
    let mut quick = QuickReader::new(json);
    if let Ok(data) = Seed::new(&mut context, &place).deserialize(&mut quick)
        && quick.end().is_ok()
    {
        return Ok((data, context.unknown));
    }
    // Something is wrong or rare: `serde_json` reads it, or says what is wrong and where.
    let mut context = Context::new(keep_unknown);
    let mut deserializer = serde_json::Deserializer::from_str(json);
    match Seed::new(&mut context, &place)
        .deserialize(&mut deserializer)
        .and_then(|data| deserializer.end().map(|()| data))
    {
        Ok(data) => Ok((data, context.unknown)),
        Err(error) => Err(context.refusal(&error)),
    }
}

fn decode_structured<'a, T: Decode<'a>>(
    json: &'a str,
    reading: Reading<'_>,
) -> Result<Event<'a, T>, WireError> {
    let (structured, unknown) = decode_json::<Structured<'a, T>>(json, "", reading.keep_unknown)?;
    if let Some(refusal) = structured.refusal {
        return Err(refusal);
    }
    let envelope = structured.envelope;
    if !structured.version_seen {
        return Err(WireError::new(
            ErrorCode::CeMissingAttribute,
            "/specversion",
            "CloudEvents attribute `specversion` is required",
        ));
    }
    envelope.check("/")?;
    envelope.expect_type(reading.types, "/")?;
    match structured.data {
        Some(data) => Ok(Event {
            envelope,
            data,
            unknown,
            root: "/data",
        }),
        None => Err(WireError::new(
            ErrorCode::FieldMissing,
            "/data",
            "send the data as a JSON object in `data`",
        )),
    }
}

/// A structured event while it is read. A refused attribute is kept aside: the format's error type cannot
/// carry it.
struct Structured<'a, T> {
    envelope: Envelope<'a>,
    version_seen: bool,
    data: Option<T>,
    refusal: Option<WireError>,
}

impl<'a, T: Decode<'a>> Decode<'a> for Structured<'a, T> {
    fn decode<D: Deserializer<'a>>(
        deserializer: D,
        context: &mut Context<'a>,
        _: &Place<'_>,
    ) -> Result<Self, D::Error> {
        deserializer.deserialize_map(StructuredReader {
            context,
            kind: PhantomData,
        })
    }
}

struct StructuredReader<'s, 'a, T> {
    context: &'s mut Context<'a>,
    kind: PhantomData<T>,
}

impl<'a, T: Decode<'a>> Visitor<'a> for StructuredReader<'_, 'a, T> {
    type Value = Structured<'a, T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a CloudEvent")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut event = Structured {
            envelope: Envelope::default(),
            version_seen: false,
            data: None,
            refusal: None,
        };
        while let Some(name) = members.next_key_seed(Key)? {
            if name == "data" {
                if event.data.is_some() {
                    return Err(self.context.fail(
                        ErrorCode::FieldTwice,
                        &Place::Root("/data"),
                        "stands twice in one object",
                    ));
                }
                event.data = members.next_value_seed(Seed::<Option<T>>::new(
                    &mut *self.context,
                    &Place::Root("/data"),
                ))?;
                continue;
            }
            event.version_seen |= name == "specversion";
            let root = Place::Root("");
            let here = Place::Name(&root, &name);
            let Attribute(value) = members.next_value_seed(Seed::new(&mut *self.context, &here))?;
            let (Some(value), None) = (value, &event.refusal) else {
                continue;
            };
            if event.envelope.extensions.len() >= 64 {
                return Err(self.context.fail(
                    ErrorCode::ListTooLong,
                    &root,
                    "more than 64 extension attributes",
                ));
            }
            // The pointer is text of its own: it is made for the few that are refused.
            let shown = name.clone();
            event.refusal = event
                .envelope
                .set(name, value, "")
                .err()
                .map(|refusal| WireError {
                    place: Place::Name(&root, &shown).pointer(),
                    ..refusal
                });
        }
        Ok(event)
    }
}

/// An attribute's value: string, integer or boolean as text; null as absent.
struct Attribute<'a>(Option<Cow<'a, str>>);

impl<'a> Decode<'a> for Attribute<'a> {
    fn decode<D: Deserializer<'a>>(
        deserializer: D,
        _: &mut Context<'a>,
        _: &Place<'_>,
    ) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AttributeReader)
    }
}

struct AttributeReader;

impl<'a> Visitor<'a> for AttributeReader {
    type Value = Attribute<'a>;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string, an integer or a boolean")
    }
    fn visit_borrowed_str<E: de::Error>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Attribute(Some(Cow::Borrowed(text))))
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Attribute(Some(Cow::Owned(text.to_owned()))))
    }
    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Attribute(Some(value.to_string().into())))
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Attribute(Some(value.to_string().into())))
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Attribute(Some(value.to_string().into())))
    }
    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Attribute(None))
    }
}

/// JSON bytes of anything the boundary writes.
pub fn encode_json<T: Encode>(data: &T) -> Vec<u8> {
    encode_compact(data, 512)
}

/// The binary form.
#[must_use]
pub fn encode_event<T: Encode>(key: Vec<u8>, envelope: &Envelope<'_>, data: &T) -> Encoded {
    Encoded {
        key,
        headers: envelope.to_headers(),
        value: Some(encode_json(data)),
    }
}

/// The structured form: one JSON document.
#[must_use]
pub fn encode_structured<T: Encode>(envelope: &Envelope<'_>, data: &T) -> Vec<u8> {
    encode_json(&StructuredOut { envelope, data })
}

struct StructuredOut<'e, 'a, T> {
    envelope: &'e Envelope<'a>,
    data: &'e T,
}

impl<T: Encode> Encode for StructuredOut<'_, '_, T> {
    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("specversion", "1.0")?;
        let mut result = Ok(());
        self.envelope.for_each(|name, value| {
            if result.is_ok() {
                // The only integer among our attributes; as a string it would not match its schema.
                result = match (name, value.parse::<u8>()) {
                    ("severitynumber", Ok(number)) => object.serialize_entry(name, &number),
                    _ => object.serialize_entry(name, value),
                };
            }
        });
        result?;
        object.serialize_entry("datacontenttype", crate::envelope::JSON)?;
        object.serialize_entry("data", &As(self.data))?;
        object.end()
    }
}
