//! The kinds of failures.

use std::fmt;

use axum::http::StatusCode;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A kind of failure. A *processed* request has had its effect (the token is spent, the order is
/// created), whatever the answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Failure {
    /// 400 `invalid_request`, "Please retry", as for two refreshes at once; `BAD_VALUE` at
    /// Checkout.
    #[value(name = "400")]
    BadRequest,
    /// 401 `invalid_client`; wrong credentials at Checkout.
    #[value(name = "401")]
    Unauthorized,
    /// 403 `unauthorized_client`; merchant not activated at Checkout.
    #[value(name = "403")]
    Forbidden,
    /// 404: as for an order or session that Klarna does not know any more.
    #[value(name = "404")]
    NotFound,
    /// 413: the body is too large.
    #[value(name = "413")]
    TooLarge,
    /// 422 `BAD_VALUE` at Checkout; not processed.
    #[value(name = "422")]
    Unprocessable,
    /// 429 with `X-Ratelimit-*`, and at the token endpoint with `Retry-After`.
    #[value(name = "429")]
    TooManyRequests,
    /// 500 with an HTML page; not processed.
    #[value(name = "500")]
    InternalError,
    /// 500 with an HTML page; processed.
    #[value(name = "500-processed")]
    InternalErrorProcessed,
    /// 502 of a gateway that could not reach the server; not processed.
    #[value(name = "502")]
    BadGateway,
    /// 503 with `Retry-After`; not processed.
    #[value(name = "503")]
    Unavailable,
    /// 504 of a gateway whose time-out passed; processed.
    #[value(name = "504")]
    GatewayTimeout,
    /// The connection is cut; not processed.
    Cut,
    /// Not processed; an answer never comes.
    Stall,
    /// `invalid_grant`, although the token is good, as from the endpoint of another provider; not
    /// processed. At Checkout like `cut`.
    InvalidGrant,
    /// Processed at once; the answer comes only after the endpoint's time `late`.
    Late,
    /// Processed and answered only after the endpoint's time `late`, as if the request had
    /// travelled for so long.
    Delayed,
    /// Processed; the connection is cut before the answer.
    Lost,
    /// Processed; the connection is cut in the middle of the answer's body.
    Truncated,
    /// Processed; an answer never comes.
    Hang,
    /// Processed; the answer has the right status, but an HTML page as its body.
    Garbage,
    /// Processed; the answer has the right status and no body.
    Empty,
    /// Processed; the signature of the `id_token` is wrong. Without effect at Checkout.
    BadIdToken,
    /// Processed; the answer begins with a byte-order mark.
    Bom,
    /// Processed; the answer is compressed, though nobody asked for it.
    Gzip,
    /// The same with deflate.
    Deflate,
    /// Processed; the answer has no `access_token`. Without effect at Checkout.
    NoAccessToken,
    /// Processed; the answer has a number out of range, half a surrogate pair, a NUL, members that
    /// occur twice, and an object as `error`.
    OddMembers,
}

impl Failure {
    /// Returns whether the request is processed in spite of the failure.
    #[must_use]
    pub fn is_processed(self) -> bool {
        match self {
            Self::InternalErrorProcessed
            | Self::GatewayTimeout
            | Self::Lost
            | Self::Truncated
            | Self::Hang
            | Self::Late
            | Self::Delayed
            | Self::Garbage
            | Self::Empty
            | Self::BadIdToken
            | Self::Bom
            | Self::Gzip
            | Self::Deflate
            | Self::NoAccessToken
            | Self::OddMembers => true,
            Self::BadRequest
            | Self::Unauthorized
            | Self::Forbidden
            | Self::NotFound
            | Self::TooLarge
            | Self::Unprocessable
            | Self::TooManyRequests
            | Self::InternalError
            | Self::BadGateway
            | Self::Unavailable
            | Self::Cut
            | Self::Stall
            | Self::InvalidGrant => false,
        }
    }

    /// Returns whether the tokens of a processed request do not reach the client in its answer.
    #[must_use]
    pub fn loses_answer(self) -> bool {
        matches!(
            self,
            Self::InternalErrorProcessed
                | Self::GatewayTimeout
                | Self::Lost
                | Self::Truncated
                | Self::Hang
                | Self::Garbage
                | Self::Empty
        )
    }

    /// Returns the status of the failure's answer. `None` if there is no answer, or the answer has
    /// the status of a success.
    pub(super) fn status(self) -> Option<StatusCode> {
        match self {
            Self::BadRequest => Some(StatusCode::BAD_REQUEST),
            Self::Unauthorized => Some(StatusCode::UNAUTHORIZED),
            Self::Forbidden => Some(StatusCode::FORBIDDEN),
            Self::NotFound => Some(StatusCode::NOT_FOUND),
            Self::TooLarge => Some(StatusCode::PAYLOAD_TOO_LARGE),
            Self::Unprocessable => Some(StatusCode::UNPROCESSABLE_ENTITY),
            Self::TooManyRequests => Some(StatusCode::TOO_MANY_REQUESTS),
            Self::InternalError | Self::InternalErrorProcessed => Some(StatusCode::INTERNAL_SERVER_ERROR),
            Self::BadGateway => Some(StatusCode::BAD_GATEWAY),
            Self::Unavailable => Some(StatusCode::SERVICE_UNAVAILABLE),
            Self::GatewayTimeout => Some(StatusCode::GATEWAY_TIMEOUT),
            Self::Cut
            | Self::Stall
            | Self::InvalidGrant
            | Self::Late
            | Self::Delayed
            | Self::Lost
            | Self::Truncated
            | Self::Hang
            | Self::Garbage
            | Self::Empty
            | Self::BadIdToken
            | Self::Bom
            | Self::Gzip
            | Self::Deflate
            | Self::NoAccessToken
            | Self::OddMembers => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_possible_value().map_or(Ok(()), |value| f.write_str(value.get_name()))
    }
}

impl TryFrom<String> for Failure {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        <Self as ValueEnum>::from_str(&name, false).map_err(|_| {
            let known: Vec<String> = Self::value_variants().iter().map(ToString::to_string).collect();
            format!("{name:?} is no kind of failure; the kinds are {}", known.join(", "))
        })
    }
}

impl From<Failure> for String {
    fn from(failure: Failure) -> Self {
        failure.to_string()
    }
}

/// An endpoint that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Endpoint {
    /// Exchanges refresh tokens.
    Token,
    /// Creates orders.
    Checkout,
    /// Creates and updates sessions of Klarna Payments.
    Payments,
    /// Revokes tokens.
    Revoke,
}

impl Endpoint {
    /// All endpoints.
    pub(super) const ALL: [Self; 4] = [Self::Token, Self::Checkout, Self::Payments, Self::Revoke];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Checkout => "checkout",
            Self::Payments => "payments",
            Self::Revoke => "revoke",
        }
    }
}
