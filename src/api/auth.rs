//! Who calls, and what that key allows.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::{Kind, Problem};
use crate::config::{ApiKey, Scope};

/// How many requests were not let in since the process started. Clones share the counts.
//
// They are counted and logged, and not slowed down: a key of `keys api generate` cannot be guessed, and a pause by address
// would hit everybody behind the same proxy.
#[derive(Clone, Debug, Default)]
pub struct Refusals(Arc<[AtomicU64; 2]>);

/// Requests that were not let in since the process started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Refused {
    /// Without a key that is known: answered 401.
    #[schema(example = 0, minimum = 0)]
    pub unauthorized: u64,
    /// With a key that lacks the scope or the merchant: answered 403.
    #[schema(example = 0, minimum = 0)]
    pub forbidden: u64,
}

impl Refusals {
    /// Counts an answer, where it is a refusal.
    fn count(&self, status: StatusCode) {
        let Self(counts) = self;
        match status {
            StatusCode::UNAUTHORIZED => counts[0].fetch_add(1, Ordering::Relaxed),
            StatusCode::FORBIDDEN => counts[1].fetch_add(1, Ordering::Relaxed),
            _ => return,
        };
    }

    /// The counts so far.
    #[must_use]
    pub fn counts(&self) -> Refused {
        let [unauthorized, forbidden] = &*self.0;
        Refused { unauthorized: unauthorized.load(Ordering::Relaxed), forbidden: forbidden.load(Ordering::Relaxed) }
    }
}

/// Stands before the routes of one scope.
#[derive(Clone)]
pub(super) struct Guard {
    /// Empty where only this machine can call: then everybody may do everything.
    pub(super) keys: Arc<[Arc<ApiKey>]>,
    /// What a key must allow.
    pub(super) scope: Scope,
    /// Who was not let in.
    pub(super) refusals: Refusals,
}

/// Who was let in; `None` is everybody on this machine.
#[derive(Clone)]
pub(super) struct Caller(Option<Arc<ApiKey>>);

/// Lets a request pass whose key allows the guard's scope.
pub(super) async fn guard(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let response = match guard.admit(request.headers()) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refusal) => {
            let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.to_string());
            tracing::warn!(peer, reason = refusal.detail(), "A request was refused: no valid API key");
            refusal.into_response()
        }
    };
    guard.refusals.count(response.status());
    response
}

impl Guard {
    fn admit(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        if self.keys.is_empty() {
            return Ok(Caller(None));
        }
        let unauthorized = |detail| Problem::new(Kind::Unauthorized, detail);
        let presented = headers.get(AUTHORIZATION).ok_or_else(|| {
            unauthorized("the header Authorization is missing: send Authorization: Bearer and an API key")
        })?;
        let presented = bearer(presented.as_bytes())
            .ok_or_else(|| unauthorized("the header Authorization is not of the form Bearer and an API key"))?;
        let key = ApiKey::find(&self.keys, presented).ok_or_else(|| unauthorized("the API key is not known here"))?;
        tracing::Span::current().record("key", &key.name);
        if key.scopes.contains(&self.scope) {
            Ok(Caller(Some(Arc::clone(key))))
        } else {
            let detail = format!("the API key lacks the scope {:?}: add it in the settings", word(self.scope));
            Err(Problem::new(Kind::Forbidden, detail))
        }
    }
}

/// The key of `Bearer <key>`; the scheme's case does not count (RFC 9110 section 11.1).
fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = header.split_at_checked("Bearer ".len())?;
    let key = key.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !key.is_empty()).then_some(key)
}

fn word(scope: Scope) -> &'static str {
    match scope {
        Scope::Orders => "orders",
        Scope::Tokens => "tokens",
        Scope::Ops => "ops",
    }
}

impl Caller {
    /// Whether the key is good for a merchant.
    pub(super) fn sees(&self, merchant: &str) -> bool {
        self.merchants().is_none_or(|mut merchants| merchants.any(|allowed| allowed == merchant))
    }

    /// The merchants that the key is good for; all where `None`.
    pub(super) fn merchants(&self) -> Option<impl Iterator<Item = &str>> {
        let merchants = self.0.as_ref()?.merchants.as_ref()?;
        Some(merchants.iter().map(String::as_str))
    }

    /// Refuses to act for a merchant that the key is not good for.
    pub(super) fn act_for(&self, merchant: &str) -> Result<(), Problem> {
        if self.sees(merchant) {
            return Ok(());
        }
        tracing::warn!("A request was refused: its API key does not allow this merchant");
        Err(Problem::new(Kind::Forbidden, "the API key is not good for this merchant"))
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // A route without a guard answers nobody.
        parts.extensions.get().cloned().ok_or_else(Problem::internal)
    }
}
