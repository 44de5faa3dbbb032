//! What the engine says about itself: happenings, counters, lag.
//!
//! A happening is a type ([`happening`]); its log line and its counter live in one `emit`, so that neither
//! can be forgotten. All instruments are fields of [`Metrics`], made in one place with bounded labels:
//! no customer text, person, id or free theme is ever a label. A registry is passed in, never global, so
//! that tests can count.

pub mod happening;
mod lag;

pub use lag::{LagStatus, LagThresholds, Progress, StageLag};

use auscult_core::time::Timestamp;
use prometheus::{
    Encoder, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
    TextEncoder,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Upper bounds of the turn-duration histogram, in seconds.
const TURN_SECONDS: [f64; 10] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// Every instrument of the engine, and the registry they are in.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    pub(crate) turns: IntCounterVec,
    pub(crate) turn_seconds: HistogramVec,
    pub(crate) records_read: IntCounterVec,
    pub(crate) records_written: IntCounterVec,
    pub(crate) partitions: IntGaugeVec,
    pub(crate) dead_letters: IntCounterVec,
    pub(crate) safety_candidates: IntCounterVec,
    pub(crate) medical_requests: IntCounterVec,
    pub(crate) redactions: IntCounterVec,
    pub(crate) set_aside: IntCounterVec,
    pub(crate) watermark_moves: IntCounterVec,
    pub(crate) inputs: IntCounterVec,
    pub(crate) rejections: IntCounterVec,
    pub(crate) alerts: IntCounterVec,
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
        let registry = Registry::new();
        Metrics {
            turns: counter(
                &registry,
                "auscult_turns_total",
                "Turns by stage and how they ended.",
                &["stage", "outcome"],
            ),
            turn_seconds: histogram(
                &registry,
                "auscult_turn_duration_seconds",
                "Time from poll to durable commit.",
                &["stage"],
            ),
            records_read: counter(
                &registry,
                "auscult_records_read_total",
                "Records applied and committed.",
                &["stage"],
            ),
            records_written: counter(
                &registry,
                "auscult_records_written_total",
                "Records written and committed.",
                &["stage"],
            ),
            partitions: int_gauge(
                &registry,
                "auscult_partitions_assigned",
                "Partitions this instance holds.",
                &["stage"],
            ),
            dead_letters: counter(
                &registry,
                "auscult_dead_letters_total",
                "Input that could not be read, by stable code.",
                &["stage", "code"],
            ),
            safety_candidates: counter(
                &registry,
                "auscult_safety_candidates_total",
                "Safety candidates routed, by whether the event itself could be read.",
                &["input"],
            ),
            medical_requests: counter(
                &registry,
                "auscult_medical_requests_total",
                "Medical questions routed to medical information.",
                &[],
            ),
            redactions: counter(
                &registry,
                "auscult_redactions_total",
                "Placeholders put in for personal data, by class.",
                &["class"],
            ),
            set_aside: counter(
                &registry,
                "auscult_set_aside_total",
                "Records that are no feedback, by kind: triaged, not counted.",
                &["kind"],
            ),
            watermark_moves: counter(
                &registry,
                "auscult_watermark_moves_total",
                "Watermark markers written, by what moved them.",
                &["by"],
            ),
            inputs: counter(
                &registry,
                "auscult_mentions_total",
                "Mentions offered to the detector by result; read = the sum.",
                &["result"],
            ),
            rejections: counter(
                &registry,
                "auscult_rejections_total",
                "What the detector refused, by reason; answers to unknown signals too.",
                &["reason"],
            ),
            alerts: counter(
                &registry,
                "auscult_alerts_total",
                "Alerts by change, severity and whether people are notified.",
                &["change", "severity", "notified"],
            ),
            view_changes: counter(
                &registry,
                "auscult_view_changes_total",
                "Changes written to the read model.",
                &["kind"],
            ),
            log_expired: counter(
                &registry,
                "auscult_log_expired_records_total",
                "Records of the embedded log deleted because their time was over.",
                &[],
            ),
            log_held_back: int_gauge(
                &registry,
                "auscult_log_held_back_partitions",
                "Partitions of the embedded log whose old records wait for a stage to read them.",
                &[],
            ),
            reference_unread: int_gauge(
                &registry,
                "auscult_reference_unread_records",
                "Records of reference data left to read before Listen begins.",
                &[],
            ),
            reference_entries: int_gauge(
                &registry,
                "auscult_reference_entries",
                "Entries of reference data in force, by kind.",
                &["kind"],
            ),
            reference_refused: counter(
                &registry,
                "auscult_reference_refused_total",
                "Reference data left out because they cannot be used, by code.",
                &["code"],
            ),
            lag_seconds: gauge(
                &registry,
                "auscult_lag_seconds",
                "Seconds since this stage last had nothing left to read; 0 when drained.",
                &["stage"],
            ),
            lag_status: int_gauge(
                &registry,
                "auscult_lag_status",
                "1 for the status in force: ok, warn, stall or stop.",
                &["stage", "status"],
            ),
            stages: Mutex::new(BTreeMap::new()),
            thresholds,
            registry,
        }
    }

    /// The registry, for adapters that add instruments of their own.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
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
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        String::from_utf8(text).map_err(|error| prometheus::Error::Msg(error.to_string()))
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new(LagThresholds::default())
    }
}

/// Names are constants checked by `names_follow_the_prometheus_rules`; a clash would be our own mistake.
const INVARIANT: &str = "metric names are valid and registered once";

fn register<C: prometheus::core::Collector + Clone + 'static>(
    registry: &Registry,
    made: Result<C, prometheus::Error>,
) -> C {
    let collector = made.expect(INVARIANT);
    registry
        .register(Box::new(collector.clone()))
        .expect(INVARIANT);
    collector
}

fn counter(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    register(registry, IntCounterVec::new(Opts::new(name, help), labels))
}

fn gauge(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
    register(registry, GaugeVec::new(Opts::new(name, help), labels))
}

fn int_gauge(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    register(registry, IntGaugeVec::new(Opts::new(name, help), labels))
}

fn histogram(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
    register(
        registry,
        HistogramVec::new(
            HistogramOpts::new(name, help).buckets(TURN_SECONDS.to_vec()),
            labels,
        ),
    )
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
