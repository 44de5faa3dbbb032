//! Faults on demand: scripted for a test of one case, or drawn from a seed for a search through many.

use std::collections::VecDeque;

use crate::chance::Chance;

/// What a commit does instead of working.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitFault {
    /// Nothing is written; the same turn may be offered again.
    Retry,
    /// Nothing is written and the partitions are gone.
    FencedBefore,
    /// Everything is written, but the answer is lost: the log can only say that the partitions are gone. Whoever keeps
    /// its machines now counts twice.
    FencedAfter,
    /// The process dies before anything is written.
    DieBefore,
    /// The process dies after everything is written and before it hears of it.
    DieAfter,
}

/// What a poll does instead of working.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PollFault {
    /// Nothing comes.
    Empty,
    /// One record comes, whatever was asked for.
    Short,
    /// The log is not reachable for now.
    Retry,
    /// One partition is taken away; it comes back with the next poll.
    Revoke,
}

/// How often faults happen, each in 0 … 1 a call.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FaultRates {
    /// [`CommitFault::Retry`].
    pub commit_retry: f64,
    /// [`CommitFault::FencedBefore`].
    pub commit_fenced_before: f64,
    /// [`CommitFault::FencedAfter`].
    pub commit_fenced_after: f64,
    /// [`CommitFault::DieBefore`].
    pub die_before: f64,
    /// [`CommitFault::DieAfter`].
    pub die_after: f64,
    /// [`PollFault::Empty`].
    pub poll_empty: f64,
    /// [`PollFault::Short`].
    pub poll_short: f64,
    /// [`PollFault::Retry`].
    pub poll_retry: f64,
    /// [`PollFault::Revoke`].
    pub revoke: f64,
}

impl FaultRates {
    /// Everything that can go wrong, often.
    #[must_use]
    pub fn rough() -> FaultRates {
        FaultRates {
            commit_retry: 0.05,
            commit_fenced_before: 0.03,
            commit_fenced_after: 0.03,
            die_before: 0.02,
            die_after: 0.02,
            poll_empty: 0.05,
            poll_short: 0.1,
            poll_retry: 0.03,
            revoke: 0.05,
        }
    }
}

/// What goes wrong when.
#[derive(Debug, Clone, Default)]
pub enum Faults {
    /// Nothing.
    #[default]
    None,
    /// The next commits, in order; `None` works, and so does everything after the end.
    Script(VecDeque<Option<CommitFault>>),
    /// Drawn from a seed; partitions are then also read in a drawn order.
    Seeded(FaultRates, Box<Chance>),
}

impl Faults {
    /// Faults of the next commits, in order.
    pub fn script(commits: impl IntoIterator<Item = Option<CommitFault>>) -> Faults {
        Faults::Script(commits.into_iter().collect())
    }

    /// Faults drawn from `seed`.
    #[must_use]
    pub fn seeded(rates: FaultRates, seed: u64) -> Faults {
        Faults::Seeded(rates, Box::new(Chance::new(seed)))
    }

    pub(crate) fn of_commit(&mut self) -> Option<CommitFault> {
        match self {
            Faults::None => None,
            Faults::Script(commits) => commits.pop_front().flatten(),
            Faults::Seeded(rates, chance) => first_of(
                chance,
                &[
                    (rates.commit_retry, CommitFault::Retry),
                    (rates.commit_fenced_before, CommitFault::FencedBefore),
                    (rates.commit_fenced_after, CommitFault::FencedAfter),
                    (rates.die_before, CommitFault::DieBefore),
                    (rates.die_after, CommitFault::DieAfter),
                ],
            ),
        }
    }

    pub(crate) fn of_poll(&mut self) -> Option<PollFault> {
        match self {
            Faults::Seeded(rates, chance) => first_of(
                chance,
                &[
                    (rates.poll_empty, PollFault::Empty),
                    (rates.poll_short, PollFault::Short),
                    (rates.poll_retry, PollFault::Retry),
                    (rates.revoke, PollFault::Revoke),
                ],
            ),
            _ => None,
        }
    }

    /// Where among `count` partitions a poll begins.
    pub(crate) fn first_partition(&mut self, turn: u64, count: usize) -> usize {
        match self {
            Faults::Seeded(_, chance) => chance.below(count as u64) as usize,
            _ => (turn % count.max(1) as u64) as usize,
        }
    }
}

fn first_of<T: Copy>(chance: &mut Chance, faults: &[(f64, T)]) -> Option<T> {
    let mut draw = chance.share();
    for (rate, fault) in faults {
        if draw < *rate {
            return Some(*fault);
        }
        draw -= rate;
    }
    None
}
