//! How much of the assigned partitions is unread, right also with transaction markers and compaction.
//!
//! Offsets alone lie: behind the last record of a transactional topic lies a marker nobody is ever handed, so
//! that `end − position` stays at one for ever. librdkafka's statistics tell the offset it will fetch next,
//! which has passed markers and gaps. Two of them in a row, the second with an empty queue, prove that
//! everything below the first was handed to us. The end is asked of the brokers, so that brokers that cannot
//! be reached never look like a quiet topic.

use auscult_engine::log::TopicPartition;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How old the answer of the brokers may be that says nothing is left.
pub(crate) const STALE_AFTER: Duration = Duration::from_secs(2);

/// One partition of ours.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Held {
    /// Next offset we want.
    pub next: u64,
    /// Everything below was handed to us, gaps included.
    passed: u64,
    /// Offset librdkafka was to fetch next at the last statistics.
    fetching: u64,
    /// The last stable offset, when it was asked for.
    end: Option<u64>,
    /// Milliseconds since the epoch of the last record read.
    pub last_record: i64,
}

impl Held {
    /// A partition read from `next` on.
    pub fn from(next: u64) -> Held {
        Held {
            next,
            passed: next,
            ..Held::default()
        }
    }

    /// Offsets up to the end that we were asked for last; `None`: never asked.
    pub fn unread(&self) -> Option<u64> {
        let reached = self.next.max(self.passed);
        self.end.map(|end| end.saturating_sub(reached))
    }
}

/// All partitions of one consumer.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    pub held: BTreeMap<TopicPartition, Held>,
    /// When the ends were asked for.
    asked: Option<Instant>,
    /// The last poll brought as much as it was allowed to: there is surely more.
    pub full: bool,
    /// The group has told us what is ours, be it nothing.
    pub joined: bool,
}

impl Reach {
    /// Takes librdkafka's statistics in.
    pub fn learn(&mut self, statistics: &[u8]) {
        let Ok(read) = serde_json::from_slice::<Value>(statistics) else {
            return;
        };
        let told = |at: &TopicPartition, field: &str| {
            read["topics"][at.topic.as_ref()]["partitions"][at.partition.to_string()][field]
                .as_i64()
        };
        let queue_is_empty = self
            .held
            .keys()
            .all(|at| told(at, "fetchq_cnt").unwrap_or(1) == 0);
        for (at, held) in &mut self.held {
            if queue_is_empty {
                held.passed = held.passed.max(held.fetching);
            }
            let next = told(at, "next_offset").and_then(|next| u64::try_from(next).ok());
            held.fetching = next.unwrap_or(0);
        }
    }

    /// Whether the ends should be asked for (again).
    pub fn wants_ends(&self, every: Duration) -> bool {
        !self.held.is_empty() && self.asked.is_none_or(|asked| asked.elapsed() >= every)
    }

    /// Takes the brokers' answer in; `asked` is when the question was put.
    pub fn ends(&mut self, ends: impl Iterator<Item = (TopicPartition, u64)>, asked: Instant) {
        for (at, end) in ends {
            if let Some(held) = self.held.get_mut(&at) {
                held.end = Some(end);
            }
        }
        self.asked = Some(asked);
    }

    /// The brokers did not answer.
    pub fn no_ends(&mut self) {
        self.asked = None;
    }

    /// Offsets not read yet; at least 1 whenever it is not certain that nothing is left.
    pub fn unread(&self) -> u64 {
        let sum: Option<u64> = self.held.values().map(Held::unread).sum();
        let certain = self.joined
            && !self.full
            && (self.held.is_empty()
                || self
                    .asked
                    .is_some_and(|asked| asked.elapsed() < STALE_AFTER));
        match sum {
            Some(sum) if certain => sum,
            Some(sum) => sum.max(1),
            None => 1,
        }
    }

    /// The moment up to which everything was read, when nothing is left.
    pub fn drained_at(&self) -> Option<Instant> {
        if self.unread() > 0 {
            None
        } else if self.held.is_empty() {
            Some(Instant::now())
        } else {
            self.asked
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> TopicPartition {
        TopicPartition {
            topic: "t".into(),
            partition: 3,
        }
    }

    fn statistics(next: i64, queued: i64) -> Vec<u8> {
        format!(r#"{{"topics":{{"t":{{"partitions":{{"3":{{"next_offset":{next},"fetchq_cnt":{queued}}}}}}}}}}}"#)
            .into_bytes()
    }

    fn reach() -> Reach {
        let mut reach = Reach {
            joined: true,
            ..Reach::default()
        };
        reach.held.insert(at(), Held::from(10));
        reach
    }

    #[test]
    fn a_marker_at_the_end_is_not_unread_once_it_was_passed_twice() {
        let mut reach = reach();
        assert_eq!(reach.unread(), 1, "nobody has asked for the end yet");
        reach.ends([(at(), 11)].into_iter(), Instant::now());
        assert_eq!(reach.unread(), 1, "offset 10 may be a record");
        reach.learn(&statistics(11, 0));
        assert_eq!(
            reach.unread(),
            1,
            "it may have been on its way to the queue"
        );
        reach.learn(&statistics(11, 0));
        assert_eq!(reach.unread(), 0, "it was a marker");
        assert!(reach.drained_at().is_some());
    }

    #[test]
    fn what_waits_in_the_queue_is_unread() {
        let mut reach = reach();
        reach.ends([(at(), 12)].into_iter(), Instant::now());
        reach.learn(&statistics(12, 2));
        reach.learn(&statistics(12, 2));
        assert_eq!(reach.unread(), 2);
        reach.held.get_mut(&at()).expect("held").next = 12;
        assert_eq!(reach.unread(), 0);
    }

    #[test]
    fn silence_of_the_brokers_is_not_a_quiet_topic() {
        let mut reach = reach();
        reach.ends([(at(), 10)].into_iter(), Instant::now());
        assert_eq!(reach.unread(), 0);
        reach.no_ends();
        assert_eq!(reach.unread(), 1);
        let mut nobody = Reach::default();
        assert_eq!(nobody.unread(), 1, "the group has not answered yet");
        nobody.joined = true;
        assert_eq!(nobody.unread(), 0);
    }
}
