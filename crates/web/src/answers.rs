//! What people answer, checked against the fixed lists and completed to the contract's objects.
//!
//! Pages and API share this, so that a form and a script cannot mean different things by one word.

use crate::access::Visitor;
use crate::problem::FieldProblem;
use crate::words::{parse_time, rfc3339};
use auscult_core::disposition::MAX_COMMENT_BYTES;
use auscult_core::time::{MINUTE, Timestamp};
use auscult_core::words::{Cause, Decision, DispositionScope, Priority};
use auscult_wire::words::{AckDecision, RequestDecision};
use serde::Deserialize;
use serde_json::json;

/// Longest reference to a case or an answer, in bytes.
const MAX_REFERENCE_BYTES: usize = 128;
/// A clock of somebody else may run this far ahead of ours, in milliseconds.
const CLOCK_TOLERANCE: i64 = 5 * MINUTE;

/// A disposition as a form or a script sends it. Everything but the decision may be left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DispositionInput {
    pub disposition_id: Option<String>,
    pub signal_id: Option<String>,
    pub revision_seen: Option<u32>,
    pub decision: String,
    pub cause: Option<String>,
    pub comment: String,
    pub priority: Option<String>,
    pub scope: Option<String>,
    pub use_for_learning: Option<bool>,
    pub actor: Option<ActorInput>,
    pub decided_at: Option<String>,
    pub effective_from: Option<String>,
}

/// Who decided, when a tool posts for a person.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct ActorInput {
    #[serde(rename = "ref")]
    pub reference: String,
    #[serde(default)]
    pub function: Option<String>,
}

/// An acknowledgement as a form or a script sends it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AckInput {
    pub candidate_id: Option<String>,
    pub decision: String,
    pub case_ref: Option<String>,
}

/// What was done with a medical request, as a form or a script sends it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AnswerInput {
    pub request_id: Option<String>,
    pub decision: String,
    pub answer_ref: Option<String>,
}

/// The complete `data` object of a disposition, and its id.
pub(crate) fn disposition(
    input: &DispositionInput,
    signal_id: &str,
    current_revision: u32,
    visitor: &Visitor,
    now: Timestamp,
) -> Result<String, Vec<FieldProblem>> {
    let mut problems = Vec::new();
    let decision = word(
        "decision",
        Some(&input.decision),
        None,
        Decision::ALL,
        Decision::parse,
        Decision::as_str,
        &mut problems,
    );
    let cause = word(
        "cause",
        input.cause.as_deref(),
        Some(Cause::Unknown),
        Cause::ALL,
        Cause::parse,
        Cause::as_str,
        &mut problems,
    );
    let priority = word(
        "priority",
        input.priority.as_deref(),
        Some(Priority::Normal),
        Priority::ALL,
        Priority::parse,
        Priority::as_str,
        &mut problems,
    );
    let scope = word(
        "scope",
        input.scope.as_deref(),
        Some(DispositionScope::ThisAlert),
        DispositionScope::ALL,
        DispositionScope::parse,
        DispositionScope::as_str,
        &mut problems,
    );
    if input.comment.len() > MAX_COMMENT_BYTES {
        problems.push(FieldProblem::new(
            "comment",
            format!(
                "{} bytes are more than {MAX_COMMENT_BYTES}",
                input.comment.len()
            ),
        ));
    }
    same_id(
        "signal_id",
        input.signal_id.as_deref(),
        signal_id,
        &mut problems,
    );
    let actor = actor(input.actor.as_ref(), visitor, &mut problems);
    let decided_at = decided_at(input.decided_at.as_deref(), now, &mut problems);
    let effective_from = effective_from(input, &mut problems);
    if input
        .disposition_id
        .as_ref()
        .is_some_and(|id| id.is_empty() || id.len() > 128 || id.chars().any(char::is_control))
    {
        problems.push(FieldProblem::new(
            "disposition_id",
            "is empty, longer than 128 bytes or not printable".to_owned(),
        ));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let revision_seen = input.revision_seen.unwrap_or(current_revision);
    let id = input.disposition_id.clone().unwrap_or_else(|| {
        derived_id(
            "d",
            &[
                signal_id,
                &revision_seen.to_string(),
                decision,
                cause,
                &actor.0,
                &decided_at,
                &input.comment,
                effective_from.as_deref().unwrap_or_default(),
            ],
        )
    });
    let mut data = json!({
        "disposition_id": id,
        "signal_id": signal_id,
        "revision_seen": revision_seen,
        "decision": decision,
        "cause": cause,
        "comment": input.comment,
        "priority": priority,
        "actor": {"ref": actor.0, "function": actor.1},
        "decided_at": decided_at,
        "scope": scope,
        "use_for_learning": input.use_for_learning.unwrap_or(true),
    });
    if let Some(from) = effective_from {
        data["effective_from"] = from.into();
    }
    Ok(data.to_string())
}

/// The complete `data` object of an acknowledgement.
pub(crate) fn acknowledgement(
    input: &AckInput,
    candidate_id: &str,
    visitor: &Visitor,
    now: Timestamp,
) -> Result<String, Vec<FieldProblem>> {
    let mut problems = Vec::new();
    let decision = word(
        "decision",
        Some(&input.decision),
        None,
        AckDecision::ALL,
        AckDecision::parse,
        AckDecision::as_str,
        &mut problems,
    );
    same_id(
        "candidate_id",
        input.candidate_id.as_deref(),
        candidate_id,
        &mut problems,
    );
    let case_ref = reference("case_ref", input.case_ref.as_deref(), &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(json!({
        "candidate_id": candidate_id,
        "decision": decision,
        "case_ref": case_ref,
        "actor": visitor.actor,
        "at": rfc3339(now),
    })
    .to_string())
}

/// The complete `data` object of an answer to a medical request.
pub(crate) fn medical_answer(
    input: &AnswerInput,
    request_id: &str,
    visitor: &Visitor,
    now: Timestamp,
) -> Result<String, Vec<FieldProblem>> {
    let mut problems = Vec::new();
    let decision = word(
        "decision",
        Some(&input.decision),
        None,
        RequestDecision::ALL,
        RequestDecision::parse,
        RequestDecision::as_str,
        &mut problems,
    );
    same_id(
        "request_id",
        input.request_id.as_deref(),
        request_id,
        &mut problems,
    );
    let answer_ref = reference("answer_ref", input.answer_ref.as_deref(), &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(json!({
        "request_id": request_id,
        "decision": decision,
        "answer_ref": answer_ref,
        "actor": visitor.actor,
        "at": rfc3339(now),
    })
    .to_string())
}

/// A reference without the spaces around it; an empty one is none.
fn reference<'a>(
    place: &str,
    given: Option<&'a str>,
    problems: &mut Vec<FieldProblem>,
) -> Option<&'a str> {
    let given = given
        .map(str::trim)
        .filter(|reference| !reference.is_empty())?;
    if given.len() > MAX_REFERENCE_BYTES {
        problems.push(FieldProblem::new(
            place,
            format!("is longer than {MAX_REFERENCE_BYTES} bytes"),
        ));
    }
    Some(given)
}

fn word<W: Copy>(
    place: &str,
    given: Option<&str>,
    default: Option<W>,
    all: &[W],
    parse: fn(&str) -> Option<W>,
    as_str: fn(W) -> &'static str,
    problems: &mut Vec<FieldProblem>,
) -> &'static str {
    let given = given.filter(|text| !text.is_empty());
    let chosen = match given {
        Some(text) => parse(text),
        None => default,
    };
    chosen.map(as_str).unwrap_or_else(|| {
        problems.push(FieldProblem {
            place: place.to_owned(),
            reason: unknown_word(given.unwrap_or_default()),
            allowed: all.iter().copied().map(as_str).collect(),
        });
        ""
    })
}

fn unknown_word(given: &str) -> String {
    if given.is_empty() {
        "is missing".to_owned()
    } else {
        format!("{given:?} is not in the list")
    }
}

fn same_id(place: &str, given: Option<&str>, path: &str, problems: &mut Vec<FieldProblem>) {
    if let Some(given) = given.filter(|given| *given != path) {
        problems.push(FieldProblem::new(
            place,
            format!("{given:?} is not the id in the path, {path:?}"),
        ));
    }
}

/// In demo mode a tool may name the person; with tokens the token does, and a different name is refused.
fn actor(
    input: Option<&ActorInput>,
    visitor: &Visitor,
    problems: &mut Vec<FieldProblem>,
) -> (String, String) {
    let own_function = visitor.role.map(|role| role.function()).unwrap_or_default();
    let Some(given) = input else {
        return (visitor.actor.clone(), own_function.to_owned());
    };
    if !visitor.demo && given.reference != visitor.actor {
        problems.push(FieldProblem::new(
            "actor.ref",
            format!(
                "{:?} is not the actor of this token, {:?}",
                given.reference, visitor.actor
            ),
        ));
    }
    if given.reference.is_empty()
        || given.reference.len() > 64
        || given.reference.chars().any(char::is_control)
    {
        problems.push(FieldProblem::new(
            "actor.ref",
            "is empty, longer than 64 bytes or not printable".to_owned(),
        ));
    }
    let function = given
        .function
        .clone()
        .filter(|function| !function.is_empty() && function.len() <= 64);
    (
        given.reference.clone(),
        function.unwrap_or_else(|| own_function.to_owned()),
    )
}

fn decided_at(given: Option<&str>, now: Timestamp, problems: &mut Vec<FieldProblem>) -> String {
    let Some(text) = given else {
        return rfc3339(now);
    };
    match parse_time(text) {
        Some(at) if at <= now.plus(CLOCK_TOLERANCE) => text.to_owned(),
        Some(_) => {
            problems.push(FieldProblem::new(
                "decided_at",
                format!("{text} lies in the future"),
            ));
            String::new()
        }
        None => {
            problems.push(FieldProblem::new(
                "decided_at",
                format!("{text:?} is not an RFC 3339 time such as 2026-05-25T08:10:00Z"),
            ));
            String::new()
        }
    }
}

/// From when a new trend is the normal: a day (its start in UTC) or a time. An empty field of a form says nothing.
fn effective_from(input: &DispositionInput, problems: &mut Vec<FieldProblem>) -> Option<String> {
    let text = input.effective_from.as_deref()?.trim();
    if text.is_empty() {
        return None;
    }
    if input.decision != Decision::NewTrend.as_str() {
        problems.push(FieldProblem::new(
            "effective_from",
            format!("only {} begins on a date", Decision::NewTrend.as_str()),
        ));
        return None;
    }
    let at = parse_time(text).or_else(|| parse_time(&format!("{text}T00:00:00Z")));
    if at.is_none() {
        problems.push(FieldProblem::new(
            "effective_from",
            format!("{text:?} is neither a day such as 2026-05-25 nor an RFC 3339 time"),
        ));
    }
    at.map(rfc3339)
}

/// The same answer sent twice has one id, so a double click counts once.
fn derived_id(prefix: &str, parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    format!("{prefix}_{}", &hasher.finalize().to_hex()[..24])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::Role;

    fn visitor(demo: bool) -> Visitor {
        Visitor {
            role: Some(Role::Analyst),
            actor: "u_44".to_owned(),
            demo,
        }
    }

    #[test]
    fn every_wrong_word_is_named_with_the_words_allowed() {
        let input = DispositionInput {
            decision: "maybe".to_owned(),
            cause: Some("aliens".to_owned()),
            signal_id: Some("al_2".to_owned()),
            decided_at: Some("2099-01-01T00:00:00Z".to_owned()),
            ..DispositionInput::default()
        };
        let problems = disposition(&input, "al_1", 1, &visitor(true), Timestamp(0)).unwrap_err();
        let places: Vec<&str> = problems
            .iter()
            .map(|problem| problem.place.as_str())
            .collect();
        assert_eq!(places, ["decision", "cause", "signal_id", "decided_at"]);
        assert_eq!(problems[0].allowed.len(), Decision::ALL.len());
    }

    #[test]
    fn the_contract_s_example_is_accepted_as_it_stands() {
        let example = r#"{"disposition_id":"d_1","signal_id":"al_9c41d0","revision_seen":2,"decision":"confirmed","cause":"formulary_or_policy","comment":"Form changed on 11 May.","priority":"high","actor":{"ref":"u_44","function":"insights"},"decided_at":"2026-05-25T08:10:00Z","scope":"this_alert","use_for_learning":true}"#;
        let input: DispositionInput = serde_json::from_str(example).unwrap();
        let now = parse_time("2026-05-25T08:10:01Z").unwrap();
        let made = disposition(&input, "al_9c41d0", 2, &visitor(false), now).unwrap();
        let (made, example): (serde_json::Value, serde_json::Value) = (
            serde_json::from_str(&made).unwrap(),
            serde_json::from_str(example).unwrap(),
        );
        assert_eq!(made, example);
    }

    #[test]
    fn a_new_trend_begins_on_a_day_or_at_a_time_and_nothing_else_does() {
        let made = |decision: &str, from: &str| {
            let input = DispositionInput {
                decision: decision.to_owned(),
                effective_from: Some(from.to_owned()),
                ..DispositionInput::default()
            };
            disposition(&input, "al_1", 1, &visitor(true), Timestamp(0))
        };
        for (from, expected) in [
            ("2026-05-25", parse_time("2026-05-25T00:00:00Z")),
            ("2026-05-25T08:00:00Z", parse_time("2026-05-25T08:00:00Z")),
            (" ", None),
        ] {
            let made = made("new_trend", from).unwrap();
            let read = auscult_wire::decode_disposition_data(&made).unwrap();
            assert_eq!(read.effective_from, expected, "{from:?}");
        }
        assert!(made("confirmed", "").is_ok(), "a form's empty field");
        for (decision, from) in [("confirmed", "2026-05-25"), ("new_trend", "next week")] {
            let problems = made(decision, from).unwrap_err();
            assert_eq!(problems.len(), 1);
            assert_eq!(problems[0].place, "effective_from");
        }
    }

    #[test]
    fn the_wire_reads_what_is_written_here() {
        let input = DispositionInput {
            decision: "expected".to_owned(),
            comment: "line one\nline two \"quoted\"".to_owned(),
            ..DispositionInput::default()
        };
        let made = disposition(&input, "al_1", 3, &visitor(true), Timestamp(1_000)).unwrap();
        let read = auscult_wire::decode_disposition_data(&made).unwrap();
        assert_eq!(
            (read.signal_id.as_str(), read.revision_seen, read.decision),
            ("al_1", 3, Decision::Expected)
        );
        assert_eq!(
            (read.comment, read.actor.reference.as_str()),
            (input.comment, "u_44")
        );
        assert_eq!(read.decided_at, Timestamp(1_000));
    }

    #[test]
    fn nobody_answers_in_another_s_name_with_a_token() {
        let input = DispositionInput {
            decision: "confirmed".to_owned(),
            actor: Some(ActorInput {
                reference: "u_99".to_owned(),
                function: None,
            }),
            ..DispositionInput::default()
        };
        assert!(disposition(&input, "al_1", 1, &visitor(false), Timestamp(0)).is_err());
        assert!(disposition(&input, "al_1", 1, &visitor(true), Timestamp(0)).is_ok());
    }

    #[test]
    fn a_double_click_has_one_id() {
        let input = DispositionInput {
            decision: "expected".to_owned(),
            ..DispositionInput::default()
        };
        let make = |at| disposition(&input, "al_1", 3, &visitor(true), Timestamp(at)).unwrap();
        assert_eq!(make(0), make(0));
        assert_ne!(make(0), make(60_000));
    }
}
