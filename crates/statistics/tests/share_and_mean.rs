//! Shares and means: calibrated when nothing happens, quick when something does, whole after a restart.

mod support;

use auscult_statistics::count::BucketContext;
use auscult_statistics::mean::{MeanModel, MeanPrior, MeanSettings, MeanState};
use auscult_statistics::share::{ShareModel, SharePrior, ShareSettings, ShareState};
use support::Chance;

fn bucket(index: i64) -> BucketContext {
    BucketContext::plain(index, 0)
}

fn successes(chance: &mut Chance, trials: u32, share: f64) -> u32 {
    (0..trials)
        .map(|_| u32::from(chance.uniform() < share))
        .sum()
}

fn answers(chance: &mut Chance, count: u32, mean: f64, deviation: f64) -> (f64, f64) {
    (0..count).fold((0.0, 0.0), |(sum, squares), _| {
        let score = (mean + deviation * chance.normal()).clamp(1.0, 5.0);
        (sum + score, squares + score * score)
    })
}

#[test]
fn null_shares_alarm_at_the_set_rate() {
    let model = ShareModel::new(ShareSettings::default().check().unwrap());
    for (trials, share, between) in [
        (8, 0.3, 0.0),
        (40, 0.2, 0.0),
        (40, 0.2, 0.25),
        (300, 0.1, 0.0),
        (300, 0.4, 0.15),
        (3000, 0.25, 0.1),
    ] {
        let (mut buckets, mut alarms) = (0, [0; 4]);
        for series in 0..25 {
            let mut chance = Chance::new(series + 100 * u64::from(trials));
            let mut state = model.start(&SharePrior::vague());
            for index in 0..300 {
                // `between` is the deviation of the log odds from bucket to bucket.
                let odds: f64 = share / (1.0 - share) * (between * chance.normal()).exp();
                let hits = successes(&mut chance, trials, odds / (1.0 + odds));
                let evidence = model.step(&mut state, &bucket(index), hits, trials);
                if index >= 60 {
                    buckets += 1;
                    for (count, p) in alarms.iter_mut().zip([
                        evidence.judgement.p_upper,
                        evidence.judgement.p_lower,
                        evidence.sequential_up,
                        evidence.combined.p_upper,
                    ]) {
                        *count += i32::from(p <= 0.02);
                    }
                }
            }
        }
        let rates = alarms.map(|count| f64::from(count) / f64::from(buckets));
        eprintln!("trials {trials} share {share} between {between}: {rates:.4?}");
        assert!(rates.iter().all(|rate| *rate <= 0.04), "{rates:?}");
        assert!(rates[3] >= 0.005, "{rates:?}");
    }
}

#[test]
fn null_means_alarm_at_the_set_rate() {
    let model = MeanModel::new(MeanSettings::default().check().unwrap());
    for (count, deviation, between) in [
        (2, 0.9, 0.0),
        (10, 0.9, 0.0),
        (10, 0.6, 0.2),
        (200, 1.0, 0.0),
        (200, 1.0, 0.15),
    ] {
        let (mut buckets, mut alarms) = (0, [0; 4]);
        for series in 0..30 {
            let mut chance = Chance::new(series + 1000 * u64::from(count));
            let mut state = model.start(&MeanPrior::vague());
            for index in 0..300 {
                let centre = 3.4 + between * chance.normal();
                let (sum, squares) = answers(&mut chance, count, centre, deviation);
                let evidence = model.step(&mut state, &bucket(index), sum, squares, count);
                if index >= 60 {
                    buckets += 1;
                    for (count, p) in alarms.iter_mut().zip([
                        evidence.judgement.p_upper,
                        evidence.judgement.p_lower,
                        evidence.sequential_down,
                        evidence.combined.p_lower,
                    ]) {
                        *count += i32::from(p <= 0.02);
                    }
                }
            }
        }
        let rates = alarms.map(|count| f64::from(count) / f64::from(buckets));
        eprintln!("answers {count} deviation {deviation} between {between}: {rates:.4?}");
        assert!(
            rates.iter().all(|rate| (0.005..=0.04).contains(rate)),
            "{rates:?}"
        );
    }
}

/// B13: flat volume, negative share from 20 % to 35 %.
#[test]
fn b13_a_rise_of_the_negative_share_is_found() {
    let model = ShareModel::new(ShareSettings::default().check().unwrap());
    let mut found = 0;
    for series in 0..40 {
        let mut chance = Chance::new(series);
        let mut state = model.start(&SharePrior::vague());
        for index in 0..60 {
            let hits = successes(&mut chance, 60, 0.2);
            model.step(&mut state, &bucket(index), hits, 60);
        }
        let smallest = (60..63)
            .map(|index| {
                let hits = successes(&mut chance, 60, 0.35);
                model
                    .step(&mut state, &bucket(index), hits, 60)
                    .combined
                    .p_upper
            })
            .fold(1.0, f64::min);
        found += i32::from(smallest < 0.005);
    }
    eprintln!("found {found} of 40");
    assert!(found >= 32, "{found} of 40");
}

#[test]
fn a_fall_of_the_mean_is_found_and_a_new_level_is_taken_up() {
    let model = MeanModel::new(MeanSettings::default().check().unwrap());
    let mut chance = Chance::new(9);
    let mut state = model.start(&MeanPrior::vague());
    let mut smallest = 1.0_f64;
    for index in 0..160 {
        let centre = if index < 80 { 4.2 } else { 3.6 };
        let (sum, squares) = answers(&mut chance, 20, centre, 0.7);
        let evidence = model.step(&mut state, &bucket(index), sum, squares, 20);
        if (80..83).contains(&index) {
            smallest = smallest.min(evidence.combined.p_lower);
        }
    }
    assert!(smallest < 1e-4, "{smallest}");
    let mean = model.forecast(&state, &bucket(160)).mean;
    assert!((3.4..3.8).contains(&mean), "{mean}");
}

#[test]
fn records_restore_to_the_bit_and_extremes_stay_finite() {
    let (shares, means) = (
        ShareModel::new(ShareSettings::default().check().unwrap()),
        MeanModel::new(MeanSettings::default().check().unwrap()),
    );
    let (mut share, mut mean) = (
        shares.start(&SharePrior::vague()),
        means.start(&MeanPrior::vague()),
    );
    let inputs = [
        (0, 0),
        (5, 5),
        (0, 1),
        (u32::MAX, u32::MAX),
        (7, 3),
        (0, u32::MAX),
        (1, 2),
        (3, 9),
    ];
    for (index, (hits, trials)) in inputs.into_iter().cycle().take(64).enumerate() {
        let evidence = shares.step(&mut share, &bucket(index as i64), hits, trials);
        let (low, high) = shares.interval(&evidence.forecast, 50, 0.9);
        assert!(
            (0.0..=1.0).contains(&evidence.combined.p_two_sided) && low <= high,
            "{evidence:?}"
        );
        let sum = 1.0 + f64::from(trials) * 4.0;
        let evidence = means.step(&mut mean, &bucket(index as i64), sum, sum * 4.0, trials);
        assert!(
            (0.0..=1.0).contains(&evidence.combined.p_two_sided)
                && evidence.forecast.mean.is_finite(),
            "{evidence:?}"
        );
        let (mut one, mut other) = (Vec::new(), Vec::new());
        share.dump(&mut one);
        mean.dump(&mut other);
        assert!(one.len() <= 512 && other.len() <= 512);
        assert_eq!(ShareState::restore(&one).unwrap(), share);
        assert_eq!(MeanState::restore(&other).unwrap(), mean);
        assert!(ShareState::restore(&other).is_err());
    }
}
