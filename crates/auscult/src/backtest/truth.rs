//! What was true, and how well a method saw it.

use super::Judged;
use super::panel::{Panel, PanelError, PanelOptions, collect};
use crate::import::event;
use auscult_core::time::{BucketIndex, DAY, WEEK};
use std::path::Path;

/// Why a truth file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TruthError {
    /// The file cannot be read.
    #[error(transparent)]
    Panel(#[from] PanelError),
    /// A column is missing.
    #[error(
        "truth {path} has no column {column}; it needs start, end and, to name a series, columns called as the dimensions"
    )]
    NoColumn {
        /// The file.
        path: String,
        /// The column.
        column: &'static str,
    },
    /// A row cannot be used.
    #[error("truth {path}, line {line}: {reason}")]
    Row {
        /// The file.
        path: String,
        /// Line.
        line: u64,
        /// What is wrong.
        reason: String,
    },
}

/// How well a method did against what was true.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scores {
    /// Outbreaks in judged buckets.
    pub outbreaks: usize,
    /// Of them, with an alarm from start to end.
    pub found: usize,
    /// Of them, with an alarm within seven days of the start, or in the first bucket.
    pub found_first_week: usize,
    /// Buckets outside outbreaks.
    pub quiet_buckets: usize,
    /// Of them, with an alarm.
    pub false_alarms: usize,
    /// Buckets in outbreaks, and those of them with an alarm.
    pub sick_buckets: (usize, usize),
    /// Days from start to first alarm, summed over the found.
    pub delay_days: f64,
}

impl Scores {
    /// Probability of detection.
    #[must_use]
    pub fn detected(&self) -> f64 {
        share(self.found, self.outbreaks)
    }

    /// Probability of detection in the first week.
    #[must_use]
    pub fn detected_first_week(&self) -> f64 {
        share(self.found_first_week, self.outbreaks)
    }

    /// False-positive rate over quiet buckets.
    #[must_use]
    pub fn false_positive_rate(&self) -> f64 {
        share(self.false_alarms, self.quiet_buckets)
    }

    /// F1 over buckets.
    #[must_use]
    pub fn f1(&self) -> f64 {
        let (sick, hit) = self.sick_buckets;
        share(2 * hit, hit + self.false_alarms + sick)
    }

    /// Mean days from start to first alarm, among the found.
    #[must_use]
    pub fn mean_delay_days(&self) -> Option<f64> {
        (self.found > 0).then(|| self.delay_days / self.found as f64)
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        f64::NAN
    } else {
        part as f64 / whole as f64
    }
}

/// Marks the buckets a file of (start, end, dimensions) says belong to an outbreak. Both days belong to it.
///
/// # Errors
/// See [`TruthError`].
pub fn mark(panel: &mut Panel, path: &Path, options: &PanelOptions) -> Result<usize, TruthError> {
    let shown = path.display().to_string();
    let (columns, rows) = collect(path)?;
    for column in ["start", "end"] {
        if !columns.iter().any(|name| name == column) {
            return Err(TruthError::NoColumn {
                path: shown,
                column,
            });
        }
    }
    let mut marked = 0;
    for (line, row) in rows {
        let bad = |reason: String| TruthError::Row {
            path: shown.clone(),
            line,
            reason,
        };
        let row = row.map_err(|row| bad(row.reason))?;
        let place = |column: &str| -> Result<i64, TruthError> {
            let text = row
                .get(column)
                .ok_or_else(|| bad(format!("column {column} is empty")))?;
            let formats = options.time_format.iter().map(String::as_str).chain([
                "%Y-%m-%d",
                "rfc3339",
                "%Y-%m-%d %H:%M:%S",
            ]);
            let at = formats
                .filter_map(|format| event::parse(text.trim(), format).ok())
                .next()
                .ok_or_else(|| bad(format!("column {column}: {text:?} is no time")))?;
            Ok(i64::from(panel.width.index(at)) - i64::from(panel.first))
        };
        let (from, to) = (place("start")?, place("end")?);
        if to < from {
            return Err(bad("it ends before it starts".to_owned()));
        }
        let buckets = panel.buckets as i64;
        let mut met = false;
        for series in &mut panel.series {
            let is_meant = series.dimensions.iter().all(|(name, value)| {
                row.get(name)
                    .is_none_or(|wanted| wanted.trim() == value.trim())
            });
            if !is_meant {
                continue;
            }
            for place in from.max(0)..=to.min(buckets - 1) {
                series.truth[place as usize] = true;
                met = true;
            }
        }
        marked += usize::from(met);
    }
    Ok(marked)
}

/// How well a method did.
#[must_use]
pub fn score(panel: &Panel, judged: &Judged) -> Scores {
    let mut scores = Scores::default();
    let start_of = |place: usize| panel.width.start(panel.first + place as BucketIndex).0;
    for (series, points) in panel.series.iter().zip(&judged.series) {
        let mut open: Option<(usize, bool, bool)> = None;
        let mut before: Option<usize> = None;
        for point in points {
            let sick = series.truth[point.place];
            if !sick {
                open = None;
                scores.quiet_buckets += 1;
                scores.false_alarms += usize::from(point.alarm);
            } else {
                let goes_on = before.is_some_and(|before| before + 1 == point.place);
                if open.is_none() || !goes_on {
                    open = Some((point.place, false, false));
                    scores.outbreaks += 1;
                }
                scores.sick_buckets.0 += 1;
                scores.sick_buckets.1 += usize::from(point.alarm);
                if let Some((start, found, first_week)) = open.as_mut()
                    && point.alarm
                {
                    let days = (start_of(point.place) - start_of(*start)) as f64 / DAY as f64;
                    if !*found {
                        *found = true;
                        scores.found += 1;
                        scores.delay_days += days;
                    }
                    let is_early = start_of(point.place) - start_of(*start) < WEEK;
                    if is_early && !*first_week {
                        *first_week = true;
                        scores.found_first_week += 1;
                    }
                }
            }
            before = Some(point.place);
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::Point;
    use crate::backtest::panel::PanelSeries;
    use auscult_core::time::BucketWidth;
    use auscult_core::words::Measure;

    #[test]
    fn measures_are_counted_by_outbreak_and_by_bucket() {
        let truth = [0, 0, 1, 1, 1, 0, 0, 0, 1, 1].map(|sick| sick == 1);
        let alarms = [0, 1, 0, 1, 1, 0, 0, 0, 0, 0].map(|alarm| alarm == 1);
        let panel = Panel {
            measure: Measure::Mentions,
            width: BucketWidth::Week,
            first: 0,
            buckets: 10,
            series: vec![PanelSeries {
                dimensions: Vec::new(),
                from: 0,
                cells: vec![None; 10],
                truth: truth.to_vec(),
            }],
            bad: Vec::new(),
        };
        let points = alarms
            .iter()
            .enumerate()
            .map(|(place, &alarm)| Point {
                place,
                observed: None,
                expected: None,
                low: None,
                high: None,
                p_value: None,
                alarm,
                raised: alarm,
                upward: true,
            })
            .collect();
        let judged = Judged {
            method: "m".to_owned(),
            series: vec![points],
            left_out: Vec::new(),
        };
        let scores = score(&panel, &judged);
        assert_eq!((scores.outbreaks, scores.found), (2, 1));
        assert_eq!(scores.found_first_week, 0);
        assert_eq!(scores.mean_delay_days(), Some(7.0));
        assert_eq!((scores.quiet_buckets, scores.false_alarms), (5, 1));
        assert_eq!(scores.sick_buckets, (5, 2));
        assert!((scores.f1() - 0.5).abs() < 1e-12);
    }
}
