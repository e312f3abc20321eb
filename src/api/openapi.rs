//! Generates the API's description from the code. A test compares it with `openapi.json`.

mod name_format;

use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::response::Response;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use self::name_format::NameFormat;
use super::answers::Open;
use super::prepared::{self, Prepared, Rendered};
use super::problem::{Problem, ProblemDetails};
use super::{
    access_token, audit_log, breakers, drain, erase, export, health, orders, outages, pauses, push, rename,
    resolve, tokens, users, webhook_endpoint, webhooks,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "klarna-order-worker",
        description = "Submits orders to Klarna Checkout, and manages the refresh tokens of Sign in with \
            Klarna.\n\nEvery error is `application/problem+json` (RFC 9457) with a stable `type`. Every \
            answer has an `x-request-id`, which also appears in the logs; a request may send its own."
    ),
    servers((url = "/", description = "The server that this document was read from")),
    paths(
        orders::post,
        orders::batch,
        orders::show,
        orders::list,
        orders::update,
        orders::cancel,
        orders::retry,
        orders::retry_many,
        orders::cancel_many,
        orders::retry_follow_ups,
        webhooks::resend,
        webhook_endpoint::test,
        webhook_endpoint::answers,
        push::push,
        tokens::put,
        tokens::show,
        tokens::forget,
        access_token::vend,
        resolve::resolve,
        erase::erase,
        rename::rename,
        outages::list,
        pauses::list,
        pauses::pause,
        pauses::resume,
        breakers::probe,
        drain::drain,
        audit_log::list,
        export::export,
        users::history,
        users::list,
        health::livez,
        health::readyz,
        health::metrics,
        serve,
    ),
    components(schemas(ProblemDetails)),
    tags(
        (name = "orders", description = "Submit and read orders. Needs a key with the scope `orders:write` \
            or `orders:read`; `orders` is both"),
        (name = "tokens", description = "Register and read refresh tokens, and get access tokens. Needs a \
            key with the scope `tokens:write` or `tokens:read`; `tokens` is both. An access token needs the \
            scope `tokens:vend`"),
        (name = "users", description = "All data of a user. Needs a key with the scopes `orders:write` and \
            `tokens:write`; to export it, `orders:read` and `tokens:read`"),
        (name = "ops", description = "For operators. Needs a key with the scope `ops`"),
        (name = "health", description = "For load balancers and orchestrators, without a key; `/metrics` \
            needs the scope `ops:read`"),
    ),
    security(("api_key" = [])),
    modifiers(&ApiKey, &NameFormat),
)]
struct Document;

/// Returns the API's description (OpenAPI 3.1) as indented JSON, with a line feed at the end.
///
/// # Errors
/// If it cannot be serialised. It consists of strings, so this does not happen.
pub fn document() -> Result<String, serde_json::Error> {
    Document::openapi().to_pretty_json().map(|json| json + "\n")
}

/// The same as a value, for the page at `/docs`.
pub(super) fn value() -> Result<serde_json::Value, serde_json::Error> {
    serde_json::to_value(Document::openapi())
}

/// Get this description.
#[utoipa::path(
    get,
    operation_id = "openapi",
    path = "/openapi.json",
    tag = "health",
    security(()),
    responses((status = 200, description = "The description of this API", body = Object), Open)
)]
pub(super) async fn serve(headers: HeaderMap) -> Result<Response, Problem> {
    prepared::answer(&DOCUMENT, &headers)
}

/// Rendered once; the description does not change while the process runs.
static DOCUMENT: Rendered = LazyLock::new(|| {
    let document = serde_json::to_vec(&Document::openapi())?;
    Ok(Prepared::new("application/json", document))
});

/// The security scheme of API keys.
struct ApiKey;

impl Modify for ApiKey {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
            "A key from the setting `server.api_keys`, or none if the connection's TLS client certificate stands \
                 for one. If the settings have no keys, none is needed",
        ));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("api_key", SecurityScheme::Http(scheme.build()));
    }
}
