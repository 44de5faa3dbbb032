//! `auscult actions`: what is done about signals, and what came of it, through the running service.

use super::server;
use crate::cli::{ActionCommand, Actions, Direction, NewAction, Server};
use crate::exit::{Failure, Outcome};
use crate::table;
use serde_json::{Value, json};

/// Lists, records, or takes a step.
pub fn run(actions: &Actions) -> Outcome {
    let server = actions.server.of(None);
    match &actions.command {
        ActionCommand::List {
            signal,
            state,
            limit,
            json,
        } => {
            let mut path = format!("/v1/actions?limit={limit}");
            for (key, value) in [("signal", signal), ("state", state)] {
                if let Some(value) = value {
                    path.push_str(&format!("&{key}={value}"));
                }
            }
            let listed = server::get(&server, &path)?;
            super::print(&if *json {
                format!("{listed:#}\n")
            } else {
                as_text(&listed)
            });
        }
        ActionCommand::Record(new) => {
            let body = body(&server, new)?;
            told(&server::post(&server, "/v1/actions", &body)?);
        }
        ActionCommand::Step { action, state } => {
            told(&step(&server, action, &json!({ "state": state }))?);
        }
        ActionCommand::Review {
            action,
            next,
            learning,
        } => {
            let review = json!({ "review": { "next": next, "learning": learning } });
            told(&step(&server, action, &review)?);
        }
    }
    Ok(())
}

fn step(server: &Server, action: &str, changes: &Value) -> Result<Value, Failure> {
    server::post(server, &format!("/v1/actions/{action}/steps"), changes)
}

fn told(recorded: &Value) {
    let text = |key: &str| recorded[key].as_str().unwrap_or_default().to_owned();
    super::print(&format!(
        "{}: {} recorded\n",
        text("action_id"),
        text("state")
    ));
}

/// The contract's object. What is to change is the signal's own series.
fn body(server: &Server, new: &NewAction) -> Result<Value, Failure> {
    let is_inaction = new.kind == "no_action";
    let state = match (is_inaction, new.start) {
        (true, _) => "done",
        (_, true) => "started",
        _ => "proposed",
    };
    let mut body = json!({
        "signal_ids": [new.signal], "kind": new.kind, "state": state, "owner": new.owner, "due": new.due,
        "hypothesis": new.hypothesis,
    });
    if let Some(expected) = new.expect {
        let signal = server::get(server, &format!("/v1/signals/{}", new.signal))?;
        let series = &signal["current"]["alert"]["series"];
        let direction = match new.wanted {
            Some(Direction::Up) => "up",
            Some(Direction::Down) => "down",
            None if expected < 0.0 => "down",
            None => "up",
        };
        body["target"] = json!({
            "measure": series["measure"], "series_id": series["id"], "direction": direction, "expected_effect": expected,
            "smallest_relevant_effect": new.smallest.abs().copysign(expected), "buckets_after": new.after,
        });
    }
    if let Some(against) = &new.against {
        body["comparison"] = json!({ "kind": "segment", "series_id": against });
    }
    Ok(body)
}

fn as_text(listed: &Value) -> String {
    let items = listed.get("items").and_then(Value::as_array);
    let items = items.map_or(&[][..], Vec::as_slice);
    if items.is_empty() {
        return "no action\n".to_owned();
    }
    let head = [
        "action", "kind", "state", "owner", "due", "expected", "outcome", "change",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(items.iter().map(row));
    table::aligned(&rows)
}

fn row(item: &Value) -> Vec<String> {
    let text = |path: &str| {
        let value = item.pointer(path).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let change = |path: &str| {
        let effect = item.pointer(path).and_then(Value::as_f64);
        effect.map(|effect| format!("{:+.1} %", 100.0 * effect))
    };
    let outcome = match (text("/outcome/verdict"), text("/outcome/stage").as_str()) {
        (verdict, _) if verdict.is_empty() => "not yet".to_owned(),
        (verdict, "final") => verdict.replace('_', " "),
        (verdict, _) => format!("{} so far", verdict.replace('_', " ")),
    };
    let interval = change("/outcome/interval/low").zip(change("/outcome/interval/high"));
    let changed = match (change("/outcome/estimate"), interval) {
        (Some(estimate), Some((low, high))) => format!("{estimate} ({low} to {high})"),
        _ => String::new(),
    };
    vec![
        text("/action/action_id"),
        text("/action/kind"),
        text("/action/state"),
        text("/action/owner"),
        text("/action/due"),
        change("/action/target/expected_effect").unwrap_or_default(),
        outcome,
        changed,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_listed_with_what_was_promised_and_what_came_of_it() {
        let action = json!({"action_id": "a_9", "kind": "education", "state": "started", "owner": "u_61", "due": "2026-06-30",
            "target": {"expected_effect": -0.3}});
        let outcome = json!({"verdict": "no_change", "stage": "interim", "estimate": -0.02, "interval": {"low": -0.08, "high": 0.04}});
        let items =
            json!([{"action": action, "outcome": outcome}, {"action": action, "outcome": null}]);
        let text = as_text(&json!({ "items": items }));
        for words in [
            "-30.0 %",
            "no change so far",
            "-2.0 % (-8.0 % to +4.0 %)",
            "not yet",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert_eq!(as_text(&json!({"items": []})), "no action\n");
    }
}
