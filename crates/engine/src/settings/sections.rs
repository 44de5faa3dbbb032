//! The sections of the engine's settings and their defaults.

use super::Secret;
use crate::telemetry::LagThresholds;
use crate::turn::TurnBounds;
use auscult_core::time::{HOUR, SECOND};
use serde::Deserialize;
use std::time::Duration;

/// Partition counts. Adapters that create topics use them; the Kafka adapter refuses to start when the
/// broker's counts differ, because markers must reach every partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Partitions {
    /// Partitions of each source topic.
    pub source: u32,
    /// Partitions of mentions, and therefore of dispositions.
    pub mentions: u32,
    /// Partitions of each topic that is only written or served.
    pub output: u32,
}

impl Default for Partitions {
    fn default() -> Partitions {
        Partitions {
            source: 1,
            mentions: 1,
            output: 1,
        }
    }
}

/// How long records stay in the embedded log; on Kafka that is the broker's business. A record that a stage has yet to
/// read stays whatever its age, and the detector's memory is no record: it stays too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionSettings {
    /// Days of feedback as received, raw text included; 0: for good.
    pub feedback_days: u32,
    /// Days of mentions: redacted text; 0: for good.
    pub mentions_days: u32,
    /// Days of series points, by far the most of what Detect writes; 0: for good. A read model that was deleted shows
    /// charts as far back.
    pub series_days: u32,
    /// Days of alerts, signals, answers, safety candidates and medical requests; 0: for good. A read model that was
    /// deleted is built again as far back.
    pub outputs_days: u32,
    /// Days of dead letters, original bytes included; 0: for good.
    pub dead_letters_days: u32,
    /// Seconds between two clean-ups.
    pub clean_every_seconds: u64,
}

impl Default for RetentionSettings {
    fn default() -> RetentionSettings {
        RetentionSettings {
            feedback_days: 90,
            mentions_days: 400,
            series_days: 400,
            outputs_days: 0,
            dead_letters_days: 90,
            clean_every_seconds: 600,
        }
    }
}

/// Size of turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TurnSettings {
    /// Fewest records a full turn takes.
    pub least_records: usize,
    /// Most records a turn takes.
    pub most_records: usize,
    /// A slower turn halves the next one, in milliseconds.
    pub target_milliseconds: u64,
    /// Longest wait for the first record, in milliseconds.
    pub wait_milliseconds: u64,
}

impl Default for TurnSettings {
    fn default() -> TurnSettings {
        TurnSettings {
            least_records: TurnBounds::LEAST_RECORDS,
            most_records: TurnBounds::MOST_RECORDS,
            target_milliseconds: TurnBounds::TARGET.as_millis() as u64,
            wait_milliseconds: TurnBounds::WAIT.as_millis() as u64,
        }
    }
}

impl TurnSettings {
    /// As bounds of a turn.
    #[must_use]
    pub fn bounds(self) -> TurnBounds {
        TurnBounds {
            least_records: self.least_records,
            most_records: self.most_records,
            target: Duration::from_millis(self.target_milliseconds),
            wait: Duration::from_millis(self.wait_milliseconds),
        }
    }
}

/// Listening.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListenSettings {
    /// Threads a turn fans out over; 1 stays on the stage's own thread.
    pub threads: usize,
    /// What the portfolio key is made of, in order.
    pub portfolio: Vec<String>,
    /// Key of person pseudonyms. No default: a key in the source code would be no key.
    pub pseudonym_key: Option<Secret>,
    /// How long after its own time an event still counts as on time, in seconds.
    pub lateness_seconds: u64,
    /// A source partition that delivered nothing for so many seconds is moved on by the clock; 0: never.
    pub idle_after_seconds: u64,
    /// Events further ahead of the clock than this are quarantined, in seconds (I12).
    pub future_limit_seconds: u64,
    /// History is being loaded: judge, list, notify nobody (I11). Safety triage is not affected.
    pub backfill: bool,
    /// When bad input stops the listener.
    pub dead_letter_cap: DeadLetterCap,
    /// Extra fields of the source that mentions carry on, because views cut by them. Every other unknown field
    /// stays behind in Listen.
    pub extra_fields: Vec<String>,
    /// Names that redaction never takes and safety triage links to: products, brands, generic names, devices, companies,
    /// the house's own and those it is compared with.
    pub products: Vec<String>,
    /// Hours after day 0 within which safety intake must have a candidate.
    pub intake_hours: u32,
    /// Ids of the schemas a registry prefix or header may name; none: plain JSON only.
    pub schema_ids: Vec<u32>,
    /// Global ids (UUID) of the schemas a registry prefix or header may name.
    pub schema_guids: Vec<uuid::Uuid>,
    /// Tenant of events that name none; without it they become dead letters (`TENANT_UNKNOWN`).
    pub default_tenant: Option<String>,
}

impl Default for ListenSettings {
    fn default() -> ListenSettings {
        ListenSettings {
            threads: 1,
            portfolio: vec!["tenant".to_owned(), "country".to_owned()],
            pseudonym_key: None,
            lateness_seconds: (6 * HOUR / SECOND) as u64,
            idle_after_seconds: 15 * 60,
            future_limit_seconds: (12 * HOUR / SECOND) as u64,
            backfill: false,
            dead_letter_cap: DeadLetterCap::default(),
            extra_fields: Vec::new(),
            products: Vec::new(),
            intake_hours: 24,
            schema_ids: Vec::new(),
            schema_guids: Vec::new(),
            default_tenant: None,
        }
    }
}

/// When bad input stops the listener: a broken deploy must not empty the topic into the dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeadLetterCap {
    /// Records looked back on.
    pub window_records: usize,
    /// Share of dead letters in the window at which the listener stops, in 0 … 1; 1: never.
    pub share: f64,
}

impl Default for DeadLetterCap {
    fn default() -> DeadLetterCap {
        DeadLetterCap {
            window_records: 1_000,
            share: 0.5,
        }
    }
}

/// Watching over the hand-off of safety candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SafetySettings {
    /// A candidate that nobody acknowledged so many hours after it was handed over is escalated.
    pub escalate_after_hours: u32,
    /// Days an acknowledgement is remembered: feedback that comes in again within them is the same candidate, answered.
    /// Later it counts as handed over anew, because asking twice is better than not at all.
    pub remember_acks_days: u32,
}

impl Default for SafetySettings {
    fn default() -> SafetySettings {
        SafetySettings {
            escalate_after_hours: 12,
            remember_acks_days: 90,
        }
    }
}

/// Serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServeSettings {
    /// A feed counts as `no_data` after so many seconds without an event.
    pub feed_silent_after_seconds: u64,
}

impl Default for ServeSettings {
    fn default() -> ServeSettings {
        ServeSettings {
            feed_silent_after_seconds: 36 * 3_600,
        }
    }
}

/// When a stage counts as behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LagSettings {
    /// Seconds behind from which on the status is `warn`.
    pub warn_after_seconds: u32,
    /// Seconds without any turn from which on it is `stall`.
    pub stall_after_seconds: u32,
}

impl Default for LagSettings {
    fn default() -> LagSettings {
        LagSettings {
            warn_after_seconds: 30,
            stall_after_seconds: 60,
        }
    }
}

impl LagSettings {
    /// As thresholds in milliseconds.
    #[must_use]
    pub fn thresholds(self) -> LagThresholds {
        LagThresholds {
            warn_after: i64::from(self.warn_after_seconds) * SECOND,
            stall_after: i64::from(self.stall_after_seconds) * SECOND,
        }
    }
}
