//! A mention: one feedback event after Listen, redacted and understood.
//!
//! Everything the detector may look at is here, and nothing else: raw text and person identity stop in
//! Listen. Strings are borrowed from the log record where they can be; the machine interns what it keeps.

use crate::time::Timestamp;
use crate::words::{Channel, Setting, SourceType, Stakeholder, Stance, Tier};
pub use auscult_language::near_duplicate::{Signature, VERSION as SIGNATURE_VERSION};
use std::borrow::Cow;

/// One feedback event, redacted and understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Mention<'a> {
    /// Tenant the feedback belongs to.
    pub tenant: Cow<'a, str>,
    /// Set of series judged together; also the Kafka key. By default `tenant|country`.
    pub portfolio: Cow<'a, str>,
    /// CloudEvents `source` and `id` of the feedback event: unique together.
    pub event_source: Cow<'a, str>,
    /// CloudEvents `id` of the feedback event.
    pub event_id: Cow<'a, str>,
    /// Stable id in the source: a correction has a new `event_id` and the same `feedback_id`.
    pub feedback_id: Cow<'a, str>,
    /// When it was said. Decides the bucket.
    pub occurred_at: Timestamp,
    /// When the record was made. Of two records with one `feedback_id` the later one counts.
    pub recorded_at: Timestamp,
    /// Watermark of the event's source partition just before this event. Decides, the same way
    /// whatever the interleaving of partitions, whether the event was late.
    pub watermark: Timestamp,
    /// The feed that delivered it, `system/instance/type`: a silent feed is not a silent customer.
    pub feed: Cow<'a, str>,
    /// Who and where.
    pub who: Who<'a>,
    /// What about.
    pub about: About<'a>,
    /// Redacted text, empty if none.
    pub text: Cow<'a, str>,
    /// ISO 639-1 code found or declared, empty if unknown.
    pub language: Cow<'a, str>,
    /// Themes found, with the feeling toward each. Sorted by theme, no theme twice.
    pub themes: Vec<ThemeTag<'a>>,
    /// What the text says of belief statements. Sorted by belief, no belief twice.
    pub stances: Vec<StanceTag<'a>>,
    /// Overall feeling in −1000 … 1000 (thousandths, so that sums are exact); `None` if there is no text to judge.
    pub sentiment: Option<i16>,
    /// The main rating mapped to 0 (worst) … 1000 (best); `None` if none was given.
    pub rating: Option<u16>,
    /// Items of one `thread` (reposts, rows of one incident) count once per series and bucket.
    pub thread: Option<Cow<'a, str>>,
    /// What near-duplicates are found by; `None`: too short to say, withheld, or made by another version.
    pub signature: Option<Signature>,
    /// Whether safety triage made a candidate of it. Such text is never quoted.
    pub safety_candidate: bool,
    /// Whether it is a medical question: counted, never quoted in the shared projection.
    pub medical_request: bool,
    /// Synthetic probe: counted apart, hidden from people.
    pub canary: bool,
    /// Fields of the source that views may cut by (`extra.<key>`). Sorted by key.
    pub extra: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Models and rule sets that made the enrichments, as `kind:name@version`, sorted.
    pub models: Vec<Cow<'a, str>>,
}

/// Who speaks and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who<'a> {
    /// Keyed pseudonym, `None` if unknown.
    pub person: Option<Cow<'a, str>>,
    /// Kind of respondent.
    pub stakeholder: Stakeholder,
    /// Expert tier.
    pub tier: Tier,
    /// Medical specialty, empty if unknown.
    pub specialty: Cow<'a, str>,
    /// Setting of the respondent.
    pub setting: Option<Setting>,
    /// Organisation reference, empty if unknown.
    pub organisation: Cow<'a, str>,
    /// ISO 3166 country, empty if unknown.
    pub country: Cow<'a, str>,
    /// Region within the country, empty if unknown.
    pub region: Cow<'a, str>,
    /// Channel.
    pub channel: Option<Channel>,
    /// Source type.
    pub source: SourceType,
}

/// What it is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct About<'a> {
    /// Product codes, sorted, no code twice.
    pub products: Vec<Cow<'a, str>>,
    /// Indication codes, sorted, no code twice.
    pub indications: Vec<Cow<'a, str>>,
    /// Journey id, empty if none.
    pub journey: Cow<'a, str>,
    /// Stage within the journey, empty if none.
    pub stage: Cow<'a, str>,
}

/// One theme found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThemeTag<'a> {
    /// Theme id of the taxonomy, such as `access.prior_authorisation`.
    pub theme: Cow<'a, str>,
    /// Feeling toward this theme in thousandths, −1000 … 1000.
    pub sentiment: Option<i16>,
    /// Byte ranges in `text` that showed it.
    pub spans: Vec<(u32, u32)>,
}

/// What a text says of one belief statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StanceTag<'a> {
    /// Belief id, such as `early-treatment`.
    pub belief: Cow<'a, str>,
    /// What is said.
    pub stance: Stance,
}

impl StanceTag<'_> {
    /// As the dimension `stance` cuts by it: `early-treatment:supports`.
    #[must_use]
    pub fn value(&self) -> String {
        format!("{}:{}", self.belief, self.stance)
    }
}
