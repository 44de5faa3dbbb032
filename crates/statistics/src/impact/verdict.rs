//! What an estimated effect comes to, given what was wanted of it.
//!
//! Decision: the interval decides, not the estimate, and a smallest change that matters is named beforehand. An effect whose
//! interval lies wholly inside it is no change even when it is surely not zero; beyond that, only an interval that leaves out "no
//! change" says better or worse. A test at a fixed level would call a trivial change of a large series a success, and
//! take silence of a small one for proof that nothing changed.

use super::Impact;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// More.
    Up,
    /// Less.
    Down,
}

/// What came of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It moved the way it was to move.
    Improved,
    /// It moved less than matters.
    NoChange,
    /// It moved the other way.
    Worse,
    /// The interval holds both a change that matters and none.
    Inconclusive,
}

impl Verdict {
    /// The word of the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Improved => "improved",
            Verdict::NoChange => "no_change",
            Verdict::Worse => "worse",
            Verdict::Inconclusive => "inconclusive",
        }
    }
}

impl Impact {
    /// What it comes to. `smallest`: smallest relative change that matters, both ways, from 0 (any does).
    #[must_use]
    pub fn verdict(&self, wanted: Wanted, smallest: f64) -> Verdict {
        if self.lower >= 1.0 - smallest && self.upper <= 1.0 + smallest {
            return Verdict::NoChange;
        }
        let (less, more) = (self.upper < 1.0, self.lower > 1.0);
        match wanted {
            Wanted::Down if less => Verdict::Improved,
            Wanted::Up if more => Verdict::Improved,
            _ if less || more => Verdict::Worse,
            _ => Verdict::Inconclusive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(lower: f64, upper: f64) -> Impact {
        Impact {
            ratio: (lower * upper).sqrt(),
            lower,
            upper,
            level: 0.9,
            dispersion: 1.0,
            caveats: Vec::new(),
        }
    }

    #[test]
    fn the_interval_decides_and_a_change_that_does_not_matter_is_none() {
        for (lower, upper, wanted, verdict) in [
            (0.6, 0.8, Wanted::Down, Verdict::Improved),
            (0.6, 0.8, Wanted::Up, Verdict::Worse),
            (1.2, 1.6, Wanted::Up, Verdict::Improved),
            (1.2, 1.6, Wanted::Down, Verdict::Worse),
            (0.93, 0.99, Wanted::Down, Verdict::NoChange),
            (0.95, 1.05, Wanted::Up, Verdict::NoChange),
            (0.7, 1.1, Wanted::Down, Verdict::Inconclusive),
            (0.95, 1.4, Wanted::Up, Verdict::Inconclusive),
        ] {
            let said = between(lower, upper).verdict(wanted, 0.1);
            assert_eq!(said, verdict, "{lower} to {upper}, {wanted:?}");
        }
    }
}
