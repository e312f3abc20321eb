//! The error pages.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;

use super::frame;
use super::links::link;
use crate::audit::Outcome;
use crate::order::OrderAdminRefusal;
use crate::store::StoreError;

/// Why a page cannot be shown, or why an action was not carried out.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// Not signed in, or the session has ended. The browser goes to the sign-in page, and returns
    /// to this address after it.
    SignIn(String),
    /// The same, for a request by the script.
    SessionEnded,
    /// The settings have no key that may sign in.
    NoKey,
    /// The form is not from a page of this session.
    ForeignForm,
    /// The address or the form is invalid.
    Invalid(String),
    /// The key does not allow actions.
    ReadOnly,
    /// The form did not arrive in time.
    TooSlow,
    /// It does not exist.
    NotFound(&'static str),
    /// The key is not valid for its merchant. It looks as if it did not exist.
    NotForKey(&'static str),
    /// Its state does not allow the action.
    WrongStatus(String),
    /// The database failed.
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<OrderAdminRefusal> for Failure {
    fn from(refusal: OrderAdminRefusal) -> Self {
        match refusal {
            OrderAdminRefusal::Missing => Self::NotFound("Order not found."),
            refusal => Self::WrongStatus(format!("{refusal}.").replacen("the order", "The order", 1)),
        }
    }
}

const NO_KEY: &str = "klarna-order-worker keys api generate --name operator --scopes ops";

impl Failure {
    /// Returns how the audit log calls it.
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::SignIn(_)
            | Self::SessionEnded
            | Self::NoKey
            | Self::ForeignForm
            | Self::ReadOnly
            | Self::NotForKey(_) => Outcome::Refused,
            Self::Invalid(_) | Self::TooSlow | Self::WrongStatus(_) => Outcome::Rejected,
            Self::NotFound(_) => Outcome::NotFound,
            Self::Store(_) => Outcome::Failed,
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let outcome = self.outcome();
        let mut response = self.page();
        response.extensions_mut().insert(outcome);
        response
    }
}

impl Failure {
    fn page(self) -> Response {
        let (status, title, text) = match self {
            Self::SignIn(next) => return Redirect::to(&link("/sign-in", &[("next", &next)])).into_response(),
            Self::SessionEnded => return StatusCode::UNAUTHORIZED.into_response(),
            Self::NoKey => {
                let main = html! {
                    h1 { "No sign-in possible" }
                    p { "These pages need an API key with the scope " code { "ops" }
                        ", and the settings have none. Create one:" }
                    pre { (NO_KEY) }
                    p { "It prints the key once, and the section to add to the settings. Then reload the \
                        service." }
                };
                return (StatusCode::FORBIDDEN, frame::alone("No sign-in possible", &main)).into_response();
            }
            Self::ForeignForm => (
                StatusCode::FORBIDDEN,
                "Nothing was changed",
                "The form does not belong to this session. Go back, reload the page, and submit it again."
                    .into(),
            ),
            Self::Invalid(text) => (StatusCode::BAD_REQUEST, "Invalid request", text),
            Self::ReadOnly => (
                StatusCode::FORBIDDEN,
                "Nothing was changed",
                "You are signed in with a key of the scope ops:read, which does not allow changes.".into(),
            ),
            Self::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "Nothing was changed",
                "The form did not arrive in time.".into(),
            ),
            Self::NotFound(text) | Self::NotForKey(text) => (StatusCode::NOT_FOUND, "Not found", text.into()),
            Self::WrongStatus(text) => (StatusCode::CONFLICT, "Nothing was changed", text),
            Self::Store(error) if error.is_transient() => {
                tracing::warn!(%error, "A request was refused: the database is not available");
                let text = "The database does not answer. This page reloads by itself.";
                (StatusCode::SERVICE_UNAVAILABLE, "The database is not available", text.into())
            }
            Self::Store(error) => {
                tracing::error!(%error, "A request failed");
                let text = "The log has more, under the x-request-id of this answer.";
                (StatusCode::INTERNAL_SERVER_ERROR, "Internal error", text.into())
            }
        };
        let main = html! {
            h1 { (title) }
            p { (text) }
            p { a href="/" { "Go to the overview" } }
        };
        (status, frame::failed(title, &main)).into_response()
    }
}
