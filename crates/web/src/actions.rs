//! What people say of actions, completed to the contract's objects and held against what is known.
//!
//! Pages and API share this. A new action is the contract's object with what the service knows left out; a step is the
//! fields that change. Both are checked by the reader of the log itself, so that nothing is accepted here that the
//! detector would refuse later.

use crate::access::Visitor;
use crate::api::signals::read_detail;
use crate::problem::{FieldProblem, Problem};
use crate::roles::{Right, Role};
use crate::state::State;
use auscult_core::action::ActionRefusal;
use auscult_core::time::Timestamp;
use auscult_core::words::Measure;
use auscult_engine::read_model::{ActionDetail, ReadError, ReadModel};
use auscult_wire::{ActionData, WireError, check_action_data, time};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A JSON object, field by field.
pub(crate) type Fields = Map<String, Value>;

/// Fields the service fills in itself.
const OURS: [&str; 4] = ["portfolio", "incident_id", "actor", "recorded_at"];
/// Fields that stay what they were when the action was first recorded.
const FIXED: [&str; 2] = ["action_id", "signal_ids"];

/// What the log has now.
pub(crate) struct Recorded {
    pub action_id: String,
    pub state: &'static str,
}

/// Records a new action on signals the visitor may read.
pub(crate) async fn record(
    state: &State,
    visitor: &Visitor,
    mut fields: Fields,
) -> Result<Recorded, Problem> {
    visitor.require(Right::Decide)?;
    refuse_unknown(&fields, &OURS)?;
    let now = state.app.clock.now();
    let (portfolio, incident_id) = common_thread(state, visitor, &fields).await?;
    fields.entry("state").or_insert_with(|| "proposed".into());
    complete(&mut fields, visitor, now);
    fields.insert("incident_id".to_owned(), incident_id.into());
    if !fields.contains_key("action_id") {
        let known = Value::Object(fields.clone()).to_string();
        let id = auscult_core::identity::outward_id("a_", &[&portfolio, &known]);
        fields.insert("action_id".to_owned(), id.into());
    }
    let data = read(&fields)?;
    let asked = data.action_id.clone();
    let former = state.read(move |model| model.action(&asked)).await?;
    if former.is_some() {
        return Err(conflict(format!(
            "An action {:?} is known already; send what changes to /v1/actions/{}/steps",
            data.action_id, data.action_id
        )));
    }
    take(state, &portfolio, &data, None).await
}

/// Records what changes of an action.
pub(crate) async fn step(
    state: &State,
    visitor: &Visitor,
    action_id: &str,
    mut changes: Fields,
) -> Result<Recorded, Problem> {
    visitor.require(Right::Decide)?;
    let not_ours: Vec<&str> = OURS.into_iter().chain(FIXED).collect();
    refuse_unknown(&changes, &not_ours)?;
    let now = state.app.clock.now();
    let detail = find(state, visitor, action_id).await?;
    let current = detail.current;
    let former = check_action_data(&current.data).map_err(|_| broken(action_id))?;
    if let Some(Value::Object(review)) = changes.get_mut("review") {
        review.insert("reviewed_by".to_owned(), visitor.actor.clone().into());
    }
    let mut fields: Fields = serde_json::from_str(&current.data).map_err(|_| broken(action_id))?;
    fields.extend(changes);
    complete(&mut fields, visitor, now);
    let latest = former.recorded_at.unwrap_or(now);
    if latest >= now {
        // Two steps in one moment: the later one must be newer.
        fields.insert(
            "recorded_at".to_owned(),
            time::format(latest.plus(1)).into(),
        );
    }
    let data = read(&fields)?;
    take(state, &current.portfolio, &data, Some(&former)).await
}

/// One action as the visitor may see it.
pub(crate) async fn find(
    state: &State,
    visitor: &Visitor,
    action_id: &str,
) -> Result<ActionDetail, Problem> {
    let role = visitor.require(Right::ReadSignals)?;
    let asked = action_id.to_owned();
    let detail = state.read(move |model| model.action(&asked)).await?;
    detail
        .filter(|detail| is_for(role, detail.current.is_medical))
        .ok_or_else(|| {
            let remedy = "look it up in the list at /impact; a new one shows within a second";
            Problem::not_found("action", action_id, remedy)
        })
}

/// Whether an action is for a role: what is done about beliefs is for those who may read text, as the signal is.
pub(crate) fn is_for(role: Role, is_medical: bool) -> bool {
    !is_medical || role.has(Right::ReadText)
}

/// Sends it to the log if it may follow what is known.
async fn take(
    state: &State,
    portfolio: &str,
    data: &ActionData,
    former: Option<&ActionData>,
) -> Result<Recorded, Problem> {
    let action = data.to_action("", portfolio);
    let former = former.map(|it| it.to_action("", portfolio));
    if let Err(refusal) = action.follows(former.as_ref()) {
        return Err(refused(refusal));
    }
    if action.begins(former.as_ref()) {
        let (portfolio, data) = (portfolio.to_owned(), data.clone());
        let problems = state
            .read(move |model| series_problems(model, &portfolio, &data))
            .await?;
        if !problems.is_empty() {
            return Err(Problem::invalid(problems));
        }
    }
    let json = serde_json::to_string(data).map_err(|error| {
        Problem::broken("server", format!("The action cannot be written: {error}"))
    })?;
    let portfolio = portfolio.to_owned();
    state
        .submit(move |log| log.action(&portfolio, &json))
        .await?;
    Ok(Recorded {
        action_id: action.action_id,
        state: action.state.as_str(),
    })
}

/// What stands for the person and the moment.
fn complete(fields: &mut Fields, visitor: &Visitor, now: Timestamp) {
    fields.insert("actor".to_owned(), visitor.actor.clone().into());
    fields.insert("recorded_at".to_owned(), time::format(now).into());
    let starts = fields.get("state") == Some(&json!("started"));
    if starts && fields.get("started_at").is_none_or(Value::is_null) {
        fields.insert("started_at".to_owned(), time::format(now).into());
    }
}

fn read(fields: &Fields) -> Result<ActionData, Problem> {
    check_action_data(&Value::Object(fields.clone()).to_string())
        .map_err(|errors| Problem::invalid(errors.iter().map(field_problem).collect()))
}

fn field_problem(error: &WireError) -> FieldProblem {
    let place = error.place.trim_start_matches('/').replace('/', ".");
    FieldProblem::new(&place, error.reason.clone())
}

fn refuse_unknown(fields: &Fields, not_ours: &[&str]) -> Result<(), Problem> {
    let known = ActionData::field_names();
    let problems: Vec<FieldProblem> = fields
        .keys()
        .filter_map(|key| {
            let reason = if not_ours.contains(&key.as_str()) {
                "is filled in by the service or fixed: leave it out"
            } else if known.contains(&key.as_str()) {
                return None;
            } else {
                "is no field of an action"
            };
            Some(FieldProblem::new(key, reason.to_owned()))
        })
        .collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Problem::invalid(problems))
    }
}

/// Portfolio and incident of the signals, which must be known, readable and of one portfolio.
async fn common_thread(
    state: &State,
    visitor: &Visitor,
    fields: &Fields,
) -> Result<(String, String), Problem> {
    #[derive(Deserialize)]
    struct Thread {
        #[serde(default)]
        incident_id: String,
    }
    let ids = fields.get("signal_ids").and_then(Value::as_array);
    let ids: Vec<&str> = ids
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .take(auscult_core::action::MAX_ACTION_SIGNALS)
        .collect();
    let mut found: Option<(String, String)> = None;
    for id in ids {
        let signal = read_detail(state, visitor, id).await?;
        let thread: Thread = serde_json::from_str(&signal.current.data).map_err(|error| {
            Problem::broken("read model", format!("Signal {id} cannot be read: {error}"))
        })?;
        match &found {
            Some((portfolio, _)) if *portfolio != signal.portfolio => {
                let reason =
                    format!("{id} is of another portfolio: record an action for each portfolio");
                return Err(Problem::invalid(vec![FieldProblem::new(
                    "signal_ids",
                    reason,
                )]));
            }
            Some(_) => {}
            None => found = Some((signal.portfolio, thread.incident_id)),
        }
    }
    found.ok_or_else(|| {
        let reason = "names no signal: an action is about at least one".to_owned();
        Problem::invalid(vec![FieldProblem::new("signal_ids", reason)])
    })
}

/// What of a point says whether its series can be measured.
#[derive(Deserialize)]
struct Told {
    series_id: String,
    measure: String,
    bucket: String,
}

fn newest_point(
    model: &dyn ReadModel,
    portfolio: &str,
    series_id: &str,
) -> Result<Option<Told>, ReadError> {
    let beside = model.points_beside(portfolio, series_id, 1)?;
    let told = beside
        .first()
        .and_then(|json| serde_json::from_str(json).ok());
    Ok(told.filter(|told: &Told| told.series_id == series_id))
}

/// Whether target and comparison are series whose outcome can be estimated.
fn series_problems(
    model: &dyn ReadModel,
    portfolio: &str,
    data: &ActionData,
) -> Result<Vec<FieldProblem>, ReadError> {
    let mut problems = Vec::new();
    let Some(target) = &data.target else {
        return Ok(problems);
    };
    if target.measure == Measure::MeanRating {
        let reason = "no outcome is estimated of mean ratings: choose mentions or negative_share";
        problems.push(FieldProblem::new("target.measure", reason.to_owned()));
    }
    let unknown = |id: &str| format!("{id:?} is no series of portfolio {portfolio:?}");
    let acted_on = newest_point(model, portfolio, &target.series_id)?;
    match &acted_on {
        None => problems.push(FieldProblem::new(
            "target.series_id",
            unknown(&target.series_id),
        )),
        Some(told) if told.measure != target.measure.as_str() => {
            let reason = format!("is a series of {}: name that measure", told.measure);
            problems.push(FieldProblem::new("target.series_id", reason));
        }
        Some(_) => {}
    }
    let comparison = data.comparison.as_ref();
    let Some(other) = comparison.filter(|it| !it.series_id.is_empty()) else {
        return Ok(problems);
    };
    let mut wrong =
        |reason: String| problems.push(FieldProblem::new("comparison.series_id", reason));
    if other.series_id == target.series_id {
        wrong("is the series acted on: name one that nothing is done about".to_owned());
        return Ok(problems);
    }
    match (newest_point(model, portfolio, &other.series_id)?, acted_on) {
        (None, _) => wrong(unknown(&other.series_id)),
        (Some(other), Some(acted_on))
            if other.measure != acted_on.measure || other.bucket != acted_on.bucket =>
        {
            wrong(format!(
                "is a series of {} by {}, the target one of {} by {}: both must be alike",
                other.measure, other.bucket, acted_on.measure, acted_on.bucket
            ));
        }
        _ => {}
    }
    Ok(problems)
}

fn refused(refusal: ActionRefusal) -> Problem {
    let mut words = refusal.to_string();
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    conflict(words)
}

fn conflict(detail: String) -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "action_refused",
        "The action cannot go on like this",
        detail,
        "state",
        "look at the action as it stands at /v1/actions/{id} and send a step that may follow",
    )
}

fn broken(action_id: &str) -> Problem {
    Problem::broken(
        "read model",
        format!("Action {action_id} cannot be read; rebuild the read model from the topics"),
    )
}
