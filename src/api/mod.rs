//! The HTTP API: its routes, who may use them, and how it is served.
//!
//! A request passes the frame (`frame.rs`: id, span, panics), the guard of its scope (`auth.rs`), and a handler
//! (`orders.rs`, `tokens.rs`, `health.rs`), which does nothing but translate between HTTP and the rooms behind it.
//! Whatever goes wrong is a `Problem` (`problem.rs`). `openapi.json` is written by the code, in `openapi.rs`.

mod auth;
mod erase;
mod extract;
mod frame;
mod health;
mod openapi;
mod orders;
mod problem;
mod serve;
mod tokens;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post, put};

pub use health::{AskBreakers, Breakers, Health, Readiness, WebhookEndpoint};
pub use openapi::document;
pub use orders::{Order, OrderList, OrderRequest};
pub use problem::ProblemDetails;
pub use serve::serve;
pub use tokens::{Token, TokenRequest};

use crate::config::{ApiKey, Merchant, Scope};
use crate::delivery::Waiters;
use crate::intake::Intake;
use crate::store::Store;
use crate::vault::Registry;
use auth::Guard;

/// What the API speaks for.
pub struct Rooms {
    /// Where orders go in.
    pub intake: Intake,
    /// Where refresh tokens go in.
    pub registry: Registry,
    /// Where the ends of orders are waited for.
    pub waiters: Waiters,
    /// Where orders are read.
    pub store: Arc<dyn Store>,
    /// The merchants of the settings, by name.
    pub merchants: Arc<BTreeMap<String, Arc<Merchant>>>,
    /// Who may call; everybody where empty, so let only this machine reach it then.
    pub api_keys: Vec<ApiKey>,
    /// Whether the process takes requests.
    pub ready: Readiness,
    /// What `/readyz?verbose` tells.
    pub breakers: AskBreakers,
}

/// All routes.
pub fn router(mut rooms: Rooms) -> Router {
    let keys: Arc<[Arc<ApiKey>]> = std::mem::take(&mut rooms.api_keys).into_iter().map(Arc::new).collect();
    let guarded = |scope| from_fn_with_state(Guard { keys: Arc::clone(&keys), scope }, auth::guard);
    let orders = Router::new()
        .route("/v1/orders", post(orders::post).get(orders::list))
        .route("/v1/orders/{id}", get(orders::show))
        .route_layer(guarded(Scope::Orders));
    let tokens = Router::new()
        .route("/v1/merchants/{merchant}/users/{user}/token", put(tokens::put).get(tokens::show).delete(tokens::forget))
        .route_layer(guarded(Scope::Tokens));
    // It touches what is guarded by either.
    let erase = Router::new()
        .route("/v1/merchants/{merchant}/users/{user}", delete(erase::erase))
        .route_layer(guarded(Scope::Orders))
        .route_layer(guarded(Scope::Tokens));
    let open = Router::new()
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/openapi.json", get(openapi::serve));
    frame::framed(open.merge(orders).merge(tokens).merge(erase).with_state(Arc::new(rooms)))
}
