//! The pages read the contract's own examples.

use crate::common::{Fake, app, demo, row};
use crate::{get, html};
use auscult_core::time::Timestamp;
use auscult_engine::read_model::{
    ActionDetail, ActionFilter, ActionRow, CandidateRow, DeadLetterRow, Overview, ReadError,
    ReadModel, ReconciledDay, ReconciliationFilter, RequestFilter, RequestRow, SignalDetail,
    SignalFilter, SignalRow,
};
use auscult_web::ports::App;
use axum::http::StatusCode;
use serde_json::Value;
use std::sync::Arc;

/// A read model that holds nothing but the examples of `schemas/examples`.
struct Examples;

fn data(name: &str) -> Value {
    let path = format!(
        "{}/../../schemas/examples/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{path}: {error}"))["data"]
        .clone()
}

fn signals() -> Vec<SignalRow> {
    [
        "alert.raised.medical.structured.json",
        "alert.updated.shared.structured.json",
        "alert.resolved.shared.structured.json",
        "alert.retracted.shared.structured.json",
    ]
    .map(|name| {
        row(
            &data(name),
            data(name)["status"].as_str().unwrap(),
            false,
            Some(data("disposition.structured.json")),
        )
    })
    .to_vec()
}

impl ReadModel for Examples {
    fn signals(&self, _: &SignalFilter) -> Result<Vec<SignalRow>, ReadError> {
        Ok(signals())
    }
    fn signal(&self, signal_id: &str) -> Result<Option<SignalDetail>, ReadError> {
        let index = signal_id.parse::<usize>().unwrap();
        let points = ["series.structured.json", "series.no-data.structured.json"]
            .map(|name| data(name).to_string());
        let current = signals().remove(index);
        Ok(Some(SignalDetail {
            portfolio: "acme|DE".to_owned(),
            revisions: signals(),
            points: points.to_vec(),
            dispositions: vec![data("disposition.structured.json").to_string()],
            current,
        }))
    }
    fn safety_candidates(&self, _: bool, _: u32) -> Result<Vec<CandidateRow>, ReadError> {
        Ok(vec![CandidateRow {
            tenant: "acme".to_owned(),
            candidate: data("safety-candidate.structured.json").to_string(),
            acknowledgement: Some(data("safety-ack.structured.json").to_string()),
            escalation: Some(data("safety-escalation.structured.json").to_string()),
        }])
    }
    fn safety_candidate(&self, _: &str) -> Result<Option<CandidateRow>, ReadError> {
        Ok(self.safety_candidates(false, 1)?.pop())
    }
    fn reconciliation(&self, _: &ReconciliationFilter) -> Result<Vec<ReconciledDay>, ReadError> {
        Ok(Vec::new())
    }
    fn medical_requests(&self, _: &RequestFilter) -> Result<Vec<RequestRow>, ReadError> {
        Ok(vec![RequestRow {
            tenant: "acme".to_owned(),
            request: data("medical-request.structured.json").to_string(),
            answer: Some(data("medical-answer.structured.json").to_string()),
            open: false,
        }])
    }
    fn medical_request(&self, _: &str) -> Result<Option<RequestRow>, ReadError> {
        Ok(self.medical_requests(&RequestFilter::default())?.pop())
    }
    fn actions(&self, _: &ActionFilter) -> Result<Vec<ActionRow>, ReadError> {
        Ok(vec![ActionRow {
            portfolio: "acme|DE".to_owned(),
            action_id: "a_9".to_owned(),
            event_id: "e_1".to_owned(),
            data: data("action.structured.json").to_string(),
            outcome: Some(data("outcome.structured.json").to_string()),
            is_medical: false,
        }])
    }
    fn action(&self, _: &str) -> Result<Option<ActionDetail>, ReadError> {
        let current = self.actions(&ActionFilter::default())?.pop();
        Ok(current.map(|current| ActionDetail {
            events: vec![current.data.clone()],
            current,
        }))
    }
    fn points_beside(&self, _: &str, _: &str, _: u32) -> Result<Vec<String>, ReadError> {
        Ok(vec![data("series.structured.json").to_string()])
    }
    fn dead_letters(&self, _: Option<&str>, _: u32) -> Result<Vec<DeadLetterRow>, ReadError> {
        let data = data("dead-letter.structured.json");
        Ok(vec![DeadLetterRow {
            id: "0-1".to_owned(),
            code: data["code"].as_str().unwrap().to_owned(),
            at: Timestamp(0),
            data: data.to_string(),
            replays: 0,
        }])
    }
    fn overview(&self, _: Timestamp) -> Result<Overview, ReadError> {
        Ok(Overview {
            dead_letters: vec![("any".to_owned(), 1)],
            ..Overview::default()
        })
    }
}

#[tokio::test]
async fn every_example_of_the_contract_is_shown_whole() {
    let router = auscult_web::router(App {
        read: Arc::new(Examples),
        ..app(&Arc::new(Fake::default()), demo())
    });
    for (role, path) in [
        ("analyst", "/"),
        ("analyst", "/signals"),
        ("analyst", "/signals/0"),
        ("brand", "/signals/1"),
        ("analyst", "/signals/2"),
        ("analyst", "/signals/3"),
        ("analyst", "/impact"),
        ("brand", "/actions/a_9"),
        ("safety", "/safety"),
        ("medical", "/requests"),
        ("ops", "/ops"),
    ] {
        let answer = get(&router, role, path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        html::check(path, &answer.body);
        for words in [
            "cannot be read",
            "not given",
            "No history to draw",
            "unknown number of channels",
            "not one this page knows",
        ] {
            assert!(!answer.body.contains(words), "{path}: {words}");
        }
    }
    let medical = data("alert.raised.medical.structured.json");
    let page = get(&router, "analyst", "/signals/0").await.body;
    assert!(
        page.contains("no data"),
        "a bucket without data shows as such"
    );
    assert!(!medical["examples"].as_array().unwrap().is_empty() && page.contains("In their words"));
    let letters = get(&router, "ops", "/v1/dead-letters").await;
    let letter = data("dead-letter.structured.json");
    assert_eq!(letters.json()["items"][0]["reason"], letter["reason"]);
    assert!(
        !letters.body.contains(letter["value"].as_str().unwrap()),
        "the bytes stay away"
    );
}
