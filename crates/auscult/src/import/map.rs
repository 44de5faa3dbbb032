//! A column map: which column of a file is what of a feedback event.
//!
//! A map may also carry the views the file is best cut by and a taxonomy: a file of recalls has firms and
//! reasons, not brands and journeys, and the person who wrote the map knows which.

use crate::settings::detect;
use crate::settings::reader::Section;
use auscult_core::settings::{DetectSettings, Problem};
use auscult_core::words::{Channel, Solicitation, SourceType, Stakeholder};
use std::path::{Path, PathBuf};
use toml::Table;

/// Stands for a column: the line of the row in its file. For files whose rows have no id.
pub const LINE: &str = "#line";

/// Which column is what.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnMap {
    /// Tenant of all rows.
    pub tenant: String,
    /// System and instance of the source.
    pub system: String,
    /// Instance of the source.
    pub instance: String,
    /// Type of the source.
    pub source: SourceType,
    /// Whether somebody asked.
    pub solicitation: Solicitation,
    /// Who speaks.
    pub stakeholder: Stakeholder,
    /// How the words reached us.
    pub channel: Option<Channel>,
    /// Country of all rows.
    pub country: String,
    /// Column of the id; rows without one are refused. [`LINE`]: the line of the file.
    pub feedback_id: String,
    /// Columns whose texts, joined by a space, are the words.
    pub text: Vec<String>,
    /// Texts that mean "nothing was said".
    pub empty_texts: Vec<String>,
    /// Column of the event time.
    pub occurred_at: String,
    /// `strptime` format of the event time.
    pub time_format: String,
    /// Column of the time the record was made; empty: the event time.
    pub recorded_at: String,
    /// Column of the person.
    pub respondent: String,
    /// Columns whose values name the thread, joined.
    pub thread: Vec<String>,
    /// Column of the product.
    pub product: String,
    /// Column whose hashtags are what it is about, where nothing else says so.
    pub hashtags: String,
    /// Column of the region.
    pub region: String,
    /// Column of the organisation.
    pub organisation: String,
    /// Columns kept under `extra`.
    pub extra: Vec<String>,
    /// The rating, if there is one.
    pub rating: Option<RatingMap>,
}

/// A rating column and its scale.
#[derive(Debug, Clone, PartialEq)]
pub struct RatingMap {
    /// Column.
    pub column: String,
    /// Value that means worst.
    pub worst: f64,
    /// Value that means best.
    pub best: f64,
    /// Only rows in which this column has this value carry the rating; empty: all.
    pub only_when: Option<(String, String)>,
}

/// A map file: columns, and what the file is best judged by.
#[derive(Debug, Clone)]
pub struct MapFile {
    /// Columns.
    pub columns: ColumnMap,
    /// Detect settings, when the map has any.
    pub detect: Option<DetectSettings>,
    /// Taxonomy beside the map, when it names one.
    pub taxonomy: Option<PathBuf>,
    /// Rows are in order of this: lateness they may have, in seconds.
    pub lateness_seconds: u64,
    /// What the portfolio key is made of.
    pub portfolio: Option<Vec<String>>,
}

/// Reads a map file's text; paths in it are relative to `base`.
///
/// # Errors
/// Every problem found.
pub fn read(text: &str, base: &Path) -> Result<MapFile, Vec<Problem>> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        vec![Problem::new(
            "(file)",
            format!("it is not TOML: {error}"),
            "see deploy/maps/ for maps that work",
        )]
    })?;
    let has_detect = table.contains_key("detect");
    let mut problems = Vec::new();
    let mut file = Section::new("", table, &mut problems);
    let columns = file.section("event", fixed);
    let columns = file.section("columns", |section| mapped(section, columns));
    let settings = file.section("detect", detect::read);
    let taxonomy = file.text("taxonomy").map(|path| base.join(path));
    let lateness_seconds = file
        .whole("lateness_seconds", 400 * 86_400)
        .unwrap_or(21_600);
    let portfolio = file.texts("portfolio");
    file.finish();
    if problems.is_empty() {
        Ok(MapFile {
            columns,
            detect: has_detect.then_some(settings),
            taxonomy,
            lateness_seconds,
            portfolio,
        })
    } else {
        Err(problems)
    }
}

fn spelled(words: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    words.collect()
}

fn fixed(section: &mut Section<'_>) -> ColumnMap {
    let mut required = |key: &'static str| {
        let value = section.text(key);
        if value.as_deref().is_none_or(str::is_empty) {
            section.problem(key, "it is missing", "name it");
        }
        value.unwrap_or_default()
    };
    let (tenant, system) = (required("tenant"), required("system"));
    ColumnMap {
        tenant,
        system,
        instance: section.text("instance").unwrap_or_default(),
        source: section
            .word(
                "source_type",
                &spelled(SourceType::ALL.iter().map(|word| word.as_str())),
                SourceType::parse,
            )
            .unwrap_or(SourceType::Other),
        solicitation: section
            .word(
                "solicitation",
                &spelled(Solicitation::ALL.iter().map(|word| word.as_str())),
                Solicitation::parse,
            )
            .unwrap_or(Solicitation::Observed),
        stakeholder: section
            .word(
                "respondent_type",
                &spelled(Stakeholder::ALL.iter().map(|word| word.as_str())),
                Stakeholder::parse,
            )
            .unwrap_or(Stakeholder::Unknown),
        channel: section.word(
            "channel",
            &spelled(Channel::ALL.iter().map(|word| word.as_str())),
            Channel::parse,
        ),
        country: section.text("country").unwrap_or_default(),
        feedback_id: String::new(),
        text: Vec::new(),
        empty_texts: section.texts("empty_texts").unwrap_or_default(),
        occurred_at: String::new(),
        time_format: section
            .text("time_format")
            .unwrap_or_else(|| "%Y-%m-%d".to_owned()),
        recorded_at: String::new(),
        respondent: String::new(),
        thread: Vec::new(),
        product: String::new(),
        hashtags: String::new(),
        region: String::new(),
        organisation: String::new(),
        extra: Vec::new(),
        rating: None,
    }
}

fn mapped(section: &mut Section<'_>, fixed: ColumnMap) -> ColumnMap {
    let mut required = |key: &'static str| {
        let value = section.text(key);
        if value.is_none() {
            section.problem(key, "no column is named", "name the column of the file");
        }
        value.unwrap_or_default()
    };
    let (feedback_id, occurred_at) = (required("feedback_id"), required("occurred_at"));
    let rating = section.table("rating");
    let rating = (!rating.is_empty()).then(|| section.nested("rating", rating, rating_map));
    ColumnMap {
        feedback_id,
        occurred_at,
        text: section.texts("text").unwrap_or_default(),
        recorded_at: section.text("recorded_at").unwrap_or_default(),
        respondent: section.text("respondent").unwrap_or_default(),
        thread: section.texts("thread").unwrap_or_default(),
        product: section.text("product").unwrap_or_default(),
        hashtags: section.text("product_hashtags_of").unwrap_or_default(),
        region: section.text("region").unwrap_or_default(),
        organisation: section.text("organisation").unwrap_or_default(),
        extra: section.texts("extra").unwrap_or_default(),
        rating,
        ..fixed
    }
}

fn rating_map(section: &mut Section<'_>) -> RatingMap {
    let column = section.text("column").unwrap_or_default();
    let (worst, best) = (
        section.number("worst").unwrap_or(0.0),
        section.number("best").unwrap_or(10.0),
    );
    if worst == best {
        section.problem(
            "best",
            "best and worst are the same",
            "name the two ends of the scale",
        );
    }
    let only_when = match (
        section.text("only_when_column"),
        section.text("only_when_value"),
    ) {
        (Some(column), Some(value)) => Some((column, value)),
        _ => None,
    };
    RatingMap {
        column,
        worst,
        best,
        only_when,
    }
}

impl ColumnMap {
    /// Columns the map names, for checking against the file's header.
    pub fn named_columns(&self) -> Vec<&str> {
        let single = [
            &self.feedback_id,
            &self.occurred_at,
            &self.recorded_at,
            &self.respondent,
            &self.product,
            &self.hashtags,
            &self.region,
            &self.organisation,
        ];
        let mut named: Vec<&str> = single
            .into_iter()
            .map(String::as_str)
            .filter(|name| !name.is_empty() && *name != LINE)
            .collect();
        named.extend(
            self.text
                .iter()
                .chain(&self.thread)
                .chain(&self.extra)
                .map(String::as_str),
        );
        if let Some(rating) = &self.rating {
            named.push(&rating.column);
            named.extend(rating.only_when.iter().map(|(column, _)| column.as_str()));
        }
        named
    }
}
