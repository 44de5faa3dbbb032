//! Medical requests as items with an age, and what was done with them. For the medical role alone.

use super::signals::query;
use super::{Id, Pairs, Shared, json_body};
use crate::access::Visitor;
use crate::answers::{self, AnswerInput};
use crate::filter;
use crate::problem::Problem;
use crate::roles::Right;
use crate::state::State;
use crate::view::request::RequestItem;
use crate::words::rfc3339;
use auscult_core::time::SECOND;
use auscult_engine::read_model::RequestFilter;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Extension, Path};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

/// Most requests of one answer.
pub(crate) const MAX_REQUESTS: u32 = 500;

/// Which requests a word asks for.
pub(crate) fn state_filter(word: &str) -> Option<Option<bool>> {
    match word {
        "open" => Some(Some(true)),
        "answered" => Some(Some(false)),
        "all" => Some(None),
        _ => None,
    }
}

pub(super) async fn list(
    Extension(state): Shared,
    visitor: Visitor,
    pairs: Result<Pairs, QueryRejection>,
) -> Result<Response, Problem> {
    visitor.require(Right::MedicalRequests)?;
    let mut wanted = RequestFilter {
        open: Some(true),
        limit: 100,
    };
    for (key, value) in query(pairs)? {
        match key.as_str() {
            "state" => {
                let words = "use state=open, state=answered or state=all";
                wanted.open =
                    state_filter(&value).ok_or_else(|| filter::bad("state", &value, words))?;
            }
            "limit" => wanted.limit = filter::number("limit", &value, MAX_REQUESTS)?,
            _ => return Err(filter::bad(&key, &value, "use state or limit")),
        }
    }
    let now = state.app.clock.now();
    let rows = state
        .read(move |model| model.medical_requests(&wanted))
        .await?;
    #[derive(Serialize)]
    struct Item {
        status: &'static str,
        age_seconds: Option<i64>,
        request: Box<RawValue>,
        answer: Option<Box<RawValue>>,
    }
    let broken = |error: serde_json::Error| {
        Problem::broken("read model", format!("A request cannot be read: {error}"))
    };
    let items = rows
        .into_iter()
        .map(|row| {
            let age = RequestItem::read(&row).map_err(broken)?.received();
            Ok(Item {
                status: if row.open { "open" } else { "answered" },
                age_seconds: age.map(|at| now.0.saturating_sub(at.0).max(0) / SECOND),
                request: RawValue::from_string(row.request).map_err(broken)?,
                answer: row
                    .answer
                    .map(RawValue::from_string)
                    .transpose()
                    .map_err(broken)?,
            })
        })
        .collect::<Result<Vec<_>, Problem>>()?;
    Ok(
        Json(json!({"read_at": rfc3339(now), "items": items, "limit": wanted.limit}))
            .into_response(),
    )
}

pub(super) async fn answer(
    Extension(state): Shared,
    visitor: Visitor,
    Path(id): Id,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    visitor.require(Right::MedicalRequests)?;
    let input: AnswerInput = json_body(&headers, body)?;
    let ids = record(&state, &visitor, &id, &input).await?;
    Ok((
        StatusCode::ACCEPTED,
        Json(json!({"ids": ids, "request_id": id})),
    )
        .into_response())
}

/// Checks an answer and returns when the log has it. Pages use it too.
pub(crate) async fn record(
    state: &State,
    visitor: &Visitor,
    id: &str,
    input: &AnswerInput,
) -> Result<Vec<String>, Problem> {
    visitor.require(Right::MedicalRequests)?;
    let json = answers::medical_answer(input, id, visitor, state.app.clock.now())
        .map_err(Problem::invalid)?;
    let request_id = id.to_owned();
    Ok(state
        .submit(move |log| log.medical_answer(&request_id, &json))
        .await?
        .ids)
}
