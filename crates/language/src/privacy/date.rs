//! Dates finer than a year, numeric or with a month's name, with the time of day that follows them.
//!
//! A year alone, a weekday and a time alone are left: the safe harbor allows them and listening needs them.

use super::class::{Finding, PersonalDataClass};

/// The end of a numeric date that begins at `start`: `5/18/1956`, `2000-10-12 20:49:24`, `18.05.56`.
pub(crate) fn at(bytes: &[u8], start: usize) -> Option<usize> {
    if start > 0
        && (bytes[start - 1].is_ascii_alphanumeric()
            || matches!(bytes[start - 1], b'.' | b'/' | b'-' | b'$'))
    {
        return None;
    }
    let (first, first_length, position) = number(bytes, start)?;
    let separator = *bytes.get(position)?;
    if !matches!(separator, b'/' | b'-' | b'.') {
        return None;
    }
    let (second, second_length, position) = number(bytes, position + 1)?;
    if bytes.get(position) != Some(&separator) {
        return None;
    }
    let (third, third_length, end) = number(bytes, position + 1)?;
    if bytes.get(end).is_some_and(|byte| byte.is_ascii_digit()) || second_length > 2 {
        return None;
    }
    let month_and_day = |left: u32, right: u32| {
        (1..=31).contains(&left) && (1..=31).contains(&right) && (left <= 12 || right <= 12)
    };
    let year_first = first_length == 4
        && (1800..=2200).contains(&first)
        && third_length <= 2
        && month_and_day(second, third);
    let year_last = first_length <= 2
        && month_and_day(first, second)
        && (third_length == 4 && (1800..=2200).contains(&third) || third_length == 2);
    let continues =
        bytes.get(end) == Some(&separator) && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
    ((year_first || year_last) && !continues).then(|| time_of_day(bytes, end))
}

fn number(bytes: &[u8], start: usize) -> Option<(u32, usize, usize)> {
    let length = bytes
        .get(start..)?
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if !(1..=4).contains(&length) {
        return None;
    }
    let value = bytes[start..start + length]
        .iter()
        .fold(0, |value, byte| value * 10 + u32::from(byte - b'0'));
    Some((value, length, start + length))
}

/// Takes in a time that follows: `" 20:49:24"`, `"T20:49Z"`.
fn time_of_day(bytes: &[u8], end: usize) -> usize {
    let Some(mark) = bytes.get(end) else {
        return end;
    };
    if !matches!(mark, b' ' | b'T' | b't') {
        return end;
    }
    let Some((_, 1..=2, mut position)) = number(bytes, end + 1) else {
        return end;
    };
    let mut parts = 0;
    while bytes.get(position) == Some(&b':') {
        let Some((_, 2, next)) = number(bytes, position + 1) else {
            break;
        };
        position = next;
        parts += 1;
    }
    if parts == 0 {
        return end;
    }
    if matches!(bytes.get(position), Some(b'Z' | b'z')) {
        position + 1
    } else {
        position
    }
}

/// Names of months, and their abbreviations, by the letter they begin with.
const MONTHS: [(u8, &[&str]); 11] = [
    (
        b'a',
        &[
            "april", "august", "apr", "aug", "avril", "août", "abril", "agosto",
        ],
    ),
    (
        b'd',
        &["december", "dec", "dezember", "décembre", "diciembre"],
    ),
    (b'e', &["enero"]),
    (b'f', &["february", "feb", "februar", "février", "febrero"]),
    (b'g', &["gennaio", "giugno"]),
    (
        b'j',
        &[
            "january", "june", "july", "jan", "jun", "jul", "januar", "juni", "juli", "janvier",
            "juin", "juillet", "junio", "julio",
        ],
    ),
    (b'l', &["luglio"]),
    (
        b'm',
        &[
            "march", "may", "mar", "märz", "mai", "mars", "marzo", "mayo", "maggio",
        ],
    ),
    (b'n', &["november", "nov", "novembre", "noviembre"]),
    (b'o', &["october", "oct", "oktober", "octobre", "octubre"]),
    (
        b's',
        &[
            "september",
            "sep",
            "sept",
            "septembre",
            "septiembre",
            "settembre",
        ],
    ),
];

/// Dates with a month's name: "12 March 2021", "March 12th, 2021", "3rd of May", "May 2021".
pub(crate) fn find_named(text: &str, findings: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    let mut position = 0;
    while let Some(offset) = bytes[position..].iter().position(u8::is_ascii_alphabetic) {
        let start = position + offset;
        let length = letters(text, start);
        position = start + length;
        let begins_word =
            start == 0 || !bytes[start - 1].is_ascii_alphanumeric() && bytes[start - 1] < 0x80;
        if begins_word && (3..=12).contains(&length) && is_month(&text[start..position]) {
            let before = day_before(bytes, start);
            let after = day_or_year_after(bytes, position);
            if before.is_some() || after.is_some() {
                let end = after.unwrap_or(position);
                findings.push(Finding {
                    start: before.unwrap_or(start) as u32,
                    end: end as u32,
                    class: PersonalDataClass::Date,
                });
                position = end;
            }
        }
    }
}

/// Length of the run of letters that begins at the ASCII letter at `start`.
fn letters(text: &str, start: usize) -> usize {
    let rest = &text[start..];
    let ascii = rest
        .bytes()
        .position(|byte| !byte.is_ascii_alphabetic())
        .unwrap_or(rest.len());
    if rest.as_bytes().get(ascii).is_none_or(u8::is_ascii) {
        return ascii;
    }
    rest.find(|letter: char| !letter.is_alphabetic())
        .unwrap_or(rest.len())
}

fn is_month(word: &str) -> bool {
    // "may" and "mar" as plain words need a capital.
    let first = word.as_bytes()[0] | 0x20;
    let Some((_, months)) = MONTHS.iter().find(|(letter, _)| *letter == first) else {
        return false;
    };
    let ambiguous = matches!(word, "may" | "mar" | "march" | "mars" | "dec" | "sept");
    !ambiguous
        && months.iter().any(|month| {
            month.len() == word.len()
                && month
                    .chars()
                    .zip(word.chars())
                    .all(|(left, right)| right.to_lowercase().eq([left]))
        })
}

/// "12 ", "12th of ", "12. " before a month.
fn day_before(bytes: &[u8], month: usize) -> Option<usize> {
    let mut end = month;
    let skip = |end: usize, what: &[u8]| {
        if bytes[..end].ends_with(what) {
            end - what.len()
        } else {
            end
        }
    };
    end = skip(end, b" ");
    for word in [b" of".as_slice(), b" de", b"."] {
        end = skip(end, word);
    }
    end = skip(end, b"-");
    for ending in [b"st".as_slice(), b"nd", b"rd", b"th"] {
        end = skip(end, ending);
    }
    let digits = bytes[..end]
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let start = end - digits;
    let day = bytes[start..end].iter().fold(0_u32, |value, byte| {
        value
            .saturating_mul(10)
            .saturating_add(u32::from(byte - b'0'))
    });
    ((1..=2).contains(&digits)
        && (1..=31).contains(&day)
        && (start == 0 || !matches!(bytes[start - 1], b'.' | b'-')))
    .then_some(start)
}

/// " 12th, 2021", " 2021", " 12" after a month.
fn day_or_year_after(bytes: &[u8], month_end: usize) -> Option<usize> {
    let mut position = month_end;
    let skip = |position: usize, signs: &[u8]| {
        position
            + bytes[position..]
                .iter()
                .take_while(|byte| signs.contains(byte))
                .count()
                .min(2)
    };
    position = skip(position, b" .,-");
    for word in [b"of ".as_slice(), b"de ", b"the "] {
        if bytes[position..].starts_with(word) {
            position += word.len();
        }
    }
    let (value, length, mut end) = number(bytes, position)?;
    if length == 4 {
        return (1800..=2200).contains(&value).then_some(end);
    }
    if !(1..=31).contains(&value) || length > 2 {
        return None;
    }
    for ending in [b"st".as_slice(), b"nd", b"rd", b"th"] {
        if bytes[end..].starts_with(ending) {
            end += 2;
        }
    }
    if bytes.get(end).is_some_and(u8::is_ascii_alphanumeric)
        || bytes.get(end) == Some(&b'%')
        || (bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit))
    {
        return None;
    }
    let year = skip(end, b" ,'");
    match number(bytes, year) {
        Some((value, 4, year_end)) if (1800..=2200).contains(&value) => Some(year_end),
        _ => Some(end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(text: &str) -> Option<&str> {
        at(text.as_bytes(), 0).map(|end| &text[..end])
    }

    fn named(text: &str) -> Vec<&str> {
        let mut findings = Vec::new();
        find_named(text, &mut findings);
        findings
            .iter()
            .map(|finding| &text[finding.start as usize..finding.end as usize])
            .collect()
    }

    #[test]
    fn numeric_dates_with_and_without_time() {
        assert_eq!(numeric("5/18/1956."), Some("5/18/1956"));
        assert_eq!(
            numeric("2000-10-12 20:49:24, he"),
            Some("2000-10-12 20:49:24")
        );
        assert_eq!(numeric("18.05.56"), Some("18.05.56"));
        assert_eq!(numeric("120/80/75"), None);
        assert_eq!(numeric("1.5.2.7"), None);
        assert_eq!(numeric("2004"), None);
    }

    #[test]
    fn named_dates() {
        assert_eq!(
            named("born on 12th of March 2021, seen May 3"),
            ["12th of March 2021", "May 3"]
        );
        assert_eq!(
            named("since March 2020 and on 3. Dezember"),
            ["March 2020", "3. Dezember"]
        );
        assert_eq!(named("I may 3 times; in March we left"), Vec::<&str>::new());
        assert_eq!(named("le 3 août 2020"), ["3 août 2020"]);
    }
}
