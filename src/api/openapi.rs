//! The API's description, made from the code. The copy at `openapi.json` is held to it by a test.

use axum::Json;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::answers::Open;
use super::problem::ProblemDetails;
use super::{erase, health, orders, resolve, tokens, users};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "klarna-order-worker",
        description = "Takes in orders for Klarna Checkout and the refresh tokens of Sign in with Klarna.\n\n\
            Every error is `application/problem+json` (RFC 9457) with a stable `type`. Every answer has an \
            `x-request-id`, the caller's own where it sends one; logs name it."
    ),
    servers((url = "/", description = "Where this document was read")),
    paths(
        orders::post,
        orders::batch,
        orders::show,
        orders::list,
        orders::cancel,
        orders::retry,
        orders::retry_many,
        tokens::put,
        tokens::show,
        tokens::forget,
        resolve::resolve,
        erase::erase,
        users::history,
        users::list,
        health::livez,
        health::readyz,
        health::metrics,
        serve,
    ),
    components(schemas(ProblemDetails)),
    tags(
        (name = "orders", description = "Orders in, results out: keys of the scope `orders`"),
        (name = "tokens", description = "Refresh tokens: keys of the scope `tokens`"),
        (name = "users", description = "All about a user: keys of the scopes `orders` and `tokens`"),
        (name = "ops", description = "For operators: keys of the scope `ops`"),
        (name = "health", description = "For load balancers and orchestrators, without a key; `/metrics` needs one of the scope `ops`"),
    ),
    security(("api_key" = [])),
    modifiers(&ApiKey),
)]
struct Document;

/// The API's description (OpenAPI 3.1), as pretty-printed JSON with a line feed at its end.
///
/// # Errors
/// None that can be thought of: it is made of strings.
pub fn document() -> Result<String, serde_json::Error> {
    Document::openapi().to_pretty_json().map(|json| json + "\n")
}

/// The same as a value, for the page at `/docs`.
pub(super) fn value() -> Result<serde_json::Value, serde_json::Error> {
    serde_json::to_value(Document::openapi())
}

/// This description.
#[utoipa::path(
    get,
    operation_id = "openapi",
    path = "/openapi.json",
    tag = "health",
    security(()),
    responses((status = 200, description = "The description of this API", body = Object), Open)
)]
pub(super) async fn serve() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}

/// How keys are presented.
struct ApiKey;

impl Modify for ApiKey {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A key of the setting `server.api_keys`; none is asked for where there are none"));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("api_key", SecurityScheme::Http(scheme.build()));
    }
}
