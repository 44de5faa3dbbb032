//! What was handed over to safety and what came back: plain bookkeeping, with the time as an argument.
//!
//! It holds every candidate nobody has acknowledged, and for some time the ids of those somebody has, because the same
//! feedback may come in again. An acknowledgement may be read before its candidate: the two lie on two topics.

use auscult_core::time::Timestamp;
use auscult_wire::words::{EscalationReason, SafetyClass, SeriousnessCue};
use auscult_wire::{SafetyCandidate, SafetyEscalation, escalation_id};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Version of the state records; an older one is read, a newer one refused.
const VERSION: u8 = 1;

/// The type has text keys only, and memory takes what it is given.
const INVARIANT: &str = "plain fields are written to memory as JSON";

/// A state record that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// A newer program wrote it.
    #[error(
        "record {0} has version {1}, and this program knows up to {VERSION}; start the newer program"
    )]
    Newer(String, u8),
    /// It is broken.
    #[error("record {0} is broken: {1}")]
    Broken(String, String),
}

/// A candidate nobody has acknowledged, and what its escalation will say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Waiting {
    tenant: String,
    /// When the watch first read it, in milliseconds since the epoch.
    handed_over_at: i64,
    /// When it was escalated, if it was.
    escalated_at: Option<i64>,
    awareness_at: i64,
    intake_due: i64,
    classes: Vec<String>,
    seriousness_cues: Vec<String>,
    product_code: String,
    country: String,
}

/// What is remembered of one candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Remembered {
    Waiting(Waiting),
    /// Acknowledged, read at this moment, in milliseconds since the epoch.
    Acknowledged(i64),
}

/// What a candidate was to the watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandedOver {
    /// Seen for the first time.
    New,
    /// Waiting or acknowledged already; nothing begins anew.
    Again,
}

/// What an acknowledgement met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledged {
    /// A candidate within its time.
    Waiting,
    /// A candidate that had been escalated.
    Escalated,
    /// One acknowledged before.
    Again,
    /// None, so far.
    Unknown,
}

impl Acknowledged {
    /// A word for metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Acknowledged::Waiting => "waiting",
            Acknowledged::Escalated => "escalated",
            Acknowledged::Again => "again",
            Acknowledged::Unknown => "unknown",
        }
    }
}

/// How the hand-off stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Not acknowledged, not escalated.
    pub waiting: usize,
    /// Not acknowledged, escalated.
    pub escalated: usize,
    /// Not acknowledged, past their intake time.
    pub intake_overdue: usize,
    /// When the oldest of them was handed over.
    pub oldest: Option<Timestamp>,
}

impl Standing {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Standing) -> Standing {
        let oldest = [self.oldest, other.oldest].into_iter().flatten().min();
        Standing {
            waiting: self.waiting + other.waiting,
            escalated: self.escalated + other.escalated,
            intake_overdue: self.intake_overdue + other.intake_overdue,
            oldest,
        }
    }
}

/// The hand-offs of one partition.
#[derive(Debug, Default)]
pub struct HandOffs {
    waiting: BTreeMap<String, Waiting>,
    acknowledged: BTreeMap<String, i64>,
    /// Waiting and not escalated, oldest first.
    unescalated: BTreeSet<(i64, String)>,
    changed: BTreeSet<String>,
}

impl HandOffs {
    /// What state records hold.
    ///
    /// # Errors
    /// See [`RestoreError`].
    pub fn restore(
        records: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>,
    ) -> Result<HandOffs, RestoreError> {
        let mut held = HandOffs::default();
        for (key, value) in records {
            let id = String::from_utf8_lossy(&key).into_owned();
            match remembered(&id, &value)? {
                Remembered::Waiting(waiting) => held.put(id, waiting),
                Remembered::Acknowledged(at) => {
                    held.acknowledged.insert(id, at);
                }
            }
        }
        Ok(held)
    }

    /// A candidate was read at `now`. One that is known already keeps its first time: its clock does not begin anew.
    pub fn hand_over(
        &mut self,
        tenant: &str,
        candidate: &SafetyCandidate,
        now: Timestamp,
    ) -> HandedOver {
        let id = &candidate.candidate_id;
        if self.waiting.contains_key(id) || self.acknowledged.contains_key(id) {
            return HandedOver::Again;
        }
        let words = |word: &'static str| word.to_owned();
        let waiting = Waiting {
            tenant: tenant.to_owned(),
            handed_over_at: now.0,
            escalated_at: None,
            awareness_at: candidate.awareness.at.0,
            intake_due: candidate.clock.intake_due.0,
            classes: candidate
                .classes
                .iter()
                .map(|class| words(class.as_str()))
                .collect(),
            seriousness_cues: candidate
                .seriousness_cues
                .iter()
                .map(|cue| words(cue.as_str()))
                .collect(),
            product_code: candidate.product.code.clone(),
            country: candidate.country.clone(),
        };
        self.changed.insert(id.clone());
        self.put(id.clone(), waiting);
        HandedOver::New
    }

    /// An acknowledgement was read at `now`, whatever it decides: safety intake has the candidate.
    pub fn acknowledge(&mut self, candidate_id: &str, now: Timestamp) -> Acknowledged {
        if self.acknowledged.contains_key(candidate_id) {
            return Acknowledged::Again;
        }
        self.acknowledged.insert(candidate_id.to_owned(), now.0);
        self.changed.insert(candidate_id.to_owned());
        let Some(waiting) = self.waiting.remove(candidate_id) else {
            return Acknowledged::Unknown;
        };
        self.unescalated
            .remove(&(waiting.handed_over_at, candidate_id.to_owned()));
        match waiting.escalated_at {
            Some(_) => Acknowledged::Escalated,
            None => Acknowledged::Waiting,
        }
    }

    /// Escalates, oldest first and at most `most`, what was handed over `after` milliseconds before `now` or earlier
    /// and is not acknowledged; each candidate once. Hands back tenants and escalations.
    pub fn escalate(
        &mut self,
        now: Timestamp,
        after: i64,
        most: usize,
    ) -> Vec<(String, SafetyEscalation)> {
        let mut escalations = Vec::new();
        while escalations.len() < most {
            let is_due = |(at, _): &&(i64, String)| now.0.saturating_sub(*at) >= after;
            let Some((at, id)) = self.unescalated.first().filter(is_due).cloned() else {
                break;
            };
            self.unescalated.remove(&(at, id.clone()));
            if let Some(waiting) = self.waiting.get_mut(&id) {
                waiting.escalated_at = Some(now.0);
                escalations.push((waiting.tenant.clone(), escalation(&id, waiting, after, now)));
                self.changed.insert(id);
            }
        }
        escalations
    }

    /// Forgets acknowledgements read before `moment`.
    pub fn forget_acknowledged_before(&mut self, moment: Timestamp) {
        let changed = &mut self.changed;
        self.acknowledged.retain(|id, at| {
            let keep = *at >= moment.0;
            if !keep {
                changed.insert(id.clone());
            }
            keep
        });
    }

    /// How they stand at `now`.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        let overdue = |waiting: &&Waiting| waiting.intake_due < now.0;
        let oldest = self.waiting.values().map(|waiting| waiting.handed_over_at);
        Standing {
            waiting: self.unescalated.len(),
            escalated: self.waiting.len() - self.unescalated.len(),
            intake_overdue: self.waiting.values().filter(overdue).count(),
            oldest: oldest.min().map(Timestamp),
        }
    }

    /// State records changed since the last call; `None` deletes one.
    pub fn take_changes(&mut self) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let changed = std::mem::take(&mut self.changed);
        changed
            .into_iter()
            .map(|id| {
                let value = self.record(&id);
                (id.into_bytes(), value)
            })
            .collect()
    }

    fn record(&self, id: &str) -> Option<Vec<u8>> {
        let remembered = match (self.waiting.get(id), self.acknowledged.get(id)) {
            (Some(waiting), _) => Remembered::Waiting(waiting.clone()),
            (None, Some(at)) => Remembered::Acknowledged(*at),
            (None, None) => return None,
        };
        let mut bytes = vec![VERSION];
        serde_json::to_writer(&mut bytes, &remembered).expect(INVARIANT);
        Some(bytes)
    }

    fn put(&mut self, id: String, waiting: Waiting) {
        if waiting.escalated_at.is_none() {
            self.unescalated
                .insert((waiting.handed_over_at, id.clone()));
        }
        self.waiting.insert(id, waiting);
    }
}

fn remembered(id: &str, value: &[u8]) -> Result<Remembered, RestoreError> {
    let broken = |reason: String| RestoreError::Broken(id.to_owned(), reason);
    match value.split_first() {
        None => Err(broken("it is empty".to_owned())),
        Some((version, _)) if *version > VERSION => {
            Err(RestoreError::Newer(id.to_owned(), *version))
        }
        Some((_, json)) => serde_json::from_slice(json).map_err(|error| broken(error.to_string())),
    }
}

fn escalation(id: &str, waiting: &Waiting, after: i64, now: Timestamp) -> SafetyEscalation {
    let handed_over_at = Timestamp(waiting.handed_over_at);
    SafetyEscalation {
        escalation_id: escalation_id(&waiting.tenant, id),
        candidate_id: id.to_owned(),
        reason: EscalationReason::NotAcknowledged,
        handed_over_at,
        acknowledgement_due: handed_over_at.plus(after),
        escalated_at: now,
        awareness_at: Timestamp(waiting.awareness_at),
        intake_due: Timestamp(waiting.intake_due),
        classes: waiting
            .classes
            .iter()
            .filter_map(|word| SafetyClass::parse(word))
            .collect(),
        seriousness_cues: waiting
            .seriousness_cues
            .iter()
            .filter_map(|word| SeriousnessCue::parse(word))
            .collect(),
        product_code: waiting.product_code.clone(),
        country: waiting.country.clone(),
    }
}

#[cfg(test)]
mod tests;
