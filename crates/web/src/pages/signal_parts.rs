//! The parts of a signal's page beside the chart.

use crate::view::alert::{AlertView, DispositionView, SignalView};
use crate::words::{self, away, day, decision, number, parse_time, percent, plain, time};
use auscult_core::time::Timestamp;
use auscult_engine::read_model::SignalDetail;
use maud::{Markup, html};

/// Most quotes shown.
const MAX_QUOTES: usize = 7;
/// Most revisions listed; the JSON has all.
const MAX_REVISIONS: usize = 50;

/// Grade with the figures it rests on, and every caveat.
pub(super) fn how_sure(alert: &AlertView) -> Markup {
    let evidence = &alert.evidence;
    html! {
        section.card aria-labelledby="sure" {
            h2 #sure { "How sure" }
            p { strong { (words::grade(&evidence.grade)) } }
            ul.plain {
                @if let (Some(items), Some(people)) = (evidence.items, &evidence.people) {
                    li { (number(items as f64)) " items from " (people) " people over " (evidence.channels.map_or_else(|| "an unknown number of channels".to_owned(), |channels| words::counted(channels, "channel", "channels"))) }
                }
                @if evidence.copies > 0 {
                    li { (words::counted(evidence.copies, "item repeats", "items repeat")) " another’s words (a repost, a row of one incident): counted once" }
                }
                @if let Some(share) = evidence.top_person_share { li { "the loudest person wrote " (percent(share)) } }
                @if let Some(effective) = evidence.effective_n { li { "worth " (number(effective)) " independent voices" } }
            }
            @for caveat in &alert.caveats {
                p.caveat { span aria-hidden="true" { "◆ " } strong { (plain(caveat)) ". " } (words::caveat(caveat)) }
            }
            @if alert.caveats.is_empty() { p { "No caveat is on record." } }
        }
    }
}

/// Who and where.
pub(super) fn who(alert: &AlertView) -> Markup {
    html! {
        section.card aria-labelledby="who" {
            h2 #who { "Who" }
            ul.chips { @for (name, value) in &alert.series.dims { li { (plain(name)) ": " strong { (value) } } } }
            @if let Some(share) = alert.evidence.expert_share { p { "Experts wrote " (percent(share)) " of it." } }
            @if let Some(view) = alert.expert_view {
                p { "Share among experts " (percent(view.expert)) ", in the community " (percent(view.community)) " (probability that they differ: " (percent(view.prob_differs)) ")." }
            }
        }
    }
}

/// In place of a chart: the words of a proposed theme, ready for the taxonomy.
pub(super) fn proposal(alert: &AlertView) -> Markup {
    html! {
        div.chart data-live="chart" {
            p { "A theme nobody counts yet: there is no history to draw. Its words rose against their own past." }
            @for item in &alert.context {
                p { (match item.kind.as_str() {
                    "taxonomy_accepted" => "Accepted. Write this into the taxonomy, and it is counted from then on:",
                    _ => "If you confirm it, this is what to write into the taxonomy:",
                }) }
                pre { code { (item.label) } }
            }
        }
    }
}

/// Drivers with their share of the excess, and what else happened then.
pub(super) fn why(alert: &AlertView) -> Markup {
    if alert.is_proposal() {
        return html! {
            section.card aria-labelledby="why" {
                h2 #why { "Why" }
                p { "People began to use these words together who did not before. Nothing is said about how they feel or what caused it: read the quotes." }
            }
        };
    }
    html! {
        section.card aria-labelledby="why" {
            h2 #why { "Why" }
            @if alert.drivers.is_empty() { p { "No slice stands out: the change is spread evenly." } }
            @else {
                table.drivers {
                    caption { "Share of the change, by slice" }
                    thead.quiet { tr { th scope="col" { "Slice" } th scope="col" { "Share" } th scope="col" { "Bar" } } }
                    tbody {
                        @for driver in &alert.drivers {
                            tr {
                                th scope="row" { (plain(&driver.dim)) ": " (driver.value) }
                                td.number { (percent(driver.share)) }
                                td.bar aria-hidden="true" { (bar(driver.share)) }
                            }
                        }
                    }
                }
            }
            @if !alert.context.is_empty() {
                p { "At the same time:" }
                ul.plain { @for item in &alert.context { li { strong { (item.label) } " (" (plain(&item.kind).to_lowercase())
                    @if let Some(start) = parse_time(&item.start) { ", " (day(start)) } ")" } } }
            }
        }
    }
}

fn bar(share: f64) -> Markup {
    let width = (share.clamp(0.0, 1.0) * 100.0).round();
    html! { svg viewBox="0 0 100 10" preserveAspectRatio="none" focusable="false" { rect.bar-ground width="100" height="10" {} rect.bar-fill width=(width) height="10" {} } }
}

/// Owner, due time and checks.
pub(super) fn next(alert: &AlertView, now: Timestamp) -> Markup {
    html! {
        section.card aria-labelledby="next" {
            h2 #next { "What next" }
            @if alert.suggested_checks.is_empty() { p { "No check is suggested; read the quotes and decide." } }
            @else { ol.plain { @for check in &alert.suggested_checks { li { (check) } } } }
            p {
                "Owner: " strong { (if alert.owner.team.is_empty() { "nobody yet" } else { alert.owner.team.as_str() }) }
                @if let Some(due) = parse_time(&alert.triage_due) { " · triage due " (time(due)) " (" (away(due, now)) ")" }
            }
            @if let Some(playbook) = alert.playbook_url.as_deref().filter(|url| url.starts_with("https://") || url.starts_with("http://")) {
                p { a href=(playbook) rel="noreferrer" { "Playbook" } }
            }
        }
    }
}

/// Redacted quotes, for roles that may read text.
pub(super) fn quotes(alert: &AlertView, may_read: bool) -> Markup {
    if !may_read {
        return html! {};
    }
    html! {
        section aria-labelledby="quotes" data-live="quotes" {
            h2 #quotes { "In their words" }
            @if alert.examples.is_empty() { p { "No quote is on record for this revision." } }
            @else {
                p.hint { "Redacted, chosen for spread of people, sources and feelings." }
                ul.quotes {
                    @for example in alert.examples.iter().take(MAX_QUOTES) {
                        li {
                            blockquote lang=[language(&example.language)] { (example.quote) }
                            p.hint { (stance(&example.stance)) " · " (example.feedback_id) @if !example.language.is_empty() { " · " (example.language) } }
                        }
                    }
                }
            }
        }
    }
}

/// Only what can be a language tag goes into the `lang` attribute.
fn language(code: &str) -> Option<&str> {
    let fits = (2..=8).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphabetic());
    fits.then_some(code)
}

fn stance(stance: &str) -> String {
    match stance {
        "negative" => "− Negative".to_owned(),
        "positive" => "+ Positive".to_owned(),
        "neutral" => "= Neutral".to_owned(),
        other => plain(other),
    }
}

/// Answers and revisions.
pub(super) fn history(detail: &SignalDetail, may_read: bool) -> Markup {
    let answers: Vec<DispositionView> = detail
        .dispositions
        .iter()
        .filter_map(|json| serde_json::from_str(json).ok())
        .collect();
    let unreadable = detail.dispositions.len() - answers.len();
    html! {
        section aria-labelledby="history" data-live="history" {
            h2 #history { "History" }
            @if answers.is_empty() { p { "No answer yet." } }
            @else {
                h3 { "Answers" }
                ul.plain { @for answer in answers.iter().rev() { li { (self::answer(answer, detail.current.revision, may_read)) } } }
            }
            @if unreadable > 0 { p.caveat { (unreadable) " answers cannot be read; rebuild the read model from the topics." } }
            h3 { "Revisions" }
            div.scroll tabindex="0" role="region" aria-label="Revisions" {
                table {
                    thead { tr { th scope="col" { "Revision" } th scope="col" { "As of" } th scope="col" { "Status" } th scope="col" { "Because" } th scope="col" { "Change" } th scope="col" { "Score" } } }
                    tbody {
                        @for row in detail.revisions.iter().rev().take(MAX_REVISIONS) {
                            @match SignalView::read(row) {
                                Ok(signal) => tr {
                                    th scope="row" { (row.revision) }
                                    td { (time(row.as_of)) }
                                    td { (plain(&row.status)) }
                                    td { (plain(&signal.alert.status_reason)) }
                                    td { (signal.alert.change()) }
                                    td.number { (signal.alert.score.current.map(number).unwrap_or_default()) }
                                },
                                Err(error) => tr { th scope="row" { (row.revision) } td colspan="5" { (error.to_string()) } },
                            }
                        }
                    }
                }
            }
            @if detail.revisions.len() > MAX_REVISIONS { p { (detail.revisions.len() - MAX_REVISIONS) " older revisions are in the JSON." } }
        }
    }
}

fn answer(answer: &DispositionView, current: u32, may_read: bool) -> Markup {
    html! {
        strong { (decision(&answer.decision)) }
        @if let Some(from) = answer.effective_from.as_deref().and_then(parse_time) { " from " (time(from)) }
        @if !answer.cause.is_empty() { ", cause: " (plain(&answer.cause).to_lowercase()) }
        " · " (answer.actor.reference) " (" (plain(&answer.actor.function).to_lowercase()) ")"
        @if let Some(at) = parse_time(&answer.decided_at) { " · " (time(at)) }
        @if answer.revision_seen < current { " · on revision " (answer.revision_seen) }
        @if may_read && !answer.comment.is_empty() { p.comment { (answer.comment) } }
    }
}

/// How the figures came about, each term with a line of help.
pub(super) fn method(alert: &AlertView) -> Markup {
    html! {
        details.method {
            summary { "How this was computed" }
            dl.facts {
                (fact("Detector", &format!("{} {} ({})", alert.detector.id, alert.detector.version, plain(&alert.detector.method)), "the method that compared this series with what was expected"))
                @if let (Some(from), Some(to)) = (parse_time(&alert.baseline.from), parse_time(&alert.baseline.to)) {
                    div { dt { "Learnt from" } dd { (day(from)) " to " (day(to))
                        @if let Some(points) = alert.baseline.points { ", " (number(points as f64)) " periods" }
                        @if !alert.baseline.season.is_empty() { ", season: " (plain(&alert.baseline.season).to_lowercase()) }
                        span.hint { "the history the expectation rests on" } } }
                }
                @if let Some(score) = alert.score.current {
                    (fact("Score", &match alert.score.initial { Some(initial) => format!("{} (first {})", number(score), number(initial)), None => number(score) }, "0 to 100; how loud, how certain and how large together"))
                }
                @if let Some(p) = alert.p_value { (fact("p-value", &number_small(p), "how often something this unusual would come up by chance if nothing had changed")) }
                @if let Some(q) = alert.q_value { (fact("q-value", &number_small(q), "the same, corrected for the many series compared at once")) }
                @if let Some(count) = alert.expected_false_per_30d { (fact("False signals to expect", &format!("{} in 30 days", number(count)), "over the whole portfolio, at these settings")) }
                @if let Some(effect) = alert.effect.relative { (fact("Relative change", &percent(effect), "difference over expected")) }
                @if let Some(effect) = alert.effect.absolute { (fact("Absolute change", &words::value(&alert.series.measure, effect), "observed less expected")) }
                (fact("Horizon", &plain(&alert.horizon), "whether the change looks short-lived or lasting"))
                (fact("Series", &alert.series.id, "its id in the API"))
                @if !alert.incident_id.is_empty() { (fact("Incident", &alert.incident_id, "groups related signals")) }
            }
        }
    }
}

fn fact(name: &str, value: &str, help: &str) -> Markup {
    html! { div { dt { (name) } dd { (value) span.hint { (help) } } } }
}

/// Small probabilities keep two figures that count.
fn number_small(value: f64) -> String {
    if value > 0.0 && value < 0.001 {
        format!("{value:.1e}")
    } else {
        number(value)
    }
}
