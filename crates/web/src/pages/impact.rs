//! Impact: what did we do, and did it help? Results first, the worst of them on top; nothing can be removed.

use super::layout::{Frame, page};
use crate::access::Visitor;
use crate::actions::is_for;
use crate::api::Shared;
use crate::api::actions::MAX_ACTIONS;
use crate::filter::encode;
use crate::problem::Problem;
use crate::roles::Right;
use crate::view::action::{ActionItem, OutcomeView, withheld};
use crate::words::{counted, day, parse_time, plain};
use auscult_core::time::Timestamp;
use auscult_engine::read_model::{ActionFilter, ActionRow};
use axum::extract::Extension;
use axum::http::Uri;
use maud::{Markup, html};

pub(super) async fn show(
    Extension(state): Shared,
    visitor: Visitor,
    uri: Uri,
) -> Result<Markup, Problem> {
    visitor.require(Right::ReadSignals)?;
    let wanted = ActionFilter {
        limit: MAX_ACTIONS,
        ..ActionFilter::default()
    };
    let (rows, around) = state.read_page(move |model| model.actions(&wanted)).await?;
    let is_cut = rows.len() as u32 == MAX_ACTIONS;
    let (actions, unreadable) = readable(&visitor, rows)?;
    let is_inaction = |item: &ActionItem| item.action.kind == "no_action";
    let (not_acted, acted): (Vec<_>, Vec<_>) = actions.into_iter().partition(is_inaction);
    let (mut results, under_way): (Vec<_>, Vec<_>) =
        acted.into_iter().partition(ActionItem::has_result);
    results.sort_by(|left, right| badness(left).total_cmp(&badness(right)));
    let body = html! {
        h1 { "Impact" }
        p.lead { "What was done about signals, and whether it helped. What was to change was said beforehand; every result stays here." }
        (figures(&under_way, &results))
        section aria-labelledby="results" data-live="results" {
            h2 #results { "Results, the worst first" }
            @if results.is_empty() { p { "No action has run long enough yet: an outcome needs eight periods before the start, and those planned after it." } }
            @else { (table("Results", &results, around.now)) }
        }
        section aria-labelledby="under-way" data-live="under-way" {
            h2 #under-way { "Under way" }
            @if under_way.is_empty() { p { "Nothing is under way. Open a " a href="/signals" { "signal" } " to act on it." } }
            @else { (table("Actions under way", &under_way, around.now)) }
        }
        @if !not_acted.is_empty() {
            section aria-labelledby="not-acted" data-live="not-acted" {
                h2 #not-acted { "Decided not to act" }
                (table("Decisions not to act", &not_acted, around.now))
            }
        }
        @if unreadable > 0 { p.caveat { (counted(unreadable, "action", "actions")) " cannot be read; rebuild the read model from the topics." } }
        @if is_cut { p.hint { "The newest " (MAX_ACTIONS) " actions are shown; the API has all." } }
        p.links { a href="/v1/actions" { "Actions as JSON" } }
    };
    let frame = Frame::new(&state, &visitor, uri.path(), "/impact", &around);
    Ok(page(&frame, "Impact", &body))
}

/// What the visitor may see of the rows, and how many cannot be read.
pub(super) fn readable(
    visitor: &Visitor,
    rows: Vec<ActionRow>,
) -> Result<(Vec<ActionItem>, u64), Problem> {
    let role = visitor.require(Right::ReadSignals)?;
    let (mut items, mut unreadable) = (Vec::new(), 0);
    for row in rows {
        if !is_for(role, row.is_medical) {
            continue;
        }
        match withheld(visitor, row).and_then(|row| ActionItem::read(&row)) {
            Ok(item) => items.push(item),
            Err(_) => unreadable += 1,
        }
    }
    Ok((items, unreadable))
}

/// Smaller is worse: by verdict, then by how far it moved against what was wanted.
fn badness(item: &ActionItem) -> f64 {
    let Some(outcome) = &item.outcome else {
        return f64::INFINITY;
    };
    let verdict = match outcome.verdict.as_str() {
        "worse" => 0.0,
        "no_change" => 1e6,
        "inconclusive" => 2e6,
        _ => 3e6,
    };
    let wanted_up = item
        .action
        .target
        .as_ref()
        .is_some_and(|target| target.direction == "up");
    let moved = outcome.estimate.unwrap_or_default().clamp(-1e5, 1e5);
    verdict + if wanted_up { moved } else { -moved }
}

fn figures(under_way: &[ActionItem], results: &[ActionItem]) -> Markup {
    let of = |verdict: &str| {
        let has = |item: &&ActionItem| {
            let outcome = item.outcome.as_ref();
            outcome.is_some_and(|outcome| outcome.verdict == verdict)
        };
        results.iter().filter(has).count()
    };
    html! {
        dl.figures data-live="figures" {
            @for (name, count, words) in [
                ("Worse", of("worse"), "moved the other way"),
                ("No change", of("no_change"), "less than matters"),
                ("Inconclusive", of("inconclusive"), "cannot be told"),
                ("Improved", of("improved"), "moved as was wanted"),
                ("Under way", under_way.len(), "without a final result"),
            ] {
                div.figure { dt { (name) } dd { strong { (count) } span { (words) } } }
            }
        }
    }
}

/// Actions as rows.
pub(super) fn table(name: &str, items: &[ActionItem], now: Timestamp) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(name) {
            table {
                thead { tr {
                    th scope="col" { "Action" } th scope="col" { "State" } th scope="col" { "Owner, due" } th scope="col" { "To change" } th scope="col" { "What came of it" }
                } }
                tbody { @for item in items { (line(item, now)) } }
            }
        }
    }
}

fn line(item: &ActionItem, now: Timestamp) -> Markup {
    let action = &item.action;
    html! {
        tr {
            th scope="row" {
                a href={ "/actions/" (encode(&action.action_id)) } { (plain(&action.kind)) }
                @if !action.hypothesis.is_empty() { span.hint { (action.hypothesis) } }
            }
            td { (state_words(&action.state)) }
            td {
                (action.owner)
                @if let Some(due) = parse_time(&action.due) {
                    span.hint { @if item.is_overdue(now) { strong { "▲ overdue since " (day(due)) } } @else { "due " (day(due)) } }
                }
            }
            td { @if let Some(target) = &action.target { (change(target.expected_effect)) " " (crate::words::measure(&target.measure)) } }
            td { (result(item.outcome.as_ref())) }
        }
    }
}

/// A state with a shape beside the word.
pub(super) fn state_words(state: &str) -> String {
    let shape = match state {
        "started" => "▶",
        "done" => "✓",
        "cancelled" => "■",
        _ => "○",
    };
    format!("{shape} {}", plain(state))
}

/// A verdict with a shape beside the word, and its interval.
fn result(outcome: Option<&OutcomeView>) -> Markup {
    let Some(outcome) = outcome else {
        return html! { "not yet" };
    };
    html! {
        strong { (verdict_words(&outcome.verdict)) }
        @if outcome.stage != "final" { " so far" }
        @if let (Some(estimate), Some(interval)) = (outcome.estimate, outcome.interval) {
            span.hint { (change(estimate)) ", " (change(interval.low)) " to " (change(interval.high)) }
        }
    }
}

/// A verdict with a shape beside the word.
pub(super) fn verdict_words(verdict: &str) -> String {
    let shape = match verdict {
        "improved" => "✓",
        "worse" => "▲",
        "no_change" => "=",
        _ => "?",
    };
    format!("{shape} {}", plain(verdict))
}

/// A relative change with its sign.
pub(super) fn change(effect: f64) -> String {
    let sign = if effect < 0.0 { "−" } else { "+" };
    format!("{sign}{}", crate::words::percent(effect.abs()))
}
