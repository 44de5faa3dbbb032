//! JSON of the hot path, written without looking at every byte twice.
//!
//! `serde_json` looks each byte of a string up in a table of escapes, which for a mention, eight tenths of it strings
//! that need none, was a tenth of all of Listen. This writer looks at eight bytes at once and copies what is plain. It writes
//! what [`crate::field::Encode`] asks for and nothing else, byte for byte as `serde_json` would: a property test compares
//! them.

use serde::ser::{
    self, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple,
    Serializer,
};

use crate::field::{As, Encode};

/// The compact JSON of `data`.
pub(crate) fn encode_compact<T: Encode>(data: &T, capacity: usize) -> Vec<u8> {
    let mut json = Vec::with_capacity(capacity);
    // Writing to memory cannot fail, and a record asks for nothing the writer lacks: tests write every kind of field.
    #[expect(
        clippy::expect_used,
        reason = "writing records to a Vec has no failure"
    )]
    As(data)
        .serialize(Writer::<false>(&mut json))
        .expect("records encode to memory");
    json
}

/// Something boundary types never ask for: a byte string, an enum, a nested newtype.
#[derive(Debug, thiserror::Error)]
#[error("boundary types do not write {0}")]
pub(crate) struct Unwritable(String);

impl ser::Error for Unwritable {
    fn custom<T: std::fmt::Display>(message: T) -> Unwritable {
        Unwritable(message.to_string())
    }
}

/// Writes one value; where `VERBATIM`, a string that is JSON already.
struct Writer<'o, const VERBATIM: bool = false>(&'o mut Vec<u8>);

/// A list or an object that is being written.
struct Open<'o> {
    out: &'o mut Vec<u8>,
    is_first: bool,
    close: u8,
}

impl<'o> Open<'o> {
    fn new(out: &'o mut Vec<u8>, open: u8, close: u8) -> Open<'o> {
        out.push(open);
        Open {
            out,
            is_first: true,
            close,
        }
    }

    #[inline]
    fn comma(&mut self) {
        if !std::mem::take(&mut self.is_first) {
            self.out.push(b',');
        }
    }

    fn close(self) {
        self.out.push(self.close);
    }
}

impl SerializeSeq for Open<'_> {
    type Ok = ();
    type Error = Unwritable;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.comma();
        value.serialize(Writer::<false>(self.out))
    }
    fn end(self) -> Result<(), Unwritable> {
        self.close();
        Ok(())
    }
}

impl SerializeTuple for Open<'_> {
    type Ok = ();
    type Error = Unwritable;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        SerializeSeq::serialize_element(self, value)
    }
    fn end(self) -> Result<(), Unwritable> {
        SerializeSeq::end(self)
    }
}

impl SerializeMap for Open<'_> {
    type Ok = ();
    type Error = Unwritable;
    /// Keys are strings, of records and of pairs alike.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        self.comma();
        key.serialize(Writer::<false>(self.out))
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.out.push(b':');
        value.serialize(Writer::<false>(self.out))
    }
    fn end(self) -> Result<(), Unwritable> {
        self.close();
        Ok(())
    }
}

/// JSON kept as it stood, the way `serde_json`'s `RawValue` hands it over: a struct of one field, itself in a string.
struct Verbatim<'o>(&'o mut Vec<u8>);

/// The name of that struct. Were it ever another in `serde_json`, a test of this file would fail; until then nothing is lost but
/// the speed of reading ([`crate::quick`]).
pub(crate) const RAW: &str = "$serde_json::private::RawValue";

impl SerializeStruct for Verbatim<'_> {
    type Ok = ();
    type Error = Unwritable;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        _: &'static str,
        json: &T,
    ) -> Result<(), Unwritable> {
        json.serialize(Writer::<true>(self.0))
    }
    fn end(self) -> Result<(), Unwritable> {
        Ok(())
    }
}

macro_rules! unwritable {
    ($($method:ident($($argument:ident: $kind:ty),*) -> $ok:ty, $what:literal;)+) => {$(
        fn $method(self, $($argument: $kind),*) -> Result<$ok, Unwritable> {
            $( let _ = $argument; )*
            Err(Unwritable($what.to_owned()))
        }
    )+};
}

impl<'o, const VERBATIM: bool> Serializer for Writer<'o, VERBATIM> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Open<'o>;
    type SerializeTuple = Open<'o>;
    type SerializeMap = Open<'o>;
    type SerializeTupleStruct = Impossible<(), Unwritable>;
    type SerializeTupleVariant = Impossible<(), Unwritable>;
    type SerializeStruct = Verbatim<'o>;
    type SerializeStructVariant = Impossible<(), Unwritable>;

    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), Unwritable> {
        if VERBATIM {
            self.0.extend_from_slice(text.as_bytes());
        } else {
            write_text(self.0, text);
        }
        Ok(())
    }
    fn serialize_bool(self, value: bool) -> Result<(), Unwritable> {
        self.0
            .extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }
    fn serialize_u64(self, value: u64) -> Result<(), Unwritable> {
        write_integer(self.0, value);
        Ok(())
    }
    fn serialize_i64(self, value: i64) -> Result<(), Unwritable> {
        if value < 0 {
            self.0.push(b'-');
        }
        write_integer(self.0, value.unsigned_abs());
        Ok(())
    }
    fn serialize_u8(self, value: u8) -> Result<(), Unwritable> {
        self.serialize_u64(value.into())
    }
    fn serialize_u16(self, value: u16) -> Result<(), Unwritable> {
        self.serialize_u64(value.into())
    }
    fn serialize_u32(self, value: u32) -> Result<(), Unwritable> {
        self.serialize_u64(value.into())
    }
    fn serialize_i8(self, value: i8) -> Result<(), Unwritable> {
        self.serialize_i64(value.into())
    }
    fn serialize_i16(self, value: i16) -> Result<(), Unwritable> {
        self.serialize_i64(value.into())
    }
    fn serialize_i32(self, value: i32) -> Result<(), Unwritable> {
        self.serialize_i64(value.into())
    }
    /// Rare, and its shortest spelling is `serde_json`'s business.
    fn serialize_f64(self, value: f64) -> Result<(), Unwritable> {
        serde_json::to_writer(self.0, &value).map_err(ser::Error::custom)
    }
    fn serialize_unit(self) -> Result<(), Unwritable> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }
    fn serialize_none(self) -> Result<(), Unwritable> {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Open<'o>, Unwritable> {
        Ok(Open::new(self.0, b'[', b']'))
    }
    fn serialize_tuple(self, _: usize) -> Result<Open<'o>, Unwritable> {
        Ok(Open::new(self.0, b'[', b']'))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Open<'o>, Unwritable> {
        Ok(Open::new(self.0, b'{', b'}'))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Verbatim<'o>, Unwritable> {
        if name == RAW {
            Ok(Verbatim(self.0))
        } else {
            Err(Unwritable("serde's structs".to_owned()))
        }
    }

    unwritable! {
        serialize_f32(value: f32) -> (), "32-bit floats";
        serialize_char(value: char) -> (), "characters";
        serialize_bytes(value: &[u8]) -> (), "byte strings";
        serialize_unit_struct(name: &'static str) -> (), "unit structs";
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str) -> (), "enums";
        serialize_tuple_struct(name: &'static str, length: usize) -> Self::SerializeTupleStruct, "tuple structs";
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, length: usize) -> Self::SerializeTupleVariant, "enums";
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, length: usize) -> Self::SerializeStructVariant, "enums";
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<(), Unwritable> {
        Err(Unwritable("newtypes".to_owned()))
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Unwritable> {
        Err(Unwritable("enums".to_owned()))
    }
}

fn write_integer(out: &mut Vec<u8>, mut value: u64) {
    // The longest has twenty digits.
    let mut digits = [0; 20];
    let mut from = digits.len();
    loop {
        from -= 1;
        let digit = (value % 10) as u8;
        digits[from] = b'0' + digit;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[from..]);
}

#[inline]
fn write_text(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let bytes = text.as_bytes();
    let plain = plain_bytes(bytes);
    out.extend_from_slice(&bytes[..plain]);
    if plain < bytes.len() {
        write_escaped(out, &bytes[plain..]);
    }
    out.push(b'"');
}

/// The rest of a text from its first escape on.
#[cold]
fn write_escaped(out: &mut Vec<u8>, mut rest: &[u8]) {
    while let Some((escaped, after)) = rest.split_first() {
        write_escape(out, *escaped);
        let (plain, from_escape) = after.split_at(plain_bytes(after));
        out.extend_from_slice(plain);
        rest = from_escape;
    }
}

/// Whether a byte of a string must be escaped.
#[inline]
fn needs_escape(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// How many bytes stand before the first that must be escaped.
#[inline]
pub(crate) fn plain_bytes(bytes: &[u8]) -> usize {
    let mut at = 0;
    for chunk in bytes.as_chunks::<8>().0 {
        let found = escapes(u64::from_le_bytes(*chunk));
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    // The last few bytes once more as eight, those before them included: they are plain.
    match bytes.last_chunk::<8>() {
        Some(last) => match escapes(u64::from_le_bytes(*last)) {
            0 => bytes.len(),
            found => bytes.len() - 8 + (found.trailing_zeros() / 8) as usize,
        },
        None => bytes
            .iter()
            .take_while(|byte| !needs_escape(**byte))
            .count(),
    }
}

/// Marks the first of eight bytes that must be escaped, and perhaps bytes after it: the usual "has a byte less than" and "has
/// a zero byte" of 64-bit words (Anderson, Bit Twiddling Hacks). Zero: none must.
#[inline]
fn escapes(eight: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let has_zero = |value: u64| value.wrapping_sub(ONES) & !value & HIGHS;
    let control = eight.wrapping_sub(ONES * 0x20) & !eight & HIGHS;
    let quote = has_zero(eight ^ (ONES * b'"' as u64));
    let backslash = has_zero(eight ^ (ONES * b'\\' as u64));
    control | quote | backslash
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let letter = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', letter]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Pairs;
    use proptest::prelude::*;

    fn both<T: Encode>(data: &T) -> (String, String) {
        let ours = encode_compact(data, 16);
        (
            String::from_utf8(ours).unwrap(),
            serde_json::to_string(&As(data)).unwrap(),
        )
    }

    #[test]
    fn every_ascii_byte_is_written_as_serde_json_writes_it() {
        for byte in 0..128_u8 {
            for before in 0..9 {
                let text = format!("{}{}tail", "x".repeat(before), byte as char);
                let (ours, theirs) = both(&text);
                assert_eq!(ours, theirs);
            }
        }
    }

    #[test]
    fn json_of_a_source_is_kept_as_it_stood() {
        let mut extra = crate::extra::Extra::default();
        extra.push_text("na\"me", "te\"xt");
        extra.fields[0].json = "{\"a\" : [1.50, \"\\u00e9\"]}".into();
        let (ours, theirs) = both(&extra);
        assert_eq!(ours, theirs);
    }

    #[test]
    fn what_records_do_not_hold_is_refused() {
        let mut out = Vec::new();
        assert!('c'.serialize(Writer::<false>(&mut out)).is_err());
        assert!(out.is_empty());
    }

    proptest! {
        #[test]
        fn writes_as_serde_json_does(
            texts in prop::collection::vec("(\\PC|[\\x00-\\x7f]){0,40}", 0..6),
            numbers in (any::<u64>(), any::<u32>(), any::<u16>(), any::<i16>(), any::<u8>()),
            float in any::<f64>(),
            flag in any::<bool>(),
            spans in prop::collection::vec((any::<u32>(), any::<u32>()), 0..4),
        ) {
            let pairs = Pairs(texts.iter().map(|text| (text.clone(), text.clone())).collect());
            for (ours, theirs) in [
                both(&texts), both(&pairs), both(&numbers.0), both(&numbers.1), both(&numbers.2),
                both(&numbers.3), both(&numbers.4), both(&float), both(&flag), both(&spans), both(&Some(flag)),
                both(&None::<bool>),
            ] {
                prop_assert_eq!(ours, theirs);
            }
        }
    }
}
