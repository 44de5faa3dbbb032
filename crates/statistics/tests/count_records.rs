//! Records of earlier versions still load.

use auscult_statistics::count::{BucketContext, CountModel, CountSettings, CountState, Season};

/// A record of version 1, and what that version expected of the next bucket.
struct Old {
    record: &'static [u8],
    season: Season,
    buckets: i64,
    mean: f64,
    dispersion: f64,
}

fn records() -> [Old; 3] {
    [
        Old {
            record: include_bytes!("fixtures/count_series_v1_weekly.bin"),
            season: Season::WEEKLY,
            buckets: 120,
            mean: 20.348_993,
            dispersion: 1.039_036,
        },
        Old {
            record: include_bytes!("fixtures/count_series_v1_daily.bin"),
            season: Season::DAILY,
            buckets: 800,
            mean: 26.978_568,
            dispersion: 1.018_315,
        },
        Old {
            record: include_bytes!("fixtures/count_series_v1_hourly.bin"),
            season: Season::HOURLY,
            buckets: 500,
            mean: 32.914_873,
            dispersion: 1.018_315,
        },
    ]
}

#[test]
fn records_of_version_1_load_and_expect_what_they_did() {
    for old in records() {
        assert_eq!(old.record[0], 1);
        let state = CountState::restore(old.record).unwrap();
        let model = CountModel::new(CountSettings::default().check().unwrap(), old.season);
        let phase = (old.buckets % old.season.phases as i64) as usize;
        let forecast = model.forecast(&state, &BucketContext::plain(old.buckets, phase));
        // Days have a knot of the yearly profile less, so that their mean moves a little.
        assert!(
            (forecast.mean / old.mean - 1.0).abs() < 0.02,
            "{} instead of {}",
            forecast.mean,
            old.mean
        );
        assert!((forecast.dispersion / old.dispersion - 1.0).abs() < 1e-5);
        assert!((forecast.points - old.buckets as f64).abs() < 1e-9);
    }
}

#[test]
fn what_was_loaded_from_version_1_is_written_as_version_2_and_comes_back_the_same() {
    for old in records() {
        let state = CountState::restore(old.record).unwrap();
        let mut record = Vec::new();
        state.dump(&mut record);
        assert_eq!(record[0], 2);
        assert!(record.len() <= 512, "{} bytes", record.len());
        assert_eq!(CountState::restore(&record).unwrap(), state);
    }
}

#[test]
fn a_cut_record_of_either_version_is_refused() {
    for old in records() {
        let mut record = Vec::new();
        CountState::restore(old.record).unwrap().dump(&mut record);
        for whole in [old.record, &record] {
            for length in 0..whole.len() {
                assert!(CountState::restore(&whole[..length]).is_err(), "{length}");
            }
        }
    }
}
