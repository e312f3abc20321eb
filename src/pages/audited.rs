//! The rows that actions of operators leave in the audit log.

use std::fmt::Display;

use axum::response::Response;

use super::Pages;
use super::failure::Failure;
use super::fields::Fields;
use crate::audit::{Action, Audit, Entry, Outcome};

/// The row of an action that has begun. If it is dropped before the action's end (the browser closed the
/// connection, the handler panicked, or the service stopped), it says that the action failed; a part may
/// be done.
pub(super) struct Begun {
    audit: Audit,
    entry: Option<Entry>,
}

impl Begun {
    pub(super) fn new(pages: &Pages, entry: Entry) -> Self {
        Self { audit: pages.deps.audit.clone(), entry: Some(entry) }
    }

    /// Says what the action changes.
    pub(super) fn object(mut self, object: impl Display) -> Self {
        self.entry = self.entry.take().map(|entry| entry.object(object));
        self
    }

    /// Leaves the row of an action that has ended.
    pub(super) fn end(mut self, done: Result<Response, Failure>) -> Result<Response, Failure> {
        let outcome = match &done {
            Ok(_) => Outcome::Done,
            Err(Failure::NotFound(_)) => Outcome::NotFound,
            Err(Failure::Invalid(_) | Failure::WrongStatus(_)) => Outcome::Rejected,
            Err(_) => Outcome::Failed,
        };
        self.leave(outcome);
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
pub(super) fn asked_for(route: &str, fields: &Fields) -> Option<Action> {
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
        _ => None,
    }
}
