//! Home: what needs me now?

use super::layout::{Frame, page};
use super::lists::ranked;
use super::operations::{part_lines, silent_feeds};
use super::safety::queue_lines;
use crate::access::Visitor;
use crate::api::Shared;
use crate::problem::Problem;
use crate::roles::{Right, Role};
use crate::state::Surroundings;
use crate::view::project;
use crate::words::{away, counted, decision, number};
use auscult_engine::read_model::{SignalFilter, SignalRow};
use axum::extract::Extension;
use axum::http::Uri;
use maud::{Markup, html};

/// Signals on the first screen, by role.
fn how_many(role: Role) -> u32 {
    match role {
        Role::Brand => 3,
        _ => 10,
    }
}

pub(super) async fn show(
    Extension(state): Shared,
    visitor: Visitor,
    uri: Uri,
) -> Result<Markup, Problem> {
    let role = visitor.require(Right::Pages)?;
    let ((signals, candidates), around) = state
        .read_page(move |model| {
            let signals = match role.has(Right::ReadSignals) {
                true => model.signals(&SignalFilter {
                    status: Some("firing".to_owned()),
                    limit: how_many(role),
                    ..SignalFilter::default()
                })?,
                false => Vec::new(),
            };
            let candidates = if role.has(Right::Safety) {
                model.safety_candidates(true, 10)?
            } else {
                Vec::new()
            };
            Ok((signals, candidates))
        })
        .await?;
    let signals = project::rows(role, signals)?;
    let body = html! {
        h1 { "What needs you now" }
        (figures(role, &around))
        @if role == Role::Ops { (failing(&around)) }
        @if role.has(Right::Safety) {
            section aria-labelledby="due" {
                h2 #due { "Candidates by due time" }
                (queue_lines(&candidates, around.now))
                p { a.button href="/safety" { "Open the safety desk" } }
            }
        }
        @if role.has(Right::MedicalRequests) { p { a.button href="/requests" { "Open medical requests" } } }
        @if role.has(Right::ReadSignals) { (top(role, &signals, &around)) (answers(&around)) }
    };
    let frame = Frame::new(&state, &visitor, uri.path(), "/", &around);
    Ok(page(&frame, "Home", &body))
}

fn figure(value: &str, name: &str, help: &str) -> Markup {
    html! { div.figure { dt { (name) } dd { strong { (value) } span { (help) } } } }
}

fn figures(role: Role, around: &Surroundings) -> Markup {
    let overview = &around.overview;
    let count = |count: u64| number(count as f64);
    html! {
        dl.figures data-live="figures" {
            @match role {
                Role::Safety => {
                    (figure(&count(overview.safety_escalated), "Escalated", "handed over, and nobody acknowledged them in time"))
                    (figure(&count(overview.safety_due_soon), "Due within 24 hours", "open candidates by intake clock"))
                    (figure(&count(overview.safety_unacknowledged), "Not acknowledged", &format!("of {} open candidates", count(overview.safety_open))))
                },
                Role::Ops => {
                    @let failing = around.health.parts.iter().filter(|part| part.state != crate::ports::PartState::Ok).count();
                    (figure(&count(failing as u64), "Parts late or failing", &format!("of {}", around.health.parts.len())))
                    (figure(&count(silent_feeds(overview)), "Silent feeds", &format!("of {}", overview.feeds.len())))
                    (figure(&count(overview.dead_letters.iter().map(|(_, count)| count).sum()), "Dead letters", "input that could not be read"))
                },
                _ => {
                    @let oldest = overview.oldest_untriaged.map_or_else(|| "none waits".to_owned(), |at| format!("oldest from {}", away(at, around.now)));
                    (figure(&count(overview.untriaged), "Signals awaiting an answer", &oldest))
                    @if role.has(Right::MedicalRequests) {
                        @let oldest = overview.requests.oldest.map_or_else(|| "none waits".to_owned(), |at| format!("oldest from {}", away(at, around.now)));
                        (figure(&count(overview.requests.count), "Open medical requests", &oldest))
                    }
                    (figure(&count(overview.firing), "Signals firing", "notified to people"))
                    (figure(&count(overview.muted), "Muted", "listed, nobody was notified"))
                },
            }
        }
    }
}

fn failing(around: &Surroundings) -> Markup {
    html! {
        section aria-labelledby="failing" {
            h2 #failing { "What is failing" }
            (part_lines(&around.health, true))
            p { a.button href="/ops" { "Open operations" } }
        }
    }
}

fn top(role: Role, signals: &[SignalRow], around: &Surroundings) -> Markup {
    let heading = if role == Role::Brand {
        "Signals that need a decision"
    } else {
        "Top signals"
    };
    html! {
        section aria-labelledby="top" {
            h2 #top { (heading) }
            @if signals.is_empty() { (empty(around)) }
            @else {
                (ranked(signals, around.now, 0))
                p { a.button href="/signals" { "All signals" } }
            }
        }
    }
}

/// Nothing fires: say whether that is good news.
fn empty(around: &Surroundings) -> Markup {
    html! {
        div.empty {
            @if around.overview.newest_bucket_end.is_none() {
                p { strong { "Nothing to show yet." } " No period has been closed, so nothing could be compared." }
                p { "Next: send feedback to " code { "POST /v1/feedback" } ", or run " code { "auscult demo" } " to see a made-up feed." }
            } @else {
                p { strong { "No signal is firing." } " Every series lies within what was expected." }
                p { a href="/signals?status=all&suppressed=include" { "See resolved and muted signals" } }
            }
        }
    }
}

fn answers(around: &Surroundings) -> Markup {
    let total: u64 = around
        .overview
        .decisions
        .iter()
        .map(|(_, count)| count)
        .sum();
    html! {
        section aria-labelledby="answers" data-live="answers" {
            h2 #answers { "What people answered" }
            @if total == 0 {
                p { "Nobody has answered a signal yet. Answers teach the ranking which signals are useful." }
            } @else {
                p { (counted(total, "answer", "answers")) " so far:" }
                ul.chips { @for (word, count) in &around.overview.decisions { li { (decision(word)) " " strong { (number(*count as f64)) } } } }
            }
        }
    }
}
