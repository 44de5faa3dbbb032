//! What came of an action, with an interval: the figures, and how they are made from the buckets around its start.
//!
//! Decision: whole seasons only, on both sides of the start (weeks of days, weeks of hours), because an outcome of ten days
//! would hold one more weekend on one side than on the other; and the estimate of
//! [`auscult_statistics::impact`], which refuses fewer than eight buckets before and four after. Whatever is refused is an
//! outcome too, inconclusive and with the reason: a result that is not there cannot be hidden.

use crate::action::{Review, Target};
use crate::time::{BucketIndex, BucketWidth, Timestamp};
use crate::words::{Direction, OutcomeCaveat, OutcomeMethod, OutcomeStage, OutcomeVerdict};
use auscult_statistics::impact::{
    Impact, ImpactCaveat, ImpactData, ImpactError, ImpactPoint, ImpactSettings, Verdict, Wanted,
    estimate_impact,
};
use serde::{Deserialize, Serialize};

/// What came of an action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Tenant.
    pub tenant: String,
    /// Portfolio.
    pub portfolio: String,
    /// Id: one for each action.
    pub outcome_id: String,
    /// Grows with each outcome sent of this action.
    pub revision: u32,
    /// The action.
    pub action_id: String,
    /// Signals it was about.
    pub signal_ids: Vec<String>,
    /// Incident they belong to.
    pub incident_id: String,
    /// Whether all planned buckets have been seen.
    pub stage: OutcomeStage,
    /// Id of the event that started the action.
    pub caused_by: String,
    /// What was to change, as it was frozen at the start.
    pub target: Target,
    /// Series of the comparison, if one was used.
    pub comparison_series_id: Option<String>,
    /// The figures.
    pub figures: Figures,
    /// What people made of it.
    pub review: Option<Review>,
    /// Event time up to which data had been seen.
    pub as_of: Timestamp,
}

/// The figures of an outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// How it was estimated.
    pub method: OutcomeMethod,
    /// Before the start; `None`: nothing is known.
    pub before: Option<Span>,
    /// After it.
    pub after: Option<Span>,
    /// The change; `None`: none can be given, and the caveats say why.
    pub estimate: Option<Estimate>,
    /// What it comes to.
    pub verdict: OutcomeVerdict,
    /// Reasons to read it with care, each once, sorted.
    pub caveats: Vec<OutcomeCaveat>,
    /// Items counted of the series acted on.
    pub items: u64,
}

/// A stretch of buckets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// Start of the first bucket.
    pub start: Timestamp,
    /// End of the last one.
    pub end: Timestamp,
    /// Buckets with data.
    pub buckets: u32,
    /// Mentions a day, or share of negative items.
    pub rate: f64,
    /// The same of the comparison.
    pub comparison_rate: Option<f64>,
}

/// A relative change with its interval: −0.3 is 30 % less.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The change.
    pub effect: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Level of the interval.
    pub level: f64,
}

/// One bucket around the start of an action.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) bucket: BucketIndex,
    /// `None`: no data.
    pub(crate) acted_on: Option<Tally>,
    /// Of the comparison; `None`: no data, or no comparison.
    pub(crate) comparison: Option<Tally>,
}

/// How often, out of how much.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Mentions, or negative items.
    pub(crate) count: u32,
    /// Days, or items with a feeling; above 0.
    pub(crate) exposure: f64,
}

/// What is known of an action's series.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around<'a> {
    pub(crate) width: BucketWidth,
    /// First bucket after the start.
    pub(crate) first: BucketIndex,
    /// Buckets, ascending and each once.
    pub(crate) seen: &'a [Seen],
    pub(crate) has_comparison: bool,
}

/// Buckets of a whole season: outcomes are made of whole ones.
pub(crate) fn season(width: BucketWidth) -> BucketIndex {
    match width {
        BucketWidth::Hour => 7 * 24,
        BucketWidth::Day => 7,
        BucketWidth::Week | BucketWidth::Month => 1,
    }
}

/// Buckets an outcome is measured over, unless its target says otherwise.
pub(crate) fn usual_buckets_after(width: BucketWidth) -> u32 {
    match width {
        BucketWidth::Hour => 7 * 24,
        BucketWidth::Day => 28,
        BucketWidth::Week => 12,
        BucketWidth::Month => 6,
    }
}

impl Around<'_> {
    /// The figures of what was seen up to bucket `last`, but for caveats that only the machine knows.
    pub(crate) fn figures(&self, target: &Target, last: BucketIndex) -> Figures {
        let whole = |buckets: BucketIndex| match buckets / season(self.width) {
            0 => buckets,
            seasons => seasons * season(self.width),
        };
        let earliest = self.seen.first().map_or(self.first, |seen| seen.bucket);
        let from = self.first - whole((self.first - earliest).max(0));
        let until = self.first + whole((last + 1 - self.first).max(0));
        let used: Vec<&Seen> = self
            .seen
            .iter()
            .filter(|seen| (from..until).contains(&seen.bucket) && self.has_data(seen))
            .collect();
        let before = used.partition_point(|seen| seen.bucket < self.first);
        let point = |tally: Tally| ImpactPoint {
            count: u64::from(tally.count),
            exposure: tally.exposure,
        };
        let acted_on: Vec<ImpactPoint> = used
            .iter()
            .filter_map(|seen| seen.acted_on.map(point))
            .collect();
        let comparison: Vec<ImpactPoint> = used
            .iter()
            .filter_map(|seen| seen.comparison.map(point))
            .take_while(|_| self.has_comparison)
            .collect();
        let phase = |seen: &&Seen| self.width.phase(seen.bucket);
        let phases: Vec<usize> = used.iter().map(phase).collect();
        let data = ImpactData {
            acted_on: &acted_on,
            comparison: &comparison,
            before,
            phases: &phases,
        };
        let estimated = estimate_impact(&data, &ImpactSettings::default());
        let mut caveats = match &estimated {
            Ok(impact) => impact.caveats.iter().map(|&caveat| caveat.into()).collect(),
            Err(error) => vec![refused(error)],
        };
        if used.len() < (until - from).max(0) as usize {
            caveats.push(OutcomeCaveat::BucketsMissing);
        }
        let span = |range: std::ops::Range<usize>| self.span(&used[range]);
        Figures {
            method: if self.has_comparison {
                OutcomeMethod::DifferenceInDifferences
            } else {
                OutcomeMethod::InterruptedSeries
            },
            before: span(0..before),
            after: span(before..used.len()),
            verdict: estimated
                .as_ref()
                .map_or(OutcomeVerdict::Inconclusive, |impact| {
                    verdict(impact, target)
                }),
            estimate: estimated.ok().map(|impact| Estimate {
                effect: impact.ratio - 1.0,
                low: impact.lower - 1.0,
                high: impact.upper - 1.0,
                level: impact.level,
            }),
            caveats,
            items: acted_on.iter().map(|point| point.count).sum(),
        }
    }

    fn has_data(&self, seen: &Seen) -> bool {
        seen.acted_on.is_some() && (!self.has_comparison || seen.comparison.is_some())
    }

    fn span(&self, used: &[&Seen]) -> Option<Span> {
        let (first, last) = (used.first()?, used.last()?);
        let rate = |of: fn(&Seen) -> Option<Tally>| {
            let tallies = used.iter().filter_map(|seen| of(seen));
            let (count, exposure) = tallies.fold((0.0, 0.0), |(count, exposure), tally| {
                (count + f64::from(tally.count), exposure + tally.exposure)
            });
            count / exposure
        };
        Some(Span {
            start: self.width.start(first.bucket),
            end: self.width.end(last.bucket),
            buckets: used.len() as u32,
            rate: rate(|seen| seen.acted_on),
            comparison_rate: self.has_comparison.then(|| rate(|seen| seen.comparison)),
        })
    }
}

fn verdict(impact: &Impact, target: &Target) -> OutcomeVerdict {
    let wanted = match target.direction {
        Direction::Up => Wanted::Up,
        Direction::Down => Wanted::Down,
    };
    match impact.verdict(wanted, target.smallest_relevant_effect.abs()) {
        Verdict::Improved => OutcomeVerdict::Improved,
        Verdict::NoChange => OutcomeVerdict::NoChange,
        Verdict::Worse => OutcomeVerdict::Worse,
        Verdict::Inconclusive => OutcomeVerdict::Inconclusive,
    }
}

impl From<ImpactCaveat> for OutcomeCaveat {
    fn from(caveat: ImpactCaveat) -> OutcomeCaveat {
        match caveat {
            ImpactCaveat::FewCounts => OutcomeCaveat::FewCounts,
            ImpactCaveat::BucketsMoveTogether => OutcomeCaveat::BucketsMoveTogether,
            ImpactCaveat::NoComparison => OutcomeCaveat::NoComparison,
        }
    }
}

fn refused(error: &ImpactError) -> OutcomeCaveat {
    match error {
        ImpactError::TooShort { .. } | ImpactError::LengthsDiffer { .. } => {
            OutcomeCaveat::TooFewBuckets
        }
        ImpactError::NothingCounted => OutcomeCaveat::NothingCounted,
        ImpactError::OutOfRange { .. } | ImpactError::NotSettled => OutcomeCaveat::NotSettled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Measure;

    fn target() -> Target {
        Target {
            measure: Measure::Mentions,
            series_id: "s_1".into(),
            direction: Direction::Down,
            expected_effect: -0.3,
            smallest_relevant_effect: -0.1,
            buckets_after: None,
            value_dimension: None,
        }
    }

    fn days(counts: impl IntoIterator<Item = (BucketIndex, Option<u32>)>) -> Vec<Seen> {
        let tally = |count| Tally {
            count,
            exposure: 1.0,
        };
        counts
            .into_iter()
            .map(|(bucket, count)| Seen {
                bucket,
                acted_on: count.map(tally),
                comparison: None,
            })
            .collect()
    }

    /// Weekends have half of what weekdays have; from bucket 100 everything is 30 % less.
    fn count(bucket: BucketIndex) -> u32 {
        let weekend = (bucket + 3).rem_euclid(7) >= 5;
        let usual = if weekend { 100 } else { 200 };
        if bucket < 100 { usual } else { usual * 7 / 10 }
    }

    #[test]
    fn whole_weeks_are_compared_whatever_day_it_starts_on() {
        for first in 100..107 {
            let at = |bucket: BucketIndex| (bucket, Some(count(bucket - (first - 100))));
            let seen = days((first - 17..first + 10).map(at));
            let around = Around {
                width: BucketWidth::Day,
                first,
                seen: &seen,
                has_comparison: false,
            };
            let figures = around.figures(&target(), first + 9);
            let (before, after) = (figures.before.unwrap(), figures.after.unwrap());
            assert_eq!((before.buckets, after.buckets), (14, 7));
            assert_eq!(before.end, after.start);
            let estimate = figures.estimate.unwrap();
            assert!((estimate.effect + 0.3).abs() < 1e-9, "{estimate:?}");
        }
    }

    #[test]
    fn what_is_missing_is_left_out_and_told() {
        let at = |bucket: BucketIndex| (bucket, (bucket % 5 != 0).then(|| count(bucket)));
        let seen = days((86..114).map(at));
        let around = Around {
            width: BucketWidth::Day,
            first: 100,
            seen: &seen,
            has_comparison: false,
        };
        let figures = around.figures(&target(), 113);
        assert_eq!(figures.before.unwrap().buckets, 12);
        assert!(figures.caveats.contains(&OutcomeCaveat::BucketsMissing));
        assert_eq!(
            figures.items,
            seen.iter()
                .filter_map(|seen| seen.acted_on)
                .map(|it| u64::from(it.count))
                .sum::<u64>()
        );
    }

    #[test]
    fn too_little_is_an_outcome_with_the_reason() {
        let seen = days((96..120).map(|bucket| (bucket, Some(count(bucket)))));
        let around = Around {
            width: BucketWidth::Day,
            first: 100,
            seen: &seen,
            has_comparison: false,
        };
        let figures = around.figures(&target(), 119);
        assert_eq!(figures.estimate, None);
        assert_eq!(figures.verdict, OutcomeVerdict::Inconclusive);
        assert_eq!(figures.caveats, [OutcomeCaveat::TooFewBuckets]);
        let nothing = Around {
            seen: &[],
            ..around
        };
        assert_eq!(nothing.figures(&target(), 99).before, None);
    }
}
