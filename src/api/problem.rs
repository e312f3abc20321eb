//! Errors as `application/problem+json` (RFC 9457).

use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::request_id::current_id;
use crate::audit::Outcome;
use crate::intake::IntakeError;
use crate::order::{Fault, OrderAdminRefusal, Rejection};
use crate::store::StoreError;
use crate::vault::RegistryError;

/// The media type of errors.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// The prefix of every `type`. Prefix and suffix never change, because programs compare them.
const TYPES: &str = "urn:klarna-order-worker:problem:";

/// An error in an answer (RFC 9457).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProblemDetails {
    /// The kind of error. It never changes, so programs can compare it.
    #[serde(rename = "type")]
    #[schema(example = "urn:klarna-order-worker:problem:invalid-order")]
    pub kind: String,
    /// A short description of the kind, always the same for one `type`.
    #[schema(example = "The order is invalid")]
    pub title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    pub status: u16,
    /// What is wrong with this request, and what to do about it.
    #[schema(example = "1 fault; nothing was stored")]
    pub detail: String,
    /// The request's id, as in the header `x-request-id` and in the logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "01a20fd1-22e8-7e5f-922e-c83baeded480")]
    pub request_id: Option<String>,
    /// Each fault in the request's body, if there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub faults: Vec<Fault>,
}

/// What the answers of one kind of error have in common.
pub(super) struct KindParts {
    pub(super) status: StatusCode,
    /// The suffix of `type`.
    pub(super) suffix: &'static str,
    pub(super) title: &'static str,
}

macro_rules! kinds {
    ($($kind:ident: $status:ident, $suffix:literal, $title:literal;)+) => {
        /// The kinds of errors.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Kind {
            $($kind,)+
        }

        impl Kind {
            /// Returns the kind's row of the table.
            pub(super) const fn parts(self) -> KindParts {
                match self {
                    $(Self::$kind => {
                        KindParts { status: StatusCode::$status, suffix: $suffix, title: $title }
                    })+
                }
            }
        }
    };
}

// Each kind of error with its status, the suffix of its `type`, and its title.
kinds! {
    InvalidRequest: BAD_REQUEST, "invalid-request", "Invalid request";
    Unauthorized: UNAUTHORIZED, "unauthorized", "No valid API key";
    Forbidden: FORBIDDEN, "forbidden", "The API key does not allow this";
    NotFound: NOT_FOUND, "not-found", "Not found";
    UnknownMerchant: NOT_FOUND, "unknown-merchant", "Unknown merchant";
    MethodNotAllowed: METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed for this path";
    RequestTimeout: REQUEST_TIMEOUT, "request-timeout", "The body did not arrive in time";
    TooLarge: PAYLOAD_TOO_LARGE, "too-large", "The body is too large";
    UnsupportedMediaType: UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body is not declared as JSON";
    Misdirected: MISDIRECTED_REQUEST, "misdirected", "The request is for another host";
    HeadTooLarge: REQUEST_HEADER_FIELDS_TOO_LARGE, "head-too-large", "The head of the request is too large";
    WrongStatus: CONFLICT, "wrong-status", "The order's status does not allow this";
    WrongState: CONFLICT, "wrong-state", "The token's state does not allow this";
    OrderBusy: CONFLICT, "order-busy", "The order is being submitted or changed";
    PreconditionFailed: PRECONDITION_FAILED, "precondition-failed", "The order has another version";
    PreconditionRequired: PRECONDITION_REQUIRED, "precondition-required", "The header If-Match is missing";
    KlarnaRefused: UNPROCESSABLE_ENTITY, "klarna-refused", "Klarna refuses the change";
    KlarnaUnavailable: SERVICE_UNAVAILABLE, "klarna-unavailable", "Klarna cannot be asked now";
    OrdersPaused: SERVICE_UNAVAILABLE, "orders-paused", "The merchant's orders are paused";
    UserExists: CONFLICT, "user-exists", "The new name is in use";
    UserBusy: CONFLICT, "user-busy", "A worker has an order of the user";
    BodyGone: CONFLICT, "body-gone", "The order's body was deleted";
    InvalidOrder: UNPROCESSABLE_ENTITY, "invalid-order", "The order is invalid";
    InvalidToken: UNPROCESSABLE_ENTITY, "invalid-token", "The refresh token is invalid";
    TokenHeldElsewhere: CONFLICT, "token-held-elsewhere", "The refresh token belongs to another user";
    ReauthRequired: CONFLICT, "reauth-required", "The user must sign in again";
    TokenUncertain: CONFLICT, "token-uncertain", "It is not known whether the refresh token was used";
    NoAccessToken: SERVICE_UNAVAILABLE, "no-access-token", "There is no access token at the moment";
    IdempotencyKeyReused: UNPROCESSABLE_ENTITY, "idempotency-key-reused",
        "The idempotency key was used for another request";
    Internal: INTERNAL_SERVER_ERROR, "internal", "Internal error";
    Unavailable: SERVICE_UNAVAILABLE, "unavailable", "The database is not available";
    DiskFull: SERVICE_UNAVAILABLE, "disk-full", "The database's disk is full";
    Overloaded: SERVICE_UNAVAILABLE, "overloaded", "The service is overloaded";
    Draining: SERVICE_UNAVAILABLE, "draining", "The process ends soon";
    NotReady: SERVICE_UNAVAILABLE, "not-ready", "The service is not ready";
}

impl Kind {
    /// Returns a header that tells the caller what to do next.
    const fn header(self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::Unauthorized => Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            Self::Unavailable | Self::NotReady | Self::NoAccessToken | Self::KlarnaUnavailable => {
                Some((RETRY_AFTER, HeaderValue::from_static("2")))
            }
            Self::UserBusy => Some((RETRY_AFTER, HeaderValue::from_static("5"))),
            Self::OrderBusy | Self::Overloaded | Self::Draining => {
                Some((RETRY_AFTER, HeaderValue::from_static("1")))
            }
            // Somebody has to free disk space first, or to resume the orders.
            Self::DiskFull | Self::OrdersPaused => Some((RETRY_AFTER, HeaderValue::from_static("60"))),
            _ => None,
        }
    }
}

/// One error, to be sent as an answer.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    kind: Kind,
    detail: String,
    faults: Vec<Fault>,
    /// When to repeat the request, if this is known better than by the kind.
    after: Option<Duration>,
    /// What the audit log calls it, if the status does not say so.
    outcome: Option<Outcome>,
}

impl Problem {
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), faults: Vec::new(), after: None, outcome: None }
    }

    /// The same problem, which the audit log calls `outcome`.
    pub(super) fn audited(self, outcome: Outcome) -> Self {
        Self { outcome: Some(outcome), ..self }
    }

    /// The same problem, with the time after which the request may be repeated.
    pub(super) fn after(self, wait: Duration) -> Self {
        Self { after: Some(wait), ..self }
    }

    /// A problem with the faults of a refused document.
    pub(super) fn with_faults(kind: Kind, faults: Vec<Fault>) -> Self {
        let found = if faults.len() == 1 { "1 fault".to_owned() } else { format!("{} faults", faults.len()) };
        Self { faults, ..Self::new(kind, format!("{found}; nothing was stored")) }
    }

    /// An internal error. The cause is in the log, and is not shown to the caller.
    pub(super) fn internal() -> Self {
        Self::new(Kind::Internal, "the request failed; the logs have the cause under this x-request-id")
    }

    /// Returns what is wrong with the request. Contains no secret.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// Returns the body of the answer.
    pub(super) fn details(self) -> ProblemDetails {
        let KindParts { status, suffix, title } = self.kind.parts();
        ProblemDetails {
            kind: format!("{TYPES}{suffix}"),
            title,
            status: status.as_u16(),
            detail: self.detail,
            request_id: current_id(),
            faults: self.faults,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, header, outcome) = (self.kind.parts().status, self.kind.header(), self.outcome);
        let after = self.after.map(|wait| (RETRY_AFTER, HeaderValue::from(whole_seconds(wait))));
        // It contains only strings and numbers, so it can always be serialised.
        let body = serde_json::to_vec(&self.details()).unwrap_or_default();
        let mut response = (status, [(CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        response.headers_mut().extend(after.or(header).map(|(name, value)| (Some(name), value)));
        if let Some(outcome) = outcome {
            response.extensions_mut().insert(outcome);
        }
        response
    }
}

/// Returns a wait in whole seconds, at least one, and never shorter than it is.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull => {
                tracing::error!(%error, "A request was refused");
                Self::new(
                    Kind::DiskFull,
                    "the disk is full and nothing was stored; try again when there is space",
                )
            }
            _ if error.is_transient() => {
                tracing::warn!(%error, "A request was refused: the database is not available");
                Self::new(Kind::Unavailable, "the database does not answer; try again")
            }
            _ => {
                tracing::error!(%error, "A request failed");
                Self::internal()
            }
        }
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::TooLarge => Self::new(Kind::TooLarge, rejection.to_string()),
            Rejection::Faults(faults) => Self::with_faults(Kind::InvalidOrder, faults),
        }
    }
}

impl From<OrderAdminRefusal> for Problem {
    fn from(refusal: OrderAdminRefusal) -> Self {
        let kind = match refusal {
            OrderAdminRefusal::Missing => Kind::NotFound,
            OrderAdminRefusal::BodyGone => Kind::BodyGone,
            OrderAdminRefusal::NotCancelled(_)
            | OrderAdminRefusal::NotRetried(_)
            | OrderAdminRefusal::NoFollowUp => Kind::WrongStatus,
        };
        Self::new(kind, refusal.to_string())
    }
}

impl From<IntakeError> for Problem {
    fn from(error: IntakeError) -> Self {
        match error {
            IntakeError::Rejected(rejection) => rejection.into(),
            IntakeError::KeyReused(_) => Self::new(Kind::IdempotencyKeyReused, error.to_string()),
            IntakeError::Store(error) => error.into(),
        }
    }
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Malformed(message) => Self::new(Kind::InvalidToken, message),
            RegistryError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(problem: Problem) -> (u16, String, Option<String>) {
        let kind = problem.clone().details().kind;
        let response = problem.into_response();
        assert_eq!(response.headers()[CONTENT_TYPE], MEDIA_TYPE);
        let retry = response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), kind.strip_prefix(TYPES).unwrap().to_owned(), retry)
    }

    #[test]
    fn failures_of_the_store_that_pass_are_told_from_those_that_do_not() {
        let after = |seconds: &str| Some(seconds.to_owned());
        let cases = [
            (StoreError::Unavailable("sesame".into()), (503, "unavailable".into(), after("2"))),
            (StoreError::TimedOut(Duration::from_secs(5)), (503, "unavailable".into(), after("2"))),
            (StoreError::DiskFull, (503, "disk-full".into(), after("60"))),
            (StoreError::Refused("sesame".into()), (500, "internal".into(), None)),
            (StoreError::Unreadable("sesame".into()), (500, "internal".into(), None)),
        ];
        for (error, expected) in cases {
            let problem = Problem::from(error);
            assert!(!format!("{problem:?}").contains("sesame"), "{problem:?}");
            assert_eq!(answered(problem), expected);
        }
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds() {
        for (wait, told) in [(0, "1"), (200, "1"), (1000, "1"), (1001, "2"), (60_000, "60")] {
            let problem = Problem::new(Kind::NoAccessToken, "why").after(Duration::from_millis(wait));
            assert_eq!(answered(problem), (503, "no-access-token".into(), Some(told.to_owned())));
        }
    }

    #[test]
    fn a_body_beyond_the_limit_and_a_faulty_one_differ() {
        assert_eq!(answered(Rejection::TooLarge.into()), (413, "too-large".into(), None));
        let faults = vec![Fault::new("/merchant", "is missing"), Fault::new("/user", "is missing")];
        let problem = Problem::from(Rejection::Faults(faults.clone())).details();
        assert_eq!((problem.status, problem.faults), (422, faults));
        assert_eq!(problem.detail, "2 faults; nothing was stored");
    }
}
