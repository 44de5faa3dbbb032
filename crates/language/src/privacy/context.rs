//! What the words just before (or after) a number say it is.
//!
//! A number alone seldom tells what it is; "my licence number is 6940579" does. One Aho–Corasick automaton over the
//! cue words reads at most [`WINDOW_BYTES`] before the number; the cue nearest to it decides.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::class::PersonalDataClass;

/// How far back a cue may stand, in bytes: about eight words.
const WINDOW_BYTES: usize = 56;

/// How near a harmless cue must stand, in bytes.
const HARMLESS_BYTES: usize = 14;

/// What a cue word says of the number after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hint {
    /// It is this.
    Is(PersonalDataClass),
    /// It is a quantity, a lot number, a journal volume: leave it.
    Harmless,
}

const CUES: &[(&str, Hint)] = {
    use Hint::{Harmless, Is};
    use PersonalDataClass as P;
    &[
        ("credit card", Is(P::PaymentCard)),
        ("debit card", Is(P::PaymentCard)),
        ("card", Is(P::PaymentCard)),
        ("cc ", Is(P::PaymentCard)),
        ("visa", Is(P::PaymentCard)),
        ("mastercard", Is(P::PaymentCard)),
        ("amex", Is(P::PaymentCard)),
        ("phone", Is(P::Phone)),
        ("tel:", Is(P::Phone)),
        ("tel.", Is(P::Phone)),
        ("tel ", Is(P::Phone)),
        ("telefon", Is(P::Phone)),
        ("téléphone", Is(P::Phone)),
        ("mobile", Is(P::Phone)),
        ("cell", Is(P::Phone)),
        ("call", Is(P::Phone)),
        ("ring ", Is(P::Phone)),
        ("rang ", Is(P::Phone)),
        ("dial", Is(P::Phone)),
        ("reach", Is(P::Phone)),
        ("contact", Is(P::Phone)),
        ("text me", Is(P::Phone)),
        ("whatsapp", Is(P::Phone)),
        ("answering at", Is(P::Phone)),
        ("hotline", Is(P::Phone)),
        ("voicemail", Is(P::Phone)),
        ("pager", Is(P::Phone)),
        ("extension", Is(P::Phone)),
        ("handy", Is(P::Phone)),
        ("landline", Is(P::Phone)),
        ("fax", Is(P::Fax)),
        ("social security", Is(P::SocialSecurityNumber)),
        ("ssn", Is(P::SocialSecurityNumber)),
        ("nhs number", Is(P::NhsNumber)),
        ("nhs no", Is(P::NhsNumber)),
        ("nhs:", Is(P::NhsNumber)),
        ("nhs #", Is(P::NhsNumber)),
        ("medical record", Is(P::MedicalRecordNumber)),
        ("mrn", Is(P::MedicalRecordNumber)),
        ("hospital number", Is(P::MedicalRecordNumber)),
        ("hospital no", Is(P::MedicalRecordNumber)),
        ("patient id", Is(P::MedicalRecordNumber)),
        ("patient number", Is(P::MedicalRecordNumber)),
        ("patient no", Is(P::MedicalRecordNumber)),
        ("patient identifier", Is(P::MedicalRecordNumber)),
        ("chart number", Is(P::MedicalRecordNumber)),
        ("record number", Is(P::MedicalRecordNumber)),
        ("unit number", Is(P::MedicalRecordNumber)),
        ("chi number", Is(P::MedicalRecordNumber)),
        ("health plan", Is(P::HealthPlanNumber)),
        ("member id", Is(P::HealthPlanNumber)),
        ("member number", Is(P::HealthPlanNumber)),
        ("membership", Is(P::HealthPlanNumber)),
        ("policy", Is(P::HealthPlanNumber)),
        ("insurance", Is(P::HealthPlanNumber)),
        ("beneficiary", Is(P::HealthPlanNumber)),
        ("medicare", Is(P::HealthPlanNumber)),
        ("medicaid", Is(P::HealthPlanNumber)),
        ("group number", Is(P::HealthPlanNumber)),
        ("subscriber", Is(P::HealthPlanNumber)),
        ("versicherten", Is(P::HealthPlanNumber)),
        ("account", Is(P::AccountNumber)),
        ("acct", Is(P::AccountNumber)),
        ("iban", Is(P::AccountNumber)),
        ("sort code", Is(P::AccountNumber)),
        ("routing", Is(P::AccountNumber)),
        ("konto", Is(P::AccountNumber)),
        ("customer number", Is(P::AccountNumber)),
        ("customer no", Is(P::AccountNumber)),
        ("customer id", Is(P::AccountNumber)),
        ("driver", Is(P::LicenceNumber)),
        ("driving", Is(P::LicenceNumber)),
        ("license", Is(P::LicenceNumber)),
        ("licence", Is(P::LicenceNumber)),
        ("certificate", Is(P::LicenceNumber)),
        ("gmc", Is(P::LicenceNumber)),
        ("nmc", Is(P::LicenceNumber)),
        ("gphc", Is(P::LicenceNumber)),
        ("dea number", Is(P::LicenceNumber)),
        ("führerschein", Is(P::LicenceNumber)),
        ("npi", Is(P::NationalProviderIdentifier)),
        ("provider number", Is(P::NationalProviderIdentifier)),
        ("number plate", Is(P::VehicleIdentifier)),
        ("license plate", Is(P::VehicleIdentifier)),
        ("licence plate", Is(P::VehicleIdentifier)),
        ("plate", Is(P::VehicleIdentifier)),
        ("vin ", Is(P::VehicleIdentifier)),
        ("vin:", Is(P::VehicleIdentifier)),
        ("car reg", Is(P::VehicleIdentifier)),
        ("vehicle", Is(P::VehicleIdentifier)),
        ("kennzeichen", Is(P::VehicleIdentifier)),
        ("serial", Is(P::DeviceIdentifier)),
        ("device id", Is(P::DeviceIdentifier)),
        ("udi", Is(P::DeviceIdentifier)),
        ("imei", Is(P::DeviceIdentifier)),
        ("s/n", Is(P::DeviceIdentifier)),
        ("pump number", Is(P::DeviceIdentifier)),
        ("implant number", Is(P::DeviceIdentifier)),
        ("pacemaker id", Is(P::DeviceIdentifier)),
        ("fingerprint", Is(P::BiometricIdentifier)),
        ("biometric", Is(P::BiometricIdentifier)),
        ("voiceprint", Is(P::BiometricIdentifier)),
        ("retina scan", Is(P::BiometricIdentifier)),
        ("passport", Is(P::Passport)),
        ("reisepass", Is(P::Passport)),
        ("passeport", Is(P::Passport)),
        ("pasaporte", Is(P::Passport)),
        ("national insurance", Is(P::NationalIdentifier)),
        ("ni number", Is(P::NationalIdentifier)),
        ("nino", Is(P::NationalIdentifier)),
        ("national id", Is(P::NationalIdentifier)),
        ("identity card", Is(P::NationalIdentifier)),
        ("id card", Is(P::NationalIdentifier)),
        ("personalausweis", Is(P::NationalIdentifier)),
        ("tax id", Is(P::NationalIdentifier)),
        ("tax number", Is(P::NationalIdentifier)),
        ("steuer", Is(P::NationalIdentifier)),
        ("dni", Is(P::NationalIdentifier)),
        ("bsn", Is(P::NationalIdentifier)),
        ("codice fiscale", Is(P::NationalIdentifier)),
        ("pesel", Is(P::NationalIdentifier)),
        ("personnummer", Is(P::NationalIdentifier)),
        ("cpf", Is(P::NationalIdentifier)),
        ("sécurité sociale", Is(P::NationalIdentifier)),
        ("aadhaar", Is(P::NationalIdentifier)),
        ("zip", Is(P::PostalCode)),
        ("postcode", Is(P::PostalCode)),
        ("post code", Is(P::PostalCode)),
        ("postal code", Is(P::PostalCode)),
        ("postleitzahl", Is(P::PostalCode)),
        ("plz", Is(P::PostalCode)),
        ("code postal", Is(P::PostalCode)),
        ("case number", Is(P::OtherIdentifier)),
        ("case ref", Is(P::OtherIdentifier)),
        ("reference number", Is(P::OtherIdentifier)),
        ("ref no", Is(P::OtherIdentifier)),
        ("ref:", Is(P::OtherIdentifier)),
        ("order number", Is(P::OtherIdentifier)),
        ("order no", Is(P::OtherIdentifier)),
        ("employee", Is(P::OtherIdentifier)),
        ("staff id", Is(P::OtherIdentifier)),
        ("user id", Is(P::OtherIdentifier)),
        ("id number", Is(P::OtherIdentifier)),
        ("id no", Is(P::OtherIdentifier)),
        ("my id", Is(P::OtherIdentifier)),
        ("id:", Is(P::OtherIdentifier)),
        ("id is", Is(P::OtherIdentifier)),
        ("study number", Is(P::OtherIdentifier)),
        ("subject number", Is(P::OtherIdentifier)),
        ("booking", Is(P::OtherIdentifier)),
        ("job number", Is(P::OtherIdentifier)),
        ("incident number", Is(P::OtherIdentifier)),
        ("complaint number", Is(P::OtherIdentifier)),
        ("ticket", Is(P::OtherIdentifier)),
        ("lot ", Harmless),
        ("batch", Harmless),
        ("ndc", Harmless),
        ("platelet", Harmless),
        ("engl j med", Harmless),
        ("lancet", Harmless),
        ("pmid", Harmless),
        ("doi", Harmless),
        ("count", Harmless),
        ("dose", Harmless),
        ("unit", Harmless),
        ("loinc", Harmless),
        ("icd", Harmless),
    ]
};

/// The automaton over [`CUES`].
#[derive(Debug, Clone)]
pub(crate) struct Context {
    automaton: AhoCorasick,
}

impl Context {
    pub(crate) fn new() -> Result<Context, aho_corasick::BuildError> {
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::DFA))
            .build(CUES.iter().map(|(cue, _)| cue))?;
        Ok(Context { automaton })
    }

    /// What the words before byte `start` say; `None` when they say nothing.
    pub(crate) fn before(&self, text: &str, start: usize) -> Option<Hint> {
        let from = text.floor_char_boundary(start.saturating_sub(WINDOW_BYTES));
        let window = &text[from..start];
        let mut nearest = None;
        for found in self
            .automaton
            .find_iter(window)
            .filter(|found| begins_word(window, found.start()))
        {
            let hint = CUES[found.pattern().as_usize()].1;
            // A lot or a dose is named right before its number; "Unit 5 …" lines above say nothing.
            let between = &window[found.end()..];
            if hint != Hint::Harmless
                || (between.len() <= HARMLESS_BYTES && !between.contains('\n'))
            {
                nearest = Some(hint);
            }
        }
        nearest
    }

    /// "office", "fax", "mobile" straight after a number, as on a business card.
    pub(crate) fn after(&self, text: &str, end: usize) -> Option<Hint> {
        let to = text.ceil_char_boundary((end + 10).min(text.len()));
        let window = text[end..to].trim_start_matches([' ', '-', '(', '/']);
        let starts = |word: &str| {
            window
                .get(..word.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(word))
        };
        if starts("fax") {
            return Some(Hint::Is(PersonalDataClass::Fax));
        }
        ["office", "mobile", "home", "cell", "tel", "work"]
            .into_iter()
            .any(starts)
            .then_some(Hint::Is(PersonalDataClass::Phone))
    }
}

/// Cues match whole words at their beginning: "discard" is no card.
fn begins_word(window: &str, start: usize) -> bool {
    start == 0 || !window.as_bytes()[start - 1].is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_cue_decides() {
        let context = Context::new().unwrap();
        let hint = |text: &str| context.before(text, text.len());
        assert_eq!(
            hint("my driver's license number is "),
            Some(Hint::Is(PersonalDataClass::LicenceNumber))
        );
        assert_eq!(
            hint("call about my passport "),
            Some(Hint::Is(PersonalDataClass::Passport))
        );
        assert_eq!(hint("they discard "), None);
        assert_eq!(
            context.after("123 4567-Fax", 8),
            Some(Hint::Is(PersonalDataClass::Fax))
        );
    }
}
