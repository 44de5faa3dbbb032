//! Properties that hold for any settings, counts and moments.

use auscult_statistics::count::{
    BucketContext, CountModel, CountSettings, CountState, Prior, Season,
};
use proptest::prelude::*;

fn season() -> impl Strategy<Value = Season> {
    prop_oneof![
        Just(Season::WEEKLY),
        Just(Season::DAILY),
        Just(Season::HOURLY)
    ]
}

fn count() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![
        6 => (0_u64..40).prop_map(Some),
        1 => Just(None),
        1 => prop_oneof![Just(0), Just(1_000_000_000), Just(u64::MAX)].prop_map(Some),
    ]
}

fn model(season: Season) -> CountModel {
    CountModel::new(CountSettings::default().check().unwrap(), season)
}

fn probability(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_number_stays_finite_and_every_p_a_probability(
        season in season(),
        counts in prop::collection::vec((count(), 1_i64..4, 0.01_f64..1e6, any::<bool>()), 1..120),
    ) {
        let model = model(season);
        let mut state = model.start(&Prior::vague());
        let mut index = -50;
        for (count, step, exposure, holiday) in counts {
            index += step;
            let context = BucketContext { index, phase: index.rem_euclid(season.phases as i64) as usize, exposure, holiday, after_holiday: !holiday && index % 5 == 0 };
            let evidence = model.step(&mut state, &context, count);
            let all = [
                evidence.judgement.p_upper, evidence.judgement.p_lower, evidence.judgement.p_two_sided, evidence.sequential_up,
                evidence.sequential_down, evidence.combined.p_upper, evidence.combined.p_lower, evidence.combined.p_two_sided,
                evidence.weight,
            ];
            prop_assert!(all.into_iter().all(probability), "{evidence:?}");
            prop_assert!(evidence.forecast.mean.is_finite() && evidence.forecast.variance().is_finite());
            let (low, high) = model.interval(&evidence.forecast, 0.95);
            prop_assert!(low.is_finite() && high.is_finite() && low <= high);
        }
        let mut record = Vec::new();
        state.dump(&mut record);
        prop_assert!(CountState::restore(&record).is_ok());
    }

    #[test]
    fn dump_and_restore_anywhere_change_nothing(
        season in season(),
        counts in prop::collection::vec(count(), 1..80),
        cut in 0_usize..80,
    ) {
        let model = model(season);
        let mut straight = model.start(&Prior::vague());
        let mut restored = straight.clone();
        for (index, count) in counts.iter().enumerate() {
            let context = BucketContext::plain(index as i64, index % season.phases);
            if index == cut % counts.len() {
                let mut record = Vec::new();
                restored.dump(&mut record);
                prop_assert!(record.len() <= 512, "{} bytes", record.len());
                restored = CountState::restore(&record).unwrap();
                prop_assert_eq!(&restored, &straight);
            }
            let (left, right) = (model.step(&mut straight, &context, *count), model.step(&mut restored, &context, *count));
            prop_assert_eq!(left, right);
        }
    }

    #[test]
    fn judgement_is_monotone_in_the_count(
        counts in prop::collection::vec(0_u64..60, 3..60),
        lower in 0_u64..200,
        more in 1_u64..200,
    ) {
        let model = model(Season::WEEKLY);
        let mut state = model.start(&Prior::vague());
        for (index, count) in counts.iter().enumerate() {
            model.step(&mut state, &BucketContext::plain(index as i64, 0), Some(*count));
        }
        let context = BucketContext::plain(counts.len() as i64, 0);
        let forecast = model.forecast(&state, &context);
        let (few, many) = (model.judge(&forecast, lower as f64), model.judge(&forecast, (lower + more) as f64));
        prop_assert!(many.p_upper <= few.p_upper + 1e-9 && many.p_lower >= few.p_lower - 1e-9);
        let few = model.step(&mut state.clone(), &context, Some(lower));
        let many = model.step(&mut state, &context, Some(lower + more));
        prop_assert!(many.sequential_up <= few.sequential_up + 1e-9, "{few:?} {many:?}");
        prop_assert!(many.combined.p_upper <= few.combined.p_upper + 1e-9);
    }

    #[test]
    fn damaged_records_are_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..700)) {
        let _ = CountState::restore(&bytes);
        let mut record = Vec::new();
        model(Season::DAILY).start(&Prior::vague()).dump(&mut record);
        prop_assert!(CountState::restore(&record[..record.len() - 1]).is_err());
        record[0] = 99;
        prop_assert!(CountState::restore(&record).is_err());
    }

    #[test]
    fn fuzzed_settings_are_accepted_or_refused_with_reasons(values in prop::collection::vec(prop_oneof![Just(f64::NAN), -1.0_f64..1e4], 8)) {
        let settings = CountSettings {
            level_drift_per_year: values[0],
            growth_deviation: values[1],
            season_deviation: [values[2], values[3]],
            wander_buckets: [values[4], values[5]],
            model_memory_buckets: values[6],
            burst_buckets: values[7],
            ..CountSettings::default()
        };
        match settings.check() {
            Ok(checked) => {
                let model = CountModel::new(checked, Season::DAILY);
                let mut state = model.start(&Prior::vague());
                for index in 0..30 {
                    let evidence = model.step(&mut state, &BucketContext::plain(index, (index % 7) as usize), Some(3));
                    prop_assert!(probability(evidence.combined.p_two_sided));
                }
            }
            Err(problems) => prop_assert!(!problems.is_empty()),
        }
    }
}

#[test]
fn a_state_fits_its_budget() {
    assert!(
        size_of::<CountState>() <= 512,
        "{}",
        size_of::<CountState>()
    );
}
