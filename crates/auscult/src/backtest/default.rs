//! The live detector over a panel: core's tracks, its line and its floors, in the order the machine calls them.

use super::panel::Panel;
use super::{Judged, Point};
use auscult_core::discovery;
use auscult_core::series::{Cell, Closed, Expectation, Models, Track, Verdict};
use auscult_core::settings::DetectSettings;
use auscult_core::time::BucketIndex;
use auscult_core::words::Measure;
use auscult_statistics::count::BucketContext;

/// Name of the default detector.
pub const DEFAULT: &str = "default";
/// A raised signal goes on while one side's p-value is at most this.
const GOES_ON: f64 = 0.05;
/// Closed buckets a track keeps: the one judged and the one before.
const KEPT: usize = 2;

/// Everything that went into one decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What the detector said.
    pub verdict: Verdict,
    /// The forecast it was judged by.
    pub expectation: Expectation,
    /// Band of the settings' level.
    pub band: (f64, f64),
    /// Buckets learnt from before this one.
    pub learnt: u32,
    /// Series judged in this bucket.
    pub family: usize,
    /// The line: p-values at or below it are discoveries.
    pub line: f64,
    /// Adjusted p-value.
    pub q_value: f64,
    /// False-discovery control let it through.
    pub discovered: bool,
    /// The change is large enough to matter.
    pub material: bool,
    /// The series is too young to notify anybody.
    pub cold: bool,
    /// A signal stands in this bucket.
    pub firing: bool,
    /// The signal was raised in this bucket.
    pub raised: bool,
}

struct Running {
    track: Track,
    /// Side of the open signal and its quiet buckets so far.
    open: Option<(bool, u32)>,
    born_late: bool,
    born: usize,
}

/// Runs the detector; each decision is handed to `each` with the series and the place. `method`: the reference method that
/// judges counts, as a view names it; `None`: the default model.
pub fn run(
    panel: &Panel,
    settings: &DetectSettings,
    method: Option<&str>,
    mut each: impl FnMut(usize, usize, &Decision),
) {
    let models = Models::with_methods(panel.width, method.into_iter(), KEPT);
    let method = method.filter(|_| panel.measure == Measure::Mentions);
    let mut running: Vec<Option<Running>> = panel.series.iter().map(|_| None).collect();
    let cold_start = settings.cold_start_buckets as usize;
    for place in 0..panel.buckets {
        let bucket = panel.first + place as BucketIndex;
        let context = BucketContext {
            index: i64::from(bucket),
            phase: panel.width.phase(bucket),
            exposure: 1.0,
            holiday: false,
            after_holiday: false,
        };
        let mut judged: Vec<(usize, Verdict, Expectation)> = Vec::new();
        for (at, series) in panel.series.iter().enumerate() {
            if place < series.from {
                continue;
            }
            // A series first heard of when the panel is old has a history of zeros, not no history.
            let born_late = place >= cold_start && series.from > 0;
            let quiet = if born_late { place as u32 } else { 0 };
            let one = running[at].get_or_insert_with(|| Running {
                track: method
                    .and_then(|name| Track::start_reference(&models, name, bucket, quiet))
                    .unwrap_or_else(|| Track::start(panel.measure, &models, quiet, 1.0)),
                open: None,
                born_late,
                born: place,
            });
            let cell = series.cells[place].as_ref();
            let empty = Cell::default();
            let seen = match panel.measure {
                Measure::Mentions => cell,
                _ => Some(cell.unwrap_or(&empty)),
            };
            let (verdict, expectation) = one.track.step(&models, &context, seen);
            one.track
                .remember(Closed::new(bucket, verdict, expectation), KEPT);
            if one.track.is_judged(&verdict, &expectation) {
                judged.push((at, verdict, expectation));
            }
        }
        decide(
            panel,
            settings,
            &models,
            place,
            &judged,
            &mut running,
            &mut each,
        );
    }
}

fn decide(
    panel: &Panel,
    settings: &DetectSettings,
    models: &Models,
    place: usize,
    judged: &[(usize, Verdict, Expectation)],
    running: &mut [Option<Running>],
    each: &mut impl FnMut(usize, usize, &Decision),
) {
    let cold_start = settings.cold_start_buckets as usize;
    let is_cold = |one: &Running| {
        let age = if one.born_late {
            place
        } else {
            place - one.born
        };
        age < cold_start
    };
    let cold: Vec<bool> = judged
        .iter()
        .map(|(at, ..)| running[*at].as_ref().is_none_or(is_cold))
        .collect();
    let mature: Vec<f64> = judged
        .iter()
        .zip(&cold)
        .filter(|(_, cold)| !**cold)
        .map(|((_, verdict, _), _)| verdict.p_value())
        .collect();
    let rate = settings.false_discovery_rate * mature.len() as f64 / judged.len().max(1) as f64;
    let found = discovery::discover(&mature, rate);
    let mut adjusted = found.adjusted.iter();
    for ((at, verdict, expectation), cold) in judged.iter().zip(cold) {
        let q_value = if cold {
            verdict.p_value()
        } else {
            adjusted.next().copied().unwrap_or(1.0)
        };
        let Some(one) = running[*at].as_mut() else {
            continue;
        };
        let discovered = verdict.p_value() <= found.threshold;
        let material = discovery::is_material(
            panel.measure,
            verdict.observed.unwrap_or(verdict.expected),
            verdict.expected,
            verdict.items,
            &settings.floors,
        );
        let fires = discovered && material && !cold;
        let raised = follow(
            &mut one.open,
            verdict,
            fires,
            settings.resolve_after_buckets,
        );
        let decision = Decision {
            verdict: *verdict,
            expectation: *expectation,
            band: one
                .track
                .ring
                .back()
                .map_or((f64::NAN, f64::NAN), |closed| {
                    Track::band(models, closed, settings.interval_level)
                }),
            learnt: one.track.learnt().0,
            family: judged.len(),
            line: found.threshold,
            q_value,
            discovered,
            material,
            cold,
            firing: one.open.is_some(),
            raised,
        };
        each(*at, place, &decision);
    }
}

/// Moves a series' signal on by one bucket; says whether it was raised now.
fn follow(
    open: &mut Option<(bool, u32)>,
    verdict: &Verdict,
    fires: bool,
    resolve_after: u32,
) -> bool {
    let upward = verdict.is_upward();
    match open {
        Some((side, quiet)) => {
            let p = if *side {
                verdict.p_bucket.0
            } else {
                verdict.p_bucket.1
            };
            *quiet = if p <= GOES_ON || (fires && upward == *side) {
                0
            } else {
                *quiet + 1
            };
            if fires && upward != *side {
                *open = Some((upward, 0));
                return true;
            }
            if *quiet >= resolve_after {
                *open = None;
            }
            false
        }
        None if fires => {
            *open = Some((upward, 0));
            true
        }
        None => false,
    }
}

/// The detector's points over a panel, by the default model or by `method` ([`run`]).
#[must_use]
pub fn judge(panel: &Panel, settings: &DetectSettings, method: Option<&str>) -> Judged {
    let mut series: Vec<Vec<Point>> = panel.series.iter().map(|_| Vec::new()).collect();
    run(panel, settings, method, |at, place, decision| {
        series[at].push(Point {
            place,
            observed: decision.verdict.observed,
            expected: Some(decision.verdict.expected),
            low: Some(decision.band.0),
            high: Some(decision.band.1),
            p_value: Some(decision.verdict.p_value()),
            alarm: decision.discovered && decision.material && !decision.cold,
            raised: decision.raised,
            upward: decision.verdict.is_upward(),
        });
    });
    Judged {
        method: method.unwrap_or(DEFAULT).to_owned(),
        series,
        left_out: Vec::new(),
    }
}
