//! Seeded simulation for the tests of the dynamic models.

use auscult_statistics::count::NegativeBinomial;

/// xorshift128+ with a fixed seed.
pub struct Chance([u64; 2]);

impl Chance {
    pub fn new(seed: u64) -> Self {
        let mut chance = Self([
            seed ^ 0x9E37_79B9_7F4A_7C15,
            seed.wrapping_mul(0xD1B5_4A32_D192_ED03) | 1,
        ]);
        for _ in 0..8 {
            chance.uniform();
        }
        chance
    }

    /// Uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        let [mut first, second] = self.0;
        first ^= first << 23;
        first ^= (first >> 17) ^ second ^ (second >> 26);
        self.0 = [second, first];
        (first.wrapping_add(second) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal (Box and Muller).
    #[allow(dead_code, reason = "not every test file draws every kind")]
    pub fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Negative binomial count by inversion, starting ten deviations below the mean.
    #[allow(dead_code, reason = "not every test file draws every kind")]
    pub fn count(&mut self, mean: f64, dispersion: f64) -> u64 {
        let uniform = self.uniform();
        let distribution = NegativeBinomial::new(mean, dispersion);
        let mut count = (mean - 10.0 * (mean * dispersion).sqrt()).max(0.0).floor();
        let mut mass = distribution.ln_mass(count).exp();
        let size = mean / (dispersion - 1.0).max(1e-6);
        let ratio = (dispersion - 1.0).max(1e-6) / dispersion.max(1.0 + 1e-6);
        let mut sum = mass;
        while sum < uniform && count < 20.0 * mean + 1000.0 {
            mass *= ratio * (size + count) / (count + 1.0);
            count += 1.0;
            sum += mass;
        }
        count as u64
    }
}
