//! Writing an alert: every number once, and two plain sentences made of those numbers (E01, E03).

use crate::alert::{
    Alert, BaselineRef, ContextItem, DetectorRef, EvidenceSummary, Interval, SeriesRef, Window,
};
use crate::evidence;
use crate::lifecycle::total;
use crate::machine::Machine;
use crate::series::{Closed, Track};
use crate::signal::Signal;
use crate::time::{BucketIndex, BucketWidth, DAY, HOUR, Timestamp, words_for};
use crate::words::{
    AlertChange, Caveat, EvidenceGrade, Horizon, Measure, Severity, SignalKind, SignalStatus,
    StatusReason,
};

/// Version of the detecting code, on every alert.
pub const DETECTOR_VERSION: &str = env!("CARGO_PKG_VERSION");
/// A change that has lasted eight weeks is structural (product idea S14); acute ends within two.
const STRUCTURAL_AFTER: i64 = 56 * DAY;
const ACUTE_UNTIL: i64 = 14 * DAY;

/// What an alert is to say about a signal.
pub(crate) struct Story {
    pub(crate) change: AlertChange,
    pub(crate) reason: StatusReason,
    pub(crate) series: usize,
    pub(crate) track: usize,
    /// Last bucket of the evidence, and how many buckets it spans.
    pub(crate) last: BucketIndex,
    pub(crate) span: usize,
    pub(crate) q_value: f64,
    pub(crate) threshold: f64,
    pub(crate) judged: usize,
    pub(crate) as_of: Timestamp,
}

/// Numbers of the window.
struct Figures {
    observed: f64,
    expected: f64,
    interval: (f64, f64),
    p_value: f64,
}

/// The next alert of `signal`.
pub(crate) fn alert(machine: &Machine, signal: &Signal, story: &Story) -> Alert {
    let series = &machine.series[story.series];
    let track = &series.tracks[story.track];
    let level = machine.plan.settings.interval_level;
    let figures = figures(machine, track, story, level);
    let first = story.last - (story.span as BucketIndex - 1);
    let as_of_bucket = signal.width.index(story.as_of.plus(-1));
    let window = machine.window(
        &signal.key,
        signal.measure,
        signal.width,
        first..=story.last,
        as_of_bucket,
    );
    let evidence = evidence::summarise(&window, &machine.plan.lattice, &machine.interner);
    let driver_expected = if signal.measure == Measure::Mentions {
        figures.expected
    } else {
        figures.expected * f64::from(evidence.items)
    };
    let drivers = evidence::drivers(
        &window,
        driver_expected,
        signal.upward == (signal.measure != Measure::MeanRating),
        &machine.plan.lattice,
        &machine.interner,
    );
    let examples = evidence::quotes(&window, &machine.plan.lattice);
    let named = machine.plan.lattice.named(&signal.key, &machine.interner);
    let score = crate::discovery::score(figures.p_value);
    let severity = severity(score, &figures, signal, &evidence);
    let effect_relative =
        (figures.expected > 0.0).then(|| figures.observed / figures.expected - 1.0);
    let view = machine.view_name(&signal.key).to_owned();
    let precision = machine.learning.precision(&view);
    let mut labels: Vec<(String, String)> = named.clone();
    labels.push(("kind".to_owned(), signal.kind.as_str().to_owned()));
    labels.push(("severity".to_owned(), severity.as_str().to_lowercase()));
    labels.push(("view".to_owned(), view.clone()));
    labels.sort();
    let (points, method) = track.learnt();
    let supersedes = (signal.revision > 0).then_some(signal.revision);
    let (from, to) = (signal.width.start(first), signal.width.end(story.last));
    let calendars = machine.calendar_context(&signal.key, from, to);
    Alert {
        change: story.change,
        tenant: machine.tenant.clone(),
        portfolio: machine.portfolio.clone(),
        signal_id: signal.id.clone(),
        revision: signal.revision + 1,
        supersedes,
        status: signal.status,
        status_reason: story.reason,
        kind: signal.kind,
        severity,
        title: title(signal, &named),
        why: why(signal, story, &figures, level, drivers.first()),
        horizon: horizon(signal, story),
        series: SeriesRef {
            id: machine.series_id(&signal.key, signal.measure),
            view: view.clone(),
            measure: signal.measure,
            dimensions: named,
        },
        window: Window {
            start: from,
            end: to,
            width: signal.width,
        },
        as_of: story.as_of,
        first_raised_at: signal.first_raised_at,
        observed: figures.observed,
        expected: figures.expected,
        interval: Interval {
            low: figures.interval.0,
            high: figures.interval.1,
            level,
        },
        effect_absolute: figures.observed - figures.expected,
        effect_relative,
        score_current: score,
        score_initial: signal.score_initial,
        p_value: figures.p_value,
        q_value: story.q_value,
        expected_false_per_30_days: expected_false_per_30_days(story, signal),
        caveats: caveats(machine, signal, story, &evidence, !calendars.is_empty()),
        evidence,
        context: attached(machine, signal)
            .into_iter()
            .chain(calendars)
            .collect(),
        drivers,
        examples,
        detector: DetectorRef {
            id: machine.plan.settings.detector.clone(),
            version: DETECTOR_VERSION.to_owned(),
            method: method.to_owned(),
            config_hash: machine.plan.config_hash.clone(),
        },
        baseline: BaselineRef {
            id: crate::identity::outward_id("b_", &[&signal.id, &story.last.to_string()]),
            from: signal.width.start(series.born),
            to: signal.width.start(first),
            points,
            season: season(signal).to_owned(),
            calendars: baseline_calendars(machine, signal),
        },
        models: Vec::new(),
        seed: machine.plan.settings.seed,
        owner_team: "governance".to_owned(),
        triage_due: signal.first_raised_at.plus(triage_time(severity)),
        suggested_checks: suggested_checks(signal.kind)
            .iter()
            .map(|&check| check.to_owned())
            .collect(),
        labels,
        group_key: group_key(machine, signal),
        incident_id: signal.incident_id.clone(),
        suppressed_by: signal.suppressed_by.clone(),
        rank: f64::from(score) / 100.0 * precision * grade_weight(evidence.grade),
        disposition: signal.decision,
    }
}

fn figures(machine: &Machine, track: &Track, story: &Story, level: f64) -> Figures {
    let models = &machine.plan.models
        [&machine.plan.settings.views[machine.series[story.series].key.view as usize].width];
    let sum = total(track, story.last, story.span);
    let closed: Option<&Closed> = track.closed(story.last);
    let p_value = closed.map_or(1.0, |closed| closed.verdict.p_value());
    let is_count = track.measure == Measure::Mentions;
    if let Some(closed) = closed
        && story.span == 1
    {
        return Figures {
            observed: closed.verdict.observed.unwrap_or(0.0),
            expected: closed.verdict.expected,
            interval: Track::band(models, closed, level),
            p_value,
        };
    }
    let scale = if is_count { 1.0 } else { sum.buckets.max(1.0) };
    let (observed, expected) = (sum.observed / scale, sum.expected / scale);
    // Over several buckets the band is the normal one of the summed variances; single buckets are exact.
    let half = auscult_statistics::special::normal_quantile(0.5 + level / 2.0)
        * sum.variance.max(0.0).sqrt()
        / scale;
    let ceiling = if is_count { f64::INFINITY } else { 1.0 };
    Figures {
        observed,
        expected,
        interval: ((expected - half).max(0.0), (expected + half).min(ceiling)),
        p_value,
    }
}

fn title(signal: &Signal, named: &[(String, String)]) -> String {
    let what = match signal.kind {
        SignalKind::NewTheme => "New",
        SignalKind::VolumeUp => "More mentions",
        SignalKind::VolumeDown => "Fewer mentions",
        SignalKind::Silence => "Gone quiet",
        SignalKind::SentimentShift if signal.upward => "More negative",
        SignalKind::SentimentShift => "Less negative",
        SignalKind::ScoreShift if signal.upward => "Ratings up",
        SignalKind::ScoreShift => "Ratings down",
        other => other.as_str(),
    };
    let values: Vec<&str> = named.iter().map(|(_, value)| value.as_str()).collect();
    format!("{what}: {}", values.join(" · "))
}

fn why(
    signal: &Signal,
    story: &Story,
    figures: &Figures,
    level: f64,
    driver: Option<&crate::alert::Driver>,
) -> String {
    let first = story.last - (story.span as BucketIndex - 1);
    let from = words_for(signal.width.start(first), signal.width);
    let when = if story.span == 1 {
        from
    } else {
        format!(
            "{from} to {}",
            words_for(signal.width.end(story.last).plus(-HOUR), signal.width)
        )
    };
    let number = |value: f64| match signal.measure {
        Measure::Mentions => trim(value),
        Measure::NegativeShare => format!("{}%", trim(100.0 * value)),
        Measure::MeanRating => format!("{} of 100", trim(100.0 * value)),
    };
    let unit = match signal.measure {
        Measure::Mentions => "mentions",
        Measure::NegativeShare => "negative",
        Measure::MeanRating => "mean rating",
    };
    let lead = match signal.status {
        SignalStatus::Retracted => "Taken back: ",
        SignalStatus::Resolved => "Back to normal. At its last: ",
        SignalStatus::Firing => "",
    };
    let mut text = format!(
        "{lead}{} {unit} in {when} against {} expected ({}% interval {} to {}).",
        number(figures.observed),
        number(figures.expected),
        trim(100.0 * level),
        number(figures.interval.0),
        number(figures.interval.1),
    );
    if let Some(driver) = driver {
        text.push_str(&format!(
            " {}% of the change comes from {} {}.",
            trim((100.0 * driver.share).round()),
            driver.dimension,
            driver.value
        ));
    }
    text
}

/// A number as people write it: no decimals from ten on, one below.
fn trim(value: f64) -> String {
    let text = if value.abs() >= 10.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    };
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn severity(
    score: u32,
    figures: &Figures,
    signal: &Signal,
    evidence: &EvidenceSummary,
) -> Severity {
    let relative = if figures.expected > 0.0 {
        (figures.observed / figures.expected - 1.0).abs()
    } else {
        f64::INFINITY
    };
    let by_score = match score {
        90.. if relative >= 2.0 || signal.measure != Measure::Mentions => Severity::Critical,
        70.. => Severity::Major,
        45.. => Severity::Notable,
        _ => Severity::Watch,
    };
    // A fall has few voices left to count: the grade of its evidence says little about it.
    if !signal.upward && signal.measure == Measure::Mentions {
        return by_score.min(Severity::Major);
    }
    let few_voices = evidence.independent_people() < 5 || evidence.top_person_share > 0.30;
    match evidence.grade {
        EvidenceGrade::Anecdotal if few_voices => Severity::Watch,
        EvidenceGrade::Anecdotal => by_score.min(Severity::Notable),
        EvidenceGrade::Emerging => by_score.min(Severity::Major),
        EvidenceGrade::Corroborated => by_score,
    }
}

fn grade_weight(grade: EvidenceGrade) -> f64 {
    match grade {
        EvidenceGrade::Anecdotal => 0.5,
        EvidenceGrade::Emerging => 0.8,
        EvidenceGrade::Corroborated => 1.0,
    }
}

fn horizon(signal: &Signal, story: &Story) -> Horizon {
    let first = signal.fired.first().copied().unwrap_or(story.last);
    let lasted = signal.width.end(story.last).0 - signal.width.start(first).0;
    if lasted >= STRUCTURAL_AFTER {
        Horizon::Structural
    } else if signal.status == SignalStatus::Resolved && lasted <= ACUTE_UNTIL {
        Horizon::Acute
    } else {
        Horizon::Unknown
    }
}

fn season(signal: &Signal) -> &'static str {
    match signal.width {
        crate::time::BucketWidth::Hour => "hour_of_day",
        crate::time::BucketWidth::Day => "day_of_week",
        _ => "yearly",
    }
}

fn expected_false_per_30_days(story: &Story, signal: &Signal) -> f64 {
    let buckets = 30.0 * DAY as f64 / signal.width.milliseconds() as f64;
    story.threshold * story.judged as f64 * buckets
}

fn caveats(
    machine: &Machine,
    signal: &Signal,
    story: &Story,
    evidence: &EvidenceSummary,
    in_calendar: bool,
) -> Vec<Caveat> {
    let mut caveats = Vec::new();
    if matches!(
        story.reason,
        StatusReason::LateData | StatusReason::DuplicateRemoved
    ) {
        caveats.push(Caveat::LateData);
    }
    let any_feed_down = machine.feeds.values().any(|feed| feed.is_down);
    if any_feed_down {
        caveats.push(Caveat::Imputed);
    }
    if signal
        .suppressed_by
        .iter()
        .any(|reason| reason == "cold_start")
    {
        caveats.push(Caveat::ColdStart);
    }
    if evidence.channels < 2 {
        caveats.push(Caveat::LowCoverage);
    }
    if in_calendar {
        caveats.push(Caveat::CalendarOverlap);
    }
    caveats
}

/// Calendars whose holidays moved what was expected: counts of hours and days know them, nothing else does.
fn baseline_calendars(machine: &Machine, signal: &Signal) -> Vec<String> {
    let knows = signal.measure == Measure::Mentions
        && matches!(signal.width, BucketWidth::Hour | BucketWidth::Day);
    if knows {
        machine.holiday_calendars(&signal.key)
    } else {
        Vec::new()
    }
}

fn attached(machine: &Machine, signal: &Signal) -> Vec<ContextItem> {
    let mut items: Vec<ContextItem> = signal
        .attached
        .iter()
        .map(|attached| {
            let named = machine.plan.lattice.named(&attached.key, &machine.interner);
            let values: Vec<String> = named.into_iter().map(|(_, value)| value).collect();
            let width = machine.width_of(&attached.key);
            let by = if width == signal.width {
                ""
            } else {
                by_width(width)
            };
            ContextItem {
                kind: "series".to_owned(),
                reference: machine.series_id(&attached.key, attached.measure),
                label: format!("{} ({}{by})", values.join(" · "), attached.measure),
                start: width.start(attached.bucket),
                end: width.end(attached.bucket),
            }
        })
        .collect();
    items.sort_by(|left, right| left.reference.cmp(&right.reference));
    items
}

fn by_width(width: BucketWidth) -> &'static str {
    match width {
        BucketWidth::Hour => " by hour",
        BucketWidth::Day => " by day",
        BucketWidth::Week => " by week",
        BucketWidth::Month => " by month",
    }
}

fn group_key(machine: &Machine, signal: &Signal) -> String {
    let named = machine.plan.lattice.named(&signal.key, &machine.interner);
    let values: Vec<String> = named.into_iter().take(2).map(|(_, value)| value).collect();
    format!("{}/{}", machine.tenant, values.join("/"))
}

fn triage_time(severity: Severity) -> i64 {
    match severity {
        Severity::Critical => DAY,
        Severity::Major => 2 * DAY,
        Severity::Notable => 3 * DAY,
        Severity::Watch => 7 * DAY,
    }
}

fn suggested_checks(kind: SignalKind) -> &'static [&'static str] {
    match kind {
        SignalKind::VolumeUp | SignalKind::NewTheme => &[
            "Read the quotes: is it one cause or several?",
            "Look for a campaign, congress, label or supply change in the window",
            "Compare with the same theme in other regions and products",
        ],
        SignalKind::VolumeDown | SignalKind::Silence => &[
            "Ask whether the source changed how or whom it asks",
            "Check that the feed delivered everything it had",
            "Look for a competitor launch or a policy change in the window",
        ],
        SignalKind::SentimentShift | SignalKind::ScoreShift => &[
            "Check whether the same people changed their minds or other people spoke",
            "Read the negative quotes for one shared cause",
            "Look for a service, content or price change in the window",
        ],
        _ => &["Read the evidence"],
    }
}
