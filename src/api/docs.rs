//! `/docs`: the API's description as one page for people. It is made from `openapi.json`, needs no script, and loads
//! nothing but its own stylesheet.

mod page;
mod schema;
mod text;

use std::sync::LazyLock;

use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::openapi;
use super::problem::Problem;

/// The page loads its own stylesheet and nothing else, runs no script, and is shown in no other page.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Rendered once; the description does not change while the process runs.
static PAGE: LazyLock<Result<String, serde_json::Error>> =
    LazyLock::new(|| openapi::value().map(|document| page::render(&document).into_string()));

/// `GET /docs`: redirects to `/docs/`, relative to which the page names its stylesheet and `openapi.json`.
pub(super) async fn enter() -> Redirect {
    Redirect::permanent("docs/")
}

/// `GET /docs/`
pub(super) async fn index() -> Result<Response, Problem> {
    let page = PAGE.as_ref().map_err(|error| {
        tracing::error!(%error, "The API description at /docs cannot be served");
        Problem::internal()
    })?;
    Ok(([(CONTENT_SECURITY_POLICY, POLICY)], Html(page.as_str())).into_response())
}

/// `GET /docs/style.css`
pub(super) async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"))], include_str!("docs/style.css"))
}
