//! Safety candidates and their acknowledgements. For the safety role alone.

use super::signals::query;
use super::{Id, Pairs, Shared, json_body};
use crate::access::Visitor;
use crate::answers::{self, AckInput};
use crate::filter;
use crate::problem::Problem;
use crate::roles::Right;
use crate::state::State;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Extension, Path};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

/// Most candidates of one answer.
pub(crate) const MAX_CANDIDATES: u32 = 500;

pub(super) async fn list(
    Extension(state): Shared,
    visitor: Visitor,
    pairs: Result<Pairs, QueryRejection>,
) -> Result<Response, Problem> {
    visitor.require(Right::Safety)?;
    let (mut open_only, mut limit) = (true, 100);
    for (key, value) in query(pairs)? {
        match (key.as_str(), value.as_str()) {
            ("state", "open") => open_only = true,
            ("state", "all") => open_only = false,
            ("limit", number) => limit = filter::number("limit", number, MAX_CANDIDATES)?,
            _ => {
                let detail = format!("{key}={value:?} cannot be read");
                return Err(Problem::bad_request(
                    "bad_query",
                    detail,
                    key,
                    "use state=open, state=all or limit",
                ));
            }
        }
    }
    let rows = state
        .read(move |model| model.safety_candidates(open_only, limit))
        .await?;
    #[derive(Serialize)]
    struct Item {
        candidate: Box<RawValue>,
        acknowledgement: Option<Box<RawValue>>,
        escalation: Option<Box<RawValue>>,
    }
    let raw = |json| {
        RawValue::from_string(json).map_err(|error| {
            Problem::broken("read model", format!("A candidate is not JSON: {error}"))
        })
    };
    let items = rows
        .into_iter()
        .map(|row| {
            Ok(Item {
                candidate: raw(row.candidate)?,
                acknowledgement: row.acknowledgement.map(raw).transpose()?,
                escalation: row.escalation.map(raw).transpose()?,
            })
        })
        .collect::<Result<Vec<_>, Problem>>()?;
    Ok(Json(json!({"items": items, "limit": limit})).into_response())
}

pub(super) async fn acknowledge(
    Extension(state): Shared,
    visitor: Visitor,
    Path(id): Id,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    visitor.require(Right::Safety)?;
    let input: AckInput = json_body(&headers, body)?;
    let ids = record(&state, &visitor, &id, &input).await?;
    Ok((
        StatusCode::ACCEPTED,
        Json(json!({"ids": ids, "candidate_id": id})),
    )
        .into_response())
}

/// Checks an acknowledgement and returns when the log has it. Pages use it too.
pub(crate) async fn record(
    state: &State,
    visitor: &Visitor,
    id: &str,
    input: &AckInput,
) -> Result<Vec<String>, Problem> {
    visitor.require(Right::Safety)?;
    let json = answers::acknowledgement(input, id, visitor, state.app.clock.now())
        .map_err(Problem::invalid)?;
    let candidate_id = id.to_owned();
    Ok(state
        .submit(move |log| log.acknowledge(&candidate_id, &json))
        .await?
        .ids)
}
