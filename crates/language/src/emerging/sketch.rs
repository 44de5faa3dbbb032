//! A bounded sample of a set: the smallest hashes (Cohen and Kaplan 2007, bottom-k).

/// Hashes kept.
const KEPT: usize = 48;

/// The smallest hashes of a set, sorted: enough to estimate its size and its overlap with another.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Sketch(Vec<u64>);

impl Sketch {
    /// Takes a hash in; gives whether it was not kept already.
    pub fn insert(&mut self, hash: u64) -> bool {
        match self.0.binary_search(&hash) {
            Ok(_) => false,
            Err(at) => {
                if at < KEPT {
                    self.0.insert(at, hash);
                    self.0.truncate(KEPT);
                }
                true
            }
        }
    }

    /// Takes all of another sketch in.
    pub fn merge(&mut self, other: &Sketch) {
        other.0.iter().for_each(|hash| {
            self.insert(*hash);
        });
    }

    /// Estimated number of distinct hashes; exact below the sample size.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate"
    )]
    pub fn size(&self) -> u32 {
        if self.0.len() < KEPT {
            return u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        }
        ((KEPT - 1) as f64 / (self.0[KEPT - 1] as f64 / u64::MAX as f64)) as u32
    }

    /// Estimated share of the smaller set that is in both.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    pub fn overlap(&self, other: &Sketch) -> f32 {
        let smaller = self.0.len().min(other.0.len());
        if smaller == 0 {
            return 0.0;
        }
        // Only hashes below both bounds are seen by both samples.
        let bound = |sketch: &Sketch| {
            if sketch.0.len() < KEPT {
                u64::MAX
            } else {
                sketch.0[KEPT - 1]
            }
        };
        let bound = bound(self).min(bound(other));
        let within = |sketch: &Sketch| sketch.0.iter().take_while(|hash| **hash <= bound).count();
        let both = self
            .0
            .iter()
            .take_while(|hash| **hash <= bound)
            .filter(|hash| other.0.binary_search(hash).is_ok())
            .count();
        both as f32 / within(self).min(within(other)).max(1) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stable_hash::spread;

    #[test]
    fn estimates_size_and_overlap() {
        let of = |range: std::ops::Range<u64>| {
            range.fold(Sketch::default(), |mut sketch, at| {
                sketch.insert(spread(at));
                sketch
            })
        };
        assert_eq!(of(0..10).size(), 10);
        let estimate = f64::from(of(0..10_000).size());
        // Relative standard error 1/√46 = 0.15; three of them.
        assert!((estimate / 10_000.0 - 1.0).abs() < 0.45, "{estimate}");
        assert!(
            of(0..1_000).overlap(&of(0..1_000)) > 0.99
                && of(0..1_000).overlap(&of(5_000..6_000)) < 0.01
        );
        assert!((of(0..1_000).overlap(&of(500..1_500)) - 0.5).abs() < 0.35);
    }
}
