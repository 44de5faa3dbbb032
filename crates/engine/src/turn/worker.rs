//! A turn on its own named thread, until told to stop.

use super::{Stage, Stop, Turn, TurnOutcome};
use crate::log::Log;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longest single nap during a pause: how late a stop flag may be noticed.
const NAP: Duration = Duration::from_millis(20);

/// Pauses between tries: doubling, bounded, reset by success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    next: Duration,
}

impl Backoff {
    /// First pause.
    pub const FIRST: Duration = Duration::from_millis(50);
    /// Longest pause.
    pub const LONGEST: Duration = Duration::from_secs(10);

    /// The pause to make now; the next one is twice as long, up to [`Backoff::LONGEST`].
    pub fn pause(&mut self) -> Duration {
        let now = self.next;
        self.next = (now * 2).min(Backoff::LONGEST);
        now
    }

    /// Something worked.
    pub fn reset(&mut self) {
        self.next = Backoff::FIRST;
    }
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff {
            next: Backoff::FIRST,
        }
    }
}

/// How a worker's thread ended.
#[derive(Debug)]
pub enum WorkerEnd {
    /// The stop flag was set.
    Asked,
    /// A person must act.
    Stopped(Stop),
    /// The thread panicked: our own mistake, with its message.
    Panicked(String),
}

/// A running stage.
#[derive(Debug)]
pub struct Worker {
    running: Running,
    handle: JoinHandle<Result<(), Stop>>,
}

/// Whether a worker's thread still runs, for those who cannot wait for it.
#[derive(Debug, Clone)]
pub struct Running {
    stage: &'static str,
    thread: Weak<()>,
}

impl Running {
    /// The stage it runs.
    #[must_use]
    pub fn stage(&self) -> &'static str {
        self.stage
    }

    /// Whether it has not ended, with everything it holds.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.thread.strong_count() > 0
    }
}

impl Worker {
    /// Runs `turn` on a thread named after its stage until `stop` is set or a person must act. Either end
    /// sets `stop`, so that the other stages of the process do not run on without this one.
    ///
    /// # Errors
    /// The operating system refused the thread.
    pub fn spawn<L, S>(turn: Turn<L, S>, stop: Arc<AtomicBool>) -> std::io::Result<Worker>
    where
        L: Log + 'static,
        S: Stage + 'static,
    {
        let stage = turn.stage().name();
        let alive = Arc::new(());
        let running = Running {
            stage,
            thread: Arc::downgrade(&alive),
        };
        let handle = std::thread::Builder::new()
            .name(format!("auscult-{stage}"))
            .spawn(move || {
                let _alive = alive;
                let _raised_on_exit = RaiseOnDrop(Arc::clone(&stop));
                run_until(turn, &stop)
            })?;
        Ok(Worker { running, handle })
    }

    /// The stage it runs.
    #[must_use]
    pub fn stage(&self) -> &'static str {
        self.running.stage
    }

    /// A look at its thread that outlives it.
    #[must_use]
    pub fn running(&self) -> Running {
        self.running.clone()
    }

    /// Whether the thread has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// Waits for the thread.
    #[must_use]
    pub fn join(self) -> WorkerEnd {
        match self.handle.join() {
            Ok(Ok(())) => WorkerEnd::Asked,
            Ok(Err(stop)) => WorkerEnd::Stopped(stop),
            Err(panic) => WorkerEnd::Panicked(panic_message(panic.as_ref())),
        }
    }
}

/// Sets the flag when the thread ends, also by a panic.
struct RaiseOnDrop(Arc<AtomicBool>);

impl Drop for RaiseOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn run_until<L: Log, S: Stage>(mut turn: Turn<L, S>, stop: &AtomicBool) -> Result<(), Stop> {
    let mut backoff = Backoff::default();
    while !stop.load(Ordering::SeqCst) {
        match turn.run_once()? {
            TurnOutcome::Committed { .. } | TurnOutcome::Idle => backoff.reset(),
            TurnOutcome::Retry(_) | TurnOutcome::Fenced(_) => nap(backoff.pause(), stop),
        }
    }
    Ok(())
}

/// Sleeps in short naps, so that a stop is noticed within [`NAP`].
fn nap(pause: Duration, stop: &AtomicBool) {
    let mut left = pause;
    while !left.is_zero() && !stop.load(Ordering::SeqCst) {
        let piece = left.min(NAP);
        std::thread::sleep(piece);
        left -= piece;
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_stay_bounded() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.pause(), Backoff::FIRST);
        assert_eq!(backoff.pause(), Backoff::FIRST * 2);
        for _ in 0..100 {
            assert!(backoff.pause() <= Backoff::LONGEST);
        }
        backoff.reset();
        assert_eq!(backoff.pause(), Backoff::FIRST);
    }
}
