//! What would have alerted: detectors over a finished history, side by side.
//!
//! Decision: the default detector is core's own track, false-discovery control and floors, called in the order the
//! machine calls them, over a panel of series; the reference methods run over the same panel. A second implementation of
//! judging was beaten: what it says would have to be believed, not compared.

pub mod default;
pub mod export;
pub mod methods;
pub mod panel;
pub mod replayed;
pub mod truth;
pub mod unit;
pub mod window;

/// What a method said about one bucket of one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Place of the bucket in the panel, from 0.
    pub place: usize,
    /// What was seen, in the measure's own unit.
    pub observed: Option<f64>,
    /// What was expected, where the method says so.
    pub expected: Option<f64>,
    /// Lower end of what was expected, where the method has one.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// p-value: two-sided for the default detector, upper for the reference methods.
    pub p_value: Option<f64>,
    /// The method alarms in this bucket; for the default detector: a discovery past the floors and the cold start.
    pub alarm: bool,
    /// An alert starts here.
    pub raised: bool,
    /// The change is upward.
    pub upward: bool,
}

/// One method over all series of a panel.
#[derive(Debug, Clone)]
pub struct Judged {
    /// Name of the method.
    pub method: String,
    /// Points of each series, in the panel's order; empty where the history is too short.
    pub series: Vec<Vec<Point>>,
    /// Series that could not be judged, with the reason.
    pub left_out: Vec<(usize, String)>,
}

impl Judged {
    /// Alerts raised, over all series.
    #[must_use]
    pub fn raised(&self) -> usize {
        self.series
            .iter()
            .flatten()
            .filter(|point| point.raised)
            .count()
    }
}
