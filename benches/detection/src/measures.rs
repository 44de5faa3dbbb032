//! Rates of false alarms and of detection.
//!
//! Thresholds are set on the quiet series of one half of the replicates (odd or even) and applied to the other half, so that no
//! series helps to set the threshold it is judged by.

use std::collections::BTreeMap;

use crate::calibrate::Chance;
use crate::panels::Series;

/// What a channel said about one series: its score (−ln p where it has a p-value) in each judged bucket, without and with
/// the current outbreak.
#[derive(Clone, Debug)]
pub struct Scored {
    pub quiet: Vec<f32>,
    pub struck: Vec<f32>,
}

/// A panel judged by one channel of one method.
pub struct Judged<'a> {
    pub name: String,
    pub channel: &'static str,
    pub series: Vec<&'a Series>,
    pub scored: Vec<Scored>,
    /// Bucket (1-based) of the first score.
    pub first: usize,
    /// Nanoseconds a step.
    pub nanoseconds: f64,
}

/// Which replicates are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Replicates {
    /// Odd ones: the development settings were tuned on the even ones.
    Odd,
    /// Even ones: what was tuned on.
    Even,
    /// All, each half with the other's threshold: for panels nothing was tuned on.
    All,
}

impl Replicates {
    pub fn reports(self, series: &Series) -> bool {
        match self {
            Self::Odd => series.replicate % 2 == 1,
            Self::Even => series.replicate.is_multiple_of(2),
            Self::All => true,
        }
    }
}

/// One threshold for even and one for odd replicates.
pub type Thresholds = [f32; 2];

/// Measures at a pair of thresholds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measures {
    pub false_positive_rate: f64,
    pub worst_group_rate: f64,
    pub best_group_rate: f64,
    /// Probability of detection: an alarm from start to end.
    pub detected: f64,
    /// Alarm in the first bucket (weekly: first week; daily: first day).
    pub detected_at_once: f64,
    /// Share of outbreak buckets with an alarm.
    pub sensitivity: f64,
    /// Share of outbreak cases in buckets with an alarm.
    pub cases_covered: f64,
    pub f1: f64,
    /// Mean buckets from start to first alarm, among the detected.
    pub delay: f64,
}

pub fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn alarms_over(scores: &[f32], threshold: f32) -> usize {
    scores.iter().filter(|score| **score > threshold).count()
}

/// Places at which an alarm has none in the two buckets before.
pub fn episode_places(scores: &[f32], threshold: f32) -> impl Iterator<Item = usize> {
    let alarm = move |place: usize| scores[place] > threshold;
    (0..scores.len())
        .filter(move |place| alarm(*place) && !(place.saturating_sub(2)..*place).any(alarm))
}

fn episodes(scores: &[f32], threshold: f32) -> usize {
    episode_places(scores, threshold).count()
}

impl Judged<'_> {
    fn half(&self, parity: usize) -> impl Iterator<Item = &Scored> {
        self.series
            .iter()
            .zip(&self.scored)
            .filter(move |(series, _)| series.replicate % 2 == parity)
            .map(|(_, scored)| scored)
    }

    fn reported(&self, which: Replicates) -> impl Iterator<Item = (&Series, &Scored)> {
        self.series
            .iter()
            .copied()
            .zip(&self.scored)
            .filter(move |(series, _)| which.reports(series))
    }

    /// Thresholds above which the given share of the other half's quiet buckets lies.
    pub fn thresholds(&self, rate: f64) -> Thresholds {
        [0, 1].map(|parity| {
            let mut scores: Vec<f32> = self
                .half(1 - parity)
                .flat_map(|scored| scored.quiet.iter().copied())
                .collect();
            scores.sort_by(|left, right| right.total_cmp(left));
            scores
                .get((rate * scores.len() as f64) as usize)
                .copied()
                .unwrap_or(f32::INFINITY)
        })
    }

    /// Thresholds at which episodes start at the given rate in the other half's quiet series.
    pub fn episode_thresholds(&self, rate: f64) -> Thresholds {
        [0, 1].map(|parity| {
            let buckets: usize = self.half(1 - parity).map(|scored| scored.quiet.len()).sum();
            let (mut low, mut high) = (0.5_f32, 60.0_f32);
            for _ in 0..40 {
                let middle = 0.5 * (low + high);
                let started: usize = self
                    .half(1 - parity)
                    .map(|scored| episodes(&scored.quiet, middle))
                    .sum();
                if share(started, buckets) > rate {
                    low = middle
                } else {
                    high = middle
                }
            }
            high
        })
    }

    /// False positive rate of each group.
    pub fn group_rates(&self, thresholds: Thresholds, which: Replicates) -> BTreeMap<usize, f64> {
        let mut counts: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for (series, scored) in self.reported(which) {
            let count = counts.entry(series.group).or_default();
            count.0 += alarms_over(&scored.quiet, thresholds[series.replicate % 2]);
            count.1 += scored.quiet.len();
        }
        counts
            .into_iter()
            .map(|(group, (alarms, buckets))| (group, share(alarms, buckets)))
            .collect()
    }

    /// Places of an outbreak's buckets among the judged ones.
    fn during(&self, series: &Series, scored: &Scored) -> std::ops::RangeInclusive<usize> {
        let last = scored.struck.len() - 1;
        series.outbreak.start - self.first..=(series.outbreak.end - self.first).min(last)
    }

    /// All measures at thresholds.
    pub fn measures(&self, thresholds: Thresholds, which: Replicates) -> Measures {
        let rates = self.group_rates(thresholds, which);
        let (mut alarms, mut buckets, mut found, mut at_once, mut delay, mut outbreaks) =
            (0, 0, 0, 0, 0, 0);
        let (mut true_alarms, mut other_alarms, mut sick, mut cases, mut covered) = (0, 0, 0, 0, 0);
        for (series, scored) in self.reported(which) {
            let threshold = thresholds[series.replicate % 2];
            outbreaks += 1;
            alarms += alarms_over(&scored.quiet, threshold);
            buckets += scored.quiet.len();
            let during = self.during(series, scored);
            sick += during.clone().count();
            if let Some(place) = during
                .clone()
                .find(|place| scored.struck[*place] > threshold)
            {
                found += 1;
                delay += place - during.start();
                at_once += usize::from(place == *during.start());
            }
            for (place, score) in scored.struck.iter().enumerate() {
                let (alarm, sick) = (*score > threshold, during.contains(&place));
                let added = if sick {
                    series.added[place + self.first - 1] as usize
                } else {
                    0
                };
                cases += added;
                covered += if alarm { added } else { 0 };
                true_alarms += usize::from(alarm && sick);
                other_alarms += usize::from(alarm && !sick);
            }
        }
        Measures {
            false_positive_rate: share(alarms, buckets),
            worst_group_rate: rates.values().copied().fold(0.0, f64::max),
            best_group_rate: rates.values().copied().fold(1.0, f64::min),
            detected: share(found, outbreaks),
            detected_at_once: share(at_once, outbreaks),
            sensitivity: share(true_alarms, sick),
            cases_covered: share(covered, cases),
            f1: share(2 * true_alarms, true_alarms + other_alarms + sick),
            delay: share(delay, found),
        }
    }

    /// Whether each reported outbreak was found at all, by group and replicate.
    pub fn found(
        &self,
        thresholds: Thresholds,
        which: Replicates,
    ) -> BTreeMap<(usize, usize), bool> {
        self.reported(which)
            .map(|(series, scored)| {
                let found = self
                    .during(series, scored)
                    .any(|place| scored.struck[place] > thresholds[series.replicate % 2]);
                ((series.group, series.replicate), found)
            })
            .collect()
    }
}

/// Mean difference of two paired lists and its 95 % bootstrap interval (1,000 resamples, fixed seed).
///
/// Only series judged by both count.
pub fn paired_difference(
    left: &BTreeMap<(usize, usize), bool>,
    right: &BTreeMap<(usize, usize), bool>,
) -> (f64, f64, f64) {
    let differences: Vec<f64> = left
        .iter()
        .filter_map(|(key, left)| {
            right
                .get(key)
                .map(|right| f64::from(u8::from(*left)) - f64::from(u8::from(*right)))
        })
        .collect();
    let count = differences.len().max(1);
    let mean = differences.iter().sum::<f64>() / count as f64;
    let mut chance = Chance::new(2026);
    let mut means: Vec<f64> = (0..1000)
        .map(|_| {
            (0..count)
                .map(|_| differences[(chance.uniform() * count as f64) as usize])
                .sum::<f64>()
                / count as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    (mean, means[25], means[974])
}
