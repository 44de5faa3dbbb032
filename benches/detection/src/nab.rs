//! The Numenta Anomaly Benchmark's own score (Lavin and Ahmad 2015), as a sanity check on streams the product is not made for.
//!
//! Decision: each series is scored by the shipped models, one point at a time: counts where all probationary values are whole
//! and not negative, means otherwise. A model made for this corpus would score higher and say nothing about the product.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use auscult_statistics::count::{BucketContext, CountModel, CountSettings, Prior, Season};
use auscult_statistics::mean::{MeanModel, MeanPrior, MeanSettings};

/// Standard profile: what a false positive costs; finds and misses weigh one.
const FALSE_POSITIVE: f64 = 0.11;
/// Share of a series, at most of so many points, that only teaches.
const PROBATION: (f64, usize) = (0.15, 5_000);
/// Quiet points after which an alert is over.
const RESOLVE_AFTER: usize = 2;
/// A p-value fixed beforehand: one point in a hundred thousand.
const NOMINAL: f64 = 1e-5;

/// A series with its windows as places, and −ln p of each point.
struct Scored {
    windows: Vec<(usize, usize)>,
    scores: Vec<f32>,
    probation: usize,
}

/// Files of a folder whose names begin with `prefix` and end with `suffix`, in order.
pub fn files(folder: &Path, prefix: &str, suffix: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| {
            path.file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| name.starts_with(prefix) && name.ends_with(suffix))
        })
        .collect();
    found.sort();
    found
}

/// The text of a file, gzip or not.
pub fn text_of(path: &Path) -> Result<String> {
    use std::io::Read as _;
    let bytes =
        std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::MultiGzDecoder::new(bytes.as_slice())
            .read_to_string(&mut text)
            .with_context(|| format!("{} is not sound gzip", path.display()))?;
    } else {
        text =
            String::from_utf8(bytes).with_context(|| format!("{} is not UTF-8", path.display()))?;
    }
    Ok(text)
}

type Points = Vec<(String, f64)>;

fn series_of(path: &Path) -> Result<BTreeMap<String, Points>> {
    let text = text_of(path)?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut all: BTreeMap<String, Points> = BTreeMap::new();
    for row in reader.records() {
        let row = row.with_context(|| format!("{} is not sound CSV", path.display()))?;
        let [series, time, value] = [0, 1, 2].map(|at| row.get(at).unwrap_or(""));
        let value: f64 = value
            .parse()
            .map_err(|_| anyhow!("{}: {value:?} of {series} is no number", path.display()))?;
        all.entry(series.to_owned())
            .or_default()
            .push((time.to_owned(), value));
    }
    Ok(all)
}

fn windows_of(labels: &serde_json::Value, series: &str, points: &Points) -> Vec<(usize, usize)> {
    let of = labels.get(series);
    let list = of
        .and_then(|of| of.get("windows"))
        .or(of)
        .and_then(serde_json::Value::as_array);
    let at = |value: &serde_json::Value| -> Option<String> {
        // Labels carry microseconds, points do not.
        Some(value.as_str()?.get(..19)?.to_owned())
    };
    list.into_iter()
        .flatten()
        .filter_map(|window| {
            let (from, to) = (at(window.get(0)?)?, at(window.get(1)?)?);
            let first = points.partition_point(|(time, _)| *time < from);
            let last = points.partition_point(|(time, _)| *time <= to);
            (last > first).then_some((first, last - 1))
        })
        .collect()
}

fn score(p: f64) -> f32 {
    -(p.max(1e-300).ln()) as f32
}

/// Seconds since midnight of `YYYY-MM-DD HH:MM:SS`, as an hour.
fn hour(time: &str) -> usize {
    time.get(11..13)
        .and_then(|hour| hour.parse().ok())
        .unwrap_or(0)
}

/// Scores of one series; settings know nothing of what is judged.
pub fn scores(values: &[f64], hours: &[usize], probation: usize) -> Result<Vec<f32>> {
    let early = &values[..probation.max(1).min(values.len())];
    let is_count = early
        .iter()
        .all(|value| *value >= 0.0 && value.fract() == 0.0);
    if is_count {
        let model = CountModel::new(
            CountSettings::default()
                .check()
                .map_err(|problems| anyhow!(problems.join("; ")))?,
            Season {
                phases: 24,
                buckets_per_year: 365.2425 * 288.0,
            },
        );
        let mut state = model.start(&Prior::vague());
        return Ok(values
            .iter()
            .enumerate()
            .map(|(place, value)| {
                let context = BucketContext::plain(place as i64, hours[place]);
                let seen = Some(value.max(0.0).round() as u64);
                score(model.step(&mut state, &context, seen).combined.p_two_sided)
            })
            .collect());
    }
    let (low, high) = early
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(*value), high.max(*value))
        });
    let reach = (high - low).max(1e-6 * high.abs().max(1.0));
    let bounds = [low - reach, high + reach];
    let count = early.len() as f64;
    let mean = early.iter().sum::<f64>() / count;
    let variance = early
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum::<f64>()
        / count;
    // One reading a bucket says nothing of the scatter within a bucket: half of what is seen is taken for it, and the
    // model learns the rest as scatter between buckets.
    let prior = MeanPrior {
        mean,
        deviation: 0.5 * variance.sqrt(),
        answers: 4.0,
    };
    let model = MeanModel::new(
        MeanSettings {
            bounds,
            ..MeanSettings::default()
        }
        .check()
        .map_err(|problems| anyhow!(problems.join("; ")))?,
    );
    let mut state = model.start(&prior);
    Ok(values
        .iter()
        .enumerate()
        .map(|(place, value)| {
            let context = BucketContext::plain(place as i64, 0);
            let value = value.clamp(bounds[0], bounds[1]);
            let evidence = model.step(&mut state, &context, value, value * value, 1);
            score(evidence.combined.p_two_sided)
        })
        .collect())
}

fn scored(points: &Points, windows: Vec<(usize, usize)>) -> Result<Scored> {
    let (share, most) = PROBATION;
    let probation = (share * points.len().min(most) as f64) as usize;
    let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    let hours: Vec<usize> = points.iter().map(|(time, _)| hour(time)).collect();
    Ok(Scored {
        windows,
        scores: scores(&values, &hours, probation)?,
        probation,
    })
}

/// Places where an alert begins: the product tells once, until it has been quiet for a while.
pub fn raised(scores: &[f32], from: usize, threshold: f32) -> Vec<usize> {
    let mut quiet = RESOLVE_AFTER;
    let mut places = Vec::new();
    for (place, score) in scores.iter().enumerate().skip(from) {
        if *score >= threshold {
            if quiet >= RESOLVE_AFTER {
                places.push(place);
            }
            quiet = 0;
        } else {
            quiet += 1;
        }
    }
    places
}

fn sigmoid(position: f64) -> f64 {
    if position > 3.0 {
        -1.0
    } else {
        2.0 / (1.0 + (5.0 * position).exp()) - 1.0
    }
}

/// The raw score of one series: finds early in a window near 1, misses −1, alerts outside −0.11 at most.
fn raw(one: &Scored, threshold: f32) -> f64 {
    let windows: Vec<(usize, usize)> = one
        .windows
        .iter()
        .copied()
        .filter(|(_, last)| *last >= one.probation)
        .collect();
    let mut found = vec![false; windows.len()];
    let mut total = 0.0;
    for place in raised(&one.scores, one.probation, threshold) {
        let inside = windows
            .iter()
            .position(|(first, last)| (*first..=*last).contains(&place));
        if let Some(at) = inside {
            if !found[at] {
                let (first, last) = windows[at];
                let width = (last - first + 1) as f64;
                total += sigmoid(-((last - place + 1) as f64) / width) / sigmoid(-1.0);
            }
            found[at] = true;
            continue;
        }
        let before = windows.iter().filter(|(_, last)| *last < place).max();
        total += FALSE_POSITIVE
            * before.map_or(-1.0, |(first, last)| {
                let width = (last - first).max(1) as f64;
                sigmoid((place - last) as f64 / width)
            });
    }
    total - found.iter().filter(|found| !**found).count() as f64
}

/// 0 is a detector that never speaks, 100 a perfect one.
fn normalised(series: &[&Scored], threshold: impl Fn(usize) -> f32) -> f64 {
    let windows: usize = series
        .iter()
        .map(|one| {
            one.windows
                .iter()
                .filter(|(_, last)| *last >= one.probation)
                .count()
        })
        .sum();
    let total: f64 = series
        .iter()
        .enumerate()
        .map(|(at, one)| raw(one, threshold(at)))
        .sum();
    100.0 * (total + windows as f64) / (2.0 * windows.max(1) as f64)
}

/// The threshold with the best score over `series`.
fn best_threshold(series: &[&Scored]) -> f32 {
    (4..=240)
        .map(|step| 0.5 * step as f32)
        .map(|threshold| (threshold, normalised(series, |_| threshold)))
        .max_by(|left, right| left.1.total_cmp(&right.1))
        .map_or(f32::INFINITY, |(threshold, _)| threshold)
}

/// Judges every `nab_*.csv*` of the folder that has `nab_labels*.json` beside it; `None` if there is none.
pub fn report(folder: &Path) -> Result<Option<String>> {
    let labels = files(folder, "nab_labels", ".json");
    let mut data = files(folder, "nab_", ".csv.gz");
    data.extend(files(folder, "nab_", ".csv"));
    if data.is_empty() || labels.is_empty() {
        return Ok(None);
    }
    let mut merged = serde_json::Map::new();
    for path in &labels {
        let value: serde_json::Value = serde_json::from_str(&text_of(path)?)
            .with_context(|| format!("{} is not JSON", path.display()))?;
        if let serde_json::Value::Object(of) = value {
            merged.extend(of);
        }
    }
    let merged = serde_json::Value::Object(merged);
    let mut all: BTreeMap<String, Scored> = BTreeMap::new();
    for path in &data {
        for (name, points) in series_of(path)? {
            let windows = windows_of(&merged, &name, &points);
            all.insert(name, scored(&points, windows)?);
        }
    }
    let groups = |name: &str| name.split('/').next().unwrap_or(name).to_owned();
    let every: Vec<&Scored> = all.values().collect();
    let nominal = score(NOMINAL);
    let best = best_threshold(&every);
    // For each series the threshold that was best on all the others.
    let others: Vec<f32> = (0..every.len())
        .map(|left_out| {
            let rest: Vec<&Scored> = every
                .iter()
                .enumerate()
                .filter(|(at, _)| *at != left_out)
                .map(|(_, one)| *one)
                .collect();
            best_threshold(&rest)
        })
        .collect();
    let mut text = String::from("| threshold | standard profile |\n|---|---|\n");
    writeln!(
        text,
        "| p = {NOMINAL}, fixed beforehand | {:.1} |\n| best on the other series, one left out at a time | {:.1} |\n| best on these series, as NAB's own table has it (p = {:.0e}) | {:.1} |",
        normalised(&every, |_| nominal),
        normalised(&every, |at| others[at]),
        (-f64::from(best)).exp(),
        normalised(&every, |_| best),
    )?;
    text.push_str("\nBy kind of stream, at the fixed threshold:\n\n| streams | series | windows | standard profile | alerts a series |\n|---|---|---|---|---|\n");
    let mut kinds: Vec<String> = all.keys().map(|name| groups(name)).collect();
    kinds.dedup();
    for kind in kinds {
        let of: Vec<&Scored> = all
            .iter()
            .filter(|(name, _)| groups(name) == kind)
            .map(|(_, one)| one)
            .collect();
        let windows: usize = of.iter().map(|one| one.windows.len()).sum();
        let alerts: usize = of
            .iter()
            .map(|one| raised(&one.scores, one.probation, nominal).len())
            .sum();
        writeln!(
            text,
            "| {kind} | {} | {windows} | {:.1} | {:.1} |",
            of.len(),
            normalised(&of, |_| nominal),
            alerts as f64 / of.len().max(1) as f64
        )?;
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(places: &[usize], windows: &[(usize, usize)]) -> Scored {
        let mut scores = vec![0.0; 200];
        for place in places {
            scores[*place] = 20.0;
        }
        Scored {
            windows: windows.to_vec(),
            scores,
            probation: 20,
        }
    }

    #[test]
    fn silence_scores_nothing_and_perfection_a_hundred() {
        let windows = [(50, 69), (120, 139)];
        let silent = one(&[], &windows);
        assert!(normalised(&[&silent], |_| 10.0).abs() < 1e-9);
        let perfect = one(&[50, 120], &windows);
        assert!((normalised(&[&perfect], |_| 10.0) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn late_finds_earn_less_and_alerts_outside_cost_eleven_hundredths_at_most() {
        let windows = [(50, 69)];
        let early = normalised(&[&one(&[52], &windows)], |_| 10.0);
        let late = normalised(&[&one(&[68], &windows)], |_| 10.0);
        assert!(early > late && late > 50.0, "{early} {late}");
        // Far after the window and before any window the cost is whole.
        let noisy = raw(&one(&[30, 50, 199], &windows), 10.0);
        assert!(
            (noisy - (1.0 - 2.0 * FALSE_POSITIVE)).abs() < 1e-9,
            "{noisy}"
        );
        // What is raised in the probation only teaches.
        assert_eq!(raw(&one(&[5, 50], &windows), 10.0), 1.0);
    }
}
