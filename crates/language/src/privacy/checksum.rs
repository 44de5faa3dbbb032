//! Check digits of national, medical and payment numbers.
//!
//! A check digit turns "ten digits" into "an NHS number" with one chance in eleven of error: where a scheme has one,
//! it decides the class when no word nearby does. All functions take the bare digits or letters, upper case, without separators.

/// ISO/IEC 7812 (Luhn): payment cards, with 12 to 19 digits.
pub(crate) fn luhn(digits: &[u8]) -> bool {
    !digits.is_empty() && luhn_sum(digits.iter().copied()) % 10 == 0
}

fn luhn_sum(digits: impl DoubleEndedIterator<Item = u8>) -> u32 {
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    digits
        .rev()
        .enumerate()
        .map(|(index, digit)| {
            if index % 2 == 1 {
                doubled(u32::from(digit))
            } else {
                u32::from(digit)
            }
        })
        .sum()
}

/// NHS number: ten digits, modulus 11 with weights 10 … 2.
pub(crate) fn nhs_number(digits: &[u8]) -> bool {
    if digits.len() != 10 || digits.iter().all(|digit| *digit == digits[0]) {
        return false;
    }
    let sum: u32 = digits[..9]
        .iter()
        .zip((2..=10).rev())
        .map(|(digit, weight)| u32::from(*digit) * weight)
        .sum();
    let check = (11 - sum % 11) % 11;
    check != 10 && check == u32::from(digits[9])
}

/// US national provider identifier: ten digits starting 1 or 2, Luhn over `80840` and the number.
pub(crate) fn national_provider(digits: &[u8]) -> bool {
    digits.len() == 10
        && matches!(digits[0], 1 | 2)
        && luhn_sum(
            [8, 0, 8, 4, 0]
                .into_iter()
                .chain(digits.iter().copied())
                .collect::<Vec<u8>>()
                .into_iter(),
        ) % 10
            == 0
}

/// US social security number: no check digit; the areas, groups and serials that are never issued are refused.
pub(crate) fn social_security(digits: &[u8]) -> bool {
    let number = |part: &[u8]| {
        part.iter()
            .fold(0_u32, |value, digit| 10 * value + u32::from(*digit))
    };
    digits.len() == 9
        && !matches!(number(&digits[..3]), 0 | 666 | 900..)
        && number(&digits[3..5]) != 0
        && number(&digits[5..]) != 0
}

/// ISO 13616 IBAN: country, check digits, account; remainder 1 modulo 97.
pub(crate) fn iban(characters: &[u8]) -> bool {
    let shape = (15..=34).contains(&characters.len())
        && characters[..2].iter().all(u8::is_ascii_uppercase)
        && characters[2..4].iter().all(u8::is_ascii_digit)
        && characters.iter().all(u8::is_ascii_alphanumeric);
    shape
        && characters[4..]
            .iter()
            .chain(&characters[..4])
            .fold(0_u32, |remainder, byte| step_97(remainder, *byte))
            == 1
}

fn step_97(remainder: u32, byte: u8) -> u32 {
    if byte.is_ascii_digit() {
        (remainder * 10 + u32::from(byte - b'0')) % 97
    } else {
        (remainder * 100 + u32::from(byte.to_ascii_uppercase() - b'A') + 10) % 97
    }
}

/// Spanish DNI and NIE: the letter is the number modulo 23.
pub(crate) fn spanish_dni(characters: &[u8]) -> bool {
    const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    if characters.len() != 9
        || !characters[8].is_ascii_uppercase()
        || !characters[1..8].iter().all(u8::is_ascii_digit)
    {
        return false;
    }
    let first = match characters[0] {
        b'X' => 0,
        b'Y' => 1,
        b'Z' => 2,
        digit if digit.is_ascii_digit() => u32::from(digit - b'0'),
        _ => return false,
    };
    let number = characters[1..8]
        .iter()
        .fold(first, |value, digit| value * 10 + u32::from(digit - b'0'));
    LETTERS[(number % 23) as usize] == characters[8]
}

/// Vehicle identification number: 17 characters, position 9 is the weighted sum modulo 11 (North America, China).
pub(crate) fn vehicle_identification(characters: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let value = |byte: u8| match byte {
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        b'A'..=b'H' => Some(u32::from(byte - b'A') + 1),
        b'J'..=b'N' => Some(u32::from(byte - b'J') + 1),
        b'P' => Some(7),
        b'R' => Some(9),
        b'S'..=b'Z' => Some(u32::from(byte - b'S') + 2),
        _ => None,
    };
    if characters.len() != 17 {
        return false;
    }
    let Some(sum) = characters
        .iter()
        .zip(WEIGHTS)
        .map(|(byte, weight)| value(*byte).map(|value| value * weight))
        .sum::<Option<u32>>()
    else {
        return false;
    };
    characters[8]
        == if sum % 11 == 10 {
            b'X'
        } else {
            b'0' + (sum % 11) as u8
        }
}

/// National numbers of eleven digits with a check: Polish PESEL, German tax identifier, Norwegian birth number.
pub(crate) fn eleven_digit_national(digits: &[u8]) -> bool {
    digits.len() == 11
        && (polish_pesel(digits) || german_tax(digits) || norwegian_birth_number(digits))
}

fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits
        .iter()
        .zip(weights)
        .map(|(digit, weight)| u32::from(*digit) * weight)
        .sum()
}

fn polish_pesel(digits: &[u8]) -> bool {
    let month = 10 * digits[2] + digits[3];
    let day = 10 * digits[4] + digits[5];
    (1..=12).contains(&(month % 20))
        && (1..=31).contains(&day)
        && weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

/// ISO 7064 MOD 11,10; one digit occurs twice or three times among the first ten.
fn german_tax(digits: &[u8]) -> bool {
    let mut product = 10;
    for digit in &digits[..10] {
        let sum = (u32::from(*digit) + product) % 10;
        product = (if sum == 0 { 10 } else { sum }) * 2 % 11;
    }
    let repeated = (0..10)
        .filter(|value| {
            matches!(
                digits[..10].iter().filter(|digit| *digit == value).count(),
                2 | 3
            )
        })
        .count();
    digits[0] != 0 && repeated == 1 && (11 - product) % 10 == u32::from(digits[10])
}

fn norwegian_birth_number(digits: &[u8]) -> bool {
    let day = 10 * digits[0] + digits[1];
    (1..=31).contains(&day)
        && weighted(digits, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]).is_multiple_of(11)
        && weighted(digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

/// Dutch citizen service number: nine digits, weights 9 … 2 and −1, divisible by 11.
pub(crate) fn dutch_bsn(digits: &[u8]) -> bool {
    let sum: u32 = weighted(
        &digits[..digits.len().saturating_sub(1)],
        &[9, 8, 7, 6, 5, 4, 3, 2],
    );
    digits.len() == 9 && sum > 0 && sum % 11 == u32::from(digits[8])
}

/// French social security number: thirteen digits and a key of 97 less the remainder (Corsica's letters are not read).
pub(crate) fn french_nir(digits: &[u8]) -> bool {
    let number = |part: &[u8]| {
        part.iter()
            .fold(0_u64, |value, digit| 10 * value + u64::from(*digit))
    };
    digits.len() == 15
        && matches!(digits[0], 1 | 2)
        && number(&digits[13..]) == 97 - number(&digits[..13]) % 97
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Vec<u8> {
        text.bytes()
            .filter(u8::is_ascii_digit)
            .map(|byte| byte - b'0')
            .collect()
    }

    // Published specimen numbers of each scheme, and each with one digit changed.
    #[test]
    fn specimens_pass_and_a_changed_digit_fails() {
        assert!(luhn(&digits("4111 1111 1111 1111")) && !luhn(&digits("4111 1111 1111 1112")));
        assert!(nhs_number(&digits("943 476 5919")) && !nhs_number(&digits("943 476 5918")));
        assert!(
            national_provider(&digits("1234567893")) && !national_provider(&digits("1234567894"))
        );
        assert!(
            social_security(&digits("123-45-6789")) && !social_security(&digits("666-45-6789"))
        );
        assert!(iban(b"GB82WEST12345698765432") && !iban(b"GB82WEST12345698765433"));
        assert!(iban(b"DE89370400440532013000"));
        assert!(spanish_dni(b"12345678Z") && !spanish_dni(b"12345678A"));
        assert!(
            vehicle_identification(b"1M8GDM9AXKP042788")
                && !vehicle_identification(b"1M8GDM9A1KP042788")
        );
        assert!(polish_pesel(&digits("44051401359")) && !polish_pesel(&digits("44051401358")));
        assert!(german_tax(&digits("86095742719")) && !german_tax(&digits("86095742718")));
        assert!(dutch_bsn(&digits("111222333")) && !dutch_bsn(&digits("111222334")));
        assert!(french_nir(&digits("255081416802538")) && !french_nir(&digits("255081416802539")));
    }

    #[test]
    fn every_check_is_total_on_short_and_long_input() {
        for length in 0..40 {
            let ones = vec![1_u8; length];
            let letters = vec![b'A'; length];
            let _ = (
                luhn(&ones),
                nhs_number(&ones),
                national_provider(&ones),
                social_security(&ones),
                dutch_bsn(&ones),
                french_nir(&ones),
                eleven_digit_national(&ones),
            );
            let _ = (
                iban(&letters),
                spanish_dni(&letters),
                vehicle_identification(&letters),
            );
        }
    }
}
