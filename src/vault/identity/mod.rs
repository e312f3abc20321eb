//! Identifies the shopper: verifies id_tokens with the keys that their issuers publish.

mod id_token;
pub(crate) mod jwks;
mod payload;

use chrono::{DateTime, Utc};

pub use self::id_token::IdTokens;
#[cfg(feature = "fuzzing")]
pub(crate) use self::id_token::{signed_payload, validation};
#[cfg(feature = "fuzzing")]
pub(crate) use self::payload::Payload;

/// Why an `id_token` is not accepted. Contains no claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// It is not a JWT, or lacks `exp`, `iss`, `aud` or `sub`.
    #[error("the id_token is malformed")]
    Malformed,
    /// It is not signed with RS256 or ES256.
    #[error("the id_token is signed with an algorithm that is not allowed")]
    Algorithm,
    /// Its header names an extension that must be understood.
    #[error("the id_token needs an extension that this program does not know")]
    Critical,
    /// The issuer's key set had no key with this id when it was last fetched.
    #[error(
        "the id_token names a signing key that was not among its issuer's keys when they were last fetched, at {} UTC",
        .fetched_at.format("%Y-%m-%d %H:%M:%S")
    )]
    UnknownKey {
        /// When that was.
        fetched_at: DateTime<Utc>,
    },
    /// The issuer's keys have not been fetched yet, and cannot be fetched now.
    #[error("the issuer's signing keys are not available")]
    KeysUnavailable,
    /// The signature does not match the key.
    #[error("the id_token's signature is wrong")]
    Signature,
    /// The issuer is not one of the merchant's issuers.
    #[error("the id_token is from another issuer")]
    Issuer,
    /// It is for another client than the merchant's.
    #[error("the id_token is for another client")]
    Audience,
    /// It was expired, or not yet valid, when it was received.
    #[error("the id_token was not valid when it was received")]
    Expired,
}
