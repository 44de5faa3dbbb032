//! Checkers that know nothing of the implementation they judge: they see topics and the truth, no machine.

use std::collections::{BTreeMap, BTreeSet};

use auscult_core::words::SignalStatus;
use auscult_engine::log::Record;
use auscult_wire::{
    AlertData, MentionRecord, WireError, decode_alert, decode_mention_record,
    decode_safety_candidate,
};

use crate::truth::{PlantedIdentifier, Truth};

/// Where everything read has gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Conservation {
    /// Records read.
    pub read: u64,
    /// Applied.
    pub applied: u64,
    /// Seen before.
    pub duplicate: u64,
    /// Older than could be applied.
    pub late: u64,
    /// Refused for any other reason.
    pub rejected: u64,
}

impl Conservation {
    /// `read = applied + duplicate + late + rejected`.
    ///
    /// # Errors
    /// A sentence that says what does not add up.
    pub fn check(&self) -> Result<(), String> {
        let accounted = self.applied + self.duplicate + self.late + self.rejected;
        if accounted == self.read {
            return Ok(());
        }
        Err(format!(
            "{} records were read and {accounted} are accounted for: {self:?}",
            self.read
        ))
    }
}

/// Exactly-once as a consumer sees it: no `(source, id)` stands twice in `records`.
///
/// # Errors
/// The places and ids that stand twice, at most ten.
pub fn check_unique_ids(records: &[Record]) -> Result<(), Vec<String>> {
    let mut seen: BTreeMap<(&[u8], &[u8]), &Record> = BTreeMap::new();
    let mut twice = Vec::new();
    for record in records {
        let attribute = |name: &str| {
            record
                .headers
                .iter()
                .find(|(own, _)| own == name)
                .map_or(&[][..], |(_, value)| value.as_slice())
        };
        let name = (attribute("ce_source"), attribute("ce_id"));
        if let Some(first) = seen.insert(name, record) {
            let id = String::from_utf8_lossy(name.1).into_owned();
            twice.push(format!(
                "{id} stands at {} offset {} and at {} offset {}",
                first.at, first.offset, record.at, record.offset
            ));
        }
    }
    if twice.is_empty() {
        Ok(())
    } else {
        Err(twice.into_iter().take(10).collect())
    }
}

/// Alerts of each signal have revisions 1, 2, 3 … in order, each superseding the one before.
///
/// # Errors
/// What is out of order, at most ten sentences; or one for an alert that cannot be read.
pub fn check_revisions(alerts: &[Record]) -> Result<(), Vec<String>> {
    let mut last: BTreeMap<String, u32> = BTreeMap::new();
    let mut wrong = Vec::new();
    for record in alerts {
        let alert = match read_alert(record) {
            Ok((_, alert)) => alert,
            Err(error) => {
                wrong.push(format!("{} offset {}: {error}", record.at, record.offset));
                continue;
            }
        };
        let before = last.get(&alert.signal_id).copied();
        if alert.revision != before.unwrap_or(0) + 1 || alert.supersedes != before {
            let (id, revision, supersedes) = (&alert.signal_id, alert.revision, alert.supersedes);
            wrong.push(format!(
                "{id}: revision {revision} superseding {supersedes:?} follows {before:?}"
            ));
        }
        last.insert(alert.signal_id, alert.revision);
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.into_iter().take(10).collect())
    }
}

/// Portfolio and data of an alert.
pub(crate) fn read_alert(record: &Record) -> Result<(String, AlertData), WireError> {
    let event = decode_alert(&record.headers, record.value.as_deref().unwrap_or_default())?;
    let key = event.envelope.partition_key.unwrap_or_default();
    let portfolio = key
        .rsplit_once('|')
        .map_or("", |(portfolio, _)| portfolio)
        .to_owned();
    Ok((portfolio, event.data))
}

/// How many of the planted adverse events became safety candidates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SafetyRecall {
    /// Planted in readable events.
    pub planted: usize,
    /// Found.
    pub found: usize,
    /// Feedback ids that were missed.
    pub missed: Vec<String>,
    /// Candidates for feedback that holds no planted adverse event.
    pub others: usize,
}

/// Compares the records of the candidates topic with the truth.
#[must_use]
pub fn safety_recall(truth: &Truth, candidates: &[Record]) -> SafetyRecall {
    let found: BTreeSet<String> = candidates
        .iter()
        .filter_map(|record| {
            decode_safety_candidate(&record.headers, record.value.as_deref()?).ok()
        })
        .flat_map(|event| event.data.feedback_ids)
        .collect();
    let planted: BTreeSet<&String> = truth.adverse_events.iter().collect();
    let missed: Vec<String> = planted
        .iter()
        .filter(|id| !found.contains(**id))
        .map(|id| (*id).clone())
        .collect();
    SafetyRecall {
        planted: planted.len(),
        found: planted.len() - missed.len(),
        others: found.iter().filter(|id| !planted.contains(id)).count(),
        missed,
    }
}

/// Planted identifiers that still stand in the mention of their feedback.
#[must_use]
pub fn leaked_identifiers<'t>(truth: &'t Truth, mentions: &[Record]) -> Vec<&'t PlantedIdentifier> {
    let mut planted: BTreeMap<&str, Vec<&PlantedIdentifier>> = BTreeMap::new();
    for identifier in &truth.identifiers {
        planted
            .entry(&identifier.feedback_id)
            .or_default()
            .push(identifier);
    }
    let mut leaked = Vec::new();
    for record in mentions {
        let read =
            decode_mention_record(&record.headers, record.value.as_deref().unwrap_or_default());
        if let Ok(MentionRecord::Mention(mention)) = read {
            let own = planted
                .get(mention.feedback_id.as_ref())
                .into_iter()
                .flatten();
            leaked.extend(own.filter(|identifier| mention.text.contains(&identifier.text)));
        }
    }
    leaked
}

/// Whether a signal that ended this way still stands.
pub(crate) fn stands(status: SignalStatus) -> bool {
    status != SignalStatus::Retracted
}
