//! One bucket of one series: judge, gather evidence, learn what has waited long enough.

use super::forecast::Forecast;
use super::model::CountModel;
use super::season::BucketContext;
use super::state::{CountState, PENDING, Pending};
use crate::elementary::exp;
use crate::evidence::{
    Direction, Hindsight, Memory, Sequential, WINDOWS, hindsight, in_control, ln_mixtures,
    ln_ratios, stronger,
};
use crate::judgement::Judgement;

/// Variance of the log level added when a run proved to be a new level, and for each bucket the change goes on after that.
const BREAK_VARIANCE: [f64; 2] = [0.5, 0.1];

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
    /// The same where this bucket must speak too: for the combination.
    p_up_now: f64,
    p_down_now: f64,
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
        let newest = state.pending_counts[..usize::from(state.pending_count)]
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
            Sequential::combine(judgement.p_lower, onset.p_down_now.min(silence)),
            Sequential::combine(judgement.p_upper, onset.p_up_now),
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
                exp(f64::from(suspicion).min(600.0)),
            ),
            no_data: false,
        }
    }

    /// Likelihood ratios of this bucket and the waiting ones, in both directions, and their p-values.
    fn onset(&self, state: &CountState, forecast: &Forecast, count: f64) -> Onset {
        let dispersion = forecast.dispersion_over_time();
        let waiting = &state.pending_evidence[..usize::from(state.pending_count)];
        let now = ln_ratios(forecast.mean, dispersion, count);
        let null = self.onset_null.at(forecast.mean, dispersion);
        let gather = |direction: Direction, now: f64, side: usize| {
            let mut ratios = [now, 0.0, 0.0];
            for (ratio, bucket) in ratios[1..].iter_mut().zip(waiting.iter().rev()) {
                *ratio = f64::from(bucket.ln_ratio[side]);
            }
            let mixtures = ln_mixtures(&ratios[..=waiting.len()]);
            let full = null.p_value(Memory::Full, direction, mixtures.full);
            (
                ratios,
                full,
                null.p_value(Memory::Capped, direction, mixtures.capped),
            )
        };
        let (up, p_up, p_up_now) = gather(Direction::Excess, now.excess, 0);
        let (down, p_down, p_down_now) = gather(Direction::Deficit, now.deficit, 1);
        Onset {
            up,
            down,
            p_up,
            p_down,
            p_up_now,
            p_down_now,
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
            for at in waiting - back..waiting {
                state.suspect(at, value, upward);
            }
        }
        if waiting == PENDING {
            self.learn_oldest(state);
        }
        let (suspicion, upward) = stronger(onset.up[0], onset.down[0]);
        let single = |value: f64| value.clamp(-1e3, 1e3) as f32;
        let bucket = Pending {
            index: context.index,
            observed: count,
            exposure: context.exposure as f32,
            ln_ratio: [single(onset.up[0]), single(onset.down[0])],
            suspicion,
            phase: context.phase.min(self.season.phases - 1) as u8,
            holiday: context.holiday,
            after_holiday: context.after_holiday,
            upward,
        };
        state.put_pending(usize::from(state.pending_count), &bucket);
        state.pending_count += 1;
    }

    /// After a gap the waiting buckets will get no hindsight any more: learn them as they are.
    fn learn_stale(&self, state: &mut CountState, index: i64) {
        while state.pending_count > 0
            && index.saturating_sub(state.pending_counts[0].index) > PENDING as i64
        {
            self.learn_oldest(state);
        }
    }

    fn learn_oldest(&self, state: &mut CountState) {
        let bucket = state.take_oldest();
        let settings = &self.settings;
        let seen = hindsight(
            &mut state.run,
            bucket.suspicion,
            bucket.upward,
            settings.burst_probability,
            settings.burst_buckets,
        );
        if let Some(variance) = break_variance(&seen) {
            state.seasonal.loosen_level(variance);
            state.plain.loosen_level(variance);
        }
        self.learn(state, &bucket, seen.weight);
        state.learnt += 1.0;
    }
}

fn break_variance(seen: &Hindsight) -> Option<f64> {
    match (seen.new_level, seen.going_on) {
        (true, _) => Some(BREAK_VARIANCE[0]),
        (false, true) => Some(BREAK_VARIANCE[1]),
        (false, false) => None,
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
