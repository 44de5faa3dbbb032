//! The demo's two desks: a safety database that takes in candidates, and medical information that answers questions.
//!
//! They are no part of the product. Without them every report and every question of the feed would stand on its page as
//! overdue, which is right, and no picture of a house that works. A few are left out, so that there is something to escalate.

use crate::exit::{Failure, Kind, Marked, Outcome};
use crate::service::Service;
use crate::settings::Settings;
use auscult_core::identity::short_hash;
use auscult_core::time::{HOUR, Timestamp};
use auscult_engine::log::{Append, Log, LogEvent, Outgoing, Record};
use auscult_wire::words::{AckDecision, RequestDecision};
use auscult_wire::{
    Encoded, MedicalAnswer, SafetyAck, decode_medical_request, decode_safety_candidate,
    encode_medical_answer, encode_safety_ack,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Matters read at once.
const BATCH: usize = 4_096;

/// How one desk works.
struct Habits {
    /// Its group, and what its chances are drawn from.
    name: &'static str,
    /// One live matter in so many is never looked at.
    forgotten_one_in: u64,
    /// A live matter waits between one and so many hours.
    longest_wait_hours: u64,
    read: fn(&Record) -> Option<Matter>,
    answer: fn(&Matter, Timestamp) -> Encoded,
}

/// Reports of possible adverse events.
const SAFETY: Habits = Habits {
    name: "demo-intake",
    forgotten_one_in: 600,
    longest_wait_hours: 8,
    read: read_candidate,
    answer: acknowledge,
};

/// Medical questions: answered within two days, which is what medical information promises in many houses.
const MEDICAL: Habits = Habits {
    name: "demo-medical",
    forgotten_one_in: 40,
    longest_wait_hours: 48,
    read: read_request,
    answer: answer_request,
};

/// What lies on a desk.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Matter {
    id: String,
    tenant: String,
    since: Timestamp,
}

/// One desk: what it has read and has not answered yet.
struct Desk {
    habits: Habits,
    consumer: auscult_store::log::Consumer,
    answers: Arc<str>,
    live_from: Timestamp,
    due: BTreeMap<Timestamp, Vec<Matter>>,
}

/// Both desks.
pub struct Desks([Desk; 2]);

impl Desks {
    /// Desks that have read nothing yet. What was known before `live_from` is answered at once.
    pub fn new(
        service: &Service,
        settings: &Settings,
        live_from: Timestamp,
    ) -> Result<Desks, Failure> {
        let topics = &settings.engine.topics;
        let desk = |habits: Habits, matters: &str, answers: &str| {
            Ok::<Desk, Failure>(Desk {
                consumer: super::consumer(service, habits.name, matters)?,
                habits,
                answers: answers.into(),
                live_from,
                due: BTreeMap::new(),
            })
        };
        Ok(Desks([
            desk(SAFETY, &topics.safety_candidates, &topics.safety_acks)?,
            desk(MEDICAL, &topics.medical_requests, &topics.medical_answers)?,
        ]))
    }

    /// Reads what is new and answers what is due at `now`.
    pub fn work(&mut self, now: Timestamp, appender: &dyn Append) -> Outcome {
        self.0
            .iter_mut()
            .try_for_each(|desk| desk.work(now, appender))
    }
}

impl Desk {
    fn work(&mut self, now: Timestamp, appender: &dyn Append) -> Outcome {
        let events = self
            .consumer
            .poll(BATCH, Duration::ZERO)
            .or_fail(Kind::Store)?;
        for event in events {
            if let LogEvent::Record(record) = event {
                self.put_on(&record, now);
            }
        }
        let later = self.due.split_off(&now.plus(1));
        let due = std::mem::replace(&mut self.due, later);
        if due.is_empty() {
            return Ok(());
        }
        let records = due
            .into_iter()
            .flat_map(|(at, matters)| matters.into_iter().map(move |matter| (at, matter)))
            .map(|(at, matter)| {
                let encoded = (self.habits.answer)(&matter, at);
                Outgoing {
                    topic: Arc::clone(&self.answers),
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

    fn put_on(&mut self, record: &Record, now: Timestamp) {
        let Some(matter) = (self.habits.read)(record) else {
            return;
        };
        let is_live = matter.since >= self.live_from;
        if let Some(at) = moment(&self.habits, &matter.id, is_live, now) {
            self.due.entry(at).or_default().push(matter);
        }
    }
}

/// When a matter read at `now` is answered; `None`: never.
fn moment(habits: &Habits, id: &str, is_live: bool, now: Timestamp) -> Option<Timestamp> {
    if !is_live {
        return Some(now);
    }
    let chance = short_hash(&[habits.name, id]);
    let waits = 1 + (chance >> 32) % habits.longest_wait_hours;
    (!chance.is_multiple_of(habits.forgotten_one_in)).then(|| now.plus(waits as i64 * HOUR))
}

fn read_candidate(record: &Record) -> Option<Matter> {
    let value = record.value.as_deref().unwrap_or_default();
    let event = decode_safety_candidate(&record.headers, value).ok()?;
    Some(Matter {
        id: event.data.candidate_id.clone(),
        tenant: event.envelope.tenant_id.as_deref()?.to_owned(),
        since: event.data.awareness.at,
    })
}

/// What intake makes of a candidate: a case, or, one time in four, none.
fn acknowledge(matter: &Matter, at: Timestamp) -> Encoded {
    let chance = short_hash(&["case", &matter.id]);
    let is_case = !chance.is_multiple_of(4);
    let ack = SafetyAck {
        candidate_id: matter.id.clone(),
        decision: if is_case {
            AckDecision::Accepted
        } else {
            AckDecision::NotACase
        },
        case_ref: is_case.then(|| format!("DEMO-{:06}", chance % 1_000_000)),
        actor: "demo-intake".to_owned(),
        at,
    };
    encode_safety_ack(&matter.tenant, &ack)
}

fn read_request(record: &Record) -> Option<Matter> {
    let value = record.value.as_deref().unwrap_or_default();
    let event = decode_medical_request(&record.headers, value).ok()?;
    Some(Matter {
        id: event.data.request_id.clone(),
        tenant: event.envelope.tenant_id.as_deref()?.to_owned(),
        since: event.data.received_at,
    })
}

/// What medical information makes of a question: an answer, or, one time in twelve, nothing that is theirs.
fn answer_request(matter: &Matter, at: Timestamp) -> Encoded {
    let chance = short_hash(&["answer", &matter.id]);
    let is_theirs = !chance.is_multiple_of(12);
    let answer = MedicalAnswer {
        request_id: matter.id.clone(),
        decision: if is_theirs {
            RequestDecision::Answered
        } else {
            RequestDecision::NotARequest
        },
        answer_ref: is_theirs.then(|| format!("MI-{:06}", chance % 1_000_000)),
        actor: "demo-medical".to_owned(),
        at,
    };
    encode_medical_answer(&matter.tenant, &answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matters() -> impl Iterator<Item = Matter> {
        (0..1_200).map(|number| Matter {
            id: format!("matter_{number}"),
            tenant: "acme".to_owned(),
            since: Timestamp(0),
        })
    }

    #[test]
    fn most_reports_are_cases_and_most_questions_are_answered_and_the_same_in_every_run() {
        let with = |answer: fn(&Matter, Timestamp) -> Encoded, word: &str| {
            matters()
                .filter(|matter| {
                    let encoded = answer(matter, Timestamp(0));
                    assert_eq!(encoded.value, answer(matter, Timestamp(0)).value);
                    String::from_utf8_lossy(encoded.value.as_deref().unwrap_or_default())
                        .contains(word)
                })
                .count()
        };
        let cases = with(acknowledge, "DEMO-");
        assert!((850..950).contains(&cases), "{cases}");
        let answered = with(answer_request, "MI-");
        assert!((1_060..1_140).contains(&answered), "{answered}");
    }

    #[test]
    fn history_is_answered_at_once_and_a_few_live_matters_never() {
        for habits in [SAFETY, MEDICAL] {
            let at = |is_live| {
                matters()
                    .filter_map(|matter| moment(&habits, &matter.id, is_live, Timestamp(0)))
                    .collect::<Vec<_>>()
            };
            assert_eq!(at(false), vec![Timestamp(0); 1_200]);
            let live = at(true);
            assert!(
                (1_100..1_200).contains(&live.len()),
                "{} {}",
                habits.name,
                live.len()
            );
            let longest = Timestamp(habits.longest_wait_hours as i64 * HOUR);
            assert!(live.iter().all(|&at| Timestamp(0) < at && at <= longest));
        }
    }
}
