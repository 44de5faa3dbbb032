//! Work on a slice over several threads, results in the slice's order.
//!
//! One small pool that stays for the stage's life. It replaced scoped threads per turn: what a thread that ends has
//! allocated lives on in mentions another thread frees, and handing its memory over cost a tenth of Listen. The pool
//! also takes over the rest of a part that happens to hold the long texts.

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Fewest items worth handing to another thread.
const LEAST_PER_THREAD: usize = 64;

/// Threads that work on a turn together.
pub struct FanOut {
    threads: usize,
    pool: Option<ThreadPool>,
}

/// The operating system refused a thread.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot start {threads} threads to listen with: {reason}; raise the limit of processes for this user or lower engine.listen.threads"
)]
pub struct NoThreads {
    threads: usize,
    reason: String,
}

impl FanOut {
    /// Work over at most `threads` threads; one means the caller's own. The threads start with the first work.
    #[must_use]
    pub fn new(threads: usize) -> FanOut {
        FanOut {
            threads: threads.max(1),
            pool: None,
        }
    }

    /// Starts the threads, if they are to be and are not yet.
    ///
    /// # Errors
    /// [`NoThreads`].
    pub fn start(&mut self) -> Result<(), NoThreads> {
        if self.threads > 1 && self.pool.is_none() {
            let pool = ThreadPoolBuilder::new()
                .num_threads(self.threads)
                .thread_name(|number| format!("listen-{number}"))
                .build()
                .map_err(|error| NoThreads {
                    threads: self.threads,
                    reason: error.to_string(),
                })?;
            self.pool = Some(pool);
        }
        Ok(())
    }

    /// `work` on every item; the results stand in the items' order.
    pub fn map<'t, T: Sync, R: Send>(
        &self,
        items: &'t [T],
        work: impl Fn(&'t T) -> R + Sync + Send,
    ) -> Vec<R> {
        match &self.pool {
            Some(pool) if items.len() >= 2 * LEAST_PER_THREAD => pool.install(|| {
                items
                    .par_iter()
                    .with_min_len(LEAST_PER_THREAD)
                    .map(work)
                    .collect()
            }),
            _ => items.iter().map(work).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn order_and_number_do_not_depend_on_threads(count in 0_usize..1_000, threads in 1_usize..9) {
            let items: Vec<usize> = (0..count).collect();
            let mut threads = FanOut::new(threads);
            threads.start().expect("threads");
            let doubled = threads.map(&items, |item| item * 2);
            prop_assert_eq!(doubled, items.iter().map(|item| item * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_panic_is_the_callers() {
        let mut threads = FanOut::new(2);
        threads.start().expect("threads");
        let items: Vec<usize> = (0..1_000).collect();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            threads.map(&items, |item| assert_ne!(*item, 777))
        }));
        assert!(outcome.is_err());
        assert_eq!(threads.map(&items, |item| *item), items, "the pool goes on");
    }
}
