//! Every method over every series of a panel.

use anyhow::{Result, anyhow};
use auscult_statistics::count::{
    BucketContext, CountModel, CountSettings, CountState, Prior, Season,
};
use auscult_statistics::evidence::OnsetNull;
use auscult_statistics::reference::{
    Calendar, CountSeries, EarsSettings, EarsVariant, FarringtonFlexibleSettings,
    FarringtonOriginalSettings, ReferenceMethod, ThresholdMethod,
};

use crate::clock::Stopwatch;
use crate::measures::{Judged, Scored};
use crate::methods::{self, CHANNELS, Scores};
use crate::panels::{Daily, JUDGED_DAY, JUDGED_WEEKS, Series, Weekly};

/// Names of the channels of a two-clock method.
pub const CHANNEL_NAMES: [&str; CHANNELS] = ["bucket", "over time", "combined"];
/// The panels' year has 52 weeks.
const PANEL_WEEKS: Season = Season {
    phases: 1,
    buckets_per_year: 52.0,
};
/// Weeks of history given, 575 being all there is.
pub const HISTORIES: [usize; 5] = [26, 52, 104, 260, 575];
/// Siblings a young series borrows from.
const SIBLINGS: usize = 5;

/// The default detector's model.
pub fn default_model(season: Season) -> Result<CountModel> {
    let settings = CountSettings::default()
        .check()
        .map_err(|problems| anyhow!(problems.join("; ")))?;
    Ok(CountModel::new(settings, season))
}

/// Runs `method` on both forms of every series and splits the channels.
fn judge<'a>(
    name: &str,
    series: &'a [Series],
    first: usize,
    steps: usize,
    method: impl Fn(&Series, &[u32]) -> Vec<Scores>,
) -> Vec<Judged<'a>> {
    let watch = Stopwatch::start();
    let both: Vec<(Vec<Scores>, Vec<Scores>)> = series
        .iter()
        .map(|one| (method(one, &one.quiet), method(one, &one.struck)))
        .collect();
    let nanoseconds = watch.nanoseconds() / (2 * series.len() * steps) as f64;
    let channel =
        |scores: &[Scores], channel: usize| scores.iter().map(|scores| scores[channel]).collect();
    CHANNEL_NAMES
        .iter()
        .enumerate()
        .map(|(place, label)| Judged {
            name: name.to_owned(),
            channel: label,
            series: series.iter().collect(),
            scored: both
                .iter()
                .map(|(quiet, struck)| Scored {
                    quiet: channel(quiet, place),
                    struck: channel(struck, place),
                })
                .collect(),
            first,
            nanoseconds,
        })
        .collect()
}

fn history_name(weeks: usize) -> String {
    if weeks >= 575 {
        "all history (11 years)".to_owned()
    } else {
        format!("{weeks} weeks")
    }
}

/// The default detector on the weekly panel with each length of history, and with true parameters.
pub fn weekly_dynamic(panel: &Weekly) -> Result<Vec<Judged<'_>>> {
    let judged = JUDGED_WEEKS.0 - 1;
    let weeks = JUDGED_WEEKS.1 - judged;
    let model = default_model(PANEL_WEEKS)?;
    let context = |place: usize| BucketContext::plain(place as i64, 0);
    let mut all = Vec::new();
    for history in HISTORIES {
        let name = format!("dynamic_count, {}", history_name(history));
        all.extend(judge(
            &name,
            &panel.series,
            judged + 1,
            history + weeks,
            |_, counts| {
                methods::dynamic(
                    &model,
                    &Prior::vague(),
                    counts,
                    judged - history,
                    judged,
                    context,
                )
            },
        ));
    }
    for history in [26, 52, 104] {
        let priors: Vec<Prior> = panel
            .series
            .iter()
            .map(|series| sibling_prior(&model, panel, series, judged - history))
            .collect();
        let by_identity = |series: &Series| {
            panel
                .series
                .iter()
                .position(|other| {
                    (other.group, other.replicate) == (series.group, series.replicate)
                })
                .unwrap_or(0)
        };
        let name = format!("dynamic_count, {}, season borrowed", history_name(history));
        all.extend(judge(
            &name,
            &panel.series,
            judged + 1,
            history + weeks,
            |series, counts| {
                methods::dynamic(
                    &model,
                    &priors[by_identity(series)],
                    counts,
                    judged - history,
                    judged,
                    context,
                )
            },
        ));
    }
    let null = OnsetNull::default();
    all.extend(judge(
        "true parameters known",
        &panel.series,
        judged + 1,
        weeks,
        |series, counts| {
            methods::clairvoyant(&null, &panel.scenarios[&series.group], counts, judged)
        },
    ));
    Ok(all)
}

/// Season and dispersion of a parent that is the sum of five other series of the scenario up to `until`; the level is not
/// borrowed beyond the worth of one bucket.
fn sibling_prior(model: &CountModel, panel: &Weekly, series: &Series, until: usize) -> Prior {
    let siblings: Vec<&Series> = panel
        .series
        .iter()
        .filter(|other| other.group == series.group && other.replicate != series.replicate)
        .cycle()
        .skip(series.replicate)
        .take(SIBLINGS)
        .collect();
    let mut parent = model.start(&Prior::vague());
    for week in 0..until {
        let total: u64 = siblings
            .iter()
            .map(|sibling| u64::from(sibling.quiet[week]))
            .sum();
        model.step(
            &mut parent,
            &BucketContext::plain(week as i64, 0),
            Some(total),
        );
    }
    let mut prior = Prior::share_of(&parent, 1.0 / SIBLINGS as f64, 1.0);
    prior.season_weight = 104.0;
    prior
}

/// A reference method on the weekly panel. Its score is −ln p where it has p-values, else its own score, else 1 at an alarm.
fn reference<'a>(members: &[&'a Series], method: &dyn ReferenceMethod) -> Result<Judged<'a>> {
    let judged = JUDGED_WEEKS.0 - 1;
    let score = |counts: &[u32]| -> Result<Vec<f32>> {
        let counts: Vec<u64> = counts.iter().map(|count| u64::from(*count)).collect();
        let series = CountSeries {
            counts: &counts,
            calendar: Calendar::Even {
                buckets_per_year: 52,
            },
            population: &[],
        };
        let judgements = method.judge(&series, judged..counts.len())?;
        Ok(judgements
            .iter()
            .map(|one| match (one.p_value, one.score) {
                (Some(p), _) => -(p.max(1e-300).ln()) as f32,
                (None, Some(score)) => score as f32,
                (None, None) => f32::from(u8::from(one.alarm)),
            })
            .map(|score| if score.is_finite() { score } else { 0.0 })
            .collect())
    };
    let watch = Stopwatch::start();
    let scored = members
        .iter()
        .map(|series| {
            Ok(Scored {
                quiet: score(&series.quiet)?,
                struck: score(&series.struck)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let steps = 2 * members.len() * (JUDGED_WEEKS.1 - judged);
    let nanoseconds = watch.nanoseconds() / steps as f64;
    Ok(Judged {
        name: method.name().to_owned(),
        channel: "bucket",
        series: members.to_vec(),
        scored,
        first: judged + 1,
        nanoseconds,
    })
}

/// The reference methods with a graded score, on the replicates up to a number.
///
/// Methods that say only alarm or not (EARS C3, CUSUM, Bayes, RKI) have no threshold to set at an equal rate and are left out.
pub fn weekly_reference(panel: &Weekly, replicates: usize) -> Result<Vec<Judged<'_>>> {
    let flexible = |threshold| FarringtonFlexibleSettings {
        threshold,
        fewest_cases: 0,
        ..FarringtonFlexibleSettings::default()
    };
    let ears = |variant| EarsSettings {
        smallest_deviation: 0.5,
        ..EarsSettings::usual(variant)
    };
    let methods: Vec<Box<dyn ReferenceMethod>> = vec![
        Box::new(flexible(ThresholdMethod::NegativeBinomialPlugIn).check()?),
        Box::new(flexible(ThresholdMethod::UpperMean).check()?),
        Box::new(flexible(ThresholdMethod::Delta).check()?),
        Box::new(
            FarringtonOriginalSettings {
                fewest_cases: 0,
                ..FarringtonOriginalSettings::default()
            }
            .check()?,
        ),
        Box::new(ears(EarsVariant::C1).check()?),
        Box::new(ears(EarsVariant::C2).check()?),
    ];
    let members: Vec<&Series> = panel
        .series
        .iter()
        .filter(|series| series.replicate <= replicates)
        .collect();
    methods
        .iter()
        .map(|method| reference(&members, method.as_ref()))
        .collect()
}

/// The default detector on the daily panel.
pub fn daily_dynamic(panel: &Daily) -> Result<Vec<Judged<'_>>> {
    let judged = JUDGED_DAY - 1;
    let model = default_model(Season {
        phases: 7,
        buckets_per_year: 364.0,
    })?;
    let days = panel.calendar.len();
    Ok(judge(
        "dynamic_count",
        &panel.series,
        judged + 1,
        days,
        |_, counts| {
            methods::dynamic(&model, &Prior::vague(), counts, 0, judged, |place| {
                let day = &panel.calendar[place];
                let after = place > 0 && panel.calendar[place - 1].holiday;
                BucketContext {
                    index: place as i64,
                    phase: day.weekday,
                    exposure: 1.0,
                    holiday: day.holiday,
                    after_holiday: after && !day.holiday,
                }
            })
        },
    ))
}

/// Bytes of a count series after a year of days: in memory or as a record, whichever is more.
pub fn bytes_of_a_series() -> Result<usize> {
    let model = default_model(Season::DAILY)?;
    let mut state = model.start(&Prior::vague());
    for day in 0..365 {
        let context = BucketContext {
            holiday: day % 30 == 0,
            ..BucketContext::plain(day, (day % 7) as usize)
        };
        model.step(&mut state, &context, Some(day as u64 % 5));
    }
    let mut record = Vec::new();
    state.dump(&mut record);
    Ok(record.len().max(size_of::<CountState>()))
}
