//! p-values of the dynamic count model are uniform when nothing happens, within stated bands.

mod support;

use auscult_statistics::count::{BucketContext, CountModel, CountSettings, Prior, Season};
use support::Chance;

/// Shares of p-values at or below a level: this bucket up and down, over time up and down, combined up.
#[derive(Default, Debug)]
struct Rates([f64; 5]);

fn rates(mean: f64, dispersion: f64, level: f64, season: f64) -> Rates {
    const SERIES: usize = 60;
    const WEEKS: usize = 312;
    const JUDGED: usize = 156;
    let model = CountModel::new(CountSettings::default().check().unwrap(), Season::WEEKLY);
    let mut alarms = [0_u32; 5];
    for series in 0..SERIES {
        let mut chance = Chance::new(
            (series * 7919 + (mean * 100.0) as usize + (dispersion * 10.0) as usize) as u64,
        );
        let mut state = model.start(&Prior::vague());
        for week in 0..WEEKS {
            let angle = std::f64::consts::TAU * week as f64 / Season::WEEKLY.buckets_per_year;
            let rate = mean * (season * angle.cos()).exp();
            let evidence = model.step(
                &mut state,
                &BucketContext::plain(week as i64, 0),
                Some(chance.count(rate, dispersion)),
            );
            if week >= JUDGED {
                let p = [
                    evidence.judgement.p_upper,
                    evidence.judgement.p_lower,
                    evidence.sequential_up,
                    evidence.sequential_down,
                    evidence.combined.p_upper,
                ];
                for (count, p) in alarms.iter_mut().zip(p) {
                    *count += u32::from(p <= level);
                }
            }
        }
    }
    Rates(alarms.map(|count| f64::from(count) / (SERIES * (WEEKS - JUDGED)) as f64))
}

#[test]
fn false_alarm_rates_hold_from_rare_to_frequent_and_from_poisson_to_dispersed() {
    for mean in [0.1, 0.5, 2.0, 10.0, 60.0, 250.0, 1000.0] {
        for dispersion in [1.0, 1.5, 3.0, 5.0] {
            let Rates(at) = rates(mean, dispersion, 0.02, 0.0);
            // Band at a level of 0.02: from a quarter to twice for excesses; deficits may be rarer, for counts that
            // are mostly zero have no low side.
            for channel in [0, 2, 4] {
                assert!(
                    (0.005..=0.040).contains(&at[channel]),
                    "mean {mean} dispersion {dispersion}: {at:.4?}"
                );
            }
            for channel in [1, 3] {
                assert!(
                    at[channel] <= 0.045,
                    "mean {mean} dispersion {dispersion}: {at:.4?}"
                );
            }
            eprintln!("mean {mean} dispersion {dispersion}: {at:.4?}");
        }
    }
}

/// B01: 1,000 null negative-binomial seasonal series, false-alert rate within a fifth of the set rate on average.
#[test]
fn b01_seasonal_null_series_alarm_at_the_set_rate() {
    let mut total = [0.0; 5];
    let cells = [
        (3.0, 1.5, 0.4),
        (8.0, 2.0, 0.3),
        (15.0, 1.3, 0.6),
        (40.0, 2.5, 0.2),
        (5.0, 1.2, 0.5),
        (90.0, 1.6, 0.3),
    ];
    for (mean, dispersion, season) in cells {
        let Rates(at) = rates(mean, dispersion, 0.05, season);
        eprintln!("mean {mean} dispersion {dispersion} season {season}: {at:.4?}");
        for (sum, rate) in total.iter_mut().zip(at) {
            *sum += rate / cells.len() as f64;
        }
    }
    eprintln!("average {total:.4?}");
    for channel in [0, 1, 4] {
        assert!((0.04..=0.06).contains(&total[channel]), "{total:.4?}");
    }
    for channel in [2, 3] {
        assert!((0.03..=0.065).contains(&total[channel]), "{total:.4?}");
    }
}
