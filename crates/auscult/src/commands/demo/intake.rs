//! The demo's safety intake: reads candidates from their topic and acknowledges them on theirs, as a safety database would.
//!
//! It is no part of the product. Without it every report of the feed would stand on the Safety desk as escalated, which is
//! right, and no picture of a house that works. A few are left out, so that there is something to escalate.

use crate::exit::{Failure, Kind, Marked, Outcome};
use crate::service::Service;
use crate::settings::Settings;
use auscult_core::identity::short_hash;
use auscult_core::time::{HOUR, Timestamp};
use auscult_engine::log::{Append, Log, LogEvent, Outgoing, Record};
use auscult_wire::words::AckDecision;
use auscult_wire::{SafetyAck, decode_safety_candidate, encode_safety_ack};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// One live report in so many is never taken in.
const FORGOTTEN_ONE_IN: u64 = 600;
/// One in so many is no case once somebody has read it.
const NO_CASE_ONE_IN: u64 = 4;
/// A live report waits between one and so many hours.
const LONGEST_WAIT_HOURS: u64 = 8;
/// Candidates read at once.
const BATCH: usize = 4_096;

/// Reports that were read and wait for their moment.
pub struct Intake {
    consumer: auscult_store::log::Consumer,
    acks: Arc<str>,
    live_from: Timestamp,
    /// Tenants and candidates by the moment at which they are taken in.
    due: BTreeMap<(Timestamp, String), String>,
}

impl Intake {
    /// An intake that has read nothing yet. What was known before `live_from` is taken in at once.
    pub fn new(
        service: &Service,
        settings: &Settings,
        live_from: Timestamp,
    ) -> Result<Intake, Failure> {
        let topics = &settings.engine.topics;
        Ok(Intake {
            consumer: super::consumer(service, "demo-intake", &topics.safety_candidates)?,
            acks: topics.safety_acks.as_str().into(),
            live_from,
            due: BTreeMap::new(),
        })
    }

    /// Reads what is new and acknowledges what is due at `now`.
    pub fn work(&mut self, now: Timestamp, appender: &dyn Append) -> Outcome {
        let events = self
            .consumer
            .poll(BATCH, Duration::ZERO)
            .or_fail(Kind::Store)?;
        for event in events {
            if let LogEvent::Record(record) = event {
                self.read(&record, now);
            }
        }
        let later = self.due.split_off(&(now.plus(1), String::new()));
        let due = std::mem::replace(&mut self.due, later);
        if due.is_empty() {
            return Ok(());
        }
        let records = due
            .into_iter()
            .map(|((at, candidate), tenant)| {
                let encoded = encode_safety_ack(&tenant, &ack(candidate, at));
                Outgoing {
                    topic: Arc::clone(&self.acks),
                    partition: None,
                    key: Some(encoded.key),
                    headers: encoded.headers,
                    value: encoded.value,
                }
            })
            .collect();
        appender.append(records).or_fail(Kind::Store)?;
        Ok(())
    }

    fn read(&mut self, record: &Record, now: Timestamp) {
        let value = record.value.as_deref().unwrap_or_default();
        let Ok(event) = decode_safety_candidate(&record.headers, value) else {
            return;
        };
        let candidate = event.data.candidate_id.clone();
        let chance = short_hash(&["intake", &candidate]);
        let is_live = event.data.awareness.at >= self.live_from;
        if is_live && chance.is_multiple_of(FORGOTTEN_ONE_IN) {
            return;
        }
        let waits = 1 + (chance >> 32) % LONGEST_WAIT_HOURS;
        let at = if is_live {
            now.plus(waits as i64 * HOUR)
        } else {
            now
        };
        let tenant = event.envelope.tenant_id.as_deref().unwrap_or_default();
        self.due.insert((at, candidate), tenant.to_owned());
    }
}

/// What intake makes of a candidate: a case, or, one time in four, none.
fn ack(candidate_id: String, at: Timestamp) -> SafetyAck {
    let chance = short_hash(&["case", &candidate_id]);
    let is_case = !chance.is_multiple_of(NO_CASE_ONE_IN);
    SafetyAck {
        decision: if is_case {
            AckDecision::Accepted
        } else {
            AckDecision::NotACase
        },
        case_ref: is_case.then(|| format!("DEMO-{:06}", chance % 1_000_000)),
        actor: "demo-intake".to_owned(),
        at,
        candidate_id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_are_cases_and_the_same_in_every_run() {
        let answers: Vec<SafetyAck> = (0..400)
            .map(|number| ack(format!("ae_{number}"), Timestamp(0)))
            .collect();
        let cases = answers
            .iter()
            .filter(|answer| answer.case_ref.is_some())
            .count();
        assert!((250..350).contains(&cases), "{cases}");
        assert_eq!(answers[7], ack("ae_7".to_owned(), Timestamp(0)));
    }
}
