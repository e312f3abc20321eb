//! `/docs`: the API's description as one page for people. It is made from `openapi.json`, needs no
//! script, and loads nothing but its own stylesheet.

mod page;
mod schema;
mod text;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{Redirect, Response};
use axum::routing::get;

use super::prepared::{Prepared, Rendered, answer};
use super::problem::Problem;
use super::{AppState, openapi};

/// The page loads its own stylesheet and nothing else, runs no script, and is shown in no other
/// page.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

static PAGE: Rendered = LazyLock::new(|| {
    let page = page::render(&openapi::value()?).into_string();
    Ok(Prepared::new("text/html; charset=utf-8", page))
});

static STYLE: Rendered =
    LazyLock::new(|| Ok(Prepared::new("text/css; charset=utf-8", &include_bytes!("docs/style.css")[..])));

/// The routes of the page and of `openapi.json`.
pub(super) fn routes() -> Router<Arc<AppState>> {
    Router::new()
        .route("/openapi.json", get(openapi::serve))
        .route("/docs", get(enter))
        .route("/docs/", get(index))
        .route("/docs/style.css", get(style))
}

/// `GET /docs`: redirects to `/docs/`, relative to which the page names its stylesheet and
/// `openapi.json`.
async fn enter() -> Redirect {
    Redirect::permanent("docs/")
}

/// `GET /docs/`
async fn index(headers: HeaderMap) -> Result<Response, Problem> {
    let mut response = answer(&PAGE, &headers)?;
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY);
    Ok(response)
}

/// `GET /docs/style.css`
async fn style(headers: HeaderMap) -> Result<Response, Problem> {
    answer(&STYLE, &headers)
}
