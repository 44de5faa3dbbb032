//! `auscult dispose`: answers a signal through the running service, as a page would.

use crate::cli::Dispose;
use crate::exit::{Failure, Kind, Outcome};
use serde_json::json;

/// Sends the verdict and says that the log has it.
pub fn run(dispose: &Dispose) -> Outcome {
    let url = format!(
        "{}/v1/signals/{}/dispositions",
        dispose.server.trim_end_matches('/'),
        dispose.signal
    );
    let body =
        json!({ "decision": dispose.decision, "cause": dispose.cause, "comment": dispose.comment });
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let mut request = agent.post(&url);
    if let Some(token) = &dispose.token {
        request = request.header("authorization", &format!("Bearer {token}"));
    }
    let mut response = request.send_json(&body).map_err(|error| {
        Failure::new(
            Kind::Refused,
            anyhow::anyhow!(
                "cannot reach {url}: {error}; start `auscult run` or name it with --server"
            ),
        )
    })?;
    let status = response.status();
    let text = response.body_mut().read_to_string().unwrap_or_default();
    if status.is_success() {
        super::print(&format!(
            "{}: {} recorded\n",
            dispose.signal, dispose.decision
        ));
        return Ok(());
    }
    Err(Failure::new(
        Kind::Refused,
        anyhow::anyhow!("{url} answered {status}: {}", text.trim()),
    ))
}
