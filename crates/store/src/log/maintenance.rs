//! Cleaning up: retention by age and bytes, compaction by key.
//!
//! An explicit call with a bound, never a side effect of an append: whoever runs the service decides when, and
//! appends wait for one short transaction a partition at most. What is to go is found with a reading connection,
//! beside the writer.
//!
//! Space that becomes free is used again; the file does not shrink. A record that a group with a committed
//! position has yet to read is never deleted by age or size, and is reported instead: a consumer that is down for
//! a month finds everything when it comes back. Compaction, as in Kafka, may take superseded records from under a
//! reader that lags; it never takes the newest of a key.

use auscult_core::time::Timestamp;
use auscult_engine::log::{LogError, Position, TopicPartition};
use rusqlite::{Connection, OptionalExtension, params};
use rustc_hash::FxHashMap;
use std::time::Duration;

use super::EmbeddedLog;
use super::frame;
use super::shared::lock;
use super::topics::{Cleanup, Partition};

/// A sensible bound for [`EmbeddedLog::maintain`]: about a tenth of a second of the writer's time a partition.
pub const RECORDS_A_CALL: usize = 100_000;

/// Records past their time that stay because a group has yet to read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBack {
    /// The group that lags furthest.
    pub group: String,
    /// Where.
    pub partition: TopicPartition,
    /// Where it stands.
    pub position: Position,
}

/// What one call did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Maintenance {
    /// Records deleted by age or size.
    pub expired: u64,
    /// Records deleted because a newer one of their key exists, and tombstones whose time was over.
    pub compacted: u64,
    /// Records that should have gone and could not.
    pub held_back: Vec<HeldBack>,
    /// Some partition reached the bound: call again.
    pub unfinished: bool,
}

/// What is to be removed from one partition.
#[derive(Debug, Default)]
struct Plan {
    offsets: Vec<i64>,
    bytes: i64,
    /// Compaction has seen everything below.
    cleaned: Option<u64>,
    unfinished: bool,
}

impl Plan {
    fn remove(&mut self, offset: u64, bytes: i64) {
        self.offsets.push(offset as i64);
        self.bytes += bytes;
    }
}

impl EmbeddedLog {
    /// Applies every topic's [`Cleanup`], looking at no more than about `records_max` records of each partition that
    /// may go (see [`RECORDS_A_CALL`]).
    ///
    /// # Errors
    /// See [`LogError`]. What was cleaned before the error stays cleaned; nothing else is lost.
    pub fn maintain(&self, records_max: usize) -> Result<Maintenance, LogError> {
        self.maintain_for(records_max, &[])
    }

    /// [`EmbeddedLog::maintain`] that also waits for `readers`, groups and their topics, where they have not committed
    /// anything yet: a stage that was never started finds everything when it is.
    ///
    /// # Errors
    /// As [`EmbeddedLog::maintain`].
    pub fn maintain_for(
        &self,
        records_max: usize,
        readers: &[(&str, Vec<&str>)],
    ) -> Result<Maintenance, LogError> {
        let shared = &self.shared;
        let _one_at_a_time = lock(&shared.cleaning)?;
        let connection = self.open_reader()?;
        let now = shared.clock.now();
        let mut report = Maintenance::default();
        for topic in shared.catalogue.topics.values() {
            for partition in
                &shared.catalogue.partitions[topic.first..topic.first + topic.partitions as usize]
            {
                let lagging = slowest_group(&connection, partition, readers)
                    .map_err(|e| LogError::from(shared.place.explain("clean up", &e)))?;
                match topic.cleanup {
                    Cleanup::Delete {
                        age: None,
                        bytes: None,
                    } => {}
                    Cleanup::Delete { age, bytes } => {
                        let before = age.map(|age| moved_back(now, age));
                        let (plan, held) = plan_expiry(
                            &connection,
                            partition,
                            before,
                            bytes,
                            &lagging,
                            records_max,
                        )
                        .map_err(|e| LogError::from(shared.place.explain("clean up", &e)))?;
                        report.held_back.extend(held);
                        report.expired +=
                            self.carry_out(partition, plan, &mut report.unfinished)?;
                    }
                    Cleanup::Compact { tombstone_age } => {
                        let before = moved_back(now, tombstone_age);
                        let plan = self.plan_compaction(
                            &connection,
                            partition,
                            before,
                            &lagging,
                            records_max,
                        )?;
                        report.compacted +=
                            self.carry_out(partition, plan, &mut report.unfinished)?;
                    }
                }
            }
        }
        report
            .held_back
            .sort_by(|a, b| a.partition.cmp(&b.partition));
        Ok(report)
    }

    fn carry_out(
        &self,
        partition: &Partition,
        plan: Plan,
        unfinished: &mut bool,
    ) -> Result<u64, LogError> {
        *unfinished |= plan.unfinished;
        if plan.offsets.is_empty() && plan.cleaned.is_none() {
            return Ok(0);
        }
        lock(&self.shared.writer)?.run("clean up", |transaction| {
            let mut delete = transaction.prepare(&format!("DELETE FROM records_{} WHERE offset = ?1", partition.id))?;
            for offset in &plan.offsets {
                delete.execute([offset])?;
            }
            transaction.execute(
                "UPDATE partitions SET bytes = bytes - ?2, cleaned = coalesce(?3, cleaned) WHERE id = ?1",
                params![partition.id, plan.bytes, plan.cleaned],
            )
        })?;
        Ok(plan.offsets.len() as u64)
    }

    /// First the dirty end: the newest offset of each key in it. Then everything before: what it supersedes, and
    /// tombstones whose time is over.
    fn plan_compaction(
        &self,
        connection: &Connection,
        partition: &Partition,
        tombstones_before: Timestamp,
        lagging: &Option<HeldBack>,
        records_max: usize,
    ) -> Result<Plan, LogError> {
        let end = partition.end();
        let explain =
            |error: rusqlite::Error| LogError::from(self.shared.place.explain("compact", &error));
        let cleaned: u64 = connection
            .query_row(
                "SELECT cleaned FROM partitions WHERE id = ?1",
                [partition.id],
                |row| row.get(0),
            )
            .map_err(explain)?;
        let mut plan = Plan::default();
        let mut newest: FxHashMap<Vec<u8>, u64> = FxHashMap::default();
        let mut seen_to = cleaned;
        let mut looked_at = 0;
        self.scan(connection, partition, cleaned, end, &mut |row| {
            newest.insert(row.key.to_vec(), row.offset);
            seen_to = row.offset + 1;
            looked_at += 1;
            looked_at < records_max
        })?;
        plan.unfinished = looked_at >= records_max && seen_to < end;
        if !plan.unfinished {
            seen_to = end;
        }
        plan.cleaned = (seen_to > cleaned).then_some(seen_to);
        // A tombstone stays until every group has seen it.
        let read_by_all = lagging.as_ref().map_or(u64::MAX, |held| held.position.0);
        self.scan(connection, partition, 0, seen_to, &mut |row| {
            let superseded = newest
                .get(row.key)
                .is_some_and(|&newest| newest > row.offset);
            let over =
                row.tombstone && row.recorded < tombstones_before && row.offset < read_by_all;
            if superseded || over {
                plan.remove(row.offset, row.bytes);
            }
            true
        })?;
        Ok(plan)
    }

    /// Hands the records from `from` to `end` to `each` until it says stop.
    fn scan(
        &self,
        connection: &Connection,
        partition: &Partition,
        from: u64,
        end: u64,
        each: &mut dyn FnMut(Scanned<'_>) -> bool,
    ) -> Result<(), LogError> {
        let place = &self.shared.place;
        let mut visit = || -> rusqlite::Result<Result<(), LogError>> {
            let sql = format!(
                "SELECT offset, recorded, frame FROM records_{} WHERE offset >= ?1 AND offset < ?2 ORDER BY offset",
                partition.id
            );
            let mut select = connection.prepare(&sql)?;
            let mut rows = select.query(params![from as i64, end as i64])?;
            while let Some(row) = rows.next()? {
                let offset = row.get::<_, u64>(0)?;
                let bytes = row.get_ref(2)?.as_blob()?;
                let (key, tombstone) = match frame::key_and_tombstone(bytes) {
                    Ok(found) => found,
                    Err(reason) => {
                        return Ok(Err(super::reader::unreadable(
                            place, partition, offset, &reason,
                        )));
                    }
                };
                let row = Scanned {
                    offset,
                    recorded: Timestamp(row.get(1)?),
                    bytes: bytes.len() as i64,
                    key: key.unwrap_or_default(),
                    tombstone,
                };
                if !each(row) {
                    break;
                }
            }
            Ok(Ok(()))
        };
        visit().map_err(|e| LogError::from(place.explain("compact", &e)))?
    }
}

struct Scanned<'a> {
    offset: u64,
    recorded: Timestamp,
    bytes: i64,
    key: &'a [u8],
    tombstone: bool,
}

fn moved_back(now: Timestamp, by: Duration) -> Timestamp {
    now.plus(-i64::try_from(by.as_millis()).unwrap_or(i64::MAX))
}

/// The group furthest behind in `partition`: one of `readers` that has never committed there, else by position;
/// `None` if nobody reads it.
fn slowest_group(
    connection: &Connection,
    partition: &Partition,
    readers: &[(&str, Vec<&str>)],
) -> rusqlite::Result<Option<HeldBack>> {
    let of_topic = readers
        .iter()
        .filter(|(_, topics)| topics.contains(&partition.at.topic.as_ref()));
    for (group, _) in of_topic {
        let has_committed = connection.query_row(
            "SELECT count(*) FROM positions JOIN groups ON groups.id = owner >> 32
             WHERE owner & 0xffffffff = ?1 AND name = ?2",
            params![partition.id, group],
            |row| row.get::<_, bool>(0),
        )?;
        if !has_committed {
            return Ok(Some(HeldBack {
                group: (*group).to_owned(),
                partition: partition.at.clone(),
                position: Position(0),
            }));
        }
    }
    connection
        .query_row(
            "SELECT name, position FROM positions JOIN groups ON groups.id = owner >> 32
             WHERE owner & 0xffffffff = ?1 ORDER BY position, name LIMIT 1",
            [partition.id],
            |row| {
                let position = Position(row.get(1)?);
                Ok(HeldBack {
                    group: row.get(0)?,
                    partition: partition.at.clone(),
                    position,
                })
            },
        )
        .optional()
}

/// From the oldest record on, until one may stay.
fn plan_expiry(
    connection: &Connection,
    partition: &Partition,
    before: Option<Timestamp>,
    bytes_max: Option<u64>,
    lagging: &Option<HeldBack>,
    records_max: usize,
) -> rusqlite::Result<(Plan, Option<HeldBack>)> {
    let held: i64 = connection.query_row(
        "SELECT bytes FROM partitions WHERE id = ?1",
        [partition.id],
        |row| row.get(0),
    )?;
    let excess = bytes_max.map_or(0, |max| {
        held.saturating_sub(i64::try_from(max).unwrap_or(i64::MAX))
    });
    let sql = format!(
        "SELECT offset, recorded, length(frame) FROM records_{} ORDER BY offset LIMIT ?1",
        partition.id
    );
    let mut select = connection.prepare(&sql)?;
    let mut rows = select.query([i64::try_from(records_max).unwrap_or(i64::MAX)])?;
    let mut plan = Plan::default();
    while let Some(row) = rows.next()? {
        let (offset, recorded, bytes): (u64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let too_old = before.is_some_and(|before| Timestamp(recorded) < before);
        if !too_old && plan.bytes >= excess {
            return Ok((plan, None));
        }
        if let Some(lagging) = lagging
            .as_ref()
            .filter(|lagging| lagging.position.0 <= offset)
        {
            return Ok((plan, Some(lagging.clone())));
        }
        plan.remove(offset, bytes);
    }
    plan.unfinished = plan.offsets.len() >= records_max;
    Ok((plan, None))
}
