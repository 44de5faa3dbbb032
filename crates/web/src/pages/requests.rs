//! Medical requests: what waits for an answer, and since when? Nothing of it shows to any other role.

use super::layout::{Frame, page};
use super::{see_other, session::read};
use crate::access::Visitor;
use crate::answers::AnswerInput;
use crate::api::Shared;
use crate::api::requests::{MAX_REQUESTS, record, state_filter};
use crate::filter::encode;
use crate::problem::Problem;
use crate::roles::Right;
use crate::state::Surroundings;
use crate::view::request::RequestItem;
use crate::words::{away, counted, duration, number, parse_time, plain, time};
use auscult_core::time::{DAY, Timestamp};
use auscult_engine::read_model::{RequestFilter, RequestRow};
use auscult_wire::words::RequestDecision;
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Extension, Path, Query};
use axum::http::Uri;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

/// Older than this, an open request is marked. Shown beside it, so that nobody has to know the number.
const OLD: i64 = 5 * DAY;

#[derive(Deserialize)]
pub(super) struct Listed {
    state: Option<String>,
    answered: Option<String>,
}

pub(super) async fn show(
    Extension(state): Shared,
    visitor: Visitor,
    Query(listed): Query<Listed>,
    uri: Uri,
) -> Result<Markup, Problem> {
    visitor.require(Right::MedicalRequests)?;
    let word = listed.state.as_deref().unwrap_or("open");
    let open = state_filter(word).unwrap_or(Some(true));
    let wanted = RequestFilter {
        open,
        limit: MAX_REQUESTS,
    };
    let (requests, around) = state
        .read_page(move |model| model.medical_requests(&wanted))
        .await?;
    let body = html! {
        h1 { "Medical requests" }
        @if let Some(id) = &listed.answered {
            div.notice role="status" { p { strong { "✓ Recorded for " (id) "." } " The log has it; the list follows as soon as it is read." } }
        }
        (figures(&around))
        p { "Questions for medical information, found in feedback. They go to no commercial topic and no other role's page." }
        p {
            (counted(requests.len() as u64, "request", "requests")) ", oldest first. Show: "
            @for (choice, name) in [("open", "open"), ("answered", "answered"), ("all", "all")] {
                @if state_filter(choice) == Some(open) { strong aria-current="true" { (name) } } @else { a href={ "/requests?state=" (choice) } { (name) } }
                " "
            }
            @if requests.len() as u32 == MAX_REQUESTS { "The list ends at " (MAX_REQUESTS) "; answer the first ones to see more." }
        }
        (items(&requests, open, around.now))
    };
    let here = uri
        .path_and_query()
        .map_or("/requests", |path| path.as_str());
    let frame = Frame::new(&state, &visitor, here, "/requests", &around);
    Ok(page(&frame, "Medical requests", &body))
}

fn figures(around: &Surroundings) -> Markup {
    let requests = around.overview.requests;
    html! {
        dl.figures data-live="figures" {
            div.figure { dt { "Open requests" } dd { strong { (number(requests.count as f64)) } span { "without an answer" } } }
            div.figure { dt { "Oldest open request" } dd {
                @match requests.oldest {
                    Some(at) => { strong { (duration(around.now.0.saturating_sub(at.0))) } span { "since " (time(at)) } },
                    None => { strong { "–" } span { "none waits" } },
                }
            } }
        }
    }
}

fn items(requests: &[RequestRow], open: Option<bool>, now: Timestamp) -> Markup {
    html! {
        @if requests.is_empty() {
            div.empty {
                @if open == Some(false) { p { strong { "No request has been answered yet." } } }
                @else { p { strong { "No open request." } " Every question found so far is answered. New ones show here as they are found." } }
            }
        } @else {
            ol.queue { @for row in requests { li.row {
                @match RequestItem::read(row) {
                    Ok(item) => (card(&item, now)),
                    Err(error) => article.broken {
                        h2 { "▲ A request that cannot be read" }
                        p { (error.to_string()) ". It still counts as open: find it on the requests topic and tell operations." }
                    },
                }
            } } }
        }
    }
}

fn card(item: &RequestItem, now: Timestamp) -> Markup {
    let request = &item.request;
    html! {
        article.candidate id=(request.request_id) {
            h2 { (request.request_id) }
            ul.chips aria-label="At a glance" {
                (age(item, now))
                li { "asked by " (plain(&request.asked_by).to_lowercase()) }
                @for product in &request.products { li { (product) } }
            }
            blockquote lang=(language(&request.language)) { (request.question) }
            dl.facts {
                @if let Some(at) = item.received() { div { dt { "First known" } dd { (time(at)) } } }
                div { dt { "Source" } dd { (plain(&request.source_type)) " · " (request.feedback_id) @if !request.country.is_empty() { " · " (request.country) } } }
                @if !request.indications.is_empty() { div { dt { "Indications" } dd { (request.indications.join(", ")) } } }
                @if !request.themes.is_empty() { div { dt { "Themes" } dd { (request.themes.join(", ")) } } }
                div { dt { "Contact" } dd { (match request.may_contact { Some(true) => "allowed", Some(false) => "not allowed", None => "unknown" })
                    @if let Some(vault) = &request.contact_vault_ref { " · " code { (vault) } } } }
            }
            (answer(item))
        }
    }
}

/// A language tag that is none says nothing about the words' language.
fn language(tag: &str) -> &str {
    let is_tag = !tag.is_empty()
        && tag
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_tag { tag } else { "und" }
}

fn age(item: &RequestItem, now: Timestamp) -> Markup {
    if let Some(answer) = item.answer.as_ref().filter(|_| !item.open) {
        return html! { li.answered { span aria-hidden="true" { "✓ " } (plain(&answer.decision)) } };
    }
    match item.received() {
        Some(at) if now.0.saturating_sub(at.0) > OLD => {
            html! { li.overdue { span aria-hidden="true" { "▲ " } "open for " (duration(now.0.saturating_sub(at.0))) ", more than " (duration(OLD)) } }
        }
        Some(at) => {
            html! { li { span aria-hidden="true" { "● " } "open, asked " (away(at, now)) } }
        }
        None => {
            html! { li.overdue { span aria-hidden="true" { "▲ " } "age unknown: answer it first" } }
        }
    }
}

fn answer(item: &RequestItem) -> Markup {
    let id = &item.request.request_id;
    html! {
        @if let Some(answer) = &item.answer {
            p.acknowledged { "Last answer: " strong { (plain(&answer.decision)) } @if let Some(reference) = &answer.answer_ref { ", " (reference) } @if let Some(at) = parse_time(&answer.at) { ", " (time(at)) } "." }
        }
        @if item.open {
            form.ack method="post" action={ "/requests/" (encode(id)) "/answers" } {
                div {
                    label for={ "decision-" (id) } { "What was done" }
                    select id={ "decision-" (id) } name="decision" required {
                        option value="" { "Choose…" }
                        @for word in RequestDecision::ALL { option value=(word.as_str()) { (plain(word.as_str())) } }
                    }
                }
                div {
                    label for={ "answer-" (id) } { "Reference of the answer (optional)" }
                    input id={ "answer-" (id) } name="answer_ref" maxlength="128" autocomplete="off";
                }
                button.primary type="submit" { "Record" span.quiet { " for " (id) } }
            }
        }
    }
}

#[derive(Deserialize)]
pub(super) struct AnswerForm {
    #[serde(default)]
    decision: String,
    #[serde(default)]
    answer_ref: String,
}

pub(super) async fn record_answer(
    Extension(state): Shared,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Result<Form<AnswerForm>, FormRejection>,
) -> Result<Response, Problem> {
    visitor.require(Right::MedicalRequests)?;
    let form = read(form)?;
    let input = AnswerInput {
        request_id: None,
        decision: form.decision,
        answer_ref: Some(form.answer_ref),
    };
    record(&state, &visitor, &id, &input).await?;
    Ok(see_other(
        &format!("/requests?answered={}", encode(&id)),
        None,
    ))
}
