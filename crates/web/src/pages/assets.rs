//! The style sheet, the module and the icon, embedded in the binary: air-gapped sites fetch nothing.

use crate::problem::Problem;
use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use std::sync::LazyLock;

const STYLE: &str = include_str!("../../assets/auscult.css");
const MODULE: &str = include_str!("../../assets/auscult.js");
const ICON: &str = include_str!("../../assets/icon.svg");

/// Changes with the content, so that browsers may keep assets for good.
pub(super) static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = blake3::Hasher::new();
    for content in [STYLE, MODULE, ICON] {
        hasher.update(content.as_bytes());
    }
    hasher.finalize().to_hex()[..12].to_owned()
});

pub(super) async fn asset(Path(name): Path<String>) -> Result<Response, Problem> {
    let (kind, content) = match name.as_str() {
        "auscult.css" => ("text/css; charset=utf-8", STYLE),
        "auscult.js" => ("text/javascript; charset=utf-8", MODULE),
        "icon.svg" => ("image/svg+xml", ICON),
        _ => return Err(Problem::not_found("asset", &name, "reload the page")),
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=31536000, immutable"),
        ),
    ];
    Ok((headers, content).into_response())
}
