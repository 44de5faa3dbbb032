//! Envelopes of events we make ourselves: deterministic ids, classification, audience.
//!
//! Ids are UUIDv5 of what the event is about, so an event written again after a crash has the id it had, and
//! "source and id are unique" makes every consumer idempotent.

use std::borrow::Cow;

use auscult_core::time::Timestamp;
use uuid::Uuid;

use crate::envelope::Envelope;
use crate::words::{Audience, DataCategory, DataClassification};

/// Namespace of our ids: UUIDv5 of `auscult.example` in the DNS namespace.
const NAMESPACE: Uuid = Uuid::from_u128(0x3f88_2060_9a48_51d7_b591_8027_e1d6_df7f);

/// A UUIDv5 over `parts`. Lengths are part of the name, so that no two lists of parts run together.
#[must_use]
pub fn derived_id(parts: &[&str]) -> Uuid {
    let mut name = Vec::with_capacity(96);
    for part in parts {
        name.extend_from_slice(&(part.len() as u64).to_be_bytes());
        name.extend_from_slice(part.as_bytes());
    }
    Uuid::new_v5(&NAMESPACE, &name)
}

/// The thread an event belongs to: its incident, if there is one.
pub(crate) fn thread(incident_id: &str) -> Option<Cow<'_, str>> {
    (!incident_id.is_empty()).then_some(Cow::Borrowed(incident_id))
}

/// What all of our own events carry.
pub(crate) struct Derived<'a> {
    pub kind: &'static str,
    pub schema: &'static str,
    pub id: Uuid,
    pub source: String,
    pub subject: String,
    pub tenant: &'a str,
    pub key: &'a str,
    pub happened: Timestamp,
    pub recorded: Timestamp,
    pub classification: DataClassification,
    pub category: DataCategory,
    pub audience: Audience,
}

impl<'a> Derived<'a> {
    pub(crate) fn envelope(self) -> Envelope<'a> {
        Envelope {
            id: Cow::Owned(self.id.to_string()),
            source: Cow::Owned(self.source),
            kind: Cow::Borrowed(self.kind),
            subject: Some(Cow::Owned(self.subject)),
            time: Some(self.happened),
            recorded_time: Some(self.recorded),
            data_schema: Some(Cow::Borrowed(self.schema)),
            tenant_id: Some(Cow::Borrowed(self.tenant)),
            partition_key: Some(Cow::Borrowed(self.key)),
            classification: Some(self.classification),
            category: Some(self.category),
            audience: Some(self.audience),
            ..Envelope::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_namespace_is_that_of_our_name() {
        assert_eq!(
            NAMESPACE,
            Uuid::new_v5(&Uuid::NAMESPACE_DNS, b"auscult.example")
        );
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(derived_id(&["ab", "c"]), derived_id(&["a", "bc"]));
        assert_ne!(derived_id(&["a", ""]), derived_id(&["a"]));
    }
}
