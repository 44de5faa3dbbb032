//! Settings of the detecting part: checked values only.
//!
//! What a person wrote in TOML is another type, in the binary; it becomes this one through
//! [`DetectSettings::check`], which reports all problems at once. A machine cannot be built from
//! unchecked settings, so no rule needs to ask twice.

use crate::calendar::Calendar;
use crate::time::{BucketIndex, BucketWidth, DAY, HOUR, Timestamp};
use crate::words::{Measure, SourceType, StandardDimension};
use std::collections::BTreeSet;

/// One way of cutting mentions into series.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// A dimension every mention has.
    Standard(StandardDimension),
    /// A field of the source, `extra.<key>`.
    Extra(String),
}

impl Dimension {
    /// Reads `theme` or `extra.service`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Dimension> {
        if let Some(key) = text.strip_prefix("extra.") {
            return (!key.is_empty()).then(|| Dimension::Extra(key.to_owned()));
        }
        StandardDimension::parse(text).map(Dimension::Standard)
    }

    /// The name as written in settings, alerts and labels.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Dimension::Standard(dimension) => dimension.as_str().to_owned(),
            Dimension::Extra(key) => format!("extra.{key}"),
        }
    }
}

/// A family of series: one for each combination of values of `dimensions` that is seen.
#[derive(Clone, PartialEq, Eq)]
pub struct View {
    /// Name, unique; precision is learnt per detector and view.
    pub name: String,
    /// Dimensions, in the order people read them.
    pub dimensions: Vec<Dimension>,
    /// Measures kept.
    pub measures: Vec<Measure>,
    /// Bucket width.
    pub width: BucketWidth,
    /// What mentions are counted against.
    pub exposure: Exposure,
    /// Reference method that judges its counts, one of [`crate::series::LIVE_METHODS`]; `None`: the default model.
    pub method: Option<String>,
}

impl View {
    fn check_method(&self, path: &str, problems: &mut Vec<Problem>) {
        let Some(name) = &self.method else {
            return;
        };
        let path = format!("{path}.method");
        if let Some((reason, remedy)) = crate::series::refusal(name, self.width) {
            problems.push(Problem::new(path, reason, remedy));
            return;
        }
        if !self.measures.contains(&Measure::Mentions) {
            problems.push(Problem::new(
                path,
                "the view counts no mentions, and methods judge counts only",
                "add mentions to its measures, or leave the method out",
            ));
        } else if self.exposure == Exposure::Feeds && name != crate::series::DEFAULT_METHOD {
            problems.push(Problem::new(
                path,
                format!("{name} knows no exposure"),
                "leave out exposure = \"feeds\", or the method",
            ));
        }
    }

    /// The reference method that judges its counts, if it names one.
    #[must_use]
    pub fn reference_method(&self) -> Option<&str> {
        let named = self.method.as_deref();
        named.filter(|name| *name != crate::series::DEFAULT_METHOD)
    }
}

/// What the mentions of a series are counted against (B02).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// Time: twice as many are twice as many.
    Time,
    /// All items of the feeds the series lives on: when twice as many surveys come back, twice as many mentions
    /// are expected of each series. A share of voice.
    Feeds,
}

/// Days on which people are not at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holidays {
    /// Only series with this value of this dimension; all if `None`.
    pub only: Option<(Dimension, String)>,
    /// Days since 1970-01-01.
    pub days: BTreeSet<BucketIndex>,
}

/// Names that mean one thing: renamed, or merged (J06).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// Where the names stand.
    pub dimension: Dimension,
    /// Former names.
    pub from: Vec<String>,
    /// The name everything counts under, in the past too.
    pub to: String,
}

/// One thing that became several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Where the names stand.
    pub dimension: Dimension,
    /// What was split. It goes on as the sum of its parts.
    pub whole: String,
    /// What it was split into. Parts begin without a past.
    pub parts: Vec<String>,
    /// First moment at which the parts count.
    pub effective: Timestamp,
}

/// Which way a change must go to matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Up only.
    Up,
    /// Down only.
    Down,
    /// Either way.
    Both,
}

/// Practical floors (B09): a change smaller than this is not worth a person's time, however certain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Floors {
    /// Least number of items in the bucket (for a rise) or expected in it (for a fall).
    pub items: u32,
    /// Least difference between observed and expected, in items.
    pub absolute: f64,
    /// Least relative difference, such as 0.3.
    pub relative: f64,
    /// Least difference of a share, in 0 … 1.
    pub share: f64,
    /// Least difference of a mean rating on the 0 … 1 scale.
    pub rating: f64,
    /// Direction.
    pub direction: Direction,
}

/// When terms that rise against their own past are proposed as a new theme (U05, B12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewThemes {
    /// People who must have said it, 8 is a good number; 0 (the default, see decision 0028): nothing is proposed, and
    /// nothing learnt.
    pub least_people: u32,
    /// Channels (feeds where the channel is unknown) it must have come from.
    pub least_sources: u32,
    /// Buckets that only teach what is usual. A bucket is a day, or the finest width of the views if that is wider.
    pub warm_up_buckets: u32,
    /// Buckets in which the memory of what is usual halves.
    pub half_life_buckets: u32,
    /// Buckets without growth after which a rising term is let go.
    pub patience_buckets: u32,
    /// Texts read of one bucket and portfolio; of more, a sample by hash.
    pub most_texts: u32,
}

/// Checked settings of one detector over one kind of portfolio.
#[derive(Clone, PartialEq)]
pub struct DetectSettings {
    /// Detector id, such as `portfolio-default`.
    pub detector: String,
    /// Seed for everything that draws.
    pub seed: u64,
    /// Views.
    pub views: Vec<View>,
    /// How far back a late event may restate a bucket, in milliseconds of event time.
    pub restatement_horizon: i64,
    /// Buckets a series must live before its signals are sent (B18).
    pub cold_start_buckets: u32,
    /// Practical floors.
    pub floors: Floors,
    /// False-discovery rate allowed over a portfolio's series in a bucket (B10).
    pub false_discovery_rate: f64,
    /// Level of the expected band, such as 0.9.
    pub interval_level: f64,
    /// Quiet buckets after which a signal is resolved.
    pub resolve_after_buckets: u32,
    /// Days on which people are not at work.
    pub holidays: Vec<Holidays>,
    /// Calendars: holidays too, and what is told beside an alert.
    pub calendars: Vec<Calendar>,
    /// Renamed and merged names.
    pub renames: Vec<Rename>,
    /// Names that were split.
    pub splits: Vec<Split>,
    /// Most live series of one portfolio (O08).
    pub series_limit: u32,
    /// Most alerts a day and portfolio that notify somebody; the rest are listed (A10).
    pub attention_budget_per_day: u32,
    /// Texts a portfolio remembers to find repeats by, about 500 bytes each; 0 links none (I06).
    pub near_duplicates_remembered: u32,
    /// When terms that rise are proposed as a new theme.
    pub new_themes: NewThemes,
    /// Types of source in which the same words by different people are one voice: a repost, not two opinions.
    pub repost_sources: Vec<SourceType>,
}

/// What is wrong with one setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}; {remedy}")]
pub struct Problem {
    /// Where, such as `detect.views[2].dimensions[0]`.
    pub path: String,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

impl Problem {
    /// A problem at `path`.
    pub fn new(
        path: impl Into<String>,
        reason: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Problem {
        Problem {
            path: path.into(),
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }
}

/// Most views of one detector: each costs time on every mention.
pub const MAX_VIEWS: usize = 32;
/// Most dimensions of one view.
pub const MAX_DIMENSIONS: usize = 6;

impl DetectSettings {
    /// The settings a first-time user gets: five views, daily buckets.
    #[must_use]
    pub fn standard() -> DetectSettings {
        use StandardDimension::{Product, Region, Stakeholder, Theme};
        let view = |name: &str, dimensions: &[StandardDimension], measures: &[Measure]| View {
            name: name.to_owned(),
            dimensions: dimensions
                .iter()
                .copied()
                .map(Dimension::Standard)
                .collect(),
            measures: measures.to_vec(),
            width: BucketWidth::Day,
            exposure: Exposure::Time,
            method: None,
        };
        let all = [
            Measure::Mentions,
            Measure::NegativeShare,
            Measure::MeanRating,
        ];
        DetectSettings {
            detector: "portfolio-default".to_owned(),
            seed: 0,
            views: vec![
                view("product", &[Product], &all),
                view("stakeholder", &[Stakeholder], &all[..1]),
                view("product-theme", &[Product, Theme], &all[..2]),
                view("product-theme-region", &[Product, Theme, Region], &all[..1]),
                view("theme-stakeholder", &[Theme, Stakeholder], &all[..1]),
            ],
            restatement_horizon: 14 * DAY,
            cold_start_buckets: 7,
            floors: Floors {
                items: 5,
                absolute: 4.0,
                relative: 0.5,
                share: 0.1,
                rating: 0.08,
                direction: Direction::Both,
            },
            false_discovery_rate: 0.05,
            interval_level: 0.9,
            resolve_after_buckets: 2,
            holidays: Vec::new(),
            calendars: Vec::new(),
            renames: Vec::new(),
            splits: Vec::new(),
            series_limit: 500_000,
            attention_budget_per_day: 10,
            near_duplicates_remembered: 20_000,
            new_themes: NewThemes {
                least_people: 0,
                least_sources: 2,
                warm_up_buckets: 14,
                half_life_buckets: 26,
                patience_buckets: 4,
                most_texts: 4_000,
            },
            repost_sources: vec![
                SourceType::Social,
                SourceType::RegulatorLetter,
                SourceType::LiteratureComment,
            ],
        }
    }

    /// Checks ranges and names; all problems at once, each with its path.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(self) -> Result<CheckedDetectSettings, Vec<Problem>> {
        let mut problems = Vec::new();
        self.check_views(&mut problems);
        self.check_numbers(&mut problems);
        self.check_names(&mut problems);
        crate::calendar::check(&self.calendars, &mut problems);
        if problems.is_empty() {
            Ok(CheckedDetectSettings(self))
        } else {
            Err(problems)
        }
    }

    fn check_views(&self, problems: &mut Vec<Problem>) {
        if self.views.is_empty() {
            problems.push(Problem::new(
                "detect.views",
                "no view is set",
                "add at least one [[detect.views]]",
            ));
        }
        if self.views.len() > MAX_VIEWS {
            problems.push(Problem::new(
                "detect.views",
                format!("{} views are set", self.views.len()),
                format!("keep at most {MAX_VIEWS}"),
            ));
        }
        for (index, view) in self.views.iter().enumerate() {
            let path = format!("detect.views[{index}]");
            if view.name.is_empty()
                || self.views[..index]
                    .iter()
                    .any(|other| other.name == view.name)
            {
                problems.push(Problem::new(
                    format!("{path}.name"),
                    format!("{:?} is empty or used twice", view.name),
                    "give each view its own name",
                ));
            }
            if view.dimensions.is_empty() || view.dimensions.len() > MAX_DIMENSIONS {
                problems.push(Problem::new(
                    format!("{path}.dimensions"),
                    format!("{} dimensions", view.dimensions.len()),
                    format!("name 1 to {MAX_DIMENSIONS}"),
                ));
            }
            for (at, dimension) in view.dimensions.iter().enumerate() {
                if view.dimensions[..at].contains(dimension) {
                    problems.push(Problem::new(
                        format!("{path}.dimensions[{at}]"),
                        format!("{:?} is named twice", dimension.name()),
                        "name it once",
                    ));
                }
            }
            if view.measures.is_empty() {
                problems.push(Problem::new(
                    format!("{path}.measures"),
                    "no measure is set",
                    "name mentions, negative_share or mean_rating",
                ));
            }
            view.check_method(&path, problems);
        }
    }

    fn check_names(&self, problems: &mut Vec<Problem>) {
        let theme = Dimension::Standard(StandardDimension::Theme);
        for (at, rename) in self.renames.iter().enumerate() {
            let path = format!("detect.renames[{at}]");
            if rename.dimension == theme {
                problems.push(Problem::new(
                    format!("{path}.dimension"),
                    "themes are renamed in the taxonomy",
                    "name the former id under `formerly` there",
                ));
            }
            if rename.from.is_empty() || rename.to.is_empty() || rename.from.contains(&rename.to) {
                problems.push(Problem::new(
                    format!("{path}.from"),
                    "a name is missing or renamed to itself",
                    "name the former names in `from` and the present one in `to`",
                ));
            }
            let again = self.renames.iter().enumerate().any(|(other_at, other)| {
                other.dimension == rename.dimension
                    && (other.from.contains(&rename.to)
                        || other_at < at
                            && other.from.iter().any(|name| rename.from.contains(name)))
            });
            if again {
                problems.push(Problem::new(
                    path,
                    "a name is renamed twice",
                    "rename each former name once, to the present one",
                ));
            }
        }
        for (at, split) in self.splits.iter().enumerate() {
            if split.dimension == theme || split.parts.is_empty() || split.whole.is_empty() {
                problems.push(Problem::new(
                    format!("detect.splits[{at}]"),
                    "names no whole, no parts, or a theme",
                    "name `whole` and `parts` of a dimension other than theme",
                ));
            }
        }
    }

    fn check_numbers(&self, problems: &mut Vec<Problem>) {
        let mut range = |path: &str, value: f64, low: f64, high: f64| {
            if !(low..=high).contains(&value) {
                problems.push(Problem::new(
                    format!("detect.{path}"),
                    format!("{value} is out of range"),
                    format!("choose {low} to {high}"),
                ));
            }
        };
        range("false_discovery_rate", self.false_discovery_rate, 1e-6, 0.5);
        range("interval_level", self.interval_level, 0.5, 0.999);
        range("floors.absolute", self.floors.absolute, 0.0, 1e9);
        range("floors.relative", self.floors.relative, 0.0, 1e3);
        range("floors.share", self.floors.share, 0.0, 1.0);
        range("floors.rating", self.floors.rating, 0.0, 1.0);
        range(
            "resolve_after_buckets",
            f64::from(self.resolve_after_buckets),
            1.0,
            365.0,
        );
        range(
            "cold_start_buckets",
            f64::from(self.cold_start_buckets),
            0.0,
            365.0,
        );
        range(
            "series_limit",
            f64::from(self.series_limit),
            1.0,
            10_000_000.0,
        );
        let themes = &self.new_themes;
        for (path, value, least) in [
            ("new_themes.least_people", themes.least_people, 0.0),
            ("new_themes.least_sources", themes.least_sources, 1.0),
            ("new_themes.warm_up_buckets", themes.warm_up_buckets, 1.0),
            (
                "new_themes.half_life_buckets",
                themes.half_life_buckets,
                2.0,
            ),
            ("new_themes.patience_buckets", themes.patience_buckets, 1.0),
            ("new_themes.most_texts", themes.most_texts, 1.0),
        ] {
            range(path, f64::from(value), least, 100_000.0);
        }
        range(
            "near_duplicates_remembered",
            f64::from(self.near_duplicates_remembered),
            0.0,
            1_000_000.0,
        );
        range(
            "restatement_horizon_hours",
            self.restatement_horizon as f64 / HOUR as f64,
            0.0,
            24.0 * 400.0,
        );
    }
}

/// Settings that passed [`DetectSettings::check`].
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedDetectSettings(DetectSettings);

impl std::ops::Deref for CheckedDetectSettings {
    type Target = DetectSettings;
    fn deref(&self) -> &DetectSettings {
        &self.0
    }
}
