//! Operations: is it running, is it true?

use super::layout::{Frame, page};
use crate::access::Visitor;
use crate::api::{Pairs, Shared};
use crate::filter::encode;
use crate::ports::{HealthReport, PartHealth, PartState};
use crate::problem::Problem;
use crate::roles::Right;
use crate::state::Surroundings;
use crate::view::operations::DeadLetterView;
use crate::words::{away, duration, number, percent, plain, time};
use auscult_engine::read_model::{DeadLetterRow, Overview};
use axum::extract::Extension;
use axum::extract::rejection::QueryRejection;
use axum::http::Uri;
use maud::{Markup, html};

/// Dead letters on the page; `auscult dead-letters list` has all.
const SHOWN_DEAD_LETTERS: u32 = 50;

pub(super) async fn show(
    Extension(state): Shared,
    visitor: Visitor,
    uri: Uri,
    pairs: Result<Pairs, QueryRejection>,
) -> Result<Markup, Problem> {
    visitor.require(Right::Operations)?;
    let code = crate::api::query(pairs)?
        .into_iter()
        .find(|(key, value)| key == "code" && !value.is_empty())
        .map(|(_, code)| code);
    let asked = code.clone();
    let (letters, around) = state
        .read_page(move |model| model.dead_letters(asked.as_deref(), SHOWN_DEAD_LETTERS))
        .await?;
    let body = html! {
        h1 { "Operations" }
        section aria-labelledby="parts" { h2 #parts { "Parts" } (part_lines(&around.health, false)) }
        (feeds(&around))
        (dead_letters(&around.overview, code.as_deref(), &letters))
        (detectors(&around.health))
        (counters(&around.health))
    };
    let here = uri.path_and_query().map_or("/ops", |path| path.as_str());
    let frame = Frame::new(&state, &visitor, here, "/ops", &around);
    Ok(page(&frame, "Operations", &body))
}

/// Feeds that deliver nothing.
pub(super) fn silent_feeds(overview: &Overview) -> u64 {
    overview
        .feeds
        .iter()
        .filter(|feed| feed.state != "ok")
        .count() as u64
}

/// Parts with state, lag and remedy; only those that fail, for Home.
pub(super) fn part_lines(health: &HealthReport, failing_only: bool) -> Markup {
    let mut parts: Vec<&PartHealth> = health
        .parts
        .iter()
        .filter(|part| !failing_only || part.state != PartState::Ok)
        .collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.state));
    html! {
        div data-live="parts" {
            @if parts.is_empty() && failing_only && !health.parts.is_empty() { p { "Nothing fails: all " (health.parts.len()) " parts work." } }
            @else if parts.is_empty() { p { "No part of this process reports its health." } }
            @else {
                ul.parts { @for part in parts {
                    li.part data-state=(part_word(part.state)) {
                        strong { (part_label(part.state)) " · " (part.name) }
                        @if let Some(lag) = part.lag_milliseconds { span.lag { (duration(lag)) " behind" } }
                        p { (part.detail) }
                        @if !part.remedy.is_empty() { p { strong { "What to do: " } (part.remedy) } }
                    }
                } }
            }
        }
    }
}

fn part_word(state: PartState) -> &'static str {
    crate::api::state_word(state)
}

fn part_label(state: PartState) -> &'static str {
    match state {
        PartState::Ok => "● OK",
        PartState::Behind => "◆ Behind",
        PartState::Failed => "▲ Failed",
    }
}

fn feeds(around: &Surroundings) -> Markup {
    let feeds = &around.overview.feeds;
    html! {
        section aria-labelledby="feeds" data-live="feeds" {
            h2 #feeds { "Feeds" }
            @if feeds.is_empty() { p { "No feed has delivered anything yet. Next: send feedback to " code { "POST /v1/feedback" } "." } }
            @else {
                div.scroll tabindex="0" role="region" aria-label="Table of feeds" { table {
                    thead { tr { th scope="col" { "Feed" } th scope="col" { "State" } th scope="col" { "Last feedback" } th scope="col" { "Mentions" } } }
                    tbody { @for feed in feeds {
                        tr data-state=(feed.state) {
                            th scope="row" { (feed.feed) }
                            td { @if feed.state == "ok" { "● Delivers" } @else { strong { "▲ No data" } } }
                            td { (time(feed.last_event)) " (" (away(feed.last_event, around.now)) ")" }
                            td.number { (number(feed.mentions as f64)) }
                        }
                    } }
                } }
                @if silent_feeds(&around.overview) > 0 { p.hint { "The gap of a feed without data is not counted as silence of customers." } }
            }
        }
    }
}

fn dead_letters(overview: &Overview, code: Option<&str>, letters: &[DeadLetterRow]) -> Markup {
    html! {
        section aria-labelledby="dead" {
            h2 #dead { "Dead letters" }
            @if overview.dead_letters.is_empty() { p { "None: all input could be read." } }
            @else {
                ul.chips aria-label="By code" {
                    @for (word, count) in &overview.dead_letters {
                        li { a href={ "/ops?code=" (encode(word)) } aria-current=[(code == Some(word)).then_some("true")] { (word) } " " strong { (number(*count as f64)) } }
                    }
                    @if code.is_some() { li { a href="/ops" { "all codes" } } }
                }
                div.scroll tabindex="0" role="region" aria-label="Table of dead letters" { table {
                    thead { tr { th scope="col" { "Letter" } th scope="col" { "Code" } th scope="col" { "Refused at" } th scope="col" { "Place and reason" } th scope="col" { "Replays" } } }
                    tbody { @for letter in letters {
                        @let shown = DeadLetterView::read(letter);
                        tr {
                            th scope="row" { (letter.id) }
                            td { code { (letter.code) } }
                            td { (time(letter.at)) }
                            td { @if !shown.place.is_empty() { code { (shown.place) } " " } (shown.reason)
                                @if !shown.topic.is_empty() { span.hint { "from " (shown.topic) } } }
                            td.number { (letter.replays) }
                        }
                    } }
                } }
                p { "Read one with " code { "auscult dead-letters show ID" } ", send it through again with " code { "auscult dead-letters replay" } ". Its text is never shown here." }
            }
        }
    }
}

fn detectors(health: &HealthReport) -> Markup {
    html! {
        section aria-labelledby="detectors" data-live="detectors" {
            h2 #detectors { "Detectors" }
            @if health.detectors.is_empty() { p { "No detector has reported yet." } }
            @else {
                div.scroll tabindex="0" role="region" aria-label="Table of detectors" { table {
                    thead { tr { th scope="col" { "Detector" } th scope="col" { "View" } th scope="col" { "Useful" } th scope="col" { "Not useful" } th scope="col" { "Precision (90 % interval)" } } }
                    tbody { @for row in &health.detectors {
                        tr {
                            th scope="row" { (row.detector) } td { (row.view) }
                            td.number { (number(row.useful as f64)) } td.number { (number(row.not_useful as f64)) }
                            td { @if let Some(precision) = row.precision { (percent(precision.middle)) " (" (percent(precision.low)) " to " (percent(precision.high)) "), n = " (number((row.useful + row.not_useful) as f64)) } @else { "too few answers" } }
                        }
                    } }
                } }
            }
        }
    }
}

fn counters(health: &HealthReport) -> Markup {
    html! {
        section aria-labelledby="counters" data-live="counters" {
            h2 #counters { "Counted since start" }
            @if health.counters.is_empty() { p { "Nothing has been counted yet." } }
            @else { dl.counters { @for counter in &health.counters { div { dt { (plain(&counter.name)) } dd { (number(counter.value as f64)) } } } } }
            p { a href="/metrics" { "All metrics (Prometheus)" } " · " a href="/readyz" { "Readiness" } }
        }
    }
}
