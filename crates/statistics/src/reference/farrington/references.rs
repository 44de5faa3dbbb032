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

impl ReferenceWindows {
    /// The references of the bucket at `place`, oldest first.
    ///
    /// The buckets between two windows are dealt to the other periods in runs of equal length; the first
    /// runs are one longer where they do not divide evenly.
    pub fn references(
        &self,
        calendar: &Calendar<'_>,
        place: usize,
        method: &'static str,
    ) -> Result<Vec<Reference>, ReferenceError> {
        let too_short = || ReferenceError::HistoryTooShort {
            method,
            place,
            needed: self.years_back * calendar.buckets_per_year() + self.half_width,
        };
        let end = place.saturating_sub(self.recent_left_out);
        let mut references = Vec::new();
        for years in (1..=self.years_back).rev() {
            let centre = calendar.years_before(place, years).ok_or_else(too_short)?;
            let first = centre.checked_sub(self.half_width).ok_or_else(too_short)?;
            let next = if years == 1 {
                place
            } else {
                calendar
                    .years_before(place, years - 1)
                    .ok_or_else(too_short)?
            };
            self.push_window(&mut references, first, centre + self.half_width);
            self.push_between(
                &mut references,
                centre + self.half_width + 1,
                next.saturating_sub(self.half_width),
            );
        }
        // What is left of the current window after leaving out the latest buckets.
        self.push_window(
            &mut references,
            place.saturating_sub(self.half_width),
            place.saturating_sub(1),
        );
        references.retain(|reference| reference.place < end);
        Ok(references)
    }

    fn push_window(&self, references: &mut Vec<Reference>, first: usize, last: usize) {
        references.extend((first..=last).map(|place| Reference {
            place,
            period: self.periods - 1,
        }));
    }

    fn push_between(&self, references: &mut Vec<Reference>, first: usize, end: usize) {
        if self.periods == 1 || end <= first {
            return;
        }
        let others = self.periods - 1;
        let (run, longer) = ((end - first) / others, (end - first) % others);
        let mut place = first;
        for period in 0..others {
            let length = run + usize::from(period < longer);
            references.extend((place..place + length).map(|place| Reference { place, period }));
            place += length;
        }
    }
}
