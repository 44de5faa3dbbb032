//! An action through the built binary: a signal comes up, an action is started on it, what was promised cannot be changed,
//! and it is listed from the command line and on the page.

use crate::desks::{SETTINGS, comes_to, service};
use crate::scratch::{Scratch, text};
use serde_json::{Value, json};

const DAYS: i64 = 40;
const BURST: std::ops::Range<i64> = 32..35;

/// Forty days of one theme, with one burst.
fn history() -> String {
    let mut lines = Vec::new();
    for day in 0..DAYS {
        let count = if BURST.contains(&day) {
            40
        } else {
            5 + day % 3
        };
        for number in 0..count {
            let (month, of_month) = if day < 30 {
                (4, day + 1)
            } else {
                (5, day - 29)
            };
            let at = format!(
                "2026-{month:02}-{of_month:02}T{:02}:{:02}:00Z",
                number / 2,
                30 * (number % 2)
            );
            let said = json!({
                "feedback_id": format!("fb-{day}-{number}"), "kind": "feedback",
                "source": {"system": "crm", "instance": "eu", "type": "field_note"},
                "channel": "face_to_face", "occurred_at": at,
                "awareness": {"at": at, "by_function": "medical", "by_organisation": "company"},
                "solicitation": "unsolicited",
                "respondent": {"ref": format!("person {day} {number}"), "type": "hcp", "country": "DE", "region": "DE-BY"},
                "about": {"products": ["alpha"]},
                "content": {"format": "text", "language": "en",
                            "text": "The prior authorisation form was refused by the insurer again."},
                "consent": {"basis": "legitimate_interest"}, "privacy": {"state": "raw"},
            });
            lines.push(said.to_string());
        }
    }
    lines.join("\n")
}

fn get(address: &str, path: &str) -> Value {
    let mut answer = ureq::get(&format!("{address}{path}"))
        .call()
        .expect("answered");
    let body = answer.body_mut().read_to_string().expect("a body");
    serde_json::from_str(&body).expect("JSON")
}

#[test]
fn an_action_is_started_on_a_signal_and_what_was_promised_stays() {
    let scratch = Scratch::new();
    // HCPs alone speak: the other topics are not waited for.
    let settings = SETTINGS.replace("[web]", "idle_after_seconds = 1\n[web]");
    let (_service, address) = service(&scratch, &settings);
    let address = address.as_str();
    ureq::post(&format!("{address}/v1/feedback"))
        .header("content-type", "application/x-ndjson")
        .send(history())
        .expect("accepted");
    let signals = "/v1/signals?status=all&suppressed=include";
    let began = std::time::Instant::now();
    let signal = loop {
        let listed = get(address, signals);
        if let Some(id) = listed["items"][0]["signal_id"].as_str() {
            break id.to_owned();
        }
        assert!(
            began.elapsed() < crate::browser::PATIENCE,
            "no signal came up"
        );
    };
    let record = |more: &[&str]| {
        let mut arguments = vec![
            "actions",
            "record",
            &signal,
            "access_support",
            "--start",
            "--server",
            address,
        ];
        arguments.extend(more);
        scratch.run(&arguments)
    };
    let vague = record(&["--owner", "u_61"]);
    let told = text(&vague.stderr);
    assert_eq!(vague.status.code(), Some(7), "{told}");
    for place in ["due", "hypothesis", "target"] {
        assert!(told.contains(place), "{place}: {told}");
    }
    let whole = [
        "--owner",
        "u_61",
        "--due",
        "2026-06-30",
        "--hypothesis",
        "A guide helps.",
        "--expect",
        "-0.3",
    ];
    let started = record(&whole);
    assert!(started.status.success(), "{}", text(&started.stderr));
    let told = text(&started.stdout);
    let id = told.split(':').next().expect("an id").to_owned();
    assert!(told.contains("started recorded"), "{told}");

    let list = ["actions", "list", "--signal", &signal, "--server", address];
    let listed = comes_to(&scratch, &list, |output| text(&output.stdout).contains(&id));
    let listed = text(&listed.stdout);
    assert!(
        listed.contains("-30.0 %") && listed.contains("u_61"),
        "{listed}"
    );

    let back = scratch.run(&["actions", "step", &id, "proposed", "--server", address]);
    assert_eq!(back.status.code(), Some(7));
    assert!(
        text(&back.stderr).contains("cannot become"),
        "{}",
        text(&back.stderr)
    );
    // Cancelled, it has an outcome all the same: nothing goes away.
    let cancelled = scratch.run(&["actions", "step", &id, "cancelled", "--server", address]);
    assert!(cancelled.status.success(), "{}", text(&cancelled.stderr));
    let settled = comes_to(&scratch, &list, |output| {
        text(&output.stdout).contains("inconclusive")
    });
    assert!(
        text(&settled.stdout).contains("cancelled"),
        "{}",
        text(&settled.stdout)
    );
    let action = get(address, &format!("/v1/actions/{id}"));
    assert_eq!(action["events"].as_array().expect("events").len(), 2);
    assert_eq!(action["outcome"]["stage"], "final");
    let mut page = ureq::get(&format!("{address}/impact"))
        .call()
        .expect("answered");
    let page = page.body_mut().read_to_string().expect("a page");
    assert!(page.contains(&format!("/actions/{id}")));
}
