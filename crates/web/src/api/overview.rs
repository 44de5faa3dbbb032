//! The figures of Home and Ops, each only for the roles that may see them.

use super::Shared;
use crate::access::Visitor;
use crate::pages::freshness::Freshness;
use crate::ports::PartState;
use crate::problem::Problem;
use crate::roles::Right;
use crate::words::rfc3339;
use axum::Json;
use axum::extract::Extension;
use serde_json::{Map, Value, json};

pub(super) async fn overview(
    Extension(state): Shared,
    visitor: Visitor,
) -> Result<Json<Value>, Problem> {
    visitor.require(Right::Pages)?;
    let ((), around) = state.read_page(|_| Ok(())).await?;
    let freshness = Freshness::of(&around, state.app.settings.behind_after_milliseconds);
    let overview = &around.overview;
    let counts = |pairs: &[(String, u64)]| {
        Value::from(
            pairs
                .iter()
                .map(|(key, count)| (key.clone(), json!(count)))
                .collect::<Map<_, _>>(),
        )
    };
    let mut body = json!({
        "read_at": rfc3339(around.now),
        "freshness": {"state": freshness.level.as_str(), "newest_bucket_end": overview.newest_bucket_end.map(rfc3339), "reason": freshness.words},
    });
    if visitor.may(Right::ReadSignals) {
        body["signals"] = json!({
            "firing": overview.firing,
            "untriaged": overview.untriaged,
            "muted": overview.muted,
            "oldest_untriaged": overview.oldest_untriaged.map(rfc3339),
            "decisions": counts(&overview.decisions),
        });
    }
    if visitor.may(Right::Safety) {
        body["safety"] = json!({
            "open": overview.safety_open,
            "due_within_24_hours": overview.safety_due_soon,
            "unacknowledged": overview.safety_unacknowledged,
            "escalated": overview.safety_escalated,
        });
    }
    if visitor.may(Right::MedicalRequests) {
        let requests = overview.requests;
        body["requests"] =
            json!({"open": requests.count, "oldest_received_at": requests.oldest.map(rfc3339)});
    }
    if visitor.may(Right::Operations) {
        body["dead_letters"] = counts(&overview.dead_letters);
        body["feeds"] = overview
            .feeds
            .iter()
            .map(|feed| json!({"feed": feed.feed, "last_event": rfc3339(feed.last_event), "mentions": feed.mentions, "state": feed.state}))
            .collect();
        body["parts"] = around
            .health
            .parts
            .iter()
            .map(|part| json!({"name": part.name, "state": state_word(part.state), "lag_milliseconds": part.lag_milliseconds, "detail": part.detail, "remedy": part.remedy}))
            .collect();
    }
    Ok(Json(body))
}

/// The word of a state in JSON.
pub(crate) fn state_word(state: PartState) -> &'static str {
    match state {
        PartState::Ok => "ok",
        PartState::Behind => "behind",
        PartState::Failed => "failed",
    }
}
