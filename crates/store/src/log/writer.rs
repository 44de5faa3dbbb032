//! The one connection that writes, and what a transaction consists of.

use auscult_core::time::Timestamp;
use auscult_engine::log::{Commit, LogError, Outgoing};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::collections::BTreeMap;

use super::frame;
use super::schema::owner;
use super::topics::Catalogue;
use crate::sqlite::{Place, Trouble, poisons};

/// Largest record, framed. Feedback of 10 MiB with its dead letter fits with room to spare.
pub const RECORD_BYTES_MAX: usize = 64 * 1024 * 1024;

impl From<Trouble> for LogError {
    fn from(trouble: Trouble) -> LogError {
        match trouble {
            Trouble::Busy(text) => LogError::Retry(text),
            Trouble::Broken(text) => LogError::Fatal(text),
        }
    }
}

/// Records on their way in, framed and sorted by partition before the writer is locked, so that the work on
/// bytes is done by many threads and only the work on pages by one.
#[derive(Debug)]
pub(crate) struct Batch {
    arena: Vec<u8>,
    items: Vec<Item>,
}

#[derive(Debug, Clone, Copy)]
struct Item {
    partition: usize,
    input: usize,
    start: usize,
    end: usize,
}

impl Batch {
    /// Frames `records`.
    ///
    /// # Errors
    /// [`LogError::Fatal`] naming the topic if a record cannot be placed, or is larger than [`RECORD_BYTES_MAX`].
    pub fn new(catalogue: &Catalogue, records: &[Outgoing]) -> Result<Batch, LogError> {
        let mut arena = Vec::new();
        let mut items = Vec::with_capacity(records.len());
        for (input, record) in records.iter().enumerate() {
            let partition = catalogue.route(record)?;
            let start = arena.len();
            frame::encode(
                &mut arena,
                record.key.as_deref(),
                &record.headers,
                record.value.as_deref(),
            );
            let end = arena.len();
            if end - start > RECORD_BYTES_MAX {
                return Err(LogError::Fatal(format!(
                    "a record of {} bytes was to go to {}; at most {RECORD_BYTES_MAX} fit: cut it before it is sent",
                    end - start,
                    catalogue.partitions[partition].at
                )));
            }
            items.push(Item {
                partition,
                input,
                start,
                end,
            });
        }
        // Stable by construction: within a partition records keep the order they were given in.
        items.sort_unstable_by_key(|item| (item.partition, item.input));
        Ok(Batch { arena, items })
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Bytes of all frames.
    pub fn bytes(&self) -> usize {
        self.arena.len()
    }
}

/// Where partitions end once the transaction is committed.
#[derive(Debug, Default)]
pub(crate) struct Ends(BTreeMap<usize, Growth>);

#[derive(Debug)]
struct Growth {
    end: u64,
    bytes: usize,
}

impl Ends {
    /// Lets readers see the records. Called after the commit, with the writer still locked.
    pub fn publish(&self, catalogue: &Catalogue) {
        for (&index, growth) in &self.0 {
            catalogue.partitions[index]
                .end
                .store(growth.end, std::sync::atomic::Ordering::Release);
        }
    }

    /// Writes the new ends into the file, within the transaction that made them.
    pub fn store(
        &self,
        transaction: &Transaction<'_>,
        catalogue: &Catalogue,
    ) -> rusqlite::Result<()> {
        let mut update = transaction
            .prepare_cached("UPDATE partitions SET next = ?2, bytes = bytes + ?3 WHERE id = ?1")?;
        for (&index, growth) in &self.0 {
            update.execute(params![
                catalogue.partitions[index].id,
                growth.end as i64,
                growth.bytes as i64
            ])?;
        }
        Ok(())
    }
}

/// Inserts the records of `batch`; returns where each went, in the order they were given.
pub(crate) fn insert(
    transaction: &Transaction<'_>,
    catalogue: &Catalogue,
    batch: &Batch,
    now: Timestamp,
    ends: &mut Ends,
) -> rusqlite::Result<Vec<(usize, u64)>> {
    let mut placed = vec![(0, 0); batch.items.len()];
    for run in batch.items.chunk_by(|a, b| a.partition == b.partition) {
        let index = run[0].partition;
        let partition = &catalogue.partitions[index];
        let mut insert = transaction.prepare_cached(&partition.insert)?;
        let growth = ends.0.entry(index).or_insert_with(|| Growth {
            end: partition.end(),
            bytes: 0,
        });
        for item in run {
            insert.execute(params![
                growth.end as i64,
                now.0,
                &batch.arena[item.start..item.end]
            ])?;
            placed[item.input] = (index, growth.end);
            growth.end += 1;
            growth.bytes += item.end - item.start;
        }
    }
    Ok(placed)
}

/// Writes a turn's positions and state, filed under `group`.
pub(crate) fn write_turn(
    transaction: &Transaction<'_>,
    catalogue: &Catalogue,
    group: i64,
    commit: &Commit,
) -> rusqlite::Result<()> {
    let filed = |at| -> i64 {
        // The consumer has checked every partition of the commit against its assignment.
        catalogue
            .index(at)
            .map_or(-1, |index| owner(group, catalogue.partitions[index].id))
    };
    let mut position_put = transaction.prepare_cached(
        "INSERT INTO positions(owner, position, metadata) VALUES (?1, ?2, ?3)
         ON CONFLICT(owner) DO UPDATE SET position = excluded.position, metadata = excluded.metadata",
    )?;
    for (at, position, metadata) in &commit.positions {
        position_put.execute(params![filed(at), position.0 as i64, metadata])?;
    }
    let mut state_put = transaction.prepare_cached(
        "INSERT INTO state(owner, key, value) VALUES (?1, ?2, ?3)
         ON CONFLICT(owner, key) DO UPDATE SET value = excluded.value",
    )?;
    let mut state_delete =
        transaction.prepare_cached("DELETE FROM state WHERE owner = ?1 AND key = ?2")?;
    for (at, records) in &commit.state {
        let owner = filed(at);
        for record in records {
            match &record.value {
                Some(value) => state_put.execute(params![owner, record.key, value])?,
                None => state_delete.execute(params![owner, record.key])?,
            };
        }
    }
    Ok(())
}

/// The writing connection.
#[derive(Debug)]
pub(crate) struct Writer {
    connection: Connection,
    place: Place,
    /// Set after a failure that leaves the file's content in doubt: nothing is written from then on.
    stopped: Option<String>,
}

impl Writer {
    pub fn new(connection: Connection, place: Place) -> Writer {
        Writer {
            connection,
            place,
            stopped: None,
        }
    }

    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Whether a failure has put the file in doubt.
    pub fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// Runs `body` in one transaction, all or nothing. `action` reads on from "cannot".
    ///
    /// # Errors
    /// [`LogError::Retry`] if another process holds a lock, otherwise [`LogError::Fatal`]; nothing was written.
    pub fn run<T>(
        &mut self,
        action: &str,
        body: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, LogError> {
        if let Some(reason) = &self.stopped {
            return Err(LogError::Fatal(format!(
                "writing stopped after an earlier failure: {reason}"
            )));
        }
        let attempt = || -> rusqlite::Result<T> {
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            let outcome = body(&transaction)?;
            transaction.commit()?;
            Ok(outcome)
        };
        attempt().map_err(|error| {
            let trouble = self.place.explain(action, &error);
            if poisons(&error) {
                self.stopped = Some(trouble.to_string());
            }
            trouble.into()
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::log::{EmbeddedLog, LogReader, TopicSettings};
    use auscult_engine::log::{Commit, Log, Outgoing, Position, StateRecord, TopicPartition};

    use super::*;

    /// The process dies in the middle of a turn, with pages of it in the write-ahead log already.
    #[test]
    fn half_a_turn_on_the_volume_is_no_turn() {
        let folder = tempfile::tempdir().unwrap();
        let (path, after) = (folder.path().join("log.db"), folder.path().join("after.db"));
        let topics = [TopicSettings::new("t", 1)];
        let log = EmbeddedLog::open(&path, &topics).unwrap();
        let shared = log.shared.clone();
        let mut writer = shared.writer.lock().unwrap();
        // A page cache this small makes SQLite write pages before the commit.
        writer
            .connection
            .pragma_update(None, "cache_size", 10)
            .unwrap();
        let at = TopicPartition {
            topic: "t".into(),
            partition: 0,
        };
        let outgoing = Outgoing {
            topic: "t".into(),
            partition: Some(0),
            key: None,
            headers: vec![],
            value: Some(vec![b'x'; 4_000]),
        };
        let batch = Batch::new(&shared.catalogue, &vec![outgoing; 1_000]).unwrap();
        let commit = Commit {
            positions: vec![(at.clone(), Position(0), String::new())],
            state: vec![(
                at.clone(),
                vec![StateRecord {
                    key: vec![1],
                    value: Some(vec![2; 100_000]),
                }],
            )],
            outgoing: vec![],
        };
        writer
            .run("test", |transaction| {
                let mut ends = Ends::default();
                insert(
                    transaction,
                    &shared.catalogue,
                    &batch,
                    Timestamp(0),
                    &mut ends,
                )?;
                ends.store(transaction, &shared.catalogue)?;
                write_turn(transaction, &shared.catalogue, 1, &commit)?;
                std::fs::copy(&path, &after).unwrap();
                let written = std::fs::copy(
                    folder.path().join("log.db-wal"),
                    folder.path().join("after.db-wal"),
                )
                .unwrap();
                assert!(
                    written > 1_000_000,
                    "the turn was to be half written, {written} bytes were"
                );
                Ok(())
            })
            .unwrap();
        drop(writer);

        let log = EmbeddedLog::open(&after, &topics).unwrap();
        let mut consumer = log.consumer("g", &["t"]).unwrap();
        consumer
            .restore(&at, &mut |record| panic!("left behind: {record:?}"))
            .unwrap();
        let reader = LogReader::open(&after).unwrap();
        assert_eq!(reader.end(&at).unwrap(), Position(0));
        assert_eq!(reader.record(&at, 0).unwrap(), None);
    }
}
