//! Likelihood-ratio charts against the numbers of R's surveillance 1.20.3, where R converges.

mod reference_support;

use auscult_statistics::reference::{GlrFamily, GlrSettings, Judgement};
use reference_support::{
    Comparison, Expected, data_sets, expected, judge, reference_folder, season, units,
};

#[test]
#[expect(clippy::print_stdout, reason = "says why nothing was compared")]
fn every_file_of_the_reference_folder_agrees() {
    let Some(folder) = reference_folder() else {
        println!(
            "SKIPPED: no reference folder; set AUSCULT_DATA to the data folder to compare with R"
        );
        return;
    };
    for (name, family) in [
        ("glrpois", GlrFamily::Poisson),
        ("glrnb", GlrFamily::NegativeBinomial),
    ] {
        let method = GlrSettings::usual(family).check().unwrap();
        let mut total = Comparison::default();
        for data_set in data_sets(&folder) {
            let (frequency, _) = season(&folder, &data_set);
            let Some(rows_of) = expected(&folder, &data_set, name) else {
                continue;
            };
            for (unit_name, unit) in units(&folder, &data_set) {
                // R failed on this unit: see "failures" in controls.json.
                let Some(rows) = rows_of.get(&unit_name) else {
                    continue;
                };
                compare_unit(
                    &mut total,
                    &format!("{name} {data_set} {unit_name}"),
                    &judge(&method, &unit, frequency, rows),
                    rows,
                );
            }
        }
        total.assert_none_differ(name);
    }
}

/// Compares one unit. R's own search for the best shift gives up on sparse series and then says 0, where
/// the ratio is plainly above 0 (any shift tried gives a lower bound of it): such buckets are left out, and, when
/// ours alarms there, also the buckets after it, since only our chart then starts anew.
fn compare_unit(total: &mut Comparison, name: &str, ours: &[Judgement], theirs: &[Expected]) {
    let mut charts_parted = false;
    for (ours, theirs) in ours.iter().zip(theirs) {
        let place = format!("{name} t={}", ours.place + 1);
        total.number(
            &place,
            "expected",
            ours.expected,
            theirs.expected,
            1e-6,
            0.0,
        );
        let alpha = ours
            .dispersion
            .zip(ours.expected)
            .map(|(dispersion, mean)| (dispersion - 1.0) / mean);
        if theirs.overdispersion.is_some() {
            total.number(&place, "alpha", alpha, theirs.overdispersion, 1e-6, 0.0);
        }
        let gave_up = theirs.upper == Some(0.0) && ours.upper > Some(0.0);
        charts_parted |= gave_up && ours.alarm;
        if gave_up || charts_parted {
            total.left_out += 1;
        } else {
            total.alarm(&place, ours.alarm, theirs.alarm);
            total.number(&place, "statistic", ours.upper, theirs.upper, 1e-6, 1e-2);
        }
    }
}
