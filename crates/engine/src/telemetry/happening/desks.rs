//! Happenings at the two desks that people must not lose anything from: safety intake and medical information.

use super::add;
use crate::telemetry::Metrics;
use tracing::{debug, error, info, warn};

/// The watch read safety candidates.
#[derive(Debug, Clone, Copy)]
pub struct SafetyHandedOver {
    /// Seen for the first time.
    pub new: usize,
    /// Known already: the same feedback came in again.
    pub again: usize,
}

impl SafetyHandedOver {
    /// Counts it.
    pub fn emit(self, metrics: &Metrics) {
        add(&metrics.safety_hand_offs, &["new"], self.new);
        add(&metrics.safety_hand_offs, &["again"], self.again);
    }
}

/// The watch read an acknowledgement.
#[derive(Debug, Clone)]
pub struct SafetyAcknowledged {
    /// `waiting`, `escalated`, `again` or `unknown`.
    pub met: &'static str,
    /// Candidate id: in the log line, never a label.
    pub candidate_id: String,
}

impl SafetyAcknowledged {
    /// Counts it. One that meets no candidate mends itself when the candidate comes; one that stays is a wrong id or key.
    pub fn emit(self, metrics: &Metrics) {
        let SafetyAcknowledged { met, candidate_id } = self;
        match met {
            "escalated" => info!(candidate_id, "escalated safety candidate acknowledged"),
            "unknown" => warn!(
                candidate_id,
                "acknowledgement of a safety candidate that was not handed over here: look at its id and key"
            ),
            _ => debug!(candidate_id, met, "safety candidate acknowledged"),
        }
        add(&metrics.safety_acks, &[met], 1);
    }
}

/// Nobody acknowledged a safety candidate in time.
#[derive(Debug, Clone)]
pub struct SafetyEscalated {
    /// Candidate id: in the log line, never a label.
    pub candidate_id: String,
    /// When it was handed over, milliseconds since the epoch.
    pub handed_over_at: i64,
    /// When intake must have it, milliseconds since the epoch.
    pub intake_due: i64,
}

impl SafetyEscalated {
    /// Counts it.
    pub fn emit(self, metrics: &Metrics) {
        let SafetyEscalated {
            candidate_id,
            handed_over_at,
            intake_due,
        } = self;
        error!(
            candidate_id,
            handed_over_at,
            intake_due,
            "safety candidate escalated: nobody acknowledged it in time; see docs/runbooks/safety-hand-off.md"
        );
        add(&metrics.safety_escalations, &[], 1);
    }
}

/// How the hand-off of safety candidates stands.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SafetyStanding {
    /// Not acknowledged, within their time.
    pub waiting: usize,
    /// Not acknowledged, escalated.
    pub escalated: usize,
    /// Not acknowledged, past their intake time.
    pub intake_overdue: usize,
    /// Since the oldest of them was handed over, in seconds; 0 when there is none.
    pub oldest_seconds: f64,
}

impl SafetyStanding {
    /// Shows it. The figures are of the partitions this instance holds: sum them over instances.
    pub fn emit(self, metrics: &Metrics) {
        let set = |gauge: &prometheus::IntGaugeVec, labels: &[&str], count: usize| {
            gauge
                .with_label_values(labels)
                .set(i64::try_from(count).unwrap_or(i64::MAX));
        };
        set(&metrics.safety_unacknowledged, &["waiting"], self.waiting);
        set(
            &metrics.safety_unacknowledged,
            &["escalated"],
            self.escalated,
        );
        set(&metrics.safety_intake_overdue, &[], self.intake_overdue);
        metrics
            .safety_oldest
            .with_label_values(&[] as &[&str])
            .set(self.oldest_seconds);
    }
}

/// How many medical questions are open, and since when the oldest is.
#[derive(Debug, Clone, Copy)]
pub struct MedicalRequestsOpen {
    /// How many.
    pub count: u64,
    /// Age of the oldest in seconds; 0 when none is open.
    pub oldest_seconds: f64,
}

impl MedicalRequestsOpen {
    /// Shows it.
    pub fn emit(self, metrics: &Metrics) {
        metrics
            .medical_requests_open
            .with_label_values(&[] as &[&str])
            .set(i64::try_from(self.count).unwrap_or(i64::MAX));
        metrics
            .medical_requests_oldest
            .with_label_values(&[] as &[&str])
            .set(self.oldest_seconds);
    }
}
