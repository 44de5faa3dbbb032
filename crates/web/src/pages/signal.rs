//! One signal: what, how sure, who, why, what next, on the first screen.

use super::layout::{Frame, page};
use super::lists::{due_chip, grade_chip, status_chip, unreadable};
use super::{act, chart, decide, impact, signal_parts as parts};
use crate::access::Visitor;
use crate::api::Shared;
use crate::api::actions::MAX_ACTIONS;
use crate::api::signals::unknown;
use crate::filter::encode;
use crate::problem::Problem;
use crate::roles::Right;
use crate::view::alert::SignalView;
use crate::view::point::Recent;
use crate::view::project;
use crate::words::{self, away, day, parse_time, plain, time};
use auscult_core::time::Timestamp;
use auscult_core::words::{Caveat, Decision};
use auscult_engine::read_model::{ActionFilter, ActionRow, ReadError, ReadModel, SignalDetail};
use axum::extract::{Extension, Path, Query};
use axum::http::Uri;
use maud::{Markup, html};
use serde::Deserialize;

/// What a form's answer tells this page.
#[derive(Deserialize)]
pub(super) struct After {
    recorded: Option<String>,
    #[serde(default)]
    stale: bool,
}

pub(super) async fn show(
    Extension(state): Shared,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(after): Query<After>,
    uri: Uri,
) -> Result<Markup, Problem> {
    let role = visitor.require(Right::ReadSignals)?;
    let may_decide = visitor.may(Right::Decide);
    let asked = id.clone();
    let (found, around) = state
        .read_page(move |model| whole(model, &asked, may_decide))
        .await?;
    let Whole {
        detail,
        actions,
        beside,
    } = found.ok_or_else(|| unknown(&id))?;
    let detail = project::detail(role, detail)?.ok_or_else(|| unknown(&id))?;
    let (actions, _) = impact::readable(&visitor, actions)?;
    let frame = Frame::new(&state, &visitor, uri.path(), "/signals", &around);
    Ok(match SignalView::read(&detail.current) {
        Ok(signal) => page(
            &frame,
            &signal.alert.name(),
            &body(
                &visitor,
                &signal,
                &detail,
                &after,
                &act::section(&visitor, &signal, &actions, &beside, around.now),
                around.now,
            ),
        ),
        Err(error) => page(&frame, "A record that cannot be read", &unreadable(&error)),
    })
}

/// What the page shows of a signal.
pub(super) struct Whole {
    pub(super) detail: SignalDetail,
    actions: Vec<ActionRow>,
    /// Points of the same bucket, which its series can be compared with: its own first.
    pub(super) beside: Vec<String>,
}

/// A signal, what is done about it, and, for who may act on it, what its series can be compared with.
pub(super) fn whole(
    model: &dyn ReadModel,
    id: &str,
    may_decide: bool,
) -> Result<Option<Whole>, ReadError> {
    #[derive(Deserialize)]
    struct OfSeries {
        series: Series,
    }
    #[derive(Deserialize)]
    struct Series {
        id: String,
    }
    let Some(detail) = model.signal(id)? else {
        return Ok(None);
    };
    let actions = model.actions(&ActionFilter {
        signal_id: Some(id.to_owned()),
        limit: MAX_ACTIONS,
        ..ActionFilter::default()
    })?;
    let beside = match serde_json::from_str::<OfSeries>(&detail.current.data) {
        Ok(alert) if may_decide => {
            model.points_beside(&detail.portfolio, &alert.series.id, act::MOST_LOOKED_AT)?
        }
        // Nobody chooses; or the page says that the alert cannot be read.
        _ => Vec::new(),
    };
    Ok(Some(Whole {
        detail,
        actions,
        beside,
    }))
}

fn body(
    visitor: &Visitor,
    signal: &SignalView,
    detail: &SignalDetail,
    after: &After,
    acts: &Markup,
    now: Timestamp,
) -> Markup {
    let alert = &signal.alert;
    let last_is_partial = alert
        .caveats
        .iter()
        .any(|caveat| caveat == Caveat::PartialBucket.as_str());
    let recent = Recent::of(&detail.points, last_is_partial, now);
    html! {
        (notice(after))
        p.banner { strong { "Listening signal, not a safety signal." } " It says what people talk about; it says nothing about causes or risks of a medicine." }
        article.signal aria-labelledby="title" {
            header data-live="head" {
                h1 #title { (alert.name()) }
                p.lead { (alert.why) }
                ul.chips aria-label="At a glance" {
                    (status_chip(alert))
                    li { (words::kind(&alert.kind)) }
                    (grade_chip(&alert.evidence.grade))
                    (due_chip(signal, now))
                    @if let Some(first) = parse_time(&alert.first_raised_at) { li { "raised " (away(first, now)) } }
                    li { "revision " (alert.revision) }
                }
            }
            div.answers {
                section.what aria-labelledby="what" {
                    h2.quiet #what { "What changed" }
                    p.headline { strong { (alert.change()) } " " (words::measure(&alert.series.measure)) }
                    p { (window(signal)) @if let Some(band) = alert.band() { " · " (band) } }
                    @if alert.is_proposal() { (parts::proposal(alert)) } @else { (chart::figure(&recent, alert)) }
                }
                div.side {
                    div.pair data-live="sure-next" { (parts::how_sure(alert)) (parts::next(alert, now)) }
                    @if visitor.may(Right::Decide) { (decide::bar(signal)) }
                }
                div.pair.below data-live="who-why" { (parts::who(alert)) (parts::why(alert)) }
            }
            (acts)
            (parts::quotes(alert, visitor.may(Right::ReadText)))
            @if !alert.is_proposal() { (chart::table(&recent, &alert.series.measure)) }
            (parts::history(detail, visitor.may(Right::ReadText)))
            (parts::method(alert))
            p.links {
                a href={ "/v1/signals/" (encode(&alert.signal_id)) } { "This signal as JSON" }
                @if !alert.is_proposal() { " · " a href={ "/v1/signals/" (encode(&alert.signal_id)) "/points" } { "Its points as JSON" } }
            }
        }
    }
}

fn window(signal: &SignalView) -> Markup {
    let window = &signal.alert.window;
    let length = match window.bucket.as_str() {
        "PT1H" => "hourly periods",
        "P1D" => "daily periods",
        "P1W" => "weekly periods",
        "P1M" => "monthly periods",
        _ => "",
    };
    html! {
        @if let (Some(start), Some(end)) = (parse_time(&window.start), parse_time(&window.end)) {
            (day(start)) " to " (day(end)) @if !length.is_empty() { ", " (length) } " · "
        }
        "as of " (time(signal.as_of))
        @if let Some(exposure) = &signal.alert.exposure { @if let Some(n) = exposure.n {
            " · n = " (words::number(n)) " " (plain(&exposure.unit).to_lowercase())
            @if let Some(usual) = exposure.usual { " (usually " (words::number(usual)) ")" }
        } }
    }
}

fn notice(after: &After) -> Markup {
    let Some(decision) = after.recorded.as_deref().and_then(Decision::parse) else {
        return html! {};
    };
    html! {
        div.notice role="status" {
            p { strong { "✓ Recorded: " (words::decision(decision.as_str())) "." }
                " The log has it; it shows in the history below as soon as the detector has read it. To change your mind, answer again: the last answer counts. " a href="/signals" { "Back to the list" } }
            @if after.stale { p { strong { "▲ The signal had moved on" } " since you opened the page: your answer is marked as given on an older revision." } }
        }
    }
}
