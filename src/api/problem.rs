//! Errors as `application/problem+json` (RFC 9457).

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::request_id::current_id;
use crate::intake::IntakeError;
use crate::order::{Fault, Rejection};
use crate::store::StoreError;
use crate::vault::RegistryError;

/// The media type of errors.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// What every `type` begins with. The whole is stable: programs may compare it.
const TYPES: &str = "urn:klarna-order-worker:problem:";

/// An error as a caller sees it (RFC 9457).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProblemDetails {
    /// Names the kind of error; stable, for programs to compare.
    #[serde(rename = "type")]
    #[schema(example = "urn:klarna-order-worker:problem:invalid-order")]
    pub kind: String,
    /// The kind in words, the same at each occurrence.
    #[schema(example = "The order cannot be accepted")]
    pub title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    pub status: u16,
    /// What is wrong with this request, and what to do.
    #[schema(example = "1 fault was found; nothing was taken in")]
    pub detail: String,
    /// The request's id, as in the header `x-request-id` and in the logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "01a20fd1-22e8-7e5f-922e-c83baeded480")]
    pub request_id: Option<String>,
    /// Each fault of the request's body, where there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub faults: Vec<Fault>,
}

/// The kinds of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    InvalidRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    UnknownMerchant,
    MethodNotAllowed,
    RequestTimeout,
    TooLarge,
    UnsupportedMediaType,
    Misdirected,
    HeadTooLarge,
    WrongStatus,
    WrongState,
    BodyGone,
    InvalidOrder,
    InvalidToken,
    IdempotencyKeyReused,
    Internal,
    Unavailable,
    DiskFull,
    Overloaded,
    NotReady,
}

impl Kind {
    /// Its status, the end of its `type`, and its title.
    pub(super) const fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::InvalidRequest => (StatusCode::BAD_REQUEST, "invalid-request", "The request cannot be understood"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "No API key that is known"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "The API key does not allow this"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is no such thing"),
            Self::UnknownMerchant => (StatusCode::NOT_FOUND, "unknown-merchant", "There is no such merchant"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "The path does not take this method")
            }
            Self::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, "request-timeout", "The body did not arrive in time"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large"),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body is not declared as JSON")
            }
            Self::Misdirected => {
                (StatusCode::MISDIRECTED_REQUEST, "misdirected", "The request was meant for another host")
            }
            Self::HeadTooLarge => {
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "head-too-large", "The request's head is too large")
            }
            Self::WrongStatus => (StatusCode::CONFLICT, "wrong-status", "The order's status does not allow this"),
            Self::WrongState => (StatusCode::CONFLICT, "wrong-state", "The token's state does not allow this"),
            Self::BodyGone => (StatusCode::CONFLICT, "body-gone", "The order's body was deleted"),
            Self::InvalidOrder => (StatusCode::UNPROCESSABLE_ENTITY, "invalid-order", "The order cannot be accepted"),
            Self::InvalidToken => {
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid-token", "The refresh token cannot be accepted")
            }
            Self::IdempotencyKeyReused => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency-key-reused",
                "The idempotency key belongs to another request",
            ),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "The service failed"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The database cannot be used now"),
            Self::DiskFull => (StatusCode::SERVICE_UNAVAILABLE, "disk-full", "The database's disk is full"),
            Self::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "overloaded", "The service is at its limits"),
            Self::NotReady => (StatusCode::SERVICE_UNAVAILABLE, "not-ready", "The service takes no requests now"),
        }
    }

    /// The header that goes with it: what a caller needs to do better next time.
    const fn header(self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::Unauthorized => Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            Self::Unavailable | Self::NotReady => Some((RETRY_AFTER, HeaderValue::from_static("2"))),
            Self::Overloaded => Some((RETRY_AFTER, HeaderValue::from_static("1"))),
            // Somebody has to make room first.
            Self::DiskFull => Some((RETRY_AFTER, HeaderValue::from_static("60"))),
            _ => None,
        }
    }
}

/// One occurrence of an error.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    kind: Kind,
    detail: String,
    faults: Vec<Fault>,
}

impl Problem {
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), faults: Vec::new() }
    }

    /// A document that is refused for its faults.
    pub(super) fn with_faults(kind: Kind, faults: Vec<Fault>) -> Self {
        let found = if faults.len() == 1 {
            "1 fault was found".to_owned()
        } else {
            format!("{} faults were found", faults.len())
        };
        Self { kind, detail: format!("{found}; nothing was taken in"), faults }
    }

    /// A failure of ours; what it was is logged, and is none of the caller's business.
    pub(super) fn internal() -> Self {
        Self::new(Kind::Internal, "the request could not be served; the logs tell more under this x-request-id")
    }

    /// What is wrong with this request; it quotes no secret.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// The error as a caller sees it.
    pub(super) fn details(self) -> ProblemDetails {
        let (status, slug, title) = self.kind.parts();
        ProblemDetails {
            kind: format!("{TYPES}{slug}"),
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
        let (status, header) = (self.kind.parts().0, self.kind.header());
        // Strings and numbers alone: they always serialise.
        let body = serde_json::to_vec(&self.details()).unwrap_or_default();
        let mut response = (status, [(CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        response.headers_mut().extend(header.map(|(name, value)| (Some(name), value)));
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull => {
                tracing::error!(%error, "A request was refused");
                Self::new(Kind::DiskFull, "nothing was taken in; send it again once there is room")
            }
            _ if error.is_transient() => {
                tracing::warn!(%error, "A request was refused: the database is not available");
                Self::new(Kind::Unavailable, "the database does not answer; send the request again")
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
            RegistryError::Cipher(error) => {
                tracing::error!(%error, "A refresh token could not be sealed");
                Self::internal()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
    fn a_body_beyond_the_limit_and_a_faulty_one_differ() {
        assert_eq!(answered(Rejection::TooLarge.into()), (413, "too-large".into(), None));
        let faults = vec![Fault::new("/merchant", "is missing"), Fault::new("/user", "is missing")];
        let problem = Problem::from(Rejection::Faults(faults.clone())).details();
        assert_eq!((problem.status, problem.faults), (422, faults));
        assert_eq!(problem.detail, "2 faults were found; nothing was taken in");
    }
}
