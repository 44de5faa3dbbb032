//! Telephone, card, national, medical and account numbers, dates and addresses of machines: everything made of digits.
//!
//! A hand-written scanner reads each run of digits with its separators once, then decides by shape, check digit and
//! the words around. Regular expressions were the alternative: some twenty of them cost 2 µs on every text with a
//! digit and cannot compute a check digit. Texts without a digit never come here.

use super::age;
use super::checksum;
use super::class::{Finding, PersonalDataClass};
use super::context::{Context, Hint};
use super::date;

/// The most digits a run may have and still be read as one number.
const DIGITS_LIMIT: usize = 24;

/// One run of digits: `"+44 (0)7700 900123"`.
#[derive(Debug, Clone, Default)]
struct Run {
    start: usize,
    end: usize,
    digits: Vec<u8>,
    /// How many digits in each group, and the separator byte before it (0 for none).
    groups: Vec<(u8, u8)>,
    plus: bool,
    bracket: bool,
}

/// Finds everything made of digits in `text`, from `from` on, into `findings`.
pub(crate) fn find(text: &str, context: &Context, findings: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    let mut position = 0;
    while let Some(offset) = bytes[position..].iter().position(u8::is_ascii_digit) {
        let digit = position + offset;
        position = one(text, digit, context, findings).max(digit + 1);
    }
}

/// Reads what begins at the digit at `digit`; returns where to go on.
fn one(text: &str, digit: usize, context: &Context, findings: &mut Vec<Finding>) -> usize {
    let bytes = text.as_bytes();
    if let Some(end) = date::at(bytes, digit) {
        findings.push(finding(digit, end, PersonalDataClass::Date));
        return end;
    }
    if let Some(end) = internet_address(bytes, digit) {
        findings.push(finding(digit, end, PersonalDataClass::IpAddress));
        return end;
    }
    let word_start = word_start(bytes, digit);
    if word_start < digit {
        // Digits inside a word belong to the code scanner ("A56319335"), except after an opening sign.
        return word_end(bytes, digit);
    }
    let run = read_run(bytes, digit);
    if run.groups.len() == 1 && age::is_in_figures(text, (digit, run.end), &run.digits) {
        findings.push(finding(digit, run.end, PersonalDataClass::Age));
        return run.end;
    }
    if let Some(class) = classify(text, &run, context) {
        findings.push(finding(run.start, run.end, class));
        return run.end;
    }
    // The first group alone may still be one ("account 12345678 12").
    word_end(bytes, digit)
}

fn finding(start: usize, end: usize, class: PersonalDataClass) -> Finding {
    Finding {
        start: start as u32,
        end: end as u32,
        class,
    }
}

fn word_start(bytes: &[u8], from: usize) -> usize {
    let mut start = from;
    while start > 0 && (bytes[start - 1].is_ascii_alphanumeric() || bytes[start - 1] >= 0x80) {
        start -= 1;
    }
    start
}

fn word_end(bytes: &[u8], from: usize) -> usize {
    bytes[from..]
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric())
        .map_or(bytes.len(), |length| from + length)
}

fn read_run(bytes: &[u8], digit: usize) -> Run {
    let mut run = Run {
        start: digit,
        end: digit,
        ..Run::default()
    };
    if digit > 0 && bytes[digit - 1] == b'(' {
        run.start = digit - 1;
        run.bracket = true;
    }
    if run.start > 0 && bytes[run.start - 1] == b'+' {
        run.start -= 1;
        run.plus = true;
    }
    let mut position = digit;
    let mut separator = 0;
    while position < bytes.len() && run.digits.len() < DIGITS_LIMIT {
        let group = bytes[position..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if group == 0 {
            break;
        }
        run.digits.extend(
            bytes[position..position + group]
                .iter()
                .take(DIGITS_LIMIT)
                .map(|byte| byte - b'0'),
        );
        run.groups.push((group.min(255) as u8, separator));
        position += group;
        run.end = position;
        // An extension: "x818", "ext. 12".
        let Some((next, mark)) = next_group(bytes, position) else {
            break;
        };
        position = next;
        separator = mark;
    }
    if bytes[run.start] == b'(' && !bytes[run.start..run.end].contains(&b')') {
        run.start += 1;
        run.bracket = false;
    }
    run
}

/// Where the next group of digits of the same number begins, with the main separator.
fn next_group(bytes: &[u8], end: usize) -> Option<(usize, u8)> {
    let rest = &bytes[end..];
    for extension in [
        b"x".as_slice(),
        b" x",
        b" ext. ",
        b" ext ",
        b"ext",
        b" ext.",
        b"#",
    ] {
        if rest.starts_with(extension) && rest.get(extension.len()).is_some_and(u8::is_ascii_digit)
        {
            return Some((end + extension.len(), b'x'));
        }
    }
    let signs = rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'-' | b'.' | b'(' | b')' | b'/'))
        .count();
    let main = *rest.first()?;
    (signs > 0
        && signs <= 3
        && rest.get(signs).is_some_and(u8::is_ascii_digit)
        && !rest[..signs].windows(2).any(|pair| pair == b". "))
    .then_some((end + signs, main))
}

/// Dotted quad, each part at most 255.
fn internet_address(bytes: &[u8], start: usize) -> Option<usize> {
    if start > 0 && (bytes[start - 1].is_ascii_alphanumeric() || bytes[start - 1] == b'.') {
        return None;
    }
    let mut position = start;
    for part in 0..4 {
        let length = bytes[position..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if !(1..=3).contains(&length)
            || bytes[position..position + length]
                .iter()
                .fold(0_u32, |value, byte| value * 10 + u32::from(byte - b'0'))
                > 255
        {
            return None;
        }
        position += length;
        if part < 3 {
            if bytes.get(position) != Some(&b'.') {
                return None;
            }
            position += 1;
        }
    }
    (!bytes.get(position).is_some_and(|byte| {
        byte.is_ascii_digit()
            || (*byte == b'.' && bytes.get(position + 1).is_some_and(u8::is_ascii_digit))
    }))
    .then_some(position)
}

fn classify(text: &str, run: &Run, context: &Context) -> Option<PersonalDataClass> {
    let digits = run.digits.as_slice();
    let count = digits.len();
    let international = run.plus && count >= 9;
    if count < 4
        || (!international
            && ((run.groups.len() <= 2 && followed_by_unit(text, run.end))
                || grouped_thousands(run)
                || years(run)))
    {
        return None;
    }
    if text
        .as_bytes()
        .get(run.end)
        .is_some_and(u8::is_ascii_alphabetic)
    {
        return None;
    }
    let hint = context.before(text, run.start);
    if hint == Some(Hint::Harmless) {
        // A lot or a dose is never written "+44 7700 …" or "219-09-9999".
        let social = run.groups.iter().map(|(length, _)| *length).eq([3, 2, 4]);
        return if international || social {
            by_shape(run)
        } else {
            None
        };
    }
    if let Some(Hint::Is(class)) = hint
        && accepts(class, run)
    {
        return Some(class);
    }
    if count >= 6
        && let Some(Hint::Is(class)) = context.after(text, run.end)
    {
        return Some(class);
    }
    by_shape(run)
}

/// Whether a number of this shape can be what the words before it say.
fn accepts(class: PersonalDataClass, run: &Run) -> bool {
    let count = run.digits.len();
    let one_group = run.groups.len() == 1;
    match class {
        PersonalDataClass::Phone | PersonalDataClass::Fax => {
            (6..=20).contains(&count) || (one_group && count == 5)
        }
        PersonalDataClass::PaymentCard => (12..=19).contains(&count),
        PersonalDataClass::SocialSecurityNumber => count == 9 || (one_group && count == 4),
        PersonalDataClass::NhsNumber => count == 10,
        PersonalDataClass::NationalProviderIdentifier => count == 10,
        PersonalDataClass::PostalCode => (3..=9).contains(&count),
        _ => {
            (4..=20).contains(&count)
                && !(one_group
                    && count == 4
                    && (run.digits[0] == 1 && run.digits[1] == 9
                        || run.digits[0] == 2 && run.digits[1] == 0))
        }
    }
}

fn by_shape(run: &Run) -> Option<PersonalDataClass> {
    let digits = run.digits.as_slice();
    let shape: Vec<u8> = run.groups.iter().map(|(length, _)| *length).collect();
    let dashed = run.groups.len() > 1
        && run
            .groups
            .iter()
            .skip(1)
            .all(|(_, separator)| *separator == b'-');
    let has_extension = run.groups.iter().any(|(_, separator)| *separator == b'x');
    if run.plus && (7..=18).contains(&digits.len()) {
        return Some(PersonalDataClass::Phone);
    }
    if (13..=19).contains(&digits.len()) && checksum::luhn(digits) && matches!(digits[0], 2..=6) {
        return Some(PersonalDataClass::PaymentCard);
    }
    match (shape.as_slice(), digits.len()) {
        ([3, 2, 4], _) if dashed => {
            return checksum::social_security(digits)
                .then_some(PersonalDataClass::SocialSecurityNumber)
                .or(Some(PersonalDataClass::OtherIdentifier));
        }
        ([3, 3, 4] | [10], _) if checksum::nhs_number(digits) && !dashed && !run.bracket => {
            return Some(PersonalDataClass::NhsNumber);
        }
        ([10], _) if checksum::national_provider(digits) => {
            return Some(PersonalDataClass::NationalProviderIdentifier);
        }
        ([15] | [1, 2, 2, 2, 3, 3, 2], 15) if checksum::french_nir(digits) => {
            return Some(PersonalDataClass::NationalIdentifier);
        }
        ([11] | [2, 3, 3, 3], 11) if checksum::eleven_digit_national(digits) && digits[0] != 0 => {
            return Some(PersonalDataClass::NationalIdentifier);
        }
        ([9] | [4, 2, 3], 9) if checksum::dutch_bsn(digits) => {
            return Some(PersonalDataClass::NationalIdentifier);
        }
        ([4, 4, 4, 4] | [4, 6, 5], _) => return Some(PersonalDataClass::PaymentCard),
        _ => {}
    }
    if has_extension && digits.len() >= 9 {
        return Some(PersonalDataClass::Phone);
    }
    if telephone_shape(run, &shape) {
        return Some(PersonalDataClass::Phone);
    }
    let longest = shape.iter().copied().max().unwrap_or(0);
    (longest >= 9).then_some(if longest >= 12 {
        PersonalDataClass::AccountNumber
    } else {
        PersonalDataClass::OtherIdentifier
    })
}

/// Groups as people write telephone numbers, without a word that says so.
fn telephone_shape(run: &Run, shape: &[u8]) -> bool {
    let digits = run.digits.as_slice();
    let leading_zero = digits[0] == 0;
    if shape.len() < 2 {
        // One block: a leading zero and ten or eleven digits.
        return leading_zero && (10..=12).contains(&digits.len());
    }
    let longest = shape.iter().copied().max().unwrap_or(0);
    let north_american = matches!(shape, [3, 3, 4] | [3, 4] | [1, 3, 3, 4]);
    let national = leading_zero && (8..=13).contains(&digits.len()) && (2..=8).contains(&longest);
    let bracketed = run.bracket && (6..=15).contains(&digits.len());
    let slashes = run.groups.iter().any(|(_, separator)| *separator == b'/');
    let many = digits.len() >= 9
        && shape.len() >= 3
        && shape.iter().all(|length| (2..=5).contains(length))
        && !slashes;
    north_american || national || bracketed || many
}

/// "000 000" groups of a large quantity.
fn grouped_thousands(run: &Run) -> bool {
    run.groups.len() >= 2
        && run.groups[0].0 <= 3
        && run
            .groups
            .iter()
            .skip(1)
            .all(|(length, separator)| *length == 3 && matches!(separator, b' ' | b'.'))
        && run.digits.iter().rev().take(2).all(|digit| *digit == 0)
}

/// "1999-2001", "2012/2013", or one year.
fn years(run: &Run) -> bool {
    let year = |digits: &[u8]| matches!(digits, [1, 8 | 9, ..] | [2, 0, ..]);
    run.groups.iter().all(|(length, _)| *length == 4)
        && run.groups.len() <= 2
        && run.digits.chunks(4).all(year)
        && run.groups.len() == 2
}

/// A unit of measure straight after: a quantity.
fn followed_by_unit(text: &str, end: usize) -> bool {
    const UNITS: [&str; 22] = [
        "mg", "mcg", "ug", "g", "kg", "ml", "l", "iu", "units", "u", "mm", "cm", "%", "hours",
        "days", "weeks", "months", "patients", "cells", "/mm", "/ml", "copies",
    ];
    let rest = text[end..].strip_prefix(' ').unwrap_or(&text[end..]);
    let word_length = rest
        .bytes()
        .take_while(|byte| byte.is_ascii_alphabetic() || *byte == b'%' || *byte == b'/')
        .count();
    let word = &rest[..word_length];
    UNITS.iter().any(|unit| word.eq_ignore_ascii_case(unit))
        || word.starts_with("/mm")
        || word.starts_with("mg/")
        || word.starts_with("IU/")
        || word.starts_with("/mic")
        || rest.starts_with('µ')
}
