//! The bar of decisions on a signal's page: one press to choose, one to send, words if you like.

use super::{see_other, session::read};
use crate::access::Visitor;
use crate::answers::DispositionInput;
use crate::api::{Shared, signals::record};
use crate::filter::encode;
use crate::problem::Problem;
use crate::roles::Right;
use crate::view::alert::SignalView;
use crate::words::{decision, plain};
use auscult_core::disposition::MAX_COMMENT_BYTES;
use auscult_core::words::{Cause, Decision};
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Extension, Path};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct DecisionForm {
    #[serde(default)]
    decision: String,
    #[serde(default)]
    cause: String,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    effective_from: String,
    revision_seen: Option<u32>,
}

/// The form. Buttons send it on their own; with the module, a digit chooses and Enter sends.
pub(super) fn bar(signal: &SignalView) -> Markup {
    let alert = &signal.alert;
    html! {
        form.decide method="post" action={ "/signals/" (encode(&alert.signal_id)) "/dispositions" } aria-labelledby="decide" {
            h2 #decide { "Your decision" }
            input type="hidden" name="revision_seen" value=(alert.revision);
            div.buttons {
                @for (index, choice) in Decision::ALL.iter().enumerate() {
                    button type="submit" name="decision" value=(choice.as_str()) data-key=(index + 1) aria-keyshortcuts=(index + 1) {
                        (decision(choice.as_str())) " " kbd aria-hidden="true" { (index + 1) }
                    }
                }
            }
            div.more {
                div {
                    label for="cause" { "Cause, if you know it" }
                    select #cause name="cause" {
                        @for cause in causes() { option value=(cause.as_str()) selected[cause == Cause::Unknown] { (plain(cause.as_str())) } }
                    }
                }
                div {
                    label for="comment" { "Comment (optional, no personal data)" }
                    textarea #comment name="comment" rows="1" maxlength=(MAX_COMMENT_BYTES / 4) {}
                }
                div {
                    label for="effective_from" { "New trend from (optional)" }
                    input #effective_from type="date" name="effective_from";
                }
            }
            p.hint.keys { "Keys: " kbd { "1" } "–" kbd { "8" } " choose, " kbd { "Enter" } " sends." }
        }
    }
}

/// "Unknown" first: it is what most people know.
fn causes() -> impl Iterator<Item = Cause> {
    std::iter::once(Cause::Unknown).chain(
        Cause::ALL
            .iter()
            .copied()
            .filter(|cause| *cause != Cause::Unknown),
    )
}

pub(super) async fn dispose(
    Extension(state): Shared,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Result<Form<DecisionForm>, FormRejection>,
) -> Result<Response, Problem> {
    visitor.require(Right::Decide)?;
    let form = read(form)?;
    let input = DispositionInput {
        decision: form.decision,
        cause: Some(form.cause),
        comment: form.comment.trim().to_owned(),
        revision_seen: form.revision_seen,
        effective_from: Some(form.effective_from),
        ..DispositionInput::default()
    };
    let recorded = record(&state, &visitor, &id, &input).await?;
    let stale = if recorded.revision_seen < recorded.current_revision {
        "&stale=true"
    } else {
        ""
    };
    Ok(see_other(
        &format!(
            "/signals/{}?recorded={}{stale}",
            encode(&id),
            encode(&input.decision)
        ),
        None,
    ))
}
