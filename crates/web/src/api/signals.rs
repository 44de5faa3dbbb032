//! Signals, their points, and the answers people give.

use super::{Id, Pairs, Shared, json_body};
use crate::access::Visitor;
use crate::answers::{self, DispositionInput};
use crate::filter;
use crate::problem::Problem;
use crate::roles::{Right, Role};
use crate::state::State;
use crate::view::project;
use crate::words::rfc3339;
use auscult_engine::read_model::{SignalDetail, SignalRow};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Extension, Path};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

/// Signals of one answer, unless asked otherwise.
const DEFAULT_LIMIT: u32 = 50;
/// Points of one answer, unless asked otherwise, and at most.
const DEFAULT_POINTS: u32 = 500;
const MAX_POINTS: u32 = 5_000;

#[derive(Serialize)]
struct Item {
    signal_id: String,
    revision: u32,
    status: String,
    rank: f64,
    suppressed: bool,
    as_of: String,
    alert: Box<RawValue>,
    disposition: Option<Box<RawValue>>,
}

impl Item {
    fn new(row: SignalRow) -> Result<Item, Problem> {
        Ok(Item {
            alert: raw(row.data)?,
            disposition: row.disposition.map(raw).transpose()?,
            signal_id: row.signal_id,
            revision: row.revision,
            status: row.status,
            rank: row.rank,
            suppressed: row.suppressed,
            as_of: rfc3339(row.as_of),
        })
    }
}

fn raw(json: String) -> Result<Box<RawValue>, Problem> {
    RawValue::from_string(json).map_err(|error| {
        Problem::broken(
            "read model",
            format!("A record of the read model is not JSON: {error}; rebuild it from the topics"),
        )
    })
}

pub(super) async fn list(
    Extension(state): Shared,
    visitor: Visitor,
    pairs: Result<Pairs, QueryRejection>,
) -> Result<Response, Problem> {
    let role = visitor.require(Right::ReadSignals)?;
    let filter = filter::parse(&query(pairs)?, None, DEFAULT_LIMIT)?;
    // One more than asked for tells whether there is a next page.
    let asked = auscult_engine::read_model::SignalFilter {
        limit: filter.limit.saturating_add(1).min(filter::MAX_LIMIT),
        ..filter.clone()
    };
    let mut rows = state.read(move |model| model.signals(&asked)).await?;
    let limit = filter.limit as usize;
    // At the store's own bound a full page may have a next one; an empty next page is the lesser evil.
    let more = rows.len() > limit || (filter.limit == filter::MAX_LIMIT && rows.len() == limit);
    rows.truncate(limit);
    let next = more.then(|| {
        format!(
            "/v1/signals?{}",
            filter::query(&filter, filter.offset.saturating_add(filter.limit))
        )
    });
    let items = project::rows(role, rows)?
        .into_iter()
        .map(Item::new)
        .collect::<Result<Vec<_>, _>>()?;
    #[derive(Serialize)]
    struct Page {
        items: Vec<Item>,
        offset: u32,
        limit: u32,
        next: Option<String>,
        read_at: String,
    }
    let read_at = rfc3339(state.app.clock.now());
    Ok(Json(Page {
        items,
        offset: filter.offset,
        limit: filter.limit,
        next,
        read_at,
    })
    .into_response())
}

pub(super) async fn one(
    Extension(state): Shared,
    visitor: Visitor,
    Path(id): Id,
) -> Result<Response, Problem> {
    let detail = read_detail(&state, &visitor, &id).await?;
    #[derive(Serialize)]
    struct Whole {
        #[serde(flatten)]
        links: serde_json::Value,
        current: Item,
        revisions: Vec<Item>,
        dispositions: Vec<Box<RawValue>>,
    }
    let links =
        json!({"signal_id": id, "points": format!("/v1/signals/{}/points", filter::encode(&id))});
    Ok(Json(Whole {
        links,
        current: Item::new(detail.current)?,
        revisions: detail
            .revisions
            .into_iter()
            .map(Item::new)
            .collect::<Result<_, _>>()?,
        dispositions: detail
            .dispositions
            .into_iter()
            .map(raw)
            .collect::<Result<_, _>>()?,
    })
    .into_response())
}

pub(super) async fn points(
    Extension(state): Shared,
    visitor: Visitor,
    Path(id): Id,
    pairs: Result<Pairs, QueryRejection>,
) -> Result<Response, Problem> {
    let mut limit = DEFAULT_POINTS;
    for (key, value) in query(pairs)? {
        match key.as_str() {
            "limit" => limit = filter::number("limit", &value, MAX_POINTS)?,
            _ => {
                return Err(Problem::bad_request(
                    "unknown_query_parameter",
                    format!("There is no query parameter {key:?}"),
                    key,
                    "use limit",
                ));
            }
        }
    }
    let detail = read_detail(&state, &visitor, &id).await?;
    let total = detail.points.len();
    let skipped = total.saturating_sub(limit as usize);
    let points = detail
        .points
        .into_iter()
        .skip(skipped)
        .map(raw)
        .collect::<Result<Vec<_>, _>>()?;
    #[derive(Serialize)]
    struct Points {
        signal_id: String,
        total: usize,
        points: Vec<Box<RawValue>>,
    }
    Ok(Json(Points {
        signal_id: id,
        total,
        points,
    })
    .into_response())
}

pub(super) async fn dispose(
    Extension(state): Shared,
    visitor: Visitor,
    Path(id): Id,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    visitor.require(Right::Decide)?;
    let input: DispositionInput = json_body(&headers, body)?;
    let recorded = record(&state, &visitor, &id, &input).await?;
    Ok((
        StatusCode::ACCEPTED,
        Json(json!({
            "ids": recorded.ids,
            "signal_id": id,
            "revision_seen": recorded.revision_seen,
            "current_revision": recorded.current_revision,
            "stale": recorded.revision_seen < recorded.current_revision,
        })),
    )
        .into_response())
}

/// What the log has now.
pub(crate) struct Recorded {
    pub ids: Vec<String>,
    pub revision_seen: u32,
    pub current_revision: u32,
}

/// Checks an answer and returns when the log has it. Pages use it too.
pub(crate) async fn record(
    state: &State,
    visitor: &Visitor,
    id: &str,
    input: &DispositionInput,
) -> Result<Recorded, Problem> {
    let current = read_detail(state, visitor, id).await?.current;
    let json = answers::disposition(input, id, current.revision, visitor, state.app.clock.now())
        .map_err(Problem::invalid)?;
    let signal_id = id.to_owned();
    let accepted = state
        .submit(move |log| log.disposition(&signal_id, &json))
        .await?;
    Ok(Recorded {
        ids: accepted.ids,
        revision_seen: input.revision_seen.unwrap_or(current.revision),
        current_revision: current.revision,
    })
}

/// One signal as the visitor may see it.
pub(crate) async fn read_detail(
    state: &State,
    visitor: &Visitor,
    id: &str,
) -> Result<SignalDetail, Problem> {
    let role: Role = visitor.require(Right::ReadSignals)?;
    let asked = id.to_owned();
    let detail = state
        .read(move |model| model.signal(&asked))
        .await?
        .ok_or_else(|| unknown(id))?;
    project::detail(role, detail)?.ok_or_else(|| unknown(id))
}

/// 404 for a signal.
pub(crate) fn unknown(id: &str) -> Problem {
    Problem::not_found(
        "signal",
        id,
        "look it up in the list at /signals; a new one shows within a second of its alert",
    )
}

/// The pairs of the query string.
pub(crate) fn query(
    pairs: Result<Pairs, QueryRejection>,
) -> Result<Vec<(String, String)>, Problem> {
    pairs.map(|pairs| pairs.0).map_err(|rejection| {
        Problem::bad_request(
            "bad_query",
            rejection.body_text(),
            "query string",
            "write it as key=value&key=value",
        )
    })
}
