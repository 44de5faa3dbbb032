//! The read model: what pages and the API read, built from topics alone.
//!
//! It lies in a file of its own, not in the log's: it may be deleted and read again at any time (O09), serves an
//! installation on Kafka as well, and its writes never hold up a turn of the detector. Its positions are written
//! in the same transaction as what was read, so that a crash repeats nothing and a deleted file starts from the
//! oldest record. Readers have connections of their own and never wait for the writer.

mod actions;
mod desks;
mod overview;
mod read;
mod retention;
mod rewrite;
mod schema;
mod write;

use auscult_engine::read_model::{ReadError, WriteError};
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

pub use retention::{Pruned, Retention};

use crate::lease::Lease;
use crate::sqlite::{Place, Trouble, open_reader, open_writer};

/// Most rows of any list.
pub const LIST_ROWS_MAX: u32 = 500;
/// Most points of a series shown beside a signal: the newest ones. Two years of days, a month of hours.
pub const POINTS_MAX: u32 = 750;
/// Connections kept open for readers between requests.
const IDLE_READERS_MAX: usize = 8;

impl From<Trouble> for ReadError {
    fn from(trouble: Trouble) -> ReadError {
        match trouble {
            Trouble::Busy(text) => ReadError::Busy(text),
            Trouble::Broken(text) => ReadError::Broken(text),
        }
    }
}

impl From<Trouble> for WriteError {
    fn from(trouble: Trouble) -> WriteError {
        match trouble {
            Trouble::Busy(text) => WriteError::Busy(text),
            Trouble::Broken(text) => WriteError::Broken(text),
        }
    }
}

/// The read model at one file. Cheap to clone: one clone goes to the serving stage, which writes, others to
/// whoever reads.
#[derive(Debug, Clone)]
pub struct View {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    place: Place,
    writer: Mutex<Connection>,
    idle_readers: Mutex<Vec<Connection>>,
    /// Last, so that it is let go after the connections.
    _lease: Lease,
}

impl View {
    /// Opens the read model at `path`, making it if it is not there.
    ///
    /// # Errors
    /// [`Trouble`] naming the file, the reason and the remedy.
    pub fn open(path: &Path) -> Result<View, Trouble> {
        let place = Place::new(path, &schema::KIND);
        let lease = Lease::take(&place)?;
        let writer = open_writer(&place, &schema::KIND)?;
        writer.set_prepared_statement_cache_capacity(64);
        let inner = Inner {
            place,
            writer: Mutex::new(writer),
            idle_readers: Mutex::new(Vec::new()),
            _lease: lease,
        };
        Ok(View {
            inner: Arc::new(inner),
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.inner.place.path()
    }

    /// Sets the most bytes the file may take; a write that needs more fails as a full disk does.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub fn limit_bytes(&self, bytes: u64) -> Result<(), Trouble> {
        let writer = self
            .inner
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        crate::sqlite::limit_bytes(&writer, bytes)
            .map_err(|e| self.inner.place.explain("limit the size of", &e))
    }

    /// Runs `query` over one snapshot: all its statements see the same turn.
    fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, ReadError> {
        let idle = self
            .inner
            .idle_readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.inner.place, &schema::KIND)?,
        };
        let outcome = connection
            .transaction()
            .and_then(|snapshot| query(&snapshot));
        let mut idle = self
            .inner
            .idle_readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_READERS_MAX {
            idle.push(connection);
        }
        outcome.map_err(|e| self.inner.place.explain("read", &e).into())
    }

    /// Runs `change` in one transaction, all or nothing.
    fn write<T>(
        &self,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Trouble> {
        // A thread that died in here left no transaction behind: it was rolled back while its stack unwound.
        let mut writer = self
            .inner
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let attempt = || -> rusqlite::Result<T> {
            let transaction =
                writer.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let outcome = change(&transaction)?;
            transaction.commit()?;
            Ok(outcome)
        };
        attempt().map_err(|e| self.inner.place.explain("write to", &e))
    }
}
