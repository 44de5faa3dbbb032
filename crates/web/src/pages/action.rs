//! One action: what was promised, what came of it, and the next step.

use super::impact::{change, state_words, verdict_words};
use super::layout::{Frame, page};
use super::{see_other, session::read};
use crate::access::Visitor;
use crate::actions::{self, Fields, find};
use crate::api::Shared;
use crate::filter::encode;
use crate::problem::Problem;
use crate::roles::Right;
use crate::view::action::{ActionItem, ActionView, OutcomeView, SpanView, withheld};
use crate::words::{day, measure, number, parse_time, percent, plain, time};
use auscult_core::action::MAX_ACTION_TEXT_BYTES;
use auscult_core::words::{ActionState, NextStep};
use auscult_engine::read_model::ActionDetail;
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Extension, Path, Query};
use axum::http::Uri;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
pub(super) struct After {
    recorded: Option<String>,
}

pub(super) async fn show(
    Extension(state): Shared,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(after): Query<After>,
    uri: Uri,
) -> Result<Markup, Problem> {
    visitor.require(Right::ReadSignals)?;
    let asked = id.clone();
    let (detail, around) = state.read_page(move |model| model.action(&asked)).await?;
    let frame = Frame::new(&state, &visitor, uri.path(), "/impact", &around);
    let recorded = after.recorded.as_deref().and_then(ActionState::parse);
    // Just recorded, it may not have been read yet: say so instead of "there is no such action".
    let waits = detail.is_none() && recorded.is_some();
    if waits {
        return Ok(page(&frame, "Action recorded", &waiting(&id)));
    }
    let detail = find(&state, &visitor, &id).await?;
    let broken = |error: serde_json::Error| {
        Problem::broken("read model", format!("Action {id} cannot be read: {error}"))
    };
    let row = withheld(&visitor, detail.current.clone()).map_err(broken)?;
    let item = ActionItem::read(&row).map_err(broken)?;
    Ok(page(
        &frame,
        &plain(&item.action.kind),
        &body(&visitor, &item, &detail, recorded),
    ))
}

fn waiting(id: &str) -> Markup {
    html! {
        h1 { "Action recorded" }
        div.notice role="status" { p { strong { "✓ The log has it." } " It shows as soon as it has been read: " a href={ "/actions/" (encode(id)) } { "look again" } "." } }
    }
}

fn body(
    visitor: &Visitor,
    item: &ActionItem,
    detail: &ActionDetail,
    recorded: Option<ActionState>,
) -> Markup {
    let action = &item.action;
    html! {
        @if let Some(state) = recorded {
            div.notice role="status" { p { strong { "✓ Recorded: " (plain(state.as_str()).to_lowercase()) "." } " The log has it; this page follows as soon as it is read." } }
        }
        article.signal aria-labelledby="title" {
            header data-live="head" {
                h1 #title { (plain(&action.kind)) }
                @if !action.hypothesis.is_empty() { p.lead { (action.hypothesis) } }
                ul.chips aria-label="At a glance" {
                    li { (state_words(&action.state)) }
                    li { "owner " (action.owner) }
                    @if let Some(due) = parse_time(&action.due) { li { "due " (day(due)) } }
                    @for signal in &action.signal_ids { li { a href={ "/signals/" (encode(signal)) } { "signal " (signal) } } }
                }
            }
            @if let Some(outcome) = &item.outcome { (result(outcome)) }
            @else if action.kind != "no_action" { p { "No outcome yet. It is estimated from eight periods before the start on, once those after it are there." } }
            (promise(action))
            @if visitor.may(Right::Decide) { (next(visitor, item)) }
            (history(detail))
            p.links { a href={ "/v1/actions/" (encode(&action.action_id)) } { "This action as JSON" } }
        }
    }
}

fn result(outcome: &OutcomeView) -> Markup {
    html! {
        section.result aria-labelledby="result" data-live="result" {
            h2.quiet #result { "What came of it" }
            p.headline { strong { (verdict_words(&outcome.verdict)) } @if outcome.stage != "final" { " so far: not all planned periods are over" } }
            @if let (Some(estimate), Some(interval)) = (outcome.estimate, outcome.interval) {
                p { "Changed by " strong { (change(estimate)) } "; " (percent(interval.level)) " interval " (change(interval.low)) " to " (change(interval.high)) }
            } @else { p { "No change can be given." } }
            div.scroll tabindex="0" role="region" aria-label="Before and after" { table {
                thead { tr { th scope="col" { "" } th scope="col" { "From" } th scope="col" { "To" } th scope="col" { "Periods" } th scope="col" { "Rate" } th scope="col" { "Comparison" } } }
                tbody { (span("Before", outcome.pre.as_ref())) (span("After", outcome.post.as_ref())) }
            } }
            p.hint { (method_words(&outcome.method)) " " (number(outcome.n as f64)) " items counted. As of " @if let Some(at) = parse_time(&outcome.as_of) { (time(at)) } "; revision " (outcome.revision) "." }
            @for caveat in &outcome.caveats { p.caveat { (caveat_words(caveat)) } }
            @if !outcome.reviewed_by.is_empty() {
                p { strong { "Learnt" } @if let Some(next) = &outcome.next { " (next: " (plain(next).to_lowercase()) ")" } ": " (outcome.learning) " – " (outcome.reviewed_by) }
            }
        }
    }
}

fn span(name: &str, span: Option<&SpanView>) -> Markup {
    html! {
        tr {
            th scope="row" { (name) }
            @if let Some(span) = span {
                td { @if let Some(at) = parse_time(&span.start) { (day(at)) } }
                td { @if let Some(at) = parse_time(&span.end) { (day(at)) } }
                td.number { (span.buckets) }
                td.number { (format!("{:.3}", span.rate)) }
                td.number { @if let Some(rate) = span.comparison_rate { (format!("{rate:.3}")) } @else { "–" } }
            } @else { td colspan="5" { "no data" } }
        }
    }
}

fn method_words(method: &str) -> &'static str {
    match method {
        "did" => {
            "Difference in differences: both series share what happens in each period; only how they divide it counts."
        }
        "its" => "Interrupted series: the periods after the start against those before it.",
        _ => "The method is not one this page knows.",
    }
}

/// One line of help on a caveat of an outcome.
fn caveat_words(word: &str) -> &'static str {
    match word {
        "few_counts" => "Fewer than five a period: the interval is rough.",
        "buckets_move_together" => {
            "Neighbouring periods move together: the interval is too narrow."
        }
        "no_comparison" => {
            "Nothing to compare with: whatever else happened then is in the estimate."
        }
        "comparison_unknown" => {
            "The series it was to be compared with is not known or not alike: it was left out."
        }
        "calendar_overlap" => "A holiday, congress or campaign falls into the periods.",
        "signal_in_baseline" => {
            "The periods before hold the signal itself: what stood out goes back by itself."
        }
        "other_action" => {
            "Another action on the same series overlaps: whose effect it is cannot be told."
        }
        "buckets_missing" => "Some periods have no data and were left out.",
        "stopped_early" => "The action was cancelled before its last planned period.",
        "too_few_buckets" => "Eight periods before and four after are the least; there are fewer.",
        "nothing_counted" => "Nothing was counted before or after: no ratio can be given.",
        "not_settled" => "The counts are too sparse for an estimate.",
        "series_unknown" => "The series to be changed is not known to the detector.",
        "measure_not_estimated" => "No outcome is estimated of this measure.",
        _ => "Read this with care.",
    }
}

fn promise(action: &ActionView) -> Markup {
    html! {
        section aria-labelledby="promise" {
            h2 #promise { "What was said beforehand" }
            @if let Some(target) = &action.target {
                dl.facts {
                    div { dt { "To change" } dd { (plain(measure(&target.measure))) ", " (target.direction) span.hint { "series " (target.series_id) } } }
                    div { dt { "Expected" } dd { (change(target.expected_effect)) span.hint { "less than " (percent(target.smallest_relevant_effect.abs())) " does not matter" } } }
                    @if let Some(buckets) = target.buckets_after { div { dt { "Measured over" } dd { (buckets) " periods" } } }
                    @if let Some(value) = &target.value_dimension { div { dt { "Worth to customers" } dd { (plain(value)) } } }
                    div { dt { "Compared with" } dd { @match action.comparison.as_ref().filter(|it| !it.series_id.is_empty()) {
                        Some(comparison) => { "another " (plain(&comparison.kind).to_lowercase()) span.hint { "series " (comparison.series_id) } },
                        None => { "nothing" },
                    } } }
                    div { dt { "Started" } dd { @match action.started_at.as_deref().and_then(parse_time) { Some(at) => (time(at)), None => "not yet" } } }
                }
            } @else { p { "No target." } }
        }
    }
}

/// The steps that may follow.
fn next(visitor: &Visitor, item: &ActionItem) -> Markup {
    let action = &item.action;
    let steps: &[(&str, &str)] = match action.state.as_str() {
        "proposed" => &[
            ("approved", "Approve"),
            ("started", "Start now"),
            ("cancelled", "Cancel"),
        ],
        "approved" => &[("started", "Start now"), ("cancelled", "Cancel")],
        "started" => &[("done", "Done"), ("cancelled", "Cancel")],
        _ => &[],
    };
    let path = format!("/actions/{}/steps", encode(&action.action_id));
    let may_review = item.outcome.is_some() && action.owner != visitor.actor;
    html! {
        @if !steps.is_empty() {
            form.decide method="post" action=(path) aria-labelledby="next" {
                h2 #next { "Next step" }
                div.buttons { @for (state, words) in steps { button type="submit" name="state" value=(state) { (words) } } }
            }
        }
        @if may_review {
            form.decide method="post" action=(path) aria-labelledby="review" {
                h2 #review { "Review" }
                div.more {
                    div {
                        label for="next-step" { "What is done next" }
                        select #next-step name="next" required { @for word in NextStep::ALL { option value=(word.as_str()) { (plain(word.as_str())) } } }
                    }
                    div { label for="learning" { "What was learnt (no personal data)" } textarea #learning name="learning" rows="2" required maxlength=(MAX_ACTION_TEXT_BYTES / 4) {} }
                }
                div.buttons { button type="submit" { "Record the review" } }
            }
        } @else if item.outcome.is_some() { p.hint { "The owner does not review the own outcome: somebody else must." } }
    }
}

fn history(detail: &ActionDetail) -> Markup {
    let events: Vec<ActionView> = detail
        .events
        .iter()
        .filter_map(|json| serde_json::from_str(json).ok())
        .collect();
    html! {
        section aria-labelledby="history" data-live="history" {
            h2 #history { "History" }
            ul.plain { @for event in events.iter().rev() {
                li { strong { (plain(&event.state)) } " · " (event.actor) @if let Some(at) = parse_time(&event.recorded_at) { " · " (time(at)) } }
            } }
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct StepForm {
    state: String,
    next: String,
    learning: String,
}

pub(super) async fn step(
    Extension(state): Shared,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Result<Form<StepForm>, FormRejection>,
) -> Result<Response, Problem> {
    visitor.require(Right::Decide)?;
    let form = read(form)?;
    let mut changes = Fields::new();
    if !form.state.is_empty() {
        changes.insert("state".to_owned(), form.state.into());
    }
    if !form.next.is_empty() {
        let review: Value = json!({"learning": form.learning.trim(), "next": form.next});
        changes.insert("review".to_owned(), review);
    }
    let recorded = actions::step(&state, &visitor, &id, changes).await?;
    Ok(see_other(
        &format!("/actions/{}?recorded={}", encode(&id), recorded.state),
        None,
    ))
}
