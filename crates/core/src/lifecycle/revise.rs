//! Restated buckets: what late data and corrections mean for the signals that rested on them.

use super::raise::Finding;
use crate::close::CloseResult;
use crate::effect::Effect;
use crate::machine::Machine;
use crate::restate::Restated;
use crate::signal::{MATERIAL_CHANGE, Signal};
use crate::time::BucketIndex;
use crate::words::{AlertChange, SignalStatus, StatusReason};

impl Machine {
    /// Everything a restated bucket means for the signals.
    pub(crate) fn signals_after_restatement(
        &mut self,
        result: &CloseResult,
        changed: &[Restated],
        effects: &mut Vec<Effect>,
    ) {
        let touched: Vec<(String, bool, bool)> = self
            .signals
            .values()
            .filter(|signal| {
                signal.width == result.width
                    && signal.fired.contains(&result.bucket)
                    && signal.status != SignalStatus::Retracted
            })
            .filter_map(|signal| {
                let (at, track) = self.track_of(signal)?;
                let restated = changed
                    .iter()
                    .find(|restated| restated.series == at && restated.track == track)?;
                let closed = self.series[at].tracks[track].closed(result.bucket)?;
                let holds = closed.discovered
                    && closed.verdict.is_upward() == signal.upward
                    && self.passes_floors(&self.series[at].tracks[track], closed, 1);
                Some((signal.id.clone(), holds, restated.fell))
            })
            .collect();
        for (id, holds, fell) in touched {
            let reason = if fell {
                StatusReason::DuplicateRemoved
            } else {
                StatusReason::LateData
            };
            self.revise(
                &id,
                holds,
                &CloseResult {
                    reason,
                    discoveries: result.discoveries.clone(),
                    ..*result
                },
                effects,
            );
        }
        let mut findings = self.findings(result);
        // What already speaks about this bucket goes on speaking: the others attach to it.
        for finding in &mut findings {
            finding.open = self
                .covering(finding, result.bucket)
                .or(finding.open.take());
        }
        self.raise_or_attach(result, &findings, effects);
    }

    /// The signal that already rests on the finding's series in that bucket, or has it attached.
    fn covering(&self, finding: &Finding, bucket: BucketIndex) -> Option<String> {
        let measure = self.series[finding.candidate.series].tracks[finding.candidate.track].measure;
        let covers = |signal: &&Signal| {
            let own = signal.key == finding.candidate.key
                && signal.measure == measure
                && signal.fired.contains(&bucket);
            let attached = signal.attached.iter().any(|attached| {
                attached.key == finding.candidate.key
                    && attached.measure == measure
                    && attached.bucket == bucket
            });
            own || attached
        };
        self.signals
            .values()
            .find(covers)
            .map(|signal| signal.id.clone())
    }

    fn revise(&mut self, id: &str, holds: bool, result: &CloseResult, effects: &mut Vec<Effect>) {
        let Some(mut signal) = self.signals.remove(id) else {
            return;
        };
        let nothing_left = !holds && signal.take_back(result.bucket);
        if !nothing_left
            && !signal.is_open()
            && !self.is_material_restatement(&signal, result.bucket)
        {
            self.signals.insert(signal.id.clone(), signal);
            return;
        }
        let change = if nothing_left {
            signal.status = SignalStatus::Retracted;
            AlertChange::Retracted
        } else {
            AlertChange::Updated
        };
        self.send(&mut signal, change, result, result.bucket, effects);
        self.signals.insert(signal.id.clone(), signal);
    }

    /// Whether a restated bucket of a signal that is over changed so much that people should hear of it.
    fn is_material_restatement(&self, signal: &Signal, bucket: BucketIndex) -> bool {
        let closed = self
            .track_of(signal)
            .and_then(|(at, track)| self.series[at].tracks[track].closed(bucket));
        closed.is_some_and(|closed| {
            let effect = closed.verdict.observed.unwrap_or(0.0) - closed.verdict.expected;
            (effect - signal.effect_last).abs() >= MATERIAL_CHANGE * signal.effect_last.abs()
        })
    }
}
