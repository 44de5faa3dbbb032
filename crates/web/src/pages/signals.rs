//! Signals: what is new and worth a look?

use super::layout::{Frame, page};
use super::lists::ranked;
use crate::access::Visitor;
use crate::api::{Pairs, Shared};
use crate::filter;
use crate::problem::Problem;
use crate::roles::Right;
use crate::state::Surroundings;
use crate::view::project;
use crate::words::{counted, number, plain};
use auscult_core::words::SignalStatus;
use auscult_engine::read_model::{SignalFilter, SignalRow};
use axum::extract::Extension;
use axum::extract::rejection::QueryRejection;
use axum::http::Uri;
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Signals on one page.
const PAGE: u32 = 25;
/// Labels offered as filters, in this order, if any signal carries them.
const FACETS: [&str; 8] = [
    "brand",
    "product",
    "theme",
    "region",
    "country",
    "setting",
    "stakeholder",
    "severity",
];
/// Values offered per label; a longer list is searched by the API.
const MAX_FACET_VALUES: usize = 50;

#[derive(Deserialize)]
struct Labels {
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

pub(super) async fn show(
    Extension(state): Shared,
    visitor: Visitor,
    uri: Uri,
    pairs: Result<Pairs, QueryRejection>,
) -> Result<Markup, Problem> {
    let role = visitor.require(Right::ReadSignals)?;
    let filter = filter::parse(&crate::api::query(pairs)?, Some(SignalStatus::Firing), PAGE)?;
    let asked = SignalFilter {
        limit: filter.limit.saturating_add(1).min(filter::MAX_LIMIT),
        ..filter.clone()
    };
    let ((mut rows, facets), around) = state
        .read_page(move |model| {
            let all = SignalFilter {
                include_suppressed: true,
                limit: filter::MAX_LIMIT,
                ..SignalFilter::default()
            };
            Ok((model.signals(&asked)?, facets(&model.signals(&all)?)))
        })
        .await?;
    let more = rows.len() > filter.limit as usize;
    rows.truncate(filter.limit as usize);
    let rows = project::rows(role, rows)?;
    let body = html! {
        h1 { "Signals" }
        (counts(&filter, &around))
        (filters(&filter, &facets))
        section aria-labelledby="list" {
            h2.quiet #list { "Ranked list" }
            @if rows.is_empty() { (empty(&filter, &around)) } @else {
                p.hint.keys { kbd { "j" } " next · " kbd { "k" } " previous · " kbd { "Enter" } " open. Ranked by severity, evidence and learnt usefulness." }
                (ranked(&rows, around.now, filter.offset))
            }
            (paging(&filter, more))
        }
    };
    let here = uri
        .path_and_query()
        .map_or("/signals", |path| path.as_str());
    let frame = Frame::new(&state, &visitor, here, "/signals", &around);
    Ok(page(&frame, "Signals", &body))
}

fn facets(rows: &[SignalRow]) -> Vec<(&'static str, Vec<String>)> {
    let mut found: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    // A record that cannot be read shows in the list as such; here it merely offers no choice.
    for labels in rows
        .iter()
        .filter_map(|row| serde_json::from_str::<Labels>(&row.data).ok())
    {
        for facet in FACETS {
            if let Some(value) = labels.labels.get(facet) {
                found.entry(facet).or_default().insert(value.clone());
            }
        }
    }
    FACETS
        .iter()
        .filter_map(|facet| {
            found
                .remove(facet)
                .map(|values| (*facet, values.into_iter().take(MAX_FACET_VALUES).collect()))
        })
        .collect()
}

fn counts(filter: &SignalFilter, around: &Surroundings) -> Markup {
    let overview = &around.overview;
    html! {
        p.counts data-live="counts" {
            strong { (counted(overview.firing, "signal", "signals")) " firing" }
            ", " (number(overview.untriaged as f64)) " without an answer. "
            @if overview.muted > 0 {
                (number(overview.muted as f64)) " more muted (attention budget, young series or backfill: listed, nobody notified). "
                @if filter.include_suppressed { "They are shown below." }
                @else {
                    @let shown = SignalFilter { include_suppressed: true, ..filter.clone() };
                    a href={ "/signals?" (filter::query(&shown, 0)) } { "Show muted too" }
                }
            } @else { "None is muted." }
        }
    }
}

fn filters(filter: &SignalFilter, facets: &[(&'static str, Vec<String>)]) -> Markup {
    let status = filter.status.as_deref().unwrap_or("all");
    let chosen = |facet: &str| {
        filter
            .labels
            .iter()
            .find(|(key, _)| key == facet)
            .map(|(_, value)| value.as_str())
    };
    html! {
        form.filters method="get" action="/signals" role="search" aria-label="Filter signals" {
            div {
                label for="status" { "Status" }
                select #status name="status" {
                    @for word in ["firing", "resolved", "retracted", "all"] { option value=(word) selected[word == status] { (plain(word)) } }
                }
            }
            @for (facet, values) in facets {
                div {
                    label for={ "facet-" (facet) } { (plain(facet)) }
                    select id={ "facet-" (facet) } name=(facet) {
                        option value="" { "Any" }
                        @for value in values { option value=(value) selected[chosen(facet) == Some(value.as_str())] { (value) } }
                    }
                }
            }
            div {
                label for="suppressed" { "Muted" }
                select #suppressed name="suppressed" {
                    option value="exclude" { "Hide" }
                    option value="include" selected[filter.include_suppressed] { "Show" }
                }
            }
            div.actions { button type="submit" { "Filter" } a href="/signals" { "Reset" } }
        }
    }
}

fn empty(filter: &SignalFilter, around: &Surroundings) -> Markup {
    let narrowed = !filter.labels.is_empty() || filter.offset > 0 || filter.portfolio.is_some();
    html! {
        div.empty {
            @if narrowed {
                p { strong { "No signal fits this filter." } }
                p { a href="/signals?status=all&suppressed=include" { "Show everything" } }
            } @else if around.overview.newest_bucket_end.is_none() {
                p { strong { "No signals yet." } " No period has been closed, so nothing could be compared." }
                p { "Next: send feedback to " code { "POST /v1/feedback" } ", or run " code { "auscult demo" } "." }
            } @else {
                p { strong { "No signal in this state." } " Every series lies within what was expected." }
                p { a href="/signals?status=all&suppressed=include" { "Show resolved and muted signals" } }
            }
        }
    }
}

fn paging(filter: &SignalFilter, more: bool) -> Markup {
    html! {
        @if more || filter.offset > 0 {
            nav.paging aria-label="Pages of the list" {
                @if filter.offset > 0 { a rel="prev" href={ "/signals?" (filter::query(filter, filter.offset.saturating_sub(filter.limit))) } { "← Higher ranked" } }
                @if more { a rel="next" href={ "/signals?" (filter::query(filter, filter.offset.saturating_add(filter.limit))) } { "Lower ranked →" } }
            }
        }
    }
}
