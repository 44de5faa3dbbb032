//! Actions, and what came of them.

use super::signals::query;
use super::{Id, Pairs, Shared, json_body};
use crate::access::Visitor;
use crate::actions::{self, Fields, Recorded, find, is_for};
use crate::filter;
use crate::problem::Problem;
use crate::roles::Right;
use crate::view::action::withheld;
use crate::words::rfc3339;
use auscult_core::words::ActionState;
use auscult_engine::read_model::{ActionFilter, ActionRow};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Extension, Path};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

/// Most actions of one answer.
pub(crate) const MAX_ACTIONS: u32 = 500;

#[derive(Serialize)]
struct Item {
    action: Box<RawValue>,
    outcome: Option<Box<RawValue>>,
}

impl Item {
    fn new(visitor: &Visitor, row: ActionRow) -> Result<Item, Problem> {
        let row = withheld(visitor, row).map_err(unreadable)?;
        Ok(Item {
            action: RawValue::from_string(row.data).map_err(unreadable)?,
            outcome: row
                .outcome
                .map(RawValue::from_string)
                .transpose()
                .map_err(unreadable)?,
        })
    }
}

fn unreadable(error: serde_json::Error) -> Problem {
    Problem::broken("read model", format!("An action cannot be read: {error}"))
}

pub(super) async fn list(
    Extension(state): Shared,
    visitor: Visitor,
    pairs: Result<Pairs, QueryRejection>,
) -> Result<Response, Problem> {
    let role = visitor.require(Right::ReadSignals)?;
    let mut wanted = ActionFilter {
        limit: 100,
        ..ActionFilter::default()
    };
    for (key, value) in query(pairs)? {
        match key.as_str() {
            "signal" => wanted.signal_id = Some(value),
            "state" => {
                let words = ActionState::ALL.iter().map(|word| word.as_str());
                let words = format!("use one of {}", words.collect::<Vec<_>>().join(", "));
                let word = ActionState::parse(&value);
                let word = word.ok_or_else(|| filter::bad("state", &value, &words))?;
                wanted.state = Some(word.as_str().to_owned());
            }
            "limit" => wanted.limit = filter::number("limit", &value, MAX_ACTIONS)?,
            _ => return Err(filter::bad(&key, &value, "use signal, state or limit")),
        }
    }
    let limit = wanted.limit;
    let rows = state.read(move |model| model.actions(&wanted)).await?;
    let items = rows
        .into_iter()
        .filter(|row| is_for(role, row.is_medical))
        .map(|row| Item::new(&visitor, row))
        .collect::<Result<Vec<_>, _>>()?;
    let read_at = rfc3339(state.app.clock.now());
    Ok(Json(json!({"read_at": read_at, "items": items, "limit": limit})).into_response())
}

pub(super) async fn one(
    Extension(state): Shared,
    visitor: Visitor,
    Path(id): Id,
) -> Result<Response, Problem> {
    let detail = find(&state, &visitor, &id).await?;
    let events = detail
        .events
        .into_iter()
        .map(|data| {
            let row = ActionRow {
                data,
                outcome: None,
                ..detail.current.clone()
            };
            Ok(Item::new(&visitor, row)?.action)
        })
        .collect::<Result<Vec<_>, Problem>>()?;
    let Item { action, outcome } = Item::new(&visitor, detail.current)?;
    Ok(Json(json!({"action": action, "outcome": outcome, "events": events})).into_response())
}

pub(super) async fn record(
    Extension(state): Shared,
    visitor: Visitor,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    visitor.require(Right::Decide)?;
    let fields: Fields = json_body(&headers, body)?;
    Ok(accepted(&actions::record(&state, &visitor, fields).await?))
}

pub(super) async fn step(
    Extension(state): Shared,
    visitor: Visitor,
    Path(id): Id,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    visitor.require(Right::Decide)?;
    let changes: Fields = json_body(&headers, body)?;
    Ok(accepted(
        &actions::step(&state, &visitor, &id, changes).await?,
    ))
}

fn accepted(recorded: &Recorded) -> Response {
    (
        StatusCode::ACCEPTED,
        Json(json!({"action_id": recorded.action_id, "state": recorded.state})),
    )
        .into_response()
}
