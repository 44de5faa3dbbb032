//! Signatures of near-duplicates as text: the version, a full stop, and the minima in base64 without padding.
//!
//! Base64 rather than a list of 64 numbers: half the bytes and one string to read on the hot path.

use std::borrow::Cow;

use auscult_core::mention::{SIGNATURE_VERSION, Signature};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// The version's number: what follows the name.
fn version() -> &'static str {
    SIGNATURE_VERSION
        .rsplit_once('@')
        .map_or(SIGNATURE_VERSION, |(_, number)| number)
}

/// The signature as written in a mention.
pub(crate) fn written(signature: &Signature) -> Cow<'static, str> {
    let version = version();
    let mut text = String::with_capacity(version.len() + 1 + 172);
    text.push_str(version);
    text.push('.');
    STANDARD_NO_PAD.encode_string(signature.to_bytes(), &mut text);
    Cow::Owned(text)
}

/// The signature of such a text: `Ok(None)` when it is of another version, which cannot be compared.
///
/// # Errors
/// Why the text is no signature of this version.
pub(crate) fn read(text: &str) -> Result<Option<Signature>, &'static str> {
    let (number, minima) = text
        .split_once('.')
        .ok_or("no version stands before the signature")?;
    if number != version() {
        return Ok(None);
    }
    let mut bytes = [0; 192];
    let length = STANDARD_NO_PAD
        .decode_slice(minima, &mut bytes)
        .map_err(|_| "the signature is not base64")?;
    Signature::from_bytes(&bytes[..length])
        .map(Some)
        .ok_or("the signature has another length")
}
