//! The safety desk's table of days: sent = acknowledged, or who is missing.

use crate::words::{counted, day, number};
use auscult_engine::read_model::ReconciledDay;
use maud::{Markup, html};

/// Missing candidates named in one line; the queue and the API name all.
const NAMED: usize = 5;

/// One sentence over all days shown.
pub(super) fn verdict(days: &[ReconciledDay]) -> Markup {
    let outstanding: u64 = days.iter().map(|day| day.outstanding).sum();
    let past_due: u64 = days.iter().map(|day| day.past_due).sum();
    html! {
        @if outstanding == 0 { "✓ Everything handed over is acknowledged." }
        @else if past_due == 0 { (counted(outstanding, "candidate waits", "candidates wait")) " for an acknowledgement, all within their time." }
        @else { strong { "▲ " (counted(past_due, "candidate is", "candidates are")) " past their time" } " of " (number(outstanding as f64)) " not acknowledged." }
    }
}

pub(super) fn table(days: &[ReconciledDay]) -> Markup {
    html! {
        section aria-labelledby="reconciliation" data-live="reconciliation" {
            h2 #reconciliation { "Daily reconciliation" }
            @if days.is_empty() { p { "No candidate in these days, so nothing to reconcile." } }
            @else {
                div.scroll tabindex="0" role="region" aria-label="Table of the daily reconciliation" { table {
                    thead { tr {
                        th scope="col" { "Day of awareness (UTC)" } th scope="col" { "Tenant" } th scope="col" { "Sent" } th scope="col" { "Acknowledged" }
                        th scope="col" { "Of these no case or duplicate" } th scope="col" { "Escalated" } th scope="col" { "Missing" }
                    } }
                    tbody { @for row in days { (line(row)) } }
                } }
            }
            p.hint { "Acknowledged: safety intake has answered in any way. Days without a candidate are left out; older days show while somebody is missing." }
        }
    }
}

fn line(row: &ReconciledDay) -> Markup {
    let state = if row.past_due > 0 { "failed" } else { "ok" };
    html! {
        tr data-state=(state) {
            th scope="row" { (day(row.day)) }
            td { (row.tenant) }
            td.number { (number(row.sent as f64)) }
            td.number { (number(row.acknowledged as f64)) }
            td.number { (number((row.not_a_case + row.duplicate) as f64)) }
            td.number { (number(row.escalated as f64)) }
            td {
                @if row.outstanding == 0 { "✓ none" } @else {
                    @if row.past_due > 0 { strong { "▲ " (number(row.outstanding as f64)) } } @else { "● " (number(row.outstanding as f64)) }
                    ": "
                    @for (at, one) in row.missing.iter().take(NAMED).enumerate() {
                        @if at > 0 { ", " }
                        a href={ "#" (one.candidate_id) } { (one.candidate_id) }
                    }
                    @if row.outstanding as usize > NAMED { " and " (row.outstanding as usize - row.missing.len().min(NAMED)) " more" }
                }
            }
        }
    }
}
