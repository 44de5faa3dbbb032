//! Learning one bucket: coefficients, wanderings, calendar, weights of the models.

use super::model::{CountModel, Parts};
use super::negative_binomial::NegativeBinomial;
use super::profile::Miss;
use super::rate::{Posterior, Rate};
use super::season::BucketContext;
use super::state::{ANCHORS, CountState, HOLIDAY, MODELS, Pending, WANDERS};

impl CountModel {
    /// The conjugate update of every model with one bucket (West, Harrison and Migon 1985, section 3).
    pub(super) fn learn(&self, state: &mut CountState, bucket: &Pending, weight: f64) {
        let context = BucketContext {
            index: bucket.index,
            phase: usize::from(bucket.phase),
            exposure: f64::from(bucket.exposure),
            holiday: bucket.holiday,
            after_holiday: bucket.after_holiday,
        };
        self.turn_the_year(state, bucket.index);
        let parts = self.parts(state, &context, 0.0);
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
        let miss = Miss {
            observed: bucket.observed,
            mean,
            explained: (dispersion + uncertainty) / mean,
            noise: dispersion / mean,
        };
        self.learn_unrest(state, bucket.index, &miss);
        let unrest = self.unrest(state, bucket.index, mean, dispersion);
        let uncertainty = uncertainty + mean * unrest;
        self.move_time(state, &parts);
        let updates: [Posterior; MODELS] =
            std::array::from_fn(|index| posterior(&parts.rates[index]));
        for anchor in 0..ANCHORS {
            self.learn_anchor(state, &parts, anchor, &updates);
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
                let keep = self.wander_keep(speed, steps);
                let deviation = self.settings.wander_deviation[speed];
                *wander = wander.revert(keep, deviation * deviation);
            }
        }
    }

    /// The anchor learns what its wanderings leave to it, on their average: their uncertainty takes its part of the gain.
    fn learn_anchor(
        &self,
        state: &mut CountState,
        parts: &Parts,
        anchor: usize,
        updates: &[Posterior; MODELS],
    ) {
        let models = anchor * WANDERS..(anchor + 1) * WANDERS;
        let total: f64 = parts.weights[models.clone()]
            .iter()
            .sum::<f64>()
            .max(1e-300);
        let update =
            Posterior::average(models.map(|model| (updates[model], parts.weights[model] / total)));
        if anchor == 0 {
            let mut design = parts.design;
            design[1] = 0.0;
            state.seasonal.update(&design, update.shift, update.loss);
            if let Some(knots) = parts.knots {
                knots.update(state, update.shift, update.loss);
            }
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
        let update = Posterior::average(updates.iter().copied().zip(parts.weights));
        if self.season.phases > 1 {
            state.phase[context.phase.min(self.season.phases - 1)]
                .update(update.shift, update.loss);
        }
        if context.holiday {
            state.phase[HOLIDAY].update(update.shift, update.loss);
        }
        if let Some(slot) = self.after_slot().filter(|_| context.after_holiday) {
            state.phase[slot].update(update.shift, update.loss);
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
}
