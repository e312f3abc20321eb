//! The Checkout endpoint: creates orders, and remembers what each access token was worth.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::SecondsFormat;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Shared;
use crate::faults::{Endpoint, Failure};
use crate::play::{page, play};
use crate::request::{basic_credentials, basic_text};
use crate::rules::klarna_faults;
use crate::state::Access;
use crate::stats::{Recognition, What};

/// Orders must be smaller.
const BODY_LIMIT: usize = 1024 * 1024;

/// What is read of a body before the connection is cut: more than the limit, so that a refusal can
/// be received.
pub(super) const READ_LIMIT: usize = 4 * BODY_LIMIT;

const CORRELATION_ID: HeaderName = HeaderName::from_static("klarna-correlation-id");
const IDEMPOTENCY_KEY: &str = "klarna-idempotency-key";

/// `POST /checkout/v3/orders`
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let begun = Instant::now();
    shared.world().witness.stats.orders.requests += 1;
    let mut answer = answer(&shared, &headers, body).await;
    shared.world().witness.stats.time.checkout.add(begun.elapsed());
    answer.headers_mut().entry(CORRELATION_ID).or_insert_with(|| correlation_header(Uuid::new_v4()));
    answer
}

/// `GET /checkout/v3/orders/{id}`: who asks is looked at, and no order is ever found. Enough for a
/// caller that tries its credentials.
pub(super) async fn read(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> StatusCode {
    if authenticated(&shared, &headers).is_some() { StatusCode::NOT_FOUND } else { StatusCode::UNAUTHORIZED }
}

async fn answer(shared: &Arc<Shared>, headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    let Some(api_user) = authenticated(shared, headers) else {
        return refuse(shared, StatusCode::UNAUTHORIZED, Vec::new());
    };
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return refuse(shared, rejection.status(), Vec::new()),
    };
    if body.len() >= BODY_LIMIT {
        return refuse(shared, StatusCode::PAYLOAD_TOO_LARGE, Vec::new());
    }
    let Ok(text) = String::from_utf8(body.into()) else {
        return refuse(shared, StatusCode::BAD_REQUEST, vec!["Malformed JSON".to_owned()]);
    };
    let order: Value = serde_json::from_str(&text).unwrap_or_default();
    let user = access_token(&order).and_then(|token| {
        let world = shared.world();
        Some(world.grants.access(token, shared.now())?.holder.user)
    });
    note_leaks(shared, &text, user.as_deref());
    let key = headers.get(IDEMPOTENCY_KEY).and_then(|key| key.to_str().ok());
    let key = key.map(|key| (api_user, key.to_owned()));
    let worker = Arc::clone(shared);
    let refusal = |status| refusal(status, Vec::new());
    play(shared, Endpoint::Checkout, user.as_deref(), (), refusal, move |failure| {
        process(&worker, &text, order, key, failure)
    })
    .await
}

/// The API user, where it is known; empty for an API key. A key is sent as it is, without base64:
/// what cannot be read as user name and password counts as one.
fn authenticated(shared: &Shared, headers: &HeaderMap) -> Option<String> {
    if let Some(known) = &shared.options.api_key {
        return (basic_text(headers)? == known.expose_secret()).then(String::new);
    }
    let Some((user, password)) = basic_credentials(headers) else {
        let is_key = shared.options.api_user.is_none() && !basic_text(headers)?.is_empty();
        return is_key.then(String::new);
    };
    let known = shared
        .options
        .api_user
        .as_ref()
        .is_none_or(|(name, secret)| *name == user && secret.expose_secret() == password);
    known.then_some(user)
}

fn access_token(order: &Value) -> Option<&str> {
    order["customer"]["klarna_access_token"].as_str()
}

fn note_leaks(shared: &Shared, text: &str, user: Option<&str>) {
    let mut world = shared.world();
    let number =
        user.and_then(|user| world.profiles.get(user)?["national_identification_number"].as_str().map(str::to_owned));
    let leaks = &mut world.witness.stats.leaks;
    leaks.refresh_token_in_order += u64::from(text.contains("ory_rt_"));
    leaks.national_identification_number_in_order += u64::from(number.is_some_and(|number| text.contains(&number)));
}

/// `None` where the failure keeps the request from being processed.
fn process(
    shared: &Shared,
    text: &str,
    order: Value,
    key: Option<(String, String)>,
    failure: Option<Failure>,
) -> Option<Response> {
    if failure.is_some_and(|failure| !failure.is_processed()) {
        return None;
    }
    let faults = klarna_faults(text, shared.behaviour().strict);
    if !faults.is_empty() {
        return Some(refuse(shared, StatusCode::BAD_REQUEST, faults));
    }
    let key = key.filter(|_| shared.behaviour().honour_idempotency_key);
    let now = shared.now();
    let mut world = shared.world();
    if let Some((location, known)) = key.as_ref().and_then(|key| world.replays.get(key)).cloned() {
        world.witness.stats.orders.replayed += 1;
        return Some(created(&location, known));
    }
    let access = access_token(&order).map(|token| world.grants.access(token, now));
    let recognition = match &access {
        Some(Some(Access { good: true, .. })) => Recognition::Recognised,
        Some(_) => Recognition::NotRecognised,
        None => Recognition::WithoutToken,
    };
    let holder = access.flatten().map(|access| access.holder);
    let order_id = uuid::Builder::from_random_bytes(world.grants.random_id().to_be_bytes()).into_uuid().to_string();
    let reference = order["merchant_reference2"].as_str().map(str::to_owned);
    world.witness.order(reference.as_deref(), recognition);
    let what = What::Order { order_id: order_id.clone(), reference, recognition, fault: failure };
    world.witness.event(now, holder.as_ref(), what);

    let location = format!("{}/checkout/v3/orders/{order_id}", shared.base);
    let order = echo(order, &order_id, &now.to_rfc3339_opts(SecondsFormat::Millis, true));
    if let Some(key) = key {
        world.replays.insert(key, (location.clone(), order.clone()));
    }
    drop(world);
    Some(created(&location, order))
}

/// The order as Klarna gives it back: without the access token, with what Klarna adds.
fn echo(mut order: Value, order_id: &str, now: &str) -> Value {
    if let Some(customer) = order.get_mut("customer").and_then(Value::as_object_mut) {
        customer.remove("klarna_access_token");
    }
    order["order_id"] = json!(order_id);
    order["status"] = json!("checkout_incomplete");
    order["html_snippet"] = json!(format!(
        "<div id=\"klarna-checkout-container\" data-order-id=\"{order_id}\" style=\"overflow-x: hidden;\"></div>"
    ));
    order["started_at"] = json!(now);
    order["last_modified_at"] = json!(now);
    order
}

fn created(location: &str, order: Value) -> Response {
    let mut answer = (StatusCode::CREATED, Json(order)).into_response();
    if let Ok(location) = HeaderValue::from_str(location) {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    answer
}

/// A refusal of the endpoint's own, counted.
fn refuse(shared: &Shared, status: StatusCode, messages: Vec<String>) -> Response {
    *shared.world().witness.stats.orders.refused.entry(status.as_u16()).or_default() += 1;
    refusal(status, messages)
}

/// An error in Klarna's shape; above 499 a page.
fn refusal(status: StatusCode, messages: Vec<String>) -> Response {
    let (code, message) = match status {
        StatusCode::BAD_REQUEST => ("BAD_VALUE", "Bad value"),
        StatusCode::UNAUTHORIZED => ("UNAUTHORIZED", "Wrong or missing credentials"),
        StatusCode::FORBIDDEN => ("ACCESS_DENIED", "The merchant is not activated"),
        StatusCode::PAYLOAD_TOO_LARGE => ("REQUEST_TOO_LARGE", "The body is too large"),
        StatusCode::TOO_MANY_REQUESTS => ("TOO_MANY_REQUESTS", "Too many requests"),
        _ => return page(status),
    };
    let messages = if messages.is_empty() { vec![message.to_owned()] } else { messages };
    let id = Uuid::new_v4();
    let body = json!({"error_code": code, "error_messages": messages, "correlation_id": id});
    let mut answer = (status, Json(body)).into_response();
    answer.headers_mut().insert(CORRELATION_ID, correlation_header(id));
    answer
}

fn correlation_header(id: Uuid) -> HeaderValue {
    HeaderValue::from_str(&id.to_string()).unwrap_or(HeaderValue::from_static("none"))
}
