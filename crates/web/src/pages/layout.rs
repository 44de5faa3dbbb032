//! The frame of every page: landmarks, skip link, menu by role, role switch, freshness.

use super::assets::VERSION;
use super::freshness::Freshness;
use crate::access::Visitor;
use crate::roles::{Right, Role};
use crate::state::{State, Surroundings};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// What the frame of a page shows.
pub(super) struct Frame<'a> {
    pub visitor: &'a Visitor,
    /// Path and query of this page, to come back to.
    pub here: &'a str,
    /// Which menu entry this is.
    pub active: &'static str,
    /// `None`: the read model could not be asked.
    pub freshness: Option<Freshness>,
    /// Which updates concern this page.
    pub listens: &'static str,
}

impl<'a> Frame<'a> {
    pub(super) fn new(
        state: &State,
        visitor: &'a Visitor,
        here: &'a str,
        active: &'static str,
        around: &Surroundings,
    ) -> Frame<'a> {
        let freshness = Some(Freshness::of(
            around,
            state.app.settings.behind_after_milliseconds,
        ));
        let listens = match active {
            "/safety" => "safety",
            "/requests" => "requests",
            "/ops" => "operations",
            "/signals" => "signals actions",
            "/impact" => "actions",
            _ => "signals actions safety requests operations",
        };
        Frame {
            visitor,
            here,
            active,
            freshness,
            listens,
        }
    }
}

/// Menu entries with the right each needs.
const MENU: [(&str, &str, Right); 6] = [
    ("/", "Home", Right::Pages),
    ("/signals", "Signals", Right::ReadSignals),
    ("/impact", "Impact", Right::ReadSignals),
    ("/requests", "Medical requests", Right::MedicalRequests),
    ("/safety", "Safety desk", Right::Safety),
    ("/ops", "Operations", Right::Operations),
];

/// A whole page around `body`.
pub(super) fn page(frame: &Frame<'_>, title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Auscult" }
                link rel="icon" href={ "/assets/icon.svg?v=" (*VERSION) } type="image/svg+xml";
                link rel="stylesheet" href={ "/assets/auscult.css?v=" (*VERSION) };
                script type="module" src={ "/assets/auscult.js?v=" (*VERSION) } {}
            }
            body data-listens=[frame.visitor.may(Right::Pages).then_some(frame.listens)] {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href="/" { (LOGO) span { "Auscult" } }
                    @if let Some(freshness) = &frame.freshness { (freshness.badge()) }
                    @else { p.freshness data-level="no_data" { strong { "○ Freshness not known here" } } }
                    (who(frame))
                }
                div.frame {
                    @if frame.visitor.may(Right::Pages) { (menu(frame)) }
                    main #main tabindex="-1" { (body) }
                }
                footer {
                    p { "Auscult finds listening signals in feedback. All times are UTC." }
                    @if frame.visitor.may(Right::Pages) {
                        p { a href="/v1/openapi.json" { "API description (OpenAPI)" } }
                    }
                }
                p #live-status .quiet role="status" {}
            }
        }
    }
}

fn menu(frame: &Frame<'_>) -> Markup {
    html! {
        nav.menu aria-label="Pages" {
            ul {
                @for (path, name, right) in MENU {
                    @if frame.visitor.may(right) {
                        li { a href=(path) aria-current=[(path == frame.active).then_some("page")] { (name) } }
                    }
                }
            }
        }
    }
}

fn who(frame: &Frame<'_>) -> Markup {
    let Some(role) = frame.visitor.role else {
        return html! {};
    };
    if !frame.visitor.demo {
        return html! {
            form.who method="post" action="/sign-out" {
                span { (role.title()) " · " (frame.visitor.actor) }
                button type="submit" { "Sign out" }
            }
        };
    }
    html! {
        form.who method="post" action="/role" {
            input type="hidden" name="next" value=(frame.here);
            label for="role" { strong.demo { "Demo mode" } " look as" }
            select #role name="role" {
                @for choice in Role::PEOPLE {
                    option value=(choice.as_str()) selected[choice == role] { (choice.title()) }
                }
            }
            button type="submit" { "Switch" }
        }
    }
}

/// Three waves heard by one ear.
const LOGO: PreEscaped<&str> = PreEscaped(
    r#"<svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false"><rect class="logo-ground" width="32" height="32" rx="7"/><path class="logo-line" d="M4 17h5l3-8 5 15 4-11 2 4h5" fill="none" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"/></svg>"#,
);
