//! Happenings: one type each, log line and counter together.
//!
//! Levels by consequence: `warn` lost nothing and mends itself; `error` needs a person. Fields name
//! places and codes, never customer text.

mod desks;

pub use desks::{
    MedicalRequestsOpen, SafetyAcknowledged, SafetyEscalated, SafetyHandedOver, SafetyStanding,
};

use super::Metrics;
use crate::log::{Position, TopicPartition};
use tracing::{debug, error, info, warn};

fn add(counter: &prometheus::IntCounterVec, labels: &[&str], count: usize) {
    counter.with_label_values(labels).inc_by(count as u64);
}

/// A turn is durable.
#[derive(Debug, Clone, Copy)]
pub struct TurnCommitted {
    /// Stage.
    pub stage: &'static str,
    /// Records applied.
    pub records: usize,
    /// Records written.
    pub outgoing: usize,
    /// From poll to durable commit.
    pub milliseconds: i64,
}

impl TurnCommitted {
    /// Counts it.
    pub fn emit(self, metrics: &Metrics) {
        let TurnCommitted {
            stage,
            records,
            outgoing,
            milliseconds,
        } = self;
        debug!(stage, records, outgoing, milliseconds, "turn committed");
        add(&metrics.turns, &[stage, "committed"], 1);
        add(&metrics.records_read, &[stage], records);
        add(&metrics.records_written, &[stage], outgoing);
        metrics
            .turn_seconds
            .with_label_values(&[stage])
            .observe(milliseconds as f64 / 1_000.0);
    }
}

/// A step must be tried again.
#[derive(Debug, Clone, Copy)]
pub struct TurnRetried<'a> {
    /// Stage.
    pub stage: &'static str,
    /// What the adapter said.
    pub reason: &'a str,
}

impl TurnRetried<'_> {
    /// Counts it.
    pub fn emit(self, metrics: &Metrics) {
        warn!(
            stage = self.stage,
            reason = self.reason,
            "turn will be tried again after a pause"
        );
        add(&metrics.turns, &[self.stage, "retried"], 1);
    }
}

/// Another instance took over; nothing was committed and nothing is lost.
#[derive(Debug, Clone, Copy)]
pub struct Fenced<'a> {
    /// Stage.
    pub stage: &'static str,
    /// What the adapter said.
    pub reason: &'a str,
}

impl Fenced<'_> {
    /// Counts it.
    pub fn emit(self, metrics: &Metrics) {
        warn!(
            stage = self.stage,
            reason = self.reason,
            "fenced off: machines dropped, polling again"
        );
        add(&metrics.turns, &[self.stage, "fenced"], 1);
        metrics.partitions.with_label_values(&[self.stage]).set(0);
    }
}

/// The stage ends and a person must act.
#[derive(Debug, Clone, Copy)]
pub struct Stopped<'a> {
    /// Stage.
    pub stage: &'static str,
    /// Why, and what to do.
    pub message: &'a str,
}

impl Stopped<'_> {
    /// Counts it and marks the stage's lag as `stop`.
    pub fn emit(self, metrics: &Metrics) {
        error!(stage = self.stage, message = self.message, "stage stopped");
        add(&metrics.turns, &[self.stage, "stopped"], 1);
        metrics.progress(self.stage).stopped();
    }
}

/// The time to stop is over and a stage is still at work: the process ends without it. Nothing is lost, because nothing
/// of its turn was committed.
#[derive(Debug, Clone, Copy)]
pub struct LeftUndone {
    /// Stage.
    pub stage: &'static str,
    /// How long it had, in seconds.
    pub seconds: u64,
}

impl LeftUndone {
    /// Counts it.
    pub fn emit(self, metrics: &Metrics) {
        let LeftUndone { stage, seconds } = self;
        warn!(
            stage,
            seconds,
            "still at work when the time to stop was over; its turn is not committed and will be done again"
        );
        add(&metrics.turns, &[stage, "left_undone"], 1);
    }
}

/// A partition is ours.
#[derive(Debug, Clone, Copy)]
pub struct PartitionAssigned<'a> {
    /// Stage.
    pub stage: &'static str,
    /// Which one.
    pub partition: &'a TopicPartition,
    /// Next offset to read.
    pub position: Position,
    /// State records restored.
    pub restored: usize,
}

impl PartitionAssigned<'_> {
    /// Counts it.
    pub fn emit(self, metrics: &Metrics) {
        info!(stage = self.stage, partition = %self.partition, position = self.position.0, restored = self.restored, "partition assigned");
        metrics.partitions.with_label_values(&[self.stage]).inc();
    }
}

/// A partition is ours no more.
#[derive(Debug, Clone, Copy)]
pub struct PartitionRevoked<'a> {
    /// Stage.
    pub stage: &'static str,
    /// Which one.
    pub partition: &'a TopicPartition,
}

impl PartitionRevoked<'_> {
    /// Counts it.
    pub fn emit(self, metrics: &Metrics) {
        info!(stage = self.stage, partition = %self.partition, "partition revoked");
        metrics.partitions.with_label_values(&[self.stage]).dec();
    }
}

/// Reference data were read on, or to their end.
#[derive(Debug, Clone, Copy)]
pub struct ReferenceRead {
    /// Records read so far.
    pub records: u64,
    /// Records left.
    pub unread: u64,
    /// Products known.
    pub products: usize,
    /// Whether everything was read.
    pub is_complete: bool,
}

impl ReferenceRead {
    /// Tells it.
    pub fn emit(self, metrics: &Metrics) {
        let ReferenceRead {
            records,
            unread,
            products,
            is_complete,
        } = self;
        info!(
            records,
            unread, products, is_complete, "reading reference data"
        );
        metrics
            .reference_unread
            .with_label_values::<&str>(&[])
            .set(i64::try_from(unread).unwrap_or(i64::MAX));
        metrics
            .reference_entries
            .with_label_values(&["product"])
            .set(i64::try_from(products).unwrap_or(i64::MAX));
    }
}

/// A record of reference data, or a part of it, is left out.
#[derive(Debug, Clone, Copy)]
pub struct ReferenceRefused<'a> {
    /// `topic/partition@offset`.
    pub place: &'a str,
    /// Stable code.
    pub code: &'a str,
    /// Why.
    pub reason: &'a str,
}

impl ReferenceRefused<'_> {
    /// Counts it.
    pub fn emit(self, metrics: &Metrics) {
        error!(
            place = self.place,
            code = self.code,
            reason = self.reason,
            "reference data cannot be used: mend the record"
        );
        add(&metrics.reference_refused, &[self.code], 1);
    }
}

/// Input could not be read; its bytes are kept.
#[derive(Debug, Clone, Copy)]
pub struct DeadLettered<'a> {
    /// Stage.
    pub stage: &'static str,
    /// Stable code.
    pub code: &'a str,
    /// `topic/partition@offset`.
    pub place: &'a str,
}

impl DeadLettered<'_> {
    /// Counts it.
    pub fn emit(self, metrics: &Metrics) {
        warn!(
            stage = self.stage,
            code = self.code,
            place = self.place,
            "input refused and kept as a dead letter"
        );
        add(&metrics.dead_letters, &[self.stage, self.code], 1);
    }
}

/// Texts were routed to safety.
#[derive(Debug, Clone, Copy)]
pub struct SafetyCandidates {
    /// From events that were read.
    pub from_events: usize,
    /// From events that could not be read.
    pub from_broken_input: usize,
}

impl SafetyCandidates {
    /// Counts it.
    pub fn emit(self, metrics: &Metrics) {
        let SafetyCandidates {
            from_events,
            from_broken_input,
        } = self;
        if from_events + from_broken_input > 0 {
            debug!(from_events, from_broken_input, "safety candidates routed");
        }
        add(&metrics.safety_candidates, &["read"], from_events);
        add(&metrics.safety_candidates, &["broken"], from_broken_input);
    }
}

/// Questions were routed to medical information.
#[derive(Debug, Clone, Copy)]
pub struct MedicalRequests {
    /// How many.
    pub count: usize,
}

impl MedicalRequests {
    /// Counts it.
    pub fn emit(self, metrics: &Metrics) {
        if self.count > 0 {
            debug!(count = self.count, "medical requests routed");
        }
        add(&metrics.medical_requests, &[], self.count);
    }
}

/// Personal data were replaced by placeholders.
#[derive(Debug, Clone, Copy)]
pub struct Redacted<'a> {
    /// Class, a word of the language crate such as `email`.
    pub class: &'a str,
    /// How many.
    pub count: usize,
}

impl Redacted<'_> {
    /// Counts it.
    pub fn emit(self, metrics: &Metrics) {
        add(&metrics.redactions, &[self.class], self.count);
    }
}

/// Records that are no feedback (contacts, preferences) were read and not made into mentions.
#[derive(Debug, Clone, Copy)]
pub struct SetAside<'a> {
    /// Kind, a word of the contract.
    pub kind: &'a str,
    /// How many.
    pub count: usize,
}

impl SetAside<'_> {
    /// Counts it.
    pub fn emit(self, metrics: &Metrics) {
        debug!(
            kind = self.kind,
            count = self.count,
            "records that are no feedback were set aside"
        );
        add(&metrics.set_aside, &[self.kind], self.count);
    }
}

/// Markers were written for a source partition.
#[derive(Debug, Clone, Copy)]
pub struct WatermarkMoved<'a> {
    /// Source partition.
    pub partition: &'a TopicPartition,
    /// Milliseconds since the epoch.
    pub watermark: i64,
    /// Whether the clock moved it, because the feed was idle.
    pub idle: bool,
}

impl WatermarkMoved<'_> {
    /// Counts it.
    pub fn emit(self, metrics: &Metrics) {
        debug!(partition = %self.partition, watermark = self.watermark, idle = self.idle, "watermark moved");
        add(
            &metrics.watermark_moves,
            &[if self.idle { "clock" } else { "event" }],
            1,
        );
    }
}

/// The detector took inputs; read = the sum over results.
#[derive(Debug, Clone, Copy)]
pub struct InputsApplied<'a> {
    /// `applied`, `duplicate`, `late` or a rejection's word.
    pub result: &'a str,
    /// How many.
    pub count: u64,
}

impl InputsApplied<'_> {
    /// Counts it.
    pub fn emit(self, metrics: &Metrics) {
        metrics
            .inputs
            .with_label_values(&[self.result])
            .inc_by(self.count);
    }
}

/// The machine refused something, with a reason.
#[derive(Debug, Clone, Copy)]
pub struct InputsRejected<'a> {
    /// Reason, a word of the core.
    pub reason: &'a str,
    /// How many.
    pub count: u64,
}

impl InputsRejected<'_> {
    /// Counts it.
    pub fn emit(self, metrics: &Metrics) {
        debug!(reason = self.reason, count = self.count, "inputs rejected");
        metrics
            .rejections
            .with_label_values(&[self.reason])
            .inc_by(self.count);
    }
}

/// An alert went out.
#[derive(Debug, Clone)]
pub struct AlertSent {
    /// `raised`, `updated`, `resolved`, `retracted`.
    pub change: &'static str,
    /// Severity.
    pub severity: &'static str,
    /// Signal id: in the log line, never a label.
    pub signal_id: String,
    /// Revision.
    pub revision: u32,
    /// Whether people are notified.
    pub notified: bool,
}

impl AlertSent {
    /// Counts it.
    pub fn emit(self, metrics: &Metrics) {
        let AlertSent {
            change,
            severity,
            signal_id,
            revision,
            notified,
        } = self;
        info!(change, severity, signal_id, revision, notified, "alert");
        add(
            &metrics.alerts,
            &[change, severity, if notified { "true" } else { "false" }],
            1,
        );
    }
}

/// The outcome of an action was estimated.
#[derive(Debug, Clone)]
pub struct OutcomeEstimated {
    /// `interim`, `final`.
    pub stage: &'static str,
    /// What it comes to.
    pub verdict: &'static str,
    /// Action: in the log line, never a label.
    pub action_id: String,
    /// Revision.
    pub revision: u32,
}

impl OutcomeEstimated {
    /// Counts it.
    pub fn emit(self, metrics: &Metrics) {
        let OutcomeEstimated {
            stage,
            verdict,
            action_id,
            revision,
        } = self;
        info!(stage, verdict, action_id, revision, "outcome");
        add(&metrics.outcomes, &[stage, verdict], 1);
    }
}

/// The read model took changes.
#[derive(Debug, Clone, Copy)]
pub struct ViewChanged {
    /// Kind of change.
    pub kind: &'static str,
    /// How many.
    pub count: usize,
}

impl ViewChanged {
    /// Counts it.
    pub fn emit(self, metrics: &Metrics) {
        add(&metrics.view_changes, &[self.kind], self.count);
    }
}

/// A record of our own output could not be read by the view; it stays on its topic.
#[derive(Debug, Clone, Copy)]
pub struct ViewSkipped<'a> {
    /// Stable code.
    pub code: &'a str,
    /// `topic/partition@offset`.
    pub place: &'a str,
}

impl ViewSkipped<'_> {
    /// Counts it.
    pub fn emit(self, metrics: &Metrics) {
        error!(
            code = self.code,
            place = self.place,
            "a record was left out of the view"
        );
        add(&metrics.view_changes, &["skipped"], 1);
    }
}

/// The log was cleaned up.
#[derive(Debug, Clone)]
pub struct LogCleaned {
    /// Records deleted because their time was over.
    pub expired: u64,
    /// Partitions and the group each waits for, past their time.
    pub held_back: Vec<(TopicPartition, String)>,
}

impl LogCleaned {
    /// Counts it. Waiting for a stage loses nothing, but the file grows until it has read.
    pub fn emit(self, metrics: &Metrics) {
        if self.expired > 0 {
            info!(records = self.expired, "old records deleted from the log");
        }
        metrics
            .log_expired
            .with_label_values(&[] as &[&str])
            .inc_by(self.expired);
        metrics
            .log_held_back
            .with_label_values(&[] as &[&str])
            .set(i64::try_from(self.held_back.len()).unwrap_or(i64::MAX));
        for (partition, group) in &self.held_back {
            warn!(%partition, group, "old records stay because this group has yet to read them");
        }
    }
}
