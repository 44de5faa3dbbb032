//! Fields of a medical request and its answer that medical information is shown.

use crate::words::parse_time;
use auscult_core::time::Timestamp;
use auscult_engine::read_model::RequestRow;
use serde::Deserialize;

/// The request's `data` object.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RequestView {
    pub request_id: String,
    pub feedback_id: String,
    pub received_at: String,
    pub question: String,
    pub language: String,
    pub products: Vec<String>,
    pub indications: Vec<String>,
    pub themes: Vec<String>,
    pub asked_by: String,
    pub country: String,
    pub source_type: String,
    pub may_contact: Option<bool>,
    pub contact_vault_ref: Option<String>,
}

/// The answer's `data` object.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AnswerView {
    pub decision: String,
    pub answer_ref: Option<String>,
    pub at: String,
}

/// One request with what was done about it.
#[derive(Debug, Clone)]
pub(crate) struct RequestItem {
    pub request: RequestView,
    pub answer: Option<AnswerView>,
    pub open: bool,
}

impl RequestItem {
    /// Reads one row of the read model.
    pub(crate) fn read(row: &RequestRow) -> Result<RequestItem, serde_json::Error> {
        Ok(RequestItem {
            request: serde_json::from_str(&row.request)?,
            answer: row
                .answer
                .as_deref()
                .map(serde_json::from_str)
                .transpose()?,
            open: row.open,
        })
    }

    /// When the company first knew of it: its age counts from here.
    pub(crate) fn received(&self) -> Option<Timestamp> {
        parse_time(&self.request.received_at)
    }
}
