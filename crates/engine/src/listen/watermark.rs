//! How far each source partition has come in event time.
//!
//! A watermark per source partition, not per instance or per feed: it is a function of one partition's
//! records in their order, so it is the same whatever the interleaving and whoever owns the partition. It
//! travels as the metadata of the committed position, so that it moves with the partition.

use auscult_core::time::{BucketWidth, HOUR, Timestamp};

/// The width of the edges at which markers are written: the narrowest bucket there is.
const EDGE: BucketWidth = BucketWidth::Hour;

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
}

/// The first format of the metadata beside a position.
const FORMAT: &str = "w1";

impl Watermark {
    /// A partition nobody has read yet; its idle time begins `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Watermark {
        Watermark {
            at: Timestamp::MIN,
            marked: Timestamp::MIN,
            heard_at: now,
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
        match (format, number(), number()) {
            (Some(FORMAT), Some(at), Some(marked)) => Ok(Watermark {
                at,
                marked,
                heard_at: now,
            }),
            _ => Err(format!("{metadata:?} is not the metadata of a watermark")),
        }
    }

    /// What to commit beside the position.
    #[must_use]
    pub fn metadata(&self) -> String {
        format!("{FORMAT} {} {}", self.at.0, self.marked.0)
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
        self.move_to(occurred_at.min(now).plus(-rules.lateness));
        before
    }

    /// Moves on to `at`; never back.
    pub fn move_to(&mut self, at: Timestamp) {
        self.at = self.at.max(at);
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
    fn foreign_metadata_is_refused() {
        assert!(Watermark::restore("offset metadata", Timestamp(0)).is_err());
        assert!(Watermark::restore("w1 5", Timestamp(0)).is_err());
        assert_eq!(
            Watermark::restore("", Timestamp(3)),
            Ok(Watermark::new(Timestamp(3)))
        );
    }

    proptest! {
        #[test]
        fn markers_are_monotone_and_survive_a_move(times in prop::collection::vec(-5_000_i64..5_000, 1..60), cut in 0_usize..60) {
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
