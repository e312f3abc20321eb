//! The Checkout endpoint: creates orders.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::create::{self, Created, Target, authenticated};
use crate::faults::Endpoint;
use crate::rules::klarna_faults;
use crate::{Shared, World};

const CHECKOUT: Target = Target { endpoint: Endpoint::Checkout, faults: klarna_faults, create: order };

/// `POST /checkout/v3/orders`
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    create::answer(&shared, &CHECKOUT, &headers, body).await
}

/// `GET /checkout/v3/orders/{id}`: 401 for wrong credentials, otherwise always 404. That suffices to
/// check credentials.
pub(super) async fn read(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> StatusCode {
    if authenticated(&shared, &headers).is_some() { StatusCode::NOT_FOUND } else { StatusCode::UNAUTHORIZED }
}

/// Returns Klarna's answer: the order with the members that Klarna adds.
fn order(shared: &Shared, _: &mut World, id: &str, mut order: Value, now: DateTime<Utc>) -> Created {
    let now = now.to_rfc3339_opts(SecondsFormat::Millis, true);
    order["order_id"] = json!(id);
    order["status"] = json!("checkout_incomplete");
    order["html_snippet"] = json!(format!(
        "<div id=\"klarna-checkout-container\" data-order-id=\"{id}\" style=\"overflow-x: hidden;\"></div>"
    ));
    order["started_at"] = json!(now);
    order["last_modified_at"] = json!(now);
    let location = Some(format!("{}/checkout/v3/orders/{id}", shared.base));
    Created { status: StatusCode::CREATED, location, body: order }
}
