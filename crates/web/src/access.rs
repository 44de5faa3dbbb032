//! Who is asking, and whether the request came from where it claims.
//!
//! Cross-site form posts are refused by what browsers themselves say (`Sec-Fetch-Site`, else `Origin`
//! against `Host`) on top of `SameSite=Strict` cookies. That beat a token in every form: it needs no
//! per-visitor state and no source of chance, and it cannot be forgotten in a form.
//! In demo mode the `Host` header must be a name of this machine, so that a hostile site cannot
//! reach the open port by pointing its own name at 127.0.0.1.

use crate::problem::Problem;
use crate::roles::{Right, Role};
use crate::settings::{CheckedToken, CheckedWebSettings, bearer_hash};
use crate::state::State;
use axum::extract::{Extension, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Cookie that holds the role chosen in demo mode.
pub(crate) const ROLE_COOKIE: &str = "auscult_role";
/// Cookie that holds a hash of the token signed in with.
pub(crate) const SESSION_COOKIE: &str = "auscult_session";
/// Header that chooses the role in demo mode, for scripts.
pub(crate) const ROLE_HEADER: &str = "x-auscult-role";

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Visitor {
    /// `None`: not signed in.
    pub role: Option<Role>,
    /// Reference written into answers.
    pub actor: String,
    /// Whether no token is set on this server.
    pub demo: bool,
}

impl Visitor {
    /// The visitor's role, if it has `right`.
    pub(crate) fn require(&self, right: Right) -> Result<Role, Problem> {
        match self.role {
            None => Err(Problem::not_signed_in(right)),
            Some(role) if role.has(right) => Ok(role),
            Some(role) => Err(Problem::not_allowed(right, role.as_str(), self.demo)),
        }
    }

    /// Whether the visitor has `right`.
    pub(crate) fn may(&self, right: Right) -> bool {
        self.role.is_some_and(|role| role.has(right))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Visitor, Problem> {
        parts.extensions.get::<Visitor>().cloned().ok_or_else(|| {
            Problem::broken(
                "server",
                "A route is not behind the layer that identifies visitors",
            )
        })
    }
}

/// Layer: refuses forged requests, then notes who is asking.
pub(crate) async fn identify(
    Extension(state): Extension<Arc<State>>,
    mut request: Request,
    next: Next,
) -> Response {
    let settings = &state.app.settings;
    if let Err(problem) = check_host(settings, request.headers())
        .and_then(|()| check_origin(request.method(), request.headers()))
    {
        return problem.into_response();
    }
    match visitor(settings, request.headers()) {
        Ok(visitor) => {
            request.extensions_mut().insert(visitor.clone());
            let mut response = next.run(request).await;
            response.extensions_mut().insert(visitor);
            response
        }
        Err(problem) => problem.into_response(),
    }
}

fn visitor(settings: &CheckedWebSettings, headers: &HeaderMap) -> Result<Visitor, Problem> {
    if settings.is_demo() {
        let chosen = text(headers, ROLE_HEADER).or_else(|| cookie(headers, ROLE_COOKIE));
        let role = match chosen {
            None => Role::Analyst,
            Some(word) => Role::parse(word).ok_or_else(|| unknown_role(word))?,
        };
        // Demo mode lets anybody on this machine feed it, whatever role they look in.
        return Ok(Visitor {
            role: Some(role),
            actor: format!("demo_{}", role.as_str()),
            demo: true,
        });
    }
    let token = match text(headers, header::AUTHORIZATION.as_str()) {
        Some(value) => Some(bearer(settings, value)?),
        None => cookie(headers, SESSION_COOKIE).and_then(|value| session(settings, value)),
    };
    Ok(Visitor {
        role: token.map(|token| token.role),
        actor: token.map(|token| token.actor.clone()).unwrap_or_default(),
        demo: false,
    })
}

fn unknown_role(word: &str) -> Problem {
    Problem::bad_request(
        "unknown_role",
        format!("{word:?} is not a role"),
        ROLE_HEADER,
        format!("choose one of {}", Role::names()),
    )
}

fn bearer<'a>(settings: &'a CheckedWebSettings, value: &str) -> Result<&'a CheckedToken, Problem> {
    let scheme_and_token = value
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let hash = scheme_and_token.map(|(_, token)| bearer_hash(token.trim()));
    hash.and_then(|hash| settings.tokens.iter().find(|token| token.bearer == hash))
        .ok_or_else(|| {
            Problem::new(
                StatusCode::UNAUTHORIZED,
                "unknown_token",
                "The token is not known",
                "The Authorization header holds no token of this server",
                "authorization header",
                "send `Authorization: Bearer …` with a token of web.tokens",
            )
        })
}

/// The token behind a session cookie. A cookie of a token since withdrawn means: not signed in.
fn session<'a>(settings: &'a CheckedWebSettings, value: &str) -> Option<&'a CheckedToken> {
    let hash = blake3::Hash::from_hex(value).ok()?;
    settings.tokens.iter().find(|token| token.session == hash)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

fn check_host(settings: &CheckedWebSettings, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(host) = text(headers, header::HOST.as_str()) else {
        return Ok(());
    };
    let name = without_port(host).to_ascii_lowercase();
    let own = ["localhost", "127.0.0.1", "[::1]"].contains(&name.as_str())
        || settings.public_hosts.contains(&name);
    if own || !settings.is_demo() {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "unknown_host",
        "Asked under another name",
        format!("This server does not go by the name {name:?}"),
        "host header",
        "open it as http://localhost, or add the name to web.public_hosts",
    ))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // A bare IPv6 address has colons of its own.
        Some((name, _)) if !name.contains(':') || name.ends_with(']') => name,
        _ => host,
    }
}

fn check_origin(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    // A bearer token is never sent by a browser on its own.
    if reads || headers.contains_key(header::AUTHORIZATION) {
        return Ok(());
    }
    let same = match (
        text(headers, "sec-fetch-site"),
        text(headers, header::ORIGIN.as_str()),
    ) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = text(headers, header::HOST.as_str()).unwrap_or_default();
            origin
                .split_once("://")
                .is_some_and(|(_, place)| place.eq_ignore_ascii_case(host))
        }
        // No browser: a script on purpose.
        (None, None) => true,
    };
    if same {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "cross_site",
        "Sent from another site",
        "The form was sent from a page that is not ours",
        "origin header",
        "open the page on this server and send the form from there",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    axum::http::HeaderName::from_static(name),
                    value.parse().unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn ports_and_ipv6_brackets_are_told_apart() {
        for (host, name) in [
            ("localhost:8080", "localhost"),
            ("localhost", "localhost"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
            ("a.example", "a.example"),
        ] {
            assert_eq!(without_port(host), name);
        }
    }

    #[test]
    fn a_cross_site_post_is_refused_and_a_script_is_not() {
        let post = Method::POST;
        assert!(check_origin(&post, &headers(&[])).is_ok());
        assert!(check_origin(&post, &headers(&[("sec-fetch-site", "same-origin")])).is_ok());
        assert!(check_origin(&post, &headers(&[("sec-fetch-site", "cross-site")])).is_err());
        assert!(check_origin(&post, &headers(&[("sec-fetch-site", "same-site")])).is_err());
        assert!(
            check_origin(
                &post,
                &headers(&[("origin", "http://localhost:1"), ("host", "localhost:1")])
            )
            .is_ok()
        );
        assert!(
            check_origin(
                &post,
                &headers(&[("origin", "http://localhost:2"), ("host", "localhost:1")])
            )
            .is_err()
        );
        assert!(
            check_origin(
                &post,
                &headers(&[("origin", "null"), ("host", "localhost:1")])
            )
            .is_err()
        );
        assert!(check_origin(&Method::GET, &headers(&[("sec-fetch-site", "cross-site")])).is_ok());
    }

    #[test]
    fn cookies_are_found_among_others() {
        let found = headers(&[("cookie", "a=1; auscult_role=safety; b=2")]);
        assert_eq!(cookie(&found, ROLE_COOKIE), Some("safety"));
        assert_eq!(cookie(&found, "role"), None);
    }
}
