//! Reading records back, for consumers and for tools.

use auscult_engine::log::{LogError, Position, Record, TopicPartition};
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;

use super::frame;
use super::schema::{KIND, load_catalogue};
use super::topics::{Catalogue, Partition};
use crate::sqlite::{Place, open_reader};

/// Reads records of `partition` from `from`, at most `limit` of them and no more once `bytes_left` is used up.
/// Returns where to read on: past everything that stood before `end`, even where cleaning left gaps.
pub(crate) fn read_records(
    place: &Place,
    connection: &Connection,
    partition: &Partition,
    from: u64,
    limit: usize,
    bytes_left: &mut usize,
    each: &mut dyn FnMut(Record),
) -> Result<u64, LogError> {
    // Read before the query: whatever lies below is committed and visible to it.
    let end = partition.end();
    let explain = |error: rusqlite::Error| LogError::from(place.explain("read", &error));
    let mut select = connection
        .prepare_cached(&partition.select)
        .map_err(explain)?;
    let mut rows = select
        .query([from as i64, i64::try_from(limit).unwrap_or(i64::MAX)])
        .map_err(explain)?;
    let mut next = from;
    let mut seen = 0;
    while let Some(row) = rows.next().map_err(explain)? {
        let offset = row.get::<_, u64>(0).map_err(explain)?;
        let bytes = row
            .get_ref(1)
            .and_then(|cell| Ok(cell.as_blob()?))
            .map_err(explain)?;
        let decoded =
            frame::decode(bytes).map_err(|reason| unreadable(place, partition, offset, &reason))?;
        *bytes_left = bytes_left.saturating_sub(bytes.len());
        let at = partition.at.clone();
        each(Record {
            at,
            offset,
            key: decoded.key,
            headers: decoded.headers,
            value: decoded.value,
        });
        next = offset + 1;
        seen += 1;
        if *bytes_left == 0 {
            return Ok(next);
        }
    }
    Ok(if seen < limit { next.max(end) } else { next })
}

pub(crate) fn unreadable(
    place: &Place,
    partition: &Partition,
    offset: u64,
    reason: &frame::FrameError,
) -> LogError {
    place
        .broken(
            "read",
            &format!(
                "record {} offset {offset} cannot be read: {reason}",
                partition.at
            ),
            "keep the file, and restore the last backup or move past the record by hand",
        )
        .into()
}

/// Reads a log file without taking the lease, also while another process writes to it. Sees what was committed
/// before each call.
#[derive(Debug)]
pub struct LogReader {
    place: Place,
    connection: Connection,
    catalogue: Catalogue,
}

impl LogReader {
    /// Opens the log at `path`, which must exist.
    ///
    /// # Errors
    /// [`LogError::Fatal`] naming the file, the reason and the remedy.
    pub fn open(path: &Path) -> Result<LogReader, LogError> {
        let place = Place::new(path, &KIND);
        let connection = open_reader(&place, &KIND)?;
        let catalogue = load_catalogue(&connection).map_err(|e| place.explain("read", &e))?;
        connection.set_prepared_statement_cache_capacity(catalogue.partitions.len() + 8);
        Ok(LogReader {
            place,
            connection,
            catalogue,
        })
    }

    /// Partitions of `topic`.
    ///
    /// # Errors
    /// [`LogError::Fatal`] if there is no such topic.
    pub fn partitions(&self, topic: &str) -> Result<Vec<TopicPartition>, LogError> {
        let topic = self.catalogue.topic(topic)?;
        let range = topic.first..topic.first + topic.partitions as usize;
        Ok(self.catalogue.partitions[range]
            .iter()
            .map(|partition| partition.at.clone())
            .collect())
    }

    /// Offset the next record of `partition` will get.
    ///
    /// # Errors
    /// See [`LogError`].
    pub fn end(&self, partition: &TopicPartition) -> Result<Position, LogError> {
        let partition = &self.catalogue.partitions[self.catalogue.index(partition)?];
        let end = self
            .connection
            .query_row(
                "SELECT next FROM partitions WHERE id = ?1",
                [partition.id],
                |row| row.get::<_, u64>(0),
            )
            .map_err(|e| self.place.explain("read", &e))?;
        Ok(Position(end))
    }

    /// Hands at most `limit` records of `partition` from `from` to `each`; returns where to read on.
    ///
    /// # Errors
    /// See [`LogError`].
    pub fn read(
        &self,
        partition: &TopicPartition,
        from: Position,
        limit: usize,
        each: &mut dyn FnMut(Record),
    ) -> Result<Position, LogError> {
        let end = self.end(partition)?;
        let partition = &self.catalogue.partitions[self.catalogue.index(partition)?];
        partition
            .end
            .store(end.0, std::sync::atomic::Ordering::Release);
        let mut bytes_left = usize::MAX;
        read_records(
            &self.place,
            &self.connection,
            partition,
            from.0,
            limit,
            &mut bytes_left,
            each,
        )
        .map(Position)
    }

    /// The record at one offset, if it is still there.
    ///
    /// # Errors
    /// See [`LogError`].
    pub fn record(
        &self,
        partition: &TopicPartition,
        offset: u64,
    ) -> Result<Option<Record>, LogError> {
        let mut found = None;
        self.read(partition, Position(offset), 1, &mut |record| {
            found = Some(record)
        })?;
        Ok(found.filter(|record| record.offset == offset))
    }

    /// Committed position of `group` in `partition`; `None` if it has none.
    ///
    /// # Errors
    /// See [`LogError`].
    pub fn committed(
        &self,
        group: &str,
        partition: &TopicPartition,
    ) -> Result<Option<Position>, LogError> {
        let partition = &self.catalogue.partitions[self.catalogue.index(partition)?];
        self.connection
            .query_row(
                "SELECT position FROM positions JOIN groups ON owner = groups.id << 32 | ?2 WHERE name = ?1",
                (group, partition.id),
                |row| row.get::<_, u64>(0).map(Position),
            )
            .optional()
            .map_err(|e| self.place.explain("read", &e).into())
    }
}
