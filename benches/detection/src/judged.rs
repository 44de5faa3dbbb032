//! The first table of the report: every row of "How it is judged" with its target, and whether it is met.
//!
//! Decision: figures are taken from the same judgements the sections below print, so that the table cannot say
//! something else than they do. Weekly rows are those with five years of history unless the row names another.

use std::fmt::Write as _;

use crate::answers::Answers;
use crate::lattice::Power;
use crate::measures::{Judged, Measures, Replicates};
use crate::panels::Weekly;
use crate::parity::Parity;
use crate::portfolio::realised;
use crate::real::RealBaselines;
use crate::report::{nominal, seven_groups};

/// One figure with its target.
pub struct Aim {
    name: &'static str,
    value: f64,
    target: f64,
    at_most: bool,
    digits: usize,
}

fn at_least(name: &'static str, value: f64, target: f64) -> Aim {
    Aim {
        name,
        value,
        target,
        at_most: false,
        digits: 3,
    }
}

fn at_most(name: &'static str, value: f64, target: f64) -> Aim {
    Aim {
        at_most: true,
        ..at_least(name, value, target)
    }
}

impl Aim {
    fn digits(self, digits: usize) -> Self {
        Self { digits, ..self }
    }

    /// How far the value is on the wrong side of its target; not above zero where it is met.
    fn short(&self) -> f64 {
        if self.at_most {
            self.value - self.target
        } else {
            self.target - self.value
        }
    }

    fn shown(&self) -> String {
        format!("{} {:.*}", self.name, self.digits, self.value)
    }

    fn wanted(&self) -> String {
        let sign = if self.at_most { '≤' } else { '≥' };
        let plain = format!("{:.*}", self.digits, self.target);
        let plain = if plain.contains('.') {
            plain.trim_end_matches('0').trim_end_matches('.')
        } else {
            &plain
        };
        format!("{} {sign} {plain}", self.name)
    }
}

/// One row of the table.
pub struct Row {
    number: usize,
    test: &'static str,
    aims: Vec<Aim>,
    farrington: String,
    clairvoyant: String,
}

fn row(number: usize, test: &'static str, aims: Vec<Aim>) -> Row {
    Row {
        number,
        test,
        aims,
        farrington: "–".to_owned(),
        clairvoyant: "–".to_owned(),
    }
}

impl Row {
    fn beside(self, farrington: Option<String>, clairvoyant: Option<String>) -> Self {
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
        Self {
            farrington: or_none(farrington),
            clairvoyant: or_none(clairvoyant),
            ..self
        }
    }

    fn verdict(&self) -> String {
        // What rounds to the target has reached it.
        let short: Vec<String> = self
            .aims
            .iter()
            .filter(|aim| aim.short() > 0.5 * 10_f64.powi(-(aim.digits as i32)))
            .map(|aim| format!("{} by {:.*}", aim.name, aim.digits, aim.short()))
            .collect();
        if short.is_empty() {
            "met".to_owned()
        } else {
            format!("**short**: {}", short.join(", "))
        }
    }
}

/// The table, in the order of the rows' numbers.
pub fn table(rows: &mut [Row]) -> Result<String, std::fmt::Error> {
    rows.sort_by_key(|row| row.number);
    let mut text = String::from(
        "| # | test | target | Farrington Flexible | ours | true parameters known | met? |\n|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let list = |show: fn(&Aim) -> String| {
            let shown: Vec<String> = row.aims.iter().map(show).collect();
            shown.join(", ")
        };
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} |",
            row.number,
            row.test,
            list(Aim::wanted),
            row.farrington,
            list(Aim::shown),
            row.clairvoyant,
            row.verdict()
        )?;
    }
    Ok(text)
}

/// The judged methods by name and channel.
struct Methods<'a> {
    all: &'a [Judged<'a>],
    which: Replicates,
}

impl<'a> Methods<'a> {
    fn find(&self, name: &str, channel: &str) -> Option<&'a Judged<'a>> {
        let is_it = |one: &&Judged| one.name == name && one.channel == channel;
        self.all.iter().find(is_it)
    }

    fn ours(&self, channel: &str) -> Option<&'a Judged<'a>> {
        self.find("dynamic_count, 260 weeks", channel)
    }

    fn farrington(&self) -> Option<&'a Judged<'a>> {
        self.find("farrington_flexible_nb_plug_in", "bucket")
    }

    fn known(&self, channel: &str) -> Option<&'a Judged<'a>> {
        self.find("true parameters known", channel)
    }

    fn at(&self, judged: &Judged, rate: f64) -> Measures {
        judged.measures(judged.thresholds(rate), self.which)
    }
}

/// A row with one figure of the weekly panel.
struct Single {
    number: usize,
    test: &'static str,
    channel: &'static str,
    rate: f64,
    target: f64,
    value: fn(&Measures) -> f64,
    name: &'static str,
}

const SINGLE: [Single; 4] = [
    Single {
        number: 1,
        test: "weekly POD at FPR 0.01, 5 years of history",
        channel: "over time",
        rate: 0.01,
        target: 0.61,
        value: |at| at.detected,
        name: "POD",
    },
    Single {
        number: 2,
        test: "weekly POD at FPR 0.005",
        channel: "over time",
        rate: 0.005,
        target: 0.55,
        value: |at| at.detected,
        name: "POD",
    },
    Single {
        number: 3,
        test: "first-week channel, POD1week at FPR 0.01",
        channel: "bucket",
        rate: 0.01,
        target: 0.44,
        value: |at| at.detected_at_once,
        name: "POD1week",
    },
    Single {
        number: 4,
        test: "F1 at FPR 0.01",
        channel: "over time",
        rate: 0.01,
        target: 0.55,
        value: |at| at.f1,
        name: "F1",
    },
];

/// Rows 1–5, 8 (weekly half), 9, 11: the weekly panel.
pub fn weekly(all: &[Judged], panel: &Weekly, which: Replicates) -> Vec<Row> {
    let methods = Methods { all, which };
    let mut rows = Vec::new();
    for Single {
        number,
        test,
        channel,
        rate,
        target,
        value,
        name,
    } in SINGLE
    {
        let Some(ours) = methods.ours(channel) else {
            continue;
        };
        let shown = |judged: &Judged| format!("{:.3}", value(&methods.at(judged, rate)));
        rows.push(
            row(
                number,
                test,
                vec![at_least(name, value(&methods.at(ours, rate)), target)],
            )
            .beside(
                methods.farrington().map(shown),
                methods.known(channel).map(shown),
            ),
        );
    }
    let short: Vec<Aim> = [("26 weeks", 0.48), ("52 weeks", 0.55), ("104 weeks", 0.58)]
        .into_iter()
        .filter_map(|(weeks, target)| {
            let name = format!("dynamic_count, {weeks}, season borrowed");
            let judged = methods.find(&name, "over time")?;
            Some(at_least(weeks, methods.at(judged, 0.01).detected, target))
        })
        .collect();
    let ears = methods.find("ears_c1", "bucket");
    rows.push(
        row(
            5,
            "short history, season borrowed from siblings: POD at FPR 0.01",
            short,
        )
        .beside(
            ears.map(|judged| format!("EARS C1 {:.3}", methods.at(judged, 0.01).detected)),
            None,
        ),
    );
    rows.extend(calibration(&methods, panel));
    rows.extend(discoveries(&methods));
    rows.extend(cost(&methods));
    rows
}

/// Least and most false-positive rate of any group in any channel found.
fn range<'a>(
    which: Replicates,
    panel: &Weekly,
    find: impl Fn(&str) -> Option<&'a Judged<'a>>,
) -> (f64, f64) {
    ["bucket", "over time", "combined"]
        .into_iter()
        .filter_map(find)
        .flat_map(|judged| seven_groups(judged, panel, nominal(0.01), which))
        .fold((f64::INFINITY, 0.0), |(least, most), rate| {
            (rate.min(least), rate.max(most))
        })
}

fn calibration(methods: &Methods, panel: &Weekly) -> Option<Row> {
    methods.ours("bucket")?;
    let (least, most) = range(methods.which, panel, |channel| methods.ours(channel));
    let shown = |(least, most): (f64, f64)| format!("{least:.4}–{most:.4}");
    Some(
        row(
            8,
            "calibration: FPR of each scenario group at nominal 0.01, all channels",
            vec![
                at_least("least", least, 0.006).digits(4),
                at_most("most", most, 0.015).digits(4),
            ],
        )
        .beside(
            methods.farrington().map(|_| {
                let find = |channel: &str| methods.farrington().filter(|_| channel == "bucket");
                shown(range(methods.which, panel, find))
            }),
            methods.known("bucket").map(|_| {
                shown(range(methods.which, panel, |channel| {
                    methods.known(channel)
                }))
            }),
        ),
    )
}

fn discoveries(methods: &Methods) -> Option<Row> {
    let at = |judged: &Judged| {
        let realised = realised(judged, 0.1, methods.which);
        (realised.false_share, realised.detected)
    };
    let shown = |judged: &Judged| {
        let (false_share, detected) = at(judged);
        format!("{false_share:.3} / {detected:.3}")
    };
    let (false_share, detected) = at(methods.ours("combined")?);
    Some(
        row(
            9,
            "BH q = 0.10, combined channel: realised FDP / POD",
            vec![
                at_most("FDP", false_share, 0.11),
                at_least("POD", detected, 0.42),
            ],
        )
        .beside(
            methods.farrington().map(shown),
            methods.known("combined").map(shown),
        ),
    )
}

fn cost(methods: &Methods) -> Option<Row> {
    let mut aims = vec![
        at_most(
            "ours, µs",
            methods.ours("bucket")?.nanoseconds / 1000.0,
            2.0,
        )
        .digits(2),
    ];
    if let Some(exact) = methods.farrington() {
        aims.push(at_most("exact Farrington, µs", exact.nanoseconds / 1000.0, 7.0).digits(2));
    }
    Some(
        row(11, "cost per series and step, one core", aims)
            .beside(Some("6,700 µs in R".to_owned()), None),
    )
}

/// Rows 7 and 8 (daily half).
pub fn daily(all: &[Judged]) -> Vec<Row> {
    let Some(combined) = all.iter().find(|judged| judged.channel == "combined") else {
        return Vec::new();
    };
    // All replicates: half of the sizes of outbreak are in the even ones.
    let at = combined.measures(combined.thresholds(0.01), Replicates::All);
    let worst = all
        .iter()
        .flat_map(|judged| {
            judged
                .group_rates(nominal(0.01), Replicates::All)
                .into_values()
        })
        .fold(0.0, f64::max);
    vec![
        row(
            7,
            "daily POD, sensitivity (share of cases on alarm days), delay at FPR 0.01, combined channel",
            vec![
                at_least("POD", at.detected, 0.93),
                at_least("sensitivity", at.cases_covered, 0.75),
                at_most("delay, days", at.delay, 1.4).digits(2),
            ],
        ),
        row(
            8,
            "calibration, daily: most of any signal at nominal 0.01, all channels",
            vec![at_most("most", worst, 0.02)],
        ),
    ]
}

/// Row 6.
pub fn real(real: &RealBaselines) -> Row {
    let [bucket, over_time, _] = real.ours;
    row(
        6,
        "real baselines with injected outbreaks at episode rate 0.01: POD over time, POD1week of the first-week channel",
        vec![
            at_least("POD", over_time.detected, 0.64),
            at_least("POD1week", bucket.detected_at_once, 0.44),
        ],
    )
    .beside(
        Some(format!(
            "{:.3} / {:.3}",
            real.farrington.detected, real.farrington.detected_at_once
        )),
        None,
    )
}

/// Row 10.
pub fn lattice(power: &Power) -> Row {
    row(
        10,
        "lattice: 16 extra cases over 10 of 240 leaves, 5 % weekly family-wise error, baselines estimated",
        vec![at_least("power", power.found[3], 0.92)],
    )
    .beside(
        None,
        Some(format!(
            "{:.3}; leaves only {:.3}",
            power.found[1], power.found[0]
        )),
    )
}

/// Row 12.
pub fn parity(parity: &Parity) -> Row {
    let (compared, differ) = parity.total();
    row(
        12,
        "parity with R's surveillance: alarms that differ",
        vec![at_most("differ", differ as f64, 0.0).digits(0)],
    )
    .beside(Some(format!("{compared} buckets")), None)
}

/// Row 13.
pub fn answers(answers: &Answers) -> Row {
    // Where recall grew, nothing was lost.
    let lost = answers.differing.lost().max(answers.alike.lost()).max(0.0);
    row(
        13,
        "learning from answers, 5 % of them wrong: gain in precision after 200; recall lost",
        vec![
            at_least("gain, %", 100.0 * answers.differing.gain(), 30.0).digits(1),
            at_most("lost, %", 100.0 * lost, 1.0).digits(1),
        ],
    )
}

/// Row 14: bytes in memory and in the stored record, the larger.
pub fn memory(bytes: usize) -> Row {
    row(
        14,
        "memory per live series, in memory and as a record",
        vec![at_most("bytes", bytes as f64, 512.0).digits(0)],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_by_how_much_it_is_short() {
        let mut rows = [
            row(
                2,
                "b",
                vec![
                    at_most("delay", 1.54, 1.4).digits(2),
                    at_least("POD", 0.93, 0.93),
                ],
            ),
            row(1, "a", vec![at_least("POD", 0.62, 0.61)]),
        ];
        let text = table(&mut rows).unwrap();
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(lines[0], "| 1 | a | POD ≥ 0.61 | – | POD 0.620 | – | met |");
        assert!(
            lines[1].ends_with("| **short**: delay by 0.14 |"),
            "{}",
            lines[1]
        );
        assert!(lines[1].contains("delay ≤ 1.4, POD ≥ 0.93"));
    }
}
