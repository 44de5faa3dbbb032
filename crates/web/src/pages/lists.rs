//! Signals as lists show them, on Home and on Signals.

use crate::view::alert::{AlertView, SignalView, Unreadable};
use crate::words::{self, away, parse_time, plain};
use auscult_core::time::Timestamp;
use auscult_engine::read_model::SignalRow;
use maud::{Markup, html};

/// A ranked list; what cannot be read is listed as such, never left out.
pub(super) fn ranked(rows: &[SignalRow], now: Timestamp, start: u32) -> Markup {
    html! {
        ol.ranked start=(start.saturating_add(1)) data-live="ranked" {
            @for row in rows {
                li.row {
                    @match SignalView::read(row) {
                        Ok(signal) => (line(&signal, now)),
                        Err(error) => (unreadable(&error)),
                    }
                }
            }
        }
    }
}

fn line(signal: &SignalView, now: Timestamp) -> Markup {
    let alert = &signal.alert;
    html! {
        article data-status=(alert.status) {
            div.head {
                h3 { a.open href=(link(alert)) { (alert.name()) } }
                p.change { strong { (alert.change()) } span { " " (words::measure(&alert.series.measure)) } }
            }
            p.why { (alert.why) }
            ul.chips aria-label="At a glance" {
                @if alert.status != "firing" { (status_chip(alert)) }
                li { (words::kind(&alert.kind)) }
                (grade_chip(&alert.evidence.grade))
                @if let Some(people) = &alert.evidence.people { li { (people) " people" } }
                @if let Some(first) = parse_time(&alert.first_raised_at) { li { "raised " (away(first, now)) } }
                @if !alert.owner.team.is_empty() { li { "owner " (alert.owner.team) } }
                (due_chip(signal, now))
                @if signal.suppressed { li.muted { "muted: " (alert.suppressed_by.iter().map(|word| plain(word).to_lowercase()).collect::<Vec<_>>().join(", ")) } }
            }
        }
    }
}

/// The page of a signal.
pub(super) fn link(alert: &AlertView) -> String {
    format!("/signals/{}", crate::filter::encode(&alert.signal_id))
}

/// Status with a shape beside the word.
pub(super) fn status_chip(alert: &AlertView) -> Markup {
    let (shape, word) = match alert.status.as_str() {
        "firing" => ("▲", "Firing"),
        "resolved" => ("✓", "Resolved"),
        "retracted" => ("↺", "Retracted"),
        other => ("·", other),
    };
    html! { li.status data-status=(alert.status) { span aria-hidden="true" { (shape) " " } (word) } }
}

/// Grade as filled dots and a word.
pub(super) fn grade_chip(grade: &str) -> Markup {
    let dots = match grade {
        "anecdotal" => "●○○",
        "emerging" => "●●○",
        "corroborated" => "●●●",
        _ => "○○○",
    };
    html! { li.grade data-grade=(grade) title=(words::grade(grade)) { span aria-hidden="true" { (dots) " " } (plain(grade)) } }
}

/// What was decided, or by when somebody should.
pub(super) fn due_chip(signal: &SignalView, now: Timestamp) -> Markup {
    if let Some(disposition) = &signal.disposition {
        return html! { li.answered { span aria-hidden="true" { "✓ " } "answered: " (words::decision(&disposition.decision)) } };
    }
    if signal.alert.status != "firing" {
        return html! { li { "no answer" } };
    }
    match parse_time(&signal.alert.triage_due) {
        Some(due) if due < now => {
            html! { li.overdue { span aria-hidden="true" { "▲ " } "triage was due " (away(due, now)) } }
        }
        Some(due) => html! { li { "triage due " (away(due, now)) } },
        None => html! { li { "not answered yet" } },
    }
}

/// A record that is not what the contract says.
pub(super) fn unreadable(error: &Unreadable) -> Markup {
    html! {
        article.broken {
            h3 { "A record that cannot be read" }
            p { (error.to_string()) ". Rebuild the read model from the topics; if it stays, the writer and this page disagree on the schema." }
        }
    }
}
