//! The daily reconciliation of the hand-off to safety: sent = acknowledged, or who is missing. For safety alone.

use super::signals::query;
use super::{Pairs, Shared};
use crate::access::Visitor;
use crate::filter;
use crate::problem::Problem;
use crate::roles::Right;
use crate::words::{parse_time, rfc3339};
use auscult_core::time::{DAY, Timestamp};
use auscult_engine::read_model::{ReconciledDay, ReconciliationFilter};
use axum::Json;
use axum::extract::Extension;
use axum::extract::rejection::QueryRejection;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Days shown when nobody asks for others, today included.
pub(crate) const USUAL_DAYS: u32 = 7;
/// Most days of one answer.
const MAX_DAYS: u32 = 366;

/// The days up to and with today, and every earlier one on which somebody is missing.
pub(crate) fn usual(now: Timestamp, days: u32) -> ReconciliationFilter {
    let until = Timestamp(now.0 - now.0.rem_euclid(DAY) + DAY);
    ReconciliationFilter {
        from: until.plus(-DAY * i64::from(days)),
        until,
        and_outstanding: true,
        now,
    }
}

/// One day alone.
fn alone(day: Timestamp, now: Timestamp) -> ReconciliationFilter {
    ReconciliationFilter {
        from: day,
        until: day.plus(DAY),
        and_outstanding: false,
        now,
    }
}

pub(super) async fn show(
    Extension(state): Shared,
    visitor: Visitor,
    pairs: Result<Pairs, QueryRejection>,
) -> Result<Response, Problem> {
    visitor.require(Right::Safety)?;
    let now = state.app.clock.now();
    let mut filter = usual(now, USUAL_DAYS);
    for (key, value) in query(pairs)? {
        filter = match key.as_str() {
            "day" => alone(day(&value)?, now),
            "days" => usual(now, filter::number("days", &value, MAX_DAYS)?),
            _ => return Err(filter::bad(&key, &value, "use day or days")),
        };
    }
    let days = state
        .read(move |model| model.reconciliation(&filter))
        .await?;
    let sum = |figure: fn(&ReconciledDay) -> u64| days.iter().map(figure).sum::<u64>();
    Ok(Json(json!({
        "read_at": rfc3339(now),
        "sent": sum(|day| day.sent),
        "acknowledged": sum(|day| day.acknowledged),
        "outstanding": sum(|day| day.outstanding),
        "past_due": sum(|day| day.past_due),
        "days": days.iter().map(as_json).collect::<Vec<_>>(),
    }))
    .into_response())
}

fn day(text: &str) -> Result<Timestamp, Problem> {
    let at = parse_time(text).filter(|at| at.0.rem_euclid(DAY) == 0 && text.len() == 10);
    at.ok_or_else(|| filter::bad("day", text, "write it as 2026-05-04; days are UTC"))
}

fn as_json(day: &ReconciledDay) -> Value {
    let missing = day.missing.iter().map(|one| {
        json!({
            "candidate_id": one.candidate_id,
            "intake_due": rfc3339(one.intake_due),
            "escalated_at": one.escalated_at.map(rfc3339),
        })
    });
    json!({
        "tenant": day.tenant,
        "day": rfc3339(day.day)[..10],
        "sent": day.sent,
        "acknowledged": day.acknowledged,
        "accepted": day.accepted,
        "not_a_case": day.not_a_case,
        "duplicate": day.duplicate,
        "needs_information": day.needs_information,
        "escalated": day.escalated,
        "outstanding": day.outstanding,
        "past_due": day.past_due,
        "missing": missing.collect::<Vec<_>>(),
    })
}
