//! Fields of actions and outcomes that people are shown.

use crate::access::Visitor;
use crate::roles::Right;
use crate::words::parse_time;
use auscult_core::time::Timestamp;
use auscult_engine::read_model::ActionRow;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The action's `data` object.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ActionView {
    pub action_id: String,
    pub signal_ids: Vec<String>,
    pub state: String,
    pub owner: String,
    pub due: String,
    pub kind: String,
    pub hypothesis: String,
    pub target: Option<TargetView>,
    pub comparison: Option<ComparisonView>,
    pub started_at: Option<String>,
    pub actor: String,
    pub recorded_at: String,
}

/// What is to change.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TargetView {
    pub measure: String,
    pub series_id: String,
    pub direction: String,
    pub expected_effect: f64,
    pub smallest_relevant_effect: f64,
    pub buckets_after: Option<u32>,
    pub value_dimension: Option<String>,
}

/// What it is compared with.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ComparisonView {
    pub kind: String,
    pub series_id: String,
}

/// The outcome's `data` object.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OutcomeView {
    pub revision: u32,
    pub stage: String,
    pub method: String,
    pub pre: Option<SpanView>,
    pub post: Option<SpanView>,
    pub estimate: Option<f64>,
    pub interval: Option<IntervalView>,
    pub verdict: String,
    pub caveats: Vec<String>,
    pub n: u64,
    pub learning: String,
    pub next: Option<String>,
    pub reviewed_by: String,
    pub as_of: String,
}

/// A stretch of buckets.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SpanView {
    pub start: String,
    pub end: String,
    pub buckets: u32,
    pub rate: f64,
    pub comparison_rate: Option<f64>,
}

/// An interval.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct IntervalView {
    pub low: f64,
    pub high: f64,
    pub level: f64,
}

/// An action with what came of it.
#[derive(Debug, Clone)]
pub(crate) struct ActionItem {
    pub action: ActionView,
    pub outcome: Option<OutcomeView>,
}

impl ActionItem {
    /// Reads one row of the read model.
    pub(crate) fn read(row: &ActionRow) -> Result<ActionItem, serde_json::Error> {
        Ok(ActionItem {
            action: serde_json::from_str(&row.data)?,
            outcome: row
                .outcome
                .as_deref()
                .map(serde_json::from_str)
                .transpose()?,
        })
    }

    /// Whether its outcome is final.
    pub(crate) fn has_result(&self) -> bool {
        self.outcome
            .as_ref()
            .is_some_and(|outcome| outcome.stage == "final")
    }

    /// Whether it is waited for and its day has passed.
    pub(crate) fn is_overdue(&self, now: Timestamp) -> bool {
        const DAY: i64 = auscult_core::time::DAY;
        let is_open = matches!(
            self.action.state.as_str(),
            "proposed" | "approved" | "started"
        );
        is_open && parse_time(&self.action.due).is_some_and(|due| due.plus(DAY) <= now)
    }
}

/// The row without free words, unless the visitor may read text or they are the visitor's own.
pub(crate) fn withheld(visitor: &Visitor, row: ActionRow) -> Result<ActionRow, serde_json::Error> {
    if visitor.may(Right::ReadText) {
        return Ok(row);
    }
    let mut action: Map<String, Value> = serde_json::from_str(&row.data)?;
    let is_own = |key: &str| action.get(key).and_then(Value::as_str) == Some(&visitor.actor);
    if is_own("owner") || is_own("actor") {
        return Ok(row);
    }
    if action.contains_key("hypothesis") {
        action.insert("hypothesis".to_owned(), "".into());
    }
    if let Some(Value::Object(review)) = action.get_mut("review") {
        review.insert("learning".to_owned(), "".into());
    }
    let outcome = row.outcome.as_deref().map(|json| {
        let mut outcome: Map<String, Value> = serde_json::from_str(json)?;
        outcome.remove("learning");
        Ok::<_, serde_json::Error>(Value::Object(outcome).to_string())
    });
    Ok(ActionRow {
        data: Value::Object(action).to_string(),
        outcome: outcome.transpose()?,
        ..row
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::Role;

    #[test]
    fn free_words_are_for_those_who_may_read_text_and_for_their_writer() {
        let row = || {
            ActionRow {
            portfolio: "acme|DE".into(),
            action_id: "a_1".into(),
            event_id: "e_1".into(),
            data: r#"{"owner":"u_1","actor":"u_2","hypothesis":"words","review":{"learning":"words"}}"#.into(),
            outcome: Some(r#"{"verdict":"worse","learning":"words"}"#.into()),
            is_medical: false,
        }
        };
        for (role, actor, sees) in [
            (Role::Analyst, "u_9", true),
            (Role::Brand, "u_9", false),
            (Role::Brand, "u_1", true),
            (Role::Brand, "u_2", true),
        ] {
            let visitor = Visitor {
                role: Some(role),
                actor: actor.into(),
                demo: false,
            };
            let seen = withheld(&visitor, row()).unwrap();
            let all = format!("{}{}", seen.data, seen.outcome.unwrap());
            assert_eq!(all.contains("words"), sees, "{role:?} {actor}");
            assert!(all.contains("worse"), "a result is never withheld");
        }
    }
}
