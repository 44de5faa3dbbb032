//! Unknown fields of a source, kept as the JSON they were.

use std::borrow::Cow;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::{Error as _, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::MAX_LIST_ENTRIES;
use crate::context::{Context, ExtraField, Place};
use crate::error::ErrorCode;
use crate::field::{Decode, Described, Encode, Key};
use crate::shape::Shape;

/// Fields in the order they stood. The JSON of each is kept byte for byte.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extra<'a> {
    /// The fields.
    pub fields: Vec<ExtraField<'a>>,
}

impl<'a> Extra<'a> {
    /// The field `name` as text: a string's content, or a number or boolean as written. `None` for null, lists
    /// and objects, which no view can be cut by.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.fields
            .iter()
            .find(|field| field.name == name)
            .and_then(ExtraField::text)
    }

    /// Adds a text field.
    pub fn push_text(&mut self, name: impl Into<Cow<'a, str>>, text: &str) {
        self.fields.push(ExtraField {
            name: name.into(),
            json: Cow::Owned(serde_json::Value::from(text).to_string()),
        });
    }
}

impl ExtraField<'_> {
    /// The value as text; see [`Extra::text`].
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        let json = self.json.as_ref();
        match json.as_bytes().first()? {
            b'"' => {
                let inner = json.get(1..json.len().checked_sub(1)?)?;
                if inner.contains('\\') {
                    serde_json::from_str(json).ok().map(Cow::Owned)
                } else {
                    Some(Cow::Borrowed(inner))
                }
            }
            b'{' | b'[' | b'n' => None,
            _ => Some(Cow::Borrowed(json)),
        }
    }
}

struct Reader<'s, 'p, 'de> {
    context: &'s mut Context<'de>,
    place: &'s Place<'p>,
}

impl<'de> Visitor<'de> for Reader<'_, '_, 'de> {
    type Value = Extra<'de>;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Extra<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(name) = members.next_key_seed(Key)? {
            if fields.len() == MAX_LIST_ENTRIES {
                return Err(self.context.fail(
                    ErrorCode::ListTooLong,
                    self.place,
                    format!("more than {MAX_LIST_ENTRIES} entries"),
                ));
            }
            let json: &'de RawValue = members.next_value()?;
            fields.push(ExtraField {
                name,
                json: Cow::Borrowed(json.get()),
            });
        }
        Ok(Extra { fields })
    }
}

impl<'de> Decode<'de> for Extra<'de> {
    fn decode<D: Deserializer<'de>>(
        deserializer: D,
        context: &mut Context<'de>,
        place: &Place<'_>,
    ) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader { context, place })
    }
}

impl Encode for Extra<'_> {
    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.fields.len()))?;
        for field in &self.fields {
            let json: &RawValue = serde_json::from_str(&field.json).map_err(S::Error::custom)?;
            object.serialize_entry(&field.name, json)?;
        }
        object.end()
    }
    fn is_vacant(&self) -> bool {
        self.fields.is_empty()
    }
}

impl Described for Extra<'_> {
    fn shape() -> Shape {
        Shape::AnyObject
    }
}
