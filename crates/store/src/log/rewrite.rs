//! Records and state changed where they lie: for redaction that is run again over stored text.
//!
//! A log is appended to and cleaned, never edited, with this one exception: words that must not be kept have to leave the file,
//! and a tombstone behind them does not do that. Offsets, keys, times of arrival and every position stay, so nobody reads
//! anything twice and retention is not prolonged. The bytes that were there are overwritten (`secure_delete`), and at the end the
//! file is written anew, because gaps between cells keep what once stood there.

use auscult_engine::log::{Headers, LogError, Record};
use rusqlite::{Connection, params};

use super::EmbeddedLog;
use super::frame;
use super::reader::read_records;
use super::shared::lock;
use super::topics::Partition;

/// Records looked at between two transactions, so that one can be interrupted and run again.
const RECORDS_A_BATCH: usize = 1_000;
/// Bytes of records looked at between two transactions.
const BYTES_A_BATCH: usize = 32 << 20;
/// State records looked at between two transactions; a chunk may be large.
const STATE_A_BATCH: usize = 64;

/// What a record is to be: headers and value, or as it is.
pub type Change<'c> = dyn FnMut(&Record) -> Result<Option<(Headers, Vec<u8>)>, LogError> + 'c;

/// What the value of a state record (key, value) is to be, or as it is.
pub type StateChange<'c> = dyn FnMut(&[u8], &[u8]) -> Result<Option<Vec<u8>>, LogError> + 'c;

/// How many were looked at and how many changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// Records looked at.
    pub looked_at: u64,
    /// Records changed.
    pub changed: u64,
}

impl EmbeddedLog {
    /// Hands every record of `topic` to `change` and keeps what it gives in the record's place.
    ///
    /// # Errors
    /// [`LogError::Fatal`] while the log has consumers: what they have read already would be another thing than what stands
    /// there. Else see [`LogError`]; what was changed before the error stays changed.
    pub fn rewrite_records(
        &self,
        topic: &str,
        change: &mut Change<'_>,
    ) -> Result<Rewritten, LogError> {
        let connection = self.begin_rewriting()?;
        let catalogue = &self.shared.catalogue;
        let topic = catalogue.topic(topic)?;
        let mut rewritten = Rewritten::default();
        for partition in &catalogue.partitions[topic.first..topic.first + topic.partitions as usize]
        {
            self.rewrite_partition(&connection, partition, change, &mut rewritten)?;
        }
        Ok(rewritten)
    }

    fn rewrite_partition(
        &self,
        connection: &Connection,
        partition: &Partition,
        change: &mut Change<'_>,
        rewritten: &mut Rewritten,
    ) -> Result<(), LogError> {
        let mut from = 0;
        while from < partition.end() {
            let mut frames: Vec<(u64, Vec<u8>)> = Vec::new();
            let mut failed = None;
            let mut bytes_left = BYTES_A_BATCH;
            let mut each = |record: Record| {
                if failed.is_some() {
                    return;
                }
                rewritten.looked_at += 1;
                match change(&record) {
                    Ok(None) => {}
                    Ok(Some((headers, value))) => {
                        let mut bytes = Vec::new();
                        frame::encode(&mut bytes, record.key.as_deref(), &headers, Some(&value));
                        frames.push((record.offset, bytes));
                    }
                    Err(error) => failed = Some(error),
                }
            };
            let place = &self.shared.place;
            from = read_records(
                place,
                connection,
                partition,
                from,
                RECORDS_A_BATCH,
                &mut bytes_left,
                &mut each,
            )?;
            if let Some(error) = failed {
                return Err(error);
            }
            self.replace_frames(partition, &frames)?;
            rewritten.changed += frames.len() as u64;
        }
        Ok(())
    }

    fn replace_frames(
        &self,
        partition: &Partition,
        frames: &[(u64, Vec<u8>)],
    ) -> Result<(), LogError> {
        if frames.is_empty() {
            return Ok(());
        }
        let table = format!("records_{}", partition.id);
        lock(&self.shared.writer)?.run("rewrite", |transaction| {
            let mut length = transaction.prepare(&format!(
                "SELECT length(frame) FROM {table} WHERE offset = ?1"
            ))?;
            let mut update =
                transaction.prepare(&format!("UPDATE {table} SET frame = ?2 WHERE offset = ?1"))?;
            let mut grown = 0;
            for (offset, bytes) in frames {
                let former: i64 = length.query_row([*offset as i64], |row| row.get(0))?;
                update.execute(params![*offset as i64, bytes])?;
                grown += bytes.len() as i64 - former;
            }
            transaction.execute(
                "UPDATE partitions SET bytes = bytes + ?2 WHERE id = ?1",
                params![partition.id, grown],
            )
        })?;
        Ok(())
    }

    /// Hands every state record of every group (key, value) to `change` and keeps what it gives in the value's place.
    ///
    /// # Errors
    /// As [`EmbeddedLog::rewrite_records`].
    pub fn rewrite_state(&self, change: &mut StateChange<'_>) -> Result<Rewritten, LogError> {
        let connection = self.begin_rewriting()?;
        let explain = |error: rusqlite::Error| {
            LogError::from(self.shared.place.explain("read the state of", &error))
        };
        let mut rewritten = Rewritten::default();
        let mut after: (i64, Vec<u8>) = (i64::MIN, Vec::new());
        loop {
            let batch = state_after(&connection, &after).map_err(explain)?;
            let Some((owner, key, _)) = batch.last() else {
                return Ok(rewritten);
            };
            after = (*owner, key.clone());
            rewritten.looked_at += batch.len() as u64;
            let mut changed = Vec::new();
            for (owner, key, value) in batch {
                if let Some(value) = change(&key, &value)? {
                    changed.push((owner, key, value));
                }
            }
            rewritten.changed += changed.len() as u64;
            lock(&self.shared.writer)?.run("rewrite the state of", |transaction| {
                let mut update = transaction
                    .prepare("UPDATE state SET value = ?3 WHERE owner = ?1 AND key = ?2")?;
                for (owner, key, value) in &changed {
                    update.execute(params![owner, key, value])?;
                }
                Ok(())
            })?;
        }
    }

    /// Writes the file anew and empties the write-ahead log: what was replaced still stands in both. Takes as much room
    /// again as the file.
    ///
    /// # Errors
    /// See [`LogError`].
    pub fn finish_rewriting(&self) -> Result<(), LogError> {
        let writer = lock(&self.shared.writer)?;
        crate::sqlite::write_anew(writer.connection())
            .map_err(|error| self.shared.place.explain("write anew", &error).into())
    }

    fn begin_rewriting(&self) -> Result<Connection, LogError> {
        if let Some(group) = lock(&self.shared.groups)?.iter().next() {
            return Err(LogError::Fatal(format!(
                "records of {} cannot be rewritten while group `{group}` reads it: stop the service first",
                self.path().display()
            )));
        }
        let connection = self.open_reader()?;
        let writer = lock(&self.shared.writer)?;
        crate::sqlite::overwrite_what_is_replaced(writer.connection())
            .map_err(|error| self.shared.place.explain("rewrite", &error))?;
        Ok(connection)
    }
}

type StateRow = (i64, Vec<u8>, Vec<u8>);

fn state_after(
    connection: &Connection,
    (owner, key): &(i64, Vec<u8>),
) -> rusqlite::Result<Vec<StateRow>> {
    connection
        .prepare_cached(
            "SELECT owner, key, value FROM state WHERE (owner, key) > (?1, ?2) ORDER BY owner, key LIMIT ?3",
        )?
        .query_map(params![owner, key, STATE_A_BATCH as i64], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect()
}
