//! CloudEvents 1.0 around every event: attributes, and the binary and structured forms over the log.
//!
//! Binary mode on output: headers can be routed and refused without opening the body, the payload stays plain
//! JSON, and a message without data is a true tombstone on compacted topics. Both modes are read.

use std::borrow::Cow;

use auscult_core::time::Timestamp;
use auscult_core::words::Severity;

use crate::error::{ErrorCode, WireError};
use crate::field::{time_reason, unknown_word};
use crate::time;
use crate::words::{Audience, DataCategory, DataClassification, Word};

/// Headers of a record, in order.
pub type Headers = Vec<(String, Vec<u8>)>;

/// Prefix of CloudEvents attributes among the headers of the log.
pub const HEADER_PREFIX: &str = "ce_";
/// Content type of a JSON payload in binary mode.
pub const JSON: &str = "application/json";
/// Content type of a structured event.
pub const STRUCTURED_JSON: &str = "application/cloudevents+json";

/// One record ready for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Key: decides the partition.
    pub key: Vec<u8>,
    /// `ce_*` headers and `content-type`.
    pub headers: Headers,
    /// JSON payload; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
}

/// The attributes of one event. Those the specification requires are never empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Envelope<'a> {
    /// Unique within `source`.
    pub id: Cow<'a, str>,
    /// `/tenants/{t}/sources/{s}` or `/tenants/{t}/detectors/{d}`.
    pub source: Cow<'a, str>,
    /// `io.auscult.<entity>.<past verb>.v<major>` (the attribute `type`).
    pub kind: Cow<'a, str>,
    /// Stable id of the entity; a correction is a new event with the same subject.
    pub subject: Option<Cow<'a, str>>,
    /// When it happened.
    pub time: Option<Timestamp>,
    /// When this record was made.
    pub recorded_time: Option<Timestamp>,
    /// Content type of the data; absent means JSON.
    pub data_content_type: Option<Cow<'a, str>>,
    /// Address of the schema, with its version.
    pub data_schema: Option<Cow<'a, str>>,
    /// Tenant.
    pub tenant_id: Option<Cow<'a, str>>,
    /// Equal to the key in the log.
    pub partition_key: Option<Cow<'a, str>>,
    /// Alerts: the revision, zero-padded to ten digits.
    pub sequence: Option<Cow<'a, str>>,
    /// Incident: one thread from alert to outcome.
    pub correlation_id: Option<Cow<'a, str>>,
    /// Id of the event that caused this one.
    pub causation_id: Option<Cow<'a, str>>,
    /// W3C trace context.
    pub trace_parent: Option<Cow<'a, str>>,
    /// How closely the data must be held.
    pub classification: Option<DataClassification>,
    /// Kind of personal data.
    pub category: Option<DataCategory>,
    /// Regulations that apply, such as `GDPR,HIPAA`.
    pub regulation: Option<Cow<'a, str>>,
    /// Who the event is for.
    pub audience: Option<Audience>,
    /// Alerts: severity; its OpenTelemetry number travels beside it.
    pub severity: Option<Severity>,
    /// Address of text or raw data kept elsewhere.
    pub data_ref: Option<Cow<'a, str>>,
    /// Attributes we do not know, kept in order.
    pub extensions: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Envelope<'a> {
    /// Sets attribute `name`; unknown names are kept as extensions.
    ///
    /// # Errors
    /// [`WireError`] when the value cannot be read.
    pub fn set(
        &mut self,
        name: Cow<'a, str>,
        value: Cow<'a, str>,
        place: &str,
    ) -> Result<(), WireError> {
        match name.as_ref() {
            "specversion" if value == "1.0" => {}
            "specversion" => {
                return Err(WireError::new(
                    ErrorCode::CeVersion,
                    place,
                    "the only version read is 1.0",
                ));
            }
            "id" => self.id = value,
            "source" => self.source = value,
            "type" => self.kind = value,
            "subject" => self.subject = Some(value),
            "time" => self.time = Some(moment(&value, place)?),
            "recordedtime" => self.recorded_time = Some(moment(&value, place)?),
            "datacontenttype" => self.data_content_type = Some(value),
            "dataschema" => self.data_schema = Some(value),
            "tenantid" => self.tenant_id = Some(value),
            "partitionkey" => self.partition_key = Some(value),
            "sequence" => self.sequence = Some(value),
            "correlationid" => self.correlation_id = Some(value),
            "causationid" => self.causation_id = Some(value),
            "traceparent" => self.trace_parent = Some(value),
            "dataclassification" => self.classification = Some(word(&value, place)?),
            "datacategory" => self.category = Some(word(&value, place)?),
            "dataregulation" => self.regulation = Some(value),
            "vocaudience" => self.audience = Some(word(&value, place)?),
            "severitytext" => self.severity = Some(word(&value, place)?),
            // Follows from the text; read and checked in `check`, never stored twice.
            "severitynumber" => severity_number(&value, place)?,
            "dataref" => self.data_ref = Some(value),
            _ => self.extensions.push((name, value)),
        }
        Ok(())
    }

    /// Hands every attribute that is set to `each`, in a fixed order, without `specversion` and
    /// `datacontenttype`, which belong to the form.
    pub fn for_each(&self, mut each: impl FnMut(&str, &str)) {
        each("id", &self.id);
        each("source", &self.source);
        each("type", &self.kind);
        let mut text = |name: &str, value: &Option<Cow<'a, str>>| {
            if let Some(value) = value {
                each(name, value);
            }
        };
        text("subject", &self.subject);
        text("time", &self.time.map(|at| time::format(at).into()));
        text(
            "recordedtime",
            &self.recorded_time.map(|at| time::format(at).into()),
        );
        text("dataschema", &self.data_schema);
        text("tenantid", &self.tenant_id);
        text("partitionkey", &self.partition_key);
        text("sequence", &self.sequence);
        text("correlationid", &self.correlation_id);
        text("causationid", &self.causation_id);
        text("traceparent", &self.trace_parent);
        text(
            "dataclassification",
            &self.classification.map(|word| word.as_str().into()),
        );
        text(
            "datacategory",
            &self.category.map(|word| word.as_str().into()),
        );
        text("dataregulation", &self.regulation);
        text(
            "vocaudience",
            &self.audience.map(|word| word.as_str().into()),
        );
        text(
            "severitytext",
            &self.severity.map(|word| word.as_str().into()),
        );
        text(
            "severitynumber",
            &self.severity.map(|word| word.number().to_string().into()),
        );
        text("dataref", &self.data_ref);
        for (name, value) in &self.extensions {
            each(name, value);
        }
    }

    /// Refuses an envelope without the attributes the specification requires.
    ///
    /// # Errors
    /// [`ErrorCode::CeMissingAttribute`].
    pub fn check(&self, prefix: &str) -> Result<(), WireError> {
        for (name, value) in [
            ("id", &self.id),
            ("source", &self.source),
            ("type", &self.kind),
        ] {
            if value.is_empty() {
                let reason = format!("CloudEvents attribute `{name}` is required");
                return Err(WireError::new(
                    ErrorCode::CeMissingAttribute,
                    format!("{prefix}{name}"),
                    reason,
                ));
            }
        }
        match self.data_content_type.as_deref() {
            None => Ok(()),
            Some(kind) if is_json(kind) => Ok(()),
            Some(_) => Err(WireError::new(
                ErrorCode::CeContentType,
                format!("{prefix}datacontenttype"),
                "the data must be JSON",
            )),
        }
    }

    /// Refuses an event of another type than `expected`.
    ///
    /// # Errors
    /// [`ErrorCode::TypeUnknown`].
    pub fn expect_type(&self, expected: &[&str], prefix: &str) -> Result<(), WireError> {
        if expected.contains(&self.kind.as_ref()) {
            return Ok(());
        }
        let reason = format!("this topic carries {}", expected.join(", "));
        Err(WireError::new(
            ErrorCode::TypeUnknown,
            format!("{prefix}type"),
            reason,
        ))
    }

    /// Tenant: `tenantid`, or the tenant that `source` names.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.tenant_id
            .as_deref()
            .or_else(|| self.source.strip_prefix("/tenants/")?.split('/').next())
            .filter(|tenant| !tenant.is_empty())
    }

    /// Last part of `source`: the name of the source or detector.
    #[must_use]
    pub fn source_name(&self) -> &str {
        self.source.rsplit('/').next().unwrap_or(&self.source)
    }

    /// Refuses what a consumer may not hold (N21). An event that does not say counts as restricted: the
    /// careful reading of silence.
    ///
    /// # Errors
    /// [`ErrorCode::ClassificationRefused`].
    pub fn check_holdable(
        &self,
        closest: DataClassification,
        audiences: &[Audience],
    ) -> Result<(), WireError> {
        let classification = self
            .classification
            .unwrap_or(DataClassification::Restricted);
        if classification > closest {
            let reason = format!(
                "the data are {}, this consumer holds at most {}",
                classification.as_str(),
                closest.as_str()
            );
            return Err(WireError::new(
                ErrorCode::ClassificationRefused,
                "dataclassification",
                reason,
            ));
        }
        match self.audience {
            Some(audience) if !audiences.contains(&audience) => {
                let reason = format!(
                    "the audience is {}, which this consumer is not part of",
                    audience.as_str()
                );
                Err(WireError::new(
                    ErrorCode::ClassificationRefused,
                    "vocaudience",
                    reason,
                ))
            }
            _ => Ok(()),
        }
    }

    /// The same envelope, owning its text.
    #[must_use]
    pub fn into_owned(self) -> Envelope<'static> {
        let own = |text: Cow<'a, str>| Cow::<'static, str>::Owned(text.into_owned());
        Envelope {
            id: own(self.id),
            source: own(self.source),
            kind: own(self.kind),
            subject: self.subject.map(own),
            time: self.time,
            recorded_time: self.recorded_time,
            data_content_type: self.data_content_type.map(own),
            data_schema: self.data_schema.map(own),
            tenant_id: self.tenant_id.map(own),
            partition_key: self.partition_key.map(own),
            sequence: self.sequence.map(own),
            correlation_id: self.correlation_id.map(own),
            causation_id: self.causation_id.map(own),
            trace_parent: self.trace_parent.map(own),
            classification: self.classification,
            category: self.category,
            regulation: self.regulation.map(own),
            audience: self.audience,
            severity: self.severity,
            data_ref: self.data_ref.map(own),
            extensions: self
                .extensions
                .into_iter()
                .map(|(name, value)| (own(name), own(value)))
                .collect(),
        }
    }

    /// Headers of the binary form.
    #[must_use]
    pub fn to_headers(&self) -> Headers {
        let mut headers: Headers = Vec::with_capacity(16);
        headers.push(("ce_specversion".to_owned(), b"1.0".to_vec()));
        self.for_each(|name, value| {
            headers.push((format!("{HEADER_PREFIX}{name}"), value.as_bytes().to_vec()))
        });
        headers.push(("content-type".to_owned(), JSON.as_bytes().to_vec()));
        headers
    }

    /// Reads the `ce_` headers of the binary form.
    ///
    /// # Errors
    /// [`WireError`] whose place is the header's name.
    pub fn from_headers(headers: &'a [(String, Vec<u8>)]) -> Result<Envelope<'a>, WireError> {
        let mut envelope = Envelope::default();
        let mut version_seen = false;
        for (header, value) in headers {
            let Some(name) = header.strip_prefix(HEADER_PREFIX) else {
                continue;
            };
            version_seen |= name == "specversion";
            envelope.set(
                Cow::Borrowed(name),
                Cow::Borrowed(header_text(header, value)?),
                header,
            )?;
        }
        if !version_seen {
            return Err(WireError::new(
                ErrorCode::CeMissingAttribute,
                "ce_specversion",
                "CloudEvents attribute `specversion` is required",
            ));
        }
        envelope.check(HEADER_PREFIX)?;
        Ok(envelope)
    }
}

/// Whether a content type names JSON.
#[must_use]
pub fn is_json(content_type: &str) -> bool {
    if content_type == JSON {
        return true;
    }
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == JSON
        || essence == "text/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// The value of a header as text.
///
/// # Errors
/// [`ErrorCode::Utf8`].
pub fn header_text<'a>(name: &str, value: &'a [u8]) -> Result<&'a str, WireError> {
    std::str::from_utf8(value).map_err(|error| {
        WireError::new(
            ErrorCode::Utf8,
            name,
            format!("not UTF-8 from byte {}", error.valid_up_to()),
        )
    })
}

/// The header `name`, compared without regard to case as HTTP and Kafka clients spell it differently.
#[must_use]
pub fn header<'a>(headers: &'a [(String, Vec<u8>)], name: &str) -> Option<&'a [u8]> {
    headers
        .iter()
        .find(|(own, _)| own.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_slice())
}

fn moment(value: &str, place: &str) -> Result<Timestamp, WireError> {
    time::parse(value).map_err(|code| WireError::new(code, place, time_reason(code)))
}

fn word<W: Word>(value: &str, place: &str) -> Result<W, WireError> {
    W::from_word(value)
        .ok_or_else(|| WireError::new(ErrorCode::EnumUnknown, place, unknown_word::<W>(value)))
}

fn severity_number(value: &str, place: &str) -> Result<(), WireError> {
    match value.parse() {
        Ok(1..=24u8) => Ok(()),
        _ => Err(WireError::new(
            ErrorCode::CeAttributeInvalid,
            place,
            "a severity number is an integer from 1 to 24",
        )),
    }
}
