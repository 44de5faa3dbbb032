//! E-mail and web addresses, handles, photo names, and codes that mix letters with digits.
//!
//! Scans white-space-separated pieces: each of these identifiers is one piece without blanks (IBAN and Canadian or
//! British postcodes, which have blanks inside, are read by joining pieces). Runs only when the text holds a digit,
//! `@`, `/` or a dot between letters.

use super::checksum;
use super::class::{Finding, PersonalDataClass};
use super::context::{Context, Hint};

/// The longest code that is looked at, in bytes.
const CODE_BYTES: std::ops::RangeInclusive<usize> = 4..=40;

const TOP_DOMAINS: [&str; 66] = [
    "com", "org", "net", "edu", "gov", "mil", "int", "info", "biz", "io", "co", "uk", "us", "ca",
    "au", "nz", "ie", "de", "fr", "es", "it", "pt", "nl", "be", "ch", "at", "se", "no", "dk", "fi",
    "is", "pl", "cz", "sk", "hu", "ro", "bg", "gr", "ru", "ua", "tr", "il", "in", "cn", "jp", "kr",
    "br", "mx", "ar", "za", "eu", "me", "tv", "app", "dev", "health", "nhs", "tn", "cy", "lt",
    "lv", "ee", "si", "hr", "rs", "gl",
];

/// Finds them all.
pub(crate) fn find(text: &str, context: &Context, findings: &mut Vec<Finding>) {
    if !text.is_ascii() {
        return find_in_pieces(text, context, findings);
    }
    let mut start = 0;
    let mut seen = Seen::default();
    for (at, byte) in text.bytes().enumerate() {
        let kind = BYTES[usize::from(byte)];
        if kind != BLANK {
            seen.take(kind);
            continue;
        }
        if seen.may_be_one() {
            piece(text, start, at, context, findings);
        }
        (start, seen) = (at + 1, Seen::default());
    }
    if seen.may_be_one() {
        piece(text, start, text.len(), context, findings);
    }
}

/// What [`piece`] needs a byte for.
const BYTES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = match byte as u8 {
            b'0'..=b'9' | b'@' | b'.' | b':' => SIGN,
            b'A'..=b'Z' => CAPITAL,
            // As `char::is_whitespace`.
            b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r' => BLANK,
            _ => 0,
        };
        byte += 1;
    }
    table
};
/// A digit, or a sign of an address.
const SIGN: u8 = 1;
const CAPITAL: u8 = 2;
const BLANK: u8 = 4;

/// What a piece of ASCII holds: most hold nothing that could be an identifier, and need not be looked at again.
#[derive(Default)]
struct Seen {
    signs: u8,
    capitals: u32,
}

impl Seen {
    #[inline]
    fn take(&mut self, kind: u8) {
        self.signs |= kind;
        self.capitals += u32::from(kind == CAPITAL);
    }

    /// A sign, or two capitals, which may be the first half of a postcode or a number.
    #[inline]
    fn may_be_one(&self) -> bool {
        self.signs & SIGN != 0 || self.capitals >= 2
    }
}

/// The general case: blanks beyond ASCII part pieces, too.
fn find_in_pieces(text: &str, context: &Context, findings: &mut Vec<Finding>) {
    let mut position = 0;
    while position < text.len() {
        let rest = &text[position..];
        let Some(offset) = rest.find(|letter: char| !letter.is_whitespace()) else {
            break;
        };
        let start = position + offset;
        let length = text[start..]
            .find(char::is_whitespace)
            .unwrap_or(text.len() - start);
        piece(text, start, start + length, context, findings);
        position = start + length;
    }
}

fn push(findings: &mut Vec<Finding>, start: usize, end: usize, class: PersonalDataClass) {
    findings.push(Finding {
        start: start as u32,
        end: end as u32,
        class,
    });
}

/// Cuts quotes, brackets and closing punctuation from both ends.
fn trimmed(text: &str, start: usize, end: usize) -> (usize, usize) {
    const SIGNS: &[char] = &[
        '"', '\'', '(', ')', '[', ']', '{', '}', '<', '>', ',', '.', ';', ':', '!', '?', '“', '”',
        '‘', '’', '|', '*', '\\',
    ];
    let piece = &text[start..end];
    let from = start + piece.len() - piece.trim_start_matches(SIGNS).len();
    let to = end - (piece.len() - piece.trim_end_matches(SIGNS).len());
    (from, to.max(from))
}

fn piece(text: &str, start: usize, end: usize, context: &Context, findings: &mut Vec<Finding>) {
    let (start, end) = trimmed(text, start, end);
    let piece = &text[start..end];
    let bytes = piece.as_bytes();
    if bytes.len() < 2 {
        return;
    }
    let has_dot = bytes.contains(&b'.');
    if let Some(at) = bytes.iter().position(|byte| *byte == b'@') {
        if has_dot && let Some((from, to)) = email(piece, at) {
            push(findings, start + from, start + to, PersonalDataClass::Email);
        } else if at == 0 || !bytes[at - 1].is_ascii_alphanumeric() {
            let length = bytes[at + 1..]
                .iter()
                .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
                .count();
            if length >= 2 {
                push(
                    findings,
                    start + at,
                    start + at + 1 + length,
                    PersonalDataClass::Handle,
                );
            }
        }
        return;
    }
    if let Some(from) = web_address(piece, has_dot) {
        push(findings, start + from, end, PersonalDataClass::Url);
        return;
    }
    if has_dot && photo(piece) {
        push(findings, start, end, PersonalDataClass::Photo);
        return;
    }
    if bytes.iter().any(u8::is_ascii_digit)
        || (bytes.len() == 2 && bytes.iter().all(u8::is_ascii_uppercase))
    {
        code(text, start, end, context, findings);
    }
}

/// The part of `piece` around the `@` that is an address.
fn email(piece: &str, at: usize) -> Option<(usize, usize)> {
    let bytes = piece.as_bytes();
    let local = bytes[..at]
        .iter()
        .rev()
        .take_while(|byte| {
            byte.is_ascii_alphanumeric()
                || **byte >= 0x80
                || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-' | b'\'')
        })
        .count();
    let domain = bytes[at + 1..]
        .iter()
        .take_while(|byte| {
            byte.is_ascii_alphanumeric() || **byte >= 0x80 || matches!(byte, b'.' | b'-')
        })
        .count();
    let domain_text = piece
        .get(at + 1..at + 1 + domain)?
        .trim_end_matches(['.', '-']);
    (local > 0 && domain_text.contains('.')).then_some((at - local, at + 1 + domain_text.len()))
}

/// Where a web address begins in `piece`.
fn web_address(piece: &str, has_dot: bool) -> Option<usize> {
    if let Some(colon) = piece.find("://") {
        let scheme = piece[..colon]
            .bytes()
            .rev()
            .take_while(u8::is_ascii_alphabetic)
            .count();
        return (scheme > 0).then_some(colon - scheme);
    }
    if !has_dot {
        return None;
    }
    if piece
        .get(..4)
        .is_some_and(|head| head.eq_ignore_ascii_case("www."))
    {
        return Some(0);
    }
    let host = piece.split(['/', '?', ':']).next().unwrap_or(piece);
    let (name, top) = host.rsplit_once('.')?;
    let known = TOP_DOMAINS
        .iter()
        .any(|domain| top.eq_ignore_ascii_case(domain));
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let named = name.split('.').all(label)
        && name
            .split('.')
            .next_back()
            .is_some_and(|last| last.len() >= 3 || last == "co")
        && name.bytes().any(|byte| byte.is_ascii_alphabetic());
    // "done.In the": a full stop without a blank is far more common than a bare host with a capital ending.
    let lower = top.bytes().all(|byte| byte.is_ascii_lowercase());
    let word_like = matches!(
        top,
        "in" | "is"
            | "no"
            | "me"
            | "it"
            | "at"
            | "be"
            | "us"
            | "so"
            | "co"
            | "de"
            | "se"
            | "es"
            | "il"
            | "si"
    );
    (known && named && lower && (!word_like || name.contains('.') || piece.contains('/')))
        .then_some(0)
}

fn photo(piece: &str) -> bool {
    const ENDINGS: [&str; 8] = [
        ".jpg", ".jpeg", ".png", ".heic", ".gif", ".tif", ".bmp", ".dcm",
    ];
    ENDINGS.iter().any(|ending| {
        piece.len() > ending.len()
            && piece.as_bytes()[piece.len() - ending.len()..]
                .eq_ignore_ascii_case(ending.as_bytes())
    })
}

/// A piece with at least one digit: codes with letters.
fn code(text: &str, start: usize, end: usize, context: &Context, findings: &mut Vec<Finding>) {
    let piece = &text[start..end];
    let bytes = piece.as_bytes();
    if let Some(length) = postcode(text, start) {
        push(
            findings,
            start,
            start + length,
            PersonalDataClass::PostalCode,
        );
        return;
    }
    if let Some(length) = iban(text, start) {
        push(
            findings,
            start,
            start + length,
            PersonalDataClass::AccountNumber,
        );
        return;
    }
    if let Some(length) = national_insurance(text, start) {
        push(
            findings,
            start,
            start + length,
            PersonalDataClass::NationalIdentifier,
        );
        return;
    }
    let letters = bytes
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic())
        .count();
    if letters == 0 || !CODE_BYTES.contains(&bytes.len()) || !piece.is_ascii() {
        return;
    }
    let compact: Vec<u8> = bytes
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(u8::to_ascii_uppercase)
        .collect();
    if let Some(class) = by_shape(bytes, &compact) {
        push(findings, start, end, class);
        return;
    }
    // Digits outnumber letters and a word before says what it is: "licence number is A56319335".
    let digits = compact.iter().filter(|byte| byte.is_ascii_digit()).count();
    let token_like = bytes
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'/' | b'_'));
    let simple_dose = dose_like(bytes);
    if token_like && digits >= 3 && compact.len() >= 5 && (!simple_dose || bytes.contains(&b'-')) {
        match context.before(text, start) {
            Some(Hint::Is(class)) if identifies(class) => push(findings, start, end, class),
            None | Some(Hint::Is(_))
                if digits >= 6 && !simple_dose && bytes.iter().all(u8::is_ascii_alphanumeric) =>
            {
                push(findings, start, end, PersonalDataClass::OtherIdentifier)
            }
            _ => {}
        }
    }
}

/// Classes whose codes may hold letters.
fn identifies(class: PersonalDataClass) -> bool {
    !matches!(
        class,
        PersonalDataClass::Phone
            | PersonalDataClass::Fax
            | PersonalDataClass::PaymentCard
            | PersonalDataClass::SocialSecurityNumber
            | PersonalDataClass::NhsNumber
    )
}

/// "1500mg", "20ml", "10x4": a number with a unit.
fn dose_like(bytes: &[u8]) -> bool {
    let digits = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b'-'))
        .count();
    digits > 0
        && bytes[digits..]
            .iter()
            .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'/' | b'-'))
        && bytes.len() - digits <= 12
        && bytes.len() - digits >= 1
}

fn by_shape(bytes: &[u8], compact: &[u8]) -> Option<PersonalDataClass> {
    let hexadecimal = |part: &[u8]| part.iter().all(u8::is_ascii_hexdigit);
    let dashes = bytes.iter().filter(|byte| **byte == b'-').count();
    if bytes.len() == 36 && dashes == 4 && hexadecimal(compact) {
        return Some(PersonalDataClass::OtherIdentifier);
    }
    let pairs = |separator: u8| {
        bytes.len() == 17
            && bytes.split(|byte| *byte == separator).count() == 6
            && bytes
                .split(|byte| *byte == separator)
                .all(|part| part.len() == 2 && hexadecimal(part))
    };
    if pairs(b':') || pairs(b'-') {
        return Some(PersonalDataClass::DeviceIdentifier);
    }
    if bytes.iter().filter(|byte| **byte == b':').count() >= 2
        && bytes.len() >= 8
        && bytes
            .split(|byte| *byte == b':')
            .all(|part| part.len() <= 4 && hexadecimal(part))
    {
        return Some(PersonalDataClass::IpAddress);
    }
    if checksum::spanish_dni(compact) {
        return Some(PersonalDataClass::NationalIdentifier);
    }
    if compact.len() == 17 && checksum::vehicle_identification(compact) {
        return Some(PersonalDataClass::VehicleIdentifier);
    }
    // Italian codice fiscale: AAAAAA00A00A000A.
    let pattern = b"AAAAAA00A00A000A";
    let matches_pattern = compact.len() == 16
        && compact.iter().zip(pattern).all(|(byte, kind)| {
            if *kind == b'A' {
                byte.is_ascii_uppercase()
            } else {
                byte.is_ascii_digit()
            }
        });
    matches_pattern.then_some(PersonalDataClass::NationalIdentifier)
}

fn shape_of(text: &[u8]) -> String {
    text.iter()
        .map(|byte| {
            if byte.is_ascii_uppercase() {
                'A'
            } else if byte.is_ascii_digit() {
                '9'
            } else if *byte == b' ' {
                ' '
            } else {
                '?'
            }
        })
        .collect()
}

/// British, Canadian and Dutch postcodes, which hold a blank or not; in capitals only.
fn postcode(text: &str, start: usize) -> Option<usize> {
    const SHAPES: [&str; 15] = [
        "A9 9AA", "A99 9AA", "AA9 9AA", "AA99 9AA", "A9A 9AA", "AA9A 9AA", "A9 9AA", "A99AA",
        "A999AA", "AA99AA", "AA999AA", "A9A9AA", "AA9A9AA", "A9A 9A9", "9999 AA",
    ];
    let bytes = text.as_bytes();
    for length in [8_usize, 7, 6, 5] {
        let Some(window) = bytes.get(start..start + length) else {
            continue;
        };
        let bounded = bytes
            .get(start + length)
            .is_none_or(|byte| !byte.is_ascii_alphanumeric());
        if bounded && SHAPES.contains(&shape_of(window).as_str()) {
            return Some(length);
        }
    }
    None
}

/// An IBAN, with or without blanks.
fn iban(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    if !bytes.get(start..start + 4).is_some_and(|head| {
        head[..2].iter().all(u8::is_ascii_uppercase) && head[2..].iter().all(u8::is_ascii_digit)
    }) {
        return None;
    }
    let mut characters = Vec::new();
    let mut best = None;
    for (offset, byte) in bytes[start..].iter().enumerate().take(44) {
        if byte.is_ascii_alphanumeric() {
            characters.push(byte.to_ascii_uppercase());
        } else if *byte != b' ' {
            break;
        }
        let ends = bytes
            .get(start + offset + 1)
            .is_none_or(|next| !next.is_ascii_alphanumeric());
        if ends && checksum::iban(&characters) {
            best = Some(offset + 1);
        }
    }
    best
}

/// UK national insurance number: two letters, six digits in pairs or together, a letter A to D.
fn national_insurance(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    for (shape, length) in [
        ("AA999999A", 9),
        ("AA 99 99 99 A", 13),
        ("AA99 99 99A", 11),
        ("AA 999999 A", 11),
    ] {
        let Some(window) = bytes.get(start..start + length) else {
            continue;
        };
        let bounded = bytes
            .get(start + length)
            .is_none_or(|byte| !byte.is_ascii_alphanumeric());
        if bounded && shape_of(window) == shape && matches!(window[length - 1], b'A'..=b'D') {
            return Some(length);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&str, PersonalDataClass)> {
        let mut findings = Vec::new();
        find(text, &Context::new().unwrap(), &mut findings);
        findings
            .iter()
            .map(|finding| {
                (
                    &text[finding.start as usize..finding.end as usize],
                    finding.class,
                )
            })
            .collect()
    }

    #[test]
    fn addresses_of_the_net() {
        assert_eq!(
            found("write to a.b@example.co.uk."),
            [("a.b@example.co.uk", PersonalDataClass::Email)]
        );
        assert_eq!(
            found("see http://www.Shop.fi/ and shop.co.nz/x"),
            [
                ("http://www.Shop.fi/", PersonalDataClass::Url),
                ("shop.co.nz/x", PersonalDataClass::Url)
            ]
        );
        assert_eq!(
            found("thanks @jane_d (IMG_2.jpg)"),
            [
                ("@jane_d", PersonalDataClass::Handle),
                ("IMG_2.jpg", PersonalDataClass::Photo)
            ]
        );
        assert_eq!(found("It was done.In the end. e.g. this, i.e. that"), []);
    }

    #[test]
    fn codes_with_letters() {
        assert_eq!(
            found("GB82 WEST 1234 5698 7654 32 please")[0],
            (
                "GB82 WEST 1234 5698 7654 32",
                PersonalDataClass::AccountNumber
            )
        );
        assert_eq!(
            found("at NE1 4LP today"),
            [("NE1 4LP", PersonalDataClass::PostalCode)]
        );
        assert_eq!(
            found("my licence number is F162823540116"),
            [("F162823540116", PersonalDataClass::LicenceNumber)]
        );
        assert_eq!(
            found("took 1500mg of HLA-B27 and 5-FU, CD4 B12 lot AB12345"),
            []
        );
        assert_eq!(
            found("00:1A:2B:3C:4D:5E"),
            [("00:1A:2B:3C:4D:5E", PersonalDataClass::DeviceIdentifier)]
        );
    }
}
