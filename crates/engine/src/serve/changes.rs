//! From records to changes of the view.

use super::Changed;
use crate::log::Record;
use crate::read_model::{SignalRevision, ViewChange};
use crate::settings::Topics;
use crate::submit::DEAD_LETTER_REPLAYED;
use auscult_core::time::{BucketWidth, Timestamp};
use auscult_wire::{
    ErrorCode, MentionRecord, WireError, decode_action, decode_alert, decode_dead_letter,
    decode_disposition, decode_medical_answer, decode_medical_request, decode_mention_record,
    decode_outcome, decode_safety_ack, decode_safety_candidate, decode_safety_escalation,
    decode_series_point,
};
use std::collections::BTreeMap;

/// What a served topic carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Alerts in the medical projection.
    Alert,
    /// Series points.
    SeriesPoint,
    /// Safety candidates.
    Candidate,
    /// Acknowledgements of candidates.
    Ack,
    /// Candidates nobody acknowledged in time.
    Escalation,
    /// Medical questions.
    Request,
    /// What became of medical questions.
    Answer,
    /// Dead letters, and notes that one was replayed.
    DeadLetter,
    /// Verdicts.
    Disposition,
    /// What people do about signals.
    Action,
    /// What came of it.
    Outcome,
    /// Mentions: only their feed and time are looked at.
    Mention,
}

impl Kind {
    /// Kinds by topic name.
    pub fn by_topic(topics: &Topics) -> BTreeMap<String, Kind> {
        let pairs = [
            (&topics.alerts_medical, Kind::Alert),
            (&topics.series, Kind::SeriesPoint),
            (&topics.safety_candidates, Kind::Candidate),
            (&topics.safety_acks, Kind::Ack),
            (&topics.safety_escalations, Kind::Escalation),
            (&topics.medical_requests, Kind::Request),
            (&topics.medical_answers, Kind::Answer),
            (&topics.dead_letters, Kind::DeadLetter),
            (&topics.dispositions, Kind::Disposition),
            (&topics.actions, Kind::Action),
            (&topics.outcomes, Kind::Outcome),
            (&topics.mentions, Kind::Mention),
        ];
        pairs
            .into_iter()
            .map(|(topic, kind)| (topic.clone(), kind))
            .collect()
    }
}

/// Changes of one turn, in the order of the records; feeds are summed and come last.
pub struct Seen {
    changes: Vec<ViewChange>,
    feeds: BTreeMap<String, (Timestamp, u64)>,
    silent_after: i64,
}

impl Seen {
    /// Nothing seen yet.
    pub fn new(silent_after: i64) -> Seen {
        Seen {
            changes: Vec::new(),
            feeds: BTreeMap::new(),
            silent_after,
        }
    }

    /// Takes one record in. Tombstones (erasure, compaction) change nothing here.
    pub fn take(&mut self, kind: Kind, record: &Record) -> Result<(), WireError> {
        let Some(value) = record.value.as_deref() else {
            return Ok(());
        };
        let change = match kind {
            Kind::Mention => return self.take_mention(record, value),
            Kind::Alert => signal(record, value)?,
            Kind::SeriesPoint => series_point(record, value)?,
            Kind::Candidate => candidate(record, value)?,
            Kind::Ack => ack(record, value)?,
            Kind::Escalation => escalation(record, value)?,
            Kind::Request => request(record, value)?,
            Kind::Answer => answer(record, value)?,
            Kind::DeadLetter => dead_letter(record, value)?,
            Kind::Disposition => disposition(record, value)?,
            Kind::Action => action(record, value)?,
            Kind::Outcome => outcome(record, value)?,
        };
        self.changes.push(change);
        Ok(())
    }

    fn take_mention(&mut self, record: &Record, value: &[u8]) -> Result<(), WireError> {
        let MentionRecord::Mention(mention) = decode_mention_record(&record.headers, value)? else {
            return Ok(());
        };
        if mention.canary {
            return Ok(());
        }
        match self.feeds.get_mut(mention.feed.as_ref()) {
            Some((last, count)) => {
                *last = (*last).max(mention.occurred_at);
                *count += 1;
            }
            None => {
                self.feeds
                    .insert(mention.feed.into_owned(), (mention.occurred_at, 1));
            }
        }
        Ok(())
    }

    /// All changes.
    pub fn into_changes(self) -> Vec<ViewChange> {
        let Seen {
            mut changes,
            feeds,
            silent_after,
        } = self;
        changes.extend(feeds.into_iter().map(|(feed, (last_event, mentions))| {
            ViewChange::FeedSeen {
                feed,
                last_event,
                mentions,
                silent_after,
            }
        }));
        changes
    }
}

/// The `data` object as it stood. Our own topics are written in binary mode, where the value is the data.
fn data_text(value: &[u8]) -> Result<String, WireError> {
    let text =
        std::str::from_utf8(value).map_err(|_| WireError::new(ErrorCode::Utf8, "", "not UTF-8"))?;
    Ok(text.to_owned())
}

/// What stands before the id in a key: the portfolio of `portfolio|id`, the tenant of `tenant|id`. An id never holds
/// a `|`.
fn owner_of(record: &Record) -> String {
    let key = record
        .key
        .as_deref()
        .map(String::from_utf8_lossy)
        .unwrap_or_default();
    key.rsplit_once('|')
        .map_or(String::new(), |(portfolio, _)| portfolio.to_owned())
}

fn signal(record: &Record, value: &[u8]) -> Result<ViewChange, WireError> {
    let alert = decode_alert(&record.headers, value)?.data;
    let mut labels = alert.labels.0;
    labels.sort();
    Ok(ViewChange::Signal(SignalRevision {
        portfolio: owner_of(record),
        signal_id: alert.signal_id,
        revision: alert.revision,
        status: alert.status.as_str().to_owned(),
        series_id: alert.series.id,
        rank: alert.rank.unwrap_or_default(),
        suppressed: !alert.suppressed_by.is_empty(),
        labels,
        as_of: alert.as_of,
        data: data_text(value)?,
    }))
}

fn series_point(record: &Record, value: &[u8]) -> Result<ViewChange, WireError> {
    let point = decode_series_point(&record.headers, value)?.data;
    let width = BucketWidth::of_iso(&point.bucket);
    let width = width.ok_or_else(|| {
        WireError::new(
            ErrorCode::EnumUnknown,
            "/bucket",
            "not one of PT1H, P1D, P1W, P1M",
        )
    })?;
    Ok(ViewChange::SeriesPoint {
        portfolio: point.portfolio,
        series_id: point.series_id,
        start: point.start,
        end: width.end(width.index(point.start)),
        revision: point.revision,
        data: data_text(value)?,
    })
}

fn candidate(record: &Record, value: &[u8]) -> Result<ViewChange, WireError> {
    let candidate = decode_safety_candidate(&record.headers, value)?.data;
    Ok(ViewChange::SafetyCandidate {
        tenant: owner_of(record),
        candidate_id: candidate.candidate_id,
        revision: candidate.revision,
        awareness: candidate.awareness.at,
        intake_due: candidate.clock.intake_due,
        data: data_text(value)?,
    })
}

fn ack(record: &Record, value: &[u8]) -> Result<ViewChange, WireError> {
    let ack = decode_safety_ack(&record.headers, value)?.data;
    Ok(ViewChange::SafetyAck {
        candidate_id: ack.candidate_id,
        at: ack.at,
        decision: ack.decision.as_str().to_owned(),
        closes: ack.decision.closes(),
        data: data_text(value)?,
    })
}

fn escalation(record: &Record, value: &[u8]) -> Result<ViewChange, WireError> {
    let escalation = decode_safety_escalation(&record.headers, value)?.data;
    Ok(ViewChange::SafetyEscalation {
        candidate_id: escalation.candidate_id,
        at: escalation.escalated_at,
        data: data_text(value)?,
    })
}

fn request(record: &Record, value: &[u8]) -> Result<ViewChange, WireError> {
    let request = decode_medical_request(&record.headers, value)?.data;
    Ok(ViewChange::MedicalRequest {
        tenant: owner_of(record),
        request_id: request.request_id,
        received_at: request.received_at,
        data: data_text(value)?,
    })
}

fn answer(record: &Record, value: &[u8]) -> Result<ViewChange, WireError> {
    let answer = decode_medical_answer(&record.headers, value)?.data;
    Ok(ViewChange::MedicalAnswer {
        request_id: answer.request_id,
        at: answer.at,
        closes: answer.decision.closes(),
        data: data_text(value)?,
    })
}

fn dead_letter(record: &Record, value: &[u8]) -> Result<ViewChange, WireError> {
    let is_note = record
        .headers
        .iter()
        .any(|(name, kind)| name == "ce_type" && kind == DEAD_LETTER_REPLAYED.as_bytes());
    if is_note {
        return Ok(ViewChange::DeadLetterReplayed {
            id: data_text(value)?.trim_matches('"').to_owned(),
        });
    }
    let letter = decode_dead_letter(&record.headers, value)?.data;
    Ok(ViewChange::DeadLetter {
        id: format!("{}-{}", record.at.partition, record.offset),
        code: letter.code,
        at: letter.refused_at,
        data: data_text(value)?,
    })
}

fn disposition(record: &Record, value: &[u8]) -> Result<ViewChange, WireError> {
    let verdict = decode_disposition(&record.headers, value)?.data;
    Ok(ViewChange::Disposition {
        disposition_id: verdict.disposition_id,
        signal_id: verdict.signal_id,
        decision: verdict.decision.as_str().to_owned(),
        decided_at: verdict.decided_at,
        data: data_text(value)?,
    })
}

/// What an action's event leaves to its envelope is written into its data, so that the view has the whole of it.
fn action(record: &Record, value: &[u8]) -> Result<ViewChange, WireError> {
    let event = decode_action(&record.headers, value)?;
    let key = record.key.as_deref().map(String::from_utf8_lossy);
    let action = event
        .data
        .to_action(&event.envelope.id, &key.unwrap_or_default());
    let data = serde_json::to_string(&event.data)
        .map_err(|error| WireError::new(ErrorCode::JsonSyntax, "", error.to_string()))?;
    Ok(ViewChange::Action {
        action: Box::new(action),
        data,
    })
}

fn outcome(record: &Record, value: &[u8]) -> Result<ViewChange, WireError> {
    let outcome = decode_outcome(&record.headers, value)?.data;
    Ok(ViewChange::Outcome {
        action_id: outcome.action_id,
        revision: outcome.revision,
        stage: outcome.stage.as_str().to_owned(),
        verdict: outcome.verdict.as_str().to_owned(),
        data: data_text(value)?,
    })
}

/// A word for metrics.
fn kind_word(change: &ViewChange) -> &'static str {
    match change {
        ViewChange::Signal(_) => "signal",
        ViewChange::SeriesPoint { .. } => "series_point",
        ViewChange::SafetyCandidate { .. } => "safety_candidate",
        ViewChange::SafetyAck { .. } => "safety_ack",
        ViewChange::SafetyEscalation { .. } => "safety_escalation",
        ViewChange::MedicalRequest { .. } => "medical_request",
        ViewChange::MedicalAnswer { .. } => "medical_answer",
        ViewChange::DeadLetter { .. } => "dead_letter",
        ViewChange::DeadLetterReplayed { .. } => "dead_letter_replayed",
        ViewChange::Disposition { .. } => "disposition",
        ViewChange::Action { .. } => "action",
        ViewChange::Outcome { .. } => "outcome",
        ViewChange::FeedSeen { .. } => "feed_seen",
    }
}

/// How many changes of each kind.
pub fn count_by_kind(changes: &[ViewChange]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for change in changes {
        *counts.entry(kind_word(change)).or_default() += 1;
    }
    counts
}

/// What open pages should ask for again.
pub fn what_changed(changes: &[ViewChange]) -> Vec<Changed> {
    let changed = changes.iter().filter_map(|change| match change {
        ViewChange::Signal(revision) => Some(Changed::Signal(revision.signal_id.clone())),
        ViewChange::Disposition { signal_id, .. } => Some(Changed::Signal(signal_id.clone())),
        ViewChange::SafetyCandidate { candidate_id, .. }
        | ViewChange::SafetyAck { candidate_id, .. }
        | ViewChange::SafetyEscalation { candidate_id, .. } => {
            Some(Changed::Safety(candidate_id.clone()))
        }
        ViewChange::MedicalRequest { request_id, .. }
        | ViewChange::MedicalAnswer { request_id, .. } => {
            Some(Changed::Request(request_id.clone()))
        }
        ViewChange::Action { action, .. } => Some(Changed::Action(action.action_id.clone())),
        ViewChange::Outcome { action_id, .. } => Some(Changed::Action(action_id.clone())),
        ViewChange::DeadLetter { .. }
        | ViewChange::DeadLetterReplayed { .. }
        | ViewChange::FeedSeen { .. } => Some(Changed::Operations),
        ViewChange::SeriesPoint { .. } => None,
    });
    let mut changed: Vec<Changed> = changed.collect();
    changed.sort();
    changed.dedup();
    changed
}
