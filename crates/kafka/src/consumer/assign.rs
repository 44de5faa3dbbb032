//! Partitions gained and lost.

use super::{KafkaConsumer, Membership};
use crate::context::{Listener, Rebalanced};
use crate::errors;
use crate::reach::Held;
use crate::restore::ASK;
use auscult_engine::log::{LogError, LogEvent, Position, TopicPartition};
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::TopicPartitionList;
use std::sync::Arc;

/// Where a partition stands, as the brokers tell.
struct Standing {
    at: TopicPartition,
    position: u64,
    metadata: String,
}

impl KafkaConsumer {
    /// Takes up what the group decided; whether it decided anything.
    pub(super) fn rebalance(
        &mut self,
        context: &Arc<Listener>,
        events: &mut Vec<LogEvent>,
    ) -> Result<bool, LogError> {
        let mut any = false;
        while let Some(rebalanced) = context.take_rebalanced() {
            any = true;
            match rebalanced {
                Rebalanced::Revoke(list) => self.hand_back(&list, events)?,
                Rebalanced::Assign(list) => {
                    let list = self.with_followers(&list);
                    self.waiting.extend(list);
                    self.reach.joined = true;
                    self.take_waiting(events)?;
                }
            }
        }
        Ok(any)
    }

    /// Each partition and those that follow it, leaders first.
    fn with_followers(&self, list: &[(String, u32)]) -> Vec<(String, u32)> {
        let mut all = list.to_vec();
        if let Membership::Member { following, .. } = &self.membership {
            for topic in following {
                all.extend(
                    list.iter()
                        .map(|(_, partition)| (topic.to_string(), *partition)),
                );
            }
        }
        all
    }

    fn hand_back(
        &mut self,
        list: &[(String, u32)],
        events: &mut Vec<LogEvent>,
    ) -> Result<(), LogError> {
        let list = self.with_followers(list);
        self.waiting.retain(|waiting| !list.contains(waiting));
        let mut gone = TopicPartitionList::new();
        let mut told = Vec::new();
        for (topic, partition) in &list {
            let at = TopicPartition {
                topic: self.name(topic),
                partition: *partition,
            };
            if self.reach.held.remove(&at).is_some() {
                gone.add_partition(topic, *partition as i32);
                told.push(at);
            }
        }
        // Records of theirs that were read a moment ago are the next owner's.
        events.retain(
            |event| !matches!(event, LogEvent::Record(record) if told.contains(&record.at)),
        );
        // Followers first: a machine outlives what it is fed with, never the other way round.
        let count = told.len() as u64;
        let revoked = told.into_iter().rev().map(LogEvent::Revoked);
        events.splice(0..0, revoked);
        self.shared
            .counters
            .rebalanced
            .with_label_values(&[&self.group, "revoked"])
            .inc_by(count);
        // Also when nothing was held: the group waits for an answer.
        self.consumer()?
            .incremental_unassign(&gone)
            .map_err(|error| errors::blocked(&error, &self.group))
    }

    /// Gives partitions their positions and begins to read them.
    pub(super) fn take_waiting(&mut self, events: &mut Vec<LogEvent>) -> Result<(), LogError> {
        let waiting = self.waiting.clone();
        let standings = self.standings(&waiting)?;
        if self.consumer()?.assignment_lost() {
            // The group has given them away again; the revocation is on its way.
            self.waiting.clear();
            return self.answer(&TopicPartitionList::new());
        }
        let list = offsets(&standings)?;
        self.answer(&list)?;
        self.waiting.clear();
        self.shared
            .counters
            .rebalanced
            .with_label_values(&[&self.group, "assigned"])
            .inc_by(standings.len() as u64);
        self.announce(standings, events);
        Ok(())
    }

    fn answer(&self, list: &TopicPartitionList) -> Result<(), LogError> {
        self.consumer()?
            .incremental_assign(list)
            .map_err(|error| errors::blocked(&error, &self.group))
    }

    fn announce(&mut self, standings: Vec<Standing>, events: &mut Vec<LogEvent>) {
        let assigned: Vec<LogEvent> = standings
            .into_iter()
            .map(|standing| {
                self.reach
                    .held
                    .insert(standing.at.clone(), Held::from(standing.position));
                LogEvent::Assigned {
                    partition: standing.at,
                    position: Position(standing.position),
                    metadata: standing.metadata,
                }
            })
            .collect();
        events.splice(0..0, assigned);
        self.reach.no_ends();
    }

    /// Committed positions, once no transaction over them is open.
    fn standings(&mut self, partitions: &[(String, u32)]) -> Result<Vec<Standing>, LogError> {
        let mut list = TopicPartitionList::new();
        for (topic, partition) in partitions {
            list.add_partition(topic, *partition as i32);
        }
        if list.count() == 0 {
            return Ok(Vec::new());
        }
        let committed = self
            .consumer()?
            .committed_offsets(list, ASK)
            .map_err(|error| {
                let place = format!("group {}: committed positions", self.group);
                errors::blocked(&error, &place)
            })?;
        let mut standings = Vec::new();
        for element in committed.elements() {
            element
                .error()
                .map_err(|error| errors::blocked(&error, element.topic()))?;
            let at = TopicPartition {
                topic: self.name(element.topic()),
                partition: u32::try_from(element.partition()).unwrap_or_default(),
            };
            let position = match element.offset() {
                Offset::Offset(offset) => u64::try_from(offset).ok(),
                _ => None,
            };
            let metadata = element.metadata().to_owned();
            let position = self.first_readable(&at, position)?;
            standings.push(Standing {
                at,
                position,
                metadata,
            });
        }
        Ok(standings)
    }

    /// `position`, or the oldest record there is. A gap between the two is told loudly; a position beyond the end
    /// stops, because the topic is not the one it was taken from.
    fn first_readable(&self, at: &TopicPartition, position: Option<u64>) -> Result<u64, LogError> {
        let (oldest, end) = self
            .consumer()?
            .fetch_watermarks(&at.topic, at.partition as i32, ASK)
            .map_err(|error| errors::blocked(&error, &at.to_string()))?;
        let oldest = u64::try_from(oldest).unwrap_or_default();
        let end = u64::try_from(end).unwrap_or_default();
        match position {
            None => Ok(oldest),
            Some(position) if position < oldest => {
                // A view that was never filled begins at 0, whatever retention has left.
                if position > 0 {
                    self.tell_lost(at, position, oldest);
                }
                Ok(oldest)
            }
            Some(position) if position > end => Err(LogError::Fatal(format!(
                "{at} ends at {end}, but {} has read up to {position}: the topic was made anew or cut; give kafka.group_prefix a new name (Serve: delete store.view) to begin again",
                self.group
            ))),
            Some(position) => Ok(position),
        }
    }

    fn tell_lost(&self, at: &TopicPartition, position: u64, oldest: u64) {
        tracing::error!(
            group = %self.group,
            partition = %at,
            from = position,
            to = oldest,
            "records were deleted by retention before they were read; reading goes on behind them"
        );
        self.shared
            .counters
            .lost_records
            .with_label_values(&[&self.group, at.topic.as_ref(), &at.partition.to_string()])
            .inc_by(oldest - position);
    }

    /// Retention has overtaken us while reading: goes on at the oldest record of each partition concerned.
    pub(super) fn skip_deleted(&mut self) -> Result<(), LogError> {
        let held: Vec<(TopicPartition, u64)> = self
            .reach
            .held
            .iter()
            .map(|(at, held)| (at.clone(), held.next))
            .collect();
        for (at, next) in held {
            let first = self.first_readable(&at, Some(next))?;
            if first != next {
                auscult_engine::log::Log::seek(self, &at, Position(first))?;
            }
        }
        Ok(())
    }

    /// All partitions of a reader's topics, from where its owner stands.
    pub(super) fn take_everything(&mut self) -> Result<Vec<LogEvent>, LogError> {
        let Membership::Reader { topics, .. } = &self.membership else {
            return Ok(Vec::new());
        };
        let mut standings = Vec::new();
        for topic in topics.clone() {
            let count = crate::topics::partitions(self.consumer()?, &topic)?;
            for partition in 0..count {
                let at = TopicPartition {
                    topic: self.name(&topic),
                    partition,
                };
                let wanted = match &mut self.membership {
                    Membership::Reader { start, .. } => start(&at)?,
                    Membership::Member { .. } => None,
                };
                let position = self.first_readable(&at, wanted.map(|position| position.0))?;
                standings.push(Standing {
                    at,
                    position,
                    metadata: String::new(),
                });
            }
        }
        let list = offsets(&standings)?;
        self.consumer()?
            .assign(&list)
            .map_err(|error| errors::blocked(&error, &self.group))?;
        self.reach.joined = true;
        let mut events = Vec::new();
        self.announce(standings, &mut events);
        Ok(events)
    }
}

/// Answers every question of the group that is still open, before the consumer is closed: nothing is taken, everything
/// is given back. `is_waiting`: an assignment was taken up and not answered.
pub(super) fn answer_all(consumer: &BaseConsumer<Listener>, is_waiting: bool) {
    let nothing = TopicPartitionList::new();
    let mut answered = Ok(());
    if is_waiting {
        answered = consumer.incremental_assign(&nothing);
    }
    while let Some(rebalanced) = consumer.client().context().take_rebalanced() {
        let answer = match rebalanced {
            Rebalanced::Assign(_) => consumer.incremental_assign(&nothing),
            Rebalanced::Revoke(list) => {
                let mut gone = TopicPartitionList::new();
                for (topic, partition) in &list {
                    gone.add_partition(topic, *partition as i32);
                }
                consumer.incremental_unassign(&gone)
            }
        };
        answered = answered.and(answer);
    }
    if let Err(error) = answered {
        tracing::debug!(%error, "a question of the group could not be answered while leaving it");
    }
}

/// Where each partition is read from, as rdkafka takes it.
fn offsets(standings: &[Standing]) -> Result<TopicPartitionList, LogError> {
    let mut list = TopicPartitionList::new();
    for standing in standings {
        let offset = i64::try_from(standing.position).unwrap_or(i64::MAX);
        list.add_partition_offset(
            &standing.at.topic,
            standing.at.partition as i32,
            Offset::Offset(offset),
        )
        .map_err(|error| errors::blocked(&error, &standing.at.to_string()))?;
    }
    Ok(list)
}
