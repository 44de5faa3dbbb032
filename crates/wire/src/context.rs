//! What travels along while a document is read: the place, the first failure, and fields nobody knows.

use std::borrow::Cow;

use serde::de;

use crate::error::{ErrorCode, WireError};

/// Where in the document the reader stands; a chain on the stack, rendered only when it is needed.
#[derive(Debug, Clone, Copy)]
pub enum Place<'p> {
    /// The document's root, with the pointer of what surrounds it (`""` or `"/data"`).
    Root(&'static str),
    /// A named member.
    Name(&'p Place<'p>, &'p str),
    /// An entry of a list.
    Entry(&'p Place<'p>, usize),
}

impl Place<'_> {
    /// JSON pointer (RFC 6901).
    #[must_use]
    pub fn pointer(&self) -> String {
        match self {
            Place::Root(prefix) => (*prefix).to_owned(),
            Place::Name(parent, name) => {
                let shown: String = name.chars().take(64).collect();
                format!(
                    "{}/{}",
                    parent.pointer(),
                    shown.replace('~', "~0").replace('/', "~1")
                )
            }
            Place::Entry(parent, index) => format!("{}/{index}", parent.pointer()),
        }
    }

    /// Name with its parents before it, `respondent.nickname`: how unknown fields are kept.
    #[must_use]
    pub fn dotted(&self, name: &str) -> Option<String> {
        match self {
            Place::Root(_) => None,
            Place::Name(parent, own) => Some(format!(
                "{}.{name}",
                parent.dotted(own).unwrap_or_else(|| (*own).to_owned())
            )),
            Place::Entry(parent, index) => parent.dotted(&format!("{index}.{name}")),
        }
    }
}

/// A field of the source that the contract does not know, with its JSON as it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraField<'a> {
    /// Name; the names of the objects around it come before it, joined by dots.
    pub name: Cow<'a, str>,
    /// Its JSON.
    pub json: Cow<'a, str>,
}

/// What travels along while a document is read.
#[derive(Debug, Default)]
pub struct Context<'de> {
    /// Whether unknown fields are kept.
    pub keep_unknown: bool,
    /// Unknown fields, in order.
    pub unknown: Vec<ExtraField<'de>>,
    failure: Option<(ErrorCode, String)>,
    place: Option<String>,
}

impl<'de> Context<'de> {
    /// A context that keeps unknown fields, or skips them.
    #[must_use]
    pub fn new(keep_unknown: bool) -> Context<'de> {
        Context {
            keep_unknown,
            ..Context::default()
        }
    }

    /// Notes the first failure and hands back an error for the format.
    pub fn fail<E: de::Error>(
        &mut self,
        code: ErrorCode,
        place: &Place<'_>,
        reason: impl Into<String>,
    ) -> E {
        if self.failure.is_none() {
            self.failure = Some((code, reason.into()));
            self.place = Some(place.pointer());
        }
        E::custom(code.as_str())
    }

    /// Notes where the first failure happened; the innermost place is told first and stays.
    pub fn locate(&mut self, place: &Place<'_>) {
        if self.place.is_none() {
            self.place = Some(place.pointer());
        }
    }

    /// The refusal, from what was noted and what the format reported.
    #[must_use]
    pub fn refusal(self, error: &serde_json::Error) -> WireError {
        let place = self.place.unwrap_or_default();
        match self.failure {
            Some((code, reason)) => WireError::new(code, place, reason),
            None if error.is_data() => {
                WireError::new(ErrorCode::JsonType, place, type_reason(error))
            }
            None => WireError::new(ErrorCode::JsonSyntax, place, syntax_reason(error)),
        }
    }
}

/// The expectation, and the kind of what was found, but never its value: that may be customer text.
fn type_reason(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let expected = message
        .rfind(", expected ")
        .map_or("another type", |at| &message[at + ", expected ".len()..]);
    let expected = expected
        .rsplit_once(" at line")
        .map_or(expected, |(words, _)| words);
    let found = message
        .strip_prefix("invalid type: ")
        .and_then(|rest| rest.split([' ', ',', '`']).next())
        .filter(|word| {
            [
                "null", "boolean", "integer", "floating", "string", "sequence", "map",
            ]
            .contains(word)
        })
        .map_or(String::new(), |word| {
            format!(
                "found {} ",
                if word == "floating" { "number" } else { word }
            )
        });
    format!(
        "{found}where {expected} was expected (line {}, column {})",
        error.line(),
        error.column()
    )
}

fn syntax_reason(error: &serde_json::Error) -> String {
    let what = if error.is_eof() {
        "the document ends too early"
    } else {
        "not well-formed JSON"
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}
