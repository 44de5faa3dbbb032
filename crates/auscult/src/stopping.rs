//! An end within a set time, whatever a broker does.
//!
//! A turn that waits for a broker ends by its own time-outs, one after the other, and librdkafka waits on its own when
//! a client is dropped. The limit is over all of it: when it is over the process ends where it stands. That loses
//! nothing, because a turn is committed whole or not at all, as it is when a process is killed. Shorter time-outs while
//! stopping were the other choice; they bound what we know of, and each new call would have to be remembered.

use crate::exit::{Failure, Kind};
use auscult_engine::settings::EngineSettings;
use auscult_engine::telemetry::Metrics;
use auscult_engine::telemetry::happening::LeftUndone;
use auscult_engine::turn::Running;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Ends the process when stopping takes too long; dropped, it does not.
#[derive(Debug, Default)]
pub struct StopLimit(Mutex<Option<Sender<()>>>);

impl StopLimit {
    /// Begins to count.
    ///
    /// # Errors
    /// The operating system refused the thread.
    pub fn begin(
        &self,
        engine: &EngineSettings,
        stages: Vec<Running>,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<()> {
        let (in_order, ended) = channel();
        let seconds = engine.stop_within_seconds;
        std::thread::Builder::new()
            .name("auscult-stop".to_owned())
            .spawn(move || {
                if is_over(&ended, Duration::from_secs(seconds)) {
                    end(seconds, &stages, &metrics);
                }
            })?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(in_order);
        Ok(())
    }
}

/// Waits for the end in order; whether the time was over first.
fn is_over(ended: &Receiver<()>, within: Duration) -> bool {
    ended.recv_timeout(within) == Err(RecvTimeoutError::Timeout)
}

/// Says what is left undone, and ends the process.
fn end(seconds: u64, stages: &[Running], metrics: &Metrics) -> ! {
    let undone: Vec<&str> = stages
        .iter()
        .filter(|stage| stage.is_running())
        .map(Running::stage)
        .collect();
    for &stage in &undone {
        LeftUndone { stage, seconds }.emit(metrics);
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
