//! One process per file: a lock file beside the log, held for as long as the log is open.
//!
//! The operating system drops the lock when the process ends, however it ends, so there is nothing to clean
//! up after a `kill -9`. Dropping the lease unlocks in so many words: closing the handle alone would leave the
//! lock with any child process that another thread was starting just then (a fork holds every handle until its
//! exec closes them). A separate file beats locking the database itself: SQLite keeps its own locks on
//! that, and closing a second handle to it would drop them.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::sqlite::{Place, Trouble};

/// Proof that this process alone writes to a file.
#[derive(Debug)]
pub struct Lease {
    held: File,
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

impl Lease {
    /// Takes the lease for `place`, or says who has it.
    ///
    /// # Errors
    /// [`Trouble::Broken`] if another process (or another handle of this one) holds it, or the lock file
    /// cannot be made.
    pub fn take(place: &Place) -> Result<Lease, Trouble> {
        let path = lock_path(place.path());
        let remedy = "check that the folder exists and that this user may write to it";
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|e| {
                place.broken(
                    "open",
                    &format!("its lock file {} cannot be made ({e})", path.display()),
                    remedy,
                )
            })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = if holder.trim().is_empty() {
                    "unknown"
                } else {
                    holder.trim()
                };
                return Err(place.broken(
                    "open",
                    &format!("it is open for writing already (process {holder})"),
                    "one process writes a log file: stop that one first, or give this one another file in its settings",
                ));
            }
            Err(TryLockError::Error(e)) => {
                return Err(place.broken(
                    "open",
                    &format!("its lock file {} cannot be locked ({e})", path.display()),
                    remedy,
                ));
            }
        }
        // The number only helps people: that it could not be written changes nothing about who holds the lock.
        let _ = file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0)));
        let _ = write!(file, "{}", std::process::id()).and_then(|()| file.flush());
        Ok(Lease { held: file })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // A failure leaves what closing the handle does anyway.
        let _ = self.held.unlock();
    }
}
