//! What of an alert a role may see. The one place where that is decided for pages and API alike.
//!
//! Works on the alert's JSON before anything else reads it, so that a page cannot show by accident what
//! the role has no right to. Values that stay are handed on byte for byte.

use crate::roles::{Right, Role};
use auscult_engine::read_model::{SignalDetail, SignalRow};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

type Fields = BTreeMap<String, Box<RawValue>>;

/// Why a record could not be projected: it is then withheld whole.
#[derive(Debug, thiserror::Error)]
#[error("the record of {id} is not a JSON object: {source}")]
pub(crate) struct NotAnObject {
    id: String,
    source: serde_json::Error,
}

impl From<NotAnObject> for crate::problem::Problem {
    fn from(error: NotAnObject) -> Self {
        tracing::error!(%error, "the read model holds a record that cannot be read");
        crate::problem::Problem::broken(
            "read model",
            format!("{error}; rebuild the read model from the topics"),
        )
    }
}

/// Rows as `role` may see them.
pub(crate) fn rows(role: Role, rows: Vec<SignalRow>) -> Result<Vec<SignalRow>, NotAnObject> {
    rows.into_iter()
        .filter_map(|row| match is_withheld(role, &row) {
            Ok(true) => None,
            Ok(false) => Some(self::row(role, row)),
            Err(error) => Some(Err(error)),
        })
        .collect()
}

/// Whether a signal is not for `role` at all: what people think of a belief statement is for those who may read text (U07).
fn is_withheld(role: Role, row: &SignalRow) -> Result<bool, NotAnObject> {
    if role.has(Right::ReadText) {
        return Ok(false);
    }
    let fields = parse(&row.signal_id, &row.data)?;
    let labels = fields
        .get("labels")
        .map(|labels| parse(&row.signal_id, labels.get()));
    let stance = auscult_core::words::StandardDimension::Stance.as_str();
    Ok(labels
        .transpose()?
        .is_some_and(|labels| labels.contains_key(stance)))
}

/// A signal with its history as `role` may see it; `None`: it may not.
pub(crate) fn detail(
    role: Role,
    detail: SignalDetail,
) -> Result<Option<SignalDetail>, NotAnObject> {
    if is_withheld(role, &detail.current)? {
        return Ok(None);
    }
    let id = detail.current.signal_id.clone();
    Ok(Some(SignalDetail {
        portfolio: detail.portfolio,
        current: row(role, detail.current)?,
        revisions: rows(role, detail.revisions)?,
        points: detail.points,
        dispositions: detail
            .dispositions
            .iter()
            .map(|json| disposition(role, &id, json))
            .collect::<Result<_, _>>()?,
    }))
}

fn row(role: Role, row: SignalRow) -> Result<SignalRow, NotAnObject> {
    let data = alert(role, &row.signal_id, &row.data)?;
    let disposition = row
        .disposition
        .as_deref()
        .map(|json| disposition(role, &row.signal_id, json))
        .transpose()?;
    Ok(SignalRow {
        data,
        disposition,
        ..row
    })
}

/// The alert without quotes and beliefs and with people in bands, unless the role may read text.
fn alert(role: Role, id: &str, json: &str) -> Result<String, NotAnObject> {
    if role.has(Right::ReadText) {
        return Ok(json.to_owned());
    }
    let mut fields = parse(id, json)?;
    if let Some(examples) = fields.get_mut("examples") {
        *examples = raw("[]");
    }
    fields.remove("belief");
    if let Some(evidence) = fields.get_mut("evidence") {
        *evidence = banded(id, evidence)?;
    }
    Ok(write(&fields))
}

/// The disposition without its free words, unless the role may read text.
fn disposition(role: Role, id: &str, json: &str) -> Result<String, NotAnObject> {
    if role.has(Right::ReadText) {
        return Ok(json.to_owned());
    }
    let mut fields = parse(id, json)?;
    fields.remove("comment");
    Ok(write(&fields))
}

fn banded(id: &str, evidence: &RawValue) -> Result<Box<RawValue>, NotAnObject> {
    let mut fields = parse(id, evidence.get())?;
    let count = fields
        .get("people")
        .and_then(|people| people.get().parse::<u64>().ok());
    if let Some(count) = count {
        fields.insert("people".to_owned(), raw(&format!("\"{}\"", band(count))));
        fields.insert("banded".to_owned(), raw("true"));
    }
    Ok(raw(&write(&fields)))
}

/// The contract's bands of people.
fn band(people: u64) -> &'static str {
    match people {
        0..5 => "under 5",
        5..10 => "5-9",
        10..25 => "10-24",
        25..50 => "25-49",
        _ => "50+",
    }
}

fn parse(id: &str, json: &str) -> Result<Fields, NotAnObject> {
    serde_json::from_str(json).map_err(|source| NotAnObject {
        id: id.to_owned(),
        source,
    })
}

fn write(fields: &Fields) -> String {
    let inner: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!("{}:{}", serde_json::Value::from(key.as_str()), value.get()))
        .collect();
    format!("{{{}}}", inner.join(","))
}

fn raw(json: &str) -> Box<RawValue> {
    // Only called with JSON written in this file or read by serde_json; null would hide, never leak.
    RawValue::from_string(json.to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALERT: &str = r#"{"observed":41,"p_value":0.00020000000000000001,"examples":[{"quote":"secret words"}],"belief":{"belief_id":"b"},"evidence":{"people":7,"items":41}}"#;

    #[test]
    fn brand_and_ops_see_no_words_and_no_small_counts() {
        for role in [Role::Brand, Role::Ops, Role::Safety, Role::Source] {
            let seen = alert(role, "al_1", ALERT).unwrap();
            assert!(
                !seen.contains("secret") && !seen.contains("belief"),
                "{seen}"
            );
            assert!(seen.contains(r#""people":"5-9""#) && seen.contains(r#""banded":true"#));
            assert!(
                seen.contains(r#""p_value":0.00020000000000000001"#),
                "numbers stay byte for byte"
            );
            assert!(
                !disposition(role, "al_1", r#"{"comment":"secret words"}"#)
                    .unwrap()
                    .contains("secret")
            );
        }
    }

    #[test]
    fn analyst_and_medical_see_the_topic_s_bytes() {
        for role in [Role::Analyst, Role::Medical] {
            assert_eq!(alert(role, "al_1", ALERT).unwrap(), ALERT);
        }
    }

    #[test]
    fn what_people_think_of_a_belief_is_for_those_who_may_read_text() {
        let row = |labels: &str| SignalRow {
            signal_id: "al_1".to_owned(),
            revision: 1,
            status: "firing".to_owned(),
            rank: 1.0,
            suppressed: false,
            as_of: auscult_core::time::Timestamp(0),
            data: format!(r#"{{"labels":{labels},"examples":[]}}"#),
            disposition: None,
        };
        let mixed = || {
            let of_a_belief = row(r#"{"stance":"early-treatment:opposes"}"#);
            vec![of_a_belief, row(r#"{"product":"alpha"}"#)]
        };
        assert_eq!(rows(Role::Brand, mixed()).unwrap().len(), 1);
        assert_eq!(rows(Role::Medical, mixed()).unwrap().len(), 2);
        let detail = SignalDetail {
            portfolio: "acme|DE".to_owned(),
            current: mixed().remove(0),
            revisions: Vec::new(),
            points: Vec::new(),
            dispositions: Vec::new(),
        };
        assert_eq!(super::detail(Role::Ops, detail.clone()).unwrap(), None);
        assert!(super::detail(Role::Analyst, detail).unwrap().is_some());
    }

    #[test]
    fn what_cannot_be_read_is_withheld_whole() {
        assert!(alert(Role::Brand, "al_1", "\"secret words\"").is_err());
    }
}
