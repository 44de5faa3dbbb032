//! `auscult dispose`: answers a signal through the running service, as a page would.

use super::server;
use crate::cli::Dispose;
use crate::exit::Outcome;
use serde_json::json;

/// Sends the verdict and says that the log has it.
pub fn run(dispose: &Dispose) -> Outcome {
    let path = format!("/v1/signals/{}/dispositions", dispose.signal);
    let mut body =
        json!({ "decision": dispose.decision, "cause": dispose.cause, "comment": dispose.comment });
    if let Some(from) = &dispose.from {
        body["effective_from"] = from.as_str().into();
    }
    server::post(&dispose.server.of(None), &path, &body)?;
    super::print(&format!(
        "{}: {} recorded\n",
        dispose.signal, dispose.decision
    ));
    Ok(())
}
