//! A turn made durable: outputs, state and positions in one transaction.

use super::{KafkaConsumer, Membership};
use crate::transaction::{self, Failed, Offsets, Write};
use auscult_engine::log::{Commit, LogError, StateRecord, TopicPartition};
use rdkafka::consumer::Consumer as _;

/// What the keys of a group's state records begin with: two groups over one state topic do not meet.
pub(crate) fn state_prefix(group: &str) -> Vec<u8> {
    let mut prefix = group.as_bytes().to_vec();
    prefix.push(0);
    prefix
}

/// Where the state of a partition lies: beside it, by number. A leading topic with more partitions than the state topic
/// (dead letters beside mentions' state) goes round, and tells its partitions apart by its keys.
pub(crate) fn state_partition(of: &TopicPartition, state_partitions: u32) -> u32 {
    of.partition % state_partitions.max(1)
}

/// A state record under its key in the topic.
struct Keyed<'a> {
    partition: u32,
    key: Vec<u8>,
    record: &'a StateRecord,
}

impl KafkaConsumer {
    pub(super) fn make_durable(&mut self, commit: &Commit) -> Result<(), LogError> {
        let ended = match &self.membership {
            Membership::Reader { .. } if commit.state.is_empty() && commit.outgoing.is_empty() => {
                return Ok(());
            }
            Membership::Reader { .. } => {
                return Err(LogError::Fatal(format!(
                    "{} only reads, and was to write; this is a bug",
                    self.group
                )));
            }
            Membership::Member { .. } => self.transact(commit),
        };
        let outcome = match &ended {
            Ok(()) => "committed",
            Err(LogError::Retry(_)) => "retried",
            Err(LogError::Fenced(_)) => "fenced",
            Err(LogError::Fatal(_)) => "stopped",
        };
        self.shared
            .counters
            .transactions
            .with_label_values(&[&self.group, outcome])
            .inc();
        if matches!(ended, Err(LogError::Fenced(_))) {
            self.leave();
        }
        ended
    }

    fn transact(&mut self, commit: &Commit) -> Result<(), LogError> {
        let touched = commit
            .positions
            .iter()
            .map(|(at, ..)| at)
            .chain(commit.state.iter().map(|(at, _)| at));
        for at in touched {
            if !self.reach.held.contains_key(at) {
                return Err(LogError::Fenced(format!("{at} is not ours any more")));
            }
        }
        let prefix = state_prefix(&self.group);
        let state_partitions = self.state_partitions;
        let state: Vec<Keyed<'_>> = commit
            .state
            .iter()
            .flat_map(|(at, records)| {
                let prefix = &prefix;
                records.iter().map(move |record| Keyed {
                    partition: state_partition(at, state_partitions),
                    key: [prefix.as_slice(), &record.key].concat(),
                    record,
                })
            })
            .collect();
        let list = transaction::offsets(
            commit
                .positions
                .iter()
                .map(|(at, position, metadata)| (at, position.0, metadata.as_str())),
        )?;
        let consumer = self.consumer.as_ref();
        let Membership::Member {
            transactions,
            state: topic,
            ..
        } = &mut self.membership
        else {
            return Ok(());
        };
        let (Some(consumer), true) = (consumer, topic.is_some() || state.is_empty()) else {
            return Err(LogError::Fatal(format!(
                "{} has state to keep and no topic for it; this is a bug",
                self.group
            )));
        };
        let topic = topic.as_deref().unwrap_or_default();
        if let Some(within) = transactions.coordinator_first()
            && let Err(error) = consumer.committed_offsets(list.clone(), within)
        {
            return Err(LogError::Retry(format!(
                "the coordinator of group {} does not answer: {error}",
                self.group
            )));
        }
        // The order matters: the generation is asked for first, the loss second. Once the generation is gone the
        // assignment is marked as lost, so an assignment that is not lost *now* belonged to the generation asked
        // for. The other way round, a member that was thrown out in between would commit as nobody in particular,
        // which the broker lets pass.
        let generation = consumer.group_metadata();
        if consumer.assignment_lost() {
            return Err(LogError::Fenced(
                "the group gave this instance's partitions to others".to_owned(),
            ));
        }
        let Some(group) = generation else {
            return Err(LogError::Retry("the group does not answer".to_owned()));
        };
        let outgoing = commit.outgoing.iter().map(Write::from);
        let kept = state.iter().map(|keyed| Write {
            topic,
            partition: Some(keyed.partition),
            key: Some(&keyed.key),
            headers: &[],
            value: keyed.record.value.as_deref(),
        });
        let records: Vec<Write<'_>> = outgoing.chain(kept).collect();
        let offsets = (list.count() > 0).then_some(Offsets { list, group });
        match transactions.run(records.into_iter(), offsets) {
            Ok(()) => Ok(()),
            // A rebalance passed between the question and the commit. What is not lost is still ours, under the
            // next generation.
            Err(Failed::Generation(reason)) if !consumer.assignment_lost() => {
                Err(LogError::Retry(reason))
            }
            Err(failed) => Err(failed.into()),
        }
    }
}
