//! The token endpoint (RFC 6749 section 6), as Klarna answers it. `sign_in` exchanges codes.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::faults::{Endpoint, Failure};
use crate::options::{Behaviour, InvalidGrantForm};
use crate::profile::{Profile, granted};
use crate::request::{Form, INVALID_CLIENT, RefreshRequest, Refusal};
use crate::respond::{page, respond};
use crate::state::{Holder, Presentation, Tokens};
use crate::stats::What;
use crate::{SandboxError, Shared, sign_in};

/// The scope of a grant that was not limited to scopes. Its id_token has the whole profile.
const SCOPE: &str = "openid offline_access customer:login";

/// `POST /{region}/lp/idp/oauth2/token`
pub(super) async fn exchange(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let begun = Instant::now();
    shared.world().recorder.stats.exchanges.total += 1;
    let answer = answer(&shared, query.as_deref(), &headers, body).await;
    shared.world().recorder.stats.time.token.add(begun.elapsed());
    answer
}

async fn answer(
    shared: &Arc<Shared>,
    query: Option<&str>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let form = match Form::read(shared, query, headers, body.as_deref().ok()) {
        Ok(form) => form,
        Err(refusal) => return refuse(shared, &refusal),
    };
    if form.fields.get("grant_type").is_some_and(|grant| grant == "authorization_code") {
        return sign_in::redeem(shared, &form);
    }
    let request = match RefreshRequest::read(form) {
        Ok(request) => request,
        Err(refusal) => return refuse(shared, &refusal),
    };
    let presenting = Presenting::begin(shared, &request.refresh_token);
    let concurrent = presenting.concurrent;
    let holder = shared.world().grants.holder_of(&request.refresh_token);
    let user = holder.as_ref().map(|holder| Arc::clone(&holder.user));
    let waiting = Waiting { shared: Arc::clone(shared), holder };
    let worker = Arc::clone(shared);
    let answer = respond(shared, Endpoint::Token, user.as_deref(), presenting, refusal, move |failure| {
        process(&worker, &request, concurrent, failure)
    })
    .await;
    waiting.over();
    answer
}

/// Refuses a request for its content, and counts that.
fn refuse(shared: &Shared, refusal: &Refusal) -> Response {
    let mut world = shared.world();
    let refused = &mut world.recorder.stats.exchanges.refused;
    *refused.entry(refusal.code.to_owned()).or_default() += 1;
    error(refusal.status, refusal.code, refusal.description)
}

/// Processes the request and returns the answer. `None` if the failure prevents processing.
fn process(
    shared: &Shared,
    request: &RefreshRequest,
    concurrent: bool,
    failure: Option<Failure>,
) -> Option<Response> {
    let (terms, now) = (shared.behaviour(), shared.now());
    let presented = |outcome| What::Presented { outcome, concurrent, fault: failure };
    let mut lock = shared.world();
    let world = &mut *lock;
    if failure.is_some_and(|failure| !failure.is_processed()) {
        let holder = world.grants.holder_of(&request.refresh_token);
        world.recorder.event(now, holder.as_ref(), presented(None));
        return (failure == Some(Failure::InvalidGrant)).then(|| invalid_grant(terms.invalid_grant));
    }
    let Presentation { outcome, holder, spent_before, tokens } =
        world.grants.present(&request.refresh_token, &terms, now);
    world.recorder.outcome(outcome, spent_before);
    world.recorder.event(now, holder.as_ref(), presented(Some(outcome)));
    let (Some(holder), Some(tokens)) = (holder, tokens) else {
        return Some(invalid_grant(terms.invalid_grant));
    };
    let profile = world.profiles.get(&*holder.user).cloned().unwrap_or_default();
    let scope = world.scopes.get(&holder.family).cloned();
    // Signing takes longer than everything else, so it happens without the lock.
    drop(lock);
    let profile = scope.as_deref().map_or_else(|| (*profile).clone(), |scope| granted(&profile, scope));
    let scope = scope.as_deref().unwrap_or(SCOPE);
    let about = Grant { client_id: &request.client_id, scope, nonce: None };
    Some(grant(shared, about, &terms, &holder, profile, tokens, failure).unwrap_or_else(|_| {
        error(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "The id_token could not be signed.")
    }))
}

/// What a grant says beside its tokens.
#[derive(Clone, Copy)]
pub(super) struct Grant<'a> {
    pub(super) client_id: &'a str,
    pub(super) scope: &'a str,
    /// The `nonce` of the authorization request, for the id_token.
    pub(super) nonce: Option<&'a str>,
}

/// Returns the answer of a grant, with an id_token of these claims.
pub(super) fn grant(
    shared: &Shared,
    about: Grant<'_>,
    terms: &Behaviour,
    holder: &Holder,
    mut claims: Profile,
    tokens: Tokens,
    failure: Option<Failure>,
) -> Result<Response, SandboxError> {
    let lifetime = terms.access_token_lifetime.as_secs();
    let issued_at = shared.now().timestamp();
    claims.entry("sub").or_insert_with(|| json!(format!("krn:kuid:{}", holder.user)));
    claims.insert("iss".to_owned(), json!(shared.base));
    claims.insert("aud".to_owned(), json!(about.client_id));
    claims.extend(about.nonce.map(|nonce| ("nonce".to_owned(), json!(nonce))));
    claims.insert("iat".to_owned(), json!(issued_at));
    claims.insert("exp".to_owned(), json!(issued_at.saturating_add_unsigned(lifetime)));
    let mut id_token = shared.key.sign(&Value::Object(claims))?;
    if shared.options.record {
        shared.world().id_tokens.push(id_token.clone());
    }
    if failure == Some(Failure::BadIdToken) {
        id_token = falsified(&id_token);
    }
    let mut answer = json!({
        "id_token": id_token,
        "access_token": tokens.access,
        "expires_in": lifetime,
        "token_type": "Bearer",
        "scope": about.scope,
    });
    if let Some(refresh_token) = tokens.refresh {
        answer["refresh_token"] = json!(refresh_token);
    }
    Ok(unstored((StatusCode::OK, Json(answer)).into_response()))
}

/// Returns the token with the first letter of its signature changed.
fn falsified(id_token: &str) -> String {
    let (message, signature) = id_token.rsplit_once('.').unwrap_or((id_token, ""));
    let letter = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{message}.{letter}{}", signature.get(1..).unwrap_or_default())
}

/// Returns the endpoint's answer if a failure refuses the request.
pub(super) fn refusal(status: StatusCode) -> Response {
    match status {
        StatusCode::BAD_REQUEST => error(status, "invalid_request", "Failed to refresh token. Please retry."),
        StatusCode::UNAUTHORIZED => error(status, INVALID_CLIENT.code, INVALID_CLIENT.description),
        StatusCode::FORBIDDEN => error(status, "unauthorized_client", "The client may not use this grant."),
        _ => page(status),
    }
}

/// The answer for a token that does not work.
fn invalid_grant(form: InvalidGrantForm) -> Response {
    let description = "The refresh token is invalid, expired, revoked or was issued to another client.";
    match form {
        InvalidGrantForm::Status400 => error(StatusCode::BAD_REQUEST, "invalid_grant", description),
        InvalidGrantForm::Status401 => error(StatusCode::UNAUTHORIZED, "invalid_grant", description),
        InvalidGrantForm::Status403 => error(StatusCode::FORBIDDEN, "invalid_grant", description),
        InvalidGrantForm::TokenInactive => error(StatusCode::UNAUTHORIZED, "token_inactive", description),
        InvalidGrantForm::Nested => {
            let body = json!({"error": {"code": "invalid_grant", "message": description}});
            unstored((StatusCode::BAD_REQUEST, Json(body)).into_response())
        }
    }
}

/// An error answer (RFC 6749 section 5.2).
pub(super) fn error(status: StatusCode, code: &str, description: &str) -> Response {
    let mut answer = (status, Json(json!({"error": code, "error_description": description}))).into_response();
    if status == StatusCode::UNAUTHORIZED {
        answer
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"sandbox\""));
    }
    unstored(answer)
}

/// Adds the headers that forbid caching (RFC 6749 section 5.1).
fn unstored(mut answer: Response) -> Response {
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// A client that waits for the answer about its token. If this is dropped before [`Waiting::over`],
/// the client has closed the connection.
struct Waiting {
    shared: Arc<Shared>,
    holder: Option<Holder>,
}

impl Waiting {
    fn over(mut self) {
        self.holder = None;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(holder) = self.holder.take() {
            self.shared.world().recorder.left(&holder);
        }
    }
}

/// Counts a token as being presented while it exists: from the request's arrival until its answer
/// is ready.
struct Presenting {
    shared: Arc<Shared>,
    token: String,
    /// Whether another request was already presenting the token.
    concurrent: bool,
}

impl Presenting {
    fn begin(shared: &Arc<Shared>, token: &str) -> Self {
        let mut world = shared.world();
        let presenting = world.presenting.entry(token.to_owned()).or_default();
        *presenting += 1;
        let concurrent = *presenting > 1;
        world.recorder.stats.exchanges.concurrent += u64::from(concurrent);
        Self { shared: Arc::clone(shared), token: token.to_owned(), concurrent }
    }
}

impl Drop for Presenting {
    fn drop(&mut self) {
        let mut world = self.shared.world();
        if let Some(presenting) = world.presenting.get_mut(&self.token) {
            *presenting -= 1;
            if *presenting == 0 {
                world.presenting.remove(&self.token);
            }
        }
    }
}
