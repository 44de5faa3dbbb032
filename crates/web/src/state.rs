//! What every handler shares: the ports, and the bounds around them.
//!
//! The ports block (SQLite, a broker's acknowledgement), so they are called on tokio's blocking threads, and
//! a semaphore keeps a burst of page views from taking all of those. Writes have their own permits: a
//! busy dashboard must never be the reason that feedback is refused.

use crate::ports::{App, HealthReport, Submit, SubmitError};
use crate::problem::Problem;
use crate::settings::{
    MAX_CONCURRENT_READS, MAX_CONCURRENT_REQUESTS, MAX_LIVE_STREAMS, READ_WAIT_SECONDS,
};
use auscult_engine::read_model::{Overview, ReadError, ReadModel};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit, watch};

/// Most writes handed to the log at once.
const MAX_CONCURRENT_WRITES: usize = 8;

/// Shared by all requests.
pub(crate) struct State {
    pub app: App,
    pub requests: Arc<Semaphore>,
    pub streams: Arc<Semaphore>,
    /// Turns true at shutdown: live streams end so that the server can.
    pub closing: watch::Sender<bool>,
    reads: Semaphore,
    writes: Semaphore,
}

/// What every page needs beside its own content.
pub(crate) struct Surroundings {
    pub overview: Overview,
    pub health: HealthReport,
    pub now: auscult_core::time::Timestamp,
}

impl State {
    pub(crate) fn new(app: App) -> State {
        State {
            app,
            requests: Arc::new(Semaphore::new(MAX_CONCURRENT_REQUESTS)),
            streams: Arc::new(Semaphore::new(MAX_LIVE_STREAMS)),
            closing: watch::Sender::new(false),
            reads: Semaphore::new(MAX_CONCURRENT_READS),
            writes: Semaphore::new(MAX_CONCURRENT_WRITES),
        }
    }

    /// Reads on a blocking thread.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn ReadModel) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, Problem> {
        let _permit = turn(&self.reads, "read model").await?;
        let model = Arc::clone(&self.app.read);
        Ok(blocking(move || question(model.as_ref())).await??)
    }

    /// Reads what a page shows and what surrounds it, in one trip to a blocking thread.
    pub(crate) async fn read_page<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn ReadModel) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<(T, Surroundings), Problem> {
        let now = self.app.clock.now();
        let health = Arc::clone(&self.app.health);
        self.read(move |model| {
            let surroundings = Surroundings {
                overview: model.overview(now)?,
                health: health.report(),
                now,
            };
            Ok((question(model)?, surroundings))
        })
        .await
    }

    /// Writes on a blocking thread; `Ok` means the log has it.
    pub(crate) async fn submit<T: Send + 'static>(
        &self,
        act: impl FnOnce(&dyn Submit) -> Result<T, SubmitError> + Send + 'static,
    ) -> Result<T, Problem> {
        let _permit = turn(&self.writes, "log").await?;
        let submit = Arc::clone(&self.app.submit);
        Ok(blocking(move || act(submit.as_ref())).await??)
    }

    /// Asks the parts how they are.
    pub(crate) async fn health(&self) -> Result<HealthReport, Problem> {
        let health = Arc::clone(&self.app.health);
        blocking(move || health.report()).await
    }
}

async fn turn<'a>(permits: &'a Semaphore, what: &str) -> Result<SemaphorePermit<'a>, Problem> {
    match tokio::time::timeout(Duration::from_secs(READ_WAIT_SECONDS), permits.acquire()).await {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(Problem::busy(
            what,
            format!("No turn became free within {READ_WAIT_SECONDS} s"),
        )),
    }
}

/// A panic in a port becomes a problem of this request, not the end of the process.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "a blocking call stopped early");
        Problem::broken("server", "The work for this request stopped early")
    })
}
