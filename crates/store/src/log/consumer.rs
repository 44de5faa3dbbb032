//! The log as one consumer group sees it.

use auscult_engine::log::{Commit, Log, LogError, LogEvent, Position, StateRecord, TopicPartition};
use rusqlite::Connection;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::reader::read_records;
use super::schema::owner;
use super::shared::{Shared, lock};
use super::writer::{Batch, Ends, insert, write_turn};

/// Most bytes of records one poll returns (the record that crosses the line still comes).
pub const POLL_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A consumer group's hold on its topics. All their partitions are its own: a group has one consumer.
#[derive(Debug)]
pub struct Consumer {
    shared: Arc<Shared>,
    connection: Connection,
    group: String,
    group_id: i64,
    /// What each partition of ours has read and committed, by index in the catalogue.
    cursors: BTreeMap<usize, Cursor>,
    unannounced: VecDeque<LogEvent>,
    /// Partition index reading starts from at the next poll, so that none is always first.
    turn: usize,
}

#[derive(Debug, Clone, Copy)]
struct Cursor {
    next: u64,
    committed: u64,
}

/// Where a partition starts, and what was committed beside it.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub index: usize,
    pub position: Position,
    pub metadata: String,
}

impl Consumer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        connection: Connection,
        group: String,
        group_id: i64,
        starts: Vec<Start>,
    ) -> Consumer {
        let mut cursors = BTreeMap::new();
        let mut unannounced = VecDeque::new();
        for Start {
            index,
            position,
            metadata,
        } in starts
        {
            cursors.insert(
                index,
                Cursor {
                    next: position.0,
                    committed: position.0,
                },
            );
            let partition = shared.catalogue.partitions[index].at.clone();
            unannounced.push_back(LogEvent::Assigned {
                partition,
                position,
                metadata,
            });
        }
        Consumer {
            shared,
            connection,
            group,
            group_id,
            cursors,
            unannounced,
            turn: 0,
        }
    }

    /// Indexes of partitions with something to read, starting after the one that was first last time.
    fn ready(&mut self) -> Vec<usize> {
        let waiting = |(index, cursor): (&usize, &Cursor)| {
            (cursor.next < self.shared.catalogue.partitions[*index].end()).then_some(*index)
        };
        let mut ready: Vec<usize> = self.cursors.iter().filter_map(waiting).collect();
        let first = ready.partition_point(|&index| index < self.turn);
        ready.rotate_left(first);
        self.turn = ready.first().map_or(0, |&index| index + 1);
        ready
    }

    /// Reads from every ready partition: an equal share each, then whatever is left over in the same order.
    fn read(&mut self, limit: usize, events: &mut Vec<LogEvent>) -> Result<(), LogError> {
        let ready = self.ready();
        let share = limit
            .checked_div(ready.len())
            .map_or(0, |share| share.max(1));
        let mut bytes_left = POLL_BYTES_MAX;
        for most in [share, limit] {
            for index in &ready {
                let partition = &self.shared.catalogue.partitions[*index];
                let Some(cursor) = self.cursors.get_mut(index) else {
                    continue;
                };
                let room = most.min(limit - events.len());
                if room == 0 || bytes_left == 0 || cursor.next >= partition.end() {
                    continue;
                }
                let mut each = |record| events.push(LogEvent::Record(record));
                let place = &self.shared.place;
                cursor.next = read_records(
                    place,
                    &self.connection,
                    partition,
                    cursor.next,
                    room,
                    &mut bytes_left,
                    &mut each,
                )?;
            }
        }
        Ok(())
    }

    fn cursor(&self, at: &TopicPartition) -> Result<(usize, Cursor), LogError> {
        let index = self.shared.catalogue.index(at)?;
        let cursor = self.cursors.get(&index).ok_or_else(|| {
            LogError::Fatal(format!(
                "group `{}` was to commit for {at}, which is not assigned to it",
                self.group
            ))
        })?;
        Ok((index, *cursor))
    }

    /// Positions must move forward over what exists: anything else is a mistake of ours, and committing it
    /// would lose records or double them.
    fn check(&self, commit: &Commit) -> Result<Vec<(usize, u64)>, LogError> {
        for (at, _) in &commit.state {
            self.cursor(at)?;
        }
        let checked = commit.positions.iter().map(|(at, position, _)| {
            let (index, cursor) = self.cursor(at)?;
            let end = self.shared.catalogue.partitions[index].end();
            if position.0 < cursor.committed || position.0 > end {
                return Err(LogError::Fatal(format!(
                    "group `{}` was to commit position {} of {at}, outside of {} (committed) to {end} (end)",
                    self.group, position.0, cursor.committed
                )));
            }
            Ok((index, position.0))
        });
        checked.collect()
    }
}

impl Log for Consumer {
    fn poll(&mut self, limit: usize, wait: Duration) -> Result<Vec<LogEvent>, LogError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        if !self.unannounced.is_empty() {
            let count = limit.min(self.unannounced.len());
            return Ok(self.unannounced.drain(..count).collect());
        }
        let deadline = Instant::now().checked_add(wait);
        let mut events = Vec::new();
        loop {
            let seen = self.shared.bell.rings();
            self.read(limit, &mut events)?;
            if !events.is_empty() || !self.shared.bell.wait(seen, deadline) {
                return Ok(events);
            }
        }
    }

    fn restore(
        &mut self,
        partition: &TopicPartition,
        each: &mut dyn FnMut(StateRecord),
    ) -> Result<(), LogError> {
        let (index, _) = self.cursor(partition)?;
        let owner = owner(self.group_id, self.shared.catalogue.partitions[index].id);
        let mut restore = || -> rusqlite::Result<()> {
            let mut select = self
                .connection
                .prepare_cached("SELECT key, value FROM state WHERE owner = ?1 ORDER BY key")?;
            let mut rows = select.query([owner])?;
            while let Some(row) = rows.next()? {
                each(StateRecord {
                    key: row.get(0)?,
                    value: Some(row.get(1)?),
                });
            }
            Ok(())
        };
        restore().map_err(|e| self.shared.place.explain("restore state from", &e).into())
    }

    fn commit(&mut self, commit: Commit) -> Result<(), LogError> {
        let positions = self.check(&commit)?;
        let shared = &self.shared;
        let batch = Batch::new(&shared.catalogue, &commit.outgoing)?;
        let now = shared.clock.now();
        let mut ends = Ends::default();
        let mut writer = lock(&shared.writer)?;
        writer.run("commit a turn to", |transaction| {
            insert(transaction, &shared.catalogue, &batch, now, &mut ends)?;
            ends.store(transaction, &shared.catalogue)?;
            write_turn(transaction, &shared.catalogue, self.group_id, &commit)
        })?;
        ends.publish(&shared.catalogue);
        drop(writer);
        if batch.len() > 0 {
            shared.bell.ring();
        }
        for (index, position) in positions {
            if let Some(cursor) = self.cursors.get_mut(&index) {
                cursor.committed = position;
            }
        }
        Ok(())
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        if let Ok(mut groups) = self.shared.groups.lock() {
            groups.remove(&self.group);
        }
    }
}
