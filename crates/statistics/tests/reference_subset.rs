//! All reference methods on two made series, with R's numbers committed: this runs on every machine.
//!
//! `benches/peers/reference_subset.R` (command in its first lines) made the tables with R 4.2.2 and
//! surveillance 1.20.3.

mod reference_support;

use auscult_statistics::reference::{
    BayesSettings, CusumSettings, EarsSettings, EarsVariant, FarringtonFlexibleSettings,
    FarringtonOriginalSettings, GlrFamily, GlrSettings, ReferenceMethod, RkiSettings,
    ThresholdMethod,
};
use reference_support::{Comparison, Unit, judge, parse_expected};

const SERIES: &str = include_str!("reference_subset_series.csv");
const EXPECTED: &str = include_str!("reference_subset_expected.csv");

fn method(name: &str) -> Box<dyn ReferenceMethod> {
    let ears = |variant| Box::new(EarsSettings::usual(variant).check().unwrap());
    let glr = |family| Box::new(GlrSettings::usual(family).check().unwrap());
    let flexible = |threshold| FarringtonFlexibleSettings {
        years_back: 4,
        fewest_cases: 0,
        threshold,
        ..FarringtonFlexibleSettings::default()
    };
    match name {
        "ff_nbPlugin" => Box::new(
            flexible(ThresholdMethod::NegativeBinomialPlugIn)
                .check()
                .unwrap(),
        ),
        "ff_muan" => Box::new(flexible(ThresholdMethod::UpperMean).check().unwrap()),
        "ff_delta" => {
            let original = FarringtonFlexibleSettings {
                periods: 1,
                recent_left_out: 3,
                reweight_above: 1.0,
                trend_p_value: 0.05,
                ..flexible(ThresholdMethod::Delta)
            };
            Box::new(original.check().unwrap())
        }
        "farrington" => {
            let settings = FarringtonOriginalSettings {
                years_back: 4,
                ..FarringtonOriginalSettings::default()
            };
            Box::new(settings.check().unwrap())
        }
        "ears_C1" => ears(EarsVariant::C1),
        "ears_C2" => ears(EarsVariant::C2),
        "ears_C3" => ears(EarsVariant::C3OfR),
        "cusum_std" => Box::new(CusumSettings::default().check().unwrap()),
        "glrpois" => glr(GlrFamily::Poisson),
        "glrnb" => glr(GlrFamily::NegativeBinomial),
        "bayes1" => Box::new(BayesSettings::default().check().unwrap()),
        "rki1" => Box::new(RkiSettings::default().check().unwrap()),
        other => panic!("no method {other}"),
    }
}

fn made_series(column: usize) -> Unit {
    let counts = SERIES
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(column).unwrap().parse().unwrap())
        .collect();
    Unit { days: None, counts }
}

#[test]
fn made_series_agree_with_r() {
    let (mut methods_compared, mut alarms) = (0, 0);
    for (column, series) in ["busy", "sparse"].iter().enumerate() {
        let lines: Vec<&str> = EXPECTED
            .lines()
            .filter(|line| line.starts_with(series))
            .collect();
        for (name, rows) in parse_expected(lines.into_iter()) {
            let mut total = Comparison::default();
            for (ours, theirs) in judge(method(&name).as_ref(), &made_series(column), 52, &rows)
                .iter()
                .zip(&rows)
            {
                let place = format!("{name} {series} t={}", ours.place + 1);
                total.alarm(&place, ours.alarm, theirs.alarm);
                total.number(&place, "upper", ours.upper, theirs.upper, 1e-6, 1e-2);
                if theirs.expected.is_some() {
                    total.number(
                        &place,
                        "expected",
                        ours.expected,
                        theirs.expected,
                        1e-6,
                        0.0,
                    );
                }
                if name.starts_with("ff_") {
                    total.number(
                        &place,
                        "dispersion",
                        ours.dispersion,
                        theirs.dispersion,
                        1e-6,
                        0.0,
                    );
                    total.number(&place, "p-value", ours.p_value, theirs.p_value, 1e-6, 1.0);
                    total.number(&place, "trend", ours.trend, theirs.trend, 1e-6, 1e-6);
                }
                alarms += usize::from(ours.alarm);
            }
            total.assert_none_differ(&format!("{series} {name}"));
            methods_compared += 1;
        }
    }
    assert!(
        methods_compared >= 22 && alarms >= 20,
        "{methods_compared} methods, {alarms} alarms"
    );
}

/// Nothing here is a plausible week; every method must still answer, with p-values in [0, 1].
#[test]
fn extreme_counts_are_answered() {
    let patterns: [fn(usize) -> u64; 5] = [
        |_| 0,
        |_| 1_000_000_000,
        |week| if week % 2 == 0 { 0 } else { 1_000_000_000 },
        |week| if week == 319 { 1_000_000_000 } else { 0 },
        |week| if week < 200 { 0 } else { 1 << (week % 30) },
    ];
    for pattern in patterns {
        let unit = Unit {
            days: None,
            counts: (0..320).map(pattern).collect(),
        };
        for name in [
            "ff_nbPlugin",
            "ff_muan",
            "ff_delta",
            "farrington",
            "ears_C1",
            "ears_C2",
            "ears_C3",
            "cusum_std",
            "glrpois",
            "glrnb",
            "bayes1",
            "rki1",
        ] {
            let rows: Vec<_> = parse_expected(
                [
                    "x,x,318,0,0,0,NA,NA,NA,NA,NA,NA",
                    "x,x,320,0,0,0,NA,NA,NA,NA,NA,NA",
                ]
                .into_iter(),
            )
            .remove("x")
            .unwrap();
            for judgement in judge(method(name).as_ref(), &unit, 52, &rows) {
                if let Some(p_value) = judgement.p_value {
                    assert!((0.0..=1.0).contains(&p_value), "{name} {judgement:?}");
                }
                assert!(
                    judgement.upper.is_none_or(|upper| !upper.is_nan()),
                    "{name} {judgement:?}"
                );
            }
        }
    }
}
