//! `[detect]`: what to compare with what, and how sure to be.

use super::reader::Section;
use auscult_core::settings::{
    DetectSettings, Dimension, Direction, Exposure, Holidays, Rename, Split, View,
};
use auscult_core::time::{BucketIndex, BucketWidth, DAY, Timestamp};
use auscult_core::words::{Measure, SourceType, StandardDimension};
use toml::Table;

const SOURCES: &str = "survey, field_note, medical_inquiry, call, email, chat, portal, advisory_board, congress, social, patient_support, payer_meeting, market_research, regulator_letter, literature_comment, other";
const MEASURES: &str = "mentions, negative_share, mean_rating";
pub(super) const DIMENSIONS: &str = "product, theme, stakeholder, tier, specialty, setting, organisation, country, region, channel, source, journey, stage, indication, language, extra.<key>";

/// Reads `[detect]` over the standard settings.
pub fn read(section: &mut Section<'_>) -> DetectSettings {
    let mut settings = DetectSettings::standard();
    if let Some(text) = section.text("detector") {
        settings.detector = text;
    }
    set(&mut settings.seed, section.whole("seed", i64::MAX as u64));
    if let Some(days) = section.number("restatement_horizon_days") {
        settings.restatement_horizon = (days * DAY as f64) as i64;
    }
    set_u32(
        &mut settings.cold_start_buckets,
        section.whole("cold_start_buckets", 1_000),
    );
    set(
        &mut settings.false_discovery_rate,
        section.number("false_discovery_rate"),
    );
    set(
        &mut settings.interval_level,
        section.number("interval_level"),
    );
    set_u32(
        &mut settings.resolve_after_buckets,
        section.whole("resolve_after_buckets", 1_000),
    );
    set_u32(
        &mut settings.series_limit,
        section.whole("series_limit", 100_000_000),
    );
    set_u32(
        &mut settings.attention_budget_per_day,
        section.whole("attention_budget_per_day", 100_000),
    );
    set_u32(
        &mut settings.near_duplicates_remembered,
        section.whole("near_duplicates_remembered", 1_000_000),
    );
    set(
        &mut settings.repost_sources,
        section.words("repost_sources", SOURCES, SourceType::parse),
    );
    section.section("new_themes", |themes| {
        let own = &mut settings.new_themes;
        for (place, name) in [
            (&mut own.least_people, "least_people"),
            (&mut own.least_sources, "least_sources"),
            (&mut own.warm_up_buckets, "warm_up_buckets"),
            (&mut own.half_life_buckets, "half_life_buckets"),
            (&mut own.patience_buckets, "patience_buckets"),
            (&mut own.most_texts, "most_texts"),
        ] {
            set_u32(place, themes.whole(name, 100_000));
        }
    });
    section.section("floors", |floors| {
        set_u32(&mut settings.floors.items, floors.whole("items", 1_000_000));
        set(&mut settings.floors.absolute, floors.number("absolute"));
        set(&mut settings.floors.relative, floors.number("relative"));
        set(&mut settings.floors.share, floors.number("share"));
        set(&mut settings.floors.rating, floors.number("rating"));
        set(
            &mut settings.floors.direction,
            floors.word("direction", &["up", "down", "both"], direction),
        );
    });
    if let Some(tables) = section.tables("views") {
        settings.views = tables
            .into_iter()
            .enumerate()
            .map(|(at, table)| view(section, at, table))
            .collect();
    }
    settings.holidays = list(section, "holidays", "holidays", holidays);
    settings.calendars = list(section, "calendars", "calendars", super::calendars::read);
    settings.renames = list(section, "renames", "renames", rename);
    settings.splits = list(section, "splits", "splits", split);
    settings
}

/// A list of tables, each read by `read`.
fn list<T>(
    section: &mut Section<'_>,
    key: &'static str,
    name: &str,
    read: impl Fn(&mut Section<'_>) -> T,
) -> Vec<T> {
    let tables = section.tables(key).unwrap_or_default();
    tables
        .into_iter()
        .enumerate()
        .map(|(at, table)| section.nested(&format!("{name}[{at}]"), table, &read))
        .collect()
}

fn holidays(section: &mut Section<'_>) -> Holidays {
    let dimension = section.word("dimension", &[DIMENSIONS], Dimension::parse);
    let value = section.text("value");
    let mut days = std::collections::BTreeSet::new();
    for (at, text) in section.texts("days").unwrap_or_default().iter().enumerate() {
        match day(text) {
            Some(day) => {
                days.insert(day);
            }
            None => not_a_date(section, &format!("days[{at}]"), text),
        }
    }
    if dimension.is_some() != value.is_some() {
        section.problem(
            "value",
            "a calendar for some needs both dimension and value",
            "name both, or neither for a calendar for all",
        );
    }
    Holidays {
        only: dimension.zip(value),
        days,
    }
}

fn rename(section: &mut Section<'_>) -> Rename {
    Rename {
        dimension: named_dimension(section),
        from: section.texts("from").unwrap_or_default(),
        to: section.text("to").unwrap_or_default(),
    }
}

fn split(section: &mut Section<'_>) -> Split {
    let effective = section.text("effective").unwrap_or_default();
    let day = day(&effective);
    if day.is_none() {
        not_a_date(section, "effective", &effective);
    }
    Split {
        dimension: named_dimension(section),
        whole: section.text("whole").unwrap_or_default(),
        parts: section.texts("parts").unwrap_or_default(),
        effective: Timestamp(i64::from(day.unwrap_or(0)) * DAY),
    }
}

/// A dimension that must be named; the standard one stands in so that reading can go on to the other problems.
fn named_dimension(section: &mut Section<'_>) -> Dimension {
    match section.word("dimension", &[DIMENSIONS], Dimension::parse) {
        Some(dimension) => dimension,
        None => {
            section.problem(
                "dimension",
                "no dimension is named",
                format!("name one of {DIMENSIONS}"),
            );
            Dimension::Standard(StandardDimension::Product)
        }
    }
}

fn not_a_date(section: &mut Section<'_>, key: &str, text: &str) {
    section.problem(
        key,
        format!("{text:?} is not a date"),
        "write dates like 2026-12-25",
    );
}

/// Days since 1970-01-01.
fn day(text: &str) -> Option<BucketIndex> {
    let date: jiff::civil::Date = text.parse().ok()?;
    let moment = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(BucketWidth::Day.index(Timestamp(moment.as_millisecond())))
}

fn exposure(text: &str) -> Option<Exposure> {
    match text {
        "time" => Some(Exposure::Time),
        "feeds" => Some(Exposure::Feeds),
        _ => None,
    }
}

fn view(parent: &mut Section<'_>, at: usize, table: Table) -> View {
    parent.nested(&format!("views[{at}]"), table, |section| View {
        name: section.text("name").unwrap_or_default(),
        dimensions: section
            .words("dimensions", DIMENSIONS, Dimension::parse)
            .unwrap_or_default(),
        measures: section
            .words("measures", MEASURES, Measure::parse)
            .unwrap_or_else(|| vec![Measure::Mentions]),
        width: section
            .word("bucket", &["hour", "day", "week", "month"], bucket)
            .unwrap_or(BucketWidth::Day),
        exposure: section
            .word("exposure", &["time", "feeds"], exposure)
            .unwrap_or(Exposure::Time),
        method: section.text("method"),
    })
}

/// A bucket's width by its word.
pub(crate) fn bucket(text: &str) -> Option<BucketWidth> {
    match text {
        "hour" => Some(BucketWidth::Hour),
        "day" => Some(BucketWidth::Day),
        "week" => Some(BucketWidth::Week),
        "month" => Some(BucketWidth::Month),
        _ => None,
    }
}

fn direction(text: &str) -> Option<Direction> {
    match text {
        "up" => Some(Direction::Up),
        "down" => Some(Direction::Down),
        "both" => Some(Direction::Both),
        _ => None,
    }
}

/// Overwrites a default with what was written, if anything was.
pub fn set<T>(target: &mut T, written: Option<T>) {
    if let Some(value) = written {
        *target = value;
    }
}

/// The same for the 32-bit settings; the reader has already bounded the value.
pub fn set_u32(target: &mut u32, written: Option<u64>) {
    set(target, written.and_then(|value| u32::try_from(value).ok()));
}

/// The same for numbers of days.
pub fn set_i32(target: &mut i32, written: Option<u64>) {
    set(target, written.and_then(|value| i32::try_from(value).ok()));
}
