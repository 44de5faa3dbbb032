//! The command line.

mod actions;
mod desks;

pub use actions::{ActionCommand, Actions, NewAction};
pub use desks::{RequestCommand, Requests, Safety, SafetyCommand, Server, ServerArguments};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Listening signals from customer feedback: few, trustworthy alerts with evidence.
#[derive(Debug, Parser)]
#[command(name = "auscult", version, about, propagate_version = true, after_help = crate::exit::HELP)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Log lines as JSON, one object a line.
    #[arg(long, global = true)]
    pub log_json: bool,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show everything on this machine: a seeded pharma feed, live, with its pages.
    Demo(Demo),
    /// Run the service: feedback in, alerts out, pages and API.
    Run(Run),
    /// Load history from a file and list the signals it would have raised.
    Replay(Replay),
    /// Say what detectors would have alerted over a finished history: side by side, with a truth file judged.
    Backtest(Box<Backtest>),
    /// Show every number that went into a decision about one bucket of one series.
    Explain(Box<Explain>),
    /// Say what changed after an action: the rate after over the rate before, with an interval.
    Impact(Box<Impact>),
    /// Say which themes are named with a product more often than with the others.
    Disproportionality(Disproportionality),
    /// Say which series foretell others, and by how much.
    LeadLag(Box<LeadLag>),
    /// Write a seeded feed of feedback events with its ground truth.
    Simulate(Simulate),
    /// Learn from labelled texts.
    #[command(subcommand)]
    Train(Train),
    /// Check a settings file: every problem at once.
    Check(Check),
    /// Answer a signal.
    Dispose(Dispose),
    /// Record what is done about signals, and see what came of it.
    Actions(Actions),
    /// Acknowledge safety candidates, and reconcile what was handed over with what came back.
    Safety(Safety),
    /// List medical requests with their age, and say what was done with one.
    Requests(Requests),
    /// Look at what was refused, and put it in again.
    DeadLetters(DeadLetters),
    /// Redact stored text again with the rules of today (the service must not be running).
    Redact(Redact),
    /// Make Kafka's topics, and hold them against the settings.
    Topics(Topics),
    /// Write, list and take out products on Kafka's reference topic.
    Reference(Reference),
}

/// `auscult demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// Seed of the feed.
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Where the pages are served.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub bind: String,
    /// Folder for the demo's files; made anew each time. Default: a temporary folder.
    #[arg(long)]
    pub folder: Option<PathBuf>,
    /// Simulated hours that pass in a second of the live part.
    #[arg(long, default_value_t = 12.0)]
    pub pace: f64,
    /// Stop after the live part instead of serving the pages until Ctrl-C.
    #[arg(long)]
    pub exit: bool,
}

/// `auscult run`
#[derive(Debug, Args)]
pub struct Run {
    /// Settings file; without it the defaults.
    #[arg(long)]
    pub settings: Option<PathBuf>,
    /// Roles to run, separated by commas: listen, detect, serve.
    #[arg(long, value_delimiter = ',')]
    pub roles: Option<Vec<String>>,
    /// Read feedback events from standard input as JSON Lines, besides HTTP.
    #[arg(long)]
    pub stdin: bool,
    /// Stop when standard input has ended and everything is worked off.
    #[arg(long, requires = "stdin")]
    pub drain: bool,
}

/// `auscult replay`
#[derive(Debug, Args)]
pub struct Replay {
    /// CSV or JSON Lines, gzip or not.
    pub file: PathBuf,
    /// Column map (see deploy/maps/).
    #[arg(long)]
    pub map: PathBuf,
    /// Settings file for what the map leaves open.
    #[arg(long)]
    pub settings: Option<PathBuf>,
    /// Print the signals as JSON, one alert a line.
    #[arg(long)]
    pub json: bool,
    /// Bad rows to list one by one; the rest are counted.
    #[arg(long, default_value_t = 20)]
    pub bad_rows: usize,
    /// Signals to list in the table, by rank; all with 0.
    #[arg(long, default_value_t = 40)]
    pub top: usize,
    /// Keep everything in this embedded log instead of memory (to serve it later with `auscult run`).
    #[arg(long, conflicts_with = "to")]
    pub log: Option<PathBuf>,
    /// Only put the events into the source topics of the settings' [kafka], for a running service to listen to.
    #[arg(long)]
    pub to: Option<Destination>,
}

/// Where `auscult replay` puts events instead of working them off itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Destination {
    /// The source topics on Kafka.
    Kafka,
}

/// `auscult train`
#[derive(Debug, Subcommand)]
pub enum Train {
    /// Learn themes, several a text; cross-validate; write the model and its card.
    Themes(TrainThemes),
}

/// `auscult train themes`
#[derive(Debug, Args)]
pub struct TrainThemes {
    /// Labelled texts: CSV with a header line or JSON Lines, also gzip.
    #[arg(long)]
    pub labels: PathBuf,
    /// Where the model goes; its card goes beside it, ending in `.md`.
    #[arg(long, default_value = "themes.model")]
    pub out: PathBuf,
    /// Column of the text.
    #[arg(long, default_value = "text")]
    pub text_column: String,
    /// Column of label lists, parted by `;`.
    #[arg(long, default_value = "labels")]
    pub labels_column: String,
    /// Columns that are labels by themselves, with 1 where the label holds. Default: where there is no column of label
    /// lists, every column of ones and zeros.
    #[arg(long, value_delimiter = ',')]
    pub label_columns: Vec<String>,
    /// Column of who wrote it: nobody's texts are on both sides of a split.
    #[arg(long)]
    pub group_column: Option<String>,
    /// Taxonomy whose themes help as features; the one the model will run with. Default: the shipped one.
    #[arg(long)]
    pub taxonomy: Option<PathBuf>,
}

/// How a file of (time, dimensions, value) is read, or a file of feedback with its map.
#[derive(Debug, Clone, Args)]
pub struct History {
    /// Column map: the file holds feedback and goes through the product's own path (see deploy/maps/).
    #[arg(long)]
    pub map: Option<PathBuf>,
    /// Settings file: its [detect] is what is tried out, before that of the map.
    #[arg(long)]
    pub settings: Option<PathBuf>,
    /// Column of the time. Default: one with a usual name (time, date, timestamp, week …).
    #[arg(long, conflicts_with = "map")]
    pub time: Option<String>,
    /// strptime format of the time. Default: found by trying the usual ones.
    #[arg(long, conflicts_with = "map")]
    pub time_format: Option<String>,
    /// Column of the value. Default: one with a usual name (value, count, cases …), or each row counts one.
    #[arg(long, conflicts_with = "map")]
    pub value: Option<String>,
    /// Columns that make a series, separated by commas. Default: all others where there is a value.
    #[arg(long, value_delimiter = ',', conflicts_with = "map")]
    pub by: Option<Vec<String>>,
    /// hour, day, week or month. Default: from the smallest step between times.
    #[arg(long, conflicts_with = "map")]
    pub bucket: Option<String>,
    /// mentions (values are counts, summed) or mean_rating (values are scores, averaged).
    #[arg(long, default_value = "mentions", conflicts_with = "map")]
    pub measure: String,
    /// Score that means worst, with --measure mean_rating.
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub worst: f64,
    /// Score that means best, with --measure mean_rating.
    #[arg(long, default_value_t = 5.0, allow_negative_numbers = true)]
    pub best: f64,
    /// Leave out the series that holds all others.
    #[arg(long, conflicts_with = "map")]
    pub no_total: bool,
}

/// `auscult backtest`
#[derive(Debug, Args)]
pub struct Backtest {
    /// CSV or JSON Lines, gzip or not.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// How the files are read.
    #[command(flatten)]
    pub history: History,
    /// Methods, separated by commas: default, any reference method, or all.
    #[arg(long, value_delimiter = ',', default_value = "default")]
    pub method: Vec<String>,
    /// Known outbreaks: CSV with start, end and, to name a series, columns called as the dimensions.
    #[arg(long)]
    pub truth: Option<PathBuf>,
    /// Column of the file itself that says whether a bucket belongs to an outbreak.
    #[arg(long, conflicts_with = "map")]
    pub truth_column: Option<String>,
    /// Write every judged bucket to this CSV file.
    #[arg(long)]
    pub csv: Option<PathBuf>,
    /// Write one page with charts to this HTML file.
    #[arg(long)]
    pub html: Option<PathBuf>,
    /// Alerts to list; all with 0.
    #[arg(long, default_value_t = 40)]
    pub top: usize,
}

/// `auscult explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// The file the decision was made over; without it the embedded log of the settings (the service must not be running).
    pub file: Option<PathBuf>,
    /// How the file is read.
    #[command(flatten)]
    pub history: History,
    /// The series: its values in order, separated by commas, as `dimension=value` or `value`; an id (`s_…`) also does.
    #[arg(long)]
    pub series: String,
    /// A time in the bucket: 2024-02-23, or RFC 3339.
    #[arg(long)]
    pub at: String,
    /// What the reference methods say besides, separated by commas, or all (files of counts only).
    #[arg(long, value_delimiter = ',')]
    pub method: Vec<String>,
}

/// Whose series are meant, in feedback and in the log.
#[derive(Debug, Clone, Args)]
pub struct Of {
    /// Portfolio of the series, where there are several.
    #[arg(long)]
    pub portfolio: Option<String>,
    /// View of the series, where there are several.
    #[arg(long)]
    pub view: Option<String>,
}

/// Which way an action is to move what it is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Direction {
    /// More of it is better.
    Up,
    /// Less of it is better.
    Down,
}

/// `auscult impact`
#[derive(Debug, Args)]
pub struct Impact {
    /// The history; without it the embedded log of the settings (the service must not be running).
    pub file: Option<PathBuf>,
    /// How the file is read.
    #[command(flatten)]
    pub history: History,
    /// What was acted on: the series' values in order, separated by commas, as `dimension=value` or `value`.
    #[arg(long)]
    pub series: String,
    /// A series of the same kind that nothing was done about: what moves both is no effect of the action.
    #[arg(long)]
    pub against: Option<String>,
    /// Measure the share of negative items instead of mentions (feedback and log only).
    #[arg(long)]
    pub negative_share: bool,
    /// Whose series.
    #[command(flatten)]
    pub of: Of,
    /// When the action began to work: 2024-02-23, or RFC 3339. A bucket that it cuts in two is left out.
    #[arg(long)]
    pub on: String,
    /// Look at so many buckets before the action at most.
    #[arg(long)]
    pub before: Option<usize>,
    /// Look at so many buckets after the action at most.
    #[arg(long)]
    pub after: Option<usize>,
    /// Which way is better.
    #[arg(long, value_enum, default_value_t = Direction::Down)]
    pub wanted: Direction,
    /// Smallest change that matters, as a share: an interval inside it says that nothing changed.
    #[arg(long, default_value_t = 0.1)]
    pub smallest: f64,
    /// Level of the interval.
    #[arg(long, default_value_t = 0.9)]
    pub level: f64,
    /// Let the series have a trend of its own across the action (without --against only).
    #[arg(long, conflicts_with = "against")]
    pub trend: bool,
    /// Print one JSON object instead, with the fields of an outcome.
    #[arg(long)]
    pub json: bool,
}

/// `auscult disproportionality`
#[derive(Debug, Args)]
pub struct Disproportionality {
    /// CSV or JSON Lines, gzip or not: a row says that a case names a theme with a product.
    pub file: PathBuf,
    /// Column of the case; rows of one case count once. Default: each row is a case.
    #[arg(long)]
    pub case: Option<String>,
    /// Column of the product.
    #[arg(long, default_value = "product")]
    pub product: String,
    /// Column of the theme.
    #[arg(long, default_value = "theme")]
    pub theme: String,
    /// Fewest cases of a pair that is shown.
    #[arg(long, default_value_t = 3)]
    pub least: u64,
    /// Only products whose name holds this.
    #[arg(long)]
    pub only_product: Option<String>,
    /// Only themes whose name holds this.
    #[arg(long)]
    pub only_theme: Option<String>,
    /// How many pairs are shown; 0: all.
    #[arg(long, default_value_t = 20)]
    pub top: usize,
    /// Print one JSON object a pair instead.
    #[arg(long)]
    pub json: bool,
}

/// `auscult lead-lag`
#[derive(Debug, Args)]
pub struct LeadLag {
    /// The history; without it the embedded log of the settings (the service must not be running).
    pub file: Option<PathBuf>,
    /// How the file is read.
    #[command(flatten)]
    pub history: History,
    /// One series of each pair: its values in order, separated by commas. Default: every two.
    #[arg(long)]
    pub series: Option<String>,
    /// The other one. Default: each of the others.
    #[arg(long)]
    pub with: Option<String>,
    /// Whose series.
    #[command(flatten)]
    pub of: Of,
    /// Largest lag looked at, either way, in buckets.
    #[arg(long, default_value_t = 28)]
    pub largest_lag: usize,
    /// Permutations a pair. Default: 999, or as many as one pair alone needs to pass the line of all.
    #[arg(long)]
    pub permutations: Option<usize>,
    /// False-discovery rate over all pairs.
    #[arg(long, default_value_t = 0.1)]
    pub q: f64,
    /// Seed of the permutations.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// List all pairs, not only those found.
    #[arg(long)]
    pub all: bool,
    /// Print one JSON object a pair instead.
    #[arg(long)]
    pub json: bool,
}

/// `auscult simulate`
#[derive(Debug, Args)]
pub struct Simulate {
    /// Seed.
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Which feed: demo, small, null.
    #[arg(long, default_value = "demo")]
    pub scenario: String,
    /// Where the events go, as JSON Lines of structured CloudEvents; `-` is standard output.
    #[arg(long, default_value = "-")]
    pub out: PathBuf,
    /// Where the ground truth goes.
    #[arg(long)]
    pub truth: Option<PathBuf>,
}

/// `auscult check`
#[derive(Debug, Args)]
pub struct Check {
    /// Settings file.
    #[arg(long)]
    pub settings: Option<PathBuf>,
    /// Column map to check as well.
    #[arg(long)]
    pub map: Option<PathBuf>,
    /// File of detector tests to run with these settings (see docs/detector-tests.md).
    #[arg(long)]
    pub tests: Option<PathBuf>,
    /// Print the default settings, commented.
    #[arg(long)]
    pub print_defaults: bool,
}

/// `auscult dispose`
#[derive(Debug, Args)]
pub struct Dispose {
    /// Signal id.
    pub signal: String,
    /// Verdict: confirmed, expected, new_trend, false_alarm, duplicate, not_enough_evidence, handed_to_safety, handed_to_medical_information.
    pub decision: String,
    /// What lay behind it.
    #[arg(long, default_value = "unknown")]
    pub cause: String,
    /// A few words.
    #[arg(long, default_value = "")]
    pub comment: String,
    /// With new_trend: the day from which it is the normal (2026-05-25), past or to come.
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,
    /// The running service.
    #[command(flatten)]
    pub server: ServerArguments,
}

/// `auscult dead-letters`
#[derive(Debug, Args)]
pub struct DeadLetters {
    /// What to do.
    #[command(subcommand)]
    pub command: DeadLetterCommand,
    /// Settings file of the service (on the embedded log it must not be running; on Kafka it may).
    #[arg(long, global = true)]
    pub settings: Option<PathBuf>,
}

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub enum DeadLetterCommand {
    /// List them, newest first.
    List {
        /// Only this code.
        #[arg(long)]
        code: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Show one with its original bytes.
    Show {
        /// `partition-offset`, as listed.
        id: String,
    },
    /// Put originals back into the topic they came from.
    Replay {
        /// Only this code.
        #[arg(long)]
        code: Option<String>,
        /// Only this one: `partition-offset`, as listed.
        #[arg(long)]
        id: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 1000)]
        cap: u32,
        /// Say what would be done.
        #[arg(long)]
        dry_run: bool,
    },
}

/// `auscult redact`
#[derive(Debug, Args)]
pub struct Redact {
    /// Settings file of the service; its `hidden_terms` and `products` count.
    #[arg(long)]
    pub settings: Option<PathBuf>,
    /// Say what would change.
    #[arg(long)]
    pub dry_run: bool,
}

/// `auscult topics`
#[derive(Debug, Args)]
pub struct Topics {
    /// What to do.
    #[command(subcommand)]
    pub command: TopicCommand,
    /// Settings file; its [kafka] names the brokers.
    #[arg(long, global = true)]
    pub settings: Option<PathBuf>,
    /// Print the topics as one JSON object.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do with topics. An existing topic is never changed.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum TopicCommand {
    /// Say what `apply` would make, and what is not as the settings say.
    Plan,
    /// Make the topics that are missing.
    Apply,
    /// Check that every topic is there and as the settings say.
    Verify,
}

/// `auscult reference`
#[derive(Debug, Args)]
pub struct Reference {
    /// What to do.
    #[command(subcommand)]
    pub command: ReferenceCommand,
    /// Settings file; its [kafka] names the brokers.
    #[arg(long, global = true)]
    pub settings: Option<PathBuf>,
}

/// What to do with reference data. Instances that run already do not learn of it.
#[derive(Debug, Subcommand)]
pub enum ReferenceCommand {
    /// List products and their names.
    List,
    /// Put a product with all its names; what was known of it before is replaced.
    Put {
        /// Its code, as in `about.products` of feedback.
        product: String,
        /// A name that redaction never takes and safety triage links to; once for each.
        #[arg(long = "name", required = true)]
        names: Vec<String>,
        /// Whose product it is. Default: engine.listen.default_tenant.
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Take a product out.
    Remove {
        /// Its code.
        product: String,
    },
}
