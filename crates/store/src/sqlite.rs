//! What the log and the read model share about SQLite: how a file is opened, and how its failures are told.
//!
//! Bundled SQLite beats a log format of our own: its crash recovery has been tested harder than anything we
//! could write in a year, one file is easy to copy, and a turn's positions, state and records fit in one
//! transaction. The price is one writer at a time and a second copy of every page through the write-ahead log.

use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a statement waits for another process's lock before it gives up. Within this process the
/// writer is guarded by a mutex, so only a backup or a shell can be in the way.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// Bytes of a page. Larger than SQLite's 4 KiB because records are appended in runs: fewer, fuller pages go through
/// the write-ahead log (`benches/log.rs`: a tenth to a fifth more records a second). 16 KiB makes small commits dearer
/// and showed no gain.
const PAGE_BYTES: u32 = 8_192;

/// Why a file could not be used, by what the caller does about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Somebody else holds the file for the moment: try again after a pause.
    #[error("{0}")]
    Busy(String),
    /// A person must act. The text names the file, the reason and the remedy.
    #[error("{0}")]
    Broken(String),
}

/// What a file is for: its mark in the header, and how much a commit must survive.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// `application_id` in the file's header, so that a foreign database is refused rather than changed.
    pub application_id: i32,
    /// What people call it.
    pub name: &'static str,
    /// `FULL`: a commit survives power loss. `NORMAL`: it survives the end of the process; the last
    /// commits before a power loss may be gone, never half of one.
    pub synchronous: &'static str,
    /// Page cache of a connection that writes, in KiB.
    pub writer_cache_kib: u32,
    /// What to do about a corrupt file.
    pub corrupt_remedy: &'static str,
    /// The schema, one step a version: entry `n` leads from version `n` to `n + 1`.
    pub migrations: &'static [&'static str],
}

/// Names the file in every failure.
#[derive(Debug, Clone)]
pub struct Place {
    path: PathBuf,
    name: &'static str,
    corrupt_remedy: &'static str,
}

impl Place {
    /// The place of `kind` at `path`.
    pub fn new(path: &Path, kind: &Kind) -> Place {
        Place {
            path: path.to_owned(),
            name: kind.name,
            corrupt_remedy: kind.corrupt_remedy,
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A failure a person must act on.
    pub fn broken(&self, action: &str, reason: &str, remedy: &str) -> Trouble {
        Trouble::Broken(format!(
            "cannot {action} {} {}: {reason}; {remedy}",
            self.name,
            self.path.display()
        ))
    }

    /// Turns SQLite's failure into one that says what to do. `action` reads on from "cannot".
    pub fn explain(&self, action: &str, error: &rusqlite::Error) -> Trouble {
        let code = error.sqlite_error_code();
        let detail = error.to_string();
        let told = |reason: &str, remedy: &str| {
            self.broken(action, &format!("{reason} ({detail})"), remedy)
        };
        match code {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Trouble::Busy(format!(
                "cannot {action} {} {}: another process holds a lock on it ({detail}); it is tried again",
                self.name,
                self.path.display()
            )),
            Some(ErrorCode::DiskFull) => told(
                "the disk is full",
                "nothing of this write was kept and everything accepted before is safe: free space on the volume, \
                 then start again",
            ),
            Some(ErrorCode::ReadOnly) => told(
                "the file or its folder is read-only",
                "give this user the right to write both, then start again",
            ),
            Some(ErrorCode::NotADatabase) => told(
                "the file is not a SQLite database",
                "check the path in the settings, or move the file away and start again",
            ),
            Some(ErrorCode::DatabaseCorrupt) => told("the file is corrupt", self.corrupt_remedy),
            Some(ErrorCode::CannotOpen) => told(
                "the file cannot be opened or made",
                "check that the folder exists, that this user may write to it, and that the path is a file",
            ),
            Some(ErrorCode::SystemIoFailure) => told(
                "the volume reported an input or output error",
                "check the volume's health and the system's log, then start again",
            ),
            Some(ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => told(
                "access is denied",
                "give this user the right to read and write it, then start again",
            ),
            Some(ErrorCode::OutOfMemory) => told(
                "memory ran out",
                "give the process more memory or make turns smaller",
            ),
            _ => told("SQLite refused", "keep the file and report this message"),
        }
    }
}

/// Whether the program may go on writing to this file after `error`. After a failed sync nobody knows what
/// the volume holds, so the only honest thing is to stop and recover at the next start.
pub fn poisons(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// Opens `place` for writing, making it if it is not there, and brings its schema up to date.
///
/// # Errors
/// A [`Trouble`] that names the file, the reason and the remedy.
pub fn open_writer(place: &Place, kind: &Kind) -> Result<Connection, Trouble> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection =
        Connection::open_with_flags(&place.path, flags).map_err(|e| place.explain("open", &e))?;
    connection
        .busy_timeout(BUSY_WAIT)
        .map_err(|e| place.explain("open", &e))?;
    // SQLite quietly opens a file it may not write as read-only: say so at the start, not at the first write.
    if connection
        .is_readonly(rusqlite::MAIN_DB)
        .map_err(|e| place.explain("open", &e))?
    {
        return Err(place.broken(
            "open",
            "the file or its folder is read-only",
            "give this user the right to write both, then start again",
        ));
    }
    let version = check_identity(place, kind, &connection)?;
    tune_writer(kind, &connection).map_err(|e| place.explain("open", &e))?;
    migrate(place, kind, &mut connection, version)?;
    Ok(connection)
}

/// Opens `place`, which must exist, for reading. Readers never block the writer, nor it them.
///
/// # Errors
/// A [`Trouble`] that names the file, the reason and the remedy.
pub fn open_reader(place: &Place, kind: &Kind) -> Result<Connection, Trouble> {
    if !place.path.exists() {
        return Err(place.broken(
            "read",
            "there is no such file",
            "check the path in the settings",
        ));
    }
    // Not SQLITE_OPEN_READ_ONLY: after a crash the first to open must be allowed to recover the write-ahead
    // log. `query_only` keeps us from writing anything else.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(&place.path, flags).map_err(|e| place.explain("read", &e))?;
    let version = check_identity(place, kind, &connection)?;
    if version != kind.migrations.len() {
        let reason = format!(
            "its schema is version {version}, this program's is {}",
            kind.migrations.len()
        );
        return Err(place.broken(
            "read",
            &reason,
            "open it once for writing (start the service) to bring it up to date",
        ));
    }
    let ready = || -> rusqlite::Result<()> {
        connection.busy_timeout(BUSY_WAIT)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "cache_size", -8_192)
    };
    ready().map_err(|e| place.explain("read", &e))?;
    Ok(connection)
}

/// Refuses foreign and newer files; returns the schema version (0: a new file).
fn check_identity(place: &Place, kind: &Kind, connection: &Connection) -> Result<usize, Trouble> {
    let read = |pragma: &str| -> rusqlite::Result<i64> {
        connection.pragma_query_value(None, pragma, |row| row.get(0))
    };
    let facts = || -> rusqlite::Result<(i64, i64, i64)> {
        let tables =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok((read("application_id")?, read("user_version")?, tables))
    };
    let (application_id, version, tables) = facts().map_err(|e| place.explain("open", &e))?;
    if tables == 0 && application_id == 0 {
        return Ok(0);
    }
    if application_id != i64::from(kind.application_id) {
        let reason = format!("it is a SQLite database, but not {} of auscult", kind.name);
        return Err(place.broken(
            "open",
            &reason,
            "check the path in the settings; the file was left as it is",
        ));
    }
    let known = kind.migrations.len();
    match usize::try_from(version) {
        Ok(version) if version <= known => Ok(version),
        _ => Err(place.broken(
            "open",
            &format!("it was written by a newer auscult (schema {version}; this program knows up to {known})"),
            "start the newer auscult; the file was left as it is",
        )),
    }
}

fn tune_writer(kind: &Kind, connection: &Connection) -> rusqlite::Result<()> {
    // Takes effect on a new file only, and must come before WAL mode.
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", kind.synchronous)?;
    // On macOS a plain fsync does not reach the platters; elsewhere these two do nothing.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "cache_size", -i64::from(kind.writer_cache_kib))?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    // Pages in the write-ahead log before they are copied into the file: 8 MiB, so that the log's blocks are
    // written over again while they are warm. On a shared machine no larger size was clearly faster
    // (`benches/log.rs`), and recovery after a crash reads this much.
    connection.pragma_update(None, "wal_autocheckpoint", 1_024)?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)
}

fn migrate(
    place: &Place,
    kind: &Kind,
    connection: &mut Connection,
    version: usize,
) -> Result<(), Trouble> {
    let mut steps = || -> rusqlite::Result<()> {
        for (index, step) in kind.migrations.iter().enumerate().skip(version) {
            let transaction =
                connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "application_id", kind.application_id)?;
            transaction.pragma_update(None, "user_version", index as i64 + 1)?;
            transaction.commit()?;
        }
        Ok(())
    };
    steps().map_err(|e| place.explain("set up", &e))
}

/// Reads every page and checks that the file holds together; the first complaint is the reason given.
///
/// # Errors
/// [`Trouble::Broken`] with SQLite's first complaint.
pub fn quick_check(place: &Place, connection: &Connection) -> Result<(), Trouble> {
    let verdict: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|e| place.explain("check", &e))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(place.broken(
        "open",
        &format!("the file is corrupt ({verdict})"),
        place.corrupt_remedy,
    ))
}

/// From now on what is replaced or deleted is overwritten with zeros, not only let go of.
pub fn overwrite_what_is_replaced(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .pragma_update_and_check(None, "secure_delete", true, |row| row.get::<_, i64>(0))
        .map(|_| ())
}

/// Writes the whole file anew and empties the write-ahead log beside it: where cells moved from page to page, what they were
/// still stands in the gaps, whatever `secure_delete` says. Takes as much room again as the file.
pub fn write_anew(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("VACUUM")?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        row.get::<_, i64>(0).map(|_| ())
    })
}

/// Sets the most bytes the main file may take. It cannot be set below what is in use.
pub fn limit_bytes(connection: &Connection, bytes: u64) -> rusqlite::Result<()> {
    let pages = i64::try_from(bytes / u64::from(PAGE_BYTES))
        .unwrap_or(i64::MAX)
        .clamp(1, 0xffff_fffe);
    connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
}
