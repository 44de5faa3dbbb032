//! Live updates as server-sent events: ids of what changed, never content.
//!
//! A page that hears of a change asks for itself again and swaps its parts. That beat sending rendered parts
//! down the stream: the stream needs no rights of its own beyond one filter, and a page shown live is the page
//! shown on reload.

use crate::access::Visitor;
use crate::api::Shared;
use crate::ports::Update;
use crate::problem::Problem;
use crate::roles::{Right, Role};
use crate::settings::MAX_LIVE_STREAMS;
use crate::state::State;
use axum::extract::Extension;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;

/// Events waiting for a slow reader before it is told to start over.
const WAITING_EVENTS: usize = 64;
/// A comment goes out this often, so that proxies keep the line open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(crate) async fn events(
    Extension(state): Shared,
    visitor: Visitor,
) -> Result<Response, Problem> {
    let role = visitor.require(Right::Pages)?;
    let permit = Arc::clone(&state.streams)
        .try_acquire_owned()
        .map_err(|_| {
            Problem::busy(
                "live updates",
                format!(
                    "{MAX_LIVE_STREAMS} pages are open live already; the page still works on reload"
                ),
            )
        })?;
    let (sender, receiver) = mpsc::channel(WAITING_EVENTS);
    tokio::spawn(forward(state, role, sender, permit));
    Ok(Sse::new(ReceiverStream::new(receiver))
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response())
}

/// Copies updates to one reader until it goes away or the server closes.
async fn forward(
    state: Arc<State>,
    role: Role,
    sender: mpsc::Sender<Result<Event, Infallible>>,
    permit: OwnedSemaphorePermit,
) {
    let mut updates = state.app.updates.subscribe();
    let mut closing = state.closing.subscribe();
    loop {
        let event = tokio::select! {
            _ = closing.wait_for(|closing| *closing) => break,
            () = sender.closed() => break,
            update = updates.recv() => match update {
                Ok(update) => event(role, &update),
                Err(RecvError::Lagged(_)) => Some(Event::default().event("all").data("all")),
                Err(RecvError::Closed) => break,
            },
        };
        if let Some(event) = event
            && sender.send(Ok(event)).await.is_err()
        {
            break;
        }
    }
    drop(permit);
}

/// The event a role may hear of, if any.
fn event(role: Role, update: &Update) -> Option<Event> {
    let (name, right, id) = match update {
        Update::Signal { signal_id } => ("signals", Right::ReadSignals, signal_id.as_str()),
        Update::Safety { candidate_id } => ("safety", Right::Safety, candidate_id.as_str()),
        Update::Request { request_id } => ("requests", Right::MedicalRequests, request_id.as_str()),
        Update::Action { action_id } => ("actions", Right::ReadSignals, action_id.as_str()),
        // Browsers drop an event without data.
        Update::Operations => ("operations", Right::Operations, "operations"),
    };
    let printable: String = id.chars().filter(|letter| !letter.is_control()).collect();
    role.has(right)
        .then(|| Event::default().event(name).data(printable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_of_medical_requests_reach_medical_alone() {
        let update = Update::Request {
            request_id: "mr_1".to_owned(),
        };
        for role in Role::ALL {
            assert_eq!(event(role, &update).is_some(), role == Role::Medical);
        }
    }

    #[test]
    fn safety_news_reach_safety_alone() {
        let update = Update::Safety {
            candidate_id: "ae_1".to_owned(),
        };
        for role in Role::ALL {
            assert_eq!(event(role, &update).is_some(), role == Role::Safety);
        }
    }
}
