//! The dynamic mean model: forecast, judge, step.

use crate::count::{BucketContext, Tails};
use crate::elementary::{exp, ln};
use crate::evidence::{Sequential, WINDOWS, Windows, hindsight, in_control, suspicion};
use crate::judgement::Judgement;
use crate::special::{incomplete_beta, student_upper};

/// Name of the method card.
pub const DYNAMIC_MEAN: &str = "dynamic_mean";
/// Slow and fast memory.
pub(super) const MEMORIES: usize = 2;
pub(super) const PENDING: usize = 2;

/// What a person may set.
#[derive(Clone, Debug, PartialEq)]
pub struct MeanSettings {
    /// Smallest and largest possible score.
    pub bounds: [f64; 2],
    /// Buckets over which the slow and the fast level are remembered.
    pub memory_buckets: [f64; MEMORIES],
    /// Buckets over which variances are remembered.
    pub variance_memory_buckets: f64,
    /// Answers the prior variance within a bucket is worth.
    pub variance_prior_answers: f64,
    /// Prior probability that a bucket belongs to a burst.
    pub burst_probability: f64,
    /// Longest run still taken for a burst.
    pub burst_buckets: f64,
}

impl Default for MeanSettings {
    fn default() -> Self {
        Self {
            bounds: [1.0, 5.0],
            memory_buckets: [400.0, 30.0],
            variance_memory_buckets: 1000.0,
            variance_prior_answers: 6.0,
            burst_probability: 0.02,
            burst_buckets: 8.0,
        }
    }
}

/// Settings that passed [`MeanSettings::check`].
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedMeanSettings(MeanSettings);

impl MeanSettings {
    /// Checks every field and reports all problems at once.
    ///
    /// # Errors
    /// One sentence per field out of bounds.
    pub fn check(self) -> Result<CheckedMeanSettings, Vec<String>> {
        let mut problems = Vec::new();
        let [smallest, largest] = self.bounds;
        if !(smallest.is_finite() && largest.is_finite() && smallest < largest) {
            problems.push(format!("bounds are {smallest} and {largest}: give the smallest, then the largest possible score"));
        }
        let mut within = |name: &str, value: f64, low: f64, high: f64| {
            if !(low..=high).contains(&value) {
                problems.push(format!(
                    "{name} is {value}: set it between {low} and {high}"
                ));
            }
        };
        within("memory_buckets[0]", self.memory_buckets[0], 2.0, 1e7);
        within("memory_buckets[1]", self.memory_buckets[1], 2.0, 1e7);
        within(
            "variance_memory_buckets",
            self.variance_memory_buckets,
            10.0,
            1e7,
        );
        within(
            "variance_prior_answers",
            self.variance_prior_answers,
            1.0,
            1e6,
        );
        within("burst_probability", self.burst_probability, 1e-6, 0.5);
        within("burst_buckets", self.burst_buckets, 1.0, 1e4);
        if problems.is_empty() {
            Ok(CheckedMeanSettings(self))
        } else {
            Err(problems)
        }
    }
}

/// What is believed before the first bucket: a mean, worth so many answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanPrior {
    /// Expected mean.
    pub mean: f64,
    /// Standard deviation of single answers; 0 when unknown.
    pub deviation: f64,
    /// Answers the prior is worth; 0 is nothing known.
    pub answers: f64,
}

impl MeanPrior {
    /// Nothing known.
    #[must_use]
    pub fn vague() -> Self {
        Self {
            mean: 0.0,
            deviation: 0.0,
            answers: 0.0,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Pending {
    pub(super) index: i64,
    pub(super) sum: f64,
    pub(super) sum_of_squares: f64,
    pub(super) answers: u32,
    pub(super) suspicion: f32,
    pub(super) upward: bool,
}

/// One series of means; no heap.
#[derive(Clone, Debug, PartialEq)]
pub struct MeanState {
    /// Mean and variance of the level in each memory.
    pub(super) level: [[f64; 2]; MEMORIES],
    pub(super) log_weight: [f32; MEMORIES],
    /// Sum of squares within buckets and its degrees of freedom, remembered.
    pub(super) within: [f64; 2],
    /// Numerator and denominator of the variance between buckets.
    pub(super) between: [f64; 2],
    pub(super) pending: [Pending; PENDING],
    pub(super) through: i64,
    pub(super) learnt: f32,
    pub(super) run: f32,
    pub(super) pending_count: u8,
    pub(super) started: bool,
}

/// The predictive distribution of one bucket's mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanForecast {
    /// Expected mean.
    pub mean: f64,
    /// Variance of single answers within a bucket.
    pub within_variance: f64,
    /// Variance of the true mean from bucket to bucket.
    pub between_variance: f64,
    /// Variance of what is not known about the level.
    pub level_variance: f64,
    /// Degrees of freedom behind the variances.
    pub degrees: f64,
    /// Buckets behind this forecast.
    pub points: f64,
    /// Method card under `docs/detectors/`.
    pub method: &'static str,
}

impl MeanForecast {
    fn variance_of_sum(&self, answers: f64, squares: f64) -> f64 {
        let answers = answers.max(1.0);
        self.within_variance / answers
            + self.between_variance * (squares / (answers * answers)).min(1.0)
            + self.level_variance
    }
}

/// All that one step says about a series of means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanEvidence {
    /// What was expected.
    pub forecast: MeanForecast,
    /// This bucket alone.
    pub judgement: Judgement,
    /// p-value of a rise over the last buckets.
    pub sequential_up: f64,
    /// p-value of a fall over the last buckets.
    pub sequential_down: f64,
    /// Both clocks as one calibrated judgement.
    pub combined: Judgement,
    /// Posterior probability that the series was in control.
    pub weight: f64,
    /// No answers: nothing was judged.
    pub no_data: bool,
}

/// Immutable; shared by all series of means of one bucket width.
#[derive(Clone, Debug)]
pub struct MeanModel {
    settings: MeanSettings,
    range: f64,
    variance_keep: f64,
}

impl MeanModel {
    /// Builds the model.
    #[must_use]
    pub fn new(settings: CheckedMeanSettings) -> Self {
        let settings = settings.0;
        Self {
            range: settings.bounds[1] - settings.bounds[0],
            variance_keep: exp(-1.0 / settings.variance_memory_buckets),
            settings,
        }
    }

    /// A series before its first bucket.
    #[must_use]
    pub fn start(&self, prior: &MeanPrior) -> MeanState {
        let vague = self.range * self.range / 12.0;
        let (mean, level_variance, deviation) = if prior.answers > 0.0 {
            let deviation = if prior.deviation > 0.0 {
                prior.deviation
            } else {
                self.range / 4.0
            };
            (
                prior
                    .mean
                    .clamp(self.settings.bounds[0], self.settings.bounds[1]),
                (deviation * deviation / prior.answers).min(vague),
                deviation,
            )
        } else {
            (
                0.5 * (self.settings.bounds[0] + self.settings.bounds[1]),
                vague,
                self.range / 4.0,
            )
        };
        let degrees = self.settings.variance_prior_answers;
        MeanState {
            level: [[mean, level_variance]; MEMORIES],
            log_weight: [0.0, -1.5],
            within: [deviation * deviation * degrees, degrees],
            between: [0.02 * deviation * deviation * 4.0, 4.0],
            pending: [Pending::default(); PENDING],
            through: 0,
            learnt: 0.0,
            run: 0.0,
            pending_count: 0,
            started: false,
        }
    }

    /// What mean the series is expected to have.
    #[must_use]
    pub fn forecast(&self, state: &MeanState, _context: &BucketContext) -> MeanForecast {
        let first =
            1.0 / (1.0 + exp(f64::from(state.log_weight[1]) - f64::from(state.log_weight[0])));
        let (mut mean, mut square) = (0.0, 0.0);
        for (level, weight) in state.level.iter().zip([first, 1.0 - first]) {
            mean += weight * level[0];
            square += weight
                * (level[1] + (level[0] - state.level[0][0]) * (level[0] - state.level[0][0]));
        }
        let offset = mean - state.level[0][0];
        let floor = 1e-4 * self.range * self.range;
        MeanForecast {
            mean,
            within_variance: (state.within[0] / state.within[1]).max(floor),
            between_variance: (state.between[0] / state.between[1]).max(0.0),
            level_variance: (square - offset * offset).max(1e-9 * floor),
            degrees: state.within[1].clamp(3.0, 1e6),
            points: f64::from(state.learnt) + f64::from(state.pending_count),
            method: DYNAMIC_MEAN,
        }
    }

    /// Judges the mean of a bucket's answers against a forecast. Pure.
    #[must_use]
    pub fn judge(&self, forecast: &MeanForecast, sum: f64, answers: u32) -> Judgement {
        if answers == 0 {
            return Judgement::silent();
        }
        let tails = tails_of_sum(
            forecast,
            sum,
            f64::from(answers),
            f64::from(answers) * f64::from(answers),
        );
        Judgement::from_tails(tails.lower, tails.upper)
    }

    /// The central interval for the mean of so many answers, within the bounds.
    #[must_use]
    pub fn interval(&self, forecast: &MeanForecast, answers: u32, level: f64) -> (f64, f64) {
        let tail = 0.5 * (1.0 - level.clamp(0.0, 0.999_999));
        let answers = f64::from(answers.max(1));
        let spread = libm::sqrt(forecast.variance_of_sum(answers, answers * answers));
        // Bisection on the tail: ends are the bounds of the score.
        let (mut low, mut high) = (0.0, 60.0);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if student_upper(middle, forecast.degrees) > tail {
                low = middle
            } else {
                high = middle
            }
        }
        let [smallest, largest] = self.settings.bounds;
        (
            (forecast.mean - high * spread).max(smallest),
            (forecast.mean + high * spread).min(largest),
        )
    }

    /// Takes one bucket: the sum and the sum of squares of its answers. No answers is no data.
    pub fn step(
        &self,
        state: &mut MeanState,
        context: &BucketContext,
        sum: f64,
        sum_of_squares: f64,
        answers: u32,
    ) -> MeanEvidence {
        if !state.started {
            state.started = true;
            state.through = context.index.saturating_sub(1);
        }
        while state.pending_count > 0
            && context.index.saturating_sub(state.pending[0].index) > PENDING as i64
        {
            self.learn_oldest(state);
        }
        let forecast = self.forecast(state, context);
        if answers == 0 || !sum.is_finite() || !sum_of_squares.is_finite() {
            return nothing_observed(forecast);
        }
        let [smallest, largest] = self.settings.bounds;
        let sum = sum.clamp(smallest * f64::from(answers), largest * f64::from(answers));
        let windows = windows(state, &forecast, sum, answers);
        let judgement = Judgement::from_tails(windows.lower[0], windows.upper[0]);
        let sequential = Sequential::new(&windows);
        let newest = state.pending[..usize::from(state.pending_count)]
            .last()
            .map_or(state.through, |last| last.index);
        if context.index > newest {
            let (suspicion, upward) = suspicion(&sequential, 0);
            self.wait(
                state,
                Pending {
                    index: context.index,
                    sum,
                    sum_of_squares,
                    answers,
                    suspicion,
                    upward,
                },
                &sequential,
            );
        }
        MeanEvidence {
            forecast,
            judgement,
            sequential_up: sequential.p_up,
            sequential_down: sequential.p_down,
            combined: sequential.judgement(&judgement),
            weight: in_control(
                self.settings.burst_probability,
                sequential.ratio_up[0].max(sequential.ratio_down[0]),
            ),
            no_data: false,
        }
    }

    fn wait(&self, state: &mut MeanState, bucket: Pending, sequential: &Sequential) {
        let waiting = usize::from(state.pending_count);
        for window in 1..WINDOWS {
            let (value, upward) = suspicion(sequential, window);
            for earlier in &mut state.pending[waiting.saturating_sub(window)..waiting] {
                if value > earlier.suspicion {
                    (earlier.suspicion, earlier.upward) = (value, upward);
                }
            }
        }
        if waiting == PENDING {
            self.learn_oldest(state);
        }
        state.pending[usize::from(state.pending_count)] = bucket;
        state.pending_count += 1;
    }

    fn learn_oldest(&self, state: &mut MeanState) {
        let bucket = state.pending[0];
        state.pending.rotate_left(1);
        state.pending_count -= 1;
        let settings = &self.settings;
        let seen = hindsight(
            &mut state.run,
            bucket.suspicion,
            bucket.upward,
            settings.burst_probability,
            settings.burst_buckets,
        );
        self.learn(state, &bucket, seen.weight, seen.new_level);
        state.through = bucket.index;
        state.learnt += 1.0;
    }

    fn learn(&self, state: &mut MeanState, bucket: &Pending, weight: f64, new_level: bool) {
        let answers = f64::from(bucket.answers);
        let observed = bucket.sum / answers;
        let steps = bucket
            .index
            .saturating_sub(state.through)
            .clamp(1, 1_000_000) as f64;
        let forecast = self.forecast(state, &BucketContext::plain(bucket.index, 0));
        let noise = forecast.within_variance / answers + forecast.between_variance;
        let vague = self.range * self.range / 12.0;
        let mut scores = [0.0; MEMORIES];
        for (memory, level) in state.level.iter_mut().enumerate() {
            // A memory of m buckets: at equilibrium the gain is 1/m.
            let rate = 1.0 / self.settings.memory_buckets[memory];
            let growth = steps * rate * rate * noise;
            let predicted = (level[1] + growth + if new_level { vague } else { 0.0 }).min(vague);
            let total = predicted + noise;
            let miss = observed - level[0];
            scores[memory] = -0.5 * weight * (ln(total) + miss * miss / total);
            let gain = predicted / (predicted + noise / weight.max(1e-12));
            *level = [
                level[0] + gain * miss,
                (predicted * (1.0 - gain)).max(1e-15),
            ];
        }
        let top = scores[0].max(scores[1]);
        for (memory, value) in state.log_weight.iter_mut().enumerate() {
            *value =
                (0.99 * f64::from(*value) + (scores[memory] - top).max(-6.0)).max(-40.0) as f32;
        }
        self.learn_variances(state, bucket, &forecast, weight);
    }

    fn learn_variances(
        &self,
        state: &mut MeanState,
        bucket: &Pending,
        forecast: &MeanForecast,
        weight: f64,
    ) {
        let answers = f64::from(bucket.answers);
        let observed = bucket.sum / answers;
        let scatter = (bucket.sum_of_squares - answers * observed * observed)
            .clamp(0.0, answers * self.range * self.range);
        let forget = |kept: f64, prior: f64| prior + self.variance_keep * (kept - prior);
        let degrees = self.settings.variance_prior_answers;
        // The scatter within a bucket does not depend on its mean: it is learnt in full.
        state.within = [
            self.variance_keep * state.within[0]
                + (1.0 - self.variance_keep) * degrees * forecast.within_variance
                + scatter,
            forget(state.within[1], degrees) + (answers - 1.0),
        ];
        let own = forecast.within_variance / answers;
        let expected = own + forecast.between_variance + forecast.level_variance;
        let miss = (observed - forecast.mean) * (observed - forecast.mean);
        let excess = (miss - own - forecast.level_variance).clamp(-expected, 25.0 * expected);
        // Weighted by the inverse variance of the squared miss, in units of the within variance.
        let information = weight
            * (forecast.within_variance / expected).min(1e6)
            * (forecast.within_variance / expected).min(1e6);
        let prior = 4.0;
        state.between = [
            (self.variance_keep * state.between[0]
                + (1.0 - self.variance_keep) * prior * forecast.between_variance
                + information * excess)
                .max(0.0),
            forget(state.between[1], prior) + information,
        ];
    }
}

/// Tails of the mean over a sum of buckets.
fn tails_of_sum(forecast: &MeanForecast, sum: f64, answers: f64, squares: f64) -> Tails {
    let score =
        (sum / answers - forecast.mean) / libm::sqrt(forecast.variance_of_sum(answers, squares));
    let degrees = forecast.degrees;
    let tail = 0.5 * incomplete_beta(degrees / (degrees + score * score), 0.5 * degrees, 0.5);
    if score > 0.0 {
        Tails {
            lower: 1.0 - tail,
            upper: tail,
        }
    } else {
        Tails {
            lower: tail,
            upper: 1.0 - tail,
        }
    }
}

fn windows(state: &MeanState, forecast: &MeanForecast, sum: f64, answers: u32) -> Windows {
    let mut windows = Windows {
        lower: [0.5; WINDOWS],
        upper: [0.5; WINDOWS],
    };
    let (mut total, mut count) = (sum, f64::from(answers));
    let mut squares = count * count;
    let waiting = usize::from(state.pending_count);
    for window in 0..WINDOWS {
        if window > 0 {
            let Some(earlier) = waiting.checked_sub(window) else {
                windows.lower[window] = windows.lower[window - 1];
                windows.upper[window] = windows.upper[window - 1];
                continue;
            };
            let bucket = &state.pending[earlier];
            total += bucket.sum;
            count += f64::from(bucket.answers);
            squares += f64::from(bucket.answers) * f64::from(bucket.answers);
        }
        let tails = tails_of_sum(forecast, total, count, squares);
        windows.lower[window] = tails.lower;
        windows.upper[window] = tails.upper;
    }
    windows
}

fn nothing_observed(forecast: MeanForecast) -> MeanEvidence {
    let none = Sequential::none();
    MeanEvidence {
        forecast,
        judgement: Judgement::silent(),
        sequential_up: none.p_up,
        sequential_down: none.p_down,
        combined: Judgement::silent(),
        weight: 1.0,
        no_data: true,
    }
}
