//! The cap on dead letters: a broken deploy must stop, not empty its topic into the dead letters.
//!
//! A share over a window of the last records beats a count per minute: it neither trips on a busy day with
//! its usual few bad ones nor sleeps through a quiet feed that is wholly broken.

use crate::settings::DeadLetterCap;
use std::collections::VecDeque;

/// What became of the last records.
#[derive(Debug)]
pub struct DeadLetterWindow {
    cap: DeadLetterCap,
    last: VecDeque<bool>,
    refused: usize,
}

impl DeadLetterWindow {
    /// An empty window.
    #[must_use]
    pub fn new(cap: DeadLetterCap) -> DeadLetterWindow {
        DeadLetterWindow {
            cap,
            last: VecDeque::with_capacity(cap.window_records),
            refused: 0,
        }
    }

    /// Notes one record.
    pub fn note(&mut self, refused: bool) {
        if self.last.len() == self.cap.window_records {
            self.refused -= usize::from(self.last.pop_front() == Some(true));
        }
        self.last.push_back(refused);
        self.refused += usize::from(refused);
    }

    /// What to tell people if the cap is passed; only a full window can say so.
    #[must_use]
    pub fn verdict(&self) -> Option<String> {
        let full = self.last.len() == self.cap.window_records;
        let share = self.refused as f64 / self.last.len().max(1) as f64;
        (full && self.cap.share < 1.0 && share >= self.cap.share).then(|| {
            format!(
                "{} of the last {} feedback records could not be read (cap {:.0} %); everything up to here is kept as dead letters and \
                 its safety candidates are routed. Look at `auscult dead-letters list`, mend the source or the settings, then start again; \
                 engine.listen.dead_letter_cap sets the cap",
                self.refused,
                self.last.len(),
                self.cap.share * 100.0
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(share: f64) -> DeadLetterWindow {
        DeadLetterWindow::new(DeadLetterCap {
            window_records: 10,
            share,
        })
    }

    #[test]
    fn trips_only_when_the_window_is_full_and_the_share_is_reached() {
        let mut window = window(0.5);
        for refused in [true; 9] {
            window.note(refused);
            assert_eq!(window.verdict(), None, "nine records are no window");
        }
        window.note(false);
        assert!(window.verdict().is_some());
        for _ in 0..5 {
            window.note(false);
        }
        assert_eq!(window.verdict(), None, "four of ten");
    }

    #[test]
    fn a_share_of_one_never_stops() {
        let mut window = window(1.0);
        (0..50).for_each(|_| window.note(true));
        assert_eq!(window.verdict(), None);
    }
}
