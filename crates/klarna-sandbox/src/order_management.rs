//! Order management: reads and acknowledges orders that the shopper has paid in Checkout, or that
//! the shop has placed with Klarna Payments.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::Shared;
use crate::create::{answer_later_call, authenticated, refusal};
use crate::faults::Endpoint;
use crate::stats::What;

/// An order in order management.
pub(super) struct ManagedOrder {
    body: Value,
    /// Whether the merchant has acknowledged it.
    pub(super) acknowledged: bool,
}

impl ManagedOrder {
    /// `body` is that of the order at Checkout or Payments.
    pub(super) fn new(body: Value) -> Self {
        Self { body, acknowledged: false }
    }
}

/// `GET /ordermanagement/v1/orders/{id}`
pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if authenticated(&shared, &headers).is_none() {
        return refusal(StatusCode::UNAUTHORIZED, Vec::new());
    }
    answer_later_call(&shared, Endpoint::Checkout, move |_, world, _| {
        let Some(ManagedOrder { body, .. }) = world.managed.get(&id) else {
            return refusal(StatusCode::NOT_FOUND, Vec::new());
        };
        Json(json!({
            "order_id": id,
            "status": "AUTHORIZED",
            "fraud_status": "ACCEPTED",
            "order_amount": body["order_amount"],
            "purchase_currency": body["purchase_currency"],
            "purchase_country": body["purchase_country"],
            "merchant_reference1": body["merchant_reference1"],
            "merchant_reference2": body["merchant_reference2"],
        }))
        .into_response()
    })
    .await
}

/// `POST /ordermanagement/v1/orders/{id}/acknowledge`
pub(super) async fn acknowledge(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if authenticated(&shared, &headers).is_none() {
        return refusal(StatusCode::UNAUTHORIZED, Vec::new());
    }
    answer_later_call(&shared, Endpoint::Checkout, move |_, world, now| {
        let Some(order) = world.managed.get_mut(&id) else {
            return refusal(StatusCode::NOT_FOUND, Vec::new());
        };
        order.acknowledged = true;
        world.recorder.event(now, None, What::Acknowledged { klarna_id: id });
        StatusCode::NO_CONTENT.into_response()
    })
    .await
}
