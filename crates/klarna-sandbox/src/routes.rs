//! [`Admin`] over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Shared;
use crate::admin::{Admin, Issued, Registration, SignIn, lines};
use crate::ledger::Ledger;
use crate::options::Behaviour;
use crate::script::NextFailure;
use crate::stats::{Event, Stats};

/// `GET /stats`
pub(super) async fn stats(State(shared): State<Arc<Shared>>) -> Json<Stats> {
    Json(Admin(shared).stats())
}

/// `GET /sandbox/record`
pub(super) async fn record(State(shared): State<Arc<Shared>>) -> Json<Vec<Event>> {
    Json(Admin(shared).record())
}

/// `GET /sandbox/issued`
pub(super) async fn issued(State(shared): State<Arc<Shared>>) -> Json<Issued> {
    Json(Admin(shared).issued())
}

/// `GET /sandbox/options`
pub(super) async fn options(State(shared): State<Arc<Shared>>) -> Json<Behaviour> {
    Json(Behaviour::clone(&shared.behaviour()))
}

/// `POST /sandbox/options`: changes the given members, and answers with all of them.
pub(super) async fn change_options(State(shared): State<Arc<Shared>>, body: String) -> Response {
    let admin = Admin(shared);
    let changed = parse(&body).and_then(|patch| admin.behaviour().patched(patch));
    answer(changed.and_then(|behaviour| {
        admin.behave(behaviour.clone())?;
        Ok(Json(behaviour))
    }))
}

/// `POST /sandbox/fail`: a [`NextFailure`], or an array of them.
pub(super) async fn fail(State(shared): State<Arc<Shared>>, body: String) -> Response {
    let requested = parse(&body).and_then(|body: Value| {
        let list = if body.is_array() { body } else { json!([body]) };
        serde_path_to_error::deserialize::<_, Vec<NextFailure>>(list).map_err(|error| error.to_string())
    });
    answer(requested.map(|requested| {
        let admin = Admin(shared);
        for failure in requested {
            admin.fail_next(failure);
        }
        StatusCode::NO_CONTENT
    }))
}

/// `DELETE /sandbox/fail`: forgets the requested failures that have not taken effect.
pub(super) async fn forget_failures(State(shared): State<Arc<Shared>>) -> StatusCode {
    Admin(shared).forget_failures();
    StatusCode::NO_CONTENT
}

/// Query of `GET /sandbox/ledger`.
#[derive(Deserialize)]
pub(super) struct OfUser {
    user: Option<String>,
}

/// `GET /sandbox/ledger`
pub(super) async fn ledger(
    State(shared): State<Arc<Shared>>,
    Query(OfUser { user }): Query<OfUser>,
) -> Json<Ledger> {
    Json(Admin(shared).ledger(user.as_deref()))
}

/// Body of `POST /sandbox/revoke`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoke {
    user: String,
}

/// `POST /sandbox/revoke`
pub(super) async fn revoke(State(shared): State<Arc<Shared>>, body: String) -> Response {
    answer(parse(&body).map(|Revoke { user }| Json(json!({"revoked": Admin(shared).revoke(&user)}))))
}

/// Body of `POST /sandbox/pay`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pay {
    klarna_id: String,
}

/// `POST /sandbox/pay`: answers whether the order or session is paid.
pub(super) async fn pay(State(shared): State<Arc<Shared>>, body: String) -> Response {
    answer(parse(&body).map(|Pay { klarna_id }| Json(json!({"paid": Admin(shared).pay(&klarna_id)}))))
}

/// Body of `POST /sandbox/users`: one user, or `count` users whose names are `prefix` and a number
/// from 1.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Users {
    user: Option<String>,
    #[serde(default)]
    claims: serde_json::Map<String, Value>,
    count: Option<u64>,
    prefix: Option<String>,
    age: Option<String>,
}

/// Query of `POST /sandbox/users`.
#[derive(Deserialize)]
pub(super) struct ForMerchant {
    merchant: Option<String>,
}

/// `POST /sandbox/users`: answers with the registrations as JSON lines.
pub(super) async fn users(
    State(shared): State<Arc<Shared>>,
    Query(ForMerchant { merchant }): Query<ForMerchant>,
    body: String,
) -> Response {
    let lines = parse(&body).and_then(sign_ins).map(|sign_ins| {
        let admin = Admin(shared);
        let registrations =
            sign_ins.map(|sign_in| Registration { merchant: merchant.clone(), ..admin.sign_in(sign_in) });
        ([(header::CONTENT_TYPE, "application/x-ndjson")], lines(registrations))
    });
    answer(lines)
}

fn sign_ins(users: Users) -> Result<impl Iterator<Item = SignIn>, String> {
    let Users { user, claims, count, prefix, age } = users;
    let age = match age.as_deref().map(humantime::parse_duration) {
        None => Duration::ZERO,
        Some(Ok(age)) => age,
        Some(Err(error)) => return Err(format!("age: {error}; write it as 45d")),
    };
    let (named, count, prefix) = match (user, count) {
        (Some(user), None) if prefix.is_none() => (Some(user), 0, String::new()),
        (None, Some(count)) => (None, count, prefix.unwrap_or_else(|| "u-".to_owned())),
        _ => {
            return Err("name one \"user\", or a \"count\" with an optional \"prefix\"".to_owned());
        }
    };
    let numbered = (1..=count).map(move |number| format!("{prefix}{number}"));
    Ok(named.into_iter().chain(numbered).map(move |user| SignIn { user, claims: claims.clone(), age }))
}

fn parse<T: serde::de::DeserializeOwned>(body: &str) -> Result<T, String> {
    serde_json::from_str(body).map_err(|error| error.to_string())
}

fn answer(result: Result<impl IntoResponse, String>) -> Response {
    match result {
        Ok(answer) => answer.into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response(),
    }
}
