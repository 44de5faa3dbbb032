//! The two desks through the built binary: a report and a question come in, the commands name them, answer them, and see
//! the answer.

use crate::browser::{PATIENCE, Running, told};
use crate::scratch::{Scratch, text};
use serde_json::{Value, json};
use std::process::{Output, Stdio};
use std::time::Instant;

pub const SETTINGS: &str = "[engine.listen]\npseudonym_key_file = 'key'\ndefault_tenant = 'acme'\n[web]\nbind = '127.0.0.1:0'\n";

pub fn service(scratch: &Scratch, settings: &str) -> (Running, String) {
    scratch.write("key", "k".repeat(64));
    scratch.write("settings.toml", settings);
    let mut child = Running(
        scratch
            .command(&["run", "--settings", "settings.toml"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts"),
    );
    let stderr = child.0.stderr.take().expect("piped");
    let address = told(stderr, "pages and API on ").expect("it serves");
    (child, address.trim().to_owned())
}

fn said(id: &str, respondent: &str, words: &str) -> Value {
    json!({
        "feedback_id": id, "kind": "feedback", "source": {"system": "crm", "instance": "eu", "type": "field_note"},
        "channel": "face_to_face", "occurred_at": "2026-05-04T09:12:00Z",
        "awareness": {"at": "2026-05-04T09:12:00Z", "by_function": "medical", "by_organisation": "company"},
        "solicitation": "unsolicited", "respondent": {"ref": id, "type": respondent, "country": "DE"},
        "about": {"products": ["alpha"]}, "content": {"format": "text", "text": words, "language": "en"},
        "consent": {"basis": "legitimate_interest"}, "privacy": {"state": "raw"},
    })
}

/// Asks until the answer is the one wanted: the pages follow the log.
pub fn comes_to(scratch: &Scratch, arguments: &[&str], wanted: impl Fn(&Output) -> bool) -> Output {
    let began = Instant::now();
    loop {
        let output = scratch.run(arguments);
        if wanted(&output) {
            return output;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "{arguments:?} stays at {}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
    }
}

/// Ids of the candidates a reconciliation names as missing.
fn named(output: &Output) -> Vec<String> {
    text(&output.stdout)
        .lines()
        .filter_map(|line| line.strip_prefix("missing: ")?.split(',').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_report_is_acknowledged_and_a_question_answered_from_the_command_line() {
    let scratch = Scratch::new();
    let (_service, address) = service(&scratch, SETTINGS);
    let address = address.as_str();
    let report = said(
        "fb-1",
        "patient",
        "After the second dose my mother got a terrible rash and went to hospital.",
    );
    let question = said(
        "fb-2",
        "hcp",
        "Can Alpha be given to patients with severe renal impairment, and at which dose?",
    );
    ureq::post(&format!("{address}/v1/feedback"))
        .header("content-type", "application/x-ndjson")
        .send(format!("{report}\n{question}\n"))
        .expect("accepted");

    // Asking for a dose outside the label is a matter for safety too: both are candidates.
    let reconcile = ["safety", "reconcile", "--server", address];
    let missing = comes_to(&scratch, &reconcile, |output| {
        output.status.code() == Some(10) && named(output).len() == 2
    });
    let table = text(&missing.stdout);
    assert!(
        table.contains("2026-05-04") && table.contains("acme"),
        "{table}"
    );
    let ids = named(&missing);
    let told = text(&missing.stderr);
    assert!(told.contains("2 of 2 handed over"), "{told}");

    let unknown = scratch.run(&["safety", "acknowledge", "ae_nobody", "--server", address]);
    assert_eq!(unknown.status.code(), Some(7), "{}", text(&unknown.stderr));
    for id in ids.iter().chain(&ids[..1]) {
        let done = scratch.run(&[
            "safety",
            "acknowledge",
            id,
            "--case-ref",
            "DE-1",
            "--server",
            address,
        ]);
        assert!(done.status.success(), "{id}: {}", text(&done.stderr));
    }
    comes_to(&scratch, &reconcile, |output| output.status.success());
    let day = [
        "safety",
        "reconcile",
        "--day",
        "2026-05-04",
        "--json",
        "--server",
        address,
    ];
    let day: Value = serde_json::from_slice(&scratch.run(&day).stdout).expect("JSON");
    assert_eq!(
        (
            &day["sent"],
            &day["acknowledged"],
            &day["days"][0]["accepted"]
        ),
        (&json!(2), &json!(2), &json!(2))
    );

    let list = ["requests", "list", "--server", address];
    let listed = comes_to(&scratch, &list, |output| {
        text(&output.stdout).contains("mr_")
    });
    let table = text(&listed.stdout);
    assert!(
        table.contains("open") && table.contains("renal impairment"),
        "{table}"
    );
    let request = table
        .split_whitespace()
        .find(|word| word.starts_with("mr_"))
        .expect("an id")
        .to_owned();
    let answer = [
        "requests",
        "answer",
        &request,
        "--answer-ref",
        "MI-7",
        "--server",
        address,
    ];
    let done = scratch.run(&answer);
    assert!(done.status.success(), "{}", text(&done.stderr));
    comes_to(&scratch, &list, |output| {
        text(&output.stdout) == "no request\n"
    });
    let kept = scratch.run(&[
        "requests", "list", "--state", "answered", "--json", "--server", address,
    ]);
    assert!(
        text(&kept.stdout).contains("MI-7"),
        "{}",
        text(&kept.stdout)
    );

    let began = Instant::now();
    let wanted = [
        r#"auscult_safety_acks_total{met="waiting"} 2"#,
        r#"auscult_safety_acks_total{met="again"} 1"#,
        r#"auscult_safety_unacknowledged{state="waiting"} 0"#,
        "auscult_safety_intake_overdue 0",
        "auscult_medical_requests_open 0",
        r#"auscult_lag_status{stage="safety",status="ok"} 1"#,
    ];
    loop {
        let answer = ureq::get(&format!("{address}/metrics")).call();
        let metrics = answer
            .expect("open")
            .body_mut()
            .read_to_string()
            .expect("text");
        let absent: Vec<_> = wanted
            .iter()
            .filter(|line| !metrics.contains(**line))
            .collect();
        if absent.is_empty() {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{absent:?} in\n{metrics}");
    }
}
