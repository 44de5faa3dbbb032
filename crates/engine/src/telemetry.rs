//! What the engine says about itself: happenings, counters, lag.
//!
//! A happening is a type ([`happening`]); its log line and its counter live in one `emit`, so that neither
//! can be forgotten. All instruments are fields of [`Metrics`], made in one place with bounded labels:
//! no customer text, person, id or free theme is ever a label. A registry is passed in, never global, so
//! that tests can count.

pub mod happening;
mod instruments;
mod lag;

pub use lag::{LagStatus, LagThresholds, Progress, StageLag};

use auscult_core::time::Timestamp;
use instruments::Instruments;
use prometheus::{
    Encoder, GaugeVec, HistogramVec, IntCounterVec, IntGaugeVec, Registry, TextEncoder,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Every instrument of the engine, and the registry they are in.
#[derive(Debug)]
pub struct Metrics {
    made: Instruments,
    pub(crate) turns: IntCounterVec,
    pub(crate) turn_seconds: HistogramVec,
    pub(crate) records_read: IntCounterVec,
    pub(crate) records_written: IntCounterVec,
    pub(crate) partitions: IntGaugeVec,
    pub(crate) dead_letters: IntCounterVec,
    pub(crate) safety_candidates: IntCounterVec,
    pub(crate) medical_requests: IntCounterVec,
    pub(crate) medical_requests_open: IntGaugeVec,
    pub(crate) medical_requests_oldest: GaugeVec,
    pub(crate) safety_hand_offs: IntCounterVec,
    pub(crate) safety_acks: IntCounterVec,
    pub(crate) safety_escalations: IntCounterVec,
    pub(crate) safety_unacknowledged: IntGaugeVec,
    pub(crate) safety_intake_overdue: IntGaugeVec,
    pub(crate) safety_oldest: GaugeVec,
    pub(crate) redactions: IntCounterVec,
    pub(crate) set_aside: IntCounterVec,
    pub(crate) watermark_moves: IntCounterVec,
    pub(crate) inputs: IntCounterVec,
    pub(crate) rejections: IntCounterVec,
    pub(crate) alerts: IntCounterVec,
    pub(crate) outcomes: IntCounterVec,
    pub(crate) view_changes: IntCounterVec,
    pub(crate) log_expired: IntCounterVec,
    pub(crate) log_held_back: IntGaugeVec,
    pub(crate) reference_unread: IntGaugeVec,
    pub(crate) reference_entries: IntGaugeVec,
    pub(crate) reference_refused: IntCounterVec,
    lag_seconds: GaugeVec,
    lag_status: IntGaugeVec,
    stages: Mutex<BTreeMap<&'static str, Arc<Progress>>>,
    thresholds: LagThresholds,
}

impl Metrics {
    /// All instruments, registered in a registry of their own.
    ///
    /// # Panics
    /// Never: the names are constants, valid and different, which a test holds.
    #[must_use]
    pub fn new(thresholds: LagThresholds) -> Metrics {
        let mut made = Instruments::default();
        Metrics {
            turns: made.counter(
                "auscult_turns_total",
                "Turns by stage and how they ended.",
                &["stage", "outcome"],
            ),
            turn_seconds: made.histogram(
                "auscult_turn_duration_seconds",
                "Time from poll to durable commit.",
                &["stage"],
            ),
            records_read: made.counter(
                "auscult_records_read_total",
                "Records applied and committed.",
                &["stage"],
            ),
            records_written: made.counter(
                "auscult_records_written_total",
                "Records written and committed.",
                &["stage"],
            ),
            partitions: made.int_gauge(
                "auscult_partitions_assigned",
                "Partitions this instance holds.",
                &["stage"],
            ),
            dead_letters: made.counter(
                "auscult_dead_letters_total",
                "Input that could not be read, by stable code.",
                &["stage", "code"],
            ),
            safety_candidates: made.counter(
                "auscult_safety_candidates_total",
                "Safety candidates routed, by whether the event itself could be read.",
                &["input"],
            ),
            medical_requests: made.counter(
                "auscult_medical_requests_total",
                "Medical questions routed to medical information.",
                &[],
            ),
            medical_requests_open: made.int_gauge(
                "auscult_medical_requests_open",
                "Medical questions nobody has answered yet, in the read model of this instance.",
                &[],
            ),
            medical_requests_oldest: made.gauge(
                "auscult_medical_requests_oldest_seconds",
                "Age of the oldest open medical question; 0 when none is open.",
                &[],
            ),
            safety_hand_offs: made.counter(
                "auscult_safety_hand_offs_total",
                "Safety candidates read by the watch: new, or again (known already).",
                &["result"],
            ),
            safety_acks: made.counter(
                "auscult_safety_acks_total",
                "Acknowledgements read by the watch, by what they met: waiting, escalated, again or unknown.",
                &["met"],
            ),
            safety_escalations: made.counter(
                "auscult_safety_escalations_total",
                "Safety candidates escalated because nobody acknowledged them in time.",
                &[],
            ),
            safety_unacknowledged: made.int_gauge(
                "auscult_safety_unacknowledged",
                "Safety candidates nobody has acknowledged, by state: waiting or escalated.",
                &["state"],
            ),
            safety_intake_overdue: made.int_gauge(
                "auscult_safety_intake_overdue",
                "Safety candidates nobody has acknowledged whose intake time has passed.",
                &[],
            ),
            safety_oldest: made.gauge(
                "auscult_safety_oldest_unacknowledged_seconds",
                "Time since the oldest unacknowledged safety candidate was handed over; 0 when all are acknowledged.",
                &[],
            ),
            redactions: made.counter(
                "auscult_redactions_total",
                "Placeholders put in for personal data, by class.",
                &["class"],
            ),
            set_aside: made.counter(
                "auscult_set_aside_total",
                "Records that are no feedback, by kind: triaged, not counted.",
                &["kind"],
            ),
            watermark_moves: made.counter(
                "auscult_watermark_moves_total",
                "Watermark markers written, by what moved them.",
                &["by"],
            ),
            inputs: made.counter(
                "auscult_mentions_total",
                "Mentions offered to the detector by result; read = the sum.",
                &["result"],
            ),
            rejections: made.counter(
                "auscult_rejections_total",
                "What the detector refused, by reason; answers to unknown signals too.",
                &["reason"],
            ),
            alerts: made.counter(
                "auscult_alerts_total",
                "Alerts by change, severity and whether people are notified.",
                &["change", "severity", "notified"],
            ),
            outcomes: made.counter(
                "auscult_outcomes_total",
                "Outcomes of actions by stage and verdict.",
                &["stage", "verdict"],
            ),
            view_changes: made.counter(
                "auscult_view_changes_total",
                "Changes written to the read model.",
                &["kind"],
            ),
            log_expired: made.counter(
                "auscult_log_expired_records_total",
                "Records of the embedded log deleted because their time was over.",
                &[],
            ),
            log_held_back: made.int_gauge(
                "auscult_log_held_back_partitions",
                "Partitions of the embedded log whose old records wait for a stage to read them.",
                &[],
            ),
            reference_unread: made.int_gauge(
                "auscult_reference_unread_records",
                "Records of reference data left to read before Listen begins.",
                &[],
            ),
            reference_entries: made.int_gauge(
                "auscult_reference_entries",
                "Entries of reference data in force, by kind.",
                &["kind"],
            ),
            reference_refused: made.counter(
                "auscult_reference_refused_total",
                "Reference data left out because they cannot be used, by code.",
                &["code"],
            ),
            lag_seconds: made.gauge(
                "auscult_lag_seconds",
                "Seconds since this stage last had nothing left to read; 0 when drained.",
                &["stage"],
            ),
            lag_status: made.int_gauge(
                "auscult_lag_status",
                "1 for the status in force: ok, warn, stall or stop.",
                &["stage", "status"],
            ),
            stages: Mutex::new(BTreeMap::new()),
            thresholds,
            made,
        }
    }

    /// The registry, for adapters that add instruments of their own.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.made.registry
    }

    /// Every instrument: name, and the names of its labels.
    #[must_use]
    pub fn instruments(&self) -> &BTreeMap<String, Vec<String>> {
        &self.made.labels
    }

    /// Progress of `stage`, made on first use.
    pub fn progress(&self, stage: &'static str) -> Arc<Progress> {
        let mut stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(stages.entry(stage).or_default())
    }

    /// How far behind each stage is at `now`, by name.
    #[must_use]
    pub fn lags(&self, now: Timestamp) -> Vec<StageLag> {
        let stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        stages
            .iter()
            .map(|(stage, progress)| progress.lag(stage, now, self.thresholds))
            .collect()
    }

    /// The exposition text of `/metrics`, lag computed at `now` so that a hung stage shows.
    ///
    /// # Errors
    /// The encoder refused a metric family: our own mistake, told in words.
    pub fn render(&self, now: Timestamp) -> Result<String, prometheus::Error> {
        for lag in self.lags(now) {
            self.lag_seconds
                .with_label_values(&[lag.stage])
                .set(lag.seconds);
            for status in LagStatus::ALL {
                self.lag_status
                    .with_label_values(&[lag.stage, status.as_str()])
                    .set(i64::from(status == lag.status));
            }
        }
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.made.registry.gather(), &mut text)?;
        String::from_utf8(text).map_err(|error| prometheus::Error::Msg(error.to_string()))
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new(LagThresholds::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_prometheus_rules() {
        let metrics = Metrics::default();
        happening::TurnCommitted {
            stage: "listen",
            records: 3,
            outgoing: 2,
            milliseconds: 5,
        }
        .emit(&metrics);
        happening::DeadLettered {
            stage: "listen",
            code: "JSON_SYNTAX",
            place: "voc/0@1",
        }
        .emit(&metrics);
        metrics.progress("listen").started(Timestamp(0));
        let text = metrics.render(Timestamp(1_000)).expect("renders");
        for line in text.lines().filter(|line| line.starts_with("# TYPE")) {
            let mut words = line.split(' ').skip(2);
            let (name, kind) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            assert!(name.starts_with("auscult_"), "{name}");
            assert_eq!(
                kind == "counter",
                name.ends_with("_total"),
                "{name} is a {kind}"
            );
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{name}"
            );
        }
        assert!(
            text.contains(r#"auscult_records_read_total{stage="listen"} 3"#),
            "{text}"
        );
        assert!(
            text.contains(r#"auscult_lag_status{stage="listen",status="ok"} 1"#),
            "{text}"
        );
    }
}
