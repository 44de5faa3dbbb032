//! Why an input was refused: a stable code, the place, and the reason.
//!
//! One flat list of codes beats an enum with payloads here: the code travels in dead letters, metrics, pages
//! and documents, and outlives the code that produced it. A reason never repeats customer text, because it
//! is shown to people and logged; the original bytes stay in the dead letter alone.

/// Declares the codes together with what each means and what to do, so that the document cannot lag.
macro_rules! error_codes {
    ($($variant:ident = $text:literal, $cause:literal, $remedy:literal;)+) => {
        /// A stable error code. Codes are never renamed or reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ErrorCode { $(#[doc = $cause] $variant),+ }

        impl ErrorCode {
            /// Every code, in the order of the document.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant),+];

            /// The code as written in dead letters, metrics and documents.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$variant => $text),+ }
            }

            /// The code spelled `text`, if any.
            #[must_use]
            pub fn parse(text: &str) -> Option<ErrorCode> {
                match text { $($text => Some(ErrorCode::$variant),)+ _ => None }
            }

            /// What causes it, in one line.
            #[must_use]
            pub const fn cause(self) -> &'static str {
                match self { $(ErrorCode::$variant => $cause),+ }
            }

            /// What to do about it, in one line.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(ErrorCode::$variant => $remedy),+ }
            }
        }
    };
}

error_codes! {
    CeBatch = "CE_BATCH", "The message is a CloudEvents batch (an array of events).", "Send one event per record; over HTTP, post the array to the batch address.";
    CeVersion = "CE_VERSION", "`specversion` is not 1.0.", "Send CloudEvents 1.0.";
    CeMissingAttribute = "CE_MISSING_ATTRIBUTE", "A CloudEvents attribute that is needed is absent or empty.", "Set the attribute named in `place`.";
    CeAttributeInvalid = "CE_ATTRIBUTE_INVALID", "A CloudEvents attribute has a value that cannot be read.", "Correct the attribute named in `place`.";
    CeContentType = "CE_CONTENT_TYPE", "The payload is not JSON by its content type.", "Send `application/json` in binary mode or `application/cloudevents+json` in structured mode.";
    EventEmpty = "EVENT_EMPTY", "The record has no payload.", "Send the event's data; a tombstone has no meaning on this topic.";
    EventTooLarge = "EVENT_TOO_LARGE", "The payload is larger than 1 MiB.", "Keep the text in a vault and send its address in `dataref`.";
    Utf8 = "UTF8", "The payload or a header is not UTF-8.", "Encode the text as UTF-8 before sending.";
    JsonSyntax = "JSON_SYNTAX", "The payload is not well-formed JSON, or is cut short.", "Check the sender's serialiser and any size limit on the way.";
    JsonType = "JSON_TYPE", "A field has the wrong JSON type.", "Send the type the schema names for the field in `place`.";
    FieldMissing = "FIELD_MISSING", "A required field is absent or empty.", "Send the field named in `place`.";
    IdentifierInvalid = "IDENTIFIER_INVALID", "An identifier is longer than 128 bytes, or holds more than letters, digits and `._:-`.", "Name it with these alone.";
    FieldTwice = "FIELD_TWICE", "A field stands twice in one object.", "Send it once.";
    EnumUnknown = "ENUM_UNKNOWN", "A word is not in the closed list of its field.", "Use a word of the schema, or `other` or `unknown` where the list has it.";
    NumberOutOfRange = "NUMBER_OUT_OF_RANGE", "A number, span or weight is outside its range.", "Send a value in the range the schema names.";
    TimeInvalid = "TIME_INVALID", "A time is not RFC 3339 with an offset.", "Send for example 2026-05-04T09:12:00Z.";
    TimeOutOfRange = "TIME_OUT_OF_RANGE", "A time lies before 1970 or after 2199.", "Correct the sender's clock or the unit of the time.";
    TimeInFuture = "TIME_IN_FUTURE", "The event claims to have happened later than the clock allows.", "Correct the sender's clock or time zone, then replay the dead letter.";
    TextTooLong = "TEXT_TOO_LONG", "A text is longer than 64 KiB.", "Keep the text in a vault and send its address in `dataref`.";
    ListTooLong = "LIST_TOO_LONG", "A list has more than 1,000 entries.", "Split the event.";
    TypeUnknown = "TYPE_UNKNOWN", "The event's `type` is not one this topic carries.", "Send the type to its own topic, or correct it.";
    SchemaUnknown = "SCHEMA_UNKNOWN", "The registry id of the payload's schema is not known here.", "Register the schema, and add its id to the settings.";
    Framing = "FRAMING", "The schema registry prefix or header is cut short or of an unknown kind.", "Send plain JSON, or a prefix of magic byte 0 and 4 bytes, or 1 and 16 bytes.";
    ClassificationRefused = "CLASSIFICATION_REFUSED", "This consumer may not hold data of that classification or audience.", "Send it to a topic whose audience may hold it.";
    TenantUnknown = "TENANT_UNKNOWN", "The event names no tenant, or one that is not set up here.", "Set `tenantid`, or a `source` of the form /tenants/{t}/sources/{s}.";
    Base64 = "BASE64", "Bytes of a dead letter cannot be read back.", "The dead letter was altered; take the original from the source topic.";
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An input refused: which rule, where, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code} at {place:?}: {reason}; {}", code.remedy())]
pub struct WireError {
    /// Stable code.
    pub code: ErrorCode,
    /// JSON pointer into the document as received, or the header's name; empty for the whole.
    pub place: String,
    /// Reason, without customer text.
    pub reason: String,
}

impl WireError {
    /// An error of `code` at `place`.
    pub fn new(code: ErrorCode, place: impl Into<String>, reason: impl Into<String>) -> WireError {
        WireError {
            code,
            place: place.into(),
            reason: reason.into(),
        }
    }
}

/// The document of all codes, as `docs/error-codes.md` holds it.
#[must_use]
pub fn error_codes_document() -> String {
    let mut page = String::from(
        "# Error codes\n\nEvery input that is refused becomes a dead letter with one of these codes, the place and the reason.\n\
         Codes are stable: never renamed, never reused. This page is written from `ErrorCode::ALL` and checked by a test\n\
         (`AUSCULT_BLESS=1 cargo test -p auscult-wire` writes it anew).\n\n| code | cause | what to do |\n|---|---|---|\n",
    );
    for code in ErrorCode::ALL {
        page.push_str(&format!(
            "| `{}` | {} | {} |\n",
            code.as_str(),
            code.cause(),
            code.remedy()
        ));
    }
    page
}
