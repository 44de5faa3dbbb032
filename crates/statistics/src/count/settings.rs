//! Settings of the dynamic count model, unchecked and checked.

/// What a person may set; `check` turns it into something the model accepts.
///
/// Rates are per year and converted to the bucket width by [`crate::count::Season`], so that one set of numbers
/// serves hours, days and weeks.
#[derive(Clone, Debug, PartialEq)]
pub struct CountSettings {
    /// Standard deviation of the slow drift of the log level, per square root of a year.
    pub level_drift_per_year: f64,
    /// Prior standard deviation of the log growth in one year.
    pub growth_deviation: f64,
    /// Prior standard deviation of the first and second yearly harmonic, on the log scale.
    pub season_deviation: [f64; 2],
    /// Standard deviation of the drift of each harmonic coefficient, per square root of a year.
    pub season_drift_per_year: f64,
    /// Stationary standard deviation of the slow and the fast wandering of the log level.
    pub wander_deviation: [f64; 2],
    /// How many buckets the slow and the fast wandering last (e-folding).
    pub wander_buckets: [f64; 2],
    /// Prior standard deviation of a short-season phase (weekday, hour) on the log scale.
    pub phase_deviation: f64,
    /// Prior probabilities of the yearly season being there.
    pub season_probability: f64,
    /// Prior probabilities of no, slow and fast wandering.
    pub wander_probability: [f64; 3],
    /// Buckets over which evidence between models is remembered.
    pub model_memory_buckets: f64,
    /// Buckets over which the dispersion is remembered.
    pub dispersion_memory_buckets: f64,
    /// Prior mean and standard deviation of ln(dispersion − 1).
    pub dispersion_prior: [f64; 2],
    /// Prior probability that a bucket belongs to a burst (up or down).
    pub burst_probability: f64,
    /// Longest run of out-of-control buckets still taken for a burst; longer is a new level.
    pub burst_buckets: f64,
}

impl Default for CountSettings {
    fn default() -> Self {
        Self {
            level_drift_per_year: 0.03,
            growth_deviation: 0.15,
            season_deviation: [0.6, 0.5],
            season_drift_per_year: 0.01,
            wander_deviation: [0.2, 0.3],
            wander_buckets: [60.0, 8.0],
            phase_deviation: 0.7,
            season_probability: 0.9,
            wander_probability: [0.8, 0.12, 0.08],
            model_memory_buckets: 150.0,
            dispersion_memory_buckets: 2000.0,
            dispersion_prior: [-0.3, 1.1],
            burst_probability: 0.01,
            burst_buckets: 8.0,
        }
    }
}

/// Settings that passed [`CountSettings::check`].
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedCountSettings(CountSettings);

impl std::ops::Deref for CheckedCountSettings {
    type Target = CountSettings;
    fn deref(&self) -> &CountSettings {
        &self.0
    }
}

impl CountSettings {
    /// Checks every field and reports all problems at once.
    ///
    /// # Errors
    /// One sentence per field that is out of bounds: its name, the value, the bounds.
    pub fn check(self) -> Result<CheckedCountSettings, Vec<String>> {
        let mut problems = Vec::new();
        let mut within = |name: &str, value: f64, low: f64, high: f64| {
            if !(low..=high).contains(&value) {
                problems.push(format!(
                    "{name} is {value}: set it between {low} and {high}"
                ));
            }
        };
        within("level_drift_per_year", self.level_drift_per_year, 0.0, 10.0);
        within("growth_deviation", self.growth_deviation, 1e-4, 10.0);
        within("season_deviation[0]", self.season_deviation[0], 1e-4, 5.0);
        within("season_deviation[1]", self.season_deviation[1], 1e-4, 5.0);
        within(
            "season_drift_per_year",
            self.season_drift_per_year,
            0.0,
            5.0,
        );
        within("wander_deviation[0]", self.wander_deviation[0], 1e-3, 5.0);
        within("wander_deviation[1]", self.wander_deviation[1], 1e-3, 5.0);
        within("wander_buckets[0]", self.wander_buckets[0], 1.0, 1e5);
        within("wander_buckets[1]", self.wander_buckets[1], 1.0, 1e5);
        within("phase_deviation", self.phase_deviation, 1e-3, 5.0);
        within(
            "season_probability",
            self.season_probability,
            1e-6,
            1.0 - 1e-6,
        );
        for probability in self.wander_probability {
            within("wander_probability", probability, 1e-9, 1.0);
        }
        within(
            "sum of wander_probability",
            self.wander_probability.iter().sum(),
            0.999,
            1.001,
        );
        within("model_memory_buckets", self.model_memory_buckets, 5.0, 1e7);
        within(
            "dispersion_memory_buckets",
            self.dispersion_memory_buckets,
            10.0,
            1e7,
        );
        within("dispersion_prior[0]", self.dispersion_prior[0], -5.0, 5.0);
        within("dispersion_prior[1]", self.dispersion_prior[1], 1e-2, 5.0);
        within("burst_probability", self.burst_probability, 1e-6, 0.5);
        within("burst_buckets", self.burst_buckets, 1.0, 1e4);
        if problems.is_empty() {
            Ok(CheckedCountSettings(self))
        } else {
            Err(problems)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_is_sound_and_all_problems_come_at_once() {
        assert!(CountSettings::default().check().is_ok());
        let bad = CountSettings {
            growth_deviation: f64::NAN,
            burst_buckets: -1.0,
            ..CountSettings::default()
        };
        assert_eq!(bad.check().unwrap_err().len(), 2);
    }
}
