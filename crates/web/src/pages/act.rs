//! On a signal's page: what is done about it, and the form that says what will be.
//!
//! The form asks beforehand for what is to change and by how much: a result that nobody predicted can be read either way.

use super::layout::{Frame, page};
use super::{impact, see_other, session::read, signal};
use crate::access::Visitor;
use crate::actions::{self, Fields};
use crate::api::Shared;
use crate::filter::encode;
use crate::problem::{FieldProblem, Problem};
use crate::roles::Right;
use crate::state::State;
use crate::view::action::ActionItem;
use crate::view::alert::{AlertView, SignalView};
use crate::view::project;
use crate::words::{measure, plain};
use auscult_core::action::MAX_ACTION_TEXT_BYTES;
use auscult_core::time::Timestamp;
use auscult_core::words::{ActionKind, ComparisonKind, Measure, ValueDimension};
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Extension, Path};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Points looked at for series to compare with.
pub(super) const MOST_LOOKED_AT: u32 = 5_000;
/// Series offered to compare with.
const MOST_OFFERED: usize = 40;

/// A series of the same bucket, as a comparison is chosen by.
#[derive(Debug, Clone, Deserialize)]
struct Beside {
    series_id: String,
    view: String,
    measure: String,
    dims: Map<String, Value>,
    #[serde(default)]
    items: u64,
}

/// Everything of this part of the page. `actions`: those on this signal; `beside`: points of the same bucket, the
/// signal's own first.
pub(super) fn section(
    visitor: &Visitor,
    signal: &SignalView,
    actions: &[ActionItem],
    beside: &[String],
    now: Timestamp,
) -> Markup {
    let alert = &signal.alert;
    html! {
        section aria-labelledby="act" data-live="act" {
            h2 #act { "What is done about it" }
            @if actions.is_empty() { p { "Nothing yet." } }
            @else { (impact::table("Actions on this signal", actions, now)) }
        }
        @if visitor.may(Right::Decide) && !alert.is_proposal() {
            details.method {
                summary { "Act on this signal" }
                (form(alert, &offered(beside), &ActForm::untouched(visitor, alert), &[]))
            }
        }
    }
}

/// Series of the same view and measure that differ in one dimension, those with most items first.
fn offered(beside: &[String]) -> Vec<(String, String)> {
    let mut all = beside
        .iter()
        .filter_map(|json| serde_json::from_str::<Beside>(json).ok());
    let Some(own) = all.next() else {
        return Vec::new();
    };
    let mut alike: Vec<(Beside, String)> = all
        .filter(|other| other.view == own.view && other.measure == own.measure)
        .filter_map(|other| {
            let mut differs = own
                .dims
                .iter()
                .filter(|(name, value)| other.dims.get(*name) != Some(value));
            let (name, _) = differs.next()?;
            let value = other.dims.get(name).and_then(Value::as_str)?;
            let words = format!("{} {}", plain(name).to_lowercase(), value);
            (differs.next().is_none() && !value.is_empty()).then_some((other, words))
        })
        .collect();
    alike.sort_by(|left, right| {
        let order = |one: &(Beside, String)| (std::cmp::Reverse(one.0.items), one.1.clone());
        order(left).cmp(&order(right))
    });
    alike.truncate(MOST_OFFERED);
    alike
        .into_iter()
        .map(|(other, words)| (other.series_id, words))
        .collect()
}

/// The form as it stands in `typed`; fields named in `wrong` are marked.
fn form(
    alert: &AlertView,
    offered: &[(String, String)],
    typed: &ActForm,
    wrong: &[FieldProblem],
) -> Markup {
    let is_measured = alert.series.measure != Measure::MeanRating.as_str();
    let marked = |input: &str| {
        let is_wrong = wrong
            .iter()
            .any(|problem| input_of(&problem.place) == input);
        is_wrong.then_some("true")
    };
    html! {
        form.act method="post" action={ "/signals/" (encode(&alert.signal_id)) "/actions" } {
            p.hint { "An action is started with somebody who answers for it, a day, a reason why it should help, and how much is to change. That is frozen; what came of it is measured from then on and stays visible, good or bad." }
            div.fields {
                div {
                    label for="kind" { "What is done" }
                    select #kind name="kind" {
                        @for kind in ActionKind::ALL { @if *kind != ActionKind::NoAction {
                            option value=(kind.as_str()) selected[typed.kind == kind.as_str()] { (plain(kind.as_str())) }
                        } }
                    }
                }
                div { label for="owner" { "Owner (a reference, no name)" } input #owner name="owner" maxlength="64" value=(typed.owner) autocomplete="off" aria-invalid=[marked("owner")]; }
                div { label for="due" { "Due" } input #due type="date" name="due" value=(typed.due) aria-invalid=[marked("due")]; }
                div.wide { label for="hypothesis" { "Why it should help; for no action, why not (no personal data)" } textarea #hypothesis name="hypothesis" rows="2" maxlength=(MAX_ACTION_TEXT_BYTES / 4) aria-invalid=[marked("hypothesis")] { (typed.hypothesis) } }
                @if is_measured {
                    div {
                        label for="direction" { (plain(measure(&alert.series.measure))) " should go" }
                        select #direction name="direction" {
                            option value="down" selected[typed.direction == "down"] { "down" }
                            option value="up" selected[typed.direction == "up"] { "up" }
                        }
                    }
                    div { label for="expected" { "by how much, in %" } input #expected type="number" name="expected" min="1" max="1000" step="any" value=(typed.expected) aria-invalid=[marked("expected")]; }
                    div { label for="smallest" { "Less than this does not matter, in %" } input #smallest type="number" name="smallest" min="0" max="1000" step="any" value=(typed.smallest) aria-invalid=[marked("smallest")]; }
                    div {
                        label for="comparison" { "Compare with (nothing is done there)" }
                        select #comparison name="comparison" aria-invalid=[marked("comparison")] {
                            option value="" { "nothing" }
                            @for (series_id, words) in offered { option value=(series_id) selected[typed.comparison == *series_id] { (words) } }
                        }
                    }
                    div {
                        label for="value" { "Worth to customers (optional)" }
                        select #value name="value" {
                            option value="" { "not said" }
                            @for word in ValueDimension::ALL { option value=(word.as_str()) selected[typed.value == word.as_str()] { (plain(word.as_str())) } }
                        }
                    }
                }
            }
            @if !is_measured { p.caveat { "No outcome is estimated of mean ratings: an action can be proposed here, and started with another measure over the API." } }
            input type="hidden" name="measure" value=(alert.series.measure);
            input type="hidden" name="series_id" value=(alert.series.id);
            div.buttons {
                @if is_measured { button.primary type="submit" name="state" value="started" { "Start now" } }
                button type="submit" name="state" value="proposed" { "Propose" }
                button type="submit" name="state" value="no_action" { "Decide not to act" }
            }
        }
    }
}

/// The input a field of the contract, or of the form, is typed into.
fn input_of(place: &str) -> &str {
    match place {
        "target" | "target.expected_effect" => "expected",
        "target.smallest_relevant_effect" => "smallest",
        "target.direction" => "direction",
        "comparison.series_id" => "comparison",
        other => other,
    }
}

/// What the page calls it.
fn label_of(place: &str) -> &str {
    match input_of(place) {
        "owner" => "Owner",
        "due" => "Due",
        "hypothesis" => "Why it should help",
        "direction" => "Direction",
        "expected" => "By how much",
        "smallest" => "Less than this does not matter",
        "comparison" => "Compare with",
        other => other,
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ActForm {
    kind: String,
    owner: String,
    due: String,
    hypothesis: String,
    direction: String,
    expected: String,
    smallest: String,
    comparison: String,
    value: String,
    measure: String,
    series_id: String,
    state: String,
}

impl ActForm {
    /// Before anybody typed: a surge should go down.
    fn untouched(visitor: &Visitor, alert: &AlertView) -> ActForm {
        let is_up = alert.observed.unwrap_or_default() > alert.expected.unwrap_or_default();
        ActForm {
            owner: visitor.actor.clone(),
            direction: if is_up { "down" } else { "up" }.to_owned(),
            smallest: "10".to_owned(),
            ..ActForm::default()
        }
    }
}

pub(super) async fn act(
    Extension(state): Shared,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Result<Form<ActForm>, FormRejection>,
) -> Result<Response, Problem> {
    visitor.require(Right::Decide)?;
    let typed = read(form)?;
    let recorded = match fields(&id, &typed).map_err(Problem::invalid) {
        Ok(fields) => actions::record(&state, &visitor, fields).await,
        Err(problem) => Err(problem),
    };
    match recorded {
        Ok(recorded) => Ok(see_other(
            &format!(
                "/actions/{}?recorded={}",
                encode(&recorded.action_id),
                recorded.state
            ),
            None,
        )),
        Err(problem) if !problem.fields.is_empty() => {
            again(&state, &visitor, &id, &typed, problem).await
        }
        Err(problem) => Err(problem),
    }
}

/// The form once more with what was typed, under what is wrong with it: nobody writes a hypothesis twice.
async fn again(
    state: &State,
    visitor: &Visitor,
    id: &str,
    typed: &ActForm,
    problem: Problem,
) -> Result<Response, Problem> {
    let role = visitor.require(Right::ReadSignals)?;
    let asked = id.to_owned();
    let (found, around) = state
        .read_page(move |model| signal::whole(model, &asked, true))
        .await?;
    let Some(found) = found else {
        return Err(problem);
    };
    let Some(detail) = project::detail(role, found.detail)? else {
        return Err(problem);
    };
    let Ok(shown) = SignalView::read(&detail.current) else {
        return Err(problem);
    };
    let path = format!("/signals/{}", encode(id));
    let frame = Frame::new(state, visitor, &path, "/signals", &around);
    let body = html! {
        section aria-labelledby="title" {
            h1 #title { "Not recorded yet" }
            p.lead { "What was typed is still here. To be corrected first:" }
            ul #wrong role="alert" {
                @for field in &problem.fields {
                    li { strong { (label_of(&field.place)) } ": " (field.reason) @if !field.allowed.is_empty() { " (" (field.allowed.join(", ")) ")" } }
                }
            }
            h2 { "Act on " a href=(path) { (shown.alert.name()) } }
            (form(&shown.alert, &offered(&found.beside), typed, &problem.fields))
        }
    };
    Ok((problem.status, page(&frame, "Not recorded yet", &body)).into_response())
}

/// The contract's fields from the form's.
fn fields(signal_id: &str, form: &ActForm) -> Result<Fields, Vec<FieldProblem>> {
    let mut fields = Fields::new();
    let mut put = |key: &str, value: Value| {
        fields.insert(key.to_owned(), value);
    };
    put("signal_ids", json!([signal_id]));
    put("hypothesis", form.hypothesis.trim().into());
    put("owner", form.owner.trim().into());
    if form.state == ActionKind::NoAction.as_str() {
        put("kind", ActionKind::NoAction.as_str().into());
        put("state", "done".into());
        return Ok(fields);
    }
    put("kind", form.kind.as_str().into());
    put("state", form.state.as_str().into());
    put("due", form.due.as_str().into());
    let sign = if form.direction == "down" { -1.0 } else { 1.0 };
    let mut problems = Vec::new();
    let mut share = |place: &str, text: &str| match text.trim() {
        "" => 0.0,
        number => number.parse::<f64>().map_or_else(
            |_| {
                let reason = format!("{number:?} is no number of percent");
                problems.push(FieldProblem::new(place, reason));
                0.0
            },
            |percent| sign * percent / 100.0,
        ),
    };
    let (expected, smallest) = (
        share("expected", &form.expected),
        share("smallest", &form.smallest),
    );
    if !problems.is_empty() {
        return Err(problems);
    }
    if form.measure != Measure::MeanRating.as_str() {
        let mut target = json!({
            "measure": form.measure, "series_id": form.series_id, "direction": form.direction,
            "expected_effect": expected, "smallest_relevant_effect": smallest,
        });
        if !form.value.is_empty() {
            target["value_dimension"] = form.value.as_str().into();
        }
        put("target", target);
    }
    if !form.comparison.is_empty() {
        let kind = ComparisonKind::Segment.as_str();
        put(
            "comparison",
            json!({"kind": kind, "series_id": form.comparison}),
        );
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_series_that_differ_in_one_dimension_are_offered_the_largest_first() {
        let point = |id: &str, view: &str, region: &str, theme: &str, items: u32| {
            json!({"series_id": id, "view": view, "measure": "mentions", "items": items,
                   "dims": {"theme": theme, "region": region}})
            .to_string()
        };
        let beside = [
            point("own", "tr", "south", "cost", 9),
            point("small", "tr", "west", "cost", 1),
            point("large", "tr", "north", "cost", 5),
            point("two", "tr", "north", "supply", 50),
            point("view", "other", "north", "cost", 50),
        ];
        let offered = offered(&beside);
        assert_eq!(
            offered,
            [
                ("large".to_owned(), "region north".to_owned()),
                ("small".to_owned(), "region west".to_owned())
            ]
        );
        assert_eq!(self::offered(&[]), []);
    }

    #[test]
    fn percent_and_direction_become_a_signed_share() {
        let form = ActForm {
            direction: "down".into(),
            expected: "30".into(),
            smallest: "10".into(),
            measure: "mentions".into(),
            state: "started".into(),
            ..ActForm::default()
        };
        let target = &fields("al_1", &form).unwrap()["target"];
        assert_eq!(target["expected_effect"], json!(-0.3));
        assert_eq!(target["smallest_relevant_effect"], json!(-0.1));
        let wrong = ActForm {
            expected: "a lot".into(),
            ..form
        };
        assert_eq!(fields("al_1", &wrong).unwrap_err()[0].place, "expected");
    }
}
