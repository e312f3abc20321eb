//! The ways in which a provider fails, drawn or ordered.

use std::fmt;

use axum::http::StatusCode;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A way to fail. What is *processed* has had its effect, a token spent or an order created,
/// whatever the answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Failure {
    /// `invalid_request`, "Please retry", as of two refreshes at once; `BAD_VALUE` at Checkout.
    #[value(name = "400")]
    BadRequest,
    /// `invalid_client`; wrong credentials at Checkout.
    #[value(name = "401")]
    Unauthorized,
    /// `unauthorized_client`; not activated at Checkout.
    #[value(name = "403")]
    Forbidden,
    /// Too large.
    #[value(name = "413")]
    TooLarge,
    /// Rate limited: `X-Ratelimit-*`, and at the token endpoint `Retry-After`.
    #[value(name = "429")]
    TooManyRequests,
    /// An HTML page, nothing processed.
    #[value(name = "500")]
    InternalError,
    /// The same page, but processed.
    #[value(name = "500-processed")]
    InternalErrorProcessed,
    /// A gateway that did not get through.
    #[value(name = "502")]
    BadGateway,
    /// Unavailable, with `Retry-After`.
    #[value(name = "503")]
    Unavailable,
    /// A gateway that gave up waiting; processed.
    #[value(name = "504")]
    GatewayTimeout,
    /// The connection is cut, nothing processed.
    Cut,
    /// Processed; the connection is cut before the answer.
    Lost,
    /// Processed; the connection is cut amid the answer's body.
    Truncated,
    /// Processed; no answer ever comes.
    Hang,
    /// Processed; the answer has its status, but a page for a body.
    Garbage,
    /// Processed; the `id_token`'s signature is false. Without effect at Checkout.
    BadIdToken,
    /// Processed; the answer begins with a byte-order mark.
    Bom,
    /// Processed; the answer is compressed, though nobody asked for it.
    Gzip,
    /// Likewise, by deflate.
    Deflate,
    /// Processed; the answer has no `access_token`. Without effect at Checkout.
    NoAccessToken,
    /// Processed; a number out of range, half a surrogate pair, a NUL, members that occur twice, and
    /// an error within an object.
    OddMembers,
}

impl Failure {
    /// Whether the request has its effect all the same.
    #[must_use]
    pub fn is_processed(self) -> bool {
        match self {
            Self::InternalErrorProcessed
            | Self::GatewayTimeout
            | Self::Lost
            | Self::Truncated
            | Self::Hang
            | Self::Garbage
            | Self::BadIdToken
            | Self::Bom
            | Self::Gzip
            | Self::Deflate
            | Self::NoAccessToken
            | Self::OddMembers => true,
            Self::BadRequest
            | Self::Unauthorized
            | Self::Forbidden
            | Self::TooLarge
            | Self::TooManyRequests
            | Self::InternalError
            | Self::BadGateway
            | Self::Unavailable
            | Self::Cut => false,
        }
    }

    /// The status it answers with; `None` where there is no answer, or the true one's status.
    pub(super) fn status(self) -> Option<StatusCode> {
        match self {
            Self::BadRequest => Some(StatusCode::BAD_REQUEST),
            Self::Unauthorized => Some(StatusCode::UNAUTHORIZED),
            Self::Forbidden => Some(StatusCode::FORBIDDEN),
            Self::TooLarge => Some(StatusCode::PAYLOAD_TOO_LARGE),
            Self::TooManyRequests => Some(StatusCode::TOO_MANY_REQUESTS),
            Self::InternalError | Self::InternalErrorProcessed => Some(StatusCode::INTERNAL_SERVER_ERROR),
            Self::BadGateway => Some(StatusCode::BAD_GATEWAY),
            Self::Unavailable => Some(StatusCode::SERVICE_UNAVAILABLE),
            Self::GatewayTimeout => Some(StatusCode::GATEWAY_TIMEOUT),
            Self::Cut
            | Self::Lost
            | Self::Truncated
            | Self::Hang
            | Self::Garbage
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

/// One of the endpoints that fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Endpoint {
    /// Where refresh tokens are exchanged.
    Token,
    /// Where orders are created.
    Checkout,
    /// Where sessions of Klarna Payments are created and updated.
    Payments,
}

impl Endpoint {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Checkout => "checkout",
            Self::Payments => "payments",
        }
    }
}
