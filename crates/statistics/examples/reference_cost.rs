//! Cost of a Farrington Flexible step on one core.
//!
//!     cargo run --release -p auscult-statistics --example reference_cost
//!
//! 400 made weekly series of means 0.5 to 50, five years of history, 49 weeks judged.
#![expect(clippy::disallowed_methods, reason = "measuring is what this is for")]
#![expect(clippy::print_stdout, reason = "prints its figures")]

use std::time::Instant;

use auscult_statistics::distribution::CountDistribution;
use auscult_statistics::reference::{
    Calendar, CountSeries, FarringtonFlexibleSettings, ReferenceMethod, ThresholdMethod,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SERIES: usize = 400;
const WEEKS: usize = 5 * 52 + 3 + 49;
const JUDGED: usize = 49;

fn main() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let series: Vec<Vec<u64>> = (0..SERIES)
        .map(|place| {
            let level = 0.5 * 100f64.powf(place as f64 / SERIES as f64);
            let week = |week: usize| {
                let season = 1.0 + 0.5 * (week as f64 * std::f64::consts::TAU / 52.0).cos();
                let counts = CountDistribution::new(level * season, 1.5).expect("positive mean");
                counts.quantile(rng.random_range(1e-9..1.0 - 1e-9)) as u64
            };
            (0..WEEKS).map(week).collect()
        })
        .collect();
    for threshold in [
        ThresholdMethod::NegativeBinomialPlugIn,
        ThresholdMethod::UpperMean,
        ThresholdMethod::Delta,
    ] {
        let settings = FarringtonFlexibleSettings {
            threshold,
            ..FarringtonFlexibleSettings::default()
        };
        let method = settings.check().expect("default settings are usable");
        // The least of nine runs of each series: a run is shorter than a time slice, so that what else the
        // machine does stays out of it.
        let mut microseconds: Vec<f64> = series
            .iter()
            .map(|counts| {
                let calendar = Calendar::Even {
                    buckets_per_year: 52,
                };
                let series = CountSeries {
                    counts,
                    calendar,
                    population: &[],
                };
                let run = |_| {
                    let start = Instant::now();
                    let judged = method.judge(&series, WEEKS - JUDGED..WEEKS);
                    std::hint::black_box(judged).expect("history is long enough");
                    start.elapsed().as_secs_f64() * 1e6 / JUDGED as f64
                };
                (0..9).map(run).fold(f64::INFINITY, f64::min)
            })
            .collect();
        let mean = microseconds.iter().sum::<f64>() / SERIES as f64;
        microseconds.sort_by(f64::total_cmp);
        let (median, dearest) = (microseconds[SERIES / 2], microseconds[SERIES - 1]);
        println!(
            "{threshold:?}: mean {mean:.2} µs a step, median series {median:.2}, dearest {dearest:.2}"
        );
    }
}
