//! What the log's handles share, and the bell that wakes waiting polls.

use auscult_engine::clock::Clock;
use auscult_engine::log::LogError;
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

use super::append::Request;
use super::schema;
use super::topics::Catalogue;
use super::writer::Writer;
use crate::lease::Lease;
use crate::sqlite::Place;

/// Shared by the log's handle, its appenders and its consumers. The file is closed when the last one goes.
pub(crate) struct Shared {
    pub place: Place,
    pub catalogue: Catalogue,
    pub writer: Mutex<Writer>,
    pub queue: Mutex<VecDeque<Arc<Request>>>,
    pub bell: Bell,
    pub groups: Mutex<BTreeSet<String>>,
    /// Held while old records are cleaned up: one at a time.
    pub cleaning: Mutex<()>,
    pub clock: Arc<dyn Clock>,
    /// Last, so that it is let go after the connections.
    pub _lease: Lease,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedLog")
            .field("path", &self.place.path())
            .finish_non_exhaustive()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // A writer in doubt, or one a thread died with, leaves the file marked as open: the next start checks it.
        let Ok(writer) = self.writer.get_mut() else {
            return;
        };
        if writer.is_stopped() {
            return;
        }
        if let Err(error) = schema::mark_closed(writer.connection()) {
            tracing::warn!(file = %self.place.path().display(), %error, "the log file could not be marked as closed; it is checked at the next start");
        }
    }
}

/// Locks, or says that a thread died while it held the lock.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> Result<MutexGuard<'_, T>, LogError> {
    mutex.lock().map_err(|_| {
        LogError::Fatal(
            "a thread died while it was writing to the log: restart; the file recovers by itself"
                .to_owned(),
        )
    })
}

/// Rings once for every commit that added records. Waiting costs no processor time and misses no ring.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rings: Mutex<u64>,
    changed: Condvar,
}

impl Bell {
    /// Wakes everybody who waits.
    pub fn ring(&self) {
        let mut rings = self
            .rings
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *rings = rings.wrapping_add(1);
        drop(rings);
        self.changed.notify_all();
    }

    /// Number of rings so far: read before looking for records, so that a ring in between is not missed.
    pub fn rings(&self) -> u64 {
        *self
            .rings
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Waits for a ring after the `seen`-th; false when `deadline` passed without one (`None`: waits for good).
    pub fn wait(&self, seen: u64, deadline: Option<Instant>) -> bool {
        let mut rings = self
            .rings
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        while *rings == seen {
            rings = match deadline {
                None => self
                    .changed
                    .wait(rings)
                    .unwrap_or_else(std::sync::PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    self.changed
                        .wait_timeout(rings, left)
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .0
                }
            };
        }
        true
    }
}
