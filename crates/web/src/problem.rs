//! What goes wrong, told the same way everywhere: RFC 9457 problem details for machines, and the same
//! words on an error page for people. Each names the thing, the place, the reason and the remedy.

use crate::ports::{RejectedItem, SubmitError};
use crate::roles::Right;
use auscult_engine::read_model::ReadError;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// One field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct FieldProblem {
    /// Where, such as `decision`.
    pub place: String,
    /// What is wrong.
    pub reason: String,
    /// Every word that would be right, when the list is closed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<&'static str>,
}

impl FieldProblem {
    /// A field whose right values are no closed list.
    pub(crate) fn new(place: &str, reason: impl Into<String>) -> FieldProblem {
        FieldProblem {
            place: place.to_owned(),
            reason: reason.into(),
            allowed: Vec::new(),
        }
    }
}

/// A refused or failed request. Boxed: it travels in many results and is rare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem(Box<Details>);

/// What there is to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Details {
    pub status: StatusCode,
    /// Stable word for machines.
    pub code: &'static str,
    /// A few words, the same for every problem of this code.
    pub title: &'static str,
    /// What happened, with names.
    pub detail: String,
    /// Where: a path, a field, a setting.
    pub place: String,
    /// What to do.
    pub remedy: String,
    /// Each wrong field.
    pub fields: Vec<FieldProblem>,
    /// Each refused item of a batch.
    pub rejected: Vec<RejectedItem>,
}

impl std::ops::Deref for Problem {
    type Target = Details;
    fn deref(&self) -> &Details {
        &self.0
    }
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: impl Into<String>,
        place: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Problem {
        Problem(Box::new(Details {
            status,
            code,
            title,
            detail: detail.into(),
            place: place.into(),
            remedy: remedy.into(),
            fields: Vec::new(),
            rejected: Vec::new(),
        }))
    }

    /// The same with each wrong field.
    pub(crate) fn with_fields(mut self, fields: Vec<FieldProblem>) -> Problem {
        self.0.fields = fields;
        self
    }

    /// The same with each refused item.
    pub(crate) fn with_rejected(mut self, rejected: Vec<RejectedItem>) -> Problem {
        self.0.rejected = rejected;
        self
    }

    pub(crate) fn not_signed_in(right: Right) -> Problem {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "not_signed_in",
            "Not signed in",
            format!("{} needs a token", capitalised(right.words())),
            "authorization header or session cookie",
            "send `Authorization: Bearer …` with a token of web.tokens, or sign in at /sign-in",
        )
    }

    pub(crate) fn not_allowed(right: Right, role: &str, demo: bool) -> Problem {
        let remedy = if demo {
            "demo mode: switch the role at the top of the page, or send the header `x-auscult-role`"
        } else {
            "use a token of a role that may, or ask whoever keeps web.tokens"
        };
        Problem::new(
            StatusCode::FORBIDDEN,
            "not_allowed",
            "Not open to this role",
            format!(
                "{} is not open to the role {role}",
                capitalised(right.words())
            ),
            "role",
            remedy,
        )
    }

    pub(crate) fn not_found(what: &str, id: &str, remedy: &str) -> Problem {
        Problem::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "Not found",
            format!("There is no {what} {id:?} in the read model"),
            "path",
            remedy,
        )
    }

    pub(crate) fn invalid(fields: Vec<FieldProblem>) -> Problem {
        let detail = fields
            .iter()
            .map(|field| format!("{}: {}", field.place, field.reason))
            .collect::<Vec<_>>()
            .join("; ");
        let place = fields
            .first()
            .map(|field| field.place.clone())
            .unwrap_or_default();
        let remedy = match fields.iter().find(|field| !field.allowed.is_empty()) {
            Some(field) => format!("choose {} from: {}", field.place, field.allowed.join(", ")),
            None => "correct the named fields and send it again".to_owned(),
        };
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_fields",
            "Some fields are not right",
            detail,
            place,
            remedy,
        )
        .with_fields(fields)
    }

    pub(crate) fn bad_request(
        code: &'static str,
        detail: impl Into<String>,
        place: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Problem {
        Problem::new(
            StatusCode::BAD_REQUEST,
            code,
            "The request cannot be read",
            detail,
            place,
            remedy,
        )
    }

    pub(crate) fn busy(what: &str, detail: impl Into<String>) -> Problem {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "Busy, try again",
            detail,
            what,
            "send the same request again in a few seconds; nothing was lost or half done",
        )
    }

    pub(crate) fn broken(what: &str, detail: impl Into<String>) -> Problem {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "broken",
            "Something here does not work",
            detail,
            what,
            "look at the log of this process and at /readyz; a person must act",
        )
    }

    /// The problem as RFC 9457 JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        let mut body = serde_json::json!({
            "type": format!("urn:auscult:problem:{}", self.code),
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
            "where": self.place,
            "remedy": self.remedy,
        });
        if !self.fields.is_empty()
            && let Ok(fields) = serde_json::to_value(&self.fields)
        {
            body["fields"] = fields;
        }
        if !self.rejected.is_empty()
            && let Ok(rejected) = serde_json::to_value(&self.rejected)
        {
            body["rejected"] = rejected;
        }
        body
    }
}

fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

impl IntoResponse for Problem {
    /// As JSON; the pages' layer finds the problem in the extensions and shows it as a page instead.
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.json())).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        match self.status {
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            StatusCode::UNAUTHORIZED => {
                headers.insert(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static("Bearer realm=\"auscult\""),
                );
            }
            _ => {}
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Problem {
        match error {
            ReadError::Busy(detail) => {
                Problem::busy("read model", format!("The read model is busy: {detail}"))
            }
            ReadError::Broken(detail) => {
                tracing::error!(%detail, "the read model cannot be read");
                Problem::broken(
                    "read model",
                    format!("The read model cannot be read: {detail}"),
                )
            }
        }
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Problem {
        match error {
            SubmitError::Busy(detail) => {
                Problem::busy("log", format!("The log is not reachable for now: {detail}"))
            }
            SubmitError::Broken(detail) => {
                tracing::error!(%detail, "the log cannot be used");
                Problem::broken("log", format!("The log cannot be used: {detail}"))
            }
            SubmitError::Unknown(what) => Problem::not_found(
                "entry",
                &what,
                "check the id; it may be older than the topic's retention",
            ),
            SubmitError::Unreadable {
                code,
                place,
                reason,
                remedy,
            } => {
                let told = format!("{code}: {reason}");
                let field = FieldProblem {
                    place: place.clone(),
                    reason: told.clone(),
                    allowed: Vec::new(),
                };
                Problem::bad_request("unreadable_body", told, place, remedy)
                    .with_fields(vec![field])
            }
        }
    }
}
