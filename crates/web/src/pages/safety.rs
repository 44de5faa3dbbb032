//! The safety desk: which candidates are due first? Nothing of it shows anywhere else.

use super::layout::{Frame, page};
use super::{reconciliation, see_other, session::read};
use crate::access::Visitor;
use crate::answers::AckInput;
use crate::api::Shared;
use crate::api::reconciliation::{USUAL_DAYS, usual};
use crate::api::safety::{MAX_CANDIDATES, record};
use crate::filter::encode;
use crate::problem::Problem;
use crate::roles::Right;
use crate::view::safety::QueueItem;
use crate::words::{away, counted, number, parse_time, plain, time};
use auscult_core::time::{DAY, Timestamp};
use auscult_engine::read_model::CandidateRow;
use auscult_wire::words::AckDecision;
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Extension, Path, Query};
use axum::http::Uri;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

/// The four minimum criteria, in the order people ask for them.
const CRITERIA: [&str; 4] = ["reporter", "patient", "product", "event"];

#[derive(Deserialize)]
pub(super) struct Queue {
    state: Option<String>,
    acknowledged: Option<String>,
}

pub(super) async fn show(
    Extension(state): Shared,
    visitor: Visitor,
    Query(queue): Query<Queue>,
    uri: Uri,
) -> Result<Markup, Problem> {
    visitor.require(Right::Safety)?;
    let open_only = queue.state.as_deref() != Some("all");
    let days = usual(state.app.clock.now(), USUAL_DAYS);
    let ((candidates, days), around) = state
        .read_page(move |model| {
            let candidates = model.safety_candidates(open_only, MAX_CANDIDATES)?;
            Ok((candidates, model.reconciliation(&days)?))
        })
        .await?;
    let body = html! {
        h1 { "Safety desk" }
        @if let Some(id) = &queue.acknowledged {
            div.notice role="status" { p { strong { "✓ Recorded for " (id) "." } " The log has it; the queue follows as soon as it is read." } }
        }
        dl.figures data-live="figures" {
            div.figure { dt { "Escalated" } dd { strong { (number(around.overview.safety_escalated as f64)) } span { "nobody acknowledged them in time" } } }
            div.figure { dt { "Due within 24 hours" } dd { strong { (number(around.overview.safety_due_soon as f64)) } span { "by intake clock" } } }
            div.figure { dt { "Not acknowledged" } dd { strong { (number(around.overview.safety_unacknowledged as f64)) } span { "of " (number(around.overview.safety_open as f64)) " open" } } }
        }
        p { (reconciliation::verdict(&days)) " " a href="#reconciliation" { "By day" } }
        p { "Auscult finds, routes and times candidates. Causality, seriousness and reportability are yours to decide." }
        p {
            @if open_only { (counted(candidates.len() as u64, "open candidate", "open candidates")) ", escalated ones first, then first due first. " a href="/safety?state=all" { "Show acknowledged too" } }
            @else { (counted(candidates.len() as u64, "candidate", "candidates")) ", escalated ones first, then first due first. " a href="/safety" { "Show open only" } }
            @if candidates.len() as u32 == MAX_CANDIDATES { " The list ends at " (MAX_CANDIDATES) "; acknowledge the first ones to see more." }
        }
        (queue_items(&candidates, around.now))
        (reconciliation::table(&days))
    };
    let here = uri.path_and_query().map_or("/safety", |path| path.as_str());
    let frame = Frame::new(&state, &visitor, here, "/safety", &around);
    Ok(page(&frame, "Safety desk", &body))
}

/// The queue as short lines for Home.
pub(super) fn queue_lines(candidates: &[CandidateRow], now: Timestamp) -> Markup {
    html! {
        @if candidates.is_empty() { (empty()) } @else {
            ol.ranked data-live="queue" {
                @for row in candidates {
                    li.row {
                        @match QueueItem::read(row) {
                            Ok(item) => article {
                                h3 { a.open href={ "/safety#" (item.candidate.candidate_id) } { (item.candidate.candidate_id) } }
                                ul.chips { (escalated(&item, now)) (due(&item, now)) (classes(&item)) (cues(&item)) }
                            },
                            Err(error) => (broken(&error)),
                        }
                    }
                }
            }
        }
    }
}

fn queue_items(candidates: &[CandidateRow], now: Timestamp) -> Markup {
    html! {
        @if candidates.is_empty() { (empty()) } @else {
            ol.queue {
                @for row in candidates {
                    li.row {
                        @match QueueItem::read(row) { Ok(item) => (card(&item, now)), Err(error) => (broken(&error)) }
                    }
                }
            }
        }
    }
}

fn empty() -> Markup {
    html! { div.empty { p { strong { "No open candidate." } " Every candidate found so far is acknowledged. New ones show here as they are found." } } }
}

fn broken(error: &serde_json::Error) -> Markup {
    html! {
        article.broken {
            h3 { "▲ A candidate that cannot be read" }
            p { (error.to_string()) ". It still counts as open: find it on the candidates topic and tell operations." }
        }
    }
}

fn card(item: &QueueItem, now: Timestamp) -> Markup {
    let candidate = &item.candidate;
    html! {
        article.candidate id=(candidate.candidate_id) {
            h2 { (candidate.candidate_id) }
            ul.chips aria-label="At a glance" { (escalated(item, now)) (due(item, now)) (classes(item)) (cues(item)) }
            dl.criteria aria-label="Minimum criteria" {
                @for name in CRITERIA {
                    @let found = candidate.criteria.get(name).map_or("missing", String::as_str);
                    div data-found=(found) { dt { (plain(name)) } dd { span aria-hidden="true" { (mark(found)) " " } (plain(found)) } }
                }
            }
            dl.facts {
                @if let Some(at) = parse_time(&candidate.awareness.at) {
                    div { dt { "Day 0 (awareness)" } dd { (time(at))
                        (by(&candidate.awareness.by_function)) (by(&candidate.awareness.by_organisation)) } }
                }
                @if let Some(escalation) = &item.escalation {
                    (moment("Handed over", &escalation.handed_over_at, now))
                    (moment("Escalated", &escalation.escalated_at, now))
                }
                (moment("Intake due", &candidate.clock.intake_due, now))
                (moment("If serious", &candidate.clock.serious_due, now))
                (moment("If not serious", &candidate.clock.non_serious_due, now))
                div { dt { "Product" } dd { (product(item)) } }
                div { dt { "Reporter" } dd { (plain(&candidate.reporter_type))
                    @if !candidate.country.is_empty() { " · " (candidate.country) }
                    @if !candidate.language.is_empty() { " · language " (candidate.language) } } }
                div { dt { "Source" } dd { (plain(&candidate.source_type)) " · " (candidate.feedback_ids.join(", ")) } }
                div { dt { "Follow-up" } dd { (match candidate.follow_up_allowed { Some(true) => "allowed", Some(false) => "not allowed", None => "unknown" }) } }
                @if !candidate.verbatim_ref.is_empty() { div { dt { "Verbatim" } dd { code { (candidate.verbatim_ref) } span.hint { "the text stays in the vault" } } } }
                @if !candidate.possible_duplicates.is_empty() { div { dt { "Possible duplicates" } dd { (candidate.possible_duplicates.join(", ")) } } }
                @if !candidate.clock.rules.is_empty() { div { dt { "Clock rules" } dd { (candidate.clock.rules) } } }
            }
            (acknowledgement(item))
        }
    }
}

fn moment(name: &str, at: &str, now: Timestamp) -> Markup {
    html! { @if let Some(at) = parse_time(at) { div { dt { (name) } dd { (time(at)) " (" (away(at, now)) ")" } } } }
}

fn mark(found: &str) -> &'static str {
    match found {
        "found" => "✓",
        "partial" => "◐",
        _ => "✗",
    }
}

fn product(item: &QueueItem) -> String {
    let product = &item.candidate.product;
    match (product.as_reported.as_str(), product.code.as_str()) {
        ("", "") => "not named".to_owned(),
        ("", code) => code.to_owned(),
        (words, "") => words.to_owned(),
        (words, code) => format!("{words} ({code})"),
    }
}

fn by(whom: &str) -> Markup {
    html! { @if !whom.is_empty() { ", " (plain(whom).to_lowercase()) } }
}

/// Nobody took it in time; once somebody has, the chip is gone and the facts keep the moment.
fn escalated(item: &QueueItem, now: Timestamp) -> Markup {
    let Some(escalation) = item.escalation.as_ref().filter(|_| item.ack.is_none()) else {
        return html! {};
    };
    html! {
        li.overdue { span aria-hidden="true" { "▲ " } "escalated, not acknowledged"
            @if let Some(at) = parse_time(&escalation.handed_over_at) { " since the hand-off " (away(at, now)) } }
    }
}

fn due(item: &QueueItem, now: Timestamp) -> Markup {
    if let Some(ack) = item.ack.as_ref() {
        return html! { li.answered { span aria-hidden="true" { "✓ " } (plain(&ack.decision)) @if let Some(case) = &ack.case_ref { ", case " (case) } } };
    }
    match item.due() {
        Some(due) if due < now => {
            html! { li.overdue { span aria-hidden="true" { "▲ " } "intake overdue, was due " (away(due, now)) } }
        }
        Some(due) if due < now.plus(DAY) => {
            html! { li.soon { span aria-hidden="true" { "◆ " } "intake due " (away(due, now)) } }
        }
        Some(due) => {
            html! { li { span aria-hidden="true" { "● " } "intake due " (away(due, now)) } }
        }
        None => {
            html! { li.overdue { span aria-hidden="true" { "▲ " } "intake time unknown: treat as due now" } }
        }
    }
}

fn classes(item: &QueueItem) -> Markup {
    html! { @for class in &item.candidate.classes { li { (plain(class)) } } }
}

fn cues(item: &QueueItem) -> Markup {
    html! { @for cue in &item.candidate.seriousness_cues { li.serious { span aria-hidden="true" { "! " } "cue: " (plain(cue).to_lowercase()) } } }
}

fn acknowledgement(item: &QueueItem) -> Markup {
    let id = &item.candidate.candidate_id;
    if let Some(ack) = item
        .ack
        .as_ref()
        .filter(|ack| ack.decision != "needs_information")
    {
        return html! { p.acknowledged { "Acknowledged: " strong { (plain(&ack.decision)) } @if let Some(at) = parse_time(&ack.at) { ", " (time(at)) } "." } };
    }
    html! {
        form.ack method="post" action={ "/safety/" (encode(id)) "/acks" } {
            div {
                label for={ "decision-" (id) } { "Decision" }
                select id={ "decision-" (id) } name="decision" required {
                    option value="" { "Choose…" }
                    @for word in AckDecision::ALL { option value=(word.as_str()) { (plain(word.as_str())) } }
                }
            }
            div {
                label for={ "case-" (id) } { "Case reference (optional)" }
                input id={ "case-" (id) } name="case_ref" maxlength="128" autocomplete="off";
            }
            button.primary type="submit" { "Acknowledge" span.quiet { " " (id) } }
        }
    }
}

#[derive(Deserialize)]
pub(super) struct AckForm {
    #[serde(default)]
    decision: String,
    #[serde(default)]
    case_ref: String,
}

pub(super) async fn acknowledge(
    Extension(state): Shared,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Result<Form<AckForm>, FormRejection>,
) -> Result<Response, Problem> {
    visitor.require(Right::Safety)?;
    let form = read(form)?;
    let input = AckInput {
        candidate_id: None,
        decision: form.decision,
        case_ref: Some(form.case_ref),
    };
    record(&state, &visitor, &id, &input).await?;
    Ok(see_other(
        &format!("/safety?acknowledged={}", encode(&id)),
        None,
    ))
}
