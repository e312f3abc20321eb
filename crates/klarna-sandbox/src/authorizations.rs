//! Klarna Payments after the session: the shopper authorises the payment in the browser, and the
//! shop's server places the order (`/payments/v1/authorizations/{token}/order`).

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::{Builder, Uuid};

use crate::create::{answer_later_call, authenticated, refusal, request, without_access_token};
use crate::faults::Endpoint;
use crate::html::page;
use crate::order_management::ManagedOrder;
use crate::rules::session_faults;
use crate::stats::What;
use crate::{Shared, World, create, pay_page, pushes};

/// How long an order can be placed with an authorization.
const GOOD_FOR: TimeDelta = TimeDelta::minutes(60);

/// What an order must repeat of its session.
const SAME: [&str; 3] = ["purchase_country", "purchase_currency", "order_amount"];

/// The message for an order that is not that of its session.
const MISMATCH: &str = "Not matching fields";

/// What a shopper has authorised.
pub(super) struct Authorization {
    session: String,
    expires_at: DateTime<Utc>,
}

/// `GET /sandbox/payments.js`
pub(super) async fn script() -> Response {
    let script = include_str!("payments.js");
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], script).into_response()
}

/// `GET /sandbox/payments/{session}`: the content of the frame.
pub(super) async fn show(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    match shared.world().sessions.get(&id).filter(|session| session.is_open(shared.now())) {
        Some(session) => {
            let content =
                pay_page::shopper(&session.shopper, &session.order) + &pay_page::lines(&session.order);
            page(StatusCode::OK, "Pay with Klarna", &content)
        }
        None => page(StatusCode::NOT_FOUND, "No such session", "<p>It is complete, or has expired.</p>"),
    }
}

/// `POST /sandbox/payments/authorize`: the shopper authorises the payment of the session whose
/// client token is the body. The shop's page is of another origin.
pub(super) async fn authorize(State(shared): State<Arc<Shared>>, client_token: String) -> Response {
    let now = shared.now();
    let world = &mut *shared.world();
    let open = world.sessions.iter().find(|(_, session)| session.client_token == client_token);
    let answer = match open.filter(|(_, session)| session.is_open(now)).map(|(id, _)| id.clone()) {
        Some(session) => {
            let token = random_id(world);
            world.authorizations.insert(token.clone(), Authorization { session, expires_at: now + GOOD_FOR });
            json!({"approved": true, "show_form": true, "authorization_token": token})
        }
        None => json!({"approved": false, "show_form": false}),
    };
    ([(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")], Json(answer)).into_response()
}

/// `POST /payments/v1/authorizations/{token}/order`
pub(super) async fn place(
    State(shared): State<Arc<Shared>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let (api_user, text) = match request(&shared, &headers, body) {
        Ok(request) => request,
        Err((status, messages)) => return refusal(status, messages),
    };
    let key = create::replay_key(&headers, &shared, api_user);
    let worker = Arc::clone(&shared);
    answer_later_call(&shared, Endpoint::Payments, move |shared, world, now| {
        if let Some(known) = key.as_ref().and_then(|key| world.replays.get(key)) {
            return known.clone().into_response();
        }
        let faults = session_faults(&text, shared.behaviour().strict);
        if !faults.is_empty() {
            return refusal(StatusCode::BAD_REQUEST, faults);
        }
        let order = without_access_token(serde_json::from_str(&text).unwrap_or_default());
        let session = match matching(world, &token, &order, now) {
            Ok(session) => session,
            Err(refusal) => return *refusal,
        };
        world.authorizations.remove(&token);
        let created = placed(&worker, world, &session, order, now);
        if let Some(key) = key {
            world.replays.insert(key, created.clone());
        }
        created.into_response()
    })
    .await
}

/// `DELETE /payments/v1/authorizations/{token}`
pub(super) async fn release(
    State(shared): State<Arc<Shared>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    if authenticated(&shared, &headers).is_none() {
        return refusal(StatusCode::UNAUTHORIZED, Vec::new());
    }
    answer_later_call(&shared, Endpoint::Payments, move |_, world, now| {
        match world.authorizations.remove(&token).filter(|found| now < found.expires_at) {
            Some(_) => StatusCode::NO_CONTENT.into_response(),
            None => refusal(StatusCode::NOT_FOUND, Vec::new()),
        }
    })
    .await
}

/// Places an order with a session of this id, as the shop would with its present body. Returns
/// `false` if it is over.
pub(super) fn pay(shared: &Arc<Shared>, world: &mut World, id: &str, now: DateTime<Utc>) -> bool {
    let Some(session) = world.sessions.get(id) else { return false };
    if session.is_open(now) {
        let body = session.order.clone();
        placed(shared, world, id, body, now);
    }
    world.sessions.get(id).is_some_and(|session| session.complete)
}

/// Returns the id of the session that an order can be placed with.
fn matching(world: &World, token: &str, order: &Value, now: DateTime<Utc>) -> Result<String, Box<Response>> {
    let authorization = world.authorizations.get(token).filter(|found| now < found.expires_at);
    let session = authorization.and_then(|found| world.sessions.get_key_value(&found.session));
    let Some((id, session)) = session.filter(|(_, session)| session.is_open(now)) else {
        return Err(Box::new(refusal(StatusCode::NOT_FOUND, Vec::new())));
    };
    let other: Vec<String> = SAME
        .iter()
        .filter(|member| session.order[**member] != order[**member])
        .map(|member| format!("{MISMATCH}: {member}"))
        .collect();
    if other.is_empty() { Ok(id.clone()) } else { Err(Box::new(refusal(StatusCode::CONFLICT, other))) }
}

/// Creates the order, which order management has from now on, and ends the session.
fn placed(
    shared: &Arc<Shared>,
    world: &mut World,
    session: &str,
    order: Value,
    now: DateTime<Utc>,
) -> create::Created {
    if let Some(session) = world.sessions.get_mut(session) {
        session.complete = true;
    }
    let id = random_id(world);
    let url = |name: &str| {
        let url = order["merchant_urls"][name].as_str()?;
        Some(url.replace("{session.id}", session).replace("{order.id}", &id))
    };
    let mut body = json!({"order_id": id, "fraud_status": "ACCEPTED",
        "authorized_payment_method": {"type": "invoice", "number_of_days": 30}});
    if let Some(confirmation) = url("confirmation") {
        body["redirect_url"] = json!(confirmation);
    }
    let push = url("push");
    world.managed.insert(id.clone(), ManagedOrder::new(order));
    let what = What::Placed { klarna_id: session.to_owned(), order_id: id.clone() };
    world.recorder.event(now, None, what);
    if let Some(push) = push {
        pushes::begin(shared, &id, push);
    }
    create::Created { status: StatusCode::OK, location: None, body }
}

fn random_id(world: &mut World) -> String {
    let id: Uuid = Builder::from_random_bytes(world.grants.random_id().to_be_bytes()).into_uuid();
    id.to_string()
}
