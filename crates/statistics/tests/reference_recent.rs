//! EARS, CUSUM, Bayes and RKI against the numbers of R's surveillance 1.20.3.

mod reference_support;

use auscult_statistics::reference::{
    BayesSettings, CusumSettings, EarsSettings, EarsVariant, ReferenceMethod, RkiSettings,
};
use reference_support::{Comparison, data_sets, expected, judge, reference_folder, season, units};

fn methods() -> Vec<(&'static str, Box<dyn ReferenceMethod>)> {
    let ears = |variant| Box::new(EarsSettings::usual(variant).check().unwrap());
    vec![
        ("ears_C1", ears(EarsVariant::C1)),
        ("ears_C2", ears(EarsVariant::C2)),
        ("ears_C3", ears(EarsVariant::C3OfR)),
        (
            "cusum_std",
            Box::new(CusumSettings::default().check().unwrap()),
        ),
        (
            "bayes1",
            Box::new(BayesSettings::default().check().unwrap()),
        ),
        ("rki1", Box::new(RkiSettings::default().check().unwrap())),
    ]
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
    for (name, method) in methods() {
        let mut total = Comparison::default();
        for data_set in data_sets(&folder) {
            let (frequency, _) = season(&folder, &data_set);
            let Some(rows_of) = expected(&folder, &data_set, name) else {
                continue;
            };
            for (unit_name, unit) in units(&folder, &data_set) {
                let rows = &rows_of[&unit_name];
                for (ours, theirs) in judge(method.as_ref(), &unit, frequency, rows)
                    .iter()
                    .zip(rows)
                {
                    let place = format!("{name} {data_set} {unit_name} t={}", ours.place + 1);
                    total.alarm(&place, ours.alarm, theirs.alarm);
                    total.number(&place, "upper", ours.upper, theirs.upper, 1e-6, 1e-6);
                }
            }
        }
        total.assert_none_differ(name);
    }
}
