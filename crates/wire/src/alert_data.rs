//! The data of an alert event, group by group as the contract has them.

use auscult_core::time::Timestamp;
use auscult_core::words::{
    Caveat, Decision, EvidenceGrade, Horizon, Measure, SignalKind, SignalStatus, StatusReason,
};
use serde::de::{self, Deserializer, Visitor};
use serde::ser::Serializer;

use crate::context::{Context, Place};
use crate::error::ErrorCode;
use crate::field::{Decode, Described, Encode, Pairs, unknown_word};
use crate::record::record;
use crate::shape::Shape;
use crate::words::PeopleBand;

record! {
    /// Everything one alert says. `raised`, `updated`, `resolved` and `retracted` share this shape.
    pub struct AlertData {
        /// Hash of tenant, detector, series and start.
        required "signal_id" signal_id: String,
        /// Grows by one with each alert of this signal, from 1. `(signal_id, revision)` is unique.
        required "revision" revision: u32,
        /// Where the signal stands now.
        required "status" status: SignalStatus,
        /// Why this alert was sent.
        required "status_reason" status_reason: StatusReason,
        /// Revision this one replaces.
        always "supersedes" supersedes: Option<u32>,
        /// What kind of change.
        required "kind" kind: SignalKind,
        /// A few words.
        required "title" title: String,
        /// At most two plain sentences; every number in it is also a field.
        required "why" why: String,
        /// How long it seems to last.
        required "horizon" horizon: Horizon,
        /// Where.
        required "series" series: SeriesData,
        /// First and last moment of the evidence.
        required "window" window: WindowData,
        /// Event time up to which data had been seen.
        required "as_of" as_of: Timestamp,
        /// When revision 1 was raised, in event time.
        required "first_raised_at" first_raised_at: Timestamp,
        /// What was seen in the window.
        required "observed" observed: f64,
        /// What was expected.
        required "expected" expected: f64,
        /// The denominator, where it is known.
        optional "exposure" exposure: Option<ExposureData>,
        /// Interval the observation was expected in.
        required "interval" interval: IntervalData,
        /// Size of the change.
        required "effect" effect: EffectData,
        /// Score for people.
        required "score" score: ScoreData,
        /// Two-sided p-value.
        required "p_value" p_value: f64,
        /// p-value adjusted over the portfolio's series of the bucket.
        required "q_value" q_value: f64,
        /// How many false signals this portfolio is expected to raise in 30 days.
        required "expected_false_per_30d" expected_false_per_30_days: f64,
        /// Who and what the evidence consists of.
        required "evidence" evidence: EvidenceData,
        /// Reasons to read the numbers with care.
        always "caveats" caveats: Vec<Caveat>,
        /// How experts and community differ.
        optional "expert_view" expert_view: Option<ExpertViewData>,
        /// Slices that drove the change, largest first.
        always "drivers" drivers: Vec<DriverData>,
        /// What else belongs to it.
        always "context" context: Vec<ContextData>,
        /// Redacted quotes; always empty in the shared projection.
        always "examples" examples: Vec<ExampleData>,
        /// The detector.
        required "detector" detector: DetectorData,
        /// The baseline.
        required "baseline" baseline: BaselineData,
        /// Models behind the evidence.
        always "models" models: Vec<ModelData>,
        /// What is needed to compute it again.
        required "reproduce" reproduce: ReproduceData,
        /// Who looks after it.
        required "owner" owner: OwnerData,
        /// When somebody should have looked at it.
        required "triage_due" triage_due: Timestamp,
        /// What to look at next.
        always "suggested_checks" suggested_checks: Vec<String>,
        /// How to act.
        optional "playbook_url" playbook_url: Option<String>,
        /// Where to see it and to answer.
        required "links" links: LinksData,
        /// Labels for matchers, sorted by name.
        always "labels" labels: Pairs<String>,
        /// Stable key of the group.
        required "group_key" group_key: String,
        /// Incident that holds this and related signals.
        required "incident_id" incident_id: String,
        /// Why nobody is notified; empty: notify.
        always "suppressed_by" suppressed_by: Vec<String>,
        /// Rank for people's attention, 0 to 1.
        always "rank" rank: Option<f64>,
        /// Last decision of a person, if any.
        always "disposition" disposition: Option<Decision>,
        /// Spread over settings.
        optional "ecosystem" ecosystem: Option<EcosystemData>,
        /// Change of a belief; always absent in the shared projection.
        optional "belief" belief: Option<BeliefData>,
    }
}

record! {
    /// The series an alert is about.
    pub struct SeriesData {
        /// Series id.
        required "id" id: String,
        /// View it belongs to.
        always "view" view: String,
        /// Measure.
        required "measure" measure: Measure,
        /// Dimension and value, in the view's order.
        required "dims" dimensions: Pairs<String>,
    }
}

record! {
    /// The window of evidence.
    pub struct WindowData {
        /// Start.
        required "start" start: Timestamp,
        /// End, exclusive.
        required "end" end: Timestamp,
        /// ISO 8601 duration of one bucket.
        required "bucket" bucket: String,
    }
}

record! {
    /// Out of how many.
    pub struct ExposureData {
        /// What is counted.
        required "unit" unit: String,
        /// How many in the window.
        required "n" count: f64,
        /// How many usually.
        optional "usual" usual: Option<f64>,
    }
}

record! {
    /// A predictive interval.
    pub struct IntervalData {
        /// Lower end.
        required "low" low: f64,
        /// Upper end.
        required "high" high: f64,
        /// Level, such as 0.9.
        required "level" level: f64,
    }
}

record! {
    /// Size of the change.
    pub struct EffectData {
        /// `observed − expected`.
        required "absolute" absolute: f64,
        /// `observed / expected − 1`; null when nothing was expected.
        always "relative" relative: Option<f64>,
    }
}

record! {
    /// Score for people, 0 to 100.
    pub struct ScoreData {
        /// Now.
        required "current" current: u32,
        /// When first raised.
        required "initial" initial: u32,
    }
}

record! {
    /// Who and what the evidence consists of.
    pub struct EvidenceData {
        /// How much it can carry.
        required "grade" grade: EvidenceGrade,
        /// Distinct people: a number, or a band where `banded`.
        required "people" people: People,
        /// Items.
        required "items" items: u32,
        /// Items that repeat another's words: part of `items`, corroborating nothing. Absent means none.
        optional "copies" copies: u32,
        /// Distinct channels.
        required "channels" channels: u32,
        /// Effective number of independent voices.
        required "effective_n" effective_n: f64,
        /// Share of the loudest person.
        required "top_person_share" top_person_share: f64,
        /// Share of national and regional experts.
        required "expert_share" expert_share: f64,
        /// Whether `people` is a band.
        required "banded" banded: bool,
    }
}

record! {
    /// How experts and community differ.
    pub struct ExpertViewData {
        /// Share among experts.
        required "expert" expert: f64,
        /// Share in the community.
        required "community" community: f64,
        /// Probability that they differ.
        required "prob_differs" probability_differs: f64,
    }
}

record! {
    /// One slice and its share of the excess.
    pub struct DriverData {
        /// Dimension.
        required "dim" dimension: String,
        /// Value.
        required "value" value: String,
        /// Share of the excess, 0 to 1.
        required "share" share: f64,
    }
}

record! {
    /// Something that belongs to the signal.
    pub struct ContextData {
        /// What it is: `series`, `calendar`, `signal` or a cause.
        required "kind" kind: String,
        /// Its id.
        required "ref" reference: String,
        /// Words for people.
        required "label" label: String,
        /// Start: a time or a date.
        required "start" start: String,
        /// End: a time or a date.
        required "end" end: String,
    }
}

record! {
    /// A redacted quote.
    pub struct ExampleData {
        /// Feedback id.
        required "feedback_id" feedback_id: String,
        /// Redacted words.
        required "quote" quote: String,
        /// Language.
        always "language" language: String,
        /// `negative`, `neutral` or `positive`.
        always "stance" stance: String,
    }
}

record! {
    /// The detector behind an alert.
    pub struct DetectorData {
        /// Id in the settings.
        required "id" id: String,
        /// Version of the method's code.
        required "version" version: String,
        /// Method.
        required "method" method: String,
        /// Hash of the settings in force.
        required "config_hash" config_hash: String,
    }
}

record! {
    /// The baseline behind an alert.
    pub struct BaselineData {
        /// Id.
        required "id" id: String,
        /// First bucket learnt from: a time or a date.
        required "from" from: String,
        /// Last bucket learnt from: a time or a date.
        required "to" to: String,
        /// Buckets learnt from.
        required "points" points: u32,
        /// Season.
        required "season" season: String,
        /// Calendars taken into account.
        always "calendars" calendars: Vec<String>,
    }
}

record! {
    /// A model or rule set.
    pub struct ModelData {
        /// Kind of enrichment.
        required "kind" kind: String,
        /// Name.
        required "name" name: String,
        /// Version.
        required "version" version: String,
    }
}

record! {
    /// What is needed to compute an alert again. The input is the event time window and the detector's settings;
    /// `offsets` stays empty, because offsets depend on how partitions interleaved and alerts must not.
    pub struct ReproduceData {
        /// Always empty; kept for the contract's sake.
        always "offsets" offsets: Pairs<String>,
        /// Seed of the run.
        required "seed" seed: u64,
        /// Build.
        required "build" build: String,
    }
}

record! {
    /// Who looks after a signal.
    pub struct OwnerData {
        /// Team.
        required "team" team: String,
        /// Journey.
        optional "journey" journey: Option<String>,
    }
}

record! {
    /// Where to see it and to answer, relative to the service's address.
    pub struct LinksData {
        /// Page.
        required "page" page: String,
        /// API.
        required "api" api: String,
    }
}

record! {
    /// Spread over settings.
    pub struct EcosystemData {
        /// Settings that speak of it.
        always "settings" settings: Vec<String>,
        /// Settings it may reach.
        always "exposure" exposure: Vec<SettingExposureData>,
    }
}

record! {
    /// How exposed a setting is.
    pub struct SettingExposureData {
        /// Setting.
        required "setting" setting: String,
        /// Score, 0 to 1.
        required "score" score: f64,
    }
}

record! {
    /// Change of a belief.
    pub struct BeliefData {
        /// Belief.
        required "belief_id" belief_id: String,
        /// Share before.
        required "before" before: f64,
        /// Share after.
        required "after" after: f64,
    }
}

/// How many people: exactly, or in a band.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum People {
    /// Exactly; medical projection.
    Exact(u32),
    /// In a band; shared projection.
    Banded(PeopleBand),
}

impl std::fmt::Display for People {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            People::Exact(count) => count.fmt(f),
            People::Banded(band) => f.write_str(band.as_str()),
        }
    }
}

enum RawPeople {
    Count(u64),
    Band(Result<PeopleBand, String>),
}

struct PeopleReader;

impl Visitor<'_> for PeopleReader {
    type Value = RawPeople;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a number of people or a band")
    }
    fn visit_u64<E: de::Error>(self, count: u64) -> Result<RawPeople, E> {
        Ok(RawPeople::Count(count))
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<RawPeople, E> {
        Ok(RawPeople::Band(
            PeopleBand::parse(text).ok_or_else(|| unknown_word::<PeopleBand>(text)),
        ))
    }
}

impl<'de> Decode<'de> for People {
    fn decode<D: Deserializer<'de>>(
        deserializer: D,
        context: &mut Context<'de>,
        place: &Place<'_>,
    ) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(PeopleReader)? {
            RawPeople::Count(count) => match u32::try_from(count) {
                Ok(count) => Ok(People::Exact(count)),
                Err(_) => Err(context.fail(
                    ErrorCode::NumberOutOfRange,
                    place,
                    "more people than there are",
                )),
            },
            RawPeople::Band(Ok(band)) => Ok(People::Banded(band)),
            RawPeople::Band(Err(reason)) => {
                Err(context.fail(ErrorCode::EnumUnknown, place, reason))
            }
        }
    }
}

impl Encode for People {
    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            People::Exact(count) => serializer.serialize_u32(*count),
            People::Banded(band) => serializer.serialize_str(band.as_str()),
        }
    }
}

impl Described for People {
    fn shape() -> Shape {
        Shape::Either(vec![u32::shape(), PeopleBand::shape()])
    }
}
