//! Leaves a row in the audit log for each request that reads tokens' states or changes something.

use axum::extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::auth::KnownCaller;
use crate::audit::{Action, Audit, Entry, Outcome};
use crate::ids::{MerchantName, UserKey};
use crate::order::OrderId;

/// The most characters of a text in a path that a row keeps.
const LONGEST: usize = 1000;

/// What a request concerned, if its path does not say so. A handler puts it on its response.
#[derive(Clone, Debug, Default)]
pub(super) struct Concerns {
    /// What was done, if it is not what the operation usually does.
    pub(super) action: Option<Action>,
    pub(super) user: Option<UserKey>,
    pub(super) merchant: Option<MerchantName>,
    pub(super) object: Option<String>,
}

impl Concerns {
    /// An order of a user.
    pub(super) fn order(id: OrderId, user: UserKey) -> Self {
        Self { user: Some(user), object: Some(id.to_string()), ..Self::default() }
    }

    /// A number of rows, perhaps of one merchant.
    pub(super) fn many(merchant: Option<MerchantName>, what: String) -> Self {
        Self { merchant, object: Some(what), ..Self::default() }
    }
}

/// The operations that leave a row.
pub(super) const ACTIONS: [(Method, &str, Action); 25] = [
    (Method::GET, "/v1/merchants/{merchant}/users", Action::TokensList),
    (Method::GET, "/v1/merchants/{merchant}/users/{user}/token", Action::TokenRead),
    (Method::GET, "/v1/merchants/{merchant}/users/{user}/token/history", Action::TokenRead),
    (Method::PUT, "/v1/merchants/{merchant}/users/{user}/token", Action::TokenRegister),
    (Method::DELETE, "/v1/merchants/{merchant}/users/{user}/token", Action::TokenForget),
    (Method::POST, "/v1/merchants/{merchant}/users/{user}/token/resolve", Action::TokenResolve),
    (Method::POST, "/v1/merchants/{merchant}/users/{user}/access-token", Action::TokenVend),
    (Method::GET, "/v1/merchants/{merchant}/users/{user}/export", Action::UserExport),
    (Method::DELETE, "/v1/merchants/{merchant}/users/{user}", Action::UserErase),
    (Method::POST, "/v1/merchants/{merchant}/users/{user}/rename", Action::UserRename),
    (Method::POST, "/v1/orders", Action::OrderSubmit),
    (Method::POST, "/v1/orders/batch", Action::OrdersSubmit),
    (Method::PUT, "/v1/orders/{id}", Action::OrderUpdate),
    (Method::POST, "/v1/orders/{id}/cancel", Action::OrderCancel),
    (Method::POST, "/v1/orders/{id}/retry", Action::OrderRetry),
    (Method::POST, "/v1/orders/retry", Action::OrderRetry),
    (Method::POST, "/v1/orders/cancel", Action::OrderCancel),
    (Method::POST, "/v1/orders/retry-follow-ups", Action::OrderRetryFollowUps),
    (Method::POST, "/v1/webhooks/resend", Action::WebhookResend),
    (Method::POST, "/v1/merchants/{merchant}/webhook/test", Action::WebhookTest),
    (Method::POST, "/v1/ops/pauses", Action::Pause),
    (Method::DELETE, "/v1/ops/pauses", Action::Resume),
    (Method::POST, "/v1/ops/breakers/probe", Action::BreakersProbe),
    (Method::POST, "/v1/ops/drain", Action::Drain),
    (Method::GET, "/v1/audit", Action::AuditRead),
];

/// The row of a request that has begun. If it is dropped before its answer (the caller closed the
/// connection, the handler panicked, or the service stopped), it says that the request failed; a
/// part may be done.
struct Row {
    audit: Audit,
    action: Action,
    in_path: Concerns,
    caller: KnownCaller,
    left: bool,
}

impl Row {
    fn leave(&mut self, concerns: Concerns, outcome: Outcome) {
        self.left = true;
        let Some(caller) = self.caller.get() else { return };
        let Concerns { action, user, merchant, object } = concerns;
        let in_path = std::mem::take(&mut self.in_path);
        let mut entry = Entry::new(caller.actor(), action.unwrap_or(self.action)).ended(outcome);
        entry = entry.merchant(merchant.or(in_path.merchant).as_ref());
        if let Some(user) = user.or(in_path.user) {
            entry = entry.about(&user);
        }
        if let Some(object) = object.or(in_path.object) {
            entry = entry.object(object);
        }
        self.audit.record(entry);
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        if !self.left {
            self.leave(Concerns::default(), Outcome::Failed);
        }
    }
}

/// Middleware around authentication, which tells it who called. A caller without a valid key leaves
/// no row, because strangers could fill the table; the log has such requests.
pub(super) async fn record(State(audit): State<Audit>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    // A HEAD request learns something too.
    let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
    let of = |(other, path, _): &&(Method, &str, Action)| other == method && Some(*path) == route;
    let Some((_, _, action)) = ACTIONS.iter().find(of) else { return next.run(request).await };
    let (mut parts, body) = request.into_parts();
    let in_path = in_path(RawPathParams::from_request_parts(&mut parts, &()).await.ok().as_ref());
    let caller = KnownCaller::default();
    parts.extensions.insert(caller.clone());
    let mut row = Row { audit, action: *action, in_path, caller, left: false };
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let concerns = response.extensions_mut().remove().unwrap_or_default();
    let told = response.extensions_mut().remove::<Outcome>();
    row.leave(concerns, told.unwrap_or_else(|| outcome(response.status())));
    response
}

/// Reads what a path names.
fn in_path(params: Option<&RawPathParams>) -> Concerns {
    let named = |wanted: &str| {
        let found = params?.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| value.chars().take(LONGEST).collect::<String>())
    };
    let (merchant, user) = (named("merchant"), named("user"));
    Concerns {
        action: None,
        user: merchant.clone().zip(user).map(|(merchant, user)| UserKey::new(merchant, user)),
        merchant: merchant.map(MerchantName::from),
        object: named("id"),
    }
}

fn outcome(status: StatusCode) -> Outcome {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Outcome::Refused,
        StatusCode::NOT_FOUND => Outcome::NotFound,
        status if status.is_client_error() => Outcome::Rejected,
        status if status.is_server_error() => Outcome::Failed,
        _ => Outcome::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::openapi;

    #[test]
    fn every_change_leaves_a_row() {
        let document = openapi::value().unwrap();
        let mut missing = Vec::new();
        for (path, operations) in document["paths"].as_object().unwrap() {
            for method in operations.as_object().unwrap().keys() {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let reads_tokens = path.contains("/users") || path == "/v1/audit";
                let known = ACTIONS.iter().any(|(other, route, _)| *other == method && route == path);
                // Klarna calls it without a key. A worker then reads what happened.
                let is_push = path.starts_with("/v1/push/");
                if !known && !is_push && (method != Method::GET || reads_tokens) {
                    missing.push(format!("{method} {path}"));
                }
            }
        }
        assert!(missing.is_empty(), "no action for {missing:?}");
    }
}
