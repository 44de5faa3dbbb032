//! `mention.understood.v1` and `marker.advanced.v1`: what Listen hands to Detect, and the hot path of the boundary.
//!
//! Compact on purpose: the record is read again by every Detect instance and every replay. The envelope's `id` and
//! `source` carry the feedback event's own (they are unique together, so a mention needs no id of its own), and
//! enrichments are fields of the data instead of the contract's general `enrichments[]` list: naming model, version and
//! confidence per theme tripled the record and was read by nobody; the models stand once in `models`.

use std::borrow::Cow;

use auscult_core::input::Marker;
use auscult_core::mention::{About, Mention, StanceTag, ThemeTag, Who};
use auscult_core::time::Timestamp;
use auscult_core::words::{Channel, Setting, SourceType, Stakeholder, Stance, Tier};

use crate::MAX_EVENT_BYTES;
use crate::compact::encode_compact;
use crate::envelope::{Encoded, Headers, JSON, header_text};
use crate::error::{ErrorCode, WireError};
use crate::event::{decode_json, encode_json};
use crate::field::Pairs;
use crate::record::record;
use crate::signature;

/// Type of a mention event.
pub const MENTION_UNDERSTOOD: &str = "io.auscult.mention.understood.v1";
/// Type of a marker event.
pub const MARKER_ADVANCED: &str = "io.auscult.marker.advanced.v1";

/// Least and greatest sentiment, in thousandths.
const SENTIMENT: std::ops::RangeInclusive<i16> = -1_000..=1_000;
/// Room made for a mention beside its text: what most need.
const MENTION_BYTES: usize = 1_024;
/// Greatest rating, in thousandths.
const RATING: u16 = 1_000;

record! {
    /// One feedback event after Listen: redacted and understood.
    pub struct MentionData<'a> {
        /// Tenant.
        required "tenant" tenant: Cow<'a, str>,
        /// Portfolio: set of series judged together; also the key.
        required "portfolio" portfolio: Cow<'a, str>,
        /// Stable id in the source.
        required "feedback_id" feedback_id: Cow<'a, str>,
        /// When it was said.
        required "occurred_at" occurred_at: Timestamp,
        /// When the record was made.
        required "recorded_at" recorded_at: Timestamp,
        /// Watermark of the source partition just before this event; absent when it had none yet.
        optional "watermark" watermark: Option<Timestamp>,
        /// Feed, `system/instance/type`.
        required "feed" feed: Cow<'a, str>,
        /// Type of source.
        required "source" source: SourceType,
        /// Keyed pseudonym of the person.
        optional "person" person: Option<Cow<'a, str>>,
        /// Kind of respondent.
        required "stakeholder" stakeholder: Stakeholder,
        /// Expert tier; absent means `na`.
        optional "tier" tier: Option<Tier>,
        /// Medical specialty.
        optional "specialty" specialty: Cow<'a, str>,
        /// Setting of the respondent.
        optional "setting" setting: Option<Setting>,
        /// Organisation, by reference.
        optional "organisation" organisation: Cow<'a, str>,
        /// Country.
        optional "country" country: Cow<'a, str>,
        /// Region.
        optional "region" region: Cow<'a, str>,
        /// Channel.
        optional "channel" channel: Option<Channel>,
        /// Product codes, sorted.
        optional "products" products: Cow<'a, [Cow<'a, str>]>,
        /// Indication codes, sorted.
        optional "indications" indications: Cow<'a, [Cow<'a, str>]>,
        /// Journey.
        optional "journey" journey: Cow<'a, str>,
        /// Stage of the journey.
        optional "stage" stage: Cow<'a, str>,
        /// Redacted text.
        optional "text" text: Cow<'a, str>,
        /// ISO 639-1 code.
        optional "language" language: Cow<'a, str>,
        /// Themes, sorted.
        optional "themes" themes: Vec<ThemeData<'a>>,
        /// What the text says of belief statements, sorted by belief; absent where no beliefs are set or none is spoken of.
        optional "stances" stances: Vec<StanceData<'a>>,
        /// Feeling, −1000 to 1000; absent when there is no text to judge.
        optional "sentiment" sentiment: Option<i16>,
        /// Main rating, 0 (worst) to 1000 (best).
        optional "rating" rating: Option<u16>,
        /// Thread.
        optional "thread" thread: Option<Cow<'a, str>>,
        /// What near-duplicates are found by: version, full stop, 64 minima of 16 bits in base64; absent for short and for
        /// withheld text.
        optional "signature" signature: Option<Cow<'a, str>>,
        /// Whether safety triage made a candidate of it.
        optional "safety_candidate" safety_candidate: bool,
        /// Whether it is a medical question.
        optional "medical_request" medical_request: bool,
        /// Synthetic probe.
        optional "canary" canary: bool,
        /// Fields of the source that views may cut by.
        optional "extra" extra: Pairs<Cow<'a, str>>,
        /// Models and rule sets behind the enrichments, `kind:name@version`.
        optional "models" models: Cow<'a, [Cow<'a, str>]>,
    }
}

record! {
    /// One theme found in the text.
    pub struct ThemeData<'a> {
        /// Theme id of the taxonomy.
        required "theme" theme: Cow<'a, str>,
        /// Feeling toward it, −1000 to 1000.
        optional "sentiment" sentiment: Option<i16>,
        /// Byte spans of the text that showed it.
        optional "spans" spans: Cow<'a, [(u32, u32)]>,
    }
}

record! {
    /// What the text says of one belief statement.
    pub struct StanceData<'a> {
        /// Belief id of the house's belief file.
        required "belief" belief: Cow<'a, str>,
        /// What is said of it.
        required "stance" stance: Stance,
    }
}

record! {
    /// How far one source partition has come.
    pub struct MarkerData<'a> {
        /// Source partition, `topic/partition`.
        required "source_partition" source_partition: Cow<'a, str>,
        /// No event before this moment is still on time; absent when the partition has said nothing yet.
        optional "watermark" watermark: Option<Timestamp>,
        /// How many source partitions there are.
        required "source_partitions" source_partitions: u32,
        /// History is being loaded: notify nobody.
        optional "backfill" backfill: bool,
    }
}

/// One record of the mentions topic.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every record is a mention; boxing it would cost an allocation each"
)]
pub enum MentionRecord<'a> {
    /// A mention.
    Mention(Mention<'a>),
    /// A marker.
    Marker(Marker),
}

/// Header of a mention that was rewritten: when. Without it the record is as Listen made it.
pub const RECORDED_TIME: &str = "ce_recordedtime";

/// Watermarks before any event are written as absent.
fn known(watermark: Timestamp) -> Option<Timestamp> {
    (watermark >= crate::time::EARLIEST).then_some(watermark)
}

fn headers(kind: &str, id: &str, source: &str) -> Headers {
    let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    vec![
        header("ce_specversion", "1.0"),
        header("ce_type", kind),
        header("ce_id", id),
        header("ce_source", source),
        header("ce_dataclassification", "confidential"),
        header("content-type", JSON),
    ]
}

/// Writes a mention; the key is the portfolio.
#[must_use]
pub fn encode_mention(mention: &Mention<'_>) -> Encoded {
    // Clones of borrowed text are pointers; of owned text they cost, which Listen pays once an event.
    let data = MentionData {
        tenant: borrow(&mention.tenant),
        portfolio: borrow(&mention.portfolio),
        feedback_id: borrow(&mention.feedback_id),
        occurred_at: mention.occurred_at,
        recorded_at: mention.recorded_at,
        watermark: known(mention.watermark),
        feed: borrow(&mention.feed),
        source: mention.who.source,
        person: mention.who.person.as_ref().map(borrow),
        stakeholder: mention.who.stakeholder,
        tier: (mention.who.tier != Tier::NotApplicable).then_some(mention.who.tier),
        specialty: borrow(&mention.who.specialty),
        setting: mention.who.setting,
        organisation: borrow(&mention.who.organisation),
        country: borrow(&mention.who.country),
        region: borrow(&mention.who.region),
        channel: mention.who.channel,
        products: Cow::Borrowed(&mention.about.products),
        indications: Cow::Borrowed(&mention.about.indications),
        journey: borrow(&mention.about.journey),
        stage: borrow(&mention.about.stage),
        text: borrow(&mention.text),
        language: borrow(&mention.language),
        themes: mention.themes.iter().map(theme_data).collect(),
        stances: mention.stances.iter().map(stance_data).collect(),
        sentiment: mention.sentiment,
        rating: mention.rating,
        thread: mention.thread.as_ref().map(borrow),
        signature: mention.signature.as_ref().map(signature::written),
        safety_candidate: mention.safety_candidate,
        medical_request: mention.medical_request,
        canary: mention.canary,
        extra: Pairs(
            mention
                .extra
                .iter()
                .map(|(name, value)| (borrow(name), borrow(value)))
                .collect(),
        ),
        models: Cow::Borrowed(&mention.models),
    };
    Encoded {
        key: mention.portfolio.as_bytes().to_vec(),
        headers: headers(MENTION_UNDERSTOOD, &mention.event_id, &mention.event_source),
        value: Some(encode_compact(&data, MENTION_BYTES + mention.text.len())),
    }
}

/// Writes a mention whose text was redacted again at `rewritten_at`: the same event, understood as before, with a later
/// `recordedtime`. What the record says of when the feedback was recorded stays: of two versions the same one counts.
#[must_use]
pub fn encode_rewritten_mention(mention: &Mention<'_>, rewritten_at: Timestamp) -> Encoded {
    let mut encoded = encode_mention(mention);
    encoded.headers.push((
        RECORDED_TIME.to_owned(),
        crate::time::format(rewritten_at).into_bytes(),
    ));
    encoded
}

#[expect(
    clippy::ptr_arg,
    reason = "lists of it are mapped by this function, so it takes what they hold"
)]
fn borrow<'b>(text: &'b Cow<'_, str>) -> Cow<'b, str> {
    Cow::Borrowed(text.as_ref())
}

fn theme_data<'b>(tag: &'b ThemeTag<'_>) -> ThemeData<'b> {
    ThemeData {
        theme: borrow(&tag.theme),
        sentiment: tag.sentiment,
        spans: Cow::Borrowed(&tag.spans),
    }
}

fn stance_data<'b>(tag: &'b StanceTag<'_>) -> StanceData<'b> {
    StanceData {
        belief: borrow(&tag.belief),
        stance: tag.stance,
    }
}

/// Writes a marker. It goes to every partition of the mentions topic, so the key only says what it is.
#[must_use]
pub fn encode_marker(marker: &Marker) -> Encoded {
    let data = MarkerData {
        source_partition: Cow::Borrowed(&marker.source_partition),
        watermark: known(marker.watermark),
        source_partitions: marker.source_partitions,
        backfill: marker.backfill,
    };
    // One partition's watermark never goes back, so partition and watermark name the marker; the same one
    // written again after a crash has the same id.
    let id = format!("{}@{}", marker.source_partition, marker.watermark.0);
    Encoded {
        key: b"marker".to_vec(),
        headers: headers(MARKER_ADVANCED, &id, "/listen"),
        value: Some(encode_json(&data)),
    }
}

/// Reads a record of the mentions topic.
///
/// # Errors
/// [`WireError`] for everything that is refused.
pub fn decode_mention_record<'a>(
    headers: &'a Headers,
    value: &'a [u8],
) -> Result<MentionRecord<'a>, WireError> {
    let mut attributes = Attributes::default();
    for (name, value) in headers {
        match name.as_str() {
            "ce_type" => attributes.kind = header_text(name, value)?,
            "ce_id" => attributes.id = header_text(name, value)?,
            "ce_source" => attributes.source = header_text(name, value)?,
            _ => {}
        }
    }
    if value.len() > MAX_EVENT_BYTES {
        return Err(WireError::new(
            ErrorCode::EventTooLarge,
            "",
            format!("{} bytes, at most {MAX_EVENT_BYTES}", value.len()),
        ));
    }
    let json = std::str::from_utf8(value).map_err(|error| {
        WireError::new(
            ErrorCode::Utf8,
            "",
            format!("not UTF-8 from byte {}", error.valid_up_to()),
        )
    })?;
    match attributes.kind {
        MENTION_UNDERSTOOD => {
            mention_from(attributes, decode_json(json, "", false)?.0).map(MentionRecord::Mention)
        }
        MARKER_ADVANCED => Ok(MentionRecord::Marker(marker_from(
            decode_json(json, "", false)?.0,
        ))),
        "" => Err(WireError::new(
            ErrorCode::CeMissingAttribute,
            "ce_type",
            "CloudEvents attribute `type` is required",
        )),
        _ => Err(WireError::new(
            ErrorCode::TypeUnknown,
            "ce_type",
            format!("this topic carries {MENTION_UNDERSTOOD}, {MARKER_ADVANCED}"),
        )),
    }
}

/// Reads a mention; a marker is refused.
///
/// # Errors
/// [`WireError`] for everything that is refused.
pub fn decode_mention<'a>(headers: &'a Headers, value: &'a [u8]) -> Result<Mention<'a>, WireError> {
    match decode_mention_record(headers, value)? {
        MentionRecord::Mention(mention) => Ok(mention),
        MentionRecord::Marker(_) => Err(WireError::new(
            ErrorCode::TypeUnknown,
            "ce_type",
            format!("expected {MENTION_UNDERSTOOD}"),
        )),
    }
}

#[derive(Default)]
struct Attributes<'a> {
    kind: &'a str,
    id: &'a str,
    source: &'a str,
}

fn marker_from(data: MarkerData<'_>) -> Marker {
    Marker {
        source_partition: data.source_partition.into_owned(),
        watermark: data.watermark.unwrap_or(Timestamp::MIN),
        source_partitions: data.source_partitions,
        backfill: data.backfill,
    }
}

fn mention_from<'a>(
    attributes: Attributes<'a>,
    data: MentionData<'a>,
) -> Result<Mention<'a>, WireError> {
    for (name, value) in [("ce_id", attributes.id), ("ce_source", attributes.source)] {
        if value.is_empty() {
            return Err(WireError::new(
                ErrorCode::CeMissingAttribute,
                name,
                "the feedback event's own value is required",
            ));
        }
    }
    check(&data)?;
    let signature = match data.signature.as_deref().map(signature::read) {
        None => None,
        Some(Ok(signature)) => signature,
        Some(Err(reason)) => {
            return Err(WireError::new(
                ErrorCode::NumberOutOfRange,
                "/signature",
                reason,
            ));
        }
    };
    Ok(Mention {
        tenant: data.tenant,
        portfolio: data.portfolio,
        event_source: Cow::Borrowed(attributes.source),
        event_id: Cow::Borrowed(attributes.id),
        feedback_id: data.feedback_id,
        occurred_at: data.occurred_at,
        recorded_at: data.recorded_at,
        watermark: data.watermark.unwrap_or(Timestamp::MIN),
        feed: data.feed,
        who: Who {
            person: data.person,
            stakeholder: data.stakeholder,
            tier: data.tier.unwrap_or(Tier::NotApplicable),
            specialty: data.specialty,
            setting: data.setting,
            organisation: data.organisation,
            country: data.country,
            region: data.region,
            channel: data.channel,
            source: data.source,
        },
        about: About {
            products: sorted(data.products.into_owned()),
            indications: sorted(data.indications.into_owned()),
            journey: data.journey,
            stage: data.stage,
        },
        text: data.text,
        language: data.language,
        themes: sorted_themes(data.themes),
        stances: sorted_stances(data.stances),
        sentiment: data.sentiment,
        rating: data.rating,
        thread: data.thread,
        signature,
        safety_candidate: data.safety_candidate,
        medical_request: data.medical_request,
        canary: data.canary,
        extra: sorted_extra(data.extra.0),
        models: sorted(data.models.into_owned()),
    })
}

/// What the core takes for granted is made sure of here: ranges, and spans that can be cut out of the text.
fn check(data: &MentionData<'_>) -> Result<(), WireError> {
    let refuse = |place: String, reason: &str| {
        Err(WireError::new(ErrorCode::NumberOutOfRange, place, reason))
    };
    if data
        .sentiment
        .is_some_and(|value| !SENTIMENT.contains(&value))
    {
        return refuse("/sentiment".to_owned(), "not in -1000..=1000");
    }
    if data.rating.is_some_and(|value| value > RATING) {
        return refuse("/rating".to_owned(), "not in 0..=1000");
    }
    for (index, tag) in data.themes.iter().enumerate() {
        if tag
            .sentiment
            .is_some_and(|value| !SENTIMENT.contains(&value))
        {
            return refuse(format!("/themes/{index}/sentiment"), "not in -1000..=1000");
        }
        if tag
            .spans
            .iter()
            .any(|(from, to)| data.text.get(*from as usize..*to as usize).is_none())
        {
            return refuse(
                format!("/themes/{index}/spans"),
                "a span lies outside the text or inside a character",
            );
        }
    }
    Ok(())
}

fn sorted<'a>(mut list: Vec<Cow<'a, str>>) -> Vec<Cow<'a, str>> {
    if !list.is_sorted_by(|a, b| a < b) {
        list.sort_unstable();
        list.dedup();
    }
    list
}

fn sorted_themes(themes: Vec<ThemeData<'_>>) -> Vec<ThemeTag<'_>> {
    let mut tags: Vec<ThemeTag<'_>> = themes
        .into_iter()
        .map(|tag| ThemeTag {
            theme: tag.theme,
            sentiment: tag.sentiment,
            spans: tag.spans.into_owned(),
        })
        .collect();
    if !tags.is_sorted_by(|a, b| a.theme < b.theme) {
        tags.sort_by(|a, b| a.theme.cmp(&b.theme));
        tags.dedup_by(|a, b| a.theme == b.theme);
    }
    tags
}

fn sorted_stances(stances: Vec<StanceData<'_>>) -> Vec<StanceTag<'_>> {
    let mut tags: Vec<StanceTag<'_>> = stances
        .into_iter()
        .map(|tag| StanceTag {
            belief: tag.belief,
            stance: tag.stance,
        })
        .collect();
    if !tags.is_sorted_by(|a, b| a.belief < b.belief) {
        tags.sort_by(|a, b| a.belief.cmp(&b.belief));
        tags.dedup_by(|a, b| a.belief == b.belief);
    }
    tags
}

fn sorted_extra<'a>(
    mut pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
    if !pairs.is_sorted_by(|a, b| a.0 < b.0) {
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.dedup_by(|a, b| a.0 == b.0);
    }
    pairs
}
