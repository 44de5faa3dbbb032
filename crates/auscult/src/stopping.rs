//! An end within a set time, whatever a broker does.
//!
//! A turn that waits for a broker ends by its own time-outs, one after the other, and librdkafka waits on its own when
//! a client is dropped. The limit is over all of it: when it is over the process ends where it stands. That loses
//! nothing, because a turn is committed whole or not at all, as it is when a process is killed. Shorter time-outs while
//! stopping were the other choice; they bound what we know of, and each new call would have to be remembered.
//!
//! The signals are waited for before the first stage runs. A process that began to work and listened afterwards was
//! killed by one that came in between: nothing was lost, but the end was not the one that is promised.

use crate::exit::{Failure, Kind};
use auscult_engine::telemetry::Metrics;
use auscult_engine::telemetry::happening::LeftUndone;
use auscult_engine::turn::Running;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-C and SIGTERM, waited for from the moment this exists.
#[derive(Debug)]
pub struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// Begins to wait for them; within a tokio runtime.
    ///
    /// # Errors
    /// The operating system refused.
    pub fn new() -> std::io::Result<StopSignals> {
        Ok(StopSignals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Ends when one of them has come.
    pub async fn any(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ends the process when stopping takes too long; dropped, it does not.
#[derive(Debug)]
pub struct StopLimit {
    seconds: u64,
    work: Arc<Mutex<Option<Work>>>,
    in_order: Mutex<Option<Sender<()>>>,
}

/// What may be left undone, and where that is counted.
#[derive(Debug)]
struct Work {
    stages: Vec<Running>,
    metrics: Arc<Metrics>,
}

impl StopLimit {
    /// A limit that has not begun.
    pub fn new(seconds: u64) -> StopLimit {
        StopLimit {
            seconds,
            work: Arc::default(),
            in_order: Mutex::default(),
        }
    }

    /// Names what runs, so that it can be said what was left undone.
    pub fn watch(&self, stages: Vec<Running>, metrics: Arc<Metrics>) {
        *lock(&self.work) = Some(Work { stages, metrics });
    }

    /// Begins to count, unless it has.
    ///
    /// # Errors
    /// The operating system refused the thread.
    pub fn begin(&self) -> std::io::Result<()> {
        let mut begun = lock(&self.in_order);
        if begun.is_some() {
            return Ok(());
        }
        let (in_order, ended) = channel();
        let (seconds, work) = (self.seconds, Arc::clone(&self.work));
        std::thread::Builder::new()
            .name("auscult-stop".to_owned())
            .spawn(move || {
                if is_over(&ended, Duration::from_secs(seconds)) {
                    end(seconds, lock(&work).as_ref());
                }
            })?;
        *begun = Some(in_order);
        Ok(())
    }
}

/// What is behind `mutex`, whatever became of another thread that held it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for the end in order; whether the time was over first.
fn is_over(ended: &Receiver<()>, within: Duration) -> bool {
    ended.recv_timeout(within) == Err(RecvTimeoutError::Timeout)
}

/// Says what is left undone, and ends the process.
fn end(seconds: u64, work: Option<&Work>) -> ! {
    let mut undone = Vec::new();
    if let Some(Work { stages, metrics }) = work {
        let running = stages.iter().filter(|stage| stage.is_running());
        undone.extend(running.map(Running::stage));
        for &stage in &undone {
            LeftUndone { stage, seconds }.emit(metrics);
        }
    }
    let failure = Failure::new(Kind::Overdue, anyhow::anyhow!(told(&undone, seconds)));
    failure.report();
    std::process::exit(failure.code().into());
}

fn told(undone: &[&str], seconds: u64) -> String {
    let what = if undone.is_empty() {
        "connections were still open".to_owned()
    } else {
        format!("still at work: {}", undone.join(", "))
    };
    format!(
        "told to stop, it had not ended after {seconds} s (engine.stop_within_seconds), {what}; nothing is lost: what was not committed is done again at the next start"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_in_order_is_not_over_time() {
        let (in_order, ended) = channel();
        drop(in_order);
        assert!(!is_over(&ended, Duration::from_secs(3_600)));
        let (_held, never) = channel();
        assert!(is_over(&never, Duration::ZERO));
    }

    #[test]
    fn what_is_left_undone_is_named() {
        assert!(told(&["listen", "detect"], 7).contains("7 s"));
        assert!(told(&["listen", "detect"], 7).contains("listen, detect"));
        assert!(told(&[], 7).contains("connections"));
    }
}
