//! How one field is read and written: the three small traits every boundary type is made of.
//!
//! Why not `serde`'s derive? A boundary must do three things derive cannot do at once without giving up
//! borrowing or speed: keep unknown fields with their path, name the exact place and a stable code of the
//! first error without a second pass, and never repeat customer text in a reason. So [`Decode`] is a
//! deserializer with a [`Context`] that travels along; it still runs on any `serde` format.

use std::borrow::Cow;

use auscult_core::time::Timestamp;
use serde::de::{self, DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq, Serializer};

use crate::context::{Context, Place};
use crate::error::ErrorCode;
use crate::shape::Shape;
use crate::words::Word;
use crate::{MAX_LIST_ENTRIES, MAX_TEXT_BYTES, time};

/// Reads a value, noting in the context what went wrong where.
pub trait Decode<'de>: Sized {
    /// Reads one value standing at `place`.
    ///
    /// # Errors
    /// Whatever the format reports; the context holds the code and the place.
    fn decode<D: Deserializer<'de>>(
        deserializer: D,
        context: &mut Context<'de>,
        place: &Place<'_>,
    ) -> Result<Self, D::Error>;
}

/// Writes a value.
pub trait Encode {
    /// Writes one value.
    ///
    /// # Errors
    /// Only those of the format.
    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Whether an optional field with this value is left out.
    fn is_vacant(&self) -> bool {
        false
    }
}

/// Says what it reads and writes.
pub trait Described {
    /// Its shape.
    fn shape() -> Shape;
}

/// Lets `serde` write anything that is [`Encode`].
pub(crate) struct As<'v, T>(pub &'v T);

impl<T: Encode> serde::Serialize for As<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.encode(serializer)
    }
}

/// Lets `serde` read anything that is [`Decode`], and notes the place of the first failure.
pub(crate) struct Seed<'s, 'p, 'de, T> {
    pub context: &'s mut Context<'de>,
    pub place: &'s Place<'p>,
    pub kind: std::marker::PhantomData<T>,
}

impl<'s, 'p, 'de, T> Seed<'s, 'p, 'de, T> {
    pub(crate) fn new(context: &'s mut Context<'de>, place: &'s Place<'p>) -> Self {
        Seed {
            context,
            place,
            kind: std::marker::PhantomData,
        }
    }
}

impl<'de, T: Decode<'de>> DeserializeSeed<'de> for Seed<'_, '_, 'de, T> {
    type Value = T;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::decode(deserializer, self.context, self.place)
            .inspect_err(|_| self.context.locate(self.place))
    }
}

/// Reads a string, borrowed where the input holds it without escapes.
pub(crate) struct Text;

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string")
    }
    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
    fn visit_string<E: de::Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text))
    }
}

/// Reads an object's key.
pub(crate) struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

impl<'de> Decode<'de> for Cow<'de, str> {
    fn decode<D: Deserializer<'de>>(
        deserializer: D,
        context: &mut Context<'de>,
        place: &Place<'_>,
    ) -> Result<Self, D::Error> {
        let text = deserializer.deserialize_str(Text)?;
        if text.len() > MAX_TEXT_BYTES {
            return Err(context.fail(
                ErrorCode::TextTooLong,
                place,
                format!("{} bytes, at most {MAX_TEXT_BYTES}", text.len()),
            ));
        }
        Ok(text)
    }
}

impl Encode for Cow<'_, str> {
    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
    fn is_vacant(&self) -> bool {
        self.is_empty()
    }
}

impl Described for Cow<'_, str> {
    fn shape() -> Shape {
        Shape::Text
    }
}

impl<'de> Decode<'de> for String {
    fn decode<D: Deserializer<'de>>(
        deserializer: D,
        context: &mut Context<'de>,
        place: &Place<'_>,
    ) -> Result<Self, D::Error> {
        Cow::<str>::decode(deserializer, context, place).map(Cow::into_owned)
    }
}

impl Encode for String {
    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
    fn is_vacant(&self) -> bool {
        self.is_empty()
    }
}

impl Described for String {
    fn shape() -> Shape {
        Shape::Text
    }
}

impl<'de> Decode<'de> for bool {
    fn decode<D: Deserializer<'de>>(
        deserializer: D,
        _: &mut Context<'de>,
        _: &Place<'_>,
    ) -> Result<Self, D::Error> {
        <bool as serde::Deserialize>::deserialize(deserializer)
    }
}

impl Encode for bool {
    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(*self)
    }
    fn is_vacant(&self) -> bool {
        !*self
    }
}

impl Described for bool {
    fn shape() -> Shape {
        Shape::Boolean
    }
}

impl<'de> Decode<'de> for f64 {
    fn decode<D: Deserializer<'de>>(
        deserializer: D,
        context: &mut Context<'de>,
        place: &Place<'_>,
    ) -> Result<Self, D::Error> {
        let value = <f64 as serde::Deserialize>::deserialize(deserializer)?;
        if value.is_finite() {
            Ok(value)
        } else {
            Err(context.fail(ErrorCode::NumberOutOfRange, place, "not a finite number"))
        }
    }
}

impl Encode for f64 {
    /// A number that JSON cannot hold is written as null, which every reader of a required number refuses.
    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_finite() {
            serializer.serialize_f64(*self)
        } else {
            serializer.serialize_unit()
        }
    }
}

impl Described for f64 {
    fn shape() -> Shape {
        Shape::Number
    }
}

/// Reads any JSON integer.
struct Integer;

impl Visitor<'_> for Integer {
    type Value = i128;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an integer")
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<i128, E> {
        Ok(i128::from(value))
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<i128, E> {
        Ok(i128::from(value))
    }
}

macro_rules! integers {
    ($($kind:ty),+) => {$(
        impl<'de> Decode<'de> for $kind {
            fn decode<D: Deserializer<'de>>(deserializer: D, context: &mut Context<'de>, place: &Place<'_>) -> Result<Self, D::Error> {
                let value = deserializer.deserialize_i64(Integer)?;
                <$kind>::try_from(value).map_err(|_| {
                    context.fail(ErrorCode::NumberOutOfRange, place, format!("not in {}..={}", <$kind>::MIN, <$kind>::MAX))
                })
            }
        }
        impl Encode for $kind {
            fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serde::Serialize::serialize(self, serializer)
            }
            fn is_vacant(&self) -> bool { *self == 0 }
        }
        impl Described for $kind {
            fn shape() -> Shape {
                Shape::Integer { least: i64::try_from(<$kind>::MIN).unwrap_or(i64::MIN), greatest: i64::try_from(<$kind>::MAX).unwrap_or(i64::MAX) }
            }
        }
    )+};
}

integers!(u8, u16, i16, u32, u64);

impl<'de> Decode<'de> for Timestamp {
    fn decode<D: Deserializer<'de>>(
        deserializer: D,
        context: &mut Context<'de>,
        place: &Place<'_>,
    ) -> Result<Self, D::Error> {
        let text = deserializer.deserialize_str(Text)?;
        time::parse(&text).map_err(|code| context.fail(code, place, time_reason(code)))
    }
}

pub(crate) fn time_reason(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::TimeOutOfRange => "the moment lies outside the years 1970 to 2199",
        _ => "not RFC 3339 with an offset, such as 2026-05-04T09:12:00Z",
    }
}

impl Encode for Timestamp {
    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(time::text(*self).as_str())
    }
}

impl Described for Timestamp {
    fn shape() -> Shape {
        Shape::Time
    }
}

impl<'de, W: Word> Decode<'de> for W {
    fn decode<D: Deserializer<'de>>(
        deserializer: D,
        context: &mut Context<'de>,
        place: &Place<'_>,
    ) -> Result<Self, D::Error> {
        let text = deserializer.deserialize_str(Text)?;
        W::from_word(&text)
            .ok_or_else(|| context.fail(ErrorCode::EnumUnknown, place, unknown_word::<W>(&text)))
    }
}

/// A reason that names the word only when it looks like a code, so that no customer text leaks.
pub(crate) fn unknown_word<W: Word>(text: &str) -> String {
    let words: Vec<&str> = W::ALL.iter().map(|word| word.word()).collect();
    let is_code = text.len() <= 32
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    let shown = if is_code {
        format!("{text:?}")
    } else {
        "the value".to_owned()
    };
    format!("{shown} is not one of {}", words.join(", "))
}

impl<W: Word> Encode for W {
    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl<W: Word> Described for W {
    fn shape() -> Shape {
        Shape::Words {
            name: W::NAME,
            words: W::ALL.iter().map(|word| word.word()).collect(),
        }
    }
}

struct Nullable<'s, 'p, 'de, T>(Seed<'s, 'p, 'de, T>);

impl<'de, T: Decode<'de>> Visitor<'de> for Nullable<'_, '_, 'de, T> {
    type Value = Option<T>;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value or null")
    }
    fn visit_none<E: de::Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }
    fn visit_unit<E: de::Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        self.0.deserialize(deserializer).map(Some)
    }
}

impl<'de, T: Decode<'de>> Decode<'de> for Option<T> {
    fn decode<D: Deserializer<'de>>(
        deserializer: D,
        context: &mut Context<'de>,
        place: &Place<'_>,
    ) -> Result<Self, D::Error> {
        deserializer.deserialize_option(Nullable(Seed::new(context, place)))
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => value.encode(serializer),
            None => serializer.serialize_unit(),
        }
    }
    fn is_vacant(&self) -> bool {
        self.is_none()
    }
}

impl<T: Described> Described for Option<T> {
    fn shape() -> Shape {
        Shape::Nullable(Box::new(T::shape()))
    }
}

struct List<'s, 'p, 'de, T>(Seed<'s, 'p, 'de, T>);

impl<'de, T: Decode<'de>> Visitor<'de> for List<'_, '_, 'de, T> {
    type Value = Vec<T>;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Vec<T>, A::Error> {
        let Seed { context, place, .. } = self.0;
        let mut list = Vec::new();
        while let Some(entry) =
            entries.next_element_seed(Seed::new(&mut *context, &Place::Entry(place, list.len())))?
        {
            if list.len() == MAX_LIST_ENTRIES {
                return Err(context.fail(
                    ErrorCode::ListTooLong,
                    place,
                    format!("more than {MAX_LIST_ENTRIES} entries"),
                ));
            }
            list.push(entry);
        }
        Ok(list)
    }
}

impl<'de, T: Decode<'de>> Decode<'de> for Vec<T> {
    fn decode<D: Deserializer<'de>>(
        deserializer: D,
        context: &mut Context<'de>,
        place: &Place<'_>,
    ) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(List(Seed::new(context, place)))
    }
}

fn encode_list<T: Encode, S: Serializer>(entries: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(entries.len()))?;
    for entry in entries {
        list.serialize_element(&As(entry))?;
    }
    list.end()
}

impl<T: Encode> Encode for Vec<T> {
    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        encode_list(self, serializer)
    }
    fn is_vacant(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Described> Described for Vec<T> {
    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }
}

/// A list that a writer only lends.
impl<'de, T: Decode<'de> + Clone> Decode<'de> for Cow<'de, [T]> {
    fn decode<D: Deserializer<'de>>(
        deserializer: D,
        context: &mut Context<'de>,
        place: &Place<'_>,
    ) -> Result<Self, D::Error> {
        Vec::decode(deserializer, context, place).map(Cow::Owned)
    }
}

impl<T: Encode + Clone> Encode for Cow<'_, [T]> {
    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        encode_list(self, serializer)
    }
    fn is_vacant(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Described + Clone> Described for Cow<'_, [T]> {
    fn shape() -> Shape {
        Vec::<T>::shape()
    }
}

/// A span `[from, to]` of bytes, `to` exclusive.
impl<'de> Decode<'de> for (u32, u32) {
    fn decode<D: Deserializer<'de>>(
        deserializer: D,
        context: &mut Context<'de>,
        place: &Place<'_>,
    ) -> Result<Self, D::Error> {
        let ends = Vec::<u32>::decode(deserializer, context, place)?;
        match ends[..] {
            [from, to] if from <= to => Ok((from, to)),
            _ => Err(context.fail(
                ErrorCode::NumberOutOfRange,
                place,
                "a span is two integers, the first not above the second",
            )),
        }
    }
}

impl Encode for (u32, u32) {
    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde::Serialize::serialize(self, serializer)
    }
}

impl Described for (u32, u32) {
    fn shape() -> Shape {
        Shape::Span
    }
}

/// Names and strings, in the order given.
pub type TextMap<T> = Vec<(T, T)>;

/// Reads and writes an object of strings as pairs in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairs<T>(pub TextMap<T>);

struct PairsVisitor<'s, 'p, 'de, T>(Seed<'s, 'p, 'de, T>);

impl<'de, T: Decode<'de> + From<Cow<'de, str>>> Visitor<'de> for PairsVisitor<'_, '_, 'de, T> {
    type Value = Pairs<T>;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object of strings")
    }
    fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<Pairs<T>, A::Error> {
        let Seed { context, place, .. } = self.0;
        let mut pairs = Vec::new();
        while let Some(name) = entries.next_key_seed(Key)? {
            if pairs.len() == MAX_LIST_ENTRIES {
                return Err(context.fail(
                    ErrorCode::ListTooLong,
                    place,
                    format!("more than {MAX_LIST_ENTRIES} entries"),
                ));
            }
            let value =
                entries.next_value_seed(Seed::new(&mut *context, &Place::Name(place, &name)))?;
            pairs.push((T::from(name), value));
        }
        Ok(Pairs(pairs))
    }
}

impl<'de, T: Decode<'de> + From<Cow<'de, str>>> Decode<'de> for Pairs<T> {
    fn decode<D: Deserializer<'de>>(
        deserializer: D,
        context: &mut Context<'de>,
        place: &Place<'_>,
    ) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor(Seed::new(context, place)))
    }
}

impl<T: AsRef<str>> Encode for Pairs<T> {
    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            object.serialize_entry(name.as_ref(), value.as_ref())?;
        }
        object.end()
    }
    fn is_vacant(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> Described for Pairs<T> {
    fn shape() -> Shape {
        Shape::TextMap
    }
}
