//! Lag as seconds behind and as a status (O03).
//!
//! Offsets say nothing to a person, and on a transactional topic the last offset is a marker nobody reads,
//! so that a drained consumer looks one behind for ever. We measure instead how long ago the stage last had
//! nothing left to read: 0 when drained, whatever the offsets say. The status is a function of facts and a
//! moment, so a stage that hangs shows at the next scrape although it cannot speak.

use auscult_core::time::{SECOND, Timestamp};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// How a stage keeps up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LagStatus {
    /// Keeps up.
    Ok,
    /// Behind, and moving.
    Warn,
    /// No turn has ended for a long while.
    Stall,
    /// The stage has ended.
    Stop,
}

impl LagStatus {
    /// Every status.
    pub const ALL: [LagStatus; 4] = [
        LagStatus::Ok,
        LagStatus::Warn,
        LagStatus::Stall,
        LagStatus::Stop,
    ];

    /// The word in metrics and on pages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            LagStatus::Ok => "ok",
            LagStatus::Warn => "warn",
            LagStatus::Stall => "stall",
            LagStatus::Stop => "stop",
        }
    }
}

/// When a status turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LagThresholds {
    /// Milliseconds behind from which on the status is `warn`.
    pub warn_after: i64,
    /// Milliseconds without any turn ending from which on it is `stall`.
    pub stall_after: i64,
}

impl Default for LagThresholds {
    fn default() -> LagThresholds {
        LagThresholds {
            warn_after: 30 * SECOND,
            stall_after: 60 * SECOND,
        }
    }
}

/// How far one stage is behind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StageLag {
    /// Stage.
    pub stage: &'static str,
    /// Seconds since it last had nothing left to read.
    pub seconds: f64,
    /// In a word.
    pub status: LagStatus,
}

/// What a stage tells about its progress. Written by its thread, read by a scrape.
#[derive(Debug, Default)]
pub struct Progress {
    last_drained: AtomicI64,
    last_pass: AtomicI64,
    drained: AtomicBool,
    stopped: AtomicBool,
}

impl Progress {
    /// The stage begins; it counts as drained until its first poll says otherwise.
    pub fn started(&self, now: Timestamp) {
        self.last_drained.store(now.0, Ordering::Relaxed);
        self.stopped.store(false, Ordering::Relaxed);
        self.passed(now, true);
    }

    /// A turn ended.
    pub fn passed(&self, now: Timestamp, drained: bool) {
        self.last_pass.store(now.0, Ordering::Relaxed);
        self.drained.store(drained, Ordering::Relaxed);
        if drained {
            self.last_drained.store(now.0, Ordering::Relaxed);
        }
    }

    /// The stage ended.
    pub fn stopped(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// How far behind at `now`.
    #[must_use]
    pub fn lag(&self, stage: &'static str, now: Timestamp, thresholds: LagThresholds) -> StageLag {
        let since =
            |moment: &AtomicI64| now.0.saturating_sub(moment.load(Ordering::Relaxed)).max(0);
        let silent = since(&self.last_pass);
        let moving = silent < thresholds.stall_after;
        let behind = if moving && self.drained.load(Ordering::Relaxed) {
            0
        } else {
            since(&self.last_drained)
        };
        let status = if self.stopped.load(Ordering::Relaxed) {
            LagStatus::Stop
        } else if !moving {
            LagStatus::Stall
        } else if behind >= thresholds.warn_after {
            LagStatus::Warn
        } else {
            LagStatus::Ok
        };
        StageLag {
            stage,
            seconds: behind as f64 / SECOND as f64,
            status,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(progress: &Progress, seconds: i64) -> (f64, LagStatus) {
        let lag = progress.lag(
            "listen",
            Timestamp(seconds * SECOND),
            LagThresholds::default(),
        );
        (lag.seconds, lag.status)
    }

    #[test]
    fn an_idle_stage_is_not_behind() {
        let progress = Progress::default();
        progress.started(Timestamp(0));
        progress.passed(Timestamp(100 * SECOND), true);
        assert_eq!(at(&progress, 101), (0.0, LagStatus::Ok));
    }

    #[test]
    fn behind_then_hung_then_stopped() {
        let progress = Progress::default();
        progress.started(Timestamp(0));
        progress.passed(Timestamp(10 * SECOND), false);
        assert_eq!(at(&progress, 11), (11.0, LagStatus::Ok));
        progress.passed(Timestamp(40 * SECOND), false);
        assert_eq!(at(&progress, 41), (41.0, LagStatus::Warn));
        assert_eq!(at(&progress, 120), (120.0, LagStatus::Stall));
        progress.stopped();
        assert_eq!(at(&progress, 121).1, LagStatus::Stop);
    }
}
