//! The dynamic negative-binomial model: forecast, judge, step.
//!
//! Decision: two anchor predictors (with and without the yearly season), each alone or with a slow or a fast
//! mean-reverting wandering of its level, averaged by their predictive record (Raftery, Kárný and Ettler 2010). Six full
//! models would need three times the record: a wandering is two numbers beside an anchor instead of a covariance of its own.
//! Each predictor is a log-link dynamic generalised linear model (West, Harrison and Migon 1985): the rate is gamma given the
//! predictor's mean and variance, the update is conjugate, and the gain goes back linearly.

use super::coefficients::Coefficients;
use super::forecast::Forecast;
use super::prior::Prior;
use super::profile::{AFTER_DEVIATION, KNOT_DEVIATION, KNOTS, Knots};
use super::rate::{Matching, Rate};
use super::season::{BucketContext, PHASES_LIMIT, Season};
use super::settings::CheckedCountSettings;
use super::state::{ANCHORS, CountState, HOLIDAY, MODELS, WANDERS};
use crate::elementary::{exp, ln};
use crate::evidence::OnsetNull;

/// Models lighter than this add nothing to a forecast.
const NEGLIGIBLE: f64 = 1e-5;
/// Prior standard deviation of the effect of a holiday, on the log scale: a closed office is a tenth of a day.
const HOLIDAY_DEVIATION: f64 = 1.5;
/// Longest gap over which time is moved on, in buckets: beyond it nothing is remembered anyway.
const GAP_LIMIT: i64 = 1_000_000;

/// Immutable; shared by all series of one bucket width.
#[derive(Clone, Debug)]
pub struct CountModel {
    pub(crate) settings: CheckedCountSettings,
    pub(crate) season: Season,
    /// Evolution variances per bucket.
    pub(crate) seasonal_growth: [f64; 6],
    pub(crate) plain_growth: [f64; 2],
    /// ln prior probability of each model, season major.
    pub(crate) ln_prior: [f64; MODELS],
    /// Autocorrelation of the wanderings over one bucket.
    pub(crate) wander_keep: [f64; WANDERS - 1],
    pub(crate) model_keep: f64,
    pub(crate) dispersion_keep: f64,
    pub(crate) onset_null: OnsetNull,
    matching: Matching,
}

/// All that one bucket's forecast is made of.
pub(crate) struct Parts {
    pub(crate) design: [f64; 6],
    pub(crate) steps: f64,
    /// Place in the yearly profile, if the model has one.
    pub(crate) knots: Option<Knots>,
    pub(crate) rates: [Rate; MODELS],
    pub(crate) weights: [f64; MODELS],
}

impl CountModel {
    /// Builds the model of one bucket width.
    #[must_use]
    pub fn new(settings: CheckedCountSettings, season: Season) -> Self {
        let per_year = season.buckets_per_year.max(1.0);
        let season = Season {
            phases: season.phases.clamp(1, PHASES_LIMIT),
            buckets_per_year: per_year,
        };
        let square = |value: f64| value * value;
        let level = square(settings.level_drift_per_year) / per_year;
        let harmonic = square(settings.season_drift_per_year) / per_year;
        let slope = square(0.2 * settings.growth_deviation / per_year) / per_year;
        let mut ln_prior = [0.0; MODELS];
        for (index, place) in ln_prior.iter_mut().enumerate() {
            let seasonal = index < WANDERS;
            let anchor = if seasonal {
                settings.season_probability
            } else {
                1.0 - settings.season_probability
            };
            *place = ln(anchor * settings.wander_probability[index % WANDERS]);
        }
        Self {
            seasonal_growth: [level, slope, harmonic, harmonic, harmonic, harmonic],
            plain_growth: [level, slope],
            ln_prior,
            wander_keep: settings.wander_buckets.map(|buckets| exp(-1.0 / buckets)),
            model_keep: exp(-1.0 / settings.model_memory_buckets),
            dispersion_keep: exp(-1.0 / settings.dispersion_memory_buckets),
            onset_null: OnsetNull::default(),
            matching: Matching::new(),
            season,
            settings,
        }
    }

    /// The bucket width this model was built for.
    #[must_use]
    pub fn season(&self) -> Season {
        self.season
    }

    /// A series before its first bucket.
    #[must_use]
    pub fn start(&self, prior: &Prior) -> CountState {
        let settings = &self.settings;
        let weight = prior.weight.max(0.0);
        let mean = prior.mean.clamp(1e-6, 1e12);
        let level_variance = if weight > 0.0 {
            (prior.dispersion.max(1.0) / (mean * weight) + 1.0 / (weight * weight)).clamp(1e-4, 9.0)
        } else {
            9.0
        };
        let growth = settings.growth_deviation / self.season.buckets_per_year;
        let growth_variance = growth * growth;
        let season_variance = |harmonic: usize| {
            let vague = settings.season_deviation[harmonic] * settings.season_deviation[harmonic];
            let information =
                prior.season_weight.max(0.0) * mean / (2.0 * prior.dispersion.max(1.0));
            1.0 / (1.0 / vague + information.min(400.0))
        };
        let (first, second) = (season_variance(0), season_variance(1));
        let level = ln(mean);
        let season = if prior.season_weight > 0.0 {
            prior.season
        } else {
            [0.0; 4]
        };
        CountState {
            through: 0,
            seasonal: Coefficients::independent(
                [level, 0.0, season[0], season[1], season[2], season[3]],
                [
                    level_variance,
                    growth_variance,
                    first,
                    first,
                    second,
                    second,
                ],
            ),
            plain: Coefficients::independent([level, 0.0], [level_variance, growth_variance]),
            wander: [std::array::from_fn(|speed| self.stationary_wander(speed)); ANCHORS],
            log_weight: self.ln_prior.map(|value| value as f32),
            phase: std::array::from_fn(|slot| self.start_of_phase(prior, slot)),
            dispersion: self.start_of_dispersion(prior, weight),
            passage: [0.0; 2],
            unrest: [0; KNOTS],
            pending_counts: Default::default(),
            pending_evidence: Default::default(),
            pending_marks: Default::default(),
            learnt: 0.0,
            run: 0.0,
            silent_expected: 0.0,
            silent_buckets: 0,
            pending_count: 0,
            phases: self.season.phases as u8,
            started: false,
        }
    }

    fn stationary_wander(&self, speed: usize) -> super::coefficients::Scalar {
        let deviation = self.settings.wander_deviation[speed];
        super::coefficients::Scalar::new(0.0, deviation * deviation)
    }

    fn start_of_phase(&self, prior: &Prior, slot: usize) -> super::coefficients::Scalar {
        if slot == HOLIDAY {
            return super::coefficients::Scalar::new(0.0, HOLIDAY_DEVIATION * HOLIDAY_DEVIATION);
        }
        if Some(slot) == self.after_slot() {
            return super::coefficients::Scalar::new(0.0, AFTER_DEVIATION * AFTER_DEVIATION);
        }
        let deviation = self.settings.phase_deviation;
        let knot = (self.season.phases..PHASES_LIMIT).contains(&slot) && self.knots(0).is_some();
        if knot {
            return super::coefficients::Scalar::new(0.0, KNOT_DEVIATION * KNOT_DEVIATION);
        }
        let unused = self.season.phases == 1 || slot >= self.season.phases;
        match prior.phases.get(slot) {
            _ if unused => super::coefficients::Scalar::default(),
            Some(effect) => super::coefficients::Scalar::new(*effect, 0.1 * deviation * deviation),
            None => super::coefficients::Scalar::new(0.0, deviation * deviation),
        }
    }

    fn start_of_dispersion(&self, prior: &Prior, weight: f64) -> super::coefficients::Scalar {
        let [location, deviation] = self.settings.dispersion_prior;
        let general = 1.0 / (deviation * deviation);
        // A bucket tells about ln(dispersion − 1) about half as much as one squared normal score does.
        let borrowed = 0.25 * weight;
        let from_prior = ln((prior.dispersion - 1.0).clamp(0.02, 1e4));
        let information = general + borrowed;
        super::coefficients::Scalar::new(
            (general * location + borrowed * from_prior) / information,
            1.0 / information,
        )
    }

    /// Predictor, rate and weight of every model at a bucket; models lighter than `least_weight` keep an empty rate.
    pub(crate) fn parts(
        &self,
        state: &CountState,
        context: &BucketContext,
        least_weight: f64,
    ) -> Parts {
        let weights = weights(&state.log_weight);
        let steps = if state.started {
            context
                .index
                .saturating_sub(state.through)
                .clamp(0, GAP_LIMIT) as f64
        } else {
            0.0
        };
        let [cosine, sine, second_cosine, second_sine] = self.season.harmonics(context.index);
        let design = [1.0, steps, cosine, sine, second_cosine, second_sine];
        let calendar = self.calendar(state, context);
        let offset = calendar.0
            + match context.exposure {
                1.0 => 0.0,
                exposure => ln(exposure.clamp(1e-9, 1e12)),
            };
        let (seasonal, seasonal_variance) = state.seasonal.predict(&design);
        let (plain, plain_variance) = state.plain.predict(&[1.0, steps]);
        let knots = self.knots(context.index);
        let profile = knots.map_or((0.0, 0.0), |knots| knots.effect(state));
        let anchors = [
            (
                seasonal + offset + profile.0,
                seasonal_variance
                    + profile.1
                    + calendar.1
                    + steps * (self.seasonal_growth[0] + 2.0 * self.seasonal_growth[2]),
            ),
            (
                plain + offset,
                plain_variance + calendar.1 + steps * self.plain_growth[0],
            ),
        ];
        let mut rates = [Rate::default(); MODELS];
        for (index, rate) in rates.iter_mut().enumerate() {
            if weights[index] < least_weight {
                continue;
            }
            let (anchor, speed) = (index / WANDERS, index % WANDERS);
            let (location, variance) = anchors[anchor];
            let (wander, wander_variance) = match speed.checked_sub(1) {
                None => (0.0, 0.0),
                Some(speed) => {
                    let keep = self.wander_keep(speed, steps);
                    let deviation = self.settings.wander_deviation[speed];
                    let at = state.wander[anchor][speed].revert(keep, deviation * deviation);
                    (at.mean(), at.variance())
                }
            };
            *rate = Rate::new(
                &self.matching,
                location + wander,
                variance + wander_variance,
            );
        }
        Parts {
            design,
            steps,
            knots,
            rates,
            weights,
        }
    }

    /// Autocorrelation of a wandering over so many buckets.
    pub(crate) fn wander_keep(&self, speed: usize, steps: f64) -> f64 {
        let keep = self.wander_keep[speed];
        match steps {
            1.0 => keep,
            2.0 => keep * keep,
            3.0 => keep * keep * keep,
            _ => exp(-steps / self.settings.wander_buckets[speed]),
        }
    }

    fn calendar(&self, state: &CountState, context: &BucketContext) -> (f64, f64) {
        let mut effect = (0.0, 0.0);
        if self.season.phases > 1 {
            let phase = state.phase[context.phase.min(self.season.phases - 1)];
            effect = (phase.mean(), phase.variance());
        }
        if context.holiday {
            let holiday = state.phase[HOLIDAY];
            effect = (effect.0 + holiday.mean(), effect.1 + holiday.variance());
        }
        if let Some(slot) = self.after_slot().filter(|_| context.after_holiday) {
            let after = state.phase[slot];
            effect = (effect.0 + after.mean(), effect.1 + after.variance());
        }
        effect
    }

    /// What the series is expected to do in a bucket.
    #[must_use]
    pub fn forecast(&self, state: &CountState, context: &BucketContext) -> Forecast {
        let mut forecast = Forecast::mix(&self.parts(state, context, NEGLIGIBLE), state);
        forecast.rate_variance +=
            self.unrest(state, context.index, forecast.mean, forecast.dispersion);
        forecast
    }
}

/// Normalised weights of the models.
fn weights(log_weight: &[f32; MODELS]) -> [f64; MODELS] {
    let largest = log_weight
        .iter()
        .fold(f32::NEG_INFINITY, |left, right| left.max(*right));
    let mut weights = log_weight.map(|value| match value - largest {
        // The leader and the hopeless are most of them.
        0.0 => 1.0,
        behind if behind < -25.0 => 0.0,
        behind => exp(f64::from(behind)),
    });
    let total: f64 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= total;
    }
    weights
}
