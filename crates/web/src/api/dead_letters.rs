//! Dead letters by code, without their bytes.

use super::signals::query;
use super::{Pairs, Shared};
use crate::access::Visitor;
use crate::filter;
use crate::problem::Problem;
use crate::roles::Right;
use crate::view::operations::open_part;
use axum::Json;
use axum::extract::Extension;
use axum::extract::rejection::QueryRejection;
use serde_json::{Value, json};

/// Most dead letters of one answer.
const MAX_DEAD_LETTERS: u32 = 500;

pub(super) async fn list(
    Extension(state): Shared,
    visitor: Visitor,
    pairs: Result<Pairs, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    visitor.require(Right::Operations)?;
    let (mut code, mut limit) = (None, 100);
    for (key, value) in query(pairs)? {
        match key.as_str() {
            "code" => code = Some(value).filter(|code| !code.is_empty()),
            "limit" => limit = filter::number("limit", &value, MAX_DEAD_LETTERS)?,
            _ => {
                let detail = format!("There is no query parameter {key:?}");
                return Err(Problem::bad_request(
                    "unknown_query_parameter",
                    detail,
                    key,
                    "use code or limit",
                ));
            }
        }
    }
    let rows = state
        .read(move |model| model.dead_letters(code.as_deref(), limit))
        .await?;
    Ok(Json(
        json!({"items": rows.iter().map(open_part).collect::<Vec<_>>(), "limit": limit}),
    ))
}
