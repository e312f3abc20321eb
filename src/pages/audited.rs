//! The rows that operators leave in the audit log.
//!
//! A request that asks for an action, or reads tokens' states, is written down as soon as it is
//! known who sends it ([`Asked`]). A handler that knows more leaves a row of its own instead
//! ([`Begun`], or `Viewer::answer_read`). Otherwise the middleware leaves one when the request has
//! ended: the viewer may not do this, or not for this merchant, the form is wrong, or the database
//! failed.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;

use super::Pages;
use super::failure::Failure;
use super::fields::Fields;
use crate::audit::{Action, Actor, Audit, Entry, Outcome};
use crate::ids::{MerchantName, UserId, UserKey};

/// What a form has for all merchants. No merchant has this name.
pub(super) const ALL: &str = "*";

/// The most characters of a text in a path that a row keeps.
const LONGEST: usize = 1000;

/// What a request asks for, until it has a row. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Asked(Arc<Mutex<Option<Entry>>>);

impl Asked {
    pub(super) fn set(&self, entry: Entry) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(entry);
    }

    pub(super) fn take(&self) -> Option<Entry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Notes what a form of `actor` asks for.
    pub(super) async fn note(&self, actor: Actor, parts: &mut Parts, fields: &Fields) {
        let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
        let Some(action) = route.and_then(|route| asked_for(route, fields)) else { return };
        let merchant: Option<MerchantName> = fields.name("merchant").ok().flatten();
        let merchant = merchant.filter(|merchant| merchant.as_str() != ALL);
        let user: Option<UserId> = fields.name("user").ok().flatten();
        let mut entry = Entry::new(actor, action).merchant(merchant.as_ref());
        if let Some((merchant, user)) = merchant.zip(user) {
            entry = entry.about(&UserKey { merchant, user });
        }
        let params = RawPathParams::from_request_parts(parts, &()).await.ok();
        let id = params.as_ref().and_then(|params| params.iter().find(|(name, _)| *name == "id"));
        if let Some((_, id)) = id {
            entry = entry.object(id.chars().take(LONGEST).collect::<String>());
        }
        self.set(entry);
    }
}

/// Leaves the row of a request that has none yet.
struct Unrecorded {
    audit: Audit,
    asked: Asked,
}

impl Unrecorded {
    fn leave(&self, outcome: Outcome) {
        if let Some(entry) = self.asked.take() {
            self.audit.record(entry.ended(outcome));
        }
    }
}

impl Drop for Unrecorded {
    fn drop(&mut self) {
        self.leave(Outcome::Failed);
    }
}

/// Middleware of all pages.
pub(super) async fn record(State(pages): State<Arc<Pages>>, mut request: Request, next: Next) -> Response {
    let asked = Asked::default();
    request.extensions_mut().insert(asked.clone());
    let row = Unrecorded { audit: pages.deps.audit.clone(), asked };
    let response = next.run(request).await;
    let outcome = response.extensions().get::<Outcome>().copied();
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    row.leave(outcome.unwrap_or(if is_error { Outcome::Failed } else { Outcome::Done }));
    response
}

/// The row of an action that has begun. If it is dropped before the action's end (the browser
/// closed the connection, the handler panicked, or the service stopped), it says that the action
/// failed; a part may be done.
pub(super) struct Begun {
    audit: Audit,
    entry: Option<Entry>,
}

impl Begun {
    /// `asked` is what the request is known to ask for: its row is this one.
    pub(super) fn new(pages: &Pages, asked: &Asked, entry: Entry) -> Self {
        asked.take();
        Self { audit: pages.deps.audit.clone(), entry: Some(entry) }
    }

    /// Says what the action changes.
    pub(super) fn object(mut self, object: impl Display) -> Self {
        self.entry = self.entry.take().map(|entry| entry.object(object));
        self
    }

    /// Leaves the row of an action that has ended.
    pub(super) fn end(mut self, done: Result<Response, Failure>) -> Result<Response, Failure> {
        self.leave(done.as_ref().err().map_or(Outcome::Done, Failure::outcome));
        done
    }

    fn leave(&mut self, outcome: Outcome) {
        if let Some(entry) = self.entry.take() {
            self.audit.record(entry.ended(outcome));
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.leave(Outcome::Failed);
    }
}

/// Returns the action that a route's form asks for.
fn asked_for(route: &str, fields: &Fields) -> Option<Action> {
    match route {
        "/orders/bulk" if fields.get("action") == Some("cancel") => Some(Action::OrderCancel),
        "/orders/bulk" if fields.get("action") == Some("retry-follow-ups") => {
            Some(Action::OrderRetryFollowUps)
        }
        "/orders/bulk" | "/orders/{id}/retry" => Some(Action::OrderRetry),
        "/orders/{id}/cancel" => Some(Action::OrderCancel),
        "/user/resolve" | "/users/resolve" => Some(Action::TokenResolve),
        "/user/forget" => Some(Action::TokenForget),
        "/user/sign-out" => Some(Action::UserRevoke),
        "/webhooks/{id}/resend" | "/webhooks/resend" => Some(Action::WebhookResend),
        "/webhooks/test" => Some(Action::WebhookTest),
        "/pauses" => Some(Action::Pause),
        "/pauses/resume" => Some(Action::Resume),
        "/breakers/probe" => Some(Action::BreakersProbe),
        "/sign-out" => Some(Action::SignOut),
        _ => None,
    }
}
