//! Arguments of `auscult actions`.

use super::Direction;
use super::desks::ServerArguments;
use clap::{Args, Subcommand};

/// `auscult actions`
#[derive(Debug, Args)]
pub struct Actions {
    /// What to do.
    #[command(subcommand)]
    pub command: ActionCommand,
    /// The running service.
    #[command(flatten)]
    pub server: ServerArguments,
}

/// What to do about signals.
#[derive(Debug, Subcommand)]
pub enum ActionCommand {
    /// Actions and what came of them, the last recorded first.
    List {
        /// Only those on this signal.
        #[arg(long)]
        signal: Option<String>,
        /// Only those in this state: proposed, approved, started, done, cancelled.
        #[arg(long)]
        state: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Print the service's JSON.
        #[arg(long)]
        json: bool,
    },
    /// Record an action on a signal: proposed, or with --start begun now.
    Record(Box<NewAction>),
    /// Take an action on: approved, started, done, cancelled.
    Step {
        /// Action id.
        action: String,
        /// State.
        state: String,
    },
    /// Say what was learnt from an outcome; not for the owner.
    Review {
        /// Action id.
        action: String,
        /// What is done next: keep, adjust, stop, repeat.
        next: String,
        /// What was learnt, in a few words.
        learning: String,
    },
}

/// A new action.
#[derive(Debug, Args)]
pub struct NewAction {
    /// Signal id.
    pub signal: String,
    /// What is done: content_change, channel_change, contact_reduction, service_fix, access_support, education, research_follow_up,
    /// product_feedback, no_action.
    pub kind: String,
    /// Start it now: what is to change is frozen.
    #[arg(long)]
    pub start: bool,
    /// Who answers for it, by reference.
    #[arg(long, default_value = "")]
    pub owner: String,
    /// Day it is due: 2026-06-30.
    #[arg(long, value_name = "DATE", default_value = "")]
    pub due: String,
    /// Why it should help; of no_action, why not.
    #[arg(long, value_name = "WORDS", default_value = "")]
    pub hypothesis: String,
    /// Relative change expected of the signal's series: -0.3 is 30 % less.
    #[arg(long, value_name = "CHANGE", allow_negative_numbers = true)]
    pub expect: Option<f64>,
    /// Smallest relative change that matters.
    #[arg(
        long,
        value_name = "CHANGE",
        default_value_t = 0.0,
        allow_negative_numbers = true
    )]
    pub smallest: f64,
    /// Which way is better; default: the way of the expected change.
    #[arg(long, value_enum)]
    pub wanted: Option<Direction>,
    /// Periods the outcome is measured over; default: 168 hours, 28 days, 12 weeks or 6 months.
    #[arg(long, value_name = "NUMBER")]
    pub after: Option<u32>,
    /// A series that nothing is done about, by its id.
    #[arg(long, value_name = "SERIES_ID")]
    pub against: Option<String>,
}
