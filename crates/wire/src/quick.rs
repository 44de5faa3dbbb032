//! JSON read in one go, where nothing is wrong with it.
//!
//! `serde_json` is ready to say at which line and column of any stream a document fails, and pays for it with every
//! byte: reading was a fifth of Listen. This reader knows one thing more to do with a failure than to explain it: give up. The
//! caller then reads the document again with `serde_json`, so every refusal has the words, the code and the place it always
//! had, and whatever is rare (long numbers, deep nesting) is read by it too. What this reader takes, it takes as `serde_json`
//! would: a property test compares them. `sonic-rs` was the alternative; it does not borrow raw JSON the way `serde_json` does.

use crate::compact::{RAW, plain_bytes};
use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

/// Objects and lists within each other; deeper documents are left to `serde_json`.
const DEEPEST: u8 = 32;
/// Digits of a number that fit in 64 bits, and in a float without rounding.
const MOST_DIGITS: usize = 15;
/// Not read. Why is not said: the document is read again by a reader that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not read in one go")]
pub(crate) struct GivenUp;

impl de::Error for GivenUp {
    fn custom<T: std::fmt::Display>(_: T) -> GivenUp {
        GivenUp
    }
}

/// A document and how far it is read.
pub(crate) struct QuickReader<'de> {
    text: &'de str,
    at: usize,
    depth: u8,
}

type Read<T> = Result<T, GivenUp>;

impl<'de> QuickReader<'de> {
    pub(crate) fn new(text: &'de str) -> QuickReader<'de> {
        QuickReader {
            text,
            at: 0,
            depth: 0,
        }
    }

    /// Gives up unless only blanks are left.
    pub(crate) fn end(&mut self) -> Read<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(GivenUp),
        }
    }

    /// The next byte that is no blank.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Read<()> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(GivenUp)
        }
    }

    fn word(&mut self, word: &str) -> Read<()> {
        if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(GivenUp)
        }
    }

    /// A string, borrowed where it holds no escape.
    #[inline]
    fn string<V: Visitor<'de>>(&mut self, visitor: V) -> Read<V::Value> {
        self.expect(b'"')?;
        let from = self.at;
        let plain = plain_bytes(&self.text.as_bytes()[from..]);
        self.at += plain;
        if self.text.as_bytes().get(self.at) == Some(&b'"') {
            self.at += 1;
            return visitor.visit_borrowed_str(self.text.get(from..from + plain).ok_or(GivenUp)?);
        }
        self.escaped(from, visitor)
    }

    /// The rest of a string with escapes; what they mean is `serde_json`'s business.
    #[cold]
    fn escaped<V: Visitor<'de>>(&mut self, from: usize, visitor: V) -> Read<V::Value> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
                None => return Err(GivenUp),
            }
        }
        self.at += 1;
        let whole = self.text.get(from - 1..self.at).ok_or(GivenUp)?;
        visitor.visit_string(serde_json::from_str(whole).map_err(|_| GivenUp)?)
    }

    /// A number of few digits.
    fn number<V: Visitor<'de>>(&mut self, visitor: V) -> Read<V::Value> {
        let negative = self.peek() == Some(b'-');
        self.at += usize::from(negative);
        let (whole, digits) = self.digits(0)?;
        let leading_zero = digits > 1 && self.text.as_bytes()[self.at - digits] == b'0';
        if leading_zero || digits > MOST_DIGITS {
            return Err(GivenUp);
        }
        match self.text.as_bytes().get(self.at) {
            Some(b'.') => {
                self.at += 1;
                let (all, decimals) = self.digits(whole)?;
                let exponent = self.text.as_bytes().get(self.at);
                if digits + decimals > MOST_DIGITS || matches!(exponent, Some(b'e' | b'E')) {
                    return Err(GivenUp);
                }
                // Both are whole and exact, so the quotient is the nearest there is.
                let value = all as f64 / TENS[decimals];
                visitor.visit_f64(if negative { -value } else { value })
            }
            Some(b'e' | b'E') => Err(GivenUp),
            // Minus zero is a float.
            _ if negative && whole == 0 => Err(GivenUp),
            _ if negative => visitor.visit_i64(-whole.cast_signed()),
            _ => visitor.visit_u64(whole),
        }
    }

    /// At least one digit, after those of `before`; gives the value of all and how many were read here.
    fn digits(&mut self, before: u64) -> Read<(u64, usize)> {
        let digits = self.text.as_bytes()[self.at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit());
        let (value, count) = digits.fold((before, 0_usize), |(value, count), byte| {
            let digit = u64::from(byte - b'0');
            (value.wrapping_mul(10).wrapping_add(digit), count + 1)
        });
        self.at += count;
        if count == 0 {
            return Err(GivenUp);
        }
        Ok((value, count))
    }

    /// Steps into an object or a list.
    fn enter(&mut self) -> Read<()> {
        self.at += 1;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(GivenUp);
        }
        Ok(())
    }

    fn map<V: Visitor<'de>>(&mut self, visitor: V) -> Read<V::Value> {
        self.enter()?;
        let value = visitor.visit_map(Entries {
            reader: self,
            is_first: true,
            close: b'}',
        })?;
        self.leave(b'}')?;
        Ok(value)
    }

    fn list<V: Visitor<'de>>(&mut self, visitor: V) -> Read<V::Value> {
        self.enter()?;
        let value = visitor.visit_seq(Entries {
            reader: self,
            is_first: true,
            close: b']',
        })?;
        self.leave(b']')?;
        Ok(value)
    }

    fn leave(&mut self, close: u8) -> Read<()> {
        self.depth -= 1;
        self.expect(close)
    }
}

/// Powers of ten that a float holds exactly.
const TENS: [f64; MOST_DIGITS + 1] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/// Entries of an object or a list.
struct Entries<'r, 'de> {
    reader: &'r mut QuickReader<'de>,
    is_first: bool,
    close: u8,
}

impl Entries<'_, '_> {
    /// Whether another entry follows; reads the comma before it.
    #[inline]
    fn goes_on(&mut self) -> Read<bool> {
        let next = self.reader.peek();
        if next == Some(self.close) {
            return Ok(false);
        }
        if std::mem::take(&mut self.is_first) {
            return Ok(true);
        }
        self.reader.expect(b',')?;
        // A closing bracket after a comma is refused by whatever reads the entry.
        Ok(true)
    }
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = GivenUp;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Read<Option<K::Value>> {
        if !self.goes_on()? {
            return Ok(None);
        }
        // A key is a string, whatever the seed would take.
        if self.reader.peek() != Some(b'"') {
            return Err(GivenUp);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Read<V::Value> {
        self.reader.expect(b':')?;
        seed.deserialize(&mut *self.reader)
    }
}

impl<'de> SeqAccess<'de> for Entries<'_, 'de> {
    type Error = GivenUp;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<Option<T::Value>> {
        if !self.goes_on()? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

/// A value as it stands, handed over the way `serde_json`'s `RawValue` asks for it.
struct Raw<'de>(Option<&'de str>);

impl<'de> MapAccess<'de> for Raw<'de> {
    type Error = GivenUp;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Read<Option<K::Value>> {
        match self.0 {
            None => Ok(None),
            Some(_) => seed.deserialize(StrDeserializer::new(RAW)).map(Some),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Read<V::Value> {
        let text = self.0.take().ok_or(GivenUp)?;
        seed.deserialize(BorrowedStrDeserializer::new(text))
    }
}

impl<'de> Deserializer<'de> for &mut QuickReader<'de> {
    type Error = GivenUp;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.peek().ok_or(GivenUp)? {
            b'"' => self.string(visitor),
            b'{' => self.map(visitor),
            b'[' => self.list(visitor),
            b't' => self.word("true").and_then(|()| visitor.visit_bool(true)),
            b'f' => self.word("false").and_then(|()| visitor.visit_bool(false)),
            b'n' => self.word("null").and_then(|()| visitor.visit_unit()),
            _ => self.number(visitor),
        }
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        self.string(visitor)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.peek() {
            Some(b'{') => self.map(visitor),
            _ => Err(GivenUp),
        }
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.peek() {
            Some(b'[') => self.list(visitor),
            _ => Err(GivenUp),
        }
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.peek() {
            Some(b'n') => self.word("null").and_then(|()| visitor.visit_none()),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Read<V::Value> {
        if name != RAW {
            return Err(GivenUp);
        }
        self.peek();
        let from = self.at;
        IgnoredAny::deserialize(&mut *self)?;
        visitor.visit_map(Raw(self.text.get(from..self.at)))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char string
        bytes byte_buf unit unit_struct tuple
        tuple_struct struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;
    use serde_json::value::RawValue;

    fn quick<'de, T: Deserialize<'de>>(json: &'de str) -> Option<T> {
        let mut reader = QuickReader::new(json);
        let value = T::deserialize(&mut reader).ok()?;
        reader.end().ok().map(|()| value)
    }

    /// What is read is what `serde_json` reads; what it refuses is given up.
    fn agrees(json: &str) {
        let theirs: Option<Value> = serde_json::from_str(json).ok();
        let ours: Option<Value> = quick(json);
        assert!(
            ours.is_none() || ours == theirs,
            "{json:?}: {ours:?}, {theirs:?}"
        );
        let theirs: Option<&RawValue> = serde_json::from_str(json).ok();
        let ours: Option<&RawValue> = quick(json);
        assert!(
            ours.is_none() || ours.map(RawValue::get) == theirs.map(RawValue::get),
            "{json:?}"
        );
    }

    #[test]
    fn what_is_plain_is_read() {
        for json in [
            r#"{"a":1,"b":-2.50,"c":[true,false,null,"x"],"d":{"e":"é\n\"\u00e9"}}"#,
            " [ 1 , 2.0 ] ",
            "\"\"",
            "0",
            "999999999999999",
        ] {
            assert!(quick::<Value>(json).is_some(), "{json}");
            agrees(json);
        }
    }

    #[test]
    fn what_is_wrong_is_given_up() {
        for json in [
            "",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "{1:2}",
            "{a:1}",
            "[1 2]",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "tru",
            "nul",
            "\"\u{1}\"",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"",
            "\"\\",
            "[",
            "]",
            "{]",
            "1 2",
        ] {
            assert!(quick::<Value>(json).is_none(), "{json}");
            agrees(json);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_alike(text in "([\\[\\]{}:,\"\\\\ 0-9.eE+-]|true|false|null|\\PC){0,40}") {
            agrees(&text);
        }

        #[test]
        fn any_document_with_a_scratch_is_read_alike(
            keys in prop::collection::vec("\\PC{0,6}", 1..5),
            numbers in prop::collection::vec(any::<f64>(), 1..4),
            cents in any::<u32>(),
            at in any::<prop::sample::Index>(),
            byte in "[\\[\\]{}:,\"\\\\ 0a]?",
        ) {
            let document = serde_json::json!({"keys": keys, "numbers": numbers, "price": f64::from(cents) / 100.0, "inner": {"n": null}}).to_string();
            agrees(&document);
            let place = document.floor_char_boundary(at.index(document.len()));
            let scratched = format!("{}{byte}{}", &document[..place], &document[document.ceil_char_boundary(place + 1)..]);
            agrees(&scratched);
        }
    }
}
