//! `action.recorded.v1`: what people do about signals. Each event of an action is the whole of it.

use auscult_core::action::{
    Action, Comparison, MAX_ACTION_SIGNALS, MAX_ACTION_TEXT_BYTES, MAX_BUCKETS_AFTER, Review,
    Target,
};
use auscult_core::time::Timestamp;
use auscult_core::words::{
    ActionKind, ActionState, ComparisonKind, Direction, Measure, NextStep, ValueDimension,
};

use crate::derived::{Derived, derived_id};
use crate::envelope::{Encoded, Headers};
use crate::error::{ErrorCode, WireError};
use crate::event::{Event, Reading, decode_event, decode_json, encode_event};
use crate::field::Described;
use crate::framing::SchemaRegistry;
use crate::record::record;
use crate::shape::Shape;
use crate::time;
use crate::words::{Audience, DataCategory, DataClassification};

/// The event's type.
pub const ACTION_RECORDED: &str = "io.auscult.action.recorded.v1";
/// Address of its schema.
pub const ACTION_SCHEMA: &str = "https://auscult.example/schemas/action/1.0.json";

record! {
    /// What people do about signals, the whole of it.
    pub struct ActionData {
        /// Id of the action.
        required "action_id" action_id: String,
        /// Portfolio of its signals; absent on the API, where the service knows it.
        optional "portfolio" portfolio: String,
        /// Signals it is about.
        required "signal_ids" signal_ids: Vec<String>,
        /// Incident they belong to.
        optional "incident_id" incident_id: String,
        /// Where it stands.
        required "state" state: ActionState,
        /// Who answers for it, by reference; needed to start.
        always "owner" owner: String,
        /// Day it is due, `YYYY-MM-DD`; needed to start.
        always "due" due: String,
        /// What is done.
        required "kind" kind: ActionKind,
        /// Why it should help (of `no_action`: the reason), at most 4 KiB; needed to start.
        always "hypothesis" hypothesis: String,
        /// What is to change; needed to start, and frozen then.
        optional "target" target: Option<TargetData>,
        /// What it is compared with.
        optional "comparison" comparison: Option<ComparisonData>,
        /// Who approved it.
        optional "approvals" approvals: Vec<ApprovalData>,
        /// Whether those who spoke were told what came of it.
        optional "told_back" told_back: Option<ToldBackData>,
        /// When it began; needed to start.
        optional "started_at" started_at: Option<Timestamp>,
        /// What people made of its outcome.
        optional "review" review: Option<ReviewData>,
        /// Who says so, by reference; absent means the owner.
        optional "actor" actor: String,
        /// When this was said; absent means the envelope's `recordedtime`. A later one replaces an earlier one.
        optional "recorded_at" recorded_at: Option<Timestamp>,
    }
}

record! {
    /// What is to change, said beforehand.
    pub struct TargetData {
        /// What is measured.
        required "measure" measure: Measure,
        /// The series.
        required "series_id" series_id: String,
        /// Which way is better.
        required "direction" direction: Direction,
        /// Relative change expected: -0.3 is 30 % less.
        required "expected_effect" expected_effect: f64,
        /// Smallest relative change that matters; absent means that any does.
        always "smallest_relevant_effect" smallest_relevant_effect: f64,
        /// Buckets the outcome is measured over, 4 to 400; absent: 168 hours, 28 days, 12 weeks or 6 months.
        optional "buckets_after" buckets_after: Option<u32>,
        /// What it is to be worth to customers.
        optional "value_dimension" value_dimension: Option<ValueDimension>,
    }
}

record! {
    /// A series that nothing is done about.
    pub struct ComparisonData {
        /// What sets it apart.
        required "kind" kind: ComparisonKind,
        /// The series.
        optional "series_id" series_id: String,
    }
}

record! {
    /// An approval.
    pub struct ApprovalData {
        /// Function that approves, such as `medical`.
        required "function" function: String,
        /// Who, by reference.
        required "by" by: String,
    }
}

record! {
    /// Whether those who spoke were told what came of it.
    pub struct ToldBackData {
        /// Whether they may be.
        required "allowed" allowed: bool,
        /// Whether it is planned.
        always "planned" planned: bool,
        /// When it was done.
        always "done_at" done_at: Option<Timestamp>,
        /// How.
        always "channel" channel: String,
    }
}

record! {
    /// What people made of an outcome.
    pub struct ReviewData {
        /// What was learnt, at most 4 KiB.
        required "learning" learning: String,
        /// What is done next.
        required "next" next: NextStep,
        /// Who says so, by reference; not the owner.
        required "reviewed_by" reviewed_by: String,
    }
}

/// Writes an action; the key is the portfolio, so that it meets the machine that raised its signals. What the core does not
/// need (approvals, telling back) is written as `data` has it.
#[must_use]
pub fn encode_action(tenant: &str, portfolio: &str, data: &ActionData) -> Encoded {
    let recorded = data.recorded_at.unwrap_or(time::EARLIEST);
    let mut envelope = Derived {
        kind: ACTION_RECORDED,
        schema: ACTION_SCHEMA,
        id: derived_id(&[
            "action",
            portfolio,
            &data.action_id,
            data.state.as_str(),
            &recorded.0.to_string(),
        ]),
        source: format!("/tenants/{tenant}/people"),
        subject: format!("action/{}", data.action_id),
        tenant,
        key: portfolio,
        happened: recorded,
        recorded,
        classification: DataClassification::Confidential,
        category: DataCategory::NonPii,
        audience: Audience::Shared,
    }
    .envelope();
    envelope.correlation_id = crate::derived::thread(&data.incident_id);
    encode_event(portfolio.as_bytes().to_vec(), &envelope, data)
}

/// Reads an action from the log.
///
/// # Errors
/// [`WireError`] for everything that is refused.
pub fn decode_action<'a>(
    headers: &'a Headers,
    value: &'a [u8],
) -> Result<Event<'a, ActionData>, WireError> {
    let mut event: Event<'a, ActionData> = decode_event(
        headers,
        value,
        Reading {
            types: &[ACTION_RECORDED],
            keep_unknown: false,
            registry: &SchemaRegistry::default(),
        },
    )?;
    event.data.recorded_at = event.data.recorded_at.or(event.envelope.recorded_time);
    event.data.check(event.root)?;
    Ok(event)
}

/// Reads the bare data of an action, as the API takes it.
///
/// # Errors
/// [`WireError`] for everything that is refused.
pub fn decode_action_data(json: &str) -> Result<ActionData, WireError> {
    let (data, _): (ActionData, _) = decode_json(json, "", false)?;
    data.check("")?;
    Ok(data)
}

/// As [`decode_action_data`], with all problems at once.
///
/// # Errors
/// What cannot be read, or everything that is wrong with what was read.
pub fn check_action_data(json: &str) -> Result<ActionData, Vec<WireError>> {
    let (data, _): (ActionData, _) = decode_json(json, "", false).map_err(|error| vec![error])?;
    let problems = data.problems("");
    if problems.is_empty() {
        Ok(data)
    } else {
        Err(problems)
    }
}

impl ActionData {
    fn check(&self, root: &str) -> Result<(), WireError> {
        self.problems(root).into_iter().next().map_or(Ok(()), Err)
    }

    /// Everything that is wrong with it beyond its shape.
    #[must_use]
    pub fn problems(&self, root: &str) -> Vec<WireError> {
        let mut problems = Vec::new();
        let mut refuse = |code, place: &str, reason: String| {
            problems.push(WireError::new(code, format!("{root}/{place}"), reason));
        };
        if self.recorded_at.is_none() {
            let reason = "neither this field nor the envelope's recordedtime says when".to_owned();
            refuse(ErrorCode::FieldMissing, "recorded_at", reason);
        }
        for place in self.to_action("", "").missing() {
            let reason = format!("an action that is {} must say this", self.state);
            refuse(ErrorCode::FieldMissing, place, reason);
        }
        // It becomes a part of keys, whose parts a `|` divides.
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._:-".contains(letter);
        if self.action_id.len() > MAX_ID_BYTES || !self.action_id.chars().all(is_plain) {
            let reason = "not an identifier such as a_2026-17".to_owned();
            refuse(ErrorCode::IdentifierInvalid, "action_id", reason);
        }
        if self.signal_ids.len() > MAX_ACTION_SIGNALS {
            let reason = format!(
                "{} signals, at most {MAX_ACTION_SIGNALS}",
                self.signal_ids.len()
            );
            refuse(ErrorCode::ListTooLong, "signal_ids", reason);
        }
        let learning = self.review.as_ref().map_or("", |review| &review.learning);
        for (place, text) in [
            ("hypothesis", self.hypothesis.as_str()),
            ("review/learning", learning),
        ] {
            if text.len() > MAX_ACTION_TEXT_BYTES {
                let reason = format!("{} bytes, at most {MAX_ACTION_TEXT_BYTES}", text.len());
                refuse(ErrorCode::TextTooLong, place, reason);
            }
        }
        let is_day =
            self.due.len() == 10 && time::parse(&format!("{}T00:00:00Z", self.due)).is_ok();
        if !self.due.is_empty() && !is_day {
            let reason = "not a day such as 2026-06-30".to_owned();
            refuse(ErrorCode::TimeInvalid, "due", reason);
        }
        let Some(target) = &self.target else {
            return problems;
        };
        for (place, effect) in [
            ("target/expected_effect", target.expected_effect),
            (
                "target/smallest_relevant_effect",
                target.smallest_relevant_effect,
            ),
        ] {
            if !(-1.0..=100.0).contains(&effect) {
                let reason = format!("{effect} is no relative change from -1 to 100");
                refuse(ErrorCode::NumberOutOfRange, place, reason);
            }
        }
        let buckets = target.buckets_after.unwrap_or(LEAST_BUCKETS_AFTER);
        if !(LEAST_BUCKETS_AFTER..=MAX_BUCKETS_AFTER).contains(&buckets) {
            let reason =
                format!("{buckets} is not within {LEAST_BUCKETS_AFTER} to {MAX_BUCKETS_AFTER}");
            refuse(ErrorCode::NumberOutOfRange, "target/buckets_after", reason);
        }
        problems
    }

    /// Names of the fields of the contract.
    #[must_use]
    pub fn field_names() -> Vec<&'static str> {
        match ActionData::shape() {
            Shape::Record(record) => record.fields.iter().map(|field| field.name).collect(),
            _ => Vec::new(),
        }
    }

    /// The core's action, said by event `event_id`, for `portfolio` when the data do not say.
    #[must_use]
    pub fn to_action(&self, event_id: &str, portfolio: &str) -> Action {
        let or = |text: &String, other: &str| {
            if text.is_empty() {
                other.to_owned()
            } else {
                text.clone()
            }
        };
        Action {
            event_id: event_id.to_owned(),
            action_id: self.action_id.clone(),
            portfolio: or(&self.portfolio, portfolio),
            signal_ids: self.signal_ids.clone(),
            incident_id: self.incident_id.clone(),
            state: self.state,
            owner: self.owner.clone(),
            due: self.due.clone(),
            kind: self.kind,
            hypothesis: self.hypothesis.clone(),
            target: self.target.as_ref().map(TargetData::to_target),
            comparison: self.comparison.as_ref().map(|comparison| Comparison {
                kind: comparison.kind,
                series_id: comparison.series_id.clone(),
            }),
            started_at: self.started_at,
            review: self.review.as_ref().map(|review| Review {
                learning: review.learning.clone(),
                next: review.next,
                reviewed_by: review.reviewed_by.clone(),
            }),
            actor: or(&self.actor, &self.owner),
            recorded_at: self.recorded_at.unwrap_or(time::EARLIEST),
        }
    }
}

/// Longest id of an action.
const MAX_ID_BYTES: usize = 128;
/// Fewest buckets an outcome is measured over: the estimate refuses fewer.
const LEAST_BUCKETS_AFTER: u32 = 4;

impl TargetData {
    fn to_target(&self) -> Target {
        Target {
            measure: self.measure,
            series_id: self.series_id.clone(),
            direction: self.direction,
            expected_effect: self.expected_effect,
            smallest_relevant_effect: self.smallest_relevant_effect,
            buckets_after: self.buckets_after,
            value_dimension: self.value_dimension,
        }
    }
}

impl From<&Target> for TargetData {
    fn from(target: &Target) -> TargetData {
        TargetData {
            measure: target.measure,
            series_id: target.series_id.clone(),
            direction: target.direction,
            expected_effect: target.expected_effect,
            smallest_relevant_effect: target.smallest_relevant_effect,
            buckets_after: target.buckets_after,
            value_dimension: target.value_dimension,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contract's example, with the two fields that its envelope would carry.
    const EXAMPLE: &str = r#"{"action_id":"a_9","signal_ids":["al_9c41d0"],"incident_id":"inc_5510","state":"started","owner":"u_61","due":"2026-06-30","kind":"access_support","hypothesis":"A one-page guide to the alternative test lowers the burden.","target":{"measure":"mentions","series_id":"s_77ab","direction":"down","expected_effect":-0.3,"smallest_relevant_effect":-0.1},"comparison":{"kind":"region","series_id":"s_77ac"},"approvals":[{"function":"medical","by":"u_12"},{"function":"compliance","by":"u_09"}],"told_back":{"allowed":true,"planned":true,"done_at":null,"channel":"portal"},"started_at":"2026-06-02T00:00:00Z","recorded_at":"2026-06-02T08:00:00Z"}"#;

    #[test]
    fn the_contract_s_example_is_read_and_written_as_it_stands() {
        let data = decode_action_data(EXAMPLE).unwrap();
        let action = data.to_action("e_1", "acme|DE");
        assert_eq!(action.actor, "u_61");
        assert_eq!(action.missing(), [""; 0]);
        let encoded = encode_action("acme", "acme|DE", &data);
        let value = encoded.value.unwrap();
        let (written, example): (serde_json::Value, serde_json::Value) = (
            serde_json::from_slice(&value).unwrap(),
            serde_json::from_str(EXAMPLE).unwrap(),
        );
        assert_eq!(written, example);
        let event = decode_action(&encoded.headers, &value).unwrap();
        assert_eq!(event.data, data);
        assert_eq!(event.envelope.correlation_id.as_deref(), Some("inc_5510"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_place() {
        let with = |from: &str, to: &str| {
            assert!(EXAMPLE.contains(from));
            let error = decode_action_data(&EXAMPLE.replace(from, to)).unwrap_err();
            (error.code, error.place)
        };
        for (from, to, code, place) in [
            (
                r#""owner":"u_61""#,
                r#""owner":"""#,
                ErrorCode::FieldMissing,
                "/owner",
            ),
            (
                r#""due":"2026-06-30""#,
                r#""due":"June""#,
                ErrorCode::TimeInvalid,
                "/due",
            ),
            (
                r#""due":"2026-06-30""#,
                r#""due":"2026-02-30""#,
                ErrorCode::TimeInvalid,
                "/due",
            ),
            (
                r#"["al_9c41d0"]"#,
                "[]",
                ErrorCode::FieldMissing,
                "/signal_ids",
            ),
            (
                r#""expected_effect":-0.3"#,
                r#""expected_effect":-3"#,
                ErrorCode::NumberOutOfRange,
                "/target/expected_effect",
            ),
            (
                r#""expected_effect":-0.3"#,
                r#""expected_effect":0"#,
                ErrorCode::FieldMissing,
                "/target/expected_effect",
            ),
            (
                r#""direction":"down""#,
                r#""direction":"down","buckets_after":3"#,
                ErrorCode::NumberOutOfRange,
                "/target/buckets_after",
            ),
            (
                r#""action_id":"a_9""#,
                r#""action_id":"a|9""#,
                ErrorCode::IdentifierInvalid,
                "/action_id",
            ),
            (
                r#""state":"started""#,
                r#""state":"finished""#,
                ErrorCode::EnumUnknown,
                "/state",
            ),
            (
                r#","recorded_at":"2026-06-02T08:00:00Z""#,
                "",
                ErrorCode::FieldMissing,
                "/recorded_at",
            ),
        ] {
            assert_eq!(with(from, to), (code, place.to_owned()), "{to}");
        }
    }
}
