//! The revocation endpoint (RFC 7009).

use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::Shared;
use crate::faults::Endpoint;
use crate::request::{Form, Refusal, bad};
use crate::respond::respond;
use crate::stats::What;
use crate::token::{error, refusal};

/// `POST /{region}/lp/idp/oauth2/revoke`
pub(super) async fn revoke(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let begun = Instant::now();
    let answer = match token(&shared, query.as_deref(), &headers, body.as_deref().ok()) {
        Ok(token) => answer(&shared, token).await,
        Err(refusal) => error(refusal.status, refusal.code, refusal.description),
    };
    shared.world().recorder.stats.time.revoke.add(begun.elapsed());
    answer
}

/// Returns the token of a well-formed request of an authenticated client.
fn token(
    shared: &Shared,
    query: Option<&str>,
    headers: &HeaderMap,
    body: Option<&[u8]>,
) -> Result<String, Refusal> {
    let mut form = Form::read(shared, query, headers, body)?;
    match form.fields.remove("token") {
        Some(token) if !token.is_empty() => Ok(token),
        _ => Err(bad("invalid_request", "The field token is missing.")),
    }
}

async fn answer(shared: &Arc<Shared>, token: String) -> Response {
    let user = shared.world().grants.holder_of(&token).map(|holder| holder.user);
    let worker = Arc::clone(shared);
    respond(shared, Endpoint::Revoke, user.as_deref(), (), refusal, move |failure| {
        if failure.is_some_and(|failure| !failure.is_processed()) {
            return None;
        }
        let world = &mut *worker.world();
        // A token that it does not know is answered in the same way (RFC 7009 section 2.2).
        let holder = world.grants.revoke_token(&token);
        world.recorder.stats.revocations += u64::from(holder.is_some());
        if holder.is_some() {
            world.recorder.event(worker.now(), holder.as_ref(), What::Revoked);
        }
        Some(StatusCode::OK.into_response())
    })
    .await
}
