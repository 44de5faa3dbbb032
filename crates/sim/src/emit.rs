//! From an utterance to the bytes on the log: event, form, and faults.

use std::borrow::Cow;

use auscult_core::time::{HOUR, MINUTE, Timestamp};
use auscult_core::words::{
    ConsentBasis, ContentFormat, FeedbackKind, Origin, PrivacyState, Solicitation, Stakeholder,
    Tier,
};
use auscult_wire::envelope::{JSON, STRUCTURED_JSON};
use auscult_wire::feedback::{
    About, Awareness, Consent, Content, FEEDBACK_RECEIVED, FEEDBACK_SCHEMA, Links, Privacy,
    RatingMeasure, Respondent, Source,
};
use auscult_wire::words::{Audience, DataCategory, DataClassification};
use auscult_wire::{
    Encoded, Envelope, Feedback, FeedbackEvent, Headers, encode_feedback,
    encode_feedback_structured,
};

use crate::chance::Chance;
use crate::utterance::Utterance;

/// One record of the feed, in the order it arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedEvent {
    /// Topic.
    pub topic: &'static str,
    /// Key.
    pub key: Vec<u8>,
    /// Headers.
    pub headers: Headers,
    /// Value.
    pub value: Vec<u8>,
    /// When it was said.
    pub event_time: Timestamp,
    /// When it reaches the log.
    pub arrives_at: Timestamp,
}

/// The topic a kind of respondent's feedback goes to.
#[must_use]
pub fn topic_of(stakeholder: Stakeholder) -> &'static str {
    match stakeholder {
        Stakeholder::Hcp | Stakeholder::Pharmacist => "feedback.hcp.v1",
        Stakeholder::Patient | Stakeholder::Caregiver => "feedback.patient.v1",
        _ => "feedback.ecosystem.v1",
    }
}

/// Share of events that arrive in structured form.
const STRUCTURED_SHARE: f64 = 0.25;

/// The record of an utterance.
#[must_use]
pub fn emit(chance: &mut Chance, tenant: &str, said: &Utterance) -> GeneratedEvent {
    let event = event(tenant, said, event_id(chance, said.recorded_at));
    let encoded = encode_feedback(&event);
    let structured = chance.happens(STRUCTURED_SHARE);
    let (headers, value) = if structured {
        (
            vec![(
                "content-type".to_owned(),
                STRUCTURED_JSON.as_bytes().to_vec(),
            )],
            encode_feedback_structured(&event),
        )
    } else {
        (encoded.headers, encoded.value.unwrap_or_default())
    };
    let arrives_at = said
        .recorded_at
        .plus(chance.below((2 * MINUTE) as u64) as i64);
    GeneratedEvent {
        topic: topic_of(said.group.stakeholder),
        key: encoded.key,
        headers,
        value,
        event_time: said.occurred_at,
        arrives_at,
    }
}

/// A UUIDv7 of the moment the record was made.
fn event_id(chance: &mut Chance, at: Timestamp) -> String {
    let random: [u8; 10] = chance.bytes();
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(at.0).unwrap_or(0), &random)
        .into_uuid()
        .to_string()
}

fn event<'u>(tenant: &'u str, said: &'u Utterance, id: String) -> FeedbackEvent<'u> {
    let source_name = format!("{}-{}", said.feed.system, said.country.to_lowercase());
    let patient = matches!(
        said.group.stakeholder,
        Stakeholder::Patient | Stakeholder::Caregiver
    );
    let envelope = Envelope {
        id: id.into(),
        source: format!("/tenants/{tenant}/sources/{source_name}").into(),
        kind: FEEDBACK_RECEIVED.into(),
        subject: Some(format!("feedback/{}", said.feedback_id).into()),
        time: Some(said.occurred_at),
        recorded_time: Some(said.recorded_at),
        data_schema: Some(FEEDBACK_SCHEMA.into()),
        tenant_id: Some(tenant.into()),
        partition_key: Some(format!("{tenant}|{source_name}|{}", said.feedback_id).into()),
        classification: Some(DataClassification::Restricted),
        category: Some(if patient {
            DataCategory::Phi
        } else {
            DataCategory::SensitivePii
        }),
        regulation: Some(
            if said.country == "US" {
                "HIPAA"
            } else {
                "GDPR"
            }
            .into(),
        ),
        audience: Some(Audience::Ops),
        ..Envelope::default()
    };
    FeedbackEvent {
        envelope,
        data: data(said),
    }
}

fn data(said: &Utterance) -> Feedback<'_> {
    let public = said.feed.solicitation == Solicitation::Observed;
    let asked = said.feed.solicitation == Solicitation::Solicited;
    let (thread, repeated) = said
        .repeats
        .as_ref()
        .map(|(thread, first)| (thread.as_str(), first.as_str()))
        .unzip();
    Feedback {
        feedback_id: said.feedback_id.as_str().into(),
        kind: FeedbackKind::Feedback,
        source: Source {
            system: said.feed.system.into(),
            instance: said.country.to_lowercase().into(),
            kind: said.feed.source,
        },
        channel: Some(said.feed.channel),
        occurred_at: said.occurred_at,
        awareness: Awareness {
            // A field note is known when it is said; a social post only when somebody of ours reads it.
            at: if public {
                said.recorded_at
            } else {
                said.occurred_at
            },
            by_function: said.feed.function.into(),
            by_organisation: if said.feed.function == "patient_support" {
                "agent"
            } else {
                "company"
            }
            .into(),
        },
        solicitation: said.feed.solicitation,
        respondent: Respondent {
            reference: Some(said.person.as_str().into()),
            kind: said.group.stakeholder,
            tier: (said.tier != Tier::NotApplicable).then_some(said.tier),
            specialty: said.specialty.into(),
            setting: Some(said.group.setting),
            organisation: said.organisation.as_str().into(),
            country: said.country.into(),
            region: said.region.into(),
        },
        about: About {
            products: vec![said.product.into()],
            ..About::default()
        },
        content: content(said),
        exposure: None,
        consent: Consent {
            basis: match (public, asked) {
                (true, _) => ConsentBasis::PublicSource,
                (_, true) => ConsentBasis::Consent,
                _ => ConsentBasis::LegitimateInterest,
            },
            purposes: vec!["insight".into()],
            may_contact: asked,
            contact_vault: None,
        },
        privacy: Privacy {
            state: PrivacyState::Raw,
            classes_found: Vec::new(),
            ruleset: Cow::Borrowed("none"),
        },
        links: Links {
            duplicate_of: repeated.map(Into::into),
            thread: thread.map(Into::into),
            replaces: None,
        },
        canary: false,
        extra: Default::default(),
    }
}

fn content(said: &Utterance) -> Content<'_> {
    let measures: Vec<RatingMeasure<'_>> = said
        .rating
        .map(|rating| RatingMeasure {
            code: "csat".into(),
            value: f64::from(rating),
            least: Some(1.0),
            greatest: Some(5.0),
        })
        .into_iter()
        .collect();
    Content {
        format: if measures.is_empty() {
            ContentFormat::Text
        } else {
            ContentFormat::Mixed
        },
        text: said.text.as_str().into(),
        language: said.language.into(),
        measures,
        choices: Vec::new(),
        origin: Some(if said.translated {
            Origin::Translated
        } else {
            Origin::Typed
        }),
        origin_confidence: said.translated.then_some(0.9),
    }
}

/// A record that says two organisations have become one.
#[must_use]
pub fn emit_merger(
    chance: &mut Chance,
    tenant: &str,
    said: &Utterance,
    from: &str,
    into: &str,
) -> GeneratedEvent {
    let id = event_id(chance, said.recorded_at);
    let mut event = event(tenant, said, id);
    event.data.kind = FeedbackKind::OrgEvent;
    event.data.content.text = format!("{from} is now part of {into}").into();
    event.data.extra.push_text("merged_from", from);
    event.data.extra.push_text("merged_into", into);
    let Encoded {
        key,
        headers,
        value,
    } = encode_feedback(&event);
    GeneratedEvent {
        topic: topic_of(said.group.stakeholder),
        key,
        headers,
        value: value.unwrap_or_default(),
        event_time: said.occurred_at,
        arrives_at: said.recorded_at,
    }
}

/// The record that corrects an utterance: a new event of the same feedback, made some hours later.
#[must_use]
pub fn emit_correction(chance: &mut Chance, tenant: &str, said: &Utterance) -> GeneratedEvent {
    let mut corrected = said.clone();
    corrected.text = format!("Correction: {}", said.text);
    corrected.recorded_at = said
        .recorded_at
        .plus(HOUR + chance.below((20 * HOUR) as u64) as i64);
    emit(chance, tenant, &corrected)
}

/// Breaks a record: the fault's name, and the record that no reader can read. The words stay in it.
#[must_use]
pub fn break_event(
    chance: &mut Chance,
    mut event: GeneratedEvent,
) -> (&'static str, GeneratedEvent) {
    let fault = *chance.pick(&["cut_short", "unknown_word", "field_missing", "not_utf8"]);
    let json = String::from_utf8_lossy(&event.value).into_owned();
    event.value = match fault {
        // After the words, before the end: `consent` follows `content` in the order of the contract.
        "cut_short" => {
            json.as_bytes()[..json.find("\"consent\"").unwrap_or(json.len() / 2)].to_vec()
        }
        "unknown_word" => json
            .replacen("\"kind\":\"feedback\"", "\"kind\":\"opinion\"", 1)
            .into_bytes(),
        "field_missing" => json
            .replacen("\"solicitation\":", "\"solicitation_was\":", 1)
            .into_bytes(),
        _ => [&json.as_bytes()[..json.len() - 1], &[0xC3, 0x28, b'}']].concat(),
    };
    event.headers.retain(|(name, _)| name != "ce_traceparent");
    debug_assert!(
        event
            .headers
            .iter()
            .any(|(name, value)| name == "content-type"
                && (value == JSON.as_bytes() || value == STRUCTURED_JSON.as_bytes()))
    );
    (fault, event)
}
