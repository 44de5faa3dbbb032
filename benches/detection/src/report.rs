//! The tables, as Markdown.

use std::fmt::Write as _;

use crate::measures::{Judged, Replicates, Thresholds, paired_difference};
use crate::panels::Weekly;
use crate::portfolio::realised;

const RATES: [f64; 4] = [0.005, 0.01, 0.02, 0.05];

type Text = Result<String, std::fmt::Error>;

/// One threshold for both halves: −ln p.
pub fn nominal(p: f64) -> Thresholds {
    [-(p.ln()) as f32; 2]
}

fn label(judged: &Judged) -> String {
    format!("{} | {}", judged.name, judged.channel)
}

/// POD / first bucket / F1 / worst group at equal false-positive rates.
pub fn detection(all: &[Judged], which: Replicates) -> Text {
    let mut text = String::from("| method | channel |");
    for rate in RATES {
        write!(text, " FPR {rate} |")?;
    }
    text.push_str("\n|---|---|---|---|---|---|\n");
    for judged in all {
        write!(text, "| {} |", label(judged))?;
        for rate in RATES {
            let at = judged.measures(judged.thresholds(rate), which);
            write!(
                text,
                " {:.3} / {:.3} / {:.3} / {:.3} |",
                at.detected, at.detected_at_once, at.f1, at.worst_group_rate
            )?;
        }
        text.push('\n');
    }
    Ok(text)
}

/// The same at equal rates of episodes.
pub fn episodes(all: &[Judged], which: Replicates) -> Text {
    let mut text = String::from(
        "| method | channel | episode rate 0.005 | 0.01 | 0.02 |\n|---|---|---|---|---|\n",
    );
    for judged in all {
        write!(text, "| {} |", label(judged))?;
        for rate in [0.005, 0.01, 0.02] {
            let at = judged.measures(judged.episode_thresholds(rate), which);
            write!(text, " {:.3} / {:.3} |", at.detected, at.detected_at_once)?;
        }
        text.push('\n');
    }
    Ok(text)
}

/// False-positive rate of each parameter group: the mean of its six scenarios.
pub fn seven_groups(
    judged: &Judged,
    panel: &Weekly,
    thresholds: Thresholds,
    which: Replicates,
) -> Vec<f64> {
    let mut groups: std::collections::BTreeMap<usize, Vec<f64>> = std::collections::BTreeMap::new();
    for (scenario, rate) in judged.group_rates(thresholds, which) {
        let group = groups.entry(panel.base_rows[&scenario]).or_default();
        group.push(rate);
    }
    let mean = |rates: &Vec<f64>| rates.iter().sum::<f64>() / rates.len() as f64;
    groups.values().map(mean).collect()
}

/// False-positive rate of each parameter group at a nominal p of 0.01.
pub fn calibration(all: &[Judged], panel: &Weekly, which: Replicates) -> Text {
    let mut text = String::from(
        "| method | channel | all | groups 1–7 (six scenarios each) | scenarios, least to most |\n|---|---|---|---|---|\n",
    );
    for judged in all {
        let groups: Vec<String> = seven_groups(judged, panel, nominal(0.01), which)
            .iter()
            .map(|rate| format!("{rate:.4}"))
            .collect();
        let at = judged.measures(nominal(0.01), which);
        writeln!(
            text,
            "| {} | {:.4} | {} | {:.4}–{:.4} |",
            label(judged),
            at.false_positive_rate,
            groups.join(" "),
            at.best_group_rate,
            at.worst_group_rate
        )?;
    }
    Ok(text)
}

/// Benjamini–Hochberg over all series of each bucket.
pub fn discoveries(all: &[Judged], which: Replicates) -> Text {
    let mut text =
        String::from("| method | channel | q 0.05 | q 0.10 | q 0.20 |\n|---|---|---|---|---|\n");
    for judged in all {
        write!(text, "| {} |", label(judged))?;
        for q in [0.05, 0.1, 0.2] {
            let at = realised(judged, q, which);
            write!(
                text,
                " {:.3} ({:.3}) / {:.3} |",
                at.false_share, at.false_share_beyond_aftermath, at.detected
            )?;
        }
        text.push('\n');
    }
    Ok(text)
}

/// Paired difference of POD at FPR 0.01 to one method.
pub fn differences(all: &[Judged], to: &Judged, which: Replicates) -> Text {
    let mut text = format!(
        "| method | channel | POD at FPR 0.01 less that of {} (95 % bootstrap) |\n|---|---|---|\n",
        to.name
    );
    let base = to.found(to.thresholds(0.01), which);
    for judged in all {
        let (mean, low, high) =
            paired_difference(&judged.found(judged.thresholds(0.01), which), &base);
        writeln!(
            text,
            "| {} | {mean:+.3} ({low:+.3} to {high:+.3}) |",
            label(judged)
        )?;
    }
    Ok(text)
}

/// The daily panel.
pub fn daily(all: &[Judged], which: Replicates) -> Text {
    let mut text = String::from(
        "| method | channel | FPR | POD | share of outbreak days | share of outbreak cases on alarm days | F1 | delay, days | worst signal |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for judged in all {
        for rate in [0.005, 0.01, 0.02] {
            let at = judged.measures(judged.thresholds(rate), which);
            writeln!(
                text,
                "| {} | {rate} | {:.3} | {:.3} | {:.3} | {:.3} | {:.2} | {:.3} |",
                label(judged),
                at.detected,
                at.sensitivity,
                at.cases_covered,
                at.f1,
                at.delay,
                at.worst_group_rate,
            )?;
        }
    }
    text.push_str("\nFalse-positive rate of each signal at a nominal p of 0.01:\n\n| channel | signals 1–16 |\n|---|---|\n");
    for judged in all {
        let rates: Vec<String> = judged
            .group_rates(nominal(0.01), which)
            .values()
            .map(|rate| format!("{rate:.3}"))
            .collect();
        writeln!(text, "| {} | {} |", judged.channel, rates.join(" "))?;
    }
    Ok(text)
}

/// Nanoseconds a step.
pub fn cost(all: &[&Judged]) -> Text {
    let mut text =
        String::from("| method | µs per series and step (one core, processor time) |\n|---|---|\n");
    for judged in all {
        writeln!(
            text,
            "| {} | {:.2} |",
            judged.name,
            judged.nanoseconds / 1000.0
        )?;
    }
    Ok(text)
}
