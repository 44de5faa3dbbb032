//! RFC 3339 ⇄ [`Timestamp`].
//!
//! The shape nearly every sender uses, `YYYY-MM-DDThh:mm:ss[.fff]Z`, is read by hand in a few nanoseconds;
//! everything else the standard allows (offsets, lower case, longer fractions) goes through `jiff`. Two
//! readers are kept honest by a property test that compares them.

use auscult_core::time::{DAY, HOUR, MINUTE, SECOND, Timestamp};

use crate::error::ErrorCode;

/// First moment accepted: 1970-01-01T00:00:00Z.
pub const EARLIEST: Timestamp = Timestamp(0);
/// First moment refused: 2200-01-01T00:00:00Z.
pub const LATEST: Timestamp = Timestamp(7_258_118_400_000);

/// Reads RFC 3339; sub-millisecond digits are cut off.
///
/// # Errors
/// [`ErrorCode::TimeInvalid`] or [`ErrorCode::TimeOutOfRange`].
pub fn parse(text: &str) -> Result<Timestamp, ErrorCode> {
    let at = match parse_common(text.as_bytes()) {
        Some(at) => at,
        None => parse_any(text)?,
    };
    if at < EARLIEST || at >= LATEST {
        Err(ErrorCode::TimeOutOfRange)
    } else {
        Ok(at)
    }
}

/// Writes RFC 3339 in UTC, with milliseconds only when there are any.
#[must_use]
pub fn format(at: Timestamp) -> String {
    text(at).as_str().to_owned()
}

/// Appends RFC 3339 in UTC to `out`. Moments outside the years 0 … 9999 are written as the nearest end.
pub fn write(at: Timestamp, out: &mut String) {
    out.push_str(text(at).as_str());
}

/// RFC 3339 in UTC, without memory of its own: a mention holds three.
pub(crate) struct TimeText {
    bytes: [u8; 24],
    length: usize,
}

impl TimeText {
    pub(crate) fn as_str(&self) -> &str {
        // Digits and marks: always text.
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

/// As [`write()`] writes it.
pub(crate) fn text(at: Timestamp) -> TimeText {
    let milliseconds = at.0.clamp(-62_167_219_200_000, 253_402_300_799_999);
    let (year, month, day) = civil_from_days(milliseconds.div_euclid(DAY));
    let rest = milliseconds.rem_euclid(DAY);
    let mut bytes = *b"0000-00-00T00:00:00.000Z";
    two_digits(&mut bytes, 0, year / 100);
    two_digits(&mut bytes, 2, year % 100);
    two_digits(&mut bytes, 5, month);
    two_digits(&mut bytes, 8, day);
    two_digits(&mut bytes, 11, rest / HOUR);
    two_digits(&mut bytes, 14, rest % HOUR / MINUTE);
    two_digits(&mut bytes, 17, rest % MINUTE / SECOND);
    let fraction = rest % SECOND;
    if fraction == 0 {
        bytes[19] = b'Z';
        return TimeText { bytes, length: 20 };
    }
    two_digits(&mut bytes, 20, fraction / 10);
    bytes[22] = digit(fraction % 10);
    TimeText { bytes, length: 24 }
}

fn two_digits(bytes: &mut [u8; 24], at: usize, value: i64) {
    bytes[at] = digit(value / 10);
    bytes[at + 1] = digit(value % 10);
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "one digit"
)]
fn digit(value: i64) -> u8 {
    b'0' + value as u8
}

/// `None` when the text is not of the common shape; the slow reader then decides.
fn parse_common(text: &[u8]) -> Option<Timestamp> {
    let (head, zone) = text.split_at_checked(19)?;
    let milliseconds = match zone {
        [b'Z'] => 0,
        [b'.', a, b, c, b'Z'] => digits(&[*a, *b, *c])?,
        _ => return None,
    };
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators.iter().any(|(index, byte)| head[*index] != *byte) {
        return None;
    }
    let (year, month, day) = (
        digits(&head[..4])?,
        digits(&head[5..7])?,
        digits(&head[8..10])?,
    );
    let (hour, minute, second) = (
        digits(&head[11..13])?,
        digits(&head[14..16])?,
        digits(&head[17..])?,
    );
    let real = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !real {
        return None;
    }
    Some(Timestamp(
        days_from_civil(year, month, day) * DAY
            + hour * HOUR
            + minute * MINUTE
            + second * SECOND
            + milliseconds,
    ))
}

fn parse_any(text: &str) -> Result<Timestamp, ErrorCode> {
    // jiff also reads an IANA zone in brackets, which RFC 3339 does not have.
    if text.len() > 64 || text.contains('[') {
        return Err(ErrorCode::TimeInvalid);
    }
    let at: jiff::Timestamp = text.parse().map_err(|_| ErrorCode::TimeInvalid)?;
    Ok(Timestamp(
        at.as_nanosecond()
            .div_euclid(1_000_000)
            .try_into()
            .map_err(|_| ErrorCode::TimeOutOfRange)?,
    ))
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0, |sum, byte| {
        byte.is_ascii_digit()
            .then(|| sum * 10 + i64::from(byte - b'0'))
    })
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a proleptic Gregorian date; the year is counted from March so that the leap
/// day comes last (the usual era arithmetic of 146,097 days in 400 years).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (
        year_of_era + era * 400 + i64::from(month <= 2),
        month,
        day_of_year - (153 * shifted + 2) / 5 + 1,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn common_shapes_are_read() {
        assert_eq!(parse("1970-01-01T00:00:00Z"), Ok(Timestamp(0)));
        assert_eq!(
            parse("2026-05-04T09:12:00.250Z"),
            Ok(Timestamp(1_777_885_920_250))
        );
        assert_eq!(
            parse("2026-05-04T11:12:00+02:00"),
            parse("2026-05-04T09:12:00Z")
        );
        assert_eq!(
            parse("2026-05-04t09:12:00.1234567z"),
            parse("2026-05-04T09:12:00.123Z")
        );
        assert_eq!(
            parse("2024-02-29T00:00:00Z"),
            Ok(Timestamp(1_709_164_800_000))
        );
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2026-05-04",
            "2026-05-04T09:12:00",
            "2023-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-05-04T24:00:00Z",
            "1777885920",
            "yesterday",
            "2026-05-04T09:12:00+02:00[Europe/Berlin]",
        ] {
            assert_eq!(parse(text), Err(ErrorCode::TimeInvalid), "{text}");
        }
        for text in [
            "1969-12-31T23:59:59Z",
            "2200-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "0001-01-01T00:00:00Z",
        ] {
            assert_eq!(parse(text), Err(ErrorCode::TimeOutOfRange), "{text}");
        }
    }

    proptest! {
        /// Our calendar arithmetic against jiff's, both ways, over the whole accepted range.
        #[test]
        fn agrees_with_jiff(milliseconds in EARLIEST.0..LATEST.0) {
            let text = format(Timestamp(milliseconds));
            let theirs = jiff::Timestamp::from_millisecond(milliseconds).unwrap();
            prop_assert_eq!(text.parse::<jiff::Timestamp>().unwrap(), theirs);
            prop_assert_eq!(parse_common(text.as_bytes()), Some(Timestamp(milliseconds)));
            prop_assert_eq!(parse(&theirs.to_string()), Ok(Timestamp(milliseconds)));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = parse(&text);
        }
    }
}
