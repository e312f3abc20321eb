//! The Checkout endpoint: creates, reads, updates and aborts orders.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::create::{
    self, Created, READ_ONLY, Shopper, Submitted, Target, answer_later_call, authenticated, later_call,
    refusal, updated,
};
use crate::faults::Endpoint;
use crate::rules::order_faults;
use crate::stats::What;
use crate::{Shared, World};

const CHECKOUT: Target = Target { endpoint: Endpoint::Checkout, faults: order_faults, create: order };

/// How long an order can be paid after its creation or last update.
const GOOD_FOR: TimeDelta = TimeDelta::hours(48);

/// An order of Checkout.
pub(super) struct CheckoutOrder {
    /// The body that the merchant sent, without the access token.
    pub(super) body: Value,
    pub(super) shopper: Shopper,
    phase: Phase,
    started_at: DateTime<Utc>,
    modified_at: DateTime<Utc>,
}

/// What has become of an order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    Paid,
    Aborted,
}

impl CheckoutOrder {
    /// Returns whether the order can still be paid, or is paid. Klarna forgets all others.
    pub(super) fn is_known(&self, now: DateTime<Utc>) -> bool {
        match self.phase {
            Phase::Open => now < self.modified_at + GOOD_FOR,
            Phase::Paid => true,
            Phase::Aborted => false,
        }
    }

    /// Returns whether the shopper has paid.
    pub(super) fn is_paid(&self) -> bool {
        self.phase == Phase::Paid
    }

    /// Returns a member of `merchant_urls` with the order's id in its place.
    pub(super) fn merchant_url(&self, name: &str, id: &str) -> Option<String> {
        Some(self.body["merchant_urls"][name].as_str()?.replace("{checkout.order.id}", id))
    }

    /// Pays the order. Returns `false` if it cannot be paid any more.
    pub(super) fn pay(&mut self, now: DateTime<Utc>) -> bool {
        if self.is_known(now) {
            self.phase = Phase::Paid;
        }
        self.is_paid()
    }

    /// Returns the order with the members that Klarna adds.
    fn shown(&self, base: &str, id: &str) -> Value {
        let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
        let (status, kind) = match self.phase {
            Phase::Open => ("checkout_incomplete", "checkout"),
            Phase::Paid => ("checkout_complete", "confirmation"),
            Phase::Aborted => ("aborted", "checkout"),
        };
        let mut order = self.body.clone();
        order["order_id"] = json!(id);
        order["status"] = json!(status);
        order["html_snippet"] = json!(format!(
            "<div id=\"klarna-{kind}-container\" data-order-id=\"{id}\" style=\"overflow-x: hidden;\">\
             <script src=\"{base}/sandbox/checkout.js\" data-order-id=\"{id}\"></script></div>"
        ));
        order["started_at"] = json!(time(self.started_at));
        order["last_modified_at"] = json!(time(self.modified_at));
        order
    }
}

/// `POST /checkout/v3/orders`
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    create::answer(&shared, &CHECKOUT, &headers, body).await
}

/// `GET /checkout/v3/orders/{id}`: 404 once the order is aborted or cannot be paid any more.
pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if authenticated(&shared, &headers).is_none() {
        return refusal(StatusCode::UNAUTHORIZED, Vec::new());
    }
    answer_later_call(&shared, Endpoint::Checkout, move |shared, world, now| {
        match world.orders.get(&id).filter(|order| order.is_known(now)) {
            Some(order) => Json(order.shown(&shared.base, &id)).into_response(),
            None => refusal(StatusCode::NOT_FOUND, Vec::new()),
        }
    })
    .await
}

/// `POST /checkout/v3/orders/{id}`: replaces the members that are sent.
pub(super) async fn update(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let text = match later_call(&shared, &headers, body) {
        Ok(text) => text,
        Err(refusal) => return *refusal,
    };
    answer_later_call(&shared, Endpoint::Checkout, move |shared, world, now| {
        let order = match open(world, &id, now) {
            Ok(order) => order,
            Err(refusal) => return *refusal,
        };
        match updated(&order.body, &text, order_faults, shared.behaviour().strict) {
            Ok(body) => {
                order.body = body;
                order.modified_at = now;
                let shown = order.shown(&shared.base, &id);
                world.recorder.event(now, None, What::Updated { klarna_id: id });
                Json(shown).into_response()
            }
            Err(faults) => refusal(StatusCode::BAD_REQUEST, faults),
        }
    })
    .await
}

/// `POST /checkout/v3/orders/{id}/abort`
pub(super) async fn abort(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if authenticated(&shared, &headers).is_none() {
        return refusal(StatusCode::UNAUTHORIZED, Vec::new());
    }
    answer_later_call(&shared, Endpoint::Checkout, move |shared, world, now| match open(world, &id, now) {
        Ok(order) => {
            order.phase = Phase::Aborted;
            let shown = order.shown(&shared.base, &id);
            world.recorder.event(now, None, What::Aborted { klarna_id: id });
            Json(shown).into_response()
        }
        Err(refusal) => *refusal,
    })
    .await
}

/// Returns an order that can be changed.
fn open<'w>(
    world: &'w mut World,
    id: &str,
    now: DateTime<Utc>,
) -> Result<&'w mut CheckoutOrder, Box<Response>> {
    let known = world.orders.get_mut(id).filter(|order| order.is_known(now));
    let Some(order) = known else { return Err(Box::new(refusal(StatusCode::NOT_FOUND, Vec::new()))) };
    if order.is_paid() {
        return Err(Box::new(refusal(StatusCode::FORBIDDEN, vec![READ_ONLY.to_owned()])));
    }
    Ok(order)
}

/// Returns Klarna's answer: the order with the members that Klarna adds. The order is kept if the
/// sandbox keeps a record.
fn order(shared: &Shared, world: &mut World, id: &str, submitted: Submitted, now: DateTime<Utc>) -> Created {
    let Submitted { body, shopper } = submitted;
    let order = CheckoutOrder { body, shopper, phase: Phase::Open, started_at: now, modified_at: now };
    let body = order.shown(&shared.base, id);
    if shared.options.record {
        world.orders.insert(id.to_owned(), order);
    }
    let location = Some(format!("{}/checkout/v3/orders/{id}", shared.base));
    Created { status: StatusCode::CREATED, location, body }
}
