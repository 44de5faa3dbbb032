//! Rates of false alarms and of detection at a threshold.

use std::collections::BTreeMap;

use crate::panels::Series;

/// What a method said about one series: −ln p of each judged bucket, without and with the current outbreak.
#[derive(Clone, Debug)]
pub struct Scored {
    pub quiet: Vec<f32>,
    pub struck: Vec<f32>,
}

/// A panel judged by one channel of one method.
pub struct Judged<'a> {
    pub series: Vec<&'a Series>,
    pub scored: Vec<Scored>,
    /// Bucket (1-based) of the first score.
    pub first: usize,
}

/// Measures at one threshold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measures {
    pub false_positive_rate: f64,
    pub worst_group_rate: f64,
    pub best_group_rate: f64,
    pub detected: f64,
    pub detected_at_once: f64,
    pub sensitivity: f64,
    pub f1: f64,
    /// Mean buckets from start to first alarm, among the detected.
    pub delay: f64,
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

impl Judged<'_> {
    /// Threshold above which exactly the given share of quiet buckets lies.
    pub fn threshold(&self, rate: f64) -> f32 {
        let mut scores: Vec<f32> = self
            .scored
            .iter()
            .flat_map(|scored| scored.quiet.iter().copied())
            .collect();
        scores.sort_by(|left, right| right.total_cmp(left));
        let allowed = (rate * scores.len() as f64).floor() as usize;
        scores.get(allowed).copied().unwrap_or(f32::INFINITY)
    }

    /// Threshold above which episodes (an alarm with none in the two buckets before) start at the given rate.
    pub fn episode_threshold(&self, rate: f64) -> f32 {
        let buckets: usize = self.scored.iter().map(|scored| scored.quiet.len()).sum();
        let (mut low, mut high) = (0.0_f32, 40.0_f32);
        for _ in 0..40 {
            let middle = 0.5 * (low + high);
            let episodes: usize = self
                .scored
                .iter()
                .map(|scored| episodes(&scored.quiet, middle))
                .sum();
            if share(episodes, buckets) > rate {
                low = middle
            } else {
                high = middle
            }
        }
        high
    }

    /// False positive rate of each group.
    pub fn group_rates(&self, threshold: f32) -> BTreeMap<usize, f64> {
        let mut counts: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for (series, scored) in self.series.iter().zip(&self.scored) {
            let count = counts.entry(series.group).or_default();
            count.0 += scored
                .quiet
                .iter()
                .filter(|score| **score > threshold)
                .count();
            count.1 += scored.quiet.len();
        }
        counts
            .into_iter()
            .map(|(group, (alarms, buckets))| (group, share(alarms, buckets)))
            .collect()
    }

    /// All measures at a threshold.
    pub fn measures(&self, threshold: f32) -> Measures {
        let rates = self.group_rates(threshold);
        let mut measures = Measures {
            worst_group_rate: rates.values().copied().fold(0.0, f64::max),
            best_group_rate: rates.values().copied().fold(1.0, f64::min),
            ..Measures::default()
        };
        let (mut alarms, mut buckets, mut found, mut at_once, mut delay) = (0, 0, 0, 0, 0);
        let (mut true_alarms, mut other_alarms, mut sick) = (0, 0, 0);
        for (series, scored) in self.series.iter().zip(&self.scored) {
            alarms += scored
                .quiet
                .iter()
                .filter(|score| **score > threshold)
                .count();
            buckets += scored.quiet.len();
            let during = series.outbreak.start - self.first
                ..=(series.outbreak.end - self.first).min(scored.struck.len() - 1);
            sick += during.clone().count();
            let first_alarm = during
                .clone()
                .find(|place| scored.struck[*place] > threshold);
            if let Some(place) = first_alarm {
                found += 1;
                delay += place - during.start();
                at_once += usize::from(place == *during.start());
            }
            for (place, score) in scored.struck.iter().enumerate() {
                if *score > threshold {
                    if during.contains(&place) {
                        true_alarms += 1
                    } else {
                        other_alarms += 1
                    }
                }
            }
        }
        measures.false_positive_rate = share(alarms, buckets);
        measures.detected = share(found, self.series.len());
        measures.detected_at_once = share(at_once, self.series.len());
        measures.sensitivity = share(true_alarms, sick);
        measures.f1 = share(2 * true_alarms, true_alarms + other_alarms + sick);
        measures.delay = share(delay, found);
        measures
    }
}

fn episodes(scores: &[f32], threshold: f32) -> usize {
    let alarm = |place: usize| scores[place] > threshold;
    (0..scores.len())
        .filter(|place| alarm(*place) && !(place.saturating_sub(2)..*place).any(alarm))
        .count()
}
