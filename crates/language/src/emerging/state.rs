//! Dump and restore, versioned.

use super::baseline::{Baseline, Counter};
use super::bucket::OpenBucket;
use super::join::Joined;
use super::track::Track;
use super::{Emerging, Settings};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the dump's shape.
const VERSION: u32 = 1;

/// Dumped bytes that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("emerging-theme state: {0}; start empty, the baseline is learned again during the warm-up")]
pub struct DumpProblem(String);

/// Everything remembered, for a record of the caller's own format. Counters that were never used are left out.
#[derive(Serialize, Deserialize)]
pub struct State {
    version: u32,
    counters_log2: u8,
    counters: Vec<(u32, f32, f32, f32, i64)>,
    began: Option<i64>,
    open: BTreeMap<i64, OpenBucket>,
    tracks: BTreeMap<u64, Track>,
    joined: Vec<Joined>,
    closed: u32,
    last_closed: Option<i64>,
}

impl Emerging {
    /// Everything remembered.
    #[must_use]
    pub fn state(&self) -> State {
        let used = self
            .baseline
            .counters
            .iter()
            .enumerate()
            .filter(|(_, counter)| **counter != Counter::default());
        State {
            version: VERSION,
            counters_log2: self.settings.counters_log2,
            counters: used
                .map(|(at, one)| {
                    (
                        u32::try_from(at).unwrap_or(u32::MAX),
                        one.mean,
                        one.variance,
                        one.share,
                        one.bucket,
                    )
                })
                .collect(),
            began: self.baseline.began,
            open: self.open.clone(),
            tracks: self.tracks.clone(),
            joined: self.joined.clone(),
            closed: self.closed,
            last_closed: self.last_closed,
        }
    }

    /// Everything remembered, as bytes (JSON: floats round-trip exactly).
    #[must_use]
    pub fn dump(&self) -> Vec<u8> {
        // Only maps with keys that are no strings or numbers could fail, and there are none.
        serde_json::to_vec(&self.state()).unwrap_or_default()
    }

    /// What was remembered.
    ///
    /// # Errors
    /// When the bytes are no dump of this version, or one made with another number of counters.
    pub fn restore(settings: Settings, bytes: &[u8]) -> Result<Emerging, DumpProblem> {
        let state =
            serde_json::from_slice(bytes).map_err(|error| DumpProblem(error.to_string()))?;
        Emerging::of_state(settings, state)
    }

    /// What was remembered.
    ///
    /// # Errors
    /// When the state is of another version, or made with another number of counters.
    pub fn of_state(settings: Settings, dump: State) -> Result<Emerging, DumpProblem> {
        if dump.version != VERSION || dump.counters_log2 != settings.counters_log2 {
            return Err(DumpProblem(format!(
                "version {} with 2^{} counters, not {VERSION} with 2^{}",
                dump.version, dump.counters_log2, settings.counters_log2
            )));
        }
        let mut baseline = Baseline::new(settings);
        baseline.began = dump.began;
        for (at, mean, variance, share, bucket) in dump.counters {
            let place = baseline
                .counters
                .get_mut(at as usize)
                .ok_or_else(|| DumpProblem("a counter out of range".into()))?;
            *place = Counter {
                mean,
                variance,
                share,
                bucket,
            };
        }
        let markers = super::join::markers(&dump.joined);
        Ok(Emerging {
            settings,
            baseline,
            open: dump.open,
            tracks: dump.tracks,
            joined: dump.joined,
            markers,
            closed: dump.closed,
            last_closed: dump.last_closed,
        })
    }
}
