//! What was raised against what was planted: found, delay, and everything else that alerted.

use std::collections::BTreeMap;
use std::fmt;

use auscult_core::time::{DAY, Timestamp};
use auscult_core::words::SignalKind;
use auscult_engine::log::Record;
use auscult_wire::WireError;

use crate::checkers::{read_alert, stands};
use crate::truth::{PlantedKind, PlantedSignal, Truth};

/// A signal as its alerts told it.
#[derive(Debug, Clone, PartialEq)]
pub struct RaisedSignal {
    /// Signal.
    pub signal_id: String,
    /// Portfolio.
    pub portfolio: String,
    /// Kind.
    pub kind: SignalKind,
    /// Title, for people.
    pub title: String,
    /// Dimension and value.
    pub dimensions: Vec<(String, String)>,
    /// Event time up to which data had been seen when it was raised.
    pub raised_at: Timestamp,
    /// Start of the evidence when it was raised.
    pub window_start: Timestamp,
    /// Whether anybody was notified.
    pub notified: bool,
    /// Whether it was taken back.
    pub retracted: bool,
}

/// The signals in the records of an alerts topic, in the order they were raised.
///
/// # Errors
/// An alert that cannot be read.
pub fn raised_signals(alerts: &[Record]) -> Result<Vec<RaisedSignal>, WireError> {
    let mut order = Vec::new();
    let mut signals: BTreeMap<String, RaisedSignal> = BTreeMap::new();
    for record in alerts {
        let (portfolio, alert) = read_alert(record)?;
        let known = signals.entry(alert.signal_id.clone()).or_insert_with(|| {
            order.push(alert.signal_id.clone());
            RaisedSignal {
                signal_id: alert.signal_id.clone(),
                portfolio,
                kind: alert.kind,
                title: alert.title.clone(),
                dimensions: alert.series.dimensions.0.clone(),
                raised_at: alert.first_raised_at,
                window_start: alert.window.start,
                notified: false,
                retracted: false,
            }
        });
        known.notified |= alert.suppressed_by.is_empty();
        known.retracted = !stands(alert.status);
    }
    Ok(order
        .into_iter()
        .filter_map(|id| signals.remove(&id))
        .collect())
}

/// How one planted change fared.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreRow {
    /// Planted change.
    pub planted: PlantedSignal,
    /// First signal that told of it.
    pub first: Option<RaisedSignal>,
    /// Days of event time from onset to that signal.
    pub delay_days: Option<f64>,
    /// All signals that told of it.
    pub signals: usize,
}

/// What was raised against what was planted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scorecard {
    /// One row for each planted change.
    pub rows: Vec<ScoreRow>,
    /// Signals that share no dimension with a planted change, but happened in its portfolio, time and direction.
    pub side_effects: Vec<RaisedSignal>,
    /// Signals that explain nothing planted.
    pub false_signals: Vec<RaisedSignal>,
    /// Days judged.
    pub days: f64,
}

/// A signal this long after the end of a change still tells of it: a day bucket must close and late events come in.
const GRACE: i64 = 2 * DAY;

impl Scorecard {
    /// Judges the signals raised from the live part on that notified somebody and were not taken back.
    #[must_use]
    pub fn compare(truth: &Truth, raised: &[RaisedSignal]) -> Scorecard {
        let judged: Vec<&RaisedSignal> = raised
            .iter()
            .filter(|signal| signal.notified && !signal.retracted)
            // When the run has ended everybody is silent, and rightly said to be.
            .filter(|signal| signal.raised_at >= truth.live_from && signal.window_start < truth.to)
            .collect();
        let rows = truth
            .signals
            .iter()
            .map(|planted| row(planted, &judged))
            .collect();
        let mut card = Scorecard {
            rows,
            days: (truth.to.0 - truth.live_from.0) as f64 / DAY as f64,
            ..Scorecard::default()
        };
        for signal in judged {
            if truth
                .signals
                .iter()
                .any(|planted| tells_of(signal, planted))
            {
                continue;
            }
            let side = truth.signals.iter().any(|planted| {
                at_the_time(signal, planted)
                    && fits(signal.kind, planted.kind)
                    && !contradicts(signal, planted)
            });
            if side {
                &mut card.side_effects
            } else {
                &mut card.false_signals
            }
            .push(signal.clone());
        }
        card
    }

    /// Planted changes that were found.
    #[must_use]
    pub fn found(&self) -> usize {
        self.rows.iter().filter(|row| row.first.is_some()).count()
    }

    /// False signals a week, over all portfolios.
    #[must_use]
    pub fn false_per_week(&self) -> f64 {
        if self.days > 0.0 {
            self.false_signals.len() as f64 * 7.0 / self.days
        } else {
            0.0
        }
    }
}

fn row(planted: &PlantedSignal, judged: &[&RaisedSignal]) -> ScoreRow {
    let telling: Vec<&&RaisedSignal> = judged
        .iter()
        .filter(|signal| tells_of(signal, planted))
        .collect();
    let first = telling
        .iter()
        .min_by_key(|signal| signal.raised_at)
        .map(|signal| (**signal).clone());
    ScoreRow {
        planted: planted.clone(),
        delay_days: first
            .as_ref()
            .map(|signal| (signal.raised_at.0 - planted.onset.0) as f64 / DAY as f64),
        first,
        signals: telling.len(),
    }
}

fn tells_of(signal: &RaisedSignal, planted: &PlantedSignal) -> bool {
    at_the_time(signal, planted)
        && fits(signal.kind, planted.kind)
        && !contradicts(signal, planted)
        && shares_dimension(signal, planted)
}

fn at_the_time(signal: &RaisedSignal, planted: &PlantedSignal) -> bool {
    signal.portfolio == planted.portfolio
        && signal.raised_at > planted.onset
        && signal.window_start < planted.end.plus(GRACE)
}

/// A dimension both name with different values.
fn contradicts(signal: &RaisedSignal, planted: &PlantedSignal) -> bool {
    planted.dimensions.iter().any(|(name, value)| {
        signal
            .dimensions
            .iter()
            .any(|(own, found)| own == name && found != value)
    })
}

fn shares_dimension(signal: &RaisedSignal, planted: &PlantedSignal) -> bool {
    planted
        .dimensions
        .iter()
        .any(|pair| signal.dimensions.contains(pair))
}

/// Kinds of signal that are a right name for a kind of change.
fn fits(kind: SignalKind, planted: PlantedKind) -> bool {
    match planted {
        PlantedKind::Surge | PlantedKind::NewTheme | PlantedKind::Drift => {
            matches!(kind, SignalKind::VolumeUp | SignalKind::NewTheme)
        }
        PlantedKind::SentimentDrop => {
            matches!(kind, SignalKind::SentimentShift | SignalKind::ScoreShift)
        }
        PlantedKind::Silence => matches!(kind, SignalKind::Silence | SignalKind::VolumeDown),
    }
}

impl fmt::Display for Scorecard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<28} {:<14} {:<10} {:>9} {:>8}  first signal",
            "planted", "kind", "portfolio", "delay", "signals"
        )?;
        for row in &self.rows {
            let delay = row
                .delay_days
                .map_or("missed".to_owned(), |days| format!("{days:.1} d"));
            let title = row
                .first
                .as_ref()
                .map_or("–", |signal| signal.title.as_str());
            let kind = format!("{:?}", row.planted.kind);
            writeln!(
                f,
                "{:<28} {kind:<14} {:<10} {delay:>9} {:>8}  {title}",
                row.planted.name, row.planted.portfolio, row.signals
            )?;
        }
        writeln!(
            f,
            "{} of {} found; {} side effects; {} false signals in {:.0} days ({:.1} a week)",
            self.found(),
            self.rows.len(),
            self.side_effects.len(),
            self.false_signals.len(),
            self.days,
            self.false_per_week()
        )
    }
}
