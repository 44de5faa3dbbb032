//! One bucket of one series: judge, gather evidence, learn what has waited long enough.

use super::forecast::Forecast;
use super::model::{CountModel, Parts, Rate};
use super::negative_binomial::NegativeBinomial;
use super::season::BucketContext;
use super::state::{ANCHORS, CountState, HOLIDAY, MODELS, PENDING, Pending, WANDERS};
use crate::evidence::{
    Direction, Sequential, WINDOWS, hindsight, in_control, ln_mixture, ln_ratio, stronger,
};
use crate::judgement::Judgement;
use crate::special::digamma;

/// Variance of the log level added when a run proved to be a new level.
const BREAK_VARIANCE: f64 = 0.5;

/// All that one step says about a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// What was expected, from the buckets before.
    pub forecast: Forecast,
    /// This bucket alone.
    pub judgement: Judgement,
    /// p-value of an excess over the last buckets.
    pub sequential_up: f64,
    /// p-value of a deficit over the last buckets, silence included.
    pub sequential_down: f64,
    /// Both clocks as one calibrated judgement.
    pub combined: Judgement,
    /// Posterior probability that the series was in control in this bucket.
    pub weight: f64,
    /// The bucket had no data: nothing was judged.
    pub no_data: bool,
}

/// Evidence of an onset: ln ratios of this bucket and the ones before, and p-values.
struct Onset {
    up: [f64; WINDOWS],
    down: [f64; WINDOWS],
    p_up: f64,
    p_down: f64,
}

impl CountModel {
    /// Takes one bucket: `None` is no data (time passes, nothing is learnt), `Some(0)` is a true zero.
    /// A bucket at or before the last one stepped is judged but not learnt.
    pub fn step(
        &self,
        state: &mut CountState,
        context: &BucketContext,
        observed: Option<u64>,
    ) -> Evidence {
        if !state.started {
            state.started = true;
            state.through = context.index.saturating_sub(1);
        }
        self.learn_stale(state, context.index);
        let forecast = self.forecast(state, context);
        let Some(count) = observed else {
            return nothing_observed(forecast);
        };
        let count = count as f64;
        let judgement = self.judge(&forecast, count);
        let newest = state.pending[..usize::from(state.pending_count)]
            .last()
            .map_or(state.through, |last| last.index);
        let fresh = context.index > newest;
        let onset = self.onset(state, &forecast, count);
        let silence = if fresh {
            silence(state, &forecast, count)
        } else {
            1.0
        };
        let sequential_down = onset.p_down.min(silence);
        let combined = Judgement::from_tails(
            Sequential::combine(judgement.p_lower, sequential_down),
            Sequential::combine(judgement.p_upper, onset.p_up),
        );
        if fresh {
            self.wait(state, context, count, &onset);
        }
        let (suspicion, _) = stronger(onset.up[0], onset.down[0]);
        Evidence {
            forecast,
            judgement,
            sequential_up: onset.p_up,
            sequential_down,
            combined,
            weight: in_control(
                self.settings.burst_probability,
                libm::exp(f64::from(suspicion).min(600.0)),
            ),
            no_data: false,
        }
    }

    /// Likelihood ratios of this bucket and the waiting ones, in both directions, and their p-values.
    fn onset(&self, state: &CountState, forecast: &Forecast, count: f64) -> Onset {
        let dispersion = forecast.dispersion_over_time();
        let waiting = &state.pending[..usize::from(state.pending_count)];
        let gather = |direction: Direction, side: usize| {
            let mut ratios = [0.0; WINDOWS];
            ratios[0] = ln_ratio(forecast.mean, dispersion, count, direction);
            for (ratio, bucket) in ratios[1..].iter_mut().zip(waiting.iter().rev()) {
                *ratio = f64::from(bucket.ln_ratio[side]);
            }
            let p = self.onset_null.p_value(
                direction,
                forecast.mean,
                dispersion,
                ln_mixture(&ratios[..=waiting.len()]),
            );
            (ratios, p)
        };
        let (up, p_up) = gather(Direction::Excess, 0);
        let (down, p_down) = gather(Direction::Deficit, 1);
        Onset {
            up,
            down,
            p_up,
            p_down,
        }
    }

    /// Puts the bucket into the waiting line, tells those waiting what it revealed about them, and
    /// learns the one that has waited longest.
    fn wait(&self, state: &mut CountState, context: &BucketContext, count: f64, onset: &Onset) {
        let waiting = usize::from(state.pending_count);
        // An onset at a waiting bucket speaks about it and all after it.
        let (mut up, mut down) = (onset.up[0], onset.down[0]);
        for back in 1..=waiting {
            up += onset.up[back];
            down += onset.down[back];
            let (value, upward) = stronger(up, down);
            for bucket in &mut state.pending[waiting - back..waiting] {
                if value > bucket.suspicion {
                    (bucket.suspicion, bucket.upward) = (value, upward);
                }
            }
        }
        if waiting == PENDING {
            self.learn_oldest(state);
        }
        let (suspicion, upward) = stronger(onset.up[0], onset.down[0]);
        let single = |value: f64| value.clamp(-1e3, 1e3) as f32;
        state.pending[usize::from(state.pending_count)] = Pending {
            index: context.index,
            observed: count,
            exposure: context.exposure as f32,
            ln_ratio: [single(onset.up[0]), single(onset.down[0])],
            suspicion,
            phase: context.phase.min(self.season.phases - 1) as u8,
            holiday: context.holiday,
            upward,
        };
        state.pending_count += 1;
    }

    /// After a gap the waiting buckets will get no hindsight any more: learn them as they are.
    fn learn_stale(&self, state: &mut CountState, index: i64) {
        while state.pending_count > 0
            && index.saturating_sub(state.pending[0].index) > PENDING as i64
        {
            self.learn_oldest(state);
        }
    }

    fn learn_oldest(&self, state: &mut CountState) {
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
        if seen.new_level {
            state.seasonal.loosen_level(BREAK_VARIANCE);
            state.plain.loosen_level(BREAK_VARIANCE);
        }
        self.learn(state, &bucket, seen.weight);
        state.learnt += 1.0;
    }

    /// The conjugate update of every model with one bucket (West, Harrison and Migon 1985, section 3).
    fn learn(&self, state: &mut CountState, bucket: &Pending, weight: f64) {
        let context = BucketContext {
            index: bucket.index,
            phase: usize::from(bucket.phase),
            exposure: f64::from(bucket.exposure),
            holiday: bucket.holiday,
        };
        let parts = self.parts(state, &context);
        let dispersion = state.dispersion();
        let posterior = |rate: &Rate| Posterior::new(rate, bucket.observed, weight / dispersion);
        let mean: f64 = parts
            .rates
            .iter()
            .zip(parts.weights)
            .map(|(rate, share)| share * rate.mean)
            .sum();
        let square: f64 = parts
            .rates
            .iter()
            .zip(parts.weights)
            .map(|(rate, share)| share * rate.mean * rate.mean * (1.0 + 1.0 / rate.shape))
            .sum();
        let uncertainty = (square / mean - mean).max(0.0);
        self.move_time(state, &parts);
        let updates: [Posterior; MODELS] =
            std::array::from_fn(|index| posterior(&parts.rates[index]));
        for anchor in 0..ANCHORS {
            self.learn_anchor(state, &parts, anchor, bucket, weight / dispersion);
            for speed in 1..WANDERS {
                let update = &updates[anchor * WANDERS + speed];
                state.wander[anchor][speed - 1].update(update.shift, update.loss);
            }
        }
        self.learn_calendar(state, &parts, &context, &updates);
        self.learn_model_weights(state, &parts, bucket.observed, dispersion, weight);
        self.learn_dispersion(state, bucket.observed, mean, uncertainty, weight);
        state.through = bucket.index;
    }

    fn move_time(&self, state: &mut CountState, parts: &Parts) {
        let steps = parts.steps;
        state.seasonal.propagate(
            steps,
            &self.seasonal_growth.map(|variance| variance * steps),
        );
        state
            .plain
            .propagate(steps, &self.plain_growth.map(|variance| variance * steps));
        for anchor in &mut state.wander {
            for (speed, wander) in anchor.iter_mut().enumerate() {
                let keep = if steps == 1.0 {
                    self.wander_keep[speed]
                } else {
                    libm::exp(-steps / self.settings.wander_buckets[speed])
                };
                let deviation = self.settings.wander_deviation[speed];
                *wander = wander.revert(keep, deviation * deviation);
            }
        }
    }

    /// The anchor learns beside the average of its wanderings, whose uncertainty takes its part of the gain.
    fn learn_anchor(
        &self,
        state: &mut CountState,
        parts: &Parts,
        anchor: usize,
        bucket: &Pending,
        worth: f64,
    ) {
        let models = anchor * WANDERS..(anchor + 1) * WANDERS;
        let total: f64 = parts.weights[models.clone()]
            .iter()
            .sum::<f64>()
            .max(1e-300);
        let (mut location, mut variance) = (0.0, 0.0);
        for model in models {
            let share = parts.weights[model] / total;
            location += share * parts.rates[model].location;
            variance += share * parts.rates[model].variance;
        }
        let update = Posterior::new(&Rate::new(location, variance), bucket.observed, worth);
        if anchor == 0 {
            let mut design = parts.design;
            design[1] = 0.0;
            state.seasonal.update(&design, update.shift, update.loss);
        } else {
            state.plain.update(&[1.0, 0.0], update.shift, update.loss);
        }
    }

    fn learn_calendar(
        &self,
        state: &mut CountState,
        parts: &Parts,
        context: &BucketContext,
        updates: &[Posterior; MODELS],
    ) {
        let (mut shift, mut loss) = (0.0, 0.0);
        for (update, share) in updates.iter().zip(parts.weights) {
            shift += share * update.shift;
            loss += share * update.loss;
        }
        if self.season.phases > 1 {
            state.phase[context.phase.min(self.season.phases - 1)].update(shift, loss);
        }
        if context.holiday {
            state.phase[HOLIDAY].update(shift, loss);
        }
    }

    /// Forgetting towards the prior, then the predictive record of each model.
    fn learn_model_weights(
        &self,
        state: &mut CountState,
        parts: &Parts,
        observed: f64,
        dispersion: f64,
        weight: f64,
    ) {
        let mut scores = [0.0; MODELS];
        let mut best = f64::NEG_INFINITY;
        for (model, rate) in parts.rates.iter().enumerate() {
            let distribution =
                NegativeBinomial::new(rate.mean, dispersion + rate.mean / rate.shape);
            scores[model] = weight * distribution.ln_mass_unnormalised(observed);
            best = best.max(scores[model]);
        }
        for (model, score) in scores.iter().enumerate() {
            let kept = self.ln_prior[model]
                + self.model_keep * (f64::from(state.log_weight[model]) - self.ln_prior[model]);
            // No single bucket may rule a model out for good.
            state.log_weight[model] = (kept + (score - best).max(-6.0)) as f32;
        }
        let largest = state
            .log_weight
            .iter()
            .fold(f32::NEG_INFINITY, |left, right| left.max(*right));
        for value in &mut state.log_weight {
            *value = (*value - largest).max(-40.0);
        }
    }

    /// One natural-gradient step on ln(dispersion − 1): the score of the negative binomial over its expected information,
    /// which accumulates with forgetting. Cheaper than a grid, and as good as maximum likelihood once information is there.
    ///
    /// What is not known of the rate adds `uncertainty` to the excess: the score is taken at the sum, and only its own part of
    /// the blame reaches the dispersion. Without this every misfit of a young series becomes dispersion.
    fn learn_dispersion(
        &self,
        state: &mut CountState,
        observed: f64,
        mean: f64,
        uncertainty: f64,
        weight: f64,
    ) {
        let location = state.dispersion.mean();
        let own = libm::exp(location);
        let excess = own + uncertainty;
        let part = own / excess;
        let score = score_of_excess(observed, mean, excess) * part;
        let information = information_of_excess(mean, excess) * part * part;
        let score = score.clamp(-20.0, 20.0) * weight;
        let [_, prior_deviation] = self.settings.dispersion_prior;
        let floor = 1.0 / (prior_deviation * prior_deviation);
        let kept =
            floor + self.dispersion_keep * (1.0 / state.dispersion.variance() - floor).max(0.0);
        let total = kept + weight * information;
        let moved = (location + (score / total).clamp(-0.7, 0.7)).clamp(-4.0, 12.0);
        state.dispersion = super::coefficients::Scalar::new(moved, 1.0 / total);
    }
}

/// Derivative of the log mass by ln(excess), where dispersion = 1 + excess and size = mean / excess.
fn score_of_excess(observed: f64, mean: f64, excess: f64) -> f64 {
    let dispersion = 1.0 + excess;
    let size = mean / excess;
    if size > 1e5 || observed > 1e5 || size < 1e-6 {
        let pearson = (observed - mean) * (observed - mean) / (mean * dispersion);
        return 0.5 * (pearson - 1.0) * excess / dispersion;
    }
    let gained = if observed < 12.5 {
        let (mut sum, mut index) = (0.0, 0.0);
        while index < observed {
            sum += 1.0 / (size + index);
            index += 1.0;
        }
        sum
    } else {
        digamma(size + observed) - digamma(size)
    };
    -size * (gained - libm::log(dispersion)) + (observed - mean) / dispersion
}

/// Expected information of one bucket about ln(excess): that of a squared score, lessened where counts are so
/// small that the fourth moment rules.
fn information_of_excess(mean: f64, excess: f64) -> f64 {
    let dispersion = 1.0 + excess;
    let fourth = dispersion * (1.0 + 6.0 * excess * dispersion) / mean;
    excess * excess / (2.0 * dispersion * dispersion + fourth)
}

/// The posterior of one model's rate after a bucket, as a change of its predictor.
#[derive(Clone, Copy, Debug)]
struct Posterior {
    /// Change of the predictor's mean over its variance.
    shift: f64,
    /// Relative loss of its variance, over its variance.
    loss: f64,
}

impl Posterior {
    /// `worth` is the share of a Poisson bucket's information that this bucket carries: weight / dispersion.
    fn new(rate: &Rate, observed: f64, worth: f64) -> Self {
        let shape = rate.shape + worth * observed;
        let growth = worth * rate.mean / rate.shape;
        let location = digamma(shape) - rate.digamma - libm::log1p(growth);
        let remaining = (crate::special::trigamma(shape) / rate.variance).clamp(1e-6, 1.0);
        Self {
            shift: location / rate.variance,
            loss: (1.0 - remaining) / rate.variance,
        }
    }
}

/// p-value of a run of zeros: the chance of none at all in as much expectation.
fn silence(state: &mut CountState, forecast: &Forecast, count: f64) -> f64 {
    if count > 0.0 {
        state.silent_expected = 0.0;
        state.silent_buckets = 0;
        return 1.0;
    }
    state.silent_expected = (f64::from(state.silent_expected) + forecast.mean).min(1e12) as f32;
    state.silent_buckets = state.silent_buckets.saturating_add(1);
    if state.silent_buckets <= WINDOWS as u32 {
        return 1.0;
    }
    forecast
        .tails_of_sum(f64::from(state.silent_expected), 0.0)
        .lower
}

fn nothing_observed(forecast: Forecast) -> Evidence {
    let none = Sequential::none();
    Evidence {
        forecast,
        judgement: Judgement::silent(),
        sequential_up: none.p_up,
        sequential_down: none.p_down,
        combined: Judgement::silent(),
        weight: 1.0,
        no_data: true,
    }
}
