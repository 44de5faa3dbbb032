//! A mentions partition: its portfolios' machines and the watermark clock they share.

use crate::effect::{Effect, Rejection};
use crate::input::{Input, Marker};
use crate::machine::{Counters, Machine, Plan};
use crate::record::{self, RestoreError};
use crate::settings::CheckedDetectSettings;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How far each source partition has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Clock {
    pub(crate) watermarks: BTreeMap<String, Timestamp>,
    pub(crate) source_partitions: u32,
    pub(crate) backfill: bool,
}

impl Clock {
    /// Takes a marker in; watermarks never go back.
    fn advance(&mut self, marker: &Marker) {
        let watermark = self
            .watermarks
            .entry(marker.source_partition.clone())
            .or_insert(Timestamp::MIN);
        *watermark = (*watermark).max(marker.watermark);
        self.source_partitions = self.source_partitions.max(marker.source_partitions);
        self.backfill = marker.backfill;
    }

    /// The least watermark, once all source partitions have been heard of.
    fn watermark(&self) -> Option<Timestamp> {
        (self.watermarks.len() >= self.source_partitions as usize)
            .then(|| self.watermarks.values().min().copied())
            .flatten()
    }
}

/// All machines of one mentions partition.
#[derive(Debug)]
pub struct Partition {
    plan: Arc<Plan>,
    clock: Clock,
    clock_is_dirty: bool,
    machines: BTreeMap<String, Machine>,
}

impl Partition {
    /// A partition that has heard nothing yet.
    #[must_use]
    pub fn new(settings: Arc<CheckedDetectSettings>) -> Partition {
        Partition::with_plan(Arc::new(Plan::new((*settings).clone())))
    }

    /// The same, with a plan already prepared: several partitions share one.
    #[must_use]
    pub fn with_plan(plan: Arc<Plan>) -> Partition {
        Partition {
            plan,
            clock: Clock::default(),
            clock_is_dirty: false,
            machines: BTreeMap::new(),
        }
    }

    /// A partition as it was when `records` were taken.
    ///
    /// # Errors
    /// A record that cannot be read; nothing is guessed.
    pub fn restore(
        settings: Arc<CheckedDetectSettings>,
        records: Vec<(Vec<u8>, Vec<u8>)>,
    ) -> Result<Partition, RestoreError> {
        let mut partition = Partition::new(settings);
        let (clock, machines) = record::restore(&partition.plan, records)?;
        partition.clock = clock;
        partition.machines = machines;
        Ok(partition)
    }

    /// Applies one input. Total: what is refused is an effect.
    pub fn apply(&mut self, input: &Input<'_>, effects: &mut Vec<Effect>) {
        match input {
            Input::Mention(mention) => {
                if let Some(machine) = self.machines.get_mut(mention.portfolio.as_ref()) {
                    machine.apply_mention(mention, effects);
                    return;
                }
                let mut machine =
                    Machine::new(Arc::clone(&self.plan), &mention.tenant, &mention.portfolio);
                machine.apply_mention(mention, effects);
                self.machines.insert(mention.portfolio.to_string(), machine);
            }
            Input::Marker(marker) => {
                self.clock.advance(marker);
                self.clock_is_dirty = true;
                if let Some(watermark) = self.clock.watermark() {
                    for machine in self.machines.values_mut() {
                        machine.close_until(watermark, self.clock.backfill, effects);
                    }
                }
            }
            Input::Disposition(disposition) => {
                match self.machines.get_mut(&disposition.portfolio) {
                    Some(machine) => machine.apply_disposition(disposition, effects),
                    None => effects.push(Effect::Rejected(Rejection::UnknownSignal)),
                }
            }
            Input::Action(action) => match self.machines.get_mut(&action.portfolio) {
                Some(machine) => machine.apply_action(action, effects),
                None => effects.push(Effect::Rejected(Rejection::UnknownPortfolio)),
            },
        }
    }

    /// State records changed since the last call, sorted by key; `None` deletes.
    pub fn take_changes(&mut self) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let mut changes = Vec::new();
        if std::mem::take(&mut self.clock_is_dirty) {
            changes.push((
                record::CLOCK_KEY.to_vec(),
                Some(record::dump_clock(&self.clock)),
            ));
        }
        for machine in self.machines.values_mut() {
            record::dump_changes(machine, &mut changes);
        }
        changes.sort_by(|left, right| left.0.cmp(&right.0));
        changes
    }

    /// Counters summed over the portfolios.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let mut sum = Counters::default();
        for machine in self.machines.values() {
            let own = machine.counters();
            sum.read += own.read;
            sum.applied += own.applied;
            sum.duplicate += own.duplicate;
            sum.too_late += own.too_late;
            sum.rejected += own.rejected;
            sum.restating += own.restating;
            sum.buckets_closed += own.buckets_closed;
            sum.verdicts += own.verdicts;
            sum.alerts += own.alerts;
            sum.series_refused += own.series_refused;
        }
        sum
    }

    /// Live series over all portfolios.
    #[must_use]
    pub fn series_count(&self) -> usize {
        self.machines.values().map(Machine::series_count).sum()
    }

    /// Mentions remembered over all portfolios: those within the restatement horizon.
    #[must_use]
    pub fn mentions_remembered(&self) -> usize {
        self.machines
            .values()
            .map(Machine::mentions_remembered)
            .sum()
    }

    /// Machines by portfolio.
    pub fn machines(&self) -> impl Iterator<Item = (&str, &Machine)> {
        self.machines
            .iter()
            .map(|(portfolio, machine)| (portfolio.as_str(), machine))
    }

    /// The watermark buckets close on; `None` before all source partitions have been heard of.
    #[must_use]
    pub fn watermark(&self) -> Option<Timestamp> {
        self.clock.watermark()
    }
}
