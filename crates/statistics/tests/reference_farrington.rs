//! Farrington's methods against the numbers of R's surveillance 1.20.3.

mod reference_support;

use auscult_statistics::reference::{
    FarringtonFlexibleSettings, FarringtonOriginalSettings, ReferenceMethod, ThresholdMethod,
};
use reference_support::{Comparison, data_sets, expected, judge, reference_folder, season, units};

/// The settings of `controls.json` for one of R's methods on a data set.
fn method(name: &str, frequency: usize, years_back: usize) -> Box<dyn ReferenceMethod> {
    let monthly = frequency == 12;
    let improved = |threshold| FarringtonFlexibleSettings {
        years_back,
        half_width: if monthly { 1 } else { 3 },
        periods: if monthly { 3 } else { 10 },
        recent_left_out: if monthly { 6 } else { 26 },
        fewest_cases: 0,
        threshold,
        ..FarringtonFlexibleSettings::default()
    };
    let settings = match name {
        "ff_nbPlugin" => improved(ThresholdMethod::NegativeBinomialPlugIn),
        "ff_muan" => improved(ThresholdMethod::UpperMean),
        "ff_delta" => FarringtonFlexibleSettings {
            years_back,
            periods: 1,
            half_width: if monthly { 1 } else { 3 },
            recent_left_out: if monthly { 1 } else { 3 },
            reweight_above: 1.0,
            trend_p_value: 0.05,
            fewest_cases: 0,
            threshold: ThresholdMethod::Delta,
            ..FarringtonFlexibleSettings::default()
        },
        _ => {
            let half_width = if monthly { 1 } else { 3 };
            let settings = FarringtonOriginalSettings {
                years_back,
                half_width,
                ..FarringtonOriginalSettings::default()
            };
            return Box::new(settings.check().unwrap());
        }
    };
    Box::new(settings.check().unwrap())
}

#[test]
#[expect(clippy::print_stdout, reason = "says why nothing was compared")]
fn every_file_of_the_reference_folder_agrees() {
    let Some(folder) = reference_folder() else {
        println!(
            "SKIPPED: no reference folder; set AUSCULT_DATA to the data folder to compare with R"
        );
        return;
    };
    for name in ["ff_nbPlugin", "ff_muan", "ff_delta", "farrington"] {
        let mut total = Comparison::default();
        for data_set in data_sets(&folder) {
            let (frequency, years_back) = season(&folder, &data_set);
            let Some(rows_of) = expected(&folder, &data_set, name) else {
                continue;
            };
            for (unit_name, unit) in units(&folder, &data_set) {
                let rows = &rows_of[&unit_name];
                let method = method(name, frequency, years_back);
                for (ours, theirs) in judge(method.as_ref(), &unit, frequency, rows)
                    .iter()
                    .zip(rows)
                {
                    let place = format!("{name} {data_set} {unit_name} t={}", ours.place + 1);
                    total.alarm(&place, ours.alarm, theirs.alarm);
                    total.number(&place, "upper", ours.upper, theirs.upper, 1e-6, 1e-6);
                    if name != "farrington" {
                        total.number(
                            &place,
                            "expected",
                            ours.expected,
                            theirs.expected,
                            1e-6,
                            0.0,
                        );
                        total.number(
                            &place,
                            "dispersion",
                            ours.dispersion,
                            theirs.dispersion,
                            1e-6,
                            0.0,
                        );
                        // p-values: 1e-6 absolute.
                        total.number(&place, "p-value", ours.p_value, theirs.p_value, 1e-6, 1.0);
                        total.number(&place, "trend", ours.trend, theirs.trend, 1e-6, 1e-6);
                    }
                }
            }
        }
        total.assert_none_differ(name);
    }
}
