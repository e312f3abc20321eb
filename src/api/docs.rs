//! `/docs`: the description as pages, by Swagger UI, which lies in the program.

use std::sync::{Arc, LazyLock};

use axum::extract::Path;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use utoipa_swagger_ui::Config;

use super::problem::{Kind, Problem};

/// The pages run their own scripts, ask this service alone, and are shown in no other page.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Relative addresses, for a proxy that serves this under a path of its own; and no validator on the internet.
static CONFIG: LazyLock<Arc<Config<'static>>> =
    LazyLock::new(|| Arc::new(Config::from("../openapi.json").validator_url("none")));

/// To where the pages' relative addresses are right.
pub(super) async fn enter() -> Redirect {
    Redirect::permanent("docs/")
}

/// The first page.
pub(super) async fn index() -> Result<Response, Problem> {
    file("index.html")
}

/// What the pages are made of.
pub(super) async fn asset(Path(name): Path<String>) -> Result<Response, Problem> {
    file(&name)
}

fn file(name: &str) -> Result<Response, Problem> {
    let found = utoipa_swagger_ui::serve(name, Arc::clone(&CONFIG)).map_err(|error| {
        tracing::error!(%error, "The API description at /docs cannot be served");
        Problem::internal()
    })?;
    let file =
        found.ok_or_else(|| Problem::new(Kind::NotFound, "the description has no such page; it begins at /docs"))?;
    let media_type = HeaderValue::try_from(file.content_type).map_err(|_| Problem::internal())?;
    let headers = [(CONTENT_TYPE, media_type), (CONTENT_SECURITY_POLICY, POLICY)];
    Ok((headers, file.bytes.into_owned()).into_response())
}
