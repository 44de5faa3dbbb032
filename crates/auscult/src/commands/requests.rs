//! `auscult requests`: medical requests from the command line, through the running service.

use super::server;
use crate::cli::{RequestCommand, Requests};
use crate::exit::Outcome;
use crate::table;
use serde_json::{Value, json};

/// The role the service is asked in, where no token decides it.
const ROLE: &str = "medical";
/// Characters of a question in the table; `--json` has all of it.
const QUESTION_CHARACTERS: usize = 60;

/// Lists or answers.
pub fn run(requests: &Requests) -> Outcome {
    let server = requests.server.of(Some(ROLE));
    match &requests.command {
        RequestCommand::List { state, limit, json } => {
            let path = format!("/v1/requests?state={state}&limit={limit}");
            let listed = server::get(&server, &path)?;
            super::print(&if *json {
                format!("{listed:#}\n")
            } else {
                as_text(&listed)
            });
        }
        RequestCommand::Answer {
            request,
            decision,
            answer_ref,
        } => {
            let path = format!("/v1/requests/{request}/answers");
            let body = json!({ "decision": decision, "answer_ref": answer_ref });
            server::post(&server, &path, &body)?;
            super::print(&format!("{request}: {decision} recorded\n"));
        }
    }
    Ok(())
}

fn as_text(listed: &Value) -> String {
    let items = listed.get("items").and_then(Value::as_array);
    let items = items.map_or(&[][..], Vec::as_slice);
    if items.is_empty() {
        return "no request\n".to_owned();
    }
    let head = ["request", "status", "age", "asked by", "question"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(items.iter().map(row));
    table::aligned(&rows)
}

fn row(item: &Value) -> Vec<String> {
    let text = |path: &str| {
        let value = item.pointer(path).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let hours = item
        .get("age_seconds")
        .and_then(Value::as_i64)
        .map(|age| age / 3_600);
    let age = match hours {
        None => "unknown".to_owned(),
        Some(hours) if hours < 48 => format!("{hours} h"),
        Some(hours) => format!("{} days", hours / 24),
    };
    let question = text("/request/question");
    let mut short: String = question.chars().take(QUESTION_CHARACTERS).collect();
    if short.len() < question.len() {
        short.push('…');
    }
    vec![
        text("/request/request_id"),
        text("/status"),
        age,
        text("/request/asked_by"),
        short,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_listed_with_their_age() {
        let item = |age: i64, question: &str| {
            json!({"status": "open", "age_seconds": age, "answer": null,
                "request": {"request_id": "mr_1", "asked_by": "hcp", "question": question}})
        };
        let long = "Is there any data on alpha in patients on dialysis, or is there none at all?";
        let text = as_text(&json!({"items": [item(300_000, long), item(7_300, "Why?")]}));
        assert!(text.contains("3 days") && text.contains("2 h"), "{text}");
        assert!(text.contains('…') && text.contains("Why?"), "{text}");
        assert_eq!(as_text(&json!({"items": []})), "no request\n");
    }
}
