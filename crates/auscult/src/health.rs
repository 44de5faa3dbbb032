//! How the parts of this process are, for the Ops page: lag of the stages, and what people made of the detectors.

use auscult_core::learn::{Answers, usefulness};
use auscult_core::words::Decision;
use auscult_engine::clock::Clock;
use auscult_engine::read_model::{ReadModel, SignalFilter, SignalRow};
use auscult_engine::telemetry::{LagStatus, Metrics, StageLag};
use auscult_web::ports::{
    Counter, DetectorHealth, Health, HealthReport, PartHealth, PartState, Precision,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Answered signals looked at for precision: the newest ones, the store's own bound.
const SIGNALS: u32 = 500;
/// Level of the precision's interval.
const LEVEL: f64 = 0.9;

/// Health from the metrics every stage keeps, and from the answers in the read model.
pub struct Parts {
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    stop: Arc<AtomicBool>,
    read: Box<dyn ReadModel>,
}

impl Parts {
    /// Health of a running service.
    pub fn new(
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
        stop: Arc<AtomicBool>,
        read: Box<dyn ReadModel>,
    ) -> Parts {
        Parts {
            metrics,
            clock,
            stop,
            read,
        }
    }
}

impl Health for Parts {
    fn report(&self) -> HealthReport {
        let filter = SignalFilter {
            include_suppressed: true,
            limit: SIGNALS,
            ..SignalFilter::default()
        };
        let (detectors, answered, failed) = match self.read.signals(&filter) {
            Ok(signals) => {
                let detectors = detectors(&signals);
                let answered = signals
                    .iter()
                    .filter(|signal| signal.disposition.is_some())
                    .count() as u64;
                (detectors, answered, None)
            }
            Err(error) => (Vec::new(), 0, Some(error.to_string())),
        };
        let mut parts: Vec<PartHealth> = self
            .metrics
            .lags(self.clock.now())
            .iter()
            .map(part)
            .collect();
        parts.extend(failed.map(|reason| PartHealth {
            name: "read model".to_owned(),
            state: PartState::Failed,
            lag_milliseconds: None,
            detail: reason,
            remedy: "look at the file named in the settings under store.view; it can be deleted and is rebuilt".to_owned(),
        }));
        HealthReport {
            ready: !self.stop.load(Ordering::SeqCst),
            parts,
            detectors,
            counters: vec![Counter {
                name: "signals answered".to_owned(),
                value: answered,
            }],
        }
    }
}

fn part(lag: &StageLag) -> PartHealth {
    let (state, remedy) = match lag.status {
        LagStatus::Ok => (PartState::Ok, ""),
        LagStatus::Warn => (PartState::Behind, "wait, or give it more threads"),
        LagStatus::Stall => (
            PartState::Behind,
            "look for retries in the log lines of this stage",
        ),
        LagStatus::Stop => (
            PartState::Failed,
            "read the last error of this stage and restart",
        ),
    };
    PartHealth {
        name: lag.stage.to_owned(),
        state,
        lag_milliseconds: Some((lag.seconds * 1000.0) as i64),
        detail: format!("{}: {:.0} s behind", lag.status.as_str(), lag.seconds),
        remedy: remedy.to_owned(),
    }
}

/// Precision per detector and view as a Beta posterior (L03), from the answers people gave.
fn detectors(signals: &[SignalRow]) -> Vec<DetectorHealth> {
    let mut answers: BTreeMap<(String, String), Answers> = BTreeMap::new();
    for signal in signals {
        let Ok(alert) = serde_json::from_str::<serde_json::Value>(&signal.data) else {
            continue;
        };
        let text = |path: &str| {
            alert
                .pointer(path)
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let own = answers
            .entry((text("/detector/id"), text("/labels/view")))
            .or_default();
        let decision = signal
            .disposition
            .as_deref()
            .and_then(|json| serde_json::from_str::<serde_json::Value>(json).ok())
            .and_then(|disposition| Decision::parse(disposition.get("decision")?.as_str()?));
        match decision.and_then(usefulness) {
            Some(true) => own.useful += 1,
            Some(false) => own.not_useful += 1,
            None => {}
        }
    }
    answers
        .into_iter()
        .map(|((detector, view), answers)| detector_health(detector, view, answers))
        .collect()
}

fn detector_health(detector: String, view: String, answers: Answers) -> DetectorHealth {
    let posterior = answers.posterior();
    let interval = posterior.interval(LEVEL);
    let answered = answers.useful + answers.not_useful > 0;
    DetectorHealth {
        detector,
        view,
        useful: u64::from(answers.useful),
        not_useful: u64::from(answers.not_useful),
        precision: answered.then(|| Precision {
            low: interval.lower,
            middle: posterior.mean(),
            high: interval.upper,
        }),
    }
}
