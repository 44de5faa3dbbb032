//! `make bench-detection [PANELS=DIR]`.

mod calibrate;
mod clock;
mod measures;
mod methods;
mod panels;
mod portfolio;

use std::path::PathBuf;

use anyhow::Result;
use auscult_statistics::count::{BucketContext, CountModel, CountSettings, Prior, Season};
use measures::{Judged, Scored};
use methods::{CHANNELS, Scores};

fn split<'a>(
    series: &[&'a panels::Series],
    quiet: Vec<Vec<Scores>>,
    struck: Vec<Vec<Scores>>,
    first: usize,
) -> Vec<Judged<'a>> {
    (0..CHANNELS)
        .map(|channel| Judged {
            series: series.to_vec(),
            scored: quiet
                .iter()
                .zip(&struck)
                .map(|(quiet, struck)| Scored {
                    quiet: quiet.iter().map(|scores| scores[channel]).collect(),
                    struck: struck.iter().map(|scores| scores[channel]).collect(),
                })
                .collect(),
            first,
        })
        .collect()
}

fn line(name: &str, judged: &Judged) {
    let nominal = -(0.01_f32.ln());
    let at = judged.measures(nominal);
    let rates = judged.group_rates(nominal);
    let mut base = [0.0; 7];
    for (group, rate) in &rates {
        if *group <= 42 {
            base[(*group - 1) / 6] += rate / 6.0;
        }
    }
    print!(
        "{name:28} nominal fpr {:.4} [{:.4} {:.4}] |",
        at.false_positive_rate, at.best_group_rate, at.worst_group_rate
    );
    for rate in [0.005, 0.01] {
        let m = judged.measures(judged.threshold(rate));
        print!(
            " {:.3} {:.3} f1 {:.3} s {:.3} d {:.2} w {:.3} |",
            m.detected, m.detected_at_once, m.f1, m.sensitivity, m.delay, m.worst_group_rate
        );
    }
    print!(" {base:.4?}");
    if std::env::var("BH").is_ok() { for q in [0.05, 0.1, 0.2] { let r = portfolio::realised(judged, q); print!(" | q {q} fdp {:.3} {:.3} pod {:.3}", r.false_share, r.false_share_beyond_aftermath, r.detected); } }
    println!();
}

fn main() -> Result<()> {
    let folder =
        PathBuf::from(std::env::var("PANELS").unwrap_or("/work/shared/data/benchmark".into()));
    let half: usize = std::env::var("HALF")
        .map(|v| v.parse().unwrap())
        .unwrap_or(0);
    let what = std::env::args().nth(1).unwrap_or("w".into());
    if what == "calibrate" {
        return calibrate::write(std::path::Path::new(
            "crates/statistics/src/evidence/onset_null.csv",
        ));
    }
    let env = |name: &str, default: f64| {
        std::env::var(name)
            .ok()
            .and_then(|v| v.parse().ok())
            .unwrap_or(default)
    };
    let d = CountSettings::default();
    let settings = CountSettings {
        level_drift_per_year: env("LD", d.level_drift_per_year),
        growth_deviation: env("GD", d.growth_deviation),
        season_deviation: [
            env("S1", d.season_deviation[0]),
            env("S2", d.season_deviation[1]),
        ],
        season_drift_per_year: env("SDR", d.season_drift_per_year),
        wander_deviation: [
            env("WD1", d.wander_deviation[0]),
            env("WD2", d.wander_deviation[1]),
        ],
        wander_buckets: [
            env("WB1", d.wander_buckets[0]),
            env("WB2", d.wander_buckets[1]),
        ],
        phase_deviation: env("PD", d.phase_deviation),
        season_probability: env("SP", d.season_probability),
        wander_probability: [
            1.0 - env("WP1", d.wander_probability[1]) - env("WP2", d.wander_probability[2]),
            env("WP1", d.wander_probability[1]),
            env("WP2", d.wander_probability[2]),
        ],
        model_memory_buckets: env("MM", d.model_memory_buckets),
        dispersion_memory_buckets: env("DM", d.dispersion_memory_buckets),
        dispersion_prior: [
            env("DP1", d.dispersion_prior[0]),
            env("DP2", d.dispersion_prior[1]),
        ],
        burst_probability: env("BP", d.burst_probability),
        burst_buckets: env("BB", d.burst_buckets),
    }
    .check()
    .map_err(|e| anyhow::anyhow!("{e:?}"))?;
    if what.contains('w') {
        let weekly = panels::weekly(&folder)?;
        let series: Vec<&panels::Series> = weekly
            .series
            .iter()
            .filter(|s| s.replicate % 2 == half || half == 2)
            .collect();
        let judged = panels::JUDGED_WEEKS.0 - 1;
        let run = |f: &dyn Fn(&panels::Series, &[u32]) -> Vec<Scores>| {
            split(
                &series,
                series.iter().map(|s| f(s, &s.quiet)).collect(),
                series.iter().map(|s| f(s, &s.struck)).collect(),
                judged + 1,
            )
        };
        let null = auscult_statistics::evidence::OnsetNull::default();
        if what.contains('c') {
            for (j, n) in
                run(&|s, c| methods::clairvoyant(&null, &weekly.scenarios[&s.group], c, judged))
                    .iter()
                    .zip(["true bucket", "true seq", "true both"])
            {
                line(n, j);
            }
        }
        let model = CountModel::new(
            settings.clone(),
            Season {
                phases: 1,
                buckets_per_year: 52.0,
            },
        );
        if what.contains('p') {
            let mut by: std::collections::BTreeMap<usize, Vec<[f64; 6]>> = Default::default();
            for s in &series {
                let history: usize = env("H", 575.0) as usize;
                let mut st = model.start(&Prior::vague());
                for i in judged - history..judged {
                    model.step(
                        &mut st,
                        &BucketContext::plain(i as i64, 0),
                        Some(u64::from(s.quiet[i])),
                    );
                }
                let f = model.forecast(&st, &BucketContext::plain(judged as i64, 0));
                let truth = &weekly.scenarios[&s.group];
                by.entry((s.group - 1) / 6 * 10 + usize::from(truth.harmonics))
                    .or_default()
                    .push([
                        f.dispersion,
                        truth.dispersion,
                        f.mean * f.rate_variance,
                        (f.mean / truth.mean(judged + 1)).ln(),
                        f.season_probability,
                        f.dispersion_deviation,
                    ]);
            }
            for (k, v) in by {
                let n = v.len() as f64;
                let mean = |c: usize| v.iter().map(|x| x[c]).sum::<f64>() / n;
                let err = (v.iter().map(|x| x[3] * x[3]).sum::<f64>() / n).sqrt();
                println!(
                    "{k}: phi {:.3} true {:.3} Mv {:.3} bias {:.3} rmse {:.3} season {:.2} dsd {:.2}",
                    mean(0),
                    mean(1),
                    mean(2),
                    mean(3),
                    err,
                    mean(4),
                    mean(5)
                );
            }
            return Ok(());
        }
        let histories: &[usize] = if what.contains('h') {
            &[26, 52, 104, 260, 575]
        } else {
            &[575]
        };
        for history in histories {
            let start = clock::Stopwatch::start();
            let r = run(&|_, c| {
                methods::dynamic(&model, &Prior::vague(), c, judged - history, judged, |i| {
                    BucketContext::plain(i as i64, 0)
                })
            });
            let t = start.nanoseconds() / (series.len() * 2 * (history + 49)) as f64;
            for (j, n) in r.iter().zip(["bucket", "seq", "both"]) {
                line(&format!("{history} {n} {t:.0}ns"), j);
            }
        }
    }
    if what.contains('d') {
        let daily = panels::daily(&folder)?;
        let series: Vec<&panels::Series> = daily
            .series
            .iter()
            .filter(|s| s.replicate % 2 == half || half == 2)
            .collect();
        let judged = panels::JUDGED_DAY - 1;
        let model = CountModel::new(settings, Season::DAILY);
        let start = clock::Stopwatch::start();
        let f = |c: &[u32]| {
            methods::dynamic(&model, &Prior::vague(), c, 0, judged, |i| BucketContext {
                index: i as i64,
                phase: daily.calendar[i].weekday,
                exposure: 1.0,
                holiday: daily.calendar[i].holiday,
            })
        };
        let r = split(
            &series,
            series.iter().map(|s| f(&s.quiet)).collect(),
            series.iter().map(|s| f(&s.struck)).collect(),
            judged + 1,
        );
        let t = start.nanoseconds() / (series.len() * 2 * 2548) as f64;
        for (j, n) in r.iter().zip(["d bucket", "d seq", "d both"]) {
            line(&format!("{n} {t:.0}ns"), j);
            println!(
                "   {:.3?}",
                j.group_rates(-(0.01_f32.ln())).values().collect::<Vec<_>>()
            );
        }
    }
    println!(
        "state {} bytes",
        size_of::<auscult_statistics::count::CountState>()
    );
    Ok(())
}
