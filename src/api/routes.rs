//! The routes of the API, by the scope that their callers need.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{delete, get, post, put};
use tower_http::compression::CompressionLayer;

use super::{
    AppState, access_token, audit_log, breakers, drain, erase, export, orders, outages, pauses, push,
    read_replica, rename, resolve, tokens, users, webhook_endpoint, webhooks,
};

type Routes = Router<Arc<AppState>>;

pub(super) fn read_orders() -> Routes {
    Router::new()
        .route("/v1/orders", get(orders::list).layer(CompressionLayer::new()))
        .route_layer(from_fn(read_replica::or_primary))
        .route("/v1/orders/{id}", get(orders::show))
}

pub(super) fn orders() -> Routes {
    Router::new()
        .route("/v1/orders", post(orders::post))
        .route("/v1/orders/batch", post(orders::batch).layer(CompressionLayer::new()))
        .route("/v1/orders/{id}", put(orders::update))
        .route("/v1/orders/{id}/cancel", post(orders::cancel))
        .route("/v1/orders/{id}/retry", post(orders::retry))
}

pub(super) fn read_tokens() -> Routes {
    let history = get(users::history).layer(CompressionLayer::new());
    Router::new()
        .route("/v1/merchants/{merchant}/users", get(users::list).layer(CompressionLayer::new()))
        .route("/v1/merchants/{merchant}/users/{user}/token/history", history)
        .route_layer(from_fn(read_replica::or_primary))
        .route("/v1/merchants/{merchant}/users/{user}/token", get(tokens::show))
}

pub(super) fn tokens() -> Routes {
    let token = put(tokens::put).delete(tokens::forget);
    Router::new().route("/v1/merchants/{merchant}/users/{user}/token", token)
}

pub(super) fn vending() -> Routes {
    Router::new().route("/v1/merchants/{merchant}/users/{user}/access-token", post(access_token::vend))
}

/// Those that change orders and tokens of a user.
pub(super) fn whole_users() -> Routes {
    Router::new()
        .route("/v1/merchants/{merchant}/users/{user}", delete(erase::erase))
        .route("/v1/merchants/{merchant}/users/{user}/rename", post(rename::rename))
}

/// Those that read orders and tokens of a user.
pub(super) fn exports() -> Routes {
    Router::new()
        .route("/v1/merchants/{merchant}/users/{user}/export", get(export::export))
        .route_layer(from_fn(read_replica::or_primary))
}

pub(super) fn ops() -> Routes {
    Router::new()
        .route("/v1/orders/retry", post(orders::retry_many))
        .route("/v1/orders/cancel", post(orders::cancel_many))
        .route("/v1/orders/retry-follow-ups", post(orders::retry_follow_ups))
        .route("/v1/webhooks/resend", post(webhooks::resend))
        .route("/v1/merchants/{merchant}/webhook/test", post(webhook_endpoint::test))
        .route("/v1/ops/pauses", post(pauses::pause).delete(pauses::resume))
        .route("/v1/ops/breakers/probe", post(breakers::probe))
        .route("/v1/ops/drain", post(drain::drain))
        .route("/v1/merchants/{merchant}/users/{user}/token/resolve", post(resolve::resolve))
}

pub(super) fn read_ops() -> Routes {
    Router::new()
        .route("/v1/ops/pauses", get(pauses::list))
        .route("/v1/ops/outages", get(outages::list))
        .route("/v1/merchants/{merchant}/webhook/answers", get(webhook_endpoint::answers))
}

pub(super) fn audit_log() -> Routes {
    Router::new()
        .route("/v1/audit", get(audit_log::list).layer(CompressionLayer::new()))
        .route_layer(from_fn(read_replica::or_primary))
}

/// Those that Klarna calls, with the secret of the merchant's address instead of a key.
pub(super) fn pushes() -> Routes {
    Router::new().route("/v1/push/{merchant}/{secret}", post(push::push))
}
