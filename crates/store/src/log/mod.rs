//! The embedded log: topics, positions and state of a whole installation in one SQLite file, with the contract
//! Kafka gives in production.
//!
//! * **Durable**: write-ahead log with `synchronous = FULL`; when `append` or `commit` returns, power may fail.
//!   The price is a sync for each, so appends share one (see [`append`]) and turns should be large.
//! * **Exactly once**: a turn's positions, state and records are one transaction; a crash leaves all or nothing.
//! * **One writer**: a lease keeps a second process out (see `lease`); within the process a mutex guards the
//!   writing connection, and readers have connections of their own that never wait for it.
//! * **Not on a network volume**: the write-ahead log needs shared memory. `FILE`, `FILE-wal` and `FILE-shm` belong
//!   together: copy or move all three, or none while a process runs.

pub mod append;
pub mod consumer;
mod frame;
mod maintenance;
mod reader;
mod rewrite;
mod schema;
mod shared;
mod topics;
mod writer;

use auscult_engine::clock::{Clock, SystemClock};
use auscult_engine::log::{LogError, Position, TopicPartition};
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex};

pub use append::Appender;
pub use consumer::Consumer;
pub use maintenance::{HeldBack, Maintenance, RECORDS_A_CALL};
pub use reader::LogReader;
pub use rewrite::{Change, Rewritten};
pub use topics::{Cleanup, PARTITIONS_MAX, TOPIC_NAME_BYTES_MAX, TopicSettings};
pub use writer::RECORD_BYTES_MAX;

use crate::lease::Lease;
use crate::sqlite::{Place, open_reader, open_writer, quick_check};
use consumer::Start;
use shared::{Shared, lock};
use writer::Writer;

/// An open log file. Cheap to clone; the file is closed when the last handle, appender and consumer is gone.
#[derive(Debug, Clone)]
pub struct EmbeddedLog {
    shared: Arc<Shared>,
}

impl EmbeddedLog {
    /// Opens the log at `path`, making the file and the topics that are not there yet. After a run that did not
    /// close the file, every page is checked first (about a second a gigabyte).
    ///
    /// # Errors
    /// [`LogError::Fatal`] naming the file, the reason and the remedy: in use by another process, not a database,
    /// not ours, newer than this program, corrupt, read-only, a topic that does not fit.
    pub fn open(path: &Path, topics: &[TopicSettings]) -> Result<EmbeddedLog, LogError> {
        EmbeddedLog::open_with_clock(path, topics, Arc::new(SystemClock))
    }

    /// [`EmbeddedLog::open`] with the clock that stamps records for retention.
    ///
    /// # Errors
    /// As [`EmbeddedLog::open`].
    pub fn open_with_clock(
        path: &Path,
        topics: &[TopicSettings],
        clock: Arc<dyn Clock>,
    ) -> Result<EmbeddedLog, LogError> {
        let place = Place::new(path, &schema::KIND);
        let lease = Lease::take(&place)?;
        let mut connection = open_writer(&place, &schema::KIND)?;
        let closed_cleanly =
            schema::mark_open(&connection).map_err(|e| place.explain("open", &e))?;
        if !closed_cleanly {
            tracing::info!(file = %path.display(), "the last run did not close the log file: checking every page");
            quick_check(&place, &connection)?;
        }
        schema::enter_topics(&place, &mut connection, topics)?;
        let catalogue =
            schema::load_catalogue(&connection).map_err(|e| place.explain("open", &e))?;
        connection.set_prepared_statement_cache_capacity(catalogue.partitions.len() + 32);
        let shared = Shared {
            writer: Mutex::new(Writer::new(connection, place.clone())),
            place,
            catalogue,
            queue: Mutex::new(VecDeque::new()),
            bell: shared::Bell::default(),
            groups: Mutex::new(BTreeSet::new()),
            cleaning: Mutex::new(()),
            clock,
            _lease: lease,
        };
        Ok(EmbeddedLog {
            shared: Arc::new(shared),
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.shared.place.path()
    }

    /// Sets the most bytes the file may take; a write that needs more fails as a full disk does, and what was
    /// accepted before stays.
    ///
    /// # Errors
    /// See [`LogError`].
    pub fn limit_bytes(&self, bytes: u64) -> Result<(), LogError> {
        let writer = lock(&self.shared.writer)?;
        crate::sqlite::limit_bytes(writer.connection(), bytes)
            .map_err(|e| self.shared.place.explain("limit the size of", &e).into())
    }

    /// An appender for records from outside any turn.
    #[must_use]
    pub fn appender(&self) -> Appender {
        Appender {
            shared: self.shared.clone(),
        }
    }

    /// Joins `group` as its one consumer: all partitions of `topics` are assigned to it, starting where the group
    /// last committed, or at the oldest record.
    ///
    /// # Errors
    /// [`LogError::Fatal`] if the group has a consumer already, or a topic is unknown.
    pub fn consumer(&self, group: &str, topics: &[&str]) -> Result<Consumer, LogError> {
        self.consumer_from(group, topics, |_| Ok(None))
    }

    /// [`EmbeddedLog::consumer`] for a reader that keeps its positions elsewhere, such as the read model: where
    /// `start` names a position, reading starts there, whatever the group has committed here.
    ///
    /// # Errors
    /// As [`EmbeddedLog::consumer`], and whatever `start` reports.
    pub fn consumer_from(
        &self,
        group: &str,
        topics: &[&str],
        start: impl Fn(&TopicPartition) -> Result<Option<Position>, LogError>,
    ) -> Result<Consumer, LogError> {
        let mut indexes = BTreeSet::new();
        for name in topics {
            let topic = self.shared.catalogue.topic(name)?;
            indexes.extend(topic.first..topic.first + topic.partitions as usize);
        }
        let connection = self.open_reader()?;
        if !lock(&self.shared.groups)?.insert(group.to_owned()) {
            return Err(LogError::Fatal(format!(
                "group `{group}` has a consumer already: in the embedded log a group has exactly one, because all \
                 partitions are its own; drop that one first, or use another group"
            )));
        }
        let build = || {
            let group_id = self.group_id(group)?;
            let starts = indexes
                .iter()
                .map(|&index| self.start(&connection, group_id, index, &start));
            Ok((group_id, starts.collect::<Result<Vec<_>, LogError>>()?))
        };
        match build() {
            Ok((group_id, starts)) => Ok(Consumer::new(
                self.shared.clone(),
                connection,
                group.to_owned(),
                group_id,
                starts,
            )),
            Err(error) => {
                lock(&self.shared.groups)?.remove(group);
                Err(error)
            }
        }
    }

    fn start(
        &self,
        connection: &Connection,
        group_id: i64,
        index: usize,
        start: &impl Fn(&TopicPartition) -> Result<Option<Position>, LogError>,
    ) -> Result<Start, LogError> {
        let partition = &self.shared.catalogue.partitions[index];
        let committed: Option<(u64, String)> = connection
            .prepare_cached("SELECT position, metadata FROM positions WHERE owner = ?1")
            .and_then(|mut select| {
                select
                    .query_row([schema::owner(group_id, partition.id)], |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })
                    .optional()
            })
            .map_err(|e| self.shared.place.explain("read", &e))?;
        let (committed, metadata) = committed.unwrap_or_default();
        let position = start(&partition.at)?.unwrap_or(Position(committed));
        if position.0 > partition.end() {
            return Err(LogError::Fatal(format!(
                "group `{}` was to start {} at {}, past its end {}: its positions belong to another log file; wipe the \
                 read model, or give it its own log file back",
                group_id,
                partition.at,
                position.0,
                partition.end()
            )));
        }
        Ok(Start {
            index,
            position,
            metadata,
        })
    }

    fn group_id(&self, group: &str) -> Result<i64, LogError> {
        lock(&self.shared.writer)?.run("enter a group into", |transaction| {
            transaction.execute("INSERT OR IGNORE INTO groups(name) VALUES (?1)", [group])?;
            transaction.query_row("SELECT id FROM groups WHERE name = ?1", [group], |row| {
                row.get(0)
            })
        })
    }

    /// Forgets a group that is gone for good: its positions and its state. Retention waits for it no more.
    ///
    /// # Errors
    /// [`LogError::Fatal`] if it has a consumer now, or never was.
    pub fn forget_group(&self, group: &str) -> Result<(), LogError> {
        if lock(&self.shared.groups)?.contains(group) {
            return Err(LogError::Fatal(format!(
                "group `{group}` has a consumer: stop it before the group is forgotten"
            )));
        }
        let known = lock(&self.shared.writer)?.run("forget a group in", |transaction| {
            let of_group = "IN (SELECT id FROM groups WHERE name = ?1)";
            transaction.execute(
                &format!("DELETE FROM positions WHERE owner >> 32 {of_group}"),
                [group],
            )?;
            transaction.execute(
                &format!("DELETE FROM state WHERE owner >> 32 {of_group}"),
                [group],
            )?;
            transaction.execute("DELETE FROM groups WHERE name = ?1", [group])
        })?;
        if known == 0 {
            return Err(LogError::Fatal(format!(
                "there is no group `{group}` in {}",
                self.path().display()
            )));
        }
        Ok(())
    }

    fn open_reader(&self) -> Result<Connection, LogError> {
        let connection = open_reader(&self.shared.place, &schema::KIND)?;
        connection
            .set_prepared_statement_cache_capacity(self.shared.catalogue.partitions.len() + 8);
        Ok(connection)
    }
}
