//! A signal's life: raised → updated → resolved or retracted, with a revision that grows by one each time.
//!
//! The record kept here is what the machine needs to go on with the signal; everything else on an alert is
//! made again from the journal when an alert is sent.

use crate::lattice::SeriesKey;
use crate::time::{BucketIndex, BucketWidth, Timestamp};
use crate::words::{AlertChange, Decision, Measure, SignalKind, SignalStatus};
use serde::{Deserialize, Serialize};

/// A signal as the machine remembers it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Hash of tenant, detector, series, direction and start.
    pub id: String,
    /// Incident it belongs to.
    pub incident_id: String,
    /// The series.
    pub key: SeriesKey,
    /// What is measured.
    pub measure: Measure,
    /// Up or down.
    pub upward: bool,
    /// What kind of change, as first raised.
    pub kind: SignalKind,
    /// Width of its buckets.
    pub width: BucketWidth,
    /// Buckets it rests on: those that crossed the line, ascending. Buckets that merely kept it open are not here.
    pub fired: Vec<BucketIndex>,
    /// Last alert's revision.
    pub revision: u32,
    /// Where it stands.
    pub status: SignalStatus,
    /// Event time of revision 1.
    pub first_raised_at: Timestamp,
    /// Quiet buckets in a row.
    pub quiet_buckets: u32,
    /// Score of revision 1.
    pub score_initial: u32,
    /// Score of the last alert.
    pub score_last: u32,
    /// `observed − expected` of the last alert: the yardstick of a material change.
    pub effect_last: f64,
    /// Why nobody is notified; fixed when raised.
    pub suppressed_by: Vec<String>,
    /// Last disposition.
    pub decision: Option<Decision>,
    /// Disposition ids taken in; the same id twice counts once.
    pub dispositions: Vec<String>,
    /// Series attached by drill-down: key, measure, and the words shown.
    pub attached: Vec<Attached>,
    /// Since version 2 of its record: when what people said to be the new normal begins, while that is to come.
    pub normal_from: Option<Timestamp>,
    /// Since version 2: baselines that a new normal took the place of, to be put back when people take their word back.
    pub former: Vec<FormerBaseline>,
}

/// A track's baseline before people said that another level is the normal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerBaseline {
    /// The series.
    pub key: SeriesKey,
    /// What is measured.
    pub measure: Measure,
    /// The detector's state, as dumped.
    pub state: Vec<u8>,
}

/// A series that tells the same story as a signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// The series.
    pub key: SeriesKey,
    /// What is measured.
    pub measure: Measure,
    /// Bucket in which it was attached.
    pub bucket: BucketIndex,
}

/// What a close says about a firing signal's series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pulse {
    /// Whether the series is still surprising in the signal's direction.
    pub still_firing: bool,
    /// Whether the bucket crossed the line by itself.
    pub crossed: bool,
    /// Score now.
    pub score: u32,
    /// `observed − expected` now.
    pub effect: f64,
}

/// A change this large, relative to the last alert, is worth a new one (A18).
pub const MATERIAL_CHANGE: f64 = 0.5;

impl Signal {
    /// The tracks it speaks about: its own, and those attached to it.
    pub fn tracks(&self) -> impl Iterator<Item = (SeriesKey, Measure)> {
        let attached = self.attached.iter().map(|it| (it.key, it.measure));
        std::iter::once((self.key, self.measure)).chain(attached)
    }

    /// Moves the signal on by one closed bucket; the alert to send, if any.
    pub fn advance(
        &mut self,
        bucket: BucketIndex,
        pulse: Option<Pulse>,
        resolve_after: u32,
    ) -> Option<AlertChange> {
        // No data: neither firing nor quiet.
        let pulse = pulse?;
        if !pulse.still_firing {
            self.quiet_buckets += 1;
            if self.quiet_buckets >= resolve_after {
                self.status = SignalStatus::Resolved;
                return Some(AlertChange::Resolved);
            }
            return None;
        }
        self.quiet_buckets = 0;
        if pulse.crossed && self.fired.last() != Some(&bucket) {
            self.fired.push(bucket);
        }
        let grown = pulse.effect.abs() >= self.effect_last.abs() * (1.0 + MATERIAL_CHANGE);
        grown.then_some(AlertChange::Updated)
    }

    /// Takes bucket `bucket` back because late data or a correction made it ordinary; whether nothing is left.
    pub fn take_back(&mut self, bucket: BucketIndex) -> bool {
        self.fired.retain(|&fired| fired != bucket);
        self.fired.is_empty()
    }

    /// Numbers the next alert.
    pub fn next_revision(&mut self, score: u32, effect: f64) -> (u32, Option<u32>) {
        let former = (self.revision > 0).then_some(self.revision);
        self.revision += 1;
        self.score_last = score;
        self.effect_last = effect;
        (self.revision, former)
    }

    /// Whether the change has lasted so long, up to `bucket`, that it is the new level: two weeks of days, eight
    /// weeks, four months, two days of hours, with at most a fifth of the buckets below the line.
    #[must_use]
    pub fn has_become_normal(&self, bucket: BucketIndex) -> bool {
        let wanted: BucketIndex = match self.width {
            BucketWidth::Hour => 48,
            BucketWidth::Day => 14,
            BucketWidth::Week => 8,
            BucketWidth::Month => 4,
        };
        let window = wanted + wanted / 4;
        let crossed = self
            .fired
            .iter()
            .filter(|&&fired| fired > bucket - window && fired <= bucket)
            .count();
        crossed as BucketIndex >= wanted && self.fired.last() == Some(&bucket)
    }

    /// Whether it is still firing.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.status == SignalStatus::Firing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::NO_VALUE;
    use crate::settings::MAX_DIMENSIONS;

    fn signal() -> Signal {
        Signal {
            id: "al_1".into(),
            incident_id: "inc_1".into(),
            key: SeriesKey {
                view: 0,
                values: [NO_VALUE; MAX_DIMENSIONS],
            },
            measure: Measure::Mentions,
            upward: true,
            kind: SignalKind::VolumeUp,
            width: BucketWidth::Day,
            fired: vec![10],
            revision: 1,
            status: SignalStatus::Firing,
            first_raised_at: Timestamp(0),
            quiet_buckets: 0,
            score_initial: 50,
            score_last: 50,
            effect_last: 10.0,
            suppressed_by: vec![],
            decision: None,
            dispositions: vec![],
            attached: vec![],
            normal_from: None,
            former: Vec::new(),
        }
    }

    #[test]
    fn a_small_change_is_not_sent_and_a_large_one_is() {
        let mut signal = signal();
        let pulse = Pulse {
            still_firing: true,
            crossed: true,
            score: 50,
            effect: 10.1,
        };
        assert_eq!(signal.advance(11, Some(pulse), 2), None);
        let pulse = Pulse {
            still_firing: true,
            crossed: false,
            score: 70,
            effect: 15.0,
        };
        assert_eq!(
            signal.advance(12, Some(pulse), 2),
            Some(AlertChange::Updated)
        );
        assert_eq!(signal.fired, [10, 11]);
    }

    #[test]
    fn quiet_buckets_resolve_and_no_data_does_not() {
        let mut signal = signal();
        let quiet = Pulse {
            still_firing: false,
            crossed: false,
            score: 1,
            effect: 0.0,
        };
        assert_eq!(signal.advance(11, Some(quiet), 2), None);
        assert_eq!(signal.advance(12, None, 2), None);
        assert_eq!(
            signal.advance(13, Some(quiet), 2),
            Some(AlertChange::Resolved)
        );
        assert!(!signal.is_open());
    }
}
