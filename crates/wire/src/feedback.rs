//! `feedback.received.v1`: one customer utterance, as received.
//!
//! Strict where a wrong value would mislead (closed words, times), tolerant where a source merely says more
//! than we know: unknown fields are kept in `extra` under their dotted path, never dropped.

use std::borrow::Cow;

use auscult_core::time::Timestamp;
use auscult_core::words::{
    Channel, ConsentBasis, ContentFormat, FeedbackKind, Origin, PrivacyState, Setting,
    Solicitation, SourceType, Stakeholder, Tier,
};

use crate::envelope::{Encoded, Envelope, Headers};
use crate::error::{ErrorCode, WireError};
use crate::event::{Event, Reading, decode_event, encode_event, encode_structured};
use crate::extra::Extra;
use crate::framing::SchemaRegistry;
use crate::record::record;

/// The event's type.
pub const FEEDBACK_RECEIVED: &str = "io.auscult.feedback.received.v1";
/// Address of its schema.
pub const FEEDBACK_SCHEMA: &str = "https://auscult.example/schemas/feedback/1.0.json";

/// A feedback event: attributes and data.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedbackEvent<'a> {
    /// Attributes.
    pub envelope: Envelope<'a>,
    /// Data.
    pub data: Feedback<'a>,
}

record! {
    /// One customer utterance, as received from a source.
    pub struct Feedback<'a> {
        /// Stable in the source; a correction has a new event id and the same feedback id.
        required "feedback_id" feedback_id: Cow<'a, str>,
        /// What kind of record it is.
        required "kind" kind: FeedbackKind,
        /// Where it came from.
        required "source" source: Source<'a>,
        /// How the words reached us.
        optional "channel" channel: Option<Channel>,
        /// When it was said; equals the attribute `time`.
        required "occurred_at" occurred_at: Timestamp,
        /// First knowledge by anyone acting for the company: the day-0 anchor, never rewritten.
        required "awareness" awareness: Awareness<'a>,
        /// Whether somebody asked.
        required "solicitation" solicitation: Solicitation,
        /// Who speaks.
        required "respondent" respondent: Respondent<'a>,
        /// What it is about.
        optional "about" about: About<'a>,
        /// What was said.
        required "content" content: Content<'a>,
        /// The denominator.
        optional "exposure" exposure: Option<Exposure<'a>>,
        /// What it may be used for.
        required "consent" consent: Consent<'a>,
        /// State of personal data in the text.
        required "privacy" privacy: Privacy<'a>,
        /// Other records it belongs to.
        optional "links" links: Links<'a>,
        /// Synthetic probe: counted apart, hidden from people.
        optional "canary" canary: bool,
        /// Unknown fields of the source, kept as they stood.
        optional "extra" extra: Extra<'a>,
    }
}

record! {
    /// The system that delivered the feedback; the three together name the feed.
    pub struct Source<'a> {
        /// System, such as `crm`.
        required "system" system: Cow<'a, str>,
        /// Instance of the system, such as `eu`.
        optional "instance" instance: Cow<'a, str>,
        /// Type of source.
        required "type" kind: SourceType,
    }
}

record! {
    /// First knowledge by anyone acting for the company.
    pub struct Awareness<'a> {
        /// When.
        required "at" at: Timestamp,
        /// Function that learnt of it, such as `medical`.
        optional "by_function" by_function: Cow<'a, str>,
        /// `company`, `agent` or the partner's name.
        optional "by_organisation" by_organisation: Cow<'a, str>,
    }
}

record! {
    /// Who speaks.
    pub struct Respondent<'a> {
        /// Pseudonym, or null when unknown; never a name.
        optional "ref" reference: Option<Cow<'a, str>>,
        /// Kind of respondent.
        required "type" kind: Stakeholder,
        /// Reach of an expert.
        optional "tier" tier: Option<Tier>,
        /// Medical specialty.
        optional "specialty" specialty: Cow<'a, str>,
        /// Place of care or work.
        optional "setting" setting: Option<Setting>,
        /// Organisation, by reference.
        optional "org_ref" organisation: Cow<'a, str>,
        /// ISO 3166-1 alpha-2.
        optional "country" country: Cow<'a, str>,
        /// ISO 3166-2 or the source's own region.
        optional "region" region: Cow<'a, str>,
    }
}

record! {
    /// What it is about, as far as the source says.
    #[derive(Default)]
    pub struct About<'a> {
        /// Product codes.
        optional "products" products: Vec<Cow<'a, str>>,
        /// Indication codes.
        optional "indications" indications: Vec<Cow<'a, str>>,
        /// Setting spoken about, which need not be the respondent's.
        optional "setting" setting: Option<Setting>,
        /// Stage of a journey.
        optional "journey" journey: Option<Journey<'a>>,
        /// Event spoken about, such as a congress.
        optional "event_ref" event: Option<Cow<'a, str>>,
    }
}

record! {
    /// A stage of a journey.
    pub struct Journey<'a> {
        /// Journey.
        required "id" id: Cow<'a, str>,
        /// Version of the journey's map.
        optional "version" version: Cow<'a, str>,
        /// Stage.
        optional "stage" stage: Cow<'a, str>,
    }
}

record! {
    /// What was said.
    pub struct Content<'a> {
        /// Shape of it.
        required "format" format: ContentFormat,
        /// Words, at most 64 KiB; longer texts stay in a vault behind `dataref`.
        optional "text" text: Cow<'a, str>,
        /// ISO 639-1 code declared by the source.
        optional "language" language: Cow<'a, str>,
        /// Ratings and other numbers.
        optional "measures" measures: Vec<RatingMeasure<'a>>,
        /// Codes of chosen answers.
        optional "choices" choices: Vec<Cow<'a, str>>,
        /// How the text came to be text.
        optional "origin" origin: Option<Origin>,
        /// How sure the recogniser or translator was, 0 to 1.
        optional "origin_confidence" origin_confidence: Option<f64>,
    }
}

record! {
    /// One number on its scale.
    pub struct RatingMeasure<'a> {
        /// Code of the question, such as `nps`.
        required "code" code: Cow<'a, str>,
        /// Value.
        required "value" value: f64,
        /// Worst value of the scale.
        optional "min" least: Option<f64>,
        /// Best value of the scale.
        optional "max" greatest: Option<f64>,
    }
}

record! {
    /// The denominator: out of how many.
    pub struct Exposure<'a> {
        /// Sampling frame.
        optional "frame" frame: Cow<'a, str>,
        /// People invited.
        optional "invited" invited: Option<u32>,
        /// Weight of this answer.
        optional "weight" weight: Option<f64>,
    }
}

record! {
    /// What the feedback may be used for.
    pub struct Consent<'a> {
        /// Legal basis.
        required "basis" basis: ConsentBasis,
        /// Purposes agreed to.
        optional "purposes" purposes: Vec<Cow<'a, str>>,
        /// Whether the person may be contacted.
        optional "may_contact" may_contact: bool,
        /// Address of the contact in the vault.
        optional "contact_vault_ref" contact_vault: Option<Cow<'a, str>>,
    }
}

record! {
    /// State of personal data in the text.
    pub struct Privacy<'a> {
        /// Whether personal data are still there.
        required "state" state: PrivacyState,
        /// Classes of personal data found.
        optional "classes_found" classes_found: Vec<Cow<'a, str>>,
        /// Rules that looked.
        optional "ruleset" ruleset: Cow<'a, str>,
    }
}

record! {
    /// Other records this one belongs to.
    #[derive(Default)]
    pub struct Links<'a> {
        /// Feedback it repeats.
        optional "duplicate_of" duplicate_of: Option<Cow<'a, str>>,
        /// Thread it is part of; items of one thread count once.
        optional "thread" thread: Option<Cow<'a, str>>,
        /// Feedback it replaces.
        optional "replaces" replaces: Option<Cow<'a, str>>,
    }
}

impl<'a> FeedbackEvent<'a> {
    /// When this record was made: the attribute `recordedtime`; where a source does not say, `time`; where it
    /// says neither, the moment the feedback occurred.
    #[must_use]
    pub fn recorded_at(&self) -> Timestamp {
        self.envelope
            .recorded_time
            .or(self.envelope.time)
            .unwrap_or(self.data.occurred_at)
    }

    /// The feed, `system/instance/type`: a silent feed is not a silent customer.
    #[must_use]
    pub fn feed(&self) -> String {
        let source = &self.data.source;
        format!("{}/{}/{}", source.system, source.instance, source.kind)
    }

    /// Key in the log, `tenant|source|feedback_id`: duplicates and corrections meet in one partition.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        if let Some(key) = &self.envelope.partition_key {
            return key.as_bytes().to_vec();
        }
        format!(
            "{}|{}|{}",
            self.envelope.tenant().unwrap_or_default(),
            self.envelope.source_name(),
            self.data.feedback_id
        )
        .into_bytes()
    }
}

impl Feedback<'_> {
    fn check(&self, root: &str) -> Result<(), WireError> {
        let refuse = |code, place: &str, reason: &str| {
            Err(WireError::new(code, format!("{root}/{place}"), reason))
        };
        if self.feedback_id.is_empty() {
            return refuse(ErrorCode::FieldMissing, "feedback_id", "the id is empty");
        }
        if self.source.system.is_empty() {
            return refuse(
                ErrorCode::FieldMissing,
                "source/system",
                "the system is empty",
            );
        }
        if self
            .content
            .origin_confidence
            .is_some_and(|share| !(0.0..=1.0).contains(&share))
        {
            return refuse(
                ErrorCode::NumberOutOfRange,
                "content/origin_confidence",
                "a confidence lies between 0 and 1",
            );
        }
        if self
            .exposure
            .as_ref()
            .and_then(|exposure| exposure.weight)
            .is_some_and(|weight| weight < 0.0)
        {
            return refuse(
                ErrorCode::NumberOutOfRange,
                "exposure/weight",
                "a weight is not negative",
            );
        }
        for (index, measure) in self.content.measures.iter().enumerate() {
            if let (Some(least), Some(greatest)) = (measure.least, measure.greatest)
                && least >= greatest
            {
                return refuse(
                    ErrorCode::NumberOutOfRange,
                    &format!("content/measures/{index}/max"),
                    "a scale ends above where it begins",
                );
            }
        }
        Ok(())
    }
}

/// Reads a feedback event: binary form (`ce_` headers), structured form, or structured JSON without any
/// headers; plain or with a schema registry's prefix or header.
///
/// # Errors
/// [`WireError`] with a stable code, the place and a reason without customer text.
pub fn decode_feedback<'a>(
    headers: &'a Headers,
    value: &'a [u8],
    registry: &SchemaRegistry,
) -> Result<FeedbackEvent<'a>, WireError> {
    let reading = Reading {
        types: &[FEEDBACK_RECEIVED],
        keep_unknown: true,
        registry,
    };
    let Event {
        envelope,
        mut data,
        unknown,
        root,
    } = decode_event::<Feedback<'a>>(headers, value, reading)?;
    data.extra.fields.extend(unknown);
    data.check(root)?;
    Ok(FeedbackEvent { envelope, data })
}

/// The binary form.
#[must_use]
pub fn encode_feedback(event: &FeedbackEvent<'_>) -> Encoded {
    encode_event(event.key(), &event.envelope, &event.data)
}

/// The structured form: one JSON document.
#[must_use]
pub fn encode_feedback_structured(event: &FeedbackEvent<'_>) -> Vec<u8> {
    encode_structured(&event.envelope, &event.data)
}
