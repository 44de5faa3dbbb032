//! The kinds of personal data we look for, and what a finding is.
//!
//! The list is the 18 identifiers of the HIPAA safe harbor (45 CFR 164.514(b)(2)) joined with the direct identifiers
//! that matter under the GDPR. One class has one placeholder, so that text stays readable ("[NAME] rang [PHONE]")
//! and a later rule change can be compared class by class (N08).

use std::borrow::Cow;

/// A kind of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PersonalDataClass {
    /// HIPAA A: names of people.
    Name,
    /// HIPAA B: street, building, secondary address.
    Address,
    /// HIPAA B: a place smaller than a state, such as a town; coordinates.
    Place,
    /// HIPAA B: postal codes.
    PostalCode,
    /// HIPAA C: dates finer than a year.
    Date,
    /// HIPAA C: ages over 89.
    Age,
    /// HIPAA D: telephone numbers.
    Phone,
    /// HIPAA E: fax numbers.
    Fax,
    /// HIPAA F: e-mail addresses.
    Email,
    /// HIPAA G: US social security numbers.
    SocialSecurityNumber,
    /// HIPAA H: medical record and hospital numbers.
    MedicalRecordNumber,
    /// HIPAA H: the English, Welsh and Manx NHS number.
    NhsNumber,
    /// HIPAA I: health plan beneficiary numbers.
    HealthPlanNumber,
    /// HIPAA J: bank and customer account numbers, IBAN.
    AccountNumber,
    /// HIPAA J: payment cards.
    PaymentCard,
    /// HIPAA K: certificate and licence numbers, such as a driving licence.
    LicenceNumber,
    /// HIPAA K: the US national provider identifier.
    NationalProviderIdentifier,
    /// HIPAA L: vehicle identifiers and plates.
    VehicleIdentifier,
    /// HIPAA M: device identifiers and serial numbers.
    DeviceIdentifier,
    /// HIPAA N: web addresses.
    Url,
    /// HIPAA O: network addresses.
    IpAddress,
    /// HIPAA P: references to biometric records.
    BiometricIdentifier,
    /// HIPAA Q: photographs, by file name.
    Photo,
    /// GDPR: national identity and tax numbers of other countries.
    NationalIdentifier,
    /// GDPR: passport numbers.
    Passport,
    /// GDPR: online handles.
    Handle,
    /// HIPAA R: any other unique number or code.
    OtherIdentifier,
}

impl PersonalDataClass {
    /// Every class.
    pub const ALL: [PersonalDataClass; 27] = [
        PersonalDataClass::Name,
        PersonalDataClass::Address,
        PersonalDataClass::Place,
        PersonalDataClass::PostalCode,
        PersonalDataClass::Date,
        PersonalDataClass::Age,
        PersonalDataClass::Phone,
        PersonalDataClass::Fax,
        PersonalDataClass::Email,
        PersonalDataClass::SocialSecurityNumber,
        PersonalDataClass::MedicalRecordNumber,
        PersonalDataClass::NhsNumber,
        PersonalDataClass::HealthPlanNumber,
        PersonalDataClass::AccountNumber,
        PersonalDataClass::PaymentCard,
        PersonalDataClass::LicenceNumber,
        PersonalDataClass::NationalProviderIdentifier,
        PersonalDataClass::VehicleIdentifier,
        PersonalDataClass::DeviceIdentifier,
        PersonalDataClass::Url,
        PersonalDataClass::IpAddress,
        PersonalDataClass::BiometricIdentifier,
        PersonalDataClass::Photo,
        PersonalDataClass::NationalIdentifier,
        PersonalDataClass::Passport,
        PersonalDataClass::Handle,
        PersonalDataClass::OtherIdentifier,
    ];

    /// The word for records and metrics, lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            PersonalDataClass::Name => "name",
            PersonalDataClass::Address => "address",
            PersonalDataClass::Place => "place",
            PersonalDataClass::PostalCode => "postal_code",
            PersonalDataClass::Date => "date",
            PersonalDataClass::Age => "age",
            PersonalDataClass::Phone => "phone",
            PersonalDataClass::Fax => "fax",
            PersonalDataClass::Email => "email",
            PersonalDataClass::SocialSecurityNumber => "social_security_number",
            PersonalDataClass::MedicalRecordNumber => "medical_record_number",
            PersonalDataClass::NhsNumber => "nhs_number",
            PersonalDataClass::HealthPlanNumber => "health_plan_number",
            PersonalDataClass::AccountNumber => "account_number",
            PersonalDataClass::PaymentCard => "payment_card",
            PersonalDataClass::LicenceNumber => "licence_number",
            PersonalDataClass::NationalProviderIdentifier => "national_provider_identifier",
            PersonalDataClass::VehicleIdentifier => "vehicle_identifier",
            PersonalDataClass::DeviceIdentifier => "device_identifier",
            PersonalDataClass::Url => "url",
            PersonalDataClass::IpAddress => "ip_address",
            PersonalDataClass::BiometricIdentifier => "biometric_identifier",
            PersonalDataClass::Photo => "photo",
            PersonalDataClass::NationalIdentifier => "national_identifier",
            PersonalDataClass::Passport => "passport",
            PersonalDataClass::Handle => "handle",
            PersonalDataClass::OtherIdentifier => "other_identifier",
        }
    }

    /// What stands in the redacted text instead.
    #[must_use]
    pub const fn placeholder(self) -> &'static str {
        match self {
            PersonalDataClass::Name => "[NAME]",
            PersonalDataClass::Address => "[ADDRESS]",
            PersonalDataClass::Place => "[PLACE]",
            PersonalDataClass::PostalCode => "[POSTAL_CODE]",
            PersonalDataClass::Date => "[DATE]",
            PersonalDataClass::Age => "[AGE]",
            PersonalDataClass::Phone => "[PHONE]",
            PersonalDataClass::Fax => "[FAX]",
            PersonalDataClass::Email => "[EMAIL]",
            PersonalDataClass::SocialSecurityNumber => "[SOCIAL_SECURITY_NUMBER]",
            PersonalDataClass::MedicalRecordNumber => "[MEDICAL_RECORD_NUMBER]",
            PersonalDataClass::NhsNumber => "[NHS_NUMBER]",
            PersonalDataClass::HealthPlanNumber => "[HEALTH_PLAN_NUMBER]",
            PersonalDataClass::AccountNumber => "[ACCOUNT_NUMBER]",
            PersonalDataClass::PaymentCard => "[PAYMENT_CARD]",
            PersonalDataClass::LicenceNumber => "[LICENCE_NUMBER]",
            PersonalDataClass::NationalProviderIdentifier => "[NATIONAL_PROVIDER_IDENTIFIER]",
            PersonalDataClass::VehicleIdentifier => "[VEHICLE_IDENTIFIER]",
            PersonalDataClass::DeviceIdentifier => "[DEVICE_IDENTIFIER]",
            PersonalDataClass::Url => "[URL]",
            PersonalDataClass::IpAddress => "[IP_ADDRESS]",
            PersonalDataClass::BiometricIdentifier => "[BIOMETRIC_IDENTIFIER]",
            PersonalDataClass::Photo => "[PHOTO]",
            PersonalDataClass::NationalIdentifier => "[NATIONAL_IDENTIFIER]",
            PersonalDataClass::Passport => "[PASSPORT]",
            PersonalDataClass::Handle => "[HANDLE]",
            PersonalDataClass::OtherIdentifier => "[IDENTIFIER]",
        }
    }
}

/// One piece of personal data: a class and a byte span of the original text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// What it is.
    pub class: PersonalDataClass,
}

/// A text without its personal data. Borrows the input when nothing was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted<'a> {
    /// The text with placeholders.
    pub text: Cow<'a, str>,
    /// What was replaced: in order, never overlapping, on character boundaries of the original text.
    pub findings: Vec<Finding>,
}

impl Redacted<'_> {
    /// Where a span of the original text lies in the redacted one. An end inside something that was replaced moves outward, to
    /// the placeholder's.
    #[must_use]
    pub fn moved(&self, (start, end): (u32, u32)) -> (u32, u32) {
        let place = |position: u32, is_end: bool| {
            let mut moved = i64::from(position);
            for finding in &self.findings {
                let placeholder = finding.class.placeholder().len() as i64;
                let grown = placeholder - i64::from(finding.end - finding.start);
                if finding.end <= position {
                    moved += grown;
                } else if finding.start < position {
                    let into = i64::from(position - finding.start);
                    moved += if is_end { placeholder } else { 0 } - into;
                }
            }
            moved.max(0) as u32
        };
        (place(start, false), place(end, true))
    }
}

/// Sorts findings, lets the longer of two overlapping ones win (the earlier on a tie), and joins neighbours of one
/// address that only white space or commas part.
pub(crate) fn settle(findings: &mut Vec<Finding>, text: &str) {
    if findings.is_empty() {
        return;
    }
    findings.sort_by_key(|finding| (finding.start, std::cmp::Reverse(finding.end)));
    let mut settled: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings.drain(..) {
        match settled.last_mut() {
            Some(last) if finding.start < last.end => {
                // Overlap: the union is hidden, under the class of the longer part.
                if finding.end > last.end {
                    if finding.end - finding.start > last.end - last.start {
                        last.class = finding.class;
                    }
                    last.end = finding.end;
                }
            }
            Some(last) if joins(last, &finding, text) => last.end = finding.end,
            _ => settled.push(finding),
        }
    }
    *findings = settled;
}

fn joins(left: &Finding, right: &Finding, text: &str) -> bool {
    let joinable = matches!(
        left.class,
        PersonalDataClass::Address | PersonalDataClass::Name
    );
    let between = &text.as_bytes()[left.end as usize..right.start as usize];
    let separator = |byte: &u8| {
        byte.is_ascii_whitespace() || (*byte == b',' && left.class == PersonalDataClass::Address)
    };
    joinable
        && left.class == right.class
        && between.len() <= 8
        && between.iter().all(separator)
        && !(left.class == PersonalDataClass::Name && between.contains(&b'\n'))
}

/// Writes the text with placeholders.
pub(crate) fn render<'a>(text: &'a str, findings: &[Finding]) -> Cow<'a, str> {
    if findings.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut redacted = String::with_capacity(text.len() + 16 * findings.len());
    let mut from = 0;
    for finding in findings {
        redacted.push_str(&text[from..finding.start as usize]);
        redacted.push_str(finding.class.placeholder());
        from = finding.end as usize;
    }
    redacted.push_str(&text[from..]);
    Cow::Owned(redacted)
}
