//! One or more texts for each of the 18 safe-harbor identifiers and the GDPR's, and the terms that must stay.

use auscult_language::privacy::{PersonalDataClass as P, Redactor};

/// Text, the piece that must go, its class.
const MUST_GO: &[(&str, &str, P)] = &[
    (
        "My name is Ngozi Adebayo and I need help.",
        "Ngozi Adebayo",
        P::Name,
    ),
    (
        "Dr Wojciechowska was very kind.",
        "Dr Wojciechowska",
        P::Name,
    ),
    (
        "Thanks to Siobhan and Mateusz from the night shift.",
        "Mateusz",
        P::Name,
    ),
    ("I spoke to Priya at the desk.", "Priya", P::Name),
    (
        "Sent from 14 Larch Avenue, Leeds",
        "14 Larch Avenue",
        P::Address,
    ),
    (
        "Wir wohnen in der Gartenstraße 12",
        "Gartenstraße 12",
        P::Address,
    ),
    ("Our postcode is LS6 3QH.", "LS6 3QH", P::PostalCode),
    ("zip code 94110", "94110", P::PostalCode),
    ("Admitted 03/11/2024 with pain.", "03/11/2024", P::Date),
    ("She was born on 5 June 1951.", "5 June 1951", P::Date),
    ("geboren am 3. Oktober 1990", "3. Oktober 1990", P::Date),
    ("My father is 94 years old.", "94", P::Age),
    ("A 91-year-old woman rang.", "91", P::Age),
    ("She is over 90 years old now.", "90", P::Age),
    ("Age: 95, weight 60 kg.", "95", P::Age),
    ("My gran is ninety-four years old.", "ninety-four", P::Age),
    ("Ring me on 07700 900123 please", "07700 900123", P::Phone),
    ("call +49 30 901820", "+49 30 901820", P::Phone),
    ("(555) 010-9999 is my cell", "(555) 010-9999", P::Phone),
    ("Fax: 0191 498 0000", "0191 498 0000", P::Fax),
    (
        "write to j.o'neil+nhs@example.co.uk",
        "j.o'neil+nhs@example.co.uk",
        P::Email,
    ),
    ("SSN 219-09-9999", "219-09-9999", P::SocialSecurityNumber),
    (
        "my social security number is 219099999",
        "219099999",
        P::SocialSecurityNumber,
    ),
    ("MRN: 00481516", "00481516", P::MedicalRecordNumber),
    (
        "hospital number RX4815162",
        "RX4815162",
        P::MedicalRecordNumber,
    ),
    (
        "my NHS number is 943 476 5919",
        "943 476 5919",
        P::NhsNumber,
    ),
    ("Patient 9434765919 attended", "9434765919", P::NhsNumber),
    ("member ID W2384-55231", "W2384-55231", P::HealthPlanNumber),
    ("policy number 55120987", "55120987", P::HealthPlanNumber),
    ("account number 12345678", "12345678", P::AccountNumber),
    (
        "IBAN DE89 3704 0044 0532 0130 00",
        "DE89 3704 0044 0532 0130 00",
        P::AccountNumber,
    ),
    (
        "paid with 4111 1111 1111 1111",
        "4111 1111 1111 1111",
        P::PaymentCard,
    ),
    (
        "driving licence MORGA657054SM9IJ",
        "MORGA657054SM9IJ",
        P::LicenceNumber,
    ),
    ("GMC 7012345 signed it", "7012345", P::LicenceNumber),
    (
        "NPI 1234567893",
        "1234567893",
        P::NationalProviderIdentifier,
    ),
    (
        "the car, VIN 1M8GDM9AXKP042788",
        "1M8GDM9AXKP042788",
        P::VehicleIdentifier,
    ),
    ("number plate AB12345", "AB12345", P::VehicleIdentifier),
    (
        "pump serial number SN83-22911",
        "SN83-22911",
        P::DeviceIdentifier,
    ),
    (
        "see https://example.org/p/jane?id=7",
        "https://example.org/p/jane?id=7",
        P::Url,
    ),
    (
        "my blog is www.my-crohns.example.com",
        "www.my-crohns.example.com",
        P::Url,
    ),
    (
        "logged in from 192.168.20.14",
        "192.168.20.14",
        P::IpAddress,
    ),
    (
        "from 2001:db8:85a3::8a2e:370:7334",
        "2001:db8:85a3::8a2e:370:7334",
        P::IpAddress,
    ),
    (
        "fingerprint id 88213-AA",
        "88213-AA",
        P::BiometricIdentifier,
    ),
    ("photo attached: rash_jane.jpg", "rash_jane.jpg", P::Photo),
    (
        "my NI number is QQ 12 34 56 C",
        "QQ 12 34 56 C",
        P::NationalIdentifier,
    ),
    ("mi DNI es 12345678Z", "12345678Z", P::NationalIdentifier),
    ("PESEL 44051401359", "44051401359", P::NationalIdentifier),
    ("passport 925076473", "925076473", P::Passport),
    ("@sickofthis77 has the same", "@sickofthis77", P::Handle),
    (
        "ticket 6fa459ea-ee8a-3ca4-894e-db77e160355e",
        "6fa459ea-ee8a-3ca4-894e-db77e160355e",
        P::OtherIdentifier,
    ),
    ("case number 20241133", "20241133", P::OtherIdentifier),
];

/// Nothing may go from these (N07).
const MUST_STAY: &[&str] = &[
    "Humira 40 mg every 2 weeks, then 80 mg; HbA1c 48 mmol/mol, eGFR 62.",
    "Stevens-Johnson syndrome after carbamazepine 400 mg.",
    "Crohn's disease, Hashimoto's thyroiditis and Parkinson's disease are listed.",
    "Vitamin B12 1000 mcg, CD4 count 350, HLA-B27 positive, INR 2.5.",
    "Platelets 150000/mm3, WBC 7300, creatinine 1.2 mg/dL.",
    "Lot AB12345 of the pen was faulty.",
    "A 62-year-old man took 2 tablets at 10:30 for 14 days.",
    "Between 2004 and 2012 we treated 1250 patients.",
    "The driver was 45 minutes late on Monday.",
    "Dexcom G7 sensor, FreeStyle Libre 2 and the Omnipod leak.",
    "Blood pressure 120/80, pulse 72, temperature 38.5.",
    "I rate it 8/10, would recommend.",
    "The injection hurt. Then nothing happened.",
    "The average was 94, and for 92 years nothing changed.",
    "She is 89 years old and sees well.",
    "None.",
];

#[test]
fn every_identifier_goes_under_its_class() {
    let redactor = Redactor::standard();
    let mut wrong = Vec::new();
    for (text, piece, class) in MUST_GO {
        let start = text.find(piece).expect("the piece is in its text") as u32;
        let found = redactor.find(text);
        if !found.iter().any(|finding| {
            finding.class == *class
                && finding.start <= start
                && finding.end >= start + piece.len() as u32
        }) {
            wrong.push((text, class, found));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}: {wrong:#?}",
        wrong.len(),
        MUST_GO.len()
    );
}

#[test]
fn every_safe_harbor_letter_has_a_text() {
    // 45 CFR 164.514(b)(2)(i), (A) to (R).
    let letters: [(char, &[P]); 18] = [
        ('A', &[P::Name]),
        ('B', &[P::Address, P::PostalCode]),
        ('C', &[P::Date, P::Age]),
        ('D', &[P::Phone]),
        ('E', &[P::Fax]),
        ('F', &[P::Email]),
        ('G', &[P::SocialSecurityNumber]),
        ('H', &[P::MedicalRecordNumber]),
        ('I', &[P::HealthPlanNumber]),
        ('J', &[P::AccountNumber]),
        ('K', &[P::LicenceNumber]),
        ('L', &[P::VehicleIdentifier]),
        ('M', &[P::DeviceIdentifier]),
        ('N', &[P::Url]),
        ('O', &[P::IpAddress]),
        ('P', &[P::BiometricIdentifier]),
        ('Q', &[P::Photo]),
        ('R', &[P::OtherIdentifier]),
    ];
    let missing: Vec<char> = letters
        .iter()
        .filter(|(_, classes)| {
            !classes
                .iter()
                .all(|class| MUST_GO.iter().any(|(_, _, known)| known == class))
        })
        .map(|(letter, _)| *letter)
        .collect();
    assert!(missing.is_empty(), "no text for {missing:?}");
}

#[test]
fn terms_and_quantities_stay() {
    let redactor = Redactor::standard();
    let changed: Vec<String> = MUST_STAY
        .iter()
        .map(|text| (text, redactor.redact(text)))
        .filter(|(text, redacted)| redacted.text != **text)
        .map(|(_, redacted)| redacted.text.into_owned())
        .collect();
    assert!(changed.is_empty(), "{changed:#?}");
}

#[test]
fn placeholders_are_typed_and_the_rest_is_untouched() {
    let redacted = Redactor::standard()
        .redact("Please ring Maria Lopez on 07700 900123, she has Crohn's disease.");
    assert_eq!(
        redacted.text,
        "Please ring [NAME] on [PHONE], she has Crohn's disease."
    );
    assert_eq!(redacted.findings.len(), 2);
}

#[test]
fn redacting_twice_changes_nothing_more() {
    // N08: stored text is run again under newer rules; what is already a placeholder must stay one.
    let redactor = Redactor::standard();
    for (text, _, _) in MUST_GO {
        let once = redactor.redact(text).text.into_owned();
        let twice = redactor.redact(&once).text.into_owned();
        assert_eq!(once, twice, "from {text:?}");
    }
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        /// Any text at all: spans lie on character boundaries, in order, apart; the rest of the text is kept; same answer twice.
        #[test]
        fn findings_are_well_formed(text in "\\PC{0,120}|[0-9 .()+/x-]{0,40}|[A-Za-z0-9@.:/ '’-]{0,80}") {
            let redactor = shared();
            let redacted = redactor.redact(&text);
            let mut last = 0;
            for finding in &redacted.findings {
                prop_assert!(finding.start < finding.end && finding.start >= last);
                prop_assert!(text.is_char_boundary(finding.start as usize) && text.is_char_boundary(finding.end as usize));
                last = finding.end;
            }
            prop_assert_eq!(&redacted, &redactor.redact(&text));
            if redacted.findings.is_empty() {
                prop_assert_eq!(redacted.text.as_ref(), text.as_str());
            }
        }

        /// A planted number of a fixed form never survives, whatever stands around it.
        #[test]
        fn planted_identifiers_never_survive(before in "[a-z]{0,12}( [a-z]{1,9}){0,3}", after in "( [a-z]{1,9}){0,3}", digits in "[0-9]{6}") {
            let redactor = shared();
            for planted in [format!("a{digits}@mail.example.com"), format!("https://example.org/{digits}"), format!("+44 7700 {digits}"), format!("219-09-{}", &digits[..4])] {
                let text = format!("{before} {planted}{after}");
                let redacted = redactor.redact(&text);
                prop_assert!(!redacted.text.contains(&planted), "{}", redacted.text);
            }
        }
    }

    fn shared() -> &'static Redactor {
        static REDACTOR: std::sync::OnceLock<Redactor> = std::sync::OnceLock::new();
        REDACTOR.get_or_init(Redactor::standard)
    }
}
