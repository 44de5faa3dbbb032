//! `auscult safety`: the hand-off to safety from the command line, through the running service.

use super::server;
use crate::cli::{Safety, SafetyCommand};
use crate::exit::{Failure, Kind, Outcome};
use crate::table;
use serde_json::{Value, json};

/// The role the service is asked in, where no token decides it.
const ROLE: &str = "safety";

/// Acknowledges or reconciles.
pub fn run(safety: &Safety) -> Outcome {
    let server = safety.server.of(Some(ROLE));
    match &safety.command {
        SafetyCommand::Acknowledge {
            candidate,
            decision,
            case_ref,
        } => {
            let path = format!("/v1/safety/candidates/{candidate}/acks");
            let body = json!({ "decision": decision, "case_ref": case_ref });
            server::post(&server, &path, &body)?;
            super::print(&format!("{candidate}: {decision} recorded\n"));
            Ok(())
        }
        SafetyCommand::Reconcile { day, json } => {
            let query = day.as_ref().map(|day| format!("?day={day}"));
            let path = format!("/v1/safety/reconciliation{}", query.unwrap_or_default());
            let report = server::get(&server, &path)?;
            super::print(&if *json {
                format!("{report:#}\n")
            } else {
                as_text(&report)
            });
            verdict(&report)
        }
    }
}

/// Exit code 9 when somebody is missing past the time: a scheduler can wake a person by it.
fn verdict(report: &Value) -> Outcome {
    match count(report, "past_due") {
        0 => Ok(()),
        past_due => Err(Failure::new(
            Kind::Outstanding,
            anyhow::anyhow!(
                "{past_due} of {} handed over are past their time without an acknowledgement; see docs/runbooks/safety-hand-off.md",
                count(report, "sent")
            ),
        )),
    }
}

fn count(of: &Value, name: &str) -> u64 {
    of.get(name).and_then(Value::as_u64).unwrap_or_default()
}

fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of.get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// A table of days, and below it everybody who is missing by name.
fn as_text(report: &Value) -> String {
    let days = list(report, "days");
    if days.is_empty() {
        return "no candidate in these days: nothing to reconcile\n".to_owned();
    }
    let head = [
        "day",
        "tenant",
        "sent",
        "acknowledged",
        "withdrawn",
        "escalated",
        "outstanding",
        "past due",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(days.iter().map(|day| {
        let withdrawn = count(day, "not_a_case") + count(day, "duplicate");
        vec![
            text(day, "day").to_owned(),
            text(day, "tenant").to_owned(),
            count(day, "sent").to_string(),
            count(day, "acknowledged").to_string(),
            withdrawn.to_string(),
            count(day, "escalated").to_string(),
            count(day, "outstanding").to_string(),
            count(day, "past_due").to_string(),
        ]
    }));
    let mut shown = table::aligned(&rows);
    for one in days.iter().flat_map(|day| list(day, "missing")) {
        let escalated = text(one, "escalated_at");
        let escalated = if escalated.is_empty() {
            String::new()
        } else {
            format!(", escalated {escalated}")
        };
        shown += &format!(
            "missing: {}, intake due {}{escalated}\n",
            text(one, "candidate_id"),
            text(one, "intake_due")
        );
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(past_due: u64) -> Value {
        json!({"sent": 1000, "acknowledged": 999, "outstanding": 1, "past_due": past_due, "days": [{
            "tenant": "acme", "day": "2026-05-04", "sent": 1000, "acknowledged": 999, "accepted": 900, "not_a_case": 90,
            "duplicate": 9, "needs_information": 0, "escalated": past_due, "outstanding": 1, "past_due": past_due,
            "missing": [{"candidate_id": "ae_7", "intake_due": "2026-05-05T16:05:00Z", "escalated_at": null}]}]})
    }

    #[test]
    fn the_report_names_who_is_missing() {
        let text = as_text(&report(1));
        assert!(
            text.contains("missing: ae_7, intake due 2026-05-05T16:05:00Z"),
            "{text}"
        );
        assert!(
            text.contains("2026-05-04") && text.contains("999"),
            "{text}"
        );
    }

    #[test]
    fn only_what_is_past_its_time_is_a_failure() {
        assert!(verdict(&report(0)).is_ok());
        let told = verdict(&report(1)).expect_err("past due").to_string();
        assert!(told.contains("1 of 1000"), "{told}");
    }
}
