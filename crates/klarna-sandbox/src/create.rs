//! What the create calls of all targets have in common: credentials, limits, what an access token was
//! worth, and failures. A [`Target`] is what differs.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::faults::{Endpoint, Failure};
use crate::play::{page, play};
use crate::request::{basic_credentials, basic_text};
use crate::state::Access;
use crate::stats::{Recognition, What};
use crate::{Shared, World};

/// Bodies must be smaller.
const BODY_LIMIT: usize = 1024 * 1024;

/// What is read of a body before the connection is cut: more than the limit, so that a refusal can
/// be received.
pub(super) const READ_LIMIT: usize = 4 * BODY_LIMIT;

const CORRELATION_ID: HeaderName = HeaderName::from_static("klarna-correlation-id");
const IDEMPOTENCY_KEY: &str = "klarna-idempotency-key";

/// What is particular to the create call of one target.
pub(super) struct Target {
    pub(super) endpoint: Endpoint,
    /// What Klarna would say of a body; nothing where it would take it.
    pub(super) faults: fn(&str, strict: bool) -> Vec<String>,
    /// Creates an order or session with this id from a body without its access token.
    pub(super) create: fn(&Shared, &mut World, id: &str, body: Value, now: DateTime<Utc>) -> Created,
}

/// The answer of a create call.
#[derive(Clone)]
pub(super) struct Created {
    pub(super) status: StatusCode,
    pub(super) location: Option<String>,
    pub(super) body: Value,
}

/// Answers a create call.
pub(super) async fn answer(
    shared: &Arc<Shared>,
    target: &'static Target,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let begun = Instant::now();
    shared.world().witness.stats.orders_at(target.endpoint).requests += 1;
    let mut answer = checked(shared, target, headers, body).await;
    shared.world().witness.stats.time.at(target.endpoint).add(begun.elapsed());
    answer.headers_mut().entry(CORRELATION_ID).or_insert_with(|| correlation_header(Uuid::new_v4()));
    answer
}

async fn checked(
    shared: &Arc<Shared>,
    target: &'static Target,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let (api_user, text) = match request(shared, headers, body) {
        Ok(request) => request,
        Err((status, messages)) => return refuse(shared, target.endpoint, status, messages),
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
    let work = move |failure| process(&worker, target, &text, order, key, failure);
    play(shared, target.endpoint, user.as_deref(), (), |status| refusal(status, Vec::new()), work).await
}

/// The API user and the text of a request, or why it goes no further.
pub(super) fn request(
    shared: &Shared,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(String, String), (StatusCode, Vec<String>)> {
    let Some(api_user) = authenticated(shared, headers) else { return Err((StatusCode::UNAUTHORIZED, Vec::new())) };
    let body = body.map_err(|rejection| (rejection.status(), Vec::new()))?;
    if body.len() >= BODY_LIMIT {
        return Err((StatusCode::PAYLOAD_TOO_LARGE, Vec::new()));
    }
    let text = String::from_utf8(body.into());
    let text = text.map_err(|_| (StatusCode::BAD_REQUEST, vec!["Malformed JSON".to_owned()]))?;
    Ok((api_user, text))
}

/// The API user, where it is known; empty for an API key. A key is sent as it is, without base64:
/// what cannot be read as user name and password counts as one.
pub(super) fn authenticated(shared: &Shared, headers: &HeaderMap) -> Option<String> {
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

/// Takes the access token out of a body: Klarna never gives it back.
pub(super) fn without_access_token(mut body: Value) -> Value {
    if let Some(customer) = body.get_mut("customer").and_then(Value::as_object_mut) {
        customer.remove("klarna_access_token");
    }
    body
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
    target: &Target,
    text: &str,
    order: Value,
    key: Option<(String, String)>,
    failure: Option<Failure>,
) -> Option<Response> {
    if failure.is_some_and(|failure| !failure.is_processed()) {
        return None;
    }
    let faults = (target.faults)(text, shared.behaviour().strict);
    if !faults.is_empty() {
        return Some(refuse(shared, target.endpoint, StatusCode::BAD_REQUEST, faults));
    }
    let key = key.filter(|_| shared.behaviour().honour_idempotency_key);
    let now = shared.now();
    let world = &mut *shared.world();
    if let Some(known) = key.as_ref().and_then(|key| world.replays.get(key)).cloned() {
        world.witness.stats.orders_at(target.endpoint).replayed += 1;
        return Some(known.into_response());
    }
    let access = access_token(&order).map(|token| world.grants.access(token, now));
    let recognition = match &access {
        Some(Some(Access { good: true, .. })) => Recognition::Recognised,
        Some(_) => Recognition::NotRecognised,
        None => Recognition::WithoutToken,
    };
    let holder = access.flatten().map(|access| access.holder);
    let id = uuid::Builder::from_random_bytes(world.grants.random_id().to_be_bytes()).into_uuid().to_string();
    let reference = order["merchant_reference2"].as_str().map(str::to_owned);
    world.witness.order(target.endpoint, reference.as_deref(), recognition);
    let what = What::Order { order_id: id.clone(), reference, recognition, fault: failure };
    world.witness.event(now, holder.as_ref(), what);
    let created = (target.create)(shared, world, &id, without_access_token(order), now);
    if let Some(key) = key {
        world.replays.insert(key, created.clone());
    }
    Some(created.into_response())
}

impl IntoResponse for Created {
    fn into_response(self) -> Response {
        let mut answer = (self.status, Json(self.body)).into_response();
        if let Some(location) = self.location.and_then(|location| HeaderValue::from_str(&location).ok()) {
            answer.headers_mut().insert(header::LOCATION, location);
        }
        answer
    }
}

/// A refusal of an endpoint's own, counted.
fn refuse(shared: &Shared, endpoint: Endpoint, status: StatusCode, messages: Vec<String>) -> Response {
    *shared.world().witness.stats.orders_at(endpoint).refused.entry(status.as_u16()).or_default() += 1;
    refusal(status, messages)
}

/// An error in Klarna's shape; above 499 a page.
pub(super) fn refusal(status: StatusCode, messages: Vec<String>) -> Response {
    let (code, message) = match status {
        StatusCode::BAD_REQUEST => ("BAD_VALUE", "Bad value"),
        StatusCode::UNAUTHORIZED => ("UNAUTHORIZED", "Wrong or missing credentials"),
        StatusCode::FORBIDDEN => ("ACCESS_DENIED", "The merchant is not activated"),
        StatusCode::NOT_FOUND => ("NOT_FOUND", "There is no such order or session"),
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
