//! One record as one blob: key, headers and value in a framed, versioned, checksummed form.
//!
//! One blob beats a column each: SQLite then stores and reads a record as a single cell, and headers need no
//! table of their own. SQLite has no checksum of its own, so each frame carries a CRC-32 over everything after
//! it: a flipped bit is an error with a place, never a strange mention.
//!
//! ```text
//! version u8 | crc32 u32 LE | flags u8 | [key length varint, key] | header count varint
//!            | { name length varint, name, value length varint, value } … | [value: the rest]
//! ```
//!
//! Flag 1: there is a key. Flag 2: there is a value (otherwise a tombstone). Varints are LEB128.

use auscult_engine::log::Headers;

/// The form written today. Older forms stay readable for good.
pub const VERSION: u8 = 1;

const PREFIX_BYTES: usize = 5;
const HAS_KEY: u8 = 1;
const HAS_VALUE: u8 = 2;

/// Why a frame could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Written by a newer program.
    #[error("it is in form {0}, this program knows up to form {VERSION}: start the newer auscult")]
    Newer(u8),
    /// The checksum does not fit.
    #[error("its checksum does not fit: the file is corrupt")]
    Checksum,
    /// It ends too early, or a name is not text.
    #[error("it is cut short or malformed: the file is corrupt")]
    Malformed,
}

/// A frame taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Headers.
    pub headers: Headers,
    /// Value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
}

/// Appends the frame of a record to `into`.
pub fn encode(into: &mut Vec<u8>, key: Option<&[u8]>, headers: &Headers, value: Option<&[u8]>) {
    let start = into.len();
    let size = key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len) + 16;
    into.reserve(
        size + headers
            .iter()
            .map(|(name, value)| name.len() + value.len() + 4)
            .sum::<usize>(),
    );
    into.extend_from_slice(&[VERSION, 0, 0, 0, 0]);
    into.push(
        if key.is_some() { HAS_KEY } else { 0 } | if value.is_some() { HAS_VALUE } else { 0 },
    );
    if let Some(key) = key {
        put_bytes(into, key);
    }
    put_varint(into, headers.len() as u64);
    for (name, value) in headers {
        put_bytes(into, name.as_bytes());
        put_bytes(into, value);
    }
    into.extend_from_slice(value.unwrap_or_default());
    let checksum = crc32fast::hash(&into[start + PREFIX_BYTES..]);
    into[start + 1..start + PREFIX_BYTES].copy_from_slice(&checksum.to_le_bytes());
}

/// Takes a frame apart.
///
/// # Errors
/// [`FrameError`] if it is newer than this program, or corrupt.
pub fn decode(frame: &[u8]) -> Result<Decoded, FrameError> {
    let (flags, mut rest) = open(frame)?;
    let key = take_key(flags, &mut rest)?.map(<[u8]>::to_vec);
    let count = take_varint(&mut rest)?;
    // A header takes two bytes at least: a count beyond that is nonsense, and must not size an allocation.
    if count > rest.len() as u64 / 2 {
        return Err(FrameError::Malformed);
    }
    let mut headers = Headers::with_capacity(count as usize);
    for _ in 0..count {
        let name =
            std::str::from_utf8(take_bytes(&mut rest)?).map_err(|_| FrameError::Malformed)?;
        headers.push((name.to_owned(), take_bytes(&mut rest)?.to_vec()));
    }
    let value = if flags & HAS_VALUE != 0 {
        Some(rest.to_vec())
    } else {
        None
    };
    Ok(Decoded {
        key,
        headers,
        value,
    })
}

/// Key of a frame and whether it is a tombstone, without copying anything.
///
/// # Errors
/// [`FrameError`] if it is newer than this program, or corrupt.
pub fn key_and_tombstone(frame: &[u8]) -> Result<(Option<&[u8]>, bool), FrameError> {
    let (flags, mut rest) = open(frame)?;
    Ok((take_key(flags, &mut rest)?, flags & HAS_VALUE == 0))
}

fn open(frame: &[u8]) -> Result<(u8, &[u8]), FrameError> {
    match frame.first() {
        None => return Err(FrameError::Malformed),
        Some(&VERSION) => {}
        Some(&other) if other > VERSION => return Err(FrameError::Newer(other)),
        Some(_) => return Err(FrameError::Malformed),
    }
    let stated = frame.get(1..PREFIX_BYTES).ok_or(FrameError::Malformed)?;
    let body = &frame[PREFIX_BYTES..];
    if stated != crc32fast::hash(body).to_le_bytes() {
        return Err(FrameError::Checksum);
    }
    let (&flags, rest) = body.split_first().ok_or(FrameError::Malformed)?;
    Ok((flags, rest))
}

fn take_key<'a>(flags: u8, rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, FrameError> {
    if flags & HAS_KEY == 0 {
        Ok(None)
    } else {
        take_bytes(rest).map(Some)
    }
}

fn put_bytes(into: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(into, bytes.len() as u64);
    into.extend_from_slice(bytes);
}

fn put_varint(into: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        into.push(number as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

fn take_varint(rest: &mut &[u8]) -> Result<u64, FrameError> {
    let mut number = 0_u64;
    for shift in (0..63).step_by(7) {
        let (&byte, tail) = rest.split_first().ok_or(FrameError::Malformed)?;
        *rest = tail;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(FrameError::Malformed)
}

fn take_bytes<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], FrameError> {
    let length = usize::try_from(take_varint(rest)?).map_err(|_| FrameError::Malformed)?;
    let (bytes, tail) = rest.split_at_checked(length).ok_or(FrameError::Malformed)?;
    *rest = tail;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The first form, byte for byte: files written by it must stay readable for good.
    const FORM_1: &[u8] = &[
        1, 0x41, 0xa3, 0x00, 0xd8, 3, 1, b'k', 1, 2, b'c', b'e', 1, 0xff, b'v', b'a', b'l',
    ];

    #[test]
    fn form_1_stays_as_it_is() {
        let mut frame = Vec::new();
        encode(
            &mut frame,
            Some(b"k"),
            &vec![("ce".to_owned(), vec![0xff])],
            Some(b"val"),
        );
        assert_eq!(frame, FORM_1);
        assert_eq!(
            decode(FORM_1).unwrap().value.as_deref(),
            Some(b"val".as_slice())
        );
    }

    #[test]
    fn a_newer_form_says_so() {
        assert_eq!(decode(&[9, 0, 0, 0, 0, 0]), Err(FrameError::Newer(9)));
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(
            key in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..200)),
            headers in proptest::collection::vec(("[a-z_]{0,20}", proptest::collection::vec(any::<u8>(), 0..40)), 0..5),
            value in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..2_000)),
        ) {
            let mut frame = vec![7; 3];
            encode(&mut frame, key.as_deref(), &headers, value.as_deref());
            let decoded = decode(&frame[3..]).unwrap();
            prop_assert_eq!(key_and_tombstone(&frame[3..]).unwrap(), (key.as_deref(), value.is_none()));
            prop_assert_eq!(decoded, Decoded { key, headers, value });
        }

        #[test]
        fn any_flipped_bit_is_noticed(at in 0_usize..17, bit in 0_u8..8) {
            let mut frame = FORM_1.to_vec();
            frame[at] ^= 1 << bit;
            prop_assert!(decode(&frame).is_err());
        }

        #[test]
        fn no_bytes_can_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut sealed = vec![VERSION, 0, 0, 0, 0];
            sealed[1..].copy_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
            sealed.extend_from_slice(&bytes);
            let _ = decode(&sealed);
            let _ = decode(&bytes);
        }
    }
}
