//! Counts judged by a reference method of a view's choice, over a bounded history.
//!
//! Decision: the methods stay what they are, pure functions of a history; a track keeps as much of it as its method looks
//! back, and nothing else. Turning each into an updating form would give second versions whose numbers are no longer those
//! of the published method ([decision 0035](../../../../docs/decisions/0035-methods-of-views.md)).

use super::Verdict;
use crate::time::{BucketIndex, BucketWidth, DAY};
use auscult_statistics::count::Forecast;
use auscult_statistics::distribution::{normal_quantile, normal_upper};
use auscult_statistics::reference::{Calendar, CountSeries, Judgement, NAMES, ReferenceMethod};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What views are judged by unless they name a method.
pub const DEFAULT_METHOD: &str = auscult_statistics::count::DYNAMIC_COUNT;

/// Methods a view can name: those that say how surprising a count is, so that false discoveries can be controlled.
pub const LIVE_METHODS: [&str; 7] = [
    "farrington_flexible_nb_plug_in",
    "farrington_flexible_upper_mean",
    "farrington_flexible_delta",
    "farrington",
    "ears_c1",
    "ears_c2",
    "bayes",
];

/// Why a view cannot be judged by `name` at `width`: reason and remedy.
#[must_use]
pub fn refusal(name: &str, width: BucketWidth) -> Option<(String, String)> {
    let known = || format!("{DEFAULT_METHOD}, {}", LIVE_METHODS.join(", "));
    if name == DEFAULT_METHOD {
        return None;
    }
    if LIVE_METHODS.contains(&name) {
        let is_yearly = name.starts_with("farrington");
        return (is_yearly && width == BucketWidth::Hour).then(|| {
            (
                format!("{name} looks back five years, which are 43,830 hours for every series"),
                "use buckets of a day or more".to_owned(),
            )
        });
    }
    if NAMES.contains(&name) {
        return Some((
            format!(
                "{name} raises an alarm or none and gives no p-value, so the portfolio's rate of false discoveries cannot be held"
            ),
            format!(
                "run it with `auscult backtest`, or choose one of {}",
                known()
            ),
        ));
    }
    Some((
        format!("{name:?} is not known"),
        format!("choose one of {}", known()),
    ))
}

/// Buckets a year, as methods with whole numbers of them want it.
#[must_use]
pub fn whole_buckets_per_year(width: BucketWidth) -> usize {
    match width {
        BucketWidth::Hour => 8766,
        BucketWidth::Day => 365,
        BucketWidth::Week => 52,
        BucketWidth::Month => 12,
    }
}

/// Buckets before the judged one that a method looks at, at most.
fn look_back(name: &str, width: BucketWidth) -> usize {
    match name {
        "ears_c1" => 7,
        "ears_c2" => 9,
        "bayes" => 6,
        // Five years, the longest there are at each width, and three buckets before the same time of year.
        _ => match width {
            BucketWidth::Hour => 5 * 8784 + 4,
            BucketWidth::Day => 5 * 366 + 4,
            BucketWidth::Week => 5 * 53 + 4,
            BucketWidth::Month => 5 * 12 + 4,
        },
    }
}

/// Level of the bound of EARS C1 and C2.
const EARS_ALPHA: f64 = 0.001;

/// A method as one bucket width uses it.
#[derive(Debug)]
pub(super) struct Reference {
    name: &'static str,
    method: Box<dyn ReferenceMethod>,
    width: BucketWidth,
    /// Buckets kept: what the method looks at, for every bucket late data may still restate.
    kept: usize,
}

/// A method's history of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceState {
    method: &'static str,
    history: History,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct History {
    /// Bucket of the first count.
    first: BucketIndex,
    /// One count a bucket, without gaps, oldest first.
    counts: VecDeque<u32>,
}

/// What a method says, in the terms every track has.
#[derive(Debug, Clone, Copy)]
struct Said {
    expected: f64,
    dispersion: f64,
    p_upper: f64,
    /// Buckets looked at; 0: the method could not judge.
    points: usize,
}

impl Reference {
    /// The method `name` at `width`, for histories that late data may restate over `restated` buckets; `None` if no view
    /// can be judged by it.
    pub(super) fn new(name: &str, width: BucketWidth, restated: usize) -> Option<Reference> {
        let name = *LIVE_METHODS.iter().find(|live| **live == name)?;
        // Default settings of a method pass its own check; a test in statistics says so.
        let method = auscult_statistics::reference::named(name).ok()??;
        Some(Reference {
            name,
            method,
            width,
            kept: look_back(name, width) + restated + 1,
        })
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// A history that begins before `bucket`. `quiet_buckets`: how long nothing was heard, which is a history of zeros.
    pub(super) fn start(&self, bucket: BucketIndex, quiet_buckets: u32) -> ReferenceState {
        let quiet = (quiet_buckets as usize).min(self.kept);
        ReferenceState {
            method: self.name,
            history: History {
                first: bucket - quiet as BucketIndex,
                counts: std::iter::repeat_n(0, quiet).collect(),
            },
        }
    }

    /// Judges `bucket` and takes its count in; `None`: no data, and what was expected stands in for it.
    pub(super) fn step(
        &self,
        state: &mut ReferenceState,
        bucket: BucketIndex,
        count: Option<u32>,
    ) -> (Verdict, Forecast) {
        let history = &mut state.history;
        history.put(bucket, count.unwrap_or(0));
        let (verdict, forecast) = self.judge(history, bucket);
        if count.is_none() {
            history.put(
                bucket,
                forecast.mean.round().clamp(0.0, f64::from(u32::MAX)) as u32,
            );
        }
        history.forget(self.kept);
        let verdict = Verdict {
            observed: count.map(f64::from),
            items: count.unwrap_or(0),
            ..verdict
        };
        (verdict, forecast)
    }

    /// Judges `bucket` with another count, which then stays in the history. What was expected stays as it was.
    pub(super) fn judge_again(
        &self,
        state: &mut ReferenceState,
        bucket: BucketIndex,
        count: u32,
    ) -> (f64, f64) {
        state.history.put(bucket, count);
        self.judge(&state.history, bucket).0.p_bucket
    }

    /// A bucket of the history as the method sees it today.
    pub(super) fn recall(
        &self,
        state: &ReferenceState,
        bucket: BucketIndex,
    ) -> (Verdict, Forecast) {
        self.judge(&state.history, bucket)
    }

    fn judge(&self, history: &History, bucket: BucketIndex) -> (Verdict, Forecast) {
        let said = self.ask(history, bucket);
        let forecast = Forecast {
            mean: said.expected,
            dispersion: said.dispersion,
            rate_variance: 0.0,
            dispersion_deviation: 0.0,
            points: said.points as f64,
            season_probability: f64::from(u8::from(self.name.starts_with("farrington"))),
            method: self.name,
        };
        // The methods look for rises. A side that is not tested cannot surprise.
        let sides = (said.p_upper, 1.0);
        let observed = history.get(bucket).map(f64::from);
        let verdict = Verdict {
            observed,
            items: observed.unwrap_or(0.0) as u32,
            expected: said.expected,
            deviation: forecast.variance().sqrt(),
            p_bucket: sides,
            p_combined: sides,
        };
        (verdict, forecast)
    }

    fn ask(&self, history: &History, bucket: BucketIndex) -> Said {
        let counts: Vec<u64> = history
            .counts
            .iter()
            .map(|&count| u64::from(count))
            .collect();
        let days: Vec<i32> = (0..counts.len())
            .map(|place| {
                let start = self.width.start(history.first + place as BucketIndex);
                start.0.div_euclid(DAY) as i32
            })
            .collect();
        let buckets_per_year = whole_buckets_per_year(self.width);
        let series = CountSeries {
            counts: &counts,
            calendar: match self.width {
                BucketWidth::Hour => Calendar::Even { buckets_per_year },
                _ => Calendar::Dated {
                    days: &days,
                    buckets_per_year,
                },
            },
            population: &[],
        };
        let place = usize::try_from(bucket - history.first).unwrap_or(usize::MAX);
        let range = place..place.saturating_add(1);
        let judged = self.method.judge(&series, range);
        let judgement = judged.ok().and_then(|found| found.first().copied());
        judgement
            .and_then(|it| self.read(&it, place))
            .unwrap_or_else(|| unjudged(&counts, place))
    }

    /// `None` where the method has no expectation or no p-value for this bucket.
    fn read(&self, judgement: &Judgement, place: usize) -> Option<Said> {
        let expected = judgement.expected?.max(1e-9);
        let (p_upper, dispersion) = match self.name {
            // Mean and standard deviation of the baseline, and a normal distribution.
            "ears_c1" | "ears_c2" => {
                let deviation = (judgement.upper? - expected) / normal_quantile(1.0 - EARS_ALPHA);
                let p_upper = normal_upper(judgement.score?);
                (p_upper, deviation * deviation / expected)
            }
            // Negative binomial of size Σ + ½ around Σ + ½ over six.
            "bayes" => (judgement.p_value?, 1.0 + 1.0 / 6.0),
            _ => (judgement.p_value?, judgement.dispersion?),
        };
        Some(Said {
            expected,
            dispersion: dispersion.clamp(1.0, 1e6),
            p_upper: p_upper.clamp(0.0, 1.0),
            points: place.min(look_back(self.name, self.width)),
        })
    }

    /// What people accepted as the new normal: everything before the last `recent` buckets is moved to the level of late.
    pub(super) fn accept(&self, state: &mut ReferenceState, recent: &[f64], expected: f64) {
        let level = recent.iter().sum::<f64>() / recent.len().max(1) as f64;
        let counts = &mut state.history.counts;
        let older = counts.len().saturating_sub(recent.len());
        for count in counts.iter_mut().take(older) {
            let moved = if expected < 0.05 {
                level
            } else {
                f64::from(*count) * (level / expected)
            };
            *count = moved.round().clamp(0.0, f64::from(u32::MAX)) as u32;
        }
    }
}

/// Too little history, or a baseline without spread: nothing is said, and the mean of what there is stands as expected.
fn unjudged(counts: &[u64], place: usize) -> Said {
    let before = &counts[..place.min(counts.len())];
    let sum: f64 = before.iter().map(|&count| count as f64).sum();
    Said {
        expected: (sum / before.len().max(1) as f64).max(1e-9),
        dispersion: 1.0,
        p_upper: 1.0,
        points: 0,
    }
}

impl History {
    /// Sets the count of a bucket, which is the next one or one that is kept.
    fn put(&mut self, bucket: BucketIndex, count: u32) {
        if self.counts.is_empty() {
            self.first = bucket;
        }
        let Ok(place) = usize::try_from(bucket - self.first) else {
            return;
        };
        if place >= self.counts.len() {
            self.counts.resize(place + 1, 0);
        }
        self.counts[place] = count;
    }

    fn get(&self, bucket: BucketIndex) -> Option<u32> {
        let place = usize::try_from(bucket - self.first).ok()?;
        self.counts.get(place).copied()
    }

    fn forget(&mut self, kept: usize) {
        while self.counts.len() > kept {
            self.counts.pop_front();
            self.first += 1;
        }
    }
}

/// Version of the stored history.
const VERSION: u8 = 1;

impl ReferenceState {
    /// Appends the history to `bytes`: a version, and postcard.
    pub fn dump(&self, bytes: &mut Vec<u8>) {
        bytes.push(VERSION);
        // Fails only for sequences of unknown length, of which there are none.
        bytes.extend(postcard::to_allocvec(&self.history).unwrap_or_default());
    }

    /// The history of a series judged by `method`, from its bytes.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn restore(method: &str, bytes: &[u8]) -> Result<ReferenceState, String> {
        let Some(method) = LIVE_METHODS.iter().find(|live| **live == method) else {
            return Err(format!("no view can be judged by {method:?}"));
        };
        match bytes.split_first() {
            Some((&VERSION, body)) => Ok(ReferenceState {
                method,
                history: postcard::from_bytes(body).map_err(|error| error.to_string())?,
            }),
            Some((found, _)) => Err(format!("a history of version {found}")),
            None => Err("an empty history".to_owned()),
        }
    }

    /// The method, one of [`LIVE_METHODS`].
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// Counts kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.history.counts.len()
    }
}
