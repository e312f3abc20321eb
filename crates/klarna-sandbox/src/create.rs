//! What the create calls of all targets have in common: credentials, limits, access tokens and
//! failures. A [`Target`] has what differs.

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
use crate::profile::full_name;
use crate::request::{basic_credentials, basic_text};
use crate::respond::{page, respond};
use crate::state::Access;
use crate::stats::{Recognition, What};
use crate::{Shared, World};

/// Bodies must be smaller than this, in bytes.
const BODY_LIMIT: usize = 1024 * 1024;

/// Bytes of a body that are read before the connection is cut. More than the limit, because a
/// client that still sends does not read the refusal.
pub(super) const READ_LIMIT: usize = 4 * BODY_LIMIT;

/// The message for a change of an order that is paid.
pub(super) const READ_ONLY: &str = "The order is read only";

const CORRELATION_ID: HeaderName = HeaderName::from_static("klarna-correlation-id");
const IDEMPOTENCY_KEY: &str = "klarna-idempotency-key";

/// The create call of one target.
pub(super) struct Target {
    pub(super) endpoint: Endpoint,
    /// Returns Klarna's error messages about a body; empty if Klarna would accept it.
    pub(super) faults: fn(&str, strict: bool) -> Vec<String>,
    /// Creates an order or session with this id. The access token is already removed from the body.
    pub(super) create: fn(&Shared, &mut World, id: &str, order: Submitted, now: DateTime<Utc>) -> Created,
}

/// An order that was submitted.
pub(super) struct Submitted {
    /// The body, without the access token.
    pub(super) body: Value,
    pub(super) shopper: Shopper,
}

/// What Klarna knows of the shopper by the access token.
pub(super) struct Shopper {
    pub(super) recognition: Recognition,
    /// The name of a shopper who was recognised.
    pub(super) name: String,
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
    shared.world().recorder.stats.orders_at(target.endpoint).requests += 1;
    let mut answer = checked(shared, target, headers, body).await;
    shared.world().recorder.stats.time.at(target.endpoint).add(begun.elapsed());
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
    let key = replay_key(headers, shared, api_user);
    let worker = Arc::clone(shared);
    let work = move |failure| process(&worker, target, &text, order, key, failure);
    respond(shared, target.endpoint, user.as_deref(), (), |status| refusal(status, Vec::new()), work).await
}

/// Returns the API user and the body of a request, or the status and messages of its refusal.
pub(super) fn request(
    shared: &Shared,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(String, String), (StatusCode, Vec<String>)> {
    let Some(api_user) = authenticated(shared, headers) else {
        return Err((StatusCode::UNAUTHORIZED, Vec::new()));
    };
    let body = body.map_err(|rejection| (rejection.status(), Vec::new()))?;
    if body.len() >= BODY_LIMIT {
        return Err((StatusCode::PAYLOAD_TOO_LARGE, Vec::new()));
    }
    let text = String::from_utf8(body.into());
    let text = text.map_err(|_| (StatusCode::BAD_REQUEST, vec!["Malformed JSON".to_owned()]))?;
    Ok((api_user, text))
}

/// By what a repeated request is known.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct ReplayKey {
    api_user: String,
    idempotency_key: String,
}

/// Returns by what a request is known if it is repeated. `None` if it has no idempotency key, or if
/// such keys are not honoured.
pub(super) fn replay_key(headers: &HeaderMap, shared: &Shared, api_user: String) -> Option<ReplayKey> {
    let key = headers.get(IDEMPOTENCY_KEY).filter(|_| shared.behaviour().honour_idempotency_key)?;
    Some(ReplayKey { api_user, idempotency_key: key.to_str().ok()?.to_owned() })
}

/// Returns the API user if the credentials are accepted; an empty name for an API key. An API key
/// is sent without base64, so credentials that are no user name and password count as a key.
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

/// Returns the API user and, for calls with a body, its text; or a refusal, which no count has.
pub(super) fn later_call(
    shared: &Shared,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<String, Box<Response>> {
    let text = request(shared, headers, body).map(|(_, text)| text);
    text.map_err(|(status, messages)| Box::new(refusal(status, messages)))
}

/// Answers a call about an order or session that exists, with the latency and the failures of its
/// endpoint. `work` gets the world and the time.
pub(super) async fn answer_later_call(
    shared: &Arc<Shared>,
    endpoint: Endpoint,
    work: impl FnOnce(&Shared, &mut World, DateTime<Utc>) -> Response + Send + 'static,
) -> Response {
    let worker = Arc::clone(shared);
    let work = move |failure: Option<Failure>| {
        let is_processed = failure.is_none_or(Failure::is_processed);
        is_processed.then(|| work(&worker, &mut worker.world(), worker.now()))
    };
    respond(shared, endpoint, None, (), |status| refusal(status, Vec::new()), work).await
}

/// Returns a body with these members replaced, or the faults that it would have. Klarna's calls
/// that update an order or session replace the members that are sent.
pub(super) fn updated(
    body: &Value,
    text: &str,
    faults: fn(&str, bool) -> Vec<String>,
    strict: bool,
) -> Result<Value, Vec<String>> {
    let Ok(Value::Object(members)) = serde_json::from_str(text) else {
        return Err(vec!["Malformed JSON".to_owned()]);
    };
    let mut updated = body.clone();
    if let Some(updated) = updated.as_object_mut() {
        updated.extend(members);
    }
    let faults = faults(&updated.to_string(), strict);
    if faults.is_empty() { Ok(without_access_token(updated)) } else { Err(faults) }
}

/// Removes the access token from a body, because Klarna's answers never contain it.
pub(super) fn without_access_token(mut body: Value) -> Value {
    if let Some(customer) = body.get_mut("customer").and_then(Value::as_object_mut) {
        customer.remove("klarna_access_token");
    }
    body
}

fn note_leaks(shared: &Shared, text: &str, user: Option<&str>) {
    let mut world = shared.world();
    let number = user.and_then(|user| {
        world.profiles.get(user)?["national_identification_number"].as_str().map(str::to_owned)
    });
    let leaks = &mut world.recorder.stats.leaks;
    leaks.refresh_token_in_order += u64::from(text.contains("ory_rt_"));
    leaks.national_identification_number_in_order +=
        u64::from(number.is_some_and(|number| text.contains(&number)));
}

/// Processes the request and returns the answer. `None` if the failure prevents processing.
fn process(
    shared: &Shared,
    target: &Target,
    text: &str,
    order: Value,
    key: Option<ReplayKey>,
    failure: Option<Failure>,
) -> Option<Response> {
    if failure.is_some_and(|failure| !failure.is_processed()) {
        return None;
    }
    let faults = (target.faults)(text, shared.behaviour().strict);
    if !faults.is_empty() {
        return Some(refuse(shared, target.endpoint, StatusCode::BAD_REQUEST, faults));
    }
    let now = shared.now();
    let world = &mut *shared.world();
    if let Some(known) = key.as_ref().and_then(|key| world.replays.get(key)).cloned() {
        world.recorder.stats.orders_at(target.endpoint).replayed += 1;
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
    world.recorder.order(target.endpoint, reference.as_deref(), recognition);
    let what = What::Order { order_id: id.clone(), reference, recognition, fault: failure };
    world.recorder.event(now, holder.as_ref(), what);
    let known = holder.filter(|_| recognition == Recognition::Recognised);
    let profile = known.and_then(|holder| world.profiles.get(&*holder.user));
    let shopper = Shopper { recognition, name: profile.map(|known| full_name(known)).unwrap_or_default() };
    let order = Submitted { body: without_access_token(order), shopper };
    let created = (target.create)(shared, world, &id, order, now);
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

/// Refuses a request for its content, and counts that.
fn refuse(shared: &Shared, endpoint: Endpoint, status: StatusCode, messages: Vec<String>) -> Response {
    *shared.world().recorder.stats.orders_at(endpoint).refused.entry(status.as_u16()).or_default() += 1;
    refusal(status, messages)
}

/// An error in Klarna's format. From status 500 on, an HTML page.
pub(super) fn refusal(status: StatusCode, messages: Vec<String>) -> Response {
    let is_read_only = messages.iter().any(|message| message == READ_ONLY);
    let (code, message) = match status {
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => ("BAD_VALUE", "Bad value"),
        StatusCode::UNAUTHORIZED => ("UNAUTHORIZED", "Wrong or missing credentials"),
        StatusCode::FORBIDDEN if is_read_only => ("READ_ONLY_RESOURCE", READ_ONLY),
        StatusCode::FORBIDDEN => ("ACCESS_DENIED", "The merchant is not activated"),
        StatusCode::CONFLICT => ("CONFLICT", "The order is not that of the session"),
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
