//! Covering and F1 of the Turing Change Point Dataset (van den Burg and Williams 2020), as a sanity check.
//!
//! Decision: the change points are the starts of the online detector's alerts, at a p-value fixed beforehand; nothing looks
//! back. An offline segmentation would score higher and is not what the product does.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use crate::nab;

/// Places a change point may be off.
const MARGIN: usize = 5;
/// Alerts start at this p-value.
const NOMINAL: f64 = 1e-3;
/// Share of a series that only teaches.
const PROBATION: f64 = 0.1;

/// Change points that match a mark, each mark and each point once. Both lists are ascending.
fn matched(marks: &[usize], points: &[usize]) -> usize {
    let mut left: Vec<usize> = points.to_vec();
    let mut count = 0;
    for mark in marks {
        let nearest = left
            .iter()
            .enumerate()
            .filter(|(_, point)| point.abs_diff(*mark) <= MARGIN)
            .min_by_key(|(_, point)| point.abs_diff(*mark))
            .map(|(at, _)| at);
        if let Some(at) = nearest {
            left.remove(at);
            count += 1;
        }
    }
    count
}

fn with_start(points: &[usize]) -> Vec<usize> {
    let mut all = vec![0];
    all.extend(points.iter().copied().filter(|point| *point > 0));
    all.sort_unstable();
    all.dedup();
    all
}

/// F1 over all annotators: precision against anybody's marks, recall as the mean over annotators.
pub fn f1(annotations: &[Vec<usize>], points: &[usize]) -> f64 {
    let points = with_start(points);
    let mut union: Vec<usize> = annotations.iter().flatten().copied().collect();
    union.sort_unstable();
    union.dedup();
    let union = with_start(&union);
    let precision = matched(&union, &points) as f64 / points.len() as f64;
    let recall = annotations
        .iter()
        .map(|marks| {
            let marks = with_start(marks);
            matched(&marks, &points) as f64 / marks.len() as f64
        })
        .sum::<f64>()
        / annotations.len().max(1) as f64;
    if precision + recall > 0.0 {
        2.0 * precision * recall / (precision + recall)
    } else {
        0.0
    }
}

fn segments(points: &[usize], length: usize) -> Vec<(usize, usize)> {
    let mut edges = with_start(points);
    edges.retain(|edge| *edge < length);
    edges.push(length);
    edges.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// Mean over annotators of how well their segments are covered by the predicted ones.
pub fn covering(annotations: &[Vec<usize>], points: &[usize], length: usize) -> f64 {
    let predicted = segments(points, length);
    let of = |marks: &Vec<usize>| -> f64 {
        segments(marks, length)
            .iter()
            .map(|(from, to)| {
                let best = predicted
                    .iter()
                    .map(|(first, last)| {
                        let common = to.min(last).saturating_sub(*from.max(first));
                        let union = (to - from) + (last - first) - common;
                        common as f64 / union as f64
                    })
                    .fold(0.0, f64::max);
                (to - from) as f64 * best
            })
            .sum::<f64>()
            / length as f64
    };
    annotations.iter().map(of).sum::<f64>() / annotations.len().max(1) as f64
}

/// Starts of alerts of any dimension of a series.
fn change_points(dimensions: &[Vec<f64>]) -> Result<Vec<usize>> {
    let threshold = -(NOMINAL.ln()) as f32;
    let mut all = Vec::new();
    for values in dimensions {
        let probation = (PROBATION * values.len() as f64) as usize;
        let scores = nab::scores(values, &vec![0; values.len()], probation.max(5))?;
        all.extend(nab::raised(&scores, probation, threshold));
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

fn numbers(value: Option<&serde_json::Value>) -> Vec<f64> {
    // A value that is missing stays what it was before.
    let mut last = 0.0;
    value
        .and_then(serde_json::Value::as_array)
        .into_iter()
        .flatten()
        .map(|value| {
            last = value.as_f64().unwrap_or(last);
            last
        })
        .collect()
}

/// Judges every `tcpd_*.json*` of the folder; `None` if there is none.
pub fn report(folder: &Path) -> Result<Option<String>> {
    let mut paths = nab::files(folder, "tcpd_", ".json.gz");
    paths.extend(nab::files(folder, "tcpd_", ".json"));
    if paths.is_empty() {
        return Ok(None);
    }
    let mut text = String::from(
        "| series | length | change points told | F1 | covering | F1, none told | covering, none told |\n|---|---|---|---|---|---|---|\n",
    );
    let mut sums = [0.0; 4];
    let mut count = 0;
    for path in &paths {
        let value: serde_json::Value = serde_json::from_str(&nab::text_of(path)?)
            .with_context(|| format!("{} is not JSON", path.display()))?;
        for series in value.as_array().into_iter().flatten() {
            let dimensions: Vec<Vec<f64>> = series
                .get("series")
                .and_then(serde_json::Value::as_array)
                .into_iter()
                .flatten()
                .map(|dimension| numbers(dimension.get("raw")))
                .collect();
            let annotations: Vec<Vec<usize>> = series
                .get("annotations")
                .and_then(serde_json::Value::as_object)
                .into_iter()
                .flat_map(|annotations| annotations.values())
                .map(|marks| {
                    marks
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(|mark| usize::try_from(mark.as_u64()?).ok())
                        .collect()
                })
                .collect();
            let length = dimensions.first().map_or(0, Vec::len);
            if length == 0 || annotations.is_empty() {
                continue;
            }
            let points = change_points(&dimensions)?;
            let row = [
                f1(&annotations, &points),
                covering(&annotations, &points, length),
                f1(&annotations, &[]),
                covering(&annotations, &[], length),
            ];
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += value;
            }
            count += 1;
            let name = series
                .get("name")
                .and_then(serde_json::Value::as_str)
                .unwrap_or("?");
            writeln!(
                text,
                "| {name} | {length} | {} | {:.3} | {:.3} | {:.3} | {:.3} |",
                points.len(),
                row[0],
                row[1],
                row[2],
                row[3]
            )?;
        }
    }
    let mean = sums.map(|sum| sum / f64::from(count.max(1)));
    writeln!(
        text,
        "| **mean of {count}** | | | **{:.3}** | **{:.3}** | {:.3} | {:.3} |",
        mean[0], mean[1], mean[2], mean[3]
    )?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_measures_are_those_of_the_paper() {
        let marks = [vec![50], vec![50, 80]];
        assert_eq!(f1(&marks, &[50, 80]), 1.0);
        assert!((covering(&marks[..1], &[50], 100) - 1.0).abs() < 1e-12);
        // No change told: precision 1 (the start), recall the mean of 1/2 and 1/3.
        let recall = (0.5 + 1.0 / 3.0) / 2.0;
        assert!((f1(&marks, &[]) - 2.0 * recall / (1.0 + recall)).abs() < 1e-12);
        // One segment of 100 covers each half by a half.
        assert!((covering(&marks[..1], &[], 100) - 0.5).abs() < 1e-12);
        // A point within the margin matches one mark, not two.
        assert_eq!(matched(&[50, 53], &[52]), 1);
        assert_eq!(matched(&[50], &[56]), 0);
    }
}
