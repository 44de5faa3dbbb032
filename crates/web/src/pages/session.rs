//! Choosing a role in demo mode, and signing in and out with a token otherwise.

use super::layout::{Frame, page};
use super::{local_path, see_other};
use crate::access::{ROLE_COOKIE, SESSION_COOKIE, Visitor};
use crate::api::Shared;
use crate::problem::{FieldProblem, Problem};
use crate::roles::Role;
use crate::settings::{CheckedWebSettings, bearer_hash};
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Extension, Query};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

/// How long a session lasts, in seconds: a working day.
const SESSION_SECONDS: u32 = 12 * 60 * 60;

#[derive(Deserialize)]
pub(super) struct RoleForm {
    role: String,
    #[serde(default)]
    next: String,
}

pub(super) async fn choose_role(
    Extension(state): Shared,
    form: Result<Form<RoleForm>, FormRejection>,
) -> Result<Response, Problem> {
    let form = read(form)?;
    let settings = &state.app.settings;
    if !settings.is_demo() {
        return Err(Problem::bad_request(
            "not_demo_mode",
            "Roles come with the token here",
            "/role",
            "sign in with a token of that role",
        ));
    }
    let role = Role::parse(&form.role)
        .filter(|role| Role::PEOPLE.contains(role))
        .ok_or_else(|| {
            Problem::invalid(vec![FieldProblem {
                place: "role".to_owned(),
                reason: format!("{:?} is not in the list", form.role),
                allowed: Role::PEOPLE.map(Role::as_str).to_vec(),
            }])
        })?;
    Ok(see_other(
        local_path(&form.next),
        Some(cookie(
            settings,
            ROLE_COOKIE,
            role.as_str(),
            SESSION_SECONDS,
        )),
    ))
}

#[derive(Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

pub(super) async fn show(
    Extension(state): Shared,
    visitor: Visitor,
    Query(query): Query<Next>,
) -> Result<Markup, Problem> {
    if state.app.settings.is_demo() {
        return Err(Problem::bad_request(
            "demo_mode",
            "No token is set: nobody needs to sign in",
            "/sign-in",
            "switch the role at the top of the page",
        ));
    }
    let frame = Frame {
        visitor: &visitor,
        here: "/",
        active: "",
        freshness: None,
        listens: "",
    };
    Ok(page(
        &frame,
        "Sign in",
        &html! {
            section.problem aria-labelledby="sign-in" {
                h1 #sign-in { "Sign in" }
                p.lead { "Paste the token you were given. It decides which pages open." }
                form.stacked method="post" action="/sign-in" {
                    input type="hidden" name="next" value=(local_path(&query.next));
                    label for="token" { "Token" }
                    input #token type="password" name="token" autocomplete="current-password" required;
                    button.primary type="submit" { "Sign in" }
                }
            }
        },
    ))
}

#[derive(Deserialize)]
pub(super) struct SignIn {
    token: String,
    #[serde(default)]
    next: String,
}

pub(super) async fn sign_in(
    Extension(state): Shared,
    form: Result<Form<SignIn>, FormRejection>,
) -> Result<Response, Problem> {
    let form = read(form)?;
    let settings = &state.app.settings;
    let given = bearer_hash(form.token.trim());
    let token = settings
        .tokens
        .iter()
        .find(|token| token.bearer == given)
        .ok_or_else(|| {
            Problem::new(
                axum::http::StatusCode::FORBIDDEN,
                "unknown_token",
                "The token is not known",
                "The token is not one of this server",
                "token",
                "go back and paste it whole, or ask whoever keeps web.tokens",
            )
        })?;
    Ok(see_other(
        local_path(&form.next),
        Some(cookie(
            settings,
            SESSION_COOKIE,
            &token.session.to_hex(),
            SESSION_SECONDS,
        )),
    ))
}

pub(super) async fn sign_out(Extension(state): Shared) -> Response {
    see_other(
        "/",
        Some(cookie(&state.app.settings, SESSION_COOKIE, "", 0)),
    )
}

fn cookie(settings: &CheckedWebSettings, name: &str, value: &str, seconds: u32) -> String {
    let secure = if settings.behind_tls { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}")
}

/// The fields of a form, or what is wrong with it.
pub(super) fn read<T>(form: Result<Form<T>, FormRejection>) -> Result<T, Problem> {
    form.map(|form| form.0).map_err(|rejection| {
        Problem::new(
            rejection.status(),
            "unreadable_form",
            "The form cannot be read",
            rejection.body_text(),
            "form",
            "go back, reload the page and send it again",
        )
    })
}
