//! The dynamic share model: forecast, judge, step.

use super::beta_binomial::BetaBinomial;
use crate::count::{BucketContext, Tails};
use crate::elementary::exp;
use crate::evidence::{Sequential, WINDOWS, Windows, hindsight, in_control, suspicion};
use crate::judgement::Judgement;

/// Name of the method card.
pub const DYNAMIC_SHARE: &str = "dynamic_share";
/// Slow and fast memory.
pub(super) const MEMORIES: usize = 2;
pub(super) const PENDING: usize = 2;
/// Trials one bucket may be worth in the estimate of the correlation.
const CORRELATION_TRIALS: f64 = 1e6;

/// What a person may set.
#[derive(Clone, Debug, PartialEq)]
pub struct ShareSettings {
    /// Buckets over which the slow and the fast level are remembered.
    pub memory_buckets: [f64; MEMORIES],
    /// Buckets over which the correlation within a bucket is remembered.
    pub correlation_memory_buckets: f64,
    /// Prior correlation between the trials of one bucket, and how many buckets it is worth.
    pub correlation_prior: [f64; 2],
    /// Prior probability that a bucket belongs to a burst.
    pub burst_probability: f64,
    /// Longest run still taken for a burst.
    pub burst_buckets: f64,
}

impl Default for ShareSettings {
    fn default() -> Self {
        Self {
            memory_buckets: [400.0, 30.0],
            correlation_memory_buckets: 1000.0,
            correlation_prior: [0.005, 12.0],
            burst_probability: 0.02,
            burst_buckets: 8.0,
        }
    }
}

/// Settings that passed [`ShareSettings::check`].
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedShareSettings(ShareSettings);

impl ShareSettings {
    /// Checks every field and reports all problems at once.
    ///
    /// # Errors
    /// One sentence per field out of bounds.
    pub fn check(self) -> Result<CheckedShareSettings, Vec<String>> {
        let mut problems = Vec::new();
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
            "correlation_memory_buckets",
            self.correlation_memory_buckets,
            10.0,
            1e7,
        );
        within("correlation_prior[0]", self.correlation_prior[0], 1e-6, 0.9);
        within("correlation_prior[1]", self.correlation_prior[1], 0.1, 1e6);
        within("burst_probability", self.burst_probability, 1e-6, 0.5);
        within("burst_buckets", self.burst_buckets, 1.0, 1e4);
        if problems.is_empty() {
            Ok(CheckedShareSettings(self))
        } else {
            Err(problems)
        }
    }
}

/// What is believed before the first bucket: a share, worth so many trials.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SharePrior {
    /// Expected share.
    pub mean: f64,
    /// Trials it is worth.
    pub trials: f64,
}

impl SharePrior {
    /// Nothing known (Jeffreys).
    #[must_use]
    pub fn vague() -> Self {
        Self {
            mean: 0.5,
            trials: 1.0,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Pending {
    pub(super) index: i64,
    pub(super) successes: u32,
    pub(super) trials: u32,
    pub(super) suspicion: f32,
    pub(super) upward: bool,
}

/// One share series; no heap.
#[derive(Clone, Debug, PartialEq)]
pub struct ShareState {
    /// Pseudo-successes and pseudo-failures of each memory.
    pub(super) level: [[f64; 2]; MEMORIES],
    pub(super) prior: [f64; 2],
    pub(super) log_weight: [f32; MEMORIES],
    /// Numerator and denominator of the correlation's estimate.
    pub(super) correlation: [f64; 2],
    pub(super) pending: [Pending; PENDING],
    pub(super) through: i64,
    pub(super) learnt: f32,
    pub(super) run: f32,
    pub(super) pending_count: u8,
    pub(super) started: bool,
}

/// The predictive distribution of one bucket's share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShareForecast {
    /// Expected share.
    pub mean: f64,
    /// Correlation between the trials of one bucket.
    pub correlation: f64,
    /// Correlation that not knowing the level adds to all trials.
    pub level_correlation: f64,
    /// Buckets behind this forecast.
    pub points: f64,
    /// Method card under `docs/detectors/`.
    pub method: &'static str,
}

/// All that one step says about a share series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShareEvidence {
    /// What was expected.
    pub forecast: ShareForecast,
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
    /// No trials: nothing was judged.
    pub no_data: bool,
}

/// Immutable; shared by all share series of one bucket width.
#[derive(Clone, Debug)]
pub struct ShareModel {
    settings: ShareSettings,
    keep: [f64; MEMORIES],
    correlation_keep: f64,
}

impl ShareModel {
    /// Builds the model.
    #[must_use]
    pub fn new(settings: CheckedShareSettings) -> Self {
        let settings = settings.0;
        Self {
            keep: settings.memory_buckets.map(|buckets| exp(-1.0 / buckets)),
            correlation_keep: exp(-1.0 / settings.correlation_memory_buckets),
            settings,
        }
    }

    /// A series before its first bucket.
    #[must_use]
    pub fn start(&self, prior: &SharePrior) -> ShareState {
        let trials = prior.trials.clamp(0.1, 1e9);
        let mean = prior.mean.clamp(1e-6, 1.0 - 1e-6);
        let level = [mean * trials, (1.0 - mean) * trials];
        let [correlation, worth] = self.settings.correlation_prior;
        ShareState {
            level: [level; MEMORIES],
            // What the level falls back to when forgotten is weak: at most two trials.
            prior: level.map(|count| count * (2.0 / trials).min(1.0)),
            log_weight: [0.0, -1.5],
            // In units of the information of a bucket of 100 trials.
            correlation: [correlation * worth * 1e4, worth * 1e4],
            pending: [Pending::default(); PENDING],
            through: 0,
            learnt: 0.0,
            run: 0.0,
            pending_count: 0,
            started: false,
        }
    }

    /// What share the series is expected to have.
    #[must_use]
    pub fn forecast(&self, state: &ShareState, _context: &BucketContext) -> ShareForecast {
        let weights = weights(&state.log_weight);
        let (mut mean, mut square) = (0.0, 0.0);
        for (level, weight) in state.level.iter().zip(weights) {
            let total = level[0] + level[1];
            let share = level[0] / total;
            mean += weight * share;
            square += weight * (share * share + share * (1.0 - share) / (total + 1.0));
        }
        let spread = (mean * (1.0 - mean)).max(1e-12);
        ShareForecast {
            mean,
            correlation: (state.correlation[0] / state.correlation[1]).clamp(1e-6, 0.9),
            level_correlation: ((square - mean * mean) / spread).clamp(1e-9, 0.9),
            points: f64::from(state.learnt) + f64::from(state.pending_count),
            method: DYNAMIC_SHARE,
        }
    }

    /// Judges successes of trials against a forecast. Pure.
    #[must_use]
    pub fn judge(&self, forecast: &ShareForecast, successes: u32, trials: u32) -> Judgement {
        let tails = tails_of_sum(
            forecast,
            f64::from(successes.min(trials)),
            f64::from(trials),
            f64::from(trials) * f64::from(trials),
        );
        Judgement::from_tails(tails.lower, tails.upper)
    }

    /// The central interval for the share in a bucket of so many trials.
    #[must_use]
    pub fn interval(&self, forecast: &ShareForecast, trials: u32, level: f64) -> (f64, f64) {
        let tail = 0.5 * (1.0 - level.clamp(0.0, 0.999_999));
        let (trials, square) = (
            f64::from(trials.max(1)),
            f64::from(trials.max(1)) * f64::from(trials.max(1)),
        );
        let quantile = |probability: f64| {
            let (mut low, mut high) = (0.0, trials);
            while high - low > 1.0 {
                let middle = (0.5_f64 * (low + high)).floor();
                if tails_of_sum(forecast, middle, trials, square).lower < probability {
                    low = middle
                } else {
                    high = middle
                }
            }
            if tails_of_sum(forecast, 0.0, trials, square).lower >= probability {
                0.0
            } else {
                high / trials
            }
        };
        (quantile(tail), quantile(1.0 - tail))
    }

    /// Takes one bucket; no trials is no data. More successes than trials are read as all.
    pub fn step(
        &self,
        state: &mut ShareState,
        context: &BucketContext,
        successes: u32,
        trials: u32,
    ) -> ShareEvidence {
        if !state.started {
            state.started = true;
            state.through = context.index.saturating_sub(1);
        }
        let successes = successes.min(trials);
        while state.pending_count > 0
            && context.index.saturating_sub(state.pending[0].index) > PENDING as i64
        {
            self.learn_oldest(state);
        }
        let forecast = self.forecast(state, context);
        if trials == 0 {
            return nothing_observed(forecast);
        }
        let windows = windows(state, &forecast, successes, trials);
        let judgement = Judgement::from_tails(windows.lower[0], windows.upper[0]);
        let sequential = Sequential::new(&windows);
        let newest = state.pending[..usize::from(state.pending_count)]
            .last()
            .map_or(state.through, |last| last.index);
        if context.index > newest {
            self.wait(state, context.index, successes, trials, &sequential);
        }
        ShareEvidence {
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

    fn wait(
        &self,
        state: &mut ShareState,
        index: i64,
        successes: u32,
        trials: u32,
        sequential: &Sequential,
    ) {
        let waiting = usize::from(state.pending_count);
        for window in 1..WINDOWS {
            let (value, upward) = suspicion(sequential, window);
            for bucket in &mut state.pending[waiting.saturating_sub(window)..waiting] {
                if value > bucket.suspicion {
                    (bucket.suspicion, bucket.upward) = (value, upward);
                }
            }
        }
        if waiting == PENDING {
            self.learn_oldest(state);
        }
        let (suspicion, upward) = suspicion(sequential, 0);
        state.pending[usize::from(state.pending_count)] = Pending {
            index,
            successes,
            trials,
            suspicion,
            upward,
        };
        state.pending_count += 1;
    }

    fn learn_oldest(&self, state: &mut ShareState) {
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

    fn learn(&self, state: &mut ShareState, bucket: &Pending, weight: f64, new_level: bool) {
        let (successes, trials) = (f64::from(bucket.successes), f64::from(bucket.trials));
        let steps = (bucket.index.saturating_sub(state.through)).clamp(1, 1_000_000) as f64;
        let forecast = self.forecast(state, &BucketContext::plain(bucket.index, 0));
        let correlation = forecast.correlation;
        let mut best = f64::NEG_INFINITY;
        let scores = state.level.map(|level| {
            let total = level[0] + level[1];
            let score =
                BetaBinomial::new(trials, level[0] / total, correlation + 1.0 / (total + 1.0))
                    .ln_mass_unnormalised(successes);
            best = best.max(score);
            weight * score
        });
        let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let worth = weight / (1.0 + (trials - 1.0) * correlation);
        for (memory, level) in state.level.iter_mut().enumerate() {
            let keep = libm::pow(self.keep[memory], steps) * if new_level { 0.1 } else { 1.0 };
            for (side, count) in level.iter_mut().enumerate() {
                let seen = if side == 0 {
                    successes
                } else {
                    trials - successes
                };
                *count = state.prior[side] + keep * (*count - state.prior[side]) + worth * seen;
            }
            let kept = 0.99 * f64::from(state.log_weight[memory]);
            state.log_weight[memory] = (kept + (scores[memory] - top).max(-6.0)).max(-40.0) as f32;
        }
        self.learn_correlation(state, &forecast, successes, trials, weight);
    }

    /// Least squares of the squared score on trials − 1, weighted by its own variance.
    fn learn_correlation(
        &self,
        state: &mut ShareState,
        forecast: &ShareForecast,
        successes: f64,
        trials: f64,
        weight: f64,
    ) {
        if trials < 2.0 {
            return;
        }
        let spread = (trials * forecast.mean * (1.0 - forecast.mean)).max(0.05);
        let square =
            (successes - trials * forecast.mean) * (successes - trials * forecast.mean) / spread;
        let pairs = (trials - 1.0).min(CORRELATION_TRIALS);
        let excess = (square - 1.0 - pairs * forecast.level_correlation).clamp(-20.0, 60.0 + pairs);
        let expected = 1.0 + pairs * (forecast.correlation + forecast.level_correlation);
        let information = weight / (2.0 * expected * expected + 1.0 / spread);
        let [numerator, denominator] = state.correlation;
        let [prior, worth] = self.settings.correlation_prior;
        let (prior_numerator, prior_denominator) = (prior * worth * 1e4, worth * 1e4);
        state.correlation = [
            (prior_numerator
                + self.correlation_keep * (numerator - prior_numerator)
                + information * pairs * excess)
                .max(1e-6 * denominator),
            prior_denominator
                + self.correlation_keep * (denominator - prior_denominator)
                + information * pairs * pairs,
        ];
    }
}

/// Tails of a sum of buckets: `squares` is the sum of squared trials, in which the within-bucket correlation counts.
fn tails_of_sum(forecast: &ShareForecast, successes: f64, trials: f64, squares: f64) -> Tails {
    let pairs = (trials * (trials - 1.0)).max(1.0);
    let within = forecast.correlation * ((squares - trials) / pairs).clamp(0.0, 1.0);
    BetaBinomial::new(trials, forecast.mean, within + forecast.level_correlation).tails(successes)
}

fn windows(state: &ShareState, forecast: &ShareForecast, successes: u32, trials: u32) -> Windows {
    let mut windows = Windows {
        lower: [0.5; WINDOWS],
        upper: [0.5; WINDOWS],
    };
    let (mut hits, mut total) = (f64::from(successes), f64::from(trials));
    let mut squares = total * total;
    let waiting = usize::from(state.pending_count);
    for window in 0..WINDOWS {
        if window > 0 {
            let Some(earlier) = waiting.checked_sub(window) else {
                windows.lower[window] = windows.lower[window - 1];
                windows.upper[window] = windows.upper[window - 1];
                continue;
            };
            let bucket = &state.pending[earlier];
            hits += f64::from(bucket.successes);
            total += f64::from(bucket.trials);
            squares += f64::from(bucket.trials) * f64::from(bucket.trials);
        }
        let tails = tails_of_sum(forecast, hits, total, squares);
        windows.lower[window] = tails.lower;
        windows.upper[window] = tails.upper;
    }
    windows
}

fn weights(log_weight: &[f32; MEMORIES]) -> [f64; MEMORIES] {
    let first = 1.0 / (1.0 + exp(f64::from(log_weight[1]) - f64::from(log_weight[0])));
    [first, 1.0 - first]
}

fn nothing_observed(forecast: ShareForecast) -> ShareEvidence {
    let none = Sequential::none();
    ShareEvidence {
        forecast,
        judgement: Judgement::silent(),
        sequential_up: none.p_up,
        sequential_down: none.p_down,
        combined: Judgement::silent(),
        weight: 1.0,
        no_data: true,
    }
}
