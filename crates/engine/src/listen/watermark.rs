//! How far each source partition has come in event time.
//!
//! A watermark per source partition, not per instance or per feed: it is a function of one partition's
//! records in their order, so it is the same whatever the interleaving and whoever owns the partition. It
//! travels as the metadata of the committed position, so that it moves with the partition.
//!
//! One event with a wrong date must not make everything after it too late. So an event further ahead than [`LEAP`]
//! moves nothing until a second one as far ahead confirms it; what a single event can do otherwise is within what
//! Detect restates. A quantile of the last events instead of the newest would do the same for short leaps too, and would
//! hold every thin partition back by several events.

use auscult_core::time::{BucketWidth, DAY, HOUR, Timestamp};

/// The width of the edges at which markers are written: the narrowest bucket there is.
const EDGE: BucketWidth = BucketWidth::Hour;

/// Furthest a single event moves the watermark on, in milliseconds: the restatement horizon Detect has by default, so
/// that what is made late by it still counts.
pub const LEAP: i64 = 14 * DAY;

/// Time rules of listening, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRules {
    /// How long after its own time an event still counts as on time.
    pub lateness: i64,
    /// A partition that delivered nothing for so long is moved on by the clock; `None`: never.
    pub idle_after: Option<i64>,
    /// Events further ahead of the clock are quarantined.
    pub future_limit: i64,
}

/// Watermark of one source partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermark {
    at: Timestamp,
    marked: Timestamp,
    heard_at: Timestamp,
    /// Where an event that leapt would move it, until another confirms that.
    leapt: Option<Timestamp>,
}

/// The metadata beside a position: watermark and marker.
const FORMAT: &str = "w1";
/// The same and a leap that waits for confirmation.
const FORMAT_WITH_LEAP: &str = "w2";

impl Watermark {
    /// A partition nobody has read yet; its idle time begins `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Watermark {
        Watermark {
            at: Timestamp::MIN,
            marked: Timestamp::MIN,
            heard_at: now,
            leapt: None,
        }
    }

    /// Continues from the metadata committed beside the position.
    ///
    /// # Errors
    /// The metadata is not ours.
    pub fn restore(metadata: &str, now: Timestamp) -> Result<Watermark, String> {
        if metadata.is_empty() {
            return Ok(Watermark::new(now));
        }
        let mut fields = metadata.split(' ');
        let format = fields.next();
        let mut number = || {
            fields
                .next()
                .and_then(|text| text.parse().ok())
                .map(Timestamp)
        };
        let read = |at, marked, leapt| Watermark {
            at,
            marked,
            heard_at: now,
            leapt,
        };
        match (format, number(), number(), number()) {
            (Some(FORMAT), Some(at), Some(marked), None) => Ok(read(at, marked, None)),
            (Some(FORMAT_WITH_LEAP), Some(at), Some(marked), Some(leapt)) => {
                Ok(read(at, marked, Some(leapt)))
            }
            _ => Err(format!("{metadata:?} is not the metadata of a watermark")),
        }
    }

    /// What to commit beside the position.
    #[must_use]
    pub fn metadata(&self) -> String {
        let (at, marked) = (self.at.0, self.marked.0);
        match self.leapt {
            None => format!("{FORMAT} {at} {marked}"),
            Some(leapt) => format!("{FORMAT_WITH_LEAP} {at} {marked} {}", leapt.0),
        }
    }

    /// The watermark.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// A record came in, whatever became of it: the partition is not idle.
    pub fn heard(&mut self, now: Timestamp) {
        self.heard_at = self.heard_at.max(now);
    }

    /// Takes an event in and hands back the watermark *just before* it, which decides whether it is late.
    /// An event ahead of the clock counts as now: a wrong clock must not make everybody else late.
    pub fn pass(&mut self, occurred_at: Timestamp, now: Timestamp, rules: TimeRules) -> Timestamp {
        let before = self.at;
        let seen = occurred_at.min(now).plus(-rules.lateness);
        if !self.leaps(seen) {
            self.move_to(seen);
        } else if let Some(first) = self.leapt.replace(seen) {
            // Two as far ahead: the nearer one is confirmed, the further may be a leap from there.
            self.leapt = Some(first.max(seen));
            self.move_to(first.min(seen));
        }
        before
    }

    fn leaps(&self, at: Timestamp) -> bool {
        self.at != Timestamp::MIN && at > self.at.plus(LEAP)
    }

    /// Moves on to `at`; never back. An event that had leapt no further than this allows is caught up with.
    pub fn move_to(&mut self, at: Timestamp) {
        self.at = self.at.max(at);
        if let Some(leapt) = self.leapt.filter(|leapt| !self.leaps(*leapt)) {
            self.leapt = None;
            self.at = self.at.max(leapt);
        }
    }

    /// Whether nothing has come for longer than the rules allow.
    #[must_use]
    pub fn is_idle(&self, now: Timestamp, rules: TimeRules) -> bool {
        rules
            .idle_after
            .is_some_and(|after| now.0.saturating_sub(self.heard_at.0) >= after)
    }

    /// The edge to write markers for, if the watermark has passed a new one; asks once per edge.
    ///
    /// The edge itself is handed out, not the exact watermark: two instances that cut their turns
    /// differently then write markers from the same grid.
    pub fn take_new_edge(&mut self) -> Option<Timestamp> {
        if self.at == Timestamp::MIN {
            return None;
        }
        let edge = EDGE.start(EDGE.index(self.at));
        (edge > self.marked).then(|| {
            self.marked = edge;
            edge
        })
    }
}

const _: () = assert!(HOUR == 3_600_000, "markers are written at hour edges");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULES: TimeRules = TimeRules {
        lateness: HOUR,
        idle_after: Some(HOUR),
        future_limit: 12 * HOUR,
    };
    const LATER: Timestamp = Timestamp(1_000_000 * HOUR);

    #[test]
    fn carries_the_watermark_just_before_the_event() {
        let mut watermark = Watermark::new(Timestamp(0));
        assert_eq!(
            watermark.pass(Timestamp(10 * HOUR), LATER, RULES),
            Timestamp::MIN
        );
        assert_eq!(
            watermark.pass(Timestamp(5 * HOUR), LATER, RULES),
            Timestamp(9 * HOUR)
        );
        assert_eq!(
            watermark.at(),
            Timestamp(9 * HOUR),
            "a late event moves nothing"
        );
    }

    #[test]
    fn an_event_ahead_of_the_clock_does_not_run_away_with_the_watermark() {
        let mut watermark = Watermark::new(Timestamp(0));
        watermark.pass(Timestamp(20 * HOUR), Timestamp(10 * HOUR), RULES);
        assert_eq!(watermark.at(), Timestamp(9 * HOUR));
    }

    #[test]
    fn one_event_far_ahead_makes_nobody_late_and_two_move_on() {
        let day = |day: i64| Timestamp(day * DAY);
        let mut watermark = Watermark::new(Timestamp(0));
        watermark.pass(day(100), day(1_000), RULES);
        watermark.pass(day(465), day(1_000), RULES);
        assert_eq!(watermark.at(), day(100).plus(-HOUR), "a wrong year");
        let mut moved = Watermark::restore(&watermark.metadata(), Timestamp(0)).expect("ours");
        moved.pass(day(101), day(1_000), RULES);
        assert_eq!(moved.at(), day(101).plus(-HOUR), "life goes on");
        moved.pass(day(470), day(1_000), RULES);
        assert_eq!(
            moved.at(),
            day(470).plus(-HOUR),
            "a second one says that time has passed"
        );
        assert!(moved.metadata().starts_with("w1 "), "{}", moved.metadata());
    }

    #[test]
    fn a_leap_is_caught_up_with() {
        let day = |day: i64| Timestamp(day * DAY);
        let mut watermark = Watermark::new(Timestamp(0));
        for at in [100, 120, 107] {
            watermark.pass(day(at), day(1_000), RULES);
        }
        assert_eq!(watermark.at(), day(120).plus(-HOUR));
    }

    #[test]
    fn foreign_metadata_is_refused() {
        assert!(Watermark::restore("w2 5 5", Timestamp(0)).is_err());
        assert!(Watermark::restore("w1 5 5 5", Timestamp(0)).is_err());
        assert!(Watermark::restore("offset metadata", Timestamp(0)).is_err());
        assert!(Watermark::restore("w1 5", Timestamp(0)).is_err());
        assert_eq!(
            Watermark::restore("", Timestamp(3)),
            Ok(Watermark::new(Timestamp(3)))
        );
    }

    proptest! {
        #[test]
        fn markers_are_monotone_and_survive_a_move(times in prop::collection::vec(-50_000_i64..50_000, 1..60), cut in 0_usize..60) {
            let mut watermark = Watermark::new(Timestamp(0));
            let (mut edges, mut last) = (Vec::new(), Timestamp::MIN);
            for (index, minutes) in times.iter().enumerate() {
                if index == cut {
                    watermark = Watermark::restore(&watermark.metadata(), Timestamp(0)).expect("our own metadata");
                }
                let occurred = Timestamp(minutes * 60_000);
                let before = watermark.pass(occurred, LATER, RULES);
                prop_assert!(before >= last);
                last = before;
                edges.extend(watermark.take_new_edge());
                prop_assert!(watermark.take_new_edge().is_none());
            }
            prop_assert!(edges.is_sorted_by(|a, b| a < b));
            prop_assert!(edges.last().is_none_or(|edge| *edge <= watermark.at()));
        }
    }
}
