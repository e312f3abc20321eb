//! Klarna Payments: creates, reads and updates sessions (`/payments/v1/sessions`). `authorizations`
//! places the orders.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::create::{
    self, Created, READ_ONLY, Shopper, Submitted, Target, answer_later_call, authenticated, later_call,
    refusal, updated,
};
use crate::faults::Endpoint;
use crate::rules::session_faults;
use crate::stats::What;
use crate::{Shared, World};

const PAYMENTS: Target = Target { endpoint: Endpoint::Payments, faults: session_faults, create: session };

/// How long a session is valid after its creation or last update.
const GOOD_FOR: TimeDelta = TimeDelta::hours(48);

/// A session of Klarna Payments.
pub(super) struct Session {
    pub(super) client_token: String,
    /// The body that the merchant sent, without the access token.
    pub(super) order: Value,
    pub(super) shopper: Shopper,
    expires_at: DateTime<Utc>,
    /// Whether an order was placed with it.
    pub(super) complete: bool,
}

impl Session {
    /// Returns whether an order can still be placed with it.
    pub(super) fn is_open(&self, now: DateTime<Utc>) -> bool {
        !self.complete && now < self.expires_at
    }
}

/// `POST /payments/v1/sessions`
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    create::answer(&shared, &PAYMENTS, &headers, body).await
}

/// `GET /payments/v1/sessions/{id}`
pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if authenticated(&shared, &headers).is_none() {
        return refusal(StatusCode::UNAUTHORIZED, Vec::new());
    }
    answer_later_call(&shared, Endpoint::Payments, move |_, world, now| {
        let Some(session) = world.sessions.get(&id).filter(|session| now < session.expires_at) else {
            return refusal(StatusCode::NOT_FOUND, Vec::new());
        };
        let mut read = session.order.clone();
        read["status"] = json!(if session.complete { "complete" } else { "incomplete" });
        read["client_token"] = json!(session.client_token);
        read["payment_method_categories"] = categories();
        read["expires_at"] = json!(session.expires_at.to_rfc3339_opts(SecondsFormat::Millis, true));
        Json(read).into_response()
    })
    .await
}

/// `POST /payments/v1/sessions/{id}`: replaces the members that are sent.
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
    answer_later_call(&shared, Endpoint::Payments, move |shared, world, now| {
        let Some(session) = world.sessions.get_mut(&id).filter(|session| now < session.expires_at) else {
            return refusal(StatusCode::NOT_FOUND, Vec::new());
        };
        if session.complete {
            return refusal(StatusCode::FORBIDDEN, vec![READ_ONLY.to_owned()]);
        }
        match updated(&session.order, &text, session_faults, shared.behaviour().strict) {
            Ok(order) => {
                session.order = order;
                session.expires_at = now + GOOD_FOR;
                world.recorder.event(now, None, What::Updated { klarna_id: id });
                StatusCode::NO_CONTENT.into_response()
            }
            Err(faults) => refusal(StatusCode::BAD_REQUEST, faults),
        }
    })
    .await
}

fn session(_: &Shared, world: &mut World, id: &str, submitted: Submitted, now: DateTime<Utc>) -> Created {
    let Submitted { body: order, shopper } = submitted;
    // Three parts like a JWT, because Klarna's client tokens are JWTs.
    let claims = URL_SAFE_NO_PAD.encode(json!({"session_id": id}).to_string());
    let signature = URL_SAFE_NO_PAD.encode(world.grants.random_id().to_be_bytes());
    let client_token = format!("eyJhbGciOiJSUzI1NiJ9.{claims}.{signature}");
    let body =
        json!({"session_id": id, "client_token": client_token, "payment_method_categories": categories()});
    let session = Session { client_token, order, shopper, expires_at: now + GOOD_FOR, complete: false };
    world.sessions.insert(id.to_owned(), session);
    Created { status: StatusCode::OK, location: None, body }
}

fn categories() -> Value {
    let category = |identifier: &str, name: &str| {
        let url =
            |kind: &str| format!("https://x.klarnacdn.net/payment-method/assets/badges/generic/{kind}.svg");
        json!({"identifier": identifier, "name": name,
            "asset_urls": {"standard": url("klarna"), "descriptive": url("klarna")}})
    };
    json!([category("klarna", "Pay with Klarna"), category("pay_later", "Pay later")])
}
