//! Real baselines with injected outbreaks: the series of R's surveillance, in the manner of Noufaily et al. (2013).
//!
//! Decision: judged are the last weeks of every weekly series that is long and frequent enough; what comes before is
//! history. An outbreak of k standard deviations starts in a week drawn at random and spreads its cases over the weeks after by a
//! log-normal delay, as in the simulated panels. Thresholds give the set rate of false *episodes* on all other
//! series: no series helps to set the threshold it is judged by. Weeks the data themselves flag as an
//! outbreak are neither counted as false nor struck.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use auscult_statistics::count::{BucketContext, CountModel, Prior, Season};
use auscult_statistics::reference::{
    Calendar, CountSeries, FarringtonFlexibleSettings, ReferenceMethod,
};

use crate::calibrate::{Chance, Counts};
use crate::measures::{episode_places, share};
use crate::methods::{self, CHANNELS};
use crate::nab::files;
use crate::panels::{number, rows};
use crate::run::{CHANNEL_NAMES, default_model};

/// Judged weeks at the end of a series: as many as the panels judge, or twice that where three years are left before.
const JUDGED: usize = 49;
const HISTORY: usize = 156;
/// Shortest series: four years.
const SHORTEST: usize = 200;
/// Rarest series, in cases a week.
const RAREST: f64 = 0.08;
/// An outbreak starts at least so many weeks before the end.
const ROOM: usize = 8;
/// Outbreaks of each size 1 … 10 standard deviations in each series.
const OUTBREAKS: usize = 6;
const SIZES: usize = 10;
/// Weeks on either side of a week of an earlier year that tell its mean.
const HALF_WINDOW: usize = 3;
const EPISODE_RATE: f64 = 0.01;

/// One real series.
#[derive(Default)]
struct Real {
    counts: Vec<u32>,
    /// Weeks the data flag as part of an outbreak.
    flagged: Vec<bool>,
}

/// An injected outbreak.
struct Injection {
    start: usize,
    end: usize,
    added: Vec<u32>,
}

/// What a channel said about one series: quiet, and with each outbreak.
struct Said {
    quiet: Vec<f32>,
    struck: Vec<Vec<f32>>,
}

/// Measures of one channel.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Outbreaks found from start to end.
    pub detected: f64,
    /// Found in their first week.
    pub detected_at_once: f64,
}

/// All channels on the real baselines.
pub struct RealBaselines {
    pub series: usize,
    pub outbreaks: usize,
    /// By channel: this bucket, over time, combined.
    pub ours: [Found; CHANNELS],
    pub farrington: Found,
}

/// Weekly series of both kinds of file by name; of one that is in both, the first is taken.
fn read(beside: &Path) -> Result<BTreeMap<String, Real>> {
    let mut all: BTreeMap<String, Real> = BTreeMap::new();
    for path in files(beside, "outbreak_counts", ".csv.gz") {
        take(&mut all, &path, [0, 1, 6, 7], |row| {
            row.get(4) == Some("52")
        })?;
    }
    for path in files(&beside.join("reference/series"), "", ".csv.gz") {
        // The only monthly one.
        if !path.ends_with("rotaBB.csv.gz") {
            take(&mut all, &path, [0, 1, 4, 5], |_| true)?;
        }
    }
    all.retain(|_, series| {
        let cases: u32 = series.counts.iter().sum();
        series.counts.len() >= SHORTEST && f64::from(cases) / series.counts.len() as f64 >= RAREST
    });
    Ok(all)
}

/// Adds a file's series, from its columns data set, unit, count and outbreak flag.
fn take(
    all: &mut BTreeMap<String, Real>,
    path: &Path,
    [set, unit, count, flag]: [usize; 4],
    weekly: impl Fn(&csv::StringRecord) -> bool,
) -> Result<()> {
    let mut found: BTreeMap<String, Real> = BTreeMap::new();
    for row in rows(path)?.iter().filter(|row| weekly(row)) {
        let text = |column: usize| row.get(column).unwrap_or("").replace(' ', "");
        let name = format!("{} {}", text(set).trim_end_matches(".sts"), text(unit));
        let series = found.entry(name).or_default();
        series.counts.push(number::<f64>(row, count)? as u32);
        series
            .flagged
            .push(!matches!(row.get(flag), Some("0" | "" | "NA")));
    }
    for (name, series) in found {
        all.entry(name).or_insert(series);
    }
    Ok(())
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = values.fold((0_usize, 0.0), |(count, sum), value| {
        (count + 1, sum + value)
    });
    sum / count.max(1) as f64
}

impl Real {
    /// First judged week.
    fn judged(&self) -> usize {
        match self.counts.len().checked_sub(2 * JUDGED) {
            Some(judged) if judged >= HISTORY => judged,
            _ => self.counts.len() - JUDGED,
        }
    }

    /// Counts of unflagged weeks around `place`.
    fn window(&self, place: usize) -> Vec<f64> {
        (place.saturating_sub(HALF_WINDOW)..=(place + HALF_WINDOW).min(self.judged() - 1))
            .filter(|week| !self.flagged[*week])
            .map(|week| f64::from(self.counts[week]))
            .collect()
    }

    /// Variance over mean within short windows of the history: what wave and trend do not make.
    fn dispersion(&self) -> f64 {
        let (mut variance, mut level) = (0.0, 0.0);
        for place in (HALF_WINDOW..self.judged() - HALF_WINDOW).step_by(2 * HALF_WINDOW + 1) {
            let window = self.window(place);
            if window.len() < 2 {
                continue;
            }
            let centre = mean(window.iter().copied());
            variance += window
                .iter()
                .map(|count| (count - centre) * (count - centre))
                .sum::<f64>()
                / (window.len() - 1) as f64;
            level += centre;
        }
        (variance / level.max(1e-9)).max(1.0)
    }

    /// Standard deviation of a week, from the same season of up to five earlier years.
    fn deviation(&self, place: usize, dispersion: f64) -> f64 {
        let earlier: Vec<f64> = (1..=5)
            .filter_map(|year| place.checked_sub(52 * year))
            .flat_map(|place| self.window(place))
            .collect();
        (mean(earlier.into_iter()).max(0.05) * dispersion).sqrt()
    }

    fn injections(&self, chance: &mut Chance) -> Vec<Injection> {
        let (judged, weeks) = (self.judged(), self.counts.len());
        let dispersion = self.dispersion();
        let mut all = Vec::new();
        for size in 1..=SIZES {
            for _ in 0..OUTBREAKS {
                let start = judged + (chance.uniform() * (weeks - judged - ROOM) as f64) as usize;
                let expected = size as f64 * self.deviation(start, dispersion);
                // Outbreaks without a case are drawn again, as the panels have none.
                let cases = std::iter::repeat_with(|| Counts::new(expected, 1.0).draw(chance))
                    .find(|cases| *cases > 0)
                    .unwrap_or(1);
                let mut added = vec![0; weeks];
                for _ in 0..cases {
                    let week = start + delay(chance);
                    if let Some(place) = added.get_mut(week) {
                        *place += 1;
                    }
                }
                let end = added.iter().rposition(|added| *added > 0);
                let first = added.iter().position(|added| *added > 0);
                if let (Some(start), Some(end)) = (first, end)
                    && !(start..=end).any(|week| self.flagged[week])
                {
                    all.push(Injection { start, end, added });
                }
            }
        }
        all
    }
}

/// Weeks from the start to a case: log-normal with σ = 0.5.
fn delay(chance: &mut Chance) -> usize {
    let (first, second) = (1.0 - chance.uniform(), chance.uniform());
    let normal = (-2.0 * first.ln()).sqrt() * (std::f64::consts::TAU * second).cos();
    (0.5 * normal).exp() as usize
}

fn ours(model: &CountModel, series: &Real, injections: &[Injection]) -> [Said; CHANNELS] {
    let context = |place: usize| BucketContext::plain(place as i64, 0);
    let mut state = model.start(&Prior::vague());
    let judged = series.judged();
    for (place, count) in series.counts[..judged].iter().enumerate() {
        model.step(&mut state, &context(place), Some(u64::from(*count)));
    }
    let run = |counts: &[u32]| {
        let state = state.clone();
        methods::go_on(model, state, counts, judged, context)
    };
    let quiet = run(&series.counts);
    let struck: Vec<_> = injections
        .iter()
        .map(|one| run(&series.with(one)))
        .collect();
    std::array::from_fn(|channel| Said {
        quiet: quiet.iter().map(|scores| scores[channel]).collect(),
        struck: struck
            .iter()
            .map(|all| all.iter().map(|scores| scores[channel]).collect())
            .collect(),
    })
}

impl Real {
    fn with(&self, injection: &Injection) -> Vec<u32> {
        let added = self.counts.iter().zip(&injection.added);
        added.map(|(count, more)| count + more).collect()
    }
}

fn farrington(series: &Real, injections: &[Injection]) -> Result<Said> {
    let judged = series.judged();
    let method = FarringtonFlexibleSettings {
        years_back: ((judged - HALF_WINDOW) / 52).min(5),
        fewest_cases: 0,
        ..FarringtonFlexibleSettings::default()
    }
    .check()?;
    let run = |counts: &[u32]| -> Result<Vec<f32>> {
        let counts: Vec<u64> = counts.iter().map(|count| u64::from(*count)).collect();
        let one = CountSeries {
            counts: &counts,
            calendar: Calendar::Even {
                buckets_per_year: 52,
            },
            population: &[],
        };
        let judgements = method.judge(&one, judged..counts.len())?;
        Ok(judgements
            .iter()
            .map(|one| -(one.p_value.unwrap_or(1.0).max(1e-300).ln()) as f32)
            .collect())
    };
    Ok(Said {
        quiet: run(&series.counts)?,
        struck: injections
            .iter()
            .map(|one| run(&series.with(one)))
            .collect::<Result<_>>()?,
    })
}

/// Score above which episodes start at the set rate in all series but one.
fn threshold(series: &[(Real, Vec<Injection>)], said: &[Said], but: usize) -> f32 {
    let others = || (0..said.len()).filter(|place| *place != but);
    let unflagged = |place: usize| series[place].0.flagged[series[place].0.judged()..].iter();
    let weeks: usize = others()
        .map(|place| unflagged(place).filter(|flagged| !**flagged).count())
        .sum();
    let (mut low, mut high) = (0.5_f32, 60.0_f32);
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        let started: usize = others()
            .map(|place| {
                let flagged: Vec<&bool> = unflagged(place).collect();
                episode_places(&said[place].quiet, middle)
                    .filter(|week| !*flagged[*week])
                    .count()
            })
            .sum();
        if share(started, weeks) > EPISODE_RATE {
            low = middle
        } else {
            high = middle
        }
    }
    high
}

fn found(series: &[(Real, Vec<Injection>)], said: &[Said]) -> Found {
    let (mut detected, mut at_once, mut outbreaks) = (0, 0, 0);
    for (place, (real, injections)) in series.iter().enumerate() {
        let threshold = threshold(series, said, place);
        for (injection, scores) in injections.iter().zip(&said[place].struck) {
            let alarm = |week: usize| scores[week - real.judged()] > threshold;
            outbreaks += 1;
            detected += usize::from((injection.start..=injection.end).any(alarm));
            at_once += usize::from(alarm(injection.start));
        }
    }
    Found {
        detected: share(detected, outbreaks),
        detected_at_once: share(at_once, outbreaks),
    }
}

/// Judges the default detector and Farrington Flexible; `None` where the files are absent.
pub fn judge(beside: &Path) -> Result<Option<RealBaselines>> {
    let all = read(beside)?;
    if all.is_empty() {
        return Ok(None);
    }
    let model = default_model(Season {
        phases: 1,
        buckets_per_year: 52.0,
    })?;
    let mut chance = Chance::new(611);
    let series: Vec<(Real, Vec<Injection>)> = all
        .into_values()
        .map(|real| {
            let injections = real.injections(&mut chance);
            (real, injections)
        })
        .collect();
    let mut channels: [Vec<Said>; CHANNELS] = Default::default();
    let mut reference = Vec::new();
    for (real, injections) in &series {
        for (channel, said) in channels.iter_mut().zip(ours(&model, real, injections)) {
            channel.push(said);
        }
        reference.push(farrington(real, injections)?);
    }
    Ok(Some(RealBaselines {
        series: series.len(),
        outbreaks: series.iter().map(|(_, injections)| injections.len()).sum(),
        ours: channels.map(|said| found(&series, &said)),
        farrington: found(&series, &reference),
    }))
}

impl RealBaselines {
    /// The section of the report.
    pub fn report(&self) -> Result<String> {
        let mut text = format!(
            "The last {JUDGED} weeks (or twice as many) of {} weekly series of R's surveillance, with {} injected outbreaks of 1–{SIZES} standard deviations \
             (Noufaily et al. 2013; fixed seed). False episodes start at a rate of {EPISODE_RATE} in the other series.\n\n\
             | method | channel | POD | POD in the first week |\n|---|---|---|---|\n",
            self.series, self.outbreaks
        );
        for (name, found) in CHANNEL_NAMES.iter().zip(&self.ours) {
            writeln!(
                text,
                "| dynamic_count | {name} | {:.3} | {:.3} |",
                found.detected, found.detected_at_once
            )?;
        }
        writeln!(
            text,
            "| farrington_flexible_nb_plug_in | bucket | {:.3} | {:.3} |",
            self.farrington.detected, self.farrington.detected_at_once
        )?;
        Ok(text)
    }
}
