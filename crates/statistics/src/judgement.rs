//! What one bucket says: tail probabilities on either side. Shared by counts, shares and means.

/// Mid-p tail probabilities of an observation under its forecast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// Small when the observation is higher than expected.
    pub p_upper: f64,
    /// Small when the observation is lower than expected.
    pub p_lower: f64,
    /// Small when it is either.
    pub p_two_sided: f64,
}

impl Judgement {
    /// From the two mid-p tails; they are clamped to [0, 1].
    #[must_use]
    pub fn from_tails(lower: f64, upper: f64) -> Self {
        let (p_lower, p_upper) = (lower.clamp(0.0, 1.0), upper.clamp(0.0, 1.0));
        Self {
            p_upper,
            p_lower,
            p_two_sided: (2.0 * p_upper.min(p_lower)).min(1.0),
        }
    }

    /// Nothing was observed: no evidence either way.
    #[must_use]
    pub fn silent() -> Self {
        Self {
            p_upper: 0.5,
            p_lower: 0.5,
            p_two_sided: 1.0,
        }
    }
}
