//! `[detect]`: what to compare with what, and how sure to be.

use super::reader::Section;
use auscult_core::settings::{DetectSettings, Dimension, Direction, View};
use auscult_core::time::{BucketWidth, DAY};
use auscult_core::words::{Measure, SourceType};
use toml::Table;

const SOURCES: &str = "survey, field_note, medical_inquiry, call, email, chat, portal, advisory_board, congress, social, patient_support, payer_meeting, market_research, regulator_letter, literature_comment, other";
const MEASURES: &str = "mentions, negative_share, mean_rating";
const DIMENSIONS: &str = "product, theme, stakeholder, tier, specialty, setting, organisation, country, region, channel, source, journey, stage, indication, language, extra.<key>";

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
    settings
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
    })
}

fn bucket(text: &str) -> Option<BucketWidth> {
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
