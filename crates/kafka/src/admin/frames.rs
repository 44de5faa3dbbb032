//! Requests and answers of Kafka's protocol as bytes: only what [`super::direct`] needs, in versions that brokers of 2.5
//! to 4 know and that have no tagged fields.

/// An answer that is not what its version says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an answer ends too early, or holds a length that cannot be")]
pub(super) struct Malformed;

/// Kinds of request, with the version used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    SaslHandshake,
    SaslAuthenticate,
    Metadata,
    DescribeConfigs,
    CreateTopics,
}

impl Kind {
    /// Key and version.
    fn numbers(self) -> (i16, i16) {
        match self {
            Kind::SaslHandshake => (17, 1),
            Kind::SaslAuthenticate => (36, 0),
            Kind::Metadata => (3, 1),
            Kind::DescribeConfigs => (32, 1),
            Kind::CreateTopics => (19, 2),
        }
    }
}

/// A request being written.
#[derive(Debug)]
pub(super) struct Request(Vec<u8>);

impl Request {
    pub fn new(kind: Kind, number: i32, client: &str) -> Request {
        let (key, version) = kind.numbers();
        // The length comes in front when it is known.
        Request(vec![0; 4])
            .int16(key)
            .int16(version)
            .int32(number)
            .text(client)
    }

    fn put(mut self, bytes: &[u8]) -> Request {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn int8(self, value: i8) -> Request {
        self.put(&value.to_be_bytes())
    }

    pub fn int16(self, value: i16) -> Request {
        self.put(&value.to_be_bytes())
    }

    pub fn int32(self, value: i32) -> Request {
        self.put(&value.to_be_bytes())
    }

    pub fn flag(self, value: bool) -> Request {
        self.int8(i8::from(value))
    }

    /// A text; one beyond 32,767 bytes is cut, which no name here comes near.
    pub fn text(self, value: &str) -> Request {
        let bytes = value.as_bytes();
        let length = i16::try_from(bytes.len()).unwrap_or(i16::MAX);
        self.int16(length)
            .put(&bytes[..bytes.len().min(usize::from(length.unsigned_abs()))])
    }

    pub fn bytes(self, value: &[u8]) -> Request {
        self.count(value.len()).put(value)
    }

    /// How many things follow.
    pub fn count(self, count: usize) -> Request {
        self.int32(i32::try_from(count).unwrap_or(i32::MAX))
    }

    /// A list that is not there.
    pub fn none(self) -> Request {
        self.int32(-1)
    }

    /// Each of `items`, written by `write`, and their number in front.
    pub fn list<T>(self, items: &[T], write: impl FnMut(Request, &T) -> Request) -> Request {
        let counted = self.count(items.len());
        items.iter().fold(counted, write)
    }

    /// The whole, with its length in front.
    pub fn finish(self) -> Vec<u8> {
        let mut bytes = self.0;
        let length = u32::try_from(bytes.len() - 4).unwrap_or(u32::MAX);
        bytes[..4].copy_from_slice(&length.to_be_bytes());
        bytes
    }
}

/// An answer being read.
#[derive(Debug)]
pub(super) struct Answer<'a>(pub &'a [u8]);

impl<'a> Answer<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    pub fn int8(&mut self) -> Result<i8, Malformed> {
        self.array().map(i8::from_be_bytes)
    }

    pub fn int16(&mut self) -> Result<i16, Malformed> {
        self.array().map(i16::from_be_bytes)
    }

    pub fn int32(&mut self) -> Result<i32, Malformed> {
        self.array().map(i32::from_be_bytes)
    }

    /// A text, or none.
    pub fn text(&mut self) -> Result<Option<String>, Malformed> {
        let length = self.int16()?;
        if length == -1 {
            return Ok(None);
        }
        let bytes = self.take(usize::try_from(length).map_err(|_| Malformed)?)?;
        Ok(Some(String::from_utf8_lossy(bytes).into_owned()))
    }

    /// A list of what `read` reads; an absent one is empty.
    pub fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Answer<'a>) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = self.int32()?;
        // Nothing takes less than a byte: a count beyond what is left is no count.
        let count = usize::try_from(count.max(0)).map_err(|_| Malformed)?;
        if count > self.0.len() {
            return Err(Malformed);
        }
        (0..count).map(|_| read(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_request_is_as_the_protocol_has_it() {
        let request = Request::new(Kind::SaslHandshake, 7, "me").text("OAUTHBEARER");
        let expected = b"\0\0\0\x19\0\x11\0\x01\0\0\0\x07\0\x02me\0\x0bOAUTHBEARER";
        assert_eq!(request.finish(), expected);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_what_is_cut_is_refused(
            number in any::<i32>(),
            texts in prop::collection::vec(".{0,20}", 0..5),
        ) {
            let written = Request(Vec::new())
                .int32(number)
                .list(&texts, |request, text| request.text(text))
                .0;
            let read = |bytes: &[u8]| {
                let mut answer = Answer(bytes);
                let number = answer.int32()?;
                let texts = answer.list(|answer| Ok(answer.text()?.unwrap_or_default()))?;
                Ok::<_, Malformed>((number, texts))
            };
            prop_assert_eq!(read(&written), Ok((number, texts)));
            for end in 0..written.len() {
                prop_assert_eq!(read(&written[..end]), Err(Malformed));
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut answer = Answer(&bytes);
            let _ = answer.list(|answer| {
                answer.int8()?;
                answer.int16()?;
                answer.text()
            });
        }
    }
}
