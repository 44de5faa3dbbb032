//! Problems as pages: what happened, where, and what to do next.

use super::layout::{Frame, page};
use crate::access::Visitor;
use crate::api::is_for_machines;
use crate::filter::encode;
use crate::problem::Problem;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

/// Layer: a problem on a page's path becomes a page; somebody not signed in is asked to.
pub(crate) async fn problems_as_pages(request: Request, next: Next) -> Response {
    let machine = is_for_machines(request.uri().path());
    let here = request
        .uri()
        .path_and_query()
        .map(|path| path.as_str().to_owned())
        .unwrap_or_default();
    let reads = *request.method() == Method::GET;
    let mut response = next.run(request).await;
    let Some(problem) = response
        .extensions_mut()
        .remove::<Problem>()
        .filter(|_| !machine)
    else {
        return response;
    };
    if problem.status == StatusCode::UNAUTHORIZED && reads {
        return super::see_other(&format!("/sign-in?next={}", encode(&here)), None);
    }
    let stranger = Visitor {
        role: None,
        actor: String::new(),
        demo: false,
    };
    let visitor = response
        .extensions_mut()
        .remove::<Visitor>()
        .unwrap_or(stranger);
    let frame = Frame {
        visitor: &visitor,
        here: if reads { &here } else { "/" },
        active: "",
        freshness: None,
        listens: "",
    };
    let mut shown = (problem.status, page(&frame, problem.title, &body(&problem))).into_response();
    if let Some(after) = response
        .headers_mut()
        .remove(axum::http::header::RETRY_AFTER)
    {
        shown
            .headers_mut()
            .insert(axum::http::header::RETRY_AFTER, after);
    }
    shown
}

fn body(problem: &Problem) -> Markup {
    html! {
        section.problem aria-labelledby="problem" {
            p.code { (problem.status.as_u16()) " · " (problem.code) }
            h1 #problem { (problem.title) }
            p.lead { (problem.detail) "." }
            dl.facts {
                div { dt { "Where" } dd { (problem.place) } }
                div { dt { "What to do" } dd { (problem.remedy) } }
            }
            @for field in &problem.fields {
                @if !field.allowed.is_empty() { p { "Allowed for " (field.place) ": " (field.allowed.join(", ")) } }
            }
            p { a.button href="/" { "Back to Home" } }
        }
    }
}
