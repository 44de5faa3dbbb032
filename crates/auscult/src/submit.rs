//! What pages and the API hand in, appended to the log: accepted means durable.

use crate::settings::Settings;
use auscult_engine::clock::Clock;
use auscult_engine::log::{Append, Headers, LogError};
use auscult_engine::read_model::{ReadError, ReadModel};
use auscult_engine::submit::SubmitDesk;
use auscult_web::ports::{Accepted, Bytes, RejectedItem, Submit, SubmitError};
use auscult_wire::WireError;
use std::sync::Arc;

/// The engine's desk in front of the log's appender.
pub struct Desk {
    desk: SubmitDesk,
    append: Box<dyn Append>,
    read: Box<dyn ReadModel>,
    clock: Arc<dyn Clock>,
}

impl Desk {
    /// A desk for the service in `settings`.
    pub fn new(
        settings: &Settings,
        append: Box<dyn Append>,
        read: impl ReadModel + 'static,
        clock: Arc<dyn Clock>,
    ) -> Desk {
        Desk {
            desk: SubmitDesk::new(&settings.engine),
            append,
            read: Box::new(read),
            clock,
        }
    }
}

impl Submit for Desk {
    fn feedback(
        &self,
        content_type: &str,
        headers: &Headers,
        body: Bytes,
    ) -> Result<Accepted, SubmitError> {
        let submission = self
            .desk
            .feedback(content_type, headers, &body, self.clock.now())
            .map_err(unreadable)?;
        self.append.append(submission.outgoing).map_err(log)?;
        let rejected = submission
            .refused
            .into_iter()
            .map(|item| RejectedItem {
                index: item.index,
                code: item.error.code.as_str().to_owned(),
                place: item.error.place.clone(),
                reason: item.error.reason.clone(),
                remedy: item.error.code.remedy().to_owned(),
            })
            .collect();
        Ok(Accepted {
            ids: submission.ids,
            rejected,
        })
    }

    fn disposition(&self, signal_id: &str, json: &str) -> Result<Accepted, SubmitError> {
        let signal = self
            .read
            .signal(signal_id)
            .map_err(read)?
            .ok_or_else(|| SubmitError::Unknown(format!("signal {signal_id}")))?;
        // The tenant is always the first field of the portfolio.
        let tenant = signal.portfolio.split('|').next().unwrap_or_default();
        let (id, record) = self
            .desk
            .disposition(tenant, &signal.portfolio, json, &signal.current.data)
            .map_err(unreadable)?;
        self.append.append(vec![record]).map_err(log)?;
        Ok(Accepted {
            ids: vec![id],
            rejected: Vec::new(),
        })
    }

    fn action(&self, portfolio: &str, json: &str) -> Result<Accepted, SubmitError> {
        let tenant = portfolio.split('|').next().unwrap_or_default();
        let record = self
            .desk
            .action(tenant, portfolio, json)
            .map_err(unreadable)?;
        self.append.append(vec![record]).map_err(log)?;
        Ok(Accepted::default())
    }

    fn acknowledge(&self, candidate_id: &str, json: &str) -> Result<Accepted, SubmitError> {
        let candidate = self
            .read
            .safety_candidate(candidate_id)
            .map_err(read)?
            .ok_or_else(|| SubmitError::Unknown(format!("candidate {candidate_id}")))?;
        let record = self
            .desk
            .acknowledgement(&candidate.tenant, json)
            .map_err(unreadable)?;
        self.append.append(vec![record]).map_err(log)?;
        Ok(accepted(candidate_id))
    }

    fn medical_answer(&self, request_id: &str, json: &str) -> Result<Accepted, SubmitError> {
        let request = self
            .read
            .medical_request(request_id)
            .map_err(read)?
            .ok_or_else(|| SubmitError::Unknown(format!("request {request_id}")))?;
        let record = self
            .desk
            .medical_answer(&request.tenant, json)
            .map_err(unreadable)?;
        self.append.append(vec![record]).map_err(log)?;
        Ok(accepted(request_id))
    }
}

fn accepted(id: &str) -> Accepted {
    Accepted {
        ids: vec![id.to_owned()],
        rejected: Vec::new(),
    }
}

fn unreadable(error: WireError) -> SubmitError {
    SubmitError::Unreadable {
        code: error.code.as_str().to_owned(),
        place: error.place.clone(),
        reason: error.reason.clone(),
        remedy: error.code.remedy().to_owned(),
    }
}

fn log(error: LogError) -> SubmitError {
    match error {
        LogError::Retry(reason) | LogError::Fenced(reason) => SubmitError::Busy(reason),
        LogError::Fatal(reason) => SubmitError::Broken(reason),
    }
}

fn read(error: ReadError) -> SubmitError {
    match error {
        ReadError::Busy(reason) => SubmitError::Busy(reason),
        ReadError::Broken(reason) => SubmitError::Broken(reason),
    }
}
