//! The reference buckets of a judged bucket, each with its time of year.

use super::super::{Calendar, ReferenceError};

/// How far back and which part of the years to look at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ReferenceWindows {
    pub years_back: usize,
    /// Buckets on either side of the same time of year.
    pub half_width: usize,
    /// Levels of the time-of-year factor; 1 uses the windows alone.
    pub periods: usize,
    /// Latest buckets before the judged one that are left out.
    pub recent_left_out: usize,
}

/// One reference bucket: its place and its period, from 0. The last period is that of the judged bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reference {
    pub place: usize,
    pub period: usize,
}

/// Neighbouring references of one period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Run {
    pub start: usize,
    /// One past the last.
    pub end: usize,
    pub period: usize,
}

/// The references one by one, oldest first.
pub(super) fn expand(runs: &[Run]) -> Vec<Reference> {
    let expand_one = |run: &Run| {
        let period = run.period;
        (run.start..run.end).map(move |place| Reference { place, period })
    };
    runs.iter().flat_map(expand_one).collect()
}

impl ReferenceWindows {
    /// The references of the bucket at `place`, oldest first, into `runs`.
    ///
    /// The buckets between two windows are dealt to the other periods in runs of equal length; the first
    /// runs are one longer where they do not divide evenly.
    pub fn gather(
        &self,
        calendar: &Calendar<'_>,
        place: usize,
        method: &'static str,
        runs: &mut Vec<Run>,
    ) -> Result<(), ReferenceError> {
        let too_short = || ReferenceError::HistoryTooShort {
            method,
            place,
            needed: self.years_back * calendar.buckets_per_year() + self.half_width,
        };
        runs.clear();
        let mut centre = calendar
            .years_before(place, self.years_back)
            .ok_or_else(too_short)?;
        if centre < self.half_width {
            return Err(too_short());
        }
        for years in (0..self.years_back).rev() {
            let next = if years == 0 {
                place
            } else {
                calendar.years_before(place, years).ok_or_else(too_short)?
            };
            let (window_end, next_window) = (
                centre + self.half_width + 1,
                next.saturating_sub(self.half_width),
            );
            runs.push(Run {
                start: centre - self.half_width,
                end: window_end,
                period: self.periods - 1,
            });
            self.push_between(runs, window_end, next_window);
            centre = next;
        }
        // What is left of the current window after leaving out the latest buckets.
        runs.push(Run {
            start: place.saturating_sub(self.half_width),
            end: place,
            period: self.periods - 1,
        });
        let end = place.saturating_sub(self.recent_left_out);
        for run in runs.iter_mut() {
            run.end = run.end.min(end);
        }
        runs.retain(|run| run.start < run.end);
        Ok(())
    }

    fn push_between(&self, runs: &mut Vec<Run>, first: usize, end: usize) {
        if self.periods == 1 || end <= first {
            return;
        }
        let others = self.periods - 1;
        let (length, longer) = ((end - first) / others, (end - first) % others);
        let mut start = first;
        for period in 0..others {
            let end = start + length + usize::from(period < longer);
            runs.push(Run { start, end, period });
            start = end;
        }
    }
}
