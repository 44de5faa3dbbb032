//! A large portfolio: ten thousand series of which nothing happens, and fifty with a planted burst (B10).

use auscult_core::discovery::discover;
use auscult_core::series::two_sided;
use auscult_statistics::count::{
    BucketContext, CountModel, CountSettings, CountState, NegativeBinomial, Prior, Season,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, Poisson};

const NULLS: usize = 10_000;
const PLANTED: usize = 50;
const HISTORY: i64 = 90;
const RATE: f64 = 0.05;

/// A count with this mean and ratio of variance to mean.
fn draw(mean: f64, dispersion: f64, random: &mut ChaCha8Rng) -> u64 {
    let rate = if dispersion > 1.0 + 1e-9 {
        let scale = dispersion - 1.0;
        Gamma::new(mean / scale, scale)
            .expect("sound")
            .sample(random)
    } else {
        mean
    };
    if rate <= 1e-12 {
        return 0;
    }
    Poisson::new(rate).expect("sound").sample(random) as u64
}

/// The least count that true parameters would give a p-value below 10⁻¹⁰. After ninety days the detector's own is larger:
/// what is not known of level and dispersion is part of it.
fn surprising(mean: f64, dispersion: f64) -> u64 {
    let truth = NegativeBinomial::new(mean, dispersion);
    (mean as u64..)
        .find(|&count| truth.tails(count as f64).upper < 1e-10)
        .expect("tails end")
}

struct Series {
    state: CountState,
    mean: f64,
    dispersion: f64,
}

#[test]
fn fifty_bursts_among_ten_thousand_quiet_series_are_found_and_little_else() {
    let model = CountModel::new(
        CountSettings::default().check().expect("sound"),
        Season::DAILY,
    );
    let mut random = ChaCha8Rng::seed_from_u64(2_024);
    let mut series: Vec<Series> = (0..NULLS + PLANTED)
        .map(|_| Series {
            state: model.start(&Prior::vague()),
            mean: 0.1 * 1_000_f64.powf(random.random()),
            dispersion: 1.0 + 4.0 * random.random::<f64>().powi(2),
        })
        .collect();
    for bucket in 0..HISTORY {
        for one in &mut series {
            let count = draw(one.mean, one.dispersion, &mut random);
            let context = BucketContext::plain(bucket, bucket.rem_euclid(7) as usize);
            model.step(&mut one.state, &context, Some(count));
        }
    }
    // Three days without bursts, then one with them: the planted are the last series.
    let (mut found_quiet, mut found_true, mut found_false) = (0, 0, 0);
    for bucket in HISTORY..HISTORY + 4 {
        let burst = bucket == HISTORY + 3;
        let p_values: Vec<f64> = series
            .iter_mut()
            .enumerate()
            .map(|(at, one)| {
                let count = if burst && at >= NULLS {
                    surprising(one.mean, one.dispersion)
                } else {
                    draw(one.mean, one.dispersion, &mut random)
                };
                let context = BucketContext::plain(bucket, bucket.rem_euclid(7) as usize);
                let evidence = model.step(&mut one.state, &context, Some(count));
                two_sided((evidence.combined.p_upper, evidence.combined.p_lower))
            })
            .collect();
        let line = discover(&p_values, RATE).threshold;
        let found =
            |range: std::ops::Range<usize>| range.filter(|&at| p_values[at] <= line).count();
        if burst {
            found_true = found(NULLS..NULLS + PLANTED);
            found_false = found(0..NULLS);
        } else {
            found_quiet += found(0..NULLS + PLANTED);
        }
    }
    assert!(found_true >= 40, "{found_true} of {PLANTED} planted");
    // One draw of the proportion whose mean is bounded by the rate: with 50 found, five are two standard deviations.
    assert!(
        found_false <= 5,
        "{found_false} false beside {found_true} true"
    );
    assert!(found_quiet <= 3, "{found_quiet} on three quiet days");
}
