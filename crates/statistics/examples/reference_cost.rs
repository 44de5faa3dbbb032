//! Cost of a Farrington Flexible step on one core.
//!
//!     cargo run --release -p auscult-statistics --example reference_cost
//!
//! 400 made weekly series of means 0.5 to 50, five years of history, 49 weeks judged: median of nine runs.
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
        let mut microseconds: Vec<f64> = (0..9)
            .map(|_| {
                let start = Instant::now();
                let mut alarms = 0;
                for counts in &series {
                    let series = CountSeries {
                        counts,
                        calendar: Calendar::Even {
                            buckets_per_year: 52,
                        },
                        population: &[],
                    };
                    let judged = method
                        .judge(&series, WEEKS - JUDGED..WEEKS)
                        .expect("history is long enough");
                    alarms += judged.iter().filter(|judgement| judgement.alarm).count();
                }
                let elapsed = start.elapsed().as_secs_f64() * 1e6 / (SERIES * JUDGED) as f64;
                std::hint::black_box(alarms);
                elapsed
            })
            .collect();
        microseconds.sort_by(f64::total_cmp);
        println!(
            "{threshold:?}: {:.2} µs a step (least {:.2})",
            microseconds[4], microseconds[0]
        );
    }
}
