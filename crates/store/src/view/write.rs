//! Writing one turn into the read model.

use auscult_engine::log::{Position, TopicPartition};
use auscult_engine::read_model::{
    OpenRequests, SignalRevision, ViewChange, ViewWriter, WriteError,
};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeSet;

use super::{View, actions, desks};

impl ViewWriter for View {
    fn position(&self, partition: &TopicPartition) -> Result<Option<Position>, WriteError> {
        let writer = self
            .inner
            .writer
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        stored_position(&writer, partition).map_err(|e| self.inner.place.explain("read", &e).into())
    }

    fn open_requests(&self) -> Result<OpenRequests, WriteError> {
        let writer = self
            .inner
            .writer
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        desks::open_requests(&writer).map_err(|e| self.inner.place.explain("read", &e).into())
    }

    fn apply(
        &mut self,
        changes: Vec<ViewChange>,
        positions: &[(TopicPartition, Position)],
    ) -> Result<(), WriteError> {
        let backwards = self.write(|transaction| {
            for (partition, position) in positions {
                let stored = stored_position(transaction, partition)?;
                if stored.is_some_and(|stored| stored > *position) {
                    return Ok(Some((partition.clone(), *position, stored)));
                }
            }
            for change in &changes {
                write_change(transaction, change)?;
            }
            write_buckets(transaction, &changes)?;
            let mut put = transaction.prepare_cached(
                "INSERT INTO positions VALUES (?1, ?2, ?3)
                 ON CONFLICT(topic, partition) DO UPDATE SET position = excluded.position",
            )?;
            for (partition, position) in positions {
                put.execute(params![
                    &*partition.topic,
                    partition.partition,
                    position.0 as i64
                ])?;
            }
            Ok(None)
        })?;
        match backwards {
            None => Ok(()),
            Some((partition, position, stored)) => Err(WriteError::Broken(format!(
                "{partition} was to go back from {} to {}, which would count records twice: skip what the view already \
                 holds, or delete {} to build it again from the topics",
                stored.unwrap_or_default().0,
                position.0,
                self.path().display()
            ))),
        }
    }
}

fn stored_position(
    connection: &Connection,
    partition: &TopicPartition,
) -> rusqlite::Result<Option<Position>> {
    connection
        .prepare_cached("SELECT position FROM positions WHERE topic = ?1 AND partition = ?2")?
        .query_row(params![&*partition.topic, partition.partition], |row| {
            row.get::<_, u64>(0).map(Position)
        })
        .optional()
}

fn write_change(connection: &Connection, change: &ViewChange) -> rusqlite::Result<()> {
    match change {
        ViewChange::Signal(signal) => write_signal(connection, signal),
        ViewChange::SeriesPoint { portfolio, series_id, start, end, revision, data } => {
            let bucket = Bucket { width: end.0.saturating_sub(start.0), start: start.0 };
            let series = series_number(connection, portfolio, series_id, bucket.width)?;
            run(
                connection,
                "INSERT INTO points VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT(width, start, series) DO UPDATE
                     SET revision = excluded.revision, data = excluded.data WHERE excluded.revision >= points.revision",
                params![bucket.width, bucket.start, series, revision, data],
            )
        }
        ViewChange::SafetyCandidate { .. }
        | ViewChange::SafetyAck { .. }
        | ViewChange::SafetyEscalation { .. }
        | ViewChange::MedicalRequest { .. }
        | ViewChange::MedicalAnswer { .. } => desks::write(connection, change),
        ViewChange::Action { .. } | ViewChange::Outcome { .. } => actions::write(connection, change),
        ViewChange::DeadLetter { id, code, at, data } => run(
            connection,
            "INSERT INTO dead_letters VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT(id) DO UPDATE SET code = excluded.code, at = excluded.at, data = excluded.data",
            params![id, code, at.0, data],
        ),
        ViewChange::DeadLetterReplayed { id } => run(
            connection,
            "INSERT INTO replays VALUES (?1, 1) ON CONFLICT(id) DO UPDATE SET count = count + 1",
            params![id],
        ),
        ViewChange::Disposition { disposition_id, signal_id, decision, decided_at, data } => {
            run(
                connection,
                "INSERT INTO dispositions VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT(disposition_id) DO NOTHING",
                params![disposition_id, signal_id, decision, decided_at.0, data],
            )?;
            run(connection, "UPDATE signals SET disposed = 1 WHERE signal_id = ?1 AND disposed = 0", params![signal_id])
        }
        ViewChange::FeedSeen { feed, last_event, mentions, silent_after } => run(
            connection,
            "INSERT INTO feeds VALUES (?1, ?2, ?3, ?4) ON CONFLICT(feed) DO UPDATE SET
                 last_event = max(last_event, excluded.last_event), mentions = mentions + excluded.mentions,
                 silent_after = excluded.silent_after",
            params![feed, last_event.0, *mentions as i64, silent_after],
        ),
    }
}

pub(super) fn run(
    connection: &Connection,
    sql: &str,
    values: &[&dyn rusqlite::ToSql],
) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute(values).map(|_| ())
}

fn write_signal(connection: &Connection, signal: &SignalRevision) -> rusqlite::Result<()> {
    let id = connection
        .prepare_cached("SELECT id, revision FROM signals WHERE signal_id = ?1")?
        .query_row([&signal.signal_id], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, u32>(1)?))
        })
        .optional()?;
    let id = match id {
        Some((id, newest)) if newest > signal.revision => id,
        Some((id, _)) => {
            run(
                connection,
                "UPDATE signals SET revision = ?2, portfolio = ?3, status = ?4, series_id = ?5, rank = ?6, \
                 suppressed = ?7, as_of = ?8 WHERE id = ?1",
                params![
                    id,
                    signal.revision,
                    signal.portfolio,
                    signal.status,
                    signal.series_id,
                    signal.rank,
                    signal.suppressed,
                    signal.as_of.0
                ],
            )?;
            write_labels(connection, id, signal)?;
            id
        }
        None => {
            run(
                connection,
                "INSERT INTO signals(signal_id, revision, portfolio, status, series_id, rank, suppressed, as_of, disposed)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, EXISTS (SELECT 1 FROM dispositions WHERE signal_id = ?1))",
                params![
                    signal.signal_id,
                    signal.revision,
                    signal.portfolio,
                    signal.status,
                    signal.series_id,
                    signal.rank,
                    signal.suppressed,
                    signal.as_of.0
                ],
            )?;
            let id = connection.last_insert_rowid();
            write_labels(connection, id, signal)?;
            id
        }
    };
    run(
        connection,
        "INSERT INTO revisions(signal, revision, status, rank, suppressed, as_of, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT(signal, revision) DO UPDATE SET status = excluded.status, rank = excluded.rank,
             suppressed = excluded.suppressed, as_of = excluded.as_of, data = excluded.data",
        params![id, signal.revision, signal.status, signal.rank, signal.suppressed, signal.as_of.0, signal.data],
    )
}

fn write_labels(connection: &Connection, id: i64, signal: &SignalRevision) -> rusqlite::Result<()> {
    run(
        connection,
        "DELETE FROM labels WHERE signal = ?1",
        params![id],
    )?;
    for (key, value) in &signal.labels {
        run(
            connection,
            "INSERT OR IGNORE INTO labels VALUES (?1, ?2, ?3, ?4, ?5)",
            params![key, value, signal.rank, signal.as_of.0, id],
        )?;
    }
    Ok(())
}

/// A bucket as points are filed: by its width in milliseconds, then by its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Bucket {
    width: i64,
    start: i64,
}

/// The number of a series, given to it when it is first seen. Of two widths the last one told counts: it changes
/// only when the settings do.
fn series_number(
    connection: &Connection,
    portfolio: &str,
    series_id: &str,
    width: i64,
) -> rusqlite::Result<i64> {
    let known = connection
        .prepare_cached("SELECT id, width FROM series WHERE series_id = ?1 AND portfolio = ?2")?
        .query_row([series_id, portfolio], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        })
        .optional()?;
    match known {
        Some((id, known)) if known == width => Ok(id),
        Some((id, _)) => {
            run(
                connection,
                "UPDATE series SET width = ?2 WHERE id = ?1",
                params![id, width],
            )?;
            Ok(id)
        }
        None => {
            let insert = "INSERT INTO series(portfolio, series_id, width) VALUES (?1, ?2, ?3)";
            run(connection, insert, params![portfolio, series_id, width])?;
            Ok(connection.last_insert_rowid())
        }
    }
}

/// Enters the buckets a turn's points lie in, and the newest end of all, once a turn instead of once a point.
fn write_buckets(connection: &Connection, changes: &[ViewChange]) -> rusqlite::Result<()> {
    let mut buckets = BTreeSet::new();
    let mut newest_end = None;
    for change in changes {
        if let ViewChange::SeriesPoint { start, end, .. } = change {
            buckets.insert(Bucket {
                width: end.0.saturating_sub(start.0),
                start: start.0,
            });
            newest_end = newest_end.max(Some(*end));
        }
    }
    for bucket in buckets {
        run(
            connection,
            "INSERT OR IGNORE INTO buckets VALUES (?1, ?2)",
            params![bucket.width, bucket.start],
        )?;
    }
    let Some(newest_end) = newest_end else {
        return Ok(());
    };
    run(
        connection,
        "INSERT INTO facts VALUES ('newest_bucket_end', ?1)
         ON CONFLICT(name) DO UPDATE SET value = excluded.value WHERE excluded.value > facts.value",
        params![newest_end.0],
    )
}
