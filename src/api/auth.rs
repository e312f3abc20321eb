//! Authentication: finds the caller's API key and checks its scope and merchants.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::{Kind, Problem};
use super::serve::Connection;
use crate::audit::Actor;
use crate::clock::Clock;
use crate::config::{ApiKey, ApiKeys, KeyRefusal, Live, Scope};
use crate::telemetry::LogThrottle;
use crate::tls::CertificateInfo;

/// Counts refused requests since the process started. Clones share the counts.
//
// Refused requests are counted, and logged once a second at most, but not delayed. A key from
// `keys api generate` cannot be guessed, and a delay for each address would hit every caller behind
// the same proxy.
#[derive(Clone, Debug, Default)]
pub struct Refusals(Arc<[AtomicU64; 2]>);

/// Requests that were refused since the process started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Refused {
    /// Requests without a valid API key, answered with 401.
    #[schema(example = 0, minimum = 0)]
    pub unauthorized: u64,
    /// Requests whose key lacks the scope or the merchant, answered with 403.
    #[schema(example = 0, minimum = 0)]
    pub forbidden: u64,
}

impl Refusals {
    /// Counts a response if its status is 401 or 403.
    fn count(&self, status: StatusCode) {
        let Self(counts) = self;
        match status {
            StatusCode::UNAUTHORIZED => counts[0].fetch_add(1, Ordering::Relaxed),
            StatusCode::FORBIDDEN => counts[1].fetch_add(1, Ordering::Relaxed),
            _ => return,
        };
    }

    /// Returns the counts so far.
    #[must_use]
    pub fn counts(&self) -> Refused {
        let [unauthorized, forbidden] = &*self.0;
        Refused {
            unauthorized: unauthorized.load(Ordering::Relaxed),
            forbidden: forbidden.load(Ordering::Relaxed),
        }
    }
}

/// Protects the routes of one scope.
#[derive(Clone)]
pub(super) struct Guard {
    /// The valid keys. Empty: no key is needed, because only this machine can reach the API.
    pub(super) keys: Live<ApiKeys>,
    /// The scope that a key needs.
    pub(super) scope: Scope,
    /// Whether it shows all merchants, so that a key that is limited to some is refused.
    pub(super) all_merchants: bool,
    /// Tells when keys expire.
    pub(super) clock: Clock,
    /// Counts the requests that this guard refuses.
    pub(super) refusals: Refusals,
}

/// The authenticated caller. `None`: the settings have no API keys, and the caller is on this
/// machine.
#[derive(Clone)]
pub(super) struct Caller(Option<Arc<ApiKey>>);

/// Who called, once a guard knows. The audit log puts it on a request, so that it learns the caller
/// even if the request never gets an answer.
#[derive(Clone, Default)]
pub(super) struct KnownCaller(Arc<OnceLock<Caller>>);

impl KnownCaller {
    pub(super) fn get(&self) -> Option<&Caller> {
        self.0.get()
    }

    fn set(&self, caller: &Caller) {
        // Of two guards, the first has set the same caller.
        let _ = self.0.set(caller.clone());
    }
}

/// Why a request is not passed on, and whose it is if its key is known.
struct Refusal {
    problem: Problem,
    caller: Option<Caller>,
}

/// Middleware that passes a request on if its key has the guard's scope.
pub(super) async fn guard(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0);
    let connection = request.extensions().get::<Arc<Connection>>().cloned();
    let certificate = connection.as_ref().and_then(|connection| connection.client_certificate());
    let known = request.extensions().get::<KnownCaller>().cloned().unwrap_or_default();
    let response = match guard.admit(request.headers(), certificate, peer.map(|peer| peer.ip())) {
        Ok(caller) => {
            known.set(&caller);
            if let Some(connection) = connection {
                connection.set_known();
            }
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(Refusal { problem: refusal, caller }) => {
            static STRANGERS: LogThrottle = LogThrottle::new();
            // Strangers must not fill the log. Each refusal of a caller with a key is logged.
            let left_out = if caller.is_some() { Some(0) } else { STRANGERS.next() };
            if let Some(left_out) = left_out {
                tracing::warn!(
                    peer = peer.map(tracing::field::display),
                    reason = refusal.detail(),
                    left_out,
                    "A request was refused: no valid API key"
                );
            }
            if let Some(caller) = &caller {
                known.set(caller);
            }
            refusal.into_response()
        }
    };
    guard.refusals.count(response.status());
    response
}

/// Middleware for `/readyz`: the details that a query asks for name merchants, so they need a key.
pub(super) async fn guard_details(state: State<Guard>, request: Request, next: Next) -> Response {
    if request.uri().query().is_none_or(str::is_empty) {
        return next.run(request).await;
    }
    guard(state, request, next).await
}

impl Guard {
    fn admit(
        &self,
        headers: &HeaderMap,
        certificate: Option<&CertificateInfo>,
        peer: Option<IpAddr>,
    ) -> Result<Caller, Refusal> {
        let keys = self.keys.now();
        if keys.is_empty() {
            return Ok(Caller(None));
        }
        let unknown = |detail| Refusal { problem: unauthorized(detail), caller: None };
        let key = self.find(&keys, headers, certificate).map_err(unknown)?;
        tracing::Span::current().record("key", &key.name);
        let caller = Caller(Some(Arc::clone(key)));
        self.check(key, peer).map_err(|problem| Refusal { problem, caller: Some(caller.clone()) })?;
        Ok(caller)
    }

    /// Checks that a key can be used now, from here, and for this.
    fn check(&self, key: &ApiKey, peer: Option<IpAddr>) -> Result<(), Problem> {
        match key.admits(self.clock.now(), peer) {
            Ok(()) => {}
            Err(KeyRefusal::Expired) => return Err(unauthorized("the API key has expired: use a new one")),
            Err(KeyRefusal::Source) => {
                let detail =
                    "the API key cannot be used from this address: see its `sources` in the settings";
                return Err(Problem::new(Kind::Forbidden, detail));
            }
        }
        if !key.scopes.contains(&self.scope) {
            let detail =
                format!("the API key lacks the scope {:?}: add it in the settings", self.scope.as_str());
            return Err(Problem::new(Kind::Forbidden, detail));
        }
        if self.all_merchants && key.merchants.is_some() {
            let detail = "the API key is limited to some merchants, and this shows all of them: use a key without \
                          `merchants`, or the address in server.probes";
            return Err(Problem::new(Kind::Forbidden, detail));
        }
        Ok(())
    }

    /// Finds the key that the caller shows: in the header, or else by the certificate of the
    /// connection. Fails with what is wrong.
    fn find<'a>(
        &self,
        keys: &'a ApiKeys,
        headers: &HeaderMap,
        certificate: Option<&CertificateInfo>,
    ) -> Result<&'a Arc<ApiKey>, &'static str> {
        if let Some(presented) = headers.get(AUTHORIZATION) {
            let presented = bearer(presented.as_bytes());
            let presented =
                presented.ok_or("the header Authorization is not Bearer followed by an API key")?;
            return ApiKey::find(keys, presented).ok_or("unknown API key");
        }
        let missing = "the header Authorization is missing: send Authorization: Bearer and an API key";
        let certificate = certificate.ok_or(missing)?;
        // A connection may outlive the certificate that it began with.
        if !certificate.is_valid(self.clock.now()) {
            return Err(
                "the certificate of this connection is not valid any more: connect again with a new one",
            );
        }
        let unknown = "no API key in the settings has a name of this certificate as its `certificate`";
        ApiKey::find_by_certificate(keys, &certificate.names).ok_or(unknown)
    }
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(Kind::Unauthorized, detail)
}

/// Returns the key of `Bearer <key>`. The scheme's case is ignored (RFC 9110 section 11.1).
fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = header.split_at_checked("Bearer ".len())?;
    let key = key.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !key.is_empty()).then_some(key)
}

impl Caller {
    /// Returns its name in the audit log.
    pub(super) fn actor(&self) -> Actor {
        self.0.as_ref().map_or(Actor::Local, |key| Actor::Key(key.name.clone()))
    }

    /// Returns the merchant of a change of many rows: the one that is named, or the only one that
    /// the key is valid for. `None`: all.
    pub(super) fn only_merchant(&self, named: Option<String>) -> Result<Option<String>, Problem> {
        let merchant = match (named, self.merchants().map(Iterator::collect::<Vec<_>>)) {
            (None, Some(own)) => {
                let [only] = own[..] else {
                    let wrong =
                        "merchant: is missing; name one of the merchants that the API key is valid for";
                    return Err(Problem::new(Kind::InvalidRequest, wrong));
                };
                Some(only.to_owned())
            }
            (named, _) => named,
        };
        merchant.as_deref().map_or(Ok(()), |merchant| self.act_for(merchant))?;
        Ok(merchant)
    }

    /// Returns whether the key also has this scope.
    pub(super) fn has(&self, scope: Scope) -> bool {
        self.0.as_ref().is_none_or(|key| key.scopes.contains(&scope))
    }

    /// Returns whether the key is valid for a merchant.
    pub(super) fn sees(&self, merchant: &str) -> bool {
        self.merchants().is_none_or(|mut merchants| merchants.any(|allowed| allowed == merchant))
    }

    /// Returns the merchants that the key is valid for; `None` means all.
    pub(super) fn merchants(&self) -> Option<impl Iterator<Item = &str>> {
        let merchants = self.0.as_ref()?.merchants.as_ref()?;
        Some(merchants.iter().map(String::as_str))
    }

    /// Fails with `forbidden` if the key is not valid for a merchant.
    pub(super) fn act_for(&self, merchant: &str) -> Result<(), Problem> {
        if self.sees(merchant) {
            return Ok(());
        }
        tracing::warn!("A request was refused: its API key does not allow this merchant");
        Err(Problem::new(Kind::Forbidden, "the API key is not valid for this merchant"))
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // A route without a guard must not answer anybody.
        parts.extensions.get().cloned().ok_or_else(Problem::internal)
    }
}
